package transcript

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"poskey/internal/fault"
)

// canary is a component that may stand nowhere, in the spellings in which it could get into a record.
const canary = "C0FFEE00DEADBEEF0123456789ABCDEF"

func spellings(digits string) []string {
	raw, _ := hex.DecodeString(digits)
	wide := strings.Map(func(c rune) rune { return c - '!' + 0xFF01 }, digits)
	spaced := fmt.Sprintf("% X", raw)
	return []string{digits, strings.ToLower(digits), spaced, strings.ReplaceAll(spaced, " ", "-"),
		strings.ReplaceAll(spaced, " ", ":"), strings.ReplaceAll(spaced, " ", "\u00a0"),
		strings.ReplaceAll(spaced, " ", "\u3000"), strings.ReplaceAll(spaced, " ", " – "), wide,
		strings.Join(strings.SplitAfterN(digits, digits[:4], 9), " / "), "0x" + digits, "part 1: " + digits + ".",
		"{" + strings.ReplaceAll(spaced, " ", ",") + "}",
		"0x" + strings.ReplaceAll(spaced, " ", ", 0x"), `\x` + strings.ReplaceAll(strings.ToLower(spaced), " ", `\x`)}
}

func TestComponentIsRefusedInEveryText(t *testing.T) {
	l, path := newRecord(t)
	before := load(t, path)
	names := []string{"text", "serial", "outer", "seen", "expected", "sha256", "fingerprint", "header", "ksn", "proof",
		"device", "file", "why", "script", "head"}
	tried := 0
	if !fault.Is(func() error {
		_, err := l.Write(Entry{Kind: KindEntered, Who: "li.na", Key: "zmk", Part: 1,
			Details: map[string]string{"fingerprint": canary + canary}}) // as long as a hash
		return err
	}(), fault.NotPermitted) {
		t.Error("an AES-256 component passes for a fingerprint")
	}
	for _, digits := range []string{canary, canary[:16], canary[8:24], canary + canary[:16],
		strings.Repeat("0123456789", 5)[:32]} {
		for _, text := range spellings(digits) {
			for _, k := range Kinds() {
				if k == KindOpen || k == KindSigned || k == KindNote || k == KindResumed {
					continue
				}
				base := Entry{Kind: k, Step: 1}
				entries := []Entry{base, base, base}
				entries[0].Who, entries[1].Key, entries[2].People = text, text, []string{"li.na", text}
				for _, name := range names {
					e := base
					e.Details = map[string]string{name: text}
					entries = append(entries, e)
				}
				for _, e := range entries {
					tried++
					_, err := l.Write(e)
					if !fault.Is(err, fault.NotPermitted) {
						t.Fatalf("%s %v %q %q: %v", k, e.Details, e.Who, e.Key, err)
					}
					if strings.Contains(err.Error(), text) {
						t.Fatalf("the error repeats it: %v", err)
					}
				}
			}
		}
	}
	if tried < 10000 {
		t.Errorf("only %d were tried", tried)
	}
	if !bytes.Equal(load(t, path), before) {
		t.Error("something was written")
	}
}

func TestOrdinaryTextsPass(t *testing.T) {
	li, chen := testOfficer(t, "li.na"), testOfficer(t, "chen")
	l, path := newRecord(t)
	attend(t, l, li, "leader")
	script, card, head := DigestOf([]byte(testScript)), li.Card().Fingerprint(), l.Head().Hash
	upper := script.String()
	for _, e := range []Entry{
		{Kind: KindSaid, Details: map[string]string{"text": "last line " + head.String()}},
		{Kind: KindAttended, Who: "chen", Card: chen.Card().Marshal(),
			Details: map[string]string{"fingerprint": chen.Card().Fingerprint().Hex()}},
		{Kind: KindSaid, Details: map[string]string{"text": "the ceremony 20261201-7F3A91C2 begins"}},
		{Kind: KindExported, Details: map[string]string{"file": "zmk-20261201-7F3A91C2.tr31", "header": "D0144D0AB00E0000"}},
		{Kind: KindExported, Details: map[string]string{"header": "B0096K0TN00E0000KS1800604B120F9292800000"[:16]}},
		{Kind: KindSaid, Details: map[string]string{"text": "script " + upper}},
		{Kind: KindSaid, Details: map[string]string{"text": "script " + groups(upper)}},
		{Kind: KindSaid, Details: map[string]string{"text": "card " + card.Hex() + ", " + card.Digits()}},
		{Kind: KindSaid, Details: map[string]string{"text": card.Words()}},
		{Kind: KindSaid, Details: map[string]string{"text": "2026-12-01 08:00:00.123456, at 2026-12-01T08:00:00Z"}},
		{Kind: KindSaid, Details: map[string]string{"text": "check value 763CBCDE04 (cmac), device S-0042"}},
		{Kind: KindSaid, Details: map[string]string{"text": "请核对校验值 08D7B4，序列号 AB-0001"}},
		{Kind: KindConfirmed, Details: map[string]string{"fingerprint": groups(upper), "script": strings.ToLower(upper)}},
		{Kind: KindBag, Details: map[string]string{"serial": "1234567890123456", "outer": "9876 5432 1098 7654 32"}},
		{Kind: KindLoaded, Details: map[string]string{"device": "0821234567890123456789", "ksn": "FFFF9876543210E00000"}},
		{Kind: KindObserved, Details: map[string]string{"seen": "1234567890123456", "expected": "1234567890123457"}},
	} {
		if _, err := l.Write(e); err != nil {
			t.Errorf("%v: %v", e.Details, err)
		}
	}
	d := verified(t, load(t, path))
	if len(d.Warnings) > 1 {
		t.Errorf("warnings: %v", d.Warnings)
	}
}

func groups(digits string) string {
	var all []string
	for i := 0; i < len(digits); i += 4 {
		all = append(all, digits[i:i+4])
	}
	return strings.Join(all, " ")
}

// TestKeyThatSomebodyElseWroteIsTold: readers take what this version would refuse to write, and say so.
func TestKeyThatSomebodyElseWroteIsTold(t *testing.T) {
	l, path := newRecord(t)
	must(t, l.Abandon())
	r := Record{N: 2, Time: dawn().Add(2e9), Prev: l.Head().Hash}
	r.Entry = Entry{Kind: KindSaid, Who: "li.na", Details: map[string]string{"text": canary}}
	raw := append(append(load(t, path), seal(&r)...), '\n')
	d := verified(t, raw)
	if len(d.Warnings) != 2 || !strings.Contains(d.Warnings[0].Error.Error(), "details: text: the text looks like a key") {
		t.Errorf("warnings %v", d.Warnings)
	}
	if strings.Contains(fmt.Sprint(d.Warnings), canary) {
		t.Error("the warning repeats it")
	}
}

func TestCleanTextIsTaken(t *testing.T) {
	l, _ := newRecord(t)
	texts := append(spellings(canary), "", "a\nb\x00\u202e", "\xff\xfe", strings.Repeat("长", 1000), "1234567890123456",
		"hello", strings.Repeat("0", 31), "1234 5678 9012 3456 7890 1234 5678 9012")
	for _, s := range texts {
		if _, err := l.Write(Entry{Kind: KindSaid, Details: map[string]string{"text": Clean(s)}}); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if _, err := l.Write(Entry{Kind: KindBag, Details: map[string]string{"serial": CleanSerial(s)}}); err != nil {
			t.Errorf("serial %q: %v", s, err)
		}
	}
	for _, s := range []string{"hello", "袋子 AB-0001"} {
		if Clean(s) != s {
			t.Errorf("%q became %q", s, Clean(s))
		}
	}
	if got := CleanSerial("1234567890123456"); got != "1234567890123456" || Clean(got) == got {
		t.Errorf("a serial became %q and %q", got, Clean(got))
	}
	if strings.Contains(Clean(canary), canary[:8]) {
		t.Error("it repeats the key")
	}
}

func TestZeroesAreNoKnownHash(t *testing.T) {
	l, _ := newRecord(t)
	_, err := l.Write(Entry{Kind: KindSaid, Details: map[string]string{"text": strings.Repeat("0", 64)}})
	if !fault.Is(err, fault.NotPermitted) {
		t.Errorf("%v", err)
	}
	if len((known)(nil).with(DigestOf(nil).fingerprint(), Digest{}.fingerprint())) != 4 {
		t.Error("no fingerprint is known")
	}
}
