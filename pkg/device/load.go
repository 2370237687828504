package device

import (
	"context"
	"errors"

	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Proof says by what a load is known to have worked. It never says more than was seen.
type Proof string

// The proofs.
const (
	// ProofCommit: repeated by the terminal, committed, and the slot then reported as loaded, without attributes.
	ProofCommit Proof = "commit"
	// ProofCommitAttributes: as ProofCommit, and the attributes reported are those of the key.
	ProofCommitAttributes Proof = "commit+attributes"
	// ProofAnswer: the terminal answered that it stored the key, and has no question by which to ask again.
	ProofAnswer Proof = "answer"
	// ProofCheckValue: the terminal computed the check value of what it stored, and it is the key's.
	ProofCheckValue Proof = "check-value"
	// ProofMAC: the terminal made a MAC with the key over a message that was drawn for it, and all of it is right.
	ProofMAC Proof = "mac"
)

// Commit is the receipt of a load: the terminal was told to store the key.
type Commit struct {
	Slot   Slot
	Want   SlotState  // what the terminal must report from now on
	Before *SlotState // what it reported before; nil where it was not asked
	Closed bool       // the terminal ended the exchange as it does after storing
	// Returned is the check value that the terminal sent with its answer, where the dialect has one. It may have been
	// computed from the key, or just sent back: it proves nothing when it is right, and much when it is wrong.
	Returned string
}

// LoadResult is a load that was confirmed.
type LoadResult struct {
	Slot  Slot
	State SlotState // as reported after the load
	Proof Proof
	// Returned is the Commit's: a check value that the device returned, and may only have repeated.
	Returned string
}

// LoadBlock loads a key block and confirms it.
func LoadBlock(ctx context.Context, d Device, slot Slot, block *keyblock.Block) (LoadResult, error) {
	c, err := d.LoadBlock(ctx, slot, block)
	return settle(ctx, d, c, err)
}

// LoadClear loads a clear key and confirms it.
func LoadClear(
	ctx context.Context, d Device, slot Slot, key *keys.Key, usage keys.Usage, mode byte,
) (LoadResult, error) {
	c, err := d.LoadClear(ctx, slot, key, usage, mode)
	return settle(ctx, d, c, err)
}

// settle confirms a load. One whose outcome is unknown is asked about too: where the slot was known to be empty, the
// answer decides; otherwise the first error stays, which says where the line failed.
func settle(ctx context.Context, d Device, c Commit, loadErr error) (LoadResult, error) {
	var unknown *OutcomeUnknown
	if errors.As(loadErr, &unknown) {
		c = unknown.Commit
	} else if loadErr != nil {
		return LoadResult{}, loadErr
	}
	result, err := d.Confirm(ctx, c)
	if unknown != nil && errors.As(err, &unknown) {
		return LoadResult{}, loadErr
	}
	return result, err
}
