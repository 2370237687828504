package manage

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"poskey/internal/fault"
)

// maxDepth is more than any document has.
const maxDepth = 8

// Decode reads exactly one document: members that are not known, that stand there twice or are written in other letters
// are refused, and so is what follows. Into is to be zero, and is of no use beside an error. Error: malformed.
func Decode(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil { // its words may repeat values
		return fault.New(fault.Malformed, "the document is not one of this protocol")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Malformed, "more follows after the document")
	}
	return checkNames(raw)
}

// checkNames refuses what encoding/json lets pass: a member twice, names in other letters, null.
func checkNames(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	var open []map[string]bool // nil for an array
	name := false              // the next string in an object is a member's name
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fault.New(fault.Malformed, "the document is not one of this protocol")
		}
		inObject := len(open) > 0 && open[len(open)-1] != nil
		switch v := token.(type) {
		case json.Delim:
			switch v {
			case '{':
				open = append(open, map[string]bool{})
			case '[':
				open = append(open, nil)
			default:
				open = open[:len(open)-1]
			}
			if len(open) > maxDepth {
				return fault.New(fault.Malformed, "the document is not one of this protocol")
			}
			name = len(open) > 0 && open[len(open)-1] != nil
			continue
		case nil:
			return fault.New(fault.Malformed, "a document of this protocol has no null")
		case string:
			if inObject && name {
				if err := once(open[len(open)-1], v); err != nil {
					return err
				}
				name = false
				continue
			}
		}
		name = inObject
	}
}

func once(seen map[string]bool, name string) error {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && c != '_' {
			return fault.New(fault.Malformed, "the document is not one of this protocol")
		}
	}
	if seen[name] {
		return fault.New(fault.Malformed, "the member %s stands there twice", name)
	}
	seen[name] = true
	return nil
}
