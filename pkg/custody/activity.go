package custody

import (
	"slices"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Activity names what somebody wants done. Approvals, authorisations and logs keep these words.
type Activity string

// The activities.
const (
	StoreUnseal       Activity = "store.unseal"
	StoreReshare      Activity = "store.reshare"
	StoreSeal         Activity = "store.seal"
	StoreBackup       Activity = "store.backup"
	StoreRestore      Activity = "store.restore"
	OfficerAdmit      Activity = "officer.admit"
	OfficerRevoke     Activity = "officer.revoke"
	KeyGenerate       Activity = "key.generate"
	KeyForm           Activity = "key.form"
	KeyImport         Activity = "key.import"
	KeyUnwrap         Activity = "key.unwrap"
	KeyWrap           Activity = "key.wrap"
	KeyTranslate      Activity = "key.translate"
	KeyDerive         Activity = "key.derive"
	KeyCheck          Activity = "key.check"
	KeyProbe          Activity = "key.probe"
	KeyRotate         Activity = "key.rotate"
	KeyState          Activity = "key.state"
	KeyCompromise     Activity = "key.compromise"
	KeyDestroy        Activity = "key.destroy"
	KeySplit          Activity = "key.split"
	KeyReveal         Activity = "key.reveal"
	DeviceInject      Activity = "device.inject"
	DeviceInjectClear Activity = "device.inject-clear" // the key goes over the line in clear
	DeviceRegister    Activity = "device.register"
	DeviceManage      Activity = "device.manage" // reading how a device is and what its log says
	DeviceLock        Activity = "device.lock"
	DeviceUnlock      Activity = "device.unlock"
	DeviceRecover     Activity = "device.recover" // lifting a remote lock or the one after tampering
	DeviceRestart     Activity = "device.restart"
	DeviceReset       Activity = "device.reset" // erases the keys
	DeviceUpdate      Activity = "device.update"
	KSNAllocate       Activity = "ksn.allocate"
	CeremonyRun       Activity = "ceremony.run" // writing what happens in a ceremony into the ledger; its keys are other activities
	AuditCheckpoint   Activity = "audit.checkpoint"
	AuditExport       Activity = "audit.export"
	IncidentOpen      Activity = "incident.open"    // telling the log that an incident's record was begun
	IncidentNote      Activity = "incident.note"    // telling it how far the record has come
	IncidentContain   Activity = "incident.contain" // taking keys, key sets and devices out of use
	IncidentClose     Activity = "incident.close"
)

// Need is so many different officers, each with one of the roles.
type Need struct {
	Persons int
	AnyOf   []Role
}

// Terms say what an activity asks for in one environment.
type Terms struct {
	// Needs are the officers whose approvals it takes, each counted once. None: anybody may.
	Needs []Need
	// Standing: the officers who open the store may allow it for a time instead, as in an HSM's authorised state. All
	// else takes approvals each time.
	Standing bool
	// Apart: who asks is not among those who approve.
	Apart bool
}

// Rule is a row of the table.
type Rule struct {
	Activity Activity
	// ByShares: done by as many custodians as the threshold says, with their shares, and by nobody else.
	ByShares         bool
	Test, Production Terms
}

// Terms gives those of an environment.
func (r Rule) Terms(e Environment) Terms {
	if e == Test {
		return r.Test
	}
	return r.Production
}

// Rules gives the one table of who may do what. Test keys may be handled by one person; in production clear keys and
// key-encrypting keys take two (PCI PIN 12-1, 12-3), and a key's destruction a witness who is no custodian (24-2.2):
// auditors hold no other role. What a device does once and cannot take back (losing its keys, other software, working
// again after it was opened) takes two in a test store too: whoever tries it learns how it is done.
func Rules() []Rule {
	admin, custodian, operator := []Role{Administrator}, []Role{Custodian}, []Role{Operator}
	keyWork := []Role{Custodian, Operator}
	house := []Role{Administrator, Custodian, Operator}
	readers := []Role{Auditor, Administrator}
	keepers := []Role{Operator, Administrator}
	watchers := []Role{Operator, Administrator, Auditor}
	one := func(of []Role) []Need { return []Need{{1, of}} }
	two := func(of []Role) []Need { return []Need{{2, of}} }
	standing := func(n []Need) Terms { return Terms{Needs: n, Standing: true} }
	each := func(n []Need) Terms { return Terms{Needs: n} }
	apart := func(n []Need) Terms { return Terms{Needs: n, Apart: true} }
	witnessed := []Need{{1, custodian}, {1, []Role{Auditor}}}
	return []Rule{
		{Activity: StoreUnseal, ByShares: true},
		{Activity: StoreReshare, ByShares: true},
		{Activity: StoreSeal},
		{Activity: StoreBackup, Test: standing(one(house)), Production: standing(two(house))},
		{Activity: StoreRestore, Test: each(one(admin)), Production: each(two(admin))},
		{Activity: OfficerAdmit, Test: each(one(admin)), Production: each(two(admin))},
		{Activity: OfficerRevoke, Test: each(one(admin)), Production: each(two(admin))},
		{Activity: KeyGenerate, Test: standing(one(keyWork)), Production: standing(two(custodian))},
		{Activity: KeyForm, Test: standing(one(custodian)), Production: each(two(custodian))},
		{Activity: KeyImport, Test: standing(one(keyWork)), Production: each(two(custodian))},
		{Activity: KeyUnwrap, Test: standing(one(keyWork)), Production: standing(two(keyWork))},
		{Activity: KeyWrap, Test: standing(one(keyWork)), Production: standing(two(keyWork))},
		{Activity: KeyTranslate, Test: standing(one(keyWork)), Production: standing(two(keyWork))},
		{Activity: KeyDerive, Test: standing(one(keyWork)), Production: standing(two(keyWork))},
		{Activity: KeyCheck, Test: standing(one(keyWork)), Production: standing(one(keyWork))},
		{Activity: KeyProbe, Test: standing(one(keyWork)), Production: each(two(keyWork))},
		{Activity: KeyRotate, Test: standing(one(keyWork)), Production: standing(two(custodian))},
		{Activity: KeyState, Test: standing(one(house)), Production: standing(two(house))},
		{Activity: KeyCompromise, Test: standing(one(house)), Production: standing(one(house))},
		{Activity: KeyDestroy, Test: each(one(house)), Production: apart(witnessed)},
		{Activity: KeySplit, Test: each(one(custodian)), Production: each(two(custodian))},
		{Activity: KeyReveal, Test: each(one(custodian)), Production: apart(two(custodian))},
		{Activity: DeviceInject, Test: standing(one(operator)), Production: standing(two(operator))},
		{Activity: DeviceInjectClear, Test: each(one(operator)), Production: apart(two(keyWork))},
		{Activity: DeviceRegister, Test: standing(one(operator)), Production: standing(one(operator))},
		{Activity: DeviceManage, Test: standing(one(watchers)), Production: standing(one(watchers))},
		{Activity: DeviceLock, Test: standing(one(keepers)), Production: standing(one(keepers))},
		{Activity: DeviceUnlock, Test: each(one(house)), Production: each(one(house))},
		{Activity: DeviceRecover, Test: each(two(house)), Production: each(two(house))},
		{Activity: DeviceRestart, Test: standing(one(operator)), Production: standing(one(operator))},
		{Activity: DeviceReset, Test: each(two(house)), Production: each(two(house))},
		{Activity: DeviceUpdate, Test: each(two(house)), Production: each(two(house))},
		{Activity: KSNAllocate, Test: standing(one(operator)), Production: standing(one(operator))},
		{Activity: CeremonyRun, Test: standing(one(house)), Production: standing(one(house))},
		{Activity: AuditCheckpoint, Test: standing(one(AllRoles())), Production: standing(one(AllRoles()))},
		{Activity: AuditExport, Test: standing(one(readers)), Production: standing(one(readers))},
		{Activity: IncidentOpen}, // whoever sees something says so
		{Activity: IncidentNote},
		{Activity: IncidentContain, Test: standing(one(house)), Production: each(two(house))},
		{Activity: IncidentClose, Test: standing(one(house)), Production: each(two(house))},
	}
}

// RuleOf gives the row of an activity. Error: usage.
func RuleOf(a Activity) (Rule, error) {
	for _, r := range Rules() {
		if r.Activity == a {
			return r, nil
		}
	}
	return Rule{}, fault.New(fault.Usage, "unknown activity %q; known: %s", text.Redact(string(a)),
		activityNames(allActivities()))
}

// ParseActivity reads an activity's name in either case.
func ParseActivity(s string) (Activity, error) {
	r, err := RuleOf(Activity(strings.ToLower(strings.TrimSpace(s))))
	return r.Activity, err
}

func allActivities() []Activity {
	var all []Activity
	for _, r := range Rules() {
		all = append(all, r.Activity)
	}
	return all
}

func activityNames(all []Activity) string {
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = string(a)
	}
	return strings.Join(names, " ")
}

// Text says what is asked for, for people: 2 custodian, 1 auditor.
func (t Terms) Text() text.Text {
	if len(t.Needs) == 0 {
		return text.New("nobody's approval")
	}
	var all []string
	for _, n := range t.Needs {
		names := make([]string, len(n.AnyOf))
		for i, r := range n.AnyOf {
			names[i] = string(r)
		}
		all = append(all, strconv.Itoa(n.Persons)+" "+strings.Join(names, "|"))
	}
	return text.New("%s", strings.Join(all, " + "))
}

// MetBy reports whether officers suffice who are there and have shown it, where no approval of one action is asked for.
func (t Terms) MetBy(officers []Card) bool {
	seen := map[Fingerprint]bool{}
	var different []Card
	for _, c := range officers {
		if !seen[c.fingerprint] {
			seen[c.fingerprint] = true
			different = append(different, c)
		}
	}
	return t.metBy(different)
}

// metBy reports whether the officers suffice, each counted for one need only. There are never more than a few, so all
// ways to place them are tried.
func (t Terms) metBy(officers []Card) bool {
	var places []Need
	for _, n := range t.Needs {
		for range n.Persons {
			places = append(places, n)
		}
	}
	return place(places, officers)
}

func place(places []Need, officers []Card) bool {
	if len(places) == 0 {
		return true
	}
	for i, c := range officers {
		if !c.Has(places[0].AnyOf...) {
			continue
		}
		if place(places[1:], append(slices.Clone(officers[:i]), officers[i+1:]...)) {
			return true
		}
	}
	return false
}

// mayHelp reports whether an officer fills any of the needs.
func (t Terms) mayHelp(c Card) bool {
	return slices.ContainsFunc(t.Needs, func(n Need) bool { return c.Has(n.AnyOf...) })
}
