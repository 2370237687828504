package minutes

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/ceremony"
	"poskey/pkg/component"
	"poskey/pkg/keys"
)

func split(t *testing.T, alg keys.Algorithm, scheme component.Scheme, needed, of, size int) []*component.Part {
	t.Helper()
	seed := rand.NewChaCha8([32]byte{1, 2, 3})
	env := keys.Env{Rand: seed}
	key, err := generate(env, alg, size)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Wipe()
	parts, err := component.Split(env, key, component.Spec{Scheme: scheme, Parts: of, Threshold: needed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { component.WipeAll(parts) })
	return parts
}

// fullInfo fills every field, with text that is hard on a line printer.
func fullInfo() ceremony.SheetAbout {
	return ceremony.SheetAbout{Organisation: "Example Payments 示例支付 | poskey component sheet 1", Place: "Secure room 2, building A, " + longWord,
		Ceremony: "20261201-7F3A91C2", Fingerprint: richScript().Fingerprint().Words(), Script: richScript().Fingerprint().String(),
		KeyID: "ZMK", Label: "ZMK-PARTNER-2026", Purpose: "K0 key-encrypting key", Custodian: "Custodian A 保管人 (custodian-a1)",
		Backup: "Custodian B (custodian-b1)", Witness: "witness-1", Bag: "BAG-770001", Outer: "OUT-880001", Channel: "courier one\n\tby hand",
		SerialBy: "leader-1", Generator: "soft boundary, test alone", Time: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}
}

func TestSheetsAreReadBack(t *testing.T) {
	read := 0
	for _, alg := range keys.Named() {
		for _, scheme := range []component.Scheme{component.XOR, component.Shamir} {
			for _, of := range []int{2, 3, 9} {
				needed := of
				if scheme == component.Shamir {
					needed = 2
				}
				size := 0
				if alg.IsHMAC() {
					size = 64 - of // a last row that is not full
				}
				for _, p := range split(t, alg, scheme, needed, of, size) {
					for _, i := range []ceremony.SheetAbout{{}, fullInfo(), {Test: true}, {Test: true, Rehearsal: true, Custodian: "poskey component sheet 1"}} {
						mustReadBack(t, p, i)
						read++
					}
				}
			}
		}
	}
	if read < 500 {
		t.Fatalf("only %d sheets", read)
	}
}

func mustReadBack(t *testing.T, p *component.Part, i ceremony.SheetAbout) {
	t.Helper()
	page := written(t, func(b *bytes.Buffer) error { return Sheet(b, p, i) })
	for name, in := range map[string][]byte{
		"as printed": page, "in capitals": bytes.ToUpper(page), "in small letters": bytes.ToLower(page),
		"with line feeds": bytes.ReplaceAll(page, []byte("\r"), nil), "with blanks before": bytes.ReplaceAll(page, []byte("\r\n"), []byte("\r\n   ")),
	} {
		got, err := component.ParseSheet(in)
		if err != nil {
			t.Fatalf("%s %s part %d, %s: %v\n%s", p.Algorithm, p.Scheme, p.Index, name, err, page)
		}
		if !got.Value.Equal(p.Value) || got.Set != p.Set || got.Index != p.Index || got.Check != p.Check || got.KeyCheck != p.KeyCheck {
			t.Errorf("%s %s part %d, %s: another part", p.Algorithm, p.Scheme, p.Index, name)
		}
		got.Wipe()
	}
}

func TestSheetFitsOnePageOfALinePrinter(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.TDES128, "hmac-sha512"} {
		for _, p := range split(t, alg, component.Shamir, 2, 3, map[bool]int{true: 64}[alg.IsHMAC()]) {
			for _, i := range []ceremony.SheetAbout{{}, fullInfo(), {Test: true}, {Rehearsal: true}} {
				mustFitPrinter(t, p, i)
				i = fullInfo()
				i.Rehearsal = true
				for _, s := range []*string{&i.Organisation, &i.Place, &i.Ceremony, &i.KeyID, &i.Label, &i.Purpose, &i.Custodian, &i.Backup, &i.Witness,
					&i.Bag, &i.Outer, &i.Channel, &i.SerialBy, &i.Generator, &i.Fingerprint, &i.Script} {
					*s = strings.Repeat(longChinese+longWord, 20)
				}
				mustFitPrinter(t, p, i)
			}
		}
	}
}

func mustFitPrinter(t *testing.T, p *component.Part, i ceremony.SheetAbout) {
	t.Helper()
	page := string(written(t, func(b *bytes.Buffer) error { return Sheet(b, p, i) }))
	body, ok := strings.CutSuffix(page, "\r\n\f")
	lines := strings.Split(body, "\r\n")
	if !ok || len(lines) != sheetLines {
		t.Errorf("%d lines, want %d and a form feed", len(lines), sheetLines)
	}
	inside := false
	for n, l := range lines {
		if len(l) > sheetColumns {
			t.Errorf("line %d has %d columns: %q", n+1, len(l), l)
		}
		if strings.ContainsFunc(l, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("line %d is not ASCII: %q", n+1, l)
		}
		if strings.Contains(l, "| poskey component sheet 1") {
			inside = true
		}
		marked := strings.HasSuffix(l, "| "+sheetMark(i))
		if inside && !marked {
			t.Errorf("line %d of the component is not marked %s: %q", n+1, sheetMark(i), l)
		}
		if strings.Contains(l, "| end ") {
			inside = false
		}
		if (i.Test || i.Rehearsal) && strings.Contains(l, "PRODUCTION") {
			t.Errorf("line %d says production: %q", n+1, l)
		}
	}
	for at, want := range map[int]string{0: sheetMark(i), 2: sheetMark(i), sheetLines - 1: sheetMark(i), sheetLines - 2: "page 1 of 1"} {
		if !strings.Contains(lines[at], want) {
			t.Errorf("line %d does not say %q: %q", at+1, want, lines[at])
		}
	}
}

func TestSheetHasAllItsFields(t *testing.T) {
	p := split(t, keys.AES256, component.XOR, 3, 3, 0)[1]
	i := fullInfo()
	page := string(written(t, func(b *bytes.Buffer) error { return Sheet(b, p, i) }))
	for _, want := range []string{"Example Payments <793A><4F8B><652F><4ED8> /", "place", i.Ceremony, "ZMK = ZMK-PARTNER-2026", i.Purpose, "aes-256, 32 bytes, xor, 3 of 3",
		"COMPONENT 2 OF 3", " A | row 1 of 4:", " D | row 4 of 4:", p.Check.Digits, p.KeyCheck.Digits, "2026-12-01T09:00:00Z", i.Generator, "custodian", i.Backup,
		"witness        : witness-1", i.Bag, i.Outer, "courier one by hand", "serial told by : leader-1", "PRODUCTION", sheetForm, i.Script[:60], "set " + p.Set} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing:\n%s", want, page[:200])
		}
	}
	empty := string(written(t, func(b *bytes.Buffer) error { return Sheet(b, p, ceremony.SheetAbout{}) }))
	if n := strings.Count(empty, ": ________"); n < 10 {
		t.Errorf("%d lines to write on", n)
	}
}

func TestEveryMistypedDigitOnAPageIsNamed(t *testing.T) {
	p := split(t, keys.AES128, component.XOR, 2, 2, 0)[0]
	page := written(t, func(b *bytes.Buffer) error { return Sheet(b, p, ceremony.SheetAbout{Test: true}) })
	tried := 0
	for at, line := 0, []byte(nil); at < len(page); at += len(line) {
		line = bytes.SplitAfter(page[at:], []byte("\n"))[0]
		from := bytes.Index(line, []byte(": "))
		if !bytes.Contains(line, []byte("| row ")) {
			continue
		}
		for i := at + from; i < at+bytes.LastIndexByte(line, '|'); i++ {
			if old := page[i]; strings.IndexByte("0123456789ABCDEF", old) >= 0 {
				page[i] = "123456789ABCDEF0"[strings.IndexByte("0123456789ABCDEF", old)]
				got, err := component.ParseSheet(page)
				if err == nil || got != nil || !strings.Contains(err.Error(), "row") {
					t.Errorf("position %d: %v", i, err)
				}
				page[i] = old
				tried++
			}
		}
	}
	if tried != 40 {
		t.Errorf("%d digits were tried, want 2 rows of 20", tried)
	}
}

func TestDigitsStandBetweenBarsAlone(t *testing.T) {
	p := split(t, keys.AES256, component.Shamir, 2, 3, 0)[0]
	page := string(written(t, func(b *bytes.Buffer) error { return Sheet(b, p, fullInfo()) }))
	for n, l := range strings.Split(page, "\r\n") {
		for _, group := range strings.Fields(rowsOf(p)) {
			if strings.Contains(l, group+" ") && !strings.Contains(l, barIn) {
				t.Errorf("line %d repeats digits of the component", n+1)
			}
		}
	}
}

// rowsOf are the groups of digits of a part.
func rowsOf(p *component.Part) string {
	var out []string
	for b := p.Value.Expose(); len(b) > 1; b = b[2:] {
		out = append(out, fmt.Sprintf("%02X%02X", b[0], b[1]))
	}
	return strings.Join(out, " ")
}

func TestSheetsLeaveNothingBehind(t *testing.T) {
	p := split(t, keys.AES256, component.XOR, 2, 2, 0)[0]
	live := secret.Live()
	if err := Sheet(failing{}, p, fullInfo()); err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Error(err)
	}
	page := written(t, func(b *bytes.Buffer) error { return Sheet(b, p, fullInfo()) })
	got, err := component.ParseSheet(page)
	if err != nil {
		t.Fatal(err)
	}
	got.Wipe()
	_, err = component.ParseSheet(page[:len(page)/2])
	if err == nil {
		t.Error("half a page was read")
	}
	if n := secret.Live(); n != live {
		t.Errorf("%d secrets are not wiped", n-live)
	}
	calls := 0
	if err := Sheet(counting{&calls}, p, fullInfo()); err != nil || calls != 1 {
		t.Errorf("%d calls of the printer, %v", calls, err)
	}
}

type counting struct{ n *int }

func (c counting) Write(b []byte) (int, error) { *c.n++; return len(b), nil }

func TestWhatIsNoSheetIsRefused(t *testing.T) {
	p := split(t, keys.AES256, component.XOR, 2, 2, 0)
	first := written(t, func(b *bytes.Buffer) error { return Sheet(b, p[0], ceremony.SheetAbout{}) })
	second := written(t, func(b *bytes.Buffer) error { return Sheet(b, p[1], ceremony.SheetAbout{}) })
	for name, in := range map[string][]byte{"nothing": nil, "a letter": []byte("dear custodian | of a key |\n"), "two sheets": append(first, second...)} {
		got, err := component.ParseSheet(in)
		if got != nil || !fault.Is(err, fault.MalformedSheet) {
			t.Errorf("%s: %v", name, err)
		}
	}
	value := secret.Copy(bytes.Repeat([]byte{0x5A, 0x13}, 16))
	bare, err := component.Bare(keys.AES256, value)
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Wipe()
	for _, part := range []*component.Part{nil, bare} {
		var b bytes.Buffer
		if err := Sheet(&b, part, ceremony.SheetAbout{}); !fault.Is(err, fault.Usage) || b.Len() > 0 {
			t.Errorf("%v, %d bytes", err, b.Len())
		}
	}
	canonical := written(t, func(b *bytes.Buffer) error { return p[0].WriteSheet(b) })
	got, err := component.ParseSheet(canonical)
	if err != nil || !got.Value.Equal(p[0].Value) {
		t.Error(errors.Join(err, errors.New("a bare canonical sheet is not read")))
	}
	got.Wipe()
}

// generate draws a key; size is that of an HMAC key.
func generate(env keys.Env, alg keys.Algorithm, size int) (*keys.Key, error) {
	if size == 0 {
		return keys.Generate(env.Rand, alg)
	}
	sec, err := secret.Read(env.Rand, size)
	if err != nil {
		return nil, err
	}
	return keys.New(alg, sec)
}
