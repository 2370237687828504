package cli

import (
	"io"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/text"
)

func newCompletionCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use: "completion bash|zsh|fish|powershell", group: groupTool,
		short: text.New("write a completion script for a shell"),
		long:  text.New("The packages bring these scripts along. The one for bash needs the package bash-completion."),
		example: "  source <(poskey completion bash)\n" +
			"  poskey completion fish > ~/.config/fish/completions/poskey.fish",
		args: cobra.ExactArgs(1),
	})
	cmd.ValidArgs = []string{"bash", "zsh", "fish", "powershell"}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return WriteCompletion(a.Out, cmd.Root(), args[0]) }
	return cmd
}

// WriteCompletion writes the script that completes the commands of root in a shell: bash, zsh, fish or powershell. It asks
// poskey itself while a line is typed, so that it is the same in every language and for every build.
func WriteCompletion(w io.Writer, root *cobra.Command, shell string) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(w, true)
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(w)
	}
	return fault.New(fault.Usage, "no completion for shell %q; known: bash zsh fish powershell", text.Redact(shell))
}
