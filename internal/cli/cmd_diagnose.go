package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newDiagnoseCmd(a *App) *cobra.Command {
	o, facts := diagnosisOpts{}, ""
	cmd := a.command(cmdSpec{
		use: "diagnose", group: groupTrouble,
		short: text.New("find out why a key check fails"),
		long: text.New("Say what you have: check values and keys (kcv), a key block (block), a sign-in (signin), a terminal (device), what a screen says\n" +
			"(message) or a log (log). Programs give all of that in one document with --facts (docs/formats/facts.md).\n" +
			"Causes are ranked; proven means that a cause reproduces every value given, nothing else does, and chance is below 1 in 10,000."),
		example: "  poskey diagnose message \"POS机显示密钥错误14\" --lang zh\n" +
			"  poskey diagnose kcv --alg tdes-128 --expected 8D0A74B8 --got 8D0A74\n" +
			"  poskey diagnose --facts facts.json -o json",
		exits: []int{3, 4, 5, 6, 7, 8, 9, 11}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringVar(&facts, "facts", "", a.Say.T("file with everything that is known: poskey.facts/v1, a JSON document"))
	a.diagnosisFlags(f, &o)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if facts == "" {
			return cmd.Help()
		}
		return runDiagnoseFacts(cmd.Context(), a, facts, o)
	}
	cmd.AddCommand(newDiagnoseKCVCmd(a), newDiagnoseBlockCmd(a), newDiagnoseSignInCmd(a), newDiagnoseDeviceCmd(a),
		newDiagnoseMessageCmd(a), newDiagnoseLogCmd(a), newDiagnosePlaybookCmd(a))
	return cmd
}
