//go:build linux || darwin

package agent

import (
	"io"
	"net"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/custody"
)

// crowdIn opens so many connections that greet and then say nothing.
func crowdIn(t *testing.T, path string, n int) []net.Conn {
	t.Helper()
	var all []net.Conn
	t.Cleanup(func() {
		for _, c := range all {
			_ = c.Close()
		}
	})
	for range n {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
		if _, err := io.WriteString(conn, greeting); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, len(greeting))); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestAnAgentThatIsFullTellsHowItStandsAndSeals(t *testing.T) {
	s, path := freely(t, func(s *server) { s.patience = time.Minute })
	crowdIn(t, path, maxSessions)
	c, err := Dial(t.Context(), path, storeID)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := c.Status(t.Context()); err != nil || st.Store != storeID {
		t.Errorf("the status: %+v, %v", st, err)
	}
	_, err = c.Begin(t.Context(), intent(custody.KeyGenerate, "A#1"))
	wantKind(t, err, fault.Busy)
	if err := c.Seal(t.Context(), me()); err != nil {
		t.Fatal(err)
	}
	<-s.sealed
	_, err = Dial(t.Context(), path, storeID)
	wantKind(t, err, fault.Sealed)
}

func TestAnAgentThatTakesNobodyIsNotTakenForASealedStore(t *testing.T) {
	_, path := freely(t, func(s *server) { s.patience = time.Minute })
	crowdIn(t, path, maxSessions+maxSpare)
	_, err := Dial(t.Context(), path, storeID)
	wantKind(t, err, fault.Busy)
}

func TestConnectionsThatBeginNothingAreClosed(t *testing.T) {
	_, path := freely(t, func(s *server) { s.patience = 50 * time.Millisecond })
	c, err := Dial(t.Context(), path, storeID)
	if err != nil {
		t.Fatal(err)
	}
	w := begin(t, c, intent(custody.KeyGenerate, "A#1"))
	for i, conn := range crowdIn(t, path, 3) {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("connection %d: %v", i+1, err)
		}
	}
	if _, err := w.CheckData(t.Context(), makeKey(t, c, "B#1", "aes-128", "D0")); err != nil {
		t.Errorf("a work that was begun: %v", err)
	}
}

func TestTheAgentOfAnotherStoreIsNotAsked(t *testing.T) {
	_, path := freely(t)
	_, err := Dial(t.Context(), path, "TEST-STORE-0002")
	wantKind(t, err, fault.NotPermitted, storeID, "TEST-STORE-0002")
	c := &Client{path, "TEST-STORE-0002"}
	wantKind(t, c.Seal(t.Context(), me()), fault.NotPermitted)
	right, err := Dial(t.Context(), path, storeID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := right.Status(t.Context()); err != nil {
		t.Errorf("it was sealed by a command for another store: %v", err)
	}
}
