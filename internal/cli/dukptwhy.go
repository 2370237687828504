package cli

// Why a derived key has another check value than expected: which other key has it.

import (
	"context"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
)

// kept is the first thing that an intake reads: the key that is derived from. Taken for another kind of key it is read
// a second time, which a prompt or a pipe does not allow.
type kept struct {
	material source.Material
	there    bool
}

// keepFirst makes the intake keep a copy of it, if asked to. A batch, which may hold a million bad lines, keeps nothing.
func (in *intake) keepFirst(asked bool) *kept {
	if in.batch || !asked {
		return nil
	}
	k := &kept{}
	read := in.read
	in.read = func(ctx context.Context, src string, what text.Text) (source.Material, error) {
		m, err := read(ctx, src, what)
		if err == nil && !k.there {
			k.material, k.there = m.Clone(), true
		}
		return m, err
	}
	return k
}

func (k *kept) wipe() {
	if k != nil {
		k.material.Wipe()
	}
}

// verifyDerived compares the key with the expected check value. When they differ, it says which other key has that value.
func (in *intake) verifyDerived(
	ctx context.Context, w derivedWish, d derived, expected kcv.Expected, first *kept,
) error {
	b, err := in.app.hsm(ctx)
	if err != nil {
		return err
	}
	_, err = hsm.Verify(ctx, b, d.key, expected, "", hsm.ByExpected)
	if err == nil || !fault.Is(err, fault.KCVMismatch) || in.batch {
		return err
	}
	if why := in.otherKey(ctx, b, w, d, expected, first); !why.IsZero() {
		return fault.New(fault.KCVMismatch, "%s; %s", err, why)
	}
	return err
}

// otherKey looks for the expected value among the keys that are taken for one another.
func (in *intake) otherKey(
	ctx context.Context, b hsm.Boundary, w derivedWish, d derived, expected kcv.Expected, first *kept,
) text.Text {
	if matches, err := b.Identify(ctx, d.key, expected, d.key.Algorithm); err == nil && len(matches) > 0 {
		return text.New("it is this key's value by the method %s: agree on one method", string(matches[0].Method))
	}
	has := func(k hsm.Key, err error) bool {
		if err != nil {
			return false
		}
		c, err := b.Compare(ctx, k, expected, "")
		return err == nil && c.Match
	}
	if has(d.base.key, nil) {
		return text.New("it is the check value of the given key itself")
	}
	if use, ksn := in.otherUse(ctx, d.base, w, d.ksn, has); ksn == d.ksn {
		return text.New("it is the check value of another key of this KSN: %s", use)
	} else if use != "" {
		return text.New("it is the check value of a key of the KSN %s: %s", ksn, use)
	}
	other, ok := in.turned(ctx, w, d, first)
	if !ok {
		return text.Text{}
	}
	use, ksn := in.otherUse(ctx, other, w, d.ksn, has)
	if ksn != d.ksn {
		use += ", KSN " + ksn.String()
	}
	switch {
	case ksn.IsZero():
		return text.Text{}
	case other.level == hsm.FromIK:
		return text.New("the key given as BDK gives it when it is taken as the initial key (%s)", use)
	}
	return text.New("the key given as initial key gives it when it is taken as the BDK (%s)", use)
}

// turned takes the given key in once more: a BDK as an initial key, and the other way round. A block says itself what its
// key is.
func (in *intake) turned(ctx context.Context, w derivedWish, d derived, first *kept) (base, bool) {
	if first.material.Secret == nil {
		return base{}, false
	}
	turned := baseWish{ik: anySource, allowWeak: true}
	if w.base.level() == hsm.FromIK {
		turned = baseWish{bdk: anySource, allowWeak: true}
	}
	b, err := first.again(in.app).dukptBase(ctx, d.ksn.Scheme(), turned)
	return b, err == nil
}

// anySource stands for what was kept: who reads it again looks at no source.
const anySource = "-"

// fromKept is the wish for the same kind of key.
func (w baseWish) fromKept() baseWish {
	if w.level() == hsm.FromIK {
		return baseWish{ik: anySource, allowWeak: w.allowWeak}
	}
	return baseWish{bdk: anySource, allowWeak: w.allowWeak}
}

// again is an intake that reads what was kept, and reports nothing a second time.
func (k *kept) again(app *App) *intake {
	read := func(context.Context, string, text.Text) (source.Material, error) { return k.material.Clone(), nil }
	return &intake{app: app, read: read, batch: true}
}

// otherUse tries all uses of a base key: with the type that was asked for and with all others, for the KSN and for those
// whose counter is one less or the next. It gives the use, with the type where it is another, and the KSN; or nothing.
func (in *intake) otherUse(
	ctx context.Context, from base, w derivedWish, ksn dukpt.KSN, has func(hsm.Key, error) bool,
) (string, dukpt.KSN) {
	uses := append([]string{w.use, string(hsm.WantIK)}, useNames()...)
	for _, near := range withNeighbours(ksn) {
		for i, as := range otherTypes(ksn.Scheme(), w.keyType) {
			for _, use := range uses {
				typed := use != string(hsm.WantIK) && use != string(hsm.WantTransaction)
				other := derivedWish{use: use}
				if typed {
					other.keyType = as
				}
				if (typed || i == 0) && has(in.derive(ctx, from, other.derivation(from.level, near))) {
					if i > 0 {
						use = strings.TrimSpace(use + " " + string(as))
					}
					return use, near
				}
			}
		}
	}
	return "", dukpt.KSN{}
}

// otherTypes lists the types of working keys, the one that was asked for first. TDES DUKPT has no choice.
func otherTypes(s dukpt.Scheme, first dukpt.KeyType) []dukpt.KeyType {
	if s == dukpt.TDES {
		return []dukpt.KeyType{first}
	}
	return append([]dukpt.KeyType{first, ""}, dukpt.KeyTypes()...)
}

// withNeighbours lists the KSN and those with the counters beside it.
func withNeighbours(ksn dukpt.KSN) []dukpt.KSN {
	all := []dukpt.KSN{ksn}
	if next, ok := ksn.Next(); ok {
		all = append(all, next)
	}
	if c := ksn.Counter(); c > 1 {
		if before, err := ksn.WithCounter(c - 1); err == nil {
			all = append(all, before)
		}
	}
	return all
}
