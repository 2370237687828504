package dukpt

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"poskey/internal/cipherx"
	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/keys"
)

func TestKeyOfAnotherSchemeIsRefused(t *testing.T) {
	nothingLeft(t)
	tdes, aes := wiped(t, keys.TDES128, tdesBDK), wiped(t, keys.AES128, aesBDK)
	for _, c := range []struct {
		scheme Scheme
		key    *keys.Key
		kind   fault.Kind
	}{
		{TDES, aes, fault.Malformed},
		{TDES, wiped(t, keys.TDES192, tdesBDK+tdesBDK[:16]), fault.Malformed},
		{TDES, wiped(t, keys.DES, tdesBDK[:16]), fault.Malformed},
		{AES, tdes, fault.Malformed},
		{AES, wiped(t, keys.SM4, aesBDK), fault.Malformed},
		{"", tdes, fault.Usage},
		{"des-dukpt", tdes, fault.Usage},
	} {
		b, err := NewBDK(c.scheme, c.key)
		if !fault.Is(err, c.kind) || b != nil || !strings.HasPrefix(err.Error(), "the BDK: ") {
			t.Errorf("%s as a BDK for %q: %v, %v", c.key.Algorithm(), c.scheme, b, err)
		}
		ik, err := NewIK(c.scheme, c.key)
		if !fault.Is(err, c.kind) || ik != nil || !strings.HasPrefix(err.Error(), "the initial key: ") {
			t.Errorf("%s as an initial key for %q: %v, %v", c.key.Algorithm(), c.scheme, ik, err)
		}
	}
}

// TestKSNOfAnotherSchemeIsNeverCutOrFilledUp: node-dukpt issue 23.
func TestKSNOfAnotherSchemeIsNeverCutOrFilledUp(t *testing.T) {
	nothingLeft(t)
	tdes, aes := ksnOf(t, "FFFF9876543210E00001"), ksnOf(t, "123456789012345600000001")
	for _, c := range []struct {
		bdk  string
		own  KSN
		ksns []KSN
	}{{tdesBDK, tdes, []KSN{aes, {}}}, {aesBDK, aes, []KSN{tdes, {}}}} {
		bdk := bdkOf(t, c.own.Scheme(), c.bdk)
		if bdk.Scheme() != c.own.Scheme() {
			t.Errorf("the BDK is for %s", bdk.Scheme())
		}
		ik := ikOf(t, c.bdk, c.own)
		for _, ksn := range c.ksns {
			if k, err := bdk.IK(ksn); !fault.Is(err, fault.KSNLength) || k != nil {
				t.Errorf("IK of %q: %v, %v", ksn, k, err)
			}
			if k, err := ik.Transaction(ksn); !fault.Is(err, fault.KSNLength) || k != nil {
				t.Errorf("transaction %q: %v, %v", ksn, k, err)
			}
			if k, err := ik.UpdateKey(ksn, ""); err == nil || k != nil {
				t.Errorf("update key of %q: %v, %v", ksn, k, err)
			}
		}
	}
}

func TestOnlyATransactionsCounterGivesAKey(t *testing.T) {
	nothingLeft(t)
	for text, bdk := range map[string]string{tdesKSN: tdesBDK, "FFFF9876543210E007FF": tdesBDK, aesKSN: aesBDK, "12345678901234560001FFFF": aesBDK} {
		ksn := ksnOf(t, text)
		ik := ikOf(t, bdk, ksn)
		if txn, err := ik.Transaction(ksn); !fault.Is(err, fault.CounterBits) || txn != nil {
			t.Errorf("%s: %v, %v", text, txn, err)
		}
		txn := mistakenTransaction(t, ik, ksn)
		if want := newHost(ksn, ik.Key().Secret().Expose()).key(t, ksn.Counter()); !bytes.Equal(txn.Key().Secret().Expose(), want) {
			t.Errorf("%s: without the check the key is %s, want %X", text, digitsOf(txn.Key()), want)
		}
		txn.Wipe()
	}
}

func TestInitialKeyIgnoresTheCounter(t *testing.T) {
	for bdk, texts := range map[string][]string{
		tdesBDK: {tdesKSN, "FFFF9876543210E00001", "FFFF9876543210FFFFFF"},
		aesBDK:  {aesKSN, "123456789012345600000001", "1234567890123456FFFFFFFF"},
	} {
		first := digitsOf(ikOf(t, bdk, ksnOf(t, texts[0])).Key())
		for _, text := range texts[1:] {
			if got := digitsOf(ikOf(t, bdk, ksnOf(t, text)).Key()); got != first {
				t.Errorf("%s: %s, want %s", text, got, first)
			}
		}
	}
}

func TestNeighboursHaveTheirOwnInitialKeys(t *testing.T) {
	for bdk, first := range map[string]string{tdesBDK: tdesKSN, aesBDK: aesKSN} {
		seen := map[string]bool{}
		for _, ksn := range devices(t, first) {
			seen[digitsOf(ikOf(t, bdk, ksn).Key())] = true
		}
		if len(seen) != 1024 {
			t.Errorf("1024 devices have %d initial keys", len(seen))
		}
	}
}

func TestBDKIsUsedFromSeveralGoroutines(t *testing.T) {
	for bdk, first := range map[string]string{tdesBDK: tdesKSN, aesBDK: aesKSN, aesBDK + aesBDK[:16]: aesKSN} {
		ksns := devices(t, first)
		b := bdkOf(t, ksns[0].Scheme(), bdk)
		want := make([][]byte, len(ksns))
		for i, ksn := range ksns {
			want[i] = make([]byte, b.Algorithm().KeyLen())
			if err := b.DeriveIK(want[i], ksn); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				got := make([]byte, b.Algorithm().KeyLen())
				for i, ksn := range ksns {
					if err := b.DeriveIK(got, ksn); err != nil || !bytes.Equal(got, want[i]) {
						t.Errorf("%s: %X, %v, want %X", ksn, got, err, want[i])
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestInitialKeysInBulkAllocateNothing(t *testing.T) {
	for bdk, first := range map[string]string{tdesBDK: tdesKSN, aesBDK: aesKSN, aesBDK + aesBDK[:16]: aesKSN, aesBDK + aesBDK: aesKSN} {
		ksn := ksnOf(t, first)
		b := bdkOf(t, ksn.Scheme(), bdk)
		dst := make([]byte, b.Algorithm().KeyLen())
		if n := testing.AllocsPerRun(100, func() {
			if err := b.DeriveIK(dst, ksn); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", b.Algorithm(), n)
		}
	}
}

func TestInitialKeyNeedsItsExactRoom(t *testing.T) {
	b := bdkOf(t, TDES, tdesBDK)
	for _, n := range []int{0, 8, 15, 17, 24} {
		if err := b.DeriveIK(make([]byte, n), ksnOf(t, tdesKSN)); !fault.Is(err, fault.MalformedLength) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestWipedKeysDeriveNothing(t *testing.T) {
	nothingLeft(t)
	b := bdkOf(t, TDES, tdesBDK)
	b.Wipe()
	if ik, err := b.IK(ksnOf(t, tdesKSN)); err == nil || ik != nil {
		t.Errorf("a wiped BDK gives %v, %v", ik, err)
	}
	ksn := ksnOf(t, "123456789012345600000001")
	ik := ikOf(t, aesBDK, ksn)
	tdesKSN1 := ksnOf(t, "FFFF9876543210E00001")
	for _, txn := range []*Transaction{txnOf(t, ik, ksn), txnOf(t, ikOf(t, tdesBDK, tdesKSN1), tdesKSN1)} {
		txn.Wipe()
		if k, err := txn.Working(PIN, ""); err == nil || k != nil {
			t.Errorf("a wiped transaction key gives %v, %v", k, err)
		}
	}
	ik.Wipe()
	if txn, err := ik.Transaction(ksn); err == nil || txn != nil {
		t.Errorf("a wiped initial key gives %v, %v", txn, err)
	}
	tdes := ikOf(t, tdesBDK, ksnOf(t, tdesKSN))
	tdes.Wipe()
	if txn, err := tdes.Transaction(tdesKSN1); err == nil || txn != nil {
		t.Errorf("a wiped initial key gives %v, %v", txn, err)
	}
	if d, err := NewDevice(tdes, ksnOf(t, tdesKSN)); err == nil || d != nil {
		t.Errorf("a wiped initial key is loaded: %v, %v", d, err)
	}
	(*BDK)(nil).Wipe()
	(*IK)(nil).Wipe()
	(*Transaction)(nil).Wipe()
}

func TestKeysHandedInStayTheCallers(t *testing.T) {
	nothingLeft(t)
	bdk := wiped(t, keys.TDES128, tdesBDK)
	b, err := NewBDK(TDES, bdk)
	if err != nil {
		t.Fatal(err)
	}
	b.Wipe()
	ik, err := NewIK(TDES, bdk)
	if err != nil {
		t.Fatal(err)
	}
	if ik.Wipe(); digitsOf(bdk) != tdesBDK {
		t.Errorf("the caller's key is %s now", digitsOf(bdk))
	}
}

// combination is a use and a type with what must come of it.
type combination struct {
	use  Use
	as   KeyType
	kind fault.Kind // "" when it works
	alg  keys.Algorithm
	says string
}

func checkCombination(t *testing.T, txn *Transaction, c combination) {
	t.Helper()
	k, err := txn.Working(c.use, c.as)
	as, early := CheckWorking(txn.Key().Algorithm(), c.use, c.as)
	if (err == nil) != (early == nil) || err != nil && err.Error() != early.Error() {
		t.Errorf("%s %s: told %v before and %v after", c.use, c.as, early, err)
	}
	if c.kind != "" {
		if !fault.Is(err, c.kind) || k != nil || as != "" || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %s: %v, %v, want kind %s and %q", c.use, c.as, k, err, c.kind, c.says)
		}
		return
	}
	if err != nil {
		t.Errorf("%s %s: %v", c.use, c.as, err)
		return
	}
	defer k.Wipe()
	if k.Algorithm() != c.alg || as.Algorithm() != c.alg || k.Len() != as.Len() {
		t.Errorf("%s %s: a key for %s of %d bytes, want %s", c.use, c.as, k.Algorithm(), k.Len(), c.alg)
	}
}

func TestTDESHasItsFiveUsesAndOneType(t *testing.T) {
	nothingLeft(t)
	ksn := ksnOf(t, "FFFF9876543210E00001")
	txn := txnOf(t, ikOf(t, tdesBDK, ksn), ksn)
	for _, u := range Uses(TDES) {
		checkCombination(t, txn, combination{use: u, alg: keys.TDES128})
		checkCombination(t, txn, combination{use: u, as: TypeTDES128, alg: keys.TDES128})
		checkCombination(t, txn, combination{use: u, as: TypeAES128, kind: fault.Usage, says: "tdes-128 working keys only"})
	}
	for _, c := range []combination{
		{use: MAC, kind: fault.Usage, says: "no MAC key for both ways; take mac-request or mac-response"},
		{use: Data, kind: fault.Usage, says: "no data key for both ways; take data-request or data-response"},
		{use: KEK, kind: fault.Usage, says: "only AES DUKPT"},
		{use: "txn", kind: fault.Usage, says: "unknown use"},
		{use: "", kind: fault.Usage, says: "unknown use"},
	} {
		checkCombination(t, txn, c)
	}
	if k, err := ikOf(t, tdesBDK, ksn).UpdateKey(ksn, ""); !fault.Is(err, fault.Usage) || k != nil {
		t.Errorf("update key: %v, %v", k, err)
	}
}

// TestTDESWorkingKeysAreTheTransactionKeyWithItsConstant: table A-1, to the parity bits, which no MAC or PIN block
// shows.
func TestTDESWorkingKeysAreTheTransactionKeyWithItsConstant(t *testing.T) {
	ksn := ksnOf(t, "FFFF9876543210E00001")
	txn := txnOf(t, ikOf(t, tdesBDK, ksn), ksn)
	for use, constant := range map[Use]string{PIN: "00000000000000FF", MACRequest: "000000000000FF00", MACResponse: "00000000FF000000",
		DataRequest: "0000000000FF0000", DataResponse: "000000FF00000000"} {
		want := testvec.Hex(t, constant+constant)
		for i, x := range txn.Key().Secret().Expose() {
			want[i] ^= x
		}
		if use.IsData() {
			b, err := cipherx.NewTDES(want)
			if err != nil {
				t.Fatal(err)
			}
			want = ecb(b, want)
		}
		if got := workingOf(t, txn, use, ""); !bytes.Equal(got, want) {
			t.Errorf("%s: %X, want %X", use, got, want)
		}
	}
}

func TestAESHasEveryUseAndType(t *testing.T) {
	nothingLeft(t)
	ksn := ksnOf(t, "123456789012345600000001")
	txn := txnOf(t, ikOf(t, aesBDK, ksn), ksn)
	if txn.KSN() != ksn || txn.Scheme() != AES {
		t.Errorf("the key is of %s by %s", txn.KSN(), txn.Scheme())
	}
	seen := map[string]string{}
	for _, u := range Uses(AES) {
		checkCombination(t, txn, combination{use: u, alg: keys.AES128})
		for _, as := range KeyTypes() {
			c := combination{use: u, as: as, alg: as.Algorithm()}
			if as.IsHMAC() && !u.IsMAC() {
				c.kind, c.says = fault.Usage, "an HMAC key"
			}
			checkCombination(t, txn, c)
			if c.kind == "" {
				name, digits := string(u)+" "+string(as), string(workingOf(t, txn, u, as)[:16])
				if other, twice := seen[digits]; twice {
					t.Errorf("%s and %s are the same key", name, other)
				}
				seen[digits] = name
			}
		}
	}
	if len(seen) != 8*5+3*3 {
		t.Errorf("%d working keys, want 49", len(seen))
	}
	for _, c := range []combination{
		{use: PIN, as: "sm4", kind: fault.Usage, says: "unknown type"},
		{use: PIN, as: "des", kind: fault.Usage, says: "unknown type"},
		{use: "txn", kind: fault.Usage, says: "unknown use"},
	} {
		checkCombination(t, txn, c)
	}
}

func TestTypeLeftOpenIsThatOfTheBDK(t *testing.T) {
	ksn := ksnOf(t, "123456789012345600000001")
	for bdk, want := range map[string]KeyType{aesBDK: TypeAES128, aesBDK + aesBDK[:16]: TypeAES192, aesBDK + aesBDK: TypeAES256} {
		ik := ikOf(t, bdk, ksn)
		txn := txnOf(t, ik, ksn)
		if !bytes.Equal(workingOf(t, txn, PIN, ""), workingOf(t, txn, PIN, want)) {
			t.Errorf("%s: the PIN key is not %s", aesOf(bdk), want)
		}
		update, err := ik.UpdateKey(ksn, "")
		if err != nil || update.Algorithm() != want.Algorithm() {
			t.Fatalf("%s: the update key is %v, %v", aesOf(bdk), update, err)
		}
		update.Wipe()
	}
}

func TestNamesAreReadInEitherCase(t *testing.T) {
	for in, want := range map[string]KeyType{"AES-256": TypeAES256, " hmac-128": TypeHMAC128, "hmac-sha256": TypeHMAC256} {
		if k, err := ParseKeyType(in); err != nil || k != want {
			t.Errorf("%q: %s, %v", in, k, err)
		}
	}
	for _, in := range []string{"", tdesBDK, "aes", "hmac", "hmac-512"} {
		if k, err := ParseKeyType(in); !fault.Is(err, fault.Usage) || k != "" || strings.Contains(err.Error(), tdesBDK) {
			t.Errorf("type %q: %s, %v", in, k, err)
		}
	}
	for _, none := range []KeyType{"", "nonsense", "des", "sm4", "hmac-sha256", "AES-128"} {
		if none.Len() != 0 {
			t.Errorf("%q is no type and has a length", none)
		}
	}
}

// TestOnlyTheExactNameDerives: a name that was not parsed must not pass the check and then fall into some other use's
// derivation.
func TestOnlyTheExactNameDerives(t *testing.T) {
	nothingLeft(t)
	for bdk, text := range map[string]string{tdesBDK: "FFFF9876543210E00001", aesBDK: "123456789012345600000001"} {
		ksn := ksnOf(t, text)
		txn := txnOf(t, ikOf(t, bdk, ksn), ksn)
		for _, use := range []Use{"PIN", " pin", "Mac-Request"} {
			checkCombination(t, txn, combination{use: use, kind: fault.Usage, says: "unknown use"})
		}
		for _, as := range []KeyType{"AES-128", "TDES-128 ", "hmac-sha256"} {
			checkCombination(t, txn, combination{use: MACRequest, as: as, kind: fault.Usage, says: "unknown type"})
		}
	}
}

func TestWorkingKeyStrongerThanItsBDKIsWarnedOf(t *testing.T) {
	for _, c := range []struct {
		bdk  string
		as   KeyType
		warn bool
	}{
		{aesBDK, TypeAES128, false}, {aesBDK, TypeAES192, true}, {aesBDK, TypeAES256, true}, {aesBDK, TypeHMAC256, true},
		{aesBDK, TypeHMAC128, false}, {aesBDK, TypeTDES192, false}, {aesBDK + aesBDK[:16], TypeAES256, true},
		{aesBDK + aesBDK, TypeAES256, false}, {aesBDK + aesBDK, TypeHMAC256, false},
	} {
		var want []string
		if c.warn {
			want = []string{"stronger_than_base"}
		}
		wantWarnings(t, WorkingWarnings(wiped(t, aesOf(c.bdk), c.bdk).Strength(), c.as), want...)
	}
	wantWarnings(t, WorkingWarnings(wiped(t, keys.TDES128, tdesBDK).Strength(), TypeTDES128))
}

// TestAnUpdateKeyThatIsTooWeakIsWarnedOf: it protects an initial key like the one it comes from.
func TestAnUpdateKeyThatIsTooWeakIsWarnedOf(t *testing.T) {
	wantWarnings(t, UpdateWarnings(256, TypeAES128), "weaker_update_key")
	wantWarnings(t, UpdateWarnings(192, TypeTDES192), "weaker_update_key")
	wantWarnings(t, UpdateWarnings(128, TypeAES128))
	wantWarnings(t, UpdateWarnings(128, TypeAES256))
}

func TestMistakesAreOnlyThoseThatExist(t *testing.T) {
	nothingLeft(t)
	tdes, aes := ksnOf(t, "FFFF9876543210E00001"), ksnOf(t, "123456789012345600000001")
	txn := txnOf(t, ikOf(t, tdesBDK, tdes), tdes)
	for use, want := range map[Use]string{DataRequest: "042666B4917BCFA368DE9628D0C67BC9", DataResponse: "0426664B9184CFA368DE96D7D0397BC9"} {
		k := mistakenDataKey(t, txn, use)
		if bytes.Equal(k.Secret().Expose(), workingOf(t, txn, use, "")) {
			t.Errorf("%s: the mistake gives the right key", use)
		}
		if got := digitsOf(k); got != want {
			t.Errorf("%s: %s, want %s", use, got, want)
		}
		k.Wipe()
	}
	if k, err := bdkOf(t, AES, aesBDK).WithdrawnIK(aes); !fault.Is(err, fault.Usage) || k != nil {
		t.Errorf("AES: %v, %v", k, err)
	}
	if k, err := bdkOf(t, TDES, tdesBDK).WithdrawnIK(aes); !fault.Is(err, fault.KSNLength) || k != nil {
		t.Errorf("AES KSN: %v, %v", k, err)
	}
}

func TestWithdrawnSchemeTakesOnlyWhatItHad(t *testing.T) {
	nothingLeft(t)
	ik, err := bdkOf(t, TDES, tdesBDK).WithdrawnIK(ksnOf(t, tdesKSN))
	if err != nil {
		t.Fatal(err)
	}
	defer ik.Wipe()
	if txn, err := ik.Transaction(ksnOf(t, aesKSN)); !fault.Is(err, fault.KSNLength) || txn != nil {
		t.Errorf("AES KSN: %v, %v", txn, err)
	}
}

// TestErrorsNeverCarryKeys: what is refused is described, not shown.
func TestErrorsNeverCarryKeys(t *testing.T) {
	ik := ikOf(t, tdesBDK, ksnOf(t, tdesKSN))
	long, err := keys.New(keys.TDES192, secret.Copy(append(ik.Key().Secret().Expose(), make([]byte, 8)...)))
	if err != nil {
		t.Fatal(err)
	}
	defer long.Wipe()
	if _, err := NewIK(TDES, long); err == nil || strings.Contains(strings.ToUpper(err.Error()), digitsOf(ik.Key())[:8]) {
		t.Error(err)
	}
}
