package cipherx

import "crypto/cipher"

// CMAC computes MACs under one key (NIST SP 800-38B, RFC 4493 for AES). The subkeys are made once, so that many
// messages under one key cost only their blocks. It is not safe for concurrent use: it has its own scratch space.
type CMAC struct {
	b      cipher.Block
	k1, k2 [16]byte
	x      [16]byte // the chaining value
	part   [16]byte // bytes not yet worked in: 0 to one block
	n      int      // how many of them
}

// NewCMAC makes a CMAC over a cipher with blocks of 8 or 16 bytes.
func NewCMAC(b cipher.Block) *CMAC {
	c := &CMAC{b: b}
	n := b.BlockSize()
	b.Encrypt(c.k1[:n], c.k1[:n])
	Double(c.k1[:n])
	c.k2 = c.k1
	Double(c.k2[:n])
	return c
}

// Subkeys gives K1 and K2 (SP 800-38B, 6.1); tests hold them against published intermediates.
func (c *CMAC) Subkeys() (k1, k2 []byte) {
	n := c.b.BlockSize()
	return c.k1[:n], c.k2[:n]
}

// Sum appends nothing and allocates nothing: it writes the full MAC of the messages, taken as one, into dst.
func (c *CMAC) Sum(dst []byte, messages ...[]byte) {
	c.Reset()
	for _, m := range messages {
		c.Write(m)
	}
	c.Final(dst)
}

// Reset begins a new message.
func (c *CMAC) Reset() {
	c.x = [16]byte{}
	c.n = 0
}

// Write works bytes in. The last block waits for Final, because it is treated differently.
func (c *CMAC) Write(p []byte) {
	size := c.b.BlockSize()
	for len(p) > 0 {
		if c.n == size {
			c.chain(c.part[:size])
			c.n = 0
		}
		k := copy(c.part[c.n:size], p)
		c.n += k
		p = p[k:]
	}
}

// Final writes the MAC into dst, which has one block, and ends the message.
func (c *CMAC) Final(dst []byte) {
	size := c.b.BlockSize()
	key := &c.k1
	if c.n < size { // also the empty message
		clear(c.part[c.n:size])
		c.part[c.n] = 0x80
		key = &c.k2
	}
	xorInto(c.part[:size], key[:size])
	c.chain(c.part[:size])
	copy(dst, c.x[:size])
	c.Reset()
	clear(c.part[:])
}

func (c *CMAC) chain(block []byte) {
	x := c.x[:len(block)]
	xorInto(x, block)
	c.b.Encrypt(x, x)
}

// Double multiplies by x in GF(2^64) or GF(2^128), in constant time.
func Double(b []byte) {
	poly := byte(0x87)
	if len(b) == 8 {
		poly = 0x1B
	}
	carry := b[0] >> 7
	for i := range len(b) - 1 {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	last := len(b) - 1
	b[last] = b[last]<<1 ^ poly&-carry
}
