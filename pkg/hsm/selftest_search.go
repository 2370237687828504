package hsm

// The search for slips against the plain ciphers.

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"poskey/internal/bitslice"
	"poskey/internal/cipherx"
	"poskey/internal/selftest"
	"poskey/internal/text"
)

// searchTests take a key with one wrong digit and the whole check value of the right one: the kernel, which does DES on
// many keys at once, must find that one slip among all, by the check value that the plain cipher makes.
func searchTests() []selftest.Test {
	var all []selftest.Test
	for _, k := range []struct {
		name, key, slip string
		cmac            bool
	}{
		{"search-des", "0123456789ABCDEF", "0000000400000000", false},
		{"search-tdes-128", "0123456789ABCDEFFEDCBA9876543210", "00000000000000000000000000800000", false},
		{"search-tdes-192", "0123456789ABCDEFFEDCBA987654321089ABCDEF01234567",
			"000000000000000000000000000000000000000020000000", false},
		{"search-cmac", "0123456789ABCDEFFEDCBA9876543210", "00040000000000000000000000000000", true},
	} {
		all = append(all, selftest.Test{Name: k.name, Group: selftest.Search, Kind: selftest.KnownAnswer,
			What:   text.New("one wrong digit in a key of %s bytes is found", strconv.Itoa(len(k.key)/2)),
			Source: "the plain cipher of this program, which has its own known answers", Want: k.slip, Secret: true,
			Compute: func(ctx context.Context) (string, error) { return findSlip(ctx, k.key, k.slip, k.cmac) }})
	}
	return all
}

// findSlip gives what the search finds, all of it one after the other.
func findSlip(ctx context.Context, digits, slip string, cmac bool) (string, error) {
	right, err := hex.DecodeString(digits)
	if err != nil {
		return "", err
	}
	wrong, err := hex.DecodeString(slip)
	if err != nil {
		return "", err
	}
	b, err := cipherx.NewTDES(right)
	if err != nil {
		return "", err
	}
	value := make([]byte, b.BlockSize())
	if cmac {
		cipherx.NewCMAC(b).Sum(value, make([]byte, b.BlockSize()))
	} else {
		b.Encrypt(value, value)
	}
	for i := range wrong {
		wrong[i] ^= right[i]
	}
	hits, err := bitslice.Problem{Key: wrong, Want: binary.BigEndian.Uint64(value), Care: ^uint64(0), CMAC: cmac, Digits: 1}.Run(ctx)
	if err != nil {
		return "", err
	}
	var found string
	for _, h := range hits {
		found += upper(h.Delta)
	}
	return found, nil
}
