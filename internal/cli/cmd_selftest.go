package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/hsm"
)

func newSelftestCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use: "selftest", group: groupTool,
		short:   text.New("run known answers through every algorithm"),
		long:    text.New("Published examples of each standard are computed and compared, and the random source and the boundary are looked at."),
		example: "  poskey selftest\n  poskey selftest -o json",
		exits:   []int{5}, args: cobra.NoArgs,
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runSelftest(cmd.Context(), a) }
	return cmd
}

type selftestDoc struct {
	Passed bool           `json:"passed"`
	Checks []selftestItem `json:"checks"`
}

type selftestItem struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	Error  string `json:"error,omitempty"`
}

func runSelftest(ctx context.Context, a *App) error {
	b, err := a.hsm(ctx)
	if err != nil {
		return err
	}
	checks := hsm.Selftest(ctx, b, a.Env)
	doc := selftestDoc{Passed: true}
	failed := 0
	for _, c := range checks {
		item := selftestItem{Name: c.Name, Passed: c.Err == nil}
		if c.Err != nil {
			item.Error = c.Err.Error()
			doc.Passed = false
			failed++
		}
		doc.Checks = append(doc.Checks, item)
	}
	if err := a.render.Answer("selftest", doc, func(p *render.Page) { selftestPage(p, checks, failed) }); err != nil {
		return err
	}
	if failed > 0 {
		return fault.New(fault.SelftestFailed, "%d self-tests failed; do not use this program", failed)
	}
	return nil
}

func selftestPage(p *render.Page, checks []hsm.Check, failed int) {
	rows := make([][]string, len(checks))
	for i, c := range checks {
		verdict := p.T(text.New("ok"))
		if c.Err != nil {
			verdict = p.T(text.New("FAILED: %s", c.Err))
		}
		rows[i] = []string{p.T(c.Text), verdict}
	}
	p.Grid([]text.Text{text.New("TEST"), text.New("RESULT")}, rows)
	p.Blank()
	if failed == 0 {
		p.Good(text.New("all %d self-tests passed", len(checks)))
	}
}
