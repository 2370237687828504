package emulator

import (
	"slices"

	"poskey/internal/fault"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// openBlock opens a key block as the terminal does, and gives the code of packet 02 against it, or none. It is the one
// place of the emulator that knows pkg/keyblock's flow. The key is the caller's to wipe.
func openBlock(blockText string, klk *keys.Key) (s stored, code string) {
	block, err := keyblock.Parse(blockText)
	if err != nil || !slices.Contains(table.BlockLengths(block.Version), block.Len()) ||
		block.KeyVersion != table.KeyVersion || block.Exportability != table.Exportability {
		return stored{}, table.BlockFormat
	}
	if klk == nil {
		return stored{}, table.NoKLK
	}
	p, err := keyblock.NewProtector(block.Version, klk)
	if err != nil {
		return stored{}, table.NoKLK
	}
	opened, err := p.Unwrap(block)
	switch {
	case fault.Is(err, fault.MACMismatch), fault.Is(err, fault.KBPKWrong):
		return stored{}, table.MACWrong
	case err != nil:
		return stored{}, table.Undecrypted
	}
	if keyblock.AlgorithmChar(opened.Key.Algorithm()) != block.Algorithm {
		opened.Wipe() // the header says DES or TDES, the key inside has another length
		return stored{}, table.UsageUnfit
	}
	return stored{opened.Key, block.Usage, block.Mode}, ""
}
