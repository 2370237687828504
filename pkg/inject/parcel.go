package inject

// A key as it crosses the line: a key block, a bare cryptogram, or in clear.

import (
	"context"
	"crypto/cipher"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// parcel is a key ready to go.
type parcel struct {
	plan       *Plan
	key        hsm.Key
	ksn        dukpt.KSN
	block      *keyblock.Block
	cryptogram *device.Cryptogram
	clear      *keys.Key
}

func (p *parcel) wipe() {
	if p != nil && p.clear != nil {
		p.clear.Wipe()
	}
}

// pack gets the key of a load ready. Nothing has been sent yet, so every error is one before the load.
func (g *loading) pack(ctx context.Context) (*parcel, error) {
	plan := &g.ready.plan
	p := &parcel{plan: plan, key: plan.Key.Key()}
	if plan.initial() {
		if err := p.derive(ctx, g.Boundary, &g.out.Load); err != nil {
			return nil, err
		}
	}
	var err error
	switch {
	case plan.Clear:
		p.clear, err = reveal(ctx, g.Boundary, p.key)
	case g.ready.version == 0:
		p.cryptogram, err = encipher(ctx, g.Boundary, plan, p.key, p.ksn)
	default:
		p.block, err = wrap(ctx, g.Boundary, plan, p.key, g.ready.version, p.ksn)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// derive makes the initial key for the number that was taken.
func (p *parcel) derive(ctx context.Context, b hsm.Boundary, load *store.Load) error {
	d, err := derivation(load)
	if err != nil {
		return err
	}
	p.ksn = d.KSN
	p.key, err = b.Derive(ctx, p.key, d, hsm.Policy{AllowWeak: true})
	return fault.Wrap(err, "derive the initial key")
}

// header is what terminals ask for: not exportable, and of the optional blocks only the one that names the KSN.
func header(plan *Plan, version byte) keyblock.Header {
	alg := plan.Key.Key().Algorithm
	return keyblock.Header{Version: version, Usage: plan.Usage, Algorithm: keyblock.AlgorithmChar(alg), Mode: plan.Mode,
		KeyVersion: "00", Exportability: 'N', Context: '0', Reserved: '0'}
}

// wrap closes the key under the KLK as the packet asks for it, without length obfuscation.
func wrap(ctx context.Context, b hsm.Boundary, plan *Plan, key hsm.Key, version byte, ksn dukpt.KSN) (*keyblock.Block, error) {
	h := header(plan, version)
	h.Algorithm = keyblock.AlgorithmChar(key.Algorithm)
	if plan.initial() {
		id, value := "KS", ksn.Initial().String()
		if key.Algorithm.IsAES() {
			id, value = "IK", ksn.IKID()
		}
		h.SetOpt(id, value)
	}
	w, err := b.Wrap(ctx, key, *plan.KLK, h, keyblock.WrapOptions{AllowWeak: true, AllowUnfit: true})
	if err != nil {
		return nil, fault.Wrap(err, "close the key under the KLK")
	}
	return keyblock.Parse(w.Block)
}

func reveal(ctx context.Context, b hsm.Boundary, key hsm.Key) (*keys.Key, error) {
	clear, err := b.Reveal(ctx, key)
	if err != nil {
		return nil, err
	}
	return keys.New(key.Algorithm, clear)
}

// encipher makes the bare cryptogram that dialects older than key blocks carry. The boundary gives both keys out for it,
// where it does so at all.
func encipher(ctx context.Context, b hsm.Boundary, plan *Plan, key hsm.Key, ksn dukpt.KSN) (*device.Cryptogram, error) {
	kek, err := reveal(ctx, b, *plan.KLK)
	if err != nil {
		return nil, fault.Wrap(err, "the key that protects the cryptogram")
	}
	defer kek.Wipe()
	k, err := reveal(ctx, b, key)
	if err != nil {
		return nil, err
	}
	defer k.Wipe()
	block, err := cipherOf(kek)
	if err != nil {
		return nil, err
	}
	if k.Len()%block.BlockSize() != 0 {
		return nil, fault.New(fault.NotPermitted, "a key of %d bytes does not fill the blocks of the key over it (%s)", k.Len(), kek.Algorithm())
	}
	out := make([]byte, k.Len())
	cipherx.ECBEncrypt(block, out, k.Secret().Expose())
	return &device.Cryptogram{Bytes: out, Usage: plan.Usage, Mode: plan.Mode, Alg: key.Algorithm, Check: key.Check.Digits,
		KEK: plan.KLKSlot, KEKCheck: plan.KLK.Check.Digits, KSN: ksn}, nil
}

func cipherOf(k *keys.Key) (cipher.Block, error) {
	if k.Algorithm().IsAES() {
		return cipherx.NewAES(k.Secret().Expose())
	}
	return cipherx.NewTDES(k.Secret().Expose())
}

// deliver hands the key over, once.
func (p *parcel) deliver(ctx context.Context, d device.Device) (device.Commit, error) {
	defer p.wipe()
	switch {
	case p.block != nil:
		return d.LoadBlock(ctx, p.plan.Slot, p.block)
	case p.cryptogram != nil:
		loader, ok := d.(device.CryptogramLoader)
		if !ok {
			return device.Commit{}, fault.New(fault.NotPermitted, "the %s dialect takes no cryptograms", d.Dialect())
		}
		return loader.LoadCryptogram(ctx, p.plan.Slot, *p.cryptogram)
	case p.plan.initial():
		loader, ok := d.(device.InitialLoader)
		if !ok {
			return device.Commit{}, fault.New(fault.NotPermitted, "the %s dialect takes no initial keys in clear", d.Dialect())
		}
		return loader.LoadInitial(ctx, p.plan.Slot, p.clear, p.ksn)
	}
	return d.LoadClear(ctx, p.plan.Slot, p.clear, p.plan.Usage, p.plan.Mode)
}
