package diagnose

// Where this package knows words of other packages by heart: each list is held against its owner.

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"poskey/pkg/device"
	"poskey/pkg/device/emulator"
	futurex "poskey/pkg/device/futurex/table"
	"poskey/pkg/device/manage"
	visa "poskey/pkg/device/visa/table"
	"poskey/pkg/errorcode"
)

// TestThePackageCommentKnowsEveryFile: who looks for something begins there.
func TestThePackageCommentKnowsEveryFile(t *testing.T) {
	source, err := os.ReadFile("diagnose.go")
	if err != nil {
		t.Fatal(err)
	}
	comment, _, _ := strings.Cut(string(source), "\npackage diagnose\n")
	named := regexp.MustCompile(`[a-z_]+\*?\.go`).FindAllString(comment, -1)
	all, err := filepath.Glob("*.go")
	if err != nil || len(named) < 20 {
		t.Fatalf("%d files named: %v", len(named), err)
	}
	fits := func(pattern, file string) bool {
		ok, err := filepath.Match(pattern, file)
		return err == nil && ok && !strings.HasSuffix(file, "_test.go")
	}
	for _, pattern := range named {
		if !slices.ContainsFunc(all, func(file string) bool { return fits(pattern, file) }) {
			t.Errorf("there is no %s", pattern)
		}
	}
	for _, file := range all {
		known := func(pattern string) bool { return fits(pattern, file) }
		if !strings.HasSuffix(file, "_test.go") && !slices.ContainsFunc(named, known) {
			t.Errorf("the package comment does not know %s", file)
		}
	}
}

// TestARefusalIsKnownAgainInTheJournal: the journal keeps the sentence of a refusal, so a table or a sentence that
// changes must not make it unreadable here.
func TestARefusalIsKnownAgainInTheJournal(t *testing.T) {
	all := refusals()
	if len(all) < 40 {
		t.Fatalf("%d refusals", len(all))
	}
	for _, want := range all {
		said := (&device.CodeError{Dialect: "any", Answer: want.Code, CodeInfo: want}).Error()
		got, ok := refusalIn("load slot 3, nothing stored: " + said)
		if !ok || got.Meaning.String() != want.Meaning.String() || got.Cause != want.Cause {
			t.Errorf("%q is read as %s (%q), want %s", said, got.Code, got.Cause, want.Code)
		}
	}
}

// TestEveryCodeOfALockIsInTheList: what the tables say of a lock in words stands in the list, and nothing else does.
func TestEveryCodeOfALockIsInTheList(t *testing.T) {
	d, err := errorcode.Open()
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`password tries used up|requested too often|passwords? [ab]\b|administrator [ab] log-in|terminal locked`)
	found := 0
	for _, r := range d.Rows() {
		lock := lockOfRow(&r)
		if lock != "" {
			found++
		}
		if says := words.MatchString(strings.ToLower(r.Meaning.String())); says != (lock != "") {
			t.Errorf("%s %s %s (%s) is the lock %q", r.Vendor, r.Code, r.Symbol, r.Meaning, lock)
		}
	}
	listed := 0
	for _, c := range codesOfLocks() {
		listed += len(strings.Fields(c.symbols))
	}
	if found != listed || found < 15 {
		t.Errorf("%d rows are of a lock, %d are listed", found, listed)
	}
}

// TestARefusalIsKnownAgainByItsAnswer, as drivers give it.
func TestARefusalIsKnownAgainByItsAnswer(t *testing.T) {
	known := func(dialect, answer string, want device.CodeInfo) {
		t.Helper()
		got, ok := answered(dialect, answer)
		if !ok || got.Code != want.Code || got.Cause != want.Cause || got.Action.String() != want.Action.String() {
			t.Errorf("%s %s is read as %+v, want %+v", dialect, answer, got, want)
		}
	}
	for _, info := range visa.LoadErrors() {
		known("visa", "02?"+info.Code, info)
	}
	for _, info := range visa.InitialErrors() {
		known("visa", "911"+info.Code, info)
	}
	for _, info := range futurex.Replies() {
		known("futurex", "LDKY "+info.Code, info)
	}
	for _, row := range manage.Codes() {
		known("agent", row.Code, infoOf(row))
	}
	for _, c := range [][2]string{{"", ""}, {"", "02?C"}, {"visa", ""}, {"visa", "C"}, {"visa", "02?"}, {"visa", "EOT"},
		{"visa", "911"}, {"visa", "Z67C"}, {"futurex", "LDKY"}, {"futurex", "LDKY ZZ"}, {"agent", ""}, {"agent", "never"}} {
		if got, ok := answered(c[0], c[1]); ok {
			t.Errorf("%s %q is %+v", c[0], c[1], got)
		}
	}
}

func TestARefusalOfATerminalInItsOwnLogHasCauses(t *testing.T) {
	n := 0
	for _, row := range manage.Codes() {
		if row.Action.IsZero() || row.Code == manage.CodeLocked { // about the request, or a lock that keeps the keys
			continue
		}
		n++
		own := refusedFor(row.Code)
		if len(own) == 0 || row.Cause != "" && !slices.Contains(own, Cause(row.Cause)) {
			t.Errorf("a load that is refused for %s leads to %v in a log, and to %q where the device says so", row.Code, own, row.Cause)
		}
	}
	if n < 20 {
		t.Errorf("%d codes are about keys", n)
	}
}

func TestEventsOfADeviceAreCalledAsTheDeviceCallsThem(t *testing.T) {
	for ours, theirs := range map[string]emulator.EventKind{
		eventStored: emulator.Stored, eventDamaged: emulator.Damaged, eventCorrupted: emulator.Corrupted,
		eventTampered: emulator.Tampered, eventRefused: emulator.Refused, eventRestarted: emulator.Restarted,
	} {
		if ours != string(theirs) {
			t.Errorf("%q is called %q", ours, theirs)
		}
	}
}

func TestWhoMakesNoDeviceIsAVendorOfTheDictionary(t *testing.T) {
	d, err := errorcode.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range noMakers() {
		if !slices.ContainsFunc(d.Vendors(), func(v errorcode.Vendor) bool { return v.ID == id }) {
			t.Errorf("the dictionary has no vendor %q", id)
		}
	}
}
