package slip_test

import (
	"testing"

	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

// FuzzPlantedFault plants the fault that the bytes say in the key that they say, and asks the engine for it.
func FuzzPlantedFault(f *testing.F) {
	for kind := range uint8(11) {
		f.Add(kind, uint8(3), uint8(11), uint8(7), kind%2 == 0, []byte("0123456789abcdefghijklmnopqrstuv")[:8<<(kind%3)])
	}
	f.Add(uint8(0), uint8(31), uint8(31), uint8(1), false, []byte("\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"))
	kinds := []slip.Kind{slip.Wrong, slip.Confused, slip.Swapped, slip.Dropped, slip.Inserted, slip.Doubled, slip.Groups, slip.Rows, slip.Halves,
		slip.Repeated, slip.Missing}
	f.Fuzz(func(t *testing.T, kind, at, with, delta uint8, short bool, key []byte) {
		algs := map[int]keys.Algorithm{8: keys.DES, 16: keys.TDES128, 24: keys.TDES192, 32: keys.AES256}
		alg, ok := algs[len(key)]
		if !ok {
			return
		}
		m, k := kcv.Default(alg), kinds[int(kind)%len(kinds)]
		right := textOf(unpacked(key))
		typed := faulty(k, right, int(at), int(with), delta, short)
		if typed == "" || visible(alg, m, typed) == visible(alg, m, right) {
			return
		}
		q := slip.Question{Algorithm: alg, Method: m, Workers: 1, OnOther: k == slip.Repeated || k == slip.Missing}
		want := right
		if q.OnOther {
			want, typed = typed, right
		}
		if k == slip.Wrong {
			q.Digits = 1
		}
		q.Pieces = []slip.Piece{{Typed: digitsOf(typed)}}
		q.Expected = shown(t, valueOf(t, alg, m, keyOf(t, want)), 16)
		if !corrections(t, q, run(t, q))[visible(alg, m, want)] {
			t.Errorf("%s at %d and %d of %s: %s was typed", k, at, with, right, typed)
		}
	})
}

// faulty makes the mistake at the places given, or none.
func faulty(kind slip.Kind, right string, at, with int, delta uint8, short bool) string {
	n := len(right)
	at, with = at%n, with%n
	length := map[slip.Kind]int{slip.Groups: 4, slip.Rows: 8, slip.Halves: n / 2, slip.Repeated: 4 << (delta % 3), slip.Missing: 4 << (delta % 3)}[kind]
	switch kind {
	case slip.Wrong:
		return turnedAt(right, at, 1+delta%15)
	case slip.Confused:
		pair := pairs()[int(delta)%len(pairs())]
		typed := right
		for _, i := range []int{at, with} {
			if placesIn(right[i:i+1], pair) != nil {
				typed = replaced(typed, i, other(pair, right[i]))
			}
		}
		if len(placesIn(right, pair)) > mostLookAlikes || typed[at] == right[at] || typed[with] == right[with] || at == with {
			return ""
		}
		return typed
	case slip.Swapped:
		if at == with {
			return ""
		}
		return exchanged(right, min(at, with), max(at, with), 1)
	case slip.Dropped, slip.Inserted, slip.Doubled:
		return shifted(kind, right, at, delta, short)
	}
	a, b := at/length*length, with/length*length
	switch {
	case a == b || length >= n || kind == slip.Rows && n < 24 || a+length > n || b+length > n:
		return ""
	case kind == slip.Missing:
		return emptied(right, a, length)
	case kind == slip.Repeated:
		return replaced(right, a, right[b:b+length])
	}
	return exchanged(right, min(a, b), max(a, b), length)
}

func emptied(s string, at, length int) string {
	return replaced(s, at, "0000000000000000"[:length])
}

// shifted leaves a digit out or puts one in.
func shifted(kind slip.Kind, right string, at int, delta uint8, short bool) string {
	n, extra := len(right), hexDigits[delta%16:][:1]
	if kind == slip.Doubled {
		extra = right[at : at+1]
	}
	typed := right[:at] + extra + right[at:]
	if kind == slip.Dropped {
		typed = right[:at] + right[at+1:]
	}
	switch {
	case short:
		return typed
	case at == n-1:
		return "" // that is a wrong digit
	}
	return (typed + extra)[:n]
}
