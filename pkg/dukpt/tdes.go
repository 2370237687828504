package dukpt

// TDES DUKPT: ANSI X9.24-1:2009 annex A, X9.24-3:2017 annex C.

import (
	"crypto/des"
	"encoding/binary"

	"poskey/internal/cipherx"
	"poskey/internal/secret"
)

const (
	tdesKeyLen = 16
	half       = 8
)

// variant is C0C0C0C000000000, the constant that makes a second key of each half (A.2, A.6; C.3.6, C.7).
const variant = 0xC0C0C0C000000000

// xorHalves changes both halves of a key by the same constant; doing it twice undoes it.
func xorHalves(key []byte, constant uint64) {
	for ; len(key) >= half; key = key[half:] {
		binary.BigEndian.PutUint64(key, binary.BigEndian.Uint64(key)^constant)
	}
}

// tdesWalk turns an initial key in place into the key of the KSN's counter (A.2, C.3.6): one step for each set bit,
// from the highest. step is that of TDES DUKPT or of its withdrawn ancestor.
func tdesWalk(key []byte, ksn KSN, step func(key, r8 []byte) error) error {
	r8 := ksn.Initial()
	counter := ksn.Counter()
	for bit := uint32(1) << 20; bit != 0; bit >>= 1 {
		if counter&bit == 0 {
			continue
		}
		r8 = r8.withCounter(r8.Counter() | bit)
		if err := step(key, r8.b[tdesLen-half:tdesLen]); err != nil {
			return err
		}
	}
	return nil
}

// tdesStep is one step in place: the right half from the key, the left half from its variant.
func tdesStep(key, r8 []byte) error {
	old := secret.Copy(key)
	defer old.Wipe()
	if err := halfStep(key[half:], old.Expose(), r8); err != nil {
		return err
	}
	xorHalves(old.Expose(), variant)
	return halfStep(key[:half], old.Expose(), r8)
}

// halfStep gives DES(left half, r8 XOR right half) XOR right half.
func halfStep(dst, key, r8 []byte) error {
	b, err := des.NewCipher(key[:half])
	if err != nil {
		return err
	}
	right := binary.BigEndian.Uint64(key[half:])
	binary.BigEndian.PutUint64(dst, binary.BigEndian.Uint64(r8)^right)
	b.Encrypt(dst, dst)
	binary.BigEndian.PutUint64(dst, binary.BigEndian.Uint64(dst)^right)
	return nil
}

// mask is the constant of a use (A.4.1 table A-1, C.5.2 table 5).
func mask(u Use) uint64 {
	switch u {
	case PIN:
		return 0x00000000000000FF
	case MACRequest:
		return 0x000000000000FF00
	case MACResponse:
		return 0x00000000FF000000
	case DataRequest:
		return 0x0000000000FF0000
	}
	return 0x000000FF00000000 // DataResponse
}

// tdesWorking turns a transaction key in place into a working key. A data key is encrypted under itself (figure A-2,
// figure 6), so that it does not give away the transaction key.
func tdesWorking(key []byte, u Use) error {
	xorHalves(key, mask(u))
	if !u.IsData() {
		return nil
	}
	b, err := cipherx.NewTDES(key)
	if err != nil {
		return err
	}
	cipherx.ECBEncrypt(b, key, key)
	return nil
}
