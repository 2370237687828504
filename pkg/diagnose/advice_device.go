package diagnose

// What to do about the state of a device.

import "poskey/internal/text"

func deviceAdvice() []advised {
	return []advised{
		{CauseEmptySlot, advice{
			nextTest: text.New(
				"list slots and check values; when all are empty, look at the tamper state before anything is loaded",
			),
			fix:        text.New("inject the missing key, compare its check value, then sign in once"),
			prevention: text.New("read every slot back after injection, and again before the terminal leaves the house"),
			impact: text.New(
				"what needs this key does not work, so usually no trade at all; an empty slot exposes nothing unless tamper emptied it",
			),
		}},
		{CauseWrongSlot, advice{
			nextTest: text.New(
				"compare the key index in the terminal's parameters with the list of slots and their check values",
			),
			fix: text.New(
				"set the key index to the slot that holds the key, or load the key into the slot that the parameters name; then sign in once",
			),
			prevention: text.New(
				"state the index in the plan and on the label, and say whether it is decimal or hex and counts from 0 or 1",
			),
			impact: text.New(
				"the terminal cannot sign in or uses a key of another purpose; a key left over in a wrong slot is one that nobody watches",
			),
		}},
		{CausePinpadPort, advice{
			nextTest: text.New(
				"see whether the PIN pad answers at the port that is set, and whether internal or external pad is set",
			),
			fix: text.New(
				"set the right pad and port, plug it in, restart the application, and list the slots again; load nothing before that",
			),
			prevention: text.New("note pad, port and speed in the profile of the terminal, and fasten the plug"),
			impact: text.New(
				"no PIN can be entered, other trade may go on; the keys sit in the pad that is not asked, and a foreign pad at the port is a danger",
			),
		}},
		{CauseTamper, advice{
			nextTest: text.New(
				"ask the device for its tamper state and count its keys; look at seals and housing, and open nothing",
			),
			fix: text.New(
				"take the device out of use and follow its vendor's procedure; then inject new keys: no unlocking brings the old ones back",
			),
			prevention: text.New(
				"keep spare devices, handle and ship them as their maker says, and look at their seals at every visit",
			),
			impact: text.New(
				"the device trades no more, and its last batch may be lost; the keys erased themselves, but somebody may have been inside",
			),
		}},
		{CauseInjectorClock, advice{
			nextTest: text.New(
				"compare the dates of terminal, injector and server with each other, and with the days of their certificates",
			),
			fix: text.New(
				"set the clock from a source that is trusted, then authenticate again; do not put a clock back to make an old certificate pass",
			),
			prevention: text.New("look at the clocks before every injection run, and replace a battery that loses the time"),
			impact: text.New(
				"authentication fails and no key is loaded, trade with loaded keys goes on; a clock put back lets expired certificates in",
			),
		}},
		{CauseKeyService, advice{
			nextTest: text.New(
				"list the slots with the tool of the operating system or of the vendor: when they are there, the keys are sound",
			),
			fix: text.New(
				"settle the batch, restart the key service, then the application; load no keys: they are still there",
			),
			prevention: text.New(
				"watch the key service, let the application find it again by itself, and test that before rollout",
			),
			impact: text.New(
				"no trade for minutes, and unsettled transactions are at stake when the restart is rash; the keys are not touched",
			),
		}},
	}
}
