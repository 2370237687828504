package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/incident"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

type incidentOpenOpts struct {
	dir, kind, title, by, at  string
	labels, devices, officers []string
	bags                      []string
}

func newIncidentOpenCmd(a *App) *cobra.Command {
	o := incidentOpenOpts{}
	cmd := a.command(cmdSpec{
		use:   "open",
		short: text.New("open an incident: what it is about, what falls with it, what is to be done"),
		long: text.New("Kinds: compromise, suspicion, tamper, lost-bag, officer-left, wrong-key, mass-failure. The record is a file beside the audit log\n" +
			"(or in --dir for a site without a store). It can be opened while the store is sealed; the audit log is told when the store is open."),
		example: "  poskey incident open --kind tamper --title 'housing opened at the counter' --device PK00000001\n" +
			"  poskey incident open --kind compromise --title 'sheet photographed' --label ZMK-2026 --by 'officer a'\n" +
			"  poskey incident open --kind lost-bag --title 'courier lost the bag' --bag B-0001 --at 2026-03-01T08:00:00Z",
		exits: []int{3, 4, 6, 8}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.incidentDirFlag(cmd, &o.dir)
	f.StringVar(&o.kind, "kind", "", a.Say.T("what went wrong: compromise suspicion tamper lost-bag officer-left wrong-key mass-failure"))
	f.StringVar(&o.title, "title", "", a.Say.T("a line that says it"))
	f.StringArrayVar(&o.labels, "label", nil, a.Say.T("label of a key that it is about (again for each)"))
	f.StringArrayVar(&o.devices, "device", nil, a.Say.T("serial number of a terminal that it is about, or its URI, which is asked (again for each)"))
	f.StringArrayVar(&o.bags, "bag", nil, a.Say.T("serial number of a bag that it is about (again for each)"))
	f.StringArrayVar(&o.officers, "officer", nil, a.Say.T("id of an officer whom it is about (again for each)"))
	f.StringVar(&o.by, "by", "", a.Say.T("who says it; the user of this machine when left out"))
	f.StringVar(&o.at, "at", "", a.Say.T("when it happened: 2026-03-01T08:00:00Z, or 2h for two hours ago; now when left out"))
	required(cmd, "kind", "title")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runIncidentOpen(cmd.Context(), a, o) }
	return cmd
}

func runIncidentOpen(ctx context.Context, a *App, o incidentOpenOpts) error {
	kind, err := incident.ParseKind(o.kind)
	if err != nil {
		return err
	}
	at, err := parseMoment(o.at, a.Env.Now())
	if err != nil {
		return fault.Wrap(err, "--at")
	}
	if at.After(a.Env.Now()) {
		return fault.New(fault.Usage, "--at lies in the future")
	}
	site, err := a.incidents(ctx, o.dir)
	if err != nil {
		return err
	}
	head := incident.Head{Kind: kind, Title: o.title, Store: site.id.ID, Environment: site.id.Environment}
	opening := incident.Entry{By: byOr(o.by), Details: map[string]string{}}
	if !at.IsZero() {
		opening.Details[incident.DetailHappened] = at.Format(time.RFC3339)
	}
	if opening.Items, err = site.subjects(ctx, o); err != nil {
		return err
	}
	var more []incident.Entry
	if site.db != nil {
		opening.Details[incident.DetailGeneration] = strconv.FormatUint(site.id.Master.Generation, 10)
		blast, err := incident.BlastOf(ctx, site.db, kind, opening.Items)
		if err != nil {
			return err
		}
		more = blast.Entries(opening.By, incident.CauseOpened)
	}
	d, err := incident.Create(site.dir, head, opening, more, site.options())
	if err != nil {
		return err
	}
	return site.answer(ctx, "incident.open", d, func(p *render.Page) {
		p.Bad(text.New("Incident %s is open.", d.Head.ID))
	})
}

// answer tells the log and shows the incident.
func (s *incidentSite) answer(ctx context.Context, schema string, d *incident.Document, said func(*render.Page)) error {
	s.tell(ctx, d)
	view, err := s.view(ctx, d)
	if err != nil {
		return err
	}
	return s.app.render.Answer(schema, newIncidentDoc(view), func(p *render.Page) {
		said(p)
		incidentPage(p, view)
	})
}

// subjects are what the incident is about, as the inventory names them.
func (s *incidentSite) subjects(ctx context.Context, o incidentOpenOpts) ([]incident.Item, error) {
	var all []incident.Item
	for _, one := range []struct {
		names []string
		find  func(context.Context, string) (incident.Item, error)
	}{{o.labels, s.keySubject}, {o.devices, s.deviceSubject}, {o.bags, s.bagSubject}, {o.officers, s.officerSubject}} {
		for _, name := range one.names {
			it, err := one.find(ctx, name)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(all, it) {
				all = append(all, it)
			}
		}
	}
	return all, nil
}

func (s *incidentSite) keySubject(ctx context.Context, label string) (incident.Item, error) {
	ref, err := refOf(label)
	if err != nil {
		return incident.Item{}, fault.Wrap(err, "--label")
	}
	if s.db == nil {
		name := ref.Label
		if ref.Version > 0 {
			name = ref.String()
		}
		return incident.Item{What: incident.ItemKey, Name: name}, nil
	}
	k, err := s.app.anyKey(ctx, label)
	if err != nil {
		return incident.Item{}, fault.Wrap(err, "--label")
	}
	return incident.Item{What: incident.ItemKey, Name: k.Ref().String(), Note: k.Check.Digits}, nil
}

// deviceSubject asks a terminal that is named by its URI for its serial number.
func (s *incidentSite) deviceSubject(ctx context.Context, name string) (incident.Item, error) {
	if strings.Contains(name, ":") {
		m, err := s.app.manage(ctx, managedOpts{device: name})
		if err != nil {
			return incident.Item{}, err
		}
		defer m.close()
		status, err := m.Status(ctx)
		if err != nil {
			return incident.Item{}, err
		}
		name = text.OneLine(status.Serial, 64)
	}
	it := incident.Item{What: incident.ItemDevice, Name: name}
	if s.db == nil {
		return it, nil
	}
	d, err := s.db.Device(ctx, name)
	if fault.Is(err, fault.NotFound) {
		s.app.render.Warn(text.New("device %s is not in the inventory", text.Redact(name)))
		return it, nil
	}
	it.Note = text.OneLine(d.Model, 64)
	return it, err
}

func (s *incidentSite) bagSubject(ctx context.Context, serial string) (incident.Item, error) {
	it := incident.Item{What: incident.ItemBag, Name: serial}
	if s.db == nil {
		return it, nil
	}
	bags, err := vault.Bags(ctx, s.db, serial)
	if err == nil && len(bags) == 0 {
		s.app.render.Warn(text.New("the ledger has no bag %s; name the key with --label", text.Redact(serial)))
	}
	return it, err
}

func (s *incidentSite) officerSubject(ctx context.Context, id string) (incident.Item, error) {
	it := incident.Item{What: incident.ItemOfficer, Name: id}
	if s.db == nil {
		return it, nil
	}
	rows, err := s.db.Officers(ctx)
	if err == nil && !slices.ContainsFunc(rows, func(r store.Officer) bool { return r.ID == id }) {
		s.app.render.Warn(text.New("%s is no officer of the store; what is known of them is in the ledger alone", text.Redact(id)))
	}
	return it, err
}
