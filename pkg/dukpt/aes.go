package dukpt

// AES DUKPT: ANSI X9.24-3:2017 clause 6.

import (
	"crypto/cipher"
	"encoding/binary"

	"poskey/internal/cipherx"
)

// Usage indicators of derivation data (6.3.2 tables 2, 3).
const (
	usageKEK        = 0x0002
	usagePIN        = 0x1000
	usageMACGen     = 0x2000
	usageMACVerify  = 0x2001
	usageMACBoth    = 0x2002
	usageDataEnc    = 0x3000
	usageDataDec    = 0x3001
	usageDataBoth   = 0x3002
	usageDerivation = 0x8000
	usageInitial    = 0x8001
)

// usage is the indicator of a use, as the terminal sees it: it generates MACs of requests and verifies those of
// responses.
func (u Use) usage() uint16 {
	switch u {
	case PIN:
		return usagePIN
	case MACRequest:
		return usageMACGen
	case MACResponse:
		return usageMACVerify
	case MAC:
		return usageMACBoth
	case DataRequest:
		return usageDataEnc
	case DataResponse:
		return usageDataDec
	case Data:
		return usageDataBoth
	}
	return usageKEK
}

const aesBlock = 16

// derivation is what goes into the cipher (6.3.2 tables 2, 3): 01, number of the block, usage, algorithm, length in
// bits, and 8 bytes that say of what.
type derivation struct {
	usage uint16
	as    KeyType
	of    [8]byte // IKID, or derivation id and counter
}

// ofCounter says of which transaction: derivation id and counter, the right 8 bytes of the KSN.
func ofCounter(ksn KSN) (of [8]byte) {
	copy(of[:], ksn.b[4:aesLen])
	return of
}

// run fills dst, of 16, 24 or 32 bytes, block by block (6.3.1), and allocates nothing. A key of 24 bytes takes only the
// left half of its second block: that block is made first, over the last 16 bytes, and its left half moved to the end
// before the first block goes over the rest.
func (d derivation) run(b cipher.Block, dst []byte) {
	switch len(dst) - aesBlock {
	case aesBlock:
		d.make(b, dst[aesBlock:], 2)
	case aesBlock / 2:
		d.make(b, dst[aesBlock/2:], 2)
		copy(dst[aesBlock:], dst[aesBlock/2:aesBlock])
	}
	d.make(b, dst[:aesBlock], 1)
}

func (d derivation) make(b cipher.Block, dst []byte, number byte) {
	d.put(dst, number)
	b.Encrypt(dst, dst)
}

func (d derivation) put(dst []byte, number byte) {
	dst[0], dst[1] = 0x01, number
	binary.BigEndian.PutUint16(dst[2:], d.usage)
	binary.BigEndian.PutUint16(dst[4:], d.as.indicator())
	binary.BigEndian.PutUint16(dst[6:], uint16(8*d.as.Len()))
	copy(dst[8:], d.of[:])
}

// aesDerive makes a key from raw bytes of another. dst and key may be the same.
func aesDerive(dst, key []byte, d derivation) error {
	b, err := cipherx.NewAES(key)
	if err != nil {
		return err
	}
	d.run(b, dst)
	return nil
}

// aesWalk turns an initial key in place into the key of the counter: one derivation for each set bit, from the highest,
// each with the bits so far. The counter may be one that is no transaction's: FFFFFFFF leads to the update key.
func aesWalk(key []byte, as KeyType, ksn KSN) error {
	so, counter := ksn.Initial(), ksn.Counter()
	for bit := uint32(1) << 31; bit != 0; bit >>= 1 {
		if counter&bit == 0 {
			continue
		}
		so = so.withCounter(so.Counter() | bit)
		if err := aesDerive(key, key, derivation{usageDerivation, as, ofCounter(so)}); err != nil {
			return err
		}
	}
	return nil
}
