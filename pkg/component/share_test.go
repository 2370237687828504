package component

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/keys"
)

func shareLine(t testing.TB, p *Part) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.WriteShare(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func lineOf(t testing.TB, p *Part) *Part {
	t.Helper()
	back, err := ParseShare(p.Algorithm, []byte(shareLine(t, p)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(back.Wipe)
	return back
}

func TestShareInOneLineReadsBack(t *testing.T) {
	noLeaks(t)
	for _, alg := range []keys.Algorithm{keys.DES, keys.AES256, keys.HMACSHA512} {
		for _, p := range split(t, "line", newKey(t, "line", alg), Spec{Scheme: Shamir, Parts: 9, Threshold: 5}) {
			line := shareLine(t, p)
			if want := fmt.Sprintf("%d/5:%s:", p.Index, p.Set); !strings.HasPrefix(line, want) {
				t.Errorf("the line begins with %q, want %q", line[:len(want)], want)
			}
			spaced := " " + strings.ToLower(strings.Join(strings.Split(line, ""), " ")) + "\r\n"
			for _, text := range []string{line, spaced} {
				got, err := ParseShare(alg, []byte(text))
				if err != nil {
					t.Fatal(err)
				}
				if got.Index != p.Index || got.Threshold != 5 || got.Set != p.Set || got.Scheme != Shamir ||
					got.Check != p.Check || !got.Value.Equal(p.Value) {
					t.Errorf("share %d reads back as %+v", p.Index, got)
				}
				got.Wipe()
			}
		}
	}
}

// TestEveryWrongDigitOfAShareIsFound tries all 15 wrong digits at every position, and all exchanges of two
// neighbours. The colons and the slash stay.
func TestEveryWrongDigitOfAShareIsFound(t *testing.T) {
	noLeaks(t)
	p := split(t, "digits", newKey(t, "digits", keys.TDES192), Spec{Scheme: Shamir, Parts: 9, Threshold: 2})[3]
	line := []byte(shareLine(t, p))
	tries := 0
	refused := func(text []byte) {
		tries++
		if got, err := ParseShare(keys.TDES192, text); err == nil || got != nil {
			t.Errorf("the wrong line passes (try %d)", tries)
		}
	}
	for i, c := range line {
		if !isUpperHex([]byte{c}) {
			continue
		}
		for _, d := range []byte("0123456789ABCDEF") {
			if wrong := bytes.Clone(line); d != c {
				wrong[i] = d
				refused(wrong)
			}
		}
		if i+1 < len(line) && isUpperHex(line[i+1:i+2]) && line[i+1] != c {
			wrong := bytes.Clone(line)
			wrong[i], wrong[i+1] = wrong[i+1], wrong[i]
			refused(wrong)
		}
	}
	if tries < 62*15 {
		t.Fatalf("only %d tries", tries)
	}
}

func TestMistypedSharesAreNamed(t *testing.T) {
	noLeaks(t)
	p := split(t, "named", newKey(t, "named", keys.AES128), Spec{Scheme: Shamir, Parts: 3, Threshold: 2})[1]
	line := shareLine(t, p)
	digits := line[14 : 14+32]
	other := "0"
	if digits[0] == '0' {
		other = "1"
	}
	cases := []struct {
		line string
		kind fault.Kind
		says string
	}{
		{line[:14] + other + line[15:],
			fault.ChecksumMismatch, "share 2 of set " + p.Set + ": it does not agree with its check"},
		{"3" + line[1:], fault.ChecksumMismatch, "share 3"},
		{"2/3" + line[3:], fault.ChecksumMismatch, "share 2"},
		{line[:14] + "O" + line[15:], fault.MalformedHex, "digit 1: the letter O"},
		{line[:14] + line[15:], fault.MalformedLength, "odd number of hex digits: 31"},
		{line[:14] + line[16:], fault.ChecksumMismatch, "share 2"},
		{line[:len(line)-1], fault.MalformedSheet, "4 hex digits"},
		{line + "0", fault.MalformedSheet, "4 hex digits"},
		{"", fault.Malformed, "2/3:7F3A-91C2"},
		{digits, fault.Malformed, "number of the share"},
		{"2:" + digits + line[46:], fault.Malformed, "number of the share"},
		{"0" + line[1:], fault.Malformed, "number of the share"},
		{"2/1" + line[3:], fault.Malformed, "number of the share"},
		{"2/0" + line[3:], fault.Malformed, "number of the share"},
		{"2-2" + line[3:], fault.Malformed, "number of the share"},
		{"2/2:7F3A91C:" + line[14:], fault.Malformed, "set"},
		{"2/2:7F3A-91CG:" + line[14:], fault.Malformed, "set"},
		{strings.Repeat(" ", maxShareLine) + line, fault.TooLarge, "1024"},
	}
	for i, c := range cases {
		got, err := ParseShare(keys.AES128, []byte(c.line))
		t.Logf("case %d", i)
		mustFail(t, err, c.kind, c.says)
		if got != nil {
			t.Error("a share beside an error")
		}
		if strings.Contains(err.Error(), digits[:8]) {
			t.Error("the error shows digits of the share")
		}
	}
	_, err := ParseShare(keys.AES256, []byte(line))
	mustFail(t, err, fault.PartRefused, "share 2", "PCI PIN 12-4")
	_, err = ParseShare(keys.TDES192, []byte(line))
	mustFail(t, err, fault.MalformedLength, "share 2", "24 bytes")
	_, err = ParseShare(keys.RSA, []byte(line))
	mustFail(t, err, fault.Usage, "cannot be cut")
}

func TestOnlySharesAreWrittenInOneLine(t *testing.T) {
	noLeaks(t)
	parts := split(t, "xor", newKey(t, "xor", keys.AES128), Spec{Scheme: XOR, Parts: 2})
	mustFail(t, parts[0].WriteShare(&bytes.Buffer{}), fault.Usage, "only Shamir")
	mustFail(t, lineOf(t, split(t, "s", newKey(t, "s", keys.AES128), Spec{Scheme: Shamir, Parts: 2, Threshold: 2})[0]).
		WriteSheet(&bytes.Buffer{}), fault.Usage, "without a sheet")
	odd := copyOf(t, split(t, "odd", newKey(t, "odd", keys.AES128), Spec{Scheme: Shamir, Parts: 2, Threshold: 2})[0])
	odd.Threshold = 3
	mustFail(t, odd.WriteShare(&bytes.Buffer{}), fault.MalformedSheet, "with 3 of 2 parts cannot be")
	mustFail(t, bare(t, keys.AES128, c1Part1)[0].WriteSheet(&bytes.Buffer{}), fault.Usage, "without a sheet")
}
