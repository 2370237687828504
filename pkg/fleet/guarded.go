package fleet

// The boundary of a station: that it does not answer is not the device's doing.

import (
	"context"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
)

// guarded is the boundary, whose failures are nobody's but the station's.
type guarded struct {
	hsm.Boundary
	alarm *alarm
}

// common reports failures of the boundary itself: it is gone, sealed, or has too much to do.
func common(err error) bool {
	for _, kind := range []fault.Kind{fault.Sealed, fault.Busy, fault.DeviceLink, fault.DeviceTimeout, fault.DeviceFailed,
		fault.OutcomeUnknown, fault.AuthFailed, fault.LogBroken, fault.Interrupted, fault.Terminated, fault.Failure} {
		if fault.Is(err, kind) {
			return true
		}
	}
	return false
}

func (g guarded) mark(ctx context.Context, err error, all bool) error {
	if err == nil || ctx.Err() != nil || !all && !common(err) {
		return err
	}
	return g.alarm.raise(err)
}

// Derive derives from what all devices share.
func (g guarded) Derive(ctx context.Context, base hsm.Key, d hsm.Derivation, p hsm.Policy) (hsm.Key, error) {
	k, err := g.Boundary.Derive(ctx, base, d, p)
	return k, g.mark(ctx, err, !fault.Is(err, fault.WeakKey))
}

// Wrap closes under a key that may be the device's own: a refusal is about that device.
func (g guarded) Wrap(ctx context.Context, k, kbpk hsm.Key, h keyblock.Header, o keyblock.WrapOptions) (hsm.Wrapped, error) {
	w, err := g.Boundary.Wrap(ctx, k, kbpk, h, o)
	return w, g.mark(ctx, err, false)
}

// Reveal gives a key out; see Wrap.
func (g guarded) Reveal(ctx context.Context, k hsm.Key) (*secret.Bytes, error) {
	b, err := g.Boundary.Reveal(ctx, k)
	return b, g.mark(ctx, err, false)
}
