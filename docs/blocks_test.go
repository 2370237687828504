package docs

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"poskey/internal/testcli"
)

// notRun are the pages with commands that no test runs: how many such blocks each has, and why.
func notRun() map[string]struct {
	blocks int
	why    string
} {
	type excuse = struct {
		blocks int
		why    string
	}
	return map[string]excuse{
		"README.md":                 {2, "it builds the program and runs the tests, this one among them"},
		"README.zh.md":              {2, "the same"},
		"CONTRIBUTING.md":           {1, "the targets of the Makefile, this test among them"},
		"docs/assurance.md":         {1, "tests, which make test runs"},
		"docs/audit.md":             {2, "a medium of the auditor's, and officers who type"},
		"docs/ceremony-guide.md":    {4, "a printer, media, and people at a terminal; cmd/poskey plays ceremonies to their end"},
		"docs/ceremony-guide.zh.md": {4, "the same"},
		"docs/hsm.md":               {2, "a token's module where a system has it; hsm_keys and store_token run with two of them"},
		"docs/install.md":           {9, "files of a release, an administrator, media; make release-check installs and tries them"},
		"docs/officers.md":          {3, "passphrases typed at a terminal"},
		"docs/performance.md":       {1, "benchmarks, which take minutes"},
		"docs/release.md":           {1, "a key that signs"},
		"docs/scripting.md":         {1, "a line for cron"},
		"docs/store.md":             {1, "a PostgreSQL server; story_custody runs on one"},
	}
}

// infos are what a block may be called.
func infos() []string {
	return []string{"sh", "console", "text", "json", "yaml", "python", "csv", "go", "html", "make", "powershell", ""}
}

// order is a line that somebody would type.
var order = regexp.MustCompile(`(?m)^\s*[$#]? ?(sudo |make [a-z]|go (run|test|build) |apt|dpkg |export [A-Z]|[A-Z_]+=\S+$|poskey( -[-\w]+ \w+)? ([a-z]+))`)

// TestNoBlockHidesFromTheTests: whatever looks like a command stands in a block that runs, or in one whose reason is known.
func TestNoBlockHidesFromTheTests(t *testing.T) {
	words := map[string]bool{}
	for name := range testcli.CommandsOf(t) {
		first, _, _ := strings.Cut(name, " ")
		words[first] = true
	}
	excused := notRun()
	for _, p := range written(t) {
		hidden := 0
		for _, b := range p.blocks {
			info, _, _ := strings.Cut(b.info, " ")
			if !slices.Contains(infos(), info) {
				t.Errorf("%s:%d: a block of %q", p.name, b.line, b.info)
			}
			switch {
			case info == "console":
				hidden++
			case info != "text" && info != "":
			default:
				for _, m := range order.FindAllStringSubmatch(b.text, -1) {
					if m[4] == "" || words[m[4]] && b.info == "" {
						t.Errorf("%s:%d: %q is a command in a block that nothing runs: make it sh, or console with a reason",
							p.name, b.line, strings.TrimSpace(m[0]))
						break
					}
				}
			}
		}
		for _, l := range p.prose {
			if strings.HasPrefix(l.text, "    ") && order.MatchString(l.text) {
				t.Errorf("%s:%d: a command in an indented block: fence it, as sh or console", p.name, l.line)
			}
		}
		switch e := excused[p.name]; {
		case hidden > e.blocks:
			t.Errorf("%s has %d blocks that are not run, and a reason for %d", p.name, hidden, e.blocks)
		case hidden < e.blocks:
			t.Errorf("%s has %d blocks that are not run, %d were excused; let the list follow", p.name, hidden, e.blocks)
		}
		delete(excused, p.name)
	}
	for name := range excused {
		t.Errorf("there is no page %s", name)
	}
}

// TestCommandsThatAreNotRunParse: each names a command and flags that there are.
func TestCommandsThatAreNotRunParse(t *testing.T) {
	call := regexp.MustCompile(`^(?:[$#] |sudo |\S+ \* \* \* \* )*poskey `) // a line of cron too
	for _, p := range written(t) {
		for _, b := range p.blocks {
			if b.info != "console" {
				continue
			}
			for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", "")) {
				line, _, _ = strings.Cut(strings.TrimSpace(line), " | ")
				if !call.MatchString(line) {
					continue
				}
				args, _ := testcli.ExampleArgs(line)
				if err := testcli.Parses(testcli.WordsOf(args), args); err != nil {
					t.Errorf("%s:%d: %s: %v", p.name, b.line, line, err)
				}
			}
		}
	}
}

// TestCommandsInSentencesExist: what stands between backticks in a sentence is a command that there is, with flags that it has.
func TestCommandsInSentencesExist(t *testing.T) {
	tree := testcli.Tree()
	flag := regexp.MustCompile(`^--?[a-z][a-z-]*`)
	looked := 0
	for _, p := range written(t) {
		for _, l := range p.prose {
			for _, piece := range quoted(l.text) {
				rest, isOurs := strings.CutPrefix(piece, "poskey ")
				if !isOurs || piece == cardLine {
					continue
				}
				looked++
				for _, words := range variants(strings.Fields(rest)) {
					cmd, left, err := tree.Find(words)
					if err == nil && cmd == tree && !strings.HasPrefix(words[0], "-") && len(words) > 0 {
						err = errNoCommand
					}
					if err == nil && cmd.HasSubCommands() && len(left) > 0 && regexp.MustCompile(`^[a-z]+$`).MatchString(left[0]) {
						err = errNoCommand
					}
					if err != nil {
						t.Errorf("%s:%d: `%s`: there is no such command", p.name, l.line, piece)
						break
					}
					for _, word := range words {
						name := strings.TrimLeft(flag.FindString(word), "-")
						if name == "" || cmd.Flag(name) != nil || len(name) == 1 && cmd.Flags().ShorthandLookup(name) != nil ||
							len(name) == 1 && tree.PersistentFlags().ShorthandLookup(name) != nil {
							continue
						}
						t.Errorf("%s:%d: `%s`: %s has no flag %s", p.name, l.line, piece, cmd.CommandPath(), word)
					}
				}
			}
		}
	}
	if looked < 60 {
		t.Fatalf("only %d commands were found", looked)
	}
}

// cardLine is the first line of an officer's card, which a document quotes.
const cardLine = "poskey officer card 1"

var errNoCommand = errors.New("there is no such command")

// variants are the commands that a|b|c stands for.
func variants(words []string) [][]string {
	for i, word := range words {
		if !strings.Contains(word, "|") {
			continue
		}
		var all [][]string
		for one := range strings.SplitSeq(word, "|") {
			if one != "…" {
				all = append(all, variants(slices.Concat(words[:i], []string{one}, words[i+1:]))...)
			}
		}
		return all
	}
	return [][]string{words}
}
