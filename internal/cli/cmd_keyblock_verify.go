package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
)

func newKeyblockVerifyCmd(a *App) *cobra.Command {
	kbpk := ""
	cmd := a.command(cmdSpec{
		use:   "verify [BLOCK|-]",
		short: text.New("check a key block's MAC and check values, and say what is wrong with it"),
		long: text.New("A failing block is examined: a changed character of the header, the encrypted key or the MAC is found and named, other forms\n" +
			"of the KBPK are tried, and the evidence is weighed. A check value in the block that is not the key's makes the verdict no."),
		example: "  poskey keyblock verify A0072K0TD00N00007D2D21FC9ECD3EECBB0A2615BD8F05605722120BDFF2CCAC319C3198 --kbpk file:kbpk.txt",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.MaximumNArgs(1),
	})
	a.kbpkFlag(cmd.Flags(), &kbpk)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runKeyblockVerify(cmd.Context(), a, kbpk, args) }
	return cmd
}

type verifyDoc struct {
	Verified bool         `json:"verified"`
	Header   headerDoc    `json:"header"`
	Warnings []warningDoc `json:"warnings"`
	Findings []findingDoc `json:"findings"`
}

type findingDoc struct {
	Cause     string `json:"cause"`
	Certainty string `json:"certainty"`
	Character int    `json:"character,omitempty"`
	Summary   string `json:"summary"`
	Corrected string `json:"corrected,omitempty"`
}

func runKeyblockVerify(ctx context.Context, a *App, kbpkSrc string, args []string) error {
	input, err := a.blockArg(args)
	if err != nil {
		return err
	}
	block, warnings, err := parseBlock(input)
	if err != nil {
		return err
	}
	kbpk, err := a.intake().kbpk(ctx, kbpkSrc, block.Version, text.New("the KBPK"))
	if err != nil {
		return err
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return err
	}
	opened, verdict := b.Unwrap(ctx, block, kbpk, hsm.Policy{Inspect: true})
	var findings []keyblock.Finding
	switch {
	case keyblock.Failed(verdict):
		if findings, err = b.Examine(ctx, block, kbpk); err != nil {
			return err
		}
		warnings = append(warnings, block.Lint()...)
	case verdict != nil:
		return verdict
	default:
		warnings = append(warnings, opened.Warnings...)
		verdict = wrongCheckValue(opened.Warnings)
	}
	doc := verifyDoc{verdict == nil, newHeaderDoc(&block.Header, block.Len()), warningDocs(warnings), findingDocs(findings)}
	if err := a.render.Answer("keyblock.verify", doc, func(p *render.Page) { verifyPage(p, block, warnings, findings, verdict, opened) }); err != nil {
		return err
	}
	return verdict
}

// wrongCheckValue: with verify, unlike unwrap, a KC, KP or PK that lies is a no.
func wrongCheckValue(all []keyblock.Warning) error {
	for _, w := range all {
		if w.Kind == fault.KCVMismatch {
			return w.Err()
		}
	}
	return nil
}

func findingDocs(all []keyblock.Finding) []findingDoc {
	docs := []findingDoc{}
	for _, f := range all {
		docs = append(docs, findingDoc{f.Cause, f.Certainty, f.Character, f.Text.String(), f.Corrected})
	}
	return docs
}

func verifyPage(p *render.Page, block *keyblock.Block, warnings []keyblock.Warning, findings []keyblock.Finding, verdict error, opened hsm.Opened) {
	headerPage(p, &block.Header, block.Len())
	p.Blank()
	if verdict == nil {
		p.Good(text.New("the MAC verifies"))
	} else {
		p.Bad(text.New("%s", verdict))
	}
	if opened.Key.Check.Digits != "" {
		p.Fields(render.F(text.New("check value"), opened.Key.Check.String()))
	}
	for _, f := range findings {
		p.Line(text.New("%s: %s", certaintyText(f.Certainty), f.Text))
		if f.Corrected != "" {
			p.Line(text.New("corrected block:"))
			p.Raw(f.Corrected)
		}
	}
	warnPage(p, warnings)
}
