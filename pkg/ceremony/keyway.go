package ceremony

// Where a whole key goes: kept, exported, loaded, destroyed.

import (
	"context"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/kcv"
)

// atHand has the key at hand and settled.
func (l *lead) atHand(ctx context.Context, t *turn) (*keyState, error) {
	k, err := l.have(ctx, t)
	if err != nil {
		return nil, err
	}
	return k, l.settled(ctx, t, k)
}

// ready has the key at hand and settled, and stops where it cannot be taken back.
func (l *lead) ready(ctx context.Context, t *turn) (*keyState, error) {
	k, err := l.atHand(ctx, t)
	if err != nil {
		return nil, err
	}
	if !t.Irreversible {
		return k, nil
	}
	return k, l.stop(ctx, t)
}

// same holds what a tool says of the key it handled against the key of the ceremony.
func (l *lead) same(k *keyState, v kcv.Value) error {
	if v == (kcv.Value{}) || agrees(v, kcv.Expected{Digits: k.made.Check.Digits}) || v.Method != k.made.Check.Method {
		return nil
	}
	return fault.New(fault.KCVMismatch, "key %s has check value %s, and now %s", k.ID, k.made.Check, v)
}

// keepKey makes the key of the store active.
func (l *lead) keepKey(ctx context.Context, t *turn) error {
	k, err := l.ready(ctx, t)
	if err != nil {
		return err
	}
	var made Made
	if err := l.try(ctx, t, func() (err error) {
		if made, err = l.Tools.Keep(ctx, t.Key, t.Output); err != nil {
			return err
		}
		return l.same(k, made.Check)
	}); err != nil {
		return err
	}
	k.kept = made.Label
	if k.kept == "" && t.Output != nil {
		k.kept = t.Output.Label
	}
	e := transcript.Entry{Kind: transcript.KindKept, Who: t.who.ID, Key: k.ID, Check: made.Check,
		Details: map[string]string{"label": k.kept}}
	return l.tell(ctx, e, told(text.New("key %s is kept as %s, for use", k.ID, k.kept)))
}

// exportKey writes a key block.
func (l *lead) exportKey(ctx context.Context, t *turn) error {
	k, err := l.ready(ctx, t)
	if err != nil {
		return err
	}
	var x Exported
	ok, err := l.tryOr(ctx, t, func() (err error) {
		if x, err = l.Tools.Export(ctx, t.Key, t.Output); err != nil {
			return err
		}
		return l.same(k, x.Check)
	})
	if err != nil || !ok {
		return err
	}
	e := transcript.Entry{Kind: transcript.KindExported, Who: t.who.ID, Key: k.ID, Check: x.Check,
		Details: map[string]string{"file": x.File, "sha256": x.SHA256, "header": x.Header}}
	return l.tell(ctx, e, told(text.New("key block %s: header %s, SHA-256 %s", x.File, x.Header, x.SHA256)))
}

// loadKey loads a key into a device.
func (l *lead) loadKey(ctx context.Context, t *turn) error {
	k, err := l.ready(ctx, t)
	if err != nil {
		return err
	}
	var x Loaded
	ok, err := l.tryOr(ctx, t, func() (err error) {
		if x, err = l.Tools.Load(ctx, t.Key, t.Output); err != nil {
			return err
		}
		return l.same(k, x.Check)
	})
	if err != nil || !ok {
		return err
	}
	e := transcript.Entry{Kind: transcript.KindLoaded, Who: t.who.ID, Key: k.ID, Check: x.Check,
		Details: map[string]string{"device": x.Device, "slot": x.Slot, "proof": public(x.Proof)}}
	return l.tell(ctx, e, told(text.New("key %s is in %s, slot %s; proof: %s", k.ID, x.Device, x.Slot, x.Proof)))
}

// destroyKey destroys a key of the store.
func (l *lead) destroyKey(ctx context.Context, t *turn) error {
	k, err := l.atHand(ctx, t)
	if err != nil {
		return err
	}
	reason := public(t.Step.Text)
	if reason == "" {
		reason = public(t.Step.Method)
	}
	if reason == "" {
		if reason, err = l.some(ctx, text.New("%s: why the key is destroyed", t.who.ID)); err != nil {
			return err
		}
	}
	lines := []Line{told(text.New("reason: %s", reason))}
	if k.made.Gone {
		lines = append(lines, alarm(text.New("%s was destroyed before the break; what is missing is the line about it",
			k.made.Label)))
	}
	if err := l.stop(ctx, t, lines...); err != nil {
		return err
	}
	if err := l.try(ctx, t, func() error { return l.Tools.DestroyKey(ctx, t.Key, reason) }); err != nil {
		return err
	}
	k.there, k.gone = false, true
	e := transcript.Entry{Kind: transcript.KindDestroyed, Who: t.who.ID, Key: k.ID, Check: k.made.Check,
		Details: map[string]string{"how": "in the store", "reason": reason, "label": k.label()}}
	return l.tell(ctx, e, told(text.New("key %s is destroyed", k.ID)))
}
