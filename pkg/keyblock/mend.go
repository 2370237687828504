package keyblock

import (
	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/keys"
)

// Mend is a text that has the form of a key block once one thing is put right in it. It is a hypothesis: what verifies
// under the KBPK was meant.
type Mend struct {
	Block *Block
	Found Finding // what was put right
}

// Mends lists what text that [Parse] refuses may have been: with letters that look like digits read as digits, with the
// length that it has, or with another version letter. Nothing is told of text that does not begin as a key block
// does, or of bare hex, which may be a key: found is then empty too. Otherwise found says what is wrong with the form,
// for the case that no mend verifies.
func Mends(whole string) (mends []Mend, found []Finding) {
	if _, err := Parse(whole); err == nil || bareHex(whole) {
		return nil, nil
	}
	read, at := withoutLookAlikes(whole)
	if _, _, err := ParseHeader(read); err != nil {
		return nil, nil
	}
	if at > 0 {
		digit, _ := keys.LookAlike(whole[at-1])
		says := text.New("character %d is the letter %c where the digit %c must be", at, whole[at-1], digit)
		f := Finding{Cause: PayloadEdited, Character: at, Text: says}
		mends = appendMend(mends, read, f)
		f.Certainty = Possible
		found = append(found, f)
	}
	declared, err := parseLength(read)
	if err == nil && declared != len(read) {
		mends = append(mends, otherLength(read, declared)...)
		found = append(found, lengthFinding(declared, len(read)))
	}
	mends = append(mends, otherVersions(read)...)
	if len(found) == 0 {
		found = []Finding{{Cause: PayloadEdited, Certainty: Possible, Text: formText(read)}}
	}
	return mends, found
}

// withoutLookAlikes reads letters as the digits that they look like, in the length field and behind the header, and tells
// the place of the first one, from 1.
func withoutLookAlikes(whole string) (read string, first int) {
	b := []byte(whole)
	_, n, err := ParseHeader(whole)
	if err != nil {
		n = len(b)
	}
	for i := range b {
		digit, is := keys.LookAlike(b[i])
		if !is || i == 0 || i > 4 && i < n {
			continue
		}
		if b[i] = digit; first == 0 {
			first = i + 1
		}
	}
	if err != nil && first > 0 { // the header is readable now
		more, _ := withoutLookAlikes(string(b))
		return more, first
	}
	return string(b), first
}

func otherLength(read string, declared int) []Mend {
	if len(read) > maxLength {
		return nil
	}
	b := append([]byte{read[0]}, appendDecimal(nil, len(read), 4)...)
	return appendMend(nil, string(append(b, read[5:]...)), Finding{Cause: HeaderEdited, Character: firstDifference(read, string(b)) + 1,
		Text: text.New("the length field says %d, the block has %d characters and was closed with that length", declared, len(read))})
}

func firstDifference(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func lengthFinding(declared, is int) Finding {
	f := Finding{Cause: LengthWrong, Certainty: Possible,
		Text: text.New("the block has %d characters, its length field says %d: %d are missing; it was cut on its way", is, declared, declared-is)}
	if is > declared {
		f.Text = text.New("the block has %d characters, its length field says %d: %d too many; something was put in or stands behind it",
			is, declared, is-declared)
	}
	return f
}

// otherVersions changes the letter alone.
func otherVersions(read string) []Mend {
	var out []Mend
	for v := byte('A'); v <= 'E'; v++ {
		if v == read[0] {
			continue
		}
		out = appendMend(out, string(v)+read[1:], Finding{Cause: HeaderEdited, Character: 1,
			Text: text.New("character 1 is %c, must be %c", read[0], v)})
	}
	return out
}

// appendMend keeps what has the form of a block.
func appendMend(all []Mend, mended string, f Finding) []Mend {
	b, err := Parse(mended)
	if err != nil {
		return all
	}
	f.Certainty, f.Corrected = Proven, mended
	return append(all, Mend{b, f})
}

// formText is what is wrong with the form, as Parse says it.
func formText(read string) text.Text {
	_, err := Parse(read)
	if err == nil {
		return text.New("the form of the block is right")
	}
	return text.New("the block does not have the form of a key block: %s", err)
}

// Unread tells whether an error of Unwrap means that the block cannot be right as it stands: the length of its payload does
// not go with its version letter. [Examine] tries the others.
func Unread(err error) bool { return fault.Is(err, fault.LengthNotMultiple) }
