package diagnose

// What to do when the keys are right and the host still refuses.

import "poskey/internal/text"

func hostAdvice() []advised {
	return []advised{
		{CauseWrongBinding, advice{
			nextTest:   text.New("compare terminal id (field 41), merchant id (field 42) and serial number with the host's record"),
			fix:        text.New("have the acquirer bind them anew, or set the terminal's numbers right; then sign in once"),
			prevention: text.New("check the binding when the terminal is planned, and again at its first sign-in"),
			impact: text.New(
				"the host refuses sign-in or every trade; with the numbers of another merchant, money goes to the wrong account",
			),
		}},
		{CauseKeysRolled, advice{
			nextTest: text.New("sign out and sign in once: when trade passes again, the working keys were out of step"),
			fix:      text.New("sign in again once; load nothing, since the master key is right"),
			prevention: text.New(
				"let one terminal at a time sign in under a terminal id, and let the application sign in by itself after A0 or 99",
			),
			impact: text.New(
				"every transaction is refused until the next sign-in, none is charged twice; when it comes back, somebody else uses the terminal id",
			),
		}},
		{CauseMACRule, advice{
			nextTest: text.New(
				"compute the MAC of a captured message by every rule, range of fields and padding, and see which one the host's is",
			),
			fix:        text.New("set the rule that the acquirer names on the terminal: algorithm, first and last field, padding"),
			prevention: text.New("test with a message and its MAC from the acquirer before rollout"),
			impact:     text.New("sign-in passes and every trade is refused; never let the host switch its MAC check off instead"),
		}},
		{CausePINBlock, advice{
			nextTest: text.New(
				"enter a made-up PIN with a test card and let the host's HSM say which format and which account digits give it",
			),
			fix: text.New(
				"set format and account digits alike on both sides (usually ISO format 0, twelve digits without the check digit)",
			),
			prevention: text.New("make a purchase with PIN by a test card part of every acceptance"),
			impact:     text.New("every right PIN counts as wrong, and cardholders' cards get blocked; no PIN is exposed"),
		}},
	}
}
