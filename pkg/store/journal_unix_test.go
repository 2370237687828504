//go:build unix

package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/dukpt"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

const loadsMark = "loads:"

// loadsForEver writes whole loads from eight goroutines, for ever, and says what was acknowledged. It begins with what
// an earlier one left behind, and gives that up.
func loadsForEver(ctx context.Context, s *store.Store) error {
	if _, err := s.Insert(ctx, store.Change{}, bdk()); err != nil && !fault.Is(err, fault.FileExists) {
		return err
	}
	err := s.AddKeySet(ctx, store.Change{}, store.KeySet{ID: "S", BDK: bdk().Ref(), Scheme: dukpt.TDES, KSI: "987654",
		From: 0, To: 500_000})
	if err != nil && !fault.Is(err, fault.NotPermitted) {
		return err
	}
	j := store.NewJournal(s, store.Change{})
	for l, err := range s.Loads(ctx, store.LoadFilter{States: []store.LoadState{store.LoadReserved, store.LoadSent}}) {
		if err == nil {
			_, err = j.Step(ctx, store.LoadStep{ID: l.ID, To: store.LoadFailed, Reason: "killed", Device: store.Failed})
		}
		if err != nil {
			return err
		}
	}
	fmt.Println("begun")
	failed := make(chan error, 8)
	for w := range cap(failed) {
		go func() {
			for i := 0; ; i++ {
				if err := sayLoad(ctx, s, j, fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

func sayLoad(ctx context.Context, s *store.Store, j *store.Journal, name string) error {
	if err := s.AddDevice(ctx, store.Change{}, store.Device{Serial: "SN" + name}); err != nil {
		return err
	}
	l, err := j.Reserve(ctx, store.LoadRequest{ID: name, Run: "run", Serial: "SN" + name, Slot: "90", KeySet: "S"})
	if err != nil {
		return err
	}
	fmt.Println("reserved", name, l.Number)
	_, err = j.Step(ctx, store.LoadStep{ID: name, To: store.LoadSent, Check: storetest.Check(int(l.Number)), Device: store.Sent})
	if err != nil {
		return err
	}
	fmt.Println("sent", name, l.Number)
	if _, err = j.Step(ctx, store.LoadStep{ID: name, To: store.LoadConfirmed, Device: store.Confirmed}); err != nil {
		return err
	}
	fmt.Println("confirmed", name, l.Number)
	return nil
}

func TestKilledJournalLosesNothingAcknowledgedInAFile(t *testing.T)   { killsJournal(t, file(t), 10) }
func TestKilledJournalLosesNothingAcknowledgedOnAServer(t *testing.T) { killsJournal(t, schema(t), 6) }

func killsJournal(t *testing.T, u store.URL, times int) {
	address := "sqlite:" + u.Path()
	if u.Path() == "" {
		address = u.Redacted() // this one has no password
	}
	var said strings.Builder
	for i := range times {
		said.WriteString(writeUntilKilled(t, loadsMark+address, time.Duration(60+40*i)*time.Millisecond, i > 0))
	}
	s, err := store.Open(t.Context(), u, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	order := []store.LoadState{store.LoadReserved, store.LoadSent, store.LoadConfirmed}
	lines := 0
	for line := range strings.Lines(said.String()) {
		var what, name string
		var n uint64
		if fields, _ := fmt.Sscan(line, &what, &name, &n); fields != 3 || !strings.HasSuffix(line, "\n") {
			continue
		}
		lines++
		l, err := s.Load(t.Context(), name)
		if err != nil || l.Number != n {
			t.Errorf("%s was acknowledged: %+v, %v", line, l, err)
		}
		reached := l.State == store.LoadFailed && what != "confirmed" // given up by the one who came after
		for i := len(order) - 1; i >= 0 && string(order[i]) != what; i-- {
			reached = reached || l.State == order[i]
		}
		if !reached && string(l.State) != what {
			t.Errorf("%s was acknowledged, and it is %s", line, l.State)
		}
	}
	if lines < 20 {
		t.Errorf("only %d lines: the test did not test", lines)
	}
	r, err := s.Verify(t.Context(), nil)
	if err != nil || r.Wrong() != 0 || r.Loads == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestJournalOutlivesItsServer stops the server twice under sixteen workers, who ask again with the same request until
// it is there. No number goes to two loads, and what was acknowledged is there.
func TestJournalOutlivesItsServer(t *testing.T) {
	server := ownServer(t)
	s, err := store.Create(t.Context(), parse(t, server.URL("")), storetest.Identity("server"), nil, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	_, err = s.Insert(t.Context(), store.Change{}, bdk())
	must(t, err)
	must(t, s.AddKeySet(t.Context(), store.Change{},
		store.KeySet{ID: "S", BDK: bdk().Ref(), Scheme: dukpt.TDES, KSI: "987654", From: 0, To: 500_000}))
	const workers, each = 16, 60
	for i := range workers * each {
		must(t, s.AddDevice(t.Context(), store.Change{}, store.Device{Serial: fmt.Sprint("SN", i)}))
	}
	j := store.NewJournal(s, store.Change{})
	var done, hurt atomic.Int64
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range each {
				hurt.Add(stubborn(t, j, w*each+i))
				done.Add(1)
			}
		})
	}
	for _, share := range []int64{workers * each / 4, workers * each / 2} {
		for done.Load() < share {
			time.Sleep(time.Millisecond)
		}
		must(t, server.Crash())
		time.Sleep(50 * time.Millisecond)
		must(t, server.Up())
	}
	all.Wait()
	must(t, j.Close())
	if hurt.Load() == 0 {
		t.Error("nobody noticed that the server was away")
	}
	owner := map[uint64]string{}
	for l, err := range s.Loads(t.Context(), store.LoadFilter{}) {
		must(t, err)
		if before, twice := owner[l.Number]; twice || l.State != store.LoadConfirmed && l.State != store.LoadFailed {
			t.Errorf("load %s is %s with number %d, which %q has", l.ID, l.State, l.Number, before)
		}
		owner[l.Number] = l.ID
	}
	confirmed := 0
	for l, err := range s.Loads(t.Context(), store.LoadFilter{Run: "run", States: []store.LoadState{store.LoadConfirmed}}) {
		if confirmed++; err != nil {
			t.Fatal(l.ID, err)
		}
	}
	if confirmed != workers*each {
		t.Errorf("%d are confirmed", confirmed)
	}
	r, err := s.Verify(t.Context(), nil)
	if err != nil || len(r.Findings) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// stubborn writes a load for a device, and another one when it cannot know whether a first was sent.
func stubborn(t *testing.T, j *store.Journal, device int) (hurt int64) {
	insist := func(f func() error) error {
		for {
			err := f()
			if !fault.Is(err, fault.DeviceLink) && !fault.Is(err, fault.OutcomeUnknown) {
				return err
			}
			hurt++
			time.Sleep(2 * time.Millisecond)
		}
	}
	step := func(s store.LoadStep) error {
		return insist(func() error { _, err := j.Step(t.Context(), s); return err })
	}
	for attempt := 1; ; attempt++ {
		id := fmt.Sprintf("l%d-%d", device, attempt)
		must2(t, insist(func() error {
			_, err := j.Reserve(t.Context(), store.LoadRequest{ID: id, Run: "run", Serial: fmt.Sprint("SN", device), Slot: "90",
				KeySet: "S"})
			return err
		}))
		before := hurt
		err := step(store.LoadStep{ID: id, To: store.LoadSent, Check: storetest.Check(device), Device: store.Sent})
		if fault.Is(err, fault.NotPermitted) && hurt > before { // its own step was there; nothing went out
			must2(t, step(store.LoadStep{ID: id, To: store.LoadFailed, Reason: "not sent", Device: store.Failed}))
			continue
		}
		must2(t, err)
		must2(t, step(store.LoadStep{ID: id, To: store.LoadConfirmed, Proof: "check value", Device: store.Confirmed}))
		return hurt
	}
}

// must2 is must for other goroutines than the test's.
func must2(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// TestJournalThatIsNotWaitedForLosesNobodyElse: a server that takes long to commit, one who has no time, and one who
// has.
func TestJournalThatIsNotWaitedForLosesNobodyElse(t *testing.T) {
	u := schema(t)
	s, err := store.Create(t.Context(), u, storetest.Identity("slow"), nil, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	for i := range 3 {
		must(t, s.AddDevice(t.Context(), store.Change{}, store.Device{Serial: fmt.Sprint("SN", i)}))
	}
	onServer(t, u, `CREATE FUNCTION slow() RETURNS trigger AS
		$$ BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END $$ LANGUAGE plpgsql`,
		`CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON loads DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION slow()`)
	j := store.NewJournal(s, store.Change{})
	ask := func(ctx context.Context, i int) error {
		_, err := j.Reserve(ctx, store.LoadRequest{ID: fmt.Sprint("l", i), Run: "run", Serial: fmt.Sprint("SN", i), Slot: "1"})
		return err
	}
	var all sync.WaitGroup
	all.Go(func() { must2(t, ask(t.Context(), 0)) }) // this one keeps the journal busy
	time.Sleep(100 * time.Millisecond)
	all.Go(func() {
		ctx, stop := context.WithTimeout(t.Context(), 600*time.Millisecond) // it is under way by then
		defer stop()
		if err := ask(ctx, 1); !fault.Is(err, fault.OutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("given up while it commits: %v", err)
		}
	})
	all.Go(func() { must2(t, ask(t.Context(), 2)) })
	all.Wait()
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	onServer(t, u, "CREATE OR REPLACE FUNCTION slow() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$ LANGUAGE plpgsql")
	must(t, s.AddDevice(t.Context(), store.Change{}, store.Device{Serial: "SN3"}))
	wantKind(t, "the only one gives up", ask(ctx, 3), fault.OutcomeUnknown)
	begin := time.Now()
	must(t, j.Close())
	if waited := time.Since(begin); waited > 20*time.Second {
		t.Errorf("a transaction that nobody waits for went on for %s", waited)
	}
	for i := range 3 {
		if l, err := s.Load(t.Context(), fmt.Sprint("l", i)); err != nil || l.State != store.LoadReserved {
			t.Errorf("load %d: %+v, %v", i, l, err)
		}
	}
}

// TestTransactionThatFailsFailsAllInIt: another process holds the file.
func TestTransactionThatFailsFailsAllInIt(t *testing.T) {
	u := file(t)
	o := options()
	o.Wait = 50 * time.Millisecond
	s, err := store.Create(t.Context(), u, storetest.Identity("held"), nil, o)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	for i := range 8 {
		must(t, s.AddDevice(t.Context(), store.Change{}, store.Device{Serial: fmt.Sprint("SN", i)}))
	}
	other, err := store.Open(t.Context(), u, options())
	must(t, err)
	defer func() { must(t, other.Close()) }()
	j := store.NewJournal(s, store.Change{})
	crowd := func(check func(i int, err error)) {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				_, err := j.Reserve(t.Context(), store.LoadRequest{ID: fmt.Sprint("l", i), Run: "run", Serial: fmt.Sprint("SN", i), Slot: "1"})
				check(i, err)
			})
		}
		all.Wait()
	}
	_, err = other.InsertMany(t.Context(), store.Change{}, func(yield func(store.Key, error) bool) {
		crowd(func(i int, err error) {
			if !fault.Is(err, fault.Busy) {
				t.Errorf("load %d beside another writer: %v", i, err)
			}
		})
		yield(storetest.Key("K", 1), nil)
	})
	must(t, err)
	crowd(func(i int, err error) {
		if err != nil {
			t.Errorf("load %d when it is done: %v", i, err)
		}
	})
	must(t, j.Close())
}
