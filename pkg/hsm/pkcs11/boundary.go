//go:build cgo && !windows

package pkcs11

// The boundary: what the token does itself.

import (
	"context"
	"crypto/subtle"
	"slices"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

type boundary struct {
	*Token
	name      string
	wrap, mac p11.ObjectHandle
	allow     bool
	resident  *residents
}

var _ hsm.Boundary = (*boundary)(nil)

// Open opens the boundary in a token. Kinds: those of [Connect], and not_found when the token does not hold the master
// key, not_permitted when it could leave the token.
func Open(ctx context.Context, u URI, o Options) (hsm.Boundary, error) {
	t, err := Connect(ctx, u, o)
	if err != nil {
		return nil, err
	}
	b := &boundary{Token: t, allow: u.allows(o.Allow), resident: newResidents()}
	if err := b.findMaster(ctx); err != nil {
		_ = t.Close()
		return nil, err
	}
	return b, nil
}

func (b *boundary) findMaster(ctx context.Context) error {
	name, err := b.object()
	if err != nil {
		return err
	}
	b.name = name
	return b.with(ctx, func(s *session) error {
		if b.wrap, err = s.master(name + wrapSuffix); err != nil {
			return err
		}
		if b.mac, err = s.master(name + macSuffix); err != nil {
			return err
		}
		b.wrap, b.mac = s.working(b.wrap), s.working(b.mac)
		return nil
	})
}

// Info says what this boundary is.
func (b *boundary) Info() hsm.Info {
	return hsm.Info{Driver: "pkcs11", Name: b.info.Label + ", " + b.name, Strict: true}
}

// Close ends it. Session objects go with their sessions.
func (b *boundary) Close() error { return b.Token.Close() }

// seal closes a key that is in the token: wrapped under the master key, bound to its attributes.
func (b *boundary) seal(s *session, o p11.ObjectHandle, a hsm.Attributes, keyLen int) (string, error) {
	wrapped, err := s.m.WrapKey(s.h, mechanism(wrapPad, nil), b.wrap, o)
	if err != nil {
		return "", failed(err, text.New("wrap a key under the master key"))
	}
	return b.sign(s, a, keyLen, wrapped)
}

func (b *boundary) sign(s *session, a hsm.Attributes, keyLen int, wrapped []byte) (string, error) {
	h, err := newHandle(a, keyLen, wrapped)
	if err != nil {
		return "", err
	}
	if h.mac, err = s.sign(b.mac, p11.CKM_AES_CMAC, []byte(h.covered)); err != nil {
		return "", failed(err, text.New("compute the MAC of a key"))
	}
	if len(h.mac) != handleMAC {
		return "", fault.New(fault.DeviceFailed, "the token gives a MAC of %d bytes, want %d", len(h.mac), handleMAC)
	}
	return h.text(), nil
}

// authentic holds a handle against its MAC and its attributes, before anything in it is believed.
func (b *boundary) authentic(s *session, k hsm.Key) (handle, error) {
	h, err := parseHandle(k.Block)
	if err != nil {
		return handle{}, fault.Wrap(err, "the key does not belong to this boundary")
	}
	mac, err := s.sign(b.mac, p11.CKM_AES_CMAC, []byte(h.covered))
	if err != nil {
		return handle{}, failed(err, text.New("compute the MAC of a key"))
	}
	if subtle.ConstantTimeCompare(mac, h.mac) != 1 {
		return handle{}, fault.New(fault.MACMismatch, "the key does not belong to this boundary")
	}
	if h.attributes != k.Attributes || h.len != k.Len {
		return handle{}, fault.New(fault.NotPermitted,
			"the attributes of the key were changed since it left the boundary")
	}
	return h, nil
}

// Generate makes a key inside: see hsm.Boundary.
func (b *boundary) Generate(ctx context.Context, a hsm.Attributes, p hsm.Policy) (out hsm.Key, err error) {
	if !slices.Contains(keys.Named(), a.Algorithm) {
		return hsm.Key{}, fault.New(fault.Usage, "keys for %q are not generated", string(a.Algorithm))
	}
	if err := hsm.CheckTaken(a.Algorithm); err != nil {
		return hsm.Key{}, err
	}
	a = a.Defaults()
	err = b.with(ctx, func(s *session) error {
		if !s.can(generateStep(a.Algorithm)) {
			return b.outside(ctx, s, JobGenerate, nil, func(x *annex) error {
				inner, err := x.Generate(ctx, a, p)
				if err != nil {
					return err
				}
				out, err = b.adopt(s, x, inner)
				return err
			})
		}
		out, err = b.generate(ctx, s, a)
		return err
	})
	return out, err
}

func (b *boundary) generate(ctx context.Context, s *session, a hsm.Attributes) (hsm.Key, error) {
	k, _ := kindOf(a.Algorithm)
	o, err := s.generated(a.Algorithm, k, template{wrapped: true, uses: k.usesOf()})
	if err != nil {
		return hsm.Key{}, failed(err, text.New("generate a key"))
	}
	defer s.destroy(o)
	out := hsm.Key{Attributes: a, Len: a.Algorithm.DefaultLen()}
	if a.Algorithm.IsDES() {
		out.Parity = keys.ParityOdd // as was seen when generating was tried
	}
	return b.finish(ctx, s, o, out)
}

// finish closes a key that came into being inside, and gives it its check value.
func (b *boundary) finish(ctx context.Context, s *session, o p11.ObjectHandle, k hsm.Key) (out hsm.Key, err error) {
	if k.Block, err = b.seal(s, o, k.Attributes, k.Len); err != nil {
		return hsm.Key{}, err
	}
	m := kcv.Default(k.Algorithm)
	full, inside, err := b.valueInside(s, k, m)
	if err != nil {
		return hsm.Key{}, err
	}
	if inside {
		digits := kcv.DefaultDigits(k.Algorithm, m)
		k.Check = kcv.Value{Method: m, Digits: upper(full)[:digits]}
		return k, nil
	}
	err = b.outside(ctx, s, JobValue, []hsm.Key{k}, func(x *annex) error {
		k.Check = x.keys[0].Check
		return nil
	})
	if err != nil {
		return hsm.Key{}, err
	}
	return k, nil
}

// Import takes a clear key in. It is in this process already, so the rules are the soft boundary's own.
func (b *boundary) Import(
	ctx context.Context, clear *secret.Bytes, a hsm.Attributes, p hsm.Policy,
) (out hsm.Key, err error) {
	defer clear.Wipe()
	err = b.with(ctx, func(s *session) error {
		return b.inAnnex(ctx, s, nil, func(x *annex) error {
			inner, err := x.Import(ctx, clear, a, p)
			if err != nil {
				return err
			}
			out, err = b.adopt(s, x, inner)
			return err
		})
	})
	return out, err
}

// Keep gives a key its label. The key itself is not touched: only the MAC is made anew.
func (b *boundary) Keep(ctx context.Context, k hsm.Key, label string) (out hsm.Key, err error) {
	err = b.with(ctx, func(s *session) error {
		h, err := b.authentic(s, k)
		if err != nil {
			return err
		}
		if err := k.CheckKeep(label); err != nil {
			return err
		}
		kept := k
		kept.Label = label
		if kept.Block, err = b.sign(s, kept.Attributes, kept.Len, h.wrapped); err != nil {
			return err
		}
		out = kept
		return nil
	})
	return out, err
}

// use gives fn a key as an object of the token, kept from the last use or unwrapped now.
func (b *boundary) use(s *session, k hsm.Key, of kind, fn func(o p11.ObjectHandle) error) error {
	r := b.resident.take(k)
	if r == nil {
		h, err := b.authentic(s, k)
		if err != nil {
			return err
		}
		o, err := s.m.UnwrapKey(s.h, mechanism(wrapPad, nil), b.wrap, h.wrapped,
			s.attributes(template{keyType: of.keyType, uses: of.usesOf()}))
		if err != nil {
			return failed(err, text.New("unwrap a key"))
		}
		r = &resident{of: k, o: o, k: of}
		for _, old := range b.resident.put(r) {
			s.destroy(old)
		}
	}
	defer func() {
		if b.resident.release(r) {
			s.destroy(r.o)
		}
	}()
	return fn(r.o)
}

// hmacBlock is the shortest block of a hash. HMAC fills shorter keys up with zeros, so the zeros that a token leaves on an
// unwrapped key (see readBack) change nothing; longer keys they would change.
const hmacBlock = 64

// valueInside computes a whole check value in the token; inside is false where the token cannot.
func (b *boundary) valueInside(s *session, k hsm.Key, m kcv.Method) (full []byte, inside bool, err error) {
	of, ok := kindOf(k.Algorithm)
	if !ok {
		return nil, false, nil
	}
	r, ok := recipeOf(k.Algorithm, of, m)
	if !ok || of.ecb == 0 && k.Len%8 != 0 && k.Len > hmacBlock {
		return nil, false, nil
	}
	native := of.ecb == 0 || r.ecb == nil && s.can(valueStep(k.Algorithm, kcv.CMAC))
	basic := kcv.ECBZero
	if of.ecb == 0 {
		basic = kcv.HMACEmpty
	}
	if (!native || of.ecb == 0) && !s.can(valueStep(k.Algorithm, basic)) {
		return nil, false, nil
	}
	err = b.use(s, k, of, func(o p11.ObjectHandle) error {
		full, err = s.value(o, of, r, native)
		return failed(err, text.New("compute a check value"))
	})
	return full, err == nil, err
}

// CheckValue computes a check value: see hsm.Boundary.
func (b *boundary) CheckValue(ctx context.Context, k hsm.Key, m kcv.Method, digits int) (v kcv.Value, err error) {
	if m == "" {
		m = kcv.Default(k.Algorithm)
	}
	err = b.with(ctx, func(s *session) error {
		full, inside, err := b.valueInside(s, k, m)
		if err != nil {
			return err
		}
		if !inside {
			return b.outside(ctx, s, JobValue, []hsm.Key{k}, func(x *annex) error {
				v, err = x.CheckValue(ctx, x.keys[0], m, digits)
				return err
			})
		}
		if err := hsm.CheckValueRule(k.Algorithm, m, digits); err != nil {
			return err
		}
		if digits == 0 {
			digits = kcv.DefaultDigits(k.Algorithm, m)
		}
		if digits < 2 || digits > 2*len(full) {
			return fault.New(fault.Usage, "check value %s has 2 to %d digits, asked for %d", m, 2*len(full), digits)
		}
		v = kcv.Value{Method: m, Digits: upper(full)[:digits]}
		return nil
	})
	return v, err
}

// Compare holds a key against an expected value: see hsm.Boundary.
func (b *boundary) Compare(
	ctx context.Context, k hsm.Key, expected kcv.Expected, m kcv.Method,
) (c kcv.Comparison, err error) {
	if m == "" {
		m = kcv.Default(k.Algorithm)
	}
	err = b.with(ctx, func(s *session) error {
		full, inside, err := b.valueInside(s, k, m)
		if err != nil {
			return err
		}
		if inside {
			c, err = hsm.CompareStrict(k, expected, m, full)
			return err
		}
		return b.outside(ctx, s, JobValue, []hsm.Key{k}, func(x *annex) error {
			c, err = x.Compare(ctx, x.keys[0], expected, m)
			return err
		})
	})
	return c, err
}

// Identify looks for the method of a value: by all methods, so in process memory.
func (b *boundary) Identify(
	ctx context.Context, k hsm.Key, expected kcv.Expected, alg keys.Algorithm,
) (all []kcv.Match, err error) {
	err = b.elsewhere(ctx, JobValue, []hsm.Key{k}, func(_ *session, x *annex) error {
		all, err = x.Identify(ctx, x.keys[0], expected, alg)
		return err
	})
	return all, err
}

// elsewhere does a job in process memory.
func (b *boundary) elsewhere(ctx context.Context, job Job, carried []hsm.Key, do func(s *session,
	a *annex) error) error {
	return b.with(ctx, func(s *session) error {
		return b.outside(ctx, s, job, carried, func(a *annex) error { return do(s, a) })
	})
}

// CheckData gives the content of a KC, KP or PK block: see hsm.Boundary.
func (b *boundary) CheckData(ctx context.Context, k hsm.Key) (data string, err error) {
	kind, m, digits := "01", kcv.CMAC, 10
	if k.Algorithm.IsDES() {
		kind, m, digits = "00", kcv.ECBZero, 6
	}
	err = b.with(ctx, func(s *session) error {
		full, inside, err := b.valueInside(s, k, m)
		if err != nil {
			return err
		}
		if inside {
			data = kind + upper(full)[:digits]
			return nil
		}
		return b.outside(ctx, s, JobValue, []hsm.Key{k}, func(x *annex) error {
			data, err = x.CheckData(ctx, x.keys[0])
			return err
		})
	})
	return data, err
}

// Split cuts a key into components: see hsm.Boundary.
func (b *boundary) Split(ctx context.Context, k hsm.Key, spec component.Spec) (parts []*component.Part, err error) {
	err = b.elsewhere(ctx, JobSplit, []hsm.Key{k}, func(_ *session, x *annex) error {
		parts, err = x.Split(ctx, x.keys[0], spec)
		return err
	})
	return parts, err
}

// Derive derives by DUKPT: see hsm.Boundary.
func (b *boundary) Derive(ctx context.Context, base hsm.Key, d hsm.Derivation, p hsm.Policy) (out hsm.Key, err error) {
	if err := d.Check(base.Attributes); err != nil {
		return hsm.Key{}, err
	}
	err = b.elsewhere(ctx, JobDerive, []hsm.Key{base}, func(s *session, x *annex) error {
		inner, err := x.Derive(ctx, x.keys[0], d, p)
		if err != nil {
			return err
		}
		out, err = b.adopt(s, x, inner)
		return err
	})
	return out, err
}

// Wrap closes a key block for somebody else: see hsm.Boundary.
func (b *boundary) Wrap(
	ctx context.Context, k, kbpk hsm.Key, h keyblock.Header, o keyblock.WrapOptions,
) (w hsm.Wrapped, err error) {
	if err := k.CheckWrap(&h); err != nil {
		return hsm.Wrapped{}, err
	}
	if err := kbpk.CheckProtects(h.Version); err != nil {
		return hsm.Wrapped{}, err
	}
	err = b.elsewhere(ctx, JobWrap, []hsm.Key{k, kbpk}, func(_ *session, x *annex) error {
		w, err = x.Wrap(ctx, x.keys[0], x.keys[1], h, o)
		return err
	})
	return w, err
}

// Unwrap opens somebody else's key block: see hsm.Boundary.
func (b *boundary) Unwrap(
	ctx context.Context, block *keyblock.Block, kbpk hsm.Key, p hsm.Policy,
) (out hsm.Opened, err error) {
	err = b.elsewhere(ctx, JobUnwrap, []hsm.Key{kbpk}, func(s *session, x *annex) error {
		opened, err := x.Unwrap(ctx, block, x.keys[0], p)
		if err != nil {
			return err
		}
		if opened.Key, err = b.adopt(s, x, opened.Key); err != nil {
			return err
		}
		out = opened
		return nil
	})
	return out, err
}

// Translate moves a key block under another KBPK: see hsm.Boundary.
func (b *boundary) Translate(
	ctx context.Context, block *keyblock.Block, from, to hsm.Key, c hsm.Change,
) (out hsm.Translated, err error) {
	err = b.elsewhere(ctx, JobTranslate, []hsm.Key{from, to}, func(s *session, x *annex) error {
		moved, err := x.Translate(ctx, block, x.keys[0], x.keys[1], c)
		if err != nil {
			return err
		}
		if moved.Key, err = b.adopt(s, x, moved.Key); err != nil {
			return err
		}
		out = moved
		return nil
	})
	return out, err
}

// Examine finds out why a block does not open: see hsm.Boundary.
func (b *boundary) Examine(
	ctx context.Context, block *keyblock.Block, kbpk hsm.Key,
) (found []keyblock.Finding, err error) {
	err = b.elsewhere(ctx, JobExamine, []hsm.Key{kbpk}, func(_ *session, x *annex) error {
		found, err = x.Examine(ctx, block, x.keys[0])
		return err
	})
	return found, err
}

// Reveal gives the clear bytes: see hsm.Boundary.
func (b *boundary) Reveal(ctx context.Context, k hsm.Key) (clear *secret.Bytes, err error) {
	if err := k.CheckClear(); err != nil {
		return nil, err
	}
	err = b.elsewhere(ctx, JobReveal, []hsm.Key{k}, func(_ *session, x *annex) error {
		clear, err = x.Reveal(ctx, x.keys[0])
		return err
	})
	return clear, err
}

// prober is a prober of an annex, which lives as long.
type prober struct {
	hsm.ProbeCloser
	a *annex
}

func (p *prober) Close() error {
	err := p.ProbeCloser.Close()
	p.a.close()
	return err
}

// Prober answers a diagnosis: see hsm.Boundary. Its keys are in process memory until it is closed.
func (b *boundary) Prober(ctx context.Context, material []hsm.Key) (out hsm.ProbeCloser, err error) {
	err = b.with(ctx, func(s *session) error {
		if !b.allow {
			return JobProbe.refused()
		}
		a, err := b.openAnnex()
		if err != nil {
			return err
		}
		for _, k := range material {
			if err := b.carry(ctx, s, a, k); err != nil {
				a.close()
				return err
			}
		}
		inner, err := a.Prober(ctx, a.keys)
		if err != nil {
			a.close()
			return err
		}
		if b.o.Notice != nil {
			b.o.Notice(Notice{JobProbe, JobProbe.Done()})
		}
		out = &prober{inner, a}
		return nil
	})
	return out, err
}
