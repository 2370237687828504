package dukpt

import (
	"math/bits"
	"strings"
	"testing"

	"poskey/internal/fault"
)

func TestKSNIsReadAsPeopleWriteIt(t *testing.T) {
	for _, c := range []struct {
		in, want string
		scheme   Scheme
	}{
		{"FFFF9876543210E00001", "FFFF9876543210E00001", TDES},
		{"ffff9876543210e00001", "FFFF9876543210E00001", TDES},
		{" FFFF 9876 5432-10E0:0001\n", "FFFF9876543210E00001", TDES},
		{"00000000000000000000", "00000000000000000000", TDES},
		{"123456789012345600000001", "123456789012345600000001", AES},
		{"12345678 90123456 0000-0001", "123456789012345600000001", AES},
	} {
		k, err := ParseKSN(c.in)
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		if k.String() != c.want || k.Scheme() != c.scheme || k.IsZero() {
			t.Errorf("%q is read as %s (%s), want %s (%s)", c.in, k, k.Scheme(), c.want, c.scheme)
		}
		if again, err := ParseKSN(k.String()); err != nil || again != k {
			t.Errorf("%q: what is written is read as %v, %v", c.in, again, err)
		}
	}
}

func TestKSNOfAWrongFormIsRefusedWithItsClass(t *testing.T) {
	for _, c := range []struct {
		in   string
		kind fault.Kind
		says []string
	}{
		{"", fault.KSNLength, []string{"empty"}},
		{" - ", fault.KSNLength, []string{"empty"}},
		{"9876543", fault.KSNLength, []string{"7", "20 (TDES", "24 (AES"}},
		{"9876543210E00000", fault.KSNLength, []string{"16", "FFFF in front (left-f)", "0000 in front (left-zero)", "0000 behind (right-zero)", "(ikid)"}},
		{"76543210E0", fault.KSNLength, []string{"10", "FFFFFFFFFF in front (left-f)"}},
		{"FFF9876543210E00001", fault.KSNLength, []string{"19", "F in front (left-f)", "0 behind (right-zero)"}},
		{"FFFFF9876543210E00001", fault.KSNLength, []string{"21"}},
		{"12345678901234560000000", fault.KSNLength, []string{"23"}},
		{"1234567890123456000000011", fault.KSNLength, []string{"25"}},
		{strings.Repeat("F", 1<<17), fault.KSNLength, []string{"131072"}},
		{"FFFF98765432lOE00001", fault.MalformedHex, []string{"digit 13", "the letter l"}},
		{"FFFF9876543210EOOOO1", fault.MalformedHex, []string{"digit 16", "the letter O"}},
		{"FFFF9876543210E0000G", fault.MalformedHex, []string{"digit 20"}},
		{"12345678901234560000000X", fault.MalformedHex, []string{"digit 24"}},
		{"FFFF9876543210E000０", fault.MalformedHex, []string{"ASCII"}}, // 17 digits and three bytes of a full-width zero
	} {
		k, err := ParseKSN(c.in)
		if !fault.Is(err, c.kind) || !k.IsZero() || k != (KSN{}) {
			t.Errorf("%.40q: got %v, %v, want kind %s", c.in, k, err, c.kind)
			continue
		}
		for _, word := range c.says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%.40q: %q does not say %q", c.in, err, word)
			}
		}
	}
}

func TestKSNErrorNeverRepeatsWhatMayBeAKey(t *testing.T) {
	for _, in := range []string{"0123456789ABCDEF", tdesBDK, tdesBDK + tdesBDK, "0123456789ABCDEFG"} {
		if _, err := ParseKSN(in); err == nil || strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%v", err)
		}
		if _, err := ParseShortKSN(in, LeftF); err != nil && strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%v", err)
		}
	}
}

func TestShortKSNNeedsItsPaddingNamed(t *testing.T) {
	for _, c := range []struct {
		in      string
		padding Padding
		want    string
	}{
		{"9876543210E00001", LeftF, "FFFF9876543210E00001"},
		{"9876543210e0 0001", LeftZero, "00009876543210E00001"},
		{"9876543210E00001", RightZero, "9876543210E000010000"},
		{"876543210E00001", LeftF, "FFFFF876543210E00001"}, // an odd number of digits: the device dropped five F's
		{"3210E00001", LeftF, "FFFFFFFFFF3210E00001"},
		{"FFFF9876543210E00001", LeftF, "FFFF9876543210E00001"}, // nothing is missing
		{"FFFF9876543210E00001", RightZero, "FFFF9876543210E00001"},
		{"12345678 90123456", IKID, "123456789012345600000000"},
	} {
		k, err := ParseShortKSN(c.in, c.padding)
		if err != nil || k.String() != c.want {
			t.Errorf("%s, %s: got %s, %v, want %s", c.in, c.padding, k, err, c.want)
		}
	}
	for _, c := range []struct {
		in      string
		padding Padding
		kind    fault.Kind
	}{
		{"9876543210E00001", "", fault.Usage},
		{"9876543210E00001", "right-f", fault.Usage},
		{"9876543210E00001", "LEFT-F", fault.Usage}, // only ParsePadding takes another spelling
		{"123456789012345", IKID, fault.KSNLength},
		{"FFFF9876543210E00001", IKID, fault.KSNLength},
		{"210E00001", LeftF, fault.KSNLength},
		{"FFFFF9876543210E00001", LeftF, fault.KSNLength},
		{"123456789012345600000001", LeftF, fault.KSNLength},
		{"9876543210EO0001", LeftF, fault.MalformedHex},
		{"876543210E0000Z", LeftF, fault.MalformedHex},
	} {
		if k, err := ParseShortKSN(c.in, c.padding); !fault.Is(err, c.kind) || !k.IsZero() {
			t.Errorf("%s, %q: got %v, %v, want kind %s", c.in, c.padding, k, err, c.kind)
		}
	}
	if _, err := ParseShortKSN("876543210E0O001", LeftF); !strings.Contains(err.Error(), "digit 12") {
		t.Errorf("the position is not that of the text given: %v", err)
	}
}

func TestPaddingsHaveTheNamesOfTheCommandLine(t *testing.T) {
	for in, want := range map[string]Padding{"left-f": LeftF, " Left-Zero ": LeftZero, "RIGHT-ZERO": RightZero, "ikid": IKID} {
		if p, err := ParsePadding(in); err != nil || p != want {
			t.Errorf("%q: %s, %v", in, p, err)
		}
	}
	if _, err := ParsePadding(tdesBDK); !fault.Is(err, fault.Usage) || strings.Contains(err.Error(), tdesBDK) {
		t.Errorf("%v", err)
	}
}

func TestOnlyAShortKSNHasReadings(t *testing.T) {
	for in, want := range map[string]int{
		"9876543210E00001": 4, "3210E00001": 3, "FFF9876543210E00001": 3, "9876 5432 10E0 0001": 4,
		"210E00001": 0, "FFFF9876543210E00001": 0, "123456789012345600000001": 0, "": 0, "9876543210EO0001": 0,
	} {
		all := ShortReadings(in)
		if len(all) != want {
			t.Errorf("%q has %d readings, want %d", in, len(all), want)
		}
		for i, r := range all {
			if r.Padding != Paddings()[i] || (r.KSN.Scheme() == AES) != (r.Padding == IKID) {
				t.Errorf("%q: reading %d is %+v", in, i+1, r)
			}
		}
	}
}

func TestKSNOfPartsIsThatOfTheForm(t *testing.T) {
	for _, c := range []struct {
		keySet, device, counter, want string
		warns                         []string
	}{
		{"987654", "3210E", "00001", "FFFF9876543210E00001", nil},
		{"987654", "3210E", "1", "FFFF9876543210E00001", nil},
		{"FFFF987654", "3210e", "FFFFF", "FFFF9876543210EFFFFF", nil},
		{"987654", "3210E", "100000", "FFFF9876543210F00000", []string{"six_digit_counter"}}, // jPOS, two vectors
		{"987654", "3210E", "0FFFFF", "FFFF9876543210EFFFFF", nil},
		{"987654", "3210F", "00001", "FFFF9876543210F00001", []string{"odd_device"}},
	} {
		k, warnings, err := JoinKSN(c.keySet, c.device, c.counter)
		if err != nil || k.String() != c.want {
			t.Errorf("%s/%s/%s: got %s, %v, want %s", c.keySet, c.device, c.counter, k, err, c.want)
		}
		wantWarnings(t, warnings, c.warns...)
	}
	for _, c := range []struct {
		keySet, device, counter string
		kind                    fault.Kind
	}{
		{"98765", "3210E", "00001", fault.KSNLength},
		{"FFFFF987654", "3210E", "00001", fault.KSNLength},
		{"987654", "3210", "00001", fault.KSNLength},
		{"987654", "13210E", "00001", fault.KSNLength},
		{"987654", "3210E", "", fault.KSNLength},
		{"987654", "3210E", "0000001", fault.KSNLength},
		{"987654", "3210O", "00001", fault.MalformedHex},
		{"987654", "3210F", "100000", fault.CounterBits}, // would be device 32110
		{"987654", "3210E", "200000", fault.CounterBits},
	} {
		if k, _, err := JoinKSN(c.keySet, c.device, c.counter); !fault.Is(err, c.kind) || !k.IsZero() {
			t.Errorf("%s/%s/%s: got %s, %v, want kind %s", c.keySet, c.device, c.counter, k, err, c.kind)
		}
	}
}

func wantWarnings(t *testing.T, got []Warning, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("warnings %v, want %v", got, want)
		return
	}
	for i, w := range got {
		if w.ID != want[i] || w.Text.IsZero() || !fault.Is(w.Err(), w.Kind) || w.Err().Error() != w.Text.String() {
			t.Errorf("warning %d is %+v, want %s", i+1, w, want[i])
		}
	}
}

func TestWhatHidesInAnInitialKSNIsSaid(t *testing.T) {
	for ksn, want := range map[string][]string{
		"FFFF9876543210E00000":     nil,
		"FFFF9876543210E00001":     {"counter_not_zero"},
		"FFFF9876543210F00000":     {"odd_device"},
		"FFFF9876543210F00001":     {"odd_device", "counter_not_zero"},
		"123456789012345600000000": nil,
		"123456789012345600100000": {"counter_not_zero"},
		"123456789012345700000000": nil, // an odd derivation id means nothing
	} {
		wantWarnings(t, ksnOf(t, ksn).InitialWarnings(), want...)
	}
}

func TestTransactionOfAnOddDeviceIsDoubtful(t *testing.T) {
	for ksn, want := range map[string][]string{
		"FFFF9876543210E00001":     nil,
		"FFFF9876543210F00000":     {"odd_device"},
		"FFFF9876543210F00001":     nil, // half of all transactions look like this
		"123456789012345600100000": nil,
	} {
		wantWarnings(t, ksnOf(t, ksn).Warnings(), want...)
	}
}

// TestFieldsAreThoseOfTheUsualLayout: reference layouts of TDES (FFFF, key set, device, counter) and of X9.24-3:2017.
func TestFieldsAreThoseOfTheUsualLayout(t *testing.T) {
	for ksn, want := range map[string]string{
		"FFFF9876543210E00001":     "prefix=FFFF key_set_id=987654 device_id=3210E counter=000001",
		"FFFF9876543210F00003":     "prefix=FFFF key_set_id=987654 device_id=3210E counter=100003",
		"FFFF9876543210FFFFFF":     "prefix=FFFF key_set_id=987654 device_id=3210E counter=1FFFFF",
		"01239876543210E00000":     "prefix=0123 key_set_id=987654 device_id=3210E counter=000000",
		"1234567890ABCDEF00020001": "key_set_id=12345678 derivation_id=90ABCDEF counter=00020001",
	} {
		k := ksnOf(t, ksn)
		var got []string
		for _, f := range k.Fields() {
			if f.Name.IsZero() || f.Meaning.IsZero() {
				t.Errorf("%s: field %s is not explained", ksn, f.ID)
			}
			got = append(got, f.ID+"="+f.Digits)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", ksn, got, want)
		}
	}
	aes := ksnOf(t, "1234567890ABCDEF00020001")
	if aes.KeySetID() != "12345678" || aes.DeviceID() != "90ABCDEF" || aes.IKID() != "1234567890ABCDEF" {
		t.Errorf("%s %s %s", aes.KeySetID(), aes.DeviceID(), aes.IKID())
	}
	tdes := ksnOf(t, "FFFF9876543210F00003")
	if tdes.KeySetID() != "987654" || tdes.DeviceID() != "3210E" || tdes.IKID() != "" {
		t.Errorf("%s %s %s", tdes.KeySetID(), tdes.DeviceID(), tdes.IKID())
	}
	none := KSN{}
	if none.Fields() != nil || none.KeySetID() != "" || none.DeviceID() != "" || none.IKID() != "" || none.String() != "" || none.Scheme() != "" {
		t.Error("no KSN has fields")
	}
}

func TestCounterStandsInTheLowBits(t *testing.T) {
	for ksn, want := range map[string]uint32{
		"FFFF9876543210E00000":     0,
		"FFFF9876543210E00001":     1,
		"FFFFFFFFFFFFFFFFFFFF":     0x1FFFFF,
		"FFFF9876543210F00000":     0x100000,
		"123456789012345600000000": 0,
		"FFFFFFFFFFFFFFFFFFFFFFFF": 0xFFFFFFFF,
	} {
		k := ksnOf(t, ksn)
		if k.Counter() != want || k.BitsSet() != bits.OnesCount32(want) {
			t.Errorf("%s: counter %X, want %X", ksn, k.Counter(), want)
		}
		if i := k.Initial(); i.Counter() != 0 || i.withCounter(want) != k || i.Scheme() != k.Scheme() {
			t.Errorf("%s: the initial KSN is %s", ksn, i)
		}
	}
	if got := ksnOf(t, "FFFFFFFFFFFFFFFFFFFF").Initial().String(); got != "FFFFFFFFFFFFFFE00000" {
		t.Errorf("the initial KSN is %s", got)
	}
	k, err := ksnOf(t, tdesKSN).WithCounter(0x1FF800)
	if err != nil || k.String() != "FFFF9876543210FFF800" {
		t.Errorf("%s, %v", k, err)
	}
	if k, err := ksnOf(t, tdesKSN).WithCounter(0x200000); !fault.Is(err, fault.CounterBits) || !k.IsZero() {
		t.Errorf("%s, %v", k, err)
	}
	if k, err := (KSN{}).WithCounter(1); !fault.Is(err, fault.CounterBits) || !k.IsZero() {
		t.Errorf("%s, %v", k, err)
	}
}

func TestCounterThatIsNoTransactionIsRefusedWithTheReason(t *testing.T) {
	for _, c := range []struct {
		ksn  string
		says []string
	}{
		{"FFFF9876543210E00000", []string{"counter 0", "first transaction has counter 1"}},
		{"FFFF9876543210E007FF", []string{"counter 7FF has 11 bits set", "at most 10", "next valid counter is 800"}},
		{"FFFF9876543210FFFFFF", []string{"1FFFFF has 21 bits", "end of its life"}},
		{"FFFF9876543210FFF801", []string{"11 bits", "end of its life"}},
		{"123456789012345600000000", []string{"counter 0"}},
		{"12345678901234560001FFFF", []string{"counter 1FFFF has 17 bits set", "at most 16", "next valid counter is 20000"}},
		{"1234567890123456FFFF0001", []string{"17 bits", "end of its life"}},
		{"1234567890123456FFFFFFFF", []string{"32 bits", "end of its life"}},
	} {
		err := ksnOf(t, c.ksn).CheckCounter()
		if !fault.Is(err, fault.CounterBits) || fault.KindOf(err).Exit() != 3 {
			t.Errorf("%s: %v", c.ksn, err)
			continue
		}
		for _, word := range c.says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q does not say %q", c.ksn, err, word)
			}
		}
	}
	for _, ksn := range []string{"FFFF9876543210E00001", "FFFF9876543210E003FF", "FFFF9876543210FFF800", "123456789012345600000001",
		"12345678901234560000FFFF", "1234567890123456FFFF0000"} {
		if err := ksnOf(t, ksn).CheckCounter(); err != nil {
			t.Errorf("%s: %v", ksn, err)
		}
	}
	if err := (KSN{}).CheckCounter(); !fault.Is(err, fault.KSNLength) {
		t.Errorf("no KSN: %v", err)
	}
}

// TestEveryTDESCounterHasItsNext: brute force over all 2^21 counters, from the last to the first.
func TestEveryTDESCounterHasItsNext(t *testing.T) {
	base := ksnOf(t, tdesKSN)
	next, left := uint32(0), uint64(0)
	for c := uint32(1<<21 - 1); ; c-- {
		k := base.withCounter(c)
		got, ok := k.Next()
		if ok != (next != 0) || ok && got != base.withCounter(next) || !ok && !got.IsZero() {
			t.Fatalf("after %X comes %X (%v), want %X", c, got.Counter(), ok, next)
		}
		if c%257 == 0 || c < 5000 || c > 1<<21-5000 {
			if n := k.Remaining(); n != left {
				t.Fatalf("after %X %d transactions are left, want %d", c, n, left)
			}
		}
		valid := c != 0 && bits.OnesCount32(c) <= 10
		if valid != (k.CheckCounter() == nil) {
			t.Fatalf("%X: %v", c, k.CheckCounter())
		}
		if c == 0 {
			break
		}
		if valid {
			next, left = c, left+1
		}
	}
	if left != 1_048_575 {
		t.Errorf("%d transactions, want 1,048,575", left)
	}
}

// TestAESCountersNearTheLimitHaveTheirNext: brute force in windows, from the end of each to its beginning.
func TestAESCountersNearTheLimitHaveTheirNext(t *testing.T) {
	base := ksnOf(t, aesKSN)
	if got := base.Remaining(); got != 2_448_023_842 {
		t.Errorf("%d transactions, want 2,448,023,842", got)
	}
	const window = 2000
	for _, middle := range []uint32{window, 0xFFFF, 0x1FFFF, 0x2FFFE, 0x3FFFC, 0x10FFFF, 0x7FFF8000, 0x80007FFF, 0xFFFE8000, 0xFFFF0000 - window} {
		end := middle + window
		for next := base.withCounter(end); ; { // begin where a counter is valid
			if next.CheckCounter() == nil {
				end = next.Counter()
				break
			}
			next = base.withCounter(next.Counter() + 1)
		}
		want, left := end, base.withCounter(end).Remaining()+1
		for c := end - 1; c > middle-window; c-- {
			k := base.withCounter(c)
			if got, ok := k.Next(); !ok || got.Counter() != want {
				t.Fatalf("after %X comes %X, want %X", c, got.Counter(), want)
			}
			if n := k.Remaining(); n != left {
				t.Fatalf("after %X %d transactions are left, want %d", c, n, left)
			}
			if bits.OnesCount32(c) <= 16 {
				want, left = c, left+1
			}
		}
	}
	for _, c := range []uint32{0xFFFF0000, 0xFFFF0001, 0xFFFFFFFF} {
		if k, ok := base.withCounter(c).Next(); ok || base.withCounter(c).Remaining() != 0 {
			t.Errorf("after %X comes %X", c, k.Counter())
		}
	}
	if (KSN{}).Remaining() != 0 {
		t.Error("no KSN has transactions left")
	}
	if _, ok := (KSN{}).Next(); ok {
		t.Error("no KSN has a next one")
	}
}
