package agent

// The life of an agent: hardening, officers, the store's time, the end.

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// Main is an agent from its beginning to its end. It returns when the store is sealed again, nil when that was by its
// time, by being told to, by a signal or by the machine's sleep. What ends it before it is ready is reported and
// returned.
func Main(ctx context.Context, c Config, p Ports) error {
	return (&agent{config: c, ports: p}).main(ctx)
}

func (a *agent) main(ctx context.Context) error {
	err := a.run(ctx)
	if err != nil && !a.ready.Load() && a.ports.Report != nil {
		_ = a.ports.Report(Event{Kind: Over, Err: err}) // whoever would read it may have gone
	}
	return err
}

// agent is the process between its beginning and its end.
type agent struct {
	config  Config
	ports   Ports
	ready   atomic.Bool
	log     *audit.Log
	ledger  *ledger
	trouble chan error // the log took no more

	free    bool // tests: works may do everything
	noArmor bool // tests: the test's process stays as it is
}

func (a *agent) run(ctx context.Context) error {
	if err := supported(); err != nil {
		return err
	}
	if err := a.config.check(); err != nil {
		return err
	}
	if p := a.ports; p.Env.Rand == nil || p.Env.Now == nil || p.Clock == nil || p.Ticks == nil || p.Report == nil {
		return fault.New(fault.Bug, "the agent was not given everything that it needs")
	}
	if err := a.harden(); err != nil {
		return err
	}
	ctx, stop := a.life(ctx)
	defer stop()
	if a.config.Mode == Unseal {
		if err := prepareSocket(a.config.Socket); err != nil {
			return err
		}
	}
	if err := a.openLog(); err != nil {
		return err
	}
	defer func() { _ = a.log.Close() }() // every record is on the disk
	switch a.config.Mode {
	case Init:
		return a.initialise()
	case Reshare:
		return a.reshare(ctx)
	}
	return a.unseal(ctx)
}

func (c *Config) check() error {
	switch {
	case c.Mode != Unseal && c.Mode != Init && c.Mode != Reshare:
		return fault.New(fault.Usage, "an agent unseals, initialises or reshares, not %q", string(c.Mode))
	case c.Store == "" || c.Log == "":
		return fault.New(fault.Usage, "an agent must know the store and its audit log")
	case c.Environment != custody.Test && c.Environment != custody.Production:
		return fault.New(fault.Usage, "the environment is missing: test or production")
	case c.Mode == Unseal && c.Socket == "":
		return fault.New(fault.Usage, "an agent must know its socket")
	case !filepath.IsAbs(c.Log) || c.Socket != "" && !filepath.IsAbs(c.Socket):
		return fault.New(fault.Usage, "an agent is told whole paths, from the root on")
	case c.Mode == Unseal:
		return c.checkPermission()
	}
	return nil
}

// checkPermission refuses what could never be allowed, before officers have typed their passphrases for it.
func (c *Config) checkPermission() error {
	if c.Duration < custody.MinAuthorisation || c.Duration > custody.MaxAuthorisation {
		return fault.New(fault.Usage, "activities are allowed for %s to %s, not for %s", custody.MinAuthorisation,
			custody.MaxAuthorisation, c.Duration)
	}
	for _, a := range c.Activities {
		if _, err := custody.RuleOf(a); err != nil {
			return err
		}
		if !slices.Contains(custody.StandingActivities(c.Environment), a) {
			return fault.New(fault.NotPermitted, "%s is not allowed for a time; it is approved each time", string(a))
		}
	}
	return nil
}

// harden makes the process one that nobody looks into. In production nothing less will do.
func (a *agent) harden() error {
	if a.noArmor {
		return nil
	}
	weak, err := harden()
	if err != nil {
		return err
	}
	if weak == nil {
		return nil
	}
	if a.mustLock() {
		return fault.WrapAs(fault.NotPermitted, weak,
			"the memory of the agent cannot be locked, which a production store needs (ulimit -l)")
	}
	return a.ports.Report(Event{Kind: Warned, Text: text.New("the memory of the agent is not locked: %s", weak)})
}

// mustLock: keys of a production store never lie in memory that may be swapped.
func (a *agent) mustLock() bool { return a.config.Environment == custody.Production && !a.noArmor }

// life is a context that ends with a signal, and with the process that started this one until it is ready.
func (a *agent) life(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		orphaned := a.ports.Orphaned
		for {
			select {
			case s := <-a.ports.Signals:
				cancel(bySignal(s))
			case <-orphaned:
				if orphaned = nil; !a.ready.Load() {
					cancel(fault.New(fault.Interrupted, "the command that started the agent went away"))
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

func bySignal(s os.Signal) error {
	if s == os.Interrupt {
		return fault.New(fault.Interrupted, "interrupted")
	}
	return fault.New(fault.Terminated, "terminated")
}

func (a *agent) self() audit.Actor {
	return audit.Actor{ID: "poskey agent", Role: "agent", Station: cutTo(audit.Clean(a.config.Who.Station), 64)}
}

func (a *agent) starter() audit.Actor { return peer(a.config.Who, os.Getuid()) }

// openLog comes before anybody is asked: wrong passphrases are recorded, and the log is held by one agent at a time.
func (a *agent) openLog() (err error) {
	id := audit.Identity{Store: a.config.Store, Environment: audit.Environment(a.config.Environment)}
	o := audit.Options{Now: a.ports.Env.Now, Who: a.self()}
	if a.config.Mode == Init {
		a.log, err = audit.Create(a.config.Log, id, o)
	} else {
		a.log, err = audit.Open(a.config.Log, id, o)
	}
	if fault.Is(err, fault.Busy) {
		return fault.Wrap(err, "another agent, or a command, has the store")
	}
	if err != nil {
		return err
	}
	a.trouble = make(chan error, 1)
	a.ledger = &ledger{log: a.log, self: a.self(), broken: func(err error) {
		select {
		case a.trouble <- err:
		default:
		}
	}}
	if err := a.settle(); err != nil {
		_ = a.log.Close() // the error says more
		return err
	}
	return nil
}

// settle gives operations that an earlier agent never finished their outcome: nobody knows it.
func (a *agent) settle() error {
	for _, p := range a.log.Unfinished() {
		if err := a.ledger.done(p, audit.NotKnown()); err != nil {
			return err
		}
		what := text.New("record %d: %s, begun and never finished", int(p.Begun.Seq), p.Begun.Operation.Text())
		if err := a.ports.Report(Event{Kind: Interrupted, Text: what}); err != nil {
			return err
		}
	}
	return nil
}

// recorded does something between its intent and its outcome.
func (a *agent) recorded(op audit.Operation, act func(p *audit.Pending) error) error {
	details := thisProcess()
	if a.config.Generation > 0 {
		details[fieldGeneration] = strconv.FormatUint(a.config.Generation, 10)
	}
	e := audit.Entry{Who: a.starter(), Operation: op, Details: details,
		Object: audit.Object{Kind: audit.KindStore, Label: a.config.Store, Check: checkOf(a.config.Check)}}
	p, err := a.ledger.begin(e)
	if err != nil {
		return err
	}
	err = act(p)
	if lost := a.ledger.done(p, audit.OutcomeOf(err)); lost != nil && err == nil {
		return lost
	}
	return err
}

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
	err := a.recorded(audit.Operation(custody.StoreReshare), func(p *audit.Pending) error {
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
		id, err := p.unlock(ctx, l, text.New("key store %s (%s)", a.config.Store, string(a.config.Environment)),
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

// letGo closes the terminal and the descriptors: the agent lives on, and who sat there must be able to leave.
func (a *agent) letGo() {
	if a.ports.Terminal != nil {
		_ = a.ports.Terminal.Close() // it was read from and written to
	}
	for _, f := range a.ports.Passphrases {
		_ = f.Close() // it was read
	}
}

// unseal opens the store and serves until its end.
func (a *agent) unseal(ctx context.Context) error {
	var s *server
	err := a.recorded(audit.StoreUnseal, func(p *audit.Pending) (err error) {
		if s, err = a.build(ctx); err != nil {
			return err
		}
		p.After.With = actorsOf(s.auth.Officers())
		p.After.Details = audit.Details{fieldUntil: s.auth.Until().UTC().Format("2006-01-02T15:04:05Z"),
			fieldActivities: audit.Clean(activityWords(s.auth.Activities()))}
		return nil
	})
	a.leaveTerminal()
	if err != nil {
		if s != nil {
			s.discard()
		}
		return err
	}
	return s.live(ctx)
}

// leaveTerminal lets go of what was inherited: whoever sits there is alone with their shell again.
func (a *agent) leaveTerminal() {
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

// server is an open store.
type server struct {
	agent    *agent
	auth     *custody.Authorisation
	roster   *custody.Roster
	boundary hsm.Boundary
	gate     *gate
	desk     *desk
	socket   *socket
	handlers map[string]handler
	owner    int // uid of this process, and of all whom it answers

	stop   chan text.Text // somebody told it to end
	sealed chan struct{}  // it has ended: wiped and recorded
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	sessions map[*session]struct{}
	by       audit.Actor // who told it to end
	refused  refusals
	panics   atomic.Int64 // connections that ended by a bug
}

func (a *agent) newServer(
	guard custody.Guard, roster *custody.Roster, boundary hsm.Boundary, listener *socket,
) *server {
	s := &server{agent: a, owner: os.Geteuid(), auth: guard.Authorisation, roster: roster, boundary: boundary,
		socket: listener, handlers: handlers(), stop: make(chan text.Text, 1), sealed: make(chan struct{}), sessions: map[*session]struct{}{}}
	s.gate = &gate{store: a.config.Store, environment: a.config.Environment, guard: guard, roster: roster,
		env: a.ports.Env, rec: a.ledger, screens: a.ports.Screen}
	s.desk = &desk{ledger: a.ledger, boundary: boundary, environment: a.config.Environment, admit: s.gate.admit,
		after: s.after, free: a.free, works: map[*job]struct{}{}}
	if a.free {
		s.desk.admit = func(context.Context, custody.Action, Intent) (admitted, error) { return admitted{}, nil }
	}
	s.by = a.ledger.self
	s.ctx, s.cancel = context.WithCancelCause(context.Background()) // ends with the store, and with nothing else
	return s
}

// after: an officer who was taken out of the store counts no more, from now on.
func (s *server) after(in Intent, o Outcome) {
	if in.Activity != custody.OfficerRevoke || o.Result != audit.Done {
		return
	}
	for _, c := range s.roster.Cards() {
		if c.ID() == in.Label {
			_ = s.roster.Revoke(c.Fingerprint()) // it is there
		}
	}
}

// discard undoes a server that never lived.
func (s *server) discard() {
	_ = s.socket.close()
	_ = s.boundary.Close()
}

// live serves until the end, and seals.
func (s *server) live(ctx context.Context) error {
	s.wg.Go(s.accept)
	s.agent.ready.Store(true)
	_ = s.agent.ports.Report(Event{Kind: Ready, PID: os.Getpid(), Until: s.auth.Until(), Activities: s.auth.Activities(),
		Officers: idsOf(s.auth.Officers())}) // from here on the agent stays, whoever started it
	why, err := s.wait(ctx)
	lost := s.seal(why)
	if err == nil {
		err = lost
	}
	return err
}

// wait looks at each tick whether the time is over. An error is what it did not end by in good order.
func (s *server) wait(ctx context.Context) (text.Text, error) {
	for {
		select {
		case <-ctx.Done():
			return text.New("the agent was told to end: %s", context.Cause(ctx)), nil
		case why := <-s.stop:
			return why, nil
		case err := <-s.agent.trouble:
			return text.New("the audit log cannot be written"), err
		case <-s.agent.ports.Ticks:
		}
		if why, ended := s.auth.Ended(); ended {
			return why, nil
		}
		if err := secret.LockError(); err != nil && s.agent.mustLock() {
			return text.New("the agent's memory can no longer be locked"), err
		}
		if !s.socket.ours() {
			return text.New("the socket was taken away"), nil
		}
	}
}

// grace is how long an agent that has sealed itself waits for answers to be written.
const grace = 2 * time.Second

// seal ends the store: nothing more is admitted, what is under way gets its outcome, the keys are wiped, and all that
// is recorded.
func (s *server) seal(why text.Text) error {
	s.auth.End(why)
	_ = s.socket.close()
	s.cancel(sealedError(why))
	s.desk.close(why)
	_ = s.boundary.Close()
	s.mu.Lock()
	by := s.by
	s.mu.Unlock()
	e := audit.Entry{Who: by, Operation: audit.StoreSeal, Details: thisProcess(),
		Object: audit.Object{Kind: audit.KindStore, Label: s.agent.config.Store}}
	e.Details[audit.FieldReason] = audit.Clean(why.String())
	err := s.agent.ledger.append(e, audit.OK())
	close(s.sealed)
	s.hangUp()
	return err
}

// hangUp ends the connections. No more is read from them; what is being answered is answered yet.
func (s *server) hangUp() {
	s.mu.Lock()
	for c := range s.sessions {
		_ = c.conn.CloseRead() // it may be closed
	}
	s.mu.Unlock()
	over := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(over)
	}()
	late, stop := context.WithTimeout(context.Background(), grace)
	defer stop()
	select {
	case <-over:
		return
	case <-late.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sessions {
		c.close()
	}
}
