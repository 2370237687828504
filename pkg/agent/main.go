package agent

// The life of an agent: hardening, the log, what it was started for.

import (
	"context"
	"os"
	"sync/atomic"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
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

// harden makes the process one that nobody looks into. In production nothing less will do.
func (a *agent) harden() error {
	if a.noArmor {
		return nil
	}
	weak, err := harden()
	if err != nil {
		return err
	}
	if a.mustLock() && unguarded() {
		err := a.ports.Report(Event{Kind: Warned, Text: text.New("this system lets programs of the same user look into each other: set " +
			"kernel.yama.ptrace_scope to 1 or more, or give the officers' work an account of its own")})
		if err != nil {
			return err
		}
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
		details[fieldGeneration] = generationWord(a.config.Generation)
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

// unseal opens the store and serves until its end.
func (a *agent) unseal(ctx context.Context) error {
	var s *server
	err := a.recorded(audit.StoreUnseal, func(p *audit.Pending) (err error) {
		if s, err = a.build(ctx, p); err != nil {
			return err
		}
		p.After.With = actorsOf(s.auth.Officers())
		p.After.Details = audit.Details{fieldUntil: s.auth.Until().UTC().Format("2006-01-02T15:04:05Z"),
			fieldActivities: audit.Clean(activityWords(s.auth.Activities())),
			fieldGeneration: generationWord(a.config.Generation)}
		p.After.Request = audit.DigestOf(a.config.Sealed)
		return nil
	})
	if err != nil {
		if s != nil {
			s.discard()
		}
		return err
	}
	return s.live(ctx)
}
