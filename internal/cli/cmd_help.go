package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/text"
)

func newHelpCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use: "help [COMMAND]", group: groupTool,
		short:   text.New("help for a command or a topic"),
		example: "  poskey help keyblock wrap\n  poskey help exit-codes",
		args:    cobra.ArbitraryArgs,
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		found, rest, err := cmd.Root().Find(args)
		if err != nil || found == nil || len(rest) > 0 {
			return fault.New(fault.Usage, "no help for %q; see: poskey help", text.Redact(strings.Join(args, " ")))
		}
		return found.Help()
	}
	return cmd
}

// helpTopics are pages of help that belong to no command.
func helpTopics(a *App) []*cobra.Command {
	topic := func(name string, short text.Text, body string) *cobra.Command {
		return &cobra.Command{Use: name, Short: a.Say.Text(short), Long: a.Say.Text(short) + "\n\n" + body}
	}
	return []*cobra.Command{
		topic("exit-codes", text.New("what the exit codes mean"), a.exitCodesTopic()),
		topic("environment", text.New("environment variables"), a.environmentTopic()),
		topic("secrets", text.New("how keys go in and out (SRC and DEST)"), a.secretsTopic()),
		topic("formats", text.New("output formats and JSON documents"), a.formatsTopic()),
	}
}

func (a *App) exitCodesTopic() string {
	var out strings.Builder
	for _, row := range fault.ExitCodes() {
		fmt.Fprintf(&out, "  %-4d %s\n", row.Code, a.Say.Text(row.Meaning))
		for i := 0; i < len(row.Kinds); i += 4 {
			names := make([]string, 0, 4)
			for _, k := range row.Kinds[i:min(i+4, len(row.Kinds))] {
				names = append(names, string(k))
			}
			fmt.Fprintf(&out, "       %s\n", strings.Join(names, "  "))
		}
	}
	return out.String() + "\n" + a.Say.T("The words are the values of \"kind\" in errors under -o json. An unknown code is a failure.")
}

func (a *App) environmentTopic() string {
	rows := []struct {
		name string
		what text.Text
	}{
		{"POSKEY_LANG", text.New("language, en or zh; before LC_ALL, LC_MESSAGES and LANG")},
		{"POSKEY_ALLOW_ARGV_SECRETS", text.New("1 allows hex: sources on the command line")},
		{"POSKEY_STORE", text.New("the key store: sqlite:PATH or postgres://…; --store goes before it")},
		{"POSKEY_HSM", text.New("the token of stores whose master key is in one: pkcs11:token=…?module-path=…; --hsm goes before it")},
		{"POSKEY_AGENT", text.New("path of the agent's socket, where it shall not be the usual one")},
		{"XDG_DATA_HOME", text.New("folder for the user's own store, in place of ~/.local/share")},
		{"NO_COLOR", text.New("any value: no colours")},
		{"TERM", text.New("dumb: no colours")},
	}
	var out strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&out, "  %-27s %s\n", r.name, a.Say.Text(r.what))
	}
	return strings.TrimRight(out.String(), "\n")
}

func (a *App) secretsTopic() string {
	return a.Say.T(`Where a key comes from (SRC):
  prompt        typed at the terminal, hidden; the default there
  file:PATH     bare hex or a component sheet; refused when others can read it
  fd:N          an open descriptor
  -             stdin, once per run
  env:NAME      an environment variable
  block:PATH    a key block, opened with --kbpk
  store:LABEL   a key of the store (--store); it stays in the boundary. LABEL#2 names a version
  hex:DIGITS    on the command line; needs --allow-argv-secrets, because others can see it

Where a key goes (DEST):
  store:LABEL   a new key of the store
  block:PATH    a key block under --kbpk
  file:PATH     clear, a new file that only its owner can read; needs --reveal

Hex may have blanks, dashes and either case. Existing files are never overwritten.
A clear key is shown only with --reveal and a typed confirmation; --yes confirms in a script.`)
}

func (a *App) formatsTopic() string {
	return a.Say.T(`-o table (default) is for people, -o json for programs: one document on stdout with
"schema":"poskey.<command>/v1", snake_case, hex in upper case, never translated. Fields are added, never changed.
Under -o json the last line on stderr of a failed command is {"schema":"poskey.error/v1","code","kind","message","hint","retriable"}.

--batch reads JSON Lines and writes JSON Lines in the same order. The fields of a line are the long flags' names with
underscores; flags on the command line are the defaults of every line. A bad line gives {"line","error"} in its place,
and the command ends with exit code 10.`) + "\n\n" + a.Say.T(`<command> is the command's words with dots between: poskey.kcv.check/v1, poskey.inject/v1, poskey.assess/v1,
poskey.assess.watch/v1, poskey.incident.show/v1, poskey.key.calendar/v1. Files have schemas too: poskey.assess-answers/v1
(a questionnaire), poskey.incident/v1 (a record), poskey.facts/v1, poskey.inject-plan/v1, poskey.ceremony/v1 (a script),
poskey.transcript/v1, poskey.fleet-report/v1. docs/formats.md has every field.`)
}
