package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"poskey/pkg/keys"
)

// algNames lists the algorithms for help.
func algNames() string {
	var names []string
	for _, alg := range keys.Named() {
		names = append(names, string(alg))
	}
	return strings.Join(names, " ")
}

// required marks flags that a command cannot do without.
func required(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the command's own code names a flag that it has not defined
		}
	}
}
