package emulator_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"poskey/internal/cipherx"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/device"
	"poskey/pkg/device/emulator"
	"poskey/pkg/device/futurex/table"
	"poskey/pkg/keys"
)

// Keys of the golden frames: test keys.
const (
	fxKTK      = "19191919191919195B5B5B5B5B5B5B5B"
	fxPIN      = "0123456789ABCDEFFEDCBA9876543210"
	fxPINUnder = "B2623DBB80EC770D5FABBA8E733579AC"
	fxIK       = "6AC292FAA1315B4D858AB3A3D7D5933A"
	fxKSN      = "FFFF9876543210E00000"
	fxLoadKTK  = "020105000600C0D500000000000000000000000001019191919191919195B5B5B5B5B5B5B5B"
	fxLoadIK   = "020101000300AF8C0000FFFF9876543210E000000106AC292FAA1315B4D858AB3A3D7D5933A"
)

// fxHost is the other end of a futurex terminal's line, in a bubble. It speaks bytes: no codec stands behind it.
type fxHost struct {
	t    *testing.T
	line net.Conn
	term *emulator.Terminal
	mu   sync.Mutex
	said []emulator.Event
}

func (h *fxHost) frame(payload string) []byte {
	out := append([]byte{2}, payload...)
	out = append(out, 3)
	sum := byte(0)
	for _, c := range out[1:] {
		sum ^= c
	}
	return append(out, sum)
}

// hear reads exactly one frame; "" when the line ends or nothing comes for a minute.
func (h *fxHost) hear() string {
	h.t.Helper()
	if err := h.line.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return "" // the terminal cut the line
	}
	var got []byte
	one := make([]byte, 1)
	for len(got) < 2 || got[len(got)-2] != 3 {
		if _, err := io.ReadFull(h.line, one); err != nil {
			return ""
		}
		got = append(got, one[0])
	}
	payload := string(got[1 : len(got)-2])
	if !bytes.Equal(got, h.frame(payload)) {
		return fmt.Sprintf("damaged %X", got)
	}
	return payload
}

// ask sends a payload and gives the answer.
func (h *fxHost) ask(payload string) string {
	h.t.Helper()
	if _, err := h.line.Write(h.frame(payload)); err != nil {
		return ""
	}
	return h.hear()
}

// want asks and compares.
func (h *fxHost) want(payload, answer string) {
	h.t.Helper()
	if got := h.ask(payload); got != answer {
		h.t.Errorf("%s is answered %q, want %q", payload, got, answer)
	}
}

// events lists what the terminal reported of a kind.
func (h *fxHost) events(kind emulator.EventKind) (out []emulator.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.said {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// fxPlay runs a test at a terminal's line, in a bubble.
func fxPlay(t *testing.T, cfg emulator.Config, body func(h *fxHost)) {
	t.Helper()
	live := secret.Live()
	synctest.Test(t, func(t *testing.T) {
		h := &fxHost{t: t}
		if cfg.Port == nil {
			cfg.Port = emulator.Futurex("", "")
		}
		cfg.OnEvent = func(e emulator.Event) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.said = append(h.said, e)
		}
		h.term = emulator.New(cfg)
		hang := h.connect()
		body(h)
		hang()
		h.term.Wipe()
	})
	if now := secret.Live(); now != live {
		t.Errorf("%d secrets stayed live", now-live)
	}
}

// connect opens a line to the terminal; hang ends it.
func (h *fxHost) connect() (hang func()) {
	mine, its := net.Pipe()
	h.line = mine
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = h.term.Serve(ctx, its)
	}()
	return func() {
		_ = mine.Close()
		stop()
		<-ended
	}
}

func orders(t *testing.T, names ...string) []emulator.Fault {
	t.Helper()
	faults, err := emulator.ParseFaults(names)
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

// inject makes an inject command out of its fields, in the base layout.
func inject(slot, ktk, typ, enc, check, ktkCheck, ksn, key string) string {
	return "0201" + slot + ktk + typ + enc + check + ktkCheck + ksn + fmt.Sprintf("%03X", len(key)/2) + key
}

func clearPIN(slot string) string {
	return inject(slot, "00", "05", "00", "08D7", "0000", table.NoKSN, fxPIN)
}

// under encrypts a key under the KTK.
func under(t *testing.T, ktk, key string) string {
	t.Helper()
	c, err := cipherx.NewTDES(testvec.Hex(t, ktk))
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(key)/2)
	cipherx.ECBEncrypt(c, out, testvec.Hex(t, key))
	return strings.ToUpper(hex.EncodeToString(out))
}

func TestTheGoldenFramesAreTheTerminalsToo(t *testing.T) {
	type golden struct{ ID, From, Payload, LRC string }
	all := map[string]string{}
	for _, g := range testvec.Load[golden](t, "futurex_frames.json") {
		all[g.ID] = g.Payload
	}
	fxPlay(t, emulator.Config{Serial: "1234567890ABCDEF"}, func(h *fxHost) {
		for _, c := range [][2]string{
			{"ask-serial", "serial"},
			{"set-serial", "set-serial-done"},
			{"poll", "poll-answer"},
			{"inject-pin-under-ktk", "inject-ktk-missing"},
			{"inject-ktk-clear-slot-05", ""},
			{"inject-pin-under-ktk", "inject-done"},
			{"inject-tdes-ik-clear-slot-01", ""},
			{"delete-slot-03-type-05", ""},
			{"delete-slot-03-type-05", "delete-failed"},
			{"delete-all", "delete-all-done"},
		} {
			want := all[c[1]]
			switch c[0] {
			case "inject-ktk-clear-slot-05":
				want = "0200C0D5"
			case "inject-tdes-ik-clear-slot-01":
				want = "0200AF8C"
			case "delete-slot-03-type-05":
				if want == "" {
					want = "0600"
				}
			}
			if all[c[0]] == "" || want == "" {
				t.Fatalf("there is no golden frame %s or %s", c[0], c[1])
			}
			h.want(all[c[0]], want)
		}
	})
}

func TestAStoredKeyIsTheKeyAndItsCheckValueIsComputed(t *testing.T) {
	fxPlay(t, emulator.Config{}, func(h *fxHost) {
		h.want(fxLoadKTK, "0200C0D5")
		h.want(inject("03", "05", "05", "01", "08D7", "C0D5", table.NoKSN, fxPINUnder), "020008D7")
		if v, ok := h.term.SlotCheck("03"); !ok || v.Digits != "08D7B4" {
			t.Errorf("slot 03 holds %v, %v", v, ok)
		}
		state := h.term.State("03")
		if state.Usage != keys.UsagePIN || state.Mode != 'E' || state.Algorithm != 'T' {
			t.Errorf("slot 03 is %+v", state)
		}
		h.want(fxLoadIK, "0200AF8C")
		if r, ok := h.term.Engine("01"); !ok || !strings.HasPrefix(r.KSN, "FFFF9876543210E0000") {
			t.Errorf("engine 01 is %+v, %v", r, ok)
		}
		if got := h.term.State("05"); got.Mode != 'N' {
			t.Errorf("the KTK is %+v", got)
		}
	})
}

func TestEveryCodeIsReached(t *testing.T) {
	const z = table.NoKSN
	long := fxPIN + "89ABCDEF01234567" // 24 bytes
	type step struct{ ask, want string }
	for name, c := range map[string]struct {
		cfg   emulator.Config
		steps []step
	}{
		"01 unknown command": {steps: []step{{"0901", "0901"}, {"0101" + fxPIN, "0101"}, {"0001" + fxKSN + fxIK, "0001"},
			{"XY", "XY01"}}},
		"02 command version": {steps: []step{{"0302", "0302"}, {"0599", "0502"},
			{strings.Replace(fxLoadKTK, "0201", "0203", 1), "02020000"}}},
		"03 length": {steps: []step{{"03", "0303"}, {"030100", "0303"}, {"04011234", "0403"}, {"0501X", "0503"},
			{"060103", "0603"},
			{"02", "02030000"}, {fxLoadKTK + "00", "02030000"}, {fxLoadKTK[:70], "02030000"}}},
		"04 characters": {steps: []step{{"0401123456789 ABCDEF", "0404"}, {"0601XX05", "0604"}, {"03x1", "0304"},
			{strings.Replace(fxLoadKTK, "5B", "5b", 1), "02040000"},
			{strings.Replace(fxLoadKTK, "020105", "02010A", 1), "02040000"}}},
		"06 not in injection mode": {emulator.Config{InjectModeOff: true},
			[]step{{fxLoadKTK, "02060000"}, {"0501", "0506"}, {"06010305", "0606"}, {"0301", "03000000000000000000"}}},
		"06 too many loads": {emulator.Config{MaxLoads: 1}, []step{{fxLoadKTK, "0200C0D5"}, {clearPIN("03"), "02060000"}}},
		"09 key already present": {steps: []step{{clearPIN("03"), "020008D7"}, {clearPIN("03"), "02090000"},
			{clearPIN("04"), "02090000"}}},
		"0A KSN already used": {steps: []step{{fxLoadIK, "0200AF8C"}, {"06010103", "0600"}, {fxLoadIK, "020A0000"}}},
		"0B deletion failed": {steps: []step{{"06010305", "060B"}, {clearPIN("03"), "020008D7"}, {"06010306", "060B"},
			{"06010305", "0600"}}},
		"0C slot": {emulator.Config{Port: emulator.Futurex("", ""), Faults: orders(t, "slot-as-hex")},
			[]step{{clearPIN("99"), "020C0000"}}},
		"0C memory": {emulator.Config{Faults: orders(t, "full-slots")}, []step{{clearPIN("03"), "020C0000"}}},
		"0D KTK slot": {emulator.Config{Faults: orders(t, "slot-as-hex")},
			[]step{{inject("03", "99", "05", "01", "08D7", "C0D5", z, fxPINUnder), "020D0000"}}},
		"0E KTK missing": {steps: []step{{inject("03", "05", "05", "01", "08D7", "C0D5", z, fxPINUnder), "020E0000"}}},
		"0E a master key is no KTK": {steps: []step{{inject("05", "00", "01", "00", "C0D5", "0000", z, fxKTK), "0200C0D5"},
			{inject("03", "05", "05", "01", "08D7", "C0D5", z, fxPINUnder), "020E0000"}}},
		"0E an expired KTK": {emulator.Config{Faults: orders(t, "expired-key=05")}, []step{{fxLoadKTK, "0200C0D5"},
			{inject("03", "05", "05", "01", "08D7", "C0D5", z, fxPINUnder), "020E0000"}}},
		"0F slot not empty": {steps: []step{{clearPIN("05"), "020008D7"}, {fxLoadKTK, "020F0000"}}},
		"10 key type": {steps: []step{{inject("03", "00", "07", "00", "08D7", "0000", z, fxPIN), "02100000"},
			{"06010307", "0610"}}},
		"11 encryption type": {steps: []step{{inject("03", "00", "05", "02", "08D7", "0000", z, fxPIN), "02110000"},
			{inject("03", "00", "05", "05", "08D7", "0000", z, fxPIN), "02110000"}}},
		"12 key check value": {steps: []step{{inject("03", "00", "05", "00", "08D8", "0000", z, fxPIN), "02120000"},
			{inject("03", "00", "05", "00", "0000", "0000", z, fxPIN), "02120000"}, // zeros are a value like any other
			{fxLoadKTK, "0200C0D5"},
			// the key itself in place of its cryptogram
			{inject("03", "05", "05", "01", "08D7", "C0D5", z, fxPIN), "02120000"}}},
		"13 KTK check value": {steps: []step{{fxLoadKTK, "0200C0D5"},
			{inject("03", "05", "05", "01", "08D7", "0000", z, fxPINUnder), "02130000"}}},
		"14 KSN": {steps: []step{{strings.Replace(fxLoadIK, fxKSN, z, 1), "02140000"},
			{strings.Replace(fxLoadIK, fxKSN, "FFFF9876543210E00001", 1), "02140000"},
			{inject("01", "00", "0B", "00", "AF8C", "0000", fxKSN, fxIK), "02140000"}}},
		"15 key length": {steps: []step{{inject("03", "00", "05", "00", "08D7", "0000", z, fxPIN+fxPIN), "02150000"},
			{inject("03", "00", "05", "00", "08D7", "0000", z, fxPIN[:14]), "02150000"},
			{inject("01", "00", "03", "00", "AF8C", "0000", fxKSN, long), "02150000"}}},
		"16 KTK length": {steps: []step{{fxLoadKTK, "0200C0D5"},
			{inject("03", "05", "05", "01", "08D7", "C0D5", z, under(t, fxKTK, long)), "02160000"}}},
		"19 algorithm, dialect": {emulator.Config{Port: emulator.Futurex("", device.ProfileDialect)}, []step{
			{dialect(clearPIN("03"), "0901"), "02190000"}}},
		"18 subtype, dialect": {emulator.Config{Port: emulator.Futurex("", device.ProfileDialect)}, []step{
			{dialect(clearPIN("03"), "0004"), "02180000"}}},
		"15 length, dialect": {emulator.Config{Port: emulator.Futurex("", device.ProfileDialect)}, []step{
			{dialect(clearPIN("03"), "0101"), "02150000"}}},
		"0E a KTK that was not just sent": {emulator.Config{Port: emulator.Futurex("", device.ProfileDialect)}, []step{
			{dialect(inject("03", "05", "05", "02", "08D7", "C0D5", z, fxPINUnder), "0001"), "020E0000"}}},
	} {
		t.Run(name, func(t *testing.T) {
			fxPlay(t, c.cfg, func(h *fxHost) {
				h.t = t
				for _, s := range c.steps {
					h.want(s.ask, s.want)
				}
			})
		})
	}
}

// dialect puts the fields for algorithm and subtype into an inject command.
func dialect(base, fields string) string { return base[:12] + fields + base[12:] }

func TestTheDialectsFieldsCountAndLateKTK(t *testing.T) {
	port := emulator.Futurex("", device.ProfileDialect)
	fxPlay(t, emulator.Config{Port: port, Serial: "PK00000001", Model: "PKT-1"}, func(h *fxHost) {
		const tail = "PK00000001      PKT-1"
		h.want(dialect(fxLoadKTK, "0000")+"002001", "0200C0D5"+tail)
		late := inject("03", "05", "05", "02", "08D7", "C0D5", table.NoKSN, fxPINUnder)
		h.want(dialect(late, "0001")+"002002", "020008D7"+tail)
		h.want(dialect(clearPIN("04"), "0001")+"00200A", "02040000")
		h.want(fxLoadKTK, "02030000") // the base layout is too short by the fields
		aes := fxPIN + fxIK
		got := h.ask(dialect(inject("07", "00", "05", "00", "0000", "0000", table.NoKSN, aes), "0401"))
		if got != "02120000" {
			t.Errorf("an AES key with another check value: %s", got)
		}
	})
}

func TestASlotIsReadAsTheTerminalReadsIt(t *testing.T) {
	for name, c := range map[string]struct {
		cfg    emulator.Config
		digits string
		slot   device.Slot
	}{
		"decimal":     {emulator.Config{}, "15", "15"},
		"hex":         {emulator.Config{Port: emulator.Futurex(device.SlotsHex, "")}, "0F", "15"},
		"hex too":     {emulator.Config{Port: emulator.Futurex(device.SlotsHex, "")}, "FF", "255"},
		"the mistake": {emulator.Config{Faults: orders(t, "slot-as-hex")}, "15", "21"},
	} {
		fxPlay(t, c.cfg, func(h *fxHost) {
			h.want(clearPIN(c.digits), "020008D7")
			if v, ok := h.term.SlotCheck(c.slot); !ok {
				t.Errorf("%s: slot %s holds %v", name, c.slot, v)
			}
		})
	}
}

func TestACryptogramThatIsNoWholeBlocksCannotBeDecrypted(t *testing.T) {
	port := emulator.Futurex("", device.ProfileDialect)
	fxPlay(t, emulator.Config{Port: port}, func(h *fxHost) {
		sec, err := keys.ParseHex([]byte(fxIK))
		if err != nil {
			t.Fatal(err)
		}
		ktk, err := keys.New(keys.AES128, sec)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.term.LoadDirect("05", ktk, keys.UsageKEK, 'N'); err != nil {
			t.Fatal(err)
		}
		v, ok := h.term.SlotCheck("05")
		ktk.Wipe()
		if !ok || v.Method != "cmac" {
			t.Fatalf("the KTK has check value %v", v)
		}
		triple := inject("03", "05", "05", "01", "08D7", v.Digits[:4], table.NoKSN, fxPIN+"0123456789ABCDEF")
		h.want(dialect(triple, "0101"), "021C0000")
	})
}

func TestATerminalWhoseMemoryIsGoneIsBusy(t *testing.T) {
	fxPlay(t, emulator.Config{}, func(h *fxHost) {
		h.term.Wipe()
		h.want(clearPIN("03"), "02050000")
		h.want("0501", "0505")
	})
}

func TestTamperIsSaidAndTheKeysAreGone(t *testing.T) {
	fxPlay(t, emulator.Config{}, func(h *fxHost) {
		h.want(fxLoadKTK, "0200C0D5")
		h.term.Tamper("case")
		h.want(clearPIN("03"), "02070000")
		h.want("0501", "0507")
		h.want("06010506", "0607")
		if _, ok := h.term.SlotCheck("05"); ok {
			t.Error("the KTK is still there")
		}
		refused := h.events(emulator.Refused)
		if len(refused) != 3 || refused[0].Code != "07" || refused[0].Reason != emulator.RefusedTampered ||
			refused[0].Slot != "03" {
			t.Errorf("the terminal reports %+v", refused)
		}
	})
}

func TestCheckValuesCanBeToldWrong(t *testing.T) {
	for order, want := range map[string]string{
		"kcv-method=echo":   "020008D8", // what it was told, not what it is
		"kcv-method=cmac":   "",         // whatever it is, not the right one
		"kcv-method=cmac/6": "",
	} {
		fxPlay(t, emulator.Config{Faults: orders(t, order)}, func(h *fxHost) {
			h.t = t
			check := "08D7"
			if want != "" {
				check = "08D8"
			}
			got := h.ask(inject("03", "00", "05", "00", check, "0000", table.NoKSN, fxPIN))
			if want != "" && got != want || want == "" && (len(got) != 8 || got[:4] != "0200" || got[4:] == "08D7") {
				t.Errorf("%s: %q", order, got)
			}
			if v, ok := h.term.SlotCheck("03"); !ok || v.Digits != "08D7B4" {
				t.Errorf("%s: the slot holds %v", order, v)
			}
		})
	}
	fxPlay(t, emulator.Config{Faults: orders(t, "wrong-echo")}, func(h *fxHost) { h.want(clearPIN("03"), "020018D7") })
}

func TestFaultsOfTheLineDoWhatTheySay(t *testing.T) {
	held := func(h *fxHost) bool { _, ok := h.term.SlotCheck("03"); return ok }
	for order, c := range map[string]struct {
		answers []string
		held    bool
	}{
		"lost-ack":                {[]string{""}, true},
		"disconnect-after-commit": {[]string{""}, true},
		"power-cut":               {[]string{""}, true},
		"disconnect-before-echo":  {[]string{""}, false},
		"nak-first-2":             {[]string{"02080000", "02080000", "020008D7"}, true},
		"split-writes":            {[]string{"020008D7"}, true},
		"drop-ack":                {[]string{"020008D7"}, true},
		"cut-at=40":               {[]string{""}, false},
		"cut-at=80":               {[]string{""}, true},
		"tamper-at=1":             {[]string{"02070000"}, false},
	} {
		t.Run(order, func(t *testing.T) {
			fxPlay(t, emulator.Config{Faults: orders(t, order)}, func(h *fxHost) {
				for _, want := range c.answers {
					if got := h.ask(clearPIN("03")); got != want {
						t.Errorf("%q, want %q", got, want)
					}
				}
				if held(h) != c.held {
					t.Errorf("the slot holds a key: %v, want %v", held(h), c.held)
				}
			})
		})
	}
}

func TestAnswersWithAWrongLRCAreRightWhenAskedForAgain(t *testing.T) {
	fxPlay(t, emulator.Config{Serial: "1234567890ABCDEF", Faults: orders(t, "bad-lrc")}, func(h *fxHost) {
		if got := h.ask(clearPIN("03")); !strings.HasPrefix(got, "damaged 023032303030384437") {
			t.Errorf("the answer to a load: %q", got)
		}
		if _, ok := h.term.SlotCheck("03"); !ok {
			t.Error("the key is not in")
		}
		if got := h.ask("0301"); !strings.HasPrefix(got, "damaged 02") {
			t.Errorf("the answer to a question: %q", got)
		}
		h.want("0301", "03001234567890ABCDEF")
	})
}

func TestWhatIsNoFrameIsPassedOverAndADamagedOneIsSaid(t *testing.T) {
	fxPlay(t, emulator.Config{Serial: "1234567890ABCDEF"}, func(h *fxHost) {
		ask, answer := h.frame("0301"), "03001234567890ABCDEF"
		for name, c := range map[string]struct {
			stream []byte
			want   []string
		}{
			"noise before":            {append([]byte("x\x06\x03\x15"), ask...), []string{answer}},
			"a frame cut by another":  {append([]byte("\x020301"), ask...), []string{answer}},
			"a wrong LRC":             {append(ask[:len(ask)-1:len(ask)-1], 0xFF), []string{"0308"}},
			"a control byte in it":    {[]byte("\x0203\x0601\x03\x07"), []string{"0308"}},
			"no text at all, a frame": {append([]byte("\x02\x03\x03"), ask...), []string{answer}},
			"a frame that is too long": {append(bytes.Repeat([]byte("0"), 600), append([]byte{3, 3}, ask...)...),
				[]string{answer}},
			"two frames in one write": {append(append([]byte{}, ask...), ask...), []string{answer, answer}},
		} {
			if strings.HasSuffix(name, "too long") {
				c.stream = append([]byte{2}, c.stream...)
			}
			go func() { _, _ = h.line.Write(c.stream) }()
			for _, want := range c.want {
				if got := h.hear(); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		}
	})
}

func FuzzFuturexTerminal(f *testing.F) {
	h := &fxHost{}
	f.Add(h.frame(fxLoadKTK))
	f.Add(h.frame(fxLoadIK))
	f.Add(append(h.frame(fxLoadKTK), h.frame(inject("03", "05", "05", "01", "08D7", "C0D5", table.NoKSN, fxPINUnder))...))
	f.Add(h.frame("0301"))
	f.Add(h.frame("06010506"))
	f.Add(h.frame(table.Poll))
	f.Add([]byte("\x02\x02\x03\x03\x020\x03\x33"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		live := secret.Live()
		for _, profile := range []string{device.ProfileBase, device.ProfileDialect} {
			term := emulator.New(emulator.Config{Port: emulator.Futurex(device.SlotsHex, profile)})
			mine, its := net.Pipe()
			done := make(chan error, 1)
			go func() { done <- term.Serve(context.Background(), its) }()
			go func() { _, _ = io.Copy(io.Discard, mine) }()
			_, _ = mine.Write(stream)
			_ = mine.Close()
			if err := <-done; err != nil && !strings.Contains(err.Error(), "closed pipe") {
				t.Fatalf("the terminal gave up: %v", err)
			}
			term.Wipe()
		}
		if now := secret.Live(); now != live {
			t.Fatalf("%d secrets stayed live", now-live)
		}
	})
}
