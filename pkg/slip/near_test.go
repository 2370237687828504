package slip

import "testing"

// TestCandidatesOfOddParityAreCounted one by one: pieces of four bytes, up to three wrong digits.
func TestCandidatesOfOddParityAreCounted(t *testing.T) {
	for _, typed := range [][]byte{{0, 1, 0, 2, 1, 0, 7, 0}, {0, 1, 0, 2, 1, 0, 7, 1}, {0, 0, 3, 3, 1, 0, 7, 0}, {0, 0, 3, 3, 5, 0, 9, 0}} {
		for n := range 4 {
			keys := map[string]bool{}
			var walk func(digits []byte, from, left int)
			walk = func(digits []byte, from, left int) {
				id, odd := append([]byte(nil), digits...), true
				for i := range len(digits) / 2 {
					odd = odd && oddByte(digits, i)
					id[2*i+1] &= 0xE
				}
				if odd {
					keys[string(id)] = true
				}
				for at := from; left > 0 && at < len(digits); at++ {
					for delta := byte(1); delta < 16; delta++ {
						if at%2 == 1 && delta == 1 {
							continue // not seen
						}
						digits[at] ^= delta
						walk(digits, at+1, left-1)
						digits[at] ^= delta
					}
				}
			}
			walk(append([]byte(nil), typed...), 0, n)
			if got := oddCandidates(typed, n); got != len(keys) {
				t.Errorf("%v, %d digits: %d candidates, brute force has %d", typed, n, got, len(keys))
			}
		}
	}
}
