package agent

// Approvals that a device asks for. Officers sign them here; whether they suffice is for the device to say, which made
// the requests and knows the officers' cards.

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
)

const (
	orderIndent = 8 // columns of the words before a device's name

	saidOrder audit.Field = "order" // a command's detail

	maxOrders = 16              // requests that officers are shown at one time
	maxAhead  = 5 * time.Minute // a device's clock may be ahead by so much
	maxOpen   = time.Hour       // a request may wait so long for its approvals to be used
)

// endorsable tells what a device may ask approvals for. Nothing here touches the store: whoever hands a request of a
// store over gets no signature under it.
func endorsable(a custody.Activity) bool {
	return a == custody.DeviceUnlock || a == custody.DeviceRecover || a == custody.DeviceReset || a == custody.DeviceUpdate
}

// endorsement is what officers are asked to sign at one time: requests of devices for one activity.
type endorsement struct {
	intent Intent
	orders []custody.Request
	terms  custody.Terms
}

// readOrders reads the requests. Errors: usage for what cannot be one endorsement; those of [custody.ParseRequest].
func (g *gate) readOrders(in Intent, raw [][]byte) (*endorsement, error) {
	switch {
	case len(raw) == 0 || len(raw) > maxOrders:
		return nil, fault.New(fault.Usage, "1 to %d requests of devices are approved at one time, not %d", maxOrders, len(raw))
	case !endorsable(in.Activity):
		return nil, fault.New(fault.Usage, "%s is not approved for a device", text.Redact(string(in.Activity)))
	case len(in.Approvers.Requester) > 0:
		return nil, fault.New(fault.Usage, "%s asks for nobody beside those who approve", string(in.Activity))
	}
	rule, err := custody.RuleOf(in.Activity)
	if err != nil {
		return nil, err
	}
	e := &endorsement{intent: in, terms: rule.Terms(g.environment)}
	for i, document := range raw {
		q, err := custody.ParseRequest(document)
		if err != nil {
			return nil, fault.Wrap(err, "request %d", i+1)
		}
		again := func(o custody.Request) bool { return o.Nonce() == q.Nonce() }
		if slices.ContainsFunc(e.orders, again) {
			return nil, fault.New(fault.Usage, "the request %s is there twice", q.Nonce())
		}
		e.orders = append(e.orders, q)
	}
	return e, nil
}

// entries are what is recorded, one for each device.
func (e *endorsement) entries() []audit.Entry {
	return each(e.orders, func(q custody.Request) audit.Entry {
		details := maps.Clone(e.intent.Details)
		if details == nil {
			details = audit.Details{}
		}
		details[fieldNonce] = asUUID(q.Nonce().String())
		details[fieldUntil] = utc(q.Expires())
		details[audit.FieldPurpose] = string(e.intent.Activity)
		if order := q.Action().Label; order != "" {
			details[fieldOrder] = audit.Clean(order)
		}
		return audit.Entry{Who: e.intent.Who, Operation: audit.DeviceEndorse, Details: details,
			Object:  audit.Object{Kind: audit.KindDevice, Label: audit.Clean(q.Store())},
			Request: audit.DigestOf(q.Marshal())}
	})
}

// mayBeSigned refuses a request that no officer of this store signs.
func (g *gate) mayBeSigned(e *endorsement) error {
	now := g.env.Now()
	for _, q := range e.orders {
		device := q.Store()
		switch {
		case q.Environment() != g.environment:
			return fault.New(fault.NotPermitted, "the device %s is for %s, this is %s", device, string(q.Environment()),
				string(g.environment))
		case q.Action().Activity != e.intent.Activity:
			return fault.New(fault.NotPermitted, "the device %s asks for %s, not for %s", device,
				string(q.Action().Activity), string(e.intent.Activity))
		case device == g.store:
			return fault.New(fault.NotPermitted, "the request is of this store and not of a device")
		case e.intent.Label != "" && e.intent.Label != device:
			return fault.New(fault.NotPermitted, "the request is of the device %s, and this is about %s", device,
				text.Redact(e.intent.Label))
		case !now.Before(q.Expires()):
			return fault.New(fault.NotPermitted, "the request of the device %s expired at %s; look at its clock", device,
				utc(q.Expires()))
		case now.Add(maxAhead).Before(q.Made()):
			return fault.New(fault.NotPermitted, "the request of the device %s was made at %s, which is in the future: "+
				"look at its clock", device, utc(q.Made()))
		case q.Expires().Sub(q.Made()) > maxOpen:
			return fault.New(fault.NotPermitted, "the request of the device %s is open for %s; no more than %s is signed", device,
				q.Expires().Sub(q.Made()), maxOpen)
		}
	}
	return nil
}

// signatories reads the identity files, and refuses too few officers and the wrong ones before anybody types.
func (g *gate) signatories(e *endorsement) ([]*custody.Locked, error) {
	locked, err := g.officers(e.intent.Approvers)
	if err != nil {
		return nil, err
	}
	what := string(e.intent.Activity)
	var named []custody.Card
	for _, l := range locked {
		c := l.Card()
		if !slices.ContainsFunc(e.terms.Needs, func(n custody.Need) bool { return c.Has(n.AnyOf...) }) {
			return nil, fault.New(fault.NotPermitted, "%s is %s; %s takes %s", c.ID(), rolesOf(c), what, e.terms.Text())
		}
		named = append(named, c)
	}
	if !e.terms.MetBy(named) {
		return nil, fault.New(fault.NotPermitted, "%s takes the approval of %s; %d approved", what, e.terms.Text(), len(named))
	}
	return locked, nil
}

// agree asks the officers, one after the other. The identities are the caller's to wipe, also beside an error.
func (g *gate) agree(ctx context.Context, e *endorsement) (present []*custody.Identity, err error) {
	if err := g.mayBeSigned(e); err != nil {
		return nil, err
	}
	locked, err := g.signatories(e)
	if err != nil {
		return nil, err
	}
	p, err := g.people(e.intent.Approvers, len(locked))
	if err != nil {
		return nil, err
	}
	defer p.leave()
	for i, l := range locked {
		lines := append(g.ordered(e), text.New("officer %d of %d: %s (%s)", i+1, len(locked), l.Card().ID(), l.Card().Name()))
		id, err := p.unlock(ctx, l, lines...)
		if err != nil {
			return present, err
		}
		present = append(present, id)
	}
	return present, nil
}

// ordered says what the command says about it, and then, nearest to where the passphrase is typed, what the devices are
// to do: that is what is signed.
func (g *gate) ordered(e *endorsement) []text.Text {
	lines := append(said(e.intent.Details, maxSaid), text.New("asked by: %s", oneRow(e.intent.Who.ID)), text.Raw(""),
		text.New("key store %s (%s)", g.store, string(g.environment)),
		text.New("to approve: %s", operationOf(e.intent.Activity).Text()))
	ends := e.orders[0].Expires()
	for _, q := range e.orders {
		if order := q.Action().Label; order != "" {
			lines = append(lines, text.New("device %s", rowOf(q.Store()+": “"+strings.Join(strings.Fields(order), " ")+"”", maxSaidLine-orderIndent)))
		} else {
			lines = append(lines, text.New("device %s", rowOf(q.Store(), maxSaidLine-orderIndent)))
		}
		if q.Expires().Before(ends) {
			ends = q.Expires()
		}
	}
	return append(lines, text.New("The approval counts once, until %s UTC.", ends.UTC().Format(time.DateTime)))
}

// approveAll gives the approvals: for each request, those of all officers in their order.
func (g *gate) approveAll(e *endorsement, present []*custody.Identity) ([][]byte, error) {
	var given [][]byte
	for _, q := range e.orders {
		for _, id := range present {
			approval, err := id.Approve(g.env.Now(), q)
			if err != nil {
				return nil, fault.Wrap(err, "request of the device %s", q.Store())
			}
			given = append(given, approval.Marshal())
		}
	}
	return given, nil
}

// endorse lets officers sign requests of devices, in the order of the house: ask, record the intent, sign, record the
// outcome. A refusal is one record.
func (s *server) endorse(ctx context.Context, in Intent, raw [][]byte) ([][]byte, error) {
	in.Details = public(in.Details)
	delete(in.Details, saidOrder) // what the device asks says more
	e, err := s.gate.readOrders(in, raw)
	if err != nil {
		return nil, err
	}
	if err := s.desk.ready(ctx); err != nil {
		return nil, err
	}
	if why, ended := s.auth.Ended(); ended {
		return nil, sealedError(why)
	}
	entries := e.entries()
	present, err := s.gate.agree(ctx, e)
	defer func() { wipeIdentities(present) }()
	if err != nil {
		for _, entry := range entries {
			if lost := s.desk.ledger.refuse(entry, err); lost != nil {
				return nil, lost
			}
		}
		return nil, err
	}
	with := actorsOf(each(present, (*custody.Identity).Card))
	return s.desk.recordedEach(entries, with, func() ([][]byte, error) { return s.gate.approveAll(e, present) })
}

// recordedEach does something between the intents of several records and their outcomes. Of what cannot be recorded
// nothing is handed out.
func (d *desk) recordedEach(entries []audit.Entry, with []audit.Actor, act func() ([][]byte, error)) ([][]byte, error) {
	var begun []*audit.Pending
	over := func(cause error) error {
		for _, p := range begun {
			p.After.With = with
			if lost := d.ledger.done(p, audit.OutcomeOf(cause)); lost != nil && cause == nil {
				cause = lost
			}
		}
		return cause
	}
	for _, entry := range entries {
		entry.With = with
		p, err := d.ledger.begin(entry)
		if err != nil {
			return nil, over(err)
		}
		begun = append(begun, p)
	}
	given, err := act()
	if err = over(err); err != nil {
		return nil, err
	}
	return given, nil
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// signOrders answers a command that brings requests of devices.
func signOrders(ctx context.Context, c *session, w wireEndorse) (any, error) {
	in, err := c.take(w.Intent)
	if err != nil {
		return nil, err
	}
	ctx, stop := c.watched(ctx)
	defer stop()
	return result(c.server.endorse(ctx, in, w.Requests))
}

// Endorse lets officers sign requests of devices.
func (c *Client) Endorse(ctx context.Context, in Intent, requests [][]byte) ([][]byte, error) {
	var given [][]byte
	err := c.once(ctx, opEndorse, wireEndorse{packIntent(in), requests}, in.Approvers.files(), &given)
	return given, err
}

// Endorse is refused: a token store asks no officers, and what a device asks for takes their identities.
func (l *Local) Endorse(context.Context, Intent, [][]byte) ([][]byte, error) {
	return nil, fault.New(fault.NotPermitted, "a token store asks no officers; a device takes approvals of officers of another store")
}
