package diagnose

// What to do about mistakes in entering keys and components.

import "poskey/internal/text"

func entryAdvice() []advised {
	return []advised{
		{CauseMistypedDigit, advice{
			nextTest: text.New(
				"read the named group of digits again from the sheet, two persons, digit by digit; 8 and B, 0 and D, 6 and b, 5 and S are often confused",
			),
			fix:        text.New("enter that piece again"),
			prevention: text.New("enter twice, and compare the check value of each component before it is combined"),
			impact: text.New(
				"the key is not put into use until the piece is typed again; reading digits to helpers would expose the component",
			),
		}},
		{CauseHalvesSwapped, advice{
			nextTest: text.New(
				"enter the key once more with its halves in the other order (the order of components does not matter, the order of halves does)",
			),
			fix:        text.New("enter the key again, first half first"),
			prevention: text.New("number the rows on the form"),
			impact:     text.New("nothing that one side protects opens on the other, so trade stands still; the key stays secret"),
		}},
		{CauseComponentCount, advice{
			nextTest: text.New(
				"compute the check value of every partial combination and ask each custodian what was entered, and how often",
			),
			fix:        text.New("start again and enter every component exactly once"),
			prevention: text.New("count the components aloud, and compare the check value of each before it is combined"),
			impact: text.New(
				"the sides hold different keys and cannot trade; when one component alone became the key, its custodian knows it",
			),
		}},
		{CauseComponentAsKey, advice{
			nextTest: text.New("compare the device's check value with the one on every component sheet"),
			fix: text.New(
				"erase the slot and load the combined key; a component known to be in use as a key is no longer a secret of its custodian alone",
			),
			prevention: text.New("keep an inventory of slots with check values; refuse a key whose check value is a component's"),
			impact: text.New(
				"no trade with the host; one person knows the key in use, so what was sent under it counts as open",
			),
		}},
		{CauseConcatenated, advice{
			nextTest:   text.New("ask how the parts were put together; the sheets should each show the full length of the key"),
			fix:        text.New("combine full-length components with XOR"),
			prevention: text.New("give out full-length components only; halves of a key tell each custodian half of it"),
			impact: text.New(
				"the sides hold different keys and cannot trade; whoever has one half of a joined key needs to guess only the other",
			),
		}},
	}
}
