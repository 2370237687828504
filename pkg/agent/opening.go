package agent

// How the master key comes into this process: drawn for a new store, or opened by its officers.

import (
	"context"
	"os"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// initialise draws a new store's master key and seals it. It never leaves this process in clear.
func (a *agent) initialise() error {
	var made *custody.SealedMaster
	err := a.recorded(audit.StoreCreate, func(p *audit.Pending) error {
		cards, err := parseCards(a.config.Holders)
		if err != nil {
			return err
		}
		master, err := keys.Generate(a.ports.Env.Rand, keys.AES256)
		if err != nil {
			return err
		}
		defer master.Wipe()
		plan := custody.Plan{Store: a.config.Store, Environment: a.config.Environment, Threshold: a.config.Threshold}
		if made, err = custody.Seal(a.ports.Env, master, cards, plan); err != nil {
			return err
		}
		p.After.With = actorsOf(cards)
		p.After.Object.Check = checkOf(made.Check())
		return nil
	})
	if err != nil {
		return err
	}
	return a.handOut(made)
}

func (a *agent) handOut(made *custody.SealedMaster) error {
	event := Event{Kind: Made, Document: made.Marshal(), Check: made.Check(), Generation: made.Generation()}
	if err := a.ports.Report(event); err != nil {
		return err
	}
	a.ready.Store(true)
	return a.ports.Report(Event{Kind: Ready, PID: os.Getpid()})
}

// reshare opens the master key and seals it to other officers.
func (a *agent) reshare(ctx context.Context) error {
	var made *custody.SealedMaster
	err := a.recorded(audit.StoreReshare, func(p *audit.Pending) error {
		cards, err := parseCards(a.config.Holders)
		if err != nil {
			return err
		}
		opened, present, err := a.open(ctx)
		if err != nil {
			return err
		}
		defer opened.Wipe()
		defer wipeIdentities(present)
		p.After.With = actorsOf(opened.Officers())
		made, err = opened.Reshare(cards, a.config.Threshold)
		return err
	})
	if err != nil {
		return err
	}
	return a.handOut(made)
}

func parseCards(documents [][]byte) ([]custody.Card, error) {
	var cards []custody.Card
	for i, raw := range documents {
		c, err := custody.ParseCard(raw)
		if err != nil {
			return nil, fault.Wrap(err, "card %d", i+1)
		}
		cards = append(cards, c)
	}
	return cards, nil
}

// open asks the officers, one after the other, and puts the master key together. The identities are the caller's to
// wipe: their officers are still there.
func (a *agent) open(ctx context.Context) (*custody.Opened, []*custody.Identity, error) {
	doc, locked, err := a.officers()
	if err != nil {
		return nil, nil, err
	}
	want := custody.Expectation{Store: a.config.Store, Environment: a.config.Environment,
		Generation: a.config.Generation, Check: a.config.Check}
	opening, err := custody.NewOpening(a.ports.Env, doc, want, a.ledger)
	if err != nil {
		return nil, nil, err
	}
	defer opening.Wipe()
	present, err := a.gather(ctx, opening, locked)
	if err != nil {
		wipeIdentities(present)
		return nil, nil, err
	}
	opened, err := opening.Master()
	if err != nil {
		wipeIdentities(present)
		return nil, nil, err
	}
	return opened, present, nil
}

// officers reads what was handed over, and refuses too few of them before anybody types.
func (a *agent) officers() (*custody.SealedMaster, []*custody.Locked, error) {
	doc, err := custody.ParseSealedMaster(a.config.Sealed)
	if err != nil {
		return nil, nil, err
	}
	locked, err := parseIdentities(a.config.Identities)
	if err != nil {
		return nil, nil, err
	}
	switch n := len(locked); {
	case n < doc.Threshold():
		return nil, nil, fault.New(fault.NotPermitted, "%d of %d officers are named; the store opens with %d of its %d",
			n, doc.Threshold(), doc.Threshold(), len(doc.Officers()))
	case n > doc.Threshold():
		return nil, nil, fault.New(fault.Usage, "%d officers are named and %d are needed; name only those", n,
			doc.Threshold())
	}
	for _, l := range locked {
		if err := l.Card().CheckTime(a.ports.Env.Now()); err != nil {
			return nil, nil, err
		}
		holds := func(h custody.Holder) bool { return h.Fingerprint == l.Card().Fingerprint() }
		if !slices.ContainsFunc(doc.Officers(), holds) {
			return nil, nil, fault.New(fault.NotPermitted, "%s holds no share of this master key", l.Card().ID())
		}
	}
	return doc, locked, nil
}

func (a *agent) gather(
	ctx context.Context, opening *custody.Opening, locked []*custody.Locked,
) (present []*custody.Identity, err error) {
	defer a.letGo()
	var screen Screen
	if a.ports.Terminal != nil {
		screen = a.ports.Screen(a.ports.Terminal, a.config.Language)
	}
	p, err := newPeople(a.ports.Env, a.ledger, screen, a.ports.Passphrases, len(locked))
	if err != nil {
		return nil, err
	}
	defer p.leave()
	p.report = func(e Event) { _ = a.ports.Report(e) } // a lost parent shows as Orphaned
	for i, l := range locked {
		c := l.Card()
		id, err := p.unlock(ctx, l, text.New("key store %s (%s)", a.config.Store, string(a.config.Environment)), a.purpose(),
			text.New("officer %d of %d: %s (%s)", i+1, len(locked), c.ID(), c.Name()),
			text.New("The others turn away, please."))
		if err != nil {
			return present, err
		}
		present = append(present, id)
		if err := opening.Add(id); err != nil {
			return present, err
		}
		p.report(Event{Kind: ShareTaken, Officer: c.ID(), Left: opening.Missing()})
	}
	return present, nil
}

// purpose tells the officers what they are asked for.
func (a *agent) purpose() text.Text {
	if a.config.Mode == Reshare {
		return text.New("to agree to: other officers for the master key")
	}
	return text.New("to open: for %d minutes", int(a.config.Duration.Minutes()))
}

// letGo closes the terminal and the descriptors: the agent lives on, and who sat there must be able to leave.
func (a *agent) letGo() {
	for _, f := range append(slices.Clone(a.ports.Passphrases), a.ports.Terminal) {
		if f != nil {
			_ = f.Close() // it was read
		}
	}
	a.ports.Terminal, a.ports.Passphrases = nil, nil
}

// build opens the master key and makes everything that serves, the socket last.
func (a *agent) build(ctx context.Context) (*server, error) {
	cards, err := parseCards(a.config.Roster)
	if err != nil {
		return nil, err
	}
	roster, err := custody.NewRoster(a.config.Environment, cards...)
	if err != nil {
		return nil, err
	}
	opened, present, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	defer opened.Wipe()
	defer wipeIdentities(present)
	activities := a.config.Activities
	if len(activities) == 0 {
		activities = custody.StandingActivities(a.config.Environment)
	}
	auth, err := opened.Authorise(a.ports.Clock, a.config.Duration, activities...)
	if err != nil {
		return nil, err
	}
	signed, err := checkpoint(a.log, a.starter(), present)
	if err != nil {
		return nil, err
	}
	if err := a.ports.Report(Event{Kind: Signed, Document: signed, Officers: idsOf(opened.Officers())}); err != nil {
		return nil, err
	}
	book, err := custody.NewBook(a.ports.Env.Rand, a.ports.Clock, a.config.Store, roster, a.ledger)
	if err != nil {
		return nil, err
	}
	boundary, err := a.boundary(opened)
	if err != nil {
		return nil, err
	}
	listener, err := listen(a.config.Socket)
	if err != nil {
		_ = boundary.Close() // it never fails, and the error says more
		return nil, err
	}
	return a.newServer(custody.Guard{Authorisation: auth, Book: book}, roster, boundary, listener), nil
}

// boundary gives the store's boundary a copy of the master key; the officers' one is wiped.
func (a *agent) boundary(opened *custody.Opened) (hsm.Boundary, error) {
	master, err := keys.New(keys.AES256, opened.Key().Secret().Clone())
	if err != nil {
		return nil, err
	}
	info := hsm.Info{Driver: "soft", Name: "software boundary of the key store " + a.config.Store}
	return hsm.NewMasterWith(a.ports.Env, master, hsm.Options{Info: info, ProbeRecord: RecordProbe})
}
