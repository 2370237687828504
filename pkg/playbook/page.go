package playbook

// What a page holds.

import "strings"

// Kind is what a page is about.
type Kind string

// The kinds of page.
const (
	KindCause     Kind = "cause"     // one cause of the catalogue of causes; the ids are the same
	KindSituation Kind = "situation" // what somebody sees; its checks lead to causes
)

// Page is one page. No list of a page that was read is empty.
type Page struct {
	ID    string
	Kind  Kind
	Title string

	Means       []string // paragraphs
	Technical   []string // causes, by where they lie
	Operational []string
	Management  []string
	Checks, Fix []Step
	Prevention  []string
	Trade, Risk []string // impact on trade, and on the secrecy of keys and data
	Stop        []string // when to stop, and whom to call
	Record      []string // what has to be written down
}

// quoted gives what stands in backquotes.
func quoted(words string) []string {
	inside := []string{}
	for i, piece := range strings.Split(words, "`") {
		if i%2 == 1 {
			inside = append(inside, piece)
		}
	}
	return inside
}

// Step is one numbered step: what to do, and the command that does it, where there is one.
type Step struct {
	Text    string
	Command string   // the line as it stands on the page; "" where people do it
	Args    []string // its words without poskey, placeholders as they stand
	Holes   []string // names of its placeholders, each once, in order
}

// Leads gives the ids of the pages that the step names in backquotes.
func (s Step) Leads() []string { return quoted(s.Text) }

// Fill puts values in the place of the placeholders. A value stays one argument whatever is in it. Missing are the
// placeholders that have no value, or one that no placeholder takes: empty, with control characters, or one that would
// be read as a flag. With something missing there are no args.
func (s Step) Fill(values map[string]string) (args, missing []string) {
	for _, hole := range s.Holes {
		if !fills(values[hole]) {
			missing = append(missing, hole)
		}
	}
	if len(missing) > 0 {
		return nil, missing
	}
	args = make([]string, len(s.Args))
	for i, word := range s.Args {
		args[i] = fillWord(word, values)
	}
	return args, nil
}

// fills reports whether a value may go into a command: what comes out of a log or off a screen must not be a flag.
func fills(value string) bool {
	if value == "" || strings.ContainsFunc(value, isControl) {
		return false
	}
	if value[0] != '-' || len(value) == 1 { // "-" alone is where a key comes from: stdin
		return true
	}
	return value[1] >= '0' && value[1] <= '9' // codes are negative numbers
}

func isControl(c rune) bool { return c < ' ' || c == 0x7F }
