package playbook

// The command of a step: one line, split into words as a shell would, without anything else that a shell does.

import (
	"slices"
	"strings"

	"poskey/internal/fault"
)

const program = "poskey"

// parseCommand reads a command line.
func parseCommand(line string) (Step, error) {
	words, err := split(line)
	if err != nil {
		return Step{}, err
	}
	if len(words) < 2 || words[0] != program {
		return Step{}, fault.New(fault.Malformed, "a command begins with %q and names what to do", program)
	}
	s := Step{Command: line, Args: words[1:]}
	for _, word := range s.Args {
		names, err := holesOf(word)
		if err != nil {
			return Step{}, err
		}
		for _, name := range names {
			if !slices.Contains(s.Holes, name) {
				s.Holes = append(s.Holes, name)
			}
		}
	}
	return s, nil
}

// split cuts a line into words at single blanks. Quotes keep a word together; of what is in quotes nothing has a meaning,
// and what would mean something to a shell outside of them, or within double quotes, is refused.
func split(line string) ([]string, error) {
	words := []string{}
	for rest := line; ; {
		word, after, err := nextWord(rest)
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		if after == "" {
			return words, nil
		}
		rest = after[1:] // the blank
	}
}

// nextWord cuts the first word off a line; after is empty or begins with the blank that ended the word.
func nextWord(line string) (word, after string, err error) {
	var b strings.Builder
	i := 0
	for i < len(line) && line[i] != ' ' {
		c := line[i]
		if c != '\'' && c != '"' {
			if strings.IndexByte("|&;<>$`*?()[]#~!\\\t\r\n", c) >= 0 {
				return "", "", fault.New(fault.Malformed, "%q means something to a shell; put it in single quotes", string(c))
			}
			b.WriteByte(c)
			i++
			continue
		}
		end := strings.IndexByte(line[i+1:], c)
		if end < 0 {
			return "", "", fault.New(fault.Malformed, "a quote is not closed")
		}
		inside := line[i+1 : i+1+end]
		if c == '"' && strings.ContainsAny(inside, "$`\\!") {
			return "", "", fault.New(fault.Malformed, "something in double quotes means something to a shell; use single ones")
		}
		b.WriteString(inside)
		i += end + 2
	}
	if i == 0 {
		return "", "", fault.New(fault.Malformed, "a word is missing, or two blanks stand together")
	}
	return b.String(), line[i:], nil
}

// holesOf gives the placeholders of a word. Braces have no other use.
func holesOf(word string) ([]string, error) {
	names := []string{}
	for rest := word; ; {
		before, after, open := strings.Cut(rest, "{")
		if strings.Contains(before, "}") {
			return nil, fault.New(fault.Malformed, "a brace is closed that was not opened")
		}
		if !open {
			return names, nil
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			return nil, fault.New(fault.Malformed, "a brace is not closed")
		}
		if _, known := Describe(name); !known {
			return nil, fault.New(fault.Malformed, "there is no placeholder {%s}", name)
		}
		names = append(names, name)
		rest = tail
	}
}

// fillWord puts values into a word whose placeholders are known to be whole. What is put in is not looked at again.
func fillWord(word string, values map[string]string) string {
	var b strings.Builder
	for rest := word; ; {
		before, after, open := strings.Cut(rest, "{")
		b.WriteString(before)
		if !open {
			return b.String()
		}
		name, tail, _ := strings.Cut(after, "}")
		b.WriteString(values[name])
		rest = tail
	}
}
