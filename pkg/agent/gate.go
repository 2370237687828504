package agent

// Dual control: what the officers allowed for a time, and their approvals, which are asked for here.

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// tries is how often an officer may type the passphrase.
const tries = 3

// maxTyped bounds what is read as a passphrase, in bytes; it is more than any passphrase has.
const maxTyped = 2048

// people asks officers for their passphrases.
type people struct {
	env    keys.Env
	rec    custody.Recorder
	screen Screen     // nil where descriptors stand in for it
	files  []*os.File // one passphrase each, in the order in which officers are asked
	report func(Event)
}

// newPeople takes the terminal or the descriptors. Error: input_needed when there is neither.
func newPeople(env keys.Env, rec custody.Recorder, screen Screen, files []*os.File, officers int) (*people, error) {
	switch {
	case len(files) > 0 && len(files) != officers:
		return nil, fault.New(fault.Usage, "%d passphrases were handed over for %d officers", len(files), officers)
	case len(files) == 0 && screen == nil:
		return nil, fault.New(fault.InputNeeded, "officers must give their passphrases, and there is no terminal")
	}
	return &people{env: env, rec: rec, screen: screen, files: files, report: func(Event) {}}, nil
}

// unlock asks one officer. The screen is cleared before, so that nobody sees what was done by the one before.
func (p *people) unlock(ctx context.Context, l *custody.Locked, lines ...text.Text) (*custody.Identity, error) {
	who := l.Card().ID()
	p.report(Event{Kind: Asked, Officer: who})
	if len(p.files) > 0 {
		f := p.files[0]
		p.files = p.files[1:]
		typed, err := readPassphrase(ctx, f)
		if err != nil {
			return nil, fault.Wrap(err, "passphrase of %s", who)
		}
		defer typed.Wipe()
		return l.Unlock(p.env, typed, p.rec)
	}
	if err := p.screen.Clear(); err != nil {
		return nil, fault.WrapAs(fault.Failure, err, "clear the terminal")
	}
	if err := p.screen.Show(ctx, lines...); err != nil {
		return nil, err
	}
	for left := tries - 1; ; left-- {
		id, err := p.ask(ctx, l)
		if err == nil || left == 0 || !retriable(err) {
			return id, err
		}
		p.report(Event{Kind: Wrong, Officer: who, Left: left})
		if err := p.screen.Show(ctx, text.New("that was wrong (%s); tries left: %d", err, left)); err != nil {
			return nil, err
		}
	}
}

// retriable: a slip of typing, and nothing that another try would not mend.
func retriable(err error) bool {
	return fault.Is(err, fault.AuthFailed) || fault.Is(err, fault.Malformed)
}

func (p *people) ask(ctx context.Context, l *custody.Locked) (*custody.Identity, error) {
	typed, err := p.screen.Ask(ctx, text.New("passphrase of %s (hidden): ", l.Card().ID()))
	if err != nil {
		return nil, err
	}
	defer typed.Wipe()
	return l.Unlock(p.env, typed, p.rec)
}

// leave takes the last officer's traces from the screen, and from the memory that argon2id and age left to the garbage
// collector: the system takes its pages back and with them what stood there.
func (p *people) leave() {
	debug.FreeOSMemory()
	if p.screen != nil {
		_ = p.screen.Clear() // whoever sits there sees that it was not
	}
}

// readPassphrase reads the first line of a descriptor into locked memory.
func readPassphrase(ctx context.Context, f *os.File) (*secret.Bytes, error) {
	type reading struct {
		typed *secret.Bytes
		err   error
	}
	got := make(chan reading, 1)
	go func() {
		typed, err := firstLine(f)
		got <- reading{typed, err}
	}()
	select {
	case r := <-got:
		return r.typed, r.err
	case <-ctx.Done():
		go func() { // whatever comes yet is wiped
			r := <-got
			r.typed.Wipe()
		}()
		return nil, fault.WrapAs(fault.Interrupted, context.Cause(ctx), "nobody waits for the passphrase any more")
	}
}

func firstLine(r io.Reader) (*secret.Bytes, error) {
	line, err := secret.ReadLine(r, maxTyped)
	switch {
	case errors.Is(err, io.EOF):
		return nil, fault.New(fault.InputNeeded, "the descriptor gave no passphrase")
	case errors.Is(err, secret.ErrLongLine):
		return nil, fault.New(fault.TooLarge, "the descriptor gave more than a passphrase has")
	}
	return line, fault.WrapAs(fault.Failure, err, "read")
}

// gate admits operations of an open store.
type gate struct {
	store       string
	environment custody.Environment
	guard       custody.Guard
	roster      *custody.Roster
	env         keys.Env
	rec         custody.Recorder
	screens     func(tty *os.File, language string) Screen
}

// admit gives the permit: standing, or by officers who are asked now.
func (g *gate) admit(ctx context.Context, a custody.Action, in Intent) (admitted, error) {
	rule, err := custody.RuleOf(a.Activity)
	if err != nil {
		return admitted{}, err
	}
	terms := rule.Terms(g.environment)
	if len(in.Approvers.Identities) == 0 {
		permit, err := g.guard.Admit(a, nil)
		if err != nil {
			return admitted{}, err
		}
		return admitted{permit, permit.Officers(), !terms.Standing && len(terms.Needs) > 0}, nil
	}
	if len(terms.Needs) == 0 {
		return admitted{}, fault.New(fault.Usage, "%s needs nobody's approval", string(a.Activity))
	}
	permit, err := g.approved(ctx, a, in)
	if err != nil {
		return admitted{}, err
	}
	return admitted{permit, permit.Officers(), true}, nil
}

// approved asks the officers, one after the other.
func (g *gate) approved(ctx context.Context, a custody.Action, in Intent) (*custody.Permit, error) {
	locked, err := g.officers(in.Approvers)
	if err != nil {
		return nil, err
	}
	p, err := g.people(in.Approvers, len(locked))
	if err != nil {
		return nil, err
	}
	defer p.leave()
	if len(in.Approvers.Requester) > 0 {
		id, err := p.unlock(ctx, locked[0], g.asked(a, in, text.New("%s asks for it", locked[0].Card().ID()))...)
		if err != nil {
			return nil, err
		}
		a.Requester = id.Card().Fingerprint()
		id.Wipe()
		locked = locked[1:]
	}
	q, err := g.guard.Book.Ask(a, custody.DefaultRequest)
	if err != nil {
		return nil, err
	}
	var given []custody.Approval
	for i, l := range locked {
		until := q.Expires().UTC().Format("2006-01-02 15:04:05")
		lines := g.asked(a, in, text.New("officer %d of %d: %s (%s)", i+1, len(locked), l.Card().ID(), l.Card().Name()),
			text.New("The approval counts once, until %s UTC.", until))
		id, err := p.unlock(ctx, l, lines...)
		if err != nil {
			return nil, err
		}
		approval, err := id.Approve(g.env.Now(), q)
		id.Wipe()
		if err != nil {
			return nil, err
		}
		given = append(given, approval)
	}
	return g.guard.Admit(a, given)
}

// What a command says is shown in so many rows at most, so that what the agent knows by itself stays on the smallest
// screen.
const (
	maxSaid     = 7
	maxSaidLine = 76 // columns; a wide character takes two
)

// MostSaid is how many details of an intent officers are shown, a row each; the rest is in the record alone. What an incident
// takes out of use is shown by its names, on a longer screen: what the agent knows stands below it, next to the prompt.
func MostSaid(a custody.Activity) int {
	if a == custody.IncidentContain {
		return 20
	}
	return maxSaid
}

// IsSaidWhole tells whether officers are shown a detail as it is, from its beginning to its end.
func IsSaidWhole(name audit.Field, value string) bool {
	row := saidRow(name, value)
	return oneRow(row) == row
}

func saidRow(name audit.Field, value string) string { return string(name) + ": " + value }

// asked says what will be done: first what the command says about it, marked as that, then what the agent knows, last
// and next to the prompt, where nothing can push it off the screen.
func (g *gate) asked(a custody.Action, in Intent, more ...text.Text) []text.Text {
	lines := said(beside(in.Details, a.Attributes), MostSaid(a.Activity))
	if !in.Request.IsZero() {
		lines = append(lines, text.New("request: %s", in.Request.Short()))
	}
	lines = append(lines, text.New("asked by: %s", oneRow(in.Who.ID)), text.Raw(""),
		text.New("key store %s (%s)", g.store, string(g.environment)),
		text.New("to approve: %s", operationOf(a.Activity).Text()))
	if a.Label != "" {
		lines = append(lines, text.New("for: %s", oneRow(a.Label)))
	}
	if a.Check != (kcv.Value{}) {
		lines = append(lines, text.New("check value: %s", oneRow(a.Check.String())))
	}
	if is := a.Attributes; !is.IsZero() {
		lines = append(lines, text.New("usage: %s (%s); %s, mode of use %c, exportability %c", is.Usage, is.Usage.Name(),
			is.Algorithm, is.Mode, is.Exportability))
	}
	if in.Count > 0 {
		lines = append(lines, text.New("lines of the batch: %d", in.Count))
	}
	return append(lines, more...)
}

// beside leaves out what is shown as attributes, to which the key is held.
func beside(details audit.Details, a custody.Attributes) audit.Details {
	if a.IsZero() {
		return details
	}
	left := maps.Clone(details)
	delete(left, audit.FieldUsage)
	delete(left, audit.FieldAlgorithm)
	return left
}

// said is what a command says beside, each detail in one row.
func said(details audit.Details, most int) []text.Text {
	if len(details) == 0 {
		return nil
	}
	lines := []text.Text{text.New("The command says:")}
	for i, name := range slices.Sorted(maps.Keys(details)) {
		if i == most {
			lines = append(lines, text.New("  and %d details more, which are in the record", len(details)-i))
			break
		}
		lines = append(lines, text.Raw("  "+oneRow(saidRow(name, details[name]))))
	}
	return lines
}

// oneRow cleans what a command says, since it could draw another screen, and cuts it to a row.
func oneRow(s string) string { return rowOf(s, maxSaidLine) }

// rowOf cuts what a command or a device says to so many columns.
func rowOf(s string, most int) string {
	s = audit.Clean(s)
	columns := 0
	for at, c := range s {
		if columns++; c >= 0x1100 { // from here on characters may be two columns wide
			columns++
		}
		if columns > most {
			return s[:at] + "…"
		}
	}
	return s
}

// officers reads the identity files, the requester's first, and refuses what cannot count before anybody types.
func (g *gate) officers(a Approvers) ([]*custody.Locked, error) {
	files := a.Identities
	if len(a.Requester) > 0 {
		files = append([][]byte{a.Requester}, files...)
	}
	locked, err := parseIdentities(files)
	if err != nil {
		return nil, err
	}
	for _, l := range locked {
		if err := l.Card().CheckTime(g.env.Now()); err != nil {
			return nil, err
		}
		if _, err := g.roster.Find(l.Card().Fingerprint()); err != nil {
			return nil, fault.New(fault.NotPermitted, "%s is no officer of this store, or has another card by now",
				l.Card().ID())
		}
	}
	return locked, nil
}

// parseIdentities refuses one officer twice: who asks may not approve, and who approved may not do it again.
func parseIdentities(files [][]byte) ([]*custody.Locked, error) {
	var all []*custody.Locked
	for i, file := range files {
		l, err := custody.ParseIdentity(file)
		if err != nil {
			return nil, fault.Wrap(err, "identity %d", i+1)
		}
		there := func(o *custody.Locked) bool { return o.Card().ID() == l.Card().ID() }
		if slices.ContainsFunc(all, there) {
			return nil, fault.New(fault.NotPermitted, "%s is named twice; another officer is needed", l.Card().ID())
		}
		all = append(all, l)
	}
	return all, nil
}

func (g *gate) people(a Approvers, n int) (*people, error) {
	var screen Screen
	if a.Terminal != nil {
		screen = g.screens(a.Terminal, a.Language)
	}
	return newPeople(g.env, g.rec, screen, a.Passphrases, n)
}

// sign lets officers sign the audit log. Any role may; nobody may sign twice.
func (g *gate) sign(ctx context.Context, log *audit.Log, in Intent) ([]byte, error) {
	if len(in.Approvers.Identities) == 0 {
		return nil, fault.New(fault.Usage, "a checkpoint is signed by at least one officer")
	}
	locked, err := g.officers(Approvers{Identities: in.Approvers.Identities})
	if err != nil {
		return nil, err
	}
	p, err := g.people(in.Approvers, len(locked))
	if err != nil {
		return nil, err
	}
	defer p.leave()
	var present []*custody.Identity
	defer func() { wipeIdentities(present) }()
	for i, l := range locked {
		id, err := p.unlock(ctx, l, text.New("key store %s (%s)", g.store, string(g.environment)),
			text.New("to sign: the audit log, %d records", int(log.Head().Seq)),
			text.New("officer %d of %d: %s (%s)", i+1, len(locked), l.Card().ID(), l.Card().Name()))
		if err != nil {
			return nil, err
		}
		present = append(present, id)
	}
	return checkpoint(log, in.Who, present)
}

func wipeIdentities(all []*custody.Identity) {
	for _, id := range all {
		id.Wipe()
	}
}
