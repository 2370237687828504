package agent

// The desk: where an operation is admitted, recorded and given its work. The agent has one, and so has Local.

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
)

// maxWorks bounds the operations under way at one time.
const maxWorks = 128

// admitted is an operation that may be done.
type admitted struct {
	permit   *custody.Permit // nil where no officers decide
	officers []custody.Card  // on whose behalf
	bound    bool            // they approved this one action
}

// desk decides, records and hands out works.
type desk struct {
	ledger      *ledger
	boundary    hsm.Boundary
	environment custody.Environment
	admit       func(ctx context.Context, a custody.Action, in Intent) (admitted, error)
	after       func(in Intent, o Outcome) // what a done operation changes here; may be nil
	free        bool                       // works may do everything: tests alone

	mu     sync.Mutex
	works  map[*job]struct{}
	over   text.Text // why no more is admitted
	done   uint64
	probes uint64
}

// begin admits an operation in the order of the house: admit, record the intent, hand out the work.
func (d *desk) begin(ctx context.Context, in Intent) (*job, error) {
	in.Details = public(in.Details)
	if err := in.complete(); err != nil {
		return nil, err
	}
	entry, err := d.entry(in)
	if err != nil {
		return nil, err
	}
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	action := custody.Action{Activity: in.Activity, Label: in.Label, Check: in.Check, Attributes: in.Attributes,
		Details: detailsDigest(in)}
	a, err := d.admit(ctx, action, in)
	if err != nil {
		if lost := d.ledger.refuse(entry, err); lost != nil {
			return nil, lost
		}
		return nil, err
	}
	if a.permit != nil {
		if err := a.permit.Spend(a.permit.Action()); err != nil {
			return nil, err
		}
	}
	if a.bound {
		entry.With = actorsOf(a.officers)
	}
	pending, err := d.ledger.begin(entry)
	if err != nil {
		return nil, err
	}
	j := d.newJob(in, a, pending)
	if err := d.take(j); err != nil {
		return nil, err
	}
	return j, nil
}

// entry is the intent as it is recorded. Error: usage for what is no intent.
func (d *desk) entry(in Intent) (audit.Entry, error) {
	rule, err := custody.RuleOf(in.Activity)
	if err != nil {
		return audit.Entry{}, err
	}
	switch {
	case rule.ByShares, in.Activity == custody.StoreSeal, in.Activity == custody.AuditCheckpoint:
		return audit.Entry{}, fault.New(fault.Usage, "%s has a way of its own and is not begun", string(in.Activity))
	case needsKey(in.Activity) && in.Label == "":
		return audit.Entry{}, fault.New(fault.Usage, "%s is about one key, and its label was not said", string(in.Activity))
	}
	if err := d.sayWhat(in, rule); err != nil {
		return audit.Entry{}, err
	}
	return audit.Entry{Who: in.Who, Operation: operationOf(in.Activity),
		Object: objectOf(in.Activity, in.Label, in.Check), Request: in.Request, Batch: audit.Batch{Count: in.Count},
		Details: maps.Clone(in.Details)}, nil
}

// sayWhat: where officers approve each clear key that comes into a production store, they are told which one, and what it
// will be for.
func (d *desk) sayWhat(in Intent, rule custody.Rule) error {
	comes := in.Activity == custody.KeyImport || in.Activity == custody.KeyForm
	if !comes || d.free || d.environment != custody.Production || rule.Production.Standing {
		return nil
	}
	switch {
	case in.Attributes.IsZero():
		return fault.New(fault.Usage, "%s is approved for a key whose algorithm and usage are said; say both (--alg, --usage)",
			string(in.Activity))
	case in.Check == (kcv.Value{}) && kcv.Default(in.Attributes.Algorithm) != "":
		return fault.New(fault.Usage, "%s is approved for a key whose check value is known; say its six digits (--expect)",
			string(in.Activity))
	}
	return nil
}

// needsKey: these are about one key of the store and no other.
func needsKey(a custody.Activity) bool {
	return a == custody.KeyReveal || a == custody.KeySplit || a == custody.KeyDestroy || a == custody.DeviceInjectClear
}

// detailsDigest stands for everything else that was asked for: what officers approve covers the count and the details
// as well as the request.
func detailsDigest(in Intent) [32]byte {
	var b strings.Builder
	fmt.Fprintf(&b, "poskey agent intent 1\n%s\n%d\n", in.Request, in.Count)
	for _, name := range slices.Sorted(maps.Keys(in.Details)) {
		fmt.Fprintf(&b, "%s: %s\n", name, in.Details[name])
	}
	return sha256.Sum256([]byte(b.String()))
}

func (d *desk) ready(ctx context.Context) error {
	if ctx.Err() != nil {
		return fault.WrapAs(fault.Interrupted, context.Cause(ctx), "nothing was begun")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over.IsZero() {
		return sealedError(d.over)
	}
	if len(d.works) >= maxWorks {
		return fault.New(fault.Busy, "%d operations are under way at one time; wait for one to end", maxWorks)
	}
	return nil
}

func sealedError(why text.Text) error { return fault.New(fault.Sealed, "the store is sealed: %s", why) }

func (d *desk) newJob(in Intent, a admitted, pending *audit.Pending) *job {
	j := &job{desk: d, intent: in, pending: pending, officers: idsOf(a.officers), asked: audit.NewDigester()}
	j.limited = &limited{inner: d.boundary, activity: in.Activity, powers: powersOf(in.Activity, d.environment),
		label: in.Label, check: in.Check, purpose: in.Attributes, batch: in.Count > 0, bound: a.bound,
		strict: d.environment == custody.Production, free: d.free,
		anybody: isAnybodys(in.Activity, d.environment)}
	if in.Activity == custody.DeviceInject || in.Activity == custody.DeviceInjectClear {
		j.deriving = j.recordDerive
	}
	return j
}

// take enters a job, unless the end came in between.
func (d *desk) take(j *job) error {
	d.mu.Lock()
	over := d.over
	if over.IsZero() {
		d.works[j] = struct{}{}
	}
	d.mu.Unlock()
	if over.IsZero() {
		return nil
	}
	j.end(over)
	return sealedError(over)
}

func (d *desk) leave(j *job) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, there := d.works[j]; there {
		delete(d.works, j)
		d.done++
	}
}

// close admits nothing more and ends what is under way, each with its outcome recorded as far as the log can.
func (d *desk) close(why text.Text) {
	d.mu.Lock()
	if d.over.IsZero() {
		d.over = why
	}
	var left []*job
	for j := range d.works {
		left = append(left, j)
	}
	d.mu.Unlock()
	for _, j := range left {
		j.end(why)
	}
}

func (d *desk) count() (works int, done, probes uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.works), d.done, d.probes
}

func (d *desk) countProbe(n uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.probes += n
}

// note records something that is over. Who else was there, and what an authority saw, is not a command's to say.
func (d *desk) note(e audit.Entry, o audit.Outcome) error {
	if ownOperation(e.Operation) {
		return fault.New(fault.NotPermitted, "%s is recorded by the authority itself", string(e.Operation))
	}
	if !notable(e.Operation) && o.Result != audit.Refused && o.Result != audit.Failed {
		return fault.New(fault.NotPermitted, "only that %s was refused or failed can be noted", text.Redact(string(e.Operation)))
	}
	e.With, e.Details = nil, public(e.Details)
	d.mu.Lock()
	over := d.over
	d.mu.Unlock()
	if !over.IsZero() {
		return sealedError(over)
	}
	return d.ledger.append(e, o)
}

// ownOperation tells what only an authority records.
func ownOperation(o audit.Operation) bool {
	switch o {
	case audit.StoreCreate, audit.StoreUnseal, audit.StoreSeal, audit.OfficerAuthenticate, audit.ApprovalGive,
		audit.ApprovalUse, audit.ShareOpen, audit.MasterOpen, audit.MasterReshare, audit.StoreAuthorise, audit.AgentConnect,
		audit.DeviceEndorse, audit.DeviceDerive:
		return true
	}
	return strings.HasPrefix(string(o), "log.") && o != audit.LogVerify && o != audit.LogExport
}

// notable tells operations that change nothing and are noted when they are done, unless they are admitted.
func notable(o audit.Operation) bool {
	reading := o == audit.LogVerify || o == audit.LogExport || o == audit.StoreVerify || o == audit.BoundarySelftest
	return reading && !takesAdmission(o)
}

// takesAdmission tells operations that some activity is recorded as.
func takesAdmission(o audit.Operation) bool {
	return slices.ContainsFunc(custody.Rules(), func(r custody.Rule) bool { return operationOf(r.Activity) == o })
}

// job is a work on this side.
type job struct {
	*limited
	desk     *desk
	intent   Intent
	pending  *audit.Pending
	officers []string

	mu        sync.Mutex
	over      bool
	ended     text.Text // why it was ended from here
	questions uint64
	asked     *audit.Digester
	derives   bool // recorded
}

var _ Work = (*job)(nil)

// Mark is where the intent stands.
func (j *job) Mark() Mark { return Mark{j.pending.Begun.Seq, j.pending.Begun.Hash} }

// Officers are those on whose behalf it is done.
func (j *job) Officers() []string { return slices.Clone(j.officers) }

// Done records the outcome. A second Done, or one after the end, is refused.
func (j *job) Done(ctx context.Context, o Outcome) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.ended.IsZero() {
		return fault.Wrap(sealedError(j.ended), "the outcome is recorded as not known")
	}
	if j.over {
		return fault.New(fault.Bug, "the outcome was recorded before")
	}
	if o.Label != "" && j.intent.Label != "" && nameOf(o.Label) != nameOf(j.intent.Label) {
		return fault.New(fault.NotPermitted, "the operation was begun for %s and cannot end for %s",
			named(j.intent.Label), named(o.Label))
	}
	if err := j.record(o); err != nil {
		return err
	}
	if j.desk.after != nil {
		j.desk.after(j.intent, o)
	}
	return nil
}

// record writes the outcome. The lock is held.
func (j *job) record(o Outcome) error {
	after := &j.pending.After
	label, check := j.intent.Label, j.intent.Check
	if o.Label != "" {
		label = o.Label
	}
	if o.Check != (kcv.Value{}) {
		check = o.Check
	}
	after.Object = objectOf(j.intent.Activity, label, check)
	after.Batch = o.Batch
	after.Details = public(o.Details)
	if after.Details == nil {
		after.Details = audit.Details{}
	}
	if used := j.usedLabels(); used != "" {
		after.Details[fieldKeys] = audit.Clean(used)
	}
	if j.questions > 0 {
		after.Details[fieldQuestions] = fmt.Sprint(j.questions)
		if after.Batch == (audit.Batch{}) {
			after.Batch = audit.Batch{Count: j.questions, OK: j.questions, Digest: j.asked.Digest()}
		}
	}
	if err := j.desk.ledger.done(j.pending, o.Outcome); err != nil {
		return err
	}
	j.over = true
	j.closed.Store(true)
	j.desk.leave(j)
	return nil
}

// Close ends the work. One that is not done is recorded as not known.
func (j *job) Close() error {
	j.closed.Store(true)
	return j.abandon(text.New("the command went away"))
}

// abandon records that nobody knows what became of it, and why.
func (j *job) abandon(why text.Text) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		return nil
	}
	o := Outcome{Outcome: audit.NotKnown(), Details: audit.Details{audit.FieldReason: audit.Clean(why.String())}}
	err := j.record(o)
	j.over = true
	j.desk.leave(j)
	return err
}

// end is abandon from this side: the store is being sealed.
func (j *job) end(why text.Text) {
	j.closed.Store(true)
	j.mu.Lock()
	already := j.over
	j.mu.Unlock()
	if already {
		return
	}
	_ = j.abandon(why) // the log may be what has failed
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended = why
}

// jobKey is where a context holds the job that asks, for the record of a prober.
type jobKey struct{}

// Prober hands out a prober whose questions are counted for this work.
func (j *job) Prober(ctx context.Context, material []hsm.Key) (hsm.ProbeCloser, error) {
	p, err := j.limited.Prober(context.WithValue(ctx, jobKey{}, j), material)
	if err != nil {
		return nil, err
	}
	return newCounted(p, j), nil
}

// recordDerive records that keys of an injection are derived from here on, once. Of an injection that ends without a word
// this tells whether a device may have a key that goes by a number: one that had only looked at its keys has let none go.
func (j *job) recordDerive() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.derives:
		return nil
	case j.over:
		return fault.New(fault.Failure, "the operation is over")
	}
	e := audit.Entry{Who: j.intent.Who, Operation: audit.DeviceDerive, Details: audit.Details{fieldIntent: fmt.Sprint(j.pending.Begun.Seq)},
		Object: objectOf(j.intent.Activity, j.intent.Label, j.intent.Check)}
	if err := j.desk.ledger.append(e, audit.OK()); err != nil {
		return err
	}
	j.derives = true
	return nil
}

// opQuestions is recorded at every so many questions of a diagnosis, so that their number outlives the agent.
const opQuestions audit.Operation = "key.probe-count"

// questionsEach is how many these are.
const questionsEach = 256

// recordQuestions records the number that will have been asked, when it is full. The lock is held.
func (j *job) recordQuestions(asked uint64) error {
	if asked/questionsEach == j.questions/questionsEach {
		return nil
	}
	e := audit.Entry{Who: j.intent.Who, Operation: opQuestions, Details: audit.Details{fieldQuestions: fmt.Sprint(asked),
		fieldIntent: fmt.Sprint(j.pending.Begun.Seq)}, Object: objectOf(j.intent.Activity, j.intent.Label, j.intent.Check)}
	return j.desk.ledger.append(e, audit.OK())
}

// RecordProbe counts a question of a diagnosis for the work that asks it: the strict boundary behind an authority is
// given it as its record of probes. A work asks [hsm.MaxQuestions] in all, of however many probers. What the questions
// were goes into the digest of the batch that the outcome's record holds. Error: not_permitted for a question that no
// work asks, and for one too many.
func RecordProbe(ctx context.Context, p hsm.Probe) error {
	j, ok := ctx.Value(jobKey{}).(*job)
	if !ok {
		return fault.New(fault.NotPermitted, "no operation that was admitted asks this")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		return fault.New(fault.NotPermitted, "the operation is over")
	}
	cost := uint64(1)
	if p.Search {
		cost = hsm.SearchCost
	}
	if j.questions+cost > hsm.MaxQuestions {
		return fault.New(fault.NotPermitted, "the limit of %d questions about these keys is reached", hsm.MaxQuestions)
	}
	if err := j.recordQuestions(j.questions + cost); err != nil {
		return err
	}
	j.questions += cost
	_, _ = fmt.Fprintf(j.asked, "%d %t %s %s %d %d\n", p.Question, p.Search, p.Algorithm, p.Method, p.Digits, p.Len)
	j.desk.countProbe(cost)
	return nil
}
