package cli

// What an assessment looks at: terminals, the store with its log and incidents, this machine. What is not there is no
// evidence; what was named and is not there is an error.

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/assess"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
	"poskey/pkg/incident"
	"poskey/pkg/store"
)

// lookedBack is how far back the log and the journal are read for what happened.
const lookedBack = 90 * 24 * time.Hour

// mostEvents bounds what is read of a terminal's log.
const mostEvents = 5000

// lookOpts say what is looked at.
type lookOpts struct {
	managedOpts
	devices []string
	latest  string
}

func (a *App) lookFlags(f *pflag.FlagSet, o *lookOpts) {
	f.StringArrayVar(&o.devices, "device", nil, a.Say.T("terminal to look at: agent+https://HOST:PORT?ca=FILE&cert=FILE&key=FILE, or another "+
		"dialect, which tells less (again for each)"))
	a.timeoutFlag(f, &o.timeout)
	f.StringVar(&o.latest, "latest-firmware", "", a.Say.T("the newest firmware of the terminal, as its vendor says"))
}

// check refuses what cannot be meant.
func (o *lookOpts) check() error {
	if o.login != "" && len(o.devices) != 1 {
		return fault.New(fault.Usage, "--login reads the log of one terminal; name one --device with it")
	}
	said := func(src string) bool { return src != "" && src != "prompt" }
	if o.login == "" && (said(o.password) || said(o.code)) {
		return fault.New(fault.Usage, "--password and --code are those of an account; name it with --login")
	}
	if o.timeout != 0 {
		if err := device.CheckTimeout(o.timeout); err != nil {
			return err
		}
	}
	for _, uri := range o.devices {
		if _, err := dialectOf(uri); err != nil {
			return err
		}
	}
	return nil
}

// sights are everything that was looked at.
type sights struct {
	evidence assess.Evidence // without a terminal
	devices  []assess.DeviceEvidence
	silent   []silentDevice
	log      string // file of the audit log; "" without a store
	database string // file of the store; "" without one, and of one on a server
}

// silentDevice is a terminal that was asked and gave no account of itself.
type silentDevice struct {
	address string
	err     error
}

// assessments is the folder where assessments of the store are kept; "" without one.
func (s *sights) assessments() string {
	if s.log == "" {
		return ""
	}
	return strings.TrimSuffix(s.log, ".audit") + ".assessments"
}

// look gathers the evidence. A terminal that does not answer is an error only when nothing else was asked.
func (a *App) look(ctx context.Context, o lookOpts, others bool) (*sights, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &sights{evidence: assess.Evidence{Now: a.Env.Now().UTC()}}
	if err := a.lookAtStore(ctx, s); err != nil {
		return nil, err
	}
	s.evidence.Host = a.hostEvidence(s)
	for _, uri := range o.devices {
		if err := a.lookAtDevice(ctx, s, uri, o); err != nil {
			return nil, err
		}
	}
	if len(s.silent) > 0 && len(s.devices) == 0 && s.evidence.Store == nil && !others {
		return nil, s.silent[0].err
	}
	return s, nil
}

// lookAtStore reads the store, where there is one or somebody named one.
func (a *App) lookAtStore(ctx context.Context, s *sights) error {
	if a.namedStore() == "" && !a.hasOwnStore() {
		return nil
	}
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return err
	}
	since := s.evidence.Now.Add(-lookedBack)
	seen, err := assess.ReadStore(ctx, db, since)
	if err != nil {
		return err
	}
	if s.database = db.URL().Path(); s.database != "" {
		seen.FileMode, seen.DirMode = modeOf(s.database), modeOf(filepath.Dir(s.database))
	}
	s.evidence.Store = &seen
	if s.log, err = a.auditPath(db.URL(), id.ID); err != nil {
		return err
	}
	if err := a.lookAtLog(ctx, s, since); err != nil {
		return err
	}
	return s.lookAtIncidents()
}

// lookAtIncidents lists those of the store. Where no folder is, nobody ever opened one.
func (s *sights) lookAtIncidents() error {
	all, err := incident.List(incident.Folder(s.log), s.evidence.Now)
	if err != nil {
		return err
	}
	s.evidence.Incidents = append([]incident.Summary{}, all...)
	return nil
}

// hasOwnStore reports whether there is a store in the user's own place.
func (a *App) hasOwnStore() bool {
	dir, err := a.dataDir()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(dir, "store.db"))
	return err == nil
}

// modeOf gives permission bits; 0 where they cannot be told.
func modeOf(path string) uint32 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return uint32(info.Mode().Perm())
}

// lookAtLog reads the store's log. A store without its log is a finding and no error.
func (a *App) lookAtLog(ctx context.Context, s *sights, since time.Time) error {
	place, err := a.findLog(ctx, "")
	if err != nil {
		return err
	}
	log, err := openLog(ctx, place.path)
	if fault.Is(err, fault.NotFound) {
		s.evidence.Log = &assess.LogEvidence{Broken: err, Since: since}
		return nil
	}
	if err != nil {
		return err
	}
	defer log.close()
	ev, err := auditVerifyOpts{quorum: 1}.gather(ctx, a, place)
	if err != nil {
		return err
	}
	seen, err := assess.ReadLog(func() io.Reader { return log.read(ctx) }, ev.want, since)
	if err != nil {
		return err
	}
	s.evidence.Log = &seen
	return nil
}

// lookAtDevice asks one terminal. What it does not tell is no evidence; a wrong name or paper of ours is an error.
func (a *App) lookAtDevice(ctx context.Context, s *sights, uri string, o lookOpts) error {
	where, err := device.ParseURI(uri)
	if err != nil {
		return err
	}
	seen, err := a.askedDevice(ctx, uri, o)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil && !isSilence(err) {
		return err
	}
	if err != nil {
		s.silent = append(s.silent, silentDevice{where.Address, err})
		return nil
	}
	seen.URI, seen.Latest = where, o.latest
	if seen.Listed, err = a.listed(ctx, s, seen.Status.Serial); err != nil {
		return err
	}
	s.devices = append(s.devices, seen)
	return nil
}

// notLoggedInError is a log-in that failed. Somebody asked for it, so it is never passed over.
type notLoggedInError struct{ error }

func (e notLoggedInError) Unwrap() error { return e.error }

// isSilence reports that a terminal gave no account of itself: its line failed, or it refused.
func isSilence(err error) bool {
	var asked notLoggedInError
	if errors.As(err, &asked) {
		return false
	}
	var no *device.RefusedError
	return errors.As(err, &no) || fault.KindOf(err).Exit() == fault.DeviceLink.Exit()
}

// askedDevice asks a terminal for its own account of itself, or slot by slot where it gives none.
func (a *App) askedDevice(ctx context.Context, uri string, o lookOpts) (assess.DeviceEvidence, error) {
	caps, err := dialectOf(uri)
	if err != nil {
		return assess.DeviceEvidence{}, err
	}
	d, err := openDevice(ctx, uri, device.Options{Timeout: o.timeout, Trace: a.trace()})
	if err != nil {
		return assess.DeviceEvidence{}, err
	}
	defer func() { _ = d.Close() }()
	if m, ok := d.(device.Manager); ok {
		return a.managedEvidence(ctx, &managed{m, func() {}}, o)
	}
	if o.login != "" {
		return assess.DeviceEvidence{}, fault.New(fault.Usage, "the %s dialect knows no accounts; leave --login out", d.Dialect())
	}
	line := &diagnose.Line{}
	status, err := askSlots(ctx, d, caps, line)
	if err != nil {
		return assess.DeviceEvidence{}, err
	}
	if line.Asked > 0 && line.Failed == line.Asked {
		return assess.DeviceEvidence{}, fault.New(fault.DeviceTimeout, "the device answered none of %d questions", line.Asked)
	}
	return assess.DeviceEvidence{Status: *status, SeenAt: a.Env.Now().UTC(), Healthy: line.Failed == 0}, nil
}

// managedEvidence is what a terminal says of itself, and its log where somebody logs in.
func (a *App) managedEvidence(ctx context.Context, m *managed, o lookOpts) (assess.DeviceEvidence, error) {
	status, err := m.Status(ctx)
	if err != nil {
		return assess.DeviceEvidence{}, err
	}
	seen := assess.DeviceEvidence{Status: status, Events: status.Events, SeenAt: a.Env.Now().UTC(), Healthy: true}
	if o.login == "" {
		return seen, nil
	}
	if err := a.logIn(ctx, m, o.managedOpts); err != nil {
		return assess.DeviceEvidence{}, notLoggedInError{err}
	}
	seen.Events, err = pullLog(ctx, m, 0, mostEvents)
	seen.Whole = len(seen.Events) < mostEvents
	return seen, err
}

// listed is the terminal's row in the inventory; nil where it has none.
func (a *App) listed(ctx context.Context, s *sights, serial string) (*store.Device, error) {
	if s.evidence.Store == nil || serial == "" {
		return nil, nil
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	row, err := db.Device(ctx, serial)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Usage) || fault.Is(err, fault.Malformed) { // no serial that a store takes
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// assessed gives the verdicts over everything that was seen. A terminal that did not answer is one of which nothing is known.
func (s *sights) assessed(a assess.Answers, site string) assess.Report {
	r := assess.All(&s.evidence, append(slices.Clone(s.devices), make([]assess.DeviceEvidence, len(s.silent))...), a)
	r.Of.Site, r.Of.Silent = cmp.Or(site, r.Of.Site), s.subject().Silent
	r.Warnings = s.withSilent(r.Warnings)
	return r
}

// subject is what was looked at.
func (s *sights) subject() assess.Subject {
	of := assess.SubjectOf(&s.evidence, s.devices)
	for _, d := range s.silent {
		of.Silent = append(of.Silent, d.address)
	}
	return of
}

// warnings are those of every terminal that answered, and one for each that did not.
func (s *sights) warnings(limits assess.WatchOptions) []assess.Warning {
	return s.withSilent(assess.WatchAll(&s.evidence, s.devices, limits))
}

// withSilent puts the terminals first that did not answer: nobody knows how they are.
func (s *sights) withSilent(warnings []assess.Warning) []assess.Warning {
	var all []assess.Warning
	for _, d := range s.silent {
		all = append(all, assess.Warning{ID: "device-silent", Severity: assess.Urgent, Subject: d.address,
			What: text.New("the terminal did not answer: %s", d.err), Fix: text.New("look whether it is on, connected and the one that is meant")})
	}
	return append(all, warnings...)
}

// warnSilent tells of the terminals that gave no account of themselves, where no page does.
func (a *App) warnSilent(s *sights) {
	for _, d := range s.silent {
		a.render.Warn(text.New("no answer from %s: %s", d.address, d.err))
	}
}

// nothing reports that there was neither a store nor a terminal.
func (s *sights) nothing() bool {
	return s.evidence.Store == nil && len(s.devices) == 0 && len(s.silent) == 0
}
