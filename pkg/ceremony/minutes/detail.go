package minutes

// The details of a line that no sentence took: what they are called, and the fixed words in them.

import (
	"poskey/internal/text"
	"poskey/pkg/keys"
)

// detailName is what a detail is called on paper.
func detailName(name string) text.Text {
	switch name {
	case "algorithm":
		return text.New("algorithm")
	case "again":
		return text.New("steps that are done again")
	case "bag":
		return text.New("bag")
	case "because":
		return text.New("because of")
	case "by":
		return text.New("by what")
	case "how":
		return text.New("how")
	case "id":
		return text.New("id")
	case "label":
		return text.New("key in the store")
	case "parity":
		return text.New("parity")
	case "phrase":
		return text.New("phrase")
	case "reason":
		return text.New("reason")
	case "requirement":
		return text.New("requirement")
	case "row":
		return text.New("row")
	case "serial":
		return text.New("bag")
	case "set":
		return text.New("set of sheets")
	}
	return rarelyNamed(name)
}

// rarelyNamed has the names of what happens rarely.
func rarelyNamed(name string) text.Text {
	switch name {
	case "serial-by":
		return text.New("who tells the serial")
	case "sha256":
		return text.New("SHA-256 of what the break left")
	case "step":
		return text.New("step")
	case "torn":
		return text.New("bytes that the break left")
	case "under":
		return text.New("under it")
	case "what":
		return text.New("what")
	case "where":
		return text.New("where")
	case "why":
		return text.New("why")
	}
	return text.Raw(name)
}

// detailValue is a value: a fixed word in the reader's language, everything else as it stands in the record.
func detailValue(name, value string) text.Text {
	switch name {
	case "because", "how", "what", "why":
		return word(value)
	case "by":
		switch value {
		case "digits":
			return text.New("all digits of the fingerprint")
		case "words":
			return text.New("words of the fingerprint")
		}
	case "parity":
		return keys.Parity(value).Text()
	}
	return text.Raw(value)
}

// ending are the fixed words about how something came to be, or came to nothing. What people wrote stays as it is;
// sentences of the program are shown in the reader's language where the catalogue has them as they stand.
func ending(s string) text.Text {
	switch s {
	case "drawn":
		return text.New("drawn")
	case "formed":
		return text.New("formed")
	case "cut to officers":
		return text.New("cut to officers")
	case "in the store":
		return text.New("in the store")
	case "legible":
		return text.New("that the sheet can be read")
	case "ledger":
		return text.New("ledger of the store")
	case "failed":
		return text.New("what failed")
	case "typed twice":
		return text.New("typed twice")
	case "another fingerprint was typed":
		return text.New("another fingerprint was typed")
	case "no id of the script":
		return text.New("no id of the script")
	case "the bag is damaged":
		return text.New("the bag is damaged")
	case "entered before the break":
		return text.New("entered before the break")
	case "printed before the break; the sheet is destroyed":
		return text.New("printed before the break; the sheet is destroyed")
	case "closed without being formed":
		return text.New("closed without being formed")
	case "the key did not come out":
		return text.New("the key did not come out")
	case "the ceremony was given up":
		return text.New("the ceremony was given up")
	case "interrupted":
		return text.New("interrupted")
	}
	return text.Known(s)
}
