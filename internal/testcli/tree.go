package testcli

// The tree of commands, and command lines held against it.

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"poskey/internal/cli"
)

// Tree builds the commands anew, help among them.
func Tree() *cobra.Command {
	root := cli.Tree()
	root.InitDefaultHelpCmd()
	return root
}

// CommandsOf gives every command that does something of its own, by its words: not those that only hold others, nor the
// topics of help.
func CommandsOf(t *testing.T) map[string]*cobra.Command {
	t.Helper()
	all := map[string]*cobra.Command{}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			walk(c)
		}
		if cmd.Runnable() && !cmd.HasSubCommands() {
			all[strings.TrimPrefix(cmd.CommandPath(), "poskey ")] = cmd
		}
	}
	walk(Tree())
	if len(all) == 0 {
		t.Fatal("the tree has no commands")
	}
	return all
}

// ExampleArgs takes poskey's arguments out of a line for a shell: without comment and redirections.
func ExampleArgs(line string) ([]string, bool) {
	_, line, ok := strings.Cut(line, "poskey")
	line, _, _ = strings.Cut(line, " #")
	line = strings.TrimSuffix(strings.TrimSpace(line), ")")
	var args []string
	skip := false
	for _, word := range shellWords(line) {
		switch {
		case skip:
			skip = false
		case word == "<" || word == ">":
			skip = true
		default:
			args = append(args, word)
		}
	}
	return args, ok
}

// shellWords cuts a line at its blanks; those between single quotes stay.
func shellWords(line string) []string {
	var words []string
	for i, piece := range strings.Split(line, "'") {
		if i%2 == 1 {
			words = append(words, piece)
			continue
		}
		words = append(words, strings.Fields(piece)...)
	}
	return words
}

// Parses holds a command line against the command of these words: its flags, and as many arguments as it takes.
func Parses(words string, args []string) error {
	cmd, rest, err := Tree().Find(args)
	if err != nil {
		return err
	}
	if got := strings.TrimPrefix(cmd.CommandPath(), "poskey "); got != words {
		return fmt.Errorf("it is an example of %q", got)
	}
	for _, check := range []func() error{
		func() error { return cmd.ParseFlags(rest) },
		func() error { return cmd.ValidateArgs(cmd.Flags().Args()) },
		cmd.ValidateRequiredFlags,
		cmd.ValidateFlagGroups,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// WordsOf are the words of the command that arguments call.
func WordsOf(args []string) string {
	cmd, _, err := Tree().Find(args)
	if err != nil {
		return strings.Join(args, " ")
	}
	return strings.TrimPrefix(cmd.CommandPath(), "poskey ")
}
