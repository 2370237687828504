package diagnose

// The causes this package can name, and how likely they are before anything is known. What to do about each stands in
// advice_*.go.

import "poskey/internal/text"

// Cause is an id of the catalogue of causes. Ids are stable and never change their meaning.
type Cause string

// The causes.
const (
	CauseKCVLength         Cause = "kcv-length"
	CauseKCVMethod         Cause = "kcv-method"
	CauseKCVCheckMode      Cause = "kcv-check-mode"
	CauseComponentCount    Cause = "component-count"
	CauseMistypedDigit     Cause = "mistyped-digit"
	CauseHalvesSwapped     Cause = "halves-swapped"
	CauseComponentAsKey    Cause = "component-as-key"
	CauseLengthClass       Cause = "length-class"
	CauseTMKSingleDES      Cause = "tmk-single-des"
	CauseECBCBC            Cause = "ecb-cbc"
	CauseDoubleUnwrap      Cause = "double-unwrap"
	CauseMAKSlot16         Cause = "mak-slot-16"
	CauseMAKNoPadding      Cause = "mak-no-padding"
	CauseMAKNeedsDoubling  Cause = "mak-needs-doubling"
	CauseField62Layout     Cause = "field62-layout"
	CauseWrongTMK          Cause = "wrong-tmk"
	CauseWrongTransportKey Cause = "wrong-transport-key"
	CauseWrongDirection    Cause = "wrong-direction"
	CauseCipherFamily      Cause = "cipher-family"
	CauseConcatenated      Cause = "components-concatenated"
	CauseKCVWrongData      Cause = "kcv-wrong-data"
	CauseSchemeVariant     Cause = "scheme-variant"
	CauseZMKLengthSetting  Cause = "zmk-length-setting"
	CauseIPEKBDK           Cause = "ipek-bdk"
	CauseKSNMismatch       Cause = "ksn-mismatch"
	CauseParityBitTypo     Cause = "parity-bit-typo"
	CauseParityRejected    Cause = "parity-rejected"
	CauseWeakKey           Cause = "weak-key"
	CauseDuplicateValue    Cause = "duplicate-value"
	CauseWeakProtector     Cause = "weak-protector"
	CauseSourceLevel       Cause = "source-level"
	CauseDuplicateKCVFleet Cause = "duplicate-kcv-fleet"
	CauseFixedTransportKey Cause = "fixed-transport-key"
	CauseKEKSentWithKey    Cause = "kek-sent-with-key"
	CauseTamper            Cause = "tamper"
	CauseEmptySlot         Cause = "empty-slot"
	CauseWrongSlot         Cause = "wrong-slot"
	CauseKeysRolled        Cause = "keys-rolled"
	CauseWrongBinding      Cause = "wrong-binding"
	CauseMACRule           Cause = "mac-rule"
	CausePINBlock          Cause = "pin-block"
	CausePinpadPort        Cause = "pinpad-port"
	CauseKeyService        Cause = "key-service"
	CauseInjectorClock     Cause = "injector-clock"
	CauseKeyExpired        Cause = "key-expired"
	CauseFirmwareOld       Cause = "firmware-old"
	CauseLinkFault         Cause = "link-fault"
	CausePowerLoss         Cause = "power-loss"
	CauseStorageCorrupt    Cause = "storage-corrupt"
	CauseEnvironment       Cause = "environment"
	CauseKeyExposed        Cause = "key-exposed"
	CauseProcedure         Cause = "procedure"
)

// Causes lists the ids, the likeliest first: among findings of equal certainty this order decides. The order is this
// project's judgement: what happens at a desk every week stands before what needs a faulty program.
func Causes() []Cause {
	var out []Cause
	for _, c := range catalogue() {
		out = append(out, c.id)
	}
	return out
}

// entry is a cause and what it is called.
type entry struct {
	id    Cause
	title text.Text
}

func catalogue() []entry {
	return []entry{
		{CauseKCVLength, text.New("the check value is cut to another length")},
		{CauseKCVMethod, text.New("the check value is made by another method")},
		{CauseKCVCheckMode, text.New("the check value is made in another check mode of the device")},
		{CauseComponentCount, text.New("a component is missing or was entered twice")},
		{CauseMistypedDigit, text.New("something was mistyped")},
		{CauseHalvesSwapped, text.New("halves are swapped")},
		{CauseComponentAsKey, text.New("a component was taken as the key")},
		{CauseLengthClass, text.New("the length differs: single, double or triple")},
		{CauseTMKSingleDES, text.New("half of the key-encrypting key was used as single DES")},
		{CauseECBCBC, text.New("one side uses ECB, the other CBC")},
		{CauseDoubleUnwrap, text.New("the key was decrypted once too often, or not at all")},
		{CauseMAKSlot16, text.New("the padded slot of the MAC key was decrypted as a whole")},
		{CauseMAKNoPadding, text.New("the MAC key stands in field 62 without padding")},
		{CauseMAKNeedsDoubling, text.New("the device wants the single-length MAC key doubled")},
		{CauseField62Layout, text.New("field 62 is laid out in another way")},
		{CauseWrongTMK, text.New("the terminal holds another master key")},
		{CauseWrongTransportKey, text.New("the key came under another transport key")},
		{CauseWrongDirection, text.New("the cipher was run in the wrong direction")},
		{CauseCipherFamily, text.New("the sides use different ciphers")},
		{CauseConcatenated, text.New("components were joined or added instead of XORed")},
		{CauseKCVWrongData, text.New("the check value is made over other data")},
		{CauseSchemeVariant, text.New("one side wraps with variants, the other does not")},
		{CauseZMKLengthSetting, text.New("the HSM is set to another length of zone master key")},
		{CauseIPEKBDK, text.New("initial key and base derivation key were taken for each other")},
		{CauseKSNMismatch, text.New("the key serial number belongs to another key")},
		{CauseParityBitTypo, text.New("a parity bit was mistyped, which the check value cannot show")},
		{CauseParityRejected, text.New("the device refuses the key for its parity")},
		{CauseWeakKey, text.New("the key is weak")},
		{CauseDuplicateValue, text.New("the device holds the same key already")},
		{CauseWeakProtector, text.New("the key above is weaker than the key under it")},
		{CauseSourceLevel, text.New("the source key stands below the key that is loaded")},
		{CauseDuplicateKCVFleet, text.New("two devices hold the same key")},
		{CauseFixedTransportKey, text.New("the key came under a published transport key")},
		{CauseKEKSentWithKey, text.New("the key was sent together with the key that protects it")},
		{CauseTamper, text.New("the device was opened and has erased its keys")},
		{CauseEmptySlot, text.New("there is no key in the slot")},
		{CauseWrongSlot, text.New("another slot or key index is used")},
		{CauseKeysRolled, text.New("the working keys were renewed elsewhere")},
		{CauseWrongBinding, text.New("terminal and merchant are not bound as the host has it")},
		{CauseMACRule, text.New("the sides make the MAC by different rules")},
		{CausePINBlock, text.New("the sides use different PIN blocks")},
		{CausePinpadPort, text.New("the PIN pad is not the one that is set up")},
		{CauseKeyService, text.New("the application has lost its key service")},
		{CauseInjectorClock, text.New("a clock is wrong")},
		{CauseKeyExpired, text.New("the key has expired")},
		{CauseFirmwareOld, text.New("the software is too old for the key")},
		{CauseLinkFault, text.New("the line loses or changes bytes")},
		{CausePowerLoss, text.New("power was lost, or the backup battery is weak")},
		{CauseStorageCorrupt, text.New("the memory of a slot is damaged")},
		{CauseEnvironment, text.New("the place is too hot, too damp or otherwise unfit")},
		{CauseKeyExposed, text.New("the key was seen or may have been seen")},
		{CauseProcedure, text.New("slips repeat at one station or person")},
	}
}

// Title says in a few words what the cause is; it is no sentence.
func (c Cause) Title() text.Text {
	for _, e := range catalogue() {
		if e.id == c {
			return e.title
		}
	}
	return text.Raw(string(c))
}

func (c Cause) rank() int {
	all := catalogue()
	for i, e := range all {
		if e.id == c {
			return i
		}
	}
	return len(all)
}

// advice is what to do about a cause, and what it costs meanwhile. None of its texts is shared by two causes.
type advice struct {
	nextTest   text.Text
	fix        text.Text
	prevention text.Text
	impact     text.Text // on trade and on the secrecy of keys and data
}

// with gives a finding the advice.
func (f Finding) with(a advice) Finding {
	f.NextTest, f.Fix, f.Prevention, f.Impact = a.nextTest, a.fix, a.prevention, a.impact
	return f
}

// advised is a cause with its advice, for the tables of the families.
type advised struct {
	cause  Cause
	advice advice
}

func (c Cause) advice() advice {
	for _, family := range adviceByFamily() {
		for _, a := range family() {
			if a.cause == c {
				return a.advice
			}
		}
	}
	return advice{}
}

// adviceByFamily lists the tables of advice_*.go.
func adviceByFamily() []func() []advised {
	return []func() []advised{
		comparisonAdvice, entryAdvice, unwrappingAdvice, signinAdvice,
		policyAdvice, deviceAdvice, hostAdvice, aroundAdvice,
	}
}
