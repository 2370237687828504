package fleet_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/fleet"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

func (f *facility) account(run string, now time.Time) fleet.Account {
	f.Helper()
	a, err := fleet.Reconcile(context.Background(), f.db, run, fleet.Settings{Now: now})
	must(f, err)
	return a
}

// step takes a load down and moves it, as a station does.
func (f *facility) step(serial, slot, keySet string, check string, to ...store.LoadState) {
	f.Helper()
	id := "R1/" + serial + "/" + slot + "/1"
	r := store.LoadRequest{ID: id, Run: "R1", Serial: serial, Slot: slot, KeySet: keySet, Station: "A"}
	if keySet != "" {
		r.Key = f.bdkRef
	}
	_, failed, err := f.db.ReserveLoads(context.Background(), store.Change{}, []store.LoadRequest{r})
	must(f, err)
	must(f, failed[0])
	for _, state := range to {
		step := store.LoadStep{ID: id, To: state}
		switch state {
		case store.LoadSent:
			step.Check = kcv.Value{Method: kcv.ECBZero, Digits: check}
		case store.LoadConfirmed:
			step.Proof = "commit"
		}
		_, failed, err := f.db.StepLoads(context.Background(), store.Change{}, []store.LoadStep{step})
		must(f, err)
		must(f, failed[0])
	}
}

func (f *facility) result(serial string, state store.DeviceState, told string) {
	f.Helper()
	must(f, f.db.RecordRun(context.Background(), store.Change{}, "R1",
		[]store.RunResult{{Serial: serial, State: state, Told: told, Station: "A"}}))
}

// behind does something while the store does not know what run R1 is, as somebody does who writes past it.
func (f *facility) behind(do func()) {
	f.Helper()
	db, err := sql.Open("sqlite", f.url.Path()+"?_pragma=foreign_keys(0)")
	must(f, err)
	defer func() { must(f, db.Close()) }()
	for _, step := range []struct {
		query string
		then  func()
	}{{"UPDATE runs SET id = 'hidden' WHERE id = 'R1'", do}, {"UPDATE runs SET id = 'R1' WHERE id = 'hidden'", func() {}}} {
		_, err = db.Exec(step.query)
		must(f, err)
		step.then()
	}
}

func TestARunTakesLoadsOfItsListOnly(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 2)
	must(t, f.db.AddDevice(t.Context(), store.Change{}, store.Device{Serial: "STRANGER"}))
	reserve := func(serial string) error {
		_, failed, err := f.db.ReserveLoads(t.Context(), store.Change{}, []store.LoadRequest{{ID: "R1/" + serial + "/90/1", Run: "R1",
			Serial: serial, Slot: "90", KeySet: "SET", Key: f.bdkRef, Station: "A"}})
		must(t, err)
		return failed[0]
	}
	wantKind(t, "a device that is not on the list", reserve("STRANGER"), fault.NotPermitted)
	must(t, reserve(serialOf(0)))
	for i := range 2 {
		f.result(serialOf(i), store.Failed, "")
	}
	_, err := fleet.Close(t.Context(), f.db, store.Change{}, "R1", fleet.Settings{Now: time.Now()})
	must(t, err)
	wantKind(t, "a run that is closed", reserve(serialOf(1)), fault.NotPermitted)
	must(t, reserve(serialOf(0))) // what it was given stands

	f.behind(func() { must(t, reserve(serialOf(1))) })
	a := f.account("R1", time.Now())
	if !raised(&a, fleet.FindLate, true) {
		t.Errorf("a load after the close is not raised: %+v", a.Findings)
	}
}

func TestWhatIsNotInOrderIsRaised(t *testing.T) {
	sent, confirmed := store.LoadSent, store.LoadConfirmed
	whole := func(f *facility, i int, check string) {
		f.step(serialOf(i), "90", "SET", check, sent, confirmed)
		f.step(serialOf(i), "0", "", fmt.Sprintf("B%05d", i), sent, confirmed)
	}
	for name, c := range map[string]struct {
		make     func(f *facility)
		kind     fleet.FindingKind
		open     bool
		balanced bool
		later    time.Duration
	}{
		"nobody was there": {func(*facility) {}, fleet.FindUntouched, true, true, 0},
		"begun, not finished": {func(f *facility) { f.step(serialOf(1), "90", "SET", "AAAAAA", sent) },
			fleet.FindInWork, true, false, 0},
		"loaded, and nobody said so": {func(f *facility) { whole(f, 1, "AAAAAA") }, fleet.FindUnreported, true, false, 0},
		"said to be loaded, and half is": {func(f *facility) {
			f.step(serialOf(1), "90", "SET", "AAAAAA", sent, confirmed)
			f.result(serialOf(1), store.Confirmed, "")
		}, fleet.FindUnborne, true, true, 0},
		"said to have failed, and loaded": {func(f *facility) {
			whole(f, 1, "AAAAAA")
			f.result(serialOf(1), store.Failed, "")
		}, fleet.FindUnreported, true, true, 0},
		"failed with an open load": {func(f *facility) {
			f.step(serialOf(1), "90", "SET", "AAAAAA", sent)
			f.result(serialOf(1), store.Failed, "")
		}, fleet.FindInWork, true, true, 0},
		"in quarantine": {func(f *facility) {
			f.step(serialOf(1), "90", "SET", "AAAAAA", sent, store.LoadUnknown)
			f.result(serialOf(1), store.QuarantinedDevice, "")
		}, fleet.FindQuarantined, true, true, 0},
		"quarantine that is settled": {func(f *facility) {
			f.step(serialOf(1), "90", "SET", "AAAAAA", sent, store.LoadUnknown, store.LoadFailed)
			f.result(serialOf(1), store.QuarantinedDevice, "")
		}, fleet.FindQuarantined, false, true, 0},
		"failed": {func(f *facility) { f.result(serialOf(1), store.Failed, "") }, fleet.FindFailed, false, true, 0},
		"another serial number": {func(f *facility) { f.result(serialOf(1), store.Rejected, "OTHER") },
			fleet.FindSerial, true, true, 0},
		"one serial number at two places": {func(f *facility) {
			f.result(serialOf(1), store.Rejected, serialOf(2))
			f.result(serialOf(2), store.Failed, serialOf(2))
		}, fleet.FindTwice, true, true, 0},
		"equal check values": {func(f *facility) {
			for i := range 2 {
				whole(f, i, "ABCDEF")
				f.result(serialOf(i), store.Confirmed, serialOf(i))
			}
		}, fleet.FindCheck, true, true, 0},
		"an old reservation": {func(f *facility) { f.step(serialOf(1), "90", "SET", "") },
			fleet.FindOld, true, false, 48 * time.Hour},
		"a device of another list": {func(f *facility) {
			must(t, f.db.AddDevice(t.Context(), store.Change{}, store.Device{Serial: "STRANGER"}))
			f.behind(func() { f.step("STRANGER", "90", "SET", "AAAAAA", sent, confirmed) })
		}, fleet.FindUnexpected, true, true, 0},
		"a slot that the plan does not have": {func(f *facility) { f.step(serialOf(1), "7", "", "AAAAAA", sent, confirmed) },
			fleet.FindUnplanned, true, false, 0},
		"another key set than the plan's": {func(f *facility) {
			f.keySet("OTHER", "111111", 0, 10)
			f.step(serialOf(1), "90", "OTHER", "AAAAAA", sent, confirmed)
			if a := f.account("R1", time.Now()); len(a.KeySets) != 2 || a.KeySets[1].KeySet != "OTHER" || a.KeySets[1].Confirmed != 1 {
				f.Errorf("the account of its key sets is %+v", a.KeySets)
			}
		}, fleet.FindUnplanned, true, false, 0},
		"confirmed without a check value": {func(f *facility) {
			whole(f, 1, "ABCDEF")
			f.result(serialOf(1), store.Confirmed, "")
		}, fleet.FindUnproven, false, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, onFile(t))
			f.begin("R1", 4)
			c.make(f)
			a := f.account("R1", time.Now().Add(c.later))
			if !raised(&a, c.kind, c.open) {
				t.Errorf("%s (open: %t) is not among %+v", c.kind, c.open, a.Findings)
			}
			if a.Balanced() != c.balanced {
				t.Errorf("balanced: %t; %+v, untouched %d, in work %d", a.Balanced(), a.Counts, a.Untouched, a.InWork)
			}
			set := fleet.Settings{Now: time.Now(), Accepted: true}
			if c.open && c.kind != fleet.FindUntouched && c.kind != fleet.FindOld {
				_, err := fleet.Close(t.Context(), f.db, store.Change{}, "R1", set)
				wantKind(t, "closing it with an open finding", err, fault.Partial)
			}
			set.Known = true
			_, err := fleet.Close(t.Context(), f.db, store.Change{}, "R1", set)
			if (err == nil) != c.balanced {
				t.Errorf("closing it: %v", err)
			}
		})
	}
}

func TestUntouchedDevicesAreLeftOutOnPurposeOnly(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 3)
	_, err := fleet.Close(t.Context(), f.db, store.Change{}, "R1", fleet.Settings{Now: time.Now()})
	wantKind(t, "closing", err, fault.Partial)
	a, err := fleet.Close(t.Context(), f.db, store.Change{}, "R1", fleet.Settings{Now: time.Now(), Accepted: true})
	must(t, err)
	if a.Run.Closed.IsZero() || a.Untouched != 3 || a.Open() != 0 {
		t.Errorf("%+v", a)
	}
}

func TestAListOrPlanThatWasChangedIsFound(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 3)
	behind, err := sql.Open("sqlite", f.url.Path())
	must(t, err)
	defer func() { must(t, behind.Close()) }()
	_, err = behind.Exec("UPDATE run_devices SET uri = 'visa+tcp://127.0.0.1:1' WHERE serial = ?", serialOf(1))
	must(t, err)
	a := f.account("R1", time.Now())
	if !raised(&a, fleet.FindList, true) {
		t.Errorf("%+v", a.Findings)
	}
	_, err = fleet.Run(t.Context(), f.options("R1", "A", newShelf(3)))
	wantKind(t, "a station with a list that was changed", err, fault.ChecksumMismatch)
	_, err = behind.Exec("UPDATE runs SET plan = CAST('{}' AS BLOB)")
	must(t, err)
	_, _, err = fleet.ReadPlan(t.Context(), f.db, "R1")
	wantKind(t, "a plan that was changed", err, fault.ChecksumMismatch)
}

func TestChanceExplainsFewEqualCheckValuesAmongMany(t *testing.T) {
	for _, c := range []struct {
		pairs  int
		mean   float64
		atMost float64
	}{{0, 3, 1}, {3, 3, 0.58}, {10, 3, 0.002}, {1, 0.0074, 0.0075}} {
		if got := fleet.AtLeast(c.pairs, c.mean); got > c.atMost || got < c.atMost*0.5 {
			t.Errorf("%d or more where %g are expected: %g, want about %g", c.pairs, c.mean, got, c.atMost)
		}
	}
}

func TestAReportIsWrittenReadAndSigned(t *testing.T) {
	f := open(t, onFile(t))
	f.begin("R1", 5)
	s := newShelf(5)
	s.of(1).fails = once(beforeStore, 1, refusal("<script>alert(1)</script>"))
	_, err := fleet.Run(t.Context(), f.options("R1", "A", s))
	must(t, err)
	a, err := fleet.Close(t.Context(), f.db, store.Change{}, "R1", fleet.Settings{Now: time.Now()})
	must(t, err)
	r := fleet.NewReport(&a, "fleet")
	raw, err := r.JSON()
	must(t, err)
	back, err := fleet.ParseReport(raw)
	must(t, err)
	if back.Counts != r.Counts || len(back.Devices) != 5 || back.KeySets[0].Confirmed != 4 || back.KeySets[0].Burnt != 1 {
		t.Errorf("%+v", back)
	}
	for _, secret := range []string{testBDK, testKLK, testPIN} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Error("the report holds a key")
		}
	}
	_, err = fleet.ParseReport(append(bytes.Clone(raw), ' '))
	wantKind(t, "a report with something behind it", err, fault.Malformed)
	f.signed(raw)
}

// signed signs a report with a signature of the test's own.
func (f *facility) signed(raw []byte) {
	f.Helper()
	seal := func(said string) string {
		sum := sha256.Sum256([]byte("test" + said))
		return hex.EncodeToString(sum[:])
	}
	note, err := fleet.Sign(raw, time.Now(), func(said string) ([]byte, error) { return []byte(said + "\n" + seal(said)), nil })
	must(f, err)
	check := func(signed []byte) (string, []string, error) {
		said, mark, _ := strings.Cut(string(signed), "\n\n")
		if mark != seal(said+"\n") {
			return "", nil, fault.New(fault.LogBroken, "wrong")
		}
		return said + "\n", []string{"officer.a"}, nil
	}
	got, err := fleet.VerifySigned(raw, note, check)
	must(f, err)
	if got.By[0] != "officer.a" || got.Report.Run != "R1" || got.At.IsZero() {
		f.Errorf("%+v", got)
	}
	other := bytes.Replace(raw, []byte(`"confirmed": 4`), []byte(`"confirmed": 5`), 1)
	_, err = fleet.VerifySigned(other, note, check)
	wantKind(f, "another report", err, fault.ChecksumMismatch)
	_, err = fleet.VerifySigned(raw, append([]byte("x"), note...), check)
	wantKind(f, "another signature", err, fault.ChecksumMismatch)
}
