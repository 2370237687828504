package diagnose_test

// Time stamps of terminals, loggers, syslog and Windows are read, and what is none is left alone.

import (
	"testing"
	"time"
)

func TestTimeStampsOfEveryFormAreRead(t *testing.T) {
	want := time.Date(2026, 11, 23, 9, 6, 7, 0, time.UTC)
	ears := hearing(t)
	for _, stamp := range []string{
		"2026-11-23 09:06:07", "2026-11-23T09:06:07Z", "2026-11-23T17:06:07.000+08:00", "[2026/11/23 09:06:07]", "2026/11/23 9:06:07",
		"2026.11.23 09:06:07", "2026年11月23日 09:06:07", "2026年11月23日09时06分07秒", "2026年11月23日 上午9:06:07", "20261123090607",
		"20261123 090607", "23/11/2026 09:06:07", "23.11.2026 09:06:07", "23-11-2026 09:06:07", "11/23/2026 9:06:07 AM",
		"23-Nov-2026 09:06:07", "23 Nov 2026 09:06:07", "[23/Nov/2026:17:06:07 +0800]", "Mon, 23 Nov 2026 09:06:07 GMT",
		"Mon Nov 23 09:06:07 2026", "Nov 23, 2026 9:06:07 AM", "Nov 23 09:06:07", "<34>Nov 23 09:06:07", "11-23 09:06:07.000",
		"<165>1 2026-11-23T09:06:07.000Z", "1795424767", "1795424767000", "1795424767.000", "2026-11-23 09:06:07,000",
		"ERROR 2026-11-23 09:06:07,000", "[main] ERROR 2026-11-23 09:06:07", `Error,11/23/2026 9:06:07 AM`, `"错误","2026/11/23 9:06:07"`,
		"TimeCreated : 11/23/2026 9:06:07 AM;", "日期：2026/11/23 9:06:07;", "time=2026-11-23T09:06:07Z",
	} {
		events, _ := readLogBy(t, ears, stamp+" tamper detected, all keys erased\n")
		if len(events) != 1 || !events[0].At.Equal(want) {
			t.Errorf("%q: %+v", stamp, events)
		}
	}
}

func TestWhatIsNoTimeStampIsLeftInTheLine(t *testing.T) {
	ears := hearing(t)
	for _, line := range []string{"14/02/B tamper detected", "8D0A74B8 tamper", "31/31/2026 09:00:00 tamper", "2026-13-01 09:00:00 tamper",
		"17954247671 tamper", "tamper 2026"} {
		events, _ := readLogBy(t, ears, line+"\n")
		if len(events) != 1 || !events[0].At.IsZero() {
			t.Errorf("%q: %+v", line, events)
		}
	}
}

func TestTheOrderOfDayAndMonthIsLearntFromTheLog(t *testing.T) {
	ears := hearing(t)
	for first, month := range map[string]time.Month{"23/11/2026 08:00:00 boot": time.April, "11/23/2026 08:00:00 boot": time.March} {
		events, _ := readLogBy(t, ears, first+"\n03/04/2026 09:00:00 tamper detected\n")
		last := events[len(events)-1]
		if last.At.Month() != month {
			t.Errorf("after %q: %s, want %s", first, last.At, month)
		}
	}
}

func TestARecordOfSeveralLinesHasTheTimeOfItsOwn(t *testing.T) {
	const log = "TimeCreated  : 2026/11/23 9:06:07\nProviderName : PosKeys\nMessage      : tamper detected, all keys erased\n\ntamper again\n"
	events, _ := readLog(t, log)
	if len(events) != 2 || events[0].At.IsZero() || !events[1].At.IsZero() {
		t.Errorf("%+v", events)
	}
}
