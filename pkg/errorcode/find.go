package errorcode

import (
	"cmp"
	"slices"

	"poskey/internal/text"
)

// Find gives the codes and screen texts in a sentence or a line of a log, in the order of their places and the
// best reading of a place first. It is conservative: a number is a code only where it says so itself (-313,
// 0xFEC6) or where a word before it does ("error 14", "应答码A0"). At most 64 codes are taken out of a text.
func (d *Dictionary) Find(s string) []Reading {
	f := fold(s)
	every := &scope{}
	c := &context{scope: every, keyWords: speaksOfKeys(f), hsm: speaksOfHSM(f), named: d.vendorsIn(f)}
	found := sorted(d.screen(f, c), c.keyWords)
	for _, t := range d.tokens(f, false) {
		found = append(found, d.read(&t, c)...)
	}
	slices.SortStableFunc(found, func(a, b ranked) int { return cmp.Compare(a.order(), b.order()) })
	return plain(found)
}

// order is where a reading stands among those of a text: a text that ends with a code goes behind that code.
func (r *ranked) order() int {
	if r.late {
		return r.End
	}
	return r.Start
}

// read gives the readings of a code in a text, in order.
func (d *Dictionary) read(t *token, c *context) []ranked {
	here := *c
	here.response, here.tail = t.response, t.tail
	found, _ := d.rank(t, &here)
	found = append(found, d.symbols(t, &here)...)
	return sorted(found, c.keyWords)
}

// symbols gives the rows whose symbol the token is.
func (d *Dictionary) symbols(t *token, c *context) []ranked {
	var found []ranked
	for _, i := range d.withSymbol(t.code) {
		if c.scope.has(&d.rows[i]) {
			via := Form{How: BySymbol, Code: d.rows[i].symbol, Why: text.New("as the name of a constant")}
			w := weighed{High, 0, text.New("the table has this name")}
			if f := d.rows[i].family; f != none {
				w.class = d.place(f, &d.rows[i])
			}
			found = append(found, d.reading(i, via, w, t, c))
		}
	}
	return found
}

func plain(found []ranked) []Reading {
	all := make([]Reading, len(found))
	for i := range found {
		all[i] = found[i].Reading
	}
	return all
}
