package diagnose

// Lists of causes that many codes share, the likeliest first.

func causes(all ...Cause) []Cause { return all }

func ofNoKey() []Cause {
	return causes(CauseEmptySlot, CauseWrongSlot, CausePinpadPort, CauseTamper)
}

func ofIndex() []Cause { return causes(CauseWrongSlot, CauseEmptySlot) }

func ofLength() []Cause {
	return causes(CauseLengthClass, CauseMAKNeedsDoubling, CauseTMKSingleDES, CauseField62Layout)
}

// ofMismatch: a device that decrypts and compares tells of a wrong key above as it tells of a wrong comparison.
func ofMismatch() []Cause {
	return causes(CauseWrongTMK, CauseKCVLength, CauseKCVCheckMode, CauseMistypedDigit, CauseWrongTransportKey, CauseKCVMethod)
}

func ofUsage() []Cause { return causes(CauseWrongSlot, CauseSourceLevel, CauseFirmwareOld) }

func ofLevel() []Cause { return causes(CauseSourceLevel, CauseWrongSlot) }

func ofMAC() []Cause {
	return causes(CauseKeysRolled, CauseMACRule, CauseWrongTMK, CauseMAKSlot16, CauseWrongBinding)
}

func ofPIN() []Cause { return causes(CauseKeysRolled, CausePINBlock, CauseWrongTMK) }

func ofParity() []Cause {
	return causes(CauseParityRejected, CauseWrongTransportKey, CauseSchemeVariant)
}

func ofStorage() []Cause { return causes(CauseStorageCorrupt, CausePowerLoss) }

func ofUnwrap() []Cause {
	return causes(CauseWrongTransportKey, CauseSchemeVariant, CauseECBCBC)
}

func ofTransport() []Cause { return causes(CauseWrongTransportKey, CauseKCVLength, CauseMistypedDigit) }

func ofUpdate() []Cause {
	return causes(CauseWrongTMK, CauseEmptySlot, CauseLengthClass, CauseStorageCorrupt)
}
