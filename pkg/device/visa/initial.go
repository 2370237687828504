package visa

import (
	"slices"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/dukpt"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// isInitial says whether the slot is one of DUKPT initial keys.
func isInitial(slot device.Slot) bool { return slices.Contains(table.InitialSlots(), slot) }

func checkInitial(slot device.Slot) error {
	if !isInitial(slot) {
		return fault.New(fault.NotFound, "there is no slot %q for initial keys here; slots are %v", string(slot),
			table.InitialSlots())
	}
	return nil
}

// InitialFrame is packet 90 or 94 with a clear initial key of 8 or 16 bytes and its KSN: 20 digits, counter zero.
func InitialFrame(slot device.Slot, ik *keys.Key, ksn dukpt.KSN) (Frame, error) {
	if err := checkInitial(slot); err != nil {
		return Frame{}, err
	}
	if alg := ik.Algorithm(); alg != keys.DES && alg != keys.TDES128 {
		return Frame{}, fault.New(fault.Usage, "packet %s carries clear initial keys of des and tdes-128, not %s", slot, alg)
	}
	if err := checkKSN(ksn); err != nil {
		return Frame{}, err
	}
	digits := keys.Hex(ik.Secret())
	defer digits.Wipe()
	return NewFrame(Transaction, []byte(slot), digits.Expose(), []byte(ksn.String()))
}

// checkKSN wants the KSN of an initial key. The counter has 21 bits, so an odd last digit of the device id is one of its
// bits, and the key would be under another KSN than the one loaded.
func checkKSN(ksn dukpt.KSN) error {
	switch {
	case ksn.IsZero():
		return fault.New(fault.MissingKSN, "an initial key needs its KSN")
	case ksn.Scheme() != dukpt.TDES:
		return fault.New(fault.KSNLength, "this terminal takes KSNs of 20 digits (TDES DUKPT), not %s", ksn)
	case ksn != ksn.Initial():
		return fault.New(fault.NotPermitted, "KSN %s has a counter; the initial key belongs to %s", ksn, ksn.Initial())
	}
	return nil
}

// InitialBlockFrame is packet 90 or 94 with a key block that names its KSN, and the KSN. AES keys are a poskey
// extension: the block is of version D with the initial key id in optional block IK.
func InitialBlockFrame(slot device.Slot, block *keyblock.Block, aes bool) (Frame, dukpt.KSN, error) {
	if err := checkInitial(slot); err != nil {
		return Frame{}, dukpt.KSN{}, err
	}
	lengths := table.InitialBlockLengths(block.Version)
	if aes && lengths == nil {
		lengths = table.AESBlockLengths(block.Version)
	}
	if lengths == nil {
		return Frame{}, dukpt.KSN{}, fault.New(fault.VersionUnsupported,
			"packet %s carries key blocks of version B, not %c; AES keys only with ?profile=poskey", slot, block.Version)
	}
	if !slices.Contains(lengths, block.Len()) {
		return Frame{}, dukpt.KSN{}, fault.New(fault.LengthMalformed,
			"packet %s carries version %c blocks of %v characters, not "+
				"%d; make the block with its KSN, without length obfuscation and other optional blocks", slot, block.Version, lengths,
			block.Len())
	}
	ksn, err := ksnOf(block)
	if err != nil {
		return Frame{}, dukpt.KSN{}, err
	}
	f, err := NewFrame(Transaction, []byte(slot), []byte(block.Marshal()))
	if err != nil {
		return Frame{}, dukpt.KSN{}, err
	}
	return f, ksn, nil
}

// ksnOf reads the KSN that a block names: KS holds it whole, IK the initial key id, which the counter follows.
func ksnOf(block *keyblock.Block) (dukpt.KSN, error) {
	digits, ok := block.Opt("KS")
	if block.Algorithm == 'A' {
		digits, ok = block.Opt("IK")
		digits += "00000000"
	}
	if !ok {
		return dukpt.KSN{}, fault.New(fault.MissingKSN,
			"the key block names no KSN: optional block KS is missing (IK for AES)")
	}
	ksn, err := dukpt.ParseKSN(digits)
	if err != nil {
		return dukpt.KSN{}, fault.Wrap(err, "KSN of the key block")
	}
	if block.Algorithm != 'A' {
		err = checkKSN(ksn)
	}
	return ksn, fault.Wrap(err, "KSN of the key block")
}

// parseInitialAnswer reads packet 91: 0, or 1 and a code. It gives the code, "" for done.
func parseInitialAnswer(data []byte) (code string, err error) {
	switch {
	case len(data) == 1 && data[0] == '0':
		return "", nil
	case len(data) == 2 && data[0] == '1' && isUpperAlnum(data[1]):
		return string(data[1:]), nil
	}
	return "", fault.New(fault.DeviceLink,
		"packet 91: the answer cannot be read: the %d characters after the id are neither 0 "+
			"nor 1 and a code", len(data))
}

// SelectSetFrame is packet 96: which of the DUKPT sets 0 and 1 serves transactions.
func SelectSetFrame(set int) (Frame, error) {
	if set < 0 || set >= len(table.InitialSlots()) {
		return Frame{}, fault.New(fault.Usage, "DUKPT sets are numbered 0 and 1, not %d", set)
	}
	return NewFrame(Transaction, []byte(table.SelectSet), []byte{byte('0' + set)})
}
