package dukpt

import (
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/testvec"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

type vector struct {
	ID, Scheme, BDK, KSN, IK, Source string
	KSNGiven                         string `json:"ksn_given"`
	Txn                              string `json:"txn_key"`
	MustReject                       bool   `json:"must_reject"`
	Expect                           fault.Kind
	Notes                            string
	Readings                         map[string]struct{ KSN, IK, KCV string }

	PIN, PAN string
	Format   string `json:"pinblock_format"`
	PINClear string `json:"pinblock_clear"`
	PINField string `json:"pinfield_iso4"`
	PANField string `json:"panfield_iso4"`
	PINBlock string `json:"pinblock"`

	Data           string `json:"data_ascii"`
	MACRequest     string `json:"mac_request"`
	MACResponse    string `json:"mac_response"`
	MACRequestAll  string `json:"mac_request_full"`
	MACResponseAll string `json:"mac_response_full"`
	CMACRequest    string `json:"cmac_request"`
	CMACResponse   string `json:"cmac_response"`
	DataRequest    string `json:"data_request_enc"`
	DataResponse   string `json:"data_response_enc"`
	AESCMACRequest string `json:"cmac_aes128_request"`
	AESCMACRespons string `json:"cmac_aes128_response"`
	HMACRequest    string `json:"hmac_sha256_key128_request"`
	HMACResponse   string `json:"hmac_sha256_key128_response"`

	Algorithm     keys.Algorithm
	IKID          string
	TxnPrinted    string            `json:"txn_key_printed"`
	Working       map[string]string `json:"working_keys"`
	UpdateKey     string            `json:"update_key"`
	UpdateKeyType string            `json:"update_key_type"`
}

// tally counts what was compared, by name, so that a vector file that lost its fields fails.
type tally map[string]int

// is compares a value of the vector, when it has one.
func (n tally) is(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if want == "" {
		return
	}
	n[what]++
	if up := testvec.Upper(got); up != want {
		t.Errorf("%s is %s, want %s", what, up, want)
	}
}

func (n tally) atLeast(t *testing.T, want tally) {
	t.Helper()
	for what, least := range want {
		if n[what] < least {
			t.Errorf("%s: %d values were compared, want %d", what, n[what], least)
		}
	}
}

func TestEveryTDESVectorComesOut(t *testing.T) {
	nothingLeft(t)
	n := tally{}
	for _, v := range testvec.Load[vector](t, "dukpt_tdes.json") {
		t.Run(v.ID, func(t *testing.T) {
			n["source"] += min(1, len(v.Source))
			switch {
			case v.MustReject:
				n["rejected"]++
				checkReadings(t, v)
			case v.Scheme == "des-dukpt":
				n["withdrawn"]++
				n.withdrawn(t, v)
			default:
				n["entries"]++
				n.tdes(t, v)
			}
			if v.KSNGiven != "" && !v.MustReject {
				n["short KSN"]++
				checkGivenKSN(t, v)
			}
		})
	}
	n.atLeast(t, tally{"source": 87, "entries": 76, "withdrawn": 10, "rejected": 1, "short KSN": 41, "IK": 86, "transaction key": 85,
		"PIN block": 84, "MAC request": 39, "MAC response": 39, "CMAC request": 34, "CMAC response": 34, "data request": 5, "data response": 5})
}

func (n tally) tdes(t *testing.T, v vector) {
	ksn := ksnOf(t, v.KSN)
	ik := ikOf(t, v.BDK, ksn)
	n.is(t, "IK", ik.Key().Secret().Expose(), v.IK)
	if v.Txn == "" {
		return
	}
	txn := txnOf(t, ik, ksn)
	n.is(t, "transaction key", txn.Key().Secret().Expose(), v.Txn)
	pin, err := cipherx.NewTDES(workingOf(t, txn, PIN, ""))
	if err != nil {
		t.Fatal(err)
	}
	n.is(t, "PIN block", ecb(pin, iso0(t, v)), v.PINBlock)
	n.tdesMACs(t, v, txn)
	n.is(t, "data request", zeroCBC(t, keys.TDES128, workingOf(t, txn, DataRequest, ""), v.Data), v.DataRequest)
	n.is(t, "data response", zeroCBC(t, keys.TDES128, workingOf(t, txn, DataResponse, ""), v.Data), v.DataResponse)
}

func (n tally) tdesMACs(t *testing.T, v vector, txn *Transaction) {
	for _, c := range []struct {
		use                  Use
		name                 string
		short, whole, cmaced string
	}{
		{MACRequest, "request", v.MACRequest, v.MACRequestAll, v.CMACRequest},
		{MACResponse, "response", v.MACResponse, v.MACResponseAll, v.CMACResponse},
	} {
		key := workingOf(t, txn, c.use, "")
		mac, err := cipherx.RetailMAC(key, []byte(v.Data))
		if err != nil {
			t.Fatal(err)
		}
		n.is(t, "MAC "+c.name, mac[:4], c.short)
		n.is(t, "MAC "+c.name, mac, c.whole)
		n.is(t, "CMAC "+c.name, cmacOf(t, keys.TDES128, key, v.Data), c.cmaced)
	}
}

func (n tally) withdrawn(t *testing.T, v vector) {
	ksn := ksnOf(t, v.KSN)
	ik, err := bdkOf(t, TDES, v.BDK).WithdrawnIK(ksn)
	if err != nil {
		t.Fatal(err)
	}
	defer ik.Wipe()
	n.is(t, "IK", ik.Key().Secret().Expose(), v.IK)
	txn, err := ik.Transaction(ksn)
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Wipe()
	n.is(t, "transaction key", txn.Key().Secret().Expose(), v.Txn)
	pin, err := txn.PIN()
	if err != nil {
		t.Fatal(err)
	}
	defer pin.Wipe()
	n.is(t, "PIN block", withdrawnPINBlock(t, pin, iso0(t, v)), v.PINBlock)
}

// checkReadings: a short KSN is refused with its class, and the three things that it may mean give the keys of the
// vector.
func checkReadings(t *testing.T, v vector) {
	k, err := ParseKSN(v.KSNGiven)
	if !fault.Is(err, v.Expect) || !k.IsZero() {
		t.Errorf("got %v, %v, want an error of kind %s", k, err, v.Expect)
	}
	for _, p := range Paddings() {
		if !strings.Contains(err.Error(), string(p)) {
			t.Errorf("the error does not name %s: %v", p, err)
		}
	}
	all := ShortReadings(v.KSNGiven)
	if len(all) != 4 || len(v.Readings) != 3 || all[3].Padding != IKID || all[3].KSN.IKID() != v.KSNGiven {
		t.Fatalf("%d readings, the vector has %d of TDES", len(all), len(v.Readings))
	}
	for _, r := range all[:3] {
		want := v.Readings[strings.ReplaceAll(string(r.Padding), "-", "_")]
		ik := ikOf(t, v.BDK, r.KSN)
		check, err := kcv.Of(keys.TDES128, ik.Key().Secret().Expose(), kcv.ECBZero, 0)
		if err != nil {
			t.Fatal(err)
		}
		if r.KSN.String() != want.KSN || digitsOf(ik.Key()) != want.IK || check.Digits != want.KCV {
			t.Errorf("%s: %s gives %s (%s), want %+v", r.Padding, r.KSN, digitsOf(ik.Key()), check, want)
		}
	}
}

// checkGivenKSN: the KSN as the source wrote it, read as that source reads it, is the KSN of the vector.
func checkGivenKSN(t *testing.T, v vector) {
	if _, err := ParseKSN(v.KSNGiven); !fault.Is(err, fault.KSNLength) {
		t.Errorf("%s was not refused: %v", v.KSNGiven, err)
	}
	k, err := ParseShortKSN(v.KSNGiven, LeftF)
	if err != nil || k.String() != v.KSN {
		t.Errorf("%s is read as %s (%v), want %s", v.KSNGiven, k, err, v.KSN)
	}
}

func TestEveryAESVectorComesOut(t *testing.T) {
	nothingLeft(t)
	n := tally{}
	for _, v := range testvec.Load[vector](t, "dukpt_aes.json") {
		t.Run(v.ID, func(t *testing.T) {
			n["source"] += min(1, len(v.Source))
			n.aes(t, v)
		})
	}
	n.atLeast(t, tally{"source": 84, "rejected": 2, "printed": 2, "IK": 81, "transaction key": 77, "working key": 1000, "update key": 3, "PIN block": 8,
		"CMAC request": 8, "CMAC response": 8, "HMAC request": 8, "HMAC response": 8, "data request": 8, "data response": 8})
}

func (n tally) aes(t *testing.T, v vector) {
	ik := n.aesIK(t, v)
	if v.KSN == "" {
		return
	}
	ksn := ksnOf(t, v.KSN)
	if ksn.IKID() != v.IKID {
		t.Errorf("the IKID of %s is %s, want %s", ksn, ksn.IKID(), v.IKID)
	}
	switch {
	case v.MustReject:
		n.aesRejected(t, v, ik, ksn)
	case v.UpdateKey != "":
		n.aesUpdate(t, v, ik, ksn)
	default:
		n.aesKeys(t, v, txnOf(t, ik, ksn))
	}
}

// aesIK derives the initial key, or takes it where the vector has no BDK.
func (n tally) aesIK(t *testing.T, v vector) *IK {
	if v.BDK == "" {
		ik, err := NewIK(AES, wiped(t, v.Algorithm, v.IK))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(ik.Wipe)
		return ik
	}
	ik := ikOf(t, v.BDK, ksnOf(t, v.IKID+"00000000"))
	n.is(t, "IK", ik.Key().Secret().Expose(), v.IK)
	if got := ik.Key().Algorithm(); got != v.Algorithm {
		t.Errorf("the initial key is for %s, want %s", got, v.Algorithm)
	}
	return ik
}

func (n tally) aesRejected(t *testing.T, v vector, ik *IK, ksn KSN) {
	n["rejected"]++
	if txn, err := ik.Transaction(ksn); !fault.Is(err, v.Expect) || txn != nil {
		t.Errorf("got %v, %v, want an error of kind %s", txn, err, v.Expect)
	}
	txn := mistakenTransaction(t, ik, ksn)
	defer txn.Wipe()
	n.is(t, "printed", txn.Key().Secret().Expose(), v.TxnPrinted)
}

func (n tally) aesUpdate(t *testing.T, v vector, ik *IK, ksn KSN) {
	as := map[string]KeyType{"AES128": TypeAES128, "AES256": TypeAES256}[v.UpdateKeyType]
	for _, given := range []KSN{ksn, ksn.Initial()} {
		k, err := ik.UpdateKey(given, as)
		if err != nil {
			t.Fatal(err)
		}
		defer k.Wipe()
		n.is(t, "update key", k.Secret().Expose(), v.UpdateKey)
	}
}

func (n tally) aesKeys(t *testing.T, v vector, txn *Transaction) {
	n.is(t, "transaction key", txn.Key().Secret().Expose(), v.Txn)
	for name, want := range v.Working {
		use, as := namesOf(t, name)
		n.is(t, "working key", workingOf(t, txn, use, as), want)
	}
	n.aesPIN(t, v, txn)
	for _, c := range []struct {
		name                string
		mac, data           Use
		cmaced, hmaced, enc string
	}{
		{"request", MACRequest, DataRequest, v.AESCMACRequest, v.HMACRequest, v.DataRequest},
		{"response", MACResponse, DataResponse, v.AESCMACRespons, v.HMACResponse, v.DataResponse},
	} {
		n.is(t, "CMAC "+c.name, cmacOf(t, keys.AES128, workingOf(t, txn, c.mac, TypeAES128), v.Data), c.cmaced)
		h := hmac.New(sha256.New, workingOf(t, txn, c.mac, TypeHMAC128))
		h.Write([]byte(v.Data))
		n.is(t, "HMAC "+c.name, h.Sum(nil), c.hmaced)
		n.is(t, "data "+c.name, zeroCBC(t, keys.AES128, workingOf(t, txn, c.data, TypeAES128), v.Data), c.enc)
	}
}

// aesPIN is ISO 9564 format 4: the PIN field encrypted, the PAN field XORed, encrypted again.
func (n tally) aesPIN(t *testing.T, v vector, txn *Transaction) {
	if v.PINBlock == "" {
		return
	}
	if v.PINField[:2] != "44" || v.PINField[2:6] != v.PIN || !strings.Contains(v.PANField, v.PAN) {
		t.Fatalf("fields %s and %s are not made of PIN and PAN", v.PINField, v.PANField)
	}
	b, err := cipherx.NewAES(workingOf(t, txn, PIN, TypeAES128))
	if err != nil {
		t.Fatal(err)
	}
	block := ecb(b, testvec.Hex(t, v.PINField))
	for i, x := range testvec.Hex(t, v.PANField) {
		block[i] ^= x
	}
	n.is(t, "PIN block", ecb(b, block), v.PINBlock)
}

// namesOf reads the name of a working key in the vectors: MAC_GEN_HMAC128.
func namesOf(t *testing.T, name string) (Use, KeyType) {
	t.Helper()
	at := strings.LastIndex(name, "_")
	use, ok := map[string]Use{"PIN": PIN, "MAC_GEN": MACRequest, "MAC_VER": MACResponse, "MAC_BOTH": MAC, "DATA_ENC": DataRequest,
		"DATA_DEC": DataResponse, "DATA_BOTH": Data, "KEK": KEK}[name[:at]]
	as, known := map[string]KeyType{"2TDEA": TypeTDES128, "3TDEA": TypeTDES192, "AES128": TypeAES128, "AES192": TypeAES192,
		"AES256": TypeAES256, "HMAC128": TypeHMAC128, "HMAC192": TypeHMAC192, "HMAC256": TypeHMAC256}[name[at+1:]]
	if !ok || !known {
		t.Fatalf("%s is no working key", name)
	}
	return use, as
}

// iso0 makes the clear PIN block of ISO 9564 format 0 and holds it against the vector's.
func iso0(t *testing.T, v vector) []byte {
	t.Helper()
	if v.Format == "" {
		return nil
	}
	pin := testvec.Hex(t, "0"+string(rune('0'+len(v.PIN)))+v.PIN+strings.Repeat("F", 14-len(v.PIN)))
	pan := testvec.Hex(t, "0000"+v.PAN[len(v.PAN)-13:len(v.PAN)-1])
	for i := range pin {
		pin[i] ^= pan[i]
	}
	if v.Format != "iso-0" || hex.EncodeToString(pin) != strings.ToLower(v.PINClear) {
		t.Fatalf("format %s: clear PIN block %X, want %s", v.Format, pin, v.PINClear)
	}
	return pin
}

func ecb(b cipher.Block, data []byte) []byte {
	out := bytes.Clone(data)
	cipherx.ECBEncrypt(b, out, out)
	return out
}

// zeroCBC fills the text up with zeros to whole blocks (of 8 for TDES) and encrypts in CBC mode with a zero IV.
func zeroCBC(t *testing.T, alg keys.Algorithm, key []byte, text string) []byte {
	t.Helper()
	b, err := keys.NewCipher(alg, key)
	if err != nil {
		t.Fatal(err)
	}
	size := b.BlockSize()
	out := make([]byte, (len(text)+size-1)/size*size)
	copy(out, text)
	if len(out) > 0 {
		cipher.NewCBCEncrypter(b, make([]byte, size)).CryptBlocks(out, out)
	}
	return out
}

func cmacOf(t *testing.T, alg keys.Algorithm, key []byte, text string) []byte {
	t.Helper()
	b, err := keys.NewCipher(alg, key)
	if err != nil {
		t.Fatal(err)
	}
	mac := make([]byte, b.BlockSize())
	cipherx.NewCMAC(b).Sum(mac, []byte(text))
	return mac
}
