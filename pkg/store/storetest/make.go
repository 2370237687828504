package storetest

// Rows for tests and benchmarks: keys whose blocks open with nothing.

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// Birth is when the stores of the suite were made.
func Birth() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC) }

// Identity is that of a test store.
func Identity(id string) store.Identity {
	return store.Identity{ID: id, Environment: store.Test, Created: Birth(), Master: store.Master{
		Kind: store.ByOfficers, Check: Check(1), Generation: 1, Sealed: []byte("poskey sealed master 1\n(of a test)\nend\n")}}
}

// Check is a check value made of a number.
func Check(n int) kcv.Value {
	return kcv.Value{Method: kcv.CMAC, Digits: fmt.Sprintf("%06X", uint32(n)*2654435761>>8)}
}

// Key is a key whose block has the right form and opens with nothing.
func Key(label string, version int) store.Key {
	k := store.Key{Label: label, Version: version, Usage: keys.UsageKEK, Algorithm: keys.AES128, Mode: 'B',
		Exportability: 'E', Len: 16, Check: kcv.Value{Method: kcv.CMAC, Digits: digest(label, version)},
		Origin: store.Generated}
	k.Block = Block(k)
	return k
}

// digest gives six digits that differ from key to key.
func digest(label string, version int) string {
	h := uint32(2166136261)
	for _, c := range []byte(fmt.Sprint(label, "#", version)) {
		h = (h ^ uint32(c)) * 16777619
	}
	return fmt.Sprintf("%06X", h>>8)
}

// Block is a block of version D with the attributes of the key, an AES-128 key.
func Block(k store.Key) string {
	label := k.Ref().String()
	blocks, n := fmt.Sprintf("LB%02X%s", 4+len(label), label), 1
	if pad := (16 - (16+len(blocks))%16) % 16; pad > 0 {
		if pad < 4 {
			pad += 16
		}
		blocks += fmt.Sprintf("PB%02X%s", pad, strings.Repeat("0", pad-4))
		n++
	}
	body := strings.Repeat("5A", 32+16)
	return fmt.Sprintf("D%04d%sA%c00%c%02d00%s%s", 16+len(blocks)+len(body), k.Usage, k.Mode, k.Exportability, n, blocks,
		body)
}

// Many gives n keys of a fleet: every thousandth is a key-encrypting key, under which the initial keys that follow
// hang; one in a hundred thousand is an AES data key.
func Many(n int) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		var parent store.Ref
		for i := range n {
			k := Key(fmt.Sprintf("T-%07d", i), 1)
			k.Usage, k.Mode, k.Parent, k.Check = keys.UsageIK, 'X', parent, Check(i)
			k.NotAfter = Birth().AddDate(0, 0, 30+i%1000)
			switch {
			case i%1000 == 0:
				k.Usage, k.Mode, k.Parent = keys.UsageKEK, 'B', store.Ref{}
				parent = k.Ref()
			case i%100_000 == 1:
				k.Usage, k.Mode = keys.UsageData, 'B'
			}
			k.Block = Block(k)
			if !yield(k, nil) {
				return
			}
		}
	}
}
