package hsm

import (
	"context"
	"slices"
	"strings"
	"sync"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// soft is the boundary in this process: keys are clear only in locked memory and only inside its methods. Its master key
// is drawn when it is made and dies with it.
type soft struct {
	env     keys.Env
	master  *keys.Key
	info    Info
	options Options // of a strict boundary

	mu     sync.Mutex
	idle   map[leaseID][]*lease // protectors ready for use; a list is empty while its only lease is out
	leases int                  // how many they are
	bdks   map[bdkID]*dukpt.BDK // base derivation keys with their ciphers made
	closed bool
}

// NewSoft makes a boundary that lives as long as the command. It draws from env.Rand in several goroutines at once.
func NewSoft(env keys.Env) (Boundary, error) {
	master, err := keys.Generate(env.Rand, keys.AES256)
	if err != nil {
		return nil, fault.Wrap(err, "start the soft boundary")
	}
	info := Info{Driver: "soft", Name: "software boundary of this command"}
	return &soft{env: env, master: master, info: info, idle: map[leaseID][]*lease{}, bdks: map[bdkID]*dukpt.BDK{}}, nil
}

func (s *soft) Info() Info { return s.info }

func (s *soft) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range s.idle {
		for _, l := range list {
			l.kbpk.Wipe()
		}
	}
	s.idle, s.bdks, s.closed = nil, nil, true
	s.master.Wipe()
	return nil
}

func (s *soft) Generate(ctx context.Context, a Attributes, p Policy) (Key, error) {
	if !slices.Contains(keys.Named(), a.Algorithm) {
		return Key{}, fault.New(fault.Usage, "keys for %q are not generated", string(a.Algorithm))
	}
	if err := s.checkTaken(a.Algorithm); err != nil {
		return Key{}, err
	}
	if a.Algorithm == keys.DES && !p.AllowWeak {
		return Key{}, fault.New(fault.WeakKey, "single DES keys are not generated; take tdes-128 or better")
	}
	k, err := keys.Generate(s.env.Rand, a.Algorithm)
	if err != nil {
		return Key{}, err
	}
	defer k.Wipe()
	return s.keep(ctx, k, a)
}

func (s *soft) Import(ctx context.Context, clear *secret.Bytes, a Attributes, p Policy) (Key, error) {
	defer clear.Wipe()
	if !holds(a.Algorithm) {
		return Key{}, fault.New(fault.Usage, "unknown algorithm %q", string(a.Algorithm))
	}
	k, err := keys.New(a.Algorithm, clear)
	if err != nil {
		return Key{}, err
	}
	if err := s.admit(k, p); err != nil {
		return Key{}, err
	}
	return s.keep(ctx, k, a)
}

// holds reports whether a key of the algorithm, once kept, is opened again as one of the same algorithm.
func holds(alg keys.Algorithm) bool {
	carried := []keys.Algorithm{keys.RSA, keys.EC, keys.DSA, keys.Raw}
	return slices.Contains(keys.Named(), alg) || slices.Contains(carried, alg)
}

func (s *soft) Form(ctx context.Context, f Forming) (Key, error) {
	defer component.WipeAll(f.Parts)
	if err := checkParts(f); err != nil {
		return Key{}, err
	}
	lifted := component.Options{AllowWeak: f.Policy.AllowWeak || f.Policy.Inspect}
	k, err := component.CombineWith(f.Attributes.Algorithm, f.Parts, lifted)
	if err != nil {
		return Key{}, err
	}
	defer k.Wipe()
	if err := checkFormed(k, f); err != nil {
		return Key{}, err
	}
	if err := s.admit(k, f.Policy); err != nil {
		return Key{}, err
	}
	return s.keep(ctx, k, f.Attributes)
}

// checkTaken is [CheckTaken] for a boundary that is strict.
func (s *soft) checkTaken(alg keys.Algorithm) error {
	if !s.info.Strict {
		return nil
	}
	return CheckTaken(alg)
}

// admit refuses weak keys where they would be used, and in a strict boundary single DES wherever it comes from.
func (s *soft) admit(k *keys.Key, p Policy) error {
	if err := s.checkTaken(k.Algorithm()); err != nil {
		return err
	}
	if p.Inspect || p.AllowWeak {
		return nil
	}
	if weak := k.Weaknesses(); len(weak) > 0 {
		return fault.New(fault.WeakKey, "weak key (%s): %s", string(weak[0]), weak[0].Text())
	}
	return nil
}

func (s *soft) Split(ctx context.Context, k Key, spec component.Spec) ([]*component.Part, error) {
	if k.isTransaction() {
		return nil, errTransaction()
	}
	if err := s.checkClear(k); err != nil {
		return nil, err
	}
	clear, err := s.open(ctx, k)
	if err != nil {
		return nil, err
	}
	defer clear.Wipe()
	return component.Split(s.env, clear, spec)
}

func (s *soft) checkClear(k Key) error {
	if !s.info.Strict {
		return nil
	}
	return k.CheckClear()
}

func (s *soft) CheckValue(ctx context.Context, k Key, m kcv.Method, digits int) (kcv.Value, error) {
	clear, err := s.open(ctx, k)
	if err != nil {
		return kcv.Value{}, err
	}
	defer clear.Wipe()
	if m == "" {
		m = kcv.Default(k.Algorithm)
	}
	if s.info.Strict {
		if err := CheckValueRule(k.Algorithm, m, digits); err != nil {
			return kcv.Value{}, err
		}
	}
	return kcv.Of(k.Algorithm, clear.Secret().Expose(), m, digits)
}

func (s *soft) Compare(ctx context.Context, k Key, expected kcv.Expected, m kcv.Method) (kcv.Comparison, error) {
	clear, err := s.open(ctx, k)
	if err != nil {
		return kcv.Comparison{}, err
	}
	defer clear.Wipe()
	if m == "" {
		m = kcv.Default(k.Algorithm)
	}
	full, err := kcv.Compute(k.Algorithm, clear.Secret().Expose(), m)
	if err != nil {
		return kcv.Comparison{}, err
	}
	if err := expected.Check(m, full); err != nil {
		return kcv.Comparison{}, err
	}
	if s.info.Strict {
		return verdict(k.Algorithm, expected, m, full)
	}
	return expected.Compare(m, full), nil
}

func (s *soft) Identify(ctx context.Context, k Key, expected kcv.Expected, alg keys.Algorithm) ([]kcv.Match, error) {
	clear, err := s.open(ctx, k)
	if err != nil {
		return nil, err
	}
	defer clear.Wipe()
	if s.info.Strict {
		return identify(clear.Secret().Expose(), expected, alg)
	}
	return kcv.Identify(clear.Secret().Expose(), expected, alg)
}

func (s *soft) Wrap(ctx context.Context, k, kbpk Key, h keyblock.Header, o keyblock.WrapOptions) (Wrapped, error) {
	if err := k.CheckWrap(&h); err != nil {
		return Wrapped{}, err
	}
	clear, err := s.open(ctx, k)
	if err != nil {
		return Wrapped{}, err
	}
	defer clear.Wipe()
	return s.wrap(ctx, clear, kbpk, h, o)
}

func (s *soft) wrap(
	ctx context.Context, clear *keys.Key, kbpk Key, h keyblock.Header, o keyblock.WrapOptions,
) (Wrapped, error) {
	if err := kbpk.CheckProtects(h.Version); err != nil {
		return Wrapped{}, err
	}
	l, err := s.lease(ctx, h.Version, kbpk)
	if err != nil {
		return Wrapped{}, err
	}
	defer s.giveBack(l)
	if err := s.checkFit(l, clear, o.AllowWeak); err != nil {
		return Wrapped{}, err
	}
	text, warnings, err := l.Wrap(s.env.Rand, h, clear, o)
	if err != nil {
		return Wrapped{}, err
	}
	return Wrapped{text, warnings}, nil
}

// checkFit tells whether a strict boundary closes a block over the key under the KBPK of the lease. Of one that is weak in
// itself nobody outside remembers that it is.
func (s *soft) checkFit(l *lease, k *keys.Key, allowWeak bool) error {
	if !s.info.Strict {
		return nil
	}
	if err := checkStrength(k.Algorithm(), k.Len(), l.kbpk.Algorithm(), l.kbpk.Len(), allowWeak); err != nil {
		return err
	}
	if len(l.weak) > 0 && !allowWeak {
		return fault.New(fault.WeakKey, "the KBPK is weak: %s", l.weak[0].Text())
	}
	return nil
}

func (s *soft) Unwrap(ctx context.Context, b *keyblock.Block, kbpk Key, p Policy) (Opened, error) {
	u, err := s.unwrap(ctx, b, kbpk)
	if err != nil {
		return Opened{}, err
	}
	defer u.Wipe()
	if err := s.admit(u.Key, p); err != nil {
		return Opened{}, err
	}
	k, err := s.keep(ctx, u.Key, attributesOf(b, u.Key))
	if err != nil {
		return Opened{}, err
	}
	return Opened{k, u.Warnings}, nil
}

func (s *soft) unwrap(ctx context.Context, b *keyblock.Block, kbpk Key) (*keyblock.Unwrapped, error) {
	if err := kbpk.CheckOpens(b.Version); err != nil {
		return nil, err
	}
	l, err := s.lease(ctx, b.Version, kbpk)
	if err != nil {
		return nil, err
	}
	defer s.giveBack(l)
	return l.Unwrap(b)
}

// attributesOf reads the attributes of a key in somebody's block. An exportability that no standard has counts as none. A
// label there is somebody's: it makes no key of theirs one of ours.
func attributesOf(b *keyblock.Block, k *keys.Key) Attributes {
	a := Attributes{Algorithm: k.Algorithm(), Usage: b.Usage, Mode: b.Mode, Exportability: b.Exportability}
	if strings.IndexByte("ENS", a.Exportability) < 0 {
		a.Exportability = 'N'
	}
	return a
}

func (s *soft) Translate(ctx context.Context, b *keyblock.Block, from, to Key, change Change) (Translated, error) {
	u, err := s.unwrap(ctx, b, from)
	if err != nil {
		return Translated{}, err
	}
	defer u.Wipe()
	if s.info.Strict {
		if err := attributesOf(b, u.Key).CheckTranslate(); err != nil {
			return Translated{}, err
		}
		if err := CheckTaken(u.Key.Algorithm()); err != nil {
			return Translated{}, err
		}
	}
	h := b.Header
	h.Optional = append([]keyblock.OptBlock(nil), h.Optional...)
	if change.Version != 0 {
		h.Version = change.Version
	}
	if err := s.renewKP(ctx, &h, to); err != nil {
		return Translated{}, err
	}
	o := keyblock.WrapOptions{AllowWeak: change.AllowWeak, AllowUnfit: true}
	if !change.Plain {
		o.PadTo = keyblock.ObfuscatedLen(u.Key.Algorithm())
	}
	w, err := s.wrap(ctx, u.Key, to, h, o)
	if err != nil {
		return Translated{}, err
	}
	k, err := s.keep(ctx, u.Key, attributesOf(b, u.Key))
	if err != nil {
		return Translated{}, err
	}
	return Translated{k, w.Block, merge(append(u.Warnings, keyblock.NotExportable(&b.Header)...), w.Warnings)}, nil
}

// renewKP: KP and PK speak of the KBPK, so under a new one their old values would be lies.
func (s *soft) renewKP(ctx context.Context, h *keyblock.Header, kbpk Key) error {
	for _, id := range []string{"KP", "PK"} {
		if _, there := h.Opt(id); !there {
			continue
		}
		data, err := s.CheckData(ctx, kbpk)
		if err != nil {
			return err
		}
		h.SetOpt(id, data)
	}
	return nil
}

func (s *soft) CheckData(ctx context.Context, k Key) (string, error) {
	clear, err := s.open(ctx, k)
	if err != nil {
		return "", err
	}
	defer clear.Wipe()
	return keyblock.CheckData(clear)
}

func merge(a, b []keyblock.Warning) []keyblock.Warning {
	out := append([]keyblock.Warning(nil), a...)
	for _, w := range b {
		if !contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

func contains(all []keyblock.Warning, w keyblock.Warning) bool {
	for _, x := range all {
		if x.ID == w.ID && x.Text.String() == w.Text.String() {
			return true
		}
	}
	return false
}

func (s *soft) Examine(ctx context.Context, b *keyblock.Block, kbpk Key) ([]keyblock.Finding, error) {
	if err := kbpk.CheckOpens(b.Version); err != nil {
		return nil, err
	}
	clear, err := s.open(ctx, kbpk)
	if err != nil {
		return nil, err
	}
	defer clear.Wipe()
	if s.info.Strict {
		return examine(b, clear)
	}
	return keyblock.ExamineTyped(b, clear)
}

func (s *soft) Reveal(ctx context.Context, k Key) (*secret.Bytes, error) {
	if err := s.checkClear(k); err != nil {
		return nil, err
	}
	clear, err := s.open(ctx, k)
	if err != nil {
		return nil, err
	}
	defer clear.Wipe()
	return clear.Secret().Clone(), nil
}

func (s *soft) Prober(ctx context.Context, material []Key) (ProbeCloser, error) {
	if s.info.Strict && s.options.ProbeRecord == nil {
		return nil, errUnrecorded()
	}
	var clear []*secret.Bytes
	about := make([]Attributes, len(material))
	for i, k := range material {
		c, err := s.open(ctx, k)
		if err != nil {
			for _, done := range clear {
				done.Wipe()
			}
			return nil, err
		}
		clear, about[i] = append(clear, c.Secret()), k.Attributes
	}
	if !s.info.Strict {
		return NewSpotProber(clear), nil
	}
	p, err := NewStrictProber(clear, about, s.options)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// keep closes a clear key under the master key: from here on it is a Key.
func (s *soft) keep(ctx context.Context, k *keys.Key, a Attributes) (Key, error) {
	a = a.Defaults()
	a.Algorithm = k.Algorithm()
	if err := CheckLabel(a.Label); err != nil {
		return Key{}, err
	}
	h := keyblock.Header{Version: 'D', Usage: a.Usage, Algorithm: keyblock.AlgorithmChar(k.Algorithm()), Mode: a.Mode,
		KeyVersion: "00", Exportability: a.Exportability, Context: '1', Reserved: '0'}
	if a.Label != "" {
		h.SetOpt(labelBlock, a.Label)
	}
	if k.Algorithm().IsHMAC() {
		h.SetOpt("HM", keyblock.HMFor(k.Algorithm()))
	}
	l, err := s.leaseMaster(ctx)
	if err != nil {
		return Key{}, err
	}
	defer s.giveBack(l)
	block, _, err := l.Wrap(s.env.Rand, h, k, keyblock.WrapOptions{PadTo: keyblock.ObfuscatedLen(k.Algorithm()), AllowWeak: true, AllowUnfit: true})
	if err != nil {
		return Key{}, fault.Wrap(err, "keep the key under the master key")
	}
	out := Key{Attributes: a, Block: block, Len: k.Len(), Weak: k.Weaknesses(), Parity: k.Parity()}
	if k.Algorithm().IsBlockCipher() || k.Algorithm().IsHMAC() {
		out.Check, err = kcv.Of(k.Algorithm(), k.Secret().Expose(), kcv.Default(k.Algorithm()), 0)
	}
	return out, err
}

// open gives the clear key of a handle; the caller wipes it at once.
func (s *soft) open(ctx context.Context, k Key) (*keys.Key, error) {
	b, err := keyblock.Parse(k.Block)
	if err != nil {
		return nil, fault.Wrap(err, "the key does not belong to this boundary")
	}
	l, err := s.leaseMaster(ctx)
	if err != nil {
		return nil, err
	}
	defer s.giveBack(l)
	u, err := l.Unwrap(b)
	if err != nil {
		return nil, fault.Wrap(err, "the key does not belong to this boundary")
	}
	if heldAttributes(b, u.Key) != k.Attributes || u.Key.Len() != k.Len {
		u.Wipe()
		return nil, fault.New(fault.NotPermitted, "the attributes of the key were changed since it left the boundary")
	}
	return u.Key, nil
}
