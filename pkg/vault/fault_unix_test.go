//go:build linux || darwin

package vault

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/testproc"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// TestAFullDiskLeavesNoBackup lets the kernel say it: a limit on the size of files is a full disk that every system has.
func TestAFullDiskLeavesNoBackup(t *testing.T) {
	dir, child := testproc.InChild(t)
	if !child {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	w := stocked(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	for i := range 100 {
		w.kek(fmt.Sprint("KEK-", i), "")
	}
	_, b := w.backup(admin)
	work := w.begin(custody.StoreBackup, w.id.ID)
	path := filepath.Join(dir, "b.age")
	var was syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	for _, size := range []int64{0, 1, 1000, b.Bytes / 2, b.Bytes - 1} {
		limit := was
		limit.Cur = uint64(size)
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
		_, err := work.Backup(t.Context(), path, w.log, cards(admin))
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was))
		if fault.KindOf(err) != fault.Failure || err == nil || !strings.Contains(err.Error(), "file too large") {
			t.Errorf("with %d bytes of room: %v", size, err)
		}
		if names := (place{dir: dir}).names(t); len(names) != 0 {
			t.Errorf("with %d bytes of room: left are %v", size, names)
		}
	}
	_, err := work.Backup(t.Context(), path, w.log, cards(admin))
	must(t, err)
	done(t, work, agent.Outcome{Outcome: audit.OK()})
}

// TestAFullDiskLosesNothingOfTheStore enters keys until nothing goes any more.
func TestAFullDiskLosesNothingOfTheStore(t *testing.T) {
	_, child := testproc.InChild(t)
	if !child {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	var was syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	limit := was
	limit.Cur = 1_000_000
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	acknowledged, err := 0, error(nil)
	for ; err == nil && acknowledged < 10_000; acknowledged++ {
		err = w.enterOne(fmt.Sprint("K-", acknowledged))
	}
	acknowledged--
	if fault.KindOf(err) != fault.Failure || acknowledged < 10 {
		t.Errorf("after %d keys: %v", acknowledged, err)
	}
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was))
	w.reopen()
	for i := range acknowledged {
		w.row(fmt.Sprint("K-", i))
	}
	if v := w.verify(); !v.OK() {
		t.Error(findings(&v))
	}
}

// TestAFolderThatMayOnlyBeReadIsNamed takes the right to write away.
func TestAFolderThatMayOnlyBeReadIsNamed(t *testing.T) {
	dir, child := testproc.InChild(t)
	if !child {
		return
	}
	testproc.BecomeNobody(t)
	home := filepath.Join(dir, "home")
	must(t, os.Mkdir(home, 0o700))
	w := newWorldAt(t, custody.Test, sqliteAt(t, home), home)
	w.kek("ZMK", "")
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	work := w.begin(custody.StoreBackup, w.id.ID)
	saved := filepath.Join(dir, "b.age")
	_, err := work.Backup(t.Context(), saved, w.log, cards(admin))
	must(t, err)
	locked := filepath.Join(dir, "locked")
	must(t, os.Mkdir(locked, 0o500))
	_, err = work.Backup(t.Context(), filepath.Join(locked, "b.age"), w.log, cards(admin))
	mustFail(t, err, fault.NotPermitted, "make")
	done(t, work, agent.OutcomeOf(err))
	p := place{sqliteAt(t, locked), locked}
	_, err = p.restore(t, saved, admin)
	mustFail(t, err, fault.NotPermitted)
	_, err = CreateOnToken(t.Context(), w.env, TokenBirth{URL: p.url, Environment: custody.Test, Token: "pkcs11:token=test", Who: me(),
		LogPath: func(id string) (string, error) { return p.log(id), nil }, MakeKey: func(context.Context, string) error { return nil }})
	mustFail(t, err, fault.NotPermitted)
	w.close()
	must(t, os.Chmod(home, 0o500))
	defer func() { must(t, os.Chmod(home, 0o700)) }()
	v, err := Verify(t.Context(), readOnly(t, w.url), nil, w.log) // what may be read can be verified
	if must(t, err); !v.OK() {
		t.Error(findings(&v))
	}
}

func readOnly(t *testing.T, u store.URL) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), u, store.Options{Now: time.Now, ReadOnly: true})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
