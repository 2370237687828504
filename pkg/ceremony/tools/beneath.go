package tools

// What falls with a key of the store.

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/vault"
)

// Beneath names every key beneath a key of the store, and every device that holds one of them. A key that is not there
// yet has none.
func (t *Tools) Beneath(ctx context.Context, k *script.Key) ([]string, error) {
	label, keeps := stored(k)
	if !keeps {
		return nil, nil
	}
	row, err := t.newest(ctx, label)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v, err := t.o.Vault(ctx)
	if err != nil {
		return nil, err
	}
	blast, err := vault.BlastOf(ctx, v.Store(), row.Ref())
	if err != nil {
		return nil, err
	}
	var all []string
	for _, node := range blast.Keys {
		all = append(all, node.Key.Ref().String())
	}
	for _, d := range blast.Devices {
		all = append(all, d.Serial)
	}
	return all, nil
}
