package diagnose_test

// The generator of faults: one and two at a time, for every algorithm, and how often each is named. The table that comes
// out of it stands in docs/diagnosis.md; a test holds the two equal.

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"poskey/internal/cipherx"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/diagnose"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// stage is where a fault is made: what comes after it works on what it left.
type stage int

const (
	forming   stage = iota // components, or unwrapping
	shaping                // halves, lengths
	comparing              // method, data, cipher
)

// world is one key with the way it went: in components, or wrapped, to another side that made mistakes with it.
type world struct {
	t     testing.TB
	rnd   *random
	alg   keys.Algorithm
	key   []byte
	kek   []byte
	parts [][]byte

	// what the other side has and does
	got    []byte
	as     keys.Algorithm
	method kcv.Method
	data   []byte
	typed  [][]byte // what was typed here, where the slip is on this side

	bdk     []byte
	ksn     string
	wrapped []byte // the key as it came, where that is not under kek
}

// mistake is one that can be planted.
type mistake struct {
	cause diagnose.Cause
	stage stage
	kind  diagnose.Material // that it needs
	plant func(w *world) bool
	alone bool // it is not searched together with a second mistake
}

func half(b []byte, right bool) []byte {
	if right {
		return b[len(b)/2:]
	}
	return b[:len(b)/2]
}

func turned(b []byte) []byte { return append(slices.Clone(half(b, true)), half(b, false)...) }

func (w *world) cipher(alg keys.Algorithm, key []byte) func(mode string, encrypt bool, data []byte) []byte {
	b, err := keys.NewCipher(alg, key)
	if err != nil {
		w.t.Fatal(err)
	}
	return func(mode string, encrypt bool, data []byte) []byte {
		n := b.BlockSize()
		out := make([]byte, len(data))
		prev := make([]byte, n)
		for at := 0; at < len(data); at += n {
			in := slices.Clone(data[at : at+n])
			switch {
			case encrypt && mode == "cbc":
				for i := range in {
					in[i] ^= prev[i]
				}
				b.Encrypt(out[at:], in)
				copy(prev, out[at:at+n])
			case encrypt:
				b.Encrypt(out[at:], in)
			default:
				b.Decrypt(out[at:], in)
				if mode == "cbc" {
					for i := range n {
						out[at+i] ^= prev[i]
					}
				}
				copy(prev, in)
			}
		}
		return out
	}
}

func (w *world) cryptogram() []byte { return w.cipher(w.alg, w.kek)("ecb", true, w.key) }

// base makes the key the initial key of a new base derivation key; false where the algorithm has no DUKPT.
func (w *world) base() bool {
	if w.alg != keys.TDES128 && !w.alg.IsAES() {
		return false
	}
	w.bdk = w.rnd.bytes(len(w.key))
	id := digitsText(w.rnd.bytes(8))
	w.ksn = "FFFF" + id[:11] + "00000"
	if w.alg.IsAES() {
		w.ksn = id + "00000000"
	}
	w.key = w.initial(w.ksn)
	w.got = w.key
	return true
}

// initial is the initial key of a KSN.
func (w *world) initial(ksn string) []byte {
	n, err := dukpt.ParseKSN(ksn)
	if err != nil {
		w.t.Fatal(err)
	}
	k, err := keys.New(w.alg, secret.Copy(w.bdk))
	if err != nil {
		w.t.Fatal(err)
	}
	defer k.Wipe()
	b, err := dukpt.NewBDK(n.Scheme(), k)
	if err != nil {
		w.t.Fatal(err)
	}
	out := make([]byte, len(w.bdk))
	if err := b.DeriveIK(out, n); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// slipped types one digit wrong where a check value can see it.
func (w *world) slipped(b []byte) []byte {
	for {
		digit, delta := w.rnd.below(len(b)), byte(1+w.rnd.below(15)) // in the first half, which a second mistake may keep alone
		if out := mistype(b, digit, delta, w.alg.IsDES()); out != nil && (!w.alg.IsDES() || string(noParity(out)) != string(noParity(b))) {
			return out
		}
	}
}

func (w *world) rule(m kcv.Method, as keys.Algorithm, data []byte) bool {
	if as.KeyLen() != len(w.got) || !slices.Contains(kcv.Methods(as), m) {
		return false
	}
	w.method, w.as, w.data = m, as, data
	return true
}

func plants() []mistake {
	des := func(w *world) bool { return w.alg.IsDES() }
	block := func(w *world) int {
		if des(w) {
			return 8
		}
		return 16
	}
	unwrap := func(f func(w *world, c []byte) []byte) func(w *world) bool {
		return func(w *world) bool { w.got = f(w, w.cryptogram()); return w.got != nil }
	}
	formed := func(f func(p [][]byte) []byte) func(w *world) bool {
		return func(w *world) bool { w.got = f(w.parts); return true }
	}
	return []mistake{
		{cause: diagnose.CauseComponentCount, kind: diagnose.Parts, plant: formed(func(p [][]byte) []byte { return xor(p[0], p[2]) })},
		{cause: diagnose.CauseComponentAsKey, kind: diagnose.Parts, plant: formed(func(p [][]byte) []byte { return p[1] })},
		{cause: diagnose.CauseConcatenated, kind: diagnose.Parts, plant: formed(func(p [][]byte) []byte {
			return append(slices.Clone(half(p[0], false)), half(p[1], true)...)
		})},
		{cause: diagnose.CauseMistypedDigit, kind: diagnose.Parts, plant: func(w *world) bool {
			w.typed = [][]byte{w.parts[0], w.slipped(w.parts[1]), w.parts[2]}
			return true
		}},
		{cause: diagnose.CauseMistypedDigit, kind: diagnose.Key, plant: func(w *world) bool { w.got = w.slipped(w.key); return true }},
		{cause: diagnose.CauseMistypedDigit, kind: diagnose.Cryptogram, plant: func(w *world) bool {
			c := w.cryptogram()
			w.got = w.cipher(w.alg, w.slipped(w.kek))("ecb", false, c)
			return true
		}},
		{cause: diagnose.CauseECBCBC, kind: diagnose.Cryptogram, plant: unwrap(func(w *world, c []byte) []byte {
			if len(c) <= block(w) {
				return nil
			}
			return w.cipher(w.alg, w.kek)("cbc", false, c)
		})},
		{cause: diagnose.CauseWrongDirection, kind: diagnose.Cryptogram, plant: unwrap(func(w *world, c []byte) []byte {
			return w.cipher(w.alg, w.kek)("ecb", true, c)
		})},
		{cause: diagnose.CauseDoubleUnwrap, kind: diagnose.Cryptogram, plant: unwrap(func(_ *world, c []byte) []byte { return c })},
		{cause: diagnose.CauseDoubleUnwrap, kind: diagnose.Cryptogram, plant: unwrap(func(w *world, _ []byte) []byte {
			return w.cipher(w.alg, w.kek)("ecb", false, w.key)
		})},
		{cause: diagnose.CauseTMKSingleDES, kind: diagnose.Cryptogram, plant: unwrap(func(w *world, c []byte) []byte {
			if !des(w) {
				return nil
			}
			return w.cipher(keys.DES, w.kek[:8])("ecb", false, c)
		})},
		{cause: diagnose.CauseHalvesSwapped, kind: diagnose.Cryptogram, plant: unwrap(func(w *world, c []byte) []byte {
			if len(w.kek) == 24 || len(w.kek) < 16 {
				return nil
			}
			return w.cipher(w.alg, turned(w.kek))("ecb", false, c)
		})},
		{cause: diagnose.CauseSchemeVariant, kind: diagnose.Cryptogram, plant: unwrap(func(w *world, c []byte) []byte {
			if !des(w) {
				return nil
			}
			v := slices.Clone(w.kek)
			for at := 0; at < len(v); at += 8 {
				v[at] ^= 0x10
			}
			return w.cipher(w.alg, v)("ecb", false, c)
		})},
		{cause: diagnose.CauseFixedTransportKey, kind: diagnose.Cryptogram, plant: unwrap(func(w *world, c []byte) []byte {
			if !des(w) {
				return nil
			}
			return w.cipher(keys.DES, []byte("68482569"))("ecb", false, c)
		})},
		{cause: diagnose.CauseFixedTransportKey, kind: diagnose.Unopened, plant: func(w *world) bool {
			if !des(w) {
				return false
			}
			w.wrapped = w.cipher(keys.DES, []byte("68482569"))("ecb", true, w.key)
			return true
		}},
		{cause: diagnose.CauseIPEKBDK, kind: diagnose.Base, plant: func(w *world) bool {
			ok := w.base()
			w.got = w.bdk
			return ok
		}},
		{cause: diagnose.CauseIPEKBDK, kind: diagnose.Key, plant: func(w *world) bool { // the key given is the BDK
			ok := w.base()
			w.key = w.bdk
			return ok
		}},
		{cause: diagnose.CauseKSNMismatch, kind: diagnose.Base, plant: func(w *world) bool { // filled up on the right
			if !w.base() || w.alg.IsAES() {
				return false
			}
			w.got = w.initial(strings.TrimLeft(w.ksn, "F") + strings.Repeat("0", len(w.ksn)-len(strings.TrimLeft(w.ksn, "F"))))
			return true
		}},
		{cause: diagnose.CauseKSNMismatch, kind: diagnose.Base, plant: func(w *world) bool { // two digits swapped
			if !w.base() {
				return false
			}
			at := 4
			for w.ksn[at] == w.ksn[at+1] {
				at++
			}
			w.got = w.initial(w.ksn[:at] + w.ksn[at+1:at+2] + w.ksn[at:at+1] + w.ksn[at+2:])
			return true
		}},
		{cause: diagnose.CauseKSNMismatch, kind: diagnose.Base, alone: true, plant: func(w *world) bool { // one wrong digit
			if !w.base() {
				return false
			}
			raw := testvec.Hex(w.t, w.ksn)
			w.got = w.initial(digitsText(withDigit(raw, 3+w.rnd.below(11), byte(w.rnd.below(16)))))
			return string(w.got) != string(w.key)
		}},
		{cause: diagnose.CauseHalvesSwapped, stage: shaping, plant: func(w *world) bool {
			if len(w.got) != 16 && len(w.got) != 32 || w.alg.IsDES() && len(w.got) == 24 {
				return false
			}
			w.got = turned(w.got)
			return true
		}},
		{cause: diagnose.CauseLengthClass, stage: shaping, plant: func(w *world) bool {
			shorter := w.alg.ForLength(len(w.got) / 2)
			if len(w.got) == 24 || shorter == keys.Raw || shorter.KeyLen() != len(w.got)/2 {
				return false
			}
			w.got, w.as = half(w.got, false), shorter
			return true
		}},
		{cause: diagnose.CauseKCVMethod, stage: comparing, plant: func(w *world) bool {
			if w.as.IsAES() {
				return w.rule(kcv.ECBZero, w.as, nil)
			}
			return w.rule(kcv.CMAC, w.as, nil)
		}},
		{cause: diagnose.CauseKCVMethod, stage: comparing, plant: func(w *world) bool { return w.rule(kcv.CMACEmpty, w.as, nil) }},
		{cause: diagnose.CauseKCVCheckMode, stage: comparing, plant: func(w *world) bool { return w.rule(kcv.PAXMode2, w.as, nil) }},
		{cause: diagnose.CauseKCVWrongData, stage: comparing, plant: func(w *world) bool {
			return w.rule(kcv.ECBZero, w.as, slices.Repeat([]byte{'0'}, block(w)))
		}},
		{cause: diagnose.CauseCipherFamily, stage: comparing, plant: func(w *world) bool {
			other := map[keys.Algorithm]keys.Algorithm{keys.TDES128: keys.SM4, keys.SM4: keys.TDES128, keys.AES128: keys.SM4,
				keys.TDES192: keys.AES192, keys.AES192: keys.TDES192}[w.as]
			return other != "" && w.rule(kcv.ECBZero, other, nil)
		}},
	}
}

// newWorld makes a key with its components and its key-encrypting key.
func newWorld(t testing.TB, rnd *random, alg keys.Algorithm) *world {
	n := alg.KeyLen()
	w := &world{t: t, rnd: rnd, alg: alg, kek: rnd.bytes(n), as: alg, method: kcv.Default(alg)}
	for range 3 {
		w.parts = append(w.parts, rnd.bytes(n))
	}
	w.key = xor(w.parts...)
	w.got = w.key
	return w
}

// value is the check value of what the other side has, by its rule.
func (w *world) value(digits int) kcv.Expected {
	if w.data != nil {
		b, err := keys.NewCipher(w.as, w.got)
		if err != nil {
			w.t.Fatal(err)
		}
		out := make([]byte, len(w.data))
		cipherx.ECBEncrypt(b, out, w.data)
		return value(w.t, digitsText(out)[:digits])
	}
	v, err := kcv.Of(w.as, w.got, w.method, digits)
	if err != nil {
		w.t.Fatal(err)
	}
	return value(w.t, v.Digits)
}

// facts are what the diagnosis is told: the key as it came here, what is expected, and what the other side shows.
func (w *world) facts(kind diagnose.Material, digits int) (diagnose.Facts, [][]byte) {
	f := diagnose.Facts{Algorithm: w.alg, Kind: kind, KSN: w.ksn, Expected: valueOf(w.t, w.alg, w.key, digits)}
	switch kind {
	case diagnose.Base:
		f.Got = w.value(digits)
		return f, [][]byte{w.bdk}
	case diagnose.Unopened:
		f.Wrapped, f.Expected = w.wrapped, w.value(digits)
		return f, nil
	case diagnose.Parts:
		for _, p := range w.parts {
			f.PartExpected = append(f.PartExpected, valueOf(w.t, w.alg, p, digits))
		}
		if w.typed != nil { // the slip is here: what is expected was made by the other side's rule
			f.Expected = w.value(digits)
			return f, w.typed
		}
		f.Got = w.value(digits)
		return f, w.parts
	case diagnose.Cryptogram:
		f.Got, f.Wrapped = w.value(digits), w.cryptogram()
		return f, [][]byte{f.Wrapped, w.kek}
	}
	f.Got = w.value(digits)
	return f, [][]byte{w.key}
}

// tally counts what became of the plants of one cause.
type tally struct{ planted, first, proven int }

func (a tally) plus(b tally) tally {
	return tally{a.planted + b.planted, a.first + b.first, a.proven + b.proven}
}

// named reports whether a finding names these causes and no other.
func named(f diagnose.Finding, causes ...diagnose.Cause) bool {
	got := []diagnose.Cause{f.Cause}
	if f.Also != "" {
		got = append(got, f.Also)
	}
	slices.Sort(got)
	want := slices.Clone(causes)
	slices.Sort(want)
	return slices.Equal(got, want)
}

func kindsOf(all ...mistake) []diagnose.Material {
	for _, f := range all {
		if f.kind != "" {
			return []diagnose.Material{f.kind}
		}
	}
	return []diagnose.Material{diagnose.Key, diagnose.Cryptogram, diagnose.Parts}
}

// plantAll plants some faults into fresh worlds and counts how they are named.
func plantAll(t testing.TB, rnd *random, wrong func(string), all ...mistake) tally {
	var sum tally
	for _, alg := range algorithms() {
		for _, kind := range kindsOf(all...) {
			for _, digits := range []int{6, 8} {
				w := newWorld(t, rnd, alg)
				ok := true
				for _, f := range all {
					ok = ok && f.plant(w)
				}
				if !ok {
					continue
				}
				f, material := w.facts(kind, digits)
				r := runBytes(t, f, material...)
				causes := make([]diagnose.Cause, len(all))
				for i := range all {
					causes[i] = all[i].cause
				}
				sum.planted++
				if len(r.Findings) > 0 && named(r.Findings[0], causes...) {
					sum.first++
					if r.Findings[0].Certainty == diagnose.Proven {
						sum.proven++
					}
					continue
				}
				got := "nothing"
				if len(r.Findings) > 0 {
					got = fmt.Sprint(r.Findings[0].Cause, "+", r.Findings[0].Also, " ", r.Findings[0].Certainty)
				}
				wrong(fmt.Sprintf("%v of %s as %s with %d digits: %s", causes, alg, kind, digits, got))
			}
		}
	}
	return sum
}

// TestFaultsAreNamed is the table of docs/diagnosis.md.
func TestFaultsAreNamed(t *testing.T) {
	rnd := newRandom("matrix")
	rounds, every := 6, 1 // of the pairs
	if raced {
		rounds, every = 1, 8
	}
	var misses []string
	wrong := func(s string) { misses = append(misses, s) }
	singles, doubles := map[diagnose.Cause]tally{}, map[string]tally{}
	var single, double tally
	all := plants()
	for range rounds {
		for _, f := range all {
			n := plantAll(t, rnd, wrong, f)
			singles[f.cause] = singles[f.cause].plus(n)
			single = single.plus(n)
		}
	}
	pairs := 0
	for i, a := range all {
		for _, b := range all[i+1:] {
			if a.alone || a.stage >= b.stage || a.cause == b.cause || isOne(a.cause, b.cause) {
				continue
			}
			if pairs++; pairs%every != 0 {
				continue
			}
			n := plantAll(t, rnd, wrong, a, b)
			name := string(a.cause) + " + " + string(b.cause)
			doubles[name] = doubles[name].plus(n)
			double = double.plus(n)
		}
	}
	table := confusion(singles, doubles, single, double)
	t.Logf("\n%s", table)
	if !raced {
		holdsTable(t, table)
	}
	if t.Failed() || share(single.proven, single.planted) < 0.95 || share(double.first, double.planted) < 0.85 {
		t.Errorf("single faults named first and proven: %d of %d; two at a time named first: %d of %d\n%s", single.proven, single.planted,
			double.first, double.planted, strings.Join(misses, "\n"))
	}
}

// holdsTable compares the table with the one in docs/diagnosis.md; UPDATE_GOLDEN=1 writes it there.
func holdsTable(t *testing.T, table string) {
	t.Helper()
	const begin, end = "<!-- begin confusion -->\n", "<!-- end confusion -->"
	path := filepath.Join(testvec.Root(t), "docs", "diagnosis.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(raw), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/diagnosis.md has no place for the table")
	}
	if old == table {
		return
	}
	if os.Getenv("UPDATE_GOLDEN") == "" {
		t.Fatalf("docs/diagnosis.md has another table; UPDATE_GOLDEN=1 writes this one")
	}
	if err := os.WriteFile(path, []byte(head+begin+table+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// isOne reports pairs that come to the same as one mistake: the halves of joined components exchanged are joined in another
// order, and their left half is a component's; the first half of a key is the same in ECB and CBC.
func isOne(a, b diagnose.Cause) bool {
	return a == diagnose.CauseConcatenated && (b == diagnose.CauseHalvesSwapped || b == diagnose.CauseLengthClass) ||
		a == diagnose.CauseECBCBC && b == diagnose.CauseLengthClass
}

func share(n, of int) float64 { return float64(n) / math.Max(1, float64(of)) }

// confusion is the table.
func confusion(singles map[diagnose.Cause]tally, doubles map[string]tally, single, double tally) string {
	var b strings.Builder
	line := func(name string, n tally) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", name, n.planted, n.first, n.proven)
	}
	b.WriteString("| planted | times | named first | proven |\n|---|---|---|---|\n")
	for _, c := range sortedKeys(singles) {
		line(string(c), singles[c])
	}
	line("**one fault**", single)
	for _, name := range sortedKeys(doubles) {
		line(name, doubles[name])
	}
	line("**two faults**", double)
	return b.String()
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	var out []K
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
