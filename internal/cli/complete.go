package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"poskey/pkg/assess"
	"poskey/pkg/audit"
	"poskey/pkg/device/emulator"
	"poskey/pkg/dukpt"
	"poskey/pkg/incident"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// addCompletions teaches the shell what flags take. It is done only when a shell asks: no other run needs it.
func addCompletions(root *cobra.Command) {
	values := map[string][]string{
		"output": {"table", "json"}, "lang": {"en", "zh"}, "color": {"auto", "always", "never"},
		"alg": strings.Fields(algNames()), "scheme": {"xor", "shamir"}, "parity": {"none", "odd"},
		"exportability": {"E", "N", "S"}, "version": {"A", "B", "C", "D", "E"}, "to-version": {"A", "B", "C", "D", "E"},
		"block-version": {"A", "B", "C", "D", "E"}, "method": methodNames(), "usage": usageNames(), "fault": faultNames(),
		"ksn-padding": paddingNames(), "use": useNames(), "key-type": strings.Fields(keyTypeNames()),
		"environment": {"test", "production"}, "role": strings.Fields(roleNames()), "operation": operationNames(),
		"result": {"ok", "refused", "failed", "unknown"}, "format": {"jsonl", "csv"},
		"device": {"visa+tcp://127.0.0.1:", "visa+pty:///dev/pts/"}, "to": {"block:", "file:"},
	}
	values["template"], values["form"] = templateNames(), formNames()
	values["break"], values["kind"], values["level"] = selftestNames(), incidentKinds(), watchLevels()
	values["for"] = []string{readerAcquirer, readerAssessor} // of the report; elsewhere it is a length of time
	open := map[string]bool{"device": true, "to": true}      // more follows after these
	for _, name := range keyPlaces()[1:] {                   // --to has its own
		values[name] = []string{"prompt", "file:", "fd:", "env:", "block:", "-"}
		open[name] = true
	}
	for _, name := range []string{"passphrase", "new-passphrase"} {
		values[name] = []string{"prompt", "file:", "fd:"}
		open[name] = true
	}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for name, list := range values {
			directive := cobra.ShellCompDirectiveNoFileComp
			if open[name] {
				directive |= cobra.ShellCompDirectiveNoSpace
			}
			inCeremony := strings.HasPrefix(cmd.CommandPath(), "poskey ceremony ")
			if name == "format" && inCeremony {
				list = []string{reportPDF, reportHTML, reportJSON}
			}
			if name == "for" && cmd.CommandPath() != "poskey incident report" {
				continue
			}
			if cmd.Flag(name) != nil && (name != "to" || !inCeremony) { // of a ceremony it is a file
				_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(list, directive))
			}
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(root)
}

func methodNames() []string {
	seen := map[kcv.Method]bool{}
	names := []string{"all"}
	for _, alg := range keys.Named() {
		for _, m := range kcv.Methods(alg) {
			if !seen[m] {
				seen[m] = true
				names = append(names, string(m))
			}
		}
	}
	return names
}

func operationNames() []string {
	var names []string
	for _, o := range audit.Operations() {
		names = append(names, string(o.Operation)+"\t"+o.Text.String())
	}
	return names
}

func incidentKinds() []string {
	var names []string
	for _, k := range incident.Kinds() {
		names = append(names, string(k)+"\t"+k.Text().String())
	}
	return names
}

func watchLevels() []string {
	return []string{string(assess.Urgent), string(assess.Soon), string(assess.Note)}
}

func paddingNames() []string {
	var names []string
	for _, p := range dukpt.Paddings() {
		names = append(names, string(p))
	}
	return names
}

func usageNames() []string {
	var names []string
	for _, u := range keys.Usages() {
		names = append(names, string(u)+"\t"+u.Name().String())
	}
	return names
}

func faultNames() []string {
	var names []string
	for _, f := range emulator.Faults() {
		names = append(names, string(f.Name)+"\t"+f.Meaning.String())
	}
	return names
}
