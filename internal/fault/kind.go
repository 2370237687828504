package fault

import "poskey/internal/text"

// Kind names one way to fail. It is printed in JSON and never changes its meaning.
type Kind string

// The kinds, by exit code. [ExitCodes] is the table that decides.
const (
	Failure Kind = "failure" // 1

	Usage       Kind = "usage"        // 2
	InputNeeded Kind = "input_needed" // 2: a prompt is needed, but there is no terminal or --no-input

	Malformed       Kind = "malformed" // 3, and all below until NotFound
	MalformedHex    Kind = "malformed_hex"
	MalformedLength Kind = "malformed_length"
	MalformedSheet  Kind = "malformed_sheet"
	TooLarge        Kind = "too_large"
	// Failure classes of key blocks, as in testdata/vectors/keyblocks.json.
	HeaderMalformed        Kind = "header_malformed"
	VersionUnsupported     Kind = "version_unsupported"
	LengthMalformed        Kind = "length_malformed"
	LengthMismatch         Kind = "length_mismatch"
	LengthNotMultiple      Kind = "length_not_multiple"
	NotHex                 Kind = "not_hex"
	MACTruncated           Kind = "mac_truncated"
	PayloadMissing         Kind = "payload_missing"
	PayloadLength          Kind = "payload_length"
	KBPKLength             Kind = "kbpk_length"
	OptionalBlockID        Kind = "optional_block_id"
	OptionalBlockLength    Kind = "optional_block_length"
	OptionalBlockExtended  Kind = "optional_block_extended_length"
	OptionalBlockTruncated Kind = "optional_block_truncated"
	OptionalBlockCharset   Kind = "optional_block_charset"
	OptionalBlockDuplicate Kind = "optional_block_duplicate"
	// Failure classes of key serial numbers, as in testdata/vectors/dukpt_tdes.json and dukpt_aes.json.
	KSNLength   Kind = "ksn_length"
	CounterBits Kind = "counter_bits" // too many bits set, or none: no transaction has that counter

	NotFound Kind = "not_found" // 4

	KCVMismatch      Kind = "kcv_mismatch" // 5, and all below until WeakKey
	MACMismatch      Kind = "mac_mismatch"
	KBPKWrong        Kind = "kbpk_wrong"
	ChecksumMismatch Kind = "checksum_mismatch"
	PartMissing      Kind = "part_missing"
	PartForeign      Kind = "part_foreign"
	SelftestFailed   Kind = "selftest_failed"
	LogBroken        Kind = "log_broken"     // an audit log, or a checkpoint of one, does not verify
	ControlsUnmet    Kind = "controls_unmet" // an assessment is below the bar that was set, or warnings press

	WeakKey      Kind = "weak_key" // 6, and all below until DeviceFailed
	PartRefused  Kind = "part_refused"
	ModeUnfit    Kind = "mode_unfit"
	MissingKSN   Kind = "missing_ksn"
	FileExists   Kind = "file_exists"
	FileExposed  Kind = "file_exposed"
	ArgvSecret   Kind = "argv_secret"
	RevealNeeded Kind = "reveal_needed"
	NotConfirmed Kind = "not_confirmed" // the user was asked, and did not type the word
	NotPermitted Kind = "not_permitted"
	EndOfLife    Kind = "end_of_life" // a DUKPT device has used all its counters

	AuthFailed Kind = "auth_failed" // 7: a passphrase, PIN or one-time password is wrong

	DeviceFailed  Kind = "device_failed" // 8: the device answered, and said no
	DeviceLink    Kind = "device_link"   // 8: the line broke or the answer cannot be read
	DeviceTimeout Kind = "device_timeout"
	// OutcomeUnknown: the device was told to store a key, and nobody can tell whether it did. Loading again may meet it.
	OutcomeUnknown Kind = "outcome_unknown"

	Busy   Kind = "busy"   // 9
	Sealed Kind = "sealed" // 9: the key store is not open; its officers have to unseal it

	Partial Kind = "partial" // 10

	Unexplained Kind = "unexplained" // 11

	Bug Kind = "bug" // 70

	Interrupted Kind = "interrupted" // 130
	Terminated  Kind = "terminated"  // 143
)

// ExitCode is a row of the one table of exit codes: help, manual pages and documents are made from it.
type ExitCode struct {
	Code    int
	Meaning text.Text
	Kinds   []Kind // the kinds of error that end so; none for 0
}

// ExitCodes gives the table, in order.
func ExitCodes() []ExitCode {
	return []ExitCode{
		{0, text.New("done; the verdict is yes"), nil},
		{1, text.New("other failure"), []Kind{Failure}},
		{2, text.New("usage: unknown flag, missing or conflicting arguments, a prompt needed under --no-input"),
			[]Kind{Usage, InputNeeded}},
		{3, text.New("input malformed: hex, length, key block, KSN, script"),
			[]Kind{Malformed, MalformedHex, MalformedLength, MalformedSheet, TooLarge, HeaderMalformed, VersionUnsupported,
				LengthMalformed, LengthMismatch, LengthNotMultiple, NotHex, MACTruncated, PayloadMissing, PayloadLength,
				KBPKLength, OptionalBlockID, OptionalBlockLength, OptionalBlockExtended, OptionalBlockTruncated,
				OptionalBlockCharset, OptionalBlockDuplicate, KSNLength, CounterBits}},
		{4, text.New("not found: label, slot, device, file"), []Kind{NotFound}},
		{5, text.New("the verdict is no: check value, MAC, signature or log does not verify"),
			[]Kind{KCVMismatch, MACMismatch, KBPKWrong, ChecksumMismatch, PartMissing, PartForeign, SelftestFailed,
				LogBroken, ControlsUnmet}},
		{6, text.New("refused by policy: weak key, export not allowed, dual control missing, file exists"),
			[]Kind{WeakKey, PartRefused, ModeUnfit, MissingKSN, FileExists, FileExposed, ArgvSecret, RevealNeeded,
				NotConfirmed, NotPermitted, EndOfLife}},
		{7, text.New("authentication failed: passphrase, PIN, one-time password"), []Kind{AuthFailed}},
		{8, text.New("device, HSM, database or transport failure"), []Kind{DeviceFailed, DeviceLink, DeviceTimeout, OutcomeUnknown}},
		{9, text.New("busy or locked"), []Kind{Busy, Sealed}},
		{10, text.New("partly done: resume possible"), []Kind{Partial}},
		{11, text.New("a diagnosis found no explanation"), []Kind{Unexplained}},
		{70, text.New("a bug: recovered panic, secrets left out"), []Kind{Bug}},
		{130, text.New("interrupted"), []Kind{Interrupted}},
		{143, text.New("terminated"), []Kind{Terminated}},
	}
}

// Exit gives the exit code of the kind; an unknown kind is a failure.
func (k Kind) Exit() int {
	for _, row := range ExitCodes() {
		for _, kind := range row.Kinds {
			if kind == k {
				return row.Code
			}
		}
	}
	return 1
}

// Retriable reports whether the same call may succeed later.
func (k Kind) Retriable() bool {
	return k == Busy || k == DeviceLink || k == DeviceTimeout || k == Partial || k == Interrupted || k == Terminated
}
