package agent

// What a work may ask of the boundary: by its activity, and where officers approved one action, for that key alone.

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// powers are calls of the boundary.
type powers uint16

const (
	canGenerate powers = 1 << iota
	canImport
	canForm
	canSplit
	canDerive
	canTell // check values by any method, and by which one a value is
	canKeep
	canWrap
	canUnwrap
	canTranslate
	canExamine
	canReveal
	canProbe

	canAll powers = 1<<iota - 1
)

// powersOf is the table: an activity and the calls that it takes. Every activity that somebody allows may have check values by
// the default method, compare, and have the content of check blocks. In a test store keys may also come in clear beside those of
// the store; in production that would be a way around the store: a key that somebody knows as the KBPK of one that
// nobody may.
func powersOf(a custody.Activity, e custody.Environment) powers {
	var inTest powers
	if e == custody.Test {
		inTest = canImport
	}
	switch a {
	case custody.KeyGenerate:
		return canGenerate | canKeep
	case custody.KeyForm:
		return canForm | canKeep
	case custody.KeyImport:
		return canImport | canUnwrap | canKeep | canTell
	case custody.KeyUnwrap:
		return canUnwrap | canExamine | canKeep | inTest
	case custody.KeyWrap:
		return canWrap | inTest
	case custody.KeyTranslate:
		return canTranslate | canExamine | inTest
	case custody.KeyDerive:
		return canDerive | canKeep | canWrap | inTest
	case custody.KeyCheck:
		return canTell
	case custody.KeyProbe:
		return canProbe | canImport | canTell | canExamine
	case custody.KeyRotate:
		return canGenerate | canKeep | canUnwrap | canWrap
	case custody.KeySplit:
		return canSplit
	case custody.KeyReveal:
		return canReveal
	case custody.DeviceInject:
		p := canGenerate | canDerive | canWrap | canKeep | inTest
		if e == custody.Test {
			p |= canReveal
		}
		return p
	case custody.DeviceInjectClear:
		return canReveal | canWrap | canDerive
	}
	return 0
}

// isAnybodys tells activities that need nobody's approval.
func isAnybodys(a custody.Activity, e custody.Environment) bool {
	r, err := custody.RuleOf(a)
	return err != nil || !r.ByShares && len(r.Terms(e).Needs) == 0
}

// maxUsed bounds how many labels of used keys are recorded.
const maxUsed = 8

// limited is a boundary for one work.
type limited struct {
	inner    hsm.Boundary
	activity custody.Activity
	powers   powers
	label    string
	check    kcv.Value
	purpose  custody.Attributes // of a key that comes into being; zero where nothing was said
	batch    bool
	bound    bool // officers approved one action: no key of the store but this one
	strict   bool // production
	free     bool // everything with everything: tests alone
	anybody  bool // nobody allowed it: the keys of the store are none of its business

	closed atomic.Bool
	mu     sync.Mutex
	proven string     // block of the key that was found to be the one approved
	used   []string   // labels of keys of the store that were used, each once
	more   bool       // and others
	named  string     // block of the key that got its label last
	births remembered // blocks of the keys that came into being here
	labels remembered // that keys got here
	once   bool       // a key got its label, and no other one gets one
	// derived are blocks of keys that were derived here.
	derived remembered
	// deriving is told before a key is derived; nil: nobody has to know.
	deriving func() error
	succession
}

// usedLabels are those of the store's keys that were used, for the record.
func (l *limited) usedLabels() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := strings.Join(l.used, " ")
	if l.more {
		s += " …"
	}
	return s
}

func (l *limited) saw(all ...hsm.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range all {
		if k.Label != "" && k.Label == l.label && l.rotated.Block == "" {
			l.rotated = k
		}
		switch {
		case k.Label == "" || slices.Contains(l.used, k.Label):
		case len(l.used) == maxUsed:
			l.more = true
		default:
			l.used = append(l.used, k.Label)
		}
	}
}

// allow refuses what the activity does not take, and any use of a key that was not approved.
func (l *limited) allow(ctx context.Context, p powers, used ...hsm.Key) error {
	if err := l.open(ctx); err != nil {
		return err
	}
	if l.free {
		return nil
	}
	if l.powers&p == 0 {
		return fault.New(fault.NotPermitted, "%s does not take this", string(l.activity))
	}
	if err := l.areOurs(used...); err != nil {
		return err
	}
	return l.mayUse(ctx, used...)
}

func (l *limited) open(ctx context.Context) error {
	if l.closed.Load() {
		return fault.New(fault.Failure, "the operation is over")
	}
	if ctx.Err() != nil {
		return fault.WrapAs(fault.Interrupted, context.Cause(ctx), "the boundary was told to stop")
	}
	return nil
}

// areOurs: a key without a label is used in the work alone in which it came into being. From another one it would bring
// what was admitted there: a key that somebody knows, as the KBPK of a key that nobody may.
func (l *limited) areOurs(used ...hsm.Key) error {
	for _, k := range used {
		if !l.free && k.Label == "" && !l.births.has(k.Block) {
			return fault.New(fault.NotPermitted,
				"a key without a label is used in the operation alone in which it came into being")
		}
	}
	return nil
}

// mayUse holds keys of the store against what was approved.
func (l *limited) mayUse(ctx context.Context, used ...hsm.Key) error {
	if l.free || !l.bound {
		return nil
	}
	for _, k := range used {
		if k.Label == "" {
			continue
		}
		if err := l.isApproved(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// isApproved holds a key against label and check value that were approved: both as the key's own block has them.
func (l *limited) isApproved(ctx context.Context, k hsm.Key) error {
	if k.Label == "" || k.Label != l.label {
		return fault.New(fault.NotPermitted, "%s was approved for the key %s, this is the key %s", string(l.activity),
			named(l.label), named(k.Label))
	}
	l.mu.Lock()
	proven := l.proven == k.Block && k.Block != ""
	l.mu.Unlock()
	if proven {
		return nil
	}
	if err := l.hasCheck(ctx, k); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proven = k.Block
	return nil
}

// hasCheck computes the check value, which opens the block and so proves its label too.
func (l *limited) hasCheck(ctx context.Context, k hsm.Key) error {
	if l.check == (kcv.Value{}) {
		if kcv.Default(k.Algorithm) != "" {
			return fault.New(fault.NotPermitted, "%s was approved without the check value of %s", string(l.activity), k.Label)
		}
		_, err := l.inner.CheckValue(ctx, k, kcv.SHA256, 0)
		return err
	}
	got, err := l.inner.CheckValue(ctx, k, l.check.Method, len(l.check.Digits))
	if err != nil {
		return err
	}
	if got != l.check {
		return fault.New(fault.NotPermitted, "%s was approved for a key with check value %s, this one has %s",
			string(l.activity), l.check, got)
	}
	return nil
}

func named(label string) string {
	if label == "" {
		return "(without a label)"
	}
	return text.Redact(label)
}

// mayLabel: a key may get the label that the operation is about; of a rotation, that of a successor. A batch names its keys
// line by line.
func (l *limited) mayLabel(label string) error {
	if label == "" || l.free {
		return nil
	}
	if l.powers&canKeep == 0 {
		return fault.New(fault.NotPermitted, "%s gives no key a label", string(l.activity))
	}
	may := label == l.label
	switch {
	case l.bound:
	case l.activity == custody.KeyRotate:
		may = nameOf(label) == nameOf(l.label) && !may
	case l.batch:
		may = true
	}
	if !may {
		return fault.New(fault.NotPermitted, "the operation is about %s and gives no key the label %s", named(l.label),
			named(label))
	}
	return nil
}

// claim takes a label for a key that is about to get it: an operation labels one key, a batch each label once. What comes
// of it is told to settle.
func (l *limited) claim(label string) error {
	if err := l.mayLabel(label); err != nil || label == "" || l.free {
		return err
	}
	if l.batch && !l.bound {
		if !l.labels.take(label) {
			return fault.New(fault.NotPermitted, "a key got the label %s in this operation already", named(label))
		}
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.once {
		return fault.New(fault.NotPermitted, "the operation has given a key its label already; one is for one key")
	}
	l.once = true
	return nil
}

// settle gives a label back that no key got, after claim.
func (l *limited) settle(label string, err error) {
	if err == nil || label == "" || l.free {
		return
	}
	if l.batch && !l.bound {
		l.labels.drop(label)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.once = false
}

// nameOf is a label without its version.
func nameOf(label string) string {
	name, _, _ := strings.Cut(label, "#")
	return name
}

// isExpected holds a key that came into being against what was said of it, where it has a label or was approved: the check
// value and what it is for. A diagnosis takes in others beside the key that was approved for it; they get no label.
func (l *limited) isExpected(k hsm.Key) error {
	approved := l.bound && makesKeys(l.activity)
	if l.free || k.Label == "" && !approved {
		return nil
	}
	if l.bound && l.check != (kcv.Value{}) && k.Check != l.check {
		return fault.New(fault.NotPermitted, "%s was approved for a key with check value %s, this one has %s",
			string(l.activity), l.check, k.Check)
	}
	is := custody.Attributes{Algorithm: k.Algorithm, Usage: k.Usage, Mode: k.Mode, Exportability: k.Exportability}
	if l.purpose.IsZero() || is == l.purpose {
		return nil
	}
	return fault.New(fault.NotPermitted, "%s was begun for a key with the attributes %s, this one has %s", string(l.activity),
		l.purpose, is)
}

// makesKeys tells the activities by which keys come into being that nothing else says the purpose of.
func makesKeys(a custody.Activity) bool {
	return a == custody.KeyImport || a == custody.KeyForm || a == custody.KeyGenerate
}

// mayProtect: in production a key of the store goes only under a KBPK of the store, which was admitted.
func (l *limited) mayProtect(kbpk hsm.Key) error {
	if l.strict && !l.free && kbpk.Label == "" {
		return fault.New(fault.NotPermitted, "in a production store a key block is closed under a key of the store only")
	}
	return nil
}

// mayComeFrom: in production a block is opened, and a key derived, under a key of the store only.
func (l *limited) mayComeFrom(k hsm.Key) error {
	if l.strict && !l.free && k.Label == "" {
		return fault.New(fault.NotPermitted,
			"in a production store a key block is opened and a key derived under a key of the store only")
	}
	return nil
}

// mayImport: a key that a diagnosis takes in protects nothing, and nothing is derived from it.
func (l *limited) mayImport(a hsm.Attributes) error {
	if l.free || l.activity != custody.KeyProbe {
		return nil
	}
	switch a.Usage {
	case keys.UsageKEK, keys.UsageKBPK, keys.UsageKBPKISO, keys.UsageBDK, keys.UsageIK:
		return fault.New(fault.NotPermitted, "a diagnosis takes in no key with usage %s", a.Usage)
	}
	return nil
}

// mayLeave: deriving wraps what was derived, rotating what stood under the key that is rotated. Whatever else is wrapped is
// key.wrap's to allow.
func (l *limited) mayLeave(k, kbpk hsm.Key) error {
	if l.free {
		return nil
	}
	switch l.activity {
	case custody.KeyDerive, custody.DeviceInjectClear:
		if !l.births.has(k.Block) {
			return fault.New(fault.NotPermitted, "%s wraps no key that was there before it", string(l.activity))
		}
	case custody.KeyRotate:
		return l.maySucceed(k, kbpk)
	}
	return nil
}

// mayServe: in production nothing that was derived becomes a key under which others leave: whoever knows what it comes
// from knows it. So it neither gets a label nor goes into a block, out of which it would come back with one.
func (l *limited) mayServe(k hsm.Key) error {
	if l.free || !l.strict || !protectsOthers(k.Usage) || !l.derived.has(k.Block) {
		return nil
	}
	return fault.New(fault.NotPermitted,
		"in a production store a derived key with usage %s is not kept and goes into no block: keys would leave under it", k.Usage)
}

// protectsOthers tells the usages of keys under which others go into blocks.
func protectsOthers(u keys.Usage) bool {
	return u == keys.UsageKEK || u == keys.UsageKBPK || u == keys.UsageKBPKISO
}

// allowsWeak: in production a KBPK is as strong as the key and not weak in itself, whatever the command says.
func (l *limited) allowsWeak(said bool) bool { return said && (l.free || !l.strict) }

// Info says what the boundary is.
func (l *limited) Info() hsm.Info { return l.inner.Info() }

func (l *limited) Generate(ctx context.Context, a hsm.Attributes, p hsm.Policy) (hsm.Key, error) {
	if err := l.allow(ctx, canGenerate); err != nil {
		return hsm.Key{}, err
	}
	if err := l.claim(a.Label); err != nil {
		return hsm.Key{}, err
	}
	k, err := l.inner.Generate(ctx, a, p)
	return l.born(a.Label, k, err)
}

// born notes a key that came into being, under the label that was claimed for it, if any.
func (l *limited) born(label string, k hsm.Key, err error) (hsm.Key, error) {
	if err == nil {
		err = l.isExpected(k)
	}
	k, err = l.made(k, err)
	l.settle(label, err)
	return k, err
}

// made notes a key that came into being.
func (l *limited) made(k hsm.Key, err error, used ...hsm.Key) (hsm.Key, error) {
	if err != nil {
		return hsm.Key{}, err
	}
	if l.strict && !l.free && k.Label != "" && len(k.Weak) > 0 {
		return hsm.Key{}, fault.New(fault.WeakKey, "a production store takes no weak key (%s): %s", string(k.Weak[0]),
			k.Weak[0].Text())
	}
	l.saw(append(used, k)...)
	l.births.add(k.Block)
	if k.Label != "" {
		l.mu.Lock()
		l.named = k.Block
		l.mu.Unlock()
	}
	return k, nil
}

// hangs tells a new key that is put under its parent in the store: whoever may make the key may say where it hangs.
func (l *limited) hangs(k, kbpk hsm.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.named != "" && k.Block == l.named && kbpk.Label != "" && l.powers&canKeep != 0
}

func (l *limited) Import(ctx context.Context, clear *secret.Bytes, a hsm.Attributes, p hsm.Policy) (hsm.Key, error) {
	defer clear.Wipe()
	if err := l.allow(ctx, canImport); err != nil {
		return hsm.Key{}, err
	}
	if err := l.mayImport(a); err != nil {
		return hsm.Key{}, err
	}
	if err := l.claim(a.Label); err != nil {
		return hsm.Key{}, err
	}
	k, err := l.inner.Import(ctx, clear, a, p)
	return l.born(a.Label, k, err)
}

func (l *limited) Form(ctx context.Context, f hsm.Forming) (hsm.Key, error) {
	defer component.WipeAll(f.Parts)
	if err := l.allow(ctx, canForm); err != nil {
		return hsm.Key{}, err
	}
	if err := l.claim(f.Attributes.Label); err != nil {
		return hsm.Key{}, err
	}
	k, err := l.inner.Form(ctx, f)
	return l.born(f.Attributes.Label, k, err)
}

func (l *limited) Split(ctx context.Context, k hsm.Key, spec component.Spec) ([]*component.Part, error) {
	if err := l.allow(ctx, canSplit); err != nil {
		return nil, err
	}
	if err := l.mayComeOut(ctx, k); err != nil {
		return nil, err
	}
	parts, err := l.inner.Split(ctx, k, spec)
	if err != nil {
		return nil, err
	}
	l.saw(k)
	return parts, nil
}

// mayComeOut: clear bytes leave for the key that was named, and no other, in a test store too. What is loaded into a
// device may also be a key without a label, derived for it from the one that was approved, or in a test store from any.
func (l *limited) mayComeOut(ctx context.Context, k hsm.Key) error {
	if l.free {
		return nil
	}
	loads := l.activity == custody.DeviceInject || l.activity == custody.DeviceInjectClear
	if loads && k.Label == "" {
		return l.areOurs(k)
	}
	return l.isApproved(ctx, k)
}

func (l *limited) Derive(ctx context.Context, base hsm.Key, d hsm.Derivation, p hsm.Policy) (hsm.Key, error) {
	if err := l.allow(ctx, canDerive, base); err != nil {
		return hsm.Key{}, err
	}
	if err := l.mayComeFrom(base); err != nil {
		return hsm.Key{}, err
	}
	if l.deriving != nil {
		if err := l.deriving(); err != nil {
			return hsm.Key{}, err
		}
	}
	k, err := l.inner.Derive(ctx, base, d, p)
	if err == nil {
		l.derived.add(k.Block)
	}
	return l.made(k, err, base)
}

func (l *limited) CheckValue(ctx context.Context, k hsm.Key, m kcv.Method, digits int) (kcv.Value, error) {
	p := canAll
	if m != "" && m != kcv.Default(k.Algorithm) {
		p = canTell
	}
	if err := l.ask(ctx, p, k); err != nil {
		return kcv.Value{}, err
	}
	v, err := l.inner.CheckValue(ctx, k, m, digits)
	if err == nil {
		l.saw(k)
	}
	return v, err
}

// ask is allow for what every activity may ask: canAll stands for no power in particular.
func (l *limited) ask(ctx context.Context, p powers, k hsm.Key) error {
	if p != canAll {
		return l.allow(ctx, p, k)
	}
	if err := l.open(ctx); err != nil {
		return err
	}
	if l.anybody && !l.free {
		return fault.New(fault.NotPermitted, "%s does not take this", string(l.activity))
	}
	return l.areOurs(k)
}

func (l *limited) Compare(
	ctx context.Context, k hsm.Key, expected kcv.Expected, m kcv.Method,
) (kcv.Comparison, error) {
	if err := l.ask(ctx, canAll, k); err != nil {
		return kcv.Comparison{}, err
	}
	c, err := l.inner.Compare(ctx, k, expected, m)
	if err == nil {
		l.saw(k)
	}
	return c, err
}

func (l *limited) Identify(
	ctx context.Context, k hsm.Key, expected kcv.Expected, alg keys.Algorithm,
) ([]kcv.Match, error) {
	if err := l.allow(ctx, canTell, k); err != nil {
		return nil, err
	}
	found, err := l.inner.Identify(ctx, k, expected, alg)
	if err == nil {
		l.saw(k)
	}
	return found, err
}

func (l *limited) CheckData(ctx context.Context, k hsm.Key) (string, error) {
	if err := l.ask(ctx, canAll, k); err != nil {
		return "", err
	}
	data, err := l.inner.CheckData(ctx, k)
	if err == nil {
		l.saw(k)
	}
	return data, err
}

func (l *limited) Keep(ctx context.Context, k hsm.Key, label string) (hsm.Key, error) {
	if err := l.allow(ctx, canKeep); err != nil {
		return hsm.Key{}, err
	}
	if !l.free && (!l.births.has(k.Block) || l.children.has(k.Block)) {
		return hsm.Key{}, fault.New(fault.NotPermitted, "a key gets its label in the operation in which it came into being")
	}
	if err := l.mayServe(k); err != nil {
		return hsm.Key{}, err
	}
	if err := l.isExpected(k); err != nil {
		return hsm.Key{}, err
	}
	if err := l.claim(label); err != nil {
		return hsm.Key{}, err
	}
	kept, err := l.inner.Keep(ctx, k, label)
	return l.born(label, kept, err) // held against what the block says and not what the handle said
}

func (l *limited) Wrap(
	ctx context.Context, k, kbpk hsm.Key, h keyblock.Header, o keyblock.WrapOptions,
) (hsm.Wrapped, error) {
	if l.activity != custody.KeyRotate && l.hangs(k, kbpk) {
		if err := l.open(ctx); err != nil {
			return hsm.Wrapped{}, err
		}
	} else if err := l.allow(ctx, canWrap, k, kbpk); err != nil {
		return hsm.Wrapped{}, err
	} else if err := l.mayLeave(k, kbpk); err != nil {
		return hsm.Wrapped{}, err
	}
	if err := l.mayProtect(kbpk); err != nil {
		return hsm.Wrapped{}, err
	}
	if err := l.mayServe(k); err != nil {
		return hsm.Wrapped{}, err
	}
	o.AllowWeak = l.allowsWeak(o.AllowWeak)
	w, err := l.inner.Wrap(ctx, k, kbpk, h, o)
	if err == nil {
		l.saw(k, kbpk)
	}
	return w, err
}

func (l *limited) Unwrap(ctx context.Context, b *keyblock.Block, kbpk hsm.Key, p hsm.Policy) (hsm.Opened, error) {
	if err := l.allow(ctx, canUnwrap, kbpk); err != nil {
		return hsm.Opened{}, err
	}
	if err := l.mayComeFrom(kbpk); err != nil {
		return hsm.Opened{}, err
	}
	o, err := l.inner.Unwrap(ctx, b, kbpk, p)
	if err == nil {
		l.saw(kbpk)
		l.births.add(o.Key.Block)
		err = l.opened(ctx, o.Key, kbpk)
	}
	if err != nil {
		return hsm.Opened{}, err
	}
	return o, nil
}

func (l *limited) Translate(
	ctx context.Context, b *keyblock.Block, from, to hsm.Key, change hsm.Change,
) (hsm.Translated, error) {
	if err := l.allow(ctx, canTranslate, from, to); err != nil {
		return hsm.Translated{}, err
	}
	if err := l.mayComeFrom(from); err != nil {
		return hsm.Translated{}, err
	}
	if err := l.mayProtect(to); err != nil {
		return hsm.Translated{}, err
	}
	change.AllowWeak = l.allowsWeak(change.AllowWeak)
	t, err := l.inner.Translate(ctx, b, from, to, change)
	if err == nil {
		l.saw(from, to)
		l.births.add(t.Key.Block)
	}
	return t, err
}

func (l *limited) Examine(ctx context.Context, b *keyblock.Block, kbpk hsm.Key) ([]keyblock.Finding, error) {
	if err := l.allow(ctx, canExamine, kbpk); err != nil {
		return nil, err
	}
	found, err := l.inner.Examine(ctx, b, kbpk)
	if err == nil {
		l.saw(kbpk)
	}
	return found, err
}

func (l *limited) Reveal(ctx context.Context, k hsm.Key) (*secret.Bytes, error) {
	if err := l.allow(ctx, canReveal); err != nil {
		return nil, err
	}
	if err := l.mayComeOut(ctx, k); err != nil {
		return nil, err
	}
	clear, err := l.inner.Reveal(ctx, k)
	if err == nil {
		l.saw(k)
	}
	return clear, err
}

func (l *limited) Prober(ctx context.Context, material []hsm.Key) (hsm.ProbeCloser, error) {
	if err := l.allow(ctx, canProbe, material...); err != nil {
		return nil, err
	}
	p, err := l.inner.Prober(ctx, material)
	if err == nil {
		l.saw(material...)
	}
	return p, err
}
