package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
	"poskey/pkg/ceremony/transcript"
)

func newCeremonyRunCmd(a *App) *cobra.Command {
	o := ceremonyOpts{}
	cmd := a.command(cmdSpec{
		use:   "run SCRIPT",
		short: text.New("lead people through a ceremony"),
		long: text.New("First everything is checked as by poskey ceremony check; with an error nobody is led. Then step by step: who comes to the keyboard, what\n" +
			"is said, done and typed; each step is signed by who did it, and on the disk before the screen shows it. At every question ! alone\n" +
			"writes a deviation down, and !! alone gives the ceremony up; that is safe at any time. After a crash: poskey ceremony resume\n" +
			"A PC is no secure cryptographic device: keys of production are made in an HSM (template hsm-scribe), or, where no components are wanted,\n" +
			"in a store whose master key is in a token."),
		example: "  poskey ceremony run zmk.yaml --identity officers --printer /dev/usb/lp0\n" +
			"  poskey ceremony run zmk.yaml --dir /media/record/zmk-2026 --identity custodian.a.identity --identity custodian.b.identity",
		exits: []int{3, 4, 5, 6, 8}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	o.addDir(a, f)
	o.addPrinter(a, f)
	o.addIdentity(a, f)
	o.addDevice(a, f)
	o.addPast(a, f)
	o.addIdle(a, f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.hold(cmd.Context(), args[0], o, transcript.Run)
	}
	return cmd
}
