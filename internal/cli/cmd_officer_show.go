package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
)

func newOfficerShowCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:   "show FILE",
		short: text.New("show who an identity or a card belongs to"),
		long: text.New("Signature, dates and fingerprint are checked; no passphrase is needed. That the card belongs to the person is for people\n" +
			"to find out: let the officer read the fingerprint aloud, and compare."),
		example: "  poskey officer show officer.a.card\n  poskey officer show officer.a.identity -o json",
		exits:   []int{3, 4, 5, 6}, args: cobra.ExactArgs(1),
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runOfficerShow(cmd.Context(), a, args[0]) }
	return cmd
}

type officerShowDoc struct {
	officerDoc
	Kind     string       `json:"kind"` // identity or card
	KDF      *kdfDoc      `json:"kdf,omitempty"`
	Warnings []warningDoc `json:"warnings"`
}

func runOfficerShow(ctx context.Context, a *App, path string) error {
	o, err := readOfficerFile(ctx, path)
	if err != nil {
		return err
	}
	warnings := officerWarnings(o, a.Env.Now())
	doc := officerShowDoc{officerDoc: newOfficerDoc(o.card, a.Env.Now()), Kind: "card", Warnings: officerWarningDocs(warnings)}
	kind, cost := text.New("officer's card: public"), ""
	if o.locked != nil {
		doc.Kind, doc.KDF = "identity", newKDFDoc(o.locked.Cost())
		kind = text.New("officer's identity: private keys under a passphrase")
		cost = a.Say.T("%s, %s passes over %s MiB", doc.KDF.Name, strconv.Itoa(int(doc.KDF.Passes)), strconv.Itoa(int(doc.KDF.Memory>>10)))
	}
	return a.render.Answer("officer.show", doc, func(p *render.Page) {
		p.Heading(kind)
		officerPage(p, o.card, doc.officerDoc)
		if cost != "" {
			p.Blank()
			p.Fields(render.F(text.New("a guess at the passphrase costs"), cost))
		}
		officerWarningPage(p, warnings)
	})
}
