package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// stocked is a small store with something of everything.
func stocked(t testing.TB, e custody.Environment) *world {
	t.Helper()
	w := newWorld(t, e)
	stock(w)
	return w
}

func stock(w *world) {
	w.kek("ZMK", "")
	w.kek("TMK", "ZMK")
	w.pin("TPK", "TMK")
	w.rotate("ZMK")
	w.move("TPK", store.Suspended)
	w.kek("GONE", "")
	w.move("GONE", store.Deactivated)
	w.move("GONE", store.Destroyed)
	w.device("SN-1", w.pin("TPK-2", "TMK"))
}

// plainOf decrypts a backup.
func plainOf(t testing.TB, path string, officer *custody.Identity) []byte {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	plain, err := officer.OpenSealed(f)
	must(t, err)
	raw, err := io.ReadAll(plain)
	must(t, err)
	return raw
}

func realEnv() keys.Env { return keys.Env{Rand: rand.Reader, Now: time.Now} }

func TestARestoredStoreEqualsTheOriginalRowByRow(t *testing.T) {
	noLeaks(t)
	w := stocked(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	before := dump(t, w.db)
	path, b := w.backup(admin)
	if b.Rows["keys"] != 6 || b.Rows["devices"] != 1 || b.Records == 0 || b.Officers[0] != "admin.d" || b.Store != w.id.ID {
		t.Errorf("the backup: %+v", b)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != b.Bytes || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %+v, %v", info, err)
	}
	log, err := os.ReadFile(w.log)
	must(t, err)
	w.close() // the machine is lost

	p := newPlace(t)
	r, err := p.restore(t, path, admin)
	must(t, err)
	if r.KeptLog || r.Records != b.Records || r.SHA256 != b.SHA256 || r.Log != p.log(w.id.ID) || r.Officers[0] != "admin.d" {
		t.Errorf("restored: %+v", r)
	}
	again := p.enter(t, w.id)
	if !restoredRows(dump(t, again.db), before) {
		t.Error("the rows are others")
	}
	got, err := os.ReadFile(r.Log)
	lines := bytes.SplitAfterN(got, []byte{'\n'}, int(b.Records)+1)
	if err != nil || len(lines) <= int(b.Records) || !bytes.HasPrefix(log, bytes.Join(lines[:b.Records], nil)) ||
		bytes.Count(lines[b.Records], []byte(`"op":"store.restore"`)) != 2 {
		t.Errorf("the log is another, %v", err)
	}
	if names := p.names(t); slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, ".part") || strings.Contains(n, ".new-") }) {
		t.Errorf("left behind: %v", names)
	}
	again.pin("AFTER", "TMK")
	again.verifies()
}

// TestEveryFlippedByteOfABackupIsNoticed takes a small backup and changes one bit of each byte.
func TestEveryFlippedByteOfABackupIsNoticed(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	path, _ := w.backup(admin)
	raw, err := os.ReadFile(path)
	must(t, err)
	kinds := map[fault.Kind]int{}
	for i := range raw {
		raw[i] ^= 1 << (i % 8)
		plain, err := admin.OpenSealed(bytes.NewReader(raw))
		if err == nil {
			_, _, err = readBackup(plain, store.Mark{})
		}
		if raw[i] ^= 1 << (i % 8); err == nil {
			t.Fatalf("byte %d of %d was changed, and nobody noticed", i, len(raw))
		}
		kinds[fault.KindOf(err)]++
	}
	for k := range kinds {
		if !slices.Contains([]fault.Kind{fault.Malformed, fault.NotPermitted, fault.MACMismatch}, k) {
			t.Errorf("an error of kind %s", k)
		}
	}
	if kinds[fault.MACMismatch] < len(raw)/2 {
		t.Errorf("of %d bytes: %v", len(raw), kinds)
	}
}

// TestABackupThatEndsEarlyMakesNoStore cuts it at every section and restores what is left.
func TestABackupThatEndsEarlyMakesNoStore(t *testing.T) {
	w := stocked(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	path, _ := w.backup(admin)
	plain := plainOf(t, path, admin)
	places := []int{0, 1, len(backupTitle), len(plain) - 1}
	for _, name := range []string{partOfficer, partLog, partNote, partStore, partEnd} {
		for from := 0; ; {
			i := bytes.Index(plain[from:], []byte(name+"\n"))
			if i < 0 {
				break
			}
			from += i + len(name) + 1
			places = append(places, from-len(name)-1, from-1, from, min(from+4, len(plain)-1), min(from+5, len(plain)-1))
		}
	}
	for step := 1; step < 40; step++ {
		places = append(places, step*len(plain)/40)
	}
	slices.Sort(places)
	for _, n := range slices.Compact(places) {
		p := newPlace(t)
		_, err := Restore(t.Context(), realEnv(), bytes.NewReader(plain[:n]), p.restoring(admin))
		mustFail(t, err, fault.Malformed)
		if names := p.names(t); len(names) != 0 {
			t.Fatalf("cut to %d of %d bytes: left are %v", n, len(plain), names)
		}
	}
	for name, changed := range map[string][]byte{
		"more follows":          append(slices.Clone(plain), 0),
		"another one follows":   append(slices.Clone(plain), plain...),
		"another title":         append([]byte("poskey backup 2\n"), plain[len(backupTitle):]...),
		"an unknown section":    bytes.Replace(plain, []byte(partStore+"\n"), []byte("stare\n"), 1),
		"no officer":            slices.Concat([]byte(backupTitle), plain[bytes.Index(plain, []byte(partLog+"\n")):]),
		"a section with no end": append(slices.Clone(plain[:len(backupTitle)]), bytes.Repeat([]byte("x"), 1<<20)...),
		"a long chunk":          bytes.Replace(plain, []byte(partOfficer+"\n\x00\x00"), []byte(partOfficer+"\n\x00\xFF"), 1),
		"something in the end":  slices.Concat(plain[:len(plain)-4], []byte{0, 0, 0, 1, 'x', 0, 0, 0, 0}),
	} {
		p := newPlace(t)
		_, err := Restore(t.Context(), realEnv(), bytes.NewReader(changed), p.restoring(admin))
		if !fault.Is(err, fault.Malformed) || len(p.names(t)) != 0 {
			t.Errorf("%s: %v; left are %v", name, err, p.names(t))
		}
	}
}

// TestASealedFileThatIsCutMakesNoStore cuts a file that is longer than one chunk of age, at its chunks and elsewhere.
func TestASealedFileThatIsCutMakesNoStore(t *testing.T) {
	w := newWorld(t, custody.Test)
	for i := range 60 {
		w.kek(fmt.Sprint("KEK-", i), "")
	}
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	path, _ := w.backup(admin)
	raw, err := os.ReadFile(path)
	must(t, err)
	const chunk = 64<<10 + 16 // of age
	if len(raw) < chunk+1000 {
		t.Fatalf("the file has %d bytes", len(raw))
	}
	body := bytes.Index(raw, []byte("\n--- ")) + 1
	body += bytes.IndexByte(raw[body:], '\n') + 1 + 16
	for _, n := range []int{body, body + 1, body + chunk, body + chunk - 1, body + chunk + 17, len(raw) - 1, len(raw) - 16, len(raw) - 17} {
		p := newPlace(t)
		plain, err := admin.OpenSealed(bytes.NewReader(raw[:n]))
		must(t, err)
		_, err = Restore(t.Context(), realEnv(), plain, p.restoring(admin))
		mustFail(t, err, fault.MACMismatch, "changed or cut short")
		if names := p.names(t); len(names) != 0 {
			t.Errorf("cut to %d of %d bytes: left are %v", n, len(raw), names)
		}
	}
}

func TestAReaderThatFailsIsNoDamage(t *testing.T) {
	w := newWorld(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	path, _ := w.backup(admin)
	plain := plainOf(t, path, admin)
	broken := fault.New(fault.DeviceLink, "the stick was pulled")
	for _, n := range []int{3, 20, len(plain) / 2, len(plain) - 1} {
		p := newPlace(t)
		_, err := Restore(t.Context(), realEnv(), io.MultiReader(bytes.NewReader(plain[:n]), failingReader{broken}), p.restoring(admin))
		mustFail(t, err, fault.DeviceLink)
		if len(p.names(t)) != 0 {
			t.Errorf("left are %v", p.names(t))
		}
	}
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

func TestABackupIsForItsOfficersOnly(t *testing.T) {
	w := newWorld(t, custody.Test)
	admin, custodian := officer(t, custody.Test, "admin.d", custody.Administrator), officer(t, custody.Test, "custodian.a", custody.Custodian)
	stranger := officer(t, custody.Test, "admin.e", custody.Administrator)
	path, b := w.backup(admin, custodian)
	if strings.Join(b.Officers, " ") != "admin.d custodian.a" {
		t.Errorf("for %v", b.Officers)
	}
	raw, err := os.ReadFile(path)
	must(t, err)
	_, err = stranger.OpenSealed(bytes.NewReader(raw))
	mustFail(t, err, fault.NotPermitted, "admin.e", "other officers")

	for name, present := range map[string][]*custody.Identity{
		"a custodian alone": {custodian}, "nobody": {}, "an officer of somewhere else": {admin, stranger},
	} {
		plain, err := custodian.OpenSealed(bytes.NewReader(raw))
		must(t, err)
		p := newPlace(t)
		_, err = Restore(t.Context(), realEnv(), plain, p.restoring(present...))
		if !fault.Is(err, fault.NotPermitted) || len(p.names(t)) != 0 {
			t.Errorf("%s: %v; left are %v", name, err, p.names(t))
		}
	}
}

func TestRestoringAProductionStoreTakesTwoOfItsAdministrators(t *testing.T) {
	w := newWorld(t, custody.Production)
	d, e := officer(t, custody.Production, "admin.d", custody.Administrator), officer(t, custody.Production, "admin.e", custody.Administrator)
	selfMade := officer(t, custody.Production, "admin.x", custody.Administrator)
	tester := officer(t, custody.Test, "admin.t", custody.Administrator)
	path, _ := w.backup(d, e)
	for name, present := range map[string][]*custody.Identity{
		"one": {d}, "one twice": {d, d}, "one with an identity made for the purpose": {d, selfMade}, "one of test": {d, tester},
	} {
		p := newPlace(t)
		_, err := p.restore(t, path, present...)
		if !fault.Is(err, fault.NotPermitted) || len(p.names(t)) != 0 {
			t.Errorf("%s: %v; left are %v", name, err, p.names(t))
		}
	}
	p := newPlace(t)
	late := keys.Env{Rand: rand.Reader, Now: func() time.Time { return time.Now().AddDate(2, 0, 0) }}
	_, err := Restore(t.Context(), late, bytes.NewReader(plainOf(t, path, d)), p.restoring(d, e))
	mustFail(t, err, fault.NotPermitted, "expired")
	_, err = p.restore(t, path, d, e)
	must(t, err)
	p.enter(t, w.id).verifies()
}

func TestNothingOfProductionGoesToOfficersOfTest(t *testing.T) {
	for _, e := range []custody.Environment{custody.Test, custody.Production} {
		other := map[custody.Environment]custody.Environment{custody.Test: custody.Production, custody.Production: custody.Test}[e]
		w := newWorld(t, e)
		path := filepath.Join(t.TempDir(), "backup.age")
		work := w.begin(custody.StoreBackup, w.id.ID)
		_, err := work.Backup(t.Context(), path, w.log, cards(officer(t, e, "admin.d", custody.Administrator), officer(t, other, "admin.e", custody.Administrator)))
		mustFail(t, err, fault.NotPermitted, "admin.e", string(other))
		if _, err := os.Stat(path); err == nil {
			t.Error("there is a file")
		}
		_, err = work.Backup(t.Context(), path, w.log, nil)
		mustFail(t, err, fault.Usage)
	}
}

// TestAnOfficerWhoLeftOpensTheBackupsOfTheirTimeOnly: what was encrypted for somebody stays so.
func TestAnOfficerWhoLeftOpensTheBackupsOfTheirTimeOnly(t *testing.T) {
	w := newWorld(t, custody.Test)
	admin, leaver := officer(t, custody.Test, "admin.d", custody.Administrator), officer(t, custody.Test, "admin.e", custody.Administrator)
	for _, c := range cards(admin, leaver) {
		must(t, w.db.AddOfficer(t.Context(), store.Change{}, store.Officer{ID: c.ID(), Fingerprint: c.Fingerprint().String(), Card: c.Marshal()}))
	}
	inOffice := func() []*custody.Identity {
		roster, err := Roster(t.Context(), w.db)
		must(t, err)
		var all []*custody.Identity
		for _, raw := range roster {
			c, err := custody.ParseCard(raw)
			must(t, err)
			for _, o := range []*custody.Identity{admin, leaver} {
				if o.Card().Fingerprint() == c.Fingerprint() {
					all = append(all, o)
				}
			}
		}
		return all
	}
	old, _ := w.backup(inOffice()...)
	must(t, w.db.RevokeOfficer(t.Context(), store.Change{}, leaver.Card().Fingerprint().String()))
	fresh, b := w.backup(inOffice()...)
	if strings.Join(b.Officers, " ") != "admin.d" {
		t.Errorf("for %v", b.Officers)
	}
	if len(plainOf(t, old, leaver)) == 0 {
		t.Error("the old one does not open")
	}
	f, err := os.Open(fresh)
	must(t, err)
	defer f.Close()
	_, err = leaver.OpenSealed(f)
	mustFail(t, err, fault.NotPermitted)
	p := newPlace(t)
	_, err = Restore(t.Context(), realEnv(), bytes.NewReader(plainOf(t, fresh, admin)), p.restoring(leaver))
	mustFail(t, err, fault.NotPermitted, "not made for admin.e")
}

func TestABackupOverwritesNothing(t *testing.T) {
	w := newWorld(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	path, _ := w.backup(admin)
	was, err := os.ReadFile(path)
	must(t, err)
	work := w.begin(custody.StoreBackup, w.id.ID)
	_, err = work.Backup(t.Context(), path, w.log, cards(admin))
	mustFail(t, err, fault.FileExists, path)
	_, err = work.Backup(t.Context(), filepath.Join(path, "below"), w.log, cards(admin))
	if err == nil {
		t.Error("a file is a folder")
	}
	_, err = work.Backup(t.Context(), filepath.Join(t.TempDir(), "none", "b.age"), w.log, cards(admin))
	mustFail(t, err, fault.NotFound, "folder")
	_, err = work.Backup(t.Context(), filepath.Join(t.TempDir(), "b.age"), w.log+".gone", cards(admin))
	mustFail(t, err, fault.NotFound, "audit log")
	if is, err := os.ReadFile(path); err != nil || !bytes.Equal(is, was) {
		t.Errorf("the first backup was changed, %v", err)
	}
	if names := (place{dir: filepath.Dir(path)}).names(t); len(names) != 1 {
		t.Errorf("left are %v", names)
	}
}

// TestABackupOfWhatDoesNotBelongTogetherIsRefused: it would be found out when it is needed.
func TestABackupOfWhatDoesNotBelongTogetherIsRefused(t *testing.T) {
	w, other := stocked(t, custody.Test), stocked(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	old := w.log + ".old"
	copyFile(t, w.log, old)
	w.kek("LATER", "")
	edited := w.log + ".edited"
	raw, err := os.ReadFile(w.log)
	must(t, err)
	must(t, os.WriteFile(edited, bytes.Replace(raw, []byte("TPK-2#1"), []byte("TPK-3#1"), 1), 0o600))
	for log, words := range map[string]string{other.log: "store", old: "changed by record", edited: "record"} {
		path := filepath.Join(t.TempDir(), "b.age")
		_, err := w.begin(custody.StoreBackup, w.id.ID).Backup(t.Context(), path, log, cards(admin))
		mustFail(t, err, fault.LogBroken, words)
		if names := (place{dir: filepath.Dir(path)}).names(t); len(names) != 0 {
			t.Errorf("left are %v", names)
		}
	}
}

// TestABackupDuringWorkIsOfOneMoment makes backups while keys are being entered and the log grows.
func TestABackupDuringWorkIsOfOneMoment(t *testing.T) {
	w := newWorld(t, custody.Test)
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
	seen := map[int64]bool{}
	for range 8 {
		path, b := w.backup(admin)
		got, marked, err := readBackup(bytes.NewReader(plainOf(t, path, admin)), b.Mark)
		if err != nil || !marked || b.Mark.Seq > got.Records || b.Mark.IsZero() {
			t.Errorf("the inventory is at %d, the log ends at %d: %v, %v", b.Mark.Seq, got.Records, marked, err)
		}
		seen[b.Rows["keys"]] = true
		p := newPlace(t)
		_, err = p.restore(t, path, admin)
		must(t, err)
		v, err := Verify(t.Context(), openAt(t, p.url), nil, p.log(w.id.ID))
		if must(t, err); !v.OK() {
			t.Errorf("restored: %s", findings(&v))
		}
	}
	stop()
	all.Wait()
	if len(seen) < 3 {
		t.Errorf("the store did not grow meanwhile: %v", seen)
	}
	w.verifies()
}

// enterOne is an operation for goroutines.
func (w *world) enterOne(label string) error {
	ctx := context.Background()
	work, err := w.vault.Begin(ctx, agent.Intent{Activity: custody.KeyGenerate, Label: label + "#1",
		Request: audit.DigestOf([]byte("a request")), Who: me()})
	if err != nil {
		return err
	}
	defer work.Close()
	k, err := enter(ctx, w.t, work, want{label: label, alg: keys.AES128, usage: keys.UsageData, parent: "ZMK"})
	if err != nil {
		return err
	}
	return work.Done(ctx, kept(k))
}

func openAt(t testing.TB, u store.URL) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), u, store.Options{Now: time.Now})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestABackupThatIsInterruptedLeavesNothing(t *testing.T) {
	w := stocked(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "b.age")
	_, err := w.begin(custody.StoreBackup, w.id.ID).Backup(ctx, path, w.log, cards(admin))
	mustFail(t, err, fault.Interrupted)
	if names := (place{dir: filepath.Dir(path)}).names(t); len(names) != 0 {
		t.Errorf("left are %v", names)
	}
	w.verifies()
}

func TestRestoringOverwritesNothing(t *testing.T) {
	w, other := stocked(t, custody.Test), stocked(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	path, b := w.backup(admin)
	backedUp, err := os.ReadFile(w.log)
	must(t, err)
	w.kek("LATER", "")
	longer, err := os.ReadFile(w.log)
	must(t, err)
	foreign, err := os.ReadFile(other.log)
	must(t, err)
	shorter := backedUp[:bytes.LastIndexByte(backedUp[:len(backedUp)/2], '\n')+1]
	diverged := slices.Concat(shorter, foreign)

	p := newPlace(t)
	_, err = p.restore(t, path, admin)
	must(t, err)
	before, names := dump(t, openAt(t, p.url)), p.names(t)
	_, err = p.restore(t, path, admin)
	mustFail(t, err, fault.FileExists)
	if dump(t, openAt(t, p.url)) != before || !slices.Equal(names, p.names(t)) {
		t.Error("what was there was changed")
	}

	for name, log := range map[string][]byte{"foreign": foreign, "shorter": shorter, "diverged": diverged, "empty": {}, "no log": []byte("hello\n")} {
		p := newPlace(t)
		must(t, os.WriteFile(p.log(w.id.ID), log, 0o600))
		_, err := p.restore(t, path, admin)
		if is, rerr := os.ReadFile(p.log(w.id.ID)); !fault.Is(err, fault.FileExists) || !bytes.Equal(is, log) || len(p.names(t)) != 1 {
			t.Errorf("a log that is %s: %v; left are %v, %v", name, err, p.names(t), rerr)
		}
	}

	p = newPlace(t)
	must(t, os.WriteFile(p.log(w.id.ID), longer, 0o600))
	r, err := p.restore(t, path, admin)
	must(t, err)
	is, err := os.ReadFile(r.Log)
	if must(t, err); !r.KeptLog || r.Records != b.Records || !bytes.HasPrefix(is, longer) {
		t.Errorf("the longer log was not kept: %+v", r)
	}
	mustFind(t, p.enter(t, w.id).verify(), "LATER#1: ", "not there", "an older database")
}

// TestRestoringWhileTheLogIsInUseIsRefused: an agent of that store runs here.
func TestRestoringWhileTheLogIsInUseIsRefused(t *testing.T) {
	w := stocked(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	path, _ := w.backup(admin)
	p := newPlace(t)
	r := p.restoring(admin)
	r.LogPath = func(string) (string, error) { return w.log, nil }
	_, err := Restore(t.Context(), realEnv(), bytes.NewReader(plainOf(t, path, admin)), r)
	mustFail(t, err, fault.Busy)
	if len(p.names(t)) != 0 {
		t.Errorf("left are %v", p.names(t))
	}
	w.verifies()
}

// TestWhatARestorationLeftIsTakenUpByTheNext ends one after the log has its place.
func TestWhatARestorationLeftIsTakenUpByTheNext(t *testing.T) {
	w := stocked(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	path, _ := w.backup(admin)
	plain := plainOf(t, path, admin)
	p := newPlace(t)
	j := &restoring{ctx: t.Context(), env: realEnv(), how: p.restoring(admin)}
	err := newParts(bytes.NewReader(plain)).each(func(name string, content io.Reader) error {
		if name != partStore {
			return j.part(name, content)
		}
		must(t, j.settleLog())
		_, err := j.openLog()
		must(t, err)
		return errors.New("the power failed")
	})
	if err == nil || j.stored {
		t.Fatal("it went on")
	}
	j.close() // without undoing
	r, err := p.restore(t, path, admin)
	must(t, err)
	if !r.KeptLog {
		t.Errorf("restored: %+v", r)
	}
	again := p.enter(t, w.id)
	again.verifies()
	if n := len(again.audit.Unfinished()); n != 2 { // the backup's own, and the one that was cut off
		t.Errorf("%d operations are unfinished", n)
	}
}

func TestAnOlderDatabaseUnderANewerLogIsFound(t *testing.T) {
	w := stocked(t, custody.Test)
	w.close()
	old := filepath.Join(t.TempDir(), "old.db")
	copyFile(t, w.url.Path(), old)
	w.open()
	w.kek("LATER", "")
	w.move("TMK", store.Suspended)
	w.verifies()
	w.close()
	copyFile(t, old, w.url.Path())
	w.open()
	mustFind(t, w.verify(), "LATER#1: by record", "TMK#1: by record", "database: the log has a change at record", "an older database")
	w.kek("NEWEST", "") // now the inventory has a newer place than what it lost
	mustFind(t, w.verify(), "LATER#1: by record", "TMK#1: by record")
}

// TestWhatAnIncidentTookOutOfUseDoesNotComeBackUnseen puts a database back in which the keys are still in use.
func TestWhatAnIncidentTookOutOfUseDoesNotComeBackUnseen(t *testing.T) {
	w := stocked(t, custody.Test)
	w.close()
	old := filepath.Join(t.TempDir(), "old.db")
	copyFile(t, w.url.Path(), old)
	w.open()
	work := w.begin(custody.IncidentContain, "INC-2026-0001")
	_, err := work.Move(t.Context(), w.row("TMK"), store.Compromised, "a test")
	must(t, err)
	done(t, work, agent.Outcome{Outcome: audit.OK(), Details: Contained(1, []string{"TMK#1"})})
	nothing := w.begin(custody.IncidentContain, "INC-2026-0001") // it was so before
	done(t, nothing, agent.Outcome{Outcome: audit.OK(), Details: Contained(0, nil)})
	w.verifies()
	w.close()
	copyFile(t, old, w.url.Path())
	w.open()
	mustFind(t, w.verify(), "TMK#1: by record", "database: the log has a change at record", "an older database")
	w.kek("NEWEST", "") // now the inventory has a newer place than what it lost
	mustFind(t, w.verify(), "TMK#1: by record")
}

func TestNamesOfKeysThatAnIncidentTookOutOfUseAreReadAsTheyWereWritten(t *testing.T) {
	var all []string
	for i := range 100 {
		all = append(all, fmt.Sprintf("A-KEY-OF-A-TERMINAL-%d#1", i))
	}
	d := Contained(100, all)
	got := movedBy(&audit.Record{Entry: audit.Entry{Operation: audit.IncidentContain, Details: d}})
	if !slices.Equal(got, all[:len(got)]) || len(got) < 90 || len(d) > audit.MaxDetails-4 {
		t.Errorf("%d names in %d details: %q", len(got), len(d), got)
	}
}

// TestADestroyedKeyThatComesBackIsFound puts a row back that was erased.
func TestADestroyedKeyThatComesBackIsFound(t *testing.T) {
	w := newWorld(t, custody.Test)
	w.kek("ZMK", "")
	w.move("ZMK", store.Deactivated)
	block := w.row("ZMK").Block
	w.move("ZMK", store.Destroyed)
	w.byHand("UPDATE keys SET state = 'active', deactivated = 0, destroyed = 0, block = '"+block+"'", "DELETE FROM key_events")
	mustFind(t, w.verify(), "ZMK#1: by record", "its state was changed")
}

func TestAnOlderLogUnderANewerDatabaseIsFound(t *testing.T) {
	w := stocked(t, custody.Test)
	old := w.log + ".old"
	copyFile(t, w.log, old)
	w.kek("LATER", "")
	w.close()
	copyFile(t, old, w.log)
	w.open()
	mustFind(t, w.verify(), "log: the inventory was changed by record", "an older log")
	w.close()
	must(t, os.Remove(w.log))
	v, err := Verify(t.Context(), openAt(t, w.url), nil, w.log)
	must(t, err)
	mustFind(t, v, "log: read the audit log")
	raw, err := os.ReadFile(old)
	must(t, err)
	must(t, os.WriteFile(w.log, append(raw, `{"seq":99,"time"`...), 0o600))
	v, err = Verify(t.Context(), openAt(t, w.url), nil, w.log)
	must(t, err)
	mustFind(t, v, "log: ")
}

// TestALogGoesOnToTheMarkAndNoFurther: of what comes between the log's end and the dump's moment only that much belongs to
// the dump.
func TestALogGoesOnToTheMarkAndNoFurther(t *testing.T) {
	w := stocked(t, custody.Test)
	log, err := openLog(w.log)
	must(t, err)
	defer log.close()
	before, size := log.last, log.record
	must(t, log.include(store.Mark{Seq: before}))
	if log.last != before || log.record != size {
		t.Errorf("the log goes on to record %d without a need", log.last)
	}
	w.kek("BETWEEN", "")
	mark, err := w.db.Mark(t.Context())
	must(t, err)
	w.kek("AFTER", "")
	must(t, log.include(mark))
	records, marked, err := followLog(log.whole(), mark)
	if err != nil || !marked || records != mark.Seq || log.last != mark.Seq || mark.Seq <= before {
		t.Errorf("the log goes on from record %d to %d (%d), the mark is %d, %v", before, log.last, records, mark.Seq, err)
	}
	must(t, log.include(store.Mark{Seq: 1 << 40}))
	if records, _, err := followLog(log.whole(), mark); err != nil || records != w.audit.Head().Seq {
		t.Errorf("up to record %d, %v", records, err)
	}
}

// TestARestorationThatFailsIsRecordedInTheLogThatStays damages the dump inside.
func TestARestorationThatFailsIsRecordedInTheLogThatStays(t *testing.T) {
	w := stocked(t, custody.Test)
	admin := officer(t, custody.Test, "admin.d", custody.Administrator)
	path, _ := w.backup(admin)
	damaged := bytes.Replace(plainOf(t, path, admin), []byte(`"label":"TPK-2"`), []byte(`"label":"TPK-3"`), 1)
	longer, err := os.ReadFile(w.log)
	must(t, err)
	p := newPlace(t)
	_, err = Restore(t.Context(), realEnv(), bytes.NewReader(damaged), p.restoring(admin))
	mustFail(t, err, fault.ChecksumMismatch)
	if names := p.names(t); len(names) != 0 {
		t.Errorf("left are %v", names)
	}
	must(t, os.WriteFile(p.log(w.id.ID), longer, 0o600))
	_, err = Restore(t.Context(), realEnv(), bytes.NewReader(damaged), p.restoring(admin))
	mustFail(t, err, fault.ChecksumMismatch)
	is, err := os.ReadFile(p.log(w.id.ID))
	must(t, err)
	added, ok := bytes.CutPrefix(is, longer)
	if !ok || bytes.Count(added, []byte("\n")) != 2 || !bytes.Contains(added, []byte(`"result":"failed","fault":"checksum_mismatch"`)) {
		t.Errorf("the log goes on with %s", added)
	}
	_, err = p.restore(t, path, admin)
	must(t, err)
	p.enter(t, w.id).verifies()
}

func TestAStoreThatCannotBeBornLeavesNothing(t *testing.T) {
	p, made := newPlace(t), errors.New("the token is full")
	b := TokenBirth{URL: p.url, Environment: custody.Test, Token: "pkcs11:token=test", Who: me(),
		LogPath: func(id string) (string, error) { return p.log(id), nil }, MakeKey: func(context.Context, string) error { return made }}
	_, err := CreateOnToken(t.Context(), realEnv(), b)
	if !errors.Is(err, made) || len(p.names(t)) != 0 {
		t.Errorf("%v; left are %v", err, p.names(t))
	}
	made = nil
	b.URL = sqliteAt(t, filepath.Join(p.dir, "none"))
	_, err = CreateOnToken(t.Context(), realEnv(), b)
	if err == nil || !strings.Contains(err.Error(), "the token has a master key test-") || len(p.names(t)) != 0 {
		t.Errorf("%v; left are %v", err, p.names(t))
	}
}
