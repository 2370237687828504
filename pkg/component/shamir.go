package component

import (
	"crypto/subtle"

	"poskey/internal/cipherx"
	"poskey/internal/secret"
)

// share is the value y of the polynomials, one for each byte, at x.
type share struct {
	x byte
	y []byte
}

// evaluate gives the polynomials' values at x by Horner's rule. coefficients holds those of degree 1 and up, each as
// long as the constant term; a leading zero is as good as any other, or the shares would say something about the key.
func evaluate(out, constant, coefficients []byte, x byte) {
	n := len(constant)
	clear(out)
	for at := len(coefficients) - n; at >= 0; at -= n {
		for i := range out {
			out[i] = cipherx.GFMul(out[i]^coefficients[at+i], x)
		}
	}
	subtle.XORBytes(out, out, constant)
}

// interpolate gives, at any x, the polynomials of lowest degree through the shares (Lagrange). The weights depend on
// the numbers of the shares only, which are public.
func interpolate(at byte, shares []share) *secret.Bytes {
	out := secret.New(len(shares[0].y))
	for i, s := range shares {
		weight := lagrange(at, shares, i)
		for k, y := range s.y {
			out.Expose()[k] ^= cipherx.GFMul(weight, y)
		}
	}
	return out
}

// lagrange is the weight of share i at a point: the product of (at-xj)/(xi-xj); minus is XOR here.
func lagrange(at byte, shares []share, i int) byte {
	weight := byte(1)
	for j, s := range shares {
		if j != i {
			weight = cipherx.GFMul(weight, cipherx.GFMul(at^s.x, cipherx.GFInv(shares[i].x^s.x)))
		}
	}
	return weight
}

// onePolynomial reports whether all shares lie on the polynomials that the first m determine.
func onePolynomial(shares []share, m int) bool {
	same := 1
	for _, s := range shares[m:] {
		want := interpolate(s.x, shares[:m])
		same &= subtle.ConstantTimeCompare(want.Expose(), s.y)
		want.Wipe()
	}
	return same == 1
}
