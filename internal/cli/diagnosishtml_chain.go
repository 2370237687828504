package cli

// The chains of keys that a case is about, from what protects to what is protected, for the drawing of a diagnosis.

import (
	"slices"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
	"poskey/pkg/kcv"
	"poskey/pkg/unionpay"
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

// signInChain is transport key, master keys, field 62, working keys.
func signInChain(in *diagnose.SignIn, r *diagnose.Report) *chainLink {
	top := &chainLink{role: roleTransport, state: linkUnseen, title: text.New("transport key (ZMK)"),
		lines: []text.Text{text.New("brought the master key; not looked at")}}
	field := &chainLink{role: roleField62, state: linkUnseen, title: text.New("field 62, %d bytes", len(in.Field62))}
	if in.Code != "" {
		field.lines = append(field.lines, text.New("field 60.3: %s", in.Code))
	}
	right, under := 0, ""
	for _, k := range r.Keys {
		if k.Match {
			right, under = right+1, k.TMK
		}
	}
	if len(r.Keys) > 0 {
		field.lines = append(field.lines, text.New("layout %s", r.Keys[0].Layout))
	}
	if right > 0 {
		field.state = linkHolds
	}
	for _, k := range r.Keys {
		field.under = append(field.under, workingLink(k, in))
	}
	hung := false
	for i, name := range in.TMKs {
		if i >= mostCandidates && name != under {
			continue
		}
		tmk := newLink(roleTMK, linkUnseen, text.New("terminal master key (TMK)"), text.Raw(name))
		switch {
		case right > 0 && name == under && !hung:
			tmk.state = linkHolds
			tmk.lines = append(tmk.lines, text.New("keys that open under it: %d of %d", right, len(r.Keys)))
		case right > 0 && !hung || right == 0 && len(r.Keys) > 0:
			tmk.state = linkBreaks
			tmk.lines = append(tmk.lines, text.New("no key of field 62 opens under it"))
		}
		if !hung && (name == under || under == "") {
			tmk.under, hung = append(tmk.under, field), true
		}
		top.under = append(top.under, tmk)
	}
	return top
}

// workingLink is a working key of field 62, with the MAC that is made with it.
func workingLink(k diagnose.KeyResult, in *diagnose.SignIn) *chainLink {
	l := &chainLink{role: roleWorking, name: string(k.Key), state: linkBreaks, title: workingTitle(k.Key),
		lines: []text.Text{text.Raw(string(k.Alg))}, values: []namedValue{{text.New("in field 62"), k.Check}}}
	if k.Computed != "" && !strings.EqualFold(k.Computed, k.Check) {
		l.values = append(l.values, namedValue{text.New("computed"), k.Computed})
	}
	if k.Shown != "" {
		l.values = append(l.values, namedValue{text.New("terminal shows"), k.Shown})
	}
	if k.Match && (k.Shown == "" || strings.EqualFold(k.Shown, k.Check)) {
		l.state = linkHolds
	}
	if k.Key == unionpay.MAK && len(in.MAC) > 0 {
		l.under = append(l.under, &chainLink{role: roleMAC, state: linkUnseen, title: text.New("MAC of the captured message"),
			lines: []text.Text{text.New("field 64")}})
	}
	return l
}

func workingTitle(k unionpay.KeyName) text.Text {
	switch k {
	case unionpay.PIK:
		return text.New("PIN key (PIK)")
	case unionpay.MAK:
		return text.New("MAC key (MAK)")
	case unionpay.TDK:
		return text.New("track data key (TDK)")
	}
	return text.New("working key")
}

// blockChain is the keys that were tried, the block, the key in it, and where it was to go.
func blockChain(b *diagnose.Block) *chainLink {
	top := newLink(roleHost, linkUnseen, text.New("keys that the block was tried under: %d", len(b.Tries)))
	block := newLink(roleBlock, linkBreaks, text.New("key block, version %s", string(b.Header.Version)),
		text.New("%d characters", b.Length))
	inside := newLink(roleInside, linkUnseen, text.New("key in the block"), text.New("usage %s, algorithm %s, mode %s",
		string(b.Header.Usage), string(b.Header.Algorithm), string(b.Header.Mode)))
	block.under = append(block.under, inside)
	if b.Slot != "" || b.Takes != nil {
		into := newLink(roleDevice, linkUnseen, intoDevice(b.Slot))
		into.slot = b.Slot
		inside.under = append(inside.under, into)
	}
	opens := slices.IndexFunc(b.Tries, func(t diagnose.BlockTry) bool { return t.Opens })
	if opens >= 0 {
		block.state, inside.state = linkHolds, linkHolds
	}
	for i, t := range b.Tries {
		if i >= mostCandidates && i != opens {
			continue
		}
		kbpk := &chainLink{role: roleTransport, state: linkBreaks, title: text.New("protecting key (KBPK)"),
			lines: []text.Text{text.Raw(t.Name), text.New("the block does not open under it")}}
		if t.Opens {
			kbpk.state, kbpk.lines = linkHolds, []text.Text{text.Raw(t.Name), text.New("the block opens under it")}
		}
		if i == max(opens, 0) {
			kbpk.under = append(kbpk.under, block)
		}
		top.under = append(top.under, kbpk)
	}
	return top
}

func intoDevice(slot device.Slot) text.Text {
	if slot == "" {
		return text.New("device")
	}
	return text.New("device, slot %s", string(slot))
}

// checkChain is what the key is made of, the key, and the comparison.
func checkChain(c *diagnose.Check, r *diagnose.Report) *chainLink {
	key := newLink(roleKey, linkUnseen, text.New("key"), text.Raw(string(c.Algorithm)))
	if c.Label != "" {
		key.title = text.New("key %s", c.Label)
	}
	check := &chainLink{role: roleCheck, state: checkState(c, r), title: text.New("check value"),
		lines: []text.Text{text.New("method %s", string(methodSaid(c)))}}
	check.values = append(check.values, valueOf(text.New("expected"), c.Expected.Digits)...)
	check.values = append(check.values, valueOf(text.New("observed"), c.Got.Digits)...)
	if asGiven := asGivenOf(r); asGiven != "" {
		check.values = append(check.values, valueOf(text.New("as given"), asGiven)...)
	}
	key.under = append(key.under, check)
	switch c.Kind {
	case diagnose.Parts:
		return partsAbove(c, key)
	case diagnose.Cryptogram, diagnose.Unopened:
		kek := newLink(roleKEK, linkUnseen, text.New("key-encrypting key"))
		kek.values = valueOf(text.New("on the sheet"), c.KEKExpected.Digits)
		if c.Kind == diagnose.Unopened {
			kek.lines = append(kek.lines, text.New("not given"))
		} else {
			kek.lines = append(kek.lines, text.Raw(string(c.KEKAlgorithm)))
		}
		return above(kek, newLink(roleCryptogram, linkUnseen, text.New("encrypted key (cryptogram)")), key)
	case diagnose.Base:
		key.role, key.title = roleInitial, text.New("initial key of the device (IK)")
		return above(newLink(roleBDK, linkUnseen, text.New("base derivation key (BDK)"), text.Raw(string(c.Algorithm))), ksnLink(c), key)
	case diagnose.Key:
		if c.KSN != "" {
			key.title = text.New("initial key of the device (IK)")
			return above(newLink(roleBDK, linkUnseen, text.New("base derivation key (BDK)"), text.New("not given")), ksnLink(c), key)
		}
		return above(newLink(roleHost, linkUnseen, text.New("boundary"), text.New("holds the key as it was given")), key)
	}
	key.lines = append(key.lines, text.New("not given: two values are compared"))
	return key
}

// ksnLink is the key serial number that an initial key is derived for.
func ksnLink(c *diagnose.Check) *chainLink {
	l := newLink(roleKSN, linkUnseen, text.New("key serial number (KSN)"))
	l.values = valueOf(text.New("KSN"), c.KSN)
	return l
}

// methodSaid is the method that the values are said to be made by.
func methodSaid(c *diagnose.Check) kcv.Method {
	if c.Method == "" {
		return kcv.Default(c.Algorithm)
	}
	return c.Method
}

// partsAbove puts the components over their key.
func partsAbove(c *diagnose.Check, key *chainLink) *chainLink {
	key.lines = append(key.lines, text.New("the components, joined by XOR"))
	for n := 1; n <= c.Parts; n++ {
		part := &chainLink{role: rolePart, part: n, state: linkUnseen, title: text.New("component %d", n)}
		if n <= len(c.PartExpected) {
			part.values = valueOf(text.New("on the sheet"), c.PartExpected[n-1].Digits)
		}
		key.over = append(key.over, part)
	}
	return key
}

func valueOf(name text.Text, digits string) []namedValue {
	if digits == "" {
		return nil
	}
	return []namedValue{{name, digits}}
}

// asGivenOf is the value of the material as it was given, where a finding tells it.
func asGivenOf(r *diagnose.Report) string {
	for _, f := range r.Findings {
		if f.Evidence.AsGiven != "" {
			return f.Evidence.AsGiven
		}
	}
	return ""
}

func checkState(c *diagnose.Check, r *diagnose.Report) linkState {
	switch {
	case r.Verdict == diagnose.Match:
		return linkHolds
	case c.Expected.Digits == "" && c.Got.Digits == "":
		return linkUnseen
	}
	return linkBreaks
}

// agree compares two values on the shorter length.
func agree(a, b string) bool {
	n := min(len(a), len(b))
	return n > 0 && strings.EqualFold(a[:n], b[:n])
}

// generalChain is what every terminal has, for a case that is words alone.
func generalChain(r *diagnose.Report) *chainLink {
	l := func(of chainRole, name string, title text.Text) *chainLink {
		return &chainLink{role: of, name: name, title: title, state: linkUnseen}
	}
	device := l(roleDevice, "", text.New("terminal"))
	top := l(roleHost, "", text.New("host: HSM with its master key (LMK)"))
	if aboutDUKPT(r) {
		return above(top, l(roleBDK, "", text.New("base derivation key (BDK)")),
			l(roleInitial, "", text.New("initial key of the device (IK)")), device)
	}
	tmk := l(roleTMK, "", text.New("terminal master key (TMK)"))
	for _, k := range []unionpay.KeyName{unionpay.PIK, unionpay.MAK, unionpay.TDK} {
		tmk.under = append(tmk.under, l(roleWorking, string(k), workingTitle(k)))
	}
	return above(top, l(roleTransport, "", text.New("transport key (ZMK)")), device, tmk)
}

func aboutDUKPT(r *diagnose.Report) bool {
	if len(r.Findings) == 0 {
		return false
	}
	return slices.Contains([]diagnose.Cause{diagnose.CauseIPEKBDK, diagnose.CauseKSNMismatch}, r.Findings[0].Cause)
}
