package script

import (
	"strings"
	"testing"

	"poskey/pkg/custody"
)

// TestWhatIsToBeFilledInIsNamedByFieldAndLine holds every finding of a production template against the line it names: the
// field stands there, with a value that is a placeholder.
func TestWhatIsToBeFilledInIsNamedByFieldAndLine(t *testing.T) {
	for _, x := range Templates() {
		s := good(t, x.Kind, Wish{Environment: custody.Production})
		lines := strings.Split(string(s.raw), "\n")
		named := map[string]bool{}
		for _, f := range s.Rules(nil) {
			if f.ID != "fill-in" {
				continue
			}
			n, ok := s.lines[f.Where]
			if !ok || len(f.What.Args) != 1 || f.What.Args[0] != n {
				t.Fatalf("%s: %s: %s", x.Kind, f.Where, f.What)
			}
			field := f.Where[strings.LastIndex(f.Where, ".")+1:]
			if line := lines[n-1]; !strings.Contains(line, field+": ") || !unfilled(line) {
				t.Errorf("%s: %s is said to be in line %d: %q", x.Kind, f.Where, n, line)
			}
			named[f.Where] = true
		}
		marks := 0
		for _, line := range lines {
			if unfilled(line) && !strings.HasPrefix(strings.TrimSpace(line), "#") {
				marks++
			}
		}
		if marks == 0 || len(named) != marks {
			t.Errorf("%s: %d fields are named, and %d lines are to be filled in", x.Kind, len(named), marks)
		}
	}
}
