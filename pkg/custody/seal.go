package custody

import (
	"crypto/sha256"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/pkg/component"
	"poskey/pkg/keys"
)

// Plan says what a master key is sealed for.
type Plan struct {
	Store       string // 8 to 64 letters, digits and dashes
	Environment Environment
	Threshold   int // officers needed, 2 to their number
}

// Seal cuts a new store's master key into Shamir shares and encrypts one to each officer, in the order of the cards.
// The master key stays the caller's. Errors: usage for a plan that cannot be; not_permitted for an officer who may not
// hold a share: no custodian, expired, of another environment, or there twice.
func Seal(env keys.Env, master *keys.Key, cards []Card, p Plan) (*SealedMaster, error) {
	return seal(env, master, cards, p, 1)
}

func seal(env keys.Env, master *keys.Key, cards []Card, p Plan, generation uint64) (*SealedMaster, error) {
	if err := checkMaster(master); err != nil {
		return nil, err
	}
	if err := checkPlan(env, cards, p); err != nil {
		return nil, err
	}
	spec := component.Spec{Scheme: component.Shamir, Parts: len(cards), Threshold: p.Threshold}
	parts, err := component.Split(env, master, spec)
	if err != nil {
		return nil, fault.Wrap(err, "share the master key")
	}
	defer component.WipeAll(parts)
	m := &SealedMaster{store: p.Store, environment: p.Environment, generation: generation,
		created: wholeSecond(env.Now()), threshold: p.Threshold, set: parts[0].Set, check: parts[0].KeyCheck}
	if err := m.fill(env, cards, parts); err != nil {
		return nil, err
	}
	if m.mac, err = vouch(master, m); err != nil {
		return nil, err
	}
	if err := proveMaster(m); err != nil {
		return nil, err
	}
	return m, nil
}

func checkPlan(env keys.Env, cards []Card, p Plan) error {
	if err := checkStore(p.Store); err != nil {
		return err
	}
	if err := p.Environment.check(); err != nil {
		return err
	}
	if n := len(cards); n < component.MinParts || n > component.MaxParts {
		return fault.New(fault.Usage, "a master key is shared among %d to %d officers, not %d",
			component.MinParts, component.MaxParts, n)
	}
	for i, c := range cards {
		if err := fits(cards[:i], c, p.Environment); err != nil {
			return err
		}
		if err := c.CheckTime(env.Now()); err != nil {
			return err
		}
		if !c.Has(Custodian) {
			return fault.New(fault.NotPermitted, "%s is no custodian and holds no share of a master key", c.id)
		}
	}
	return nil
}

// fill adds the officers with their shares. The commitments come first: every share is bound to the whole head.
func (m *SealedMaster) fill(env keys.Env, cards []Card, parts []*component.Part) error {
	blinds := make([]*secret.Bytes, len(cards))
	defer func() {
		for _, b := range blinds {
			b.Wipe()
		}
	}()
	for i, c := range cards {
		blind, err := secret.Read(env.Rand, blindBytes)
		if err != nil {
			return fault.WrapAs(fault.Failure, err, "share the master key")
		}
		blinds[i] = blind
		m.holders = append(m.holders, holder{id: c.id, fingerprint: c.fingerprint,
			commitment: commit(blind, i+1, parts[i].Value)})
	}
	header := sha256.Sum256(m.head())
	for i, c := range cards {
		p := payload{header: header, blind: blinds[i], part: parts[i]}
		plain, err := p.marshal()
		if err != nil {
			return err
		}
		m.holders[i].share, err = encrypt(c, plain)
		plain.Wipe()
		if err != nil {
			return err
		}
	}
	return nil
}

// proveMaster reads the document as the next reader will.
func proveMaster(m *SealedMaster) error {
	if _, err := ParseSealedMaster(m.Marshal()); err != nil {
		return fault.WrapAs(fault.Bug, err, "the sealed master key cannot be read again")
	}
	return nil
}
