package slip_test

import (
	"context"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// crowdedQuestion has a value of four digits, so that chance gives many matches.
func crowdedQuestion(alg keys.Algorithm, digits int) slip.Question {
	r := random(9)
	return slip.Question{
		Pieces: []slip.Piece{{Typed: digitsOf(randomText(r, 2*alg.KeyLen()))}}, Algorithm: alg, Method: kcv.ECBZero,
		Expected: kcv.Expected{Digits: randomText(r, 4)}, Digits: digits,
	}
}

func TestTheAnswerDoesNotDependOnTheNumberOfWorkers(t *testing.T) {
	for _, q := range []slip.Question{crowdedQuestion(keys.TDES192, 2), crowdedQuestion(keys.AES192, 2), crowdedQuestion(keys.DES, 3)} {
		q.Workers = 1
		one := run(t, q)
		if len(one.Matches) < 2 {
			t.Errorf("%s: %d matches are too few to tell", q.Algorithm, len(one.Matches))
		}
		for _, workers := range []int{0, 2, 7} {
			q.Workers = workers
			if many := run(t, q); !reflect.DeepEqual(one, many) {
				t.Errorf("%s: %d workers find %+v, one finds %+v", q.Algorithm, workers, many, one)
			}
		}
	}
}

func TestProgressEndsAtTheTotal(t *testing.T) {
	for _, q := range []slip.Question{
		crowdedQuestion(keys.DES, 3), crowdedQuestion(keys.TDES128, 1), crowdedQuestion(keys.TDES192, 2),
		crowdedQuestion(keys.AES128, 2), crowdedQuestion(keys.AES256, 1), crowdedQuestion(keys.SM4, 1),
	} {
		var last, all, calls atomic.Int64
		q.Progress = func(done, total int) {
			calls.Add(1)
			for was := last.Load(); int64(done) > was && !last.CompareAndSwap(was, int64(done)); was = last.Load() {
			}
			if before := all.Swap(int64(total)); before != 0 && before != int64(total) {
				t.Errorf("%s: the total was %d and is %d", q.Algorithm, before, total)
			}
		}
		a := run(t, q)
		if last.Load() != all.Load() || last.Load() == 0 || calls.Load() < 2 || int(all.Load()) > a.Tried+1 {
			t.Errorf("%s: %d of %d, in %d calls; %d tried", q.Algorithm, last.Load(), all.Load(), calls.Load(), a.Tried)
		}
	}
}

// TestAStoppedSearchEndsAtOnce: the best of three tries, since the machine may have other work.
func TestAStoppedSearchEndsAtOnce(t *testing.T) {
	limit := 100 * time.Millisecond
	if raced {
		limit = time.Second
	}
	for _, alg := range []keys.Algorithm{keys.TDES128, keys.TDES192, keys.AES256, keys.SM4} {
		best := time.Hour
		for range 3 {
			ctx, stop := context.WithCancel(context.Background())
			var stopped atomic.Int64
			time.AfterFunc(150*time.Millisecond, func() {
				stopped.Store(time.Now().UnixNano())
				stop()
			})
			a, err := slip.Search(ctx, crowdedQuestion(alg, 4))
			if took := time.Duration(time.Now().UnixNano() - stopped.Load()); took < best {
				best = took
			}
			if !fault.Is(err, fault.Interrupted) || a.Matches != nil || a.Tried != 0 {
				t.Fatalf("%s: %d matches, %v; want kind %s", alg, len(a.Matches), err, fault.Interrupted)
			}
		}
		if best > limit {
			t.Errorf("%s: a stopped search goes on for %v", alg, best)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := slip.Search(ctx, crowdedQuestion(keys.DES, 0)); !fault.Is(err, fault.Interrupted) {
		t.Errorf("a search that was stopped before it began: %v", err)
	}
}

// TestParityTellsTheBitThatDESHides: in a key of odd parity the digit is known to the last bit; in any other, the report
// says that it is not.
func TestParityTellsTheBitThatDESHides(t *testing.T) {
	r := random(10)
	search := func(right, typed string, m kcv.Method, onOther bool) slip.Match {
		t.Helper()
		q := asked(t, keys.TDES128, m, typed, valueOf(t, keys.TDES128, m, keyOf(t, right)), 8)
		q.Digits, q.OnOther = 2, onOther
		if m == kcv.SHA1 {
			q.Digits = 1
		}
		for _, match := range run(t, q).Matches {
			if visible(keys.TDES128, m, corrected(t, q, match)) == visible(keys.TDES128, m, right) {
				return match
			}
		}
		t.Fatalf("%s typed for %s: not found", typed, right)
		return slip.Match{}
	}
	for range 5 {
		key := keyOf(t, randomText(r, 32))
		keys.FixParity(key)
		right := textOf(unpacked(key))
		at, with := 1+2*r.IntN(8), 17+2*r.IntN(8) // low digits of their bytes
		typed := turnedAt(turnedAt(right, at, byte(2+r.IntN(14))), with, byte(2+r.IntN(14)))
		m := search(right, typed, kcv.ECBZero, false)
		if got := appliedTo(t, m.Slip, typed); got != right || !m.Slip.Odd || m.Slip.Unseen {
			t.Errorf("%s for %s in a key of odd parity: corrected to %s, %+v", typed, right, got, m.Slip)
		}
		even := turnedAt(right, (at+2)%16|1, 1) // another byte with even parity: nothing is told any more
		if m = search(even, turnedAt(even, at, 4), kcv.ECBZero, false); m.Slip.Odd || !m.Slip.Unseen {
			t.Errorf("in a key of mixed parity: %+v", m.Slip)
		}
		if m = search(typed, right, kcv.ECBZero, true); m.Slip.Odd || m.Slip.Unseen != (m.Slip.Kind == slip.Wrong) {
			t.Errorf("on the other side: %+v", m.Slip)
		}
		if m = search(even, turnedAt(even, at, 1), kcv.SHA1, false); m.Slip.Unseen || appliedTo(t, m.Slip, turnedAt(even, at, 1)) != even {
			t.Errorf("by a hash: %+v", m.Slip)
		}
		short := right[:at] + right[at+1:]
		if m = search(right, short, kcv.ECBZero, false); appliedTo(t, m.Slip, short) != right || !m.Slip.Odd || m.Slip.Unseen {
			t.Errorf("a digit left out of a key of odd parity: %s for %s, %+v", appliedTo(t, m.Slip, short), right, m.Slip)
		}
		long := (right[:at] + other(right[at:at+1]+"7", right[at]) + right[at:])[:32]
		if m = search(right, long, kcv.ECBZero, false); appliedTo(t, m.Slip, long) != right || !m.Slip.Odd {
			t.Errorf("a digit put into a key of odd parity: %s for %s, %+v", appliedTo(t, m.Slip, long), right, m.Slip)
		}
	}
}

// TestLookAlikesTellTheBitThatNothingElseTells: of the two digits that DES does not tell apart, the look-alike is named.
func TestLookAlikesTellTheBitThatNothingElseTells(t *testing.T) {
	for _, c := range []struct{ right, typed byte }{{'B', '8'}, {'8', 'B'}, {'7', '1'}, {'8', '3'}} {
		r, d := []byte("246A246A246A246A246A246A246A246A"), []byte("246A246A246A246A246A246A246A246A")
		r[13], d[13] = c.right, c.typed
		q := asked(t, keys.TDES128, kcv.ECBZero, string(d), valueOf(t, keys.TDES128, kcv.ECBZero, keyOf(t, string(r))), 8)
		q.Digits = 1
		a := run(t, q)
		if len(a.Matches) == 0 || corrected(t, q, a.Matches[0]) != string(r) || !a.Matches[0].Slip.Unseen {
			t.Errorf("%c for %c: %+v", c.typed, c.right, a.Matches)
		}
	}
}

func unpacked(key []byte) []byte {
	out := make([]byte, 2*len(key))
	slip.Unpack(out, key)
	return out
}

func turnedAt(s string, at int, by byte) string { return replaced(s, at, turned(s[at:at+1], by)) }

func appliedTo(t *testing.T, s slip.Slip, typed string) string {
	t.Helper()
	out := make([]byte, 32)
	if err := s.Apply(out, digitsOf(typed)); err != nil {
		t.Fatal(err)
	}
	return textOf(out)
}

func TestDigitsArePackedAndUnpacked(t *testing.T) {
	key := keyOf(t, "0123456789ABCDEF")
	digits := unpacked(key)
	if textOf(digits) != "0123456789ABCDEF" {
		t.Errorf("unpacked to %v", digits)
	}
	again := make([]byte, 8)
	if slip.Pack(again, digits); !reflect.DeepEqual(again, key) {
		t.Errorf("packed to %X", again)
	}
	odd := make([]byte, 15)
	if slip.Unpack(odd, key); textOf(odd) != "0123456789ABCDE" {
		t.Errorf("15 digits unpacked to %v", odd)
	}
}
