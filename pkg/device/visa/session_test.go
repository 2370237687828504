package visa

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/device"
	"poskey/pkg/device/devicetest"
	"poskey/pkg/device/visa/table"
)

// wire gives a golden frame as hex.
func wire(t testing.TB, id string) string {
	t.Helper()
	g, ok := goldens(t)[id]
	if !ok {
		t.Fatalf("there is no golden frame %s", id)
	}
	return hex.EncodeToString(g.wire(t))
}

// play runs a script in a bubble. The script must be played to its end, and nothing may be said besides.
func play(t *testing.T, o device.Options, script []devicetest.Turn, body func(t *testing.T, d device.Device)) {
	t.Helper()
	playOver(t, o, func(rw io.ReadWriteCloser) io.ReadWriteCloser { return rw }, script, body)
}

// playOver is play over a line that wrap makes of the host's end.
func playOver(t *testing.T, o device.Options, wrap func(io.ReadWriteCloser) io.ReadWriteCloser, script []devicetest.Turn,
	body func(t *testing.T, d device.Device)) {
	t.Helper()
	devicetest.Play(t, func(rw io.ReadWriteCloser) device.Device { return New(wrap(rw), o) }, script, body)
}

func TestAskingIsTheGoldenExchange(t *testing.T) {
	play(t, device.Options{}, []devicetest.Turn{
		{wire(t, "ask-slot-5-attributes"), "06" + wire(t, "slot-loaded-K0-D-T")},
		{"06", "04"},
	}, func(t *testing.T, d device.Device) {
		got, err := d.ReadSlot(t.Context(), "5")
		want := device.SlotState{Loaded: true, HasAttributes: true, Usage: "K0", Mode: 'D', Algorithm: 'T'}
		if err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	})
}

func TestAClearLoadIsTheGoldenExchangeAndAsksNothingBefore(t *testing.T) {
	load := wire(t, "load-clear-slot-1-P0-E")
	play(t, device.Options{}, []devicetest.Turn{{load, "06" + load}, {"06", "04"}}, func(t *testing.T, d device.Device) {
		c, err := d.LoadClear(t.Context(), "1", testKey(t, keyTest), "P0", 'E')
		want := device.SlotState{Loaded: true, HasAttributes: true, Usage: "P0", Mode: 'E', Algorithm: 'T'}
		if err != nil || c != (device.Commit{Slot: "1", Want: want, Closed: true}) {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

// askSlot1 is packet 04 for slot 1 with attributes.
const askSlot1 = "0f303431310e0a"

func TestABlockIsLoadedAfterAQuestion(t *testing.T) {
	load := wire(t, "load-block-A-slot-1")
	play(t, device.Options{}, []devicetest.Turn{
		{askSlot1, "06" + wire(t, "slot-empty")}, {"06", "04"},
		{load, "06" + load}, {"06", "04"},
	}, func(t *testing.T, d device.Device) {
		c, err := d.LoadBlock(t.Context(), "1", testBlock(t, blockAKL))
		if err != nil || !c.Closed || c.Before == nil || *c.Before != (device.SlotState{}) {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestAnEchoThatDiffersIsNotCommitted(t *testing.T) {
	load := wire(t, "load-clear-slot-0")
	// Two digits swapped: the LRC is the same, only the comparison sees it.
	swapped := strings.Replace(load, "31393542", "39313542", 1)
	if swapped == load {
		t.Fatal("the frame has no such digits")
	}
	play(t, device.Options{}, []devicetest.Turn{{load, "06" + swapped}, {"04", ""}}, func(t *testing.T, d device.Device) {
		_, err := d.LoadClear(t.Context(), "0", testKey(t, keyK1), "K0", 'D')
		var unknown *device.OutcomeUnknown
		if !fault.Is(err, fault.DeviceLink) || errors.As(err, &unknown) || !strings.Contains(err.Error(), "nothing stored") {
			t.Errorf("error %v", err)
		}
	})
}

func TestARefusalIsAcknowledgedAndExplained(t *testing.T) {
	load := wire(t, "load-clear-slot-0")
	script := []devicetest.Turn{{load, "06" + wire(t, "load-error-2")}, {"06", "04"}}
	play(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		_, err := d.LoadClear(t.Context(), "0", testKey(t, keyK1), "K0", 'D')
		var code *device.CodeError
		if !errors.As(err, &code) || code.Code != "2" || code.Cause != "duplicate-value" ||
			!fault.Is(err, fault.DeviceFailed) {
			t.Errorf("error %v", err)
		}
	})
}

func TestAFrameIsSentAgainTwiceThenEOT(t *testing.T) {
	ask := wire(t, "ask-slot-5-attributes")
	for name, c := range map[string]struct {
		say  string
		kind fault.Kind
		took time.Duration
	}{
		"silence": {"", fault.DeviceTimeout, 15 * time.Second},
		"NAK":     {"15", fault.DeviceLink, 0},
	} {
		t.Run(name, func(t *testing.T) {
			script := []devicetest.Turn{{ask, c.say}, {ask, c.say}, {ask, c.say}, {"04", ""}}
			play(t, device.Options{}, script, func(t *testing.T, d device.Device) {
				begun := time.Now()
				_, err := d.ReadSlot(t.Context(), "5")
				if !fault.Is(err, c.kind) || time.Since(begun) != c.took {
					t.Errorf("after %s: %v of kind %s", time.Since(begun), err, fault.KindOf(err))
				}
			})
		})
	}
}

func TestTimeoutAndRetriesAreTheUsers(t *testing.T) {
	ask := wire(t, "ask-slot-5-attributes")
	o := device.Options{Timeout: time.Minute, Retries: device.NoRetries}
	play(t, o, []devicetest.Turn{{ask, ""}, {"04", ""}}, func(t *testing.T, d device.Device) {
		begun := time.Now()
		if _, err := d.ReadSlot(t.Context(), "5"); !fault.Is(err, fault.DeviceTimeout) || time.Since(begun) != time.Minute {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	})
}

func TestADamagedAnswerIsAskedForAgain(t *testing.T) {
	ask, good := wire(t, "ask-slot-5-attributes"), wire(t, "slot-loaded-K0-D-T")
	bad := good[:len(good)-2] + "FF"
	script := []devicetest.Turn{{ask, "06" + bad}, {"15", bad}, {"15", good}, {"06", "04"}}
	play(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		if s, err := d.ReadSlot(t.Context(), "5"); err != nil || !s.Loaded {
			t.Errorf("%+v, %v", s, err)
		}
	})
	script = []devicetest.Turn{{ask, "06" + bad}, {"15", bad}, {"15", bad}, {"04", ""}}
	play(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		if _, err := d.ReadSlot(t.Context(), "5"); !fault.Is(err, fault.DeviceLink) {
			t.Errorf("three damaged answers: %v", err)
		}
	})
}

func TestARepeatedAnswerIsAcknowledgedAgainButNotForEver(t *testing.T) {
	ask, good := wire(t, "ask-slot-5-attributes"), wire(t, "slot-loaded-K0-D-T")
	script := []devicetest.Turn{{ask, "06" + good}, {"06", good}, {"06", good}, {"06", good}}
	play(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		if s, err := d.ReadSlot(t.Context(), "5"); err != nil || !s.Loaded {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestEOTInPlaceOfAnAnswerIsARefusal(t *testing.T) {
	load := wire(t, "load-clear-slot-0")
	for _, say := range []string{"04", "0604"} {
		play(t, device.Options{}, []devicetest.Turn{{load, say}}, func(t *testing.T, d device.Device) {
			_, err := d.LoadClear(t.Context(), "0", testKey(t, keyK1), "K0", 'D')
			var code *device.CodeError
			if !errors.As(err, &code) || code.Code != "EOT" {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestWhatCameBeforeTheQuestionIsNotItsAnswer(t *testing.T) {
	ask := wire(t, "ask-slot-5-attributes")
	stale := "06" + wire(t, "slot-loaded-K0-D-T") + "04"
	script := []devicetest.Turn{{"", stale}, {ask, "06" + wire(t, "slot-empty")}, {"06", "04"}}
	play(t, device.Options{}, script, func(t *testing.T, d device.Device) {
		synctest.Wait()
		if s, err := d.ReadSlot(t.Context(), "5"); err != nil || s.Loaded {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestFromTheCommitOnAnyFailureIsAnUnknownOutcome(t *testing.T) {
	load := wire(t, "load-clear-slot-0")
	other := wire(t, "slot-loaded")
	for name, after := range map[string]string{
		"silence": "", "another frame": other, "ACK instead of EOT": "06", "NAK": "15", "noise": "FF20",
	} {
		t.Run(name, func(t *testing.T) {
			play(t, device.Options{}, []devicetest.Turn{{load, "06" + load}, {"06", after}}, func(t *testing.T, d device.Device) {
				wantUnknown(t, d)
			})
		})
	}
}

func wantUnknown(t *testing.T, d device.Device) {
	t.Helper()
	c, err := d.LoadClear(t.Context(), "0", testKey(t, keyK1), "K0", 'D')
	var unknown *device.OutcomeUnknown
	if !errors.As(err, &unknown) || unknown.Commit.Slot != "0" || unknown.Commit.Closed || c != (device.Commit{}) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestCancellingAfterTheCommitDoesNotLoseTheAnswer(t *testing.T) {
	load := wire(t, "load-clear-slot-0")
	ctx, cancel := context.WithCancel(context.Background())
	o := device.Options{Trace: func(d device.Direction, s string) {
		if d == device.Sent && s == "<ACK>" { // the commit
			cancel()
		}
	}}
	play(t, o, []devicetest.Turn{{load, "06" + load}, {"06", "04"}}, func(t *testing.T, d device.Device) {
		if c, err := d.LoadClear(ctx, "0", testKey(t, keyK1), "K0", 'D'); err != nil || !c.Closed {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestCancellingBeforeTheCommitTakesItBack(t *testing.T) {
	load := wire(t, "load-clear-slot-0")
	ctx, cancel := context.WithCancel(context.Background())
	o := device.Options{Trace: func(d device.Direction, s string) {
		if d == device.Received && s != "<ACK>" { // the echo
			cancel()
		}
	}}
	play(t, o, []devicetest.Turn{{load, "06" + load}, {"04", ""}}, func(t *testing.T, d device.Device) {
		if _, err := d.LoadClear(ctx, "0", testKey(t, keyK1), "K0", 'D'); !fault.Is(err, fault.Interrupted) {
			t.Errorf("error %v", err)
		}
	})
}

func TestConfirmComparesWhatTheTerminalReports(t *testing.T) {
	ask := wire(t, "ask-slot-5-attributes")
	k0 := device.SlotState{Loaded: true, HasAttributes: true, Usage: "K0", Mode: 'D', Algorithm: 'T'}
	before, loadedBefore := device.SlotState{}, k0
	answer := func(id string) string { return wire(t, id) }
	for name, c := range map[string]struct {
		commit  device.Commit
		answer  string
		proof   device.Proof
		kind    fault.Kind
		unknown bool
	}{
		"the same attributes": {device.Commit{Slot: "5", Want: k0, Closed: true}, answer("slot-loaded-K0-D-T"),
			device.ProofCommitAttributes, "", false},
		"loaded, without attributes": {device.Commit{Slot: "5", Want: k0, Closed: true}, answer("slot-loaded"),
			device.ProofCommit, "", false},
		"another usage": {device.Commit{Slot: "5", Closed: true, Want: device.SlotState{Loaded: true, HasAttributes: true,
			Usage: "P0", Mode: 'E', Algorithm: 'T'}}, answer("slot-loaded-K0-D-T"), "", fault.DeviceFailed, false},
		"empty after all": {device.Commit{Slot: "5", Want: k0, Closed: true}, answer("slot-empty"),
			"", fault.DeviceFailed, false},
		"not closed, empty before": {device.Commit{Slot: "5", Want: k0, Before: &before}, answer("slot-loaded-K0-D-T"),
			device.ProofCommitAttributes, "", false},
		"not closed, still empty": {device.Commit{Slot: "5", Want: k0, Before: &before}, answer("slot-empty"),
			"", fault.DeviceFailed, false},
		"not closed, loaded before": {device.Commit{Slot: "5", Want: k0, Before: &loadedBefore}, answer("slot-loaded-K0-D-T"),
			"", fault.OutcomeUnknown, true},
		"not closed, nobody asked": {device.Commit{Slot: "5", Want: k0}, answer("slot-loaded-K0-D-T"),
			"", fault.OutcomeUnknown, true},
		"an answer that cannot be read": {device.Commit{Slot: "5", Want: k0, Closed: true}, "0f3034580e52", "",
			fault.OutcomeUnknown, true},
	} {
		t.Run(name, func(t *testing.T) {
			end := devicetest.Turn{"06", "04"}
			if strings.HasPrefix(name, "an answer that cannot") {
				end = devicetest.Turn{"04", ""}
			}
			play(t, device.Options{}, []devicetest.Turn{{ask, "06" + c.answer}, end}, func(t *testing.T, d device.Device) {
				got, err := d.Confirm(t.Context(), c.commit)
				var unknown *device.OutcomeUnknown
				if got.Proof != c.proof || errors.As(err, &unknown) != c.unknown || (err == nil) != (c.kind == "") {
					t.Fatalf("%+v, %v", got, err)
				}
				if err != nil && (!fault.Is(err, c.kind) || got != (device.LoadResult{})) {
					t.Errorf("%+v, %v of kind %s", got, err, fault.KindOf(err))
				}
			})
		})
	}
}

func TestAClosedDeviceSaysSo(t *testing.T) {
	host, peer := net.Pipe()
	d := New(host, device.Options{})
	go func() {
		_, _ = io.ReadFull(peer, make([]byte, 7))
		_, _ = peer.Write([]byte("\x06\x0f04F")) // the line breaks within the answer
		_ = peer.Close()
	}()
	if _, err := d.ReadSlot(t.Context(), "5"); !fault.Is(err, fault.DeviceLink) {
		t.Errorf("a line that breaks: %v", err)
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if _, err := d.LoadClear(t.Context(), "5", testKey(t, keyK1), "K0", 'D'); !fault.Is(err, fault.DeviceLink) {
			t.Errorf("after Close: %v", err)
		}
	}
}

// handClock is a clock whose timers fire when the test says so.
type handClock struct{ timers chan chan time.Time }

func (c handClock) After(time.Duration) (<-chan time.Time, func()) {
	fired := make(chan time.Time, 1)
	c.timers <- fired
	return fired, func() {}
}

func TestEveryWaitingGoesByTheInjectedClockAndBeginsBeforeTheSending(t *testing.T) {
	host, peer := net.Pipe()
	clock := handClock{make(chan chan time.Time)}
	d := New(host, device.Options{Clock: clock})
	done := make(chan error, 1)
	go func() {
		_, err := d.ReadSlot(context.Background(), "5")
		done <- err
	}()
	hear := func(want string) {
		t.Helper()
		got := make([]byte, len(want)/2)
		if _, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, devicetest.Unhex(t, want)) {
			t.Fatalf("heard %X, %v; want %s", got, err, want)
		}
	}
	for range table.Repeats + 1 {
		answer := <-clock.timers
		<-clock.timers // for the writing
		hear(wire(t, "ask-slot-5-attributes"))
		answer <- time.Time{}
	}
	<-clock.timers // for writing EOT
	hear("04")
	if err := <-done; !fault.Is(err, fault.DeviceTimeout) {
		t.Errorf("error %v", err)
	}
	if err := errors.Join(d.Close(), peer.Close()); err != nil {
		t.Error(err)
	}
}
