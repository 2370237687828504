package line_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"poskey/pkg/device/line"
)

// TestAReaderStopsWhereSomethingIsComplete: what stands behind it in the same chunk is the next one's, unless it is
// thrown away.
func TestAReaderStopsWhereSomethingIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, peer := net.Pipe()
		r := line.NewReader(host, nil)
		word := func() (got string, err error) {
			err = r.Feed(t.Context(), nil, func(c byte) bool {
				got += string(c)
				return c == '.'
			})
			return got, err
		}
		say := func(s string) {
			t.Helper()
			if _, err := peer.Write([]byte(s)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		say("one.two.th")
		say("ree.lost.")
		for _, want := range []string{"one.", "two.", "three."} {
			if got, err := word(); got != want || err != nil {
				t.Fatalf("read %q, %v; want %q", got, err, want)
			}
		}
		say("lost too.")
		r.Forget()
		say("four.")
		if got, err := word(); got != "four." || err != nil {
			t.Errorf("read %q, %v after forgetting", got, err)
		}
		_ = peer.Close()
		if _, err := word(); !errors.Is(err, io.EOF) {
			t.Errorf("the end is %v", err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}
