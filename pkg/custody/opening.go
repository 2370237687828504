package custody

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/component"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Expectation is what a store knows of its master key without it.
type Expectation struct {
	Store       string
	Environment Environment
	Generation  uint64    // the one in force: older documents are void, newer ones mean that the store was rolled back
	Check       kcv.Value // of the master key; empty when it is not known
}

// Opening gathers officers until there are enough. It is for one goroutine. Wipe it on every way out.
type Opening struct {
	env     keys.Env
	doc     *SealedMaster
	rec     Recorder
	parts   []*component.Part
	present []Card
	closed  bool
}

// NewOpening begins to open a master key. Errors, before any officer is asked: not_permitted for a document of another
// store, environment or generation; kcv_mismatch for one of another master key.
func NewOpening(env keys.Env, doc *SealedMaster, want Expectation, rec Recorder) (*Opening, error) {
	switch {
	case doc.store != want.Store:
		return nil, fault.New(fault.NotPermitted, "the sealed master key is of store %s, this is store %s", doc.store,
			want.Store)
	case doc.environment != want.Environment:
		return nil, fault.New(fault.NotPermitted, "the sealed master key is for %s, this is %s",
			string(doc.environment), string(want.Environment))
	case doc.generation < want.Generation:
		return nil, fault.New(fault.NotPermitted,
			"the sealed master key is of generation %d and void since generation %d was made",
			doc.generation, want.Generation)
	case doc.generation > want.Generation:
		return nil, fault.New(fault.NotPermitted, "the sealed master key is of generation %d, the store knows of %d only: "+
			"an older copy of the store was put in its place", doc.generation, want.Generation)
	case want.Check != (kcv.Value{}) && want.Check != doc.check:
		return nil, fault.New(fault.KCVMismatch, "the sealed master key has check value %s, the store's has %s",
			doc.check, want.Check)
	}
	return &Opening{env: env, doc: doc, rec: rec}, nil
}

// Missing is how many officers are still needed.
func (o *Opening) Missing() int { return o.doc.threshold - len(o.parts) }

// Holds reports whether an officer holds a share of this master key.
func (o *Opening) Holds(c Card) bool {
	_, holds := o.doc.find(c.fingerprint)
	return holds
}

// Present lists the officers who have given their share.
func (o *Opening) Present() []Card { return append([]Card(nil), o.present...) }

// Wipe destroys the shares that were given. The opening cannot go on.
func (o *Opening) Wipe() {
	component.WipeAll(o.parts)
	o.parts, o.closed = nil, true
}

// Add opens an officer's share. The identity stays the caller's, to be wiped at once. That the share is revealed is
// recorded before it is; a share that is not taken is recorded too. Errors: not_permitted for an officer who holds no
// share, has given it already, has expired, and for one more than needed; part_foreign for a share that does not belong
// to the document, mac_mismatch for one that cannot be decrypted: both name the officer.
func (o *Opening) Add(id *Identity) error {
	place, err := o.admit(id)
	if err != nil {
		return err
	}
	if err := record(o.rec, o.event(ShareRevealed, id.card)); err != nil {
		return err
	}
	part, err := o.share(id, place)
	if err != nil {
		refused := o.event(ShareRefused, id.card)
		refused.Reason = refusal(err)
		if lost := record(o.rec, refused); lost != nil {
			return lost
		}
		return err
	}
	o.parts, o.present = append(o.parts, part), append(o.present, id.card)
	return nil
}

func (o *Opening) event(kind EventKind, officers ...Card) Event {
	return Event{At: o.env.Now(), Kind: kind, Store: o.doc.store, Generation: o.doc.generation, Officers: officers,
		Check: o.doc.check}
}

// admit finds the officer's place before anything of theirs is opened.
func (o *Opening) admit(id *Identity) (place int, err error) {
	if err := id.alive(); err != nil {
		return 0, err
	}
	if err := id.card.CheckTime(o.env.Now()); err != nil {
		return 0, err
	}
	place, ok := o.doc.find(id.card.fingerprint)
	switch {
	case o.closed:
		return 0, fault.New(fault.Bug, "the opening is closed")
	case !ok:
		return 0, fault.New(fault.NotPermitted, "%s holds no share of this master key; those who do: %s",
			id.card.id, o.doc.ids())
	case o.Missing() == 0:
		return 0, fault.New(fault.NotPermitted, "%d officers have given their shares; no more are needed", o.doc.threshold)
	}
	for _, c := range o.present {
		if c.fingerprint == id.card.fingerprint {
			return 0, fault.New(fault.NotPermitted, "%s has given a share already; another officer is needed", id.card.id)
		}
	}
	return place, nil
}

func (m *SealedMaster) ids() string {
	names := make([]string, len(m.holders))
	for i, h := range m.holders {
		names[i] = h.id
	}
	return strings.Join(names, ", ")
}

// share decrypts an officer's share and holds it against the document.
func (o *Opening) share(id *Identity, place int) (*component.Part, error) {
	plain, err := id.decrypt(o.doc.holders[place].share)
	if err != nil {
		return nil, fault.Wrap(err, "share of %s", id.card.id)
	}
	defer plain.Wipe()
	p, err := parsePayload(plain)
	if err != nil {
		return nil, fault.Wrap(err, "share of %s", id.card.id)
	}
	defer p.wipe()
	if err := o.doc.owns(p, place); err != nil {
		return nil, fault.Wrap(err, "share of %s", id.card.id)
	}
	part := *p.part
	part.Value = p.part.Value.Clone()
	return &part, nil
}

// owns refuses a share of another document and one that is not what was sealed.
func (m *SealedMaster) owns(p *payload, place int) error {
	header := sha256.Sum256(m.head())
	if !hmac.Equal(p.header[:], header[:]) {
		return fault.New(fault.PartForeign,
			"it belongs to another document: this one was changed, or the share was moved here")
	}
	sum := commit(p.blind, place+1, p.part.Value)
	if !hmac.Equal(sum[:], m.holders[place].commitment[:]) {
		return fault.New(fault.PartForeign, "it is not the share that was sealed")
	}
	want := component.Part{Set: m.set, Index: place + 1, Of: len(m.holders), Threshold: m.threshold,
		Scheme: component.Shamir, Algorithm: keys.AES256, Check: p.part.Check, KeyCheck: m.check, Value: p.part.Value}
	if *p.part != want {
		return fault.New(fault.PartForeign, "its sheet says other things than the document")
	}
	return nil
}

// Master puts the master key together once enough officers are there, and closes the opening. It is recorded before it
// is done. Errors: not_permitted when officers are missing; kcv_mismatch and mac_mismatch when the key is not the one
// that the document was made with.
func (o *Opening) Master() (*Opened, error) {
	switch {
	case o.closed:
		return nil, fault.New(fault.Bug, "the opening is closed")
	case o.Missing() > 0:
		return nil, fault.New(fault.NotPermitted, "%d of %d officers have given their shares; %d more must come",
			len(o.parts), o.doc.threshold, o.Missing())
	}
	defer o.Wipe()
	if err := record(o.rec, o.event(MasterOpened, o.present...)); err != nil {
		return nil, err
	}
	master, err := component.Combine(keys.AES256, o.parts)
	if err != nil {
		return nil, fault.Wrap(err, "master key")
	}
	sum, err := vouch(master, o.doc)
	if err == nil && !hmac.Equal(sum[:], o.doc.mac[:]) {
		err = fault.New(fault.MACMismatch, "the master key does not vouch for the document: it was changed after it was made")
	}
	if err != nil {
		master.Wipe()
		return nil, err
	}
	return &Opened{env: o.env, doc: o.doc, rec: o.rec, key: master, present: o.Present()}, nil
}
