package secret

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// canary is printable, so that %s and %q would show it as well.
const canary = "CANARY-8f3e-TEST"

// leaks lists the ways in which the canary could stand in an output.
func leaks(t testing.TB, out string) {
	t.Helper()
	raw := []byte(canary)
	var dec, goHex, octal []string
	for _, c := range raw[:4] {
		dec = append(dec, fmt.Sprintf("%d", c))
		goHex = append(goHex, fmt.Sprintf("0x%x", c))
		octal = append(octal, fmt.Sprintf("%o", c))
	}
	for _, form := range []string{
		canary, canary[:6], hex.EncodeToString(raw[:4]), strings.ToUpper(hex.EncodeToString(raw[:4])),
		fmt.Sprintf("% x", raw[:4]), fmt.Sprintf("% X", raw[:4]), fmt.Sprintf("%# x", raw[:4]),
		strings.Join(dec, " "), strings.Join(dec, ","), strings.Join(goHex, ", "), strings.Join(octal, " "),
		"Q0FOQVJZ", // base64
	} {
		if strings.Contains(out, form) {
			t.Errorf("the output shows the secret: %q", out)
		}
	}
}

func unchanged(t *testing.T) {
	t.Helper()
	before := Live()
	t.Cleanup(func() {
		if got := Live(); got != before {
			t.Errorf("%d secrets live, %d before the test", got, before)
		}
	})
}

func newCanary(t *testing.T) *Bytes {
	t.Helper()
	unchanged(t)
	s := Copy([]byte(canary))
	t.Cleanup(s.Wipe)
	return s
}

func TestNoVerbPrintsASecret(t *testing.T) {
	s := newCanary(t)
	type holder struct{ Key *Bytes }
	type closed struct{ key *Bytes }
	type inside struct{ key Bytes }
	for _, verb := range "vsqxXdobBcUeEfFgGtOw" {
		for _, flags := range []string{"", "+", "#", "-30", "030", " ", ".2", "# ", "+.3"} {
			format := "%" + flags + string(verb)
			if got := fmt.Errorf(format, s).Error(); got != redacted && verb != 'w' { // %w is for errors; it may complain
				t.Errorf("%s prints %q, want %q", format, got, redacted)
			}
			for _, arg := range []any{
				s, &s, *s, holder{s}, &holder{s}, closed{s}, &closed{s}, inside{*s}, &inside{*s},
				[]*Bytes{s}, []closed{{s}}, map[string]*Bytes{"k": s}, map[string]closed{"k": {s}}, [1]any{s},
			} {
				leaks(t, fmt.Errorf(format, arg).Error())
			}
		}
	}
	leaks(t, fmt.Sprint(s)+fmt.Sprintln(s, holder{s}))
	if s.String() != redacted || s.GoString() != redacted {
		t.Error("String or GoString is not the placeholder")
	}
}

func TestSecretThatIsNotThereIsPrintedAlike(t *testing.T) {
	var none *Bytes
	if got := fmt.Sprintf("%v %x %s", none, none, none); got != strings.Join([]string{redacted, redacted, redacted}, " ") {
		t.Errorf("nil prints %q", got)
	}
}

func TestNoLogShowsASecret(t *testing.T) {
	s := newCanary(t)
	for name, handler := range map[string]func(io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		var out bytes.Buffer
		l := slog.New(handler(&out))
		l.Info("key", "key", s)
		l.Info("key", slog.Any("key", s), slog.Group("g", slog.Any("inner", s)))
		l.With("key", s).Info("key")
		leaks(t, out.String())
		if n := strings.Count(out.String(), redacted); n != 4 {
			t.Errorf("%s: the placeholder stands there %d times, want 4: %s", name, n, out.String())
		}
		out.Reset()
		l.Info("struct", "holder", struct{ Key *Bytes }{s})
		leaks(t, out.String())
	}
}

func TestNoEncodingTakesASecret(t *testing.T) {
	s := newCanary(t)
	type holder struct{ Key *Bytes }
	for name, encode := range map[string]func(v any) ([]byte, error){
		"json": json.Marshal,
		"xml":  xml.Marshal,
		"gob": func(v any) ([]byte, error) {
			var out bytes.Buffer
			err := gob.NewEncoder(&out).Encode(v)
			return out.Bytes(), err
		},
	} {
		for _, v := range []any{s, holder{s}, &holder{s}} {
			out, err := encode(v)
			if err == nil {
				t.Errorf("%s takes %T", name, v)
				continue
			}
			leaks(t, string(out)+err.Error())
		}
	}
	for name, marshal := range map[string]func() ([]byte, error){
		"text": s.MarshalText, "binary": s.MarshalBinary, "json": s.MarshalJSON,
	} {
		if out, err := marshal(); out != nil || !errors.Is(err, errMarshal) {
			t.Errorf("%s: got %d bytes and %v", name, len(out), err)
		}
	}
}

func TestWipedSlotComesBackEmpty(t *testing.T) {
	unchanged(t)
	for _, n := range []int{1, 8, 16, 24, 32, slotSize} {
		s := New(n)
		old := s.Expose()
		for i := range old {
			old[i] = 0xA5
		}
		s.Wipe()
		if !bytes.Equal(old, make([]byte, n)) {
			t.Fatalf("%d bytes: not zero after Wipe", n)
		}
		again := New(slotSize)
		if &again.Expose()[0] != &old[0] {
			t.Errorf("%d bytes: the slot was not used again", n)
		}
		if !bytes.Equal(again.Expose(), make([]byte, slotSize)) {
			t.Errorf("%d bytes: the slot came back with a leftover", n)
		}
		again.Wipe()
	}
}

// TestBytesAppendedBehindASecretAreWipedToo: append to an exposed secret writes into the rest of its slot.
func TestBytesAppendedBehindASecretAreWipedToo(t *testing.T) {
	unchanged(t)
	s := New(8)
	longer := append(s.Expose(), canary...) //nolint:gocritic // the slip that this test is about
	s.Wipe()
	next := New(slotSize)
	defer next.Wipe()
	if !bytes.Equal(next.Expose(), make([]byte, slotSize)) {
		t.Error("the next secret begins with what was appended to the last one")
	}
	if cap(longer) == slotSize && !bytes.Equal(longer, make([]byte, len(longer))) {
		t.Error("what was appended is still there")
	}
}

func TestSecretsThatLiveTogetherShareNoMemory(t *testing.T) {
	unchanged(t)
	const workers, rounds = 8, 400
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			fill := byte(w + 1)
			for round := range rounds {
				var mine [5]*Bytes
				for i := range mine {
					n := 1 + (round+17*i)%(slotSize+40) // some are large
					mine[i] = New(n)
					if !bytes.Equal(mine[i].Expose(), make([]byte, n)) {
						t.Errorf("worker %d: a new secret is not zero", w)
					}
					for j := range n {
						mine[i].Expose()[j] = fill
					}
				}
				for _, s := range mine {
					if !bytes.Equal(s.Expose(), bytes.Repeat([]byte{fill}, s.Len())) {
						t.Errorf("worker %d: somebody else wrote here", w)
					}
					s.Wipe()
				}
			}
		})
	}
	wg.Wait()
}

func TestEqualComparesContentAndLength(t *testing.T) {
	unchanged(t)
	large := strings.Repeat("x", 3*slotSize)
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"a", "a", true},
		{"a", "b", false},
		{"a", "", false},
		{"", "a", false},
		{"abc", "abcd", false},
		{"abcd", "abc", false},
		{canary, canary, true},
		{canary, canary[:15] + "U", false},
		{large, large, true},
		{large, large[:len(large)-1] + "y", false},
	} {
		a, b := Copy([]byte(c.a)), Copy([]byte(c.b))
		if got := a.Equal(b); got != c.want {
			t.Errorf("%d and %d bytes: equal is %v, want %v", len(c.a), len(c.b), got, c.want)
		}
		a.Wipe()
		b.Wipe()
	}
	var none *Bytes
	if s := newCanary(t); s.Equal(nil) || none.Equal(s) || !none.Equal(nil) {
		t.Error("a secret that is not there equals only another of its kind")
	}
}

func TestWipedSecretIsEmpty(t *testing.T) {
	for _, n := range []int{0, 1, slotSize, slotSize + 1, 1 << 20} {
		before := Live()
		s := New(n)
		if got := Live(); got != before+1 {
			t.Fatalf("%d bytes: %d live after New, want %d", n, got, before+1)
		}
		s.Wipe()
		s.Wipe()
		if got := Live(); got != before {
			t.Errorf("%d bytes: %d live after two wipes, want %d", n, got, before)
		}
		if s.Len() != 0 || s.Expose() != nil {
			t.Errorf("%d bytes: not empty after Wipe", n)
		}
		c := s.Clone()
		if c.Len() != 0 || !c.Equal(s) {
			t.Errorf("%d bytes: the clone of a wiped secret is not empty", n)
		}
		c.Wipe()
	}
	var none *Bytes
	none.Wipe()
	if none.Len() != 0 || none.Expose() != nil {
		t.Error("a secret that is not there has a length")
	}
}

func TestLargeSecretsWorkLikeSmallOnes(t *testing.T) {
	unchanged(t)
	for _, n := range []int{slotSize + 1, 4095, 4096, 4097, chunkSize, chunkSize + 1, 1 << 20} {
		s := New(n)
		if s.Len() != n || !bytes.Equal(s.Expose(), make([]byte, n)) {
			t.Fatalf("%d bytes: not new and zero", n)
		}
		s.Expose()[n-1] = 7
		c := s.Clone()
		if !c.Equal(s) {
			t.Errorf("%d bytes: the clone differs", n)
		}
		c.Expose()[0] = 9
		if s.Expose()[0] != 0 {
			t.Errorf("%d bytes: clone and original share memory", n)
		}
		c.Wipe()
		s.Wipe()
	}
}

func TestCopyLeavesAndTakeWipesItsSource(t *testing.T) {
	unchanged(t)
	src := []byte(canary)
	s := Copy(src)
	if string(src) != canary || string(s.Expose()) != canary {
		t.Error("Copy changed its source or is no copy")
	}
	src[0] = 'X'
	if string(s.Expose()) != canary {
		t.Error("Copy shares memory with its source")
	}
	s.Wipe()
	src[0] = 'C'
	s = Take(src)
	defer s.Wipe()
	if string(s.Expose()) != canary {
		t.Error("Take did not take")
	}
	if !bytes.Equal(src, make([]byte, len(src))) {
		t.Error("Take left its source")
	}
}

func TestShortOrBrokenRandomSourceLeavesNothing(t *testing.T) {
	unchanged(t)
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		r    io.Reader
		want error
	}{
		"empty":  {strings.NewReader(""), io.EOF},
		"short":  {strings.NewReader("123456789012345"), io.ErrUnexpectedEOF},
		"broken": {iotest.ErrReader(broken), broken},
		"later":  {io.MultiReader(strings.NewReader("1234567"), iotest.ErrReader(broken)), broken},
	} {
		s, err := Read(c.r, 16)
		if s != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, %v", name, s, err)
		}
	}
	s, err := Read(iotest.OneByteReader(strings.NewReader(canary+"more")), 16)
	if err != nil || string(s.Expose()) != canary {
		t.Fatalf("a slow source: %v", err)
	}
	s.Wipe()
}

func TestALineIsReadToItsEndAndNotBeyond(t *testing.T) {
	unchanged(t)
	for in, want := range map[string]string{
		canary + "\nmore": canary, canary + "\r\nmore": canary, canary: canary, "\nmore": "", " a b \n": " a b ", "a\rb\n": "a\rb",
	} {
		r := strings.NewReader(in)
		s, err := ReadLine(r, len(canary)+1)
		if err != nil || string(s.Expose()) != want {
			t.Errorf("%q gives %d bytes, %v", in, s.Len(), err)
		}
		s.Wipe()
		rest, _ := io.ReadAll(r)
		if _, after, _ := strings.Cut(in, "\n"); string(rest) != after {
			t.Errorf("behind %q stands %q, want %q", in, rest, after)
		}
	}
}

func TestALineThatDoesNotComeOrDoesNotEndLeavesNothing(t *testing.T) {
	unchanged(t)
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		r    io.Reader
		want error
	}{
		"empty":  {strings.NewReader(""), io.EOF},
		"long":   {strings.NewReader(canary + "x\n"), ErrLongLine},
		"broken": {iotest.ErrReader(broken), broken},
		"later":  {io.MultiReader(strings.NewReader("1234567"), iotest.ErrReader(broken)), broken},
	} {
		if s, err := ReadLine(c.r, len(canary)); s != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, %v", name, s, err)
		}
	}
}
