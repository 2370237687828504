package hsm

import (
	"context"
	"encoding/hex"
	"math/bits"
	"strings"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// Check is one self-test and its outcome.
type Check struct {
	Name string // stable
	Text text.Text
	Err  error // nil when it passed
}

// Selftest runs known answers through every algorithm and looks at the boundary and its random source. The answers are
// published: FIPS and GB/T examples, RFC 4493, SP 800-38B, TR-31:2018 annex A, X9.143, ISO 20038 and X9.24 examples.
func Selftest(ctx context.Context, b Boundary, env keys.Env) []Check {
	var all []Check
	add := func(name string, what text.Text, err error) { all = append(all, Check{name, what, err}) }
	for _, k := range knownAnswers() {
		add("kcv-"+string(k.alg)+"-"+string(k.method), text.New("%s, check value by %s", k.alg, k.method), k.run())
	}
	add("retail-mac", text.New("retail MAC (ISO 9797-1 algorithm 3)"), testRetailMAC(retailMAC))
	for _, k := range knownBlocks() {
		add("keyblock-"+string(rune(k.version)), text.New("key block version %c opens", k.version), k.run())
	}
	for _, k := range knownDerivations() {
		add("dukpt-"+string(k.alg), text.New("%s, initial and transaction key by DUKPT", k.alg), k.run())
	}
	add("components-xor", text.New("XOR components combine"), testComponents(env, component.Spec{Scheme: component.XOR, Parts: 3, Threshold: 3}))
	add("components-shamir", text.New("Shamir shares combine"), testComponents(env, component.Spec{Scheme: component.Shamir, Parts: 5, Threshold: 3}))
	add("random", text.New("random source (monobit test of FIPS 140-2 on 20,000 bits)"), testRandom(env))
	add("boundary", text.New("boundary: a key goes in, its check value comes out"), testBoundary(ctx, b))
	return all
}

type knownAnswer struct {
	alg    keys.Algorithm
	method kcv.Method
	key    string
	want   string
}

func knownAnswers() []knownAnswer {
	const t, t24 = "0123456789ABCDEFFEDCBA9876543210", "0123456789ABCDEFFEDCBA987654321089ABCDEF01234567"
	const k16, k32 = "000102030405060708090A0B0C0D0E0F", "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
	const k24 = "000102030405060708090A0B0C0D0E0F1011121314151617"
	return []knownAnswer{
		{keys.DES, kcv.ECBZero, t[:16], "D5D44FF720683D0D"},
		{keys.TDES128, kcv.ECBZero, t, "08D7B4FB629D0885"},
		{keys.TDES192, kcv.ECBZero, t24, "3FD539E3ABEB8B5B"},
		{keys.TDES128, kcv.CMAC, t, "0A82458664"},
		{keys.AES128, kcv.CMAC, k16, "BE7ED6AE78"},
		{keys.AES192, kcv.CMAC, k24, "D4FFB80EBF"},
		{keys.AES256, kcv.CMAC, k32, "377822C093"},
		{keys.AES128, kcv.CMACEmpty, "2B7E151628AED2A6ABF7158809CF4F3C", "BB1D6929E95937287FA37D129B756746"},
		{keys.TDES192, kcv.CMACEmpty, "8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5", "B7A688E122FFAF95"},
		{keys.SM4, kcv.ECBZero, t, "2677F46B09C122CC"},
		{keys.HMACSHA256, kcv.HMACEmpty, k32, "D38B42096D"},
	}
}

func (k knownAnswer) run() error {
	key, err := hex.DecodeString(k.key)
	if err != nil {
		return err
	}
	got, err := kcv.Compute(k.alg, key, k.method)
	if err != nil {
		return err
	}
	return same(strings.ToUpper(hex.EncodeToString(got)), k.want)
}

// same compares on the length of want.
func same(got, want string) error {
	if len(got) < len(want) || got[:len(want)] != want {
		return fault.New(fault.SelftestFailed, "got %s, want %s", got, want)
	}
	return nil
}

// retailMAC is the key's check value in full: over one zero block the retail MAC is triple DES of it.
const retailMAC = "08D7B4FB629D0885"

func testRetailMAC(want string) error {
	key, err := hex.DecodeString("0123456789ABCDEFFEDCBA9876543210")
	if err != nil {
		return err
	}
	mac, err := cipherx.RetailMAC(key, make([]byte, 8))
	if err != nil {
		return err
	}
	return same(strings.ToUpper(hex.EncodeToString(mac)), want)
}

type knownBlock struct {
	version           byte
	kbpk, block, want string
}

// knownBlocks are examples of the standards: TR-31:2018 A.7.2.1, A.7.2.2, A.7.3.1, A.7.4 and ISO 20038:2017 B.2.
func knownBlocks() []knownBlock {
	return []knownBlock{
		{'A', "89E88CF7931444F334BD7547FC3F380C", "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701", "CB9DEA"},
		{'B', "DD7515F2BFC17F85CE48F3CA25CB21F6", "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E", "57C409"},
		{'C', "B8ED59E0A279A295E9F5ED7944FD06B9", "C0096B0TX12S0100KS1800604B120F9292800000BFB9B689CB567E66FC3FEE5AD5F52161FC6545B9D60989015D02155C", "F4B08D"},
		{'D', "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6",
			"D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34", "08793E25AB"},
		{'E', "3235362D62697420414553207772617070696E67202849534F20323030333829",
			"E0084B0TV16N0000B2AE5E26BBA7F246E84D5EA24167E208A6B66EF2E27E55A52DB52F0AEACB94C57547", "B29D42"},
	}
}

func (k knownBlock) run() error {
	alg, err := keyblock.KBPKAlgorithm(k.version, len(k.kbpk)/2)
	if err != nil {
		return err
	}
	kbpk, err := knownKey(alg, k.kbpk)
	if err != nil {
		return err
	}
	defer kbpk.Wipe()
	p, err := keyblock.NewProtector(k.version, kbpk)
	if err != nil {
		return err
	}
	block, err := keyblock.Parse(k.block)
	if err != nil {
		return err
	}
	u, err := p.Unwrap(block)
	if err != nil {
		return err
	}
	defer u.Wipe()
	v, err := kcv.Of(u.Key.Algorithm(), u.Key.Secret().Expose(), kcv.Default(u.Key.Algorithm()), len(k.want))
	if err != nil {
		return err
	}
	return same(v.Digits, k.want)
}

type knownDerivation struct {
	alg                       keys.Algorithm
	bdk, ksn, ik, transaction string
}

// knownDerivations are the first transactions of the examples of X9.24-1:2009 and of the supplement to X9.24-3:2017.
func knownDerivations() []knownDerivation {
	return []knownDerivation{
		{keys.TDES128, "0123456789ABCDEFFEDCBA9876543210", "FFFF9876543210E00001",
			"6AC292FAA1315B4D858AB3A3D7D5933A", "042666B49184CFA368DE9628D0397BC9"},
		{keys.AES128, "FEDCBA9876543210F1F1F1F1F1F1F1F1", "123456789012345600000001",
			"1273671EA26AC29AFA4D1084127652A1", "4F21B565BAD9835E112B6465635EAE44"},
	}
}

func (k knownDerivation) run() error {
	ksn, err := dukpt.ParseKSN(k.ksn)
	if err != nil {
		return err
	}
	clear, err := knownKey(k.alg, k.bdk)
	if err != nil {
		return err
	}
	defer clear.Wipe()
	bdk, err := dukpt.NewBDK(ksn.Scheme(), clear)
	if err != nil {
		return err
	}
	ik, err := bdk.IK(ksn)
	if err != nil {
		return err
	}
	defer ik.Wipe()
	if err := sameKey(ik.Key(), k.ik); err != nil {
		return fault.Wrap(err, "the initial key")
	}
	txn, err := ik.Transaction(ksn)
	if err != nil {
		return err
	}
	defer txn.Wipe()
	return fault.Wrap(sameKey(txn.Key(), k.transaction), "the transaction key")
}

// knownKey makes a key of a known answer.
func knownKey(alg keys.Algorithm, digits string) (*keys.Key, error) {
	sec, err := keys.ParseHex([]byte(digits))
	if err != nil {
		return nil, err
	}
	return keys.New(alg, sec)
}

// sameKey compares whole keys: the check value leaves out the parity bits, which lead to other transaction keys.
func sameKey(got *keys.Key, want string) error {
	known, err := knownKey(got.Algorithm(), want)
	if err != nil {
		return err
	}
	defer known.Wipe()
	if !got.Secret().Equal(known.Secret()) {
		return fault.New(fault.SelftestFailed, "it is not the key of the standard's example")
	}
	return nil
}

func testComponents(env keys.Env, spec component.Spec) error {
	key, err := keys.Generate(env.Rand, keys.TDES128)
	if err != nil {
		return err
	}
	defer key.Wipe()
	parts, err := component.Split(env, key, spec)
	if err != nil {
		return err
	}
	defer component.WipeAll(parts)
	back, err := component.Combine(keys.TDES128, parts[len(parts)-spec.Threshold:])
	if err != nil {
		return err
	}
	defer back.Wipe()
	if !back.Secret().Equal(key.Secret()) {
		return fault.New(fault.SelftestFailed, "the parts do not give the key back")
	}
	return nil
}

// testRandom counts ones: 9,725 to 10,275 of 20,000 (the monobit test of FIPS 140-2). A sound source fails once in
// 10,000 runs.
func testRandom(env keys.Env) error {
	draw, err := secret.Read(env.Rand, 2500)
	if err != nil {
		return fault.WrapAs(fault.SelftestFailed, err, "draw random bytes")
	}
	defer draw.Wipe()
	ones := 0
	for _, v := range draw.Expose() {
		ones += bits.OnesCount8(v)
	}
	if ones <= 9725 || ones >= 10275 {
		return fault.New(fault.SelftestFailed, "%d ones in 20,000 random bits, want 9,726 to 10,274", ones)
	}
	return nil
}

func testBoundary(ctx context.Context, b Boundary) error {
	raw, err := hex.DecodeString("0123456789ABCDEFFEDCBA9876543210")
	if err != nil {
		return err
	}
	k, err := b.Import(ctx, secret.Take(raw), Attributes{Algorithm: keys.TDES128}, Policy{Inspect: true})
	if err != nil {
		return err
	}
	v, err := b.CheckValue(ctx, k, kcv.ECBZero, 6)
	if err != nil {
		return err
	}
	return same(v.Digits, "08D7B4")
}
