package cli

// The chains of keys that a case is about, from what protects to what is protected, for the drawing of a diagnosis.

import (
	"slices"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
)

// chainRole says what a link of a chain is; the table of causes speaks of roles.
type chainRole string

// The roles. Working keys are told apart by their names.
const (
	roleHost       chainRole = "host"
	roleTransport  chainRole = "transport"
	roleTMK        chainRole = "tmk"
	roleField62    chainRole = "field62"
	roleWorking    chainRole = "working"
	roleMAC        chainRole = "mac"
	roleLine       chainRole = "line"
	roleDevice     chainRole = "device"
	roleSlot       chainRole = "slot"
	rolePart       chainRole = "part"
	roleKEK        chainRole = "kek"
	roleCryptogram chainRole = "cryptogram"
	roleKey        chainRole = "key"
	roleCheck      chainRole = "check"
	roleBlock      chainRole = "block"
	roleInside     chainRole = "inside"
	roleBDK        chainRole = "bdk"
	roleKSN        chainRole = "ksn"
	roleInitial    chainRole = "initial"
)

// linkState is how a link stands, by the values alone.
type linkState string

// The states.
const (
	linkUnseen linkState = "unseen" // not looked at
	linkHolds  linkState = "holds"
	linkBreaks linkState = "breaks"
)

// chainLink is a key of a chain, or what stands for one.
type chainLink struct {
	role   chainRole
	name   string      // of a working key: PIK, MAK, TDK
	slot   device.Slot // of a device
	part   int         // of components, from 1
	title  text.Text
	lines  []text.Text
	values []namedValue
	state  linkState
	marks  []foundMark
	over   []*chainLink // what it is joined from
	under  []*chainLink // what it protects, or leads to
}

// namedValue is a public value with what it is.
type namedValue struct {
	name  text.Text
	value string
}

// foundMark is a finding at its place.
type foundMark struct {
	number int // of the finding, from 1
	worth  diagnose.Certainty
	says   text.Text
}

// keyChain is one drawing.
type keyChain struct {
	title text.Text
	root  *chainLink
}

// The most of a kind that a drawing shows; what a finding speaks of is shown before others.
const (
	mostCandidates = 6
	mostChecks     = 4
	mostSlots      = 16
)

// chainsOf lists the chains of a case with the findings at their places.
func chainsOf(c *diagnose.Case, r *diagnose.Report) []keyChain {
	var all []keyChain
	if c.SignIn != nil {
		all = append(all, keyChain{text.New("from the master key to the working keys"), signInChain(c.SignIn, r)})
	}
	if c.Block != nil && len(c.Block.Tries) > 0 {
		all = append(all, keyChain{text.New("from the protecting key to the key in the block"), blockChain(c.Block)})
	}
	for i, check := range c.Checks {
		if i < mostChecks && (c.Device == nil || check.Slot == "") {
			all = append(all, keyChain{text.New("from what was entered to the check value"), checkChain(&check, r)})
		}
	}
	if c.Device != nil || c.Line != nil {
		all = append(all, keyChain{text.New("from the inventory to the slots of the device"), deviceChain(c)})
	}
	if len(all) == 0 {
		all = append(all, keyChain{text.New("keys of a terminal in general; nothing of it was looked at"), generalChain(r)})
	}
	for i := range r.Findings {
		markFinding(all, i+1, &r.Findings[i])
	}
	for _, x := range all {
		x.root.shorten()
	}
	return all
}

// markFinding marks the places of a finding; a second cause has a place of its own, where the chain has one for it.
func markFinding(all []keyChain, number int, f *diagnose.Finding) {
	at := placesOf(f, all)
	for _, l := range at {
		l.marks = append(l.marks, foundMark{number, f.Certainty, f.Cause.Title()})
	}
	if f.Also == "" {
		return
	}
	for _, l := range byCause(&diagnose.Finding{Cause: f.Also}, all) {
		if n := len(l.marks); slices.Contains(at, l) {
			l.marks[n-1].says = causeTitle(*f)
			continue
		}
		l.marks = append(l.marks, foundMark{number, f.Certainty, f.Also.Title()})
	}
}

// each visits a link and all under it.
func (l *chainLink) each(visit func(*chainLink)) {
	for _, o := range l.over {
		o.each(visit)
	}
	visit(l)
	for _, u := range l.under {
		u.each(visit)
	}
}

// shorten leaves of many links of one kind those that differ or are marked, and the first of the others.
func (l *chainLink) shorten() {
	for _, u := range l.under {
		u.shorten()
	}
	if len(l.under) <= mostSlots {
		return
	}
	spare := mostSlots
	for _, u := range l.under {
		if u.telling() {
			spare--
		}
	}
	var kept []*chainLink
	left := 0
	for _, u := range l.under {
		switch {
		case u.telling() && len(kept) < 2*mostSlots:
			kept = append(kept, u)
		case !u.telling() && spare > 0:
			kept, spare = append(kept, u), spare-1
		default:
			left++
		}
	}
	if left > 0 {
		kept = append(kept, &chainLink{role: roleSlot, state: linkUnseen, title: text.New("and %d more", left)})
	}
	l.under = kept
}

func (l *chainLink) telling() bool {
	return len(l.marks) > 0 || l.state == linkBreaks || len(l.under) > 0
}

func newLink(of chainRole, state linkState, title text.Text, lines ...text.Text) *chainLink {
	return &chainLink{role: of, state: state, title: title, lines: lines}
}

// above puts links one under the other and gives the topmost.
func above(first *chainLink, rest ...*chainLink) *chainLink {
	last := first
	for _, l := range rest {
		last.under = append(last.under, l)
		last = l
	}
	return first
}
