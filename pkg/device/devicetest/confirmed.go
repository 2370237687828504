package devicetest

// Loads that are confirmed in one call, as tests have them; pkg/inject has the journal between the two.

import (
	"context"
	"errors"

	"poskey/pkg/device"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// LoadBlock loads a key block and confirms it.
func LoadBlock(ctx context.Context, d device.Device, slot device.Slot, block *keyblock.Block) (device.LoadResult, error) {
	c, err := d.LoadBlock(ctx, slot, block)
	return settle(ctx, d, c, err)
}

// LoadClear loads a clear key and confirms it.
func LoadClear(
	ctx context.Context, d device.Device, slot device.Slot, key *keys.Key, usage keys.Usage, mode byte,
) (device.LoadResult, error) {
	c, err := d.LoadClear(ctx, slot, key, usage, mode)
	return settle(ctx, d, c, err)
}

// settle confirms a load. One whose outcome is unknown is asked about too: where the slot was known to be empty, the
// answer decides; otherwise the first error stays, which says where the line failed.
func settle(ctx context.Context, d device.Device, c device.Commit, loadErr error) (device.LoadResult, error) {
	var unknown *device.OutcomeUnknown
	if errors.As(loadErr, &unknown) {
		c = unknown.Commit
	} else if loadErr != nil {
		return device.LoadResult{}, loadErr
	}
	result, err := d.Confirm(ctx, c)
	if unknown != nil && errors.As(err, &unknown) {
		return device.LoadResult{}, loadErr
	}
	return result, err
}
