package pkcs11

// The block by which a key of a token is known outside of it. The package comment has its form.

import (
	"encoding/hex"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
)

const (
	handleVersion = '7'  // of the proprietary ones, which are digits (X9.143 6.2, table 1)
	lengthBlock   = "10" // optional block with the key's length; ids of digits are proprietary
	labelBlock    = "LB"
	hashBlock     = "HM"
	handleMAC     = 16 // bytes
	maxHandle     = 9999
	maxKeyLen     = 4096 // bytes: what a length field of a key block has room for, and more than any key wrapped here
)

// handle is a block taken apart. Its MAC is not believed yet.
type handle struct {
	attributes hsm.Attributes
	len        int    // of the key, in bytes
	wrapped    []byte // the key under the wrapping key
	covered    string // what the MAC covers: all characters before it
	mac        []byte
}

// newHandle writes what stands before the MAC.
func newHandle(a hsm.Attributes, keyLen int, wrapped []byte) (handle, error) {
	if err := hsm.CheckLabel(a.Label); err != nil {
		return handle{}, err
	}
	h := header(a, keyLen)
	if err := h.CheckAttributes(true); err != nil {
		return handle{}, err
	}
	if _, err := keyblock.CheckHeader(h); err != nil {
		return handle{}, err
	}
	var options strings.Builder
	for _, o := range h.Optional {
		options.WriteString(o.ID + upper([]byte{byte(4 + len(o.Data))}) + o.Data)
	}
	length := 16 + options.Len() + 2*len(wrapped) + 2*handleMAC
	if length > maxHandle || keyLen > maxKeyLen {
		return handle{}, fault.New(fault.TooLarge, "a key of %d bytes is too long for a token", keyLen)
	}
	var out strings.Builder
	out.WriteByte(handleVersion)
	out.Write(decimal(length, 4))
	out.WriteString(string(h.Usage))
	out.Write([]byte{h.Algorithm, h.Mode})
	out.WriteString(h.KeyVersion)
	out.WriteByte(h.Exportability)
	out.Write(decimal(len(h.Optional), 2))
	out.Write([]byte{h.Context, h.Reserved})
	out.WriteString(options.String())
	out.WriteString(upper(wrapped))
	return handle{attributes: a, len: keyLen, wrapped: wrapped, covered: out.String()}, nil
}

// header is the block's header, which [keyblock] checks as one of version D.
func header(a hsm.Attributes, keyLen int) keyblock.Header {
	h := keyblock.Header{Version: 'D', Usage: a.Usage, Algorithm: keyblock.AlgorithmChar(a.Algorithm), Mode: a.Mode,
		KeyVersion: "00", Exportability: a.Exportability, Context: '1', Reserved: '0'}
	h.SetOpt(lengthBlock, upper([]byte{byte(keyLen >> 8), byte(keyLen)}))
	if a.Algorithm.IsHMAC() {
		h.SetOpt(hashBlock, keyblock.HMFor(a.Algorithm))
	}
	if a.Label != "" {
		h.SetOpt(labelBlock, a.Label)
	}
	return h
}

func decimal(n, width int) []byte {
	out := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		out[i] = '0' + byte(n%10)
		n /= 10
	}
	return out
}

func upper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// text is the whole block.
func (h handle) text() string { return h.covered + upper(h.mac) }

// parseHandle takes a block apart.
func parseHandle(block string) (handle, error) {
	if len(block) < 16+2*handleMAC || len(block) > maxHandle || block[0] != handleVersion || block[1:5] != string(decimal(len(block), 4)) {
		return handle{}, fault.New(fault.Malformed, "it is no key of a token")
	}
	header, n, err := keyblock.ParseHeader("D" + block[1:])
	if err != nil {
		return handle{}, err
	}
	end := len(block) - 2*handleMAC
	if n >= end {
		return handle{}, fault.New(fault.PayloadMissing, "the wrapped key is missing")
	}
	wrapped, err := strictHex(block[n:end])
	if err != nil {
		return handle{}, err
	}
	mac, err := strictHex(block[end:])
	if err != nil {
		return handle{}, err
	}
	keyLen, err := lengthOf(&header)
	if err != nil {
		return handle{}, err
	}
	a := hsm.Attributes{Algorithm: header.KeyAlgorithm(keyLen), Usage: header.Usage, Mode: header.Mode,
		Exportability: header.Exportability}
	a.Label, _ = header.Opt(labelBlock)
	return handle{attributes: a, len: keyLen, wrapped: wrapped, covered: block[:end], mac: mac}, nil
}

func lengthOf(h *keyblock.Header) (int, error) {
	text, _ := h.Opt(lengthBlock)
	b, err := strictHex(text)
	if err != nil || len(b) != 2 || int(b[0])<<8|int(b[1]) == 0 {
		return 0, fault.New(fault.Malformed, "it does not say how long the key is")
	}
	return int(b[0])<<8 | int(b[1]), nil
}

// strictHex takes upper case only: a block has one spelling.
func strictHex(s string) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil || upper(b) != s {
		return nil, fault.New(fault.NotHex, "it is not upper-case hex throughout")
	}
	return b, nil
}
