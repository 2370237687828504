package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
)

func newOfficerListCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:   "list [FILE|DIR]...",
		short: text.New("list the officers of the store, or those whose cards lie in folders"),
		long: text.New("Without arguments: those whom the store has admitted, the revoked ones too. With files and folders: the cards and identities there;\n" +
			"no store is needed. In a folder all other files are passed over. A card that was changed is listed with its fault, and the command\n" +
			"then ends with that exit code."),
		example: "  poskey officer list\n  poskey officer list cards/ -o json",
		exits:   []int{3, 4, 5, 8}, args: cobra.ArbitraryArgs,
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runOfficerList(cmd.Context(), a, args) }
	return cmd
}

type officerListDoc struct {
	Officers []officerRow  `json:"officers"`
	Problems []fileProblem `json:"problems"`
	Warnings []warningDoc  `json:"warnings"`
}

type officerRow struct {
	officerDoc
	File    string `json:"file,omitempty"`
	Revoked string `json:"revoked,omitempty"` // by the store
}

// fileProblem is a file that looks like an officer's and cannot be taken.
type fileProblem struct {
	File    string     `json:"file"`
	Kind    fault.Kind `json:"kind"`
	Message string     `json:"message"`
	err     error
}

func runOfficerList(ctx context.Context, a *App, paths []string) error {
	if len(paths) == 0 {
		return a.listStoreOfficers(ctx)
	}
	found, err := listCards(ctx, paths)
	if err != nil {
		return err
	}
	doc := officerListDoc{Officers: []officerRow{}, Problems: []fileProblem{}}
	var warnings []officerWarning
	ids := map[string]string{}
	for _, f := range found {
		if f.err != nil {
			doc.Problems = append(doc.Problems, fileProblem{f.path, fault.KindOf(f.err), f.err.Error(), f.err})
			err = f.err
			continue
		}
		warnings = append(warnings, officerWarnings(f.officerFile, a.Env.Now())...)
		if other, twice := ids[f.card.ID()]; twice {
			warnings = append(warnings, officerWarning{"same_id", text.New("%s and %s are two cards of one id, %s", pathWord(other), pathWord(f.path), f.card.ID())})
		}
		ids[f.card.ID()] = f.path
		doc.Officers = append(doc.Officers, officerRow{officerDoc: newOfficerDoc(f.card, a.Env.Now()), File: f.path})
	}
	doc.Warnings = officerWarningDocs(warnings)
	if answered := a.render.Answer("officer.list", doc, func(p *render.Page) { officerListPage(p, doc, warnings) }); answered != nil {
		return answered
	}
	return err
}

func (a *App) listStoreOfficers(ctx context.Context) error {
	officers, err := a.storeOfficers(ctx)
	if err != nil {
		return err
	}
	doc := officerListDoc{Officers: []officerRow{}, Problems: []fileProblem{}}
	var warnings []officerWarning
	for _, o := range officers {
		row := officerRow{officerDoc: newOfficerDoc(o.card, a.Env.Now())}
		if !o.revoked.IsZero() {
			row.Revoked = at(o.revoked)
		} else {
			warnings = append(warnings, officerWarnings(officerFile{card: o.card}, a.Env.Now())...)
		}
		doc.Officers = append(doc.Officers, row)
	}
	doc.Warnings = officerWarningDocs(warnings)
	return a.render.Answer("officer.list", doc, func(p *render.Page) { officerListPage(p, doc, warnings) })
}

func officerListPage(p *render.Page, doc officerListDoc, warnings []officerWarning) {
	if len(doc.Officers) == 0 {
		p.Line(text.New("no officer's card lies here"))
	} else {
		var rows [][]string
		for _, o := range doc.Officers {
			expires, _, _ := strings.Cut(o.Expires, "T") // the day is enough here
			where := pathWord(o.File)
			if o.Revoked != "" {
				where = p.T(text.New("revoked at %s", o.Revoked))
			}
			rows = append(rows, []string{o.ID, o.Name, rolesText(p, o.Roles), p.T(o.Environment.Text()), expires,
				o.Fingerprint[:16], where})
		}
		p.Grid([]text.Text{text.New("officer"), text.New("name"), text.New("roles"), text.New("environment"), text.New("expires"),
			text.New("fingerprint"), text.Raw("")}, rows)
	}
	officerWarningPage(p, warnings)
	for i, bad := range doc.Problems {
		if i == 0 {
			p.Blank()
		}
		p.Bad(text.New("%s", bad.err))
	}
}
