package visa

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/device"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/dukpt"
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
	return newKey(t, keys.TDES128.ForLength(sec.Len()), sec)
}

func testKeyOf(t testing.TB, alg keys.Algorithm, digits string) *keys.Key {
	t.Helper()
	sec, err := keys.ParseHex([]byte(digits))
	if err != nil {
		t.Fatal(err)
	}
	return newKey(t, alg, sec)
}

func newKey(t testing.TB, alg keys.Algorithm, sec *secret.Bytes) *keys.Key {
	t.Helper()
	k, err := keys.New(alg, sec)
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

const (
	keyIK   = "6AC292FAA1315B4D858AB3A3D7D5933A" // the X9.24 example
	ksnIK   = "FFFF9876543210E00000"
	blockIK = "B0104B1TX00N0100KS18FFFF9876543210E000001226BE539A4697C6D958FD5F44313764DBCE923ADFB3FC32B0BA837FBAA5E36A"
)

func testKSN(t testing.TB, digits string) dukpt.KSN {
	t.Helper()
	ksn, err := dukpt.ParseKSN(digits)
	if err != nil {
		t.Fatal(err)
	}
	return ksn
}

// onePart gives the only packet of a request for a MAC.
func onePart(m MACRequest) (Frame, error) {
	frames, err := m.frames()
	if err != nil || len(frames) != 1 {
		wipeAll(frames)
		return Frame{}, fmt.Errorf("%d packets, %w", len(frames), err)
	}
	return frames[0], nil
}

// packets builds every golden frame that a host sends.
func packets(t testing.TB) map[string]func() (Frame, error) {
	zeros := make([]byte, 8)
	return map[string]func() (Frame, error){
		"load-verifone-key-only": func() (Frame, error) { return KeyOnlyFrame("0", testKey(t, "0123456789ABCDEF")) },
		"set-serial":             func() (Frame, error) { return SetSerialFrame("PK00000001", "") },
		"ask-serial":             func() (Frame, error) { return NewFrame(Admin, []byte(table.AskSerial)) },
		"ask-unit":               func() (Frame, error) { return NewFrame(Admin, []byte(table.AskUnit)) },
		"select-slot-7":          func() (Frame, error) { return SelectKeyFrame("7") },
		"speed-9600-8N1":         func() (Frame, error) { return SetLineFrame(9600, "8N1") },
		"speed-115200-7E1":       func() (Frame, error) { return SetLineFrame(115200, "7E1") },
		"ask-engine":             func() (Frame, error) { return NewFrame(Admin, []byte(table.AskEngine)) },
		"dukpt-clear":            func() (Frame, error) { return InitialFrame("90", testKey(t, keyIK), testKSN(t, ksnIK)) },
		"dukpt-2-clear":          func() (Frame, error) { return InitialFrame("94", testKey(t, keyIK), testKSN(t, ksnIK)) },
		"dukpt-block-B": func() (Frame, error) {
			f, ksn, err := InitialBlockFrame("90", testBlock(t, blockIK), false)
			if ksn != testKSN(t, ksnIK) {
				t.Errorf("the block names KSN %s", ksn)
			}
			return f, err
		},
		"select-dukpt-set": func() (Frame, error) { return SelectSetFrame(0) },
		"mac-own-key-slot-B": func() (Frame, error) {
			return onePart(MACRequest{Slot: "B", Session: zeros, Message: zeros})
		},
		"mac-two-slots": func() (Frame, error) {
			return onePart(MACRequest{Slot: "B", Second: "C", Session: zeros, Message: zeros[:1]}) // padded here
		},
		"mac-text": func() (Frame, error) {
			return onePart(MACRequest{Slot: "0", Session: testvec.Hex(t, "1122334455667788"), Message: []byte("AMT$1.99"),
				Text: true})
		},
		"ask-slot-5":             func() (Frame, error) { return AskFrame("5", false) },
		"ask-slot-5-attributes":  func() (Frame, error) { return AskFrame("5", true) },
		"load-clear-slot-0":      func() (Frame, error) { return LoadClearFrame("0", testKey(t, keyK1), "K0", 'D') },
		"load-clear-slot-1-P0-E": func() (Frame, error) { return LoadClearFrame("1", testKey(t, keyTest), "P0", 'E') },
		"load-block-A-slot-0":    func() (Frame, error) { return LoadBlockFrame("0", testBlock(t, blockA)) },
		"load-block-A-slot-1":    func() (Frame, error) { return LoadBlockFrame("1", testBlock(t, blockAKL)) },
		"load-block-B-slot-1":    func() (Frame, error) { return LoadBlockFrame("1", testBlock(t, blockB)) },
		"load-block-A-slot-0-misprinted-mac": func() (Frame, error) {
			return LoadBlockFrame("0", testBlock(t, blockA[:len(blockA)-4]+"3198"))
		},
	}
}

func TestPacketsAreTheGoldenOnes(t *testing.T) {
	all := goldens(t)
	for id, build := range packets(t) {
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

// answers reads every golden frame that a terminal sends, besides those of packet 02's refusals.
func answers() map[string]func(data []byte) (got, want any, err error) {
	serial := func(want string) func([]byte) (any, any, error) {
		return func(data []byte) (any, any, error) { s, err := parseSerial(data); return s, want, err }
	}
	state := func(want device.SlotState) func([]byte) (any, any, error) {
		return func(data []byte) (any, any, error) { s, err := parseState(data); return s, want, err }
	}
	code := func(id string, codes []device.CodeInfo, want string) func([]byte) (any, any, error) {
		return func(data []byte) (any, any, error) {
			var refused *device.CodeError
			if err := parseCode(id, data, codes); errors.As(err, &refused) {
				return refused.Code, want, nil
			} else {
				return "", want, err
			}
		}
	}
	initial := func(want string) func([]byte) (any, any, error) {
		return func(data []byte) (any, any, error) { c, err := parseInitialAnswer(data); return c, want, err }
	}
	mac := func(want string) func([]byte) (any, any, error) {
		return func(data []byte) (any, any, error) {
			c, mac, err := parseMAC(data)
			return fmt.Sprintf("%s%X", c, mac), want, err
		}
	}
	return map[string]func([]byte) (any, any, error){
		"slot-empty":  state(device.SlotState{}),
		"slot-loaded": state(device.SlotState{Loaded: true}),
		"slot-loaded-K0-D-T": state(device.SlotState{Loaded: true, HasAttributes: true, Usage: "K0", Mode: 'D',
			Algorithm: 'T'}),
		"serial": serial("PK00000001"), "serial-never-set": serial(""), "unit": serial("123-456-789"),
		"select-done":  code(table.SelectKey, table.SelectErrors(), ""),
		"select-index": code(table.SelectKey, table.SelectErrors(), "1"),
		"speed-ok":     code(table.SetLine, table.LineErrors(), ""),
		"engine-0":     func(data []byte) (any, any, error) { n, err := parseEngine(data); return n, 0, err },
		"dukpt-ok":     initial(""), "dukpt-not-authenticated": initial("1"), "dukpt-mac": initial("C"),
		"mac-done": mac("008D7B4FB629D0885"), "mac-ready": mac("1"), "mac-no-key": mac("3"), "mac-session-unfit": mac("A"),
	}
}

func TestAnswersAreReadAsTheTableHasThem(t *testing.T) {
	all, known := goldens(t), answers()
	for id, read := range known {
		g, ok := all[id]
		if !ok {
			t.Fatalf("there is no golden frame %s", id)
		}
		f, err := DecodeFrame(g.wire(t))
		if err != nil {
			t.Fatal(err)
		}
		if got, want, err := read(f.Data()); err != nil || got != want {
			t.Errorf("%s reads %v, %v; want %v", id, got, err, want)
		}
		f.Wipe()
	}
	built := packets(t)
	for id := range all {
		if _, sent := built[id]; sent || known[id] != nil || strings.HasPrefix(id, "load-error-") {
			continue
		}
		t.Errorf("golden frame %s is neither built nor read here", id)
	}
}

func TestAnswersThatAreNoneAreNotRead(t *testing.T) {
	for _, bad := range []string{"", "00", "\x1c", "0\x1c", "910", "1c", "1CC", "2", "008D7B4FB629D088", "008d7b4fb629d0885",
		"108D7B4FB629D0885", "PK 01", "12345678901234567"} {
		if n, err := parseEngine([]byte(bad)); err == nil && bad != "2" || n != 0 && bad != "2" {
			t.Errorf("engine %q: %d, %v", bad, n, err)
		}
		if c, err := parseInitialAnswer([]byte(bad)); err == nil || c != "" {
			t.Errorf("packet 91 %q: %q, %v", bad, c, err)
		}
		if c, mac, err := parseMAC([]byte(bad)); (err == nil || c != "" || mac != nil) && bad != "2" {
			t.Errorf("packet Z67 %q: %q %X, %v", bad, c, mac, err)
		}
		if err := parseCode("08", []byte(bad), nil); err == nil {
			t.Errorf("packet 08 %q is taken for success", bad)
		}
	}
	for _, bad := range []string{"PK 01", "12345678901234567", "a\x1cb", "ä"} {
		if s, err := parseSerial([]byte(bad)); err == nil || s != "" {
			t.Errorf("serial number %q: %q, %v", bad, s, err)
		}
	}
	if _, _, err := parseMAC([]byte(table.MACDone)); err == nil {
		t.Error("success without a MAC is taken")
	}
}

func TestEveryCodeOfThePacketsBeyond02IsExplained(t *testing.T) {
	seen := 0
	for answer, codes := range map[string][]device.CodeInfo{"911": table.InitialErrors(), "Z67": table.MACErrors(),
		"08": table.SelectErrors(), "13": table.LineErrors()} {
		for _, info := range codes {
			seen++
			err := refusal(answer+info.Code, info.Code, codes)
			if info.Action.IsZero() || !strings.Contains(err.Error(), info.Meaning.String()) || !fault.Is(err, fault.DeviceFailed) {
				t.Errorf("%s%s: %v", answer, info.Code, err)
			}
		}
	}
	if seen != 9+9+1+1 {
		t.Errorf("%d codes in the tables", seen)
	}
}

func TestWhatThePacketsBeyond02CannotCarryIsNotBuilt(t *testing.T) {
	ik, zeros := testKey(t, keyIK), make([]byte, 8)
	aes, err := keys.Generate(bytes.NewReader(bytes.Repeat([]byte("0123456789abcde"), 64)), keys.AES128)
	if err != nil {
		t.Fatal(err)
	}
	defer aes.Wipe()
	aesKSN, err := dukpt.ParseKSN("123456789012345600000000")
	if err != nil {
		t.Fatal(err)
	}
	initial := func(text string, aes bool) func() (Frame, error) {
		return func() (Frame, error) { f, _, err := InitialBlockFrame("90", testBlock(t, text), aes); return f, err }
	}
	for name, build := range map[string]func() (Frame, error){
		"no serial number":         func() (Frame, error) { return SetSerialFrame("", "") },
		"a long serial number":     func() (Frame, error) { return SetSerialFrame("1234567890123", "") },
		"a serial number of zeros": func() (Frame, error) { return SetSerialFrame("0000", "") },
		"a serial number with FS":  func() (Frame, error) { return SetSerialFrame("AB\x1c1", "") },
		"VeriFone, not 16":         func() (Frame, error) { return SetSerialFrame("PK00000001", "verifone") },
		"slot A for PIN entry":     func() (Frame, error) { return SelectKeyFrame("A") },
		"a speed that 13 lacks":    func() (Frame, error) { return SetLineFrame(230400, "8N1") },
		"a mode that 13 lacks":     func() (Frame, error) { return SetLineFrame(9600, "8E1") },
		"engine 3":                 func() (Frame, error) { return SelectEngineFrame(3) },
		"engine -1":                func() (Frame, error) { return SelectEngineFrame(-1) },
		"a key mode of packet 16":  func() (Frame, error) { return KeyModeFrame("16", "VISA") },
		"no key mode":              func() (Frame, error) { return KeyModeFrame("15", "") },
		"set 2":                    func() (Frame, error) { return SelectSetFrame(2) },
		"an initial key in slot 0": func() (Frame, error) { return InitialFrame("0", ik, testKSN(t, ksnIK)) },
		"an AES initial key":       func() (Frame, error) { return InitialFrame("90", aes, aesKSN) },
		"an AES KSN":               func() (Frame, error) { return InitialFrame("90", ik, aesKSN) },
		"no KSN":                   func() (Frame, error) { return InitialFrame("90", ik, dukpt.KSN{}) },
		"a KSN that was used":      func() (Frame, error) { return InitialFrame("90", ik, testKSN(t, "FFFF9876543210E00001")) },
		"an odd device id":         func() (Frame, error) { return InitialFrame("90", ik, testKSN(t, "FFFF9876543210F00000")) },
		"a triple-length key":      func() (Frame, error) { return InitialFrame("90", testKey(t, keyIK+keyIK[:16]), testKSN(t, ksnIK)) },
		"a block without KSN":      initial("B0104B1TX00N0100XX18"+blockIK[20:], false),
		"a block with a used KSN":  initial(strings.Replace(blockIK, "E00000", "E00007", 1), false),
		"a block of version A":     initial(blockA, false),
		"a short block":            initial(blockB, false),
		"an AES block, off":        initial(blockAES(t), false),
		"a block in slot 0": func() (Frame, error) {
			f, _, err := InitialBlockFrame("0", testBlock(t, blockIK), false)
			return f, err
		},
		"a MAC with slot W": func() (Frame, error) { return onePart(MACRequest{Slot: "W", Session: zeros, Message: zeros}) },
		"a MAC with a second slot W": func() (Frame, error) {
			return onePart(MACRequest{Slot: "B", Second: "W", Session: zeros, Message: zeros})
		},
		"a session of 9 bytes": func() (Frame, error) { return onePart(MACRequest{Slot: "B", Session: make([]byte, 9), Message: zeros}) },
		"no message":           func() (Frame, error) { return onePart(MACRequest{Slot: "B", Session: zeros}) },
		"half a block of text": func() (Frame, error) {
			return onePart(MACRequest{Slot: "B", Session: zeros, Message: []byte("1234"), Text: true})
		},
		"text with FS": func() (Frame, error) {
			return onePart(MACRequest{Slot: "B", Session: zeros, Message: []byte("123\x1c5678"), Text: true})
		},
		"VeriFone, a double key": func() (Frame, error) { return KeyOnlyFrame("0", ik) },
		"VeriFone, slot F":       func() (Frame, error) { return KeyOnlyFrame("F", testKey(t, "0123456789ABCDEF")) },
	} {
		if f, err := build(); err == nil || f != (Frame{}) {
			t.Errorf("%s: a frame and %v", name, err)
		}
	}
	live := secret.Live()
	long := MACRequest{Slot: "B", Session: zeros, Message: make([]byte, 100*112+1)}
	if frames, err := long.frames(); !fault.Is(err, fault.TooLarge) || frames != nil {
		t.Errorf("a message of 101 packets: %v", err)
	}
	if secret.Live() != live {
		t.Errorf("it leaves %d secrets behind", secret.Live()-live)
	}
}

// blockAES is a version D block with an AES-128 initial key, made of test keys.
func blockAES(t testing.TB) string {
	t.Helper()
	kbpk, ik := sameByte(t, keys.AES128, 1), sameByte(t, keys.AES128, 2)
	p, err := keyblock.NewProtector('D', kbpk)
	if err != nil {
		t.Fatal(err)
	}
	h := keyblock.Header{Version: 'D', Usage: "B1", Algorithm: 'A', Mode: 'X', KeyVersion: "00", Exportability: 'N',
		Context: '0', Reserved: '0'}
	h.SetOpt("IK", "1234567890123456")
	text, _, err := p.Wrap(bytes.NewReader(make([]byte, 1024)), h, ik, keyblock.WrapOptions{AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sameByte is a test key with the same byte throughout.
func sameByte(t testing.TB, alg keys.Algorithm, b byte) *keys.Key {
	t.Helper()
	return testKeyOf(t, alg, strings.Repeat(fmt.Sprintf("%02X", b), 16))
}

func TestAESInitialKeysAreAnExtensionWithAName(t *testing.T) {
	text := blockAES(t)
	if !slices.Contains(table.AESBlockLengths('D'), len(text)) {
		t.Fatalf("the block has %d characters", len(text))
	}
	f, ksn, err := InitialBlockFrame("94", testBlock(t, text), true)
	if err != nil || ksn.String() != "123456789012345600000000" || f.ID() != "94" || string(f.Data()) != text {
		t.Errorf("KSN %s, %v", ksn, err)
	}
	f.Wipe()
	if c := Capabilities(""); strings.Contains(c.Algorithms+c.InitialBlocks, "A") || strings.Contains(c.InitialBlocks, "D") {
		t.Errorf("without the profile: %+v", c)
	}
	if c := Capabilities(device.ProfilePoskey); c.Algorithms != "DTA" || c.InitialBlocks != "BD" {
		t.Errorf("with the profile: %+v", c)
	}
}

func TestLongMessagesAreCutIntoWholeBlocksInOrder(t *testing.T) {
	message := make([]byte, 300)
	for i := range message {
		message[i] = byte(i)
	}
	for _, n := range []int{8, 16} {
		frames, err := MACRequest{Slot: "0", Session: make([]byte, n), Message: message}.frames()
		if err != nil {
			t.Fatal(err)
		}
		var all []byte
		for i, f := range frames {
			fields := bytes.Split(f.Data(), []byte{table.FS})
			kind := byte(table.MACBinary)
			if i == len(frames)-1 {
				kind = table.MACBinaryLast
			}
			if want := fmt.Sprintf("%c%02d0", kind, i); string(fields[0]) != want || f.Len() > table.MaxPacket ||
				len(fields[3])%16 != 0 || len(fields[3]) > table.MACChars || len(fields[1]) != 2*n || len(fields[2]) != 0 {
				t.Errorf("packet %d of %d bytes is %q", i, f.Len(), f.Data())
			}
			all = append(all, fields[3]...)
		}
		if got := testvec.Hex(t, string(all)); !bytes.Equal(got[:300], message) || !bytes.Equal(got[300:], make([]byte, 4)) {
			t.Errorf("the packets hold %X", got)
		}
		wipeAll(frames)
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
		if strings.Contains(refusal("02?"+code, code, table.LoadErrors()).Error(), "does not list") {
			t.Errorf("code %s has no explanation: %v", code, refusal("02?"+code, code, table.LoadErrors()))
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
	if err := refusal("02?Z", "Z", table.LoadErrors()); !strings.Contains(err.Error(), "02?Z") || !strings.Contains(err.Error(), "does not list") {
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

// FuzzAnswerMalleability: what is read of an answer, written down again, is the answer.
func FuzzAnswerMalleability(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.payload()[2:])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := parseInitialAnswer(data); err == nil {
			if back := map[bool]string{true: "0", false: "1" + c}[c == ""]; back != string(data) {
				t.Fatalf("packet 91: %q became %q", data, back)
			}
		} else if c != "" {
			t.Fatal("packet 91: a code with an error")
		}
		if c, mac, err := parseMAC(data); err == nil {
			if back := fmt.Sprintf("%s%X", c, mac); back != string(data) {
				t.Fatalf("packet Z67: %q became %q", data, back)
			}
		} else if c != "" || mac != nil {
			t.Fatal("packet Z67: a code or a MAC with an error")
		}
		if n, err := parseEngine(data); err == nil && fmt.Sprint(n) != string(data) || err != nil && n != 0 {
			t.Fatalf("packet 25: %q became %d, %v", data, n, err)
		}
		if s, err := parseSerial(data); err != nil && s != "" || err == nil && s != string(data) && strings.Trim(string(data), "0") != "" {
			t.Fatalf("packet 06: %q became %q, %v", data, s, err)
		}
		var refused *device.CodeError
		switch err := parseCode("08", data, nil); {
		case err == nil:
			if string(data) != table.Done {
				t.Fatalf("packet 08: %q is success", data)
			}
		case errors.As(err, &refused):
			if refused.Answer != "08"+string(data) {
				t.Fatalf("packet 08: %q became %q", data, refused.Answer)
			}
		}
	})
}

// FuzzMACRequest: whatever is asked for, the packets hold the message, in order, and every one is a frame.
func FuzzMACRequest(f *testing.F) {
	f.Add("B", "", make([]byte, 8), make([]byte, 8), false)
	f.Add("0", "1", make([]byte, 16), []byte("AMT$1.99"), true)
	f.Add("0", "", make([]byte, 16), make([]byte, 1000), false)
	f.Fuzz(func(t *testing.T, slot, second string, session, message []byte, text bool) {
		live := secret.Live()
		m := MACRequest{Slot: device.Slot(slot), Second: device.Slot(second), Session: session, Message: message, Text: text}
		frames, err := m.frames()
		if err != nil && frames != nil {
			t.Fatal("packets with an error")
		}
		var all []byte
		for i, frame := range frames {
			data := frame.Data()
			if !strings.HasPrefix(string(data[1:]), fmt.Sprintf("%02d%s\x1c%X\x1c%s\x1c", i, slot, session, second)) {
				t.Fatalf("packet %d is %q", i, data)
			}
			all = append(all, data[4+1+2*len(session)+1+len(second)+1:]...)
			_ = describe(frame)
		}
		wipeAll(frames)
		if !text && err == nil {
			all, _ = hex.DecodeString(string(all))
		}
		if err == nil && (!bytes.HasPrefix(all, message) || len(all)-len(message) >= 8 || len(all)%8 != 0) {
			t.Fatalf("the packets hold %X of %X", all, message)
		}
		if secret.Live() != live {
			t.Fatal("a secret stayed live")
		}
	})
}

// FuzzInitialFrame: a key block that goes into a packet names the KSN that is reported.
func FuzzInitialFrame(f *testing.F) {
	for _, s := range []string{blockIK, blockA, blockB, blockAES(f)} {
		f.Add("90", s, true)
	}
	f.Fuzz(func(t *testing.T, slot, text string, aes bool) {
		b, err := keyblock.Parse(text)
		if err != nil {
			return
		}
		frame, ksn, err := InitialBlockFrame(device.Slot(slot), b, aes)
		if err != nil {
			if frame != (Frame{}) || !ksn.IsZero() {
				t.Fatal("a frame with an error")
			}
			return
		}
		defer frame.Wipe()
		if frame.ID() != slot || string(frame.Data()) != b.Marshal() || !strings.Contains(strings.ToUpper(text), ksn.String()[:16]) {
			t.Fatalf("%q in slot %s, KSN %s, is %q", text, slot, ksn, frame.Data())
		}
		_ = describe(frame)
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
		"05PK00000001":                   "<SI>05PK00000001<SO>11",
		"06000000000000":                 "<SI>06000000000000<SO>08",
		"M04":                            "<SI>M04<SO>" + fmt.Sprintf("%02X", 'M'^'0'^'4'^table.SO),
		"06" + keyTest:                   "<SI>" + stars(34) + "<SO>**",
		"087":                            "<SI>087<SO>31",
		"13\x34\x81":                     "<SI>134.<SO>" + fmt.Sprintf("%02X", '1'^'3'^'4'^0x81^table.SO),
		"15SPAIN":                        "<SI>15SPAIN<SO>" + fmt.Sprintf("%02X", '1'^'5'^'S'^'P'^'A'^'I'^'N'^table.SO),
		"250":                            "<SI>250<SO>39",
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
	for payload, want := range map[string]string{
		"90" + keyIK + ksnIK:                 "<STX>90" + stars(32) + ksnIK + "<ETX>**",
		"94" + keyIK[:16] + ksnIK:            "<STX>94" + stars(16) + ksnIK + "<ETX>**",
		"90" + blockIK:                       "<STX>90" + blockIK[:40] + stars(64) + "<ETX>**",
		"90" + keyIK:                         "<STX>90" + stars(32) + "<ETX>**",
		"90" + keyIK + ksnIK + "00":          "<STX>90" + stars(54) + "<ETX>**",
		"90B0054" + keyIK + ksnIK[:17]:       "<STX>90" + stars(54) + "<ETX>**", // the length fits, but no header stands there
		"910":                                "<STX>910<ETX>3B",
		"911C":                               "<STX>911C<ETX>79",
		"91" + keyIK:                         "<STX>" + stars(34) + "<ETX>**",
		"960":                                "<STX>960<ETX>3C",
		"Z67008D7B4FB629D0885":               "<STX>Z670" + stars(16) + "<ETX>**",
		"Z673":                               "<STX>Z673<ETX>" + fmt.Sprintf("%02X", 'Z'^'6'^'7'^'3'^table.ETX),
		"Z67" + keyIK:                        "<STX>" + stars(35) + "<ETX>**",
		"Z66600B\x1c" + keyIK + "\x1c\x1c00": "<STX>Z66600B<FS>" + stars(32) + "<FS><FS>00<ETX>**",
		"Z66600B\x1c" + keyIK + "\x1c00":     "<STX>Z66" + stars(4+1+32+1+2) + "<ETX>**",
		"71" + keyIK:                         "<STX>" + stars(34) + "<ETX>**",
	} {
		f, err := NewFrame(Transaction, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		if got := describe(f); got != want {
			t.Errorf("%q is shown as %s, want %s", payload, got, want)
		}
		f.Wipe()
	}
}
