package cli

import (
	"io"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/fault"
)

func TestMomentsAreReadAsPeopleWriteThem(t *testing.T) {
	now := time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]string{
		"":                          "0001-01-01T00:00:00Z",
		"2026-03-01":                "2026-03-01T00:00:00Z",
		"2026-03-01T08:00:00Z":      "2026-03-01T08:00:00Z",
		"2026-03-01T08:00:00.5Z":    "2026-03-01T08:00:00.5Z",
		"2026-03-01T08:00:00+08:00": "2026-03-01T00:00:00Z",
		"2026-03-01T08:00":          "",
		"2026-03-01 08:00":          "2026-03-01T08:00:00Z",
		"2026-03-01 08:00:30":       "2026-03-01T08:00:30Z",
		"7d":                        "2026-03-01T12:00:00Z",
		"36h":                       "2026-03-07T00:00:00Z",
		"90m":                       "2026-03-08T10:30:00Z",
		"1h30m":                     "2026-03-08T10:30:00Z",
		"30s":                       "2026-03-08T11:59:30Z",
		"7":                         "",
		"0":                         "",
		"-7d":                       "",
		"-7h":                       "",
		"99999d":                    "",
		"2026-02-30":                "",
		"last week":                 "",
	} {
		got, err := parseMoment(in, now)
		if want == "" {
			if !fault.Is(err, fault.Usage) {
				t.Errorf("%q is taken for %s, %v", in, got, err)
			}
			continue
		}
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q is %s, want %s (%v)", in, got.Format(time.RFC3339Nano), want, err)
		}
	}
}

// TestALengthOfTimeIsWrittenTheSameWayEverywhere: a flag takes what it shows, and days too.
func TestALengthOfTimeIsWrittenTheSameWayEverywhere(t *testing.T) {
	for in, shown := range map[string]string{"2d": "48h", "90m": "1h30m", "5m": "5m", "10s": "10s", "500ms": "500ms", "1h5s": "1h0m5s", "0": "0"} {
		var d time.Duration
		v := (*spanValue)(&d)
		if err := v.Set(in); err != nil || v.String() != shown {
			t.Errorf("%s is shown as %s, want %s (%v)", in, v, shown, err)
		}
		if was := d; v.Set(shown) != nil || d != was {
			t.Errorf("%s is read as %s", shown, d)
		}
	}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if _, ours := f.Value.(*spanValue); f.Value.Type() == "duration" && !ours {
				t.Errorf("%s --%s takes no days: spanFlag makes such flags", cmd.CommandPath(), f.Name)
			}
		})
		for _, below := range cmd.Commands() {
			walk(below)
		}
	}
	walk(Tree())
}

// TestAWrongValueIsAnsweredWithWhatTheFlagTakes without repeating it: it may be a key.
func TestAWrongValueIsAnsweredWithWhatTheFlagTakes(t *testing.T) {
	for flag, want := range map[string]string{
		"--old=0123ABCD":   "flag --old takes a length of time: 365d, 36h, 90m or 10s",
		"--close=0123ABCD": "flag --close takes no value, or true or false",
		"--tries=0123ABCD": "flag --tries takes a whole number",
	} {
		words := []string{"fleet", "reconcile", "RUN", flag}
		if flag == "--tries=0123ABCD" {
			words[1] = "run"
		}
		root := Tree()
		root.SetArgs(words)
		root.SetOut(io.Discard)
		root.SetErr(io.Discard)
		if err := translateFlagError(root.Execute()); !fault.Is(err, fault.Usage) || err.Error() != want {
			t.Errorf("%s: %v, want %q", flag, err, want)
		}
	}
}
