package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/store"
	"poskey/pkg/store/storetest"
)

func options() store.Options { return store.Options{Now: storetest.Birth} }

func wantKind(t testing.TB, what string, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: got %v, want an error of kind %s", what, err, kind)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// made is a closed store with the keys K#1 and K#2 under it.
func made(t *testing.T) store.URL {
	t.Helper()
	u := file(t)
	s, err := store.Create(t.Context(), u, storetest.Identity("files"), nil, options())
	must(t, err)
	for i := range 2 {
		k := storetest.Key("K", i+1)
		if i > 0 {
			k.Parent = store.Ref{Label: "K", Version: 1}
		}
		_, err = s.Insert(t.Context(), store.Change{}, k)
		must(t, err)
	}
	must(t, s.Close())
	return u
}

// edit changes the file behind the store's back.
func edit(t *testing.T, u store.URL, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(u.Path()))
	must(t, err)
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	must(t, db.Close())
}

func TestFilesThatAreNoStoreAreRefused(t *testing.T) {
	for what, c := range map[string]struct {
		content string
		kind    fault.Kind
	}{
		"text":           {strings.Repeat("this is a letter, not a database.\n", 100), fault.Malformed},
		"an empty file":  {"", fault.Malformed},
		"half a header":  {"SQLite format 3\x00", fault.Malformed},
		"a key sheet":    {"0123456789ABCDEF0123456789ABCDEF\n", fault.Malformed},
		"zeros all over": {strings.Repeat("\x00", 8192), fault.Malformed},
	} {
		u := file(t)
		must(t, os.WriteFile(u.Path(), []byte(c.content), 0o600))
		_, err := store.Open(t.Context(), u, options())
		wantKind(t, what, err, c.kind)
		if raw, err := os.ReadFile(u.Path()); err != nil || string(raw) != c.content {
			t.Errorf("%s was changed, %v", what, err)
		}
	}
	u := file(t)
	edit(t, u, "CREATE TABLE diary (day TEXT)")
	must(t, os.Chmod(u.Path(), 0o600))
	_, err := store.Open(t.Context(), u, options())
	wantKind(t, "a database of something else", err, fault.Malformed)
	_, err = store.Open(t.Context(), parse(t, "sqlite:"+t.TempDir()), options())
	wantKind(t, "a folder", err, fault.Malformed)
	_, err = store.Open(t.Context(), store.URL{}, options())
	wantKind(t, "nowhere", err, fault.Usage)
}

func TestFilesBelongToTheirOwnerAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // no such modes
	}
	u := file(t)
	s, err := store.Create(t.Context(), u, storetest.Identity("modes"), nil, options())
	must(t, err)
	_, err = s.Insert(t.Context(), store.Change{}, storetest.Key("K", 1))
	must(t, err)
	left, err := os.ReadDir(filepath.Dir(u.Path()))
	must(t, err)
	for _, f := range left {
		info, err := f.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %04o", f.Name(), info.Mode().Perm())
		}
	}
	if len(left) != 3 { // the database, its log and the log's index
		t.Errorf("%d files", len(left))
	}
	must(t, s.Close())
	if left, err = os.ReadDir(filepath.Dir(u.Path())); err != nil || len(left) != 1 {
		t.Errorf("%d files when it is closed, %v", len(left), err)
	}
	must(t, os.Chmod(u.Path(), 0o640))
	_, err = store.Open(t.Context(), u, options())
	wantKind(t, "a file that others can read", err, fault.FileExposed)
}

func TestCreationIsWholeOrNotAtAll(t *testing.T) {
	u := file(t)
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stopped)
	if _, err := store.Create(ctx, u, storetest.Identity("x"), nil, options()); err == nil {
		t.Fatal("created though given up")
	}
	twice := []store.Officer{storetest.Officer("li.na"), storetest.Officer("li.na")}
	_, err := store.Create(t.Context(), u, storetest.Identity("x"), twice, options())
	wantKind(t, "an officer twice", err, fault.FileExists)
	if left, err := os.ReadDir(filepath.Dir(u.Path())); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	must(t, os.WriteFile(u.Path()+"-wal", []byte("of another database"), 0o600))
	_, err = store.Create(t.Context(), u, storetest.Identity("x"), nil, options())
	wantKind(t, "beside a log of another database", err, fault.FileExists)
	u = parse(t, "sqlite:"+filepath.Join(t.TempDir(), "no", "such", "folder.db"))
	_, err = store.Create(t.Context(), u, storetest.Identity("x"), nil, options())
	wantKind(t, "in no folder", err, fault.NotFound)
}

func TestSchemaOfALaterVersionIsRefused(t *testing.T) {
	u := made(t)
	edit(t, u, "INSERT INTO schema_version (version_id, is_applied) SELECT MAX(version_id) + 1, 1 FROM schema_version")
	_, err := store.Open(t.Context(), u, options())
	wantKind(t, "the version after this one", err, fault.VersionUnsupported)
}

// TestVerifyHoldsTheLedgerOfCeremoniesAgainstTheKeys changes one thing at a time.
func TestVerifyHoldsTheLedgerOfCeremoniesAgainstTheKeys(t *testing.T) {
	digest := strings.Repeat("AB", 32)
	for name, c := range map[string]struct {
		change string
		says   string // "": nothing is wrong
	}{
		"as it was":                  {"UPDATE holdings SET bag = 'B-2'", ""},
		"a key that is not there":    {"UPDATE holdings SET label = 'OTHER', check_digits = '000000'", ""},
		"given up":                   {"UPDATE ceremonies SET state = 'aborted', ended = began + 1, head = '" + digest + "'; UPDATE holdings SET check_digits = '000000'", ""},
		"another check value":        {"UPDATE holdings SET check_digits = '000000'", "check value 000000"},
		"the beginning of it":        {"UPDATE holdings SET check_digits = SUBSTR(check_digits, 1, 4)", ""},
		"more digits of it":          {"UPDATE holdings SET check_digits = check_digits || '7F3A'", ""},
		"four other digits":          {"UPDATE holdings SET check_digits = '0000'", "check value 0000"},
		"too few to tell":            {"UPDATE holdings SET check_digits = SUBSTR(check_digits, 1, 3)", "check value"},
		"an event that is none":      {"UPDATE holdings SET event = 'holiday'", "holiday"},
		"a ceremony that is gone":    {"PRAGMA foreign_keys = OFF; DELETE FROM ceremonies", "does not have"},
		"open, with an end":          {"UPDATE ceremonies SET head = '" + digest + "'", "has an end"},
		"closed, without an end":     {"UPDATE ceremonies SET state = 'closed'", "its end"},
		"a part that cannot be":      {"UPDATE holdings SET part = 9", "holding"},
		"a script that is no digest": {"UPDATE ceremonies SET script = 'x'", "digest of its script"},
	} {
		u := made(t)
		s, err := store.Open(t.Context(), u, options())
		must(t, err)
		key := storetest.Key("ZMK", 1)
		_, err = s.Insert(t.Context(), store.Change{}, key)
		must(t, err)
		must(t, s.BeginCeremony(t.Context(), store.Change{}, store.Ceremony{ID: "C1", Kind: "exchange", Title: "a partner", Script: digest}))
		must(t, s.Hold(t.Context(), store.Change{}, store.Holding{Ceremony: "C1", Key: key.Ref(), Check: key.Check, Part: 1, Parts: 2,
			Needed: 2, Person: "custodian.a", Seat: "primary", Event: "printed", Bag: "B-1"}))
		must(t, s.Close())
		edit(t, u, c.change)
		s, err = store.Open(t.Context(), u, options())
		must(t, err)
		r, err := s.Verify(t.Context(), nil)
		must(t, err)
		said := ""
		for _, f := range r.Findings {
			said += f.Err.Error() + "; "
		}
		if (c.says == "") != (r.Wrong() == 0) || !strings.Contains(said, c.says) {
			t.Errorf("%s: %q", name, said)
		}
		must(t, s.Close())
	}
}

func TestFileSwappedUnderAnOpenStoreIsNoticed(t *testing.T) {
	u, other := made(t), made(t)
	s, err := store.Open(t.Context(), u, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	must(t, os.Rename(other.Path(), u.Path()))
	_, err = s.Insert(t.Context(), store.Change{}, storetest.Key("K", 3))
	wantKind(t, "writing to a file that is not there any more", err, fault.ChecksumMismatch)
}

// TestOlderCopyIsFoundByItsMark: what the audit log is for.
func TestOlderCopyIsFoundByItsMark(t *testing.T) {
	u := made(t)
	mark := func(n uint64) store.Mark { return store.Mark{Seq: n, Hash: strings.Repeat("AB", 32)} }
	write := func(n uint64) {
		s, err := store.Open(t.Context(), u, options())
		must(t, err)
		_, err = s.Insert(t.Context(), store.Change{Mark: mark(n)}, storetest.Key("M", int(n)))
		must(t, err)
		must(t, s.Close())
	}
	write(3)
	old, err := os.ReadFile(u.Path())
	must(t, err)
	write(5)
	must(t, os.WriteFile(u.Path(), old, 0o600))
	s, err := store.Open(t.Context(), u, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	if m, err := s.Mark(t.Context()); err != nil || m != mark(3) {
		t.Errorf("the mark is %+v, %v; the log has 5", m, err)
	}
}

// TestDamagedRowsAreFound damages one thing after the other and wants a finding that names it.
func TestDamagedRowsAreFound(t *testing.T) {
	const off = "PRAGMA foreign_keys = OFF"
	set := `INSERT INTO key_sets VALUES ('S', 1, 'tdes-dukpt', 'FFFF987654', 1, 100, 10, 0, 0, '', 'active')`
	number := func(request string, n int, ksn, lease string) string {
		return fmt.Sprintf("INSERT INTO allocations VALUES ('%s', 'S', %d, '%s', 'SN%s', 'confirmed', %s, 1, 1)", request, n,
			ksn, request, lease)
	}
	device := "INSERT INTO devices VALUES ('SNr1', '', '', 'expected', 1, 1)"
	load := func(id, run, set, state, check string) string {
		return fmt.Sprintf("INSERT INTO loads VALUES ('%s', '%s', 'SN%s', '90', NULL, %s, '', 0, '%s', 'cmac', '%s', '', '', 1, 1, '', '')",
			id, run, id, set, state, check)
	}
	for what, c := range map[string]struct {
		edits []string
		where string
	}{
		"a swapped block": {[]string{"UPDATE keys SET block = (SELECT block FROM keys WHERE version = 2) WHERE version = 1"},
			"K#1"},
		"another usage":   {[]string{"UPDATE keys SET usage = 'P0' WHERE version = 1"}, "K#1"},
		"more exportable": {[]string{"UPDATE keys SET exportability = 'S' WHERE version = 2"}, "K#2"},
		"another name":    {[]string{"UPDATE keys SET label = 'STOLEN' WHERE version = 2"}, "STOLEN#2"},
		"no name":         {[]string{"UPDATE keys SET label = '' WHERE version = 2"}, "#2"},
		"two modes":       {[]string{"UPDATE keys SET mode = 'BB' WHERE version = 2"}, "keys"},
		"custodians":      {[]string{"UPDATE keys SET custodians = '[' WHERE version = 2"}, "keys"},
		"a check value":   {[]string{"UPDATE keys SET check_digits = 'zz' WHERE version = 2"}, "K#2"},
		"raised":          {[]string{"UPDATE keys SET state = 'pre-activation' WHERE version = 2"}, "K#2"},
		"a state by nothing": {[]string{"UPDATE keys SET state = 'suspended', suspended = activated + 1 WHERE version = 2"},
			"K#2"},
		"times":     {[]string{"UPDATE keys SET activated = 5 WHERE version = 2"}, "K#2"},
		"a history": {[]string{"INSERT INTO key_events VALUES (1, 1, 5, 'active', 'suspended', '', 0)"}, "K#1"},
		"a way back": {[]string{"INSERT INTO key_events VALUES (1, 1, 5, 'compromised', 'active', '', 0)",
			"UPDATE keys SET suspended = 0 WHERE version = 1"}, "K#1"},
		"a circle":             {[]string{"UPDATE keys SET parent = 2 WHERE id = 1"}, ""},
		"a parent that is not": {[]string{off, "UPDATE keys SET parent = 77 WHERE version = 2"}, "keys"},
		"an index": {[]string{"PRAGMA writable_schema = ON",
			"UPDATE sqlite_schema SET sql = 'CREATE INDEX keys_by_check ON keys (label)' WHERE name = 'keys_by_check'"},
			"database"},
		"whose it is":        {[]string{"UPDATE meta SET master_digits = 'zz'"}, "meta"},
		"a number not given": {[]string{set, number("r1", 10, "FFFF9876540001400000", "NULL")}, "r1"},
		"an odd device":      {[]string{set, number("r1", 3, "FFFF9876540000300000", "NULL")}, "r1"},
		"another KSN":        {[]string{set, number("r1", 3, "FFFF9876540000800000", "NULL")}, "r1"},
		"a number of a lease": {[]string{set, "INSERT INTO leases VALUES ('L', 'S', 'a', 2, 5, 1, 1, 0, 0, 2)",
			number("r1", 3, "FFFF9876540000600000", "NULL")}, "r1"},
		"a lease of what was not given": {[]string{set, "INSERT INTO leases VALUES ('L', 'S', 'a', 8, 12, 1, 1, 0, 0, 12)"}, "L"},
		"leases that overlap": {[]string{set, "INSERT INTO leases VALUES ('L', 'S', 'a', 2, 5, 1, 1, 0, 0, 5)",
			"INSERT INTO leases VALUES ('M', 'S', 'a', 4, 6, 1, 1, 0, 0, 6)"}, "M"},
		"a number of no set":       {[]string{number("r1", 3, "FFFF9876540000600000", "NULL")}, "r1"},
		"a number of no lease":     {[]string{set, number("r1", 3, "FFFF9876540000600000", "'NO'")}, "r1"},
		"too many numbers":         {[]string{strings.Replace(set, "100", "524289", 1)}, "S"},
		"a key set of nothing":     {[]string{strings.Replace(set, "'tdes-dukpt'", "'des'", 1)}, "S"},
		"another state of its key": {[]string{strings.Replace(set, "'active'", "'suspended'", 1)}, "S"},
		"key sets that overlap":    {[]string{set, strings.Replace(set, "'S'", "'T'", 1)}, "T"},
		"a slot": {[]string{"INSERT INTO devices VALUES ('SN', '', '', 'expected', 1, 1)",
			"INSERT INTO device_keys VALUES ('SN', '0', NULL, 'cmac', 'ABCDEF', 'short', 1)"}, "SN/0"},
		"a serial":                  {[]string{"INSERT INTO devices VALUES ('S N', '', '', 'expected', 1, 1)"}, "S N"},
		"a load of no run":          {[]string{device, load("r1", "", "NULL", "reserved", "")}, "r1"},
		"a load without its check":  {[]string{device, load("r1", "run", "NULL", "sent", "")}, "r1"},
		"a load without its number": {[]string{device, set, load("r1", "run", "'S'", "reserved", "")}, "r1"},
		"a load of no key set": {[]string{device, set, number("r1", 3, "FFFF9876540000600000", "NULL"),
			load("r1", "run", "NULL", "confirmed", "ABCDEF")}, "r1"},
		"a load and its number apart": {[]string{device, set, number("r1", 3, "FFFF9876540000600000", "NULL"),
			load("r1", "run", "'S'", "sent", "ABCDEF")}, "r1"},
		"a number that its lease has not come to": {[]string{set, "INSERT INTO leases VALUES ('L', 'S', 'a', 2, 5, 1, 1, 0, 0, 3)",
			number("r1", 3, "FFFF9876540000600000", "'L'")}, "r1"},
		"a lease that stands elsewhere": {[]string{set, "INSERT INTO leases VALUES ('L', 'S', 'a', 2, 5, 1, 1, 0, 0, 7)"}, "L"},
	} {
		u := made(t)
		edit(t, u, c.edits...)
		s, err := store.Open(t.Context(), u, options())
		must(t, err)
		r, err := s.Verify(t.Context(), nil)
		must(t, s.Close())
		found := false
		for _, f := range r.Findings {
			found = found || !f.Warning && (f.Where == c.where || c.where == "")
		}
		if err != nil || !found {
			t.Errorf("%s: %+v, %v", what, r.Findings, err)
		}
	}
}

// TestWarningsKeepNoFaultOut: a clock that stood back makes a warning of every key.
func TestWarningsKeepNoFaultOut(t *testing.T) {
	u := file(t)
	s, err := store.Create(t.Context(), u, storetest.Identity("warned"), nil, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	_, err = s.InsertMany(t.Context(), store.Change{At: storetest.Birth().AddDate(1, 0, 0)}, storetest.Many(1100))
	must(t, err)
	last := storetest.Key("Z-LAST", 1)
	_, err = s.Insert(t.Context(), store.Change{}, last)
	must(t, err)
	wrong := fault.New(fault.MACMismatch, "a block of the test")
	r, err := s.Verify(t.Context(), func(k store.Key) error {
		if k.Ref() == last.Ref() {
			return wrong
		}
		return nil
	})
	if err != nil || r.Wrong() != 1 || len(r.Findings) != 1001 {
		t.Errorf("%d wrong among %d findings, %v", r.Wrong(), len(r.Findings), err)
	}
}

// TestDamagedNumberEndsTheList: a row that leads back to the page that it stands on.
func TestDamagedNumberEndsTheList(t *testing.T) {
	u := made(t)
	edit(t, u, "INSERT INTO key_sets VALUES ('S', 1, 'tdes-dukpt', 'FFFF987654', 0, 5000, 5000, 0, 0, '', 'active')",
		`WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 1999)
			INSERT INTO allocations SELECT 'r' || n, 'S', CASE n WHEN 999 THEN 0 ELSE n END,
			'FFFF987654' || PRINTF('%05X', 2 * n) || '00000', 'SN' || n, 'burnt', NULL, 1, 1 FROM c`)
	s, err := store.Open(t.Context(), u, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	n := 0
	for _, err = range s.Allocations(t.Context(), "S") {
		if n++; n > 5000 {
			break
		}
	}
	if !fault.Is(err, fault.ChecksumMismatch) {
		t.Errorf("%d numbers, %v", n, err)
	}
}

func TestRowsThatCannotBeAreKeptOutByTheDatabase(t *testing.T) {
	u := made(t)
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "?", "%3f", "#",
		"%23").Replace(u.Path())+"?_pragma=foreign_keys(1)")
	must(t, err)
	defer func() { _ = db.Close() }()
	for _, statement := range []string{
		"UPDATE keys SET version = 1 WHERE version = 2", "UPDATE keys SET version = 0 WHERE version = 2",
		"UPDATE keys SET state = 'lost'", "UPDATE keys SET state = 'destroyed'", "UPDATE keys SET block = ''",
		"UPDATE keys SET block = x'00'", "UPDATE keys SET created = 'today'", "UPDATE keys SET parent = 77",
		"UPDATE meta SET environment = 'both'",
		"INSERT INTO meta SELECT 2, id, environment, created, master_kind, master_method, " +
			"master_digits, generation, sealed, token, mark_seq, mark_hash FROM meta",
		"INSERT INTO key_sets VALUES ('S', 1, 'tdes-dukpt', 'FFFF987654', 1, 100, 101, 0, 0, '', 'active')",
		"INSERT INTO key_sets VALUES ('S', 1, 'tdes-dukpt', 'FFFF987654', 5, 100, 4, 0, 0, '', 'active')",
	} {
		if _, err := db.Exec(statement); err == nil {
			t.Errorf("allowed: %s", statement)
		}
	}
}

func TestDamagedPageIsADamagedDatabase(t *testing.T) {
	u := made(t)
	raw, err := os.ReadFile(u.Path())
	must(t, err)
	at := bytes.Index(raw, []byte("LB07K#1")) - 200
	for i := at &^ 4095; i < at&^4095+100; i++ { // the head of the page
		raw[i] = 0xA5
	}
	must(t, os.WriteFile(u.Path(), raw, 0o600))
	s, err := store.Open(t.Context(), u, options())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	_, err = s.Get(t.Context(), store.Ref{Label: "K", Version: 1})
	wantKind(t, "reading a damaged page", err, fault.ChecksumMismatch)
	r, err := s.Verify(t.Context(), nil)
	if err == nil && r.Wrong() == 0 || err != nil && !fault.Is(err, fault.ChecksumMismatch) {
		t.Errorf("verified: %+v, %v", r, err)
	}
}

// TestDestroyedBlockIsNotInTheFile: what was erased is overwritten, in the database and in its log.
func TestDestroyedBlockIsNotInTheFile(t *testing.T) {
	u := file(t)
	s, err := store.Create(t.Context(), u, storetest.Identity("files"), nil, options())
	must(t, err)
	k := storetest.Key("SECRET", 1)
	k.State, k.ParentBlock = store.PreActivation, "UNDER-THE-PARENT"
	_, err = s.Insert(t.Context(), store.Change{}, k)
	must(t, err)
	must(t, s.Transition(t.Context(), store.Change{}, k.Ref(), store.PreActivation, store.Destroyed, ""))
	for _, name := range []string{u.Path(), u.Path() + "-wal"} {
		raw, err := os.ReadFile(name)
		must(t, err)
		if bytes.Contains(raw, []byte(k.Block[40:])) || bytes.Contains(raw, []byte(k.ParentBlock)) {
			t.Errorf("the block is still in %s", filepath.Base(name))
		}
	}
	must(t, s.Close())
}

func TestURLsAreReadAndTheirPasswordsAreNotShown(t *testing.T) {
	for in, want := range map[string]string{
		"sqlite:a/b.db": "sqlite:" + filepath.Join("a", "b.db"), " SQLITE:x ": "sqlite:x", "sqlite:./x": "sqlite:x",
		"postgres://u:hunter2@h:5433/d?sslmode=require": "postgres://u@h:5433/d?sslmode=require",
		"postgresql://h/d?password=hunter2&user=u":      "postgresql://h/d?user=u",
		"postgres://h/d?sslpassword=hunter2":            "postgres://h/d",
		"postgres://h/d?Passwd=hunter2":                 "postgres://h/d",
		"postgres://u%40h:hunter2@h/d%40?user=u@h":      "postgres://u%40h@h/d%40?user=u%40h",
	} {
		u := parse(t, in)
		if u.Redacted() != want || u.String() != want || u.IsZero() ||
			strings.Contains(fmt.Sprintf("%v %s", u, u), "hunter2") {
			t.Errorf("%q is %s", in, u)
		}
	}
	for _, in := range []string{"", "sqlite:", "sqlite::memory:", "a.db", "mysql://u:hunter2@h/d", "postgres:u:hunter2",
		"postgres://u:hunter2@h:port/d",
		"postgres:/u:hunter2@h/d", "postgres://u:1/hunter2@h/d", "postgres://u:1?hunter2@h/d", "postgres://u:1#hunter2@h/d"} {
		u, err := store.ParseURL(in)
		if !fault.Is(err, fault.Usage) || !u.IsZero() || strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%q: %v, %v", in, u, err)
		}
	}
	for _, in := range []string{"postgres://u:hunter2@127.0.0.1:1/d?connect_timeout=2",
		"postgres://u:hunter2@h/d?sslmode=never",
		"postgres://u:hunter2@h/d?search_path=a%22b", "postgres://u:hunter2@h/d?search_path=A"} {
		_, err := store.Open(t.Context(), parse(t, in), options())
		if err == nil || strings.Contains(err.Error(), "hunter2") ||
			!fault.Is(err, fault.Usage) && !fault.Is(err, fault.DeviceLink) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestRefsAreReadAndWritten(t *testing.T) {
	for _, in := range []string{"ZMK-2026#1", "ZMK-2026", "a", "0", "a.b_c-d#999999999", strings.Repeat("x", 64) + "#7"} {
		if r, err := store.ParseRef(in); err != nil || r.String() != in {
			t.Errorf("%q: %v, %v", in, r, err)
		}
	}
	for _, in := range []string{"", "#1", "a#", "a#0", "a#-1", "a#01", "a#+1", "a#1#2", "a#1000000000", "-a", ".a", "_a",
		"a b", "ä",
		strings.Repeat("x", 65), "a#x", "0123456789ABCDEF 0123456789ABCDEF"} {
		r, err := store.ParseRef(in)
		if !fault.Is(err, fault.Usage) || !r.IsZero() || strings.Contains(fmt.Sprint(err), "0123456789ABCDEF") {
			t.Errorf("%q: %v, %v", in, r, err)
		}
	}
}
