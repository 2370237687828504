package bitslice

// transpose turns 64 words of 64 bits: bit 63-j of word i becomes bit 63-i of word j.
func transpose(a *[64]uint64) {
	mask := uint64(0x00000000FFFFFFFF)
	for size := 32; size > 0; size >>= 1 {
		for i := 0; i < 64; i = (i + size + 1) &^ size {
			t := (a[i] ^ a[i+size]>>size) & mask
			a[i] ^= t
			a[i+size] ^= t << size
		}
		mask ^= mask << (size >> 1)
	}
}
