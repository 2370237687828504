package assess

// Verdicts that would be wrong: what must not be called met, or not met, in evidence that is odd.

import (
	"errors"
	"slices"
	"testing"
	"time"

	"poskey/pkg/audit"
	"poskey/pkg/device"
	"poskey/pkg/incident"
	"poskey/pkg/kcv"
)

func TestOddEvidenceGivesNoWrongVerdict(t *testing.T) {
	future := now().AddDate(0, 0, 100)
	lost := func(e *Evidence) { e.Log = &LogEvidence{Broken: errors.New("there is no file")} }
	expired := func(e *Evidence, id string) {
		for i := range e.Store.Officers {
			if e.Store.Officers[i].ID == id {
				e.Store.Officers[i].Expires = now()
			}
		}
	}
	lock := func(k device.LockKind) change {
		return func(e *Evidence) { e.Device.Status.Locks = []device.LockState{{Kind: k, Since: daysAgo(1)}} }
	}
	for name, c := range map[string]struct {
		id   string
		by   change
		want Verdict
	}{
		"a backup that has yet to come":       {"DT-06", func(e *Evidence) { e.Log.Backup = future }, NoEvidence},
		"a checkpoint that has yet to come":   {"OP-02", func(e *Evidence) { e.Log.Checkpoint = future }, NoEvidence},
		"a self-test that has yet to come":    {"OP-08", func(e *Evidence) { e.Log.Selftest = future }, NoEvidence},
		"a backup a minute ahead":             {"DT-06", func(e *Evidence) { e.Log.Backup = now().Add(time.Minute) }, Met},
		"no backup in a lost log":             {"DT-06", lost, NoEvidence},
		"no checkpoint in a lost log":         {"OP-02", lost, NoEvidence},
		"no signature in a lost log":          {"OP-03", lost, NoEvidence},
		"a lost log":                          {"OP-01", lost, NotMet},
		"an old backup in a broken log":       {"DT-06", func(e *Evidence) { e.Log.Broken, e.Log.Backup = errors.New("changed"), daysAgo(40) }, NotMet},
		"a log that ends before a key":        {"OP-01", func(e *Evidence) { e.Store.Keys[0].Created = now() }, NotMet},
		"a log that ends before a compromise": {"OP-01", func(e *Evidence) { e.Store.Keys[0].Compromised = now() }, NotMet},
		"an end by a clock that went back": {"OP-01", func(e *Evidence) {
			e.Store.Keys[0].Created = now()
			e.Log.Report.Warnings = []audit.Warning{{Kind: audit.ClockBack}}
		}, Met},
		"an administrator who is out of date": {"UA-07", func(e *Evidence) { expired(e, "administrator.a") }, NotMet},
		"an auditor who is out of date":       {"UA-06", func(e *Evidence) { expired(e, "auditor.a") }, NotMet},
		"a reserve custodian out of date":     {"MG-03", func(e *Evidence) { expired(e, "custodian.c") }, NotMet},
		"one manager in two spellings": {"MG-01", func(e *Evidence) {
			e.Store.Officers[2].Manager, e.Store.Officers[3].Manager = "Manager  A", "manager a"
		}, NotMet},
		"a POI version nobody could look up": {"HW-05", func(e *Evidence) { e.Device.Status.POIVersion, e.Device.Listed, e.Store = "", nil, nil }, NoEvidence},
		"keys from outside":                  {"HW-07", nil, NoEvidence},
		"production without keys":            {"HW-07", func(e *Evidence) { e.Store.Keys = nil }, NotApplicable},
		"an engine without a key": {"DT-09", func(e *Evidence) {
			e.Device.Status.Slots = e.Device.Status.Slots[:1]
			e.Device.Status.Initial = []device.InitialReport{{Slot: "90"}}
		}, NotMet},
		"an engine at its end": {"DT-09", func(e *Evidence) {
			e.Device.Status.Slots = e.Device.Status.Slots[:1]
			e.Device.Status.Initial[0].Left = 0
		}, NotMet},
		"a key that the inventory lacks":    {"OP-23", func(e *Evidence) { e.Device.Listed.Keys = e.Device.Listed.Keys[:2] }, NotMet},
		"an inventory that knows of no key": {"OP-23", func(e *Evidence) { e.Device.Listed.Keys = nil }, NoEvidence},
		"a tampered terminal":               {"OP-26", lock(device.LockTamper), Met},
		"a terminal after wrong passwords":  {"OP-26", lock(device.LockPassword), Met},
		"a terminal that was moved":         {"OP-26", lock(device.LockLocation), NotMet},
		"an open file in a closed folder":   {"SW-17", func(e *Evidence) { e.Store.FileMode = 0o644 }, Met},
		"a closed file in an open folder":   {"SW-17", func(e *Evidence) { e.Store.DirMode = 0o777 }, NotMet},
		"the end of a long terminal log":    {"UA-01", func(e *Evidence) { e.Device.Events[0].Seq = 90 }, NoEvidence},
		"the end of a log, failures in it":  {"SW-04", func(e *Evidence) { e.Device.Events[0].Seq, e.Device.Events[0].Kind = 90, "corrupted" }, NotMet},
		"the whole of a long terminal log":  {"SW-04", func(e *Evidence) { e.Device.Events[0].Seq, e.Device.Whole = 90, true }, Met},
		"denials of a year ago": {"UA-01", func(e *Evidence) {
			e.Device.Events[0] = device.LogEvent{Seq: 1, At: daysAgo(300), Kind: "denied", Detail: "99, password, 9 times"}
		}, Met},
		"one terminal with keys": {"OP-12", func(e *Evidence) { e.Store.Devices = e.Store.Devices[:1] }, NotApplicable},
		"terminals whose check values nobody took": {"OP-12", func(e *Evidence) {
			for i := range e.Store.Devices {
				for j := range e.Store.Devices[i].Keys {
					e.Store.Devices[i].Keys[j].Check = kcv.Value{}
				}
			}
		}, NoEvidence},
		"a terminal without a serial number": {"OP-22", func(e *Evidence) { e.Device.Status.Serial, e.Device.Listed = "", nil }, NoEvidence},
	} {
		if f := verdictAfter(t, c.id, c.by); f.Verdict != c.want {
			t.Errorf("%s: %s is %s, want %s: %s", name, c.id, f.Verdict, c.want, f.Found)
		}
	}
}

// TestAStoreWithNothingInItMeetsNothingByThat: a store of officers that holds no key, no terminal, no load is not secure by
// being empty.
func TestAStoreWithNothingInItMeetsNothingByThat(t *testing.T) {
	e := &Evidence{Now: now(), Store: goodStore(), Incidents: []incident.Summary{}}
	e.Store.Keys, e.Store.Devices, e.Store.KeySets, e.Store.Cuttings = nil, nil, nil, nil
	e.Store.Loads, e.Store.LoadsSeen, e.Store.Conveyed = nil, 0, 0
	met := []string{"SW-17", "DT-02", "UA-05", "UA-06", "UA-07", "UA-08", "MG-01", "MG-02", "MG-03"} // officers, file, journal
	r := Assess(e, Answers{})
	for i := range r.Results {
		if c := &r.Results[i].Control; r.Results[i].Finding.Verdict == Met && !slices.Contains(met, c.ID) {
			t.Errorf("%s is met: %s", c.ID, r.Results[i].Finding.Found)
		}
	}
}

func TestWhatIsNotAboutATerminalIsJudgedWithoutOne(t *testing.T) {
	with := Assess(good(), Answers{})
	e := good()
	e.Device = nil
	without := Assess(e, Answers{})
	for i := range with.Results {
		if a, b := &with.Results[i], &without.Results[i]; a.Control.Scope != OfTerminal && a.Finding.Found.String() != b.Finding.Found.String() {
			t.Errorf("%s: %q with a terminal, %q without", a.Control.ID, a.Finding.Found, b.Finding.Found)
		}
	}
}

func TestASilentTerminalIsNotCoveredByAnother(t *testing.T) {
	e := good()
	one := *e.Device
	e.Device = nil
	if r := All(e, []DeviceEvidence{one}, Answers{}); resultOf(t, &r, "HW-01").Finding.Verdict != Met {
		t.Fatal("one terminal that is well")
	}
	for _, all := range [][]DeviceEvidence{{one, {}}, {{}, one}} {
		r := All(e, all, Answers{})
		for _, id := range []string{"HW-01", "DT-01", "OP-22", "OP-19"} {
			if v := resultOf(t, &r, id).Finding.Verdict; v != NoEvidence {
				t.Errorf("%s is %s, and one terminal said nothing", id, v)
			}
		}
		if resultOf(t, &r, "OP-10").Finding.Verdict != Met || r.Of.Device != "T-0001" {
			t.Errorf("of the store and %q", r.Of.Device)
		}
	}
}

func TestAnAssessmentOfSomethingElseIsToldApart(t *testing.T) {
	this := Subject{Device: "T1", Store: "S", Environment: "production", Site: "room 4"}
	for want, o := range map[string]Subject{
		"":       {Device: "T1", Store: "S", Environment: "production"},
		"device": {Device: "T2", Store: "S", Environment: "production", Site: "room 4"},
		"store":  {Device: "T1", Store: "S2", Environment: "production", Site: "room 4"},
		"site":   {Device: "T1", Store: "S", Environment: "production", Site: "room 5"},
	} {
		got := this.Differs(&o)
		if want == "" && len(got) != 0 || want != "" && !slices.Equal(got, []string{want}) {
			t.Errorf("%q: %q", want, got)
		}
	}
}
