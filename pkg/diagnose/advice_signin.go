package diagnose

// What to do about the layout of sign-in answers.

import "poskey/internal/text"

func signinAdvice() []advised {
	return []advised{
		{CauseMAKSlot16, advice{
			nextTest:   text.New("decrypt only the first 8 bytes of the slot and compare the check value as single DES"),
			fix:        text.New("set the layout of field 62 by field 60.3: the last 8 bytes of the slot are padding"),
			prevention: text.New("keep a layout profile for each acquirer"),
			impact: text.New(
				"PIN entry works, yet every message is refused for its MAC; the MAC key has the strength of single DES either way",
			),
		}},
		{CauseMAKNoPadding, advice{
			nextTest: text.New(
				"look for the check value of the MAC key at byte 28 of field 62 as well as at byte 36, counted from 0",
			),
			fix:        text.New("set the layout without padding (hunan-32) for this acquirer, and sign in once"),
			prevention: text.New("keep the layout of each acquirer in its profile, with a sign-in that was checked"),
			impact:     text.New("the MAC key is read beyond its end, so nothing but the sign-in passes; nothing is exposed"),
		}},
		{CauseMAKNeedsDoubling, advice{
			nextTest: text.New(
				"load the MAC key's cryptogram twice in a row as a key of 16 bytes: the check value stays that of the 8 bytes",
			),
			fix:        text.New("double the cryptogram before it is loaded, or load it into a slot for single-length keys"),
			prevention: text.New("write in the device profile which lengths each slot takes"),
			impact:     text.New("the terminal has no MAC key and cannot trade; doubled, it is still single DES and no stronger"),
		}},
		{CauseField62Layout, advice{
			nextTest:   text.New("try every known layout on field 62, then look for keys and check values at every place of it"),
			fix:        text.New("set the layout in which every key has the check value beside it, and sign in once"),
			prevention: text.New("ask each acquirer for its layout in writing before the first terminal goes out"),
			impact:     text.New("no terminal with this program can trade with this acquirer; nothing is exposed"),
		}},
		{CauseLengthClass, advice{
			nextTest: text.New(
				"compare the length of the key on both sides; for UnionPay sign-in compare the length of field 62 with field 60.3",
			),
			fix:        text.New("set single, double or triple length alike on both sides and load the whole key"),
			prevention: text.New("check the length in the host's profile before rollout"),
			impact: text.New(
				"the key is not taken or half of it is used, and nothing passes; a key cut to 8 bytes protects no better than single DES",
			),
		}},
		{CauseCipherFamily, advice{
			nextTest:   text.New("ask which cipher the key is for; for UnionPay sign-in look at field 60.3 (005 means SM4)"),
			fix:        text.New("set the same cipher on both sides"),
			prevention: text.New("name the algorithm beside every check value, and keep it in the profile of the host"),
			impact:     text.New("nothing opens on the other side until both use one cipher; the keys stay secret"),
		}},
	}
}
