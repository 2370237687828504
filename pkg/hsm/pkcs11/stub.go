//go:build !cgo || windows

package pkcs11

// A build without cgo: the same names, and one answer.

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/hsm"
)

// Available reports whether this build has PKCS#11.
func Available() bool { return false }

func errMissing() error {
	return fault.New(fault.Usage, "this build has no PKCS#11; make one with cgo: make build-hsm")
}

// Modules is the register of modules of a process.
type Modules struct{ _ int }

// NewModules makes an empty register.
func NewModules() *Modules { return &Modules{} }

// Token is an open token.
type Token struct{ _ int }

// Slots lists a module's slots.
func Slots(context.Context, URI, Options) (Library, error) { return Library{}, errMissing() }

// Connect opens a token without a master key.
func Connect(context.Context, URI, Options) (*Token, error) { return nil, errMissing() }

// Initialise makes the master key's objects in the token.
func Initialise(context.Context, URI, Options) error { return errMissing() }

// Open opens the boundary in a token.
func Open(context.Context, URI, Options) (hsm.Boundary, error) { return nil, errMissing() }

// Info is what the token says of itself.
func (t *Token) Info() TokenInfo { return TokenInfo{} }

// Keys lists the token's secret keys.
func (t *Token) Keys(context.Context) ([]ObjectInfo, error) { return nil, errMissing() }

// Selftest tries what the token can do.
func (t *Token) Selftest(context.Context) ([]Trial, error) { return nil, errMissing() }

// Close ends the connection.
func (t *Token) Close() error { return nil }
