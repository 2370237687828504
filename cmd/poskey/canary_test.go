package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"poskey/internal/testcli"
)

// commandLines gives the commands of a script, with their numbers, without comments.
func commandLines(t *testing.T, path string) map[int]string {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[int]string{}
	for i, line := range strings.Split(string(a.Comment), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines[i+1] = line
		}
	}
	return lines
}

func TestPoskeyRunsOnlyWhereItIsHeard(t *testing.T) {
	condition := regexp.MustCompile(`^\[[^]]*\] *`)
	for _, path := range scripts(t) {
		for n, line := range commandLines(t, path) {
			line = condition.ReplaceAllString(line, "")
			if word, _, _ := strings.Cut(line, " "); word == "exec" || word == "!" && strings.HasPrefix(line, "! exec") {
				if strings.Contains(line, "poskey") {
					t.Errorf("%s:%d: poskey by %s: its outputs are not searched; use exits", path, n, word)
				}
			}
		}
	}
}

// TestScriptsUseTheCanaries: a canary that is never in the mine proves nothing.
func TestScriptsUseTheCanaries(t *testing.T) {
	var all strings.Builder
	for _, path := range scripts(t) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	for use, pattern := range map[string]string{
		"a key in a file":              `put \S+ \$CANARY\n`,
		"a key on the command line":    `--key hex:\$CANARY `,
		"a key in the environment":     `env KEY=.*\$CANARY`,
		"a KBPK":                       `--kbpk (file:kbpk|hex:\$CANARY2)`,
		"a component":                  `--part (hex:)?\$CANARY`,
		"a key that is too short":      `hex:AD85[0-9A-F]{1,27} `,
		"a key that is too long":       `hex:\$\{CANARY\}[0-9A-F]+ `,
		"a key with a strange letter":  `hex:\$\{CANARY\}[G-Zg-z]`,
		"a key in a word out of place": `[a-z] \$CANARY$`,
		"a key typed at a prompt":      `(?m)^>> \$CANARY`,
		"a line of a batch that fails": `"hex:` + testcli.Canary + `[^"]+"`,
		"an error as JSON":             `exits [1-9]\d* .*CANARY.*-o json`,
		"a clear load, traced":         `inject .*--clear.* -v`,
		"a KLK":                        `--klk (file:\S+|hex:\$CANARY)`,
		"a diagnosis":                  `diagnose kcv .*CANARY`,
		"a cryptogram's KEK":           `--kek hex:\$CANARY`,
		"a key into the store":         `put zmk \$CANARY\$CANARY2\n`,
		"a passphrase at a terminal":   `(?m)^>> .*` + testcli.CanaryWords,
		"a wrong passphrase":           `exits -fd=custodian.a.pass,custodian.a.pass 7 `,
		"a key shown before officers":  `key show .* --reveal .*--approver .*\n.*\nreveals stdout`,
	} {
		if !regexp.MustCompile("(?m)" + pattern).MatchString(all.String()) {
			t.Errorf("no script uses a canary as %s (%s)", use, pattern)
		}
	}
}
