//go:build cgo && linux

package pkcs11

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// parts cuts a key into three components by hand.
func parts(t *testing.T, alg keys.Algorithm, key []byte) []*component.Part {
	t.Helper()
	var all []*component.Part
	last := append([]byte(nil), key...)
	for i := range 2 {
		value := make([]byte, len(key))
		for j := range value {
			value[j] = byte(0x3B*(i+1)*(j+3)) ^ byte(j*j>>1)
			last[j] ^= value[j]
		}
		all = append(all, bare(t, alg, value))
	}
	return append(all, bare(t, alg, last))
}

func bare(t *testing.T, alg keys.Algorithm, value []byte) *component.Part {
	t.Helper()
	p, err := component.Bare(alg, secret.Copy(value))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// weakCases are keys with every weakness in every place where it can be, and sound ones.
func weakCases(t *testing.T) map[string]keys.Algorithm {
	t.Helper()
	all := map[string]keys.Algorithm{
		"00000000000000000000000000000000":                                      keys.AES128,
		"5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A":                                      keys.AES128,
		"1234567812345678123456781234567812345678123456781234567812345678":      keys.HMACSHA256,
		"A0A2A4A6A8AAACAEB0B2B4B6B8BABCBEC0C2C4C6C8CACCCED0D2D4D6D8DADCDE":      keys.AES256,
		"F0EFEEEDECEBEAE9E8E7E6E5E4E3E2E1E0DFDEDDDCDBDAD9":                      keys.AES192,
		"6D31F4A2C7580E9B1CA7E358" + "6D31F4A2C7580E9B1CA7E358":                 keys.AES192,
		"6D31F4A2C7580E9B1CA7E35886D0B94F" + "6D31F4A2C7580E9B1CA7E35886D0B94F": keys.AES256,
		"6D31F4A2C7580E9B6D31F4A2C7580E9B":                                      keys.TDES128,
		"6D31F4A2C7580E9B6C30F5A3C6590F9A":                                      keys.TDES128,
		"1CA7E35886D0B94F6D31F4A2C7580E9B6D31F4A2C7580E9B":                      keys.TDES192,
		"6D31F4A2C7580E9B1CA7E35886D0B94F6D31F4A2C7580E9B":                      keys.TDES192, // K1 K2 K1 is sound
		"2B7E151628AED2A6ABF7158809CF4F3C":                                      keys.AES128,
		"0023456789ABCDEEFEDCBA9876543210":                                      keys.TDES128, // and parity
		"6D31F4A2C7580E9B1CA7E35886D0B94F":                                      keys.TDES128,
		"6D31F4A2C7580E9B1CA7E35886D0B94E6D31F4A2C7580E9B1CA7E35886D0B94F":      keys.AES256,
	}
	for i, half := range keys.WeakDESKeys() {
		b := hex.EncodeToString(binary.BigEndian.AppendUint64(nil, half))
		sound := "6D31F4A2C7580E9B"
		all[[]string{b + sound, sound + b}[i%2]] = keys.TDES128
	}
	return all
}

func TestWeakKeysAreFoundWithoutTheirBytes(t *testing.T) {
	u := nss(t)
	o := options(NewModules())
	o.Allow = false
	b := boundaryIn(t, u, o)
	weak := 0
	for digits, alg := range weakCases(t) {
		key, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		want := keys.WeaknessesOf(alg, key)
		if len(want) > 0 {
			weak++
		}
		if slices.Contains(want, keys.AllZero) {
			continue // refused whatever is allowed
		}
		k, err := b.Form(t.Context(), hsm.Forming{Parts: parts(t, alg, key), Policy: hsm.Policy{Inspect: true}})
		if err != nil || !slices.Equal(k.Weak, want) {
			t.Errorf("%s %s: found %v, error %v; want %v", alg, digits, k.Weak, err, want)
		}
		k, err = b.Form(t.Context(), hsm.Forming{Parts: parts(t, alg, key)})
		if (err == nil) != (len(want) == 0) || err != nil && !fault.Is(err, fault.WeakKey) {
			t.Errorf("%s %s: %v, error %v; want weaknesses %v", alg, digits, k.Check, err, want)
		}
	}
	if weak < 25 {
		t.Errorf("only %d weak keys were tried", weak)
	}
}

func TestComponentsAreCombinedInsideWithoutAllowance(t *testing.T) {
	u := nss(t)
	o := options(NewModules())
	o.Allow = false
	o.Notice = func(n Notice) { t.Errorf("%s was done in this process", n.Job) }
	b := boundaryIn(t, u, o)
	for alg, want := range map[keys.Algorithm]string{keys.TDES128: "08D7B4", keys.AES128: "BE7ED6"} {
		clear := testKey(alg)
		k, err := b.Form(t.Context(), hsm.Forming{Parts: parts(t, alg, clear.Expose()),
			Policy: hsm.Policy{AllowWeak: true}})
		clear.Wipe()
		if err != nil || k.Check.Digits != want || k.Parity != soundParity(alg) {
			t.Errorf("%s: %+v, error %v; want %s", alg, k, err, want)
		}
	}
}

func soundParity(alg keys.Algorithm) keys.Parity {
	if alg.IsDES() {
		return keys.ParityOdd
	}
	return keys.ParityNone
}

func TestATokenWithoutXORRefusesToCombine(t *testing.T) {
	_, u := softhsm(t)
	o := options(NewModules())
	o.Allow = false
	b := boundaryIn(t, u, o)
	handed := parts(t, keys.AES128, []byte("sixteen bytes !!"))
	k, err := b.Form(t.Context(), hsm.Forming{Parts: handed})
	if !fault.Is(err, fault.NotPermitted) || k.Block != "" || !contained(err.Error(), "combine these components") {
		t.Errorf("error %v", err)
	}
	for _, p := range handed {
		if p.Value.Len() != 0 {
			t.Error("a component is not wiped")
		}
	}
}
