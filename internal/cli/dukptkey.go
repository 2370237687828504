package cli

// The keys of the DUKPT commands: the one that is derived from, and what is derived.

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

func (a *App) bdkFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "bdk", "", a.Say.T("base derivation key (SRC), TDES of 32 digits or AES; asked for when left out"))
}

func (a *App) baseKBPKFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "key-kbpk", "", a.Say.T("KBPK that opens a BDK or IK that comes as block:PATH (SRC)"))
}

// derivingFlags are those of the commands that derive from a BDK or an IK.
func (a *App) derivingFlags(cmd *cobra.Command, ksn, padding *string, w *baseWish) {
	f := cmd.Flags()
	a.bdkFlag(f, &w.bdk)
	f.StringVar(&w.ik, "ik", "", a.Say.T("the device's initial key (SRC), in the place of the BDK"))
	a.baseKBPKFlag(f, &w.kbpk)
	a.allowWeakFlag(f, &w.allowWeak)
	a.ksnFlag(f, ksn)
	a.ksnPaddingFlag(f, padding)
	required(cmd, "ksn")
	cmd.MarkFlagsMutuallyExclusive("bdk", "ik")
}

// baseWish says what is derived from: a BDK, or the IK that was derived from it elsewhere.
type baseWish struct {
	bdk, ik   string
	kbpk      string
	allowWeak bool
}

func (w baseWish) level() hsm.Level {
	if w.ik != "" {
		return hsm.FromIK
	}
	return hsm.FromBDK
}

// what names the key that is derived from.
func (w baseWish) what() text.Text {
	if w.level() == hsm.FromIK {
		return text.New("the initial key")
	}
	return text.New("the BDK")
}

// base is the key that others are derived from, inside the boundary.
type base struct {
	key    hsm.Key
	level  hsm.Level
	what   text.Text
	header *keyblock.Header   // when it came as a key block
	doubts []keyblock.Warning // of that block, as the intake reports them
}

func newBase(t taken, w baseWish) base {
	return base{t.Key, w.level(), w.what(), t.Header, t.Doubts}
}

// suits refuses a KSN that is not one of the key set or device that the base's block names.
func (b base) suits(ksn dukpt.KSN) error {
	if b.header == nil {
		return nil
	}
	return fault.Wrap(hsm.CheckNamed(b.header, ksn), "%s", b.what)
}

// dukptBase takes in the key that is derived from; the scheme says which algorithm it has. A line of a batch mostly asks
// for the same key as the line before.
func (in *intake) dukptBase(ctx context.Context, s dukpt.Scheme, w baseWish) (base, error) {
	if last := in.lastBase; last.scheme == s && last.wish == w {
		return last.base, nil
	}
	b, err := in.readBase(ctx, s, w)
	if err == nil && in.batch && !strings.HasPrefix(w.bdk, string(source.Hex)) { // hex is the key itself: it is not kept
		in.lastBase = lastBase{s, w, b}
	}
	return b, err
}

// lastBase is a base key with what was asked.
type lastBase struct {
	scheme dukpt.Scheme
	wish   baseWish
	base   base
}

func (in *intake) readBase(ctx context.Context, s dukpt.Scheme, w baseWish) (base, error) {
	wish := keyWish{src: w.bdk, kbpk: w.kbpk, what: w.what(), attrs: hsm.Attributes{Usage: keys.UsageBDK},
		family: keys.TDES128, policy: hsm.Policy{Inspect: true}}
	if w.level() == hsm.FromIK {
		wish.src, wish.attrs.Usage = w.ik, keys.UsageIK
	}
	if s == dukpt.AES {
		wish.family = keys.AES128
	}
	id := sha256.Sum256([]byte(string(wish.attrs.Usage) + string(s) + "\x00" + wish.src + "\x00" + wish.kbpk))
	if t, known := in.memo[id]; known {
		return newBase(t, w), w.admits(t.Key, wish.what)
	}
	t, err := in.key(ctx, wish)
	if err != nil {
		return base{}, err
	}
	if t.Header != nil && t.Header.Usage != wish.attrs.Usage {
		return base{}, fault.New(fault.NotPermitted, "%s: its key block says usage %s, want %s", wish.what, t.Header.Usage, wish.attrs.Usage)
	}
	in.remember(id, t)
	return newBase(t, w), w.admits(t.Key, wish.what)
}

// admits refuses a weak key. One that is published is for tests and passes whatever else is weak about it: the AES-256
// BDK of the standard's examples repeats its first half.
func (w baseWish) admits(k hsm.Key, what text.Text) error {
	return sound(k, what, w.allowWeak || slices.Contains(k.Weak, keys.PublishedSample))
}

// warnings tells what is doubtful about the parity of a TDES key: a BDK should have it, and an IK, which is derived, should
// not. DES ignores the parity bits of a BDK; the next step XORs those of an IK, so they change all that follows.
func (b base) warnings() []dukpt.Warning {
	switch {
	case !b.key.Algorithm.IsDES(), b.key.Parity == keys.ParityNone: // of a key of a store it is not known
		return nil
	case b.level == hsm.FromBDK && b.key.Parity != keys.ParityOdd:
		return []dukpt.Warning{{ID: "bdk_parity", Kind: fault.Malformed,
			Text: text.New("the BDK does not have odd parity; the derived keys are the same")}}
	case b.level == hsm.FromIK && b.key.Parity == keys.ParityOdd:
		return []dukpt.Warning{{ID: "ik_parity", Kind: fault.Malformed,
			Text: text.New("the initial key has odd parity in every byte, by chance one in 65,536: if it was adjusted, " +
				"its check value is the same but every transaction key is another")}}
	}
	return nil
}

// useNames lists what may stand behind --use: the uses of working keys, and the transaction and update keys.
func useNames() []string {
	names := []string{string(hsm.WantTransaction)}
	for _, u := range dukpt.Uses(dukpt.AES) {
		names = append(names, string(u))
	}
	return append(names, string(hsm.WantUpdate))
}

// parseUse reads the value of --use.
func parseUse(s string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(s))
	if slices.Contains(useNames(), name) {
		return name, nil
	}
	return "", fault.New(fault.Usage, "unknown --use %q; known: %s", text.Redact(s), strings.Join(useNames(), " "))
}

func keyTypeNames() string {
	var names []string
	for _, t := range dukpt.KeyTypes() {
		names = append(names, string(t))
	}
	return strings.Join(names, " ")
}

// useText says what a key of a use does.
func useText(use string) text.Text {
	switch hsm.Wanted(use) {
	case hsm.WantTransaction:
		return text.New("transaction key: only derives working keys")
	case hsm.WantUpdate:
		return text.New("update key: protects the next initial key")
	}
	switch dukpt.Use(use) {
	case dukpt.PIN:
		return text.New("PIN encryption")
	case dukpt.MACRequest:
		return text.New("MAC from the terminal to the host")
	case dukpt.MACResponse:
		return text.New("MAC from the host to the terminal")
	case dukpt.MAC:
		return text.New("MAC both ways")
	case dukpt.DataRequest:
		return text.New("data encryption from the terminal to the host")
	case dukpt.DataResponse:
		return text.New("data encryption from the host to the terminal")
	case dukpt.Data:
		return text.New("data encryption both ways")
	case dukpt.KEK:
		return text.New("key encryption")
	}
	return text.Raw(use)
}

// derivedWish says which key a command wants.
type derivedWish struct {
	ksn, padding string
	loaded       bool // counter 0 stands for a terminal that is about to use counter 1
	base         baseWish
	use          string // as in useNames, or hsm.WantIK
	keyType      dukpt.KeyType
	expect       string
	leaves       bool // the derived key goes out of the boundary
}

// derivation is what the boundary is asked for.
func (w derivedWish) derivation(from hsm.Level, ksn dukpt.KSN) hsm.Derivation {
	if next, ok := ksn.Next(); ok && w.loaded && ksn.Counter() == 0 {
		ksn = next
	}
	d := hsm.Derivation{From: from, KSN: ksn, Want: hsm.Wanted(w.use), Type: w.keyType}
	switch d.Want {
	case hsm.WantIK, hsm.WantTransaction, hsm.WantUpdate:
	default:
		d.Want, d.Use = hsm.WantWorking, dukpt.Use(w.use)
	}
	return d
}

// check looks at what can be wrong before a key is there.
func (w derivedWish) check(d hsm.Derivation) error {
	if d.Want == hsm.WantTransaction && d.Type != "" {
		return fault.New(fault.Usage, "--key-type is for working keys; the transaction key has the BDK's length")
	}
	likely := hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsageBDK}
	if d.KSN.Scheme() == dukpt.AES {
		likely.Algorithm = keys.AES256
	}
	if d.From == hsm.FromIK {
		likely.Usage = keys.UsageIK
	}
	err := d.Check(likely.Defaults())
	if next, ok := d.KSN.Next(); fault.Is(err, fault.CounterBits) && ok {
		return fault.New(fault.CounterBits, "%s; the next KSN is %s", err, next)
	}
	return err
}

// derived is a key that was derived, with all that is to be said of it.
type derived struct {
	ksn      dukpt.KSN
	used     dukpt.KSN // with the counter that the key was derived with: an update key has one of its own
	base     base
	key      hsm.Key
	keyType  dukpt.KeyType // of a working or update key
	warnings []dukpt.Warning
}

// warningDocs lists all that is doubtful: about the derivation, about the block that the base came in, and about the block
// that was written. People read what concerns a block when it is taken in and when it is written.
func (d derived) warningDocs(written []keyblock.Warning) []warningDoc {
	docs := dukptWarningDocs(d.warnings)
	docs = append(docs, warningDocs(d.base.doubts)...)
	return append(docs, warningDocs(written)...)
}

// derived derives a key, and compares it when a check value is expected. What can be wrong without a key is looked at
// before one is asked for. The error for a short KSN is a [shortKSN].
func (in *intake) derived(ctx context.Context, w derivedWish) (derived, error) {
	ksn, short := parseKSN(w.ksn, w.padding)
	if short != nil && (w.padding != "" || dukpt.ShortReadings(w.ksn) == nil) {
		return derived{}, short
	}
	expected, err := optionalKCV(w.expect)
	if err != nil {
		return derived{}, err
	}
	if short != nil {
		return derived{}, in.readShort(ctx, w, expected, short)
	}
	d := w.derivation(w.base.level(), ksn)
	if err := w.check(d); err != nil {
		return derived{}, err
	}
	first := in.keepFirst(w.expect != "")
	defer first.wipe()
	b, err := in.dukptBase(ctx, ksn.Scheme(), w.base)
	if err != nil {
		return derived{}, err
	}
	k, err := in.derive(ctx, b, d)
	if err != nil {
		return derived{}, err
	}
	out := derived{ksn: d.KSN, used: d.KSN, base: b, key: k}
	if d.Want == hsm.WantUpdate {
		out.used = d.KSN.Update()
	}
	out.judge(d, w.leaves)
	if w.expect == "" {
		return out, nil
	}
	return out, in.verifyDerived(ctx, w, out, expected, first)
}

// derive asks the boundary. That a key is published is no reason to refuse it: keys of published BDKs are for tests.
func (in *intake) derive(ctx context.Context, from base, d hsm.Derivation) (hsm.Key, error) {
	if err := from.suits(d.KSN); err != nil {
		return hsm.Key{}, err
	}
	b, err := in.app.hsm(ctx)
	if err != nil {
		return hsm.Key{}, err
	}
	return b.Derive(ctx, from.key, d, hsm.Policy{Inspect: true})
}

// judge notes what is doubtful about the key.
func (d *derived) judge(of hsm.Derivation, leaves bool) {
	d.warnings = d.base.warnings()
	if leaves && d.base.header != nil {
		for _, w := range keyblock.NotExportable(d.base.header) {
			w.Text = text.New("%s: %s", d.base.what, w.Text)
			d.warnings = append(d.warnings, dukpt.Warning(w))
		}
	}
	alg, strength := d.base.key.Algorithm, d.base.key.Strength()
	switch of.Want {
	case hsm.WantIK:
		d.warnings = append(d.warnings, d.ksn.InitialWarnings()...)
		return
	case hsm.WantUpdate:
		if t, err := dukpt.CheckUpdate(alg, of.Type); err == nil {
			d.keyType = t
			d.warnings = append(d.warnings, dukpt.UpdateWarnings(strength, t)...)
		}
	case hsm.WantWorking:
		if t, err := dukpt.CheckWorking(alg, of.Use, of.Type); err == nil {
			d.keyType = t
		}
	}
	d.warnings = append(d.warnings, d.ksn.Warnings()...)
	if d.keyType != "" {
		d.warnings = append(d.warnings, dukpt.WorkingWarnings(strength, d.keyType)...)
	}
}
