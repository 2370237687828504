package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/agent"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

func newStoreStatusCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:   "status",
		short: text.New("show the store: sealed or open, until when, and what it holds"),
		long:  text.New("Nothing is asked of anybody, and nothing is recorded. The exit status is 0 for a sealed store too."),
		example: "  poskey store status\n" +
			"  poskey store status --store sqlite:/var/lib/poskey/store.db -o json",
		exits: []int{3, 4, 6, 8, 9}, args: cobra.NoArgs,
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runStoreStatus(cmd.Context(), a) }
	return cmd
}

type storeStatusDoc struct {
	Store       string             `json:"store"`
	URL         string             `json:"url"`
	Environment string             `json:"environment"`
	Created     time.Time          `json:"created"`
	Master      string             `json:"master"`
	KCV         string             `json:"kcv"`
	Method      kcv.Method         `json:"method"`
	Generation  uint64             `json:"generation,omitempty"`
	Threshold   int                `json:"threshold,omitempty"`  // so many
	Custodians  int                `json:"custodians,omitempty"` // of these open it
	State       string             `json:"state"`                // open, sealed
	Until       *time.Time         `json:"until,omitempty"`
	LeftSeconds int64              `json:"left_seconds,omitempty"`
	PID         int                `json:"pid,omitempty"`
	Activities  []custody.Activity `json:"activities,omitempty"`
	OpenedBy    []string           `json:"opened_by,omitempty"`
	Working     int                `json:"working"`
	Officers    []officerDoc       `json:"officers"`
	Keys        map[string]int64   `json:"keys"` // by state
	Log         string             `json:"log"`
}

func runStoreStatus(ctx context.Context, a *App) error {
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return err
	}
	doc := storeStatusDoc{Store: id.ID, URL: db.URL().Redacted(), Environment: id.Environment, Created: id.Created,
		Master: id.Master.Kind, KCV: id.Master.Check.Digits, Method: id.Master.Check.Method, Generation: id.Master.Generation,
		State: "sealed", Keys: map[string]int64{}}
	if doc.Log, err = a.auditPath(db.URL(), id.ID); err != nil {
		return err
	}
	if sealed, err := custody.ParseSealedStore(id.Master.Sealed); err == nil {
		doc.Threshold, doc.Custodians = sealed.Master.Threshold(), len(sealed.Master.Officers())
	}
	if err := a.statusRows(ctx, db, &doc); err != nil {
		return err
	}
	if err := a.statusAgent(ctx, id, &doc); err != nil {
		return err
	}
	return a.render.Answer("store.status", doc, func(p *render.Page) { statusPage(p, doc) })
}

func (a *App) statusRows(ctx context.Context, db *store.Store, doc *storeStatusDoc) error {
	for _, state := range store.States() {
		n, err := db.Count(ctx, store.Filter{State: state})
		if err != nil {
			return err
		}
		if n > 0 {
			doc.Keys[string(state)] = n
		}
	}
	officers, err := a.storeOfficers(ctx)
	if err != nil {
		return err
	}
	for _, o := range officers {
		if o.revoked.IsZero() {
			doc.Officers = append(doc.Officers, newOfficerDoc(o.card, a.Env.Now()))
		}
	}
	return nil
}

// statusAgent asks the agent, if there is one. A token store has none and counts as open: its token decides.
func (a *App) statusAgent(ctx context.Context, id store.Identity, doc *storeStatusDoc) error {
	if id.Master.Kind == store.ByToken {
		doc.State = "open"
		return nil
	}
	client, err := agent.Dial(ctx, a.socketPath(id.ID), id.ID)
	if fault.Is(err, fault.Sealed) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	s, err := client.Status(ctx)
	if err != nil {
		return err
	}
	until := s.Until.UTC().Truncate(time.Second)
	doc.State, doc.Until, doc.LeftSeconds, doc.PID = "open", &until, int64(s.Left.Seconds()), s.PID
	doc.Activities, doc.OpenedBy, doc.Working = s.Activities, s.Officers, s.Works
	return nil
}

func statusPage(p *render.Page, d storeStatusDoc) {
	p.Fields(
		render.F(text.New("store"), d.Store),
		render.F(text.New("at"), d.URL),
		render.F(text.New("environment"), p.T(custody.Environment(d.Environment).Text())),
		render.F(text.New("made"), clock(d.Created)),
		render.F(text.New("check value of the master key"), checkText(kcv.Value{Digits: d.KCV, Method: d.Method})),
		render.F(text.New("custodians who open it"), thresholdText(p, d.Threshold, d.Custodians)),
		render.F(text.New("keys"), keysText(p, d.Keys)),
		render.F(text.New("audit log"), d.Log),
	)
	p.Blank()
	switch {
	case d.State == "sealed":
		p.Bad(text.New("The store is sealed."))
		return
	case d.Until == nil:
		p.Good(text.New("The master key is in a token: nothing is to unseal."))
		return
	}
	p.Good(text.New("The store is open until %s (%s).", clock(*d.Until), (time.Duration(d.LeftSeconds) * time.Second).String()))
	p.Fields(
		render.F(text.New("opened by"), strings.Join(d.OpenedBy, ", ")),
		render.F(text.New("allowed meanwhile"), activitiesText(p, custody.Environment(d.Environment), d.Activities)),
		render.F(text.New("agent"), p.T(text.New("process %d", d.PID))),
	)
}

func keysText(p *render.Page, counts map[string]int64) string {
	var parts []string
	for _, state := range store.States() {
		if n := counts[string(state)]; n > 0 {
			parts = append(parts, p.T(text.New("%d %s", int(n), stateText(state))))
		}
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, ", ")
}
