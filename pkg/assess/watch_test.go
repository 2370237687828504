package assess

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/pkg/device"
	"poskey/pkg/incident"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

func TestNothingPressesWhereAllIsWell(t *testing.T) {
	if all := Watch(good(), WatchOptions{}); len(all) != 0 {
		t.Errorf("%d warnings, the first: %s %s %s", len(all), all[0].ID, all[0].Subject, all[0].What)
	}
	if all := Watch(&Evidence{Now: now()}, WatchOptions{}); len(all) != 0 {
		t.Errorf("%d warnings about what was not looked at", len(all))
	}
}

// presses is what a change of good evidence is warned about.
type presses struct {
	name     string
	by       change
	id       string
	severity Severity
	subject  string
	due      time.Time
	fix      string // what the fix says
}

func pressing() []presses {
	soon := now().Add(40 * day)
	w := worse()
	return []presses{
		{"tampered", w["HW-01"], "tampered", Urgent, "T-0001", time.Time{}, "poskey incident open --kind tamper"},
		{"a damaged slot", w["HW-02"], "slot-damaged", Urgent, "T-0001/1", time.Time{}, "poskey device reset"},
		{"a low battery", w["HW-03"], "battery-low", Urgent, "T-0001", time.Time{}, "battery"},
		{"old firmware", w["SW-01"], "firmware-behind", Soon, "T-0001", time.Time{}, "poskey device update"},
		{"clear keys are taken", w["SW-02"], "inject-mode", Urgent, "T-0001", time.Time{}, "poskey device logs"},
		{"state not written", w["SW-04"], "state-not-written", Urgent, "T-0001", time.Time{}, "vendor"},
		{"log-ins at the terminal", w["UA-01"], "failed-logins", Soon, "T-0001", time.Time{}, "poskey device logs"},
		{"a lock", w["OP-26"], "locked", Soon, "T-0001", time.Time{}, "poskey device unlock --lock remote"},
		{"a slot key that ended", w["OP-19"], "slot-key-expired", Urgent, "T-0001/0", now(), "poskey inject"},
		{"a slot key near its end", func(e *Evidence) { e.Device.Status.Slots[2].Expires = soon }, "slot-key-expiry", Soon, "T-0001/2", soon, "poskey key rotate"},
		{"a DUKPT engine near its end", w["OP-20"], "dukpt-end", Soon, "T-0001/90", time.Time{}, "poskey inject"},
		{"a DUKPT engine at its end", func(e *Evidence) { e.Device.Status.Initial[0].Left = 0 }, "dukpt-end", Urgent, "T-0001/90", time.Time{}, "poskey inject"},
		{"a key that ended", w["OP-10"], "key-expired", Urgent, "ZMK-1#1", now(), "poskey key rotate ZMK-1"},
		{"a key near its end", func(e *Evidence) { e.Store.Keys[1].NotAfter = soon }, "key-expiry", Soon, "ZPK-1#1", soon, "poskey key rotate ZPK-1"},
		{"a key set that runs out", w["OP-21"], "key-set-low", Soon, "set-1", time.Time{}, "poskey keyset add"},
		{"a key set that is used up", func(e *Evidence) { e.Store.KeySets[0].Next = 1000 }, "key-set-low", Urgent, "set-1", time.Time{}, "poskey keyset add"},
		{"equal values in two terminals", w["OP-12"], "equal-checks", Urgent, "T-0001/0 T-0002/0", time.Time{}, "poskey inject"},
		{"equal values in the store", w["OP-13"], "equal-keys", Soon, "ZMK-1#1 ZPK-1#1", time.Time{}, "poskey key list"},
		{"a card that ended", w["MG-02"], "officer-expired", Urgent, "administrator.a", now(), "poskey store reshare"},
		{"a card near its end", func(e *Evidence) { e.Store.Officers[6].Expires = now().Add(29 * day) }, "officer-expiry", Soon, "auditor.a", now().Add(29 * day), "poskey officer new"},
		{"one person knows a key", w["OP-14"], "single-custodian", Urgent, "custodian.a", time.Time{}, "poskey custody parts --custodian custodian.a"},
		{"one officer opens the store", w["UA-08"], "single-custodian", Urgent, "STORE-1", time.Time{}, "poskey store reshare"},
		{"no reserve", w["MG-03"], "no-reserve", Soon, "STORE-1", time.Time{}, "poskey store reshare --holder"},
		{"one administrator", w["UA-07"], "one-administrator", Soon, "administrator.b", time.Time{}, "poskey officer new"},
		{"one manager", w["MG-01"], "one-manager", Soon, "manager a", time.Time{}, "poskey store reshare"},
		{"a compromised key in a terminal", w["IR-05"], "key-compromised-in-device", Urgent, "T-0002/0", time.Time{}, "poskey device lock"},
		{"a suspended key in a terminal", w["IR-06"], "key-suspended-in-device", Soon, "T-0002/0", time.Time{}, "poskey key activate"},
		{"a load nobody knows about", w["OP-24"], "load-unknown", Soon, "T-0002/0", time.Time{}, "poskey fleet reconcile"},
		{"a broken log", w["OP-01"], "log-broken", Urgent, "STORE-1", time.Time{}, "poskey audit verify"},
		{"no checkpoint", w["OP-02"], "no-checkpoint", Note, "STORE-1", time.Time{}, "poskey audit checkpoint"},
		{"no backup", w["DT-06"], "no-backup", Soon, "STORE-1", time.Time{}, "poskey store backup"},
		{"log-ins of officers", w["UA-04"], "failed-logins", Soon, "STORE-1", time.Time{}, "poskey audit show"},
		{"unfinished", w["OP-04"], "unfinished", Note, "STORE-1", time.Time{}, "poskey store verify"},
		{"single-handed", w["OP-06"], "single-handed", Urgent, "STORE-1", time.Time{}, "poskey key suspend"},
		{"a frozen key set", w["DT-08"], "frozen-key-set", Note, "set-1", time.Time{}, "poskey keyset thaw set-1"},
		{"frozen since a restoration", func(e *Evidence) { e.Store.KeySets[0].Frozen, e.Log.Restored = true, daysAgo(2) }, "frozen-key-set", Soon, "set-1", time.Time{}, "poskey keyset thaw set-1"},
		{"clear loads", w["DT-02"], "clear-loads", Soon, "STORE-1", time.Time{}, "poskey inject"},
		{"clear loads of a test store", func(e *Evidence) { e.Log.ClearLoads, e.Store.Identity.Environment = 1, store.Test }, "clear-loads", Note, "STORE-1", time.Time{}, "poskey inject"},
		{"an open incident", w["IR-01"], "incident-open", Urgent, "INC-2026-0001", time.Time{}, "poskey incident contain"},
		{"a contained incident", w["IR-03"], "incident-open", Note, "INC-2026-0001", time.Time{}, "poskey incident close"},
		{"an overdue step", func(e *Evidence) {
			e.Incidents[0].State, e.Incidents[0].Contained, e.Incidents[0].Overdue = incident.Contained, daysAgo(1), []string{"S1"}
		}, "incident-overdue", Urgent, "INC-2026-0001", time.Time{}, "poskey incident show"},
		{"a record that does not verify", func(e *Evidence) { e.Incidents[0].Broken = errors.New("a line is missing") }, "incident-broken", Urgent, "INC-2026-0001", time.Time{}, "poskey incident show"},
	}
}

func TestWhatPressesIsWarnedAboutWithItsFix(t *testing.T) {
	for _, c := range pressing() {
		t.Run(c.name, func(t *testing.T) {
			e := good()
			c.by(e)
			all := Watch(e, WatchOptions{})
			at := slices.IndexFunc(all, func(w Warning) bool { return w.ID == c.id })
			if at < 0 {
				t.Fatalf("no warning %s among %d", c.id, len(all))
			}
			w := all[at]
			if w.Severity != c.severity || w.Subject != c.subject || !w.Due.Equal(c.due) || w.What.IsZero() {
				t.Errorf("%s about %q due %s: %s", w.Severity, w.Subject, w.Due, w.What)
			}
			if !strings.Contains(w.Fix.String(), c.fix) {
				t.Errorf("the fix %q does not say %q", w.Fix, c.fix)
			}
		})
	}
}

func TestLimitsOfAWarningAreTheUsers(t *testing.T) {
	e := good()
	e.Store.Keys[0].NotAfter = now().Add(90 * day)
	if all := Watch(e, WatchOptions{}); len(all) != 0 {
		t.Errorf("warned about %s", all[0].ID)
	}
	all := Watch(e, WatchOptions{KeyEnd: 100 * day})
	if len(all) != 1 || all[0].ID != "key-expiry" {
		t.Errorf("%d warnings", len(all))
	}
}

func TestTheMostUrgentComesFirst(t *testing.T) {
	e := good()
	rows := worse()
	for _, id := range []string{"DT-08", "MG-02", "OP-10", "OP-19", "UA-04", "HW-01"} {
		rows[id](e)
	}
	e.Store.Keys[1].NotAfter = now().Add(-day)
	var got []string
	for _, w := range Watch(e, WatchOptions{}) {
		got = append(got, string(w.Severity)+" "+w.ID+" "+w.Subject)
	}
	want := []string{"urgent tampered T-0001", "urgent key-expired ZPK-1#1", "urgent key-expired ZMK-1#1", "urgent officer-expired administrator.a",
		"urgent slot-key-expired T-0001/0", "soon failed-logins STORE-1", "soon one-administrator administrator.b", "note frozen-key-set set-1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if !reflect.DeepEqual(Watch(e, WatchOptions{}), Watch(e, WatchOptions{})) {
		t.Error("two lists of the same evidence differ")
	}
}

func TestManyOfAKindAreCutAndCounted(t *testing.T) {
	e := good()
	e.Store.Keys = nil
	for i := range 100_000 {
		e.Store.Keys = append(e.Store.Keys, store.Key{Label: fmt.Sprintf("K-%06d", i), Version: 1, State: store.Active, NotAfter: daysAgo(1),
			Check: kcv.Value{Method: kcv.CMAC, Digits: fmt.Sprintf("%06X", i)}})
	}
	all := Watch(e, WatchOptions{})
	if len(all) != MaxItems || !strings.Contains(all[MaxItems-1].What.String(), "99980 more") {
		t.Errorf("%d warnings, the last: %s", len(all), all[len(all)-1].What)
	}
}

// TestADeviceThatToldOnlyOfItsSlotsIsNotJudged: a dialect for loading does not say whether a terminal was opened.
func TestADeviceThatToldOnlyOfItsSlotsIsNotJudged(t *testing.T) {
	e := &Evidence{Now: now(), Device: &DeviceEvidence{SeenAt: now(), URI: device.URI{Dialect: device.Visa, Transport: device.Serial},
		Status: device.Status{Slots: goodDevice().Status.Slots}}}
	r := Assess(e, Answers{})
	known := 0
	for i := range r.Results {
		if r.Results[i].Finding.Verdict != NoEvidence {
			known++
		}
	}
	if f := resultOf(t, &r, "HW-01").Finding; f.Verdict != NoEvidence || known != 5 {
		t.Errorf("tamper %s; %d controls are known", f.Verdict, known)
	}
}
