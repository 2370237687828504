package diagnose

// The causes this package can name, how likely they are before anything is known, and what to do about each.

import "poskey/internal/text"

// Cause is an id of the catalogue of causes. Ids are stable and never change their meaning.
type Cause string

// The causes.
const (
	CauseKCVLength      Cause = "kcv-length"
	CauseKCVMethod      Cause = "kcv-method"
	CauseKCVWrongData   Cause = "kcv-wrong-data"
	CauseKCVCheckMode   Cause = "kcv-check-mode"
	CauseParityBitTypo  Cause = "parity-bit-typo"
	CauseParityRejected Cause = "parity-rejected"
	CauseCipherFamily   Cause = "cipher-family"
	CauseLengthClass    Cause = "length-class"
	CauseHalvesSwapped  Cause = "halves-swapped"
	CauseComponentCount Cause = "component-count"
	CauseComponentAsKey Cause = "component-as-key"
	CauseConcatenated   Cause = "components-concatenated"
	CauseMistypedDigit  Cause = "mistyped-digit"
	CauseECBCBC         Cause = "ecb-cbc"
	CauseWrongDirection Cause = "wrong-direction"
	CauseDoubleUnwrap   Cause = "double-unwrap"
	CauseTMKSingleDES   Cause = "tmk-single-des"
	CauseSchemeVariant  Cause = "scheme-variant"
	CauseMAKSlot16      Cause = "mak-slot-16"
)

// Causes lists the ids, the likeliest first: among findings of equal certainty this order decides. The order is this
// project's judgement: what happens at a desk every week stands before what needs a faulty program.
func Causes() []Cause {
	return []Cause{
		CauseKCVLength, CauseKCVMethod, CauseKCVCheckMode, CauseComponentCount, CauseMistypedDigit, CauseHalvesSwapped,
		CauseComponentAsKey, CauseLengthClass, CauseTMKSingleDES, CauseECBCBC, CauseDoubleUnwrap, CauseMAKSlot16,
		CauseWrongDirection, CauseCipherFamily, CauseConcatenated, CauseKCVWrongData, CauseSchemeVariant,
		CauseParityBitTypo, CauseParityRejected,
	}
}

func (c Cause) rank() int {
	all := Causes()
	for i, cause := range all {
		if cause == c {
			return i
		}
	}
	return len(all)
}

// advice is what to do about a cause.
type advice struct{ nextTest, fix, prevention text.Text }

func (c Cause) advice() advice {
	switch c {
	case CauseKCVLength:
		return advice{
			text.New("compare only the digits that both sides show; zeros after the sixth digit are padding"),
			text.New(
				"nothing is wrong with the key: set the same check-value length on both sides (6 digits in most countries, 8 for UnionPay)",
			),
			text.New("write method and number of digits beside every check value"),
		}
	case CauseKCVMethod:
		return advice{
			text.New(
				"ask the other side by which method it makes check values, and print all methods of this key: poskey kcv compute --method all",
			),
			text.New(
				"nothing is wrong with the key: agree on one method; CMAC for AES, zeros encrypted (ecb-zero) for triple DES and SM4",
			),
			text.New("never write a check value down without its method"),
		}
	case CauseKCVCheckMode:
		return advice{
			text.New(
				"look up the check mode that is sent with the key (iCheckMode of the PAX family) and the length byte of the check buffer",
			),
			text.New(
				"set check mode 1 (zeros encrypted, 4 bytes) on the device, or hand over the value that its mode asks for",
			),
			text.New("record the check mode in the device profile"),
		}
	case CauseKCVWrongData:
		return advice{
			text.New(
				"let the calling program compute the check value of a published test key: 0123456789ABCDEFFEDCBA9876543210 must give 08D7B4",
			),
			text.New(
				"correct the program that computes the value: pack the hex digits into bytes, encrypt binary zeros, extend 16 bytes to 24 as K1 K2 K1",
			),
			text.New("keep a test vector in the calling program"),
		}
	case CauseCipherFamily:
		return advice{
			text.New("ask which cipher the key is for; for UnionPay sign-in look at field 60.3 (005 means SM4)"),
			text.New("set the same cipher on both sides"),
			text.New("name the algorithm beside every check value, and keep it in the profile of the host"),
		}
	case CauseLengthClass:
		return advice{
			text.New(
				"compare the length of the key on both sides; for UnionPay sign-in compare the length of field 62 with field 60.3",
			),
			text.New("set single, double or triple length alike on both sides and load the whole key"),
			text.New("check the length in the host's profile before rollout"),
		}
	case CauseHalvesSwapped:
		return advice{
			text.New(
				"enter the key once more with its halves in the other order (the order of components does not matter, the order of halves does)",
			),
			text.New("enter the key again, first half first"),
			text.New("number the rows on the form"),
		}
	case CauseComponentCount:
		return advice{
			text.New(
				"compute the check value of every partial combination and ask each custodian what was entered, and how often",
			),
			text.New("start again and enter every component exactly once"),
			text.New("count the components aloud, and compare the check value of each before it is combined"),
		}
	case CauseComponentAsKey:
		return advice{
			text.New("compare the device's check value with the one on every component sheet"),
			text.New(
				"erase the slot and load the combined key; a component known to be in use as a key is no longer a secret of its custodian alone",
			),
			text.New("keep an inventory of slots with check values; refuse a key whose check value is a component's"),
		}
	case CauseConcatenated:
		return advice{
			text.New("ask how the parts were put together; the sheets should each show the full length of the key"),
			text.New("combine full-length components with XOR"),
			text.New("give out full-length components only; halves of a key tell each custodian half of it"),
		}
	}
	return c.adviceOnEntryAndUnwrapping()
}

func (c Cause) adviceOnEntryAndUnwrapping() advice {
	switch c {
	case CauseMistypedDigit:
		return advice{
			text.New(
				"read the named group of digits again from the sheet, two persons, digit by digit; 8 and B, 0 and D, 6 and b, 5 and S are often confused",
			),
			text.New("enter that piece again"),
			text.New("enter twice, and compare the check value of each component before it is combined"),
		}
	case CauseECBCBC:
		return advice{
			text.New("open the key in the other mode; when only its first 8 bytes have odd parity, the modes differ"),
			text.New("use the same mode on both sides: ECB for UnionPay working keys"),
			text.New("state the mode together with the key-encrypting key"),
		}
	case CauseWrongDirection:
		return advice{
			text.New("run the call once in each direction with a published test key"),
			text.New("correct the call: a wrapped key is decrypted when it is opened"),
			text.New("keep a test vector in the calling program"),
		}
	case CauseDoubleUnwrap:
		return advice{
			text.New("look up whether the loader takes the cryptogram or the clear key"),
			text.New("hand the loader what it wants, so that exactly one side decrypts, once"),
			text.New("write 'takes cryptogram' or 'takes clear key' in the device profile"),
		}
	case CauseTMKSingleDES:
		return advice{
			text.New("compare the check value and the length of the key-encrypting key on both sides"),
			text.New("load the full key-encrypting key, 16 or 24 bytes"),
			text.New("refuse a key-encrypting key whose halves are equal or missing"),
		}
	case CauseSchemeVariant:
		return advice{
			text.New(
				"ask for the wrapping scheme: the letter before the cryptogram (U X T Y S R), Atalla variants or plain",
			),
			text.New("agree on one scheme; use no variant, or the same on both sides"),
			text.New("exchange keys as key blocks, which carry their scheme"),
		}
	case CauseMAKSlot16:
		return advice{
			text.New("decrypt only the first 8 bytes of the slot and compare the check value as single DES"),
			text.New("set the layout of field 62 by field 60.3: the last 8 bytes of the slot are padding"),
			text.New("keep a layout profile for each acquirer"),
		}
	case CauseParityBitTypo:
		return advice{
			text.New(
				"compare the bytes on both sides, or their odd parity; the check value cannot show the lowest bit of a byte",
			),
			text.New("enter the piece again, or let the device set odd parity"),
			text.New("enter twice, use a check row on the form, and give out components with odd parity"),
		}
	case CauseParityRejected:
		return advice{
			text.New("set odd parity and compute the check value again: it stays the same"),
			text.New("set odd parity before loading, or switch the device's parity check off"),
			text.New("remember that an even number of odd-parity components always gives even parity"),
		}
	}
	return advice{}
}
