package slip_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm4"

	"poskey/internal/testvec"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

func random(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(3, stream)) }

// digitsOf turns text into digits as the package takes them.
func digitsOf(s string) []byte {
	out := make([]byte, len(s))
	for i := range s {
		out[i] = byte(strings.IndexByte(hexDigits, s[i]))
	}
	return out
}

func textOf(digits []byte) string {
	var b strings.Builder
	for _, d := range digits {
		b.WriteByte(hexDigits[d])
	}
	return b.String()
}

// valueOf computes a check value with the library's ciphers and nothing of this project.
func valueOf(t testing.TB, alg keys.Algorithm, m kcv.Method, key []byte) []byte {
	t.Helper()
	switch m {
	case kcv.SHA1:
		sum := sha1.Sum(key)
		return sum[:]
	case kcv.SHA256:
		sum := sha256.Sum256(key)
		return sum[:]
	case kcv.CCASHA256:
		sum := sha256.Sum256(append([]byte{1}, key...))
		return sum[:8]
	}
	b := cipherOf(t, alg, key)
	size := b.BlockSize()
	switch m {
	case kcv.ECBZero:
		return encrypted(b, make([]byte, size))
	case kcv.ECBOne:
		return encrypted(b, bytes.Repeat([]byte{1}, size))
	case kcv.PAXMode1:
		return encrypted(b, make([]byte, size))[:4]
	case kcv.PAXMode2:
		return encrypted(b, testvec.Hex(t, "1234567890123456"))[:4]
	}
	zero := encrypted(b, make([]byte, size))
	one := doubled(zero)
	switch m {
	case kcv.CMAC:
		return encrypted(b, one)
	case kcv.CMAC16:
		return encrypted(b, xored(zero, one))
	case kcv.CMACEmpty:
		last := doubled(one)
		last[0] ^= 0x80
		return encrypted(b, last)
	}
	t.Fatalf("no method %s", m)
	return nil
}

func cipherOf(t testing.TB, alg keys.Algorithm, key []byte) cipher.Block {
	t.Helper()
	var b cipher.Block
	var err error
	switch alg {
	case keys.DES:
		b, err = des.NewCipher(key)
	case keys.TDES128:
		b, err = des.NewTripleDESCipher(append(bytes.Clone(key), key[:8]...))
	case keys.TDES192:
		b, err = des.NewTripleDESCipher(key)
	case keys.SM4:
		b, err = sm4.NewCipher(key)
	default:
		b, err = aes.NewCipher(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encrypted(b cipher.Block, block []byte) []byte {
	out := make([]byte, len(block))
	b.Encrypt(out, block)
	return out
}

// doubled multiplies by x as SP 800-38B has it, here on numbers.
func doubled(block []byte) []byte {
	n := new(big.Int).SetBytes(block)
	n.Lsh(n, 1)
	if bits := 8 * len(block); n.Bit(bits) == 1 {
		n.SetBit(n, bits, 0)
		n.Xor(n, big.NewInt(map[int]int64{8: 0x1B, 16: 0x87}[len(block)]))
	}
	return n.FillBytes(make([]byte, len(block)))
}

func xored(a, b []byte) []byte {
	out := bytes.Clone(a)
	for i := range b {
		out[i] ^= b[i]
	}
	return out
}

// shown cuts a value to so many digits, as somebody wrote it down.
func shown(t testing.TB, value []byte, digits int) kcv.Expected {
	t.Helper()
	e := kcv.Expected{Digits: testvec.Upper(value)[:digits]}
	if _, err := kcv.Parse(e.Digits); err != nil {
		t.Fatal(err)
	}
	return e
}

// hidden says whether a value shows the lowest bits of a key's bytes.
func hidden(alg keys.Algorithm, m kcv.Method) bool {
	return alg.IsDES() && m != kcv.SHA1 && m != kcv.SHA256 && m != kcv.CCASHA256
}

// visible is text as far as a value shows it.
func visible(alg keys.Algorithm, m kcv.Method, right string) string {
	if !hidden(alg, m) {
		return right
	}
	d := digitsOf(right)
	for i := 1; i < len(d); i += 2 {
		d[i] &= 0xE
	}
	return textOf(d)
}

// run searches and holds what is true of every answer: each match is a slip that fits, puts right what was typed so that the
// key has the value, is told once for each piece, and stands in its order.
func run(t testing.TB, q slip.Question) slip.Answer {
	t.Helper()
	a, err := slip.Search(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, m := range a.Matches {
		right := corrected(t, q, m)
		key := xored(testvec.Hex(t, right), q.Pieces[m.Piece].Others)
		full := testvec.Upper(valueOf(t, q.Algorithm, q.Method, key))
		if n := min(len(full), len(q.Expected.Digits)); full[:n] != q.Expected.Digits[:n] {
			t.Errorf("match %d, %s: the key has %s, want %s", i, m.Slip.Kind, full[:n], q.Expected.Digits)
		}
		id := string(rune('0'+m.Piece)) + visible(q.Algorithm, q.Method, right)
		if seen[id] {
			t.Errorf("match %d, %s: the same correction is told twice", i, m.Slip.Kind)
		}
		seen[id] = true
		if m.Slip.Weight <= 0 || m.Slip.Weight > 1 || m.Among < 1 || m.Among > a.Tried {
			t.Errorf("match %d, %s: weight %v, among %d of %d", i, m.Slip.Kind, m.Slip.Weight, m.Among, a.Tried)
		}
		if i > 0 && before(m.Slip, a.Matches[i-1].Slip) {
			t.Errorf("match %d, %s, is likelier than the one before it", i, m.Slip.Kind)
		}
		holdParity(t, q, m, right)
	}
	return a
}

func before(a, b slip.Slip) bool {
	if a.Odd != b.Odd {
		return a.Odd
	}
	return a.Weight > b.Weight
}

// holdParity: a piece is said to have odd parity when it has, and a bit to be unseen where nothing tells it.
func holdParity(t testing.TB, q slip.Question, m slip.Match, right string) {
	t.Helper()
	odd := q.Algorithm.IsDES() && !q.OnOther && keys.ParityOf(testvec.Hex(t, right)) == keys.ParityOdd
	if m.Slip.Odd != odd {
		t.Errorf("%s: odd parity is %v, told %v", m.Slip.Kind, odd, m.Slip.Odd)
	}
	unseen := false
	for _, d := range m.Slip.Digits {
		switch m.Slip.Kind {
		case slip.Wrong, slip.Dropped:
			unseen = unseen || d.At%2 == 1
		case slip.Inserted, slip.Doubled:
			unseen = len(q.Pieces[m.Piece].Typed) == len(right)
		}
	}
	if unseen = unseen && hidden(q.Algorithm, q.Method) && !odd; m.Slip.Unseen != unseen {
		t.Errorf("%s at %v: an unseen bit is %v, told %v", m.Slip.Kind, m.Slip.Digits, unseen, m.Slip.Unseen)
	}
}

func corrected(t testing.TB, q slip.Question, m slip.Match) string {
	t.Helper()
	right := make([]byte, 2*q.Algorithm.KeyLen())
	if err := m.Slip.Apply(right, q.Pieces[m.Piece].Typed); err != nil {
		t.Fatal(err)
	}
	return textOf(right)
}

// corrections is the set of what the pieces are put right to, as far as the value shows it.
func corrections(t testing.TB, q slip.Question, a slip.Answer) map[string]bool {
	t.Helper()
	set := map[string]bool{}
	for _, m := range a.Matches {
		set[visible(q.Algorithm, q.Method, corrected(t, q, m))] = true
	}
	return set
}

// asked makes a question of one typed key.
func asked(t testing.TB, alg keys.Algorithm, m kcv.Method, typed string, value []byte, digits int) slip.Question {
	t.Helper()
	return slip.Question{Pieces: []slip.Piece{{Typed: digitsOf(typed)}}, Algorithm: alg, Method: m, Expected: shown(t, value, digits)}
}

func keyOf(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
