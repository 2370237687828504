package script

// Strict reading of YAML, node by node: every value is asked for by its name, and what nobody asks for is refused.

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Lengths, in characters where nothing else is said.
const (
	maxLine    = 200  // of a value on one line
	maxText    = 2000 // bytes of what is read aloud: the record has it as one value
	maxID      = 32
	maxMinutes = 600
)

// reader reads nodes until the first error.
type reader struct {
	err   error
	lines map[string]int // where steps, keys, parts, people and seats begin, and their fields, by their path
}

// fail keeps the first error, with the line and the place.
func (r *reader) fail(n *yaml.Node, at string, err error) {
	switch {
	case r.err != nil || err == nil:
	case at == "":
		r.err = fault.WrapAs(fault.Malformed, err, "line %d", n.Line)
	default:
		r.err = fault.WrapAs(fault.Malformed, err, "line %d: %s", n.Line, at)
	}
}

// mark remembers the line of a path, for errors that only the whole script shows.
func (r *reader) mark(at string, n *yaml.Node) {
	if r.lines == nil {
		r.lines = map[string]int{}
	}
	r.lines[at] = n.Line
}

// markFields remembers the lines of an object's fields, under the path that people are told.
func (o object) markFields(at string) {
	for name, n := range o.fields {
		o.r.mark(strings.TrimPrefix(at+"."+name, "."), n)
	}
}

// plain refuses what makes YAML mean something else than it looks like.
func (r *reader) plain(n *yaml.Node, at string) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.fail(n, at, fault.New(fault.Malformed, "anchors and aliases are not taken; write it out"))
	case n.Style&yaml.TaggedStyle != 0:
		r.fail(n, at, fault.New(fault.Malformed, "tags are not taken"))
	}
	return r.err == nil
}

// object is a mapping whose fields are asked for by name.
type object struct {
	r      *reader
	node   *yaml.Node
	at     string
	fields map[string]*yaml.Node
}

// object reads a mapping that has no other fields than these.
func (r *reader) object(n *yaml.Node, at string, known ...string) object {
	o := object{r: r, node: n, at: at, fields: map[string]*yaml.Node{}}
	if r.err != nil || !r.plain(n, at) {
		return o
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, at, fault.New(fault.Malformed, "fields are expected here: %s", strings.Join(known, " ")))
		return o
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if !r.plain(name, at) {
			return o
		}
		if name.Kind != yaml.ScalarNode || !slices.Contains(known, name.Value) {
			r.fail(name, at, fault.New(fault.Malformed, "the field %q is not known here; known: %s", shown(name.Value),
				strings.Join(known, " ")))
			return o
		}
		if o.fields[name.Value] != nil {
			r.fail(name, at, fault.New(fault.Malformed, "the field %s stands there twice", name.Value))
			return o
		}
		if !r.plain(value, o.path(name.Value)) {
			return o
		}
		o.fields[name.Value] = value
	}
	return o
}

func (o object) has(name string) bool { return o.fields[name] != nil }

func (o object) path(name string) string {
	if o.at == "" {
		return name
	}
	return o.at + "." + name
}

// need reports whether the field is there, and keeps an error when it is not.
func (o object) need(name string) bool {
	if !o.has(name) {
		o.r.fail(o.node, o.path(name), fault.New(fault.Malformed, "it is missing"))
	}
	return o.has(name)
}

// wrong keeps an error about a field.
func (o object) wrong(name string, err error) {
	n := o.fields[name]
	if n == nil {
		n = o.node
	}
	o.r.fail(n, o.path(name), err)
}

// scalar gives the value of a field as it is written, "" when it is not there. A field that is there has a value.
func (o object) scalar(name string) string {
	n := o.fields[name]
	if n == nil || o.r.err != nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		o.wrong(name, fault.New(fault.Malformed, "a value is expected here, no list and no fields"))
		return ""
	}
	if n.Tag == "!!null" || n.Value == "" {
		o.wrong(name, fault.New(fault.Malformed, "it is empty; give a value or leave the field out"))
		return ""
	}
	return n.Value
}

// line gives a value on one line.
func (o object) line(name string) string { return o.digitless(name, o.single(name), keyDigits) }

// serial gives a value on one line that may be the long decimal number of a bag or a device.
func (o object) serial(name string) string { return o.digitless(name, o.single(name), 2*keyDigits) }

func (o object) single(name string) string {
	v := o.scalar(name)
	switch {
	case v == "":
		return ""
	case strings.Contains(v, "\n"):
		o.wrong(name, fault.New(fault.Malformed, "one line is expected here"))
	case strings.TrimSpace(v) != v:
		o.wrong(name, fault.New(fault.Malformed, "blanks at the ends"))
	case utf8.RuneCountInString(v) > maxLine:
		o.wrong(name, fault.New(fault.Malformed, "more than %d characters", maxLine))
	default:
		return v
	}
	return ""
}

// lines gives a value that may go over several lines.
func (o object) lines(name string) string {
	v := strings.TrimRight(o.scalar(name), "\n")
	switch {
	case v == "" && o.has(name):
		o.wrong(name, fault.New(fault.Malformed, "it is empty; give a value or leave the field out"))
		return ""
	case len(v) > maxText:
		o.wrong(name, fault.New(fault.Malformed, "more than %d bytes", maxText))
		return ""
	}
	return o.digitless(name, v, keyDigits)
}

// keyDigits is the length of the shortest key.
const keyDigits = 16

// digitless refuses what could be a key: scripts are read by many.
func (o object) digitless(name, v string, decimal int) string {
	if couldBeKey(v, decimal) {
		o.wrong(name, fault.New(fault.Malformed, "sixteen hex digits in a row, which could be a key; a script holds none"))
		return ""
	}
	return v
}

// shown is what an error repeats of a word; of one that could be a key only its length.
func shown(v string) string {
	if couldBeKey(v, keyDigits) {
		return text.Redact(strings.Repeat("0", len(v)))
	}
	return v
}

// couldBeKey finds hex digits that stand together, whatever stands between them but other letters: sixteen, or so many
// decimal ones.
func couldBeKey(v string, decimal int) bool {
	digits, letters := 0, 0
	for _, c := range v {
		if c >= '\uFF01' && c <= '\uFF5E' {
			c -= '\uFF01' - '!' // the wide letters of Chinese keyboards
		}
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			digits++
			letters++
		case unicode.IsLetter(c) || unicode.IsNumber(c):
			digits, letters = 0, 0
		}
		if digits >= decimal || digits >= keyDigits && letters > 0 {
			return true
		}
	}
	return false
}

// word gives one of the words, and "" when the field is not there.
func (o object) word(name string, known ...string) string {
	v := o.line(name)
	if v == "" || slices.Contains(known, v) {
		return v
	}
	o.wrong(name, fault.New(fault.Malformed, "%q is not known here; known: %s", text.Redact(v), strings.Join(known, " ")))
	return ""
}

// number gives a whole number from 1 to most, 0 when the field is not there.
func (o object) number(name string, most int) int {
	v := o.line(name)
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil || strconv.Itoa(n) != v || n < 1 || n > most {
		o.wrong(name, fault.New(fault.Malformed, "a number from %d to %d is expected here", 1, most))
		return 0
	}
	return n
}

// truth gives true or false.
func (o object) truth(name string) bool { return o.word(name, "true", "false") == "true" }

// time gives a time in UTC.
func (o object) time(name string) time.Time {
	v := o.line(name)
	if v == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil || t.UTC().Format(time.RFC3339) != v || t.IsZero() {
		o.wrong(name, fault.New(fault.Malformed, "a time in UTC is expected here, such as %s", "2026-12-01T09:00:00Z"))
		return time.Time{}
	}
	return t.UTC()
}

// list calls read for every element of a list.
func (o object) list(name string, read func(i int, n *yaml.Node)) {
	n := o.fields[name]
	if n == nil || o.r.err != nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		o.wrong(name, fault.New(fault.Malformed, "a list is expected here"))
		return
	}
	if len(n.Content) == 0 {
		o.wrong(name, fault.New(fault.Malformed, "it is empty; give a value or leave the field out"))
		return
	}
	for i, e := range n.Content {
		if o.r.err != nil || !o.r.plain(e, o.path(name)) {
			return
		}
		read(i, e)
	}
}
