// Package errorcode is the dictionary of what terminals, PIN pads, HSMs and payment hosts answer when something is
// wrong with a key: vendor codes, return codes of HSMs, response codes of ISO 8583 (field 39), and texts on
// screens. Look takes what somebody read or typed and says what it may mean, best first, and what would decide.
//
// # The data
//
// tables/*.json is the one copy for people: 28 files, each an array of rows of the same fields (vendor, table,
// code, value, symbol, meaning_en, meaning_zh, kind, key_related, source, certainty). dictionary.txt is the same
// in the form that the program carries; a test holds one against the other, and UPDATE_GOLDEN=1 writes it anew.
// Meanings are words of this project in two languages; a row says where its number comes from and whether the
// source states the meaning (published) or the vendor or the meaning is a deduction (inferred).
//
// dictionary.txt: the first field of a line says what it is, fields are separated by a tab, and a line ends with a
// line feed.
//
//	t VENDOR TABLE                         the rows that follow are of this table
//	s SOURCE                               and have this source
//	r CODE SYMBOL KIND MARKS EN ZH         a row; MARKS: K it bears on keys, I it is inferred, - neither
//
// A row's value is not written: it is what the code says when it is a decimal or a 0x number.
//
// # How an input is read
//
// Full-width digits, the many kinds of minus, blanks, case, traditional characters and the commonest misspellings are
// folded first ([Plain]). A number is then tried as it stands, as signed and unsigned number of 16, 32 and 64 bits,
// as hex with and without its prefix, without the minus that a screen lost, as a compound code (A6/10, 02/B, 4/195,
// the answer A710 of an HSM), and as an ordinal: the 14 of a family whose codes are a base minus 14. A field 39 value
// may have its text behind it (A0 MAC校验错). What is not a code is looked for among symbols, screen texts and meanings,
// in English and Chinese. Each reading says by which form it was found, how much weight it has, and why. Of a
// question that no table answers, [Dictionary.Near] names the rows one slip away.
//
// # What is never claimed
//
// A number without its vendor is not one thing: the readings are ranked and Answer.Asks says what would decide
// between them. Field 39 value 14 is an invalid card number and never a key; it is among the readings of a bare 14
// only when the words beside it speak of a response code. Numbers that are dates, times, amounts, counts, terminal
// ids or check values are not codes for [Dictionary.Find].
//
// Nothing is kept between calls; a Dictionary is read-only after Open and may be used by many at once. The same
// question has the same answer, always.
package errorcode
