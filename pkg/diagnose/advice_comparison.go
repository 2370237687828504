package diagnose

// What to do when the key is right and the comparison is not.

import "poskey/internal/text"

func comparisonAdvice() []advised {
	return []advised{
		{CauseKCVLength, advice{
			nextTest: text.New("compare only the digits that both sides show; zeros after the sixth digit are padding"),
			fix: text.New(
				"nothing is wrong with the key: set the same check-value length on both sides (6 digits in most countries, 8 for UnionPay)",
			),
			prevention: text.New("write method and number of digits beside every check value"),
			impact: text.New(
				"no trade is lost unless a good key is thrown away; a comparison cut short also lets a wrong key pass more easily",
			),
		}},
		{CauseKCVMethod, advice{
			nextTest: text.New(
				"ask the other side by which method it makes check values, and print all methods of this key: poskey kcv compute --method all",
			),
			fix: text.New(
				"nothing is wrong with the key: agree on one method; CMAC for AES, zeros encrypted (ecb-zero) for triple DES and SM4",
			),
			prevention: text.New("never write a check value down without its method"),
			impact:     text.New("a healthy key is refused, and the terminal waits for it; nothing is exposed"),
		}},
		{CauseKCVCheckMode, advice{
			nextTest: text.New(
				"look up the check mode that is sent with the key (iCheckMode of the PAX family) and the length byte of the check buffer",
			),
			fix: text.New(
				"set check mode 1 (zeros encrypted, 4 bytes) on the device, or hand over the value that its mode asks for",
			),
			prevention: text.New("record the check mode in the device profile"),
			impact: text.New(
				"the terminal stays without the key until the mode is right; with checking switched off, the next wrong key would go in unseen",
			),
		}},
		{CauseKCVWrongData, advice{
			nextTest: text.New(
				"let the calling program compute the check value of a published test key: 0123456789ABCDEFFEDCBA9876543210 must give 08D7B4",
			),
			fix: text.New(
				"correct the program that computes the value: pack the hex digits into bytes, encrypt binary zeros, extend 16 bytes to 24 as K1 K2 K1",
			),
			prevention: text.New("keep a test vector in the calling program"),
			impact: text.New(
				"every key that this program checks looks wrong, so none is put into use; the keys themselves are safe",
			),
		}},
		{CauseParityBitTypo, advice{
			nextTest: text.New(
				"compare the bytes on both sides, or their odd parity; the check value cannot show the lowest bit of a byte",
			),
			fix:        text.New("enter the piece again, or let the device set odd parity"),
			prevention: text.New("enter twice, use a check row on the form, and give out components with odd parity"),
			impact: text.New(
				"trade runs as long as the key works as DES, and stops with the first other use; nobody has learnt the key",
			),
		}},
		{CauseParityRejected, advice{
			nextTest:   text.New("set odd parity and compute the check value again: it stays the same"),
			fix:        text.New("set odd parity before loading, or switch the device's parity check off"),
			prevention: text.New("remember that an even number of odd-parity components always gives even parity"),
			impact:     text.New("the device does not take the key and cannot trade under it; the key is neither weak nor known"),
		}},
	}
}
