package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/fault"
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

// keyPlaces are the flags that say where a key comes from (SRC) or goes (DEST), and nothing else; the key that an operation
// is about stands first.
func keyPlaces() []string {
	return []string{"to", "key", "bdk", "ik", "kbpk", "to-kbpk", "key-kbpk", "kek", "klk", "tmk", "part"}
}

// Flags that several commands have, each said once.

func (a *App) algFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "alg", "", a.Say.T("algorithm: %s", algNames()))
}

func (a *App) keyFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "key", "", a.Say.T("the key (SRC); asked for when left out"))
}

// openKBPKFlag is --kbpk of commands that only open with it: a key that comes as block:PATH.
func (a *App) openKBPKFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "kbpk", "", a.Say.T("KBPK that opens a block: source (SRC)"))
}

// kbpkFlag is --kbpk of commands whose business is the block.
func (a *App) kbpkFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "kbpk", "", a.Say.T("key block protection key (SRC); asked for when left out"))
}

func (a *App) allowWeakFlag(f *pflag.FlagSet, into *bool) {
	f.BoolVar(into, "allow-weak", false, a.Say.T("allow weak keys; for tests"))
}

func (a *App) strictFlag(f *pflag.FlagSet, into *bool) {
	f.BoolVar(into, "strict", false, a.Say.T("make every warning an error"))
}

func (a *App) batchFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "batch", "", a.Say.T("JSON Lines with one set of flags each; a file or -"))
}

// spanFlag is a length of time, written the same way in every command.
func spanFlag(f *pflag.FlagSet, into *time.Duration, name string, usual time.Duration, usage string) {
	*into = usual
	f.Var((*spanValue)(into), name, usage)
}

// sameFlag lets a flag be given by another name too.
func sameFlag(f *pflag.FlagSet, name, other string) {
	before := f.GetNormalizeFunc()
	f.SetNormalizeFunc(func(flags *pflag.FlagSet, given string) pflag.NormalizedName {
		if given == other {
			given = name
		}
		return before(flags, given)
	})
}

// expectFlag defines --expect; --expected is the same flag everywhere.
func (a *App) expectFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "expect", "", a.Say.T("the expected check value, 4 digits or more"))
	sameFlag(f, "expect", "expected")
}

// environmentFlag defines --environment; --env is the same flag everywhere.
func environmentFlag(f *pflag.FlagSet, into *string, usual, usage string) {
	f.StringVar(into, "environment", usual, usage)
	sameFlag(f, "environment", "env")
}

func (a *App) vendorFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "vendor", "", a.Say.T("who made the terminal or HSM: newland, pax, kozen, payshield …"))
}

func (a *App) htmlFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "html", "", a.Say.T("write the answer as a page for a browser too, into this new file"))
}

func (a *App) limitFlag(f *pflag.FlagSet, into *int, usual int) {
	f.IntVar(into, "limit", usual, a.Say.T("show so many at most; 0 is all"))
}

func checkLimit(n int) error {
	if n < 0 {
		return fault.New(fault.Usage, "--limit %d: it is 0 (all) or more", n)
	}
	return nil
}

func (a *App) timeoutFlag(f *pflag.FlagSet, into *time.Duration) {
	spanFlag(f, into, "timeout", 0, a.Say.T("wait so long for one answer of the device; its dialect's time when left out"))
}

// noEmptyFlag refuses a flag that was given and is empty: --expect "$KCV" with a variable that is not set would compare
// with nothing and say that all is well.
func noEmptyFlag(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if f.Value.String() == "" || f.Value.Type() == "stringArray" && slices.Contains(f.Value.(pflag.SliceValue).GetSlice(), "") {
			err = fault.New(fault.Usage, "--%s is given and empty; leave it out, or give it a value", f.Name)
		}
	})
	return err
}
