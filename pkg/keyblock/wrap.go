package keyblock

import (
	"io"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/keys"
)

// WrapOptions says how a block is closed.
type WrapOptions struct {
	// PadTo hides the key's length: the payload is padded as for a key of so many bytes (X9.143 5, 6.1). 0 pads to the
	// cipher block only. [ObfuscatedLen] gives the standard's lengths. A length that no block can have is refused (kind
	// usage).
	PadTo int
	// AllowWeak closes weak keys and single DES all the same; they are reported by the caller.
	AllowWeak bool
	// AllowUnfit closes a key with a mode that the lint table does not know for the usage, and an initial key
	// without its KSN.
	AllowUnfit bool
}

// ObfuscatedLen is the length in bytes as which a key of the algorithm is hidden: the longest of its family, 24 for TDES
// and 32 for AES; 0 where hiding makes no sense.
func ObfuscatedLen(alg keys.Algorithm) int {
	switch {
	case alg.IsDES():
		return keys.TDES192.KeyLen()
	case alg.IsAES():
		return keys.AES256.KeyLen()
	}
	return 0
}

// Wrap closes a block over the key. Length and number of optional blocks of h are computed, PB is put last where the
// alignment needs one. Padding comes from random. What is written can be read: a header that Parse would refuse is refused.
func (p *Protector) Wrap(random io.Reader, h Header, key *keys.Key, opts WrapOptions) (text string, warnings []Warning, err error) {
	if h.Version != p.version {
		return "", nil, fault.New(fault.VersionUnsupported, "the header has version %c, the KBPK was prepared for version %c", h.Version, p.version)
	}
	if err := checkToWrap(h, key, opts); err != nil {
		return "", nil, err
	}
	h.Optional = fresh(h.Optional)
	if err := align(random, &h); err != nil {
		return "", nil, err
	}
	if err := h.checkFields(); err != nil {
		return "", nil, err
	}
	p.work = p.payload(p.work, key, opts.PadTo)
	defer secret.Wipe(p.work)
	if _, err := io.ReadFull(random, p.work[2+key.Len():]); err != nil {
		return "", nil, fault.WrapAs(fault.Failure, err, "draw the padding")
	}
	length := h.textLen() + 2*len(p.work) + 2*macLen(p.version)
	if length > maxLength {
		return "", nil, fault.New(fault.LengthMismatch, "the block would have %d characters; its length field ends at %d", length, maxLength)
	}
	out := h.appendTo(make([]byte, 0, length), length)
	if _, _, err := ParseHeader(string(out)); err != nil {
		return "", nil, err
	}
	warnings, err = p.lintHeader(&h, key)
	if err != nil {
		return "", nil, err
	}
	return string(p.seal(out)), warnings, nil
}

// payload lays out length(2, bits) key and room for padding.
func (p *Protector) payload(buf []byte, key *keys.Key, padTo int) []byte {
	n := 2 + max(key.Len(), padTo)
	if size := blockLen(p.version); p.version != 'E' {
		n = (n + size - 1) / size * size
	}
	buf = grow(buf, n)
	bits := 8 * key.Len()
	buf[0], buf[1] = byte(bits>>8), byte(bits)
	copy(buf[2:], key.Secret().Expose())
	return buf
}

// seal encrypts p.work and appends it and the MAC to the header in out.
func (p *Protector) seal(out []byte) []byte {
	if p.version == 'A' || p.version == 'C' {
		var iv [8]byte
		copy(iv[:], out)
		p.crypt(p.work, iv[:], true)
		p.header = append(append(p.header[:0], out...), p.work...)
		return appendHex(appendHex(out, p.work), p.authenticateBytes())
	}
	p.header = append(p.header[:0], out...)
	p.cmac.Sum(p.sum[:], p.header, p.work)
	p.crypt(p.work, p.sum[:], true)
	return appendHex(appendHex(out, p.work), p.sum[:macLen(p.version)])
}

func appendHex(dst, src []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, v := range src {
		dst = append(dst, digits[v>>4], digits[v&15])
	}
	return dst
}

// maxPadTo is how many bytes are nowhere near to fitting into a block: two digits each.
const maxPadTo = maxLength / 2

func checkToWrap(h Header, key *keys.Key, opts WrapOptions) error {
	if opts.PadTo < 0 || opts.PadTo > maxPadTo { // before anything is laid out: the length may come from anybody
		return fault.New(fault.Usage, "a key is padded as one of 0 to %d bytes, not of %d", maxPadTo, opts.PadTo)
	}
	if !opts.AllowWeak {
		if w := keys.StructuralOf(key.Algorithm(), key.Secret().Expose()); len(w) > 0 {
			return fault.New(fault.WeakKey, "the key is weak: %s", w[0].Text())
		}
		if key.Algorithm() == keys.DES {
			return fault.New(fault.WeakKey, "the key is single DES, which is read but not written")
		}
	}
	if got := h.KeyAlgorithm(key.Len()); got != key.Algorithm() && !(got.IsHMAC() && key.Algorithm().IsHMAC()) {
		return fault.New(fault.HeaderMalformed, "the header's algorithm %c does not fit the key: %s", h.Algorithm, key.Algorithm())
	}
	if err := h.CheckAttributes(opts.AllowUnfit); err != nil {
		return err
	}
	if h.Usage == keys.UsageIK && !opts.AllowUnfit && !hasKSN(&h) {
		return fault.New(fault.MissingKSN, "an initial DUKPT key needs its %s block, or nobody can tell its KSN; add it", ksnBlock(&h))
	}
	return nil
}

// CheckAttributes tells, before a key is there, whether a header with this mode and exportability is written.
func (h *Header) CheckAttributes(allowUnfit bool) error {
	if !h.Usage.Allows(h.Mode) && !allowUnfit {
		return fault.New(fault.ModeUnfit, "mode of use %c does not fit usage %s; fitting modes: %s", h.Mode, h.Usage, h.Usage.Modes())
	}
	if h.Exportability != 'E' && h.Exportability != 'N' && h.Exportability != 'S' {
		return fault.New(fault.HeaderMalformed, "exportability %c is not E, N or S", h.Exportability)
	}
	return nil
}

// align sees to it that the header is a multiple of the cipher block: a PB block that stands last and fits is kept, any
// other gives way to a fresh one. PB is at least an empty block of 4 characters; its data is random and printable (6.3.6).
func align(random io.Reader, h *Header) error {
	size := blockLen(h.Version)
	if pb := h.find("PB"); h.textLen()%size == 0 && (pb < 0 || pb == len(h.Optional)-1) {
		return nil
	}
	h.DropOpt("PB")
	short := size - h.textLen()%size
	if short == size {
		return nil
	}
	if short < shortHead {
		short += size
	}
	data := make([]byte, short-shortHead)
	if err := printable(random, data); err != nil {
		return err
	}
	h.Optional = append(h.Optional, OptBlock{ID: "PB", Data: string(data)})
	return nil
}

// printable fills dst with letters and digits, each equally likely.
func printable(random io.Reader, dst []byte) error {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for i := 0; i < len(dst); {
		var one [1]byte
		if _, err := io.ReadFull(random, one[:]); err != nil {
			return fault.WrapAs(fault.Failure, err, "draw the padding of the header")
		}
		if int(one[0]) < 4*len(alphabet) { // no letter may be likelier than another
			dst[i] = alphabet[int(one[0])%len(alphabet)]
			i++
		}
	}
	return nil
}
