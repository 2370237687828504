package keyblock

import (
	"crypto/subtle"
	"encoding/hex"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// Unwrapped is a key out of a block whose MAC was good.
type Unwrapped struct {
	Key      *keys.Key // the caller's to wipe
	Padding  int       // bytes after the key: more than the cipher block needs where the length was obfuscated
	Warnings []Warning
}

// Wipe destroys the key.
func (u *Unwrapped) Wipe() { u.Key.Wipe() }

// Unwrap opens a block: MAC first, then length, then key. A failing MAC is MACMismatch, or KBPKWrong when the KP block
// says that another KBPK closed it; [Examine] finds out more.
func (p *Protector) Unwrap(b *Block) (*Unwrapped, error) {
	if b.Version != p.version {
		return nil, fault.New(fault.VersionUnsupported, "the block has version %c, the KBPK was prepared for version %c", b.Version, p.version)
	}
	if err := b.checkPayload(); err != nil {
		return nil, err
	}
	plain, err := p.open(b)
	defer secret.Wipe(plain)
	if err != nil {
		return nil, err
	}
	key, err := p.parsePayload(b, plain)
	if err != nil {
		return nil, err
	}
	u := &Unwrapped{Key: key, Padding: len(plain) - 2 - key.Len()}
	u.Warnings, err = p.lint(b, key)
	if err != nil {
		key.Wipe()
		return nil, err
	}
	return u, nil
}

// open decrypts and checks the MAC; the plaintext lies in p.work and is the caller's to wipe.
func (p *Protector) open(b *Block) ([]byte, error) {
	if err := p.decryptBody(b); err != nil {
		return p.work, err
	}
	n := macLen(p.version)
	if subtle.ConstantTimeCompare(p.sum[:n], p.want[:n]) == 1 {
		return p.work, nil
	}
	if p.kpDisagrees(b) {
		return p.work, fault.New(fault.KBPKWrong, "the MAC does not verify, and the KP block (%s) is not the check value of this KBPK: "+
			"most likely another KBPK closed the block", kpDigits(b))
	}
	return p.work, fault.New(fault.MACMismatch, "the MAC does not verify: the KBPK is wrong, or the block was changed")
}

// decryptBody fills p.work with the plaintext, p.want with the MAC of the block and p.sum with the computed one.
func (p *Protector) decryptBody(b *Block) error {
	payload, mac := b.payloadHex(), b.macHex()
	p.work = grow(p.work, len(payload)/2)
	if err := decodeHex(p.work, payload); err != nil {
		return err
	}
	if err := decodeHex(p.want[:len(mac)/2], mac); err != nil {
		return err
	}
	if p.version == 'A' || p.version == 'C' {
		p.authenticate(b.headerText(), p.work)
		var iv [8]byte
		copy(iv[:], b.text)
		p.crypt(p.work, iv[:], false)
		return nil
	}
	p.crypt(p.work, p.want[:], false)
	p.authenticate(b.headerText(), p.work)
	return nil
}

// parsePayload reads length(2, bits) key padding out of an authenticated plaintext.
func (p *Protector) parsePayload(b *Block, plain []byte) (*keys.Key, error) {
	bits, ok := payloadBits(plain)
	if !ok {
		return nil, fault.New(fault.PayloadLength, "the MAC is good, but the payload is too short for a key length")
	}
	if bits == 0 || bits%8 != 0 || bits/8 > len(plain)-2 {
		return nil, fault.New(fault.PayloadLength,
			"the MAC is good, but the key length inside says %d bits (%04X; the field counts bits in hex: 0080 for 16 bytes, 00C0 for 24) "+
				"and the payload has room for %d bytes", bits, bits, len(plain)-2)
	}
	sec := secret.Copy(plain[2 : 2+bits/8])
	return keys.New(b.KeyAlgorithm(sec.Len()), sec)
}

func payloadBits(plain []byte) (int, bool) {
	if len(plain) < 3 {
		return 0, false
	}
	return int(plain[0])<<8 | int(plain[1]), true
}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// decodeHex decodes text whose digits were checked by Parse. It goes around the conversion of the string to bytes.
func decodeHex(dst []byte, text string) error {
	for i := range dst {
		hi, lo := nibble(text[2*i]), nibble(text[2*i+1])
		if hi|lo > 15 {
			return fault.WrapAs(fault.NotHex, hex.InvalidByteError(text[2*i]), "decode the block")
		}
		dst[i] = hi<<4 | lo
	}
	return nil
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xFF
}
