package inject_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/device/drivers"
	"poskey/pkg/device/emulator"
	"poskey/pkg/device/line"
	"poskey/pkg/device/visa"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// tap keeps what the host sent.
type tap struct {
	io.ReadWriteCloser
	mu   sync.Mutex
	sent []byte
}

func (p *tap) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.sent = append(p.sent, b...)
	p.mu.Unlock()
	return p.ReadWriteCloser.Write(b)
}

func (p *tap) bytes() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.sent)
}

// log keeps what happened at the terminal.
type log struct {
	mu     sync.Mutex
	events []emulator.Event
}

func (l *log) add(e emulator.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// of gives the events of a kind.
func (l *log) of(kind emulator.EventKind) []emulator.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.events), func(e emulator.Event) bool { return e.Kind != kind })
}

// bench is a terminal, the line to it and a boundary with keys for it.
type bench struct {
	hsm.Boundary
	device.Device
	term *emulator.Terminal
	tap  *tap
	log  *log
}

// transport connects a terminal with a driver.
type transport func(t *testing.T, term *emulator.Terminal, p *tap) device.Device

func overTCP(t *testing.T, term *emulator.Terminal, p *tap) device.Device {
	t.Helper()
	l, err := term.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return open(t, l.URI(), func(ctx context.Context, u device.URI) (_ io.ReadWriteCloser, err error) {
		p.ReadWriteCloser, err = line.Dial(ctx, u)
		return p, err
	})
}

func overPipe(t *testing.T, term *emulator.Terminal, p *tap) device.Device {
	t.Helper()
	host, peer := net.Pipe()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = term.Serve(ctx, peer) // some tests break the line
	}()
	t.Cleanup(func() { stop(); <-ended })
	return open(t, "visa+tcp://in.memory:1", func(context.Context, device.URI) (io.ReadWriteCloser, error) {
		p.ReadWriteCloser = host
		return p, nil
	})
}

type dialer func(context.Context, device.URI) (io.ReadWriteCloser, error)

func open(t *testing.T, uri string, dial dialer) device.Device {
	t.Helper()
	d, err := drivers.Open(t.Context(), uri, device.Options{Dial: dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // a fault may have closed it already
	return d
}

// start makes the one bench of a test, whose terminal holds klk (none when empty). At the end it looks for secrets left
// behind.
func start(t *testing.T, connect transport, klk []byte, faults ...emulator.Fault) *bench {
	t.Helper()
	live := secret.Live()
	t.Cleanup(func() {
		if now := secret.Live(); now != live {
			t.Errorf("%d secrets are live after the test, %d were before", now, live)
		}
	})
	w := &bench{tap: &tap{}, log: &log{}}
	w.term = emulator.New(emulator.Config{Faults: faults, OnEvent: w.log.add})
	t.Cleanup(w.term.Wipe)
	if klk != nil {
		w.direct(t, "F", klk, keys.UsageKEK, 'D')
	}
	w.Boundary = boundary(t)
	w.Device = connect(t, w.term, w.tap)
	return w
}

func boundary(t *testing.T) hsm.Boundary {
	t.Helper()
	b, err := hsm.NewSoft(keys.Env{Rand: rand.Reader, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// direct puts a key into the terminal as its factory does.
func (w *bench) direct(t *testing.T, slot device.Slot, clear []byte, usage keys.Usage, mode byte) {
	t.Helper()
	k, err := keys.New(tdes(len(clear)), secret.Copy(clear))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Wipe()
	if err := w.term.LoadDirect(slot, k, usage, mode); err != nil {
		t.Fatal(err)
	}
}

func tdes(n int) keys.Algorithm { return keys.TDES128.ForLength(n) }

// take imports a key.
func (w *bench) take(t *testing.T, clear []byte, a hsm.Attributes) hsm.Key {
	t.Helper()
	k, err := w.Import(t.Context(), secret.Copy(clear), a, hsm.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// plan is for a TDES key under klk, or in clear without, with what the slot takes.
func (w *bench) plan(t *testing.T, slot device.Slot, clear, klk []byte) inject.Plan {
	t.Helper()
	return w.planFor(t, slot, "", 0, clear, klk)
}

// planFor names usage and mode. The key has them; where the slot takes none such, it is what the plan says it is.
func (w *bench) planFor(t *testing.T, slot device.Slot, usage keys.Usage, mode byte, clear, klk []byte) inject.Plan {
	t.Helper()
	p := inject.Plan{Slot: slot, Usage: usage, Mode: mode, Clear: klk == nil}
	a := hsm.Attributes{Algorithm: tdes(len(clear)), Usage: usage, Mode: mode}
	if u, m, err := inject.Attributes(visa.Capabilities(""), p, len(clear)); err == nil {
		a.Usage, a.Mode = u, m
	}
	p.Key = hsm.Accept(w.take(t, clear, a), hsm.ByOperator)
	if klk != nil {
		k := w.take(t, klk, hsm.Attributes{Algorithm: tdes(len(klk)), Usage: keys.UsageKEK})
		p.KLK = &k
	}
	return p
}

// preflight looks at a job of one load.
func (w *bench) preflight(ctx context.Context, p inject.Plan) (inject.Cleared, error) {
	return inject.Preflight(ctx, w.Device, nil, time.Now(), inject.Job{Loads: []inject.Plan{p}})
}

// run loads what passed its preflight, without a journal.
func (w *bench) run(ctx context.Context, c inject.Cleared) (inject.Result, error) {
	l := inject.Loader{Boundary: w.Boundary, Now: time.Now, Rand: rand.Reader}
	report, err := l.Run(ctx, w.Device, c)
	if err == nil {
		err = report.Err()
	}
	if len(report.Loads) == 0 {
		return inject.Result{}, err
	}
	return report.Loads[0].Result, err
}

// load runs a plan.
func (w *bench) load(t *testing.T, p inject.Plan) (inject.Cleared, inject.Result, error) {
	t.Helper()
	cleared, err := w.preflight(t.Context(), p)
	if err != nil {
		t.Fatalf("preflight: %v", err)
	}
	result, err := w.run(t.Context(), cleared)
	if err != nil && !reflect.DeepEqual(result, inject.Result{}) {
		t.Errorf("result %+v beside the error %v", result, err)
	}
	return cleared, result, err
}

// holds wants a key in a slot, as the terminal itself computes its check value.
func (w *bench) holds(t *testing.T, slot device.Slot, clear []byte) {
	t.Helper()
	want, err := kcv.Of(tdes(len(clear)), clear, kcv.ECBZero, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := w.term.SlotCheck(slot); !ok || got != want {
		t.Errorf("slot %s holds a key with check value %s (%v), want %s", slot, got, ok, want)
	}
}

func (w *bench) empty(t *testing.T, slot device.Slot) {
	t.Helper()
	if got, ok := w.term.SlotCheck(slot); ok {
		t.Errorf("slot %s holds a key with check value %s, want none", slot, got)
	}
}

// Made-up keys, odd parity, no weakness.
func single() []byte { return unhex("6D31F4A2C7580E9B") }
func double() []byte { return unhex("85A2E9137C4F61D02E98B0F4CD5B3176") }
func triple() []byte { return unhex("1CA7E35886D0B94F6D31F4A2C7580E9BD3529E0475B61F8A") }
func klk16() []byte  { return unhex("B5C80D3E97F2614A0EA76B9D2C58F143") }
func klk24() []byte  { return unhex("B5C80D3E97F2614A0EA76B9D2C58F143D901469BE5237CA8") }

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err) // a literal of this file
	}
	return b
}

// bothWays runs a test over every transport, with a load under a KLK and with one in clear (without klk).
func bothWays(t *testing.T, body func(t *testing.T, connect transport, klk []byte)) {
	each(t, func(t *testing.T, connect transport) {
		t.Run("block", func(t *testing.T) { body(t, connect, klk16()) })
		t.Run("clear", func(t *testing.T) { body(t, connect, nil) })
	})
}

// each runs a test over every transport.
func each(t *testing.T, body func(t *testing.T, connect transport)) {
	t.Run("tcp", func(t *testing.T) { body(t, overTCP) })
	t.Run("pipe", func(t *testing.T) { body(t, overPipe) })
}

func TestAKeyIsLoadedInTheBestFormThatThePacketTakes(t *testing.T) {
	for _, tt := range []struct {
		name       string
		clear, klk []byte
		slot       device.Slot
		usage      keys.Usage // "" for the slot's own
		mode       byte
		wantUsage  keys.Usage
		wantMode   byte
		alg        byte
		version    byte
		notes      []string
	}{
		{"single length as version A", single(), klk16(), "0", "", 0, "P0", 'E', 'D', 'A', []string{"only version A"}},
		{"double length as version B", double(), klk16(), "0", "", 0, "K0", 'D', 'T', 'B', nil},
		{"double length as version B under a triple KLK", double(), klk24(), "9", "", 0, "K0", 'D', 'T', 'B', nil},
		{"triple length as version A", triple(), klk24(), "1", "", 0, "K0", 'D', 'T', 'A', []string{"only version A"}},
		{"double length with a usage of its own", double(), klk16(), "2", "P0", 0, "P0", 'E', 'T', 'B', nil},
		{"a MAC key with the slot's first mode", double(), klk16(), "B", "M3", 0, "M3", 'G', 'T', 'B', nil},
		{"a MAC key with a mode of its own", double(), klk16(), "C", "M3", 'V', "M3", 'V', 'T', 'B', nil},
		{"a single MAC key", single(), klk16(), "E", "", 0, "M1", 'G', 'D', 'A', []string{"only version A"}},
		{"a data key", triple(), klk24(), "G", "D0", 0, "D0", 'E', 'T', 'A', []string{"only version A"}},
		{"the KLK itself", double(), klk16(), "F", "", 0, "K0", 'D', 'T', 'B', []string{"will be replaced"}},
		{"double length in clear", double(), nil, "F", "", 0, "K0", 'D', 'T', 0, []string{"in clear"}},
		{"triple length in clear", triple(), nil, "3", "", 0, "K0", 'D', 'T', 0, []string{"in clear"}},
		{"a PIN key in clear", double(), nil, "3", "P0", 0, "P0", 'E', 'T', 0, []string{"in clear"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, connect transport) {
				w := start(t, connect, tt.klk)
				p := w.planFor(t, tt.slot, tt.usage, tt.mode, tt.clear, tt.klk)
				cleared, got, err := w.load(t, p)
				if err != nil {
					t.Fatal(err)
				}
				w.holds(t, tt.slot, tt.clear)
				state := loaded(tt.wantUsage, tt.wantMode, tt.alg)
				confirmed := device.LoadResult{Slot: tt.slot, State: state, Proof: device.ProofCommitAttributes}
				if tt.wantUsage == keys.UsageRetail && tt.wantMode == 'G' {
					confirmed.Proof = device.ProofMAC
				}
				if want := (inject.Result{LoadResult: confirmed, Version: tt.version, Key: p.Key.Key()}); !reflect.DeepEqual(got, want) {
					t.Errorf("result %+v, want %+v", got, want)
				}
				ready := cleared.Loads()[0]
				if plan := ready.Plan(); plan.Usage != tt.wantUsage || plan.Mode != tt.wantMode || ready.Version() != tt.version {
					t.Errorf("preflight said %s, %c, version %q", plan.Usage, plan.Mode, ready.Version())
				}
				wantNotes(t, cleared, tt.notes...)
				if stored := w.log.of(emulator.Stored); len(stored) != 1 || stored[0].Clear != p.Clear {
					t.Errorf("stored: %+v", stored)
				}
				if crossed := showsKey(w.tap.bytes(), tt.clear); crossed != p.Clear {
					t.Errorf("the clear key crossed the line: %v, asked for: %v", crossed, p.Clear)
				}
				if tt.klk != nil && showsKey(w.tap.bytes(), tt.klk) {
					t.Error("the KLK crossed the line in clear")
				}
			})
		})
	}
}

// loaded is what a terminal reports of a slot with such a key.
func loaded(usage keys.Usage, mode, algorithm byte) device.SlotState {
	return device.SlotState{Loaded: true, HasAttributes: true, Usage: usage, Mode: mode, Algorithm: algorithm}
}

// showsKey reports whether half of a key went over the line, as bytes or as hex.
func showsKey(sent, clear []byte) bool {
	piece := clear[len(clear)-8:]
	return bytes.Contains(sent, piece) || bytes.Contains(bytes.ToLower(sent), []byte(hex.EncodeToString(piece)))
}

// wantNotes wants these doubts about the key's way and its slot, and no others.
func wantNotes(t *testing.T, c inject.Cleared, want ...string) {
	t.Helper()
	var notes []text.Text
	for _, check := range c.Checks() {
		if check.Doubt && (check.ID == inject.CheckTransport || check.ID == inject.CheckReplacement) {
			notes = append(notes, check.Text)
		}
	}
	if len(notes) != len(want) {
		t.Errorf("notes %v, want %d: %v", notes, len(want), want)
		return
	}
	for i, n := range notes {
		if !strings.Contains(n.String(), want[i]) {
			t.Errorf("note %q does not say %q", n, want[i])
		}
	}
}

func TestAReplacedKeyIsNoticedBefore(t *testing.T) {
	each(t, func(t *testing.T, connect transport) {
		w := start(t, connect, klk16())
		w.direct(t, "0", unhex("D3529E0475B61F8A31B0DC6E4A97F825"), "P0", 'E')
		cleared, result, err := w.load(t, w.plan(t, "0", double(), klk16()))
		if err != nil {
			t.Fatal(err)
		}
		ready := cleared.Loads()[0]
		if ready.Before() != loaded("P0", 'E', 'T') {
			t.Errorf("before: %+v", ready.Before())
		}
		wantNotes(t, cleared, "slot 0 holds a key already; it will be replaced")
		if result.State.Usage != "K0" {
			t.Errorf("state %+v, want the new key's", result.State)
		}
		w.holds(t, "0", double())
	})
}

func TestAnEmptySlotIsNotCalledReplaced(t *testing.T) {
	w := start(t, overPipe, klk16())
	cleared, err := w.preflight(t.Context(), w.plan(t, "0", double(), klk16()))
	if err != nil {
		t.Fatal(err)
	}
	if before := cleared.Loads()[0].Before(); before != (device.SlotState{}) {
		t.Errorf("before %+v", before)
	}
	wantNotes(t, cleared)
}

func TestTheTerminalsRefusalReachesTheCallerWithItsCode(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		held, klk  []byte // KLK in the terminal, KLK here
		usage      keys.Usage
		elsewhere  []byte // key in slot 5
	}{
		{"another KLK", "C", unhex("31B0DC6E4A97F825D3529E0475B61F8A"), klk16(), "", nil},
		{"the KLK's first two thirds here", "C", klk24(), klk24()[:16], "", nil},
		{"no KLK", "D", nil, klk16(), "", nil},
		{"the same key in another slot", "2", klk16(), klk16(), "", double()},
		{"a usage that the slot does not take", "E", klk16(), klk16(), "M3", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, connect transport) {
				w := start(t, connect, tt.held)
				if tt.elsewhere != nil {
					w.direct(t, "5", tt.elsewhere, "P0", 'E')
				}
				p := w.planFor(t, "0", tt.usage, 0, double(), tt.klk)
				_, _, err := w.load(t, p)
				var refusal *device.CodeError
				if !errors.As(err, &refusal) || refusal.Code != tt.code || !fault.Is(err, fault.DeviceFailed) {
					t.Fatalf("error of kind %s, want code %s: %v", fault.KindOf(err), tt.code, err)
				}
				if refusal.Answer != "02?"+tt.code || refusal.Dialect != "visa" || refusal.Action.IsZero() {
					t.Errorf("refusal %+v", refusal)
				}
				w.empty(t, "0")
				if staged := w.log.of(emulator.Staged); len(staged) != 0 {
					t.Errorf("staged: %+v", staged)
				}
			})
		})
	}
}

func TestTheErrorNamesTheSlotOnce(t *testing.T) {
	w := start(t, overPipe, nil)
	_, _, err := w.load(t, w.plan(t, "0", double(), klk16()))
	if err == nil || !strings.HasPrefix(err.Error(), "load slot 0, nothing stored: the terminal answered 02?D: ") {
		t.Fatalf("error %v", err)
	}
	if n := strings.Count(err.Error(), "slot 0"); n != 1 {
		t.Errorf("the slot stands there %d times: %v", n, err)
	}
}

func TestWhatCannotBeLoadedIsRefusedBeforeTheLineIsTouched(t *testing.T) {
	sized := func(slot device.Slot, clear, klk []byte) func(*testing.T, *bench) inject.Plan {
		return func(t *testing.T, w *bench) inject.Plan { return w.plan(t, slot, clear, klk) }
	}
	changed := func(change func(p *inject.Plan)) func(*testing.T, *bench) inject.Plan {
		return func(t *testing.T, w *bench) inject.Plan {
			p := w.plan(t, "0", double(), klk16())
			change(&p)
			return p
		}
	}
	at := func(slot device.Slot) func(*testing.T, *bench) inject.Plan { return sized(slot, double(), klk16()) }
	of := func(alg keys.Algorithm, inClear bool) func(*testing.T, *bench) inject.Plan {
		return func(t *testing.T, w *bench) inject.Plan {
			p := w.plan(t, "0", double(), klk16())
			p.Key, p.Clear = hsm.Accept(w.take(t, double(), hsm.Attributes{Algorithm: alg}), hsm.ByOperator), inClear
			return p
		}
	}
	for _, tt := range []struct {
		name string
		want fault.Kind
		says string
		plan func(t *testing.T, w *bench) inject.Plan
	}{
		{"a key longer than the KLK", fault.WeakKey, "stronger than the KLK", sized("0", triple(), klk16())},
		{"an AES key", fault.NotPermitted, "this key is aes-128", of(keys.AES128, false)},
		{"an AES key in clear", fault.NotPermitted, "this key is aes-128", of(keys.AES128, true)},
		{"an SM4 key", fault.NotPermitted, "this key is sm4", of(keys.SM4, false)},
		{"an AES key as the KLK", fault.NotPermitted, "version AB; the KLK is aes-128", func(t *testing.T, w *bench) inject.Plan {
			p, k := w.plan(t, "0", double(), klk16()), w.take(t, klk16(), hsm.Attributes{Algorithm: keys.AES128, Usage: keys.UsageKEK})
			p.KLK = &k
			return p
		}},
		{"a single DES key as the KLK", fault.NotPermitted, `this one is "des"`, sized("0", single(), klk16()[:8])},
		{"a zero key as the KLK", fault.NotPermitted, "a KLK is", changed(func(p *inject.Plan) { p.KLK = &hsm.Key{} })},
		{"no KLK and not in clear", fault.Usage, "--clear", changed(func(p *inject.Plan) { p.KLK = nil })},
		{"a slot that does not exist", fault.NotFound, `"W"`, at("W")},
		{"no slot", fault.NotFound, `""`, at("")},
		{"two slots", fault.NotFound, `"01"`, at("01")},
		{"two slots, in clear", fault.NotFound, `"01"`, sized("01", double(), nil)},
		{"no slot, in clear", fault.NotFound, `""`, sized("", double(), nil)},
		{"a reserved slot", fault.NotFound, `"A"`, at("A")},
		{"a key too short for the slot", fault.NotPermitted, "slot F takes no key of 8 bytes", sized("F", single(), klk16())},
		{"a KLK that protects no keys", fault.NotPermitted, "usage D0 protects no key block", func(t *testing.T, w *bench) inject.Plan {
			p, k := w.plan(t, "0", double(), klk16()), w.take(t, klk16(), hsm.Attributes{Algorithm: keys.TDES128})
			p.KLK = &k
			return p
		}},
		{"a KLK that only opens", fault.NotPermitted, "mode of use D", func(t *testing.T, w *bench) inject.Plan {
			p := w.plan(t, "0", double(), klk16())
			k := w.take(t, klk16(), hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsageKEK, Mode: 'D'})
			p.KLK = &k
			return p
		}},
		{"a key of another usage than the plan's", fault.NotPermitted, "it cannot become P0",
			changed(func(p *inject.Plan) { p.Usage = "P0" })},
		{"a key of a narrower mode than the plan's", fault.NotPermitted, "it cannot become E",
			changed(func(p *inject.Plan) { p.Usage, p.Mode = p.Key.Key().Usage, 'E' })},
		{"a key that is not exportable", fault.NotPermitted, "not exportable", func(t *testing.T, w *bench) inject.Plan {
			p := w.plan(t, "0", double(), klk16())
			a := p.Key.Key().Attributes
			a.Exportability = 'N'
			p.Key = hsm.Accept(w.take(t, double(), a), hsm.ByOperator)
			return p
		}},
		{"a key that nobody answered for", fault.Usage, "somebody answered for",
			changed(func(p *inject.Plan) { p.Key = hsm.Checked{} })},
		{"nothing", fault.Usage, "somebody answered for", func(*testing.T, *bench) inject.Plan { return inject.Plan{} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, connect transport) {
				w := start(t, connect, klk16())
				cleared, err := w.preflight(t.Context(), tt.plan(t, w))
				if !fault.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error of kind %s, want %s, saying %q: %v", fault.KindOf(err), tt.want, tt.says, err)
				}
				if !reflect.DeepEqual(cleared, inject.Cleared{}) {
					t.Errorf("ready to load %+v", cleared)
				}
				if sent := w.tap.bytes(); len(sent) != 0 {
					t.Errorf("%d bytes went over the line", len(sent))
				}
			})
		})
	}
}

func TestNothingWithoutAPreflightIsLoaded(t *testing.T) {
	w := start(t, overPipe, klk16())
	result, err := w.run(t.Context(), inject.Cleared{})
	if !fault.Is(err, fault.Usage) || !reflect.DeepEqual(result, inject.Result{}) || len(w.tap.bytes()) != 0 {
		t.Errorf("result %+v, error %v", result, err)
	}
}

func TestADryPreflightStoresNothing(t *testing.T) {
	each(t, func(t *testing.T, connect transport) {
		w := start(t, connect, klk16())
		w.direct(t, "4", unhex("D3529E0475B61F8A31B0DC6E4A97F825"), "P0", 'E')
		for _, slot := range []device.Slot{"0", "4"} {
			for _, klk := range [][]byte{klk16(), nil} {
				if _, err := w.preflight(t.Context(), w.plan(t, slot, double(), klk)); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.empty(t, "0")
		w.holds(t, "4", unhex("D3529E0475B61F8A31B0DC6E4A97F825"))
		for _, kind := range []emulator.EventKind{emulator.Staged, emulator.Stored, emulator.Refused} {
			if events := w.log.of(kind); len(events) != 0 {
				t.Errorf("%s: %+v", kind, events)
			}
		}
		if asked := w.log.of(emulator.Asked); len(asked) != 2 {
			t.Errorf("asked %d times, want once for each slot that gets a block: %+v", len(asked), asked)
		}
		if bytes.Contains(w.tap.bytes(), []byte("\x0f02")) {
			t.Error("a packet 02 was sent")
		}
	})
}

// A question would end the mode in which a UIC pad takes clear keys.
func TestNothingIsAskedBeforeAClearKey(t *testing.T) {
	w := start(t, overPipe, nil)
	w.direct(t, "0", triple(), "P0", 'E')
	cleared, _, err := w.load(t, w.plan(t, "0", double(), nil))
	if err != nil {
		t.Fatal(err)
	}
	if before := cleared.Loads()[0].Before(); before != (device.SlotState{}) {
		t.Errorf("before %+v, though nobody asked", before)
	}
	if sent := w.tap.bytes(); !bytes.HasPrefix(sent, []byte("\x0f020")) {
		t.Errorf("the first frame is %q", sent[:min(4, len(sent))])
	}
	w.holds(t, "0", double())
}

func TestAnOutcomeThatNobodyKnowsIsNamedSo(t *testing.T) {
	bothWays(t, func(t *testing.T, connect transport, klk []byte) {
		w := start(t, connect, klk, emulator.DisconnectAfterCommit)
		w.direct(t, "0", unhex("D3529E0475B61F8A31B0DC6E4A97F825"), "P0", 'E')
		_, _, err := w.load(t, w.plan(t, "0", double(), klk))
		var unknown *device.OutcomeUnknown
		if !errors.As(err, &unknown) || !fault.Is(err, fault.OutcomeUnknown) {
			t.Fatalf("error of kind %s: %v", fault.KindOf(err), err)
		}
		if unknown.Commit.Slot != "0" || unknown.Commit.Closed || unknown.Cause == nil {
			t.Errorf("receipt %+v, cause %v", unknown.Commit, unknown.Cause)
		}
		if n := len(w.log.of(emulator.Staged)); n != 1 {
			t.Errorf("the key was sent %d times", n)
		}
	})
}

func TestALostEndIsSettledWhereTheSlotWasEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the driver waits for the end that does not come
		w := start(t, overPipe, klk16(), emulator.NoEOT)
		_, result, err := w.load(t, w.plan(t, "0", double(), klk16()))
		if err != nil || result.Proof != device.ProofCommitAttributes {
			t.Errorf("result %+v, error %v; want the load proved", result, err)
		}
		w.holds(t, "0", double())

		w.direct(t, "1", triple(), "P0", 'E')
		_, _, err = w.load(t, w.plan(t, "1", unhex("31B0DC6E4A97F825D3529E0475B61F8A"), klk16()))
		var unknown *device.OutcomeUnknown
		if !errors.As(err, &unknown) {
			t.Errorf("error %v; want that nobody knows, since the slot was loaded before", err)
		}
	})
}

func TestAFailureBeforeTheCommitStoresNothing(t *testing.T) {
	for _, f := range []emulator.Fault{emulator.DisconnectBeforeEcho, emulator.WrongEcho} {
		t.Run(string(f), func(t *testing.T) {
			bothWays(t, func(t *testing.T, connect transport, klk []byte) {
				w := start(t, connect, klk, f)
				_, _, err := w.load(t, w.plan(t, "0", double(), klk))
				var unknown *device.OutcomeUnknown
				if !fault.Is(err, fault.DeviceLink) || errors.As(err, &unknown) {
					t.Errorf("error of kind %s, want %s: %v", fault.KindOf(err), fault.DeviceLink, err)
				}
				w.empty(t, "0")
			})
		})
	}
}

func TestACancelledLoadStoresNothing(t *testing.T) {
	bothWays(t, func(t *testing.T, connect transport, klk []byte) {
		w := start(t, connect, klk)
		cleared, err := w.preflight(t.Context(), w.plan(t, "0", double(), klk))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		result, err := w.run(ctx, cleared)
		if !fault.Is(err, fault.Interrupted) || !reflect.DeepEqual(result, inject.Result{}) {
			t.Errorf("result %+v, error of kind %s: %v", result, fault.KindOf(err), err)
		}
		_, err = w.preflight(ctx, w.plan(t, "0", double(), klk16()))
		if !fault.Is(err, fault.Interrupted) {
			t.Errorf("preflight: error of kind %s: %v", fault.KindOf(err), err)
		}
		w.empty(t, "0")
	})
}

func TestAKeyOfAnotherBoundaryIsNotLoaded(t *testing.T) {
	bothWays(t, func(t *testing.T, connect transport, klk []byte) {
		w := start(t, connect, klk16())
		other := &bench{Boundary: boundary(t)}
		cleared, err := w.preflight(t.Context(), other.plan(t, "0", double(), klk))
		if err != nil {
			t.Fatal(err)
		}
		result, err := w.run(t.Context(), cleared)
		if err == nil || !reflect.DeepEqual(result, inject.Result{}) {
			t.Errorf("result %+v, error %v", result, err)
		}
		w.empty(t, "0")
		if len(w.log.of(emulator.Staged)) != 0 {
			t.Error("something was staged")
		}
	})
}

// Packets 02 and 04 carry no check value, so the only ones in a result are that of the key that was sent, under its own
// name, and those places where a dialect puts what its terminal computed or repeated: they stay empty.
func TestNoCheckValueIsClaimedAsReadBack(t *testing.T) {
	var places []string
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		if typ == reflect.TypeFor[kcv.Value]() || strings.HasSuffix(path, ".Returned") {
			places = append(places, path)
			return
		}
		for _, word := range []string{"kcv", "check", "compar", "digits", "verif"} {
			if strings.Contains(strings.ToLower(typ.Name()+" "+path), word) {
				t.Errorf("the result has %s of type %s", path, typ)
			}
		}
		if typ.Kind() == reflect.Struct {
			for i := range typ.NumField() {
				walk(path+"."+typ.Field(i).Name, typ.Field(i).Type)
			}
		}
	}
	walk("Result", reflect.TypeFor[inject.Result]())
	want := []string{"Result.LoadResult.State.Check", "Result.LoadResult.Returned", "Result.Key.Check"}
	if !slices.Equal(places, want) {
		t.Errorf("check values stand in %v, want %v", places, want)
	}

	w := start(t, overTCP, klk16())
	for _, slot := range []device.Slot{"0", "B"} { // of the second one the proof is a MAC, which is no check value either
		clear := map[device.Slot][]byte{"0": double(), "B": unhex("31B0DC6E4A97F825D3529E0475B61F8A")}[slot]
		p := w.planFor(t, slot, map[device.Slot]keys.Usage{"B": "M3"}[slot], 0, clear, klk16())
		expected, err := kcv.Parse(p.Key.Key().Check.Digits)
		if err != nil {
			t.Fatal(err)
		}
		if p.Key, err = hsm.Verify(t.Context(), w.Boundary, p.Key.Key(), expected, "", hsm.ByExpected); err != nil {
			t.Fatal(err)
		}
		_, result, err := w.load(t, p)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(result.LoadResult)
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprintf("%+v %s", result.LoadResult, doc); strings.Contains(text, expected.Digits) {
			t.Errorf("the result shows the check value as if the terminal had told it: %s", text)
		}
	}
}
