package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/hsm/pkcs11"
)

func newHSMListCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:   "list",
		short: text.New("list the slots and tokens of a module"),
		long:  text.New("Needs no PIN and changes nothing. Of --hsm only the module counts (and nss-configdir); docs/hsm.md explains the name."),
		example: "  poskey hsm list --hsm 'pkcs11:?module-path=/usr/lib/softhsm/libsofthsm2.so'\n" +
			"  poskey hsm list -o json --hsm 'pkcs11:?module-path=/usr/lib/softhsm/libsofthsm2.so'",
		exits: []int{4, 6, 8}, args: cobra.NoArgs,
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runHSMList(cmd.Context(), a) }
	return cmd
}

type hsmListDoc struct {
	Module       string       `json:"module"`
	Manufacturer string       `json:"manufacturer"`
	Description  string       `json:"description"`
	Version      string       `json:"version"`
	Cryptoki     string       `json:"cryptoki"`
	Slots        []hsmSlotDoc `json:"slots"`
}

type hsmSlotDoc struct {
	ID          uint         `json:"id"`
	Description string       `json:"description"`
	Token       *hsmTokenDoc `json:"token"` // null where none is in
}

func runHSMList(ctx context.Context, a *App) error {
	u, err := a.token()
	if err != nil {
		return err
	}
	lib, err := pkcs11.Slots(ctx, u, a.tokenOptions(u))
	if err != nil {
		return err
	}
	doc := hsmListDoc{Module: lib.Path, Manufacturer: lib.Manufacturer, Description: lib.Description, Version: lib.Version,
		Cryptoki: lib.Cryptoki, Slots: make([]hsmSlotDoc, len(lib.Slots))}
	for i, s := range lib.Slots {
		doc.Slots[i] = hsmSlotDoc{ID: s.ID, Description: s.Description}
		if s.Present {
			doc.Slots[i].Token = tokenDoc(s.Token)
		}
	}
	return a.render.Answer("hsm.list", doc, func(p *render.Page) { hsmListPage(p, doc) })
}

func hsmListPage(p *render.Page, doc hsmListDoc) {
	p.Fields(
		render.F(text.New("module"), doc.Module),
		render.F(text.New("made by"), doc.Manufacturer),
		render.F(text.New("version"), doc.Description+" "+doc.Version+", Cryptoki "+doc.Cryptoki),
	)
	p.Blank()
	rows := make([][]string, len(doc.Slots))
	for i, s := range doc.Slots {
		rows[i] = []string{strconv.FormatUint(uint64(s.ID), 10), "", "", "", p.T(text.New("no token"))}
		if t := s.Token; t != nil {
			rows[i] = []string{strconv.FormatUint(uint64(s.ID), 10), t.Label, t.Serial, t.Model, p.T(tokenState(t))}
		}
	}
	p.Grid([]text.Text{text.New("SLOT"), text.New("TOKEN"), text.New("SERIAL"), text.New("MODEL"), text.New("STATE")}, rows)
}
