package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
)

type diagnoseMessageOpts struct {
	diagnosisOpts
	vendor, table string
}

func newDiagnoseMessageCmd(a *App) *cobra.Command {
	o := diagnoseMessageOpts{}
	cmd := a.command(cmdSpec{
		use:   "message TEXT",
		short: text.New("explain what a screen, a program or a person says: 密钥错误14, MAC校验错, please restart the client"),
		long: text.New("Free text in English or Chinese: screen texts, response codes (DE39), codes of vendors in any form. The readings are ranked, with the\n" +
			"test that decides between them. A text alone proves nothing: give the vendor and the model, and then ask the device."),
		example: "  poskey diagnose message \"POS机显示密钥错误14\" --lang zh\n" +
			"  poskey diagnose message \"terminal shows error 0xFEC7 after injection\" --vendor pax",
		exits: []int{4, 11}, args: cobra.ArbitraryArgs,
	})
	f := cmd.Flags()
	a.vendorFlag(f, &o.vendor)
	f.StringVar(&o.table, "table", "", a.Say.T("table or network: DE39, unionpay, visa, key manager …"))
	a.diagnosisFlags(f, &o.diagnosisOpts)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runDiagnoseMessage(cmd.Context(), a, o, args) }
	return cmd
}

// mostText is how much free text is looked at.
const mostText = 4000

func runDiagnoseMessage(ctx context.Context, a *App, o diagnoseMessageOpts, args []string) error {
	said := strings.TrimSpace(strings.Join(args, " "))
	if said == "" || len(said) > mostText {
		return fault.New(fault.Usage, "say what the screen shows, in up to %d bytes, got %d", mostText, len(said))
	}
	c := diagnose.Case{Said: []diagnose.Said{{Text: said, Vendor: o.vendor, Table: o.table}}}
	o.known = map[string]string{"vendor": o.vendor}
	if _, hidden := text.Hide(said); hidden == 0 {
		o.known["text"] = said
	}
	return a.diagnosed(ctx, "diagnose.message", c, o.diagnosisOpts)
}
