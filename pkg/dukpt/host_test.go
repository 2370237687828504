package dukpt

// The host's derivation a second time, to hold the package against.

import (
	"crypto/aes"
	"crypto/des"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"testing"
)

// host is written from the tables of the standards and uses no code of the package but the KSN's bytes. It keeps the
// keys on the way to the counter before, so that a walk over all counters costs one step for each.
type host struct {
	tdes bool
	ksn  [12]byte // the initial one; of TDES the right 10 bytes
	path []node   // from the initial key to the counter before
}

type node struct {
	counter uint32
	key     []byte
}

// newHost keeps a copy of the initial key, since a test holds more keys than this at a time anyhow.
func newHost(ksn KSN, ik []byte) *host {
	h := &host{tdes: ksn.Scheme() == TDES, path: []node{{0, append([]byte(nil), ik...)}}}
	b := ksn.Initial().Bytes()
	copy(h.ksn[12-len(b):], b)
	return h
}

// key gives the key of any counter, transaction or not.
func (h *host) key(t testing.TB, counter uint32) []byte {
	for !onTheWay(h.path[len(h.path)-1].counter, counter) {
		h.path = h.path[:len(h.path)-1]
	}
	for at := h.path[len(h.path)-1]; at.counter != counter; at = h.path[len(h.path)-1] {
		next := at.counter | 1<<(31-bits.LeadingZeros32(counter&^at.counter))
		h.path = append(h.path, node{next, h.step(t, at.key, next)})
	}
	return h.path[len(h.path)-1].key
}

// onTheWay reports whether the set bits of node are the highest of the counter's.
func onTheWay(node, counter uint32) bool {
	low := bits.TrailingZeros32(node)
	return node == 0 || counter>>low == node>>low
}

func (h *host) step(t testing.TB, key []byte, counter uint32) []byte {
	data := h.ksn
	binary.BigEndian.PutUint32(data[8:], binary.BigEndian.Uint32(data[8:])|counter)
	if h.tdes {
		return append(desStep(t, key, "C0C0C0C000000000", data[4:]), desStep(t, key, "0000000000000000", data[4:])...)
	}
	b, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for n := byte(1); len(out) < len(key); n++ {
		as := map[int]string{16: "8000" + "0002" + "0080", 24: "8000" + "0003" + "00C0", 32: "8000" + "0004" + "0100"}[len(key)]
		head, err := hex.DecodeString(as)
		if err != nil {
			t.Fatal(err)
		}
		in := append(append([]byte{1, n}, head...), data[4:]...)
		b.Encrypt(in, in)
		out = append(out, in...)
	}
	return out[:len(key)]
}

// desStep is DES(left, right XOR data) XOR right, of the key XOR the constant on both halves.
func desStep(t testing.TB, key []byte, constant string, data []byte) []byte {
	c, err := hex.DecodeString(constant)
	if err != nil {
		t.Fatal(err)
	}
	left, right, x := make([]byte, 8), make([]byte, 8), make([]byte, 8)
	for i := range 8 {
		left[i], right[i] = key[i]^c[i], key[8+i]^c[i]
		x[i] = right[i] ^ data[i]
	}
	b, err := des.NewCipher(left)
	if err != nil {
		t.Fatal(err)
	}
	b.Encrypt(x, x)
	for i := range 8 {
		x[i] ^= right[i]
	}
	return x
}
