package incident

// The steps that each kind takes, in order. One table: what is to be done, who does it, by when, what asks for it, and what
// poskey can see of it by itself.

import (
	"strings"
	"time"

	"poskey/internal/text"
)

// Role is who does a step.
type Role string

// The roles.
const (
	RoleSecurity   Role = "security-officer"
	RoleOperator   Role = "operator"
	RoleCustodians Role = "custodians"
	RoleAdmin      Role = "administrators"
	RoleVendor     Role = "vendor"
	RoleManagement Role = "management"
	RoleWitness    Role = "witness"
)

// Text is what people call it.
func (r Role) Text() text.Text {
	switch r {
	case RoleSecurity:
		return text.New("security officer")
	case RoleOperator:
		return text.New("operator")
	case RoleCustodians:
		return text.New("custodians")
	case RoleAdmin:
		return text.New("administrators")
	case RoleVendor:
		return text.New("vendor")
	case RoleManagement:
		return text.New("managers")
	case RoleWitness:
		return text.New("a witness who is no custodian")
	}
	return text.Raw(string(r))
}

// Measure is what poskey can see of a step by itself.
type Measure string

// The measures. Each is over what the incident is about and what hangs beneath it, by the inventory.
const (
	MeasureNone        Measure = ""
	MeasureKeysOut     Measure = "keys-out"         // no key that falls is in use
	MeasureCompromised Measure = "keys-compromised" // every key that falls is marked as known to others
	MeasureDestroyed   Measure = "keys-destroyed"
	MeasureReplaced    Measure = "keys-replaced" // every key named has a successor, or a newer version in use
	MeasureDecided     Measure = "keys-decided"  // no key named is suspended any more
	MeasureFrozen      Measure = "keysets-frozen"
	MeasureOffList     Measure = "devices-off-list"
	MeasureLocked      Measure = "devices-locked" // by the record: poskey locked them, and they said so
	MeasureSettled     Measure = "loads-settled"
	MeasureInjected    Measure = "devices-injected" // since the opening
	MeasureCleared     Measure = "devices-cleared"  // no device holds a key that falls
	MeasureUnshared    Measure = "keys-unshared"    // no two devices have a key with one check value
	MeasureRevoked     Measure = "officers-revoked"
	MeasureReshared    Measure = "master-reshared"
	MeasureUnknowing   Measure = "parts-renewed" // keys that an officer knows parts of are out of use
)

// Step is a row of the table.
type Step struct {
	ID       string
	Text     text.Text
	Who      Role
	Within   time.Duration // of the opening; 0: no time. No rule that poskey knows gives one: these are poskey's own advice
	Clause   string        // of PCI PIN; "" where no clause that poskey knows asks for it, and poskey advises it
	Known    bool          // the clause was seen in a published text; else it is unconfirmed
	Command  string        // that does it, or shows it; with KEY, DEVICE, BAG, OFFICER, KEYSET in the place of what it is about
	Contains bool
	Measure  Measure
	Until    string // id of the step after which it need not be so any more
}

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// Commands that several steps name.
const (
	cmdSuspend    = "poskey incident contain ID --suspend KEY"
	cmdCompromise = "poskey incident contain ID --compromise KEY --with-below"
	cmdFreeze     = "poskey incident contain ID --freeze KEYSET"
	cmdQuarantine = "poskey incident contain ID --quarantine DEVICE"
	cmdLock       = "poskey incident contain ID --lock-device DEVICE=DEVICE-URI --login LOGIN"
	cmdResume     = "poskey inject --resume --device DEVICE-URI"
	cmdRotate     = "poskey key rotate KEY"
	cmdDestroy    = "poskey key destroy KEY"
	cmdReport     = "poskey incident report ID --for acquirer"
)

// Steps gives those of a kind in their order.
func Steps(k Kind) []Step {
	switch k {
	case KeyCompromised:
		return stepsCompromised()
	case KeySuspected:
		return stepsSuspected()
	case Tamper:
		return stepsTamper()
	case LostBag:
		return stepsLostBag()
	case OfficerLeft:
		return stepsOfficerLeft()
	case WrongKey:
		return stepsWrongKey()
	case MassFailure:
		return stepsMassFailure()
	}
	return nil
}

func stepTell() Step {
	return Step{ID: "tell", Who: RoleManagement, Within: day, Clause: "22", Command: cmdReport,
		Text: text.New("tell the acquirer, and every partner of a zone whose key falls")}
}

func stepFreeze() Step {
	return Step{ID: "freeze", Who: RoleOperator, Within: hour, Command: cmdFreeze, Contains: true, Measure: MeasureFrozen, Until: "decide",
		Text: text.New("hand out no more numbers of the key sets beneath")}
}

func stepDestroy() Step {
	return Step{ID: "destroy", Who: RoleWitness, Clause: "24-2.2", Command: cmdDestroy, Measure: MeasureDestroyed,
		Text: text.New("destroy the keys that fell, before a witness who is no custodian of them, and keep the affidavit")}
}

func stepsCompromised() []Step {
	return []Step{
		{ID: "out-of-use", Who: RoleSecurity, Within: hour, Clause: "22", Command: cmdCompromise, Contains: true, Measure: MeasureCompromised,
			Text: text.New("take the key and every key beneath it out of use: they are known to others")},
		stepFreeze(),
		{ID: "how", Who: RoleSecurity, Within: day, Clause: "22",
			Text: text.New("find out how it became known, since when, and what else was there")},
		stepTell(),
		{ID: "replace", Who: RoleCustodians, Within: 3 * day, Clause: "22", Command: cmdRotate, Measure: MeasureReplaced,
			Text: text.New("make new keys in the place of those that fell; exchange the zone keys anew")},
		{ID: "inject", Who: RoleOperator, Within: 14 * day, Clause: "22", Command: "poskey fleet plan --help", Measure: MeasureCleared,
			Text: text.New("load new keys into every terminal that holds one of them")},
		stepDestroy(),
	}
}

func stepsSuspected() []Step {
	return []Step{
		{ID: "suspend", Who: RoleSecurity, Within: hour, Clause: "22", Command: cmdSuspend, Contains: true, Measure: MeasureKeysOut, Until: "decide",
			Text: text.New("suspend the key and the keys beneath it until it is known")},
		stepFreeze(),
		{ID: "how", Who: RoleSecurity, Within: day, Clause: "22", Command: "poskey custody parts --label KEY",
			Text: text.New("find out who had the key or its parts, and what the log says of its uses")},
		{ID: "decide", Who: RoleManagement, Within: 3 * day, Command: "poskey key activate KEY --reason REASON", Measure: MeasureDecided,
			Text: text.New("decide: active again with the reason written down, or compromised (open an incident of that kind)")},
		stepTell(),
	}
}

func stepsTamper() []Step {
	return []Step{
		{ID: "batch", Who: RoleOperator, Within: 4 * hour, Command: "poskey device status --device DEVICE-URI",
			Text: text.New("settle or save the open batch before anything restarts the terminal")},
		{ID: "isolate", Who: RoleOperator, Within: 4 * hour, Clause: "30-3", Known: true, Command: cmdQuarantine, Contains: true,
			Measure: MeasureOffList, Until: "inject",
			Text: text.New("take the terminal out of service and off the list: it gets no keys until this is over")},
		{ID: "lock", Who: RoleOperator, Within: 4 * hour, Command: cmdLock, Measure: MeasureLocked, Until: "inject",
			Text: text.New("lock the terminal where it still answers and has not locked itself")},
		{ID: "loads", Who: RoleOperator, Within: 4 * hour, Contains: true, Measure: MeasureSettled, Until: "inject", Command: cmdResume,
			Text: text.New("leave no load of the terminal of which nobody knows how it ended")},
		{ID: "shared", Who: RoleSecurity, Within: day, Clause: "20-1", Known: true, Command: cmdCompromise, Contains: true, Measure: MeasureUnshared, Until: "inject",
			Text: text.New("take the keys of this terminal for known: where another terminal has one of them, that one falls too")},
		{ID: "evidence", Who: RoleSecurity, Within: day, Command: "poskey incident add ID --evidence FILE",
			Text: text.New("keep what shows it: seals, screen, photographs, the terminal's log, who had it where")},
		{ID: "tell", Who: RoleManagement, Within: day, Clause: "22", Command: cmdReport,
			Text: text.New("tell the acquirer: serial number, place, time, what was in the terminal")},
		{ID: "vendor", Who: RoleVendor,
			Text: text.New("only the vendor lifts a tamper lock; a terminal whose housing was opened is replaced, not repaired in the house")},
		{ID: "inject", Who: RoleOperator, Clause: "12-7", Command: "poskey inject --device DEVICE-URI --help", Measure: MeasureInjected,
			Text: text.New("inject new keys: the old ones are gone, and no unlocking brings them back")},
	}
}

func stepsLostBag() []Step {
	return []Step{
		{ID: "suspend", Who: RoleSecurity, Within: hour, Clause: "9-2", Known: true, Command: cmdSuspend, Contains: true, Measure: MeasureKeysOut,
			Text: text.New("suspend the key of which a component was in the bag, and every key beneath it")},
		stepFreeze(),
		{ID: "analysis", Who: RoleSecurity, Within: day, Clause: "9-2", Known: true, Command: "poskey custody bags BAG",
			Text: text.New("write down how the bag went, who had it, and what speaks for and against its having been opened")},
		{ID: "discard", Who: RoleWitness, Within: 3 * day, Clause: "9-2", Known: true,
			Text: text.New("destroy the component and the whole set: all parts, their backups, at every custodian's")},
		{ID: "keys", Who: RoleSecurity, Within: 3 * day, Clause: "9-2", Known: true, Command: cmdCompromise, Contains: true,
			Measure: MeasureCompromised, Text: text.New("take the key and every key under it for known to others")},
		{ID: "renew", Who: RoleCustodians, Within: 7 * day, Command: "poskey ceremony new --help", Measure: MeasureReplaced,
			Text: text.New("form a new key of new components in a ceremony; they travel by other channels than these did")},
		stepTell(),
		{ID: "inject", Who: RoleOperator, Within: 14 * day, Clause: "18-2", Command: "poskey fleet plan --help", Measure: MeasureCleared,
			Text: text.New("load new keys into every terminal that holds one of them")},
		stepDestroy(),
	}
}

func stepsOfficerLeft() []Step {
	return []Step{
		{ID: "revoke", Who: RoleAdmin, Within: day, Command: "poskey store reshare --revoke OFFICER --help", Contains: true, Measure: MeasureRevoked,
			Text: text.New("revoke the officer's card: it approves nothing any more")},
		{ID: "reshare", Who: RoleAdmin, Within: 7 * day, Clause: "21-2.4", Known: true, Command: "poskey store reshare --revoke OFFICER --help",
			Contains: true, Measure: MeasureReshared, Text: text.New("share the master key anew among those who stay: the old shares open nothing")},
		{ID: "accounts", Who: RoleAdmin, Within: day, Contains: true,
			Text: text.New("close accounts, door cards and safe combinations; change what passwords were known")},
		{ID: "hand-over", Who: RoleCustodians, Within: 7 * day, Clause: "25-1", Command: "poskey custody bags",
			Text: text.New("hand over the components that the officer kept, with bag numbers, to a custodian who has no other part")},
		{ID: "known", Who: RoleSecurity, Within: 7 * day, Clause: "21-2.4", Known: true, Command: "poskey custody parts",
			Text: text.New("list the keys of which the officer has ever seen parts: what is known stays known, also after reassignment")},
		{ID: "rotate", Who: RoleCustodians, Within: 30 * day, Clause: "21-2.4", Known: true, Command: cmdRotate, Measure: MeasureUnknowing,
			Text: text.New("replace every key that the officer could form, alone or with those who left before")},
		{ID: "card", Who: RoleWitness, Within: 7 * day, Text: text.New("take back and destroy the identity file, its copies and the passphrase's envelope")},
	}
}

func stepsWrongKey() []Step {
	return []Step{
		{ID: "stop", Who: RoleOperator, Within: hour, Command: cmdFreeze, Contains: true, Measure: MeasureFrozen, Until: "inject",
			Text: text.New("stop the run; hand out no more numbers of its key set")},
		{ID: "which", Who: RoleSecurity, Within: 4 * hour, Clause: "15-1", Known: true, Command: "poskey diagnose kcv --help",
			Text: text.New("find out by check values which key went where, and how it came to be taken")},
		{ID: "isolate", Who: RoleOperator, Within: day, Command: cmdQuarantine, Contains: true, Measure: MeasureOffList, Until: "inject",
			Text: text.New("take the terminals that got it out of service")},
		{ID: "lock", Who: RoleOperator, Within: day, Command: cmdLock, Measure: MeasureLocked, Until: "inject",
			Text: text.New("lock the terminal where it still answers and has not locked itself")},
		{ID: "loads", Who: RoleOperator, Within: day, Contains: true, Measure: MeasureSettled, Until: "inject", Command: cmdResume,
			Text: text.New("leave no load of which nobody knows how it ended")},
		{ID: "purpose", Who: RoleSecurity, Within: day, Clause: "19",
			Text: text.New("judge the key that was loaded: a key of another purpose, customer or environment was exposed by it (open an incident)")},
		{ID: "inject", Who: RoleOperator, Within: 7 * day, Command: "poskey inject --device DEVICE-URI --help", Measure: MeasureInjected,
			Text: text.New("erase it and inject the right key")},
		{ID: "unique", Who: RoleSecurity, Within: 7 * day, Clause: "20-1", Known: true, Measure: MeasureUnshared, Command: "poskey device list",
			Text: text.New("compare check values across terminals: no two may have the same key")},
		stepTell(),
	}
}

func stepsMassFailure() []Step {
	return []Step{
		{ID: "diagnose", Who: RoleOperator, Within: hour, Clause: "15-1", Known: true, Command: "poskey diagnose",
			Text: text.New("diagnose before anything is changed: one terminal, its codes, its check values, its log")},
		stepFreeze(),
		{ID: "loads", Who: RoleOperator, Within: 4 * hour, Contains: true, Measure: MeasureSettled, Until: "decide", Command: "poskey fleet status --help",
			Text: text.New("stop the runs, and leave no load of which nobody knows how it ended")},
		{ID: "cause", Who: RoleSecurity, Within: day, Clause: "18-1", Command: "poskey diagnose --help",
			Text: text.New("find the cause: keys out of step, a wrong key, a wrong method of check values, or somebody trying keys")},
		{ID: "decide", Who: RoleManagement, Within: day,
			Text: text.New("decide whether a key is known to others or the wrong one was loaded, and open an incident of that kind")},
		{ID: "unique", Who: RoleSecurity, Within: 3 * day, Clause: "20-1", Known: true, Measure: MeasureUnshared, Command: "poskey device list",
			Text: text.New("compare check values across terminals: no two may have the same key")},
		stepTell(),
	}
}

// stepOf finds a step of a kind.
func stepOf(k Kind, id string) (Step, bool) {
	for _, s := range Steps(k) {
		if s.ID == id {
			return s, true
		}
	}
	return Step{}, false
}

// Commands fills in what an incident is about: one line for each thing that the step's command names.
func (d *Document) Commands(s Step) []string {
	line := strings.ReplaceAll(s.Command, " ID", " "+d.Head.ID)
	for _, place := range []struct {
		word string
		what ItemKind
	}{{" KEYSET", ItemNumbers}, {" KEY", ItemKey}, {" DEVICE", ItemDevice}, {" BAG", ItemBag}, {" OFFICER", ItemOfficer}} {
		if !strings.Contains(line+" ", place.word+" ") && !strings.Contains(line, place.word+"=") {
			continue
		}
		names := d.subjects(place.what)
		if len(names) == 0 {
			break
		}
		var all []string
		for _, n := range names {
			filled := strings.ReplaceAll(line+" ", place.word+" ", " "+shellWord(n)+" ")
			all = append(all, strings.TrimSuffix(strings.ReplaceAll(filled, place.word+"=", " "+shellWord(n)+"="), " "))
		}
		return all
	}
	if line == "" {
		return nil
	}
	return []string{line}
}

// shellWord quotes what a shell would take apart.
func shellWord(s string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-/:#+=@", c)
	}
	if s != "" && !strings.HasPrefix(s, "-") && strings.IndexFunc(s, func(c rune) bool { return !plain(c) }) < 0 && s[0] != '#' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
