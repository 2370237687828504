package errorcode

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

//go:embed dictionary.txt
var dictionary string

// none ends a chain of rows.
const none = -1

// Dictionary is all tables, ready to be asked. It is read-only.
type Dictionary struct {
	rows      []entry
	tables    []Table
	phrases   []phrase
	families  []numbering
	byValue   map[int64]int32  // the first row of a value; entry.sameValue goes on
	byCode    map[string]int32 // the first row of a code in lower case; entry.sameCode goes on
	bySymbol  map[string]int32 // the first row of a symbol in lower case; entry.sameSymbol goes on
	compounds []int32
	called    []called // vendors, by the words for them
}

// entry is a row as it is held: a Row is made of it when somebody asks.
type entry struct {
	vendor, table, code, symbol, source string
	meaning                             text.Words
	kind                                Kind
	key, inferred, hasValue, de39       bool
	value                               int64
	tableNo                             int // in Dictionary.tables
	family                              int // in Dictionary.families, or none
	ordinal                             int
	sameValue, sameCode, sameSymbol     int32
}

// Open reads the dictionary that is built in.
func Open() (*Dictionary, error) { return read(dictionary) }

// read takes a dictionary in the form of the package comment.
func read(source string) (*Dictionary, error) {
	d := &Dictionary{families: numberings(), called: calledSo()}
	d.rows = make([]entry, 0, strings.Count(source, "\nr\t"))
	var from string
	n := 0
	for line := range strings.Lines(source) {
		n++
		line, whole := strings.CutSuffix(line, "\n")
		var f [7]string
		count := fields(line, &f)
		switch {
		case !whole:
			return nil, fault.New(fault.Bug, "dictionary line %d: the end is missing", n)
		case f[0] == "t" && count == 3:
			d.tables = append(d.tables, Table{Vendor: f[1], Name: f[2]})
		case f[0] == "s" && count == 2:
			from = f[1]
		case f[0] == "r" && count == 7 && len(d.tables) > 0 && from != "":
			d.add(&f, from)
		default:
			return nil, fault.New(fault.Bug, "dictionary line %d: neither table, source nor row", n)
		}
	}
	if len(d.rows) == 0 {
		return nil, fault.New(fault.Bug, "the dictionary is empty")
	}
	d.index()
	return d, nil
}

// fields cuts a line at its tabs and says how many fields it has; more than fit are one too many.
func fields(line string, into *[7]string) int {
	for n := range into {
		field, rest, more := strings.Cut(line, "\t")
		into[n] = field
		if !more {
			return n + 1
		}
		line = rest
	}
	return len(into) + 1
}

func (d *Dictionary) add(f *[7]string, source string) {
	t := &d.tables[len(d.tables)-1]
	e := entry{
		vendor: t.Vendor, table: t.Name, tableNo: len(d.tables) - 1,
		code: f[1], symbol: f[2], source: source, kind: Kind(f[3]),
		key: strings.Contains(f[4], "K"), inferred: strings.Contains(f[4], "I"),
		meaning: text.Words{EN: f[5], ZH: f[6]}, family: none,
		de39: strings.HasPrefix(t.Name, "DE39"),
	}
	e.value, e.hasValue = valueOf(e.code)
	t.Rows++
	if e.key {
		t.KeyRelated++
	}
	if e.inferred {
		t.Inferred++
	}
	if e.hasValue {
		e.family, e.ordinal = d.familyOf(e.vendor, e.value)
	}
	d.rows = append(d.rows, e)
}

// valueOf reads a decimal or a 0x number; nothing else has a value.
func valueOf(code string) (int64, bool) {
	if digits, ok := strings.CutPrefix(code, "0x"); ok {
		v, err := strconv.ParseUint(digits, 16, 32)
		return int64(v), err == nil
	}
	v, err := strconv.ParseInt(code, 10, 64)
	return v, err == nil
}

func (d *Dictionary) familyOf(vendor string, value int64) (family, ordinal int) {
	for i := range d.families {
		if n, ok := d.families[i].ordinal(vendor, value); ok {
			return i, int(n)
		}
	}
	return none, 0
}

// index chains the rows of a value, a code and a symbol, each chain in the order of the data.
func (d *Dictionary) index() {
	d.byValue = make(map[int64]int32, len(d.rows))
	d.byCode = make(map[string]int32, len(d.rows))
	d.bySymbol = make(map[string]int32, len(d.rows))
	for n := len(d.rows) - 1; n >= 0; n-- {
		e, i := &d.rows[n], int32(n)
		e.sameValue, e.sameCode, e.sameSymbol = none, none, none
		if e.hasValue {
			e.sameValue = put(d.byValue, e.value, i)
		}
		if e.code != "" {
			e.sameCode = put(d.byCode, lower(e.code), i)
		}
		if e.symbol != "" {
			e.sameSymbol = put(d.bySymbol, lower(e.symbol), i)
		}
		if strings.Contains(e.code, "/") {
			d.compounds = append(d.compounds, i)
		}
	}
	slices.Reverse(d.compounds)
	d.phrases = d.collectPhrases()
}

// put makes i the first row of a key and gives the one that was.
func put[K comparable](first map[K]int32, key K, i int32) int32 {
	before, ok := first[key]
	first[key] = i
	if !ok {
		return none
	}
	return before
}

// withValue lists the rows of a value.
func (d *Dictionary) withValue(v int64) []int32 {
	var all []int32
	for i := firstOf(d.byValue, v); i != none; i = d.rows[i].sameValue {
		all = append(all, i)
	}
	return all
}

// withCode lists the rows that print a code so, whatever its case.
func (d *Dictionary) withCode(code string) []int32 {
	var all []int32
	for i := firstOf(d.byCode, lower(code)); i != none; i = d.rows[i].sameCode {
		all = append(all, i)
	}
	return all
}

// withSymbol lists the rows of a symbol, whatever its case.
func (d *Dictionary) withSymbol(symbol string) []int32 {
	var all []int32
	for i := firstOf(d.bySymbol, lower(symbol)); i != none; i = d.rows[i].sameSymbol {
		all = append(all, i)
	}
	return all
}

func firstOf[K comparable](first map[K]int32, key K) int32 {
	if i, ok := first[key]; ok {
		return i
	}
	return none
}

// row makes the Row of an entry.
func (e *entry) row() Row {
	r := Row{
		Vendor: e.vendor, Table: e.table, Code: e.code, Value: e.value, HasValue: e.hasValue, Symbol: e.symbol,
		Meaning: text.Of(e.meaning), Kind: e.kind, KeyRelated: e.key, Source: e.source, Certainty: Published,
	}
	if e.inferred {
		r.Certainty = Inferred
	}
	return r
}

// Tables lists the tables, in the order of the data.
func (d *Dictionary) Tables() []Table { return slices.Clone(d.tables) }

// Rows gives all rows, in the order of the data.
func (d *Dictionary) Rows() []Row {
	all := make([]Row, len(d.rows))
	for i := range d.rows {
		all[i] = d.rows[i].row()
	}
	return all
}

// Vendors lists the vendors, networks and standards, by id.
func (d *Dictionary) Vendors() []Vendor {
	var all []Vendor
	at := map[string]int{}
	for _, t := range d.tables {
		n, ok := at[t.Vendor]
		if !ok {
			n = len(all)
			at[t.Vendor] = n
			all = append(all, Vendor{ID: t.Vendor, Name: text.Of(nameOf(t.Vendor).name)})
		}
		all[n].Tables = append(all[n].Tables, t.Name)
		all[n].Rows += t.Rows
	}
	slices.SortFunc(all, func(a, b Vendor) int { return strings.Compare(a.ID, b.ID) })
	return all
}
