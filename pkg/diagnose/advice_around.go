package diagnose

// What to do about time, software, line, power, memory and place, and about people.

import "poskey/internal/text"

func aroundAdvice() []advised {
	return []advised{
		{CauseKeyExpired, advice{
			nextTest:   text.New("compare the last day of the key in the inventory and in its block with both clocks"),
			fix:        text.New("rotate the key and load its successor; do not put off the day or the clock"),
			prevention: text.New("list the keys that end within the next month, every week, and plan their rotation"),
			impact: text.New(
				"trade stops on a date for all devices with the key at once; a key used beyond its day gave attackers more time and data than planned",
			),
		}},
		{CauseFirmwareOld, advice{
			nextTest:   text.New("compare the software's version with the one that knows this block version, algorithm and usage"),
			fix:        text.New("update with software that its vendor signed, then load the key again"),
			prevention: text.New("state the least version in the plan, and refuse older devices before a run begins"),
			impact: text.New(
				"the new key is not taken, trade under the old one goes on; old software keeps old weaknesses, and old key forms with them",
			),
		}},
		{CauseLinkFault, advice{
			nextTest: text.New(
				"send the same question several times and count time-outs and damaged answers; change cable, port and speed one by one",
			),
			fix:        text.New("mend line, cable or network, then resume: the journal knows what was loaded"),
			prevention: text.New("use frames that are checked, retries and a journal, and test the line before a run"),
			impact: text.New(
				"loads end without a known outcome and take time to settle; a number of a key set that may have arrived is burnt",
			),
		}},
		{CausePowerLoss, advice{
			nextTest: text.New(
				"read the device's log round the time of the fault, the backup battery, and the state of each slot",
			),
			fix: text.New(
				"replace the battery as the vendor says while the device has power; then load again what is missing",
			),
			prevention: text.New("act on the first battery warning, and load keys only on steady power"),
			impact: text.New(
				"the terminal may fall silent in the middle of trade; when the battery is empty it erases its keys, and has to be injected anew",
			),
		}},
		{CauseStorageCorrupt, advice{
			nextTest: text.New(
				"compare every slot's check value with the inventory, and look for a load in the log that would explain the difference",
			),
			fix:        text.New("erase the slot and load the key again; when it happens a second time, replace the device"),
			prevention: text.New("compare the slots with the inventory at fixed times, and not only when trade fails"),
			impact: text.New(
				"what needs this slot fails, the rest works on; a value that changed by itself may also be a key that somebody loaded",
			),
		}},
		{CauseEnvironment, advice{
			nextTest: text.New(
				"read the sensors over a day, and hold the faults against heat, damp, sun and vibration at the place",
			),
			fix:        text.New("move the device or cool the place; what tamper erased has to be injected anew"),
			prevention: text.New("look at the place before a terminal is set up, and read the sensors with each status"),
			impact: text.New(
				"faults come and go, and at the limit the device erases its keys and stops; the keys themselves are not exposed",
			),
		}},
		{CauseKeyExposed, advice{
			nextTest: text.New(
				"list who saw what from the audit log and the ledger of bags, and which keys and devices hang under this key",
			),
			fix: text.New("stop using the key, mark it compromised, and replace it and every key beneath it"),
			prevention: text.New(
				"keep dual control and sealed bags, let no component be read aloud or copied, and compare bag numbers on arrival",
			),
			impact: text.New(
				"terminals under the key stop until they are loaded anew; whatever was sent under it can be read by who has it",
			),
		}},
		{CauseProcedure, advice{
			nextTest: text.New(
				"count slips in the audit log by station, person and hour, and watch one load there from beginning to end",
			),
			fix:        text.New("let a second person read along, lead the work by a script, and train who makes the slips"),
			prevention: text.New("rehearse ceremonies with throw-away keys, and look at the numbers of slips every month"),
			impact: text.New(
				"devices wait and are loaded twice; who works around the rules to save time sooner or later exposes a key",
			),
		}},
	}
}
