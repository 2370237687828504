package manage

// What a terminal that refuses suffers from, most often: ids of the catalogue of root causes.

// causeOf gives the cause behind a code, every code's. Where a code says only that it does not fit, it is the cause that is
// behind it most often, and whoever diagnoses says no more of it than that it is possible:
//
//   - a request that is too new for the terminal is what old software gives;
//   - an order that nobody logged in for, approved or signed in the way that the terminal wants is a slip in procedure, and
//     a one-time code that is refused a matter of clocks;
//   - no memory and no loads left are seen as a slot that stays empty, which is what there is to mend: the catalogue has
//     nothing about memory that is used up;
//   - of the locks, which the code does not tell apart, only that of tampering touches keys.
func causeOf(code string) string {
	switch code {
	case CodeMalformed, CodeTooLarge, CodeUnknownPath, CodeAlgorithm, CodeVersion:
		return "firmware-old"
	case CodeLoginNeeded, CodeNotAllowed, CodeUnfit, CodeForged, CodeRequestUsed:
		return "procedure"
	case CodeAuthFailed:
		return "injector-clock"
	case CodeBusy, CodeFailure:
		return "key-service"
	case CodeTampered, CodeLocked:
		return "tamper"
	case CodeAbsent, CodeLimit, CodeFull, CodeNoKEK, CodeEmpty:
		return "empty-slot"
	case CodeStorage, CodeKEKDamaged, CodeDamaged:
		return "storage-corrupt"
	case CodeSlot, CodeUsage, CodeMode, CodeKEKUsage:
		return "wrong-slot"
	case CodeForm, CodeBlockForm:
		return "scheme-variant"
	}
	return causeOfKey(code)
}

func causeOfKey(code string) string {
	switch code {
	case CodeLength:
		return "length-class"
	case CodeDuplicate:
		return "duplicate-value"
	case CodeCheck:
		return "kcv-method"
	case CodeKSN, CodeKSNUsed:
		return "ksn-mismatch"
	case CodeExpired:
		return "key-expired"
	case CodeMAC, CodeDecryption:
		return "wrong-transport-key"
	case CodeTooLong:
		return "weak-protector"
	}
	return ""
}
