package agent

import (
	"context"
	"os"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
)

// LocalTerms say what a token store allows.
type LocalTerms struct {
	Environment custody.Environment
	// Activities that are allowed; none named: all that officers could allow for a time, in a test store also those that
	// take approvals each time. In production the latter are never allowed here: nobody is there to approve.
	Activities []custody.Activity
}

// Local is the authority of a store whose master key is in a token: this process asks the token itself, and no agent
// runs. Who may use the token is the token's to say, by its PIN. A boundary with probers has [RecordProbe] as the
// record of its questions.
type Local struct {
	terms LocalTerms
	desk  *desk
	log   *audit.Log
}

// NewLocal makes the authority of a token store. Boundary and log stay the caller's to close, after the authority.
// Errors: usage for an environment that is not the log's, not_permitted for an activity that nobody may be allowed
// here.
func NewLocal(boundary hsm.Boundary, log *audit.Log, t LocalTerms) (*Local, error) {
	if string(t.Environment) != string(log.Identity().Environment) {
		return nil, fault.New(fault.Usage, "the audit log is for %s, the store for %s",
			string(log.Identity().Environment), string(t.Environment))
	}
	if len(t.Activities) == 0 {
		t.Activities = localActivities(t.Environment)
	}
	for _, a := range t.Activities {
		if !slices.Contains(localActivities(t.Environment), a) {
			return nil, fault.New(fault.NotPermitted, "%s takes officers' approvals, and a token store asks none", string(a))
		}
	}
	l := &Local{terms: t, log: log}
	l.desk = &desk{ledger: &ledger{log: log, broken: func(error) {}}, boundary: boundary, environment: t.Environment,
		admit: l.admit, works: map[*job]struct{}{}}
	return l, nil
}

// localActivities are those that need nobody who is asked.
func localActivities(e custody.Environment) []custody.Activity {
	var all []custody.Activity
	for _, r := range custody.Rules() {
		if t := r.Terms(e); !r.ByShares && (t.Standing || e == custody.Test || len(t.Needs) == 0) {
			all = append(all, r.Activity)
		}
	}
	return all
}

func (l *Local) admit(_ context.Context, a custody.Action, in Intent) (admitted, error) {
	if !slices.Contains(l.terms.Activities, a.Activity) {
		return admitted{}, fault.New(fault.NotPermitted, "%s is not allowed in this token store", string(a.Activity))
	}
	if len(in.Approvers.Identities) > 0 {
		return admitted{}, fault.New(fault.Usage, "a token store asks no officers; whoever may use the token may do this")
	}
	rule, err := custody.RuleOf(a.Activity)
	return admitted{bound: !rule.Terms(l.terms.Environment).Standing}, err
}

// Begin admits an operation.
func (l *Local) Begin(ctx context.Context, in Intent) (Work, error) {
	j, err := l.desk.begin(ctx, in)
	if err != nil {
		return nil, err
	}
	return j, nil
}

// Note records something that is over.
func (l *Local) Note(_ context.Context, e audit.Entry, o audit.Outcome) error {
	return l.desk.note(e, o)
}

// Checkpoint is refused: officers sign the log of a token store where their identities are, not here.
func (l *Local) Checkpoint(context.Context, Intent) ([]byte, error) {
	return nil, fault.New(fault.NotPermitted, "a token store asks no officers; let them sign its audit log themselves")
}

// Status says how things stand.
func (l *Local) Status(context.Context) (Status, error) {
	works, done, probes := l.desk.count()
	head := l.log.Head()
	return Status{Store: l.log.Identity().Store, Environment: l.terms.Environment, PID: os.Getpid(), Until: time.Time{},
		Activities: slices.Clone(l.terms.Activities), Works: works, Done: done, Probes: probes,
		Head: Mark{head.Seq, head.Hash}}, nil
}

// Seal ends the authority and records it.
func (l *Local) Seal(_ context.Context, who audit.Actor) error {
	l.desk.close(text.New("it was told to end"))
	e := audit.Entry{Who: who, Operation: audit.StoreSeal, Object: audit.Object{Kind: audit.KindStore,
		Label: l.log.Identity().Store}, Details: thisProcess()}
	return l.desk.ledger.append(e, audit.OK())
}

// Close ends the authority; operations that are under way are recorded as not known.
func (l *Local) Close() error {
	l.desk.close(text.New("the command ended"))
	return nil
}
