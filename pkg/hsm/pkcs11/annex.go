//go:build cgo && !windows

package pkcs11

// Jobs that the token cannot do: in a soft boundary that lives for one call, with keys carried there in locked memory.

import (
	"context"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// annex is that boundary, strict as the token's own, with a master key that is known here: what comes out is taken back
// into the token, exportable or not.
type annex struct {
	hsm.Boundary
	master *keys.Key
	keys   []hsm.Key // those that were carried in, in their order
}

// openAnnex makes an empty one.
func (b *boundary) openAnnex() (*annex, error) {
	master, err := keys.Generate(b.o.Env.Rand, keys.AES256)
	if err != nil {
		return nil, err
	}
	own, err := keys.New(keys.AES256, master.Secret().Clone())
	if err != nil {
		master.Wipe()
		return nil, err
	}
	soft, err := hsm.NewMasterWith(b.o.Env, own, hsm.Options{Info: b.Info(), ProbeRecord: b.o.ProbeRecord})
	if err != nil {
		master.Wipe()
		return nil, err
	}
	return &annex{Boundary: soft, master: master}, nil
}

func (a *annex) close() {
	_ = a.Close() // it never fails
	a.master.Wipe()
}

// carry brings a key of the token here.
func (b *boundary) carry(ctx context.Context, s *session, a *annex, k hsm.Key) error {
	h, err := b.authentic(s, k)
	if err != nil {
		return err
	}
	clear, err := s.readBack(b.wrap, h.wrapped, h.len)
	if err != nil {
		return failed(err, text.New("unwrap a key"))
	}
	inner, err := a.Import(ctx, clear, k.Attributes, hsm.Policy{Inspect: true})
	if err != nil {
		return err
	}
	a.keys = append(a.keys, inner)
	return nil
}

// adopt takes a key of the annex into the token.
func (b *boundary) adopt(s *session, a *annex, k hsm.Key) (hsm.Key, error) {
	p, err := keyblock.NewProtector('D', a.master)
	if err != nil {
		return hsm.Key{}, err
	}
	parsed, err := keyblock.Parse(k.Block)
	if err != nil {
		return hsm.Key{}, err
	}
	u, err := p.Unwrap(parsed)
	if err != nil {
		return hsm.Key{}, err
	}
	defer u.Wipe()
	o, err := s.stored(u.Key.Secret())
	if err != nil {
		return hsm.Key{}, failed(err, text.New("take a key in"))
	}
	defer s.destroy(o)
	k.Block, err = b.seal(s, o, k.Attributes, k.Len)
	if err != nil {
		return hsm.Key{}, err
	}
	return k, nil
}

// outside does a job in an annex, if the user allows it, and tells that it did.
func (b *boundary) outside(ctx context.Context, s *session, job Job, carried []hsm.Key, do func(a *annex) error) error {
	if !b.allow {
		return job.refused()
	}
	return b.inAnnex(ctx, s, carried, func(a *annex) error {
		if b.o.Notice != nil {
			b.o.Notice(Notice{job, job.Done()})
		}
		return do(a)
	})
}

func (b *boundary) inAnnex(ctx context.Context, s *session, carried []hsm.Key, do func(a *annex) error) error {
	a, err := b.openAnnex()
	if err != nil {
		return fault.Wrap(err, "start the boundary in process memory")
	}
	defer a.close()
	for _, k := range carried {
		if err := b.carry(ctx, s, a, k); err != nil {
			return err
		}
	}
	return do(a)
}
