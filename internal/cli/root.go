package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/text"
)

// The groups of commands in help, as in the contract.
const (
	groupKeys    = "keys"
	groupCustody = "custody"
	groupDevices = "devices"
	groupTrouble = "trouble"
	groupTool    = "tool"
)

// branch is a command below the root with everything below it.
type branch struct {
	name string
	grow func(*App) *cobra.Command
}

func branches() []branch {
	return []branch{
		{"generate", newGenerateCmd}, {"split", newSplitCmd}, {"combine", newCombineCmd}, {"kcv", newKCVCmd},
		{"keyblock", newKeyblockCmd}, {"dukpt", newDukptCmd},
		{"officer", newOfficerCmd}, {"store", newStoreCmd}, {"key", newKeyCmd}, {"keyset", newKeysetCmd}, {"custody", newCustodyCmd}, {"ceremony", newCeremonyCmd}, {"audit", newAuditCmd}, {"hsm", newHSMCmd}, {"device", newDeviceCmd}, {"inject", newInjectCmd}, {"fleet", newFleetCmd}, {"diagnose", newDiagnoseCmd}, {"code", newCodeCmd}, {"incident", newIncidentCmd}, {"assess", newAssessCmd},
		{"tour", newTourCmd}, {"selftest", newSelftestCmd}, {"version", newVersionCmd}, {"completion", newCompletionCmd},
	}
}

// newRootCmd builds the tree. When the first word of the command line names a branch, only that one grows: the others would
// cost more time than most commands take.
func newRootCmd(a *App, first string) *cobra.Command {
	root := &cobra.Command{
		Use:   "poskey",
		Short: a.Say.T("the life of a payment terminal's keys: make, split, check, wrap, load, diagnose"),
		Long: a.Say.T("poskey leads through the life of a payment terminal's keys: generate, split, combine, check, wrap,\n" +
			"load into terminals, and find out why a key check fails.\n\nBegin with: poskey tour"),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.apply(); err != nil {
				return err
			}
			if err := servedHere(cmd); err != nil {
				return err
			}
			if err := noEmptyFlag(cmd.Flags()); err != nil {
				return err
			}
			return a.notice(cmd)
		},
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetIn(a.In)
	root.SetUsageTemplate(usageTemplate(a))
	root.SetHelpTemplate("{{.Long}}\n\n{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}")
	a.addGlobalFlags(root)
	root.AddGroup(
		&cobra.Group{ID: groupKeys, Title: a.Say.T("Keys:")},
		&cobra.Group{ID: groupCustody, Title: a.Say.T("Custody:")},
		&cobra.Group{ID: groupDevices, Title: a.Say.T("Devices:")},
		&cobra.Group{ID: groupTrouble, Title: a.Say.T("Trouble:")},
		&cobra.Group{ID: groupTool, Title: a.Say.T("Tool:")},
	)
	root.SetHelpCommand(newHelpCmd(a))
	root.SetHelpCommandGroupID(groupTool)
	for _, b := range branches() {
		if b.name == first {
			root.AddCommand(b.grow(a))
			return root
		}
	}
	for _, b := range branches() {
		root.AddCommand(b.grow(a))
	}
	root.AddCommand(helpTopics(a)...)
	return root
}

func (a *App) addGlobalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.BoolP("help", "h", false, a.Say.T("help for this command")) // once for all: cobra would make one for each, in English
	f.StringVarP(&a.flags.output, "output", "o", a.settings.Output, a.Say.T("output: table or json"))
	f.StringVar(&a.flags.lang, "lang", a.settings.Lang, a.Say.T("language: en or zh (also POSKEY_LANG, LANG)"))
	f.BoolVar(&a.flags.noInput, "no-input", a.settings.NoInput, a.Say.T("never ask; fail where an answer is needed"))
	f.BoolVarP(&a.flags.quiet, "quiet", "q", a.settings.Quiet, a.Say.T("say nothing beside the answer, warnings and errors"))
	f.BoolVarP(&a.flags.verbose, "verbose", "v", a.settings.Verbose, a.Say.T("say more (with devices: every frame, keys blotted out)"))
	f.StringVar(&a.flags.color, "color", a.settings.Color, a.Say.T("colours: auto, always or never"))
	f.StringVar(&a.flags.hsmURI, "hsm", a.settings.HSM, a.Say.T("boundary that holds clear keys: soft: or a token, pkcs11:token=…?module-path=…"))
	f.StringVar(&a.flags.store, "store", "", a.Say.T("the key store: sqlite:PATH or postgres://… (also POSKEY_STORE; default in the user's data folder)"))
	f.StringArrayVar(&a.flags.approval.approvers, "approver", nil, a.Say.T("identity file of an officer who approves, where the store asks for it; one for each"))
	f.StringVar(&a.flags.approval.requester, "requester", "", a.Say.T("identity file of the officer who asks, where those who approve must be others"))
	f.IntSliceVar(&a.flags.approval.fds, "passphrase-fd", nil, a.Say.T("descriptor with an officer's passphrase instead of the terminal; one for each officer"))
	f.String("config", "", a.Say.T("file with defaults for these flags: a JSON object"))
	f.BoolVar(&a.flags.allowArgv, "allow-argv-secrets", false, a.Say.T("allow hex:DIGITS as a key source (others can see it)"))
}

// usageTemplate is cobra's own, with its words in the user's language.
func usageTemplate(a *App) string {
	r := strings.NewReplacer(
		"@usage", a.Say.T("Usage:"), "@examples", a.Say.T("Examples:"), "@flags", a.Say.T("Flags:"),
		"@global", a.Say.T("Flags of every command:"), "@commands", a.Say.T("Commands:"),
		"@topics", a.Say.T("More help:"),
		"@more", a.Say.T("poskey help COMMAND tells more about a command."),
	)
	return r.Replace(`@usage{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [command]{{end}}{{if .HasExample}}

@examples
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}{{$cmds := .Commands}}{{if eq (len .Groups) 0}}

@commands{{range $cmds}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{else}}{{range $group := .Groups}}

{{.Title}}{{range $cmds}}{{if (and (eq .GroupID $group.ID) (or .IsAvailableCommand (eq .Name "help")))}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{end}}{{if .LocalNonPersistentFlags.HasAvailableFlags}}

@flags
{{.LocalNonPersistentFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if not .HasParent}}

@global
{{.PersistentFlags.FlagUsages | trimTrailingWhitespaces}}{{else if .HasAvailableInheritedFlags}}

@global
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if not .HasParent}}

@topics{{range .Commands}}{{if .IsAdditionalHelpTopicCommand}}
  poskey help {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}

@more{{end}}
`)
}

// parent makes a command that only holds others.
func (a *App) parent(use, group string, short text.Text, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, GroupID: group, Short: a.Say.Text(short), Long: a.Say.Text(short),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(children...)
	return cmd
}
