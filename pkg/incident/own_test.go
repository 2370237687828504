package incident

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

func TestOnePersonWrittenInTwoWaysIsOnePerson(t *testing.T) {
	for _, second := range []string{"officer a", " OFFICER  a", "Officer A.", "A, Officer", "ｏｆｆｉｃｅｒ Ａ", "ófficer a", "officer-a"} {
		if err := apart("Officer A", second); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %v", second, err)
		}
	}
	for _, second := range []string{"оfficer b", "...", "", "  "} { // the first has a letter of another script
		if err := apart("Officer A", second); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %v", second, err)
		}
	}
	must(t, apart("Officer A", "Officer B"))
	must(t, apart("密钥官甲", "密钥官乙"))
}

func TestRecordBelongsToItsNumberAndItsStore(t *testing.T) {
	d, err := Create(t.TempDir(), Head{Kind: Tamper, Title: "x", Store: "test-1", Environment: "test"}, Entry{By: "a"}, nil, at())
	must(t, err)
	must(t, d.Belongs("INC-2026-0001", "test-1"))
	for _, other := range [][2]string{{"INC-2026-0002", "test-1"}, {"INC-2026-0001", "test-2"}, {"INC-2026-0001", ""}} {
		if err := d.Belongs(other[0], other[1]); !fault.Is(err, fault.LogBroken) {
			t.Errorf("%v: %v", other, err)
		}
	}
}

func TestIncidentIsNotOpenedAmongThoseOfAnotherStore(t *testing.T) {
	dir, o := t.TempDir(), at()
	_, err := Create(dir, Head{Kind: Tamper, Title: "x", Store: "production-1", Environment: "production"}, Entry{By: "a"}, nil, o)
	must(t, err)
	if _, err := Create(dir, Head{Kind: Tamper, Title: "x"}, Entry{By: "a"}, nil, o); !fault.Is(err, fault.NotPermitted) {
		t.Error(err)
	}
}

func TestLinkIsNeitherReadNorWrittenThrough(t *testing.T) {
	dir, o := t.TempDir(), at()
	path := opened(t, dir, o)
	link := filepath.Join(dir, "INC-2026-0009.jsonl")
	must(t, os.Symlink(path, link))
	if _, err := Read(link); !fault.Is(err, fault.LogBroken) {
		t.Error(err)
	}
	if _, err := Append(link, o, note("x")); !fault.Is(err, fault.LogBroken) {
		t.Error(err)
	}
	must(t, os.Remove(link))
	precious := filepath.Join(t.TempDir(), "precious")
	must(t, os.WriteFile(precious, []byte("stays"), 0o600))
	must(t, os.Symlink(precious, filepath.Join(dir, beginning)))
	opened(t, dir, o)
	if raw, err := os.ReadFile(precious); err != nil || string(raw) != "stays" {
		t.Errorf("%q, %v", raw, err)
	}
	must(t, os.Remove(filepath.Join(dir, lockFile)))
	must(t, os.Symlink(precious, filepath.Join(dir, lockFile)))
	if _, err := Create(dir, Head{Kind: Tamper, Title: "x"}, Entry{By: "a"}, nil, o); !fault.Is(err, fault.NotPermitted) {
		t.Error(err)
	}
}

// TestWhateverTheInventoryHasIsRecorded: an incident is not kept from being opened by what looks like a key there.
func TestWhateverTheInventoryHasIsRecorded(t *testing.T) {
	hex := "0123456789ABCDEF0123456789ABCDEF"
	b := Blast{
		Partners: []store.Key{{Label: "ZMK-1", Version: 1, Purpose: hex}},
		Devices:  []store.Device{{Serial: hex, Model: hex, Keys: []store.DeviceKey{{KSN: "FFFF9876543210E00001"}}}},
		Shared:   []Shared{{kcv.Value{Digits: "ABC123"}, []string{"12345671", "12345672", "12345673", "12345674", "12345675"}}},
		Loads:    []store.Load{{LoadRequest: store.LoadRequest{ID: "0b3e7c1e-8d0a-4d6e-9d36-aaaaaaaaaaaa", Serial: "PK00000001", Slot: "F"}, State: store.LoadUnknown}},
		Known:    []Known{{Key: store.Ref{Label: "ZMK-1", Version: 1}, Person: hex, Seen: 1, Needed: 2, Together: 2}},
	}
	d, err := Create(t.TempDir(), Head{Kind: Tamper, Title: "x"}, Entry{By: "a"}, b.Entries("a", CauseOpened), at())
	must(t, err)
	var all strings.Builder
	for _, it := range d.Blast() {
		all.WriteString(it.Name + " " + it.Note + "\n")
	}
	for _, want := range []string{"12345671 and 12345672", "KSN FFFF9876543210E00001", "PK00000001 slot F, unknown", "2 with others who left"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no %q in %s", want, all.String())
		}
	}
}

func TestWhatWasSeenAndIsSoNoMoreKeepsAnIncidentOpen(t *testing.T) {
	seen := Entry{Kind: EntryDone, By: "a", Step: "isolate", Details: map[string]string{DetailProof: ProofMeasured, DetailText: "seen"}}
	no := Measured{Steps: map[string]Finding{"isolate": {false, text.New("keys of which this is not true yet: %d of %d", 1, 1)}}}
	d := document(t, Tamper, nil, seen)
	if err := d.MayNot(no); !fault.Is(err, fault.NotPermitted) || !strings.Contains(err.Error(), "step isolate") {
		t.Error(err)
	}
	over := Measured{Steps: map[string]Finding{"isolate": no.Steps["isolate"], "inject": {true, text.New("seen")}}}
	must(t, d.MayNot(over)) // it has new keys: it need not be off the list any more
	said, err := d.Do("isolate", "b", ProofSaid, "it is in the safe")
	must(t, err)
	must(t, document(t, Tamper, nil, seen, said).MayNot(no))
}

func TestCheckValuesAreTheSameAtTheShorterLength(t *testing.T) {
	var table checkTable
	table.add(kcv.Value{Method: kcv.Method("cmac"), Digits: "ABC123"})
	table.add(kcv.Value{Digits: "AB"})
	for digits, want := range map[string]int{"ABC1": 1, "ABC12345": 1, "ABC124": 0, "AB": 0} {
		if got := len(table.like(kcv.Value{Digits: digits})); got != want {
			t.Errorf("%s: %d, want %d", digits, got, want)
		}
	}
}
