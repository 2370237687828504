package emulator

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/device"
	"poskey/pkg/device/visa"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/keys"
)

const (
	keyK1    = "19191919191919195B5B5B5B5B5B5B5B"
	keyTest  = "0123456789ABCDEFFEDCBA9876543210"
	keyBlock = "AA55AA55AA55AA553434343434343434" // what blockA and blockB hold
	blockA   = "A0072K0TD00N00007D2D21FC9ECD3EECBB0A2615BD8F05605722120BDFF2CCAC319C3918"
	misprint = "A0072K0TD00N00007D2D21FC9ECD3EECBB0A2615BD8F05605722120BDFF2CCAC319C3198"
	blockB   = "B0080P0TE00N00003C4F5024C59C182F7165BC870FCB7F63456AAE07DB736C32EA391E5834C1AA0C"
)

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

// host is the other end of a terminal's line, in a bubble. It speaks bytes.
type host struct {
	t    *testing.T
	line net.Conn
	term *Terminal
	mu   sync.Mutex
	said []Event
}

// converse serves a terminal in a bubble and lets the test talk to it.
func converse(t *testing.T, cfg Config, klk string, body func(h *host)) {
	t.Helper()
	live := secret.Live()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		h := &host{t: t, line: near}
		cfg.OnEvent = func(e Event) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.said = append(h.said, e)
		}
		h.term = New(cfg)
		if klk != "" {
			k := testKey(t, klk)
			if err := h.term.LoadDirect("F", k, "K0", 'D'); err != nil {
				t.Fatal(err)
			}
		}
		ended := make(chan error, 1)
		go func() { ended <- h.term.Serve(t.Context(), far) }()
		body(h)
		_ = near.Close()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		h.term.Wipe()
	})
	if secret.Live() != live {
		t.Errorf("%d secrets stayed live", secret.Live()-live)
	}
}

// say writes a frame of a payload, hear wants exactly these bytes next.
func (h *host) say(payload string) { h.raw(string(golden(payload))) }

func (h *host) raw(s string) {
	h.t.Helper()
	if _, err := io.WriteString(h.line, s); err != nil {
		h.t.Fatalf("say %q: %v", s, err)
	}
}

func (h *host) hear(want string) {
	h.t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(h.line, got)
	if err != nil || string(got) != want {
		h.t.Fatalf("heard %q (%v), want %q", got[:n], err, want)
	}
}

// quiet wants nothing for a minute.
func (h *host) quiet() {
	h.t.Helper()
	if err := h.line.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		h.t.Fatal(err)
	}
	if n, err := h.line.Read(make([]byte, 1)); n != 0 || err == io.EOF {
		h.t.Fatalf("heard %d bytes, %v; want silence", n, err)
	}
	if err := h.line.SetReadDeadline(time.Time{}); err != nil {
		h.t.Fatal(err)
	}
}

// load loads a key as far as the answer and wants that.
func (h *host) load(payload, answer string) {
	h.t.Helper()
	h.say(payload)
	h.hear("\x06" + string(golden(answer)))
	h.raw("\x06")
	h.hear("\x04")
}

// events gives what the terminal reported, once it has nothing more to do.
func (h *host) events() []Event {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.said)
}

func (h *host) last() Event {
	all := h.events()
	return all[len(all)-1]
}

func (h *host) kinds() (kinds []EventKind) {
	for _, e := range h.events() {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (h *host) holds(slot device.Slot, digits string) {
	h.t.Helper()
	got, ok := h.term.SlotCheck(slot)
	if digits == "" {
		if ok {
			h.t.Errorf("slot %s holds %v", slot, got)
		}
		return
	}
	want, err := checkOf(testKey(h.t, digits))
	if err != nil || !ok || got != want {
		h.t.Errorf("slot %s holds %v (%v), want %v (%v)", slot, got, ok, want, err)
	}
}

// golden frames a payload, | standing for FS. It is written a third time here, for the tests.
func golden(payload string) []byte {
	out := []byte{0x0F}
	sum := byte(0x0E)
	for _, c := range []byte(strings.ReplaceAll(payload, "|", "\x1c")) {
		out, sum = append(out, c), sum^c
	}
	return append(out, 0x0E, sum)
}

func TestFramesAreTheGoldenOnes(t *testing.T) {
	type vector struct{ ID, Kind, Payload, LRC string }
	n := 0
	for _, v := range testvec.Load[vector](t, "visa_frames.json") {
		body := strings.ReplaceAll(v.Payload, "|", "\x1c")
		if v.Kind != "admin" {
			continue
		}
		n++
		want := append([]byte("\x0f"+body+"\x0e"), testvec.Hex(t, v.LRC)...)
		if got := pack([]byte(body)); !bytes.Equal(got, want) {
			t.Errorf("%s is %X, want %X", v.ID, got, want)
		}
		tape := tape{}
		for _, c := range append([]byte("\xff"), want...) {
			tape.push([]byte{c})
		}
		if tok := tape.next(); tok.kind != foreign {
			t.Errorf("%s: noise is %v", v.ID, tok.kind)
		}
		if tok := tape.next(); tok.kind != frame || tok.start != table.SI || string(tok.body) != body || len(tape.buf) != 0 {
			t.Errorf("%s is read as %v %q", v.ID, tok.kind, tok.body)
		}
	}
	if n < 20 {
		t.Errorf("only %d golden frames were tried", n)
	}
}

func TestAskingIsTheGoldenExchange(t *testing.T) {
	converse(t, Config{}, keyK1, func(h *host) {
		h.raw("\x0f\x30\x34\x46\x31\x0e\x7d") // 04 slot F 1
		h.hear("\x06\x0f04FK0\x1cD\x1cT\x0e\x27")
		h.raw("\x06")
		h.hear("\x04")
		h.say("04F")
		h.hear("\x06\x0f\x30\x34\x46\x0e\x4c")
		h.raw("\x06")
		h.hear("\x04")
		h.say("0451")
		h.hear("\x06\x0f\x30\x34\x30\x0e\x3a")
		h.raw("\x06")
		h.hear("\x04")
	})
}

func TestKeysAreStoredAfterTheCommitOnly(t *testing.T) {
	payload := "020" + keyTest + "|P0E"
	converse(t, Config{}, "", func(h *host) {
		h.say(payload)
		h.hear("\x06" + string(golden(payload)))
		h.holds("0", "")
		h.raw("\x06")
		h.hear("\x04")
		h.holds("0", keyTest)
		if e := h.last(); e.Kind != Stored || e.Check.Digits != "08D7B4" || e.Length != 16 || !e.Clear {
			t.Errorf("event %+v", e)
		}
	})
	converse(t, Config{}, "", func(h *host) {
		h.say(payload)
		h.hear("\x06" + string(golden(payload)))
		h.raw("\x04")
		h.quiet()
		h.holds("0", "")
		if want := []EventKind{Connected, Staged, Cancelled}; !slices.Equal(h.kinds(), want) {
			t.Errorf("events %v, want %v", h.kinds(), want)
		}
	})
}

func TestTheManualsBlocksAreOpened(t *testing.T) {
	converse(t, Config{}, keyK1, func(h *host) {
		h.load("020"+blockA, "020"+blockA)
		h.holds("0", keyBlock)
		h.load("020"+blockB, "020"+blockB)
		h.holds("0", keyBlock)
		h.load("021"+blockA, "02?2")
		h.load("020"+misprint, "02?C")
	})
}

func TestEveryRefusalHasItsCode(t *testing.T) {
	for name, c := range map[string]struct {
		cfg     Config
		klk     string
		payload string
		code    string // empty for EOT
	}{
		"an unknown slot":               {Config{}, "", "02W" + keyTest, ""},
		"no key":                        {Config{}, "", "020", ""},
		"an unknown slot in 04":         {Config{}, "", "04H", ""},
		"04 without a slot":             {Config{}, "", "04", ""},
		"04 with something behind":      {Config{}, "", "0452", ""},
		"clear, inject mode off":        {Config{InjectModeOff: true}, "", "020" + keyTest, ""},
		"block, inject mode off":        {Config{InjectModeOff: true}, keyTest, "020" + blockA, "C"},
		"a key too short":               {Config{}, "", "020" + keyTest[:30], "4"},
		"VeriFone's key-only form":      {Config{}, "", "0200123456789ABCDEF", "4"},
		"a digit that is none":          {Config{}, "", "020" + keyTest[:31] + "G", "4"},
		"a digit in lower case":         {Config{}, "", "020" + keyTest[:31] + "f", "4"},
		"a block of another version":    {Config{}, keyK1, "020D" + blockA[1:], "A"},
		"a block with another length":   {Config{}, keyK1, "020" + blockA[:70], "A"},
		"a block that is exportable":    {Config{}, keyK1, "020" + strings.Replace(blockA, "00N", "00E", 1), "A"},
		"a block with a key version":    {Config{}, keyK1, "020" + strings.Replace(blockA, "00N", "01N", 1), "A"},
		"a form error before the KLK":   {Config{}, "", "020" + blockA[:70], "A"},
		"no KLK":                        {Config{}, "", "020" + blockA, "D"},
		"another KLK":                   {Config{}, keyTest, "020" + blockA, "C"},
		"a changed header":              {Config{}, keyK1, "020" + strings.Replace(blockA, "TD", "TE", 1), "C"},
		"a length inside that is wrong": {Config{}, keyK1, "020" + blockWithLength(t, 0x0FFF), "7"},
		"no length inside":              {Config{}, keyK1, "020" + blockWithLength(t, 0), "7"},
		"the KLK in a MAC slot":         {Config{}, keyK1, "02B" + blockB, "E"},
		"a reserved slot":               {Config{}, keyK1, "02A" + blockA, "E"},
		"another reserved slot":         {Config{}, "", "02V" + keyTest, "E"},
		"a usage for another slot":      {Config{}, "", "020" + keyTest + "|M3G", "E"},
		"a mode for another usage":      {Config{}, "", "020" + keyTest + "|P0D", "E"},
		"a KLK that is no K0":           {Config{}, "", "02F" + keyTest + "|P0E", "E"},
		"M3 with three lengths":         {Config{}, "", "02B" + keyTest + keyTest[:16] + "|M3G", "E"},
		"the KLK once more":             {Config{}, keyK1, "020" + keyK1, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			converse(t, c.cfg, c.klk, func(h *host) {
				if c.code != "" {
					h.load(c.payload, "02?"+c.code)
				} else {
					h.say(c.payload)
					h.hear("\x04")
				}
				h.holds("0", "")
				want := c.code
				if want == "" {
					want = "EOT"
				}
				if e := h.last(); e.Kind != Refused || e.Code != want {
					t.Errorf("event %+v", e)
				}
			})
		})
	}
}

// blockWithLength makes a version A block under K1 whose MAC is good and whose payload says a wrong key length.
func blockWithLength(t *testing.T, bits int) string {
	t.Helper()
	const header = "A0072K0TD00N0000"
	kbek, kbak := testvec.Hex(t, keyK1), testvec.Hex(t, keyK1)
	for i := range kbek {
		kbek[i], kbak[i] = kbek[i]^0x45, kbak[i]^0x4D
	}
	enc, err := cipherx.NewTDES(kbek)
	if err != nil {
		t.Fatal(err)
	}
	mac, err := cipherx.NewTDES(kbak)
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, 24)
	payload[0], payload[1] = byte(bits>>8), byte(bits)
	cipher.NewCBCEncrypter(enc, []byte(header[:8])).CryptBlocks(payload, payload)
	sum := make([]byte, 8)
	cipherx.CBCMAC(mac, sum, append([]byte(header), payload...))
	return header + strings.ToUpper(hex.EncodeToString(payload)+hex.EncodeToString(sum[:4]))
}

func TestLoadsAreCountedAndLimited(t *testing.T) {
	converse(t, Config{MaxLoads: 2}, "", func(h *host) {
		for i, answer := range []string{"020" + keyTest, "021" + keyK1, "02?F"} {
			h.load(fmt.Sprintf("02%d%s", i, []string{keyTest, keyK1, keyBlock}[i]), answer)
		}
		h.holds("1", keyK1)
		h.holds("2", "")
	})
}

func TestDamagedFramesAreRefusedThreeTimes(t *testing.T) {
	bad := string(golden("0451")[:6]) + "\xff"
	converse(t, Config{}, "", func(h *host) {
		for _, answer := range []string{"\x15", "\x15", "\x15\x04", "\x15"} {
			h.raw(bad)
			h.hear(answer)
		}
		h.say("0451")
		h.hear("\x06" + string(golden("040")))
		h.raw(bad) // in place of ACK
		h.hear("\x15")
		h.raw("\x15") // NAK: once more
		h.hear(string(golden("040")))
		h.raw("\x06")
		h.hear("\x04")
	})
}

func TestSilenceOfTheHostEndsInEOT(t *testing.T) {
	converse(t, Config{}, "", func(h *host) {
		payload := "020" + keyTest
		h.say(payload)
		begun := time.Now()
		h.hear("\x06")
		for range 3 {
			h.hear(string(golden(payload)))
		}
		h.hear("\x04")
		if took := time.Since(begun); took != 15*time.Second {
			t.Errorf("it took %s", took)
		}
		h.raw("\x06") // too late
		h.quiet()
		h.holds("0", "")
		if e := h.last(); e.Kind != Unanswered || e.Slot != "0" {
			t.Errorf("event %+v", e)
		}
	})
}

func TestANewFrameInPlaceOfTheCommitStartsAfresh(t *testing.T) {
	converse(t, Config{}, "", func(h *host) {
		h.say("020" + keyTest)
		h.hear("\x06" + string(golden("020"+keyTest)))
		h.say("0401")
		h.hear("\x06" + string(golden("040")))
		h.raw("\x06")
		h.hear("\x04")
		h.holds("0", "")
	})
}

func TestUnknownPacketsAndStrayBytesAreIgnored(t *testing.T) {
	converse(t, Config{}, "", func(h *host) {
		h.raw("\x06\x15\x04noise\x02910\x03\x3b")
		h.say("0700")
		h.say("0312")
		h.quiet()
		h.say("0451")
		h.hear("\x06" + string(golden("040")))
		h.raw("\x06")
		h.hear("\x04")
		if want := []EventKind{Connected, Ignored, Ignored, Ignored, Asked}; !slices.Equal(h.kinds(), want) {
			t.Errorf("events %v, want %v", h.kinds(), want)
		}
	})
}

func TestFaultsLookAsTheirNamesSay(t *testing.T) {
	ask, answer := string(golden("0451")), string(golden("040"))
	loadAns := string(golden("020" + keyTest))
	for f, talk := range map[Fault]func(h *host){
		DropACK: func(h *host) { h.raw(ask); h.hear(answer); h.raw("\x06"); h.hear("\x04") },
		NAKFirst2: func(h *host) {
			h.raw(ask)
			h.hear("\x15")
			h.raw(ask)
			h.hear("\x15")
			h.raw(ask)
			h.hear("\x06" + answer)
		},
		BadLRC: func(h *host) {
			h.raw(ask)
			h.hear("\x06" + answer[:len(answer)-1] + string([]byte{answer[len(answer)-1] ^ 0x55}))
			h.raw("\x15")
			h.hear(answer)
		},
		NoEOT: func(h *host) { h.raw(ask); h.hear("\x06" + answer); h.raw("\x06"); h.quiet() },
		WrongEcho: func(h *host) {
			h.raw(loadAns)
			h.hear("\x06" + string(golden("0201"+keyTest[1:])))
			h.raw("\x15")
			h.hear(string(golden("0201" + keyTest[1:]))) // and it stays wrong
		},
		Slow: func(h *host) {
			begun := time.Now()
			h.raw(ask)
			h.hear("\x06")
			if took := time.Since(begun); took != slowFor {
				t.Errorf("slow took %s", took)
			}
			h.hear(answer)
		},
		SplitWrites: func(h *host) {
			h.raw(ask)
			for _, c := range []byte("\x06" + answer) {
				h.one(string([]byte{c}))
			}
		},
		JoinedWrites: func(h *host) { h.raw(ask); h.one("\x06" + answer) },
		DisconnectBeforeEcho: func(h *host) {
			h.raw(loadAns)
			h.hear("\x06")
			h.gone()
			h.holds("0", "")
		},
		DisconnectAfterCommit: func(h *host) {
			h.raw(loadAns)
			h.hear("\x06" + loadAns)
			h.raw("\x06")
			h.gone()
			h.holds("0", keyTest)
		},
	} {
		t.Run(string(f), func(t *testing.T) {
			converse(t, Config{Faults: []Fault{f}}, "", func(h *host) {
				talk(h)
				if !slices.Contains(h.kinds(), Misbehaved) {
					t.Errorf("events %v do not say that it misbehaved", h.kinds())
				}
			})
		})
	}
}

// one wants exactly this in one write.
func (h *host) one(want string) {
	h.t.Helper()
	buf := make([]byte, 512)
	if n, err := h.line.Read(buf); err != nil || string(buf[:n]) != want {
		h.t.Fatalf("one write gave %q (%v), want %q", buf[:n], err, want)
	}
}

func (h *host) gone() {
	h.t.Helper()
	if n, err := h.line.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		h.t.Fatalf("heard %d bytes, %v; want the end of the line", n, err)
	}
}

func TestUnknownFaultsAreNamedWithTheKnownOnes(t *testing.T) {
	if got, err := ParseFaults([]string{"slow", "no-eot", "slow"}); err != nil || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
	got, err := ParseFaults([]string{"slow", "fast"})
	if !fault.Is(err, fault.Usage) || got != nil || !strings.Contains(err.Error(), `"fast"`) {
		t.Errorf("%v, %v", got, err)
	}
	for _, f := range Faults() {
		if !strings.Contains(err.Error(), string(f.Name)) || f.Meaning.IsZero() {
			t.Errorf("%s is missing in %q, or not explained", f.Name, err)
		}
	}
}

func TestTheFactoryKeepsTheTableOfSlots(t *testing.T) {
	term := New(Config{})
	defer term.Wipe()
	k := testKey(t, keyTest)
	for slot, usage := range map[device.Slot]keys.Usage{"F": "P0", "A": "K0", "W": "K0", "": "K0"} {
		if err := term.LoadDirect(slot, k, usage, 'D'); !fault.Is(err, fault.NotPermitted) {
			t.Errorf("slot %q, usage %s: %v", slot, usage, err)
		}
	}
	if err := term.LoadDirect("F", k, "K0", 'D'); err != nil {
		t.Error(err)
	}
	if err := term.LoadDirect("0", k, "K0", 'D'); !fault.Is(err, fault.NotPermitted) {
		t.Errorf("the same key twice: %v", err)
	}
}

func TestOnlyThisMachineIsListenedOn(t *testing.T) {
	term := New(Config{})
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", ""} {
		l, err := term.Listen(t.Context(), addr)
		if !fault.Is(err, fault.Usage) || l != nil {
			t.Errorf("%q: %v", addr, err)
		}
	}
	l, err := term.Listen(t.Context(), "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() || !strings.HasPrefix(l.URI(), "visa+tcp://") {
		t.Errorf("it listens on %s, %s", l.Addr(), l.URI())
	}
	if _, err := term.Listen(t.Context(), l.Addr().String()); !fault.Is(err, fault.DeviceLink) {
		t.Errorf("the same port twice: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestClosingEndsWhatIsServed(t *testing.T) {
	term := New(Config{})
	l, err := term.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := term.ListenPTY(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p.URI() != "visa+pty://"+p.Path() {
		t.Errorf("%s at %s", p.URI(), p.Path())
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestASecondLineWaitsItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		term := New(Config{})
		ctx, stop := context.WithCancel(t.Context())
		near1, far1 := net.Pipe()
		near2, far2 := net.Pipe()
		ended := make(chan error, 2)
		go func() { ended <- term.Serve(ctx, far1) }()
		synctest.Wait()
		go func() { ended <- term.Serve(ctx, far2) }()
		h := host{t: t, line: near2}
		go func() { time.Sleep(time.Hour); _ = near1.Close() }()
		begun := time.Now()
		h.say("0451")
		h.hear("\x06")
		if time.Since(begun) != time.Hour {
			t.Errorf("the second line was served after %s", time.Since(begun))
		}
		if err := <-ended; err != nil {
			t.Errorf("the first line: %v", err)
		}
		stop()
		if err := <-ended; err != context.Canceled {
			t.Errorf("the second line: %v", err)
		}
	})
}

func TestEventsAreStampedAndHoldNoKey(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	converse(t, Config{Env: keys.Env{Now: func() time.Time { return now }}}, "", func(h *host) {
		h.load("020"+keyTest, "020"+keyTest)
		all := strings.ToUpper(fmt.Sprintf("%+v %#v", h.events(), h.events()))
		for at := 0; at+8 <= len(keyTest); at++ {
			if strings.Contains(all, keyTest[at:at+8]) {
				t.Errorf("the events hold key digits: %s", all)
			}
		}
		for _, e := range h.events() {
			if !e.At.Equal(now) {
				t.Errorf("event %+v", e)
			}
		}
	})
}

// The emulator is the driver's judge, so it must not share its code: of the dialect it may know the table only.
func TestTheEmulatorDoesNotKnowTheDriver(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "poskey/pkg/device/emulator").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "poskey/pkg/device/visa/table") {
		t.Fatalf("go list shows no table: %v", deps)
	}
	for _, not := range []string{"poskey/pkg/device/visa", "poskey/pkg/device/drivers"} {
		if slices.Contains(deps, not) {
			t.Errorf("the emulator imports %s", not)
		}
	}
}

// FuzzTwoDecodersAgree holds the emulator's reading of a stream against the driver's: written apart from each other,
// they find the same frames in whatever comes. After a frame that is too long they may differ until the next start.
func FuzzTwoDecodersAgree(f *testing.F) {
	type vector struct{ Kind, Payload string }
	for _, v := range testvec.Load[vector](f, "visa_frames.json") {
		frame := golden(v.Payload)
		if v.Kind != "admin" {
			frame = packed(table.STX, table.ETX, []byte(v.Payload))
		}
		f.Add(append(append([]byte{table.ACK}, frame...), table.EOT), byte(3))
	}
	f.Add([]byte("\x0f04\x0f\x02\x03\x0e\x0e\x06"), byte(1))
	f.Fuzz(func(t *testing.T, stream []byte, size byte) {
		if len(stream) >= table.MaxPacket {
			return
		}
		var theirs, ours []string
		d := visa.NewDecoder()
		defer d.Wipe()
		for _, c := range stream {
			switch ev := d.Feed(c); ev.Kind {
			case visa.GotFrame:
				theirs = append(theirs, fmt.Sprint(ev.Frame.Kind == visa.Admin, ev.Frame.ID()+string(ev.Frame.Data())))
				ev.Frame.Wipe()
			case visa.GotACK, visa.GotNAK, visa.GotEOT:
				theirs = append(theirs, fmt.Sprint(ev.Kind))
			}
		}
		tape := tape{}
		for chunk := range slices.Chunk(stream, int(size)%7+1) {
			tape.push(chunk)
			for tok := tape.next(); tok.kind != nothing; tok = tape.next() {
				switch {
				case tok.kind == frame && len(tok.body) >= 2 && (len(tok.body) > 2 || tok.body[0] < 'A' || tok.body[0] > 'Z'):
					// what has no id is a frame to one and none to the other
					ours = append(ours, fmt.Sprint(tok.start == table.SI, string(tok.body)))
				case tok.kind == control:
					kind := map[byte]visa.EventKind{table.ACK: visa.GotACK, table.NAK: visa.GotNAK, table.EOT: visa.GotEOT}[tok.c]
					ours = append(ours, fmt.Sprint(kind))
				}
			}
		}
		if !slices.Equal(theirs, ours) {
			t.Fatalf("%X in chunks of %d: the driver reads %q, the emulator %q", stream, size%7+1, theirs, ours)
		}
	})
}

// FuzzPackets lets the terminal answer whatever comes; a key that is not committed must not stay behind.
func FuzzPackets(f *testing.F) {
	for _, body := range []string{"0451", "020" + keyTest + "\x1cP0E", "020" + blockA, "021" + blockB, "02F" + keyK1,
		"05PK1", "06", "087", "1381", "171", "190", "25", "M04"} {
		f.Add([]byte(body), true, false)
	}
	for _, body := range []string{"90" + block90, "94" + exampleIK + exampleKSN, "961", "70.4012345678909\x1c\x1c100",
		"70.4012345678909\x1c" + keyTest + "\x1c100", "Z66600F\x1c" + noSession + "\x1c\x1c00",
		"Z66500F\x1c" + keyTest + "\x1cB\x1ctext"} {
		f.Add([]byte(body), true, true)
	}
	klk := testKey(f, keyK1)
	f.Fuzz(func(t *testing.T, body []byte, commit, transaction bool) {
		live := secret.Live()
		term := New(Config{})
		if err := term.LoadDirect("F", klk, "K0", 'D'); err != nil {
			t.Fatal(err)
		}
		tok := token{kind: frame, start: table.SI, body: body}
		if transaction {
			tok.start = table.STX
		}
		p := &port{t: term}
		r := p.answer(tok)
		if r.commit != nil {
			if !bytes.Equal(r.body, body) && string(body[:2]) != table.SetLine {
				t.Fatalf("the echo of %q is %q", body, r.body)
			}
			if commit {
				r.commit()
			}
		}
		if len(r.body) > table.MaxPacket {
			t.Fatalf("the answer to %q has %d bytes", body, len(r.body))
		}
		r.wipe()
		p.chain.wipe()
		term.Wipe()
		if secret.Live() != live {
			t.Fatalf("%q leaves %d secrets behind", body, secret.Live()-live)
		}
	})
}

// FuzzState opens whatever lies in the directory: it is a state, or an error, and never a panic.
func FuzzState(f *testing.F) {
	dir := ownDir(f)
	term := inDir(f, dir)
	term.store(f, "F", keyK1)
	term.storeInitial(f, "90")
	term.Wipe()
	whole, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		f.Fatal(err)
	}
	battery, err := os.ReadFile(filepath.Join(dir, batteryFile))
	if err != nil {
		f.Fatal(err)
	}
	remembered, err := os.ReadFile(filepath.Join(dir, memoryFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	for _, state := range []string{`{"slots":[{"slot":"0","record":""}],"engines":[{"slot":"90"}]}`,
		`{"tamper":{"Tripped":true},"slots":[{"slot":"0","record":""}]}`} {
		f.Add([]byte(`{"format":"poskey.emulator.state/v2","state":` + state + `}`))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		live, dir := secret.Live(), ownDir(t)
		for name, content := range map[string][]byte{stateFile: raw, batteryFile: battery, memoryFile: remembered} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		term, err := Open(Config{Dir: dir, Env: keys.Env{Rand: rand.Reader, Now: time.Now}})
		if err != nil {
			if !fault.Is(err, fault.Malformed) && !fault.Is(err, fault.MACMismatch) {
				t.Fatal(err)
			}
			return
		}
		_ = term.Status()
		_ = term.SetSerial("PK1")
		term.Wipe()
		if secret.Live() != live {
			t.Fatalf("%d secrets stayed live", secret.Live()-live)
		}
	})
}
