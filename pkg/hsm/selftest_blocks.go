package hsm

// Known answers of key blocks: opened, closed with the padding of the example, and refused when they were changed.

import (
	"bytes"
	"encoding/hex"

	"poskey/internal/fault"
	"poskey/internal/selftest"
	"poskey/internal/text"
	"poskey/pkg/keyblock"
)

type knownBlock struct {
	version          byte
	kbpk, block, key string
	padding          string // "": the version has none
	source           string
}

// knownBlocks are examples of the standards, with their printed mistakes in lengths put right where there are any.
func knownBlocks() []knownBlock {
	const kbpk256 = "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6"
	return []knownBlock{
		{version: 'A', kbpk: "89E88CF7931444F334BD7547FC3F380C", key: "F039121BEC83D26B169BDCD5B22AAF8F",
			block:   "A0088P0TE00E00007DD4DD9566DC0E2F956DCAC0FDE915318973835AEC2D731C2AD2E7B6151EB4CA6E3552DB",
			padding: "249F30A2B39A7D6B720DF563BB07", source: "ANSI X9.143, 8.3.2.1, with the right length"},
		{version: 'B', kbpk: "DD7515F2BFC17F85CE48F3CA25CB21F6", key: "3F419E1CB7079442AA37474C2EFBF8B8",
			block:   "B0096P0TE00E0000D7ED9E189BC6F715125B265B149DF8FE218A396785608923D6197378386A3759308FC49A2AA891BA",
			padding: "7CB920D261E9F3AA1C2965473CE2", source: "ANSI X9.143:2022, 8.3.2.2"},
		{version: 'C', kbpk: "B8ED59E0A279A295E9F5ED7944FD06B9", key: "EDB380DD340BC2620247D445F5B8D678",
			block: "C0112B0TX12S0100KS1800604B120F929280000042B758A2400AB598AE37782823DAF0BA4BDB0DAFF3491534" +
				"5CA169AE1F976A429EB139E5", padding: "7CB920D261E9F3AA8546A8ED98D1",
			source: "ANSI X9.143, 8.4.1, with the right length"},
		{version: 'D', kbpk: kbpk256, key: "3F419E1CB7079442AA37474C2EFBF8B8",
			block: "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A2" +
				"7E8E31DA05F7425509593D03A457DC34", padding: "1C2965473CE206BB855B01533782", source: "ASC X9 TR 31-2018, A.7.4"},
		{version: 'E', kbpk: "3235362D62697420414553207772617070696E67202849534F20323030333829",
			key:    "777261707065642033444553206B6579",
			block:  "E0084B0TV16N0000B2AE5E26BBA7F246E84D5EA24167E208A6B66EF2E27E55A52DB52F0AEACB94C57547",
			source: "ISO 20038:2017, B.2"},
	}
}

func blockTests() []selftest.Test {
	var all []selftest.Test
	for _, k := range knownBlocks() {
		version := string(rune(k.version))
		all = append(all,
			ofKeys(known(selftest.KeyBlocks, "keyblock-"+version, text.New("key block version %c opens", k.version), k.source, k.key,
				func() (string, error) { return k.open(k.block) })),
			known(selftest.KeyBlocks, "keyblock-wrap-"+version, text.New("key block version %c is made", k.version), k.source,
				k.block, k.close),
			refusal(selftest.KeyBlocks, "keyblock-mac-"+version, text.New("key block version %c with another MAC is refused", k.version),
				fault.MACMismatch, k.opening(len(k.block)-1), k.opening(-1)),
			refusal(selftest.KeyBlocks, "keyblock-header-"+version,
				text.New("key block version %c with another header is refused", k.version), fault.MACMismatch,
				k.opening(exportability), k.opening(-1)))
	}
	return all
}

// exportability is the place of that field in a header.
const exportability = 11

// opening opens the block with one character changed; -1: none.
func (k knownBlock) opening(at int) func() error {
	changed := []byte(k.block)
	switch {
	case at == exportability && changed[at] == 'E':
		changed[at] = 'N'
	case at == exportability:
		changed[at] = 'E'
	case at >= 0 && changed[at] == '0':
		changed[at] = '1'
	case at >= 0:
		changed[at] = '0'
	}
	return func() error { _, err := k.open(string(changed)); return err }
}

func (k knownBlock) protector() (*keyblock.Protector, error) {
	alg, err := keyblock.KBPKAlgorithm(k.version, len(k.kbpk)/2)
	if err != nil {
		return nil, err
	}
	kbpk, err := knownKey(alg, k.kbpk)
	if err != nil {
		return nil, err
	}
	defer kbpk.Wipe()
	return keyblock.NewProtector(k.version, kbpk)
}

func (k knownBlock) unwrap(block string) (*keyblock.Block, *keyblock.Unwrapped, error) {
	p, err := k.protector()
	if err != nil {
		return nil, nil, err
	}
	b, err := keyblock.Parse(block)
	if err != nil {
		return nil, nil, err
	}
	u, err := p.Unwrap(b)
	return b, u, err
}

func (k knownBlock) open(block string) (string, error) {
	_, u, err := k.unwrap(block)
	if err != nil {
		return "", err
	}
	defer u.Wipe()
	return digits(u.Key), nil
}

// close makes the block again: header and length of padding are those of the example, and so is the padding.
func (k knownBlock) close() (string, error) {
	b, u, err := k.unwrap(k.block)
	if err != nil {
		return "", err
	}
	defer u.Wipe()
	key, err := knownKey(u.Key.Algorithm(), k.key)
	if err != nil {
		return "", err
	}
	defer key.Wipe()
	padding, err := hex.DecodeString(k.padding)
	if err != nil {
		return "", err
	}
	p, err := k.protector()
	if err != nil {
		return "", err
	}
	again, _, err := p.Wrap(bytes.NewReader(padding), b.Header, key,
		keyblock.WrapOptions{PadTo: key.Len() + u.Padding, AllowWeak: true, AllowUnfit: true})
	return again, err
}
