package component

import "testing"

// The check value of CRC-16/CDMA2000 in Greg Cook's catalogue of parametrised CRC algorithms.
func TestTheCRCIsTheCataloguesCRC(t *testing.T) {
	if got := crc16([]byte("123456789")); got != 0x4C06 {
		t.Errorf("CRC of 123456789 is %04X, want 4C06", got)
	}
	if crc16([]byte("1234"), nil, []byte("56789")) != crc16([]byte("123456789")) {
		t.Error("the CRC depends on how its input is cut")
	}
}

// syndrome is what XOR with e at one of the 20 digits of a row (16 and 4 of the check) does to the comparison of the
// check. The CRC is linear, so this holds for every row.
func syndrome(at int, e byte) uint16 {
	var row, wrong [rowBytes]byte
	if at >= 2*rowBytes {
		return uint16(e) << (4 * (19 - at))
	}
	wrong[at/2] ^= e << (4 * (1 - at%2))
	return rowCheck("7F3A-91C2", 2, 1, row[:]) ^ rowCheck("7F3A-91C2", 2, 1, wrong[:])
}

// TestOneOrTwoWrongDigitsInARowAreFound tries all: a slip is overlooked when its syndrome is zero, two slips when
// theirs are equal. An exchange of two digits anywhere is two slips.
func TestOneOrTwoWrongDigitsInARowAreFound(t *testing.T) {
	seen := map[uint16]int{}
	for at := range 20 {
		for e := byte(1); e < 16; e++ {
			s := syndrome(at, e)
			if s == 0 {
				t.Errorf("digit %d XOR %X is overlooked", at+1, e)
			}
			if before, ok := seen[s]; ok && before != at {
				t.Errorf("slips in digits %d and %d can cancel out", before+1, at+1)
			}
			seen[s] = at
		}
	}
	if len(seen) != 20*15 {
		t.Errorf("%d syndromes, want 300", len(seen))
	}
}

// TestExchangedGroupsInARowAreFound tries all differences between two groups of four digits.
func TestExchangedGroupsInARowAreFound(t *testing.T) {
	var row [rowBytes]byte
	zero := rowCheck("7F3A-91C2", 2, 1, row[:])
	for a := range 4 {
		for b := range a {
			for e := 1; e < 1<<16; e++ {
				row = [rowBytes]byte{}
				for _, group := range []int{a, b} {
					row[2*group], row[2*group+1] = byte(e>>8), byte(e)
				}
				if rowCheck("7F3A-91C2", 2, 1, row[:]) == zero {
					t.Fatalf("exchange of groups %d and %d that differ by %04X is overlooked", b+1, a+1, e)
				}
			}
		}
	}
}

func TestARowBelongsToItsPlace(t *testing.T) {
	row := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	here := rowCheck("7F3A-91C2", 2, 1, row)
	for name, other := range map[string]uint16{
		"set":  rowCheck("7F3A-91C3", 2, 1, row),
		"part": rowCheck("7F3A-91C2", 3, 1, row),
		"row":  rowCheck("7F3A-91C2", 2, 2, row),
	} {
		if other == here {
			t.Errorf("the check does not depend on the %s", name)
		}
	}
}
