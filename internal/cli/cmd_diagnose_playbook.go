package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/playbook"
)

func newDiagnosePlaybookCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:   "playbook [ID]",
		short: text.New("read what to do about a cause or a situation: checks, fix, prevention, whom to call"),
		long: text.New("A page for each cause that a diagnosis can name and for the situations that people meet (key-check-failed, key-error-14,\n" +
			"restart-client, terminal-locked). Without ID all pages are listed."),
		example: "  poskey diagnose playbook\n  poskey diagnose playbook key-error-14 --lang zh",
		exits:   []int{4}, args: cobra.MaximumNArgs(1),
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runDiagnosePlaybook(cmd.Context(), a, args) }
	return cmd
}

// playbookDoc is a page.
type playbookDoc struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind"`
	Title       string    `json:"title"`
	Means       []string  `json:"means"`
	Technical   []string  `json:"technical_causes"`
	Operational []string  `json:"operational_causes"`
	Management  []string  `json:"management_causes"`
	Checks      []stepDoc `json:"checks"`
	Fix         []stepDoc `json:"fix"`
	Prevention  []string  `json:"prevention"`
	Trade       []string  `json:"impact_on_trade"`
	Risk        []string  `json:"impact_on_risk"`
	Stop        []string  `json:"stop_and_call"`
	Record      []string  `json:"record"`
}

type stepDoc struct {
	Text    string `json:"text"`
	Command string `json:"command,omitempty"`
}

type playbooksDoc struct {
	Pages []playbookRowDoc `json:"pages"`
}

type playbookRowDoc struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"`
	Title string `json:"title"`
}

func runDiagnosePlaybook(_ context.Context, a *App, args []string) error {
	book, err := playbook.Open(string(a.Say.Lang()))
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return a.listPlaybooks(book)
	}
	page, ok := book.Page(args[0])
	if !ok {
		return fault.New(fault.NotFound, "there is no page %q; poskey diagnose playbook lists them", text.Redact(args[0]))
	}
	return a.render.Answer("diagnose.playbook", newPlaybookDoc(&page), func(p *render.Page) { playbookPage(p, &page) })
}

func (a *App) listPlaybooks(book *playbook.Book) error {
	doc := playbooksDoc{Pages: []playbookRowDoc{}}
	var rows [][]string
	for _, page := range book.Pages() {
		doc.Pages = append(doc.Pages, playbookRowDoc{page.ID, string(page.Kind), page.Title})
		rows = append(rows, []string{page.ID, page.Title})
	}
	return a.render.Answer("diagnose.playbooks", doc, func(p *render.Page) {
		p.Grid([]text.Text{text.New("page"), text.New("about")}, rows)
	})
}

func newPlaybookDoc(page *playbook.Page) playbookDoc {
	return playbookDoc{page.ID, string(page.Kind), page.Title, page.Means, page.Technical, page.Operational, page.Management,
		stepDocs(page.Checks), stepDocs(page.Fix), page.Prevention, page.Trade, page.Risk, page.Stop, page.Record}
}

func stepDocs(all []playbook.Step) []stepDoc {
	out := []stepDoc{}
	for _, s := range all {
		out = append(out, stepDoc{s.Text, s.Command})
	}
	return out
}
