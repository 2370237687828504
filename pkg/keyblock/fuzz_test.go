package keyblock

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/keys"
)

// seeded is a random source that gives the same bytes in every run.
func seeded(name string) *rand.ChaCha8 {
	var seed [32]byte
	copy(seed[:], name)
	return rand.NewChaCha8(seed)
}

// FuzzMalleability: a block that parses is written again to the letter; one that does not parse gives nothing.
func FuzzMalleability(f *testing.F) {
	for _, v := range testvec.Load[blockVector](f, "keyblocks.json") {
		f.Add(v.KeyBlock)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := Parse(text)
		if err != nil {
			if b != nil {
				t.Fatalf("%q: an error came with a block", text)
			}
			if fault.KindOf(err).Exit() != 3 {
				t.Fatalf("%q: kind %s", text, fault.KindOf(err))
			}
			return
		}
		if got := b.Marshal(); got != text || b.Len() != len(text) {
			t.Fatalf("%q is written as %q", text, got)
		}
		if cleaned, lowered, err := Clean(text); err != nil || lowered || cleaned != text {
			t.Fatalf("%q is cleaned to %q, %v, %v", text, cleaned, lowered, err)
		}
		for _, w := range b.Lint() {
			if w.ID == "" || w.Kind.Exit() == 1 || w.Text.String() == "" {
				t.Fatalf("%q: a warning without id, kind or text: %+v", text, w)
			}
		}
		for i := range b.Optional {
			if meaning, ok := b.Optional[i].Meaning(); !ok && meaning.IsZero() {
				t.Fatalf("%q: block %s is wrong, and nothing says why", text, b.Optional[i].ID)
			}
		}
	})
}

// FuzzParseHeader is FuzzMalleability for headers that stand alone or before anything.
func FuzzParseHeader(f *testing.F) {
	for _, v := range testvec.Load[headerVector](f, "keyblock_headers.json") {
		f.Add(v.Header)
	}
	f.Add("D0000P0AE00N0100LB0004001D2 and a word, and more")
	f.Fuzz(func(t *testing.T, text string) {
		h, n, err := ParseHeader(text)
		if err != nil {
			if n != 0 || h.Version != 0 || h.Usage != "" || h.Optional != nil {
				t.Fatalf("%q: an error came with %+v, %d", text, h, n)
			}
			return
		}
		length, err := strconv.Atoi(text[1:5])
		if err != nil {
			t.Fatalf("%q was read with that length: %v", text, err)
		}
		if got := string(h.appendTo(nil, length)); got != text[:n] || h.textLen() != n {
			t.Fatalf("%q is written as %q", text[:n], got)
		}
		checked, err := CheckHeader(h)
		if err != nil {
			t.Fatalf("%q was read and cannot be built: %v", text, err)
		}
		for i, o := range checked.Optional {
			if o.ID != h.Optional[i].ID || o.Data != h.Optional[i].Data {
				t.Fatalf("%q: block %d becomes %+v", text, i+1, o)
			}
		}
		if strings.HasSuffix(text[:n], " ") {
			return // a user's header loses a blank at its end, and is refused for it
		}
		if built, err := BuildHeader(text[:n]); err != nil || built.textLen() != n {
			t.Fatalf("%q was read and cannot be given by a user: %v", text[:n], err)
		}
	})
}

// FuzzClean: cleaning forgives blanks and lower case, invents nothing, and does nothing the second time.
func FuzzClean(f *testing.F) {
	for _, v := range testvec.Load[blockVector](f, "keyblocks.json")[:20] {
		f.Add(v.KeyBlock)
		f.Add(" " + v.KeyBlock[:9] + "\r\n" + v.KeyBlock[9:] + "\t\n")
		f.Add(strings.ToLower(v.KeyBlock))
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, lowered, err := Clean(in)
		if err != nil {
			if out != "" || lowered || !fault.Is(err, fault.TooLarge) || len(in) <= MaxInput {
				t.Fatalf("%q, %v, %v", out, lowered, err)
			}
			return
		}
		bare := strings.NewReplacer(" ", "", "\t", "", "\n", "", "\r", "")
		want := bare.Replace(in)
		if lowered {
			want = upperCase(want)
		}
		if bare.Replace(out) != want {
			t.Fatalf("%q became %q", in, out)
		}
		if strings.ContainsAny(out, "\r\n\t") || out != strings.Trim(out, " ") {
			t.Fatalf("%q became %q, with blanks around or line breaks in it", in, out)
		}
		if again, lowered, err := Clean(out); err != nil || lowered || again != out {
			t.Fatalf("%q became %q, and then %q", in, out, again)
		}
	})
}

// wrapCase is one way to close a block, made from the numbers of the fuzzer.
type wrapCase struct {
	kbpk   *keys.Key
	header Header
	key    *keys.Key
	opts   WrapOptions
}

func (c *wrapCase) wipe() {
	c.kbpk.Wipe()
	c.key.Wipe()
}

// newWrapCase draws versions, algorithms, options and optional blocks.
func newWrapCase(t testing.TB, random *rand.ChaCha8, version, alg, options byte, long uint16) *wrapCase {
	t.Helper()
	c := &wrapCase{}
	c.header.Version = 'A' + version%5
	protect := []keys.Algorithm{keys.AES128, keys.AES192, keys.AES256}
	if c.header.Version < 'D' {
		protect = []keys.Algorithm{keys.TDES128, keys.TDES192}
	}
	c.kbpk = generate(t, random, protect[int(options>>4)%len(protect)])
	all := append(keys.Named(), keys.RSA, keys.EC, keys.DSA, keys.Raw)
	c.key = generate(t, random, all[int(alg)%len(all)])
	h := &c.header
	h.Usage, h.Algorithm = keys.Usages()[random.Uint64()%43], AlgorithmChar(c.key.Algorithm())
	h.Mode, h.KeyVersion, h.Exportability, h.Context, h.Reserved = h.Usage.DefaultMode(), "00", "ENS"[random.Uint64()%3], '0', '0'
	if hm := HMFor(c.key.Algorithm()); hm != "" {
		h.SetOpt("HM", hm)
	}
	for range options & 3 {
		h.SetOpt("Z"+word(random, 1), word(random, int(random.Uint64()%20)))
	}
	if long > 0 {
		h.SetOpt("LB", word(random, int(long%4000)))
	}
	c.opts = WrapOptions{AllowWeak: true, AllowUnfit: true}
	if options&4 != 0 {
		c.opts.PadTo = ObfuscatedLen(c.key.Algorithm())
	}
	return c
}

// generate draws a key; those without a length of their own get some bytes.
func generate(t testing.TB, random *rand.ChaCha8, alg keys.Algorithm) *keys.Key {
	t.Helper()
	n := alg.DefaultLen()
	if n == 0 {
		n = 1 + int(random.Uint64()%600)
	}
	sec, err := secret.Read(random, n)
	if err != nil {
		t.Fatal(err)
	}
	if alg.IsDES() {
		keys.FixParity(sec.Expose())
	}
	k, err := keys.New(alg, sec)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// word draws upper-case letters and digits.
func word(random *rand.ChaCha8, n int) string {
	const alphabet = "ACDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[random.Uint64()%uint64(len(alphabet))]
	}
	return string(out)
}

// FuzzRoundTrip: what Wrap closes, Unwrap opens: the same key under the same header, for all versions and algorithms.
func FuzzRoundTrip(f *testing.F) {
	for version := range byte(5) {
		for alg := range byte(16) {
			f.Add(uint64(alg), version, alg, alg*5+version, uint16(0))
		}
		f.Add(uint64(1), version, version, byte(7), uint16(241))
		f.Add(uint64(2), version, version, byte(3), uint16(251))
		f.Add(uint64(3), version, version, byte(1), uint16(252))
		f.Add(uint64(4), version, version, byte(2), uint16(3000))
	}
	f.Fuzz(func(t *testing.T, seed uint64, version, alg, options byte, long uint16) {
		before := secret.Live()
		random := seeded(string(binary.BigEndian.AppendUint64(nil, seed)))
		c := newWrapCase(t, random, version, alg, options, long)
		roundTrip(t, random, c)
		c.wipe()
		if secret.Live() != before {
			t.Fatal("a secret was left unwiped")
		}
	})
}

func roundTrip(t *testing.T, random *rand.ChaCha8, c *wrapCase) {
	t.Helper()
	p, err := NewProtector(c.header.Version, c.kbpk)
	if err != nil {
		t.Fatal(err)
	}
	given := append([]OptBlock(nil), c.header.Optional...)
	text, _, err := p.Wrap(random, c.header, c.key, c.opts)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text[len(text)-2*macLen(p.version):], "abcdef") {
		t.Fatalf("%s has lower-case hex", text)
	}
	b, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: what was written cannot be read: %v", text, err)
	}
	u, err := p.Unwrap(b)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer u.Wipe()
	if !u.Key.Secret().Equal(c.key.Secret()) || u.Key.Algorithm() != c.key.Algorithm() {
		t.Fatalf("%s: another key or algorithm came back: %s, want %s", text, u.Key.Algorithm(), c.key.Algorithm())
	}
	if u.Key.Len()+u.Padding < c.opts.PadTo {
		t.Fatalf("%s: padded to %d bytes, asked for %d", text, u.Key.Len()+u.Padding, c.opts.PadTo)
	}
	if b.headerLen%blockLen(p.version) != 0 || p.version != 'E' && len(text)%blockLen(p.version) != 0 {
		t.Fatalf("%s is not aligned", text)
	}
	sameHeader(t, text, b.Header, c.header, given)
}

func sameHeader(t *testing.T, text string, got, want Header, given []OptBlock) {
	t.Helper()
	if pb := got.find("PB"); pb >= 0 && pb != len(got.Optional)-1 {
		t.Fatalf("%s: PB is not last", text)
	}
	got.Optional = append([]OptBlock(nil), got.Optional...)
	got.DropOpt("PB")
	if len(got.Optional) != len(given) || len(want.Optional) != len(given) {
		t.Fatalf("%s has %d optional blocks beside PB, want %d", text, len(got.Optional), len(given))
	}
	for i := range given {
		o := got.Optional[i]
		if o.ID != given[i].ID || o.Data != given[i].Data {
			t.Fatalf("%s: optional block %d is %s, want %s", text, i+1, o.ID, given[i].ID)
		}
		if o.Extended() != (len(o.Data) > 0xFF-shortHead) || o.length != strings.ToUpper(o.length) {
			t.Fatalf("%s: length %q for %d characters", text, o.length, len(o.Data))
		}
	}
	got.Optional, want.Optional = nil, nil
	if a, b := got.appendTo(nil, 0), want.appendTo(nil, 0); !bytes.Equal(a, b) {
		t.Fatalf("%s: the header came back as %s, want %s", text, a, b)
	}
}

// FuzzUnwrap: a changed block is never opened, whatever the change.
func FuzzUnwrap(f *testing.F) {
	for version := range byte(5) {
		f.Add(version, uint16(20), byte('0'))
		f.Add(version, uint16(9), byte('A'))
		f.Add(version, uint16(0), byte('B'))
		f.Add(version, uint16(1000), byte('f'))
	}
	blocks := map[byte]*wrapCase{}
	texts := map[byte]string{}
	for version := range byte(5) {
		random := seeded("fuzz unwrap")
		c := newWrapCase(f, random, version, 1, 6, 30)
		f.Cleanup(c.wipe)
		p, err := NewProtector(c.header.Version, c.kbpk)
		if err != nil {
			f.Fatal(err)
		}
		if texts[version], _, err = p.Wrap(random, c.header, c.key, c.opts); err != nil {
			f.Fatal(err)
		}
		blocks[version] = c
	}
	f.Fuzz(func(t *testing.T, version byte, at uint16, char byte) {
		version %= 5
		text := []byte(texts[version])
		i := int(at) % len(text)
		was := text[i]
		text[i] = char
		u, err := openWith(string(text), blocks[version].kbpk)
		if err != nil {
			if u != nil {
				t.Fatal("an error came with a key")
			}
			return
		}
		defer u.Wipe()
		if char != was && nibble(char) != nibble(was) || i < 16 && char != was {
			t.Fatalf("%s was opened with character %d changed from %c to %c", text, i+1, was, char)
		}
	})
}

// openWith opens a block as a user would: with a KBPK that fits what the version letter asks for.
func openWith(text string, kbpk *keys.Key) (*Unwrapped, error) {
	b, err := Parse(text)
	if err != nil {
		return nil, err
	}
	alg, err := KBPKAlgorithm(b.Version, kbpk.Len())
	if err != nil {
		return nil, err
	}
	as, err := keys.New(alg, kbpk.Secret().Clone())
	if err != nil {
		return nil, err
	}
	defer as.Wipe()
	p, err := NewProtector(b.Version, as)
	if err != nil {
		return nil, err
	}
	return p.Unwrap(b)
}
