package cli

// What containing an incident does: one thing after the other, each in a transaction of its own, all under one approval.

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
	"poskey/pkg/device"
	"poskey/pkg/incident"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// containAct is one thing that is done.
type containAct struct {
	name    string // suspend, compromise, freeze, quarantine, release, lock
	object  string
	reason  string
	key     store.Key
	order   *ordering // to the device, connected
	did     bool      // else it was so before
	planned bool      // it is not so yet
	record  uint64
	err     error

	approved []string // ids of officers
}

// plan finds everything that was named, and refuses what cannot be before anybody is asked.
func (s *incidentSite) plan(ctx context.Context, o *incidentContainOpts) ([]*containAct, error) {
	if len(o.lock) > 0 && o.login == "" {
		return nil, fault.New(fault.Usage, "--lock-device needs --login: the account of the device that locks it")
	}
	if o.below && len(o.suspend)+len(o.compromise) == 0 {
		return nil, fault.New(fault.Usage, "--with-below belongs to --suspend or --compromise")
	}
	var all []*containAct
	for _, label := range o.compromise {
		acts, err := s.planKeys(ctx, "compromise", label, store.Compromised, o.below)
		if err != nil {
			return nil, err
		}
		all = append(all, acts...)
	}
	for _, label := range o.suspend {
		acts, err := s.planKeys(ctx, "suspend", label, store.Suspended, o.below)
		if err != nil {
			return nil, err
		}
		all = append(all, acts...)
	}
	for _, name := range o.freeze {
		set, err := s.db.KeySet(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, &containAct{name: "freeze", object: set.ID, planned: !set.Frozen})
	}
	for _, serial := range o.off {
		d, err := s.db.Device(ctx, serial)
		if err != nil {
			return nil, err
		}
		all = append(all, &containAct{name: "quarantine", object: d.Serial, planned: d.State != store.Rejected})
	}
	for _, serial := range o.on {
		d, err := s.db.Device(ctx, serial)
		if err != nil {
			return nil, err
		}
		all = append(all, &containAct{name: "release", object: d.Serial, planned: d.State == store.Rejected})
	}
	for _, named := range o.lock {
		act, err := s.planLock(ctx, o, named)
		if err != nil {
			closeActs(all)
			return nil, err
		}
		all = append(all, act)
	}
	return unique(all), nil
}

// unique leaves out what is named twice: a key with all beneath it, and one of those.
func unique(all []*containAct) []*containAct {
	var some []*containAct
	for _, act := range all {
		if slices.ContainsFunc(some, func(o *containAct) bool { return o.name == act.name && o.object == act.object }) {
			closeActs([]*containAct{act})
			continue
		}
		some = append(some, act)
	}
	return some
}

// planKeys takes a key, and those beneath it that can still make the step.
func (s *incidentSite) planKeys(ctx context.Context, name, label string, to store.State, below bool) ([]*containAct, error) {
	k, err := s.app.anyKey(ctx, label)
	if err != nil {
		return nil, err
	}
	act := &containAct{name: name, object: k.Ref().String(), key: k, planned: !isThere(k.State, to)}
	if act.planned {
		if err := vault.CheckMove(&k, to); err != nil {
			return nil, err
		}
	}
	all := []*containAct{act}
	if !below {
		return all, nil
	}
	blast, err := vault.BlastOf(ctx, s.db, k.Ref())
	if err != nil {
		return nil, err
	}
	for i := range blast.Keys {
		child := blast.Keys[i].Key
		if !isThere(child.State, to) && child.State.MayBecome(to) {
			all = append(all, &containAct{name: name, object: child.Ref().String(), key: child, planned: true})
		}
	}
	return all, nil
}

// isThere tells that a key is where it shall go, or beyond.
func isThere(is, to store.State) bool {
	switch to {
	case store.Suspended:
		return is == store.Suspended || is == store.Compromised || is == store.Deactivated || is.Gone()
	case store.Compromised:
		return is == store.Compromised || is == store.DestroyedCompromised
	}
	return is == to
}

// act has everything approved and does one after the other. What fails does not keep the rest from being done.
func (s *incidentSite) act(ctx context.Context, d *incident.Document, acts []*containAct) error {
	details, err := actDetails(d, acts)
	if err != nil {
		return err
	}
	work, err := s.app.begin(ctx, custody.IncidentContain, d.Head.ID, details)
	if err != nil {
		return err
	}
	done, failed, rows := 0, 0, 0
	var moved []string
	for _, act := range acts {
		act.record, act.approved = work.Mark().Seq, work.Officers()
		act.reason = d.Head.ID + ": " + d.Head.Title
		if act.planned {
			act.err = s.do(ctx, work, act)
			act.did = act.err == nil
		}
		if act.did && act.name != incident.ActLock { // the inventory knows nothing of locks
			rows++
			if act.key.Label != "" {
				moved = append(moved, act.object)
			}
		}
		if act.err != nil {
			failed++
		} else {
			done++
		}
	}
	outcome := vault.Contained(rows, moved)
	outcome["done"], outcome["not-done"] = strconv.Itoa(done), strconv.Itoa(failed)
	s.app.holding.outcome.Details = outcome
	return nil
}

// actDetails are what officers see before they approve, and what the log keeps: every thing that would be done, by its name.
// What cannot be shown to them whole is not asked of them; one name alone may be longer than a row.
func actDetails(d *incident.Document, acts []*containAct) (audit.Details, error) {
	details := audit.Details{"kind": string(d.Head.Kind)}
	rows := map[audit.Field]int{}
	for _, act := range acts {
		name := audit.Field(act.name)
		row := name
		if n := rows[name]; n > 0 {
			row = name + audit.Field("-"+strconv.Itoa(n+1))
		}
		line := strings.TrimPrefix(details[row]+", "+act.object, ", ")
		if details[row] != "" && (audit.Clean(line) != line || !agent.IsSaidWhole(row, line)) {
			rows[name]++
			row, line = name+audit.Field("-"+strconv.Itoa(rows[name]+1)), act.object
		}
		details[row] = audit.Clean(line)
		if len(details) > agent.MostSaid(custody.IncidentContain) {
			return nil, fault.New(fault.Usage, "this is more than officers can be shown for one approval (%d things); contain it in parts", len(acts))
		}
	}
	return details, nil
}

func (s *incidentSite) do(ctx context.Context, work *vault.Work, act *containAct) error {
	switch act.name {
	case "suspend":
		_, err := work.Move(ctx, act.key, store.Suspended, act.reason)
		return err
	case "compromise":
		_, err := work.Move(ctx, act.key, store.Compromised, act.reason)
		return err
	case "freeze":
		return s.db.Freeze(ctx, work.Change(), act.object, true)
	case "quarantine":
		return s.offList(ctx, work, act.object)
	case "release":
		return s.db.MoveDevice(ctx, work.Change(), act.object, store.Rejected, store.Expected)
	case incident.ActLock:
		return lockDevice(ctx, act.order)
	}
	return fault.New(fault.Bug, "no action is called %s", act.name)
}

// offList takes a terminal off the list, from wherever it is: one that was done goes over the list's beginning.
func (s *incidentSite) offList(ctx context.Context, work *vault.Work, serial string) error {
	for range 4 {
		d, err := s.db.Device(ctx, serial)
		if err != nil || d.State == store.Rejected {
			return err
		}
		to := store.Rejected
		switch {
		case d.State.MayBecome(store.Rejected):
		case d.State == store.Confirmed:
			to = store.Expected
		case d.State == store.Sent: // of what was sent nobody knows
			to = store.QuarantinedDevice
		}
		if err := s.db.MoveDevice(ctx, work.Change(), serial, d.State, to); err != nil {
			return err
		}
	}
	return fault.New(fault.Failure, "device %s does not stay where it is put", serial)
}

// planLock asks a terminal who it is: officers approve a serial number, and no address. It stays on the line.
func (s *incidentSite) planLock(ctx context.Context, o *incidentContainOpts, named string) (*containAct, error) {
	opts := orderOpts{managedOpts: o.managedOpts, reason: "suspicion"}
	opts.device = named
	if serial, uri, ok := strings.Cut(named, "="); ok && !strings.Contains(serial, ":") {
		opts.serial, opts.device = serial, uri
	}
	d, err := s.app.beginOrder(ctx, opts, device.Order{Verb: device.Lock, Lock: device.LockRemote})
	if err != nil {
		return nil, fault.Wrap(err, "--lock-device %s", text.Redact(named))
	}
	if err := d.ready(ctx); err != nil {
		d.close()
		return nil, fault.Wrap(err, "--lock-device %s", text.Redact(d.before.Serial))
	}
	locked := isLocked(d.before, device.LockRemote) || isLocked(d.before, device.LockTamper)
	return &containAct{name: incident.ActLock, object: d.before.Serial, order: d, planned: !locked}, nil
}

// closeActs lets terminals go.
func closeActs(all []*containAct) {
	for _, act := range all {
		if act.order != nil {
			act.order.close()
		}
	}
}

// lockDevice locks a terminal remotely, in the way of poskey device lock. It keeps its keys.
func lockDevice(ctx context.Context, d *ordering) error {
	after, err := d.give(ctx)
	if err == nil && !isLocked(after, device.LockRemote) {
		return fault.New(fault.DeviceFailed, "the device took the order and says that it is not locked (%s)", string(device.LockRemote))
	}
	return err
}

// result is how it ended, in the word of the record.
func (act *containAct) result() string {
	switch {
	case act.err != nil:
		return incident.ResultFailed
	case act.did && act.planned:
		return incident.ResultDone
	}
	return incident.ResultAlready
}

func (act *containAct) entry(by string) incident.Entry {
	d := map[string]string{incident.DetailAct: act.name, incident.DetailObject: transcript.CleanSerial(text.OneLine(act.object, 128)), incident.DetailResult: act.result(),
		incident.DetailRecord: strconv.FormatUint(act.record, 10)}
	if act.err != nil {
		d[incident.DetailText] = transcript.CleanSerial(text.OneLine(act.err.Error(), 256))
	}
	if len(act.approved) > 0 {
		d[incident.DetailApproved] = strings.Join(act.approved, " and ")
	}
	return incident.Entry{Kind: incident.EntryAct, By: by, Details: d}
}

// propose says what there is to be done: what was named, or else the commands of the steps that contain and are not done.
func (s *incidentSite) propose(ctx context.Context, d *incident.Document, acts []*containAct) error {
	view, err := s.view(ctx, d)
	if err != nil {
		return err
	}
	doc := containDoc{incidentDoc: newIncidentDoc(view), Did: newActDocs(acts), Proposed: view.proposed()}
	return s.app.render.Answer("incident.contain", doc, func(p *render.Page) {
		p.Line(text.New("Nothing was changed."))
		for _, act := range acts {
			if act.planned {
				p.Line(text.New("would be done: %s %s", act.name, act.object))
			} else {
				p.Line(text.New("is so already: %s %s", act.name, act.object))
			}
		}
		if len(acts) > 0 {
			return
		}
		p.Line(text.New("What there is to be done:"))
		for _, line := range doc.Proposed {
			p.Raw("  " + line)
		}
		incidentPage(p, view)
	})
}

// proposed are the commands that contain: of the steps that are left, from what falls now. Rotation is proposed with them.
func (v *incidentView) proposed() []string {
	all := []string{}
	for _, step := range v.doc.Steps() {
		if f, ok := v.measured.Steps[step.ID]; step.Settled() || ok && f.Done {
			continue
		}
		if !step.Contains && step.Measure != incident.MeasureReplaced && step.Measure != incident.MeasureUnknowing {
			continue
		}
		for _, line := range v.commands(step.Step) {
			if !slices.Contains(all, line) {
				all = append(all, line)
			}
		}
	}
	return all
}

// rotate gives a key of the incident its successor. It is an operation of its own, and others approve it than what takes
// things out of use. A key that has a successor since the incident was opened is not rotated once more.
func (s *incidentSite) rotate(ctx context.Context, d *incident.Document, o *incidentContainOpts, others int) error {
	if others > 0 {
		return fault.New(fault.Usage, "--rotate stands alone: other officers approve it than what takes things out of use; give the command twice")
	}
	row, err := s.app.anyKey(ctx, o.rotate)
	if err != nil {
		return err
	}
	act := &containAct{name: "rotate", object: row.Ref().String(), key: row}
	act.planned = row.Successor.IsZero() && !row.Created.After(d.Records[0].Time)
	switch {
	case o.dryRun:
		return s.propose(ctx, d, []*containAct{act})
	case act.planned:
		if _, err := s.app.rotate(ctx, &row, audit.Details{"incident": d.Head.ID}); err != nil {
			return err
		}
		act.did, act.record, act.approved = true, s.app.holding.work.Mark().Seq, s.app.holding.work.Officers()
	}
	return s.contained(ctx, d, o, []*containAct{act})
}
