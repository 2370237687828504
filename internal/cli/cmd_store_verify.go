package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

func newStoreVerifyCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:   "verify",
		short: text.New("hold the whole store against itself and against its log"),
		long: text.New("Every row is looked at: states and times, parents, numbers handed out, what the blocks say of themselves. On an open store the\n" +
			"boundary also opens every block, which proves its MAC and its label, and compares the check value. The log is verified with the\n" +
			"checkpoints beside it, and compared with the inventory: a database or a log that was put back to an older copy is found, and of\n" +
			"operations that were cut off it is said whether they took place. Exit status 5 when anything is wrong; warnings are not."),
		example: "  poskey store verify\n  poskey store verify -o json",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runStoreVerify(cmd.Context(), a) }
	return cmd
}

type storeVerifyDoc struct {
	Store       string       `json:"store"`
	OK          bool         `json:"ok"`
	Blocks      bool         `json:"blocks"` // opened; false on a sealed store
	Keys        int64        `json:"keys"`
	Devices     int64        `json:"devices"`
	Allocations int64        `json:"allocations"`
	Records     uint64       `json:"records"`
	Findings    []findingRow `json:"findings"`
	Unsettled   []unsettled  `json:"unsettled"` // operations whose end nobody recorded
}

type unsettled struct {
	Record    uint64 `json:"record"`
	Operation string `json:"operation"`
	Label     string `json:"label,omitempty"`
	Told      bool   `json:"told"` // the inventory tells whether it was done
	Done      bool   `json:"done"`
}

type findingRow struct {
	Where   string     `json:"where"`
	Warning bool       `json:"warning"`
	Kind    fault.Kind `json:"kind"`
	Message string     `json:"message"`
}

func runStoreVerify(ctx context.Context, a *App) error {
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return err
	}
	log, err := a.auditPath(db.URL(), id.ID)
	if err != nil {
		return err
	}
	work, err := a.begin(ctx, custody.KeyCheck, "", audit.Details{audit.FieldPurpose: string(audit.StoreVerify)})
	if err != nil && !fault.Is(err, fault.Sealed) {
		return err
	}
	v, err := vault.Verify(ctx, db, work, log)
	if err != nil {
		return err
	}
	all := append(append([]store.Finding{}, v.Findings...), v.History...)
	if v.LogErr != nil {
		all = append(all, store.Finding{Where: "log", Err: v.LogErr})
	}
	doc := storeVerifyDoc{Store: id.ID, OK: v.OK(), Blocks: v.Blocks, Keys: v.Keys, Devices: v.Devices, Allocations: v.Allocations,
		Records: v.Log.Records, Findings: []findingRow{}, Unsettled: []unsettled{}}
	wrong := 0
	for _, f := range all {
		doc.Findings = append(doc.Findings, findingRow{f.Where, f.Warning, fault.KindOf(f.Err), f.Err.Error()})
		if !f.Warning {
			wrong++
		}
	}
	for _, u := range v.Unsettled {
		doc.Unsettled = append(doc.Unsettled, unsettled{u.Seq, string(u.Operation), u.Label, u.Told, u.Done})
	}
	if err := a.render.Answer("store.verify", doc, func(p *render.Page) { a.verifyPage(p, doc, all, v.Unsettled) }); err != nil {
		return err
	}
	if !doc.OK {
		return fault.New(fault.ChecksumMismatch, "the store does not verify: %d findings", wrong)
	}
	return nil
}

func (a *App) verifyPage(p *render.Page, d storeVerifyDoc, all []store.Finding, open []vault.Unsettled) {
	p.Fields(
		render.F(text.New("keys"), p.T(text.New("%d", d.Keys))),
		render.F(text.New("devices"), p.T(text.New("%d", d.Devices))),
		render.F(text.New("numbers handed out"), p.T(text.New("%d", d.Allocations))),
		render.F(text.New("records of the log"), p.T(text.New("%d", d.Records))),
	)
	if !d.Blocks {
		p.Line(text.New("The store is sealed: what only the master key can prove was not looked at."))
	}
	for _, f := range all {
		said := text.New("%s: %s", f.Where, a.Say.Error(f.Err))
		if f.Warning {
			said = text.New("warning: %s: %s", f.Where, a.Say.Error(f.Err))
		}
		p.Bad(said)
	}
	for _, u := range open {
		p.Line(unsettledText(u))
	}
	if d.OK {
		p.Good(text.New("The store verifies."))
	}
}

// unsettledText says what became of an operation that was cut off, or is under way.
func unsettledText(u vault.Unsettled) text.Text {
	switch {
	case !u.Told:
		return text.New("record %d: %s: nobody recorded how it ended, and the inventory cannot tell", int(u.Seq), u.Operation.Text())
	case u.Done:
		return text.New("record %d: %s (%s): nobody recorded how it ended; by the inventory it was done", int(u.Seq),
			u.Operation.Text(), u.Label)
	}
	return text.New("record %d: %s (%s): nobody recorded how it ended; by the inventory it was not done", int(u.Seq),
		u.Operation.Text(), u.Label)
}
