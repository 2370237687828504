package diagnose

// What to do about keys of poor quality, and about keys that a device's policy refuses.

import "poskey/internal/text"

func policyAdvice() []advised {
	return []advised{
		{CauseWeakKey, advice{
			nextTest: text.New(
				"compare the halves of the key without their parity bits; equal halves of the cryptogram show it without any key",
			),
			fix: text.New(
				"make a new key from a good random source, and load it on both sides; do not switch the device's check off",
			),
			prevention: text.New("refuse weak keys where keys are made, and let no example or default value be loaded"),
			impact: text.New(
				"a device that looks refuses the key, one that does not trades on; what is protected by it is as good as open",
			),
		}},
		{CauseDuplicateValue, advice{
			nextTest: text.New("list slots and check values, and find the slot that holds this value already"),
			fix: text.New(
				"delete the old slot when it is the same key on purpose; otherwise make another key for the second use",
			),
			prevention: text.New("give each use a key of its own, and look at the slots before a load"),
			impact: text.New(
				"the load is refused while the old key works on; one key for two uses lets an error in one of them break the other",
			),
		}},
		{CauseWeakProtector, advice{
			nextTest: text.New(
				"compare the strength of the two keys: 80 bits for double-length triple DES, 112 for triple length, 128 and up for AES and SM4",
			),
			fix:        text.New("put a stronger key above first, then load the key under it"),
			prevention: text.New("plan a hierarchy from the top: no key is stronger than the one that protects it (PCI PIN 10-1)"),
			impact: text.New(
				"the device refuses the load and goes on with what it has; loaded elsewhere, the strong key is worth no more than the weak one above it",
			),
		}},
		{CauseSourceLevel, advice{
			nextTest: text.New(
				"compare the types of source and target slot with the order transport or loading key, master key, working key",
			),
			fix: text.New(
				"write the key under a key of a higher level: a master key under the loading key, a working key under the master key",
			),
			prevention: text.New("state the source slot with every target slot in the device profile"),
			impact: text.New(
				"the key is not loaded, and nothing changes in trade; the rule keeps working keys from replacing the keys above them",
			),
		}},
		{CauseDuplicateKCVFleet, advice{
			nextTest: text.New(
				"compare the check values of both devices by more digits or another method; then look up in the journal how both were loaded",
			),
			fix: text.New(
				"take both devices out of use, load each with a key of its own, and find out where the second copy came from",
			),
			prevention: text.New("load by serial number from an inventory that refuses a check value it has seen (PCI PIN 20-1)"),
			impact: text.New(
				"both devices trade until they are stopped; whoever opens one has the key of the other, and one may be a copy made on purpose",
			),
		}},
		{CauseFixedTransportKey, advice{
			nextTest: text.New(
				"ask which protocol and mode the injector uses, and try the published key on a cryptogram that it sent",
			),
			fix: text.New(
				"inject with another injector under a secret transport key, and replace every master key that went over the cable so",
			),
			prevention: text.New("buy no injector that has a fixed key in its program, and test for it at acceptance"),
			impact:     text.New("terminals trade, but whoever heard the cable has their master keys, and with them every PIN"),
		}},
		{CauseKEKSentWithKey, advice{
			nextTest: text.New(
				"open the cryptogram with the bytes that stand beside it: when the check value fits, they are its key",
			),
			fix: text.New(
				"stop the download, have the host changed, and replace the key, the one sent beside it, and all under them",
			),
			prevention: text.New(
				"never send a key together with the key that protects it; let acceptance look at the bytes on the line",
			),
			impact: text.New("trade runs as if nothing were wrong; anybody on the line between has the master key"),
		}},
	}
}
