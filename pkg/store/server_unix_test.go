//go:build unix

package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/testpg"
	"poskey/pkg/dukpt"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

// ownServer is one that a test may stop.
func ownServer(t *testing.T, settings ...string) *testpg.Server {
	t.Helper()
	server, err := testpg.Start(settings...)
	must(t, err)
	t.Cleanup(func() { must(t, server.Remove()) })
	return server
}

// TestServerGoesAwayAndComesBack stops the server for real between and during calls.
func TestServerGoesAwayAndComesBack(t *testing.T) {
	server := ownServer(t)
	u := parse(t, server.URL(""))
	s, err := store.Create(t.Context(), u, storetest.Identity("server"), nil, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	_, err = s.Insert(t.Context(), store.Change{}, bdk())
	must(t, err)
	must(t, s.AddKeySet(t.Context(), store.Change{},
		store.KeySet{ID: "S", BDK: bdk().Ref(), Scheme: dukpt.TDES, KSI: "987654", From: 0, To: 9}))
	request := func(n int) store.AllocateRequest {
		return store.AllocateRequest{KeySet: "S", RequestID: fmt.Sprint("r", n), Serial: fmt.Sprint("SN", n)}
	}
	keys := 1
	for i, stop := range []func() error{server.Down, server.Crash} {
		fillPool(t, s)
		must(t, stop())
		_, err = s.Get(t.Context(), bdk().Ref())
		wantKind(t, "reading while it is away", err, fault.DeviceLink)
		_, err = s.Insert(t.Context(), store.Change{}, storetest.Key("K", 9))
		wantKind(t, "writing while it is away", err, fault.DeviceLink)
		_, err = s.Allocate(t.Context(), store.Change{}, request(9))
		wantKind(t, "allocating while it is away", err, fault.DeviceLink)
		if fault.KindOf(err).Exit() != 8 || !fault.KindOf(err).Retriable() {
			t.Errorf("%s exits with %d", fault.KindOf(err), fault.KindOf(err).Exit())
		}
		_, err = store.Open(t.Context(), u, options())
		wantKind(t, "opening while it is away", err, fault.DeviceLink)
		must(t, server.Up())
		if i == 0 {
			fillPool(t, s)
			must(t, server.Down())
			must(t, server.Up()) // the connections of the pool are dead now, and nobody has noticed yet
		}
		a, err := s.Allocate(t.Context(), store.Change{}, request(i))
		if err != nil || a.Number != uint64(i) {
			t.Errorf("allocating after it came back: %+v, %v", a, err)
		}
		_, err = s.Insert(t.Context(), store.Change{}, storetest.Key("K", i+1))
		if err != nil {
			t.Errorf("writing after it came back: %v", err)
		}
		keys++
		if n, err := s.Count(t.Context(), store.Filter{}); err != nil || n != int64(keys) {
			t.Errorf("%d keys, want %d, %v", n, keys, err)
		}
	}
	r, err := s.Verify(t.Context(), nil)
	if err != nil || len(r.Findings) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// fillPool opens several connections.
func fillPool(t *testing.T, s *store.Store) {
	t.Helper()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range s.Tree(t.Context(), store.Ref{}) {
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	all.Wait()
}

// TestServerThatStopsUnderAWriterKeepsWhatWasAcknowledged: what was not acknowledged is there whole or not at all.
func TestServerThatStopsUnderAWriterKeepsWhatWasAcknowledged(t *testing.T) {
	server := ownServer(t)
	s, err := store.Create(t.Context(), parse(t, server.URL("")), storetest.Identity("server"), nil, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	acknowledged := make(chan int, 1)
	kinds := map[fault.Kind]bool{fault.DeviceLink: true, fault.OutcomeUnknown: true}
	go func() {
		for v := 1; ; v++ {
			if _, err := s.InsertMany(context.Background(), store.Change{}, threes(v)); err != nil {
				if !kinds[fault.KindOf(err)] {
					t.Errorf("stopped under it: kind %s: %v", fault.KindOf(err), err)
				}
				acknowledged <- v - 1
				return
			}
		}
	}()
	time.Sleep(300 * time.Millisecond)
	must(t, server.Crash())
	last := <-acknowledged
	must(t, server.Up())
	for v := 1; v <= last+1; v++ {
		n, err := s.Count(t.Context(), store.Filter{Label: fmt.Sprint("MANY-", v)})
		if err != nil || n != 100 && (n != 0 || v <= last) {
			t.Errorf("of hundred %d, %d are there (%d were acknowledged), %v", v, n, last, err)
		}
	}
	if last == 0 {
		t.Error("nothing was written before it stopped")
	}
}

// onServer does something to the database behind the store's back.
func onServer(t *testing.T, u store.URL, statements ...string) {
	t.Helper()
	db, err := sql.Open("pgx", u.Redacted()) // the servers of these tests ask for no password
	must(t, err)
	defer func() { must(t, db.Close()) }()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// TestCommitThatIsNotWaitedForMayHaveHappened: a server that takes long to commit, and somebody who has no time.
func TestCommitThatIsNotWaitedForMayHaveHappened(t *testing.T) {
	u := schema(t)
	s, err := store.Create(t.Context(), u, storetest.Identity("slow"), nil, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	onServer(t, u, `CREATE FUNCTION slow() RETURNS trigger AS
		$$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$ LANGUAGE plpgsql`,
		`CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON keys DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION slow()`)
	ctx, cancel := context.WithCancel(t.Context())
	stop := time.AfterFunc(300*time.Millisecond, cancel)
	defer stop.Stop()
	_, err = s.Insert(ctx, store.Change{}, storetest.Key("K", 1))
	wantKind(t, "given up while it commits", err, fault.OutcomeUnknown)
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = s.Insert(ctx, store.Change{}, storetest.Key("K", 2))
	wantKind(t, "no time left while it commits", err, fault.OutcomeUnknown)
	_, err = s.Insert(ctx, store.Change{}, storetest.Key("K", 3))
	wantKind(t, "no time left before it begins", err, fault.DeviceTimeout)
}

func TestServerWithoutTheStoreSaysSo(t *testing.T) {
	_, err := store.Open(t.Context(), parse(t, shared.server.URL("nowhere")), options())
	wantKind(t, "no schema", err, fault.NotFound)
	_, err = store.Open(t.Context(), parse(t, shared.server.URL("")+"&dbname=nothing"), options())
	wantKind(t, "no database", err, fault.NotFound)
	_, err = store.Open(t.Context(), parse(t, shared.server.URL("")+"&user=nobody"), options())
	wantKind(t, "no such user", err, fault.AuthFailed)
	u := schema(t)
	s, err := store.Create(t.Context(), u, storetest.Identity("hidden"), nil, options())
	must(t, err)
	must(t, s.Close())
	onServer(t, u, "CREATE ROLE stranger LOGIN")
	_, err = store.Open(t.Context(), parse(t, u.Redacted()+"&user=stranger"), options())
	wantKind(t, "a user who may not look into the schema", err, fault.NotPermitted)
}

// TestLeaseIDThatIsTakenMeanwhileIsNoDamage: two stations ask with one id for numbers of two key sets at once.
func TestLeaseIDThatIsTakenMeanwhileIsNoDamage(t *testing.T) {
	u := schema(t)
	s, err := store.Create(t.Context(), u, storetest.Identity("leases"), nil, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	_, err = s.Insert(t.Context(), store.Change{}, bdk())
	must(t, err)
	for i, id := range []string{"A", "B"} {
		must(t, s.AddKeySet(t.Context(), store.Change{}, store.KeySet{ID: id, BDK: bdk().Ref(), Scheme: dukpt.TDES,
			KSI: fmt.Sprint("98765", i), From: 0, To: 99}))
	}
	db, err := sql.Open("pgx", u.Redacted())
	must(t, err)
	defer func() { must(t, db.Close()) }()
	other, err := db.BeginTx(t.Context(), nil)
	must(t, err)
	_, err = other.ExecContext(t.Context(), "INSERT INTO leases VALUES ('L', 'B', 'line-2', 0, 9, 1, 1, 0, 0)")
	must(t, err)
	committed := make(chan error, 1)
	time.AfterFunc(200*time.Millisecond, func() { committed <- other.Commit() })
	_, err = s.Lease(t.Context(), store.Change{}, store.LeaseRequest{ID: "L", KeySet: "A", Station: "line-1", Count: 9,
		Until: storetest.Birth().AddDate(1, 0, 0)})
	must(t, <-committed) // the server lets the lease go on before it tells who committed
	wantKind(t, "an id that is taken meanwhile", err, fault.Busy)
	if k, err := s.KeySet(t.Context(), "A"); err != nil || k.Next != 0 {
		t.Errorf("it took numbers: %+v, %v", k, err)
	}
}

// TestARunIsNotClosedUnderALoad: a load that is being taken down is waited for, and one that comes while the run is being
// closed finds it closed.
func TestARunIsNotClosedUnderALoad(t *testing.T) {
	u := schema(t)
	s, err := store.Create(t.Context(), u, storetest.Identity("closing"), nil, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	_, err = s.Insert(t.Context(), store.Change{}, storetest.Key("TPK", 1))
	must(t, err)
	must(t, s.AddRun(t.Context(), store.Change{}, store.Run{ID: "R1", Plan: []byte("{}"), Manifest: strings.Repeat("AB", 32)},
		[]store.RunDevice{{Serial: "SN1", URI: "visa+tcp://127.0.0.1:1"}}))
	db, err := sql.Open("pgx", u.Redacted())
	must(t, err)
	defer func() { must(t, db.Close()) }()
	held := func(lock string, f func() error) error {
		t.Helper()
		tx, err := db.BeginTx(t.Context(), nil)
		must(t, err)
		_, err = tx.Exec("SELECT 1 FROM runs WHERE id = 'R1' FOR " + lock)
		must(t, err)
		out := make(chan error, 1)
		go func() { out <- f() }()
		select {
		case err := <-out:
			t.Errorf("it does not wait for %s: %v", lock, err)
			out <- err
		case <-time.After(300 * time.Millisecond):
		}
		must(t, tx.Rollback())
		return <-out
	}
	load := store.LoadRequest{ID: "l1", Run: "R1", Serial: "SN1", Slot: "0", Key: store.Ref{Label: "TPK", Version: 1}}
	must(t, held("UPDATE", func() error {
		_, failed, err := s.ReserveLoads(context.Background(), store.Change{}, []store.LoadRequest{load})
		return errors.Join(append(failed, err)...)
	}))
	must(t, s.RecordRun(t.Context(), store.Change{}, "R1", []store.RunResult{{Serial: "SN1", State: store.Failed, Reason: "x"}}))
	must(t, held("KEY SHARE", func() error { return s.CloseRun(context.Background(), store.Change{}, "R1", 0) }))
}
