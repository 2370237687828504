package errorcode

import (
	"strings"

	"poskey/internal/text"
)

// weigh says what a row is worth that was found by a form; not ok is a response code that nothing speaks for.
func (d *Dictionary) weigh(a *about, f *form, e *entry, c *context) (weighed, bool) {
	if f.How == AsWritten && alike(c.tail, e) {
		w := weighed{High, fits, text.New("the words behind the code fit")}
		if e.vendor == "unionpay" {
			w.class--
		}
		return w, true
	}
	if c.told(e) {
		return d.weighTold(a, f, e), true
	}
	switch f.How {
	case Ordinal:
		return d.weighOrdinal(f, e, c)
	case AsWritten:
		if a.bare {
			return weighBare(a, e, c)
		}
		return weighWritten(a, e, c)
	case AsHex:
		if strings.IndexFunc(a.code, isLatin) >= 0 && len(a.code) > 2 {
			return weighed{High, 2, text.New("the same number in hex")}, true
		}
		return weighed{Low, 140, text.New("the same digits read as hex")}, true
	case Signed32, Signed64:
		return weighed{High, 2, text.New("the same code as a signed number")}, true
	case Signed16:
		return weighed{Medium, 3, text.New("the same code as a signed number; other vendors print it so")}, true
	case Unsigned16, Unsigned32:
		return weighed{Medium, 3, text.New("the same code as this vendor prints it")}, true
	case SignLost:
		return weighed{Medium, 4, text.New("the same digits with a minus")}, true
	case HSMAnswer:
		return weighHSM(f, e), true
	case Compound:
		return weighed{High, 0, text.New("the table prints it so")}, true
	}
	return weighed{Low, 120, text.New("a longer code with these last digits")}, true
}

// weighTold weighs with the vendor or the table known.
func (d *Dictionary) weighTold(a *about, f *form, e *entry) weighed {
	switch f.How {
	case AsWritten:
		if strings.EqualFold(e.code, a.code) {
			return weighed{High, 0, text.New("the table prints it so")}
		}
		if a.bare && strings.HasPrefix(e.code, "0x") {
			return weighed{Medium, 220, text.New("the same number in hex")}
		}
		return weighed{High, 1, text.New("the same number")}
	case Ordinal:
		n := &d.families[f.family]
		if n.weight == High {
			return weighed{High, 2 + d.place(f.family, e), n.why(int64(e.ordinal), d.alikeInLineage(e))}
		}
		return weighed{Medium, 3 + d.place(f.family, e), n.why(int64(e.ordinal), 0)}
	case AsHex:
		if all(a.code, isDigit) {
			return weighed{Medium, 230, text.New("the same digits read as hex")}
		}
		return weighed{High, 1, text.New("the same number in hex")}
	case HSMAnswer:
		return weighHSM(f, e)
	case Compound:
		if strings.ContainsRune(f.Code, '/') {
			return weighed{High, 0, text.New("the table prints it so")}
		}
		return weighed{Medium, 2, text.New("the second part of the code")}
	case LastDigits:
		return weighed{Medium, 235, text.New("a longer code with these last digits")}
	case SignLost:
		return weighed{High, 2, text.New("the same digits with a minus")}
	}
	return weighed{High, 2, text.New("the same code as this vendor prints it")}
}

// alikeInLineage counts the tables of the PED lineage that say the same of a row's ordinal. It is 0 for other rows.
func (d *Dictionary) alikeInLineage(e *entry) int {
	if e.family == none || d.families[e.family].own {
		return 0
	}
	tables := map[string]bool{}
	for _, i := range d.lineageRows(int64(e.ordinal)) {
		if d.rows[i].meaning == e.meaning {
			tables[d.rows[i].vendor] = true
		}
	}
	return len(tables)
}

func (d *Dictionary) weighOrdinal(f *form, e *entry, c *context) (weighed, bool) {
	n := &d.families[f.family]
	w := weighed{n.bareWeight(int64(e.ordinal)), d.place(f.family, e), n.why(int64(e.ordinal), d.alikeInLineage(e))}
	if n.weight != w.weight {
		w.class += 200
	}
	if c.response || c.hsm {
		w.weight = Low
	}
	return w, true
}

// weighBare weighs a small number that a table prints as it is, without a vendor.
func weighBare(a *about, e *entry, c *context) (weighed, bool) {
	switch {
	case e.de39:
		return weighResponse(a, e, c)
	case e.vendor == "thales-payshield":
		if c.hsm {
			return weighed{High, -1, text.New("the words speak of an HSM")}, true
		}
		w := weighed{Medium, 112, text.New("only when a host hands on the answer of its HSM")}
		if a.keyOrdinal || c.response {
			w.weight, w.class = Low, 130
		}
		return w, true
	case strings.HasPrefix(e.code, "0x"):
		return weighed{Low, 131, text.New("the same number in hex")}, true
	case c.response:
		return weighed{Low, 113, text.New("the table prints it so")}, true
	}
	return weighed{Medium, 113, text.New("the table prints it so")}, true
}

// weighResponse weighs a field 39 value that may as well be an ordinal.
func weighResponse(a *about, e *entry, c *context) (weighed, bool) {
	printed := strings.EqualFold(e.code, a.code)
	switch {
	case c.response && printed:
		return weighed{responseWeight(e, High), -1, text.New("the words speak of a response code")}, true
	case c.response:
		return weighed{Low, 125, text.New("the same number as a response code")}, true
	case !e.key && (c.keyWords || a.keyOrdinal && !strings.HasPrefix(a.code, "0")):
		return weighed{}, false
	case !printed:
		return weighed{Low, 125, text.New("the same number as a response code")}, true
	case c.keyWords:
		return weighed{Low, 115, text.New("if it is a response code")}, true
	case e.key && !a.keyOrdinal:
		return weighed{responseWeight(e, High), -1, text.New("if it is a response code")}, true
	}
	return weighed{Medium, 111, text.New("if it is a response code")}, true
}

// responseWeight: where UnionPay and others differ, UnionPay is the likelier at a terminal with UnionPay's words.
func responseWeight(e *entry, w Weight) Weight {
	if e.vendor == "unionpay" {
		return w
	}
	return Medium
}

// weighWritten weighs a code that stands in a table, without a vendor.
func weighWritten(a *about, e *entry, c *context) (weighed, bool) {
	printed := strings.EqualFold(e.code, a.code)
	numeric := all(a.code, isDigit)
	switch {
	case c.response && e.de39 && printed:
		return weighed{responseWeight(e, High), -1, text.New("the words speak of a response code")}, true
	case e.de39 && numeric && c.keyWords && !e.key:
		return weighed{}, false
	case e.de39 && numeric && (c.keyWords || !printed):
		return weighed{Medium, 5, text.New("if it is a response code")}, true
	case printed && e.key:
		return weighed{High, 0, text.New("the table prints it so")}, true
	case printed:
		return weighed{High, 1, text.New("the table prints it so")}, true
	}
	return weighed{High, 2, text.New("the same number")}, true
}

// weighHSM: what the command says of an error goes before what it means in general.
func weighHSM(f *form, e *entry) weighed {
	if strings.ContainsRune(e.code, '/') {
		return weighed{High, 0, text.New("what this error means for the command")}
	}
	if len(f.rows) > 1 {
		return weighed{Medium, 1, text.New("what this error means for any command")}
	}
	return weighed{High, 1, text.New("what this error means for any command")}
}
