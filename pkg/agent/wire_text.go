package agent

// Texts and errors on the wire, so that the other side can still translate them.

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// maxNesting bounds texts within texts and errors behind errors.
const maxNesting = 16

// wireText is a text: its format and its arguments.
type wireText struct {
	Format string    `json:"format"`
	Args   []wireArg `json:"args,omitempty"`
}

// wireArg is one argument: exactly one of the fields is there.
type wireArg struct {
	String *string    `json:"s,omitempty"`
	Int    *int64     `json:"i,omitempty"`
	Uint   *uint64    `json:"u,omitempty"`
	Byte   *byte      `json:"b,omitempty"`
	Rune   *rune      `json:"r,omitempty"`
	Bool   *bool      `json:"t,omitempty"`
	Float  *float64   `json:"f,omitempty"`
	Text   *wireText  `json:"text,omitempty"`
	Error  *wireError `json:"error,omitempty"`
}

// wireError is an error: kind and sentence, and what it wraps.
type wireError struct {
	Kind fault.Kind `json:"kind"`
	Text wireText   `json:"text"`
	Err  *wireError `json:"err,omitempty"`
}

// packText takes a text apart. One whose arguments do not come back as the same sentence crosses as its English form.
func packText(t text.Text) wireText {
	w := packParts(t, maxNesting)
	if w.unpack().String() != t.String() {
		return packParts(text.Raw(t.String()), maxNesting)
	}
	return w
}

func packParts(t text.Text, depth int) wireText {
	w := wireText{Format: t.Format}
	for _, a := range t.Args {
		w.Args = append(w.Args, packArg(a, depth-1))
	}
	return w
}

func packArg(a any, depth int) wireArg {
	switch v := a.(type) {
	case text.Text:
		if depth > 0 {
			inner := packParts(v, depth)
			return wireArg{Text: &inner}
		}
	case error:
		if depth > 0 {
			return wireArg{Error: packErrorParts(v, depth)}
		}
	case byte:
		return wireArg{Byte: &v}
	case rune:
		return wireArg{Rune: &v}
	case fmt.Stringer: // a named number or text with words of its own
	default:
		if w, ok := packPlain(reflect.ValueOf(a)); ok {
			return w
		}
	}
	words := fmt.Sprint(a)
	return wireArg{String: &words}
}

func packPlain(v reflect.Value) (wireArg, bool) {
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		return wireArg{String: &s}, true
	case reflect.Bool:
		b := v.Bool()
		return wireArg{Bool: &b}, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i := v.Int()
		return wireArg{Int: &i}, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		u := v.Uint()
		return wireArg{Uint: &u}, true
	case reflect.Float32, reflect.Float64:
		f := v.Float()
		return wireArg{Float: &f}, true
	}
	return wireArg{}, false
}

func (w wireText) unpack() text.Text {
	var t text.Text
	t.Format = w.Format
	for _, a := range w.Args {
		t.Args = append(t.Args, a.unpack())
	}
	return t
}

func (w wireArg) unpack() any {
	switch {
	case w.Int != nil:
		return *w.Int
	case w.Uint != nil:
		return *w.Uint
	case w.Byte != nil:
		return *w.Byte
	case w.Rune != nil:
		return *w.Rune
	case w.Bool != nil:
		return *w.Bool
	case w.Float != nil:
		return *w.Float
	case w.Text != nil:
		return w.Text.unpack()
	case w.Error != nil:
		return w.Error.unpack()
	case w.String != nil:
		return *w.String
	}
	return ""
}

// packError takes an error apart; nil stays nil.
func packError(err error) *wireError {
	if err == nil {
		return nil
	}
	w := packErrorParts(err, maxNesting)
	if w.unpack().Error() != err.Error() {
		return &wireError{Kind: fault.KindOf(err), Text: packText(text.Raw(err.Error()))}
	}
	return w
}

func packErrorParts(err error, depth int) *wireError {
	var f *fault.Error
	if depth == 0 || !errors.As(err, &f) || f.Error() != err.Error() {
		return &wireError{Kind: fault.KindOf(err), Text: packParts(text.Raw(err.Error()), 1)}
	}
	w := &wireError{Kind: f.Kind, Text: packParts(f.Text, depth-1)}
	if f.Err != nil {
		w.Err = packErrorParts(f.Err, depth-1)
	}
	return w
}

// unpack gives the error again, nil for none.
func (w *wireError) unpack() error {
	if w == nil {
		return nil
	}
	f := &fault.Error{Kind: w.Kind, Text: w.Text.unpack()}
	if w.Err != nil {
		f.Err = w.Err.unpack()
	}
	return f
}

// sentence makes a text fit for JSON documents of this package.
type sentence struct{ text.Text }

// MarshalJSON takes the text apart.
func (s sentence) MarshalJSON() ([]byte, error) {
	if s.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(packText(s.Text))
}

// UnmarshalJSON puts it together.
func (s *sentence) UnmarshalJSON(raw []byte) error {
	var w *wireText
	if err := decodeStrict(raw, &w); err != nil {
		return err
	}
	if w == nil {
		s.Text = text.Text{}
		return nil
	}
	s.Text = w.unpack()
	return nil
}
