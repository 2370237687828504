package assess

// The early warnings.

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/incident"
	"poskey/pkg/store"
)

// Severity says how much a warning presses.
type Severity string

// The severities.
const (
	Urgent Severity = "urgent" // now
	Soon   Severity = "soon"   // within days or weeks
	Note   Severity = "note"   // should be known
)

// Warning is something that will go wrong, or may have.
type Warning struct {
	ID       string // key-expiry, battery-low, …: see the functions below; ids never change their meaning
	Severity Severity
	Subject  string // label, serial, officer
	What     text.Text
	Fix      text.Text
	Due      time.Time // when it bites; zero: now or not known
}

// WatchOptions are the limits of an early warning; zero fields take the defaults of DefaultWatch.
type WatchOptions struct {
	KeyEnd       time.Duration // a key ends within
	CardEnd      time.Duration // an officer's card ends within
	FailedLogins int           // in the time that is looked at
	Numbers      int           // per cent of a key set's numbers left
	BackupAge    time.Duration
	CheckAge     time.Duration // last checkpoint of the log
}

// DefaultWatch are the limits when nobody says others.
func DefaultWatch() WatchOptions {
	return WatchOptions{KeyEnd: 60 * day, CardEnd: 30 * day, FailedLogins: 3, Numbers: 10, BackupAge: 30 * day, CheckAge: 30 * day}
}

func (o WatchOptions) orDefault() WatchOptions {
	d := DefaultWatch()
	o.KeyEnd, o.CardEnd = cmp.Or(o.KeyEnd, d.KeyEnd), cmp.Or(o.CardEnd, d.CardEnd)
	o.FailedLogins, o.Numbers = cmp.Or(o.FailedLogins, d.FailedLogins), cmp.Or(o.Numbers, d.Numbers)
	o.BackupAge, o.CheckAge = cmp.Or(o.BackupAge, d.BackupAge), cmp.Or(o.CheckAge, d.CheckAge)
	return o
}

// Watch lists what presses, the most urgent first. It never guesses: what was not looked at gives no warning. Of each kind
// it lists [MaxItems] at most, and says how many more there are.
func Watch(e *Evidence, o WatchOptions) []Warning {
	w := watch{now: e.Now, o: o.orDefault()}
	if e.Device != nil {
		w.device(e.Device)
	}
	if e.Store != nil {
		w.keys(e.Store)
		w.people(e.Store)
		w.terminals(e.Store)
	}
	if e.Log != nil {
		w.log(e)
	}
	w.restored(e)
	w.clearLoads(e)
	w.incidents(e.Incidents)
	return w.sorted()
}

// Rank orders severities, the most urgent first.
func (s Severity) Rank() int { return slices.Index([]Severity{Urgent, Soon, Note}, s) }

type watch struct {
	now time.Time
	o   WatchOptions
	all []Warning
}

func (w *watch) warn(id string, s Severity, subject string, what, fix text.Text) {
	w.all = append(w.all, Warning{ID: id, Severity: s, Subject: subject, What: what, Fix: fix})
}

func (w *watch) due(id string, s Severity, subject string, at time.Time, what, fix text.Text) {
	w.all = append(w.all, Warning{ID: id, Severity: s, Subject: subject, What: what, Fix: fix, Due: at})
}

func (w *watch) sorted() []Warning {
	slices.SortStableFunc(w.all, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Severity.Rank(), b.Severity.Rank()), a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.Subject, b.Subject))
	})
	listed, more := map[string]int{}, map[string]int{}
	var out []Warning
	for _, one := range w.all {
		if listed[one.ID]++; listed[one.ID] <= MaxItems {
			out = append(out, one)
		} else {
			more[one.ID]++
		}
	}
	for i := range out { // the last one of a kind tells of the rest
		last := !slices.ContainsFunc(out[i+1:], func(o Warning) bool { return o.ID == out[i].ID })
		if n := more[out[i].ID]; n > 0 && last {
			out[i].What = text.New("%s (and %d more of this kind)", out[i].What, n)
		}
	}
	return out
}

// device: tampered, slot-damaged, battery-low, locked, inject-mode, firmware-behind, failed-logins, state-not-written,
// slot-key-expired, slot-key-expiry, dukpt-end.
func (w *watch) device(d *DeviceEvidence) {
	w.slots(d)
	if !d.told() {
		return
	}
	serial := d.serial()
	if notTampered(d, nil).Verdict == NotMet {
		w.warn("tampered", Urgent, serial, text.New("the tamper detection was tripped: the keys are gone"),
			text.New("poskey incident open --kind tamper; take it out of use, and send it to the vendor"))
	}
	if d.Status.Battery.Low {
		w.warn("battery-low", Urgent, serial, text.New("the backup battery is low: %d mV", d.Status.Battery.Millivolts),
			text.New("have the battery changed: when it is empty all keys are erased"))
	}
	for _, l := range d.Status.Locks {
		if l.Kind != device.LockTamper {
			w.warn("locked", Soon, serial, text.New("locked (%s) since %s", plain(string(l.Kind)), l.Since.UTC().Format(time.RFC3339)),
				text.New("poskey device unlock --lock %s, once it is known why", plain(string(l.Kind))))
		}
	}
	if d.Status.InjectMode {
		w.warn("inject-mode", Urgent, serial, text.New("the terminal takes clear keys now"),
			text.New("leave the mode at the terminal; poskey device logs tells who entered it"))
	}
	if f := firmwareNewest(d, nil); f.Verdict == NotMet {
		w.warn("firmware-behind", Soon, serial, f.Found, text.New("poskey device update --manifest FILE --image FILE"))
	}
	if n := denials(d.events()); n >= w.o.FailedLogins {
		w.warn("failed-logins", Soon, serial, text.New("denied log-ins at the terminal: %d", n),
			text.New("poskey device logs; ask who it was, and change the password"))
	}
	if f := storageSound(d, nil); f.Verdict == NotMet {
		w.warn("state-not-written", Urgent, serial, text.New("the terminal could not write its state or destroy keys: %d times", len(f.Items)+f.More),
			text.New("take it out of use, and send it to the vendor"))
	}
}

func (w *watch) slots(d *DeviceEvidence) {
	serial := d.serial()
	for i := range d.Status.Slots {
		s := &d.Status.Slots[i]
		name := strings.TrimPrefix(serial+"/"+plain(string(s.Slot)), "/")
		fix := text.New("poskey key rotate, then poskey inject into this slot")
		switch {
		case s.Damaged:
			w.warn("slot-damaged", Urgent, name, text.New("the key in the slot cannot be read any more"),
				text.New("poskey device reset, then poskey inject; return the terminal if it comes again"))
		case s.Expires.IsZero():
		case pastEnd(s, w.now):
			w.due("slot-key-expired", Urgent, name, s.Expires, text.New("the key in the slot ended on %s", s.Expires.Format(time.DateOnly)), fix)
		case s.Expires.Sub(w.now) <= w.o.KeyEnd:
			w.due("slot-key-expiry", Soon, name, s.Expires, text.New("the key in the slot ends on %s", s.Expires.Format(time.DateOnly)), fix)
		}
	}
	for _, i := range d.Status.Initial {
		if i.KSN != "" && i.Left < fewTransactions {
			severity := Soon
			if i.Left == 0 {
				severity = Urgent
			}
			w.warn("dukpt-end", severity, strings.TrimPrefix(serial+"/"+plain(string(i.Slot)), "/"), text.New("transactions left of the DUKPT key: %d", i.Left),
				text.New("poskey inject with the next number of a key set"))
		}
	}
}

// keys: key-expired, key-expiry, key-set-low, equal-checks.
func (w *watch) keys(s *StoreEvidence) {
	for i := range s.Keys {
		k := &s.Keys[i]
		if !k.State.InUse() || k.NotAfter.IsZero() {
			continue
		}
		name := k.Ref().String()
		fix := text.New("poskey key rotate %s", k.Label)
		switch {
		case ended(k, w.now):
			w.due("key-expired", Urgent, name, k.NotAfter, text.New("the key's cryptoperiod ended on %s", k.NotAfter.Format(time.DateOnly)), fix)
		case k.NotAfter.Sub(w.now) <= w.o.KeyEnd:
			w.due("key-expiry", Soon, name, k.NotAfter, text.New("the key's cryptoperiod ends on %s", k.NotAfter.Format(time.DateOnly)), fix)
		}
	}
	for i := range s.KeySets {
		k := &s.KeySets[i]
		if runsOut(k, w.o.Numbers) {
			severity := Soon
			if k.Left() == 0 {
				severity = Urgent
			}
			w.warn("key-set-low", severity, k.ID, text.New("numbers left in the key set: %d of %d", k.Left(), k.To-k.From),
				text.New("poskey keyset add with another range"))
		}
	}
	if f := uniquePerTerminal(s, w.now); f.Verdict == NotMet {
		w.warn("equal-checks", Urgent, joined(f), f.Found, text.New("poskey device list; load each terminal a key of its own (poskey inject)"))
	}
	if f := noTwins(s, w.now); f.Verdict == NotMet {
		w.warn("equal-keys", Soon, joined(f), f.Found, text.New("poskey key list --kcv; one key under two names is destroyed under one"))
	}
}

// fewNames bounds the names in a subject.
const fewNames = 4

func joined(f Finding) string {
	if n := len(f.Items) + f.More - fewNames; n > 0 {
		return strings.Join(f.Items[:fewNames], " ") + " …"
	}
	return strings.Join(f.Items, " ")
}

// people: officer-expired, officer-expiry, single-custodian, no-reserve, one-administrator, one-manager.
func (w *watch) people(s *StoreEvidence) {
	reshare := text.New("poskey officer new, then poskey store reshare while the old identity is good")
	for i := range s.Officers {
		o := &s.Officers[i]
		switch {
		case !w.now.Before(o.Expires):
			w.due("officer-expired", Urgent, o.ID, o.Expires, text.New("the officer's identity ended on %s", o.Expires.Format(time.DateOnly)), reshare)
		case o.Expires.Sub(w.now) <= w.o.CardEnd:
			w.due("officer-expiry", Soon, o.ID, o.Expires, text.New("the officer's identity ends on %s", o.Expires.Format(time.DateOnly)), reshare)
		}
	}
	for _, k := range knowers(s) {
		w.warn("single-custodian", Urgent, k.person, text.New("this person has seen enough parts of %s to form it", k.key),
			text.New("poskey custody parts --custodian %s; poskey key rotate with other custodians", k.person))
	}
	if byToken(s) {
		return
	}
	if s.Threshold == 1 {
		w.warn("single-custodian", Urgent, s.Identity.ID, text.New("one officer opens the store alone"), text.New("poskey store reshare --threshold 2"))
	}
	if f := reserveThere(s, w.now); f.Verdict == NotMet {
		w.warn("no-reserve", Soon, s.Identity.ID, f.Found,
			text.New("poskey store reshare --holder CARD for each reserve custodian"))
	}
	if all := administrators(s, w.now); len(all) == 1 {
		w.warn("one-administrator", Soon, all[0], text.New("there is only one administrator"),
			text.New("poskey officer new --role administrator, then poskey store reshare"))
	}
	for _, m := range oneManager(s) {
		w.warn("one-manager", Soon, m, text.New("enough custodians to put the master key together report to this manager"),
			text.New("poskey store reshare with custodians of another manager"))
	}
}

// terminals: key-compromised-in-device, key-suspended-in-device, load-unknown.
func (w *watch) terminals(s *StoreEvidence) {
	for _, slot := range loadedIn(s, store.Compromised, store.DestroyedCompromised) {
		w.warn("key-compromised-in-device", Urgent, slot, text.New("the slot has a compromised key, or one derived from it"),
			text.New("poskey device lock, then poskey inject a successor"))
	}
	for _, slot := range loadedIn(s, store.Suspended) {
		w.warn("key-suspended-in-device", Soon, slot, text.New("the slot has a suspended key, or one derived from it"),
			text.New("poskey key activate or poskey key compromise: decide about the key"))
	}
	for i := range s.Loads {
		if l := &s.Loads[i]; unsettled(l, w.now) {
			w.warn("load-unknown", Soon, l.Serial+"/"+l.Slot, text.New("nobody knows whether the load of %s arrived", l.Changed.UTC().Format(time.DateOnly)),
				text.New("poskey fleet reconcile, or poskey inject once more with the same request"))
		}
	}
}

// log: log-broken, no-checkpoint, no-backup, failed-logins, unfinished, single-handed.
func (w *watch) log(e *Evidence) {
	l, id := e.Log, subject(e, Answers{}).Store
	if f := logWhole(e); f.Verdict == NotMet {
		w.warn("log-broken", Urgent, id, f.Found, text.New("poskey audit verify; hold the log against its copies, and open an incident"))
	}
	w.signedAndKept(l, id)
	if l.FailedLogins >= w.o.FailedLogins {
		w.warn("failed-logins", Soon, id, text.New("failed log-ins in the audit log: %d", l.FailedLogins), text.New("poskey audit show --result refused; ask the officers"))
	}
	if l.Unfinished > 0 {
		w.warn("unfinished", Note, id, text.New("operations without an outcome: %d", l.Unfinished), text.New("poskey store verify tells what became of them"))
	}
	if l.Report.Identity.Environment != "test" && len(l.SingleHanded) > 0 {
		w.warn("single-handed", Urgent, id, text.New("operations by one person alone: %d", len(l.SingleHanded)),
			text.New("poskey audit show; poskey key suspend until it is settled"))
	}
}

// signedAndKept asks for what should come again and again. Of a log that is broken nobody knows.
func (w *watch) signedAndKept(l *LogEvidence, id string) {
	if l.Broken != nil {
		return
	}
	if f := checkpointed(l, w.now); !within(l.Checkpoint, w.now, w.o.CheckAge) {
		w.warn("no-checkpoint", Note, id, f.Found, text.New("poskey audit checkpoint --officer FILE --to FILE"))
	}
	if f := backedUp(l, w.now); !within(l.Backup, w.now, w.o.BackupAge) {
		w.warn("no-backup", Soon, id, f.Found, text.New("poskey store backup --to FILE, and keep it in another place"))
	}
}

// restored: frozen-key-set. After a restoration nobody knows which numbers went out; without one somebody froze the set.
func (w *watch) restored(e *Evidence) {
	if e.Store == nil {
		return
	}
	severity, what := Note, text.New("the key set is frozen: it gives no numbers")
	if e.Log != nil && !e.Log.Restored.IsZero() {
		severity = Soon
		what = text.New("the key set is frozen since the store was restored on %s", e.Log.Restored.UTC().Format(time.DateOnly))
	}
	for i := range e.Store.KeySets {
		if k := &e.Store.KeySets[i]; k.Frozen {
			w.warn("frozen-key-set", severity, k.ID, what, text.New("poskey keyset thaw %s, once it is known how far its numbers went", k.ID))
		}
	}
}

// clearLoads: clear-loads. In a test store they are the rule.
func (w *watch) clearLoads(e *Evidence) {
	f := noClearLoads(e)
	if f.Verdict != NotMet {
		return
	}
	of := subject(e, Answers{})
	severity := Soon
	if of.Environment == store.Test {
		severity = Note
	}
	w.warn("clear-loads", severity, of.Store, f.Found, text.New("poskey inject without --clear: key blocks under the terminal's own key"))
}

// incidents: incident-open, incident-overdue, incident-broken.
func (w *watch) incidents(all []incident.Summary) {
	for i := range all {
		s := &all[i]
		if s.Broken != nil {
			w.warn("incident-broken", Urgent, s.ID, text.New("the record of the incident does not verify: %s", s.Broken),
				text.New("poskey incident show %s; hold it against the copies", s.ID))
		}
		if len(s.Overdue) > 0 && s.State != incident.Closed {
			w.warn("incident-overdue", Urgent, s.ID, text.New("steps over their time: %d", len(s.Overdue)), text.New("poskey incident show %s", s.ID))
		}
		switch s.State {
		case incident.Open:
			w.warn("incident-open", Urgent, s.ID, text.New("the incident is not contained"), text.New("poskey incident contain %s", s.ID))
		case incident.Contained:
			w.warn("incident-open", Note, s.ID, text.New("the incident is contained and not closed; steps left: %d", s.StepsLeft),
				text.New("poskey incident close %s", s.ID))
		case incident.Closed:
		}
	}
}
