package visa

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/device/devicetest"
	"poskey/pkg/device/visa/table"
)

// say builds a frame of its own as hex, for what no golden frame has.
func say(t testing.TB, kind Kind, payload string) string {
	t.Helper()
	f, err := NewFrame(kind, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Wipe()
	w := f.Encode()
	defer w.Wipe()
	return hex.EncodeToString(w.Expose())
}

func terminal(t *testing.T, d device.Device) Terminal {
	t.Helper()
	term, ok := d.(Terminal)
	if !ok {
		t.Fatal("the device is no Terminal")
	}
	return term
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var refused *device.CodeError
	var unknown *device.OutcomeUnknown
	if !errors.As(err, &refused) || refused.Code != code || !fault.Is(err, fault.DeviceFailed) || errors.As(err, &unknown) {
		t.Errorf("error %v, want code %s", err, code)
	}
}

func wantUnknownInitial(t *testing.T, d device.Device, c device.Commit, err error) {
	t.Helper()
	var unknown *device.OutcomeUnknown
	if !errors.As(err, &unknown) || !fault.Is(err, fault.OutcomeUnknown) || c != (device.Commit{}) || unknown.Commit.Closed ||
		unknown.Commit.Want.KSN != ksnIK || unknown.Cause == nil {
		t.Fatalf("%+v, %v; want an unknown outcome", c, err)
	}
	if _, err := d.Confirm(t.Context(), unknown.Commit); !errors.As(err, &unknown) {
		t.Errorf("nobody can ask, but Confirm says %v", err)
	}
}

func loadIK(t *testing.T, d device.Device, slot device.Slot) (device.Commit, error) {
	t.Helper()
	return terminal(t, d).LoadInitial(t.Context(), slot, testKey(t, keyIK), testKSN(t, ksnIK))
}

func TestAnInitialKeyIsLoadedOnceAndTheAnswerIsTheProof(t *testing.T) {
	want := device.SlotState{Loaded: true, HasAttributes: true, Usage: "B1", Mode: 'X', Algorithm: 'T', KSN: ksnIK}
	for slot, frame := range map[device.Slot]string{"90": wire(t, "dukpt-clear"), "94": wire(t, "dukpt-2-clear")} {
		play(t, device.Options{}, []devicetest.Turn{{frame, "06" + wire(t, "dukpt-ok")}, {"06", ""}}, func(t *testing.T, d device.Device) {
			c, err := loadIK(t, d, slot)
			if err != nil || c != (device.Commit{Slot: slot, Want: want, Closed: true}) {
				t.Fatalf("%+v, %v", c, err)
			}
			got, err := d.Confirm(t.Context(), c)
			if err != nil || got.Proof != device.ProofAnswer || got.State != (device.SlotState{Loaded: true}) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	play(t, device.Options{}, []devicetest.Turn{{wire(t, "ask-serial"), "06" + wire(t, "serial")}, {"06", "04"},
		{wire(t, "dukpt-block-B"), "06" + wire(t, "dukpt-ok")}, {"06", ""}},
		func(t *testing.T, d device.Device) {
			got, err := devicetest.LoadBlock(t.Context(), d, "90", testBlock(t, blockIK))
			if err != nil || got.Proof != device.ProofAnswer {
				t.Errorf("%+v, %v", got, err)
			}
		})
}

func TestARefusedInitialKeyIsNotStoredAndExplained(t *testing.T) {
	for id, code := range map[string]string{"dukpt-not-authenticated": "1", "dukpt-mac": "C"} {
		play(t, device.Options{}, []devicetest.Turn{{wire(t, "dukpt-clear"), "06" + wire(t, id)}, {"06", ""}},
			func(t *testing.T, d device.Device) {
				_, err := loadIK(t, d, "90")
				wantCode(t, err, code)
				if !strings.Contains(err.Error(), "91") || !strings.Contains(err.Error(), "nothing stored") {
					t.Errorf("error %v", err)
				}
			})
	}
	play(t, device.Options{}, []devicetest.Turn{{wire(t, "dukpt-clear"), "04"}}, func(t *testing.T, d device.Device) {
		_, err := loadIK(t, d, "90")
		wantCode(t, err, "EOT")
	})
}

func TestAnInitialKeyLeavesOnceUnlessItCameDamaged(t *testing.T) {
	frame, ok := wire(t, "dukpt-clear"), wire(t, "dukpt-ok")
	play(t, device.Options{}, []devicetest.Turn{{frame, "15"}, {frame, "15"}, {frame, "06" + ok}, {"06", ""}},
		func(t *testing.T, d device.Device) {
			if c, err := loadIK(t, d, "90"); err != nil || !c.Closed {
				t.Errorf("%+v, %v", c, err)
			}
		})
	play(t, device.Options{}, []devicetest.Turn{{frame, "15"}, {frame, "15"}, {frame, "15"}, {"04", ""}},
		func(t *testing.T, d device.Device) {
			_, err := loadIK(t, d, "90")
			var unknown *device.OutcomeUnknown
			if !fault.Is(err, fault.DeviceLink) || errors.As(err, &unknown) {
				t.Errorf("it never arrived whole: %v", err)
			}
		})
	play(t, device.Options{}, []devicetest.Turn{{frame, ""}, {"04", ""}}, func(t *testing.T, d device.Device) {
		begun := time.Now()
		c, err := loadIK(t, d, "90")
		if took := time.Since(begun); took != 2*table.Timeout {
			t.Errorf("it took %s: one time-out for a quiet line, one for the answer", took)
		}
		wantUnknownInitial(t, d, c, err)
	})
}

func TestWithoutTheAnswerTheOutcomeOfAnInitialKeyIsUnknown(t *testing.T) {
	frame, ok := wire(t, "dukpt-clear"), wire(t, "dukpt-ok")
	bad := ok[:len(ok)-2] + "FF"
	for name, script := range map[string][]devicetest.Turn{
		"ACK, then silence":     {{frame, "06"}, {"04", ""}},
		"ACK, then the end":     {{frame, "0604"}},
		"damaged for ever":      {{frame, "06" + bad}, {"15", bad}, {"15", bad}, {"04", ""}},
		"NAK after ACK":         {{frame, "0615"}, {"04", ""}},
		"another packet":        {{frame, "06" + wire(t, "mac-done")}, {"04", ""}},
		"an admin frame":        {{frame, "06" + say(t, Admin, "910")}, {"04", ""}},
		"an unreadable answer":  {{frame, "06" + say(t, Transaction, "915x")}, {"04", ""}},
		"success that goes on":  {{frame, "06" + say(t, Transaction, "9100")}, {"04", ""}},
		"noise in place of ACK": {{frame, "FF"}, {"04", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, device.Options{}, script, func(t *testing.T, d device.Device) {
				c, err := loadIK(t, d, "90")
				wantUnknownInitial(t, d, c, err)
			})
		})
	}
	play(t, device.Options{}, []devicetest.Turn{{frame, bad}, {"15", ok}, {"06", ""}}, func(t *testing.T, d device.Device) {
		if c, err := loadIK(t, d, "90"); err != nil || !c.Closed {
			t.Errorf("an answer that came when asked for again: %+v, %v", c, err)
		}
	})
}

func TestALineThatBreaksAfterAnInitialKeyLeavesTheOutcomeUnknown(t *testing.T) {
	frame := devicetest.Unhex(t, wire(t, "dukpt-clear"))
	for answered := 0; answered <= 6; answered++ { // of ACK and the answer's six bytes
		synctest.Test(t, func(t *testing.T) {
			host, peer := net.Pipe()
			d := New(host, device.Options{})
			go func() {
				_, _ = io.ReadFull(peer, make([]byte, len(frame)))
				_, _ = peer.Write(devicetest.Unhex(t, "06"+wire(t, "dukpt-ok"))[:answered])
				_ = peer.Close()
			}()
			c, err := loadIK(t, d, "90")
			wantUnknownInitial(t, d, c, err)
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	for sent := range frame { // half a frame is none
		synctest.Test(t, func(t *testing.T) {
			host, peer := net.Pipe()
			d := New(host, device.Options{})
			go func() {
				_, _ = io.ReadFull(peer, make([]byte, sent))
				_ = peer.Close()
			}()
			_, err := loadIK(t, d, "90")
			if !fault.Is(err, fault.DeviceLink) || !strings.Contains(err.Error(), "nothing stored") {
				t.Errorf("after %d bytes: %v", sent, err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCancellingAfterAnInitialKeyWasSentDoesNotLoseTheAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	o := device.Options{Trace: func(d device.Direction, _ string) { cancel() }}
	play(t, o, []devicetest.Turn{{wire(t, "dukpt-clear"), "06" + wire(t, "dukpt-ok")}, {"06", ""}}, func(t *testing.T, d device.Device) {
		if c, err := terminal(t, d).LoadInitial(ctx, "90", testKey(t, keyIK), testKSN(t, ksnIK)); err != nil || !c.Closed {
			t.Errorf("%+v, %v", c, err)
		}
		_, err := terminal(t, d).LoadInitial(ctx, "90", testKey(t, keyIK), testKSN(t, ksnIK))
		if !fault.Is(err, fault.Interrupted) || !strings.Contains(err.Error(), "nothing stored") {
			t.Errorf("cancelled before: %v", err)
		}
	})
}

func TestAnEndThatNobodyAwaitsIsNotTheNextAnswer(t *testing.T) {
	ask, empty := wire(t, "ask-slot-5-attributes"), wire(t, "slot-empty")
	script := []devicetest.Turn{{wire(t, "dukpt-clear"), "06" + wire(t, "dukpt-ok")}, {"06", ""},
		{ask, "0406" + empty}, {"06", "04"}, {ask, "04"}}
	play(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		if _, err := loadIK(t, d, "90"); err != nil {
			t.Fatal(err)
		}
		if s, err := d.ReadSlot(t.Context(), "5"); err != nil || s.Loaded {
			t.Errorf("after a late EOT: %+v, %v", s, err)
		}
		_, err := d.ReadSlot(t.Context(), "5")
		wantCode(t, err, "EOT") // this one is an answer
	})
}

func TestTheAnswerToTheLoadBeforeIsNotThatToThisOne(t *testing.T) {
	first, second, ok := wire(t, "dukpt-clear"), wire(t, "dukpt-2-clear"), wire(t, "dukpt-ok")
	begin := []devicetest.Turn{{first, "06" + ok}, {"06", ""}} // that ACK gets lost, so the terminal says it again
	for name, c := range map[string]struct {
		rest    []devicetest.Turn
		unknown bool
	}{
		"again, then the answer": {[]devicetest.Turn{{second, ok}, {"06", "06" + ok}, {"06", ""}}, false},
		"again, then nothing":    {[]devicetest.Turn{{second, ok}, {"06", ""}, {"04", ""}}, true},
		"again, then a refusal":  {[]devicetest.Turn{{second, ok}, {"06", "06" + wire(t, "dukpt-mac")}, {"06", ""}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, device.Options{}, append(slices.Clone(begin), c.rest...), func(t *testing.T, d device.Device) {
				if _, err := loadIK(t, d, "90"); err != nil {
					t.Fatal(err)
				}
				got, err := loadIK(t, d, "94")
				switch {
				case c.unknown:
					wantUnknownInitial(t, d, got, err)
				case name == "again, then a refusal":
					wantCode(t, err, "C")
				case err != nil || !got.Closed:
					t.Errorf("%+v, %v", got, err)
				}
			})
		})
	}
}

func TestSlotsOfInitialKeysTakeNothingElse(t *testing.T) {
	play(t, device.Options{}, nil, func(t *testing.T, d device.Device) {
		if _, err := d.ReadSlot(t.Context(), "90"); !fault.Is(err, fault.Usage) {
			t.Errorf("ask: %v", err)
		}
		if _, err := d.LoadClear(t.Context(), "94", testKey(t, keyIK), "B1", 'X'); !fault.Is(err, fault.Usage) {
			t.Errorf("clear without KSN: %v", err)
		}
		if _, err := d.LoadBlock(t.Context(), "94", testBlock(t, blockAES(t))); !fault.Is(err, fault.VersionUnsupported) {
			t.Errorf("AES without the profile: %v", err)
		}
	})
}

func TestADUKPTSetIsSelectedByABareACK(t *testing.T) {
	play(t, device.Options{}, []devicetest.Turn{{wire(t, "select-dukpt-set"), "06"}}, func(t *testing.T, d device.Device) {
		if err := terminal(t, d).SelectSet(t.Context(), 0); err != nil {
			t.Error(err)
		}
	})
	play(t, device.Options{}, []devicetest.Turn{{wire(t, "select-dukpt-set"), "04"}}, func(t *testing.T, d device.Device) {
		wantCode(t, terminal(t, d).SelectSet(t.Context(), 0), "EOT")
	})
}

func TestSerialNumbersAreReadAndSetAndReadBack(t *testing.T) {
	ask, set := wire(t, "ask-serial"), wire(t, "set-serial")
	for id, want := range map[string]string{"serial": "PK00000001", "serial-never-set": ""} {
		play(t, device.Options{}, []devicetest.Turn{{ask, "06" + wire(t, id)}, {"06", "04"}}, func(t *testing.T, d device.Device) {
			if got, err := terminal(t, d).Serial(t.Context()); err != nil || got != want {
				t.Errorf("%s: %q, %v", id, got, err)
			}
		})
	}
	back := []devicetest.Turn{{ask, "06" + wire(t, "serial")}, {"06", "04"}}
	for name, c := range map[string]struct {
		script []devicetest.Turn
		kind   fault.Kind
	}{
		"stored":            {append([]devicetest.Turn{{set, "06" + set}, {"06", "04"}}, back...), ""},
		"the EOT is lost":   {append([]devicetest.Turn{{set, "06" + set}, {"06", ""}}, back...), ""},
		"another echo":      {[]devicetest.Turn{{set, "06" + say(t, Admin, "05PK00000002")}, {"04", ""}}, fault.DeviceLink},
		"refused":           {[]devicetest.Turn{{set, "04"}}, fault.DeviceFailed},
		"stored, but not":   {[]devicetest.Turn{{set, "06" + set}, {"06", "04"}, {ask, "06" + wire(t, "serial-never-set")}, {"06", "04"}}, fault.DeviceFailed},
		"nobody can say so": {[]devicetest.Turn{{set, "06" + set}, {"06", "04"}, {ask, "04"}}, fault.DeviceFailed},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, device.Options{}, c.script, func(t *testing.T, d device.Device) {
				if err := terminal(t, d).SetSerial(t.Context(), "PK00000001"); fault.KindOf(err) != c.kind && (err != nil || c.kind != "") {
					t.Errorf("%v of kind %s, want %s", err, fault.KindOf(err), c.kind)
				}
			})
		})
	}
}

func TestAKeyIsSelectedWithUICsAnswerAndWithVeriFones(t *testing.T) {
	sel := wire(t, "select-slot-7")
	for name, c := range map[string]struct {
		profile string
		script  []devicetest.Turn
		code    string
	}{
		"UIC":                {"", []devicetest.Turn{{sel, "06" + wire(t, "select-done")}, {"06", "04"}}, ""},
		"UIC, refused":       {"", []devicetest.Turn{{sel, "06" + wire(t, "select-index")}, {"06", "04"}}, "1"},
		"UIC, no answer":     {"", []devicetest.Turn{{sel, "0604"}}, "EOT"},
		"VeriFone":           {device.ProfileVeriFone, []devicetest.Turn{{sel, "0604"}}, ""},
		"VeriFone, refused":  {device.ProfileVeriFone, []devicetest.Turn{{sel, "04"}}, "EOT"},
		"VeriFone, as UIC":   {device.ProfileVeriFone, []devicetest.Turn{{sel, "06" + wire(t, "select-done")}, {"06", "04"}}, ""},
		"VeriFone, the last": {device.ProfileVeriFone, []devicetest.Turn{{sel, "06" + wire(t, "select-index")}, {"06", "04"}}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, device.Options{Profile: c.profile}, c.script, func(t *testing.T, d device.Device) {
				err := terminal(t, d).SelectKey(t.Context(), "7")
				if c.code != "" {
					wantCode(t, err, c.code)
				} else if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestVeriFonesFormsAreSpokenOnlyUnderTheirProfile(t *testing.T) {
	load := wire(t, "load-verifone-key-only")
	script := []devicetest.Turn{
		{load, "06" + load}, {"06", "04"},
		{say(t, Admin, "040"), "06" + wire(t, "slot-loaded")}, {"06", "04"},
		{wire(t, "ask-unit"), "06" + wire(t, "unit")}, {"06", "04"},
		{say(t, Admin, "192"), "0604"},
		{wire(t, "ask-engine"), "06" + wire(t, "engine-0")}, {"06", "04"},
		{say(t, Admin, "15SPAIN"), "0604"},
		{say(t, Admin, "17"+"100"), "0604"},
	}
	play(t, device.Options{Profile: device.ProfileVeriFone}, script, func(t *testing.T, d device.Device) {
		ctx, term := t.Context(), terminal(t, d)
		got, err := devicetest.LoadClear(ctx, d, "0", testKey(t, "0123456789ABCDEF"), "K0", 'N')
		if err != nil || got.Proof != device.ProofCommit {
			t.Errorf("load: %+v, %v", got, err)
		}
		if s, err := term.PermanentSerial(ctx); err != nil || s != "123-456-789" {
			t.Errorf("unit %q, %v", s, err)
		}
		if err := term.SelectEngine(ctx, 2); err != nil {
			t.Error(err)
		}
		if n, err := term.Engine(ctx); err != nil || n != 0 {
			t.Errorf("engine %d, %v", n, err)
		}
		for packet, mode := range map[string]string{"15": "SPAIN"} {
			if err := term.EraseBySetKeyMode(ctx, packet, mode); err != nil {
				t.Error(err)
			}
		}
		if err := term.EraseBySetKeyMode(ctx, "17", "100"); err != nil {
			t.Error(err)
		}
		if _, err := d.LoadBlock(ctx, "0", testBlock(t, blockA)); !fault.Is(err, fault.VersionUnsupported) {
			t.Errorf("a TR-31 block: %v", err)
		}
		if _, err := d.LoadBlock(ctx, "90", testBlock(t, blockIK)); !fault.Is(err, fault.VersionUnsupported) {
			t.Errorf("a TR-31 block with an initial key: %v", err)
		}
		if _, err := loadIK(t, d, "90"); !fault.Is(err, fault.Usage) {
			t.Errorf("an initial key: %v", err)
		}
		c := d.Capabilities()
		if c.BlockVersions != "" || c.InitialSlots != nil || c.Proof != device.ProofCommit || !c.Slots[0].Has("9") {
			t.Errorf("capabilities %+v", c)
		}
	})
	play(t, device.Options{}, nil, func(t *testing.T, d device.Device) {
		ctx, term := t.Context(), terminal(t, d)
		_, unit := term.PermanentSerial(ctx)
		_, engine := term.Engine(ctx)
		for _, err := range []error{unit, engine, term.SelectEngine(ctx, 0), term.EraseBySetKeyMode(ctx, "15", "SPAIN")} {
			if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "profile=verifone") {
				t.Errorf("without the profile: %v", err)
			}
		}
	})
}

func TestTheMACOfZerosIsTheCheckValueOfTheSlotsKey(t *testing.T) {
	zeros := make([]byte, 8)
	play(t, device.Options{}, []devicetest.Turn{{wire(t, "mac-own-key-slot-B"), "06" + wire(t, "mac-done")}, {"06", ""}},
		func(t *testing.T, d device.Device) {
			got, err := terminal(t, d).MAC(t.Context(), "B", zeros, zeros)
			if err != nil || fmt.Sprintf("%X", got) != "08D7B4FB629D0885" { // of 0123456789ABCDEFFEDCBA9876543210, ECB
				t.Errorf("%X, %v", got, err)
			}
		})
	play(t, device.Options{}, []devicetest.Turn{{wire(t, "mac-two-slots"), "06" + wire(t, "mac-done")}, {"06", ""}},
		func(t *testing.T, d device.Device) {
			m := MACRequest{Slot: "B", Second: "C", Session: zeros, Message: zeros}
			if got, err := terminal(t, d).ComputeMAC(t.Context(), m); err != nil || len(got) != 8 {
				t.Errorf("%X, %v", got, err)
			}
		})
}

func TestALongMessageGoesInSeveralPackets(t *testing.T) {
	m := MACRequest{Slot: "0", Session: testvecBytes(16), Message: make([]byte, 250)}
	frames, err := m.frames()
	if err != nil || len(frames) != 3 {
		t.Fatalf("%d packets, %v", len(frames), err)
	}
	var asks []string
	for _, f := range frames {
		w := f.Encode()
		asks = append(asks, hex.EncodeToString(w.Expose()))
		w.Wipe()
	}
	wipeAll(frames)
	ready, done := wire(t, "mac-ready"), wire(t, "mac-done")
	for name, c := range map[string]struct {
		says []string
		kind fault.Kind
		code string
	}{
		"done":              {[]string{ready, ready, done}, "", ""},
		"done too early":    {[]string{ready, done}, fault.DeviceLink, ""},
		"ready too long":    {[]string{ready, ready, ready}, fault.DeviceLink, ""},
		"out of order":      {[]string{ready, say(t, Transaction, "Z672")}, fault.DeviceFailed, "2"},
		"a type it has not": {[]string{say(t, Transaction, "Z676")}, fault.DeviceFailed, "6"},
		"no key":            {[]string{wire(t, "mac-no-key")}, fault.DeviceFailed, "3"},
	} {
		t.Run(name, func(t *testing.T) {
			var script []devicetest.Turn
			for i, s := range c.says {
				script = append(script, devicetest.Turn{asks[i], "06" + s}, devicetest.Turn{"06", ""})
			}
			play(t, device.Options{}, script, func(t *testing.T, d device.Device) {
				got, err := terminal(t, d).ComputeMAC(t.Context(), m)
				if (err == nil) != (c.kind == "") || (got == nil) != (c.kind != "") || err != nil && !fault.Is(err, c.kind) {
					t.Errorf("%X, %v", got, err)
				}
				if c.code != "" {
					wantCode(t, err, c.code)
				}
			})
		})
	}
}

func testvecBytes(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i)
	}
	return out
}

func TestNoSessionKeyStandsInATrace(t *testing.T) {
	var lines []string
	o := device.Options{Trace: func(dir device.Direction, s string) { lines = append(lines, string(dir)+" "+s) }}
	m := MACRequest{Slot: "0", Session: devicetest.Unhex(t, keyTest), Message: []byte("AMT$1.99"), Text: true}
	ask := say(t, Transaction, "Z664000\x1c"+keyTest+"\x1c\x1cAMT$1.99")
	play(t, o, []devicetest.Turn{{ask, "06" + wire(t, "mac-done")}, {"06", ""}}, func(t *testing.T, d device.Device) {
		if _, err := terminal(t, d).ComputeMAC(t.Context(), m); err != nil {
			t.Error(err)
		}
	})
	want := []string{"sent <STX>Z664000<FS>" + stars(32) + "<FS><FS>AMT$1.99<ETX>**", "received <ACK>",
		"received <STX>Z670" + stars(16) + "<ETX>**", "sent <ACK>"}
	if !slices.Equal(lines, want) {
		t.Errorf("the trace is\n%s", strings.Join(lines, "\n"))
	}
}

// speedy is a line with a speed; what was set is written down.
type speedy struct {
	io.ReadWriteCloser
	now []string
}

func (s *speedy) LineSettings() (int, string) {
	var baud int
	var mode string
	_, _ = fmt.Sscan(s.now[len(s.now)-1], &baud, &mode)
	return baud, mode
}

func (s *speedy) SetLine(baud int, mode string) error {
	s.now = append(s.now, fmt.Sprint(baud, " ", mode))
	return nil
}

func TestTheHostFollowsTheTerminalToItsNewSpeed(t *testing.T) {
	set, ok := wire(t, "speed-115200-7E1"), wire(t, "speed-ok")
	probe, empty := say(t, Admin, "0401"), wire(t, "slot-empty")
	agreed := []devicetest.Turn{{set, "06" + ok}, {"06", "04"}}
	deaf := []devicetest.Turn{{probe, ""}, {"04", ""}}
	for name, c := range map[string]struct {
		script []devicetest.Turn
		now    []string
		kind   fault.Kind
	}{
		"it follows":         {append(slices.Clone(agreed), devicetest.Turn{probe, "06" + empty}, devicetest.Turn{"06", "04"}), []string{"9600 8N1", "115200 7E1"}, ""},
		"it refuses the ask": {append(slices.Clone(agreed), devicetest.Turn{probe, "04"}), []string{"9600 8N1", "115200 7E1"}, ""},
		"it says no":         {[]devicetest.Turn{{set, "06" + say(t, Admin, "131")}, {"06", "04"}}, []string{"9600 8N1"}, fault.DeviceFailed},
		"it stays": {append(append(slices.Clone(agreed), deaf...), devicetest.Turn{probe, "06" + empty}, devicetest.Turn{"06", "04"}),
			[]string{"9600 8N1", "115200 7E1", "9600 8N1"}, fault.DeviceFailed},
		"it is gone": {append(append(slices.Clone(agreed), deaf...), deaf...), []string{"9600 8N1", "115200 7E1", "9600 8N1"},
			fault.DeviceTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			var s *speedy
			wrap := func(rw io.ReadWriteCloser) io.ReadWriteCloser {
				s = &speedy{rw, []string{"9600 8N1"}}
				return s
			}
			playOver(t, device.Options{Retries: device.NoRetries}, wrap, c.script, func(t *testing.T, d device.Device) {
				err := terminal(t, d).SetSpeed(t.Context(), 115200, "7E1")
				if (err == nil) != (c.kind == "") || err != nil && !fault.Is(err, c.kind) {
					t.Errorf("%v of kind %s, want %s", err, fault.KindOf(err), c.kind)
				}
			})
			if !slices.Equal(s.now, c.now) {
				t.Errorf("the line was at %v, want %v", s.now, c.now)
			}
		})
	}
	play(t, device.Options{}, nil, func(t *testing.T, d device.Device) {
		if err := terminal(t, d).SetSpeed(t.Context(), 115200, "7E1"); !fault.Is(err, fault.Usage) {
			t.Errorf("over a line without speed: %v", err)
		}
	})
}

// maxWaits is how many time-outs one exchange may take, as in the suite of pkg/device/devicetest.
const maxWaits = 8

func TestHostilePeersEndEveryFlowInTime(t *testing.T) {
	zeros := make([]byte, 8)
	for name, flow := range map[string]struct {
		exchanges int
		call      func(ctx context.Context, t *testing.T, d Terminal) error
		answered  map[string]bool // peers that happen to say what answers this
	}{
		"initial key": {1, func(ctx context.Context, t *testing.T, d Terminal) error {
			_, err := loadIK(t, d, "90")
			return err
		}, nil},
		"serial": {1, func(ctx context.Context, _ *testing.T, d Terminal) error { _, err := d.Serial(ctx); return err },
			map[string]bool{"frames of the wrong type": true}},
		"set serial": {2, func(ctx context.Context, _ *testing.T, d Terminal) error { return d.SetSerial(ctx, "PK00000001") }, nil},
		"select":     {1, func(ctx context.Context, _ *testing.T, d Terminal) error { return d.SelectKey(ctx, "7") }, nil},
		"MAC": {1, func(ctx context.Context, _ *testing.T, d Terminal) error {
			_, err := d.MAC(ctx, "B", zeros, zeros)
			return err
		}, nil},
		"speed": {3, func(ctx context.Context, _ *testing.T, d Terminal) error { return d.SetSpeed(ctx, 115200, "7E1") }, nil},
	} {
		for _, h := range devicetest.Visa().Hostile {
			t.Run(name+", "+h.Name, func(t *testing.T) {
				live := secret.Live()
				synctest.Test(t, func(t *testing.T) {
					host, peer := net.Pipe()
					done := make(chan struct{})
					go func() {
						defer close(done)
						h.Play(peer, table.Timeout*9/10)
						_ = peer.Close()
					}()
					d := terminal(t, New(&speedy{host, []string{"9600 8N1"}}, device.Options{}))
					defer func() {
						_, _ = d.Close(), peer.Close() // the peer may have closed it already
						<-done
					}()
					begun := time.Now()
					err := flow.call(t.Context(), t, d)
					if took := time.Since(begun); took > time.Duration(flow.exchanges*maxWaits)*table.Timeout {
						t.Errorf("it takes %s", took)
					}
					kinds := []fault.Kind{fault.DeviceLink, fault.DeviceTimeout, fault.DeviceFailed, fault.OutcomeUnknown}
					if flow.answered[h.Name] {
						if err != nil {
							t.Errorf("it answers the question, and still: %v", err)
						}
						return
					}
					if !slices.Contains(kinds, fault.KindOf(err)) {
						t.Errorf("error %v of kind %s", err, fault.KindOf(err))
					}
				})
				if secret.Live() != live {
					t.Errorf("%d secrets stayed live", secret.Live()-live)
				}
			})
		}
	}
}

func TestTheAnswerToAnotherProcessesLoadIsNotTaken(t *testing.T) {
	clear, block, ok := wire(t, "dukpt-clear"), wire(t, "dukpt-block-B"), wire(t, "dukpt-ok")
	refused := "06" + wire(t, "dukpt-not-authenticated")
	for name, c := range map[string]struct {
		script []devicetest.Turn
		load   func(t *testing.T, d device.Device) error
	}{
		"a block, asked first": {[]devicetest.Turn{{wire(t, "ask-serial"), "06" + ok + "06" + wire(t, "serial")}, {"06", "04"},
			{block, refused}, {"06", ""}},
			func(t *testing.T, d device.Device) error {
				_, err := d.LoadBlock(t.Context(), "90", testBlock(t, blockIK))
				return err
			}},
		"a clear key, over a quiet line": {[]devicetest.Turn{{clear, refused}, {"06", ""}},
			func(t *testing.T, d device.Device) error { _, err := loadIK(t, d, "90"); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			slowly := func(host io.ReadWriteCloser) io.ReadWriteCloser {
				return &tardy{ReadWriteCloser: host, first: devicetest.Unhex(t, "06"+ok), after: table.Timeout / 2}
			}
			if name == "a block, asked first" {
				slowly = func(host io.ReadWriteCloser) io.ReadWriteCloser { return host }
			}
			playOver(t, device.Options{}, slowly, c.script, func(t *testing.T, d device.Device) {
				wantCode(t, c.load(t, d), "1")
			})
		})
	}
}

// tardy is a line on which an answer to somebody before comes some time after it was opened.
type tardy struct {
	io.ReadWriteCloser
	first []byte
	after time.Duration
}

func (l *tardy) Read(b []byte) (int, error) {
	if len(l.first) == 0 {
		return l.ReadWriteCloser.Read(b)
	}
	time.Sleep(l.after)
	n := copy(b, l.first)
	l.first = l.first[n:]
	return n, nil
}

func TestAfterALoadWithoutAnAnswerTheNextOneWaitsForAQuietLine(t *testing.T) {
	frame, other, ok := wire(t, "dukpt-clear"), wire(t, "dukpt-2-clear"), wire(t, "dukpt-ok")
	play(t, device.Options{}, []devicetest.Turn{{frame, ""}, {"04", "06" + ok}, {other, "06" + wire(t, "dukpt-not-authenticated")}, {"06", ""}},
		func(t *testing.T, d device.Device) {
			c, err := loadIK(t, d, "90")
			wantUnknownInitial(t, d, c, err)
			_, err = loadIK(t, d, "94")
			wantCode(t, err, "1")
		})
}

func TestALineThatIsNeverQuietIsNotLoadedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, peer := net.Pipe()
		d := New(host, device.Options{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				if _, err := peer.Write([]byte{0}); err != nil {
					return
				}
				time.Sleep(table.Timeout / 2)
			}
		}()
		_, err := loadIK(t, d, "90")
		if !fault.Is(err, fault.DeviceLink) || !strings.Contains(err.Error(), "nothing stored") || !strings.Contains(err.Error(), "not quiet") {
			t.Errorf("error %v", err)
		}
		_, _ = d.Close(), peer.Close()
		<-done
	})
}

func TestAQuestionThatWasAskedTwiceIsAnsweredBeforeALoad(t *testing.T) {
	ask, serial := wire(t, "ask-serial"), wire(t, "serial")
	script := []devicetest.Turn{{ask, ""}, {ask, "06" + serial}, {"06", "04"}, {wire(t, "dukpt-block-B"), "06" + wire(t, "dukpt-ok")}, {"06", ""}}
	play(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		begun := time.Now()
		if _, err := d.LoadBlock(t.Context(), "90", testBlock(t, blockIK)); err != nil || time.Since(begun) != 2*table.Timeout {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	})
}

func TestATerminalCannotSayAKeyInATrace(t *testing.T) {
	load := wire(t, "load-clear-slot-1-P0-E")
	say06 := func(s string) string { return say(t, Admin, "06"+s) }
	var lines []string
	o := device.Options{Trace: func(_ device.Direction, line string) { lines = append(lines, line) }}
	stray := say(t, Transaction, "Z6660\x1c\x1cF\x1c"+keyTest) + say(t, Transaction, "90"+strings.Repeat("0", 16)+keyTest[:20]) +
		say(t, Transaction, "90"+strings.Repeat("0", 16)+keyTest[12:]) + say06(keyTest[:12]) + say06(keyTest[12:24]) +
		say(t, Admin, "04FK0\x1cD\x1cT") + say(t, Admin, "05"+keyTest[:12])
	script := []devicetest.Turn{{load, "06" + stray + say(t, Admin, "021A0100"+keyTest[:11]+strings.Repeat("0", 84))}, {"04", ""},
		{wire(t, "ask-serial"), "06" + say06(keyTest[:16]) + say06(keyTest[16:])}, {"06", say06(keyTest[12:24]) + "04"},
		{wire(t, "ask-serial"), "06" + wire(t, "serial")}, {"06", "04"}}
	play(t, o, script, func(t *testing.T, d device.Device) {
		if _, err := d.LoadClear(t.Context(), "1", testKey(t, keyTest), "P0", 'E'); !fault.Is(err, fault.DeviceLink) {
			t.Errorf("an echo that differs: %v", err)
		}
		_, _ = terminal(t, d).Serial(t.Context())
		if got, err := terminal(t, d).Serial(t.Context()); err != nil || got != "PK00000001" {
			t.Errorf("%q, %v", got, err)
		}
	})
	all := strings.Join(lines, "\n")
	for at := range len(keyTest) - 7 {
		if strings.Contains(all, keyTest[at:at+8]) {
			t.Fatalf("digits of the key stand in the trace:\n%s", all)
		}
	}
	if !strings.Contains(all, "<SI>06PK00000001<SO>") || !strings.Contains(all, "<SI>02***") {
		t.Errorf("what may be shown is not:\n%s", all)
	}
}
