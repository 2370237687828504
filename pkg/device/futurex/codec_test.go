package futurex

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/device"
	"poskey/pkg/device/futurex/table"
	"poskey/pkg/dukpt"
	"poskey/pkg/keys"
)

// golden is a row of testdata/vectors/futurex_frames.json.
type golden struct {
	ID, From, Payload, LRC string
	Bytes                  int
}

func (g golden) wire(t testing.TB) []byte {
	w := append([]byte{table.STX}, g.Payload...)
	return append(append(w, table.ETX), testvec.Hex(t, g.LRC)...)
}

func goldens(t testing.TB) map[string]golden {
	t.Helper()
	all := map[string]golden{}
	for _, g := range testvec.Load[golden](t, "futurex_frames.json") {
		if g.Bytes != len(g.wire(t)) {
			t.Fatalf("%s has %d bytes, the vector says %d", g.ID, len(g.wire(t)), g.Bytes)
		}
		all[g.ID] = g
	}
	return all
}

func theGolden(t testing.TB, id string) golden {
	t.Helper()
	g, ok := goldens(t)[id]
	if !ok {
		t.Fatalf("there is no golden frame %s", id)
	}
	return g
}

func TestGoldenFramesAreBuiltAndReadByteForByte(t *testing.T) {
	live := secret.Live()
	for id, g := range goldens(t) {
		f, err := NewFrame([]byte(g.Payload))
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		wantWire(t, id, f, g)
		back, err := DecodeFrame(g.wire(t))
		if err != nil || !back.Equal(f) || back.Len() != g.Bytes {
			t.Errorf("%s is not read back: %v", id, err)
		}
		back.Wipe()
		f.Wipe()
	}
	if secret.Live() != live {
		t.Errorf("%d secrets stayed live", secret.Live()-live)
	}
}

func wantWire(t *testing.T, id string, f Frame, g golden) {
	t.Helper()
	wire := f.Encode()
	defer wire.Wipe()
	if !bytes.Equal(wire.Expose(), g.wire(t)) {
		t.Errorf("%s is %q, want %q", id, wire.Expose(), g.wire(t))
	}
}

func TestWhatCannotBeAFrameIsRefused(t *testing.T) {
	for name, wire := range map[string]string{
		"nothing":          "",
		"half a command":   "0230033 3",
		"another start":    "0F3033303103 01",
		"another end":      "023033303104 01",
		"wrong LRC":        "023033303103 00",
		"a byte that is 0": "023033300003 30",
		"beyond ASCII":     "0230338030 03 B0",
		"too long":         "02" + strings.Repeat("30", table.MaxPayload+1) + "0333",
	} {
		f, err := DecodeFrame(testvec.Hex(t, strings.ReplaceAll(wire, " ", "")))
		if err == nil || f != (Frame{}) {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

const (
	keyKTK  = "19191919191919195B5B5B5B5B5B5B5B"
	keyPIN  = "0123456789ABCDEFFEDCBA9876543210"
	keyIK   = "6AC292FAA1315B4D858AB3A3D7D5933A"
	cryptPI = "B2623DBB80EC770D5FABBA8E733579AC"
	ksnIK   = "FFFF9876543210E00000"
)

func sec(t testing.TB, digits string) *secret.Bytes {
	t.Helper()
	s, err := keys.ParseHex([]byte(digits))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Wipe)
	return s
}

func goldenInjects(t testing.TB) map[string]struct {
	l Layout
	m Inject
} {
	type row = struct {
		l Layout
		m Inject
	}
	pin := Inject{Slot: 3, KTKSlot: 5, Type: table.PIN, Enc: table.UnderKTK, Check: "08D7", KTKCheck: "C0D5",
		KSN: table.NoKSN, Key: sec(t, cryptPI)}
	dialect := pin
	dialect.Algorithm, dialect.Subtype = "00", table.SubPIN
	return map[string]row{
		"inject-ktk-clear-slot-05": {Layout{}, Inject{Slot: 5, Type: table.KTK, Enc: table.Clear, Check: "C0D5",
			KTKCheck: table.NoCheck, KSN: table.NoKSN, Key: sec(t, keyKTK)}},
		"inject-pin-under-ktk":         {Layout{}, pin},
		"inject-pin-under-ktk-dialect": {Layout{Fields: true}, dialect},
		"inject-tdes-ik-clear-slot-01": {Layout{HexSlots: true}, Inject{Slot: 1, Type: table.TDESInitial, Enc: table.Clear,
			Check: "AF8C", KTKCheck: table.NoCheck, KSN: ksnIK, Key: sec(t, keyIK)}},
	}
}

func TestInjectCommandsAreTheGoldenOnes(t *testing.T) {
	for id, c := range goldenInjects(t) {
		f, err := c.l.Inject(c.m)
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		wantWire(t, id, f, theGolden(t, id))
		m, err := c.l.ParseInject(f)
		if err != nil || !m.Key.Equal(c.m.Key) {
			t.Fatalf("%s is not read back: %v", id, err)
		}
		m.Key.Wipe()
		m.Key = c.m.Key
		if m != c.m {
			t.Errorf("%s is read as %+v, want %+v", id, m, c.m)
		}
		f.Wipe()
	}
}

func TestOtherCommandsAreTheGoldenOnes(t *testing.T) {
	for id, build := range map[string]func() (Frame, error){
		"ask-serial":             AskSerial,
		"set-serial":             func() (Frame, error) { return SetSerial("1234567890ABCDEF") },
		"delete-all":             DeleteAll,
		"delete-slot-03-type-05": func() (Frame, error) { return Layout{}.DeleteKey(3, table.PIN) },
		"poll":                   func() (Frame, error) { return NewFrame([]byte(table.Poll)) },
		"poll-answer":            func() (Frame, error) { return NewFrame([]byte(table.PollAnswer)) },
	} {
		f, err := build()
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		wantWire(t, id, f, theGolden(t, id))
		f.Wipe()
	}
}

func TestGoldenAnswersAreRead(t *testing.T) {
	for id, want := range map[string]Reply{
		"serial":                 {Command: "03", Code: "00", Serial: "1234567890ABCDEF"},
		"set-serial-done":        {Command: "04", Code: "00"},
		"delete-all-done":        {Command: "05", Code: "00"},
		"delete-failed":          {Command: "06", Code: "0B"},
		"inject-done":            {Command: "02", Code: "00", Check: "08D7"},
		"inject-check-wrong":     {Command: "02", Code: "12", Check: "0000"},
		"inject-ktk-check-wrong": {Command: "02", Code: "13", Check: "0000"},
		"inject-ktk-missing":     {Command: "02", Code: "0E", Check: "0000"},
		"inject-tamper":          {Command: "02", Code: "07", Check: "0000"},
		"inject-lrc":             {Command: "02", Code: "08", Check: "0000"},
	} {
		f, err := DecodeFrame(theGolden(t, id).wire(t))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseReply(f, want.Command); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", id, got, err, want)
		}
		f.Wipe()
		f, err = want.Frame()
		if err != nil {
			t.Fatal(err)
		}
		wantWire(t, id, f, theGolden(t, id))
		f.Wipe()
	}
}

func TestAnswersAreReadWholeOrNotAtAll(t *testing.T) {
	long := "020008D71234567890ABCDEFA920"
	f := frame(t, long)
	want := Reply{Command: "02", Code: "00", Check: "08D7", Serial: "1234567890ABCDEF", Model: "A920"}
	if got, err := ParseReply(f, table.Inject); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for payload, command := range map[string]string{
		"02":                     table.Inject,
		"0200":                   table.Inject,
		"020008D":                table.Inject,
		"0200XYZW":               table.Inject,
		"02zz08D7":               table.Inject,
		"020008D7123456789":      table.Inject,
		"0300":                   table.ReadSerial, // done, and no serial number
		"03001234567890ABCDEFA":  table.ReadSerial,
		"03001234567890ABCDE":    table.ReadSerial,
		"0400X":                  table.WriteSerial,
		"05":                     table.DeleteAll,
		"0100|POLL":              table.LegacyKey,
		"0500":                   table.DeleteKey,
		"03001234567890ABCDEF  ": table.ReadSerial,
	} {
		if got, err := ParseReply(frame(t, payload), command); err == nil || got != (Reply{}) {
			t.Errorf("%q to %s: %+v, %v", payload, command, got, err)
		}
	}
}

func frame(t testing.TB, payload string) Frame {
	t.Helper()
	f, err := NewFrame([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Wipe)
	return f
}

func TestASlotIsItsNumberInDecimalHoweverItIsWritten(t *testing.T) {
	for slot, want := range map[device.Slot][2]string{"00": {"00", "00"}, "09": {"09", "09"}, "10": {"10", "0A"},
		"15": {"15", "0F"}, "99": {"99", "63"}} {
		for i, l := range []Layout{{}, {HexSlots: true}} {
			n, err := l.ParseSlot(slot)
			if err != nil {
				t.Fatalf("slot %s: %v", slot, err)
			}
			got, err := l.slotDigits(n)
			if err != nil || got != want[i] || SlotName(n) != slot {
				t.Errorf("slot %s is written %s (%v), want %s", slot, got, err, want[i])
			}
			if back, err := l.slotNumber([]byte(got)); err != nil || back != n {
				t.Errorf("%s is read as %d, %v", got, back, err)
			}
		}
	}
	if n, err := (Layout{HexSlots: true}).ParseSlot("255"); err != nil || n != 255 {
		t.Errorf("slot 255: %d, %v", n, err)
	}
	for _, bad := range []device.Slot{"", "3", "003", "-1", "+1", "0F", "100", "A", "03 ", "1e1"} {
		if n, err := (Layout{}).ParseSlot(bad); !fault.Is(err, fault.NotFound) || n != 0 {
			t.Errorf("slot %q: %d, %v", bad, n, err)
		}
	}
	if _, err := (Layout{}).slotNumber([]byte("0F")); err == nil {
		t.Error("0F was read as a decimal slot")
	}
}

func TestWhatAnInjectCommandCannotCarryIsNotBuilt(t *testing.T) {
	good := goldenInjects(t)["inject-pin-under-ktk"].m
	for name, spoil := range map[string]func(m *Inject, l *Layout){
		"a slot of three digits":      func(m *Inject, _ *Layout) { m.Slot = 100 },
		"a KTK slot below zero":       func(m *Inject, _ *Layout) { m.KTKSlot = -1 },
		"a type of one digit":         func(m *Inject, _ *Layout) { m.Type = "5" },
		"a small letter":              func(m *Inject, _ *Layout) { m.Check = "08d7" },
		"a check value of six digits": func(m *Inject, _ *Layout) { m.Check = "08D7B4" },
		"no check value of the KTK":   func(m *Inject, _ *Layout) { m.KTKCheck = "" },
		"an AES KSN":                  func(m *Inject, _ *Layout) { m.KSN = "123456781234567800000000" },
		"a key of 17 bytes":           func(m *Inject, _ *Layout) { m.Key = sec(t, keyPIN+"00") },
		"no key":                      func(m *Inject, _ *Layout) { m.Key = nil },
		"fields in the base layout":   func(m *Inject, _ *Layout) { m.Algorithm, m.Subtype = "00", "01" },
		"a count in the base layout":  func(m *Inject, _ *Layout) { m.Total, m.Index = 2, 1 },
		"no fields in the dialect":    func(_ *Inject, l *Layout) { l.Fields = true },
		"key 3 of 2": func(m *Inject, l *Layout) {
			m.Algorithm, m.Subtype, m.Total, m.Index, l.Fields = "00", "01", 2, 3, true
		},
	} {
		m, l := good, Layout{}
		spoil(&m, &l)
		if f, err := l.Inject(m); err == nil || f != (Frame{}) {
			t.Errorf("%s: a frame and %v", name, err)
		}
	}
}

func TestTheDialectsCountIsWrittenAndReadBack(t *testing.T) {
	c := goldenInjects(t)["inject-pin-under-ktk-dialect"]
	c.m.Total, c.m.Index = 12, 3
	f, err := c.l.Inject(c.m)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Wipe()
	if !strings.HasSuffix(string(f.Data()), cryptPI+"012003") {
		t.Errorf("the count is not at the end")
	}
	m, err := c.l.ParseInject(f)
	if err != nil || m.Total != 12 || m.Index != 3 {
		t.Errorf("%+v, %v", m, err)
	}
	m.Key.Wipe()
}

func TestTheTwoLayoutsAreNotTakenForEachOther(t *testing.T) {
	for id, c := range goldenInjects(t) {
		f, err := c.l.Inject(c.m)
		if err != nil {
			t.Fatal(err)
		}
		other := c.l
		other.Fields = !other.Fields
		if m, err := other.ParseInject(f); err == nil || m != (Inject{}) {
			t.Errorf("%s was read in the other layout", id)
		}
		f.Wipe()
	}
}

func TestEveryReplyCodeIsExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, info := range table.Replies() {
		if seen[info.Code] || info.Code == table.Done || info.Meaning.IsZero() || info.Action.IsZero() {
			t.Errorf("code %q: %q, %q", info.Code, info.Meaning, info.Action)
		}
		seen[info.Code] = true
	}
	for n := 1; n <= 0x1D; n++ {
		if code := fmt.Sprintf("%02X", n); !seen[code] {
			t.Errorf("code %s has no explanation", code)
		}
	}
	if !seen[table.BrandWrong] || len(seen) != 0x1D+1 {
		t.Errorf("%d codes are explained", len(seen))
	}
	if err, listed := refusal(Reply{Command: "02", Code: "7F"}); listed || !strings.Contains(err.Error(), "02 7F") ||
		!strings.Contains(err.Error(), "not listed") {
		t.Errorf("an unlisted code: %v", err)
	}
}

func TestEachUsageGoesUnderOneType(t *testing.T) {
	for _, c := range []struct {
		alg   keys.Algorithm
		usage keys.Usage
		mode  byte
		l     Layout
		want  string
	}{
		{keys.TDES128, "K0", 'D', Layout{}, table.Master},
		{keys.TDES128, "K0", 'N', Layout{}, table.KTK},
		{keys.TDES128, "K0", 'B', Layout{}, ""}, // neither: a KTK is never made by a default
		{keys.TDES192, "P0", 'E', Layout{}, table.PIN},
		{keys.DES, "M1", 'G', Layout{}, table.MAC},
		{keys.DES, "M1", 'G', Layout{Fields: true}, ""}, // no code for it
		{keys.TDES128, "M3", 'G', Layout{}, table.MAC},
		{keys.TDES128, "D0", 'E', Layout{}, table.Data},
		{keys.TDES128, "B1", 'X', Layout{}, table.TDESInitial},
		{keys.TDES128, "B0", 'X', Layout{}, table.TDESBase},
		{keys.AES128, "B0", 'X', Layout{}, table.AESBase},
		{keys.AES256, "P0", 'E', Layout{}, ""}, // it would be read as TDES
		{keys.AES256, "P0", 'E', Layout{Fields: true}, table.PIN},
		{keys.AES128, "M6", 'G', Layout{Fields: true}, table.MAC},
		{keys.AES128, "K0", 'N', Layout{Fields: true}, table.KTK},
		{keys.SM4, "P0", 'E', Layout{Fields: true}, ""},
		{keys.HMACSHA256, "M7", 'G', Layout{Fields: true}, ""},
		{keys.TDES128, "V1", 'G', Layout{}, ""},
	} {
		got, err := c.l.typeOf(parcel{alg: c.alg, usage: c.usage, mode: c.mode})
		if got.Code != c.want || (err == nil) != (c.want != "") || err != nil && !fault.Is(err, fault.Usage) {
			t.Errorf("%s %s/%c (%+v): type %q, %v; want %q", c.alg, c.usage, c.mode, c.l, got.Code, err, c.want)
		}
	}
}

func TestCapabilitiesSayWhatTheDriverTakes(t *testing.T) {
	for _, l := range []Layout{{}, {HexSlots: true}, {Fields: true}} {
		caps := l.Capabilities()
		if len(caps.Slots) == 0 || !caps.Mute || caps.Proof != device.ProofAnswer || caps.BlockVersions != "" ||
			len(caps.InitialSlots) != l.slots() {
			t.Errorf("%+v: %+v", l, caps)
		}
		for _, r := range caps.Slots {
			for _, alg := range []keys.Algorithm{keys.DES, keys.TDES128, keys.TDES192, keys.AES128, keys.AES192, keys.AES256} {
				for _, mode := range []byte(r.Modes) {
					_, err := l.typeOf(parcel{alg: alg, usage: r.Usage, mode: mode})
					if says := ruleTakes(r, alg); says && err != nil {
						t.Errorf("%+v: the rule takes a %s key with %s/%c, the driver says %v", l, alg, r.Usage, mode, err)
					}
				}
			}
		}
	}
	ruled := Layout{}.Capabilities().Slots[0]
	if !ruled.Has("00") || !ruled.Has("99") || ruled.Has("100") || ruled.Has("3") {
		t.Error("the rules name other slots than 00 to 99")
	}
}

func ruleTakes(r device.SlotRule, alg keys.Algorithm) bool {
	c := byte('T')
	if alg.IsAES() {
		c = 'A'
	} else if alg == keys.DES {
		c = 'D'
	}
	fits := false
	for _, n := range r.Lengths {
		fits = fits || n == alg.KeyLen()
	}
	return fits && strings.IndexByte(r.Algorithms, c) >= 0
}

func TestInitialKeysNeedATDESKSNWithItsCounterAtZero(t *testing.T) {
	parse := func(s string) dukpt.KSN {
		k, err := dukpt.ParseKSN(s)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	if err := checkInitial(keys.TDES128, parse(ksnIK)); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		alg  keys.Algorithm
		ksn  dukpt.KSN
		kind fault.Kind
	}{
		"none":            {keys.TDES128, dukpt.KSN{}, fault.MissingKSN},
		"a counter":       {keys.TDES128, parse("FFFF9876543210E00001"), fault.Usage},
		"an AES KSN":      {keys.AES128, parse("123456789012345600000000"), fault.Usage},
		"a longer key":    {keys.TDES192, parse(ksnIK), fault.Usage},
		"an AES key only": {keys.AES128, parse(ksnIK), fault.Usage},
	} {
		if err := checkInitial(c.alg, c.ksn); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func feed(d *Decoder, stream []byte) (kinds []EventKind, payloads []string) {
	for _, c := range stream {
		ev := d.Feed(c)
		if ev.Kind != NoEvent {
			kinds = append(kinds, ev.Kind)
		}
		if ev.Kind == GotFrame {
			payloads = append(payloads, string(ev.Frame.payload.Expose()))
			ev.Frame.Wipe()
		}
	}
	return kinds, payloads
}

func TestTheDecoderFindsFramesInAnyStream(t *testing.T) {
	ask, done := theGolden(t, "ask-serial").wire(t), theGolden(t, "inject-check-wrong").wire(t) // LRC 01 and 02
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	G, D := GotFrame, DamagedFrame
	for name, c := range map[string]struct {
		stream []byte
		kinds  []EventKind
		noise  int
	}{
		"a frame":                         {ask, []EventKind{G}, 0},
		"an LRC that is STX, and a frame": {join(done, ask), []EventKind{G, G}, 0},
		"noise around":                    {join([]byte("x\x03\x06"), ask, []byte("\xff")), []EventKind{G}, 4},
		"a frame cut off by another":      {join(ask[:4], ask), []EventKind{D, G}, 0},
		"a wrong LRC":                     {join(ask[:6], []byte{0}, ask), []EventKind{D, G}, 0},
		"control bytes in the data":       {join([]byte("\x0204\x0600\x03\x01"), ask), []EventKind{D, G}, 0},
		"an empty frame":                  {join([]byte("\x02\x03\x03"), ask), []EventKind{D, G}, 0},
		"one character":                   {join([]byte("\x020\x03\x33"), ask), []EventKind{D, G}, 0},
		"a frame without end":             {join([]byte{2}, bytes.Repeat([]byte("0"), 5000)), nil, 0},
		"a long frame with the right LRC": {join([]byte{2}, bytes.Repeat([]byte("0"), 1000), []byte{3, 3}),
			[]EventKind{D}, 0},
		"after one without end, another one": {join([]byte{2}, bytes.Repeat([]byte("0"), 5000), ask), []EventKind{D, G}, 0},
	} {
		d := NewDecoder()
		kinds, _ := feed(d, c.stream)
		if fmt.Sprint(kinds) != fmt.Sprint(c.kinds) || d.Noise != c.noise {
			t.Errorf("%s: %v and %d bytes of noise, want %v and %d", name, kinds, d.Noise, c.kinds, c.noise)
		}
		d.Wipe()
	}
}

func TestATraceShowsNoKeyDigits(t *testing.T) {
	stars := func(n int) string { return strings.Repeat("*", n) }
	for id, want := range map[string]string{
		"ask-serial":               "<STX>0301<ETX>01",
		"delete-slot-03-type-05":   "<STX>06010305<ETX>02",
		"inject-ktk-clear-slot-05": "<STX>020105000600C0D50000" + strings.Repeat("0", 20) + "010" + stars(32) + "<ETX>**",
		"poll":                     "<STX>0100|POLL<ETX>61",
	} {
		if got := (Layout{}).describe(frame(t, theGolden(t, id).Payload)); got != want {
			t.Errorf("%s is shown as %s, want %s", id, got, want)
		}
	}
	if got := (Layout{Fields: true}).describe(frame(t, theGolden(t, "inject-pin-under-ktk-dialect").Payload)); got !=
		"<STX>020103050501000108D7C0D5"+strings.Repeat("0", 20)+"010"+stars(32)+"<ETX>**" {
		t.Errorf("the dialect is shown as %s", got)
	}
	if got := (Layout{}).describe(frame(t, "0107"+keyPIN)); got != "<STX>01"+stars(34)+"<ETX>**" {
		t.Errorf("a legacy command is shown as %s", got)
	}
	for payload, want := range map[string]string{
		"020008D7":                       "<STX>020008D7<ETX>7A",
		"020008D71234567890ABCDEF" + "X": "<STX>0200" + stars(21) + "<ETX>**",
		"0201" + keyPIN:                  "<STX>0201" + stars(32) + "<ETX>**",
		"02" + keyPIN + keyPIN:           "<STX>0201" + stars(62) + "<ETX>**",
		"0300" + keyPIN:                  "<STX>" + stars(36) + "<ETX>**",
		"01" + keyPIN:                    "<STX>" + stars(34) + "<ETX>**",
		table.Poll:                       "<STX>0100|POLL<ETX>61",
	} {
		f := frame(t, payload)
		if got := describeAnswer(Event{GotFrame, f}, table.Inject); got != want {
			t.Errorf("%q is shown as %s, want %s", payload, got, want)
		}
	}
	if got := describeAnswer(Event{Kind: DamagedFrame}, table.Inject); got != "<damaged frame>" {
		t.Errorf("a damaged frame is shown as %s", got)
	}
}

func FuzzDecoder(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.wire(f), 3)
	}
	f.Add([]byte("\x02\x02\x03\x03\x02000\x03\x33"), 1)
	f.Fuzz(func(t *testing.T, stream []byte, _ int) {
		d := NewDecoder()
		defer d.Wipe()
		_, payloads := feed(d, stream)
		rest := stream
		for _, p := range payloads { // each frame stands in the stream, one after the other
			fr, err := NewFrame([]byte(p))
			if err != nil {
				t.Fatalf("%q: %v", p, err)
			}
			wire := fr.Encode()
			at := bytes.Index(rest, wire.Expose())
			if at < 0 {
				t.Fatalf("%q is not in the stream", p)
			}
			rest = rest[at+wire.Len():]
			wire.Wipe()
			fr.Wipe()
		}
	})
}

func FuzzFrameMalleability(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.wire(f))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		fr, err := DecodeFrame(wire)
		if err != nil {
			if fr != (Frame{}) {
				t.Fatalf("a frame with error %v", err)
			}
			return
		}
		defer fr.Wipe()
		back := fr.Encode()
		defer back.Wipe()
		if !bytes.Equal(back.Expose(), wire) {
			t.Fatalf("%X became %X", wire, back.Expose())
		}
	})
}

func FuzzCommandMalleability(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add([]byte(g.Payload), false, false)
		f.Add([]byte(g.Payload), true, true)
	}
	f.Add([]byte("0007"+ksnIK+keyIK), false, false)
	f.Add([]byte("0107"+keyPIN), true, false)
	f.Add([]byte(theGolden(f, "inject-pin-under-ktk-dialect").Payload+"002001"), false, true)
	f.Add([]byte("020008D71234567890ABCDEFA920"), false, false)
	f.Fuzz(func(t *testing.T, payload []byte, hex, more bool) {
		fr, err := NewFrame(payload)
		if err != nil {
			return
		}
		defer fr.Wipe()
		l := Layout{HexSlots: hex, Fields: more}
		same := func(what string, built Frame, err error) {
			t.Helper()
			if err != nil || !built.Equal(fr) {
				t.Fatalf("%s %q is not built again: %v", what, payload, err)
			}
			built.Wipe()
		}
		if m, err := l.ParseInject(fr); err == nil {
			built, err := l.Inject(m)
			same("inject", built, err)
			m.Key.Wipe()
		} else if m != (Inject{}) {
			t.Fatalf("a command with error %v", err)
		}
		if r, err := ParseReply(fr, fr.Command()); err == nil {
			built, err := r.Frame()
			same("answer", built, err)
		} else if r != (Reply{}) {
			t.Fatalf("an answer with error %v", err)
		}
	})
}
