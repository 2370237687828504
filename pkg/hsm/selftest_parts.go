package hsm

// Known answers of arithmetic, components, shares and sheets, and what of them must be refused.

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/selftest"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/keys"
)

// A sheet of one component, as pkg/component lays it down.
const knownSheet = `poskey component sheet 1
set: 7F3A-91C2
part: 1 of 2
scheme: xor
algorithm: tdes-128
key check: 7FF5B8 ecb-zero
part check: E2AC18 ecb-zero
head check: 986D
row 1 of 2: 0723 CD4C DDF2 5A1F check FFA2
row 2 of 2: 8F35 17EE ABE4 82C9 check C2B3
end
`

func partTests(env keys.Env) []selftest.Test {
	all := []selftest.Test{
		known(selftest.Parts, "gf256", text.New("arithmetic in GF(256)"),
			"field of FIPS 197, 4.2; digest of all products and inverses computed by long division",
			"C1FE"+"14A1E7E77CA8A30B5BB53E6310748CE0"+"A0B6126FEF317BB998059C2FCA3DDDB4", gf256),
	}
	all = append(all, combinationTests()...)
	all = append(all,
		ofKeys(known(selftest.Parts, "shamir-shares", text.New("Shamir shares of a drawn polynomial"),
			"the polynomial 3 of 5 of coefficients 00..1F, computed by long multiplication",
			"1133557799BBDDFFEECCAA88664422004165092DD1F599BD8EAAC6E21E3A56725175193DC1E589AD9EBAD6F20E2A4662"+
				"1A2C7640C2F4AE984573291F9DABF1C70A3C6650D2E4BE885563390F8DBBE1D7", knownShares)),
		ofKeys(known(selftest.Parts, "shamir-combine", text.New("three Shamir shares combine"), "the key of the test before",
			"0123456789ABCDEFFEDCBA9876543210", knownCombined)),
		ofKeys(known(selftest.Parts, "sheet", text.New("a component sheet is read and written again"),
			"format of docs/formats.md", "0723CD4CDDF25A1F8F3517EEABE482C9", func() (string, error) { return readSheet(knownSheet) })),
		sheetRefusal("sheet-row", text.New("a wrong digit in a row of a sheet is refused"), fault.ChecksumMismatch, "DDF2", "DDE2"),
		sheetRefusal("sheet-rows", text.New("groups exchanged in a row of a sheet are refused"), fault.ChecksumMismatch,
			"0723 CD4C", "CD4C 0723"),
		sheetRefusal("sheet-head", text.New("a wrong head of a sheet is refused"), fault.ChecksumMismatch, "part: 1", "part: 2"),
		roundTrip("components-xor", text.New("XOR components combine"), env,
			component.Spec{Scheme: component.XOR, Parts: 3, Threshold: 3}),
		roundTrip("components-shamir", text.New("Shamir shares combine"), env,
			component.Spec{Scheme: component.Shamir, Parts: 5, Threshold: 3}))
	return all
}

// ofKeys marks a test whose answers are keys.
func ofKeys(t selftest.Test) selftest.Test {
	t.Secret = true
	return t
}

// gf256 gives two products of FIPS 197, 4.2, and digests of all products and inverses.
func gf256() (string, error) {
	products, inverses := sha256.New(), sha256.New()
	row := make([]byte, 256)
	for a := range row {
		for b := range row {
			row[b] = cipherx.GFMul(byte(a), byte(b))
		}
		_, _ = products.Write(row) // a hash never fails
	}
	for a := range row {
		row[a] = cipherx.GFInv(byte(a))
	}
	_, _ = inverses.Write(row)
	published := []byte{cipherx.GFMul(0x57, 0x83), cipherx.GFMul(0x57, 0x13)}
	return upper(published) + upper(products.Sum(nil)[:16]) + upper(inverses.Sum(nil)[:16]), nil
}

type knownParts struct {
	name        string
	alg         keys.Algorithm
	parts       []string
	key, source string
}

func knownCombinations() []knownParts {
	return []knownParts{
		{"xor-three", keys.TDES128, []string{"3B577FB3FD756DDFE62F6B52751580E0", "D9CDE338A104A789859E76150B543251",
			"1032D0581A31D64FADD08991945E0D3E"}, "F2A84CD346401C19CE6194D6EA1FBF8F",
			"https://www.eftlab.com.au/tutorials/bp-ccalc-key-exchange-session-preparation"},
		{"xor-two", keys.TDES128, []string{"2934C8795E64946B8CB98C044380B0F7", "EFAE9DDFA18C3134641C58168F0815D5"},
			"C69A55A6FFE8A55FE8A5D412CC88A522", "https://thales46.rssing.com/chan-7465905/all_p5.html, without parity"},
	}
}

func combinationTests() []selftest.Test {
	var all []selftest.Test
	for _, k := range knownCombinations() {
		all = append(all, ofKeys(known(selftest.Parts, k.name, text.New("%d XOR components of an HSM's manual combine",
			len(k.parts)), k.source, k.key, k.run)))
	}
	return all
}

func (k knownParts) run() (string, error) {
	var parts []*component.Part
	defer func() { component.WipeAll(parts) }()
	for _, digits := range k.parts {
		value, err := keys.ParseHex([]byte(digits))
		if err != nil {
			return "", err
		}
		p, err := component.Bare(k.alg, value)
		if err != nil {
			return "", err
		}
		parts = append(parts, p)
	}
	return combined(k.alg, parts)
}

func combined(alg keys.Algorithm, parts []*component.Part) (string, error) {
	key, err := component.Combine(alg, parts)
	if err != nil {
		return "", err
	}
	defer key.Wipe()
	return digits(key), nil
}

// fixedShares cuts a known key with known randomness: the number of the set, then the coefficients of degree one and two.
func fixedShares() ([]*component.Part, error) {
	key, err := knownKey(keys.TDES128, "0123456789ABCDEFFEDCBA9876543210")
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	draws, err := hex.DecodeString("7F3A91C2" + "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F")
	if err != nil {
		return nil, err
	}
	return component.Split(keys.Env{Rand: bytes.NewReader(draws)}, key,
		component.Spec{Scheme: component.Shamir, Parts: 5, Threshold: 3})
}

func knownShares() (string, error) {
	parts, err := fixedShares()
	if err != nil {
		return "", err
	}
	defer component.WipeAll(parts)
	var all strings.Builder
	for _, p := range parts {
		all.WriteString(upper(p.Value.Expose()))
	}
	return all.String(), nil
}

func knownCombined() (string, error) {
	parts, err := fixedShares()
	if err != nil {
		return "", err
	}
	defer component.WipeAll(parts)
	return combined(keys.TDES128, []*component.Part{parts[4], parts[1], parts[3]})
}

// readSheet reads a sheet and gives its digits, where it is written as it was read.
func readSheet(sheet string) (string, error) {
	p, err := component.ParseSheet([]byte(sheet))
	if err != nil {
		return "", err
	}
	defer p.Wipe()
	var again bytes.Buffer
	if err := p.WriteSheet(&again); err != nil {
		return "", err
	}
	if again.String() != sheet {
		return "", fault.New(fault.SelftestFailed, "the sheet is written otherwise than it was read")
	}
	return upper(p.Value.Expose()), nil
}

func sheetRefusal(name string, what text.Text, want fault.Kind, old, with string) selftest.Test {
	read := func(sheet string) func() error {
		return func() error { _, err := readSheet(sheet); return err }
	}
	return refusal(selftest.Parts, name, what, want, read(strings.Replace(knownSheet, old, with, 1)), read(knownSheet))
}

// roundTrip cuts and combines a key that is drawn; its fault is a source that gives the same byte for ever.
func roundTrip(name string, what text.Text, env keys.Env, spec component.Spec) selftest.Test {
	return selftest.Test{Name: name, Group: selftest.Parts, Kind: selftest.RoundTrip, What: what, Source: "a key that is drawn",
		Want:    selftest.Sound,
		Compute: computed(func() (string, error) { return cutAndCombine(env, spec) }),
		Faulty:  computed(func() (string, error) { return cutAndCombine(keys.Env{Rand: stuckSource(0xA5)}, spec) })}
}

func cutAndCombine(env keys.Env, spec component.Spec) (string, error) {
	key, err := keys.Generate(env.Rand, keys.TDES128)
	if err != nil {
		return "", err
	}
	defer key.Wipe()
	parts, err := component.Split(env, key, spec)
	if err != nil {
		return "", err
	}
	defer component.WipeAll(parts)
	back, err := component.Combine(keys.TDES128, parts[len(parts)-spec.Threshold:])
	if err != nil {
		return "", err
	}
	defer back.Wipe()
	if !back.Secret().Equal(key.Secret()) {
		return "", fault.New(fault.SelftestFailed, "the parts do not give the key back")
	}
	return selftest.Sound, nil
}
