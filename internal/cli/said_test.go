package cli

import (
	"context"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/pkg/agent"
)

// TestOnlyAPlaceOfAKeyNeedsTheStore: other flags may have words that look like one.
func TestOnlyAPlaceOfAKeyNeedsTheStore(t *testing.T) {
	for _, c := range []struct {
		args  []string
		named bool
		label string
	}{
		{[]string{"--reason", "store:x", "--purpose", "store:y", "--custodian", "store:z"}, false, ""},
		{[]string{"--key", "prompt", "--reason", "store:x"}, false, ""},
		{[]string{"--part", "prompt", "--part", "store:C1"}, true, "C1"},
		{[]string{"--kbpk", "store:K", "--to", "store:T", "--reason", "store:x"}, true, "T"},
		{[]string{"--kek", "store:K"}, true, "K"},
	} {
		cmd := &cobra.Command{Use: "x"}
		for _, name := range []string{"reason", "purpose", "key", "kbpk", "kek", "to"} {
			cmd.Flags().String(name, "", "")
		}
		for _, name := range []string{"custodian", "part"} {
			cmd.Flags().StringArray(name, nil, "")
		}
		if err := cmd.ParseFlags(c.args); err != nil {
			t.Fatal(err)
		}
		a := &App{}
		if err := a.notice(cmd); err != nil {
			t.Fatal(err)
		}
		if h := &a.holding; h.named != c.named || h.label != c.label {
			t.Errorf("%q: named %t, label %q", c.args, h.named, h.label)
		}
	}
}

// TestEveryPlaceOfAKeyIsLookedAt: a flag that takes SRC or DEST is among those that may name a key of the store, unless it
// takes a passphrase, a password or a one-time code.
func TestEveryPlaceOfAKeyIsLookedAt(t *testing.T) {
	known, met := map[string]bool{}, 0
	for _, name := range keyPlaces() {
		known[name] = true
	}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			place := strings.Contains(f.Usage, "(SRC)") || strings.Contains(f.Usage, "(DEST)")
			if !place || strings.HasSuffix(f.Name, "passphrase") || f.Name == "password" || f.Name == "code" {
				return
			}
			if met++; !known[f.Name] {
				t.Errorf("%s --%s may name a key of the store, and nobody looks", cmd.CommandPath(), f.Name)
			}
		})
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(Tree())
	if met < 20 {
		t.Errorf("only %d such flags were found", met)
	}
}

// sealedSince is a work whose agent has gone before the outcome was recorded.
type sealedSince struct{ agent.Work }

func (sealedSince) Done(context.Context, agent.Outcome) error {
	return fault.New(fault.Sealed, "the store is sealed: the agent ended")
}
