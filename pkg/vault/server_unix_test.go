//go:build linux || darwin

package vault

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/testpg"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// shared is the PostgreSQL of the tests of this process.
var shared struct {
	once    sync.Once
	server  *testpg.Server
	err     error
	schemas int
}

func tearDown() {
	if shared.server != nil {
		_ = shared.server.Remove()
	}
}

// onServer is a place for a store on PostgreSQL.
func onServer(t testing.TB) store.URL {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = testpg.Start("fsync=off") })
	must(t, shared.err)
	shared.schemas++
	u, err := store.ParseURL(shared.server.URL(fmt.Sprint("vault_", shared.schemas)))
	must(t, err)
	return u
}

// TestAStoreOnAServerPassesOnAndBack takes a store from a file to a server and back by backups.
func TestAStoreOnAServerPassesOnAndBack(t *testing.T) {
	w := newWorldAt(t, custody.Test, onServer(t), t.TempDir())
	stock(w)
	w.verifies()
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	before := dump(t, w.db)
	for _, u := range []store.URL{sqliteAt(t, t.TempDir()), onServer(t)} {
		path, _ := w.backup(admin)
		p := newPlace(t)
		p.url = u
		r, err := p.restore(t, path, admin)
		must(t, err)
		_, err = p.restore(t, path, admin)
		mustFail(t, err, fault.FileExists)
		w = p.enter(t, w.id)
		if after := dump(t, w.db); !restoredRows(after, before) || r.Rows["keys"] != 6 {
			t.Errorf("the rows are others in %s", u)
		}
		w.verifies()
	}
	w.rotate("TMK")
	if got := w.blast("ZMK"); !strings.Contains(got, "TPK-2#1") || !strings.Contains(got, "SN-1") {
		t.Errorf("with ZMK: %s", got)
	}
	w.verifies()
}

// TestABackupOnAServerDuringWorkIsOfOneMoment is that of the file, with a server.
func TestABackupOnAServerDuringWorkIsOfOneMoment(t *testing.T) {
	w := newWorldAt(t, custody.Test, onServer(t), t.TempDir())
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	w.kek("ZMK", "")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	for g := range 3 {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := w.enterOne(fmt.Sprintf("K-%d-%d", g, i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 3 {
		path, _ := w.backup(admin)
		p := newPlace(t)
		_, err := p.restore(t, path, admin)
		must(t, err)
		v, err := Verify(t.Context(), openAt(t, p.url), nil, p.log(w.id.ID))
		if must(t, err); !v.OK() {
			t.Errorf("restored: %s", findings(&v))
		}
	}
	stop()
	all.Wait()
	w.verifies()
}

// TestTheLedgerOnAServerIsHeldAgainstTheLog changes rows as whoever may write into the schema can.
func TestTheLedgerOnAServerIsHeldAgainstTheLog(t *testing.T) {
	w := newWorldAt(t, custody.Test, onServer(t), t.TempDir())
	w.lead("C1")
	w.verifies()
	db, err := sql.Open("pgx", w.url.Redacted()) // the servers of these tests ask for no password
	must(t, err)
	defer func() { must(t, db.Close()) }()
	byHand := func(statement string) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), statement)
		must(t, err)
	}
	byHand("UPDATE holdings SET person = 'custodian.x' WHERE part = 2 AND event = 'printed'")
	mustFind(t, w.verify(), "a row of the ledger was changed", "custodian.x")
	byHand("DELETE FROM holdings WHERE person = 'custodian.x'")
	mustFind(t, w.verify(), "custodian.b, B-0002), and it is not there")
	byHand("DELETE FROM holdings")
	byHand("DELETE FROM ceremonies")
	mustFind(t, w.verify(), "ceremony C1: by record", "it was written into the ledger, and it is not there")
	byHand("DROP TABLE holdings")
	_, err = Verify(t.Context(), w.db, nil, w.log)
	mustFail(t, err, fault.ChecksumMismatch, "no table holdings")
}
