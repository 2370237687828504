package cli

// What a document of facts may hold, looked at before it is read: encoding/json takes the last of two fields of one name,
// and names in any case, so that a fact would be lost without a word.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/unionpay"
)

// strictFacts holds a document against the shape of the type that it is read into: no field that is not there, none twice,
// each of its kind. Errors name the place (checks[0].search). What is no JSON at all is left to the reader.
func strictFacts(raw []byte, shape reflect.Type) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return (&factsWalk{d}).value("", shape)
}

type factsWalk struct{ *json.Decoder }

func (w *factsWalk) value(path string, shape reflect.Type) error {
	token, err := w.Token()
	if err != nil || token == nil { // the reader says what is wrong; null is as good as nothing
		return nil //nolint:nilerr // see above
	}
	if shape.Kind() == reflect.Pointer {
		shape = shape.Elem()
	}
	delim, _ := token.(json.Delim)
	_, isText := token.(string)
	number, isNumber := token.(json.Number)
	switch {
	case shape.Kind() == reflect.Struct && delim == '{', shape.Kind() == reflect.Map && delim == '{':
		return w.object(path, shape)
	case shape.Kind() == reflect.Slice && delim == '[':
		return w.list(path, shape.Elem())
	case shape.Kind() == reflect.String && isText:
		return nil
	case shape.Kind() == reflect.Int && isNumber && !strings.ContainsAny(number.String(), ".eE"):
		return nil
	}
	return fault.New(fault.Malformed, "%s: it takes %s", namedPlace(path), kindOf(shape))
}

// namedPlace is a place as errors name it; the document itself has no name.
func namedPlace(path string) string {
	if path == "" {
		return "$"
	}
	return path
}

// kindOf is what a place takes, in the words of JSON.
func kindOf(shape reflect.Type) string {
	switch shape.Kind() {
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Slice:
		return "array"
	case reflect.Int:
		return "integer"
	}
	return "string"
}

func (w *factsWalk) object(path string, shape reflect.Type) error {
	met := map[string]bool{}
	for w.More() {
		token, err := w.Token()
		if err != nil {
			return nil //nolint:nilerr // the reader says what is wrong
		}
		name, _ := token.(string)
		at := strings.TrimPrefix(path+"."+text.OneLine(text.Redact(name), 60), ".")
		inner, known := fieldOf(shape, name)
		switch {
		case !known:
			return fault.New(fault.Malformed, "%s: unknown field", at)
		case met[name]:
			return fault.New(fault.Malformed, "%s: the field stands there twice", at)
		}
		met[name] = true
		if err := w.value(at, inner); err != nil {
			return err
		}
	}
	_, _ = w.Token()
	return nil
}

func (w *factsWalk) list(path string, shape reflect.Type) error {
	for i := 0; w.More(); i++ {
		if err := w.value(fmt.Sprintf("%s[%d]", path, i), shape); err != nil {
			return err
		}
	}
	_, _ = w.Token()
	return nil
}

// fieldOf finds a field by its name, letter by letter. A map has the names of the working keys.
func fieldOf(shape reflect.Type, name string) (reflect.Type, bool) {
	if shape.Kind() == reflect.Map {
		return shape.Elem(), slices.Contains(unionpay.KeyNames(), unionpay.KeyName(name))
	}
	for i := range shape.NumField() {
		if shape.Field(i).Tag.Get("json") == name {
			return shape.Field(i).Type, true
		}
	}
	return nil, false
}
