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
)

// Commit is the receipt of a load: the terminal was told to store the key.
type Commit struct {
	Slot   Slot
	Want   SlotState  // what the terminal must report from now on
	Before *SlotState // what it reported before; nil where it was not asked
	Closed bool       // the terminal ended the exchange as it does after storing
}

// LoadResult is a load that was confirmed.
type LoadResult struct {
	Slot  Slot
	State SlotState // as reported after the load
	Proof Proof
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
