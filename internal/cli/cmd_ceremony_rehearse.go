package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
	"poskey/pkg/ceremony/transcript"
)

func newCeremonyRehearseCmd(a *App) *cobra.Command {
	o := ceremonyOpts{}
	cmd := a.command(cmdSpec{
		use:   "rehearse SCRIPT",
		short: text.New("lead people through a ceremony with throw-away keys"),
		long: text.New("The same script, the same steps, the same words; keys, identities and what comes from elsewhere are made up for practice and thrown away.\n" +
			"TEST REHEARSAL stands in every heading, on every sheet and in every file name. No store and no device is touched."),
		example: "  poskey ceremony rehearse zmk.yaml\n" +
			"  poskey ceremony rehearse zmk.yaml --dir TEST-zmk --printer /dev/usb/lp0",
		exits: []int{3, 4, 6, 8}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	o.addDir(a, f)
	o.addPrinter(a, f)
	o.addIdle(a, f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.hold(cmd.Context(), args[0], o, transcript.Rehearsal)
	}
	return cmd
}
