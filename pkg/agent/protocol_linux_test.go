package agent

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/custody"
)

func openFiles(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestDescriptorsThatBelongToNoQuestionAreClosed(t *testing.T) {
	_, path := freely(t)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	one := func(op string, n int) error {
		l, err := (&Client{path, storeID}).connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer l.close()
		files := make([]*os.File, n)
		for i := range files {
			files[i] = null
		}
		args := any(nothing{})
		if op == opBegin {
			args = packIntent(intent(custody.KeyGenerate, "A#1"))
		}
		_, err = l.ask(t.Context(), op, args, nil, files, nil)
		return err
	}
	_ = one(opStatus, 1) // whatever is opened once is open from here on
	before := openFiles(t)
	wantKind(t, one(opStatus, 1), fault.Malformed)
	wantKind(t, one(opBegin, 3), fault.Malformed)
	if err := one(opStatus, maxFiles+1); err == nil {
		t.Error("more descriptors than belong to any question were taken")
	}
	for range 400 {
		if openFiles(t) <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d descriptors are open, %d were before", openFiles(t), before)
}

func TestAnAgentOfAnotherVersionIsNotAsked(t *testing.T) {
	path := filepath.Join(shortDir(t), "agent")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "poskey agent 3\n")
		_, _ = io.Copy(io.Discard, conn)
	}()
	_, err = Dial(t.Context(), path, storeID)
	wantKind(t, err, fault.VersionUnsupported)
}

func TestAConnectionThatSaysNothingIsNotWaitedForAtTheEnd(t *testing.T) {
	r := newFixture(t, custody.Test).start()
	conn, err := net.Dial("unix", r.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := r.client.Seal(t.Context(), me()); err != nil {
		t.Fatal(err)
	}
	if err, over := r.over(); err != nil || !over {
		t.Errorf("the agent ended with %v, %v", err, over)
	}
}
