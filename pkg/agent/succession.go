package agent

// What a rotation wraps. Which key hangs under which the database says, and who asks may say anything. So what stood under
// the key that is rotated is shown by the block it stood in, and where that key itself hangs by its own.

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
)

// succession is how far a rotation has come. The lock of the work is held but for children.
type succession struct {
	rotated  hsm.Key    // the key that the operation is about: the first of its label that was used
	children remembered // blocks of keys that came out of a block
	parent   string     // block of the key under which the rotated one was shown to stand
	moved    bool       // a key was wrapped under the successor
	strayed  bool       // the successor was wrapped under a key that was not shown to be its parent
}

// opened notes a key that a rotation took out of a block.
func (l *limited) opened(ctx context.Context, k, kbpk hsm.Key) error {
	if l.activity != custody.KeyRotate || l.free {
		return nil
	}
	l.children.add(k.Block)
	l.mu.Lock()
	under := l.rotated.Block == kbpk.Block
	l.mu.Unlock()
	if under {
		return nil
	}
	l.births.drop(k.Block) // it is no child: it shows something or nothing, and is used for nothing more
	same, err := l.isRotated(ctx, k)
	if err != nil || !same {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parent = kbpk.Block
	return nil
}

// isRotated tells whether a key is the one that is rotated: it opens what that one closed.
func (l *limited) isRotated(ctx context.Context, k hsm.Key) (bool, error) {
	l.mu.Lock()
	rotated := l.rotated
	l.mu.Unlock()
	version := byte('D')
	if rotated.Algorithm.IsDES() {
		version = 'B'
	}
	if rotated.CheckProtects(version) != nil || k.CheckOpens(version) != nil {
		return false, nil
	}
	probe, err := l.inner.Generate(ctx, hsm.Attributes{Algorithm: rotated.Algorithm}.Defaults(), hsm.Policy{})
	if err != nil {
		return false, err
	}
	h := keyblock.Header{Version: version, Usage: probe.Usage, Algorithm: keyblock.AlgorithmChar(probe.Algorithm),
		Mode: probe.Mode, KeyVersion: "00", Exportability: probe.Exportability, Context: '0', Reserved: '0'}
	w, err := l.inner.Wrap(ctx, probe, rotated, h, keyblock.WrapOptions{AllowWeak: true})
	if err != nil {
		return false, err
	}
	b, err := keyblock.Parse(w.Block)
	if err != nil {
		return false, err
	}
	_, err = l.inner.Unwrap(ctx, b, k, hsm.Policy{AllowWeak: true})
	return err == nil, nil
}

// maySucceed: what stood in a block under the rotated key goes under its successor, and that one under the parent which the
// rotated one has. A successor under which nothing goes may hang under any key, as one that is generated may.
func (l *limited) maySucceed(k, kbpk hsm.Key) error {
	child := l.children.has(k.Block) && l.births.has(k.Block)
	l.mu.Lock()
	defer l.mu.Unlock()
	successor := l.named
	switch {
	case successor == "" || kbpk.Label == "":
	case child && kbpk.Block == successor && !l.strayed:
		l.moved = true
		return nil
	case k.Block == successor && kbpk.Block == l.parent:
		return nil
	case k.Block == successor && !l.moved:
		l.strayed = true
		return nil
	case k.Block == successor:
		return fault.New(fault.NotPermitted, "%s puts a successor under the parent of the key that it succeeds and no other",
			string(l.activity))
	}
	return fault.New(fault.NotPermitted, "%s wraps only what stood in a block under the key %s", string(l.activity),
		named(l.label))
}
