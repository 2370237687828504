package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/selftest"
	"poskey/internal/text"
)

type selftestOpts struct {
	broken string
}

func (o *selftestOpts) add(a *App, f *pflag.FlagSet) {
	f.StringVar(&o.broken, "break", "", a.Say.T("make one test fail, to see that a failure is told; -o json lists the names"))
}

func newSelftestCmd(a *App) *cobra.Command {
	var o selftestOpts
	cmd := a.command(cmdSpec{
		use: "selftest", group: groupTool,
		short: text.New("run known answers through every algorithm"),
		long: text.New("Published examples of each standard are computed and compared, what is wrong must be refused, and random source, boundary,\n" +
			"memory and files of poskey are looked at. One failure fails the whole self-test. Memory that is not locked or could be\n" +
			"dumped, and files of poskey that others can change, are failures too. What is said of the machine (swap, administrator,\n" +
			"tracing, address space, clock, disk) warns only. What cannot be told on a machine is neither.\n" +
			"\n" +
			"--break shows that a failure is noticed: the test named gets a wrong answer, or what it tests gets a fault, in this run alone.\n" +
			"-v lists every test with the source of its answer."),
		example: "  poskey selftest\n  poskey selftest -v\n  poskey selftest -o json",
		exits:   []int{5}, args: cobra.NoArgs,
	})
	o.add(a, cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runSelftest(cmd.Context(), a, o) }
	return cmd
}

type selftestDoc struct {
	Passed   bool              `json:"passed"`
	Broken   string            `json:"broken,omitempty"`
	Checks   []selftestItem    `json:"checks"`
	Warnings []selftestWarning `json:"warnings"`
}

type selftestItem struct {
	Name    string         `json:"name"`
	Group   selftest.Group `json:"group"`
	Kind    selftest.Kind  `json:"kind"`
	Passed  bool           `json:"passed"`
	Error   string         `json:"error,omitempty"`
	Warning string         `json:"warning,omitempty"`
	Unknown string         `json:"unknown,omitempty"`
	Source  string         `json:"source"`
}

type selftestWarning struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

func runSelftest(ctx context.Context, a *App, o selftestOpts) error {
	all, err := a.selfTests(ctx)
	if err != nil {
		return err
	}
	if o.broken != "" {
		var found bool
		if all, found = selftest.Broken(all, o.broken); !found {
			return fault.New(fault.Usage, "there is no self-test %q; poskey selftest -o json lists them", text.Redact(o.broken))
		}
	}
	outcomes, failed := runTests(ctx, all)
	doc := selftestDocOf(outcomes, o.broken, failed)
	lay := func(p *render.Page) { selftestPage(p, outcomes, o.broken, a.flags.verbose) }
	if err := a.render.Answer("selftest", doc, lay); err != nil {
		return err
	}
	switch {
	case failed == 1:
		return fault.New(fault.SelftestFailed, "one self-test failed; do not use this program")
	case failed > 0:
		return fault.New(fault.SelftestFailed, "%d self-tests failed; do not use this program", failed)
	case o.broken != "":
		return fault.New(fault.Bug, "the self-test %s was broken, and passes", o.broken)
	}
	return nil
}
