package errorcode

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"poskey/internal/text"
)

// form is a way to read a code, with the rows that it leads to.
type form struct {
	Form
	rows   []int32
	family int // of an ordinal, else none
}

// The most digits of a number that is read: no code is longer, and what is longer may be a key.
const (
	mostDecimals = 12
	mostHex      = 8
)

// mostOrdinal is the highest ordinal of a PED library.
const mostOrdinal = 118

// decimal is a folded code that is a whole number.
type decimal struct {
	digits string
	minus  bool
	value  int64
}

func decimalOf(code string) (decimal, bool) {
	digits, minus := strings.CutPrefix(code, "-")
	if !all(digits, isDigit) || len(strings.TrimLeft(digits, "0")) > mostDecimals {
		return decimal{}, false
	}
	v, err := strconv.ParseInt(digits, 10, 64)
	if minus {
		v = -v
	}
	return decimal{digits, minus, v}, err == nil
}

// bare reports whether the number is small enough to be an ordinal.
func (n decimal) bare() bool { return !n.minus && n.value >= 1 && n.value <= mostOrdinal }

// hexOf reads hex digits, with their prefix or without. Sixteen are read only when they are a negative number.
func hexOf(code string) (v uint64, digits int, prefixed, ok bool) {
	code, prefixed = strings.CutPrefix(code, "0x")
	negative64 := len(code) == 16 && strings.HasPrefix(code, "ffffffff")
	if !all(code, isHex) || len(code) > mostHex && !negative64 {
		return 0, 0, false, false
	}
	v, err := strconv.ParseUint(code, 16, 64)
	return v, len(code), prefixed, err == nil
}

// forms lists the ways to read a folded code without blanks. Ways that always make sense are there whether or not
// they lead to a row; guesses only when they do.
func (d *Dictionary) forms(code string) []form {
	if strings.ContainsRune(code, '/') {
		return d.compoundForms(code)
	}
	if n, ok := decimalOf(code); ok {
		return d.decimalForms(n)
	}
	if strings.HasPrefix(code, "-") {
		return nil
	}
	var found []form
	v, digits, prefixed, isHexed := hexOf(code)
	printed := d.withCode(code)
	if prefixed && isHexed {
		return d.hexForms(AsWritten, v, digits)
	}
	if len(printed) > 0 || len(code) == 2 && all(code, isWord) {
		found = append(found, d.form(AsWritten, strings.ToUpper(code), printed, text.New("as it was written")))
	}
	found = append(found, d.hsmForms(code)...)
	if isHexed && digits >= 2 {
		found = append(found, d.hexForms(AsHex, v, digits)...)
	}
	return found
}

func (d *Dictionary) form(how How, code string, rows []int32, why text.Text) form {
	f := form{Form{How: how, Code: code, Why: why}, rows, none}
	f.Value, f.HasValue = valueOf(code)
	return f
}

// number makes the form of a value.
func (d *Dictionary) number(how How, v int64, code string, why text.Text) form {
	return form{Form{how, code, v, true, why}, d.withValue(v), none}
}

func (d *Dictionary) decimalForms(n decimal) []form {
	written := d.number(AsWritten, n.value, strconv.FormatInt(n.value, 10), text.New("as it was written"))
	if len(n.digits) <= 3 && !n.minus {
		written.Code = n.digits // response codes keep their zeros
	}
	found := []form{written}
	switch v := n.value; {
	case v >= 1<<15 && v < 1<<16:
		found = append(found, d.signed16(v))
	case v >= 1<<31 && v < 1<<32:
		found = append(found, d.signed32(v))
	case v < 0 && v >= -1<<15:
		u := v + 1<<16
		found = append(found, d.number(Unsigned16, u, fmt.Sprintf("0x%04X", u),
			text.New("as an unsigned 16-bit number: some vendors print negative codes so")))
		found = append(found, d.unsigned32(v)...)
	case v < 0 && v >= -1<<31:
		found = append(found, d.unsigned32(v)...)
	}
	if n.value > 0 {
		lost := d.number(SignLost, -n.value, strconv.FormatInt(-n.value, 10),
			text.New("with the minus that screens leave out"))
		found = append(found, ledSomewhere(lost)...)
		found = append(found, d.digitsAsHex(n)...)
	}
	if n.bare() {
		found = append(found, d.ordinalForms(n)...)
	}
	return found
}

// ledSomewhere keeps a guess that leads to a row.
func ledSomewhere(f form) []form {
	if len(f.rows) == 0 {
		return nil
	}
	return []form{f}
}

func (d *Dictionary) signed16(v int64) form {
	return d.number(Signed16, v-1<<16, strconv.FormatInt(v-1<<16, 10),
		text.New("as a signed 16-bit number: %d - 65536", v))
}

func (d *Dictionary) signed32(v int64) form {
	return d.number(Signed32, v-1<<32, strconv.FormatInt(v-1<<32, 10), text.New("as a signed 32-bit number"))
}

func (d *Dictionary) unsigned32(v int64) []form {
	return ledSomewhere(d.number(Unsigned32, v+1<<32, fmt.Sprintf("0x%08X", v+1<<32),
		text.New("as an unsigned 32-bit number")))
}

// digitsAsHex reads 2914 as 0x2914: its rows are those that print hex.
func (d *Dictionary) digitsAsHex(n decimal) []form {
	v, digits, _, ok := hexOf(n.digits)
	if !ok || digits < 2 {
		return nil
	}
	f := d.number(AsHex, int64(v), fmt.Sprintf("0x%0*X", digits, v), text.New("as hex digits without 0x"))
	f.rows = slices.DeleteFunc(f.rows, func(i int32) bool { return !strings.HasPrefix(d.rows[i].code, "0x") })
	return ledSomewhere(f)
}

// hexForms reads a hex number, and the negative number that it may be.
func (d *Dictionary) hexForms(how How, v uint64, digits int) []form {
	code := fmt.Sprintf("0x%0*X", digits, v)
	why := text.New("as it was written")
	if how == AsHex {
		why = text.New("as hex digits without 0x")
	}
	if digits == 16 {
		signed := int64(v)
		return []form{d.number(Signed64, signed, strconv.FormatInt(signed, 10), text.New("as a signed 64-bit number"))}
	}
	written := d.number(how, int64(v), code, why)
	written.rows = slices.DeleteFunc(written.rows, func(i int32) bool { return d.rows[i].twoCharacters() })
	found := []form{written}
	switch {
	case digits <= 4 && v >= 1<<15:
		found = append(found, d.signed16(int64(v)))
	case v >= 1<<31:
		found = append(found, d.signed32(int64(v)))
	}
	return found
}

// twoCharacters reports whether the code is characters and no number: nobody writes the answer 10 of a host as 0x0A.
func (e *entry) twoCharacters() bool { return e.de39 || e.vendor == "thales-payshield" }

// ordinalForms reads a small number as an ordinal of every family that has it, and as the last digits of a longer
// code.
func (d *Dictionary) ordinalForms(n decimal) []form {
	var found []form
	for i := range d.families {
		family := &d.families[i]
		if n.value < family.lo || n.value > family.hi {
			continue
		}
		v := family.code(n.value)
		f := d.number(Ordinal, v, strconv.FormatInt(v, 10),
			text.New("ordinal %d of the family with base %s", n.value, family.base()))
		if family.Down {
			f.rows = append(f.rows, d.withValue(v+1<<16)...)
		} else if strings.HasPrefix(family.ID, "castles") {
			f.Code = fmt.Sprintf("0x%04X", v)
		}
		f.rows = slices.DeleteFunc(f.rows, func(row int32) bool { return d.rows[row].family != i })
		f.family = i
		found = append(found, ledSomewhere(f)...)
	}
	if len(n.digits) == 2 && n.value >= 10 {
		found = append(found, d.lastDigits(n.digits)...)
	}
	return found
}

// lastDigits reads 14 as the end of 0x2914: terminals with long codes show their end alone.
func (d *Dictionary) lastDigits(digits string) []form {
	f := form{Form{How: LastDigits, Code: digits, Why: text.New("as the last digits of a longer code")}, nil, none}
	for i := range d.rows {
		e := &d.rows[i]
		long := e.vendor == "castles" || e.vendor == "verifone-adk"
		if long && len(e.code) >= len("0x2914") && strings.HasSuffix(e.code, digits) {
			f.rows = append(f.rows, int32(i))
		}
	}
	return ledSomewhere(f)
}

// compoundForms reads two codes in one.
func (d *Dictionary) compoundForms(code string) []form {
	wanted := plainCompound(code)
	why := text.New("as two codes in one: message or command, and its error")
	f := form{Form{How: Compound, Code: strings.ToUpper(code), Why: why}, nil, none}
	for _, i := range d.compounds {
		if plainCompound(lower(d.rows[i].code)) == wanted {
			f.rows = append(f.rows, i)
		}
	}
	return []form{f}
}

// plainCompound takes leading zeros from both parts: 2/b is 02/B.
func plainCompound(code string) string {
	head, tail, _ := strings.Cut(code, "/")
	return plainPart(head) + "/" + plainPart(tail)
}

func plainPart(part string) string {
	if plain := strings.TrimLeft(part, "0"); plain != "" {
		return plain
	}
	return "0"
}

// tails lists the rows of a scope whose compound code ends so: with the vendor known, people leave the message out.
func (d *Dictionary) tails(code string, s *scope) []form {
	f := form{Form{How: Compound, Code: strings.ToUpper(code), Why: text.New("as the second part of a code")}, nil, none}
	for _, i := range d.compounds {
		_, tail, _ := strings.Cut(lower(d.rows[i].code), "/")
		if s.has(&d.rows[i]) && plainPart(tail) == plainPart(code) {
			f.rows = append(f.rows, i)
		}
	}
	return ledSomewhere(f)
}

// hsmForms reads the answer of a payShield: the command with its second letter one on, and the error. A710 answers
// A6.
func (d *Dictionary) hsmForms(code string) []form {
	if len(code) != 4 || !all(code, isWord) || !isLatin(rune(code[0])) || !strings.ContainsAny(code[2:], "0123456789") {
		return nil
	}
	second := code[1] - 1
	if !isWord(rune(second)) {
		return nil
	}
	command, code2 := strings.ToUpper(code[:1]+string(rune(second))), strings.ToUpper(code[2:])
	f := d.compoundForms(lower(command + "/" + code2))[0]
	for _, i := range d.withCode(code2) {
		if d.rows[i].vendor == "thales-payshield" {
			f.rows = append(f.rows, i)
		}
	}
	f.How = HSMAnswer
	f.Why = text.New("as the answer %s to the command %s, with error %s", strings.ToUpper(code[:2]), command, code2)
	return ledSomewhere(f)
}
