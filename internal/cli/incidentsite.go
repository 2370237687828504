package cli

// Where incidents lie, what the audit log was told of them, and telling it.

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/incident"
	"poskey/pkg/store"
)

// incidentSite is a folder of incidents, and the store that it belongs to.
type incidentSite struct {
	app    *App
	dir    string
	db     *store.Store // nil for a site without a store
	id     store.Identity
	told   map[string][]incident.Told
	logErr error // the log cannot be read or does not verify: nothing is held against it
}

func (a *App) incidentDirFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", "", a.Say.T("folder of the incidents of a site without a store; else they lie beside the store's audit log"))
}

// incidents finds the folder: the one named, or that of the store. It needs no open store.
func (a *App) incidents(ctx context.Context, dir string) (*incidentSite, error) {
	if dir != "" {
		return &incidentSite{app: a, dir: dir}, nil
	}
	db, id, err := a.openIdentified(ctx)
	if a.namedStore() == "" && (fault.Is(err, fault.NotFound) || fault.Is(err, fault.Usage)) { // a site without a store, perhaps
		return nil, fault.Wrap(err, "no folder is named with --dir")
	}
	if err != nil {
		return nil, err
	}
	log, err := a.auditPath(db.URL(), id.ID)
	if err != nil {
		return nil, err
	}
	s := &incidentSite{app: a, dir: incident.Folder(log), db: db, id: id}
	if s.told, s.logErr = tellings(ctx, log); s.logErr != nil {
		a.render.Warn(text.New("incidents are not held against the audit log: %s", s.logErr))
	}
	return s, nil
}

func tellings(ctx context.Context, log string) (map[string][]incident.Told, error) {
	l, err := openLog(ctx, log)
	if err != nil {
		return nil, err
	}
	defer l.close()
	return incident.Tellings(l.read(ctx))
}

// options are what writing a record needs.
func (s *incidentSite) options() incident.Options {
	return incident.Options{Now: s.app.Env.Now, Known: slices.Collect(maps.Keys(s.told))}
}

// read reads a record and holds it against the log. Errors: not_found; log_broken.
func (s *incidentSite) read(id string) (*incident.Document, error) {
	path, err := incident.Path(s.dir, id)
	if err != nil {
		return nil, err
	}
	d, err := incident.Read(path)
	if err != nil {
		return nil, err
	}
	return d, fault.Wrap(s.isOwn(d, id), "incident %s", strings.ToUpper(id))
}

// isOwn holds a record against what it is called, the store that it lies beside, and what the log was told of it. The
// records of a store may be read with --dir, as a copy of them is.
func (s *incidentSite) isOwn(d *incident.Document, id string) error {
	home := s.id.ID
	if s.db == nil {
		home = d.Head.Store
	}
	if d.Head.ID == strings.ToUpper(id) {
		if err := d.HoldAgainst(s.told[d.Head.ID]); err != nil {
			return err
		}
	}
	return d.Belongs(strings.ToUpper(id), home)
}

// list sums all incidents up. What does not verify, or is not the record that the log was told of, is listed as broken.
func (s *incidentSite) list() ([]incident.Summary, error) {
	if _, err := os.Stat(s.dir); s.db == nil && errors.Is(err, fs.ErrNotExist) { // a store has none before its first incident
		return nil, fault.New(fault.NotFound, "folder %s does not exist", text.Redact(s.dir))
	}
	all, err := incident.List(s.dir, s.app.Env.Now())
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Broken == nil {
			_, all[i].Broken = s.read(all[i].ID)
		}
	}
	return append(all, incident.Missing(all, s.told)...), nil
}

// append adds lines to a record that is the one which the log was told of.
func (s *incidentSite) append(id string, makes func(*incident.Document) ([]incident.Entry, error)) (*incident.Document, error) {
	path, err := incident.Path(s.dir, id)
	if err != nil {
		return nil, err
	}
	return incident.Append(path, s.options(), func(d *incident.Document) ([]incident.Entry, error) {
		if err := s.isOwn(d, id); err != nil {
			return nil, err
		}
		if s.db == nil && d.Head.Store != "" { // its officers approve, and its log is told
			return nil, fault.New(fault.NotPermitted, "the record is of store %s; what is written into it goes through that store: leave --dir out",
				text.Redact(d.Head.Store))
		}
		return makes(d)
	})
}

// measured adds what the inventory shows to be done, besides what a command writes itself.
func (s *incidentSite) measured(ctx context.Context, d *incident.Document, by string) ([]incident.Entry, error) {
	if s.db == nil || d.State() == incident.Closed {
		return nil, nil
	}
	m, err := d.Measure(ctx, s.db)
	if err != nil {
		return nil, err
	}
	return d.Recorded(m, by, func(t text.Text) string { return t.String() }), nil
}

// settle writes down which steps are done by now, as far as poskey can see.
func (s *incidentSite) settle(ctx context.Context, d *incident.Document, by string) (*incident.Document, error) {
	entries, err := s.measured(ctx, d, by)
	if err != nil || len(entries) == 0 {
		return d, err
	}
	return s.append(d.Head.ID, func(d *incident.Document) ([]incident.Entry, error) { return s.measured(ctx, d, by) })
}

// tell lets the audit log know how far the records have come: the one at hand, and what was written while the store was
// sealed. It gives how many lines of the one at hand the log does not have. That the log cannot be told is no failure of
// the command: the record stands by itself.
func (s *incidentSite) tell(ctx context.Context, d *incident.Document) int {
	if s.db == nil || s.logErr != nil {
		return 0
	}
	err := s.tellAll(ctx, d)
	left := d.Untold(s.told[d.Head.ID])
	switch {
	case left == 0 && err == nil:
	case fault.Is(err, fault.Sealed):
		s.app.render.Note(text.New("the audit log was not told, since the store is sealed; the next command on incidents with an open store tells it"))
	default:
		s.app.render.Warn(text.New("the audit log was not told of the incident: %s", err))
	}
	return left
}

// tellAll tells of the record at hand first.
func (s *incidentSite) tellAll(ctx context.Context, first *incident.Document) error {
	if err := s.tellOf(ctx, first); err != nil {
		return err
	}
	all, err := incident.List(s.dir, s.app.Env.Now())
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].Broken != nil || all[i].ID == first.Head.ID {
			continue
		}
		d, err := s.read(all[i].ID)
		if err != nil { // whoever lists them sees it
			continue
		}
		if err := s.tellOf(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (s *incidentSite) tellOf(ctx context.Context, d *incident.Document) error {
	known := s.told[d.Head.ID]
	if d.Untold(known) == 0 {
		return nil
	}
	v, err := s.app.openVault(ctx)
	if err != nil {
		return err
	}
	head, err := audit.ParseDigest(d.Last.String())
	if err != nil {
		return err
	}
	activity := custody.IncidentNote
	if len(known) == 0 {
		activity = custody.IncidentOpen
	}
	details := audit.Details{incident.FieldLines: strconv.Itoa(len(d.Records)), "kind": string(d.Head.Kind), audit.FieldState: string(d.State())}
	work, err := v.Begin(ctx, agent.Intent{Activity: activity, Label: d.Head.ID, Request: head, Details: details, Who: whoAmI()})
	if err != nil {
		return err
	}
	err = work.Done(context.WithoutCancel(ctx), agent.OutcomeOf(nil))
	if closed := work.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if s.told == nil {
		s.told = map[string][]incident.Told{}
	}
	s.told[d.Head.ID] = append(known, incident.Told{Lines: len(d.Records), Head: d.Last, Seq: work.Mark().Seq})
	return nil
}

// byOr is who acts: the one named, or the user of the machine.
func byOr(by string) string {
	if by != "" {
		return by
	}
	return whoAmI().ID
}
