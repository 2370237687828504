package emulator

import (
	"context"
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
	"poskey/internal/testvec"
	"poskey/pkg/device"
	"poskey/pkg/keys"
)

func TestOrdersOfFaultsHaveTheirForm(t *testing.T) {
	for _, good := range []string{"slow", "cut-at=0", "cut-at=17", "flash-corrupt=0", "flash-corrupt=90",
		"kcv-method=cmac", "kcv-method=ecb-zero/4", "kcv-method=echo",
		"tamper-at=stored", "tamper-at=3", "expired-key", "expired-key=F",
		"clock=+26h", "clock=-5m", "random=5%", "random=0.5%", "low-battery", "low-battery=1900", "power-cut",
		"refuse=busy", "refuse=forged"} {
		got, err := ParseFaults([]string{good})
		if err != nil || len(got) != 1 || string(got[0]) != good {
			t.Errorf("%s: %v, %v", good, got, err)
		}
	}
	for bad, form := range map[string]string{"slow=1": "slow", "cut-at": "cut-at=N", "cut-at=-1": "cut-at=N",
		"cut-at=x": "cut-at=N", "flash-corrupt": "flash-corrupt=SLOT", "kcv-method": "kcv-method=METHOD[/DIGITS]",
		"kcv-method=sum": "kcv-method", "kcv-method=cmac/0": "kcv-method", "tamper-at=": "tamper-at=EVENT|N",
		"clock": "clock=+26h", "clock=tomorrow": "clock", "random": "random=5%", "random=5": "random",
		"random=101%": "random",
		"random=NaN%": "random", "expired-key=": "expired-key[=SLOT]", "low-battery=x": "low-battery",
		"refuse": "refuse=CODE", "refuse=never": "refuse=CODE"} {
		got, err := ParseFaults([]string{bad})
		if !fault.Is(err, fault.Usage) || got != nil || !strings.Contains(err.Error(), form) {
			t.Errorf("%s: %v, %v", bad, got, err)
		}
	}
	seen := map[Fault]bool{}
	for _, f := range Faults() {
		if f.Meaning.IsZero() || seen[f.Name] {
			t.Errorf("%s is not explained, or there twice", f.Name)
		}
		seen[f.Name] = true
	}
	for _, f := range lineFaults() {
		if !seen[f] {
			t.Errorf("%s is drawn and not known", f)
		}
	}
}

// TestTheLineIsCutAtAnyByte: wherever it breaks, the key is there whole or not at all, a key that was stored is the one
// that came, and the next line works.
func TestTheLineIsCutAtAnyByte(t *testing.T) {
	frame := string(golden("020" + keyTest))
	exchange := []string{frame, "\x06" + frame, "\x06", "\x04"} // host, terminal, host, terminal
	total, before := len(strings.Join(exchange, "")), len(frame)*2+2
	stored := 0
	for at := range total + 1 {
		live := secret.Live()
		synctest.Test(t, func(t *testing.T) {
			term := New(Config{Faults: []Fault{Fault(fmt.Sprintf("cut-at=%d", at))}})
			defer term.Wipe()
			near, far := net.Pipe()
			served := make(chan error, 1)
			go func() { served <- term.Serve(t.Context(), far) }()
			heard := 0
			for i, part := range exchange {
				if i%2 == 0 {
					n, err := io.WriteString(near, part)
					if heard += n; err != nil {
						break
					}
					continue
				}
				got := make([]byte, len(part))
				n, err := io.ReadFull(near, got)
				if string(got[:n]) != part[:n] {
					t.Fatalf("cut at %d: heard %q", at, got[:n])
				}
				if err != nil {
					break
				}
			}
			synctest.Wait()
			_ = near.Close()
			if err := <-served; err != nil {
				t.Errorf("cut at %d: %v", at, err)
			}
			check, ok := term.SlotCheck("0")
			if ok {
				stored++
			}
			if want := at >= before; ok != want || ok && check.Digits != "08D7B4" {
				t.Errorf("cut at %d: slot 0 holds %v, %v; want %v", at, check, ok, want)
			}
			if at < total && term.Status().Screen == "" {
				t.Error("no screen")
			}
			h := &host{t: t, term: term}
			again, far := net.Pipe()
			h.line = again
			go func() { served <- term.Serve(t.Context(), far) }()
			h.load("020"+keyTest, "020"+keyTest)
			h.holds("0", keyTest)
			_ = again.Close()
			<-served
		})
		if secret.Live() != live {
			t.Fatalf("cut at %d: %d secrets stayed live", at, secret.Live()-live)
		}
	}
	if stored != total+1-before {
		t.Errorf("%d cuts came after the store, want %d", stored, total+1-before)
	}
}

func TestPowerFailsBetweenStoreAndAnswer(t *testing.T) {
	converse(t, Config{Faults: []Fault{PowerCut}}, "", func(h *host) {
		h.say("020" + keyTest)
		h.hear("\x06" + string(golden("020"+keyTest)))
		h.raw("\x06")
		h.gone()
		h.holds("0", keyTest)
	})
	converse(t, Config{Faults: []Fault{PowerCut}}, keyK1, func(h *host) {
		h.send("90" + block90)
		h.gone()
		if _, ok := h.term.Engine("90"); !ok {
			t.Error("the initial key is gone")
		}
	})
}

func TestALostACKMakesTheTerminalRepeat(t *testing.T) {
	converse(t, Config{Faults: []Fault{LostACK}}, "", func(h *host) {
		payload := "020" + keyTest
		h.say(payload)
		h.hear("\x06" + string(golden(payload)))
		begun := time.Now()
		h.raw("\x06")
		h.hear(string(golden(payload)))
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("it took %s", took)
		}
		h.holds("0", "")
		h.raw("\x06")
		h.hear("\x04")
		h.holds("0", keyTest)
	})
}

func TestTheSwitchTripsWhenOrdered(t *testing.T) {
	for order, loads := range map[string]int{"tamper-at=stored": 1, "tamper-at=staged": 0, "tamper-at=connected": 0} {
		converse(t, Config{Faults: []Fault{Fault(order)}}, keyK1, func(h *host) {
			payload := "020" + keyTest
			h.say(payload)
			if order == "tamper-at=connected" {
				h.hear("\x04")
			} else {
				h.hear("\x06" + string(golden(payload)))
				h.raw("\x06")
			}
			if loads > 0 {
				h.hear("\x04")
			} else {
				h.quiet()
			}
			h.holds("0", "")
			h.holds("F", "")
			if st := h.term.Status(); !st.Tamper.Tripped || st.Tamper.Sensor != "ordered" {
				t.Errorf("%s: %+v", order, st.Tamper)
			}
			if !slices.Contains(h.kinds(), Tampered) {
				t.Errorf("%s: events %v", order, h.kinds())
			}
		})
	}
	converse(t, Config{Faults: []Fault{"tamper-at=3"}}, keyK1, func(h *host) {
		h.admin("04F", "04F")
		h.admin("04F", "04F")
		h.admin("04F", "040")
	})
}

func TestCheckValuesAreToldAsOrdered(t *testing.T) {
	for order, want := range map[string]string{"kcv-method=ecb-zero/4": "08D7",
		"kcv-method=ecb-zero/16": "08D7B4FB629D0885",
		"kcv-method=echo":        "123456", "kcv-method=cmac": "", "kcv-method=hmac": "08D7B4"} {
		faults, err := ParseFaults([]string{order})
		if err != nil {
			continue // a method that is not known here; the form is tested above
		}
		term := New(Config{Faults: faults})
		term.store(t, "0", keyTest)
		term.s.slots["0"].told = "123456"
		got := term.State("0").Check
		if want != "" && got.Digits != want || want == "" && (got.Digits == "" || got.Digits == "08D7B4") {
			t.Errorf("%s: %v", order, got)
		}
		if real, ok := term.SlotCheck("0"); !ok || real.Digits != "08D7B4" {
			t.Errorf("%s: in truth %v", order, real)
		}
		term.Wipe()
	}
}

func TestABadMemoryChangesTheKey(t *testing.T) {
	for order, want := range map[Fault]string{
		ParityChanged: "0022446688AACCEEFFDDBB9977553311", HalvesSwapped: keyTest[16:] + keyTest[:16],
		SingleDES: keyTest[:16] + keyTest[:16],
	} {
		term := New(Config{Faults: []Fault{order}})
		term.store(t, "0", keyTest)
		term.mu.Lock()
		got := strings.ToUpper(fmt.Sprintf("%x", term.s.slots["0"].key.Secret().Expose()))
		term.mu.Unlock()
		if got != want {
			t.Errorf("%s stores %s, want %s", order, got, want)
		}
		term.Wipe()
	}
}

func TestFaultsOfKeysAreRefusals(t *testing.T) {
	for order, want := range map[Fault]Refusal{FullSlots: RefusedFull, ExpiredKey: RefusedExpired,
		"expired-key=F": RefusedExpired,
		"expired-key=0": Accepted, "flash-corrupt=F": RefusedKEKBroken, "low-battery": Accepted,
		"low-battery=1999": RefusedTampered} {
		term := New(Config{Faults: []Fault{order}})
		klk := testKey(t, keyK1)
		if err := term.LoadDirect("F", klk, "K0", 'D'); err != nil {
			t.Fatal(err)
		}
		if order == "flash-corrupt=F" { // the factory's key is older than the damage
			term.Corrupt("F")
		}
		p, why := term.Offer(Offer{Slot: "0", Block: blockA})
		p.Drop()
		if why != want {
			t.Errorf("%s: %q, want %q", order, why, want)
		}
		term.Wipe()
	}
	term := New(Config{Faults: []Fault{"flash-corrupt=0"}})
	defer term.Wipe()
	term.store(t, "0", keyTest)
	if r := term.State("0"); !r.Loaded || !r.Damaged {
		t.Errorf("%+v", r)
	}
}

// TestChanceComesAgain: with the same seed the same faults come, about as often as ordered, and another seed gives
// others.
func TestChanceComesAgain(t *testing.T) {
	draw := func(seed uint64) (all []Fault) {
		term := New(Config{Faults: []Fault{"random=20%"}, Seed: seed})
		w := &Wire{t: term}
		for range 500 {
			w.draw()
			all = append(all, w.drawn)
		}
		return all
	}
	one, two, other := draw(1), draw(1), draw(2)
	if !slices.Equal(one, two) || slices.Equal(one, other) {
		t.Error("the seed does not decide")
	}
	n := 0
	kinds := map[Fault]bool{}
	for _, f := range one {
		if f != "" {
			n++
			kinds[f] = true
		}
	}
	if n < 60 || n > 140 || len(kinds) != len(lineFaults()) {
		t.Errorf("%d faults of %d kinds in 500 exchanges", n, len(kinds))
	}
}

// TestNoChanceMakesAKeyOfNothing loads through a line on which everything goes wrong, and holds what the terminal has
// against what it said.
func TestNoChanceMakesAKeyOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		term := New(Config{Faults: []Fault{"random=60%"}, Seed: 7})
		defer term.Wipe()
		for n := range 200 {
			near, far := net.Pipe()
			ctx, stop := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- term.Serve(ctx, far) }()
			k := fmt.Sprintf("%032X", n+1)
			before, _ := term.SlotCheck("0")
			_ = near.SetDeadline(time.Now().Add(time.Minute))
			frame := golden("020" + k)
			_, _ = near.Write(frame)
			echo := make([]byte, len(frame)+1)
			if _, err := io.ReadFull(near, echo); err == nil {
				_, _ = near.Write([]byte{0x06})
				_, _ = near.Read(make([]byte, 1))
			}
			_ = near.Close()
			stop()
			<-served
			key := testKey(t, k)
			want, _ := checkOf(key)
			key.Wipe()
			if after, _ := term.SlotCheck("0"); after != before && after != want {
				t.Fatalf("load %d: slot 0 holds %v, which is neither %v nor %v", n, after, before, want)
			}
		}
	})
}

func TestScreensSayWhatTheVendorsTerminalsSay(t *testing.T) {
	type vector struct{ Vendor, Code, Meaning, Source string }
	published := map[string]bool{}
	for _, v := range testvec.Load[vector](t, "screen_codes.json") {
		published[v.Vendor+" "+v.Code] = true
	}
	for _, v := range Vendors() {
		for why, code := range v.Codes {
			key := string(v.Vendor) + " " + code
			if v.Vendor == Generic { // the ordinal alone
				key = fmt.Sprintf("pax -3%02d", number(code))
			}
			if !published[key] {
				t.Errorf("%s shows %s for %s, which is published nowhere", v.Vendor, code, why)
			}
		}
		if v.Tamper != "" && !published[string(v.Vendor)+" "+v.Tamper] {
			t.Errorf("%s shows %q after a tamper, which is published nowhere", v.Vendor, v.Tamper)
		}
		if got, err := ParseVendor(string(v.Vendor)); err != nil || got != v.Vendor || v.Source == "" {
			t.Errorf("%s: %v, %v", v.Vendor, got, err)
		}
	}
	if _, err := ParseVendor("acme"); !fault.Is(err, fault.Usage) {
		t.Errorf("%v", err)
	}
	for _, w := range words() {
		if w[0] == "" || w[1] == "" {
			t.Errorf("%v is not in both languages", w)
		}
	}
}

func TestAKeyTooLongIsKeyError14(t *testing.T) {
	for cfg, want := range map[[2]string]string{
		{"generic", "zh"}: "密钥错误14", {"generic", "en"}: "KEY ERROR 14", {"", ""}: "KEY ERROR 14", {"pax", "zh"}: "密钥错误-314",
		{"newland", "zh"}: "密钥错误-1314", {"verifone", "en"}: "KEY ERROR 0x00120022", {"uic", "en"}: "KEY ERROR 02/B",
		{"landi", "en"}: "KEY ERROR", {"ingenico", "zh"}: "密钥错误",
	} {
		converse(t, Config{Vendor: Vendor(cfg[0]), Lang: cfg[1]}, "", func(h *host) {
			h.load("02F"+keyK1, "02F"+keyK1)
			long, klk := testKey(h.t, keyTest+keyM3[:16]), testKey(h.t, keyK1)
			h.load("020"+wrapped(h.t, klk, long), "02?B")
			if got := h.term.Status().Screen; got != want {
				t.Errorf("%v shows %q, want %q", cfg, got, want)
			}
		})
	}
}

func TestScreensOfLocks(t *testing.T) {
	for kind, want := range map[device.LockKind][2]string{
		device.LockOperator: {"TERMINAL LOCKED", "终端已锁定"}, device.LockPassword: {"TOO MANY WRONG PASSWORDS", "密码错误次数超限"},
		device.LockRemote: {"LOCKED BY THE ACQUIRER 58", "终端已锁定58"}, device.LockSignIn: {"SIGN IN AGAIN", "请重新签到"},
		device.LockTamper: {"TERMINAL LOCKED", "终端已锁定"},
	} {
		for i, lang := range []string{English, Chinese} {
			term := New(Config{Lang: lang, Env: keys.Env{Now: time.Now}})
			term.SetLock(kind, "")
			if got := term.Status().Screen; got != want[i] {
				t.Errorf("%s in %s shows %q, want %q", kind, lang, got, want[i])
			}
			term.Tamper("case")
			if got := term.Status().Screen; got != words()["tampered"][i] {
				t.Errorf("tampered in %s shows %q", lang, got)
			}
			term.Wipe()
		}
	}
}
