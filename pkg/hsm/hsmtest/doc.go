// Package hsmtest is the suite that every driver of hsm.Boundary passes: what the package hsm promises, as tests.
//
// It uses the public interface alone and asks nothing of where a driver computes: in this process, in a token, or in
// both. Key blocks, components and check values that a boundary gives or takes are held against pkg/keyblock,
// pkg/component and pkg/kcv outside of it, which have vectors of their own. So a driver is right when it agrees with
// them, and safe when what it hands out says nothing about a key.
//
// Attributes are held to here too: what may be a KBPK, what a header may say of a key, what leaves at all. What is asked of
// a boundary depends on its [hsm.Info] alone. One that says Strict must refuse to reveal and to split keys that are not
// exportable, to translate their blocks, and to tell more than check values by rule and verdicts; its probers answer in
// verdicts, or there are none (kind not_permitted). Any other one serves the person who holds the keys, and must tell.
//
// Not tested here, since drivers differ in it: what becomes of keys when the program ends, and what is recorded.
package hsmtest

import (
	"testing"

	"poskey/internal/secret"
	"poskey/pkg/hsm"
)

// Run runs the suite on any boundary: soft, over a master key, behind a socket, in a token. Each call of open makes a boundary with a master key of its own: a key of one must mean nothing
// to another. The suite closes it, at times more than once; what else open needs it cleans up with t.Cleanup.
//
// Every claim also counts the secrets that are left after Close, so nothing else may make any meanwhile.
func Run(t *testing.T, open func(t *testing.T) hsm.Boundary) {
	s := suite{open: open}
	s.strict = s.start(t).Info().Strict
	t.Run("coming in", s.comingIn)
	t.Run("components", s.components)
	t.Run("check values", s.checkValues)
	t.Run("deriving", s.deriving)
	t.Run("key blocks", s.keyBlocks)
	t.Run("attributes", s.attributes)
	t.Run("going out", s.goingOut)
	t.Run("the limits", s.limits)
	t.Run("at once", s.atOnce)
}

type suite struct {
	open   func(t *testing.T) hsm.Boundary
	strict bool
}

// claim tests one promise with a boundary of its own, which must leave no secret behind.
func (s suite) claim(t *testing.T, name string, body func(t *testing.T, b hsm.Boundary)) {
	t.Run(name, func(t *testing.T) {
		live := secret.Live()
		t.Cleanup(func() {
			if now := secret.Live(); now != live {
				t.Errorf("%d secrets are live after Close, %d were before", now, live)
			}
		})
		body(t, s.start(t))
	})
}

// start opens a boundary that is closed at the end of the test.
func (s suite) start(t *testing.T) hsm.Boundary {
	t.Helper()
	b := s.open(t)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}
