package playbook

import (
	"slices"
	"strings"
	"testing"
)

func TestACommandIsSplitAsAShellWould(t *testing.T) {
	for _, c := range []struct {
		line string
		args []string
	}{
		{"poskey code -313", []string{"code", "-313"}},
		{"poskey diagnose message '密钥错误 14'", []string{"diagnose", "message", "密钥错误 14"}},
		{`poskey inject --device 'visa+tcp://{serial}:90?a=b&c=d'`, []string{"inject", "--device", "visa+tcp://{serial}:90?a=b&c=d"}},
		{`poskey a "b c"'d e'f`, []string{"a", "b cd ef"}},
		{`poskey a ''`, []string{"a", ""}},
		{`poskey a "it's"`, []string{"a", "it's"}},
	} {
		s, err := parseCommand(c.line)
		if err != nil || !slices.Equal(s.Args, c.args) || s.Command != c.line {
			t.Errorf("%s: got %q, %v; want %q", c.line, s.Args, err, c.args)
		}
	}
}

func TestAStepNamesEachPlaceholderOnce(t *testing.T) {
	s, err := parseCommand("poskey inject --device 'visa+tcp://{serial}:{slot}' --serial {serial} --key {key}")
	if err != nil || !slices.Equal(s.Holes, []string{"serial", "slot", "key"}) {
		t.Errorf("got %v, %v", s.Holes, err)
	}
}

func TestFilledValuesStayOneArgument(t *testing.T) {
	s, err := parseCommand("poskey diagnose message {text} --vendor '{vendor} {text}'")
	if err != nil {
		t.Fatal(err)
	}
	args, missing := s.Fill(map[string]string{"text": "a 'b' {vendor}; rm", "vendor": "v", "more": "x"})
	want := []string{"diagnose", "message", "a 'b' {vendor}; rm", "--vendor", "v a 'b' {vendor}; rm"}
	if !slices.Equal(args, want) || len(missing) > 0 {
		t.Errorf("got %q, missing %v; want %q", args, missing, want)
	}
	if !slices.Equal(s.Args, []string{"diagnose", "message", "{text}", "--vendor", "{vendor} {text}"}) {
		t.Errorf("the step itself was changed: %q", s.Args)
	}
}

func TestValuesThatAreNoneAreMissing(t *testing.T) {
	s, err := parseCommand("poskey code {text} --vendor {vendor}")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		good bool
	}{
		{"14", true}, {"-313", true}, {"-", true}, {"密钥错误14", true}, {"a-b", true},
		{"", false}, {"--reveal", false}, {"-v", false}, {"--", false}, {"a\nb", false}, {"a\x00", false}, {"\x1b[2J", false},
	} {
		args, missing := s.Fill(map[string]string{"text": c.text, "vendor": "pax"})
		if good := len(missing) == 0; good != c.good || good != (args != nil) {
			t.Errorf("%q: args %q, missing %v", c.text, args, missing)
		}
	}
	if _, missing := s.Fill(nil); !slices.Equal(missing, []string{"text", "vendor"}) {
		t.Errorf("missing are %v", missing)
	}
	if args, missing := (Step{Text: "Ask."}).Fill(nil); len(args) > 0 || len(missing) > 0 {
		t.Errorf("a step without a command has args %q, missing %v", args, missing)
	}
}

// FuzzSplit: words put in quotes again split into the same words.
func FuzzSplit(f *testing.F) {
	for _, line := range []string{"poskey code -313", `poskey a "b c"'d e'f ''`, "poskey a | b", "poskey  a", "poskey 'a"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := split(line)
		if err != nil {
			if words != nil {
				t.Fatalf("an error and words: %q", words)
			}
			return
		}
		quoted := make([]string, len(words))
		for i, word := range words {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'"'"'`) + "'"
		}
		again, err := split(strings.Join(quoted, " "))
		if err != nil || !slices.Equal(again, words) {
			t.Fatalf("%q splits into %q, then %q (%v)", line, words, again, err)
		}
	})
}
