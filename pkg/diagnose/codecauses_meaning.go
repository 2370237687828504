package diagnose

// Codes by what they mean: vendors that number differently say the same.

// roundKeyCodes are codes that tell of something round the key, whether or not they bear on one.
func roundKeyCodes() []codeRule {
	return []codeRule{
		{says: "unlock|remote authentication required|passwords a and b|password a|password b|" +
			"administrator a log-in|administrator b log-in|" +
			"no valid challenge code", page: SituationLocked},
		{table: "PED", says: "password tries used up", page: SituationLocked},
		{says: "pin blocks requested too often|pin entry requested too often", page: SituationLocked},
		{table: "PED", says: "communication fault|crc over the data", causes: causes(CauseLinkFault)},
		{table: "PinPad", says: "communication fault|crc over the data", causes: causes(CauseLinkFault)},
		{table: "PinpadError", says: "communication fault", causes: causes(CauseLinkFault)},
		{says: "ipp: communication fault|" +
			"failure reported by the pin pad link", causes: causes(CauseLinkFault, CausePinpadPort)},
		{table: "PED", says: "storage access failed", causes: ofStorage()},
		{table: "PinPad", says: "storage access failed", causes: ofStorage()},
		{says: "internal memory fault|flash access failed|flash erase failed|" +
			"crypto store failed", causes: ofStorage()},
		{says: "no such pin pad|pin pad start failed|pin pad could not be opened|opening or closing the pin pad|" +
			"pin pad type wrong",
			causes: causes(CausePinpadPort)},
		{says: "tampered|tamper triggered|ped locked", causes: causes(CauseTamper)},
	}
}

// codesByMeaning are codes that bear on a key. The order matters: the particular stands before the general.
func codesByMeaning() []codeRule {
	return []codeRule{
		{says: "out of step|sync", causes: causes(CauseKeysRolled, CauseWrongTMK)},
		{says: "injection accepted"},
		// DUKPT
		{says: "counter exhausted|used up|dukpt exhausted|key expired", causes: causes(CauseKeyExpired)},
		{says: "key revoked", causes: causes(CauseKeyExposed, CauseKeyExpired)},
		{says: "ksn must be advanced|ksn increment|ksn could not|ksn length|" +
			"dukpt masks", causes: causes(CauseKSNMismatch, CauseKeyExpired)},
		{says: "dukpt group index|tik_index|initial-key index", causes: causes(CauseWrongSlot, CauseKSNMismatch)},
		{says: "dukpt not initialised|dukpt key not yet", causes: causes(CauseEmptySlot, CauseKSNMismatch)},
		{says: "mk/sk against dukpt|key system|key variant unknown", causes: causes(CauseWrongSlot, CauseIPEKBDK)},
		{says: "dukpt: key update failed", open: true, causes: causes(CauseKSNMismatch, CauseKeyExpired, CauseEmptySlot)},
		// check values
		{says: "kcv mode|kcv_mode", causes: causes(CauseKCVCheckMode, CauseKCVMethod)},
		{says: "no kcv present", causes: causes(CauseKCVCheckMode, CauseKCVLength)},
		{says: "check value length", causes: causes(CauseKCVLength, CauseKCVCheckMode)},
		{says: "kcv table empty", causes: causes(CauseEmptySlot, CauseTamper)},
		{says: "odd-parity|lacks odd parity|parity", causes: ofParity()},
		// quality and policy
		{says: "xor to zero", causes: causes(CauseComponentCount, CauseWeakKey)},
		{says: "tlk all zero|trk all zero|tlk not acceptable|" +
			"trk not acceptable", causes: causes(CauseWeakKey, CauseParityRejected)},
		{says: "sek all zero", causes: causes(CauseTamper, CauseWeakKey)},
		{says: "entries differ", causes: causes(CauseMistypedDigit, CauseProcedure)},
		{says: "all zero", causes: causes(CauseWeakKey, CauseMAKNeedsDoubling)},
		{says: "same key|already loaded|already present|already in use|not unique|" +
			"duplicate", causes: causes(CauseDuplicateValue)},
		{says: "stronger than|weaker than|strength", causes: causes(CauseWeakProtector)},
		{says: "injection: key length", causes: ofLength()},
		{says: "key length|length wrong|aes key length|_key_len|key not double length|" +
			"format or key length", causes: ofLength()},
		{says: "random key length", causes: causes(CauseLengthClass, CauseStorageCorrupt)},
		{says: "key block version|version wrong", causes: causes(CauseFirmwareOld, CauseSchemeVariant)},
		{says: "tr-31 source key type|key type out of range", causes: ofLevel()},
		{says: "mac algorithm", causes: causes(CauseMACRule, CauseFirmwareOld)},
		{says: "key set id", causes: causes(CauseWrongSlot, CauseKSNMismatch)},
		{says: "key slot|addressing", causes: ofIndex()},
		{says: "algorithm|cipher", causes: causes(CauseCipherFamily, CauseFirmwareOld)},
		{says: "not in download-active", causes: causes(CauseProcedure)},
		{says: "key type not supported|type cannot be updated|update method not supported|not supported|at most 8",
			causes: causes(CauseFirmwareOld, CauseSourceLevel)},
		// which key
		{says: "source key type wrong|level ranks below|another type than declared|" +
			"source type value above", causes: ofLevel()},
		{says: "index|key id invalid|out of range|key handle|selecting the master key|" +
			"not selected", causes: ofIndex()},
		{says: "tag differs|usage|use not allowed|not allowed for this use|outside its purpose|mode of use|" +
			"mode of key use|disagree", causes: ofUsage()},
		{says: "key type", causes: ofLevel()},
		{says: "no key|key missing|no such key|key not available|no master key|missing|not loaded|" +
			"could not be fetched|not installed|no tmk|computing ki|computing km",
			causes: ofNoKey()},
		// the key above
		{says: "loading the trk|trk verification|sek verification|" +
			"transport key", causes: causes(CauseWrongTransportKey, CauseEmptySlot)},
		{says: "cmac wrong|data wrong", causes: causes(CauseMACRule, CauseWrongTransportKey, CauseWrongTMK)},
		{says: "mac of the acquirer", causes: causes(CauseWrongTransportKey, CauseKeysRolled)},
		{says: "storing", open: true, causes: ofUpdate()},
		{says: "mac", causes: ofMAC()},
		{says: "kcv mismatch|check value mismatch|verification failed|kcv of the key|check_key_fail|" +
			"key verification", open: true,
			page: SituationCheckFailed, causes: ofMismatch()},
		{says: "rolling", causes: causes(CauseKeysRolled, CauseWrongTMK)},
		{says: "update failed|updatekey|setting the key failed|" +
			"deleting the working", open: true, causes: ofUpdate()},
		{says: "write failed|not stored|could not be stored", causes: ofStorage()},
		{says: "decrypting", causes: ofUnwrap()},
		{says: "generation failed", causes: causes(CauseStorageCorrupt, CauseFirmwareOld), open: true},
		{says: "bad key|key invalid|key rejected|" +
			"key wrong", open: true, causes: causes(CauseWrongTMK, CauseParityRejected, CauseWeakKey)},
	}
}
