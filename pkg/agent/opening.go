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
	var made custody.SealedStore
	err := a.recorded(audit.StoreCreate, func(p *audit.Pending) (err error) {
		holders, tomorrow, err := a.tomorrow()
		if err != nil {
			return err
		}
		master, err := keys.Generate(a.ports.Env.Rand, keys.AES256)
		if err != nil {
			return err
		}
		defer master.Wipe()
		plan := custody.Plan{Store: a.config.Store, Environment: a.config.Environment, Threshold: a.config.Threshold}
		if made.Master, err = custody.Seal(a.ports.Env, master, holders, plan); err != nil {
			return err
		}
		if made.Roster, err = custody.Enrol(master, made.Master, tomorrow); err != nil {
			return err
		}
		p.After.With = actorsOf(holders)
		p.After.Object.Check = checkOf(made.Master.Check())
		p.After.Request = audit.DigestOf(made.Marshal())
		p.After.Details = audit.Details{fieldGeneration: generationWord(made.Master.Generation())}
		return nil
	})
	if err != nil {
		return err
	}
	return a.handOut(made)
}

// tomorrow reads the cards of those who will hold a share, and of all who will be officers.
func (a *agent) tomorrow() (holders, all []custody.Card, err error) {
	if holders, err = parseCards(a.config.Holders); err != nil {
		return nil, nil, err
	}
	others, err := parseCards(a.config.Others)
	return holders, slices.Concat(holders, others), err
}

func (a *agent) handOut(made custody.SealedStore) error {
	event := Event{Kind: Made, Document: made.Marshal(), Check: made.Master.Check(), Generation: made.Master.Generation()}
	if err := a.ports.Report(event); err != nil {
		return err
	}
	a.ready.Store(true)
	return a.ports.Report(Event{Kind: Ready, PID: os.Getpid()})
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

// opening is a store whose master key its officers have opened.
type opening struct {
	*custody.Opened
	present []*custody.Identity // all who were asked
}

func (o *opening) wipe() {
	o.Wipe()
	wipeIdentities(o.present)
}

func (o *opening) cards() []custody.Card {
	var all []custody.Card
	for _, id := range o.present {
		all = append(all, id.Card())
	}
	return all
}

// open asks the officers, one after the other, and puts the master key together. The key then says who the store's
// officers are: today are the cards that somebody gave for them. What is refused there stands in the log with its reason.
func (a *agent) open(ctx context.Context, p *audit.Pending, today []custody.Card, lines []text.Text) (*opening, error) {
	if err := a.mustBeInForce(); err != nil {
		return nil, because(p, err)
	}
	sealed, err := custody.ParseSealedStore(a.config.Sealed)
	if err != nil {
		return nil, err
	}
	if err := sealed.Roster.Match(custody.HoldersOf(today)); err != nil {
		return nil, because(p, err)
	}
	locked, err := a.officers(sealed)
	if err != nil {
		return nil, err
	}
	want := custody.Expectation{Store: a.config.Store, Environment: a.config.Environment,
		Generation: a.config.Generation, Check: a.config.Check}
	shares, err := custody.NewOpening(a.ports.Env, sealed.Master, want, a.ledger)
	if err != nil {
		return nil, err
	}
	defer shares.Wipe()
	o := &opening{}
	if o.present, err = a.gather(ctx, shares, locked, lines); err == nil {
		o.Opened, err = shares.Master()
	}
	if err == nil {
		err = because(p, o.CheckRoster(sealed.Roster, today))
	}
	if err != nil {
		o.wipe()
		return nil, err
	}
	return o, nil
}

// because records the reason of a refusal, which says nothing that anybody typed.
func because(p *audit.Pending, err error) error {
	if err != nil {
		p.After.Details = audit.Details{audit.FieldReason: audit.Clean(err.Error())}
	}
	return err
}

// officers reads the identities that were handed over, and refuses too few of them before anybody types. Those who
// open the store hold a share; to reshare it, other officers of the store may come too.
func (a *agent) officers(sealed custody.SealedStore) ([]*custody.Locked, error) {
	locked, err := parseIdentities(a.config.Identities)
	if err != nil {
		return nil, err
	}
	doc, shares := sealed.Master, 0
	for _, l := range locked {
		if err := l.Card().CheckTime(a.ports.Env.Now()); err != nil {
			return nil, err
		}
		is := func(h custody.Holder) bool { return h.Fingerprint == l.Card().Fingerprint() }
		switch {
		case slices.ContainsFunc(doc.Officers(), is):
			shares++
		case a.config.Mode == Unseal:
			return nil, fault.New(fault.NotPermitted, "%s holds no share of this master key", l.Card().ID())
		case !slices.ContainsFunc(sealed.Roster.Officers(), is):
			return nil, fault.New(fault.NotPermitted, "%s is no officer of this store, or has another card by now", l.Card().ID())
		}
	}
	switch {
	case shares < doc.Threshold():
		return nil, fault.New(fault.NotPermitted, "%d of %d officers are named; the store opens with %d of its %d",
			shares, doc.Threshold(), doc.Threshold(), len(doc.Officers()))
	case shares > doc.Threshold() && a.config.Mode == Unseal:
		return nil, fault.New(fault.Usage, "%d officers are named and %d are needed; name only those", shares,
			doc.Threshold())
	}
	return locked, nil
}

// gather asks all, and takes as many shares as are needed.
func (a *agent) gather(
	ctx context.Context, shares *custody.Opening, locked []*custody.Locked, lines []text.Text,
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
		shown := slices.Concat([]text.Text{text.New("key store %s (%s)", a.config.Store, string(a.config.Environment))}, lines,
			[]text.Text{text.New("officer %d of %d: %s (%s)", i+1, len(locked), c.ID(), c.Name()),
				text.New("The others turn away, please.")})
		id, err := p.unlock(ctx, l, shown...)
		if err != nil {
			return present, err
		}
		present = append(present, id)
		if shares.Missing() == 0 || !shares.Holds(c) {
			continue // here to agree
		}
		if err := shares.Add(id); err != nil {
			return present, err
		}
		p.report(Event{Kind: ShareTaken, Officer: c.ID(), Left: shares.Missing()})
	}
	return present, nil
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
func (a *agent) build(ctx context.Context, p *audit.Pending) (*server, error) {
	cards, err := parseCards(a.config.Roster)
	if err != nil {
		return nil, err
	}
	roster, err := custody.NewRoster(a.config.Environment, cards...)
	if err != nil {
		return nil, err
	}
	opened, err := a.open(ctx, p, cards, []text.Text{text.New("to open: for %d minutes", int(a.config.Duration.Minutes()))})
	if err != nil {
		return nil, err
	}
	defer opened.wipe()
	activities := a.config.Activities
	if len(activities) == 0 {
		activities = custody.StandingActivities(a.config.Environment)
	}
	auth, err := opened.Authorise(a.ports.Clock, a.config.Duration, activities...)
	if err != nil {
		return nil, err
	}
	signed, err := checkpoint(a.log, a.starter(), opened.present)
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
	boundary, err := a.boundary(opened.Opened)
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
