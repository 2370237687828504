package keys

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
)

func TestHexIsReadAsItStandsOnSheets(t *testing.T) {
	noLeaks(t)
	const want = "00112233445566778899AABBCCDDEEFF"
	for _, in := range []string{
		want, strings.ToLower(want), "00112233445566778899aabbCCDDeeFF",
		"0011 2233 4455 6677 8899 AABB CCDD EEFF", "00-11-22-33-44-55-66-77-88-99-aa-bb-cc-dd-ee-ff",
		"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\n", "\t0011223344556677\r\n8899AABBCCDDEEFF\r\n",
		"0 0 1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8 9 9 A A B B C C D D E E F F",
	} {
		sec, err := ParseHex([]byte(in))
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		var out strings.Builder
		if err := WriteHex(&out, sec); err != nil || out.String() != want {
			t.Errorf("%q: read as %s, %v", in, out.String(), err)
		}
		sec.Wipe()
	}
}

// TestSeparatorsAreThoseOfHex: what stands between digits is taken out, and nothing else; what ParseHex skips and what
// goes out here must not drift apart.
func TestSeparatorsAreThoseOfHex(t *testing.T) {
	noLeaks(t)
	for in, want := range map[string]string{
		"": "", "00AA": "00AA", " 0-0:A\tA\r\n": "00AA", "-": "", "0.0": "0.0", "0\u00a00": "0\u00a00", "\xff \xfe": "\xff\xfe",
	} {
		if got := StripSeparators(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for c := range 256 {
		in := string([]byte{'0', byte(c), '0'})
		sec, err := ParseHex([]byte(in))
		sec.Wipe()
		if skipped := err == nil; skipped != (StripSeparators(in) == "00") {
			t.Errorf("%q: ParseHex gives %v, stripped it is %q", in, err, StripSeparators(in))
		}
	}
}

func TestBadHexIsNamedByPosition(t *testing.T) {
	noLeaks(t)
	for _, c := range []struct {
		in   string
		kind fault.Kind
		want string
	}{
		{"", fault.MalformedLength, "the key is empty"},
		{" \t\r\n-:", fault.MalformedLength, "the key is empty"},
		{"0", fault.MalformedLength, "odd number of hex digits: 1"},
		{"001 122 3", fault.MalformedLength, "odd number of hex digits: 7"},
		{"O011", fault.MalformedHex, "digit 1: the letter O stands where a digit must be; 0 is meant?"},
		{"00o1", fault.MalformedHex, "digit 3: the letter o stands where a digit must be; 0 is meant?"},
		{"00Q1", fault.MalformedHex, "digit 3: the letter Q stands where a digit must be; 0 is meant?"},
		{"0011 22I3", fault.MalformedHex, "digit 7: the letter I stands where a digit must be; 1 is meant?"},
		{"00-11-22-3l", fault.MalformedHex, "digit 8: the letter l stands where a digit must be; 1 is meant?"},
		{"L0", fault.MalformedHex, "digit 1: the letter L"},
		{"i0", fault.MalformedHex, "digit 1: the letter i"},
		{"0S", fault.MalformedHex, "digit 2: the letter S stands where a digit must be; 5 is meant?"},
		{"0s", fault.MalformedHex, "digit 2: the letter s"},
		{"0Z", fault.MalformedHex, "digit 2: the letter Z stands where a digit must be; 2 is meant?"},
		{"0z", fault.MalformedHex, "digit 2: the letter z"},
		{"00\n1G", fault.MalformedHex, "digit 4 is not a hex digit (0-9, A-F)"},
		{"0x00", fault.MalformedHex, "digit 2 is not a hex digit"},
		{"00.11", fault.MalformedHex, "digit 3 is not a hex digit"},
		{"00\x0011", fault.MalformedHex, "digit 3 is not a hex digit"},
		{"00１1", fault.MalformedHex, "digit 3: a character that is not ASCII; full-width digits"},
		{"\xEF\xBB\xBF00", fault.MalformedHex, "digit 1: a character that is not ASCII"},
		{"0O", fault.MalformedHex, "digit 2"},  // the first thing wrong, not the last
		{"0O1", fault.MalformedHex, "digit 2"}, // the letter before the length
	} {
		sec, err := ParseHex([]byte(c.in))
		if sec != nil {
			t.Errorf("%q: an error came with a key", c.in)
		}
		wantKind(t, err, c.kind)
		if err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.in, err, c.want)
		}
	}
}

// TestErrorsOfHexDependOnNoDigit is a proof by exchange: inputs that differ in all their digits and agree in where
// something is wrong give the same sentence, so no digit of the key can be in it.
func TestErrorsOfHexDependOnNoDigit(t *testing.T) {
	noLeaks(t)
	const digits = "0123456789ABCDEFabcdef"
	random := seeded("errors")
	draw := func(n int) []byte {
		out := make([]byte, n)
		for i := range out {
			out[i] = digits[random.Uint64()%uint64(len(digits))]
		}
		return out
	}
	compared := 0
	for n := 1; n <= 67; n++ {
		for _, bad := range []string{"", "O", "l", "S", "z", "G", "!", "\xC3", "\x00", "０"} {
			at := int(random.Uint64() % uint64(n+1))
			var sentences [8]string
			for i := range sentences {
				in := draw(n)
				sec, err := ParseHex(bytes.Join([][]byte{in[:at], []byte(bad), in[at:]}, nil))
				if err != nil {
					sentences[i] = err.Error() + fmt.Sprintf("%+v %#v", err, errors.Unwrap(err))
				}
				sec.Wipe()
			}
			for _, s := range sentences[1:] {
				compared++
				if drop(s) != drop(sentences[0]) {
					t.Fatalf("%d digits with %q at %d: the error depends on the digits:\n%s\n%s", n, bad, at, sentences[0], s)
				}
			}
		}
	}
	if compared < 4000 {
		t.Fatalf("compared only %d errors", compared)
	}
}

// drop takes out the addresses that %+v prints of pointers.
func drop(s string) string {
	before, after, found := strings.Cut(s, "0xc0")
	if !found {
		return s
	}
	return before + drop(strings.TrimLeft(after, "0123456789abcdef"))
}

func TestLongestHexIsReadAndOneMoreIsNot(t *testing.T) {
	noLeaks(t)
	in := bytes.Repeat([]byte("A5"), MaxHexInput/2)
	sec, err := ParseHex(in)
	if err != nil || sec.Len() != MaxHexInput/2 {
		t.Fatalf("%d characters: %v", len(in), err)
	}
	sec.Wipe()
	sec, err = ParseHex(append(in, ' '))
	wantKind(t, err, fault.TooLarge)
	if sec != nil {
		t.Error("an error came with a key")
	}
}

type writes struct {
	calls []string
	err   error
}

func (w *writes) Write(p []byte) (int, error) {
	w.calls = append(w.calls, string(p))
	return len(p), w.err
}

func TestHexIsWrittenInUpperCaseAndInOneCall(t *testing.T) {
	noLeaks(t)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	sec := secret.Copy(all)
	defer sec.Wipe()
	w := &writes{}
	if err := WriteHex(w, sec); err != nil || len(w.calls) != 1 || w.calls[0] != testvec.Upper(all) {
		t.Errorf("got %v in %d calls", err, len(w.calls))
	}
	full := errors.New("disk full")
	if err := WriteHex(&writes{err: full}, sec); !errors.Is(err, full) {
		t.Errorf("the writer's error is lost: %v", err)
	}
	if err := WriteHex(w, nil); err != nil || w.calls[1] != "" {
		t.Errorf("nothing is written as %q, %v", w.calls[1], err)
	}
}

// FuzzParseHex: what is read is written again as its canonical digits; what is not read gives nothing but an error.
func FuzzParseHex(f *testing.F) {
	for _, seed := range []string{"", "00", "0011 2233-4455:6677\n", "0O", "0", "0x00", "０0", "a\r\nB"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before, given := secret.Live(), bytes.Clone(in)
		sec, err := ParseHex(in)
		if !bytes.Equal(in, given) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			if sec != nil || secret.Live() != before {
				t.Fatal("an error came with a secret")
			}
			if k := fault.KindOf(err); k != fault.MalformedHex && k != fault.MalformedLength && k != fault.TooLarge {
				t.Fatalf("kind %s", k)
			}
			return
		}
		var out strings.Builder
		if err := WriteHex(&out, sec); err != nil {
			t.Fatal(err)
		}
		sec.Wipe()
		canonical := strings.ToUpper(strings.NewReplacer(" ", "", "\t", "", "\n", "", "\r", "", "-", "", ":", "").Replace(string(in)))
		if out.String() != canonical || secret.Live() != before {
			t.Fatalf("%q is written as %s", in, out.String())
		}
	})
}

// TestHexGoesIntoTheMemoryThatIsGiven: no more of it is touched than the digits take, and less is a bug.
func TestHexGoesIntoTheMemoryThatIsGiven(t *testing.T) {
	sec := secret.Copy([]byte{0x0F, 0xA9})
	defer sec.Wipe()
	to := []byte("......")
	HexInto(to, sec)
	if string(to) != "0FA9.." {
		t.Errorf("written %q", to)
	}
	own := Hex(sec)
	defer own.Wipe()
	if string(own.Expose()) != "0FA9" {
		t.Error("Hex and HexInto differ")
	}
	defer func() {
		if recover() == nil {
			t.Error("three bytes took four digits")
		}
	}()
	HexInto(make([]byte, 3), sec)
}
