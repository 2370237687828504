package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/text"
)

func newCompletionCmd(a *App) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	cmd := a.command(cmdSpec{
		use: "completion bash|zsh|fish|powershell", group: groupTool,
		short: text.New("write a completion script for a shell"),
		example: "  source <(poskey completion bash)\n" +
			"  poskey completion fish > ~/.config/fish/completions/poskey.fish",
		args: cobra.ExactArgs(1),
	})
	cmd.ValidArgs = shells
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runCompletion(a, cmd.Root(), args[0]) }
	return cmd
}

func runCompletion(a *App, root *cobra.Command, shell string) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(a.Out, true)
	case "zsh":
		return root.GenZshCompletion(a.Out)
	case "fish":
		return root.GenFishCompletion(a.Out, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(a.Out)
	}
	return fault.New(fault.Usage, "no completion for shell %q; known: bash zsh fish powershell", text.Redact(shell))
}
