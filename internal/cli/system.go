package cli

import (
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
)

// servedHere refuses what a system cannot do safely. Everything is built for every system; where neither files nor
// memory nor the other end of a socket can be kept from other users by the means that poskey knows, it looks and
// explains, and makes, keeps and loads no keys.
func servedHere(cmd *cobra.Command) error {
	words := strings.TrimPrefix(cmd.CommandPath(), "poskey ")
	if !cmd.HasParent() || cmd.HasSubCommands() || serves(runtime.GOOS, words) {
		return nil
	}
	return fault.New(fault.Usage, "poskey %s does not run on %s: files and memory with keys cannot be kept from others there; "+
		"inspection and diagnosis do. Use Linux or macOS", words, runtime.GOOS)
}

// serves tells whether the command of these words runs on a system.
func serves(goos, words string) bool {
	if guards(goos) {
		return true
	}
	branch, _, _ := strings.Cut(words, " ")
	return slices.Contains(lookingBranches(), branch) || slices.Contains(lookingCommands(), words)
}

// guards lists the systems with file modes, locked memory, and sockets that tell who is at the other end (pkg/agent).
func guards(goos string) bool { return goos == "linux" || goos == "darwin" }

// lookingBranches are those that inspect and diagnose, and the tool itself.
func lookingBranches() []string {
	return []string{"kcv", "keyblock", "dukpt", "diagnose", "code", "tour", "selftest", "version", "completion", "help"}
}

// lookingCommands are single ones of branches that do more.
func lookingCommands() []string {
	return []string{"device emulate", "device status", "device logs", "ceremony check", "ceremony verify"}
}
