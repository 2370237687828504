package hsm

// Known answers of DUKPT.

import (
	"crypto/cipher"
	"encoding/hex"
	"strings"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/selftest"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/keys"
)

type knownDerivation struct {
	alg                       keys.Algorithm
	bdk, ksn, ik, transaction string
	working                   []knownWorking
	workingSource             string
	source                    string
}

type knownWorking struct {
	use  dukpt.Use
	as   dukpt.KeyType
	want string
}

const (
	supplement = "supplement to ANSI X9.24-3:2017"
	computedBy = supplement + ", and another implementation that gives its values"
	tdesBDK    = "0123456789ABCDEFFEDCBA9876543210"
	aesBDK     = "FEDCBA9876543210F1F1F1F1F1F1F1F1"
	aesKSN     = "123456789012345600000001"
)

// knownDerivations are the first transactions of the examples.
func knownDerivations() []knownDerivation {
	return []knownDerivation{
		{alg: keys.TDES128, bdk: tdesBDK, ksn: "FFFF9876543210E00001", ik: "6AC292FAA1315B4D858AB3A3D7D5933A",
			transaction: "042666B49184CFA368DE9628D0397BC9", source: "ANSI X9.24-1:2009, A.4"},
		{alg: keys.AES128, bdk: aesBDK, ksn: aesKSN, ik: "1273671EA26AC29AFA4D1084127652A1",
			transaction: "4F21B565BAD9835E112B6465635EAE44", source: supplement, workingSource: computedBy,
			working: []knownWorking{
				{dukpt.PIN, dukpt.TypeTDES128, "630C706D9546E47D4449313F61C4D4AB"},
				{dukpt.PIN, dukpt.TypeTDES192, "EA8B3F37EB9B15831167EF2977FD8762D9B5913F35766F6A"},
				{dukpt.PIN, dukpt.TypeAES128, "AF8CB133A78F8DC2D1359F18527593FB"},
				{dukpt.MACRequest, dukpt.TypeAES128, "A2DC23DE6FDE0824A2BC321E08E4B8B7"},
				{dukpt.MACRequest, dukpt.TypeHMAC128, "27D99DA9C091C20DEC0D1C56244ADF8C"},
				{dukpt.DataRequest, dukpt.TypeAES128, "A35C412EFD41FDB98B69797C02DCD08F"},
				{dukpt.KEK, dukpt.TypeAES128, "36A724B7BEFA5A25F5E7B5782A4554A2"},
			}},
		{alg: keys.AES192, bdk: aesBDK + aesBDK[:16], ksn: aesKSN, ik: "5B6DEE2B5B7FABFFA32591F35BF8F23DD9329AE85131E584",
			transaction: "1387E87CF91556E340947CDBB154AF263ECFCFEA3655EBFE", source: computedBy, workingSource: computedBy,
			working: []knownWorking{
				{dukpt.PIN, dukpt.TypeTDES128, "9EF1031B002F92F5C5C8801BC832A4B3"},
				{dukpt.PIN, dukpt.TypeTDES192, "61D5812F94DFBC6D4DAF49AEEFDA3AB632BD6484E1F5149A"},
				{dukpt.PIN, dukpt.TypeAES128, "3C318CDBF08322279557201E98DBB3F3"},
				{dukpt.PIN, dukpt.TypeAES192, "C5043EDC7F2C001097974D40FF82A050B64A1AB27879F3DB"},
				{dukpt.MACRequest, dukpt.TypeHMAC192, "A5593143AC50BD52891A06EE320C9CC55AB154B83FC0BEF6"},
				{dukpt.DataRequest, dukpt.TypeAES192, "C1D4541AE0E33949DD03F2A10B5E5486BBCAC1C520320E0C"},
				{dukpt.KEK, dukpt.TypeAES192, "4C6393AD143F46309B490F1ACDCE4754EBFE9D97507DBCF6"},
			}},
		{alg: keys.AES256, bdk: aesBDK + aesBDK, ksn: aesKSN,
			ik:          "CE9CE0C101D1138F97FB6CAD4DF045A7083D4EAE2D35A31789D01CCF0949550F",
			transaction: "54AC2B32B145EA4A554CB8BC44B17467063A799856B1CCC2A138D36E8DBF78B3", source: supplement,
			workingSource: computedBy, working: []knownWorking{
				{dukpt.PIN, dukpt.TypeTDES128, "B0E134502325F26B9466225A043B62EF"},
				{dukpt.PIN, dukpt.TypeTDES192, "482E89FA06CA485AD62255F3B5C4CB24E38342202586DB9F"},
				{dukpt.PIN, dukpt.TypeAES128, "09C9C432966811D6B2C3336BAC1B1202"},
				{dukpt.PIN, dukpt.TypeAES192, "DD73FB55862AB1CA815FF5CEE50E3135768D16805F5EC33A"},
				{dukpt.PIN, dukpt.TypeAES256, "8C1AB7BEE973829E30242E0BBBDD4946D540C98FC1B5BDCF94790001A23FD502"},
				{dukpt.MACRequest, dukpt.TypeAES256, "61DABDF4B340CF461EE860B1D1AB55357142BD2D6977306859CF49AEFE8F1549"},
				{dukpt.MACRequest, dukpt.TypeHMAC256, "052E89971FA0A5D2099603D7C67267B6D038D0AE1F4192BF8B189162EEA5F113"},
				{dukpt.DataRequest, dukpt.TypeAES256, "71EB36C9A6B7F801D1D1700C29741FC5A5C4E9B45D742DA7AF6992B8AA29AF58"},
				{dukpt.KEK, dukpt.TypeAES256, "653FD0B1A2D2A75C356248CF265D2D24258527C58B70A394BCAC9AF01320188D"},
			}},
	}
}

func dukptTests() []selftest.Test {
	var all []selftest.Test
	for _, k := range knownDerivations() {
		all = append(all, ofKeys(known(selftest.DUKPT, "dukpt-"+string(k.alg),
			text.New("%s, initial and transaction key by DUKPT", k.alg), k.source, k.ik+k.transaction, k.run)))
		if len(k.working) > 0 {
			all = append(all, ofKeys(known(selftest.DUKPT, "dukpt-working-"+string(k.alg),
				text.New("%s, working keys of every length by DUKPT", k.alg), k.workingSource, k.wanted(), k.derive)))
		}
	}
	return append(all,
		known(selftest.DUKPT, "dukpt-working-tdes-128", text.New("PIN block, MACs and data under the working keys of TDES DUKPT"),
			"ANSI X9.24-1:2009, A.4", "1B9C1845EB993A7A"+"9CCC78173FC4FB64"+"20364223C1FF00FA"+
				"FC0D53B7EA1FDA9EE68AAF2E70D9B9506229BE2AA993F04F"+"1FCC89AF66222F27B903898BB2BC8589CDBFDE5EC6AFCC25", tdesUses),
		ofKeys(known(selftest.DUKPT, "dukpt-update", text.New("update key of AES DUKPT"), supplement,
			"AEFB210C136278A1279F7C8815F446DB8EBE2AA910B157AA4E6484D8DE9C4807", updateKey)),
		refusal(selftest.DUKPT, "dukpt-counter-aes", text.New("an AES DUKPT counter with 17 bits set is refused"), fault.CounterBits,
			transaction(keys.AES128, aesBDK, "12345678901234560001FFFF"), transaction(keys.AES128, aesBDK, aesKSN)),
		refusal(selftest.DUKPT, "dukpt-counter-tdes", text.New("a TDES DUKPT counter with no bits set is refused"), fault.CounterBits,
			transaction(keys.TDES128, tdesBDK, "FFFF9876543210E00000"), transaction(keys.TDES128, tdesBDK, "FFFF9876543210E00001")))
}

// walk derives the initial and the transaction key; both are the caller's.
func (k knownDerivation) walk() (*dukpt.IK, *dukpt.Transaction, error) {
	ksn, err := dukpt.ParseKSN(k.ksn)
	if err != nil {
		return nil, nil, err
	}
	clear, err := knownKey(k.alg, k.bdk)
	if err != nil {
		return nil, nil, err
	}
	defer clear.Wipe()
	bdk, err := dukpt.NewBDK(ksn.Scheme(), clear)
	if err != nil {
		return nil, nil, err
	}
	ik, err := bdk.IK(ksn)
	if err != nil {
		return nil, nil, err
	}
	t, err := ik.Transaction(ksn)
	if err != nil {
		ik.Wipe()
		return nil, nil, err
	}
	return ik, t, nil
}

func (k knownDerivation) run() (string, error) {
	ik, t, err := k.walk()
	if err != nil {
		return "", err
	}
	defer ik.Wipe()
	defer t.Wipe()
	return digits(ik.Key()) + digits(t.Key()), nil
}

func (k knownDerivation) wanted() string {
	var all strings.Builder
	for _, w := range k.working {
		all.WriteString(w.want)
	}
	return all.String()
}

func (k knownDerivation) derive() (string, error) {
	ik, t, err := k.walk()
	if err != nil {
		return "", err
	}
	defer ik.Wipe()
	defer t.Wipe()
	var all strings.Builder
	for _, w := range k.working {
		key, err := t.Working(w.use, w.as)
		if err != nil {
			return "", err
		}
		all.WriteString(digits(key))
		key.Wipe()
	}
	return all.String(), nil
}

func transaction(alg keys.Algorithm, bdk, ksn string) func() error {
	return func() error {
		ik, t, err := knownDerivation{alg: alg, bdk: bdk, ksn: ksn}.walk()
		if err != nil {
			return err
		}
		ik.Wipe()
		t.Wipe()
		return nil
	}
}

// tdesUses does what the example does with each working key.
func tdesUses() (string, error) {
	ik, t, err := knownDerivations()[0].walk()
	if err != nil {
		return "", err
	}
	defer ik.Wipe()
	defer t.Wipe()
	data := append([]byte("4012345678909D987"), make([]byte, 7)...)
	pin, err := hex.DecodeString("041274EDCBA9876F")
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, step := range []struct {
		use dukpt.Use
		do  func(key []byte) ([]byte, error)
	}{
		{dukpt.PIN, func(key []byte) ([]byte, error) { return tdesCBC(key, pin) }},
		{dukpt.MACRequest, func(key []byte) ([]byte, error) { return cipherx.RetailMAC(key, data) }},
		{dukpt.MACResponse, func(key []byte) ([]byte, error) { return cipherx.RetailMAC(key, data) }},
		{dukpt.DataRequest, func(key []byte) ([]byte, error) { return tdesCBC(key, data) }},
		{dukpt.DataResponse, func(key []byte) ([]byte, error) { return tdesCBC(key, data) }},
	} {
		key, err := t.Working(step.use, "")
		if err != nil {
			return "", err
		}
		out, err := step.do(key.Secret().Expose())
		key.Wipe()
		if err != nil {
			return "", err
		}
		all.WriteString(upper(out))
	}
	return all.String(), nil
}

// tdesCBC encrypts under a zero IV, as the example does.
func tdesCBC(key, plain []byte) ([]byte, error) {
	b, err := cipherx.NewTDES(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(plain))
	cipher.NewCBCEncrypter(b, make([]byte, b.BlockSize())).CryptBlocks(out, plain) //nolint:gosec // G407: the example's IV
	return out, nil
}

func updateKey() (string, error) {
	clear, err := knownKey(keys.AES256, "CE9CE0C101D1138F97FB6CAD4DF045A7083D4EAE2D35A31789D01CCF0949550F")
	if err != nil {
		return "", err
	}
	defer clear.Wipe()
	ik, err := dukpt.NewIK(dukpt.AES, clear)
	if err != nil {
		return "", err
	}
	defer ik.Wipe()
	ksn, err := dukpt.ParseKSN("1234567890123456FFFFFFFF")
	if err != nil {
		return "", err
	}
	key, err := ik.UpdateKey(ksn, dukpt.TypeAES256)
	if err != nil {
		return "", err
	}
	defer key.Wipe()
	return digits(key), nil
}
