package component

import (
	"encoding/hex"
	"strings"
)

// crcPoly is that of CRC-16/CDMA2000; the package comment says what it finds.
const crcPoly = 0xC867

// crc16 is computed without tables and branches, since it runs over key bytes.
func crc16(pieces ...[]byte) uint16 {
	crc := uint16(0xFFFF)
	for _, piece := range pieces {
		for _, b := range piece {
			crc ^= uint16(b) << 8
			for range 8 {
				crc = crc<<1 ^ crcPoly&-(crc>>15)
			}
		}
	}
	return crc
}

// rowCheck belongs to its set, part and row, so that a row cannot stand in another's place.
func rowCheck(set string, index, row int, b []byte) uint16 {
	return crc16(setBytes(set), []byte{byte(index), byte(row)}, b)
}

// shareCheck covers the threshold too, so that 2/5 typed for "share 2, of which 3 are needed" is found.
func shareCheck(set string, index, threshold int, b []byte) uint16 {
	return crc16(setBytes(set), []byte{byte(index), byte(threshold)}, b)
}

func setBytes(set string) []byte {
	id, _ := hex.DecodeString(strings.ReplaceAll(set, "-", "")) // validSet has passed it
	return id
}

func validSet(s string) bool {
	return len(s) == 9 && s[4] == '-' && isUpperHex([]byte(s[:4])) && isUpperHex([]byte(s[5:]))
}

func isUpperHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
