package store

// The form of a backup: lines of JSON, one for each row, that both databases write and read alike.

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"poskey/internal/fault"
)

// dumpFormat names the form.
const dumpFormat = "poskey.store/v1"

// maxLine bounds a line of a dump: a row with the largest document in it.
const maxLine = 16 << 20

// column is a column of a dump: text, number or bytes.
type column struct {
	name string
	kind columnKind
}

type columnKind byte

const (
	textColumn columnKind = iota
	numberColumn
	bytesColumn
	optionalNumber // may be null
	optionalText
)

// table is a table of a dump, its rows in the order of its key.
type table struct {
	name    string
	columns []column
	key     string
}

// tables lists those of a version of the schema, each after those that it refers to.
func tables(version int) []table {
	columns := func(list string) []column { return columns(list, version) }
	all := []table{
		{"meta", columns("one# id environment created# master_kind master_method master_digits generation# sealed* token " +
			"mark_seq# mark_hash"), "one"},
		{"officers", columns("fingerprint id card* added# revoked#"), "fingerprint"},
		{"keys", columns("id# label version# usage algorithm mode exportability len# block check_method check_digits " +
			"parent#? parent_block custodians origin purpose state created# activated# not_after# suspended# deactivated# " +
			"compromised# destroyed# successor#?"), "id"},
		{"key_events", columns("id# key_id# at# from_state to_state reason mark_seq#"), "id"},
		{"devices", columns("serial model poi_version state added# changed#"), "serial"},
		{"device_keys", columns("serial slot key_id#? check_method check_digits ksn loaded#"), "serial, slot"},
		{"key_sets", columns("id bdk# scheme ksi lo# hi# next# frozen# mark_seq# mark_hash bdk_state@2"), "id"},
		{"leases", columns("id key_set station lo# hi# until# at# returned# unused_from# next#@2"), "id"},
		{"allocations", columns("request key_set n# ksn serial state lease? at# changed#"), "request"},
		{"loads", columns("id@2 run@2 serial@2 slot@2 key_id#?@2 key_set?@2 station@2 clear#@2 state@2 check_method@2 " +
			"check_digits@2 proof@2 reason@2 at#@2 changed#@2 dialect@4 answer@4"), "id"},
		{"runs", columns("id@2 created#@2 plan*@2 manifest@2 devices#@2 closed#@2"), "id"},
		{"run_devices", columns("run@2 serial@2 uri@2 model@2 poi_version@2 kbpk@2 note@2 state@2 told@2 station@2 reason@2 " +
			"changed#@2"), "run, serial"},
		{"ceremonies", columns("id@3 kind@3 title@3 script@3 began#@3 ended#@3 state@3 head@3"), "id"},
		{"holdings", columns("id#@3 ceremony@3 at#@3 label@3 version#@3 check_method@3 check_digits@3 sheets@3 part#@3 parts#@3 " +
			"needed#@3 person@3 name@3 card@3 seat@3 event@3 bag@3 outer_bag@3 channel@3"), "id"},
	}
	return slices.DeleteFunc(all, func(t table) bool { return len(t.columns) == 0 })
}

// columns reads names with their kinds: # a number, * bytes, ? may be null; @ and the version that first has it.
func columns(list string, version int) []column {
	var all []column
	for _, word := range strings.Fields(list) {
		word, since, newer := strings.Cut(word, "@")
		if n, err := strconv.Atoi(since); newer && (err != nil || n > version) {
			continue
		}
		name := strings.TrimRight(word, "#*?")
		kinds := map[string]columnKind{"": textColumn, "#": numberColumn, "*": bytesColumn, "#?": optionalNumber,
			"?": optionalText}
		all = append(all, column{name, kinds[word[len(name):]]})
	}
	return all
}

func (t *table) names() string {
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// destinations gives variables to scan a row into, as values reads them.
func (t *table) destinations() []any {
	into := make([]any, len(t.columns))
	for i, c := range t.columns {
		switch c.kind {
		case textColumn:
			into[i] = new(string)
		case numberColumn:
			into[i] = new(int64)
		case bytesColumn:
			into[i] = new([]byte)
		case optionalNumber:
			into[i] = new(*int64)
		case optionalText:
			into[i] = new(*string)
		}
	}
	return into
}

// encode writes a row, with its line feed.
func (t *table) encode(dst []byte, row []any) ([]byte, error) {
	dst = append(dst, `{"`+t.name+`":{`...)
	for i, c := range t.columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `"`+c.name+`":`...)
		var err error
		if dst, err = encodeValue(dst, row[i]); err != nil {
			return nil, err
		}
	}
	return append(dst, "}}\n"...), nil
}

func encodeValue(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case *string:
		return encodeText(dst, *v)
	case *int64:
		return strconv.AppendInt(dst, *v, 10), nil
	case *[]byte:
		return append(append(append(dst, '"'), base64.StdEncoding.EncodeToString(*v)...), '"'), nil
	case **int64:
		if *v == nil {
			return append(dst, "null"...), nil
		}
		return strconv.AppendInt(dst, **v, 10), nil
	case **string:
		if *v == nil {
			return append(dst, "null"...), nil
		}
		return encodeText(dst, **v)
	}
	return nil, fault.New(fault.Bug, "a value of an unknown kind")
}

func encodeText(dst []byte, s string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return nil, err
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...), nil
}

// decode reads a row. There is one way to write one, so it is written again and compared.
func (t *table) decode(line []byte) ([]any, error) {
	var outer map[string]map[string]json.RawMessage
	if err := json.Unmarshal(line, &outer); err != nil {
		return nil, malformedDump()
	}
	row, into := outer[t.name], t.destinations()
	for i, c := range t.columns {
		if json.Unmarshal(row[c.name], into[i]) != nil {
			return nil, malformedDump()
		}
	}
	if again, err := t.encode(nil, into); err != nil || !bytes.Equal(again, line) {
		return nil, malformedDump()
	}
	return into, nil
}

func malformedDump() error { return fault.New(fault.Malformed, "the line is not one of a backup") }

// tableOf tells of which table a line is; false for another line.
func tableOf(line []byte) (string, bool) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"`))
	name, _, found := bytes.Cut(rest, []byte(`":{"`))
	return string(name), ok && found
}

// dumpHead is the first line of a dump.
type dumpHead struct {
	Format      string `json:"format"`
	Schema      int    `json:"schema"`
	Store       string `json:"store"`
	Environment string `json:"environment"`
}

// dumpTail is the last line: how many rows there are of each table, and the SHA-256 of all lines above.
type dumpTail struct {
	Rows   map[string]int64 `json:"rows"`
	SHA256 string           `json:"sha256"`
}

// decodeLine reads a line into v, which is written again and compared.
func decodeLine(line []byte, v any) error {
	if err := json.Unmarshal(line, v); err != nil {
		return malformedDump()
	}
	again, err := json.Marshal(v)
	if err != nil || !bytes.Equal(append(again, '\n'), line) {
		return errors.Join(malformedDump(), err)
	}
	return nil
}
