package agent

// The audit log as the authority uses it: whoever asks, what officers did, and the end when it cannot be written.

import (
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

// Details that an authority adds.
const (
	fieldKeys       audit.Field = "keys"       // labels of the store's keys that were used
	fieldQuestions  audit.Field = "questions"  // of a diagnosis, answered
	fieldIntent     audit.Field = "intent"     // record of the operation that they belong to
	fieldGeneration audit.Field = "generation" // of the sealed master key
	fieldUntil      audit.Field = "until"
	fieldActivities audit.Field = "activities"
	fieldNonce      audit.Field = "nonce"
	fieldOrder      audit.Field = "asks" // what a device says in its request that it is to do
	fieldPID        audit.Field = "pid"
	fieldUID        audit.Field = "uid"
	fieldOthers     audit.Field = "others" // so many more of the kind that were not recorded one by one
)

// public are details without those that an authority adds: nobody else says what it saw.
func public(d audit.Details) audit.Details {
	out := maps.Clone(d)
	for _, own := range []audit.Field{fieldKeys, fieldQuestions, fieldIntent, fieldGeneration, fieldUntil, fieldActivities,
		fieldNonce, fieldOrder, fieldPID, fieldUID, fieldOthers} {
		delete(out, own)
	}
	return out
}

// ledger writes the audit log, and calls broken once it takes no more.
type ledger struct {
	log    *audit.Log
	self   audit.Actor
	broken func(error)
}

// soft tells whether the log takes further records after an error of a kind.
func soft(err error) bool {
	switch fault.KindOf(err) {
	case fault.Malformed, fault.TooLarge, fault.NotPermitted, fault.Busy, fault.Bug:
		return true
	}
	return false
}

func (l *ledger) watch(err error) error {
	if err != nil && !soft(err) {
		l.broken(err)
	}
	return err
}

func (l *ledger) append(e audit.Entry, o audit.Outcome) error {
	_, err := l.log.Append(e, o)
	return l.watch(err)
}

func (l *ledger) begin(e audit.Entry) (*audit.Pending, error) {
	p, err := l.log.Begin(e)
	return p, l.watch(err)
}

func (l *ledger) done(p *audit.Pending, o audit.Outcome) error {
	_, err := p.Done(o)
	return l.watch(err)
}

// refuse records that something was not admitted. What cannot be recorded as it was said is recorded cleaned.
func (l *ledger) refuse(e audit.Entry, cause error) error {
	o := audit.OutcomeOf(cause)
	err := l.append(e, o)
	if err == nil || !soft(err) {
		return err
	}
	e.Object = audit.Object{Kind: e.Object.Kind, Label: cutTo(audit.Clean(e.Object.Label), 128)}
	e.Who = audit.Actor{ID: cutTo(audit.Clean(e.Who.ID), 64), Role: peerRole}
	e.With, e.Batch = nil, audit.Batch{}
	e.Details = audit.Details{audit.FieldReason: "what was asked for cannot be recorded"}
	if e.Who.ID == "" {
		e.Who = l.self
	}
	return l.append(e, o)
}

// Record writes down what officers did, for pkg/custody, before it counts.
func (l *ledger) Record(e custody.Event) error {
	entry, outcome := l.eventEntry(e)
	return l.append(entry, outcome)
}

func (l *ledger) eventEntry(e custody.Event) (audit.Entry, audit.Outcome) {
	entry := audit.Entry{Who: l.self, With: actorsOf(e.Officers), Details: audit.Details{}}
	if e.Generation != 0 {
		entry.Details[fieldGeneration] = strconv.FormatUint(e.Generation, 10)
	}
	if !e.Reason.IsZero() {
		entry.Details[audit.FieldReason] = audit.Clean(e.Reason.String())
	}
	if len(e.Activities) > 0 {
		entry.Details[fieldActivities] = audit.Clean(activityWords(e.Activities))
		entry.Details[fieldUntil] = e.Until.UTC().Format("2006-01-02T15:04:05Z")
	}
	if !e.Nonce.IsZero() {
		entry.Details[fieldNonce] = asUUID(e.Nonce.String())
	}
	switch e.Kind {
	case custody.IdentityOpened:
		entry.Operation = audit.OfficerAuthenticate
	case custody.PassphraseWrong:
		entry.Operation = audit.OfficerAuthenticate
		return entry, audit.Outcome{Result: audit.Refused, Fault: fault.AuthFailed}
	case custody.ShareRevealed:
		entry.Operation = audit.ShareOpen
	case custody.ShareRefused:
		entry.Operation = audit.ShareOpen
		return entry, audit.Outcome{Result: audit.Refused, Fault: fault.PartForeign}
	case custody.MasterOpened:
		entry.Operation = audit.MasterOpen
	case custody.MasterReshared:
		entry.Operation = audit.MasterReshare
	case custody.Authorised:
		entry.Operation = audit.StoreAuthorise
	case custody.ApprovalUsed, custody.ApprovalRefused:
		entry.Operation = audit.ApprovalUse
		entry.Object = objectOf(e.Activity, e.Label, e.Check)
		entry.Details[audit.FieldPurpose] = string(e.Activity)
		if e.Kind == custody.ApprovalRefused {
			return entry, audit.Outcome{Result: audit.Refused, Fault: fault.NotPermitted}
		}
	default:
		entry.Operation = "officer.event"
		entry.Details[audit.FieldPurpose] = audit.Clean(string(e.Kind))
	}
	return entry, audit.OK()
}

// asUUID groups 32 hex digits so that nobody takes a number drawn for once for a key.
func asUUID(digits string) string {
	if len(digits) != 32 {
		return audit.Clean(digits)
	}
	return strings.ToLower(digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:])
}

func activityWords(all []custody.Activity) string {
	words := make([]string, len(all))
	for i, a := range all {
		words[i] = string(a)
	}
	return strings.Join(words, " ")
}

// actorsOf names officers.
func actorsOf(cards []custody.Card) []audit.Actor {
	var all []audit.Actor
	for _, c := range cards {
		all = append(all, actorOf(c))
	}
	return all
}

func actorOf(c custody.Card) audit.Actor {
	return audit.Actor{ID: c.ID(), Role: string(c.Roles()[0])}
}

func idsOf(cards []custody.Card) []string {
	ids := make([]string, len(cards))
	for i, c := range cards {
		ids[i] = c.ID()
	}
	return ids
}

// operationOf gives the word under which an activity is recorded.
func operationOf(a custody.Activity) audit.Operation {
	switch a {
	case custody.OfficerAdmit:
		return audit.OfficerAdd
	case custody.OfficerRevoke:
		return audit.OfficerRemove
	case custody.KeyCompromise:
		return audit.KeyState
	case custody.DeviceInject:
		return audit.DeviceLoad
	case custody.DeviceInjectClear:
		return audit.DeviceLoadClear
	case custody.DeviceRegister:
		return audit.DeviceAdd
	case custody.AuditExport:
		return audit.LogExport
	}
	return audit.Operation(a)
}

// objectOf names what an activity acts on.
func objectOf(a custody.Activity, label string, check kcv.Value) audit.Object {
	kinds := map[string]audit.ObjectKind{"key": audit.KindKey, "device": audit.KindDevice, "ksn": audit.KindDevice,
		"officer": audit.KindOfficer, "store": audit.KindStore, "audit": audit.KindFile,
		"ceremony": audit.KindCeremony, "incident": audit.KindIncident}
	group, _, _ := strings.Cut(string(a), ".")
	if a == custody.DeviceInjectClear { // what officers approve is the key that leaves
		group = "key"
	}
	if label == "" && check == (kcv.Value{}) {
		return audit.Object{}
	}
	return audit.Object{Kind: kinds[group], Label: label, Check: checkOf(check)}
}

// checkOf cuts a check value to what a record holds; longer ones are of hashes.
func checkOf(v kcv.Value) audit.Check {
	const most = 16
	if v.Digits == "" {
		return audit.Check{}
	}
	return audit.Check{Value: v.Digits[:min(len(v.Digits), most)], Method: string(v.Method)}
}

// peerRole is the role of people at commands: the socket tells their uid and nothing of a role.
const peerRole = "user"

// peer is who is at the other end: the name as the command says it, the uid as the system does.
func peer(claimed audit.Actor, uid int) audit.Actor {
	suffix := fmt.Sprintf(" (uid %d)", uid)
	name := audit.Clean(claimed.ID)
	if name == "" {
		name = "somebody"
	}
	if strings.HasSuffix(name, suffix) {
		suffix = ""
	}
	return audit.Actor{ID: cutTo(name, 64-len(suffix)) + suffix, Role: peerRole,
		Station: cutTo(audit.Clean(claimed.Station), 64)}
}

// cutTo cuts a text to so many bytes, between characters.
func cutTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

func thisProcess() audit.Details { return audit.Details{fieldPID: strconv.Itoa(os.Getpid())} }
