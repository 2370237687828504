package custody

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// TestExactlyEnoughOfficersOpen tries every choice of officers for every threshold of up to five officers.
func TestExactlyEnoughOfficersOpen(t *testing.T) {
	noLeaks(t)
	master := newMaster(t, "subsets")
	all := custodians(t, 5)
	for n := 2; n <= 5; n++ {
		for m := 2; m <= n; m++ {
			doc := sealed(t, master, all[:n], m)
			for chosen := range uint(1 << n) {
				var come []*Identity
				for i, o := range all[:n] {
					if chosen>>i&1 == 1 {
						come = append(come, o)
					}
				}
				openWith(t, doc, master, come, bits.OnesCount(chosen))
			}
		}
	}
}

// openWith has officers come until enough are there, and holds what each step says against what it must.
func openWith(t *testing.T, doc *SealedMaster, master *keys.Key, come []*Identity, number int) {
	t.Helper()
	o := opening(t, doc, &log{})
	defer o.Wipe()
	for i, id := range come {
		if want := doc.Threshold() - i; o.Missing() != max(want, 0) {
			t.Fatalf("%d of %d are there and %d are missing", i, doc.Threshold(), o.Missing())
		}
		err := o.Add(id)
		if i < doc.Threshold() {
			must(t, err)
			continue
		}
		mustFail(t, err, fault.NotPermitted, "no more are needed")
	}
	opened, err := o.Master()
	if number < doc.Threshold() {
		mustFail(t, err, fault.NotPermitted, fmt.Sprintf("%d of %d officers", number, doc.Threshold()),
			fmt.Sprintf("%d more must come", doc.Threshold()-number))
		if opened != nil {
			t.Fatal("a master key beside an error")
		}
		return
	}
	must(t, err)
	defer opened.Wipe()
	if !opened.Key().Secret().Equal(master.Secret()) || len(opened.Officers()) != doc.Threshold() {
		t.Fatal("another master key, or other officers")
	}
}

func TestNineOfNineOpen(t *testing.T) {
	noLeaks(t)
	master, all := newMaster(t, "nine"), custodians(t, 9)
	openWith(t, sealed(t, master, all, 9), master, all, 9)
}

// TestSharesOfFewerThanEnoughDoNotCombine goes below the opening: the shares themselves refuse.
func TestSharesOfFewerThanEnoughDoNotCombine(t *testing.T) {
	noLeaks(t)
	master, all := newMaster(t, "fewer"), custodians(t, 4)
	o := opening(t, sealed(t, master, all, 3), &log{})
	must(t, o.Add(all[3]))
	must(t, o.Add(all[1]))
	k, err := component.Combine(keys.AES256, o.parts)
	mustFail(t, err, fault.PartMissing, "3 are needed")
	if k != nil {
		t.Error("two of three shares give a key")
	}
	for _, p := range o.parts {
		if p.Value.Equal(master.Secret()) {
			t.Error("a share is the master key")
		}
	}
}

func TestOfficerCountsOnce(t *testing.T) {
	noLeaks(t)
	all := custodians(t, 3)
	events := &log{}
	o := opening(t, sealed(t, newMaster(t, "twice"), all, 2), events)
	must(t, o.Add(all[0]))
	mustFail(t, o.Add(all[0]), fault.NotPermitted, "custodian-1 has given a share already")
	if o.Missing() != 1 || len(o.Present()) != 1 || events.kinds() != "share_revealed" {
		t.Errorf("%d missing, recorded %s", o.Missing(), events.kinds())
	}
}

func TestWrongOfficerIsRefusedBeforeAnythingIsOpened(t *testing.T) {
	noLeaks(t)
	all := custodians(t, 3)
	events := &log{}
	o := opening(t, sealed(t, newMaster(t, "wrong"), all[:2], 2), events)
	mustFail(t, o.Add(all[2]), fault.NotPermitted, "custodian-3 holds no share", "custodian-1, custodian-2")

	namesake := &Identity{card: all[0].card, seed: all[2].seed, scalar: all[2].scalar}
	must(t, namesake.signCard()) // says the same as the first officer, with other keys
	mustFail(t, o.Add(namesake), fault.NotPermitted, "custodian-1 holds no share")

	gone := newTest(t, "custodian-1", Custodian)
	gone.Wipe()
	mustFail(t, o.Add(gone), fault.Bug, "wiped")
	mustFail(t, o.Add(nil), fault.Bug, "wiped")
	if len(events.events) != 0 {
		t.Errorf("recorded: %s", events.kinds())
	}
}

// TestImpostorWithAStolenCardCannotOpenTheShare: an identity that claims a card in memory has not its key.
func TestImpostorWithAStolenCardCannotOpenTheShare(t *testing.T) {
	noLeaks(t)
	all := custodians(t, 3)
	events := &log{}
	o := opening(t, sealed(t, newMaster(t, "stolen"), all[:2], 2), events)
	impostor := &Identity{card: all[0].card, seed: all[2].seed, scalar: all[2].scalar}
	mustFail(t, o.Add(impostor), fault.MACMismatch, "share of custodian-1", "not encrypted to the key")
	if events.kinds() != "share_revealed share_refused" || events.events[1].Reason.IsZero() {
		t.Errorf("recorded: %s", events.kinds())
	}
}

func TestExpiredOfficerOpensNothing(t *testing.T) {
	noLeaks(t)
	all := custodians(t, 2)
	doc := sealed(t, newMaster(t, "expired"), all, 2)
	for now, says := range map[time.Time]string{all[0].Card().Expires(): "expired at",
		dawn().Add(-time.Hour): "in the future"} {
		o, err := NewOpening(envAt("late", now), doc, want(doc), &log{})
		must(t, err)
		mustFail(t, o.Add(all[0]), fault.NotPermitted, says)
		o.Wipe()
	}
}

func TestDocumentOfAnotherStoreIsRefusedBeforeAnybodyIsAsked(t *testing.T) {
	doc := sealed(t, newMaster(t, "store"), custodians(t, 2), 2)
	change := func(f func(*Expectation)) Expectation {
		e := want(doc)
		f(&e)
		return e
	}
	cases := []struct {
		want Expectation
		kind fault.Kind
		says string
	}{
		{change(func(e *Expectation) { e.Store = "TEST-STORE-0002" }), fault.NotPermitted, "this is store TEST-STORE-0002"},
		{change(func(e *Expectation) { e.Environment = Production }), fault.NotPermitted, "is for test, this is production"},
		{change(func(e *Expectation) { e.Generation = 2 }), fault.NotPermitted, "void since generation 2"},
		{change(func(e *Expectation) { e.Generation = 0 }), fault.NotPermitted, "older copy of the store"},
		{change(func(e *Expectation) { e.Check.Digits = "000000" }), fault.KCVMismatch, "the store's has 000000"},
	}
	for _, c := range cases {
		o, err := NewOpening(testEnv("x"), doc, c.want, &log{})
		mustFail(t, err, c.kind, c.says)
		if o != nil {
			t.Error("an opening beside an error")
		}
	}
	_, err := NewOpening(testEnv("x"), doc, change(func(e *Expectation) { e.Check = kcv.Value{} }), &log{})
	must(t, err)
}

func TestNothingIsRevealedThatCannotBeRecorded(t *testing.T) {
	noLeaks(t)
	all := custodians(t, 2)
	doc := sealed(t, newMaster(t, "unrecorded"), all, 2)
	for _, rec := range []Recorder{&log{fail: ShareRevealed}, nil} {
		o := opening(t, doc, rec)
		if err := o.Add(all[0]); err == nil || o.Missing() != 2 {
			t.Errorf("a share that nobody recorded: %v", err)
		}
	}
	o := opening(t, doc, &log{fail: MasterOpened})
	must(t, o.Add(all[0]))
	must(t, o.Add(all[1]))
	opened, err := o.Master()
	mustFail(t, err, fault.Failure, "master_opened could not be recorded", "the disk is full")
	if opened != nil {
		t.Error("a master key that nobody recorded")
	}
	mustFail(t, o.Add(all[0]), fault.Bug, "closed")
	_, err = o.Master()
	mustFail(t, err, fault.Bug, "closed")

	impostor := &Identity{card: all[0].card, seed: all[1].seed, scalar: all[1].scalar}
	mustFail(t, opening(t, doc, &log{fail: ShareRefused}).Add(impostor), fault.Failure,
		"share_refused could not be recorded")
}

func TestEventsSayWhoAndWhich(t *testing.T) {
	all := custodians(t, 3)
	doc := sealed(t, newMaster(t, "events"), all, 2)
	events := &log{}
	open(t, doc, events, all[2], all[0])
	if events.kinds() != "share_revealed share_revealed master_opened" {
		t.Fatalf("recorded: %s", events.kinds())
	}
	last := events.events[2]
	if last.Store != testStore || last.Generation != 1 || last.Check != doc.Check() || !last.At.Equal(dawn()) ||
		len(last.Officers) != 2 || last.Officers[0].ID() != "custodian-3" ||
		events.events[1].Officers[0].ID() != "custodian-1" {
		t.Errorf("the last event is %+v", last)
	}
}

func TestEveryDamagedByteOfADocumentIsFound(t *testing.T) {
	raw := sealed(t, newMaster(t, "damage"), custodians(t, 2), 2).Marshal()
	for at := range raw {
		for _, change := range []byte{0x01, 0x20} {
			bad := bytes.Clone(raw)
			bad[at] ^= change
			if doc, err := ParseSealedMaster(bad); err == nil || doc != nil {
				t.Fatalf("byte %d changed by %02X passes", at, change)
			}
		}
		if doc, err := ParseSealedMaster(raw[:at]); err == nil || doc != nil {
			t.Fatalf("a document cut off at %d passes", at)
		}
	}
}

// TestChangedDocumentDoesNotOpen mends the document check after every change. What still parses must fail when the
// officers open it, and the store that is told nothing but its name and generation lets it come that far.
func TestChangedDocumentDoesNotOpen(t *testing.T) {
	noLeaks(t)
	all := custodians(t, 3)
	raw := sealed(t, newMaster(t, "changed"), all, 2).Marshal()
	end := bytes.LastIndex(raw, []byte(labelDigest+": "))
	outcomes := map[fault.Kind]int{}
	stride := 3
	for at := 0; at < end; at += stride {
		bad := bytes.Clone(raw)
		switch c := bad[at]; {
		case c >= '0' && c <= '8' || c >= 'A' && c <= 'E' || c >= 'a' && c <= 'y':
			bad[at]++
		default:
			bad[at]--
		}
		err := openAnyhow(mend(bad), all[:2])
		if err == nil {
			t.Fatalf("byte %d changed and the document opens:\n%s", at, bad)
		}
		outcomes[fault.KindOf(err)]++
	}
	if outcomes[fault.PartForeign] < 50 || outcomes[fault.MACMismatch] < 300 {
		t.Errorf("the refusals are %v", outcomes)
	}
}

// openAnyhow expects what the document says.
func openAnyhow(raw []byte, officers []*Identity) error {
	doc, err := ParseSealedMaster(raw)
	if err != nil {
		return err
	}
	o, err := NewOpening(testEnv("anyhow"), doc, want(doc), &log{})
	if err != nil {
		return err
	}
	defer o.Wipe()
	for _, id := range officers {
		if err := o.Add(id); err != nil {
			return err
		}
	}
	opened, err := o.Master()
	if err != nil {
		return err
	}
	opened.Wipe()
	return nil
}

// TestShareMovedToAnotherDocumentIsNamed: the same master key, officers, store and generation; another sharing.
func TestShareMovedToAnotherDocumentIsNamed(t *testing.T) {
	noLeaks(t)
	master, all := newMaster(t, "moved"), custodians(t, 3)
	one, two := sealed(t, master, all, 2), sealed(t, master, all, 3)
	one.holders[1].share = two.holders[1].share
	o := opening(t, one, &log{})
	must(t, o.Add(all[0]))
	mustFail(t, o.Add(all[1]), fault.PartForeign, "share of custodian-2", "another document")
	must(t, o.Add(all[2])) // the others still open it, and the master key tells that it was changed
	_, err := o.Master()
	mustFail(t, err, fault.MACMismatch, "was changed after it was made")
}

// TestForgedShareIsNamed: somebody encrypts a payload of their own to an officer, with the right head and all.
func TestForgedShareIsNamed(t *testing.T) {
	noLeaks(t)
	master, all := newMaster(t, "forged"), custodians(t, 2)
	forge := func(change func(p *payload)) *SealedMaster {
		doc := sealed(t, master, all, 2)
		plain, err := all[1].decrypt(doc.holders[1].share)
		must(t, err)
		defer plain.Wipe()
		p, err := parsePayload(plain)
		must(t, err)
		defer p.wipe()
		change(p)
		if p.part.Value.Len() == 32 {
			p.part.Check, err = kcv.Of(keys.AES256, p.part.Value.Expose(), kcv.CMAC, 6)
			must(t, err)
		}
		fresh, err := p.marshal()
		must(t, err)
		defer fresh.Wipe()
		doc.holders[1].share, err = encrypt(all[1].Card(), fresh)
		must(t, err)
		return doc
	}
	cases := map[string]func(p *payload){
		"it is not the share that was sealed":  func(p *payload) { p.part.Value.Expose()[7] ^= 1 },
		"it is not the share that was sealed ": func(p *payload) { p.blind.Expose()[0] ^= 1 },
		"it belongs to another document":       func(p *payload) { p.header[31] ^= 1 },
		"its sheet says other things":          func(p *payload) { p.part.Index = 1 },
		"its sheet says other things ":         func(p *payload) { p.part.Set = "0000-0000" },
		"its sheet says other things  ":        func(p *payload) { p.part.KeyCheck.Digits = "000000" },
	}
	for says, change := range cases {
		events := &log{}
		o := opening(t, forge(change), events)
		must(t, o.Add(all[0]))
		mustFail(t, o.Add(all[1]), fault.PartForeign, "share of custodian-2", strings.TrimSpace(says))
		if o.Missing() != 1 || !strings.HasSuffix(events.kinds(), "share_refused") {
			t.Errorf("%s: %d missing, recorded %s", says, o.Missing(), events.kinds())
		}
	}
	untouched := opening(t, forge(func(*payload) {}), &log{})
	must(t, untouched.Add(all[0]))
	must(t, untouched.Add(all[1])) // the same payload again, but another encryption than the master key vouched for
	_, err := untouched.Master()
	mustFail(t, err, fault.MACMismatch, "vouch")
}

func TestWhatIsNoShareIsRefused(t *testing.T) {
	noLeaks(t)
	all := custodians(t, 2)
	doc := sealed(t, newMaster(t, "no share"), all, 2)
	good, err := all[0].decrypt(doc.holders[0].share)
	must(t, err)
	defer good.Wipe()
	text := string(good.Expose())
	for _, bad := range []string{"", "x", titleShare, strings.Replace(text, "share 1", "share 2", 1), text[:200],
		text + "x", strings.Replace(text, "header: ", "header: 00", 1), strings.Replace(text, "blind: ", "blind: G", 1),
		strings.Replace(text, "header: ", "header: \n", 1), strings.Repeat("x", maxPayload),
		strings.Repeat("x", 2*maxPayload)} {
		plain := secret.Copy([]byte(bad))
		forged := *doc
		forged.holders = append([]holder(nil), doc.holders...)
		forged.holders[0].share, err = encrypt(all[0].Card(), plain)
		plain.Wipe()
		must(t, err)
		if err := opening(t, &forged, &log{}).Add(all[0]); err == nil {
			t.Errorf("%.40q is a share", bad)
		}
	}
}

// TestForeignMasterKeyIsToldByTheStore: a document sealed by somebody else to the same cards is right by itself; what
// the store knows tells it.
func TestForeignMasterKeyIsToldByTheStore(t *testing.T) {
	all := custodians(t, 2)
	own, foreign := sealed(t, newMaster(t, "own"), all, 2), sealed(t, newMaster(t, "foreign"), all, 2)
	_, err := NewOpening(testEnv("x"), foreign, want(own), &log{})
	mustFail(t, err, fault.KCVMismatch, "check value")
	if own.Digest() == foreign.Digest() || own.Digest() != sha256.Sum256(own.Marshal()) {
		t.Error("the digest does not tell them apart")
	}
}

func TestSealRefusesWhoMayHoldNoShare(t *testing.T) {
	noLeaks(t)
	master := newMaster(t, "refused")
	a, b := newTest(t, "a1", Custodian), newTest(t, "b1", Custodian)
	short := newMaster(t, "short")
	aes128, err := keys.Generate(newDRBG("x"), keys.AES128)
	must(t, err)
	defer aes128.Wipe()
	short.Wipe()
	ten := custodians(t, 10)
	late := testEnv("late")
	late.Now = a.Card().Expires
	dry := testEnv("dry")
	cases := []struct {
		env    keys.Env
		master *keys.Key
		cards  []Card
		plan   Plan
		kind   fault.Kind
		says   string
	}{
		{testEnv("x"), master, cardsOf([]*Identity{a, newTest(t, "op", Operator)}), plan(2), fault.NotPermitted,
			"op is no custodian"},
		{testEnv("x"), master, cardsOf([]*Identity{a, newTest(t, "aud", Auditor)}), plan(2), fault.NotPermitted,
			"aud is no custodian"},
		{testEnv("x"), master, cardsOf([]*Identity{a, newIn(t, Production, "p1", Custodian)}), plan(2), fault.NotPermitted,
			"is for production"},
		{testEnv("x"), master, cardsOf([]*Identity{a, b, a}), plan(2), fault.NotPermitted, "one person is one officer"},
		{testEnv("x"), master, []Card{a.Card(), {}}, plan(2), fault.Bug, "empty"},
		{late, master, cardsOf([]*Identity{a, b}), plan(2), fault.NotPermitted, "expired"},
		{testEnv("x"), master, cardsOf([]*Identity{a}), plan(2), fault.Usage, "2 to 9 officers, not 1"},
		{testEnv("x"), master, cardsOf(ten), plan(2), fault.Usage, "not 10"},
		{testEnv("x"), master, cardsOf([]*Identity{a, b}), plan(1), fault.Usage, "threshold is 1"},
		{testEnv("x"), master, cardsOf([]*Identity{a, b}), plan(3), fault.Usage, "threshold is 3"},
		{testEnv("x"), master, cardsOf([]*Identity{a, b}), Plan{"short", Test, 2}, fault.Usage, "id of a store"},
		{testEnv("x"), master, cardsOf([]*Identity{a, b}), Plan{"with blanks in it", Test, 2}, fault.Usage, "id of a store"},
		{testEnv("x"), master, cardsOf([]*Identity{a, b}), Plan{testStore, "", 2}, fault.Usage, "environment"},
		{testEnv("x"), short, cardsOf([]*Identity{a, b}), plan(2), fault.Usage, "aes-256"},
		{testEnv("x"), aes128, cardsOf([]*Identity{a, b}), plan(2), fault.Usage, "aes-256"},
		{testEnv("x"), nil, cardsOf([]*Identity{a, b}), plan(2), fault.Usage, "aes-256"},
	}
	for _, c := range cases {
		doc, err := Seal(c.env, c.master, c.cards, c.plan)
		mustFail(t, err, c.kind, c.says)
		if doc != nil {
			t.Error("a document beside an error")
		}
	}
	for _, left := range []int{0, 4, 40, 70} { // set, coefficients and blinds take 4 + 32 + 2 * 32 bytes
		dry.Rand = &deadReader{left: left}
		doc, err := Seal(dry, master, cardsOf([]*Identity{a, b}), plan(2))
		mustFail(t, err, fault.Failure, "dry")
		if doc != nil {
			t.Error("a document beside an error")
		}
	}
}

func TestNewGenerationVoidsTheOld(t *testing.T) {
	noLeaks(t)
	master, all := newMaster(t, "generation"), custodians(t, 5)
	first := sealed(t, master, all[:3], 2)
	events := &log{}
	opened := open(t, first, events, all[0], all[1])
	second, err := opened.Reshare(cardsOf(all[1:5]), 3)
	must(t, err)
	if second.Generation() != 2 || second.Threshold() != 3 || second.Store() != testStore ||
		second.Check() != first.Check() {
		t.Errorf("the new document is\n%s", second.Marshal())
	}
	if !strings.HasSuffix(events.kinds(), "master_opened master_reshared") || events.events[3].Generation != 2 {
		t.Errorf("recorded: %s", events.kinds())
	}
	_, err = NewOpening(testEnv("x"), first, want(second), &log{})
	mustFail(t, err, fault.NotPermitted, "generation 1 and void since generation 2")
	_, err = NewOpening(testEnv("x"), second, want(first), &log{})
	mustFail(t, err, fault.NotPermitted, "older copy of the store")

	o := opening(t, second, &log{})
	mustFail(t, o.Add(all[0]), fault.NotPermitted, "custodian-1 holds no share")
	again := open(t, second, &log{}, all[1], all[3], all[4])
	if !again.Key().Secret().Equal(master.Secret()) {
		t.Error("resharing changed the master key")
	}

	mixed := *second // shares of the old generation do not fit the new one
	mixed.holders = append([]holder(nil), second.holders...)
	mixed.holders[0].share = first.holders[1].share // both of custodian-2
	mustFail(t, opening(t, &mixed, &log{}).Add(all[1]), fault.PartForeign, "another document")
}

func TestReshareKeepsTheRules(t *testing.T) {
	noLeaks(t)
	all := custodians(t, 3)
	doc := sealed(t, newMaster(t, "rules"), all, 2)
	opened := open(t, doc, &log{}, all[0], all[1])
	operator := newTest(t, "op", Operator).Card()
	for threshold, cards := range map[int][]Card{1: cardsOf(all), 4: cardsOf(all), 2: {all[0].Card(), operator}} {
		if next, err := opened.Reshare(cards, threshold); err == nil || next != nil {
			t.Errorf("threshold %d of %d officers: %v", threshold, len(cards), err)
		}
	}
	deaf := open(t, doc, &log{fail: MasterReshared}, all[0], all[1])
	next, err := deaf.Reshare(cardsOf(all), 2)
	mustFail(t, err, fault.Failure, "master_reshared could not be recorded")
	if next != nil {
		t.Error("a document that nobody recorded")
	}
	opened.Wipe()
	_, err = opened.Reshare(cardsOf(all), 2)
	mustFail(t, err, fault.Bug, "wiped")
}

func TestRevokedOfficerHoldsNoShare(t *testing.T) {
	noLeaks(t)
	all := custodians(t, 4)
	doc := sealed(t, newMaster(t, "revoke"), all[:3], 2)
	opened := open(t, doc, &log{}, all[0], all[2])
	gone := all[1].Card().Fingerprint()
	next, err := opened.Revoke(gone, cardsOf([]*Identity{all[0], all[2]}))
	must(t, err)
	if len(next.Officers()) != 2 || next.Officers()[1].ID != "custodian-3" || next.Generation() != 2 {
		t.Errorf("left are %v", next.Officers())
	}
	mustFail(t, opening(t, next, &log{}).Add(all[1]), fault.NotPermitted, "holds no share")

	_, err = opened.Revoke(all[3].Card().Fingerprint(), cardsOf(all[:3]))
	mustFail(t, err, fault.NotFound)
	_, err = opened.Revoke(gone, cardsOf(all[:3]))
	mustFail(t, err, fault.NotPermitted, "custodian-2 is not among the officers who stay")
	_, err = opened.Revoke(gone, cardsOf([]*Identity{all[0], all[2], all[3]}))
	mustFail(t, err, fault.NotPermitted, "custodian-4 is not among")
	_, err = opened.Revoke(gone, cardsOf(all[:1]))
	mustFail(t, err, fault.Usage, "the card of custodian-3 is missing")
	last := open(t, next, &log{}, all[0], all[2])
	_, err = last.Revoke(all[2].Card().Fingerprint(), cardsOf(all[:1]))
	mustFail(t, err, fault.NotPermitted, "1 would be left and 2 are needed")
}

// TestMasterKeyIsInNoDocument is the canary: neither the document nor the errors and events show it or a share.
func TestMasterKeyIsInNoDocument(t *testing.T) {
	noLeaks(t)
	master, all := newMaster(t, "canary"), custodians(t, 3)
	doc := sealed(t, master, all, 2)
	events := &log{}
	o := opening(t, doc, events)
	must(t, o.Add(all[0]))
	shown := string(doc.Marshal()) + fmt.Sprintf("%+v %+v %+v", events.events, o, all[0])
	for _, s := range []*secret.Bytes{master.Secret(), o.parts[0].Value} {
		for _, form := range []string{upperHex(s.Expose()), strings.ToLower(upperHex(s.Expose())), string(s.Expose()),
			base64.StdEncoding.EncodeToString(s.Expose()), strings.Trim(fmt.Sprint(s.Expose()), "[]")} {
			if strings.Contains(shown, form) {
				t.Error("a secret shows")
			}
		}
	}
}
