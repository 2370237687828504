package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// decodeLine reads a line into options that already hold the command line's values as defaults. An unknown field is an
// error; its value, which may be a secret, is not repeated. So is a field that stands there twice, or empty: a value that
// a program left out must not switch a check off.
func decodeLine(line []byte, into any) error {
	if line[0] != '{' { // null would be taken for an object without fields
		return errNoObject()
	}
	if err := checkFields(line, namesOf(into)); err != nil {
		return err
	}
	line, err := oneExpect(line)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(line))
	if err := d.Decode(into); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return fault.New(fault.Usage, "field %s has a value of the wrong type", kind.Field)
		}
		return errNoObject()
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Malformed, "more follows after the JSON object")
	}
	return nil
}

func errNoObject() error { return fault.New(fault.Malformed, "the line is not a JSON object") }

// namesOf lists the fields of options, as they are spelled in a line.
func namesOf(into any) map[string]bool {
	names, t := map[string]bool{}, reflect.TypeOf(into).Elem()
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
			names[name] = true
		}
	}
	names["expected"] = names["expect"]
	return names
}

// checkFields looks at the names and at empty values. What else is wrong with the line, its decoder says.
func checkFields(line []byte, names map[string]bool) error {
	d, seen := json.NewDecoder(bytes.NewReader(line)), map[string]bool{}
	if _, err := d.Token(); err != nil {
		return errNoObject()
	}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		var value json.RawMessage
		if err != nil || !ok || d.Decode(&value) != nil {
			return errNoObject()
		}
		switch {
		case !names[name]:
			return fault.New(fault.Usage, "unknown field %s", text.Redact(strconv.Quote(name)))
		case seen[name]:
			return fault.New(fault.Usage, "field %s stands in the line twice", name)
		case string(value) == `""` || string(value) == "null":
			return fault.New(fault.Usage, "field %s is given and empty; leave it out, or give it a value", name)
		}
		seen[name] = true
	}
	return nil
}

// oneExpect makes the field expected the field expect: they are one flag, and the line's value goes before a default.
func oneExpect(line []byte) ([]byte, error) {
	if !bytes.Contains(line, []byte(`"expected"`)) {
		return line, nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(line, &fields) != nil || fields["expected"] == nil {
		return line, nil // whoever decodes it says what is wrong
	}
	if fields["expect"] != nil {
		return nil, fault.New(fault.Usage, "expect and expected are the same field; give one")
	}
	fields["expect"] = fields["expected"]
	delete(fields, "expected")
	return json.Marshal(fields)
}

// plainFields are the fields of a batch's options that a plain line may have, by name.
type plainFields map[string]plainField

type plainField struct {
	index int
	kind  reflect.Kind
}

// plainFieldsOf lists the fields of O that are strings, numbers or switches and nothing more.
func plainFieldsOf[O any]() plainFields {
	fields, t := plainFields{}, reflect.TypeFor[O]()
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		plain := f.Type == reflect.TypeFor[string]() || f.Type == reflect.TypeFor[int]() || f.Type == reflect.TypeFor[bool]()
		if name == "" || !f.IsExported() || !plain {
			continue
		}
		fields[name] = plainField{i, f.Type.Kind()}
		if name == "expect" {
			fields["expected"] = fields[name]
		}
	}
	return fields
}

// readPlain reads a line as nearly all are: one flat object, each field once, nothing escaped. It says no to every other
// line, a wrong one above all, and may have set some fields then: [decodeLine] decides. What it says yes to, decodeLine
// reads the same, at a multiple of the time. f are the fields of O.
func readPlain[O any](f plainFields, line []byte, into *O) bool {
	p, options := plainLine(line), reflect.ValueOf(into).Elem()
	if !p.next('{') {
		return false
	}
	if p.next('}') {
		return len(p) == 0
	}
	for seen := uint64(0); ; {
		name, ok := p.word()
		field, known := f[string(name)]
		bit := uint64(1) << (field.index & 63)
		if !ok || !known || seen&bit != 0 || !p.next(':') || !p.value(field.kind, options.Field(field.index)) {
			return false
		}
		seen |= bit
		if p.next('}') {
			return len(p) == 0
		}
		if !p.next(',') {
			return false
		}
	}
}

// plainLine is what is left to read of a line.
type plainLine []byte

// next takes the character, with blanks before and behind it.
func (p *plainLine) next(c byte) bool {
	p.blanks()
	if len(*p) == 0 || (*p)[0] != c {
		return false
	}
	*p = (*p)[1:]
	p.blanks()
	return true
}

func (p *plainLine) blanks() {
	for len(*p) > 0 && ((*p)[0] == ' ' || (*p)[0] == '\t' || (*p)[0] == '\r' || (*p)[0] == '\n') {
		*p = (*p)[1:]
	}
}

// word takes a string of printable ASCII without escapes.
func (p *plainLine) word() ([]byte, bool) {
	b := *p
	if len(b) == 0 || b[0] != '"' {
		return nil, false
	}
	for i, c := range b[1:] {
		switch {
		case c == '"':
			*p = b[i+2:]
			return b[1 : i+1], true
		case c == '\\' || c < ' ' || c > '~':
			return nil, false
		}
	}
	return nil, false
}

// value takes a value of the kind that the field has.
func (p *plainLine) value(kind reflect.Kind, into reflect.Value) bool {
	switch kind {
	case reflect.String:
		s, ok := p.word()
		into.SetString(string(s))
		return ok && len(s) > 0
	case reflect.Bool:
		yes := p.literal("true")
		into.SetBool(yes)
		return yes || p.literal("false")
	}
	n, ok := p.number()
	into.SetInt(n)
	return ok
}

func (p *plainLine) literal(s string) bool {
	rest, ok := bytes.CutPrefix(*p, []byte(s))
	if ok {
		*p = rest
	}
	return ok
}

// number takes a whole number of up to nine digits; what follows it is the caller's to judge.
func (p *plainLine) number() (n int64, ok bool) {
	digits := 0
	for b := *p; digits < len(b) && b[digits] >= '0' && b[digits] <= '9'; digits++ {
		n = 10*n + int64(b[digits]-'0')
		if digits == 9 || digits == 1 && b[0] == '0' {
			return 0, false
		}
	}
	*p = (*p)[digits:]
	return n, digits > 0
}
