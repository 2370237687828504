package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/agent"
	"poskey/pkg/custody"
	"poskey/pkg/vault"
)

type storeReshareOpts struct {
	officers, holders, revoke []string
	threshold                 int
}

func newStoreReshareCmd(a *App) *cobra.Command {
	o := storeReshareOpts{}
	cmd := a.command(cmdSpec{
		use:   "reshare",
		short: text.New("give the master key to other officers, or ask for more or fewer of them"),
		long: text.New("As many officers of today as open the store type their passphrases; the master key is cut anew for those whose cards are given, and\n" +
			"the shares of before are void. Every custodian who shall have a share is named, also those who had one. Do it when an officer\n" +
			"leaves (--revoke) or an identity is about to expire. Whoever joins or leaves does so before administrators (one in a test store,\n" +
			"two in production): name them with --officer too. It cannot take back what was handed out: when old shares may be in the wrong\n" +
			"hands, rotate the keys into a new store. The store must be sealed."),
		example: "  poskey store reshare --officer custodian.a.identity --officer custodian.b.identity --officer admin.d.identity " +
			"--holder custodian.a.card --holder custodian.d.card --holder custodian.e.card --threshold 2 --revoke custodian.b",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringArrayVar(&o.officers, "officer", nil, a.Say.T("identity file of an officer who is there; one for each"))
	f.StringArrayVar(&o.holders, "holder", nil, a.Say.T("card of an officer of tomorrow (file); one for each; custodians get shares"))
	f.IntVar(&o.threshold, "threshold", 0, a.Say.T("how many custodians open the store, 2 or more"))
	f.StringArrayVar(&o.revoke, "revoke", nil, a.Say.T("id of an officer who leaves the store; one for each"))
	required(cmd, "officer", "holder", "threshold")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runStoreReshare(cmd.Context(), a, o) }
	return cmd
}

type storeReshareDoc struct {
	Store      string   `json:"store"`
	Generation uint64   `json:"generation"`
	Threshold  int      `json:"threshold"`
	Holders    []string `json:"holders"`
	Revoked    []string `json:"revoked"`
}

func runStoreReshare(ctx context.Context, a *App, o storeReshareOpts) error {
	holders, others, err := a.initCards(ctx, o.holders)
	if err != nil {
		return err
	}
	if err := checkThreshold(o.threshold, len(holders)); err != nil {
		return err
	}
	opening, err := a.opening(ctx, storeUnsealOpts{officers: o.officers, span: "1m"})
	if err != nil {
		return err
	}
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return err
	}
	client, err := agent.Dial(ctx, a.socketPath(id.ID), id.ID)
	if err == nil {
		_ = client.Close()
		return fault.New(fault.Busy, "the store is open; seal it first: poskey store seal")
	}
	if !fault.Is(err, fault.Sealed) {
		return err
	}
	if opening.Log, err = a.auditPath(db.URL(), id.ID); err != nil {
		return err
	}
	tty, fds, done, err := a.passphrases(a.flags.approval.fds)
	if err != nil {
		return err
	}
	defer done()
	opening.Socket, opening.Start = a.socketPath(id.ID), a.startAgent(tty, fds)
	id, err = vault.Reshare(ctx, db, vault.Resharing{Opening: opening, Holders: holders, Others: others, Threshold: o.threshold, Revoke: o.revoke})
	if err != nil {
		return err
	}
	for _, manager := range custody.OneManager(holders, o.threshold) {
		a.render.Warn(text.New("%d or more of the custodians report to %s: together they open the store (PCI PIN 25-1)", o.threshold, manager))
	}
	doc := storeReshareDoc{Store: id.ID, Generation: id.Master.Generation, Threshold: o.threshold, Holders: []string{}, Revoked: append([]string{}, o.revoke...)}
	for _, c := range holders {
		doc.Holders = append(doc.Holders, c.ID())
	}
	return a.render.Answer("store.reshare", doc, func(p *render.Page) {
		p.Good(text.New("The master key is sealed anew; the shares of before are void."))
		p.Fields(
			render.F(text.New("store"), id.ID),
			render.F(text.New("generation"), strconv.FormatUint(id.Master.Generation, 10)),
			render.F(text.New("custodians who open it"), thresholdText(p, o.threshold, len(holders))),
		)
		rosterPage(p, holders)
	})
}
