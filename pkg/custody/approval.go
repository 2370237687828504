package custody

import (
	"crypto/ed25519"
	"slices"
	"time"

	"poskey/internal/fault"
)

const (
	titleApproval = "poskey approval"

	labelGiven = "given"
)

// Approval is an officer's signature under a request. Whether it counts only a [Book] can say.
type Approval struct {
	request   Request
	officer   Fingerprint
	given     time.Time
	signature [ed25519.SignatureSize]byte
}

// Request is what was approved.
func (a Approval) Request() Request { return a.request }

// Officer is who signed.
func (a Approval) Officer() Fingerprint { return a.officer }

// Given is when, by the officer's clock.
func (a Approval) Given() time.Time { return a.given }

// Approve signs a request. What can never count is refused at once: not_permitted for an identity or a request that has
// expired, for another environment, for an officer without a role that the activity asks for, and for one's own request
// where the table says so.
func (id *Identity) Approve(now time.Time, q Request) (Approval, error) {
	if err := id.alive(); err != nil {
		return Approval{}, err
	}
	if err := q.check(); err != nil {
		return Approval{}, err
	}
	if err := id.card.CheckTime(now); err != nil {
		return Approval{}, err
	}
	if !now.Before(q.expires) {
		return Approval{}, fault.New(fault.NotPermitted, "the request expired at %s", stamp(q.expires))
	}
	if err := q.suits(id.card); err != nil {
		return Approval{}, err
	}
	a := Approval{request: q, officer: id.card.fingerprint, given: wholeSecond(now)}
	a.signature = id.sign(domainApproval, a.body())
	return a, nil
}

// suits refuses an officer whose approval cannot count.
func (q Request) suits(c Card) error {
	rule, err := RuleOf(q.action.Activity)
	if err != nil {
		return err
	}
	terms := rule.Terms(q.environment)
	switch {
	case c.environment != q.environment:
		return fault.New(fault.NotPermitted, "the card of %s is for %s, this is %s", c.id, string(c.environment),
			string(q.environment))
	case !terms.mayHelp(c):
		return fault.New(fault.NotPermitted, "%s is %s; %s takes %s", c.id, roleNames(c.roles), string(rule.Activity),
			terms.Text())
	case terms.Apart && c.fingerprint == q.action.Requester:
		return fault.New(fault.NotPermitted, "%s asked for %s and may not approve it", c.id, string(rule.Activity))
	}
	return nil
}

// body is what is signed.
func (a Approval) body() []byte {
	var w writer
	w.title(titleApproval)
	a.request.write(&w)
	w.hex(labelOfficer, a.officer[:])
	w.time(labelGiven, a.given)
	return w.text
}

// Marshal writes the approval for the store that asked.
func (a Approval) Marshal() []byte {
	var w writer
	w.add(a.body())
	w.hex(labelSignature, a.signature[:])
	return w.end()
}

// signedBy reports whether the card's officer made it.
func (a Approval) signedBy(c Card) bool {
	return a.officer == c.fingerprint && verify(c.signingKey, domainApproval, a.body(), a.signature[:])
}

// ParseApproval reads an approval. The signature is verified by the book, which knows the officers.
// Errors: malformed, version_unsupported, too_large.
func ParseApproval(raw []byte) (Approval, error) {
	r := read(raw, titleApproval)
	r.title(titleRequest)
	a := Approval{request: readRequest(r)}
	r.hex(labelOfficer, a.officer[:])
	a.given = r.time(labelGiven)
	r.hex(labelSignature, a.signature[:])
	if err := r.end(); err != nil {
		return Approval{}, fault.Wrap(err, "approval")
	}
	if err := same(raw, a.Marshal()); err != nil {
		return Approval{}, fault.Wrap(err, "approval")
	}
	return a, nil
}

// twice gives an officer who approved more than once.
func twice(approvals []Approval) (Fingerprint, bool) {
	for i, a := range approvals {
		if slices.ContainsFunc(approvals[:i], func(b Approval) bool { return b.officer == a.officer }) {
			return a.officer, true
		}
	}
	return Fingerprint{}, false
}
