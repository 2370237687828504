package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/agent"
	"poskey/pkg/custody"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

type storeUnsealOpts struct {
	officers   []string
	allow      []string
	span       string
	checkpoint string
}

func newStoreUnsealCmd(a *App) *cobra.Command {
	o := storeUnsealOpts{}
	cmd := a.command(cmdSpec{
		use:   "unseal",
		short: text.New("open the store for a time: its officers type their passphrases, one after the other"),
		long: text.New("An agent starts, asks each officer at this terminal, hidden and out of sight of the others, and holds the master key in\n" +
			"locked memory until the time is over, the machine sleeps, it is told to seal, or it is ended by a signal. What is not\n" +
			"allowed for the time, such as showing or destroying a key, takes officers' approval each time (--approver).\n" +
			"The officers leave a signed checkpoint on the audit log; keep a copy elsewhere (--checkpoint FILE)."),
		example: "  poskey store unseal --officer custodian.a.identity --officer custodian.b.identity --for 1h\n" +
			"  poskey store unseal --officer custodian.a.identity --officer custodian.b.identity --for 10m --allow key.generate --allow key.wrap\n" +
			"  poskey store unseal --officer a.identity --officer b.identity --passphrase-fd 3 --passphrase-fd 4",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringArrayVar(&o.officers, "officer", nil, a.Say.T("identity file of an officer who is there; one for each"))
	f.StringVar(&o.span, "for", "1h", a.Say.T("how long the store stays open, 1m to 12h"))
	f.StringArrayVar(&o.allow, "allow", nil, a.Say.T("an activity that is allowed for the time, such as key.generate; all that may be when left out"))
	f.StringVar(&o.checkpoint, "checkpoint", "", a.Say.T("new file for a copy of the checkpoint that the officers sign on the log"))
	required(cmd, "officer")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runStoreUnseal(cmd.Context(), a, o) }
	return cmd
}

type storeUnsealDoc struct {
	Store      string             `json:"store"`
	PID        int                `json:"pid"`
	Until      time.Time          `json:"until"`
	Activities []custody.Activity `json:"activities"`
	Officers   []string           `json:"officers"`
	Checkpoint string             `json:"checkpoint,omitempty"` // the file
}

func runStoreUnseal(ctx context.Context, a *App, o storeUnsealOpts) error {
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return err
	}
	if id.Master.Kind == store.ByToken {
		return fault.New(fault.Usage, "the master key of this store is in a token: there is nothing to unseal")
	}
	opening, err := a.opening(ctx, o)
	if err != nil {
		return err
	}
	if o.checkpoint != "" {
		if err := source.CheckNew(o.checkpoint); err != nil {
			return err
		}
	}
	if opening.Log, err = a.auditPath(db.URL(), id.ID); err != nil {
		return err
	}
	if err := worthAsking(opening, custody.Environment(id.Environment)); err != nil {
		return err
	}
	opening.Socket = a.socketPath(id.ID)
	tty, fds, done, err := a.passphrases(a.flags.approval.fds)
	if err != nil {
		return err
	}
	defer done()
	opening.Start = a.startAgent(tty, fds)
	started, err := vault.Unseal(ctx, db, opening)
	if err != nil {
		return err
	}
	if o.checkpoint != "" {
		if err := source.WriteNew(o.checkpoint, started.Checkpoint); err != nil {
			a.render.Warn(text.New("the store is open, but the checkpoint was not copied: %s", err))
		}
	}
	return a.answerUnsealed(id, started, o.checkpoint)
}

// opening reads what the flags say.
func (a *App) opening(ctx context.Context, o storeUnsealOpts) (vault.Opening, error) {
	span, err := parseSpan(o.span)
	if err != nil {
		return vault.Opening{}, fault.Wrap(err, "--for")
	}
	out := vault.Opening{For: span, Who: whoAmI(), Language: string(a.Say.Lang())}
	for _, list := range o.allow {
		for name := range strings.SplitSeq(list, ",") {
			activity, err := custody.ParseActivity(name)
			if err != nil {
				return vault.Opening{}, fault.Wrap(err, "--allow")
			}
			out.Activities = append(out.Activities, activity)
		}
	}
	for _, path := range o.officers {
		f, err := readIdentityFile(ctx, path)
		if err != nil {
			return vault.Opening{}, err
		}
		out.Identities = append(out.Identities, f.raw)
	}
	return out, nil
}

// worthAsking refuses, before any officer types, what cannot be allowed.
func worthAsking(o vault.Opening, e custody.Environment) error {
	if o.For < custody.MinAuthorisation || o.For > custody.MaxAuthorisation {
		return fault.New(fault.Usage, "--for: a store is open for %dm to %dh", int(custody.MinAuthorisation.Minutes()), int(custody.MaxAuthorisation.Hours()))
	}
	for _, activity := range o.Activities {
		if !slices.Contains(custody.StandingActivities(e), activity) {
			return fault.New(fault.NotPermitted, "%s is not allowed for a time; it is approved each time", string(activity))
		}
	}
	return nil
}

func (a *App) answerUnsealed(id store.Identity, s agent.Started, checkpoint string) error {
	doc := storeUnsealDoc{Store: id.ID, PID: s.PID, Until: s.Until.UTC().Truncate(time.Second), Activities: s.Activities,
		Officers: s.Officers, Checkpoint: checkpoint}
	return a.render.Answer("store.unseal", doc, func(p *render.Page) {
		p.Good(text.New("The store is open until %s.", clock(s.Until)))
		p.Fields(
			render.F(text.New("store"), fmt.Sprintf("%s (%s)", id.ID, p.T(custody.Environment(id.Environment).Text()))),
			render.F(text.New("opened by"), strings.Join(s.Officers, ", ")),
			render.F(text.New("allowed meanwhile"), activitiesText(p, custody.Environment(id.Environment), s.Activities)),
			render.F(text.New("agent"), p.T(text.New("process %d", s.PID))),
			render.F(text.New("checkpoint"), checkpoint),
		)
		p.Line(text.New("Seal it when you are done: poskey store seal"))
	})
}

// activitiesText names what the officers allowed for the time. All of it is the usual case, and said in a word.
func activitiesText(p *render.Page, e custody.Environment, all []custody.Activity) string {
	if slices.Equal(all, custody.StandingActivities(e)) {
		return p.T(text.New("everything that officers may allow for a time"))
	}
	names := make([]string, len(all))
	for i, activity := range all {
		names[i] = string(activity)
	}
	return strings.Join(names, ", ")
}
