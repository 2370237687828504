package circuit

// What stands round the S-boxes in a round of DES (FIPS 46-3). Positions count from 1 and from the left, as there.

// Expansion (E) gives the bits of the right half that the six inputs of each S-box take.
func Expansion() [48]uint8 {
	return [48]uint8{
		32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17,
		16, 17, 18, 19, 20, 21, 20, 21, 22, 23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
	}
}

// Permutation (P) gives, for each bit that goes to the left half, the bit of the S-boxes' outputs that it is.
func Permutation() [32]uint8 {
	return [32]uint8{
		16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
		2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
	}
}

// Choice2 (PC-2) gives the bits of the rotated C and D that the inputs of the S-boxes are mixed with.
func Choice2() [48]uint8 {
	return [48]uint8{
		14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
		41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
	}
}
