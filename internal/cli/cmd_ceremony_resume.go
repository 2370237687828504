package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newCeremonyResumeCmd(a *App) *cobra.Command {
	o := ceremonyOpts{}
	cmd := a.command(cmdSpec{
		use:   "resume DIR",
		short: text.New("go on with a ceremony that broke"),
		long: text.New("The record in DIR goes on in the same chain, first with a deviation that says what happened. No component survives: parts that were\n" +
			"entered or printed and not kept are void, and the steps that made them are done again. Sheets that are void are\n" +
			"destroyed with their bags before new ones are printed. What is over cannot go on."),
		example: "  poskey ceremony resume zmk-20261201-7F3A91 --identity officers --printer /dev/usb/lp0",
		exits:   []int{4, 5, 6, 8, 9}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	o.addPrinter(a, f)
	o.addIdentity(a, f)
	o.addDevice(a, f)
	o.addPast(a, f)
	o.addIdle(a, f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.resume(cmd.Context(), args[0], o) }
	return cmd
}
