//go:build unix

package store_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/testproc"
	"poskey/pkg/dukpt"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

const childMark = "POSKEY_TEST_STORE_CHILD"

// child is the process that gets killed. It makes the store if need be, and then writes for ever, saying on its
// standard output what was acknowledged.
func child(address string) int {
	ctx := context.Background()
	address, loads := strings.CutPrefix(address, loadsMark)
	u, err := store.ParseURL(address)
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	s, err := store.Open(ctx, u, store.Options{Now: time.Now})
	if fault.Is(err, fault.NotFound) {
		s, err = store.Create(ctx, u, storetest.Identity("killed"), nil, store.Options{Now: time.Now})
	}
	switch {
	case err != nil:
	case loads:
		err = loadsForEver(ctx, s)
	default:
		err = writeForEver(ctx, s)
	}
	fmt.Println("error", err)
	return 1
}

func writeForEver(ctx context.Context, s *store.Store) error {
	if _, err := s.Insert(ctx, store.Change{}, bdk()); err != nil && !fault.Is(err, fault.FileExists) {
		return err
	}
	err := s.AddKeySet(ctx, store.Change{}, store.KeySet{ID: "S", BDK: bdk().Ref(), Scheme: dukpt.TDES, KSI: "987654",
		From: 0, To: 500_000})
	if err != nil && !fault.Is(err, fault.NotPermitted) {
		return err
	}
	begin, err := s.NextVersion(ctx, "LIVES")
	if err != nil {
		return err
	}
	fmt.Println("begun")
	for v := begin; ; v++ {
		k := storetest.Key("LIVES", v)
		if _, err := s.Insert(ctx, store.Change{}, k); err != nil {
			return err
		}
		fmt.Println("key", v)
		if err := s.Transition(ctx, store.Change{}, k.Ref(), store.Active, store.Suspended, "in a test"); err != nil {
			return err
		}
		fmt.Println("suspended", v)
		if _, err := s.InsertMany(ctx, store.Change{}, threes(v)); err != nil {
			return err
		}
		fmt.Println("three", v)
		a, err := s.Allocate(ctx, store.Change{},
			store.AllocateRequest{KeySet: "S", RequestID: fmt.Sprint("r", v), Serial: fmt.Sprint("SN", v)})
		if err != nil {
			return err
		}
		fmt.Println("number", v, a.Number)
	}
}

func bdk() store.Key {
	k := storetest.Key("BDK", 1)
	k.Block = "token:bdk"
	return k
}

// threes gives a hundred keys that come together or not at all.
func threes(v int) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		for i := range 100 {
			if !yield(storetest.Key(fmt.Sprintf("MANY-%d", v), i+1), nil) {
				return
			}
		}
	}
}

func TestKilledWriterLosesNothingAcknowledgedInAFile(t *testing.T)   { kills(t, file(t), 12) }
func TestKilledWriterLosesNothingAcknowledgedOnAServer(t *testing.T) { kills(t, schema(t), 6) }

func kills(t *testing.T, u store.URL, times int) {
	address := "sqlite:" + u.Path()
	if u.Path() == "" {
		address = u.Redacted() // this one has no password
	}
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	var said strings.Builder
	for i := range times {
		after := time.Duration(rnd.IntN(150_000)) * time.Microsecond
		said.WriteString(writeUntilKilled(t, address, after, i%3 > 0))
	}
	said.WriteString(writeUntilKilled(t, address, 300*time.Millisecond, true))
	s, err := store.Open(t.Context(), u, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	lines := 0
	for line := range strings.Lines(said.String()) {
		if !strings.HasSuffix(line, "\n") {
			continue // the kill can also cut the message
		}
		lines++
		var what string
		var v int
		var n uint64
		_, _ = fmt.Sscan(line, &what, &v, &n)
		holds(t, s, what, v, n)
	}
	if lines < 20 {
		t.Errorf("only %d lines: the test did not test", lines)
	}
	r, err := s.Verify(t.Context(), nil)
	if err != nil || r.Wrong() != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if u.Path() != "" {
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(u.Path()), "a store*")); err != nil || len(left) > 3 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// holds looks whether what was acknowledged is there.
func holds(t *testing.T, s *store.Store, what string, v int, n uint64) {
	t.Helper()
	switch what {
	case "key", "suspended":
		k, err := s.Get(t.Context(), store.Ref{Label: "LIVES", Version: v})
		if err != nil || what == "suspended" && k.State != store.Suspended {
			t.Errorf("%s %d was acknowledged: %s, %v", what, v, k.State, err)
		}
	case "three":
		if got, err := s.Count(t.Context(), store.Filter{Label: fmt.Sprint("MANY-", v)}); err != nil || got != 100 {
			t.Errorf("the hundred keys %d were acknowledged: %d, %v", v, got, err)
		}
	case "number":
		a, err := s.Allocation(t.Context(), fmt.Sprint("r", v))
		if err != nil || a.Number != n {
			t.Errorf("number %d was acknowledged: %+v, %v", n, a, err)
		}
	case "begun":
	default:
		t.Errorf("the writer said %s", what)
	}
}

// writeUntilKilled runs a writer and kills it some time after it began, or after its start.
func writeUntilKilled(t *testing.T, address string, after time.Duration, wait bool) string {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childMark+"="+address, "GORACE=atexit_sleep_ms=0")
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	r := bufio.NewReader(out)
	var all bytes.Buffer
	if wait {
		stop := time.AfterFunc(30*time.Second, func() { _ = c.Process.Kill() })
		line, err := r.ReadString('\n')
		stop.Stop()
		if err != nil || line != "begun\n" {
			rest, _ := r.ReadString(0)
			t.Fatalf("the writer did not begin: %q, %v", line+rest, err)
		}
	}
	killer := time.AfterFunc(after, func() { _ = c.Process.Kill() })
	defer killer.Stop()
	_, _ = all.ReadFrom(r)
	if err := c.Wait(); err == nil || strings.Contains(all.String(), "error") {
		t.Fatalf("the writer ended by itself: %s", all.String())
	}
	return all.String()
}

func TestFolderThatMayNotBeWritten(t *testing.T) {
	dir, inChild := testproc.InChild(t)
	if !inChild {
		return
	}
	testproc.BecomeNobody(t)
	locked := filepath.Join(dir, "locked")
	must(t, os.Mkdir(locked, 0o700))
	u := parse(t, "sqlite:"+filepath.Join(locked, "store.db"))
	must(t, os.Chmod(locked, 0o500))
	_, err := store.Create(t.Context(), u, storetest.Identity("x"), nil, options())
	wantKind(t, "creating in it", err, fault.NotPermitted)
	must(t, os.Chmod(locked, 0o700))
	s, err := store.Create(t.Context(), u, storetest.Identity("x"), nil, options())
	must(t, err)
	_, err = s.Insert(t.Context(), store.Change{}, storetest.Key("K", 1))
	must(t, err)
	must(t, s.Close())
	must(t, os.Chmod(locked, 0o500))
	if s, err = store.Open(t.Context(), u, options()); err == nil {
		_, err = s.Insert(t.Context(), store.Change{}, storetest.Key("K", 2))
		must(t, s.Close())
	}
	wantKind(t, "writing in it", err, fault.NotPermitted)
	o := options()
	o.ReadOnly = true
	s, err = store.Open(t.Context(), u, o)
	must(t, err)
	if k, err := s.Get(t.Context(), store.Ref{Label: "K"}); err != nil || k.Version != 1 {
		t.Errorf("reading in it: %+v, %v", k, err)
	}
	must(t, s.Close())
	must(t, os.Chmod(locked, 0o700))
	must(t, os.Chmod(u.Path(), 0o000))
	_, err = store.Open(t.Context(), u, options())
	wantKind(t, "a file that may not be read", err, fault.NotPermitted)
	must(t, os.Chmod(u.Path(), 0o400))
	if s, err = store.Open(t.Context(), u, options()); err == nil {
		_, err = s.Insert(t.Context(), store.Change{}, storetest.Key("K", 2))
		must(t, s.Close())
	}
	wantKind(t, "a file that may be read only", err, fault.NotPermitted)
}

// TestFileAtItsLargestLosesNothing lets the kernel stop a write in the middle: the limit on the size of files is a full
// disk that every system has.
func TestFileAtItsLargestLosesNothing(t *testing.T) {
	dir, inChild := testproc.InChild(t)
	if !inChild {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	u := parse(t, "sqlite:"+filepath.Join(dir, "store.db"))
	var was syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	limit := func(n uint64) {
		l := was
		l.Cur = n
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l))
	}
	limit(50_000)
	_, err := store.Create(t.Context(), u, storetest.Identity("x"), nil, options())
	wantKind(t, "creating without room", err, fault.Failure)
	limit(was.Cur)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	s, err := store.Create(t.Context(), u, storetest.Identity("x"), nil, options())
	must(t, err)
	limit(300_000)
	acknowledged := 0
	for err == nil {
		if _, err = s.Insert(t.Context(), store.Change{}, storetest.Key("FILL", acknowledged+1)); err == nil {
			acknowledged++
		}
	}
	wantKind(t, "without room", err, fault.Failure)
	_, err = s.InsertMany(t.Context(), store.Change{}, storetest.Many(5000))
	wantKind(t, "many without room", err, fault.Failure)
	for range 2 { // in the same process, and after opening again
		if n, err := s.Count(t.Context(), store.Filter{}); err != nil || int(n) != acknowledged || n < 10 {
			t.Errorf("%d keys, %d were acknowledged, %v", n, acknowledged, err)
		}
		limit(was.Cur)
		if _, err := s.Insert(t.Context(), store.Change{}, storetest.Key("ROOM", acknowledged)); err != nil {
			t.Errorf("with room again: %v", err)
		}
		acknowledged++
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		s, err = store.Open(t.Context(), u, options())
		must(t, err)
	}
	r, err := s.Verify(t.Context(), nil)
	if err != nil || r.Wrong() != 0 || int(r.Keys) != acknowledged {
		t.Errorf("%+v, %v", r, err)
	}
	must(t, s.Close())
}
