package audit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"poskey/internal/chained"
	"poskey/internal/fault"
)

// small writes a log with everything that the format has.
func small(t testing.TB) (raw, signed []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	write(t, path, []byte(`{"seq":1,"ti`)) // a creation that a crash interrupted
	c := newClock()
	l, err := Create(path, testID, options(c))
	if err != nil {
		t.Fatal(err)
	}
	p := begin(t, l, "ZMK-2026")
	p.After.Object.Check = Check{"08D7B4", "ecb-zero"}
	p.After.With = []Actor{bob, {"陈伟", "custodian", "机房 2"}}
	p.After.Details = Details{FieldUsage: "K0", FieldAlgorithm: "aes-256", "note": `a "quoted" \ word`}
	done(t, p)
	c.t = c.t.Add(-90 * time.Second)
	e := Entry{Who: bob, With: []Actor{alice}, Operation: KeyExport, Object: Object{Kind: KindKey, Label: "ZMK-2026"},
		Request: DigestOf([]byte("export ZMK-2026"))}
	if _, err := l.Append(e, OutcomeOf(fault.New(fault.NotPermitted, "no"))); err != nil {
		t.Fatal(err)
	}
	e = Entry{Who: agent, Operation: DeviceLoad, Object: Object{Kind: KindDevice, Label: "T-0001", KSN: "FFFF9876543210E00000"},
		Batch: Batch{Count: 10}}
	if p, err = l.Begin(e); err != nil {
		t.Fatal(err)
	}
	p.After.Batch = Batch{10, 6, 2, 1, 1, DigestOf([]byte("lines"))}
	if _, err := p.Done(Outcome{Failed, fault.Partial}); err != nil {
		t.Fatal(err)
	}
	begin(t, l, "LEFT-OPEN")
	signed = checkpoint(t, l, "alice", "bob")
	closeLog(t, l)
	write(t, path, append(read(t, path), `{"seq":10,"time"`...)) // a crash
	if l, err = Open(path, testID, options(c)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Unfinished()[0].Done(NotKnown()); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	return read(t, path), signed
}

func TestFormatDoesNotDrift(t *testing.T) {
	raw, signed := small(t)
	for name, got := range map[string][]byte{"small.jsonl": raw, "small.note": signed} {
		file := filepath.Join("testdata", name)
		if os.Getenv("UPDATE_GOLDEN") != "" {
			write(t, file, got)
		}
		want := read(t, file)
		if len(want) == 0 {
			t.Fatalf("%s is empty", file)
		}
		if at := chained.CommonLength(got, want); at < max(len(got), len(want)) {
			t.Errorf("%s is written otherwise from byte %d on:\n%q\nwant\n%q", name, at, near(got, at), near(want, at))
		}
	}
}

// near gives what stands around a byte.
func near(b []byte, at int) []byte { return b[max(0, at-40):min(len(b), at+80)] }

func TestLogOfThisFormatVerifiesForEver(t *testing.T) {
	_, officers := signers(t, "alice", "bob")
	signed := read(t, filepath.Join("testdata", "small.note"))
	rep := verified(t, read(t, filepath.Join("testdata", "small.jsonl")),
		Expect{Identity: testID, Checkpoints: [][]byte{signed}, Officers: officers, Quorum: 2})
	if rep.Records != 11 || rep.Signed != 8 || rep.Intact != 11 || len(rep.Unfinished) != 0 || len(rep.Checkpoints) != 1 {
		t.Errorf("report %+v", rep)
	}
	var kinds []string
	for _, w := range rep.Warnings {
		kinds = append(kinds, string(w.Kind))
	}
	if got := strings.Join(kinds, " "); got != "repaired clock_back repaired" {
		t.Errorf("warnings: %s", got)
	}
}
