package hsmtest

// Claims about DUKPT inside the boundary. What must come out is computed outside by pkg/dukpt, which has vectors of its
// own.

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/testvec"
	"poskey/pkg/component"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

func (s suite) deriving(t *testing.T) {
	s.claim(t, "initial and transaction keys are those of the published vectors", publishedDUKPT)
	s.claim(t, "every key of DUKPT is the one that pkg/dukpt derives, from BDK and IK alike", everyDerivation)
	s.claim(t, "a derived key has the attributes of its use", derivedAttributes)
	s.claim(t, "an initial key from the boundary derives the keys of its BDK", derivedBase)
	s.claim(t, "a key derives only at the level of its usage", wrongLevel)
	s.claim(t, "a derivation that makes no sense is refused", senseless)
	s.claim(t, "a weak derived key is refused unless the policy takes it", weakDerived)
	s.claim(t, "a transaction key goes into no block", transactionStays)
	s.claim(t, "the block of an initial key names its KSN", namedKSN)
	s.claim(t, "a base of another boundary, or one that was changed, derives nothing", s.changedBase)
	s.claim(t, "a cancelled or closed boundary derives nothing", endedDeriving)
	s.claim(t, "one BDK serves 8 goroutines at once", derivingAtOnce)
	s.claim(t, "many BDKs in turn derive their own keys", manyBDKs)
}

// scheme is a BDK with a KSN of its scheme: published TEST keys.
type scheme struct {
	bdk string
	alg keys.Algorithm
	ksn string
}

func schemes() []scheme {
	const aes = "FEDCBA9876543210F1F1F1F1F1F1F1F1"
	return []scheme{
		{"0123456789ABCDEFFEDCBA9876543210", keys.TDES128, "FFFF9876543210E00003"},
		{aes, keys.AES128, "123456789012345600000003"},
		{aes + aes[:16], keys.AES192, "123456789012345600000003"},
		{aes + aes, keys.AES256, "123456789012345600000003"},
	}
}

func (c scheme) serial(t *testing.T) dukpt.KSN {
	t.Helper()
	k, err := dukpt.ParseKSN(c.ksn)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// base takes the BDK into the boundary.
func (c scheme) base(t *testing.T, b hsm.Boundary) hsm.Key {
	t.Helper()
	return takeFor(t, b, c.alg, unhex(t, c.bdk), keys.UsageBDK)
}

// initial derives the initial key outside; it is wiped with the test.
func (c scheme) initial(t *testing.T, ksn dukpt.KSN) *dukpt.IK {
	t.Helper()
	bdk, err := dukpt.NewBDK(ksn.Scheme(), clearKey(t, c.alg, unhex(t, c.bdk)))
	if err != nil {
		t.Fatal(err)
	}
	ik, err := bdk.IK(ksn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ik.Wipe)
	return ik
}

// derivations lists all that can be derived with a KSN, from a BDK.
func derivations(ksn dukpt.KSN) []hsm.Derivation {
	all := []hsm.Derivation{{Want: hsm.WantIK}, {Want: hsm.WantTransaction}}
	types := []dukpt.KeyType{""}
	if ksn.Scheme() == dukpt.AES {
		types = append(types, dukpt.KeyTypes()...)
	}
	for _, as := range types {
		for _, use := range dukpt.Uses(ksn.Scheme()) {
			if use.IsMAC() || !as.IsHMAC() {
				all = append(all, hsm.Derivation{Want: hsm.WantWorking, Use: use, Type: as})
			}
		}
		if ksn.Scheme() == dukpt.AES && !as.IsHMAC() {
			all = append(all, hsm.Derivation{Want: hsm.WantUpdate, Type: as})
		}
	}
	for i := range all {
		all[i].KSN, all[i].From = ksn, hsm.FromBDK
	}
	return all
}

// outsideKey derives outside what d derives inside.
func outsideKey(t *testing.T, ik *dukpt.IK, d hsm.Derivation) *keys.Key {
	t.Helper()
	k, err := ik.Key(), error(nil)
	switch d.Want {
	case hsm.WantUpdate:
		k, err = ik.UpdateKey(d.KSN, d.Type)
	case hsm.WantTransaction, hsm.WantWorking:
		txn, txnErr := ik.Transaction(d.KSN)
		if txnErr != nil {
			t.Fatal(txnErr)
		}
		t.Cleanup(txn.Wipe)
		if k = txn.Key(); d.Want == hsm.WantWorking {
			k, err = txn.Working(d.Use, d.Type)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Wipe)
	return k
}

func name(d hsm.Derivation) string {
	return fmt.Sprintf("%s from %s, %s %s, %s", d.Want, d.From, d.Use, d.Type, d.KSN)
}

// derive derives what must come out.
func derive(t *testing.T, b hsm.Boundary, base hsm.Key, d hsm.Derivation) hsm.Key {
	t.Helper()
	k, err := b.Derive(t.Context(), base, d, hsm.Policy{AllowWeak: true})
	if err != nil {
		t.Fatalf("%s: %v", name(d), err)
	}
	return k
}

func publishedDUKPT(t *testing.T, b hsm.Boundary) {
	type vector struct {
		Scheme, BDK, KSN, IK string
		Txn                  string `json:"txn_key"`
		MustReject           bool   `json:"must_reject"`
	}
	compared := 0
	for _, v := range append(testvec.Load[vector](t, "dukpt_tdes.json"), testvec.Load[vector](t, "dukpt_aes.json")...) {
		if v.MustReject || v.BDK == "" || v.KSN == "" || v.Scheme == "des-dukpt" {
			continue
		}
		c := scheme{v.BDK, keys.TDES128, v.KSN}
		if c.serial(t).Scheme() == dukpt.AES {
			c.alg = keys.AES128.ForLength(len(v.BDK) / 2)
		}
		base, d := c.base(t, b), hsm.Derivation{From: hsm.FromBDK, KSN: c.serial(t), Want: hsm.WantIK}
		wantKey(t, b, derive(t, b, base, d), unhex(t, v.IK))
		if d.Want = hsm.WantTransaction; v.Txn != "" {
			wantKey(t, b, derive(t, b, base, d), unhex(t, v.Txn))
			compared++
		}
	}
	if compared < 150 {
		t.Errorf("%d transaction keys were compared: vectors are missing", compared)
	}
}

func everyDerivation(t *testing.T, b hsm.Boundary) {
	for _, c := range schemes() {
		ksn := c.serial(t)
		ik := c.initial(t, ksn)
		fromBDK := c.base(t, b)
		fromIK := takeFor(t, b, c.alg, ik.Key().Secret().Expose(), keys.UsageIK)
		for _, d := range derivations(ksn) {
			want := outsideKey(t, ik, d)
			k := derive(t, b, fromBDK, d)
			wantKey(t, b, k, want.Secret().Expose())
			shows(t, name(d), want.Secret().Expose(), k)
			if d.Want == hsm.WantIK {
				continue
			}
			d.From = hsm.FromIK
			wantKey(t, b, derive(t, b, fromIK, d), want.Secret().Expose())
		}
	}
}

func derivedAttributes(t *testing.T, b hsm.Boundary) {
	for _, c := range schemes() {
		ksn := c.serial(t)
		for _, exportability := range []byte("ENS") {
			a := hsm.Attributes{Algorithm: c.alg, Usage: keys.UsageBDK, Exportability: exportability}
			base, err := b.Import(t.Context(), secret.Copy(unhex(t, c.bdk)), a, hsm.Policy{AllowWeak: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range derivations(ksn) {
				k := derive(t, b, base, d)
				want := wantedAttributes(d, outsideKey(t, c.initial(t, ksn), d).Algorithm(), exportability)
				if k.Attributes != want {
					t.Errorf("%s: attributes %+v, want %+v", name(d), k.Attributes, want)
				}
			}
		}
	}
}

// wantedAttributes is the table of usages and modes: the terminal's side of X9.143 table 2.
func wantedAttributes(d hsm.Derivation, alg keys.Algorithm, exportability byte) hsm.Attributes {
	a := hsm.Attributes{Algorithm: alg, Exportability: exportability}
	switch d.Want {
	case hsm.WantIK:
		a.Usage, a.Mode = "B1", 'X'
		return a
	case hsm.WantTransaction:
		return hsm.Attributes{Algorithm: alg, Usage: hsm.UsageTransaction, Mode: 'X', Exportability: 'N'}
	case hsm.WantUpdate:
		a.Usage, a.Mode = "K0", 'B'
		return a
	}
	mac := keys.Usage("M6")
	switch {
	case alg.IsHMAC():
		mac = "M7"
	case d.KSN.Scheme() == dukpt.TDES:
		mac = "M3"
	}
	row := map[dukpt.Use]hsm.Attributes{
		dukpt.PIN:          {Usage: "P0", Mode: 'E'},
		dukpt.MACRequest:   {Usage: mac, Mode: 'G'},
		dukpt.MACResponse:  {Usage: mac, Mode: 'V'},
		dukpt.MAC:          {Usage: mac, Mode: 'C'},
		dukpt.DataRequest:  {Usage: "D0", Mode: 'E'},
		dukpt.DataResponse: {Usage: "D0", Mode: 'D'},
		dukpt.Data:         {Usage: "D0", Mode: 'B'},
		dukpt.KEK:          {Usage: "K0", Mode: 'B'},
	}[d.Use]
	a.Usage, a.Mode = row.Usage, row.Mode
	return a
}

func derivedBase(t *testing.T, b hsm.Boundary) {
	for _, c := range schemes() {
		ksn := c.serial(t)
		base := c.base(t, b)
		ik := derive(t, b, base, hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantIK})
		for _, d := range derivations(ksn)[1:] {
			want := derive(t, b, base, d)
			d.From = hsm.FromIK
			if got := derive(t, b, ik, d); got.Check != want.Check || got.Attributes != want.Attributes || got.Len != want.Len {
				t.Errorf("%s: %+v, want %+v", name(d), got.Attributes, want.Attributes)
			}
		}
	}
}

func wrongLevel(t *testing.T, b hsm.Boundary) {
	for _, c := range schemes() {
		d := hsm.Derivation{From: hsm.FromBDK, KSN: c.serial(t), Want: hsm.WantTransaction}
		for _, usage := range keys.Usages() {
			base := takeFor(t, b, c.alg, unhex(t, c.bdk), usage)
			for _, level := range []hsm.Level{hsm.FromBDK, hsm.FromIK} {
				d.From = level
				if usage == map[hsm.Level]keys.Usage{hsm.FromBDK: "B0", hsm.FromIK: "B1"}[level] {
					derive(t, b, base, d)
					continue
				}
				k, err := b.Derive(t.Context(), base, d, hsm.Policy{Inspect: true})
				refused(t, string(usage)+" at level "+string(level), k, err, fault.NotPermitted)
				shows(t, "error", unhex(t, c.bdk), err)
			}
		}
		d.From = hsm.FromIK
		txn := derive(t, b, takeFor(t, b, c.alg, unhex(t, c.bdk), keys.UsageIK), d)
		k, err := b.Derive(t.Context(), txn, d, hsm.Policy{Inspect: true})
		refused(t, "a transaction key taken for an initial key", k, err, fault.NotPermitted)
	}
	odd := hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsageBDK, Mode: 'E'}
	base, err := b.Import(t.Context(), secret.Copy(unhex(t, schemes()[0].bdk)), odd, hsm.Policy{AllowWeak: true})
	if err != nil {
		t.Fatal(err)
	}
	k, err := b.Derive(t.Context(), base, hsm.Derivation{From: hsm.FromBDK, KSN: schemes()[0].serial(t), Want: hsm.WantIK}, hsm.Policy{Inspect: true})
	refused(t, "a BDK whose mode is encryption", k, err, fault.ModeUnfit)
}

func senseless(t *testing.T, b hsm.Boundary) {
	tdes, aes := schemes()[0], schemes()[1]
	serial := func(s string) dukpt.KSN { return scheme{ksn: s}.serial(t) }
	good := hsm.Derivation{From: hsm.FromBDK, KSN: tdes.serial(t), Want: hsm.WantIK}
	for _, c := range []struct {
		what   string
		scheme scheme
		change func(d *hsm.Derivation)
		kind   fault.Kind
	}{
		{"no KSN", tdes, func(d *hsm.Derivation) { d.KSN = dukpt.KSN{} }, fault.KSNLength},
		{"an AES KSN for a TDES BDK", tdes, func(d *hsm.Derivation) { d.KSN = aes.serial(t) }, fault.Malformed},
		{"a TDES KSN for an AES BDK", aes, func(d *hsm.Derivation) { d.KSN = tdes.serial(t) }, fault.Malformed},
		{"no level", tdes, func(d *hsm.Derivation) { d.From = "" }, fault.Usage},
		{"a working key of a triple-length TDES BDK", scheme{bdk: tdes.bdk + tdes.bdk[:16], alg: keys.TDES192}, func(d *hsm.Derivation) {
			d.Want, d.Use, d.KSN = hsm.WantWorking, dukpt.PIN, tdes.serial(t)
		}, fault.Malformed},
		{"nothing wanted", tdes, func(d *hsm.Derivation) { d.Want = "" }, fault.Usage},
		{"nonsense wanted", tdes, func(d *hsm.Derivation) { d.Want = "everything" }, fault.Usage},
		{"an initial key with a use", tdes, func(d *hsm.Derivation) { d.Use = dukpt.PIN }, fault.Usage},
		{"an initial key with a type", tdes, func(d *hsm.Derivation) { d.Type = dukpt.TypeTDES128 }, fault.Usage},
		{"counter 0", tdes, func(d *hsm.Derivation) { d.Want, d.KSN = hsm.WantTransaction, d.KSN.Initial() }, fault.CounterBits},
		{"11 bits", tdes, func(d *hsm.Derivation) { d.Want, d.KSN = hsm.WantTransaction, serial("FFFF9876543210E007FF") }, fault.CounterBits},
		{"a working key of 11 bits", tdes, func(d *hsm.Derivation) {
			d.Want, d.Use, d.KSN = hsm.WantWorking, dukpt.PIN, serial("FFFF9876543210E007FF")
		}, fault.CounterBits},
		{"a transaction key with a type", tdes, func(d *hsm.Derivation) { d.Want, d.Type = hsm.WantTransaction, dukpt.TypeTDES128 }, fault.Usage},
		{"a working key for no use", tdes, func(d *hsm.Derivation) { d.Want = hsm.WantWorking }, fault.Usage},
		{"a TDES KEK", tdes, func(d *hsm.Derivation) { d.Want, d.Use = hsm.WantWorking, dukpt.KEK }, fault.Usage},
		{"a TDES working key for AES", tdes, func(d *hsm.Derivation) {
			d.Want, d.Use, d.Type = hsm.WantWorking, dukpt.PIN, dukpt.TypeAES128
		}, fault.Usage},
		{"a TDES update key", tdes, func(d *hsm.Derivation) { d.Want = hsm.WantUpdate }, fault.Usage},
		{"an update key with a use", aes, func(d *hsm.Derivation) { d.Want, d.Use, d.KSN = hsm.WantUpdate, dukpt.KEK, aes.serial(t) }, fault.Usage},
		{"an HMAC update key", aes, func(d *hsm.Derivation) { d.Want, d.Type, d.KSN = hsm.WantUpdate, dukpt.TypeHMAC128, aes.serial(t) }, fault.Usage},
		{"an HMAC PIN key", aes, func(d *hsm.Derivation) {
			d.Want, d.Use, d.Type, d.KSN = hsm.WantWorking, dukpt.PIN, dukpt.TypeHMAC128, aes.serial(t)
		}, fault.Usage},
	} {
		d := good
		c.change(&d)
		k, err := b.Derive(t.Context(), c.scheme.base(t, b), d, hsm.Policy{AllowWeak: true})
		refused(t, c.what, k, err, c.kind)
	}
	good.From = hsm.FromIK
	k, err := b.Derive(t.Context(), takeFor(t, b, tdes.alg, unhex(t, tdes.bdk), keys.UsageIK), good, hsm.Policy{AllowWeak: true})
	refused(t, "an initial key from an initial key", k, err, fault.Usage)
	good.From = hsm.FromBDK
	k, err = b.Derive(t.Context(), takeFor(t, b, keys.SM4, unhex(t, aes.bdk), keys.UsageBDK), good, hsm.Policy{AllowWeak: true})
	refused(t, "an SM4 BDK", k, err, fault.Malformed)
}

// weakDerived: the initial key of the standard's example stands in every manual.
func weakDerived(t *testing.T, b hsm.Boundary) {
	c := scheme{"0123456789ABCDEFFEDCBA9876543210", keys.TDES128, "FFFF9876543210E00000"}
	d := hsm.Derivation{From: hsm.FromBDK, KSN: c.serial(t), Want: hsm.WantIK}
	base := c.base(t, b)
	k, err := b.Derive(t.Context(), base, d, hsm.Policy{})
	refused(t, "a published initial key", k, err, fault.WeakKey)
	for _, p := range []hsm.Policy{{AllowWeak: true}, {Inspect: true}} {
		k, err := b.Derive(t.Context(), base, d, p)
		if err != nil || !slices.Contains(k.Weak, keys.PublishedSample) {
			t.Errorf("%+v: weaknesses %v, %v", p, k.Weak, err)
		}
	}
	d.KSN = scheme{ksn: "FFFF9876543211000000"}.serial(t)
	if k, err := b.Derive(t.Context(), base, d, hsm.Policy{}); err != nil || len(k.Weak) != 0 {
		t.Errorf("a sound initial key: weaknesses %v, %v", k.Weak, err)
	}
}

// transactionStays: there is no usage for it, and one that lies would make it an initial key, or a data key.
func transactionStays(t *testing.T, b hsm.Boundary) {
	_, held := kbpk(t, b, keys.AES256, "kbpk")
	for _, c := range schemes() {
		ksn := c.serial(t)
		d := hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantTransaction}
		base := c.base(t, b)
		k := derive(t, b, base, d)
		parts, err := b.Split(t.Context(), k, component.Spec{Scheme: component.XOR, Parts: 2})
		refused(t, "components of a transaction key", parts, err, fault.NotPermitted)
		wantKey(t, b, k, outsideKey(t, c.initial(t, ksn), d).Secret().Expose())
		for _, usage := range []keys.Usage{hsm.UsageTransaction, keys.UsageIK, keys.UsageData, keys.UsageBDK} {
			h := header('D', c.alg)
			h.Usage, h.Mode = usage, usage.DefaultMode()
			w, err := b.Wrap(t.Context(), k, held, h, keyblock.WrapOptions{AllowUnfit: true, AllowWeak: true})
			refused(t, "a transaction key as "+string(usage), w, err, fault.NotPermitted)
		}
		d.Want, d.Use = hsm.WantWorking, dukpt.PIN
		h := header('D', c.alg)
		h.Usage, h.Mode = keys.UsagePIN, 'E'
		if _, err := b.Wrap(t.Context(), derive(t, b, base, d), held, h, keyblock.WrapOptions{}); err != nil {
			t.Errorf("a PIN key: %v", err)
		}
	}
}

func namedKSN(t *testing.T, b hsm.Boundary) {
	outside, held := kbpk(t, b, keys.AES256, "kbpk")
	for _, c := range schemes() {
		ksn := c.serial(t)
		k := derive(t, b, c.base(t, b), hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantIK})
		h := header('D', c.alg)
		h.Usage, h.Mode = k.Usage, k.Mode
		_, err := b.Wrap(t.Context(), k, held, h, keyblock.WrapOptions{AllowWeak: true})
		refused(t, "an initial key without its KSN", nil, err, fault.MissingKSN)
		named := hsm.KSNBlock(ksn)
		h.SetOpt(named.ID, named.Data)
		w, err := b.Wrap(t.Context(), k, held, h, keyblock.WrapOptions{AllowWeak: true})
		if err != nil {
			t.Fatal(err)
		}
		block := parse(t, w.Block)
		id, data := "KS", ksn.Initial().String()
		if ksn.Scheme() == dukpt.AES {
			id, data = "IK", ksn.String()[:16]
		}
		if got, ok := block.Opt(id); !ok || got != data || len(block.Lint()) != 0 {
			t.Errorf("%s: %s is %q, warnings %v", ksn, id, got, warnings(block.Lint()))
		}
		want := c.initial(t, ksn).Key()
		if !openOutside(t, outside, block).Key.Secret().Equal(want.Secret()) {
			t.Errorf("%s: the block holds another key", ksn)
		}
	}
}

func (s suite) changedBase(t *testing.T, b hsm.Boundary) {
	c := schemes()[0]
	d := hsm.Derivation{From: hsm.FromBDK, KSN: c.serial(t), Want: hsm.WantIK}
	base := c.base(t, b)
	for round := range 2 { // the second time the BDK stands ready
		foreign := c.base(t, s.start(t))
		k, err := b.Derive(t.Context(), foreign, d, hsm.Policy{Inspect: true})
		refused(t, "a BDK of another boundary", k, err)
		for what, change := range map[string]func(k *hsm.Key){
			"exportability": func(k *hsm.Key) { k.Exportability = 'N' },
			"mode":          func(k *hsm.Key) { k.Mode = 'N' },
			"algorithm":     func(k *hsm.Key) { k.Algorithm = keys.DES },
			"length":        func(k *hsm.Key) { k.Len = 24 },
			"block":         func(k *hsm.Key) { k.Block = damage(k.Block, len(k.Block)-1) },
			"header":        func(k *hsm.Key) { k.Block = damage(k.Block, 12) },
			"no block":      func(k *hsm.Key) { k.Block = "" },
		} {
			changed := base
			change(&changed)
			k, err := b.Derive(t.Context(), changed, d, hsm.Policy{Inspect: true})
			refused(t, fmt.Sprintf("round %d: another %s", round+1, what), k, err)
		}
		asData := takeFor(t, b, c.alg, unhex(t, c.bdk), keys.UsageData)
		asData.Usage, asData.Mode = keys.UsageBDK, 'X'
		k, err = b.Derive(t.Context(), asData, d, hsm.Policy{Inspect: true})
		refused(t, "a data key called a BDK", k, err, fault.NotPermitted)
		wantKey(t, b, derive(t, b, base, d), c.initial(t, d.KSN).Key().Secret().Expose())
	}
}

func endedDeriving(t *testing.T, b hsm.Boundary) {
	c := schemes()[0]
	base, ksn := c.base(t, b), c.serial(t)
	ik := takeFor(t, b, c.alg, unhex(t, c.bdk), keys.UsageIK)
	tries := []struct {
		what string
		base hsm.Key
		d    hsm.Derivation
	}{
		{"from a BDK", base, hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantIK}},
		{"from an IK", ik, hsm.Derivation{From: hsm.FromIK, KSN: ksn, Want: hsm.WantTransaction}},
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, try := range tries {
		derive(t, b, try.base, try.d)
		k, err := b.Derive(cancelled, try.base, try.d, hsm.Policy{Inspect: true})
		refused(t, "cancelled, "+try.what, k, err, fault.Interrupted)
	}
	if err := b.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	for _, try := range tries {
		k, err := b.Derive(t.Context(), try.base, try.d, hsm.Policy{Inspect: true})
		refused(t, "closed, "+try.what, k, err)
	}
}

func derivingAtOnce(t *testing.T, b hsm.Boundary) {
	for _, c := range schemes() {
		base := c.base(t, b)
		d := hsm.Derivation{From: hsm.FromBDK, KSN: c.serial(t), Want: hsm.WantTransaction}
		want := derive(t, b, base, d).Check
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range rounds {
					k, err := b.Derive(t.Context(), base, d, hsm.Policy{AllowWeak: true})
					if err != nil || k.Check != want {
						t.Errorf("%s: check value %s, %v, want %s", c.alg, k.Check, err, want)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

// manyBDKs takes more of them than any boundary would keep ready, and then the first ones again.
func manyBDKs(t *testing.T, b hsm.Boundary) {
	ksn := schemes()[0].serial(t)
	d := hsm.Derivation{From: hsm.FromBDK, KSN: ksn, Want: hsm.WantIK}
	var bases []hsm.Key
	for i := range 150 {
		c := scheme{testvec.Upper(sound(t, keys.TDES128, fmt.Sprint("bdk ", i))), keys.TDES128, ksn.String()}
		bases = append(bases, c.base(t, b))
		wantKey(t, b, derive(t, b, bases[i], d), c.initial(t, ksn).Key().Secret().Expose())
	}
	seen := map[string]bool{}
	for _, base := range append(bases, bases...) {
		seen[derive(t, b, base, d).Check.Digits] = true
	}
	if len(seen) < 149 { // two check values of 24 bits may be equal once in a thousand runs; the keys are fixed, so never here
		t.Errorf("%d check values of 150 BDKs", len(seen))
	}
}
