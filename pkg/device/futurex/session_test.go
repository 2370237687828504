package futurex

import (
	"context"
	"encoding/hex"
	"errors"
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
	"poskey/pkg/device/futurex/table"
	"poskey/pkg/dukpt"
	"poskey/pkg/keys"
)

// wire gives a golden frame as hex.
func wire(t testing.TB, id string) string { return hex.EncodeToString(theGolden(t, id).wire(t)) }

// wireOf gives any frame as hex.
func wireOf(t testing.TB, payload string) string {
	w := frame(t, payload).Encode()
	defer w.Wipe()
	return hex.EncodeToString(w.Expose())
}

// play is playBare where the script begins with an order: before the first one of a session stands a question.
func play(t *testing.T, o device.Options, script []devicetest.Turn, body func(t *testing.T, d device.Device)) {
	t.Helper()
	if len(script) > 0 && isOrder(script[0][0]) {
		script = append([]devicetest.Turn{{wire(t, "ask-serial"), wire(t, "serial")}}, script...)
	}
	playBare(t, o, script, body)
}

// isOrder sees the commands 02, 05 and 06 behind their STX.
func isOrder(frame string) bool {
	return len(frame) > 6 && slices.Contains([]string{"3032", "3035", "3036"}, frame[2:6])
}

// playBare plays nothing but the script.
func playBare(t *testing.T, o device.Options, script []devicetest.Turn, body func(t *testing.T, d device.Device)) {
	t.Helper()
	devicetest.Play(t, func(rw io.ReadWriteCloser) device.Device { return New(rw, o) }, script, body)
}

func key(t testing.TB, alg keys.Algorithm, digits string) *keys.Key {
	t.Helper()
	k, err := keys.New(alg, secret.Copy(sec(t, digits).Expose()))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// loadKTK loads the golden KTK in clear.
func loadKTK(t *testing.T, d device.Device) (device.Commit, error) {
	k := key(t, keys.TDES128, keyKTK)
	defer k.Wipe()
	return d.LoadClear(t.Context(), "05", k, keys.UsageKEK, 'N')
}

func TestAClearKTKIsTheGoldenExchange(t *testing.T) {
	play(t, device.Options{}, []devicetest.Turn{{wire(t, "inject-ktk-clear-slot-05"), wireOf(t, "0200C0D5")}},
		func(t *testing.T, d device.Device) {
			c, err := loadKTK(t, d)
			if err != nil || !c.Closed || c.Returned != "C0D5" || c.Slot != "05" || c.Want.Check.Digits != "C0D5" ||
				c.Want.Usage != keys.UsageKEK || c.Want.KSN != "" {
				t.Fatalf("%+v, %v", c, err)
			}
			got, err := d.Confirm(t.Context(), c)
			want := device.LoadResult{Slot: "05", State: device.SlotState{Loaded: true}, Proof: device.ProofAnswer,
				Returned: "C0D5"}
			if err != nil || got != want {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		})
}

func pinCryptogram() device.Cryptogram {
	return device.Cryptogram{Bytes: unhexMust(cryptPI), Usage: keys.UsagePIN, Mode: 'E', Alg: keys.TDES128,
		Check: "08d7b4", KEK: "05", KEKCheck: "C0D5B5"}
}

func unhexMust(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func TestACryptogramUnderTheKTKIsTheGoldenExchange(t *testing.T) {
	for id, o := range map[string]device.Options{
		"inject-pin-under-ktk":         {},
		"inject-pin-under-ktk-dialect": {Profile: device.ProfileDialect},
	} {
		play(t, o, []devicetest.Turn{{wire(t, id), wireOf(t, "020008D71234567890ABCDEFA920")}}, func(t *testing.T, d device.Device) {
			c, err := d.(device.CryptogramLoader).LoadCryptogram(t.Context(), "03", pinCryptogram())
			if err != nil || !c.Closed || c.Returned != "08D7" {
				t.Errorf("%s: %+v, %v", id, c, err)
			}
		})
	}
}

func TestAnInitialKeyIsTheGoldenExchange(t *testing.T) {
	ksn, err := dukpt.ParseKSN(ksnIK)
	if err != nil {
		t.Fatal(err)
	}
	script := []devicetest.Turn{{wire(t, "inject-tdes-ik-clear-slot-01"), wireOf(t, "0200AF8C")}}
	play(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		ik := key(t, keys.TDES128, keyIK)
		defer ik.Wipe()
		c, err := d.(device.InitialLoader).LoadInitial(t.Context(), "01", ik, ksn)
		if err != nil || !c.Closed || c.Want.KSN != ksnIK {
			t.Errorf("%+v, %v", c, err)
		}
		if _, err := d.LoadClear(t.Context(), "01", ik, keys.UsageIK, 'X'); !fault.Is(err, fault.MissingKSN) {
			t.Errorf("without its KSN: %v", err)
		}
	})
}

func TestSlotNumbersAreWrittenAsTheTerminalReadsThem(t *testing.T) {
	for slots, digits := range map[string]string{device.SlotsDecimal: "15", device.SlotsHex: "0F", "": "15"} {
		want := strings.Replace(theGolden(t, "inject-ktk-clear-slot-05").Payload, "020105", "0201"+digits, 1)
		play(t, device.Options{Slots: slots}, []devicetest.Turn{{wireOf(t, want), wireOf(t, "0200C0D5")}},
			func(t *testing.T, d device.Device) {
				k := key(t, keys.TDES128, keyKTK)
				defer k.Wipe()
				if c, err := d.LoadClear(t.Context(), "15", k, keys.UsageKEK, 'N'); err != nil || c.Slot != "15" {
					t.Errorf("%+v, %v", c, err)
				}
			})
	}
}

func TestARefusalIsExplainedAndNothingIsStored(t *testing.T) {
	for _, info := range table.Replies() {
		if info.Code == table.LRCWrong {
			continue // sent again first
		}
		play(t, device.Options{}, []devicetest.Turn{{wire(t, "inject-ktk-clear-slot-05"), wireOf(t, "02"+info.Code+"0000")}},
			func(t *testing.T, d device.Device) {
				_, err := loadKTK(t, d)
				var code *device.CodeError
				var unknown *device.OutcomeUnknown
				if !errors.As(err, &code) || code.Code != info.Code || code.Cause != info.Cause ||
					!fault.Is(err, fault.DeviceFailed) || errors.As(err, &unknown) ||
					!strings.Contains(err.Error(), "nothing stored") {
					t.Errorf("error %v", err)
				}
			})
	}
}

func TestACodeThatNobodyKnowsLeavesTheOutcomeOpen(t *testing.T) {
	wantOpen(t, device.Options{}, []devicetest.Turn{{wire(t, "inject-ktk-clear-slot-05"), wireOf(t, "02FF0000")}})
}

// wantOpen plays a load whose outcome must be unknown.
func wantOpen(t *testing.T, o device.Options, script []devicetest.Turn) {
	t.Helper()
	play(t, o, script, func(t *testing.T, d device.Device) {
		c, err := loadKTK(t, d)
		var unknown *device.OutcomeUnknown
		if !errors.As(err, &unknown) || c != (device.Commit{}) || unknown.Commit.Slot != "05" || unknown.Commit.Closed ||
			!fault.Is(err, fault.OutcomeUnknown) {
			t.Fatalf("%+v, %v", c, err)
		}
		if _, err := d.Confirm(t.Context(), unknown.Commit); !fault.Is(err, fault.OutcomeUnknown) {
			t.Errorf("confirm: %v", err)
		}
	})
}

func TestALoadWithoutAReadableAnswerIsSentOnceAndItsOutcomeUnknown(t *testing.T) {
	load, done := wire(t, "inject-ktk-clear-slot-05"), wireOf(t, "0200C0D5")
	for name, say := range map[string]string{
		"silence":                   "",
		"a damaged answer":          done[:len(done)-2] + "00",
		"half an answer":            done[:8],
		"noise":                     "ff06150d",
		"the frame itself":          load,
		"an answer to another":      wire(t, "serial"),
		"a poll":                    wire(t, "poll"),
		"a done without its check":  wireOf(t, "0200"),
		"a check that is not hex":   wireOf(t, "0200WXYZ"),
		"an answer with half a tag": wireOf(t, "0200C0D5123"),
	} {
		t.Run(name, func(t *testing.T) { wantOpen(t, device.Options{}, []devicetest.Turn{{load, say}}) })
	}
}

func TestWhatIsNoAnswerIsPassedOver(t *testing.T) {
	load, done := wire(t, "inject-ktk-clear-slot-05"), wireOf(t, "0200C0D5")
	for name, before := range map[string]string{
		"an echo of the line":    load,
		"a poll of the terminal": wire(t, "poll"),
		"noise":                  "00ff",
		"a damaged frame":        "0230300300",
		"an answer to another":   wire(t, "serial"),
	} {
		t.Run(name, func(t *testing.T) {
			play(t, device.Options{}, []devicetest.Turn{{load, before + done}}, func(t *testing.T, d device.Device) {
				if c, err := loadKTK(t, d); err != nil || !c.Closed {
					t.Errorf("%+v, %v", c, err)
				}
			})
		})
	}
}

func TestACommandThatCameDamagedIsSentAgain(t *testing.T) {
	load, damaged := wire(t, "inject-ktk-clear-slot-05"), wire(t, "inject-lrc")
	play(t, device.Options{}, []devicetest.Turn{{load, damaged}, {load, wireOf(t, "0200C0D5")}}, func(t *testing.T, d device.Device) {
		if c, err := loadKTK(t, d); err != nil || !c.Closed {
			t.Errorf("%+v, %v", c, err)
		}
	})
	play(t, device.Options{}, []devicetest.Turn{{load, damaged}, {load, damaged}}, func(t *testing.T, d device.Device) {
		_, err := loadKTK(t, d)
		var code *device.CodeError
		if !errors.As(err, &code) || code.Code != table.LRCWrong || code.Cause != "link-fault" {
			t.Errorf("error %v", err)
		}
	})
}

func TestALateAnswerIsNotTakenForAnothersAnswer(t *testing.T) {
	load, late := wire(t, "inject-ktk-clear-slot-05"), wireOf(t, "02120000")
	script := []devicetest.Turn{{load, ""}, {wire(t, "ask-serial"), late + wire(t, "serial")}, {load, wireOf(t, "0200C0D5")}}
	play(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		if _, err := loadKTK(t, d); !fault.Is(err, fault.OutcomeUnknown) {
			t.Fatalf("the first load: %v", err)
		}
		if c, err := loadKTK(t, d); err != nil || c.Returned != "C0D5" {
			t.Errorf("the second load: %+v, %v", c, err)
		}
	})
}

func TestAnotherCheckValueIsNoProofOfTheKey(t *testing.T) {
	play(t, device.Options{}, []devicetest.Turn{{wire(t, "inject-ktk-clear-slot-05"), wireOf(t, "0200D5D4")}},
		func(t *testing.T, d device.Device) {
			c, err := loadKTK(t, d)
			if err != nil || !c.Closed {
				t.Fatal(err) // it is in, whatever it is
			}
			got, err := d.Confirm(t.Context(), c)
			if !fault.Is(err, fault.KCVMismatch) || got != (device.LoadResult{}) || !strings.Contains(err.Error(), "D5D4") ||
				!strings.Contains(err.Error(), "4 digits") {
				t.Errorf("%+v, %v", got, err)
			}
		})
}

func TestQuestionsAreAskedAgainOnce(t *testing.T) {
	ask, answer := wire(t, "ask-serial"), wire(t, "serial")
	for name, c := range map[string]struct {
		first string
		after time.Duration
	}{"silence": {"", 10 * time.Second}, "a damaged answer": {answer[:len(answer)-2] + "00", 0}} {
		play(t, device.Options{}, []devicetest.Turn{{ask, c.first}, {ask, answer}}, func(t *testing.T, d device.Device) {
			begun := time.Now()
			got, err := d.(device.Serials).Serial(t.Context())
			if err != nil || got != "1234567890ABCDEF" || time.Since(begun) != c.after {
				t.Errorf("%s: %q, %v after %s", name, got, err, time.Since(begun))
			}
		})
	}
	play(t, device.Options{Timeout: time.Second, Retries: 3}, []devicetest.Turn{{ask, ""}, {ask, ""}, {ask, ""}, {ask, ""}},
		func(t *testing.T, d device.Device) {
			begun := time.Now()
			if _, err := d.(device.Serials).Serial(t.Context()); !fault.Is(err, fault.DeviceTimeout) ||
				time.Since(begun) != 4*time.Second {
				t.Errorf("%v after %s", err, time.Since(begun))
			}
		})
}

func TestAnEchoOfAQuestionIsNoAnswer(t *testing.T) {
	ask := wire(t, "ask-serial")
	play(t, device.Options{Retries: device.NoRetries}, []devicetest.Turn{{ask, ask}}, func(t *testing.T, d device.Device) {
		if _, err := d.(device.Serials).Serial(t.Context()); !fault.Is(err, fault.DeviceLink) ||
			!strings.Contains(err.Error(), "repeats") {
			t.Errorf("error %v", err)
		}
	})
}

func TestSerialNumbersAreSetAndReadBack(t *testing.T) {
	set, done := wire(t, "set-serial"), wire(t, "set-serial-done")
	play(t, device.Options{}, []devicetest.Turn{{set, done}, {wire(t, "ask-serial"), wire(t, "serial")}},
		func(t *testing.T, d device.Device) {
			if err := d.(device.Serials).SetSerial(t.Context(), "1234567890ABCDEF"); err != nil {
				t.Error(err)
			}
		})
	play(t, device.Options{}, []devicetest.Turn{{set, done}, {wire(t, "ask-serial"), wireOf(t, "0300PK00000000000001")}},
		func(t *testing.T, d device.Device) {
			if err := d.(device.Serials).SetSerial(t.Context(), "1234567890ABCDEF"); !fault.Is(err, fault.DeviceFailed) {
				t.Errorf("another one is reported: %v", err)
			}
			if err := d.(device.Serials).SetSerial(t.Context(), "PK1"); !fault.Is(err, fault.Usage) {
				t.Errorf("a short one: %v", err)
			}
		})
	for payload, want := range map[string]string{"03000000000000000000": "", "0300PK00000001      ": "PK00000001"} {
		play(t, device.Options{}, []devicetest.Turn{{wire(t, "ask-serial"), wireOf(t, payload)}}, func(t *testing.T, d device.Device) {
			if got, err := d.(device.Serials).Serial(t.Context()); err != nil || got != want {
				t.Errorf("%q: %q, %v", payload, got, err)
			}
		})
	}
}

// deletions is the script of a slot's erasure, with the answer to each type that is not "deletion failed".
func deletions(t *testing.T, answers map[string]string) (script []devicetest.Turn) {
	for _, typ := range table.TypeCodes() {
		code := answers[typ]
		if code == "" {
			code = table.DeleteFailed
		}
		script = append(script, devicetest.Turn{wireOf(t, "060103"+typ), wireOf(t, "06"+code)})
	}
	return script
}

func TestASlotIsErasedWhateverTypeIsInIt(t *testing.T) {
	erase := func(d device.Device) error { return d.(device.Eraser).Erase(context.Background(), "03") }
	play(t, device.Options{}, deletions(t, map[string]string{table.PIN: table.Done, table.MasterToo: table.TypeWrong}),
		func(t *testing.T, d device.Device) {
			if err := erase(d); err != nil {
				t.Error(err)
			}
		})
	play(t, device.Options{}, deletions(t, nil), func(t *testing.T, d device.Device) {
		var code *device.CodeError
		if err := erase(d); !errors.As(err, &code) || code.Code != table.DeleteFailed {
			t.Errorf("nothing there: %v", err)
		}
	})
	play(t, device.Options{}, deletions(t, map[string]string{table.Master: table.Tampered})[:1],
		func(t *testing.T, d device.Device) {
			var code *device.CodeError
			if err := erase(d); !errors.As(err, &code) || code.Cause != "tamper" {
				t.Errorf("tampered: %v", err)
			}
		})
}

func TestADeletionWithoutAnAnswerIsUnknown(t *testing.T) {
	play(t, device.Options{}, []devicetest.Turn{{wire(t, "delete-all"), ""}}, func(t *testing.T, d device.Device) {
		if err := d.(device.Eraser).EraseAll(t.Context()); !fault.Is(err, fault.OutcomeUnknown) {
			t.Errorf("error %v", err)
		}
	})
	play(t, device.Options{}, []devicetest.Turn{{wire(t, "delete-all"), wire(t, "delete-all-done")}},
		func(t *testing.T, d device.Device) {
			if err := d.(device.Eraser).EraseAll(t.Context()); err != nil {
				t.Error(err)
			}
		})
}

func TestWhatTheDialectDoesNotHaveIsRefusedWithoutAWord(t *testing.T) {
	play(t, device.Options{}, nil, func(t *testing.T, d device.Device) {
		if _, err := d.ReadSlot(t.Context(), "03"); !fault.Is(err, fault.Usage) {
			t.Errorf("a question about a slot: %v", err)
		}
		if _, err := d.ReadSlot(t.Context(), "0F"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a question about no slot: %v", err)
		}
		if _, err := d.LoadBlock(t.Context(), "03", nil); !fault.Is(err, fault.Usage) {
			t.Errorf("a key block: %v", err)
		}
		k := key(t, keys.AES256, keyPIN+keyPIN)
		defer k.Wipe()
		if _, err := d.LoadClear(t.Context(), "03", k, keys.UsagePIN, 'E'); !fault.Is(err, fault.Usage) {
			t.Errorf("an AES key in the base layout: %v", err)
		}
		for name, spoil := range map[string]func(c *device.Cryptogram){
			"a short check value": func(c *device.Cryptogram) { c.Check = "08D" },
			"no check value":      func(c *device.Cryptogram) { c.Check = "" },
			"no KTK's":            func(c *device.Cryptogram) { c.KEKCheck = "" },
			"a wrong KTK slot":    func(c *device.Cryptogram) { c.KEK = "F" },
			"half a key":          func(c *device.Cryptogram) { c.Bytes = c.Bytes[:8] },
			"no KSN":              func(c *device.Cryptogram) { c.Usage, c.Mode = keys.UsageIK, 'X' },
		} {
			c := pinCryptogram()
			spoil(&c)
			got, err := d.(device.CryptogramLoader).LoadCryptogram(t.Context(), "03", c)
			if err == nil || got != (device.Commit{}) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
	})
}

func TestCancellingBeforeTheSendingStoresNothing(t *testing.T) {
	play(t, device.Options{}, nil, func(t *testing.T, d device.Device) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		k := key(t, keys.TDES128, keyKTK)
		defer k.Wipe()
		_, err := d.LoadClear(ctx, "05", k, keys.UsageKEK, 'N')
		var unknown *device.OutcomeUnknown
		if !fault.Is(err, fault.Interrupted) || errors.As(err, &unknown) {
			t.Errorf("error %v", err)
		}
	})
}

func TestCancellingAfterTheSendingDoesNotLoseTheAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	o := device.Options{Trace: func(dir device.Direction, line string) {
		if dir == device.Sent && strings.HasPrefix(line, "<STX>02") {
			cancel()
		}
	}}
	play(t, o, []devicetest.Turn{{wire(t, "inject-ktk-clear-slot-05"), wireOf(t, "0200C0D5")}}, func(t *testing.T, d device.Device) {
		k := key(t, keys.TDES128, keyKTK)
		defer k.Wipe()
		if c, err := d.LoadClear(ctx, "05", k, keys.UsageKEK, 'N'); err != nil || !c.Closed {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestALineThatBreaksAtAnyByteNeverSaysWhatIsNotSo(t *testing.T) {
	load, done := devicetest.Unhex(t, wire(t, "inject-ktk-clear-slot-05")), devicetest.Unhex(t, wireOf(t, "0200C0D5"))
	ask, serial := devicetest.Unhex(t, wire(t, "ask-serial")), devicetest.Unhex(t, wire(t, "serial"))
	for at := range len(load) + len(done) + 1 {
		host, peer := net.Pipe()
		d := New(host, device.Options{})
		go func() {
			defer peer.Close()
			_, _ = io.ReadFull(peer, make([]byte, len(ask)))
			_, _ = peer.Write(serial)
			if n, err := io.ReadFull(peer, make([]byte, min(at, len(load)))); err != nil || n < len(load) {
				return
			}
			_, _ = peer.Write(done[:at-len(load)])
		}()
		c, err := loadKTK(t, d)
		var unknown *device.OutcomeUnknown
		switch {
		case at < len(load) && (err == nil || errors.As(err, &unknown)):
			t.Errorf("cut at byte %d of the command: %+v, %v", at, c, err)
		case at >= len(load) && at < len(load)+len(done) && !errors.As(err, &unknown):
			t.Errorf("cut at byte %d of the answer: %+v, %v", at-len(load), c, err)
		case at == len(load)+len(done) && (err != nil || !c.Closed):
			t.Errorf("cut after the answer: %+v, %v", c, err)
		}
		_ = d.Close()
	}
}

func TestATraceOfALoadShowsNoKeyDigit(t *testing.T) {
	var lines []string
	o := device.Options{Trace: func(dir device.Direction, s string) { lines = append(lines, string(dir)+" "+s) }}
	load := wire(t, "inject-ktk-clear-slot-05")
	play(t, o, []devicetest.Turn{{load, load + wireOf(t, "0200C0D5"+keyKTK) + wireOf(t, "0200C0D5")}},
		func(t *testing.T, d device.Device) { _, _ = loadKTK(t, d) })
	all := strings.Join(lines, "\n")
	if !strings.Contains(all, "sent <STX>02010500") || !strings.Contains(all, "received <STX>0200") ||
		!strings.Contains(all, "****") {
		t.Errorf("the trace is\n%s", all)
	}
	for at := range len(keyKTK) - 5 {
		if strings.Contains(all, keyKTK[at:at+6]) {
			t.Fatalf("digits of the key stand in the trace:\n%s", all)
		}
	}
}

// slow is a terminal that answers every frame so late, one after the other, as long as its line is there: an answer
// outlives the session that asked for it.
type slow struct {
	delay  time.Duration
	answer func(command, slot string) string
}

// serve answers until the line is closed.
func (s slow) serve(t *testing.T, line io.ReadWriteCloser) {
	type job struct {
		at      time.Time
		payload []byte
	}
	jobs := make(chan job, 100)
	go func() {
		defer close(jobs)
		var frame []byte
		b := make([]byte, 1)
		for {
			if _, err := io.ReadFull(line, b); err != nil {
				return
			}
			frame = append(frame, b[0])
			if n := len(frame); n > 2 && frame[n-2] == table.ETX {
				jobs <- job{time.Now(), frame[1 : n-2]}
				frame = nil
			}
		}
	}()
	for j := range jobs {
		time.Sleep(time.Until(j.at.Add(s.delay)))
		if answer := s.answer(string(j.payload[:2]), string(j.payload[4:6])); answer != "" {
			_, _ = line.Write(devicetest.Unhex(t, wireOf(t, answer)))
		}
	}
}

// cable joins sessions of a host, one after the other, with one terminal, as a serial line does: what a session leaves
// behind is there for the next.
type cable struct {
	toHost, toPeer chan []byte
	rest           []byte
}

func newCable() *cable {
	return &cable{toHost: make(chan []byte, 100), toPeer: make(chan []byte, 100)}
}

type hostEnd struct {
	*cable
	closed chan struct{}
	rest   []byte
}

func (c *cable) host() io.ReadWriteCloser { return &hostEnd{cable: c, closed: make(chan struct{})} }

func (h *hostEnd) Read(b []byte) (int, error) {
	if len(h.rest) == 0 {
		select {
		case <-h.closed:
			return 0, io.EOF
		case h.rest = <-h.toHost:
		}
	}
	n := copy(b, h.rest)
	h.rest = h.rest[n:]
	return n, nil
}

func (h *hostEnd) Write(b []byte) (int, error) { h.toPeer <- slices.Clone(b); return len(b), nil }
func (h *hostEnd) Close() error                { close(h.closed); return nil }

func (c *cable) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		var ok bool
		if c.rest, ok = <-c.toPeer; !ok {
			return 0, io.EOF
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *cable) Write(b []byte) (int, error) { c.toHost <- slices.Clone(b); return len(b), nil }
func (c *cable) Close() error                { close(c.toPeer); return nil }

func TestTheAnswerToAnotherProcessesOrderIsNotTaken(t *testing.T) {
	const timeout = 2 * time.Second
	serial := theGolden(t, "serial").Payload
	for _, delay := range []time.Duration{timeout * 3 / 2, timeout * 5 / 2} {
		synctest.Test(t, func(t *testing.T) {
			c := newCable()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				slow{delay, func(command, slot string) string {
					switch {
					case command == table.ReadSerial:
						return serial
					case slot == "03":
						return "0200C0D5"
					}
					return "020C0000" // this terminal has no such slot
				}}.serve(t, c)
			}()
			before := frame(t, strings.Replace(theGolden(t, "inject-ktk-clear-slot-05").Payload, "020105", "020103", 1))
			w := before.Encode()
			_, _ = c.host().Write(w.Expose()) // another process, which gave up after its time-out
			w.Wipe()
			before.Wipe()
			time.Sleep(timeout)
			d := New(c.host(), device.Options{Timeout: timeout})
			for range 3 {
				if got, err := loadKTK(t, d); err == nil {
					t.Errorf("answers after %s: slot 05 does not exist, and %+v", delay, got)
				}
			}
			_ = d.Close()
			_ = c.Close()
			<-ended
		})
	}
}

func TestNoOrderLeavesBehindAQuestionThatWasAskedTwice(t *testing.T) {
	ask, serial, load := wire(t, "ask-serial"), wire(t, "serial"), wire(t, "inject-ktk-clear-slot-05")
	script := []devicetest.Turn{{ask, ""}, {ask, serial}, {load, wireOf(t, "0200C0D5")}}
	playBare(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		begun := time.Now()
		if c, err := loadKTK(t, d); err != nil || !c.Closed {
			t.Errorf("%+v, %v", c, err)
		}
		if took := time.Since(begun); took != 3*table.Timeout {
			t.Errorf("it takes %s: one time-out, and two for the other answer", took)
		}
	})
	script[1][1] = serial + serial
	playBare(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		begun := time.Now()
		if c, err := loadKTK(t, d); err != nil || !c.Closed || time.Since(begun) != table.Timeout {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestATerminalThatDoesNotKnowTheQuestionIsLoadedOverAQuietLine(t *testing.T) {
	ask, load := wire(t, "ask-serial"), wire(t, "inject-ktk-clear-slot-05")
	script := []devicetest.Turn{{ask, ask}, {ask, ask}, {load, wireOf(t, "0200C0D5")}}
	playBare(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		if c, err := loadKTK(t, d); err != nil || !c.Closed {
			t.Errorf("%+v, %v", c, err)
		}
	})
	script = []devicetest.Turn{{ask, ask + wireOf(t, "0200C0D5")}, {ask, ask}}
	playBare(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		var unknown *device.OutcomeUnknown
		if _, err := loadKTK(t, d); err == nil || errors.As(err, &unknown) || !strings.Contains(err.Error(), "nothing stored") {
			t.Errorf("an answer came that nobody had asked for: %v", err)
		}
	})
}
