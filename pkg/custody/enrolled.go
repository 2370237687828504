package custody

// The officers of a store under its master key, and the one text in which a store keeps both documents.

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"slices"

	"poskey/internal/fault"
	"poskey/pkg/keys"
)

const (
	titleRoster   = "poskey store roster"
	labelRoster   = "roster check"
	purposeRoster = "poskey store roster 1 roster check"

	maxOfficers = 256 // of a store
)

// SealedRoster is the document that names all officers of a store. The master key vouches for it: whoever can write to the
// store's database and does not hold the master key cannot make an officer. It may be read by everybody.
type SealedRoster struct {
	store       string
	environment Environment
	generation  uint64
	officers    []Holder
	mac         [sha256.Size]byte
}

// Store is the id of the store, Environment its own, Generation that of the sealed master key it goes with.
func (e *SealedRoster) Store() string { return e.store }

// Environment is that of the store and of every officer.
func (e *SealedRoster) Environment() Environment { return e.environment }

// Generation is that of the sealed master key that the document goes with.
func (e *SealedRoster) Generation() uint64 { return e.generation }

// Officers lists all, those with a share first.
func (e *SealedRoster) Officers() []Holder { return slices.Clone(e.officers) }

// Enrol names the officers of a store beside its sealed master key: those who hold a share and all others. Errors: those
// of [Roster.Admit]; usage for more officers than a store has, and when the card of one who holds a share is missing.
func Enrol(master *keys.Key, m *SealedMaster, cards []Card) (*SealedRoster, error) {
	if err := checkMaster(master); err != nil {
		return nil, err
	}
	if _, err := NewRoster(m.environment, cards...); err != nil {
		return nil, err
	}
	if len(cards) > maxOfficers {
		return nil, fault.New(fault.Usage, "a store has %d officers at most", maxOfficers)
	}
	e := &SealedRoster{store: m.store, environment: m.environment, generation: m.generation}
	for _, c := range cards {
		e.officers = append(e.officers, Holder{c.id, c.fingerprint})
	}
	var err error
	if e.mac, err = e.vouch(master); err != nil {
		return nil, err
	}
	if _, err := ParseSealedStore(SealedStore{m, e}.Marshal()); err != nil {
		return nil, fault.Wrap(err, "the officers of the store")
	}
	return e, nil
}

// body is what the master key vouches for.
func (e *SealedRoster) body() []byte {
	var w writer
	w.title(titleRoster)
	w.field(labelStore, e.store)
	w.field(labelEnvironment, string(e.environment))
	w.number(labelGeneration, e.generation)
	w.number(labelOfficers, uint64(len(e.officers)))
	for i, o := range e.officers {
		w.field(numbered(labelOfficer, i), o.ID)
		w.hex(numbered(labelFingerprint, i), o.Fingerprint[:])
	}
	return w.text
}

func (e *SealedRoster) vouch(master *keys.Key) (sum [sha256.Size]byte, err error) {
	key, err := derive(master.Secret(), purposeRoster, sha256.Size)
	if err != nil {
		return sum, err
	}
	defer key.Wipe()
	mac := hmac.New(sha256.New, key.Expose())
	mac.Write(e.body())
	return [sha256.Size]byte(mac.Sum(nil)), nil
}

// Marshal writes the document.
func (e *SealedRoster) Marshal() []byte {
	var w writer
	w.add(e.body())
	w.hex(labelRoster, e.mac[:])
	w.digest()
	return w.end()
}

// ParseSealedRoster reads the document. Whether the master key vouches for it shows when officers have opened it
// ([Opened.CheckRoster]). Errors: malformed, version_unsupported, too_large; checksum_mismatch for a damaged one.
func ParseSealedRoster(raw []byte) (*SealedRoster, error) {
	r := read(raw, titleRoster)
	e := readSealedRoster(r)
	if err := r.end(); err != nil {
		return nil, fault.Wrap(err, "roster of the store")
	}
	if err := same(raw, e.Marshal()); err != nil {
		return nil, fault.Wrap(err, "roster of the store")
	}
	return e, nil
}

func readSealedRoster(r *reader) *SealedRoster {
	e := &SealedRoster{}
	e.store = r.field(labelStore)
	e.environment = Environment(r.field(labelEnvironment))
	e.generation = r.number(labelGeneration, maxGeneration)
	e.officers = make([]Holder, r.number(labelOfficers, maxOfficers))
	r.check(e.checkHead)
	for i := range e.officers {
		e.officers[i] = readOfficer(r, i, e.officers[:i])
	}
	r.hex(labelRoster, e.mac[:])
	r.digest()
	return e
}

func (e *SealedRoster) checkHead() error {
	if err := checkStore(e.store); err != nil {
		return err
	}
	if err := e.environment.check(); err != nil {
		return err
	}
	if e.generation < 1 || len(e.officers) < 1 {
		return fault.New(fault.Malformed, "generation %d with %d officers cannot be", e.generation, len(e.officers))
	}
	return nil
}

func readOfficer(r *reader, i int, before []Holder) Holder {
	o := Holder{ID: r.field(numbered(labelOfficer, i))}
	if r.err == nil && !isName(o.ID) {
		r.bad(labelOfficer)
	}
	r.hex(numbered(labelFingerprint, i), o.Fingerprint[:])
	same := func(b Holder) bool { return b.ID == o.ID || b.Fingerprint == o.Fingerprint }
	if r.err == nil && slices.ContainsFunc(before, same) {
		r.fail(fault.New(fault.Malformed, "officer %s stands there twice", o.ID))
	}
	return o
}

// Match holds other officers against the document: they must be exactly those, none more, none fewer. It does not ask
// the master key, and everybody may do it. Error: not_permitted, which names an officer.
func (e *SealedRoster) Match(others []Holder) error {
	for i, o := range others {
		there := func(x Holder) bool { return x.Fingerprint == o.Fingerprint }
		if !slices.ContainsFunc(e.officers, there) {
			return fault.New(fault.NotPermitted, "%s stands among the officers in the database and was never admitted: the roster "+
				"under the master key does not have that card", o.ID)
		}
		if slices.ContainsFunc(others[:i], there) {
			return fault.New(fault.NotPermitted, "%s stands among the officers in the database twice", o.ID)
		}
	}
	for _, o := range e.officers {
		if !slices.ContainsFunc(others, func(x Holder) bool { return x.Fingerprint == o.Fingerprint }) {
			return fault.New(fault.NotPermitted, "%s is missing among the officers in the database, and the roster under the master "+
				"key has them", o.ID)
		}
	}
	return nil
}

// HoldersOf names officers as documents do.
func HoldersOf(cards []Card) []Holder {
	var all []Holder
	for _, c := range cards {
		all = append(all, Holder{c.id, c.fingerprint})
	}
	return all
}

// CheckRoster asks the master key whether the officers of the store are those: the document must be of the store,
// environment and generation that were opened, and the cards exactly those it names. Errors: mac_mismatch for a
// document that the master key does not vouch for; not_permitted for one of another store, environment or generation,
// and for an officer who is too many or missing, by name.
func (o *Opened) CheckRoster(e *SealedRoster, cards []Card) error {
	if o.key.Len() == 0 {
		return fault.New(fault.Bug, "the master key was wiped")
	}
	sum, err := e.vouch(o.key)
	if err != nil {
		return err
	}
	if !hmac.Equal(sum[:], e.mac[:]) {
		return fault.New(fault.MACMismatch, "the master key does not vouch for the roster of officers: it was changed or made by "+
			"somebody else")
	}
	if err := e.goesWith(o.doc); err != nil {
		return err
	}
	return e.Match(HoldersOf(cards))
}

// goesWith refuses a roster beside another document than its own.
func (e *SealedRoster) goesWith(m *SealedMaster) error {
	if e.store != m.store || e.environment != m.environment || e.generation != m.generation {
		return fault.New(fault.NotPermitted, "the roster is of store %s (%s), generation %d, and the sealed master key of store %s "+
			"(%s), generation %d: one of them was put there from elsewhere", e.store, string(e.environment), e.generation, m.store,
			string(m.environment), m.generation)
	}
	return nil
}

// SealedStore is what a store keeps of its master key: the sealed key and the roster of officers under it.
type SealedStore struct {
	Master *SealedMaster
	Roster *SealedRoster
}

// Marshal writes both documents, the roster directly behind the sealed master key.
func (s SealedStore) Marshal() []byte { return append(s.Master.Marshal(), s.Roster.Marshal()...) }

// ParseSealedStore reads both. Errors: those of [ParseSealedMaster] and [ParseSealedRoster]; not_permitted for documents that
// do not go together, and for an officer with a share who is not in the roster.
func ParseSealedStore(raw []byte) (SealedStore, error) {
	at := bytes.Index(raw, []byte("\n"+titleRoster+" "))
	if at < 0 {
		at = len(raw) - 1 // the parser of the first says what is wrong with it, that of the second that it is not there
	}
	m, err := ParseSealedMaster(raw[:at+1])
	if err != nil {
		return SealedStore{}, err
	}
	e, err := ParseSealedRoster(raw[at+1:])
	if err != nil {
		return SealedStore{}, err
	}
	if err := e.goesWith(m); err != nil {
		return SealedStore{}, err
	}
	for _, h := range m.holders {
		if !slices.Contains(e.officers, Holder{h.id, h.fingerprint}) {
			return SealedStore{}, fault.New(fault.NotPermitted, "%s holds a share and is not in the roster of officers", h.id)
		}
	}
	return SealedStore{m, e}, nil
}
