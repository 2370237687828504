package errorcode

import (
	"cmp"
	"slices"

	"poskey/internal/text"
)

// context is what stands around a code and decides what it may be.
type context struct {
	scope    *scope
	named    []string // vendors that the words name
	keyWords bool     // the words speak of keys or a PED
	hsm      bool     // the words speak of an HSM
	response bool     // the words right before it speak of a response code
	tail     string   // the words behind it
}

// told reports whether somebody said whose code it is.
func (c *context) told(e *entry) bool { return c.scope.narrow || slices.Contains(c.named, e.vendor) }

// ranked is a reading with what sorts it.
type ranked struct {
	Reading
	row   int32
	first bool // of a vendor that the words name
	late  bool // a text that has no meaning of its own
	exact bool // the text is the name or the meaning
	class int  // inside a weight, lower is better
}

// weighed is what a form and a row are worth together.
type weighed struct {
	weight Weight
	class  int
	why    text.Text
}

// rank gives the readings of a code, unsorted, a row once or more. leftOut says that a response code was kept back
// since nothing speaks for it.
func (d *Dictionary) rank(t *token, c *context) (found []ranked, leftOut bool) {
	forms := d.forms(t.code)
	if c.scope.narrow {
		forms = append(forms, d.tails(t.code, c.scope)...)
	}
	n, _ := decimalOf(t.code)
	about := &about{code: t.code, bare: n.bare(), keyOrdinal: d.isKeyOrdinal(n), forms: forms}
	for i := range forms {
		for _, row := range forms[i].rows {
			e := &d.rows[row]
			if !c.scope.has(e) || d.farFetched(&forms[i], e, c) {
				continue
			}
			w, ok := d.weigh(about, &forms[i], e, c)
			if !ok {
				leftOut = true
				continue
			}
			found = append(found, d.reading(row, forms[i].Form, w, t, c))
		}
	}
	demote(found)
	return found, leftOut
}

// farFetched leaves out what nobody would mean: response codes are not typed in hex, and some families are only
// looked at when somebody says their vendor.
func (d *Dictionary) farFetched(f *form, e *entry, c *context) bool {
	if f.How == AsHex {
		return c.response
	}
	return f.family != none && d.families[f.family].weight == "" && !c.told(e)
}

// fits is the class of rows that the words behind a code fit, and UnionPay's are one before.
const fits = -5

// demote makes little of all else where the words fit a row.
func demote(found []ranked) {
	if !slices.ContainsFunc(found, func(r ranked) bool { return r.class <= fits }) {
		return
	}
	for i := range found {
		if found[i].class > fits {
			found[i].Weight = Low
		}
	}
}

func (d *Dictionary) reading(row int32, via Form, w weighed, t *token, c *context) ranked {
	e := &d.rows[row]
	r := ranked{row: row, class: w.class, first: slices.Contains(c.named, e.vendor)}
	r.Reading = Reading{Row: e.row(), Via: via, Weight: w.weight, Why: w.why, Start: t.start, End: t.end}
	if e.family != none {
		r.Family, r.Ordinal = d.families[e.family].ID, e.ordinal
	}
	return r
}

// about is what ranking knows of a code before it looks at a row.
type about struct {
	code       string
	bare       bool // a small number
	keyOrdinal bool // as an ordinal of the PED lineage it is about keys
	forms      []form
}

// isKeyOrdinal reports whether the PED lineage has a row about keys at the ordinal.
func (d *Dictionary) isKeyOrdinal(n decimal) bool {
	return n.bare() && slices.ContainsFunc(d.lineageRows(n.value), func(i int32) bool { return d.rows[i].key })
}

// lineageRows lists the rows of the PED lineage at an ordinal.
func (d *Dictionary) lineageRows(ordinal int64) []int32 {
	var found []int32
	for i := range d.families {
		family := &d.families[i]
		if !slices.Contains(lineage(), family.ID) {
			continue
		}
		v := family.code(ordinal)
		for _, row := range append(d.withValue(v), d.withValue(v+1<<16)...) {
			if d.rows[row].family == i {
				found = append(found, row)
			}
		}
	}
	return found
}

func weightOrder(w Weight) int {
	switch w {
	case High:
		return 0
	case Medium:
		return 1
	}
	return 2
}

// sorted puts readings in order, best first, each row once.
func sorted(found []ranked, keyWords bool) []ranked {
	yes := func(b bool) int {
		if b {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(found, func(a, b ranked) int {
		return cmp.Or(
			yes(a.first)-yes(b.first),
			weightOrder(a.Weight)-weightOrder(b.Weight),
			cmp.Compare(min(a.class, 0), min(b.class, 0)),
			keyOrder(a, b, keyWords),
			cmp.Compare(a.class, b.class),
			cmp.Compare(a.row, b.row),
			cmp.Compare(a.Start, b.Start),
		)
	})
	seen := map[int32]bool{}
	return slices.DeleteFunc(found, func(r ranked) bool {
		again := seen[r.row]
		seen[r.row] = true
		return again
	})
}

// keyOrder puts rows about keys first where the words speak of keys.
func keyOrder(a, b ranked, keyWords bool) int {
	switch {
	case !keyWords || a.KeyRelated == b.KeyRelated:
		return 0
	case a.KeyRelated:
		return -1
	}
	return 1
}
