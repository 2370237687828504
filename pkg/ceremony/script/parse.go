package script

// Reading a script: the bytes first, then YAML, then what it says.

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/custody"
)

// MaxFile bounds what is read of a script, in bytes: people read it from the first line to the last before they sign.
const MaxFile = 256 << 10

// Parse reads a script, strictly: unknown fields, second documents, anchors and what does not belong together are
// refused with the line. Errors: malformed, too_large, version_unsupported.
func Parse(raw []byte) (*Script, error) {
	if len(raw) > MaxFile {
		return nil, fault.New(fault.TooLarge, "the script is larger than %d bytes", MaxFile)
	}
	if err := checkBytes(raw); err != nil {
		return nil, fault.Wrap(err, "script")
	}
	root, err := decode(raw)
	if err != nil {
		return nil, fault.Wrap(err, "script")
	}
	r := &reader{}
	s := r.script(root)
	if r.err == nil {
		r.resolve(s)
	}
	if r.err != nil {
		return nil, fault.Wrap(r.err, "script")
	}
	s.raw, s.lines = bytes.Clone(raw), r.lines
	return s, nil
}

// Fingerprint stands for every byte of the script. It is compared as hex, words or digits.
func (s *Script) Fingerprint() custody.Fingerprint { return sha256.Sum256(s.raw) }

// checkBytes holds that a reviewer sees what the program reads: no controls, no characters that are invisible or turn
// the direction of writing, no escapes that stand for others, also in comments.
func checkBytes(raw []byte) error {
	if !utf8.Valid(raw) {
		return fault.New(fault.Malformed, "this is no text in UTF-8")
	}
	line, first := 1, true
	for _, c := range string(raw) {
		switch {
		case c == '\n':
			line, first = line+1, true
			continue
		case c == '\r':
			return fault.New(fault.Malformed, "line %d: it ends with CR LF; a script's lines end with LF", line)
		case c == '\\':
			return fault.New(fault.Malformed, "line %d: a backslash; a script has no escapes, so that everybody reads the same",
				line)
		case c == '%' && first:
			return fault.New(fault.Malformed, "line %d: a directive of YAML", line)
		case !visible(c):
			return fault.New(fault.Malformed, "line %d: the character U+%04X, which cannot be seen or changes how others look",
				line, c)
		}
		first = false
	}
	return nil
}

// emptyBraille is a character that is printed as nothing, though it is no blank.
const emptyBraille = 0x2800

// visible reports a character that prints as itself.
func visible(c rune) bool {
	if c < 0x80 {
		return c >= ' ' && c < 0x7F
	}
	return unicode.IsPrint(c) && c != emptyBraille && !unicode.In(c, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// decode gives the mapping that the one document of the file is.
func decode(raw []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fault.New(fault.Malformed, "the file is empty")
		}
		return nil, fault.New(fault.Malformed, "%s", yamlError(err))
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Malformed, "the file has more than one document")
	}
	if len(doc.Content) != 1 {
		return nil, fault.New(fault.Malformed, "the file is empty")
	}
	return doc.Content[0], nil
}

// yamlError is what the reader of YAML says, without what it quotes: that could be a key.
func yamlError(err error) text.Text {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	place, what, lined := strings.Cut(msg, ": ")
	if !lined || !strings.HasPrefix(place, "line ") {
		place, what = "", msg
	} else {
		place += ": "
	}
	if strings.ContainsAny(what, "`'\"\n#") {
		return text.New("%sthis is no YAML", place)
	}
	return text.New("%sthis is no YAML: %s", place, what)
}
