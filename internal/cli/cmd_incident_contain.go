package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/incident"
)

type incidentContainOpts struct {
	managedOpts
	dir, by, rotate                      string
	suspend, compromise, freeze, off, on []string
	lock                                 []string
	below, dryRun                        bool
}

func newIncidentContainCmd(a *App) *cobra.Command {
	o := incidentContainOpts{}
	cmd := a.command(cmdSpec{
		use:   "contain ID",
		short: text.New("act: take keys, key sets and terminals out of use, and write down what was done"),
		long: text.New("Without an action it changes nothing and says what there is to be done, as commands. With actions it takes the approval of officers:\n" +
			"two in production, each time. Each action is done or not by itself; what was done before is no error, so that a command which ended\n" +
			"with 10 can be given again. --rotate stands alone: a new key is made with the approval of those who may rotate, as by poskey key rotate,\n" +
			"which is recognised too."),
		example: "  poskey incident contain INC-2026-0001\n" +
			"  poskey incident contain INC-2026-0001 --quarantine PK00000001 --suspend TMK-1\n" +
			"  poskey incident contain INC-2026-0001 --compromise ZMK-2026 --with-below --freeze KS-2026 --dry-run\n" +
			"  poskey incident contain INC-2026-0001 --rotate ZMK-2026\n" +
			"  poskey incident contain INC-2026-0001 --release PK00000001",
		exits: []int{3, 4, 5, 6, 7, 8, 9, 10}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	a.incidentDirFlag(cmd, &o.dir)
	f.StringArrayVar(&o.suspend, "suspend", nil, a.Say.T("LABEL of a key to be suspended (again for each)"))
	f.StringArrayVar(&o.compromise, "compromise", nil, a.Say.T("LABEL of a key that is known to others (again for each)"))
	f.BoolVar(&o.below, "with-below", false, a.Say.T("the keys beneath too"))
	f.StringVar(&o.rotate, "rotate", "", a.Say.T("LABEL of a key that gets a successor; what hangs below is wrapped anew"))
	f.StringArrayVar(&o.freeze, "freeze", nil, a.Say.T("NAME of a key set that hands out no more numbers (again for each)"))
	f.StringArrayVar(&o.off, "quarantine", nil, a.Say.T("SERIAL of a terminal that goes off the list: it gets no keys (again for each)"))
	f.StringArrayVar(&o.on, "release", nil, a.Say.T("SERIAL of a terminal that comes back onto the list (again for each)"))
	f.StringArrayVar(&o.lock, "lock-device", nil, a.Say.T("[SERIAL=]URI of a terminal to be locked remotely (again for each), with --login; in production with its SERIAL"))
	f.BoolVar(&o.dryRun, "dry-run", false, a.Say.T("say what would be done; change nothing"))
	f.StringVar(&o.by, "by", "", a.Say.T("who does it; the user of this machine when left out"))
	a.loginFlags(f, &o.managedOpts)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runIncidentContain(cmd.Context(), a, o, args[0]) }
	return cmd
}

func runIncidentContain(ctx context.Context, a *App, o incidentContainOpts, id string) error {
	if o.dir != "" {
		return fault.New(fault.Usage, "without a store there is nothing to act on: do it by hand, and write it down with poskey incident add")
	}
	site, err := a.incidents(ctx, "")
	if err != nil {
		return err
	}
	d, err := site.read(id)
	if err != nil {
		return err
	}
	if d.State() == incident.Closed {
		return fault.New(fault.NotPermitted, "incident %s is closed; open another one", d.Head.ID)
	}
	acts, err := site.plan(ctx, &o)
	if err != nil {
		return err
	}
	defer closeActs(acts)
	if o.rotate != "" {
		return site.rotate(ctx, d, &o, len(acts))
	}
	if o.dryRun || len(acts) == 0 {
		return site.propose(ctx, d, acts)
	}
	if err := site.act(ctx, d, acts); err != nil {
		return err
	}
	return site.contained(ctx, d, &o, acts)
}

// contained writes the record, tells the log, and says what was done and what was not.
func (s *incidentSite) contained(ctx context.Context, d *incident.Document, o *incidentContainOpts, acts []*containAct) error {
	by := byOr(o.by)
	d, err := s.append(d.Head.ID, func(d *incident.Document) ([]incident.Entry, error) {
		var all []incident.Entry
		for _, act := range acts {
			all = append(all, act.entry(by))
		}
		blast, err := d.Falls(ctx, s.db)
		return append(all, blast.Entries(by, incident.CauseActed)...), err
	})
	if err != nil {
		return fault.WrapAs(fault.Partial, err, "it was done, and the record of the incident does not have it")
	}
	if d, err = s.settle(ctx, d, by); err != nil {
		return err
	}
	s.tell(ctx, d)
	view, err := s.view(ctx, d)
	if err != nil {
		return err
	}
	doc := containDoc{incidentDoc: newIncidentDoc(view), Did: newActDocs(acts), Changed: true}
	var failed error
	left := 0
	for _, act := range acts {
		if act.err != nil {
			left++
			failed = act.err
		}
	}
	if err := s.app.render.Answer("incident.contain", doc, func(p *render.Page) {
		actsPage(p, acts, left)
		incidentPage(p, view)
	}); err != nil {
		return err
	}
	switch {
	case left == 0:
		return nil
	case left == len(acts):
		return fault.Wrap(failed, "nothing could be done")
	}
	return fault.WrapAs(fault.Partial, failed, "done: %d, not done: %d; the same command can be given again", len(acts)-left, left)
}
