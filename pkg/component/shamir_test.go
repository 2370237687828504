package component

import (
	"fmt"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// slowMul is another multiplication in the same field: the whole product first, then the remainder by 11B.
func slowMul(a, b byte) byte {
	product := 0
	for i := range 8 {
		if b>>i&1 == 1 {
			product ^= int(a) << i
		}
	}
	for bit := 15; bit >= 8; bit-- {
		if product>>bit&1 == 1 {
			product ^= 0x11B << (bit - 8)
		}
	}
	return byte(product)
}

func TestSharesFollowThePolynomial(t *testing.T) {
	noLeaks(t)
	constant, coefficients := make([]byte, 5), make([]byte, 4*5)
	random := newDRBG("polynomial")
	_, _ = random.Read(constant)
	_, _ = random.Read(coefficients)
	for degree := 1; degree <= 4; degree++ {
		for x := byte(1); x <= MaxParts; x++ {
			got := make([]byte, 5)
			evaluate(got, constant, coefficients[:degree*5], x)
			for i := range got {
				want, power := constant[i], byte(1)
				for d := range degree {
					power = slowMul(power, x)
					want ^= slowMul(coefficients[d*5+i], power)
				}
				if got[i] != want {
					t.Fatalf("degree %d, x %d, byte %d: %02X, want %02X", degree, x, i, got[i], want)
				}
			}
		}
	}
}

func TestEveryChoiceOfEnoughSharesGivesTheKey(t *testing.T) {
	noLeaks(t)
	for _, alg := range []keys.Algorithm{keys.DES, keys.TDES128, keys.AES256, keys.SM4, keys.HMACSHA1} {
		key := newKey(t, "choice "+string(alg), alg)
		for n := MinParts; n <= MaxParts; n++ {
			for m := MinParts; m <= n; m++ {
				parts := split(t, fmt.Sprint(alg, n, m), key, Spec{Scheme: Shamir, Parts: n, Threshold: m})
				for size := m; size <= n; size++ {
					if alg != keys.DES && size != m {
						continue // more than needed: once is enough
					}
					choices(parts, size, func(chosen []*Part) { mustSame(t, combine(t, alg, chosen), key) })
				}
			}
		}
	}
}

func TestSharesCombineInEveryOrder(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "order", keys.AES128)
	parts := split(t, "order", key, Spec{Scheme: Shamir, Parts: 5, Threshold: 4})
	choices(parts, 4, func(chosen []*Part) {
		orders(chosen, func(chosen []*Part) { mustSame(t, combine(t, keys.AES128, chosen), key) })
	})
}

// TestTooFewSharesTellNothing takes any m-1 share numbers with fixed values: as the missing share runs through all
// byte values, the key byte takes every value exactly once, so none is likelier than another.
func TestTooFewSharesTellNothing(t *testing.T) {
	noLeaks(t)
	for m := MinParts; m <= 5; m++ {
		for chosen := range subsets(6) {
			xs := pick([]int{1, 2, 3, 4, 5, 6}, chosen)
			if len(xs) != m {
				continue
			}
			values := make([]byte, m)
			_, _ = newDRBG(fmt.Sprint(xs)).Read(values)
			shares := make([]share, m)
			for i, x := range xs {
				shares[i] = share{byte(x), values[i : i+1]}
			}
			var seen [256]int
			for v := range 256 {
				values[m-1] = byte(v)
				key := interpolate(0, shares)
				seen[key.Expose()[0]]++
				key.Wipe()
			}
			for v, n := range seen {
				if n != 1 {
					t.Fatalf("shares %v: key byte %02X is reached %d times", xs, v, n)
				}
			}
		}
	}
}

// TestTwoSharesOfThreeAreUniformForEveryKey looks from the other side: over all polynomials, every pair of values of
// two shares comes up exactly once, whatever the key byte is.
func TestTwoSharesOfThreeAreUniformForEveryKey(t *testing.T) {
	for _, key := range []byte{0x00, 0x01, 0x80, 0xFF} {
		for _, xs := range [][2]byte{{1, 2}, {1, 3}, {2, 9}} {
			seen := make([]bool, 1<<16)
			var y [2]byte
			for c := range 1 << 16 {
				coefficients := []byte{byte(c), byte(c >> 8)}
				for i, x := range xs {
					evaluate(y[i:i+1], []byte{key}, coefficients, x)
				}
				at := int(y[0])<<8 | int(y[1])
				if seen[at] {
					t.Fatalf("key byte %02X, shares %v: %02X comes up twice", key, xs, y)
				}
				seen[at] = true
			}
		}
	}
}

func TestTooFewSharesAreRefused(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "few", keys.AES128)
	parts := split(t, "few", key, Spec{Scheme: Shamir, Parts: 5, Threshold: 3})
	_, err := Combine(keys.AES128, []*Part{parts[3], parts[1]})
	mustFail(t, err, fault.PartMissing, "2 shares of set "+parts[0].Set+" were given, 3 are needed",
		"any of parts 1, 3, 5")
	_, err = Combine(keys.AES128, []*Part{lineOf(t, parts[3]), lineOf(t, parts[1])})
	mustFail(t, err, fault.PartMissing, "2 shares of set "+parts[0].Set+" were given, 3 are needed")
}

// forge changes the value of a share and everything on its sheet that would give it away.
func forge(t *testing.T, p *Part) *Part {
	t.Helper()
	c := copyOf(t, p)
	c.Value.Expose()[3] ^= 0x40
	if err := c.addCheck(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestForgedShareIsNamed(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "forged", keys.AES128)
	parts := split(t, "forged", key, Spec{Scheme: Shamir, Parts: 5, Threshold: 3})
	for i := range parts {
		given := append([]*Part(nil), parts...)
		given[i] = forge(t, parts[i])
		place := fmt.Sprintf("part %d of 5 of set %s: it does not fit the other shares", i+1, parts[0].Set)
		_, err := Combine(keys.AES128, given)
		mustFail(t, err, fault.PartForeign, place)

		four := append(append([]*Part(nil), given[i:]...), given[:i]...)[:4] // the forged one and three others
		_, err = Combine(keys.AES128, four)
		mustFail(t, err, fault.PartForeign, place)

		_, err = Combine(keys.AES128, four[:3])
		mustFail(t, err, fault.KCVMismatch, "the sheets of set "+parts[0].Set+" say "+parts[0].KeyCheck.String())
	}
}

func TestForgedSharesThatCannotBeToldApart(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "apart", keys.AES128)
	parts := split(t, "apart", key, Spec{Scheme: Shamir, Parts: 4, Threshold: 2})
	_, err := Combine(keys.AES128, []*Part{forge(t, parts[0]), forge(t, parts[1]), parts[2], parts[3]})
	mustFail(t, err, fault.PartForeign, "at least one is wrong")

	lines := []*Part{lineOf(t, forge(t, parts[0])), lineOf(t, parts[1]), lineOf(t, parts[2])}
	_, err = Combine(keys.AES128, lines) // three points, two needed, no check value: any one may be wrong
	mustFail(t, err, fault.PartForeign, "at least one is wrong")
}

func TestSharesThatCannotBeAreRefused(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "relations", keys.TDES128)
	parts := split(t, "relations", key, Spec{Scheme: Shamir, Parts: 3, Threshold: 2})

	same := copyOf(t, parts[0])
	same.Index = 2
	_, err := Combine(keys.TDES128, []*Part{parts[0], same})
	mustFail(t, err, fault.PartRefused, "shares 1 and 2 are equal")

	asKey := copyOf(t, parts[2])
	copy(asKey.Value.Expose(), key.Secret().Expose())
	if err := asKey.addCheck(); err != nil {
		t.Fatal(err)
	}
	// A polynomial through the key at 0 and at 3 is constant, so the shares are equal too; say it of three points.
	err = refuseRelations([]*Part{parts[0], asKey}, key.Secret().Expose())
	mustFail(t, err, fault.PartRefused, "part 3 of 3", "equals the combined key")

	zero := secret.New(16)
	defer zero.Wipe()
	mustFail(t, refuseRelations(parts, zero.Expose()), fault.PartRefused, "would be zero")
}

func TestLinesCombineWithSheets(t *testing.T) {
	noLeaks(t)
	key := newKey(t, "lines", keys.TDES192)
	parts := split(t, "lines", key, Spec{Scheme: Shamir, Parts: 4, Threshold: 3})
	mustSame(t, combine(t, keys.TDES192, []*Part{lineOf(t, parts[0]), lineOf(t, parts[3]), lineOf(t, parts[1])}), key)
	mustSame(t, combine(t, "", []*Part{lineOf(t, parts[0]), parts[3], lineOf(t, parts[1])}), key)

	forged := []*Part{lineOf(t, forge(t, parts[0])), parts[3], parts[1]}
	_, err := Combine("", forged) // the sheets' check value of the key speaks for the lines too
	mustFail(t, err, fault.KCVMismatch, parts[0].KeyCheck.String())

	alien := split(t, "alien", key, Spec{Scheme: Shamir, Parts: 4, Threshold: 3})
	_, err = Combine("", []*Part{lineOf(t, parts[0]), lineOf(t, parts[3]), lineOf(t, alien[1])})
	mustFail(t, err, fault.PartForeign, "share 2 of set "+alien[1].Set, "does not belong to set "+parts[0].Set)
	if got := lineOf(t, parts[0]); got.KeyCheck != (kcv.Value{}) || got.Check != parts[0].Check {
		t.Errorf("a share in one line has check %s and key check %s", got.Check, got.KeyCheck)
	}
}
