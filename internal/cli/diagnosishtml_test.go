package cli

// The page of a diagnosis: whole, inert, without keys, and with the break at its place. All keys here are test keys.

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/page"
	"poskey/internal/secret"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/unionpay"
)

// drawnCase is a case with its report and the place where its first finding sits.
type drawnCase struct {
	name   string
	c      diagnose.Case
	r      diagnose.Report
	broken func(*chainLink) bool // nil where nothing breaks
}

// known is what a command line tells; nothing of it that may be a key comes onto a page.
func (d *drawnCase) known() map[string]string {
	return map[string]string{"device": "agent+https://127.0.0.1:9443?ca=ca.pem&cert=host.pem", "slot": "1", "tmk": "store:TMK-1",
		"key": "hex:" + pageTMK, "serial": injected, "field62": pageField62, "label": strings.Repeat("W", 400)}
}

func pageDay() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

func fromHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func spot(t *testing.T, pieces ...string) hsm.Prober {
	t.Helper()
	var all []*secret.Bytes
	for _, s := range pieces {
		all = append(all, secret.Copy(fromHex(t, s)))
	}
	p := hsm.NewSpotProber(all)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

const (
	pageTMK     = "CA5D92598DCA48CE8A4C76361A9269E9"
	pageOther   = "0123456789ABCDEFFEDCBA9876543210"
	pageField62 = "6701EAD6A9AD51E51AA406E2C27FCFA98D0A74B8B651F9E9BACE9AE10000000000000000AB7153CA"
)

func pageSignIn(t *testing.T, shownMAK string, tmks ...string) *diagnose.SignIn {
	in := &diagnose.SignIn{Code: "003", Field62: fromHex(t, pageField62), Shown: map[unionpay.KeyName]kcv.Expected{}}
	for i := range tmks {
		in.TMKs = append(in.TMKs, fmt.Sprintf("file:tmk-%d.txt", i+1))
	}
	if shownMAK != "" {
		in.Shown[unionpay.MAK] = kcv.Expected{Digits: shownMAK}
	}
	in.Open = func(_ context.Context, cryptogram []byte, tmk int) (hsm.Prober, error) {
		return spot(t, hex.EncodeToString(cryptogram), tmks[tmk]), nil
	}
	return in
}

func pageDevice(change func(*diagnose.Case)) diagnose.Case {
	ecb := func(digits string) kcv.Value { return kcv.Value{Method: kcv.ECBZero, Digits: digits} }
	slot := func(name, check string) device.SlotReport {
		return device.SlotReport{Slot: device.Slot(name), SlotState: device.SlotState{Loaded: true, Check: ecb(check)}}
	}
	c := diagnose.Case{Now: pageDay(), Device: &device.Status{Serial: "TEST-0001", Model: "emulated", Firmware: "1.2.0", Now: pageDay(),
		Battery: device.Battery{Millivolts: 3100}, Environment: device.Environment{Celsius: 22, Humidity: 40},
		Link: device.Link{Kind: "ethernet", Quality: 100}, Slots: []device.SlotReport{slot("0", "43C6CC"), slot("1", "8D0A74")},
		Initial: []device.InitialReport{{Slot: "90", KSN: "FFFF9876543210E00005", Check: ecb("AF8C07"), Left: 1000}}},
		Wanted: []diagnose.Wanted{{Slot: "0", Label: "TMK#1", Check: ecb("43C6CC"), State: "active"},
			{Slot: "1", Label: "PIK#1", Check: ecb("8D0A74B8"), State: "active"},
			{Slot: "90", Label: "BDK#1", Check: ecb("AF8C07"), KSN: "FFFF9876543210E00000", State: "active"}}}
	change(&c)
	return c
}

// pageParts is a key of two components, the second typed with a wrong digit, with the values of the sheets.
func pageParts(t *testing.T) diagnose.Check {
	t.Helper()
	one, two := fromHex(t, "2F4C8A16D5B3799E0BA7C2F83D64E519"), fromHex(t, "8C31F7A2460BD95E73E89B1034AD6EC7")
	key := make([]byte, len(one))
	for i := range one {
		key[i] = one[i] ^ two[i]
	}
	value := func(b []byte) kcv.Expected {
		v, err := kcv.Of(keys.TDES128, b, kcv.ECBZero, 6)
		if err != nil {
			t.Fatal(err)
		}
		return kcv.Expected{Digits: v.Digits}
	}
	f := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Parts, Parts: 2, Expected: value(key),
		PartExpected: []kcv.Expected{value(one), value(two)}, Typed: []int{0, 0}}
	two[5] ^= 0x40
	f.Prober = spot(t, hex.EncodeToString(one), hex.EncodeToString(two))
	return diagnose.Check{Facts: f}
}

func pageBlock() *diagnose.Block {
	return &diagnose.Block{Header: keyblock.Header{Version: 'B', Usage: "P0", Algorithm: 'T', Mode: 'E'}, Length: 80,
		Tries: []diagnose.BlockTry{{Name: "file:kbpk-1.txt"}, {Name: "store:KBPK-2", Opens: true}}}
}

func drawnCases(t *testing.T) []drawnCase {
	t.Helper()
	named := func(name string) func(*chainLink) bool { return func(l *chainLink) bool { return l.name == name } }
	is := func(r chainRole) func(*chainLink) bool { return func(l *chainLink) bool { return l.role == r } }
	all := []drawnCase{
		{name: "right", c: diagnose.Case{SignIn: pageSignIn(t, "", pageTMK)}},
		{name: "slot-16", c: diagnose.Case{SignIn: pageSignIn(t, "C53117AC", pageTMK)}, broken: named("MAK")},
		{name: "wrong-tmk", c: diagnose.Case{SignIn: pageSignIn(t, "", pageOther, pageTMK)}, broken: is(roleTMK)},
		{name: "no-tmk", c: diagnose.Case{SignIn: pageSignIn(t, "", pageOther)}, broken: is(roleTMK)},
		{name: "healthy", c: pageDevice(func(*diagnose.Case) {})},
		{name: "tampered", broken: is(roleDevice), c: pageDevice(func(c *diagnose.Case) {
			c.Device.Tamper, c.Device.Slots, c.Device.Initial = device.TamperState{Tripped: true, Sensor: "case"}, nil, nil
			c.Device.Locks = []device.LockState{{Kind: device.LockTamper}}
		})},
		{name: "several", broken: func(l *chainLink) bool { return l.slot == "1" }, c: pageDevice(func(c *diagnose.Case) {
			c.Device.Slots[1].Damaged = true
			c.Device.Slots[0].Check.Digits = "43C6CD"
			c.Device.Now = pageDay().Add(26 * time.Hour)
			c.Device.Battery = device.Battery{Millivolts: 2100, Low: true}
			c.Device.Locks = []device.LockState{{Kind: device.LockOperator}}
			c.Wanted[2].KSN = "FFFF9876543211000000"
			c.Line = &diagnose.Line{Dialect: "visa", Asked: 20, Failed: 3, TimedOut: 3}
		})},
		{name: "block", c: diagnose.Case{Block: pageBlock()}, broken: is(roleTransport)},
		{name: "parts", c: diagnose.Case{Checks: []diagnose.Check{pageParts(t)}}, broken: func(l *chainLink) bool { return l.part == 2 }},
		{name: "length", c: diagnose.Case{Checks: []diagnose.Check{{Facts: diagnose.Facts{Algorithm: keys.TDES128,
			Expected: kcv.Expected{Digits: "8D0A74B8"}, Got: kcv.Expected{Digits: "8D0A74"}}}}}, broken: is(roleCheck)},
		{name: "message", c: diagnose.Case{Said: []diagnose.Said{{Text: "POS机显示密钥错误14"}}}, broken: func(l *chainLink) bool { return true }},
		{name: "hostile", c: hostile(), broken: func(l *chainLink) bool { return true }},
	}
	for i := range all {
		d := &all[i]
		d.c.Now = pageDay()
		var err error
		if d.r, err = diagnose.Diagnose(context.Background(), d.c); err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
		d.r.Searched.Elapsed = 12 * time.Millisecond
	}
	return all
}

const injected = `"><script>alert(1)</script><img src=x onerror=alert(2)>'`

// hostile has markup, turned and hidden characters and endless words wherever somebody outside can write.
func hostile() diagnose.Case {
	return pageDevice(func(c *diagnose.Case) {
		c.Device.Model, c.Device.Firmware, c.Device.Serial = injected, "\u202e"+injected, "1234567890123456"
		c.Device.Screen = strings.Repeat("无法断行的很长文字", 60) + "\u200b\x1b[2J</title>"
		c.Device.Tamper = device.TamperState{Tripped: true, Sensor: injected}
		c.Device.Locks = []device.LockState{{Kind: device.LockKind(strings.Repeat("W", 300))}}
		c.Wanted[0].Label = strings.Repeat("W", 500) + injected
		c.Wanted[1].Label = pageTMK
		c.Wanted[1].Slot = device.Slot(injected)
		c.Said = []diagnose.Said{{Text: strings.Repeat("无😀W", 2500) + "\u2067שלום\u2066 密钥错误14"}, {Text: "</svg>" + injected + " 密钥错误14 " + pageTMK, Where: injected}}
		for i := range 200 {
			c.Device.Slots = append(c.Device.Slots, device.SlotReport{Slot: device.Slot(fmt.Sprintf("s%d", i)),
				SlotState: device.SlotState{Loaded: true, Check: kcv.Value{Method: kcv.ECBZero, Digits: fmt.Sprintf("%06X", 0x100000+i)}}})
		}
	})
}

func pageOf(t *testing.T, lang i18n.Lang, d *drawnCase) string {
	t.Helper()
	var b bytes.Buffer
	if err := diagnosisHTMLPage(&b, i18n.New(lang), "v1.2.3", &d.c, &d.r, d.known()); err != nil {
		t.Fatalf("%s: %v", d.name, err)
	}
	return b.String()
}

// eachPage gives every case in both languages.
func eachPage(t *testing.T, look func(t *testing.T, d *drawnCase, page string)) {
	all := drawnCases(t)
	for _, lang := range []i18n.Lang{i18n.English, i18n.Chinese} {
		for i := range all {
			t.Run(all[i].name+"-"+string(lang), func(t *testing.T) { look(t, &all[i], pageOf(t, lang, &all[i])) })
		}
	}
}

func TestADiagnosisPageIsWellFormedAndInert(t *testing.T) {
	eachPage(t, func(t *testing.T, _ *drawnCase, written string) { holdPage(t, written) })
}

func TestTheDecisiveLineOfADiagnosisPageIsFirst(t *testing.T) {
	for i, d := range drawnCases(t) {
		written := pageOf(t, i18n.English, &d)
		_, rest, _ := strings.Cut(written, "<h1>")
		first, _, _ := strings.Cut(rest, "</h1>")
		want := "Nothing is wrong with what was looked at"
		if d.broken != nil {
			want = page.Sentence(d.r.Findings[0].Cause.Title().String())
		}
		if first != want || !strings.Contains(written, "<title>"+want) {
			t.Errorf("%d %s: the page begins with %q, want %q", i, d.name, first, want)
		}
		if !strings.Contains(written, "2026-03-04 12:00 UTC") || !strings.Contains(written, "version v1.2.3") {
			t.Errorf("%s: date or version is missing", d.name)
		}
	}
}

func TestTheChainBreaksWhereTheFirstFindingSays(t *testing.T) {
	for _, d := range drawnCases(t) {
		marked := 0
		for _, c := range chainsOf(&d.c, &d.r) {
			c.root.each(func(l *chainLink) {
				for _, m := range l.marks {
					if m.number != 1 {
						continue
					}
					marked++
					if d.broken == nil || !d.broken(l) {
						t.Errorf("%s: finding 1 sits at %s %q", d.name, l.role, l.title)
					}
				}
			})
		}
		if want := d.broken != nil; want != (marked > 0) {
			t.Errorf("%s: finding 1 has %d places; findings: %d", d.name, marked, len(d.r.Findings))
		}
	}
}

func TestEveryCauseHasAPlaceOfItsOwnInGeneral(t *testing.T) {
	for _, cause := range diagnose.Causes() {
		r := diagnose.Report{Findings: []diagnose.Finding{{Cause: cause}}}
		general := []keyChain{{root: generalChain(&r)}}
		if len(seatsFor(cause)) == 0 {
			t.Errorf("%s has no place", cause)
		}
		f := &diagnose.Finding{Cause: cause}
		if len(byCause(f, general)) == 0 {
			t.Errorf("%s has no place on the chain that every terminal has", cause)
		}
	}
}

func TestDrawingsStayWithinTheirFrame(t *testing.T) {
	for _, lang := range []i18n.Lang{i18n.English, i18n.Chinese} {
		p := &diagnosisPrinter{in: i18n.New(lang)}
		for _, d := range drawnCases(t) {
			for _, x := range p.draw(chainsOf(&d.c, &d.r)) {
				below := 0
				for _, b := range x.Boxes {
					if b.Y < below || b.X < 0 || b.X+b.W > drawWide || b.Y+b.H > x.Height {
						t.Errorf("%s %s: a box stands at %d,%d with %d x %d in a drawing of %d", d.name, lang, b.X, b.Y, b.W, b.H, x.Height)
					}
					below = b.Y + b.H
					texts := slices.Clone(b.Texts)
					for _, f := range b.Flags {
						texts = append(texts, f.Texts...)
					}
					for _, s := range texts {
						wide := page.Measure(s.Text, lineSize)
						if s.Class == "v" {
							wide = page.MeasureMono(s.Text, lineSize)
						}
						if s.X+int(wide) > b.X+b.W || s.Y > b.Y+b.H {
							t.Errorf("%s %s: %q stands out of its box", d.name, lang, s.Text)
						}
					}
				}
				if len(x.Boxes) > 60 {
					t.Errorf("%s: a drawing has %d boxes", d.name, len(x.Boxes))
				}
			}
		}
	}
}

func TestDigitsThatDifferAreMarked(t *testing.T) {
	draw := func(all []digitGroup) string {
		var out []string
		for _, g := range all {
			s := ""
			for _, run := range g {
				switch {
				case run.Differs:
					s += "<" + run.Text + ">"
				case run.Over:
					s += "(" + run.Text + ")"
				default:
					s += run.Text
				}
			}
			out = append(out, s)
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct{ value, other, want string }{
		{"8D0A74B8", "8D0A74B8", "8D0A 74B8"},
		{"8D0A74B8", "8d0a74b8", "8D0A 74B8"},
		{"AB7153CA", "C53117AC", "<AB7>1 <53CA>"},
		{"8D0A74B8", "8D0A74", "8D0A 74(B8)"},
		{"8D0A74", "8D0A74B8", "8D0A 74"},
		{"closed", "tripped", "closed"},
		{"8D0A74", "-", "8D0A 74"},
		{"08D7", "08D8", "08D<7>"},
		{pageTMK, pageTMK, "CA5D 9259 …"},
	} {
		if got := draw(digitsOf(c.value, c.other)); got != c.want {
			t.Errorf("%s against %s: %s, want %s", c.value, c.other, got, c.want)
		}
	}
}

func TestDigitsThatWereRevealedElsewhereStayOffThePage(t *testing.T) {
	d := drawnCases(t)[8]
	before := pageOf(t, i18n.English, &d)
	revealed := 0
	for i := range d.r.Findings {
		for j := range d.r.Findings[i].Evidence.Edits {
			e := &d.r.Findings[i].Evidence.Edits[j]
			e.Entered, e.Correct, revealed = "8", "B", revealed+1
		}
	}
	if revealed == 0 {
		t.Fatal("the case has no digits to reveal")
	}
	if pageOf(t, i18n.English, &d) != before {
		t.Error("the page changes when digits are revealed")
	}
}

func TestADiagnosisPageIsANewFileOfItsOwner(t *testing.T) {
	d := drawnCases(t)[1]
	a := &App{Say: i18n.New(i18n.Chinese)}
	path := filepath.Join(t.TempDir(), "page.html")
	if err := a.writeDiagnosisHTML(path, &d.c, d.r, nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the page has the mode %o", info.Mode().Perm())
	}
	first, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(first, []byte(`<html lang="zh-CN">`)) {
		t.Errorf("the page does not say its language: %v", err)
	}
	err = a.writeDiagnosisHTML(path, &d.c, d.r, nil)
	if !fault.Is(err, fault.FileExists) || hintFor(err).IsZero() {
		t.Errorf("a page over another one: %v", err)
	}
	if again, _ := os.ReadFile(path); !bytes.Equal(first, again) {
		t.Error("the first page was touched")
	}
}
