package cli

// Words on the command line that no command takes: what was meant, perhaps.

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
)

// astray says of a word that no command takes which one is near to it, and of too many or too few words how the command is
// called. All other errors pass.
func astray(cmd *cobra.Command, err error) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	msg := err.Error()
	if strings.HasPrefix(msg, "accepts ") {
		return fault.New(fault.Usage, "too many or too few arguments; the command is: %s", cmd.UseLine())
	}
	quoted, ok := strings.CutPrefix(msg, "unknown command ")
	quoted, _, _ = strings.Cut(quoted, " for")
	if !ok || len(quoted) > longestWord {
		return err
	}
	if !cmd.HasAvailableSubCommands() {
		return fault.New(fault.Usage, "nothing belongs in the place of %s; the command is: %s", quoted, cmd.UseLine())
	}
	cmd.SuggestionsMinimumDistance = nearWord
	if near := cmd.SuggestionsFor(strings.Trim(quoted, `"`)); len(near) > 0 {
		return fault.New(fault.Usage, "unknown command %s; is one of these meant: %s", quoted, strings.Join(near, " "))
	}
	return err
}

// nearWord is how many letters may be wrong.
const nearWord = 2
