package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/fleet"
)

type fleetReconcileOpts struct {
	html, json, sign, passphrase string
	close, accept, known         bool
	old                          time.Duration
}

func newFleetReconcileCmd(a *App) *cobra.Command {
	o := fleetReconcileOpts{}
	cmd := a.command(cmdSpec{
		use:   "reconcile RUN",
		short: text.New("account for every device of a run, and raise what is not in order"),
		long: text.New("Every expected device is confirmed, failed, quarantined, rejected or untouched. Raised are: equal check values among initial keys, numbers\n" +
			"seen twice, devices that told another serial number, old reservations, odd device digits, and by which proof each load is confirmed.\n" +
			"While something is open the command ends with 10. --close ends the run: every device must be accounted for, and nothing open that is not\n" +
			"said to be known (--accept-open); a closed run takes no load any more.\n" +
			"The report is written as JSON and as a page; --sign puts an officer's signature beside the JSON (FILE.note), which fleet verify checks."),
		example: "  poskey fleet reconcile RUN-2026-11\n" +
			"  poskey fleet reconcile RUN-2026-11 --close --report run.json --html run.html --sign admin.d.identity",
		exits: []int{3, 4, 5, 6, 7, 8, 9, 10}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.json, "report", "", a.Say.T("write the report to FILE (JSON)"))
	f.StringVar(&o.html, "html", "", a.Say.T("write the report to FILE (HTML)"))
	f.StringVar(&o.sign, "sign", "", a.Say.T("identity FILE of an officer who signs the report; needs --report"))
	f.StringVar(&o.passphrase, "passphrase", "prompt", a.Say.T("passphrase of the officer who signs (SRC): prompt, file:PATH or fd:N"))
	f.BoolVar(&o.close, "close", false, a.Say.T("end the run, when every device is accounted for"))
	f.BoolVar(&o.accept, "accept-untouched", false, a.Say.T("with --close: devices that nobody touched were looked at"))
	f.BoolVar(&o.known, "accept-open", false, a.Say.T("with --close: open findings are known, and stay in the report as they are"))
	spanFlag(f, &o.old, "old", 24*time.Hour, a.Say.T("raise reservations older than that"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runFleetReconcile(cmd.Context(), a, o, args[0]) }
	return cmd
}

type fleetReconcileDoc struct {
	Report fleet.Report `json:"report"`
	Files  []string     `json:"files"`
}

func runFleetReconcile(ctx context.Context, a *App, o fleetReconcileOpts, run string) error {
	if o.sign != "" && o.json == "" {
		return fault.New(fault.Usage, "--sign needs --report: what is signed is the report in its JSON form")
	}
	for _, path := range o.files() { // before a run is closed
		if err := source.CheckNew(path); err != nil {
			return err
		}
	}
	signer, err := a.reportSigner(ctx, o)
	if err != nil {
		return err
	}
	defer signer.Wipe()
	account, err := a.accountOf(ctx, o, run)
	if err != nil {
		return err
	}
	id, err := a.holding.db.Identity(ctx)
	if err != nil {
		return err
	}
	doc := fleetReconcileDoc{Report: fleet.NewReport(&account, id.ID), Files: []string{}}
	if doc.Files, err = a.writeReport(o, &doc.Report, signer); err != nil {
		return err
	}
	if err := a.render.Answer("fleet.reconcile", doc, func(p *render.Page) { reconcilePage(p, &account, doc.Files) }); err != nil {
		return err
	}
	if n := account.Open(); n > 0 {
		return fault.New(fault.Partial, "findings that are open: %d", n)
	}
	return nil
}

// accountOf makes the account, and ends the run where that is asked for.
func (a *App) accountOf(ctx context.Context, o fleetReconcileOpts, run string) (fleet.Account, error) {
	db, err := a.openStore(ctx)
	if err != nil {
		return fleet.Account{}, err
	}
	set := fleet.Settings{Now: a.Env.Now(), Old: o.old, Accepted: o.accept, Known: o.known}
	if !o.close {
		return fleet.Reconcile(ctx, db, run, set)
	}
	details := audit.Details{"run": audit.Clean(run), "close": "yes"}
	if o.known {
		details["findings"] = "known"
	}
	work, err := a.begin(ctx, custody.DeviceRegister, run, details)
	if err != nil {
		return fleet.Account{}, err
	}
	return fleet.Close(ctx, db, work.Change(), run, set)
}
