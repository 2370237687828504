package component

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// The golden sheets hold the format fast. Their checks and check values were computed by another implementation
// (a few lines of Python) as well.
const goldenXOR = `poskey component sheet 1
set: 7F3A-91C2
part: 1 of 2
scheme: xor
algorithm: tdes-128
key check: 7FF5B8 ecb-zero
part check: E2AC18 ecb-zero
head check: 986D
row 1 of 2: 0723 CD4C DDF2 5A1F check FFA2
row 2 of 2: 8F35 17EE ABE4 82C9 check C2B3
end
`

const goldenShamir = `poskey component sheet 1
set: 0B5E-44D7
part: 3 of 5
scheme: shamir
threshold: 2
algorithm: hmac-sha1
length: 20 bytes
key check: 0A1B2C3D4E hmac-empty
part check: 0C3615 hmac-empty
share check: E89B
head check: FDDE
row 1 of 3: 5C1F 7E0A 93B2 4D68 check 7EC8
row 2 of 3: 86E1 D02B 47F5 9A3C check BADB
row 3 of 3: A764 0B3D check 4A61
end
`

const goldenLine = "3/2:0B5E-44D7:5C1F7E0A93B24D6886E1D02B47F59A3CA7640B3D:E89B"

func goldenParts(t *testing.T) (xor, shamir *Part) {
	t.Helper()
	xor = bare(t, keys.TDES128, c1Part1)[0]
	xor.Set, xor.Index, xor.Of, xor.Threshold = "7F3A-91C2", 1, 2, 2
	xor.KeyCheck = kcv.Value{Method: kcv.ECBZero, Digits: "7FF5B8"}
	shamir = bare(t, keys.HMACSHA1, r1+r2[:8])[0]
	shamir.Set, shamir.Index, shamir.Of, shamir.Threshold, shamir.Scheme = "0B5E-44D7", 3, 5, 2, Shamir
	shamir.KeyCheck = kcv.Value{Method: kcv.HMACEmpty, Digits: "0A1B2C3D4E"}
	return xor, shamir
}

func TestSheetsLookAsSpecified(t *testing.T) {
	noLeaks(t)
	xor, shamir := goldenParts(t)
	if got := string(sheetOf(t, xor)); got != goldenXOR {
		t.Errorf("XOR sheet:\n%s", got)
	}
	if got := string(sheetOf(t, shamir)); got != goldenShamir {
		t.Errorf("Shamir sheet:\n%s", got)
	}
	if got := shareLine(t, shamir); got != goldenLine {
		t.Errorf("share in one line: %s", got)
	}
}

func samePart(a, b *Part) bool {
	x, y := *a, *b
	x.Value, y.Value = nil, nil
	return fmt.Sprintf("%+v", x) == fmt.Sprintf("%+v", y) && a.Value.Equal(b.Value)
}

func TestSheetsReadBack(t *testing.T) {
	noLeaks(t)
	for _, alg := range keys.Named() {
		key := newKey(t, "back "+string(alg), alg)
		for _, spec := range []Spec{{Scheme: XOR, Parts: 9}, {Scheme: Shamir, Parts: 9, Threshold: 4}} {
			for _, p := range split(t, "back", key, spec) {
				sheet := sheetOf(t, p)
				if got := parse(t, sheet); !samePart(got, p) {
					t.Errorf("part %+v reads back as %+v", p, got)
				}
				if !IsSheet(sheet) {
					t.Error("IsSheet does not know a sheet")
				}
				if len(sheet) > maxPage*3/4 {
					t.Errorf("a sheet of %d bytes comes near the size of a page", len(sheet))
				}
				for i, line := range strings.Split(string(sheet), "\n") {
					if len(line) > 64 {
						t.Errorf("line %d has %d characters, too many to print large", i+1, len(line))
					}
				}
			}
		}
	}
}

// TestEveryWrongDigitOnASheetIsNamed tries all 15 wrong digits at every digit of the sheet, parity bits included, and
// asks for the line or the row in the error.
func TestEveryWrongDigitOnASheetIsNamed(t *testing.T) {
	noLeaks(t)
	for _, golden := range []string{goldenXOR, goldenShamir} {
		tries := 0
		line := 1
		for i, c := range []byte(golden) {
			if c == '\n' {
				line++
			}
			if !isUpperHex([]byte{c}) {
				continue
			}
			for _, d := range []byte("0123456789ABCDEF") {
				if d == c {
					continue
				}
				tries++
				wrong := []byte(golden)
				wrong[i] = d
				p, err := ParseSheet(wrong)
				if err == nil || p != nil {
					t.Fatalf("line %d: %c for %c passes", line, d, c)
				}
				if !names(err, golden, line) {
					t.Errorf("line %d: %c for %c gives %q", line, d, c, err)
				}
			}
		}
		if tries < 60*15 {
			t.Fatalf("only %d tries", tries)
		}
	}
}

// names reports whether an error leads to the line: by its number, or as a row by the row's.
func names(err error, sheet string, line int) bool {
	text := strings.Split(sheet, "\n")[line-1]
	if label, ok := strings.CutPrefix(text, "row "); ok {
		part := strings.Split(strings.Split(sheet, "part: ")[1], " ")[0]
		return strings.HasPrefix(err.Error(), "part "+part+", row "+label[:1]+": ")
	}
	if !fault.Is(err, fault.ChecksumMismatch) {
		return strings.HasPrefix(err.Error(), fmt.Sprintf("line %d: ", line))
	}
	_, suspects, _ := strings.Cut(err.Error(), "one wrong digit in line ")
	suspects, _, _ = strings.Cut(suspects, " would")
	return slices.Contains(strings.Split(suspects, ", "), strconv.Itoa(line))
}

func TestEveryExchangeOfNeighboursInARowIsFound(t *testing.T) {
	noLeaks(t)
	exchanged := 0
	for _, golden := range []string{goldenXOR, goldenShamir} {
		for i := strings.Index(golden, "row 1"); i+1 < len(golden); i++ {
			j := i + 1
			if golden[j] == ' ' {
				j++ // the neighbour in the next group
			}
			a, b := golden[i], golden[j]
			if !isUpperHex([]byte{a, b}) || a == b {
				continue
			}
			wrong := []byte(golden)
			wrong[i], wrong[j] = b, a
			p, err := ParseSheet(wrong)
			mustFail(t, err, fault.ChecksumMismatch, "row ")
			if p != nil {
				t.Error("a part beside an error")
			}
			exchanged++
		}
	}
	if exchanged < 60 {
		t.Fatalf("only %d exchanges", exchanged)
	}
}

// TestNoOtherByteGoesUnnoticed puts bytes of all kinds at every place of the sheet, leaves each byte out and writes it
// twice: what is not leniency is an error.
func TestNoOtherByteGoesUnnoticed(t *testing.T) {
	noLeaks(t)
	for _, golden := range []string{goldenXOR, goldenShamir} {
		for i := range golden {
			for _, c := range []byte("0189AFGOSZafgloswxz :-/,\t\r\n\x00\x0B\x7F\x80\xA0\xFF") {
				text := []byte(golden)
				text[i] = c
				onlyLenient(t, text, golden)
			}
			onlyLenient(t, []byte(golden[:i]+golden[i+1:]), golden)
			onlyLenient(t, []byte(golden[:i]+golden[i:i+1]+golden[i:]), golden)
		}
	}
}

func onlyLenient(t *testing.T, text []byte, golden string) {
	t.Helper()
	p, err := ParseSheet(text)
	if err != nil {
		if p != nil {
			t.Error("a part beside an error")
		}
		return
	}
	defer p.Wipe()
	if got := string(sheetOf(t, p)); got != golden {
		t.Errorf("a changed sheet is taken for another one:\n%s", got)
	}
	if string(text) != golden {
		if p, err := parseCanonical(text); err == nil || p != nil {
			t.Errorf("the canonical form takes a changed sheet:\n%s", text)
		}
	}
}

func TestWhatEditorsAndTypistsDoIsForgiven(t *testing.T) {
	noLeaks(t)
	forms := map[string]func(string) string{
		"as it is":           func(s string) string { return s },
		"CRLF":               func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"upper case":         strings.ToUpper,
		"lower case":         strings.ToLower,
		"trailing blanks":    func(s string) string { return strings.ReplaceAll(s, "\n", " \t\n") },
		"indented":           func(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n\t") },
		"wide":               func(s string) string { return strings.ReplaceAll(s, " ", "  \t ") },
		"byte order mark":    func(s string) string { return "\ufeff" + s },
		"no last line feed":  strings.TrimSpace,
		"empty lines at end": func(s string) string { return s + "\r\n \n\n" },
		"all of it, together": func(s string) string {
			return "\ufeff " + strings.ReplaceAll(strings.ToUpper(s), "\n", " \r\n") + "\n"
		},
	}
	for name, form := range forms {
		for _, golden := range []string{goldenXOR, goldenShamir} {
			text := []byte(form(golden))
			p, err := ParseSheet(text)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got := string(sheetOf(t, p)); got != golden {
				t.Errorf("%s: written again:\n%s", name, got)
			}
			p.Wipe()
			normal, err := Normalise(text)
			if err != nil {
				t.Fatal(err)
			}
			if string(normal.Expose()) != golden {
				t.Errorf("%s: normal form:\n%s", name, normal.Expose())
			}
			normal.Wipe()
		}
	}
}

func TestSheetErrorsNameTheLine(t *testing.T) {
	noLeaks(t)
	lines := strings.SplitAfter(goldenXOR, "\n")
	lines = lines[:len(lines)-1]
	shares := strings.SplitAfter(goldenShamir, "\n")
	with := func(lines []string, at int, insert ...string) string { // put insert in place of line at (from 1)
		return strings.Join(lines[:at-1], "") + strings.Join(insert, "") + strings.Join(lines[at:], "")
	}
	cases := []struct {
		name, text string
		kind       fault.Kind
		says       string
	}{
		{"empty", "", fault.MalformedSheet, "the sheet is empty"},
		{"blanks", " \n\t\r\n", fault.MalformedSheet, "the sheet is empty"},
		{"a bare key", c1Part1, fault.MalformedSheet, `line 1: a component sheet begins with "poskey component sheet 1"`},
		{"later version", with(lines, 1, "poskey component sheet 2\n"), fault.MalformedSheet, "line 1: this version"},
		{"no title", with(lines, 1), fault.MalformedSheet, "line 1: a component sheet begins"},
		{"title alone", lines[0], fault.MalformedSheet, `the sheet ends before its field "set"`},
		{"unknown field", with(lines, 4, "custodian: Li\n"),
			fault.MalformedSheet, `line 4: unknown field; "scheme" is expected`},
		{"added field", with(lines, 4, lines[3], "custodian: Li\n"), fault.MalformedSheet, "line 5: unknown field"},
		{"repeated field", with(lines, 4, lines[3], lines[1]),
			fault.MalformedSheet, `line 5: the field "set" stands there twice`},
		{"lost field", with(lines, 4),
			fault.MalformedSheet, `line 4: the field "algorithm" stands where "scheme" is expected`},
		{"lost head check", with(lines, 8), fault.MalformedSheet, `line 8: the field "head check" is missing`},
		{"threshold for xor", with(lines, 4, lines[3], "threshold: 2\n"),
			fault.MalformedSheet, `line 5: the field "threshold"`},
		{"no threshold for shamir", with(shares, 5), fault.MalformedSheet, `line 5: the field "algorithm" stands`},
		{"empty field", with(lines, 5, "algorithm:\n"), fault.MalformedSheet, `line 5: the field "algorithm" is empty`},
		{"empty line", with(lines, 5, "\n", lines[4]), fault.MalformedSheet, "line 5: unknown field"},
		{"bad set", with(lines, 2, "set: 7F3A91C2\n"), fault.MalformedSheet, "line 2: the set is not of the form"},
		{"bad part", with(lines, 3, "part: 1/2\n"), fault.MalformedSheet, "line 3: the part is not of the form"},
		{"part 0", with(lines, 3, "part: 0 of 2\n"), fault.MalformedSheet, "line 3: the part"},
		{"part 3 of 2", with(lines, 3, "part: 3 of 2\n"), fault.MalformedSheet, "line 3: the part"},
		{"1 of 1", with(lines, 3, "part: 1 of 1\n"), fault.MalformedSheet, "line 3: the part"},
		{"1 of 10", with(lines, 3, "part: 1 of 10\n"), fault.MalformedSheet, "line 3: the part"},
		{"bad scheme", with(lines, 4, "scheme: halves\n"), fault.MalformedSheet, "line 4: unknown scheme"},
		{"threshold 6 of 5", with(shares, 5, "threshold: 6\n"),
			fault.MalformedSheet, "line 5: the threshold is not a number from 2 to 5"},
		{"bad algorithm", with(lines, 5, "algorithm: rsa\n"), fault.MalformedSheet, "line 5: unknown algorithm"},
		{"no length", with(shares, 7),
			fault.MalformedSheet, `line 7: the field "key check" stands where "length" is expected`},
		{"length 7", with(shares, 7, "length: 7 bytes\n"),
			fault.MalformedSheet, "line 7: the length is not of the form 20 bytes"},
		{"length 65", with(shares, 7, "length: 65 bytes\n"), fault.MalformedSheet, "line 7: the length"},
		{"length 020", with(shares, 7, "length: 020 bytes\n"), fault.MalformedSheet, "line 7: the length"},
		{"length in bits", with(shares, 7, "length: 20 bits\n"), fault.MalformedSheet, "line 7: the length"},
		{"length for tdes", with(lines, 5, lines[4], "length: 16 bytes\n"),
			fault.MalformedSheet, `line 6: the field "length"`},
		{"no method", with(lines, 6, "key check: 7FF5B8\n"), fault.MalformedSheet, "line 6: unknown method"},
		{"short check", with(lines, 6, "key check: 7FF ecb-zero\n"), fault.MalformedSheet, "line 6: want 4 to 16"},
		{"long check", with(lines, 6, "key check: 0123456789ABCDEF01 sha256\n"),
			fault.MalformedSheet, "line 6: want 4 to 16"},
		{"other's method", with(lines, 7, "part check: E2AC18 hmac-empty\n"), fault.MalformedSheet, "line 7: it cannot be"},
		{"bad share check", with(shares, 10, "share check: 12\n"),
			fault.MalformedSheet, "line 10: the check is not 4 hex digits"},
		{"bad head check", with(lines, 8, "head check: 12345\n"),
			fault.MalformedSheet, "line 8: the check is not 4 hex digits"},
		{"two slips in the head", with(with2(lines, 2, "set: 8F3A-91C2\n"), 3, "part: 2 of 2\n"),
			fault.ChecksumMismatch, "line 8"},
		{"lost row", with(lines, 9), fault.MalformedSheet, "part 1, row 1: line 9 does not begin with row 1 of 2"},
		{"lost last row", with(lines, 10), fault.MalformedSheet, "part 1, row 2: the row is missing"},
		{"cut off", strings.Join(lines[:9], ""), fault.MalformedSheet, "part 1, row 2: the row is missing"},
		{"rows exchanged", with(lines, 9, lines[9], lines[8])[:len(goldenXOR)], fault.MalformedSheet, "part 1, row 1"},
		{"row twice", with(lines, 10, strings.Replace(lines[8], "row 1", "row 2", 1)),
			fault.ChecksumMismatch, "part 1, row 2"},
		{"letter O", strings.Replace(goldenXOR, "0723", "O723", 1),
			fault.MalformedHex, "part 1, row 1: digit 1: the letter o"},
		{"digit lost", strings.Replace(goldenXOR, "0723", "072", 1),
			fault.MalformedLength, "part 1, row 1: the key has an odd number of hex digits: 15"},
		{"group lost", strings.Replace(goldenXOR, "0723 ", "", 1),
			fault.MalformedLength, "part 1, row 1: the row has 12 digits, want 16"},
		{"group twice", strings.Replace(goldenXOR, "0723 ", "0723 0723 ", 1), fault.MalformedLength, "the row has 20 digits"},
		{"no groups", strings.Replace(goldenXOR, "0723 CD4C", "0723CD4C", 1), fault.MalformedSheet, "groups of 4"},
		{"row check lost", strings.Replace(goldenXOR, " check FFA2", "", 1),
			fault.MalformedSheet, "part 1, row 1: the row does not end in the word check"},
		{"row check short", strings.Replace(goldenXOR, "FFA2", "FFA", 1),
			fault.MalformedSheet, "part 1, row 1: the check is not 4"},
		{"no rows of hmac", with(shares, 12, "end\n"), fault.MalformedSheet, "part 3, row 1: the row is missing"},
		{"no end", strings.Join(lines[:10], ""), fault.MalformedSheet, `the sheet does not end in the line "end"`},
		{"row too many", with(lines, 10, lines[9], lines[9]), fault.MalformedSheet, `line 11: the line "end" is expected`},
		{"more behind the end", goldenXOR + "0723\n", fault.MalformedSheet, "line 12: nothing may follow"},
		{"second sheet behind", goldenXOR + goldenXOR, fault.MalformedSheet, "line 12: nothing may follow"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := ParseSheet([]byte(c.text))
			mustFail(t, err, c.kind, c.says)
			if p != nil {
				t.Error("a part beside an error")
			}
			for i := 0; err != nil && i+6 <= len(c1Part1); i++ {
				if strings.Contains(strings.ToUpper(err.Error()), c1Part1[i:i+6]) {
					t.Errorf("error %q shows digits of the part", err)
				}
			}
		})
	}
}

func with2(lines []string, at int, line string) []string {
	changed := append([]string(nil), lines...)
	changed[at-1] = line
	return changed
}

// resealed puts right checks on a sheet whose text was changed, as a forger would.
func resealed(t *testing.T, text string) []byte {
	t.Helper()
	head, _, _ := strings.Cut(text, "head check: ")
	at := len(head) + len("head check: ")
	return []byte(fmt.Sprintf("%s%04X%s", text[:at], crc16([]byte(head)), text[at+4:]))
}

func TestValueThatHasAnotherCheckValueIsRefusedAtOnce(t *testing.T) {
	noLeaks(t)
	_, err := ParseSheet(resealed(t, strings.Replace(goldenXOR, "E2AC18", "E2AC19", 1)))
	mustFail(t, err, fault.KCVMismatch,
		"part 1 of 2 of set 7F3A-91C2: its check value is E2AC18 (ecb-zero), its sheet says E2AC19")
	_, err = ParseSheet(resealed(t, strings.Replace(goldenShamir, "E89B", "E89C", 1)))
	mustFail(t, err, fault.ChecksumMismatch, "line 10: the rows do not agree with the check of the share")
	_, err = ParseSheet(resealed(t, strings.Replace(goldenXOR, "tdes-128", "tdes-192", 1)))
	mustFail(t, err, fault.MalformedSheet, "part 1, row 1: line 9 does not begin with row 1 of 3")
}

// TestParityBitSlipIsFoundByTheRowCheckAlone: no check value of DES sees it.
func TestParityBitSlipIsFoundByTheRowCheckAlone(t *testing.T) {
	noLeaks(t)
	_, err := ParseSheet([]byte(strings.Replace(goldenXOR, "82C9", "82C8", 1)))
	mustFail(t, err, fault.ChecksumMismatch, "part 1, row 2: the row does not agree with its check")
}

func TestRowOfAnotherSheetIsRefused(t *testing.T) {
	noLeaks(t)
	parts := split(t, "rows", newKey(t, "rows", keys.AES128), Spec{Scheme: XOR, Parts: 2})
	row := func(p *Part, n int) string {
		return strings.Split(string(sheetOf(t, p)), "\n")[7+n]
	}
	mixed := strings.Replace(string(sheetOf(t, parts[0])), row(parts[0], 2), row(parts[1], 2), 1)
	_, err := ParseSheet([]byte(mixed))
	mustFail(t, err, fault.ChecksumMismatch, "part 1, row 2")
}

func TestHugeInputIsAnsweredAtOnce(t *testing.T) {
	noLeaks(t)
	huge := bytes.Repeat([]byte(goldenXOR), 100<<20/len(goldenXOR))
	start := time.Now()
	_, err := ParseSheet(huge)
	mustFail(t, err, fault.TooLarge, "65536")
	_, err = parseCanonical(huge)
	mustFail(t, err, fault.TooLarge, "65536")
	_, err = ParseShare(keys.AES128, huge)
	mustFail(t, err, fault.TooLarge)
	if !IsSheet(huge) {
		t.Error("IsSheet does not look at the beginning only")
	}
	if spent := time.Since(start); spent > 100*time.Millisecond {
		t.Errorf("100 MB took %v", spent)
	}
	largest := append([]byte(goldenXOR), bytes.Repeat([]byte("\n"), maxSheet-len(goldenXOR))...)
	parse(t, largest)
	_, err = ParseSheet(append(largest, '\n'))
	mustFail(t, err, fault.TooLarge)
	for _, line := range []string{"\n", "a\n", "end\n", "set: 7F3A-91C2\n"} {
		if _, err := ParseSheet(append([]byte(title+"\n"), bytes.Repeat([]byte(line), 10000)...)); err == nil {
			t.Errorf("lines of %q pass", line)
		}
	}
}

func TestSheetsAreToldFromOtherTexts(t *testing.T) {
	for text, want := range map[string]bool{goldenXOR: true, "\ufeff" + goldenXOR: true, strings.ToUpper(goldenXOR): true,
		"poskey component sheet 2": true, c1Part1: false, "": false, "poskey component": false, goldenLine: false} {
		if IsSheet([]byte(text)) != want {
			t.Errorf("IsSheet says %t of %.30q", !want, text)
		}
	}
}

// failWriter fails as a full disk or an unplugged printer does.
type failWriter struct{ calls int }

func (w *failWriter) Write([]byte) (int, error) {
	w.calls++
	return 0, errors.New("no paper")
}

func TestWriteErrorsAreReported(t *testing.T) {
	noLeaks(t)
	_, shamir := goldenParts(t)
	w := &failWriter{}
	if err := shamir.WriteSheet(w); err == nil || err.Error() != "no paper" || w.calls != 1 {
		t.Errorf("WriteSheet: %v after %d calls", err, w.calls)
	}
	if err := shamir.WriteShare(w); err == nil || w.calls != 2 {
		t.Errorf("WriteShare: %v after %d calls", err, w.calls)
	}
}

func TestSheetOfAChangedPartIsNotWritten(t *testing.T) {
	noLeaks(t)
	xor, _ := goldenParts(t)
	xor.Value.Expose()[0] ^= 2
	var out bytes.Buffer
	mustFail(t, xor.WriteSheet(&out), fault.KCVMismatch, "part 1 of 2 of set 7F3A-91C2")
	if out.Len() != 0 {
		t.Error("something was written")
	}
}

func TestNormaliseIsIdempotent(t *testing.T) {
	noLeaks(t)
	b := make([]byte, 400)
	random := newDRBG("normalise")
	const alphabet = "aF9:-x \t\r\n\ufeff"
	for range 500 {
		_, _ = random.Read(b)
		for i, v := range b {
			b[i] = alphabet[int(v)%len(alphabet)]
		}
		once, err := Normalise(b)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := Normalise(once.Expose())
		if err != nil {
			t.Fatal(err)
		}
		if !once.Equal(twice) {
			t.Fatalf("%q is not normal", once.Expose())
		}
		once.Wipe()
		twice.Wipe()
	}
}

func TestFullPageIsAnError(t *testing.T) {
	noLeaks(t)
	g := newPage()
	defer g.wipe()
	if n, err := g.Write(make([]byte, maxPage)); n != maxPage || err != nil {
		t.Errorf("%d bytes fit: %v", n, err)
	}
	if n, err := g.Write([]byte{1}); n != 0 || err == nil {
		t.Errorf("%d bytes more: %v", n, err)
	}
}
