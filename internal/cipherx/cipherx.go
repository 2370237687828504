// Package cipherx holds the block-cipher constructions of the payment trade: TDES of one, two and three keys, SM4,
// CMAC, the retail MAC and arithmetic in GF(256). It knows bytes, not keys: names, lengths and rules are the callers'.
//
// Every function here is proven by published values in its tests; where a construction has a standard, it is named.
package cipherx

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"fmt"

	"github.com/emmansun/gmsm/sm4"
)

// NewTDES makes the cipher for a DES key of 8, 16 or 24 bytes: single DES, K1‖K2‖K1 and K1‖K2‖K3.
func NewTDES(key []byte) (cipher.Block, error) {
	switch len(key) {
	case 8:
		return des.NewCipher(key)
	case 16:
		var k [24]byte
		copy(k[:], key)
		copy(k[16:], key[:8])
		defer clear(k[:])
		return des.NewTripleDESCipher(k[:])
	case 24:
		return des.NewTripleDESCipher(key)
	}
	return nil, fmt.Errorf("a DES key has 8, 16 or 24 bytes, not %d", len(key))
}

// EncryptTwoKey encrypts one block in place under a TDES key of two parts. For a single block it takes two thirds of the
// time of [NewTDES] and Encrypt, which makes the schedule of the first part twice.
func EncryptTwoKey(key *[16]byte, block *[8]byte) error {
	first, err := des.NewCipher(key[:8])
	if err != nil {
		return err
	}
	second, err := des.NewCipher(key[8:])
	if err != nil {
		return err
	}
	first.Encrypt(block[:], block[:])
	second.Decrypt(block[:], block[:])
	first.Encrypt(block[:], block[:])
	return nil
}

// NewAES makes the cipher for an AES key of 16, 24 or 32 bytes.
func NewAES(key []byte) (cipher.Block, error) { return aes.NewCipher(key) }

// NewSM4 makes the cipher for an SM4 key of 16 bytes (GB/T 32907).
func NewSM4(key []byte) (cipher.Block, error) { return sm4.NewCipher(key) }

// ECBEncrypt encrypts whole blocks one by one. dst and src may be the same.
func ECBEncrypt(b cipher.Block, dst, src []byte) {
	for n := b.BlockSize(); len(src) >= n; dst, src = dst[n:], src[n:] {
		b.Encrypt(dst[:n], src[:n])
	}
}

// ECBDecrypt decrypts whole blocks one by one. dst and src may be the same.
func ECBDecrypt(b cipher.Block, dst, src []byte) {
	for n := b.BlockSize(); len(src) >= n; dst, src = dst[n:], src[n:] {
		b.Decrypt(dst[:n], src[:n])
	}
}

// CBCMAC writes the last CBC block of msg under a zero IV into dst (ISO 9797-1 algorithm 1, whole blocks only).
// dst has one block. msg must be whole blocks; callers of fixed formats know that it is.
func CBCMAC(b cipher.Block, dst, msg []byte) {
	n := b.BlockSize()
	x := dst[:n]
	clear(x)
	for ; len(msg) >= n; msg = msg[n:] {
		xorInto(x, msg[:n])
		b.Encrypt(x, x)
	}
}

// RetailMAC is ISO 9797-1 algorithm 3 with DES, zero padding and zero IV: CBC with the left half of a double-length
// key, and decrypt/encrypt of the last block with the right and left half. An empty message counts as one zero block.
func RetailMAC(key, msg []byte) ([]byte, error) {
	if len(key) != 16 {
		return nil, fmt.Errorf("a retail MAC key has 16 bytes, not %d", len(key))
	}
	left, err := des.NewCipher(key[:8])
	if err != nil {
		return nil, err
	}
	right, err := des.NewCipher(key[8:])
	if err != nil {
		return nil, err
	}
	padded := make([]byte, max(8, (len(msg)+7)/8*8))
	copy(padded, msg)
	mac := make([]byte, 8)
	CBCMAC(left, mac, padded)
	right.Decrypt(mac, mac)
	left.Encrypt(mac, mac)
	return mac, nil
}

func xorInto(dst, src []byte) {
	for i := range dst {
		dst[i] ^= src[i]
	}
}
