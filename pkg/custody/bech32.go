package custody

import (
	"strings"

	"poskey/internal/secret"
)

const agePrefix = "AGE-SECRET-KEY-"

// ageSecret writes an X25519 scalar as an age secret key, AGE-SECRET-KEY-1…: BIP 173 in capitals. age reads its
// identities from text only; written here, in locked memory, the scalar itself is the only lasting form.
func ageSecret(scalar *secret.Bytes) *secret.Bytes {
	const charset = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
	groups := secret.New((8*scalar.Len()+4)/5 + 6)
	defer groups.Wipe()
	g := groups.Expose()
	regroup(g, scalar.Expose())
	checksum(g, strings.ToLower(agePrefix))
	out := secret.New(len(agePrefix) + 1 + len(g))
	text := append(append(out.Expose()[:0], agePrefix...), '1')
	for _, v := range g {
		text = append(text, charAt(charset, v))
	}
	return out
}

// charAt reads the whole table, so that the place read tells nothing.
func charAt(charset string, v byte) byte {
	var out byte
	for i := range len(charset) {
		same := byte((uint16(byte(i)^v) - 1) >> 8) // 0xFF where they are equal
		out |= charset[i] & same
	}
	return out
}

// regroup cuts bytes into groups of five bits, the last one filled up with zeros.
func regroup(groups, b []byte) {
	for i := range 8 * len(b) {
		bit := b[i/8] >> (7 - i%8) & 1
		groups[i/5] |= bit << (4 - i%5)
	}
}

// checksum fills the last six groups (BIP 173: the residue over the human-readable part, the groups and six zeros,
// exclusive-or 1).
func checksum(groups []byte, human string) {
	residue := uint32(1)
	step := func(v byte) {
		top := residue >> 25
		residue = residue&0x1FFFFFF<<5 ^ uint32(v)
		for i, g := range [5]uint32{0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3} {
			residue ^= g & -(top >> i & 1)
		}
	}
	for _, c := range []byte(human) {
		step(c >> 5)
	}
	step(0)
	for _, c := range []byte(human) {
		step(c & 31)
	}
	for _, v := range groups {
		step(v)
	}
	residue ^= 1
	for i := range 6 {
		groups[len(groups)-6+i] = byte(residue >> (5 * (5 - i)) & 31)
	}
}
