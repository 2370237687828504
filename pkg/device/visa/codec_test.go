package visa

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// golden is a row of testdata/vectors/visa_frames.json; | stands for FS in the payload.
type golden struct {
	ID, Kind, Payload, LRC string
	Bytes                  int
}

func (g golden) kind() Kind {
	if g.Kind == "transaction" {
		return Transaction
	}
	return Admin
}

func (g golden) payload() []byte { return []byte(strings.ReplaceAll(g.Payload, "|", "\x1c")) }

func (g golden) wire(t testing.TB) []byte {
	w := append([]byte{byte(g.kind())}, g.payload()...)
	return append(append(w, g.kind().end()), testvec.Hex(t, g.LRC)...)
}

func goldens(t testing.TB) map[string]golden {
	t.Helper()
	all := map[string]golden{}
	for _, g := range testvec.Load[golden](t, "visa_frames.json") {
		if g.Bytes != len(g.wire(t)) {
			t.Fatalf("%s has %d bytes, the vector says %d", g.ID, len(g.wire(t)), g.Bytes)
		}
		all[g.ID] = g
	}
	return all
}

func TestGoldenFramesAreBuiltAndReadByteForByte(t *testing.T) {
	live := secret.Live()
	for id, g := range goldens(t) {
		f, err := NewFrame(g.kind(), g.payload())
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		wire := f.Encode()
		if !bytes.Equal(wire.Expose(), g.wire(t)) || f.Len() != g.Bytes {
			t.Errorf("%s is %X, want %X", id, wire.Expose(), g.wire(t))
		}
		wire.Wipe()
		back, err := DecodeFrame(g.wire(t))
		if err != nil || !back.Equal(f) {
			t.Errorf("%s is not read back: %v", id, err)
		}
		back.Wipe()
		f.Wipe()
	}
	if secret.Live() != live {
		t.Errorf("%d secrets stayed live", secret.Live()-live)
	}
}

func TestIDsHaveTwoCharactersOrThreeAfterALetter(t *testing.T) {
	for payload, want := range map[string]string{"045": "04", "910": "91", "Z66412": "Z66", "M04": "M04", "70.12": "70"} {
		f, err := NewFrame(Admin, []byte(payload))
		if err != nil || f.ID() != want || string(f.Data()) != payload[len(want):] {
			t.Errorf("%s: id %q, data %q, %v", payload, f.ID(), f.Data(), err)
		}
		f.Wipe()
	}
}

func TestWhatCannotBeAFrameIsRefused(t *testing.T) {
	for name, wire := range map[string]string{
		"nothing":                "",
		"no id":                  "0F300E3E",
		"half an id of three":    "0F4D300E73",
		"another start":          "01303435 0E3F",
		"another end":            "0F303435 0332",
		"wrong LRC":              "0F303435 0E40",
		"a control byte in data": "0F303406 0E0C",
		"too long":               "0F" + strings.Repeat("30", 253) + "0E3E",
	} {
		f, err := DecodeFrame(testvec.Hex(t, strings.ReplaceAll(wire, " ", "")))
		if err == nil || f != (Frame{}) {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	if _, err := NewFrame(Admin, make([]byte, MaxPayload+1)); err == nil {
		t.Error("a frame of more than 255 bytes was built")
	}
	if _, err := NewFrame('x', []byte("045")); err == nil {
		t.Error("a frame of no kind was built")
	}
}

func testKey(t testing.TB, digits string) *keys.Key {
	t.Helper()
	sec, err := keys.ParseHex([]byte(digits))
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.New(keys.TDES128.ForLength(sec.Len()), sec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

func testBlock(t testing.TB, text string) *keyblock.Block {
	t.Helper()
	b, err := keyblock.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	keyK1    = "19191919191919195B5B5B5B5B5B5B5B"
	keyTest  = "0123456789ABCDEFFEDCBA9876543210"
	blockA   = "A0072K0TD00N00007D2D21FC9ECD3EECBB0A2615BD8F05605722120BDFF2CCAC319C3918"
	blockAKL = "A0072K0TD00N0000D078A2657E5B57972CD3D308E05E1FE519B316309AA6354A668071B5"
	blockB   = "B0080P0TE00N00003C4F5024C59C182F7165BC870FCB7F63456AAE07DB736C32EA391E5834C1AA0C"
)

func TestPacketsAreTheGoldenOnes(t *testing.T) {
	all := goldens(t)
	for id, build := range map[string]func() (Frame, error){
		"ask-slot-5":             func() (Frame, error) { return AskFrame("5", false) },
		"ask-slot-5-attributes":  func() (Frame, error) { return AskFrame("5", true) },
		"load-clear-slot-0":      func() (Frame, error) { return LoadClearFrame("0", testKey(t, keyK1), "K0", 'D') },
		"load-clear-slot-1-P0-E": func() (Frame, error) { return LoadClearFrame("1", testKey(t, keyTest), "P0", 'E') },
		"load-block-A-slot-0":    func() (Frame, error) { return LoadBlockFrame("0", testBlock(t, blockA)) },
		"load-block-A-slot-1":    func() (Frame, error) { return LoadBlockFrame("1", testBlock(t, blockAKL)) },
		"load-block-B-slot-1":    func() (Frame, error) { return LoadBlockFrame("1", testBlock(t, blockB)) },
	} {
		g, ok := all[id]
		if !ok {
			t.Fatalf("there is no golden frame %s", id)
		}
		f, err := build()
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		wire := f.Encode()
		if !bytes.Equal(wire.Expose(), g.wire(t)) {
			t.Errorf("%s is %X, want %X", id, wire.Expose(), g.wire(t))
		}
		wire.Wipe()
		f.Wipe()
	}
}

func TestWhatPacket02CannotCarryIsNotBuilt(t *testing.T) {
	single, double := testKey(t, "0123456789ABCDEF"), testKey(t, keyTest)
	for name, build := range map[string]func() (Frame, error){
		"an unknown slot":         func() (Frame, error) { return LoadClearFrame("W", double, "K0", 'D') },
		"a slot of two letters":   func() (Frame, error) { return LoadClearFrame("90", double, "K0", 'D') },
		"no slot":                 func() (Frame, error) { return AskFrame("", true) },
		"a slot that 04 lacks":    func() (Frame, error) { return AskFrame("H", true) },
		"a single-length key":     func() (Frame, error) { return LoadClearFrame("0", single, "K0", 'D') },
		"a usage of one letter":   func() (Frame, error) { return LoadClearFrame("0", double, "K", 'D') },
		"a control byte as mode":  func() (Frame, error) { return LoadClearFrame("0", double, "K0", table.SO) },
		"a block that is too big": func() (Frame, error) { return LoadBlockFrame("0", testBlock(t, longB)) },
	} {
		if f, err := build(); err == nil || f != (Frame{}) {
			t.Errorf("%s: a frame and %v", name, err)
		}
	}
}

// longB has the form of a version B block with a triple-length key: 96 characters.
var longB = "B0096P0TE00N0000" + strings.Repeat("0", 80)

func TestAnswersToPacket04AreReadWholeOrNotAtAll(t *testing.T) {
	all := goldens(t)
	loaded := device.SlotState{Loaded: true, HasAttributes: true, Usage: "K0", Mode: 'D', Algorithm: 'T'}
	for id, want := range map[string]device.SlotState{
		"slot-empty": {}, "slot-loaded": {Loaded: true}, "slot-loaded-K0-D-T": loaded,
	} {
		if got, err := parseState(all[id].payload()[2:]); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", id, got, err, want)
		}
	}
	for _, bad := range []string{"", "1", "5", "51", "00", "FK0", "FK0\x1cD\x1c", "FK0\x1cD\x1cTT", "0K0\x1cD\x1cT",
		"FK0|D|T", "Fk0\x1cD\x1cT"} {
		if got, err := parseState([]byte(bad)); err == nil || got != (device.SlotState{}) {
			t.Errorf("%q: %+v, %v", bad, got, err)
		}
	}
}

func TestEveryRefusalIsExplained(t *testing.T) {
	n := 0
	for id, g := range goldens(t) {
		code, isError := strings.CutPrefix(id, "load-error-")
		if !isError {
			continue
		}
		n++
		if got, ok := parseRefusal(g.payload()[2:]); !ok || got != code {
			t.Errorf("%s reads %q, %v", id, got, ok)
		}
		if strings.Contains(refusal(code).Error(), "does not list") {
			t.Errorf("code %s has no explanation: %v", code, refusal(code))
		}
	}
	if n != len(table.LoadErrors()) {
		t.Errorf("%d golden refusals, %d in the table", n, len(table.LoadErrors()))
	}
	for _, not := range []string{"?", "?CC", "C", "?\x1c", "020", "??"} {
		if code, ok := parseRefusal([]byte(not)); ok {
			t.Errorf("%q reads as code %q", not, code)
		}
	}
	if err := refusal("Z"); !strings.Contains(err.Error(), "02?Z") || !strings.Contains(err.Error(), "does not list") {
		t.Errorf("an unlisted code: %v", err)
	}
}

func feed(d *Decoder, stream []byte) (kinds []EventKind, frames [][]byte) {
	for _, c := range stream {
		ev := d.Feed(c)
		if ev.Kind == NoEvent {
			continue
		}
		kinds = append(kinds, ev.Kind)
		if ev.Kind == GotFrame {
			wire := ev.Frame.Encode()
			frames = append(frames, bytes.Clone(wire.Expose()))
			wire.Wipe()
			ev.Frame.Wipe()
		}
	}
	return kinds, frames
}

func TestTheStreamIsCutWhereTheTablesSay(t *testing.T) {
	const ask = "0F3034350E3F"
	long := strings.Repeat("39", 300)
	for name, c := range map[string]struct {
		stream string
		want   []EventKind
		noise  int
	}{
		"a frame":                             {ask, []EventKind{GotFrame}, 0},
		"an LRC that is SO":                   {"0F303435310E0E", []EventKind{GotFrame}, 0},
		"an LRC that is ACK":                  {"0F313338320E06", []EventKind{GotFrame}, 0},
		"an LRC that is EOT":                  {"0F30323F370E04", []EventKind{GotFrame}, 0},
		"an LRC that is zero":                 {"0F30323F330E00", []EventKind{GotFrame}, 0},
		"two frames and their ends":           {"06" + ask + ask + "04", []EventKind{GotACK, GotFrame, GotFrame, GotEOT}, 0},
		"noise before the frame":              {"FF3030" + ask + "20", []EventKind{GotFrame}, 4},
		"a wrong LRC":                         {"0F3034350E40" + ask, []EventKind{DamagedFrame, GotFrame}, 0},
		"no LRC, the next frame follows":      {"0F3034350E" + ask, []EventKind{DamagedFrame}, 5},
		"a start without end":                 {"0F3034" + ask, []EventKind{DamagedFrame, GotFrame}, 0},
		"EOT within":                          {"0F303404" + ask, []EventKind{GotEOT, GotFrame}, 0},
		"the wrong end":                       {"0F3034350332" + ask, []EventKind{DamagedFrame, GotFrame}, 2},
		"a transaction frame":                 {"023931300 33B", []EventKind{GotFrame}, 0},
		"no content":                          {"0F0E0E" + ask, []EventKind{DamagedFrame, GotFrame}, 0},
		"too long, its LRC looks like ACK":    {"0F" + long + "0E06" + ask, []EventKind{DamagedFrame, GotFrame}, 0},
		"too long without end, a new start":   {"0F" + long + ask, []EventKind{DamagedFrame, GotFrame}, 0},
		"as long as a frame may be":           {"0F" + strings.Repeat("39", 252) + "0E0E", []EventKind{GotFrame}, 0},
		"control bytes between":               {"061504", []EventKind{GotACK, GotNAK, GotEOT}, 0},
		"a frame of the size of one too many": {"0F" + strings.Repeat("39", 253) + "0E37", []EventKind{DamagedFrame}, 0},
	} {
		stream, err := hex.DecodeString(strings.ReplaceAll(c.stream, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		d := NewDecoder()
		kinds, _ := feed(d, stream)
		if len(kinds) != len(c.want) || !bytes.Equal(kindBytes(kinds), kindBytes(c.want)) || d.Noise != c.noise {
			t.Errorf("%s: %v and %d bytes of noise, want %v and %d", name, kinds, d.Noise, c.want, c.noise)
		}
		d.Wipe()
	}
}

func kindBytes(kinds []EventKind) (out []byte) {
	for _, k := range kinds {
		out = append(out, byte(k))
	}
	return out
}

func TestNothingOfAFrameStaysInTheDecoder(t *testing.T) {
	d := NewDecoder()
	defer d.Wipe()
	for id, g := range goldens(t) {
		_, _ = feed(d, g.wire(t))
		if d.state != idle || !bytes.Equal(d.buf.Expose(), make([]byte, MaxPayload)) {
			t.Fatalf("%s left something behind", id)
		}
	}
}

func FuzzFrameMalleability(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.wire(f))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		frame, err := DecodeFrame(wire)
		if err != nil {
			if frame != (Frame{}) {
				t.Fatal("a frame with an error")
			}
			return
		}
		defer frame.Wipe()
		back := frame.Encode()
		defer back.Wipe()
		if !bytes.Equal(back.Expose(), wire) {
			t.Fatalf("%X became %X", wire, back.Expose())
		}
		_ = describe(frame)
	})
}

func FuzzStream(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(append(append([]byte{table.ACK}, g.wire(f)...), table.EOT))
	}
	f.Add([]byte("\x0f04\x0f\x02\x03\x0e\x0e\x06"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		live := secret.Live()
		d := NewDecoder()
		_, frames := feed(d, stream)
		d.Wipe()
		rest := stream
		for _, wire := range frames { // each frame stands in the stream, one after the other
			at := bytes.Index(rest, wire)
			if at < 0 {
				t.Fatalf("%X is not in the stream %X", wire, stream)
			}
			rest = rest[at+len(wire):]
			again, err := DecodeFrame(wire)
			if err != nil {
				t.Fatalf("%X: %v", wire, err)
			}
			again.Wipe()
		}
		if secret.Live() != live {
			t.Fatal("a secret stayed live")
		}
	})
}

func FuzzStateMalleability(f *testing.F) {
	for _, s := range []string{"0", "F", "FK0\x1cD\x1cT", "FP0\x1cE\x1cD"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseState(data)
		if err != nil {
			if s != (device.SlotState{}) {
				t.Fatal("a state with an error")
			}
			return
		}
		back := "0"
		if s.Loaded {
			back = "F"
		}
		if s.HasAttributes {
			back += string(s.Usage) + "\x1c" + string(s.Mode) + "\x1c" + string(s.Algorithm)
		}
		if back != string(data) {
			t.Fatalf("%q became %q", data, back)
		}
	})
}

func TestTracesShowWhatIsPublicAndNothingElse(t *testing.T) {
	for payload, want := range map[string]string{
		"0451":                           "<SI>0451<SO>0E",
		"04FK0\x1cD\x1cT":                "<SI>04FK0<FS>D<FS>T<SO>27",
		"02?C":                           "<SI>02?C<SO>70",
		"020" + keyTest:                  "<SI>020" + stars(32) + "<SO>**",
		"021" + keyTest + "\x1cP0E":      "<SI>021" + stars(32) + "<FS>P0E<SO>**",
		"020" + blockA:                   "<SI>020A0072K0TD00N0000" + stars(56) + "<SO>**",
		"020A0072" + keyTest + keyTest:   "<SI>020" + stars(5+64) + "<SO>**", // not a block: its length is another
		"020A0032" + keyTest[:27]:        "<SI>020" + stars(32) + "<SO>**",   // a clear key that begins like one
		"04" + keyTest:                   "<SI>" + stars(34) + "<SO>**",
		"33" + keyTest:                   "<SI>" + stars(34) + "<SO>**",
		"02":                             "<SI>**<SO>**",
		"020" + keyTest + "\x1c" + "012": "<SI>020" + stars(32) + "<FS>012<SO>**",
	} {
		f, err := NewFrame(Admin, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		if got := describe(f); got != want {
			t.Errorf("%q is shown as %s, want %s", payload, got, want)
		}
		f.Wipe()
	}
	f, err := NewFrame(Transaction, []byte("90"+keyTest+"FFFF9876543210E00000"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Wipe()
	if got, want := describe(f), "<STX>"+stars(54)+"<ETX>**"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
