package keyblock

import (
	"crypto/cipher"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Protector opens and closes blocks of one version under one KBPK. It holds the derived keys KBEK and KBAK, so that many
// blocks cost only their own cipher blocks. It is not safe for concurrent use: make one for each worker.
type Protector struct {
	version byte
	kbpk    *keys.Key // borrowed: the caller wipes it, after the last use of the Protector
	// That a key is published is said of the key, not of each block, or no example of a standard would pass --strict.
	kbpkWeak []keys.Weakness
	enc      cipher.Block
	mac      cipher.Block  // versions A and C
	cmac     *cipherx.CMAC // versions B, D and E
	work     []byte        // plaintext of the block in work; wiped after each
	header   []byte
	sum      [16]byte
	want     [16]byte
}

// KBPKAlgorithm tells as which algorithm n bytes protect blocks of a version, for keys that came without a name.
func KBPKAlgorithm(version byte, n int) (keys.Algorithm, error) {
	family := keys.AES128
	if version == 'A' || version == 'B' || version == 'C' {
		family = keys.TDES128
	}
	alg := family.ForLength(n)
	if alg == keys.Raw || alg == keys.DES && version == 'B' {
		return "", kbpkLength(version, n)
	}
	return alg, nil
}

func kbpkLength(version byte, n int) error {
	if version == 'D' || version == 'E' {
		return fault.New(fault.KBPKLength, "version %c needs an AES KBPK of 16, 24 or 32 bytes, this one has %d", version, n)
	}
	return fault.New(fault.KBPKLength, "version %c needs a TDES KBPK of 16 or 24 bytes, this one has %d", version, n)
}

// NewProtector derives KBEK and KBAK. The KBPK stays the caller's and must outlive the Protector.
func NewProtector(version byte, kbpk *keys.Key) (*Protector, error) {
	if err := checkVersion(string(rune(version))); err != nil {
		return nil, err
	}
	want, err := KBPKAlgorithm(version, kbpk.Len())
	if err != nil {
		return nil, err
	}
	if got := kbpk.Algorithm(); got != want {
		return nil, fault.New(fault.KBPKLength, "version %c needs a %s KBPK, this one is %s; %s", version, family(want), got, versionFor(got))
	}
	kbek, kbak, err := derive(version, kbpk)
	if err != nil {
		return nil, err
	}
	defer clear(kbek)
	defer clear(kbak)
	p := &Protector{version: version, kbpk: kbpk, kbpkWeak: keys.StructuralOf(want, kbpk.Secret().Expose())}
	if p.enc, err = keys.NewCipher(want, kbek); err != nil {
		return nil, err
	}
	mac, err := keys.NewCipher(want, kbak)
	if err != nil {
		return nil, err
	}
	if version == 'A' || version == 'C' {
		p.mac = mac
	} else {
		p.cmac = cipherx.NewCMAC(mac)
	}
	return p, nil
}

func family(alg keys.Algorithm) string {
	if alg.IsAES() {
		return "AES"
	}
	return "TDES"
}

func versionFor(alg keys.Algorithm) text.Text {
	if alg.IsAES() {
		return text.New("AES keys protect versions D and E")
	}
	return text.New("TDES keys protect versions A, B and C")
}

// derive gives KBEK and KBAK. Variant method for A and C: each byte XOR 45 ('E') and 4D ('M'). CMAC method for B, D and E:
// counter(1) usage(2) 00 algorithm(2) length in bits(2), blocks concatenated and cut (7.2.1 and 7.2.2, tables 24, 25;
// ISO 20038 6.3 table 1). A two-key KBPK is derived as two-key: its 24-byte expansion gives other keys.
func derive(version byte, kbpk *keys.Key) (kbek, kbak []byte, err error) {
	key := kbpk.Secret().Expose()
	kbek, kbak = make([]byte, len(key)), make([]byte, len(key))
	if version == 'A' || version == 'C' {
		for i, v := range key {
			kbek[i], kbak[i] = v^0x45, v^0x4D
		}
		return kbek, kbak, nil
	}
	b, err := kbpk.Cipher()
	if err != nil {
		return nil, nil, err
	}
	var alg byte // 0000 two-key TDES
	switch kbpk.Algorithm() {
	case keys.TDES192:
		alg = 1
	case keys.AES128:
		alg = 2
	case keys.AES192:
		alg = 3
	case keys.AES256:
		alg = 4
	}
	encryption := byte(0) // CBC
	if version == 'E' {
		encryption = 2 // CTR
	}
	c := cipherx.NewCMAC(b)
	fill := func(out []byte, usage byte) {
		bits := 8 * len(out)
		in := [8]byte{1, 0, usage, 0, 0, alg, byte(bits >> 8), byte(bits)}
		var block [16]byte
		defer clear(block[:])
		for ; len(out) > 0; in[0]++ {
			c.Sum(block[:], in[:])
			out = out[copy(out, block[:b.BlockSize()]):]
		}
	}
	fill(kbek, encryption)
	fill(kbak, 1)
	return kbek, kbak, nil
}

// authenticate computes the MAC over header and body into p.sum: the body is the plaintext for B, D and E, the
// ciphertext for A and C.
func (p *Protector) authenticate(header string, body []byte) {
	p.header = append(p.header[:0], header...)
	if p.cmac != nil {
		p.cmac.Sum(p.sum[:], p.header, body)
		return
	}
	p.header = append(p.header, body...)
	p.authenticateBytes()
}

// authenticateBytes computes the CBC-MAC of versions A and C over p.header.
func (p *Protector) authenticateBytes() []byte {
	cipherx.CBCMAC(p.mac, p.sum[:8], p.header)
	return p.sum[:macLen(p.version)]
}

// crypt runs the payload's cipher in place. iv is the MAC for B, D and E, the first bytes of the header for A and C.
func (p *Protector) crypt(data []byte, iv []byte, encrypt bool) {
	size := p.enc.BlockSize()
	switch {
	case p.version == 'E':
		cipher.NewCTR(p.enc, iv[:size]).XORKeyStream(data, data)
	case encrypt:
		cbcEncrypt(p.enc, data, iv[:size])
	default:
		cbcDecrypt(p.enc, data, iv[:size])
	}
}

// cbcEncrypt and cbcDecrypt work in place without the allocations of crypto/cipher's modes; data is whole blocks.
func cbcEncrypt(b cipher.Block, data, iv []byte) {
	prev := iv
	for n := b.BlockSize(); len(data) > 0; data = data[n:] {
		for i := range n {
			data[i] ^= prev[i]
		}
		b.Encrypt(data[:n], data[:n])
		prev = data[:n]
	}
}

func cbcDecrypt(b cipher.Block, data, iv []byte) {
	n := b.BlockSize()
	for at := len(data) - n; at >= 0; at -= n {
		block := data[at : at+n]
		b.Decrypt(block, block)
		prev := iv
		if at > 0 {
			prev = data[at-n : at]
		}
		for i := range n {
			block[i] ^= prev[i]
		}
	}
}

// kbpkCheck computes the check value of the KBPK by a method.
func (p *Protector) kbpkCheck(m kcv.Method) ([]byte, error) {
	return kcv.Compute(p.kbpk.Algorithm(), p.kbpk.Secret().Expose(), m)
}
