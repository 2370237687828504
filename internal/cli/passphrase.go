package cli

// Officers' passphrases: set, and typed to open an identity.

import (
	"context"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/custody"
)

// typings is how often a new passphrase is asked for at a terminal before the command gives up.
const typings = 3

// unlock lets an officer type the passphrase of their identity.
func (a *App) unlock(ctx context.Context, f officerFile, src string, rec custody.Recorder) (*custody.Identity, error) {
	p, err := a.sources().ReadPassphrase(ctx, src, text.New("passphrase of %s", f.card.ID()))
	if err != nil {
		return nil, err
	}
	defer p.Wipe()
	return f.locked.Unlock(a.Env, p, rec)
}

// newPassphrase reads a passphrase that is to be set. At a terminal it is asked for twice, and again when it will not do.
// check says whether it will.
func (a *App) newPassphrase(ctx context.Context, src string, what text.Text) (*secret.Bytes, error) {
	for n := 1; ; n++ {
		p, err := a.typeTwice(ctx, src, what)
		if err == nil {
			return p, nil
		}
		if src != string(source.Prompt) || n == typings || !badPassphrase(err) {
			return nil, err
		}
		a.render.Warn(text.New("%s", err))
	}
}

// badPassphrase tells a passphrase that may be typed anew from an error that stays.
func badPassphrase(err error) bool {
	switch fault.KindOf(err) {
	case fault.NotPermitted, fault.Malformed, fault.TooLarge, fault.Usage:
		return true
	}
	return false
}

func (a *App) typeTwice(ctx context.Context, src string, what text.Text) (*secret.Bytes, error) {
	p, err := a.sources().ReadPassphrase(ctx, src, what)
	if err != nil {
		return nil, err
	}
	if err := custody.CheckPassphrase(p); err != nil {
		p.Wipe()
		return nil, err
	}
	if src != string(source.Prompt) {
		return p, nil
	}
	again, err := a.sources().ReadPassphrase(ctx, src, text.New("%s, once more", what))
	if err != nil {
		p.Wipe()
		return nil, err
	}
	defer again.Wipe()
	if !p.Equal(again) {
		p.Wipe()
		return nil, fault.New(fault.Usage, "the two passphrases are not the same")
	}
	return p, nil
}

// kdfCost is what a guess at a passphrase shall cost: the usual, or over so many MiB.
func kdfCost(usual custody.Cost, mebibytes uint32) (custody.Cost, error) {
	if mebibytes == 0 {
		return usual, nil
	}
	if mebibytes > 1<<20 {
		return custody.Cost{}, fault.New(fault.NotPermitted, "%d MiB are no sensible cost of a passphrase", mebibytes)
	}
	usual.MemoryKiB = mebibytes << 10
	return usual, usual.Check()
}

// unrecorded is for officers' files outside of any store: there is no log.
func unrecorded() custody.Recorder {
	return custody.RecorderFunc(func(custody.Event) error { return nil })
}
