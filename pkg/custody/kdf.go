package custody

import (
	"crypto/hkdf"
	"crypto/sha256"

	"golang.org/x/crypto/argon2"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// Cost is what one guess at a passphrase costs: argon2id (RFC 9106) with so many passes over so much memory. Lanes let
// several cores share it and change nothing for somebody who tries many guesses at once.
type Cost struct {
	Passes    uint32
	MemoryKiB uint32
	Lanes     uint8
}

const (
	kibPerGiB = 1 << 20
	// maxWork bounds passes × KiB: one lane fills more than 1 GiB a second on any machine that is sold, so this is the
	// work of ten seconds.
	maxWork = 10 * kibPerGiB
)

// DefaultCost is 3 passes over 256 MiB in 2 lanes: about 0.4 s.
func DefaultCost() Cost { return Cost{Passes: 3, MemoryKiB: 256 << 10, Lanes: 2} }

// FloorCost is the least that is taken: 3 passes over 64 MiB, in 4 lanes about 0.08 s.
func FloorCost() Cost { return Cost{Passes: 3, MemoryKiB: 64 << 10, Lanes: 4} }

// bounds say which costs are taken: below the first guesses are cheap, above the rest a file could hold the reader up.
type bounds struct {
	passes, memory    uint32
	maxMemory, maxJob uint64
	maxLanes          uint8
}

func usualBounds() bounds {
	f := FloorCost()
	return bounds{passes: f.Passes, memory: f.MemoryKiB, maxMemory: kibPerGiB, maxJob: maxWork, maxLanes: 16}
}

// Check refuses a cost below the floor, above 1 GiB, and one that takes longer than ten seconds: not_permitted.
func (c Cost) Check() error { return c.within(usualBounds()) }

func (c Cost) within(b bounds) error {
	switch {
	case c.Passes < b.passes || c.MemoryKiB < b.memory:
		return fault.New(fault.NotPermitted,
			"argon2id with %d passes over %d KiB is too cheap to guess at; the least is %d over %d KiB",
			c.Passes, c.MemoryKiB, b.passes, b.memory)
	case uint64(c.MemoryKiB) > b.maxMemory:
		return fault.New(fault.NotPermitted, "argon2id over %d KiB is refused; the most is %d KiB", c.MemoryKiB, b.maxMemory)
	case uint64(c.Passes)*uint64(c.MemoryKiB) > b.maxJob:
		return fault.New(fault.NotPermitted, "argon2id with %d passes over %d KiB could take longer than ten seconds",
			c.Passes, c.MemoryKiB)
	case c.Lanes < 1 || c.Lanes > b.maxLanes:
		return fault.New(fault.NotPermitted, "argon2id has 1 to %d lanes, not %d", b.maxLanes, c.Lanes)
	}
	return nil
}

const saltBytes = 32

// root runs argon2id. Its working memory is the garbage collector's and cannot be wiped.
func (c Cost) root(passphrase *secret.Bytes, salt [saltBytes]byte) *secret.Bytes {
	return secret.Take(argon2.IDKey(passphrase.Expose(), salt[:], c.Passes, c.MemoryKiB, c.Lanes, 32))
}

// derive takes keys for one purpose from a uniform one: HKDF-Expand with SHA-256 (RFC 5869).
func derive(root *secret.Bytes, purpose string, n int) (*secret.Bytes, error) {
	out, err := hkdf.Expand(sha256.New, root.Expose(), purpose, n)
	if err != nil {
		return nil, fault.WrapAs(fault.Bug, err, "derive %s", purpose)
	}
	return secret.Take(out), nil
}
