package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/keyblock"
)

func newKeyblockInspectCmd(a *App) *cobra.Command {
	isStrict := false
	cmd := a.command(cmdSpec{
		use:   "inspect [BLOCK|-]",
		short: text.New("explain a key block's header, without its KBPK"),
		long:  text.New("Every field and every optional block is named and explained. Nothing is believed of it: that takes the KBPK (verify)."),
		example: "  poskey keyblock inspect B0104B1TX12S0100KS1800604B120F9292800000BB68BE8680A400D9191AD4ECE45B6E6C0D21C4738A52190E248719E24B433627\n" +
			"  poskey keyblock inspect -o json < block.txt",
		exits: []int{3, 6}, args: cobra.MaximumNArgs(1),
	})
	a.strictFlag(cmd.Flags(), &isStrict)
	cmd.RunE = func(_ *cobra.Command, args []string) error { return runKeyblockInspect(a, args, isStrict) }
	return cmd
}

type inspectDoc struct {
	Header   headerDoc    `json:"header"`
	Warnings []warningDoc `json:"warnings"`
}

func runKeyblockInspect(a *App, args []string, isStrict bool) error {
	input, err := a.blockArg(args)
	if err != nil {
		return err
	}
	block, warnings, err := parseBlock(input)
	if err != nil {
		return err
	}
	warnings = append(warnings, block.Lint()...)
	doc := inspectDoc{newHeaderDoc(&block.Header, block.Len()), warningDocs(warnings)}
	if err := a.render.Answer("keyblock.inspect", doc, func(p *render.Page) { inspectPage(p, block, warnings) }); err != nil {
		return err
	}
	if isStrict {
		return strict(warnings)
	}
	return nil
}

func inspectPage(p *render.Page, block *keyblock.Block, warnings []keyblock.Warning) {
	headerPage(p, &block.Header, block.Len())
	warnPage(p, warnings)
}
