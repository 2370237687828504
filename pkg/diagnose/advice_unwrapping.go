package diagnose

// What to do when a key comes out of its wrapping wrong.

import "poskey/internal/text"

func unwrappingAdvice() []advised {
	return []advised{
		{CauseTMKSingleDES, advice{
			nextTest:   text.New("compare the check value and the length of the key-encrypting key on both sides"),
			fix:        text.New("load the full key-encrypting key, 16 or 24 bytes"),
			prevention: text.New("refuse a key-encrypting key whose halves are equal or missing"),
			impact: text.New(
				"working keys do not open and sign-in fails; where both sides do it, all of them are protected by single DES only",
			),
		}},
		{CauseECBCBC, advice{
			nextTest:   text.New("open the key in the other mode; when only its first 8 bytes have odd parity, the modes differ"),
			fix:        text.New("use the same mode on both sides: ECB for UnionPay working keys"),
			prevention: text.New("state the mode together with the key-encrypting key"),
			impact:     text.New("the second half of every key is wrong and no trade passes; nothing is exposed"),
		}},
		{CauseWrongDirection, advice{
			nextTest:   text.New("run the call once in each direction with a published test key"),
			fix:        text.New("correct the call: a wrapped key is decrypted when it is opened"),
			prevention: text.New("test every program that opens keys with a published cryptogram before it meets real ones"),
			impact: text.New(
				"no key that this call opens is usable, and trade waits for a corrected program; the keys stay secret",
			),
		}},
		{CauseDoubleUnwrap, advice{
			nextTest:   text.New("look up whether the loader takes the cryptogram or the clear key"),
			fix:        text.New("hand the loader what it wants, so that exactly one side decrypts, once"),
			prevention: text.New("write 'takes cryptogram' or 'takes clear key' in the device profile"),
			impact: text.New(
				"PINs and MACs fail from the first transaction; a loader that was handed the clear key has had it outside of the secure device",
			),
		}},
		{CauseWrongTMK, advice{
			nextTest: text.New(
				"open field 62 with the master key of every index and of the neighbouring terminals, and compare the check value of the terminal's master key with the table",
			),
			fix: text.New(
				"set the key index to the slot of this terminal's master key, or load this terminal's own master key again; then sign in once",
			),
			prevention: text.New(
				"keep one table of terminal id, serial number, key index and check value, and compare it at every injection",
			),
			impact: text.New(
				"this terminal cannot sign in, and where two were swapped both cannot; a master key in a foreign terminal breaks the rule of one key for one device",
			),
		}},
		{CauseWrongTransportKey, advice{
			nextTest: text.New(
				"compare the check value of the transport key with the delivery note, then open the cryptogram with every transport key that is in use",
			),
			fix: text.New(
				"take the transport key that the delivery note names, confirm its check value with the sender on another channel, and open the keys again",
			),
			prevention: text.New(
				"print the check value of the transport key on every delivery note, and keep test and production apart",
			),
			impact: text.New(
				"no terminal of this batch can be injected, terminals in trade go on; a production key under a test transport key counts as exposed",
			),
		}},
		{CauseSchemeVariant, advice{
			nextTest: text.New(
				"ask for the wrapping scheme: the letter before the cryptogram (U X T Y S R), Atalla variants or plain",
			),
			fix:        text.New("agree on one scheme; use no variant, or the same on both sides"),
			prevention: text.New("exchange keys as key blocks, which carry their scheme"),
			impact: text.New(
				"keys of this partner do not open, so what hangs on them waits; a variant guessed on one side binds a key to another use than was meant",
			),
		}},
		{CauseZMKLengthSetting, advice{
			nextTest: text.New(
				"compare all check values: when every one agrees and the HSM still refuses, look at its length of zone master keys and at the scheme letter of the command",
			),
			fix:        text.New("set the HSM to the length that the zone master key has, or send the scheme letter with the key"),
			prevention: text.New("send scheme letters always, so that no command depends on a setting"),
			impact: text.New(
				"zone keys cannot be exchanged until the setting is right; a setting to single length made for convenience weakens every key that follows",
			),
		}},
		{CauseIPEKBDK, advice{
			nextTest: text.New(
				"derive the initial key from the base derivation key and the key serial number, and compare both check values with the one shown",
			),
			fix: text.New(
				"load the initial key of this device's own key serial number into the terminal; the base derivation key stays in the HSM",
			),
			prevention: text.New("write beside every check value whether it is of the base derivation key or of an initial key"),
			impact: text.New(
				"the host cannot open what the terminal sends; a base derivation key in a terminal puts every device of its key set at risk",
			),
		}},
		{CauseKSNMismatch, advice{
			nextTest: text.New(
				"compare the key serial number in the device with the ledger, its counter left out, and derive the initial key anew for it",
			),
			fix: text.New(
				"load the initial key again with a number of its own; a number that may have reached a device is never given out again",
			),
			prevention: text.New("let one ledger hand out the numbers, and read the number back after the load"),
			impact:     text.New("the host refuses every transaction of the device; two devices under one number share their keys"),
		}},
	}
}
