package slip_test

// Mistakes planted in random keys are found, every one of them.

import (
	"math/rand/v2"
	"testing"
	"time"

	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// planting says how often a mistake is made in which keys.
type planting struct {
	kind   slip.Kind
	digits int
	times  map[keys.Algorithm]int
}

// each spreads 200 mistakes over all ciphers, or 15 when the race detector runs.
func each() map[keys.Algorithm]int {
	if raced {
		return map[keys.Algorithm]int{keys.DES: 4, keys.TDES128: 3, keys.TDES192: 1, keys.AES128: 4, keys.AES256: 2, keys.SM4: 1}
	}
	return map[keys.Algorithm]int{keys.DES: 30, keys.TDES128: 40, keys.TDES192: 30, keys.AES128: 40, keys.AES256: 30, keys.SM4: 30}
}

func plantings() []planting {
	two := map[keys.Algorithm]int{keys.DES: 90, keys.TDES128: 60, keys.TDES192: 5, keys.AES128: 30, keys.AES256: 5, keys.SM4: 10}
	three := map[keys.Algorithm]int{keys.DES: 180, keys.TDES128: 18, keys.TDES192: 1, keys.AES128: 1}
	four := map[keys.Algorithm]int{keys.DES: 5}
	if raced {
		two = map[keys.Algorithm]int{keys.DES: 10, keys.TDES128: 3, keys.AES128: 2}
		three = map[keys.Algorithm]int{keys.DES: 6}
		four = map[keys.Algorithm]int{}
	}
	all := []planting{{slip.Wrong, 1, each()}, {slip.Wrong, 2, two}, {slip.Wrong, 3, three}, {slip.Wrong, 4, four}}
	for _, kind := range []slip.Kind{slip.Confused, slip.Swapped, slip.Dropped, slip.Inserted, slip.Doubled, slip.Groups, slip.Halves} {
		all = append(all, planting{kind, 0, each()})
	}
	rows := each()
	delete(rows, keys.DES) // its two rows of eight are its halves
	rows[keys.TDES128] += each()[keys.DES]
	return append(all, planting{slip.Rows, 0, rows})
}

func TestEveryPlantedMistakeIsFound(t *testing.T) {
	r := random(1)
	for _, p := range plantings() {
		total, named, began := 0, 0, time.Now()
		for _, alg := range keys.BlockCiphers() {
			for range p.times[alg] {
				total++
				if kind := plant(t, r, p, alg); kind == p.kind {
					named++
				}
			}
		}
		t.Logf("%s %d: %d planted and found, %d of them by that name (%v)", p.kind, p.digits, total, named, time.Since(began).Round(time.Millisecond))
		if total < 200 && !raced && p.digits < 4 {
			t.Errorf("%s: %d planted", p.kind, total)
		}
		if named < total*9/10 {
			t.Errorf("%s: %d of %d were found by another name", p.kind, total-named, total)
		}
	}
}

// plant makes one mistake in one of one to three pieces, searches it, and gives the kind that it is told as.
func plant(t *testing.T, r *rand.Rand, p planting, alg keys.Algorithm) slip.Kind {
	t.Helper()
	m := kcv.Methods(alg)[r.IntN(2)]
	if p.digits > 2 {
		m = kcv.ECBZero
	}
	n := 2 * alg.KeyLen()
	right, typed := "", ""
	for typed == "" || visible(alg, m, typed) == visible(alg, m, right) {
		right = randomText(r, n)
		typed = mistyped(r, p.kind, right, p.digits, keepsLength(r.IntN(2) == 0))
	}
	others := make([]byte, alg.KeyLen())
	for i := range others {
		others[i] = byte(r.Uint32())
	}
	key := xored(keyOf(t, right), others)
	q := asked(t, alg, m, typed, valueOf(t, alg, m, key), 6+2*r.IntN(2))
	q.Digits, q.Workers = p.digits, 2
	q.Pieces[0].Others = others
	at := r.IntN(3)
	for len(q.Pieces) <= at { // the piece with the mistake is the last
		q.Pieces = append([]slip.Piece{pieceBeside(t, r, q.Pieces[len(q.Pieces)-1], others)}, q.Pieces...)
	}
	for _, match := range run(t, q).Matches {
		if match.Piece == at && visible(alg, m, corrected(t, q, match)) == visible(alg, m, right) {
			return match.Slip.Kind
		}
	}
	t.Errorf("%s in a key for %s, by %s: not found in piece %d", p.kind, alg, m, at)
	return p.kind
}

// pieceBeside makes another piece of the same wrong key: a random one. Where the wrong piece has a digit too few or too
// many, so does this one, because nothing else could be asked.
func pieceBeside(t *testing.T, r *rand.Rand, wrong slip.Piece, others []byte) slip.Piece {
	t.Helper()
	if len(wrong.Typed) != 2*len(others) {
		return slip.Piece{Typed: digitsOf(randomText(r, len(wrong.Typed))), Others: others}
	}
	one := randomText(r, len(wrong.Typed))
	return slip.Piece{Typed: digitsOf(one), Others: xored(xored(keyOf(t, textOf(wrong.Typed)), others), keyOf(t, one))}
}

// TestEverySlipOfTheOtherSideIsFound: what was typed is right, and the other side's value is that of a mistake.
func TestEverySlipOfTheOtherSideIsFound(t *testing.T) {
	r := random(2)
	for _, kind := range []slip.Kind{slip.Repeated, slip.Missing, slip.Wrong, slip.Confused, slip.Swapped, slip.Dropped, slip.Inserted,
		slip.Doubled, slip.Groups, slip.Rows, slip.Halves} {
		for _, alg := range keys.BlockCiphers() {
			times := each()[alg]
			if kind == slip.Rows && alg == keys.DES {
				continue
			}
			if kind != slip.Repeated && kind != slip.Missing {
				times /= 5 // they are found on this side too
			}
			for range times {
				theirs(t, r, kind, alg)
			}
		}
	}
}

func theirs(t *testing.T, r *rand.Rand, kind slip.Kind, alg keys.Algorithm) {
	t.Helper()
	m := kcv.Default(alg)
	right, typed := "", ""
	for typed == "" || visible(alg, m, typed) == visible(alg, m, right) {
		right = randomText(r, 2*alg.KeyLen())
		typed = mistyped(r, kind, right, 1, true)
	}
	q := asked(t, alg, m, right, valueOf(t, alg, m, keyOf(t, typed)), 6)
	q.OnOther = true
	if kind == slip.Wrong {
		q.Digits = 1
	}
	if !corrections(t, q, run(t, q))[visible(alg, m, typed)] {
		t.Errorf("%s on the other side, key for %s: not found", kind, alg)
	}
}
