package cipherx

// GF(256) with the polynomial x^8+x^4+x^3+x+1 of AES (FIPS 197, 4.2). No tables and no branches on data: Shamir
// shares are secrets, and a table look-up tells a cache which one.

// GFMul multiplies.
func GFMul(a, b byte) byte {
	var p byte
	for range 8 {
		p ^= a & -(b & 1)
		a = a<<1 ^ 0x1B&-(a>>7)
		b >>= 1
	}
	return p
}

// GFInv gives the inverse, and 0 for 0: a^254.
func GFInv(a byte) byte {
	r := byte(1)
	for range 7 { // 254 = 2+4+...+128
		a = GFMul(a, a)
		r = GFMul(r, a)
	}
	return r
}
