package transcript

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"poskey/pkg/custody"
)

// holds asks of a file that was touched: it does not verify, or it is the torn tail of what was there, and then
// nobody is said to have signed it.
func holds(t *testing.T, what string, at int, raw, changed []byte) {
	t.Helper()
	d := read(t, changed)
	if len(d.Problems) > 0 && len(d.Signers) == 0 {
		return
	}
	lines := splitLines(raw)
	before := raw[:len(raw)-len(lines[len(lines)-1])]
	if d.State != Open || d.Torn == 0 || len(d.Signers) > 0 || d.Bytes != int64(len(before)) || !bytes.HasPrefix(changed,
		before) {
		t.Fatalf("byte %d %s: state %s, %d torn, signed by %v, %d problems", at, what, d.State, d.Torn, d.Signers,
			len(d.Problems))
	}
}

func TestEveryByteCounts(t *testing.T) {
	raw := short(t, testHead(), testOfficer(t, "li.na"))
	for at := range raw {
		flipped := slices.Clone(raw)
		flipped[at] ^= 1 << (at % 8)
		holds(t, "flipped", at, raw, flipped)
		holds(t, "deleted", at, raw, slices.Delete(slices.Clone(raw), at, at+1))
		if doubled := slices.Insert(slices.Clone(raw), at, raw[at]); at < len(raw)-1 || !bytes.Equal(doubled, raw) {
			holds(t, "doubled", at, raw, doubled)
		}
	}
}

func TestEveryLineOfAWholeCeremonyCounts(t *testing.T) {
	raw := load(t, filepath.FromSlash(golden))
	lines := splitLines(raw)
	join := func(lines []string) []byte { return []byte(strings.Join(lines, "")) }
	for i := range lines {
		if i < len(lines)-1 {
			caught(t, "line taken out", join(slices.Delete(slices.Clone(lines), i, i+1)))
			swapped := slices.Clone(lines)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			caught(t, "lines exchanged", join(swapped))
		}
		caught(t, "line repeated", join(slices.Insert(slices.Clone(lines), i, lines[i])))
		caught(t, "line repeated at the end", append(slices.Clone(raw), lines[i]...))
		for _, at := range []int{0, len(lines[i]) / 3, len(lines[i]) - 80, len(lines[i]) - 2} {
			changed := slices.Clone(lines)
			b := []byte(lines[i])
			b[at] ^= 4
			changed[i] = string(b)
			caught(t, "byte changed", join(changed))
		}
	}
	caught(t, "a blank line", append(slices.Clone(raw), '\n'))
	caught(t, "bytes after the note", append(slices.Clone(raw), "{"...), "after the note")
	caught(t, "CR LF", bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")))
	caught(t, "nothing at all", nil, "no line")
}

// TestRecordCutOffAtTheEndSaysThatNobodySigned cuts at every line and inside of every line.
func TestRecordCutOffAtTheEndSaysThatNobodySigned(t *testing.T) {
	raw := load(t, filepath.FromSlash(golden))
	end := 0
	lines := splitLines(raw)
	for i, line := range lines[:len(lines)-1] {
		end += len(line)
		for _, more := range []int{0, 1, len(lines[i+1]) / 2, len(lines[i+1]) - 1} {
			d := verified(t, raw[:end+more])
			last := d.Warnings[len(d.Warnings)-1].Error.Error()
			if d.State != Open || len(d.Signers) != 0 || d.Torn != more || d.Lines != i+1 || len(d.Missing) != len(d.Cards) ||
				!strings.Contains(last, "nobody signed") {
				t.Fatalf("cut after line %d and %d bytes: %s, %d torn, %d lines: %s", i+1, more, d.State, d.Torn, d.Lines, last)
			}
		}
	}
}

func TestZeroesOfAPowerFailureAreATornLine(t *testing.T) {
	raw := load(t, filepath.FromSlash(golden))
	lines := splitLines(raw)
	whole := []byte(strings.Join(lines[:12], ""))
	zeroed := append(slices.Clone(whole), append(bytes.Repeat([]byte{0}, 100), "\n"...)...)
	if d := verified(t, zeroed); d.Torn != 101 || d.Lines != 12 {
		t.Errorf("%d torn, %d lines", d.Torn, d.Lines)
	}
	caught(t, "zeroes in the middle", append(zeroed, lines[12]...))
}

// TestWhoComputesHashesMeetsSignatures: the chain is made anew after each change, so only signatures are in the way.
func TestWhoComputesHashesMeetsSignatures(t *testing.T) {
	li, wang := testOfficer(t, "li.na"), testOfficer(t, "wang.wei")
	raw := short(t, testHead(), li, wang)
	lines := splitLines(raw) // open, attended, attended, done, signed, signed, closing, note
	if again := rechain(t, lines); !bytes.Equal(again, raw) {
		t.Fatal("the chain made anew is another one")
	}
	change := func(line int, old, fresh string) []string {
		changed := slices.Clone(lines)
		if changed[line] = strings.Replace(lines[line], old, fresh, 1); changed[line] == lines[line] {
			t.Fatalf("line %d has no %q", line+1, old)
		}
		return changed
	}
	forged := officer(t, "li.na", "another li.na", custody.Test)
	other := testHead()
	other.Ceremony = "20261201-00000000"
	foreign := splitLines(short(t, other, li, wang))
	otherScript := testHead()
	otherScript.Script = []byte("ceremony: destruction\n")
	scripted := splitLines(short(t, otherScript, li, wang))
	for what, c := range map[string]struct {
		lines []string
		words string
	}{
		"a step":                    {change(3, `"step":1`, `"step":2`), "step"},
		"the ceremony":              {change(0, "7F3A91C2", "7F3A91C3"), "signature of li.na"},
		"the mode":                  {change(0, `"mode":"run"`, `"mode":"rehearsal"`), "signature of li.na"},
		"a seat":                    {change(1, `"primary"`, `"backup"`), "signature of li.na"},
		"a time":                    {change(3, ":04.", ":05."), "signature of li.na"},
		"the step of a signature":   {change(4, `"step":1`, `"step":2`), "step"},
		"the card of another li.na": {replaceCard(t, lines, 1, forged), "signature of li.na"},
		"the name on a signature":   {change(4, `"who":"li.na"`, `"who":"wang.wei"`), "signature of wang.wei"},
		"a signature moved": {[]string{lines[0], lines[1], lines[2], lines[4], lines[3], lines[5], lines[6],
			lines[7]}, "step"},
		"signatures exchanged": {[]string{lines[0], lines[1], lines[2], lines[3], lines[5], lines[4], lines[6],
			lines[7]}, "signature of wang.wei"},
		"a signature taken out":      {slices.Delete(slices.Clone(lines), 4, 5), "signature of wang.wei"},
		"somebody not there":         {slices.Delete(slices.Clone(lines), 1, 2), "li.na did not attend"},
		"head of another ceremony":   {slices.Replace(slices.Clone(lines), 0, 1, foreign[0]), "signature of li.na"},
		"head of another script":     {slices.Replace(slices.Clone(lines), 0, 1, scripted[0]), "signature of li.na"},
		"lines of another ceremony":  {slices.Replace(slices.Clone(lines), 3, 5, foreign[3:5]...), "signature of li.na"},
		"the note of another":        {slices.Replace(slices.Clone(lines), 7, 8, foreign[7]), "the note says something else"},
		"the time of the closing":    {change(6, ":07.", ":08."), "the note says something else"},
		"something into the closing": {change(6, `"closing"`, `"closing","people":["chen"]`), "the note says something else"},
		"no signatures at all": {[]string{lines[0], lines[1], lines[2], lines[3], lines[6], lines[7]},
			"the note says something else"},
		"two notes":                  {append(slices.Clone(lines), lines[7]), "nothing stands after the note"},
		"a line after the note":      {append(slices.Clone(lines), lines[3]), "nothing stands after the note"},
		"a note without the closing": {slices.Delete(slices.Clone(lines), 6, 7), "directly after the line closing"},
		"two beginnings":             {slices.Insert(slices.Clone(lines), 1, lines[0]), "the first line opens"},
		"no beginning":               {lines[1:], "the first line opens"},
	} {
		caught(t, what, rechain(t, c.lines), c.words)
	}
}

func replaceCard(t *testing.T, lines []string, at int, who *custody.Identity) []string {
	t.Helper()
	r, err := ParseRecord([]byte(strings.TrimSuffix(lines[at], "\n")))
	must(t, err)
	r.Card = who.Card().Marshal()
	changed := slices.Clone(lines)
	changed[at] = string(seal(&r)) + "\n"
	return changed
}

// TestSignersAreThoseOfTheNote: a name can be taken off a note by whoever can write the file, and is then missing;
// none can be put under it.
func TestSignersAreThoseOfTheNote(t *testing.T) {
	li, wang := testOfficer(t, "li.na"), testOfficer(t, "wang.wei")
	lines := splitLines(short(t, testHead(), li, wang))
	note := func(edit func(string) string) []byte {
		r, err := ParseRecord([]byte(strings.TrimSuffix(lines[7], "\n")))
		must(t, err)
		r.Note = []byte(edit(string(r.Note)))
		return rechain(t, append(slices.Clone(lines[:7]), string(seal(&r))+"\n"))
	}
	without := verified(t, note(func(s string) string { return s[:strings.LastIndex(s, "— ")] }))
	if !slices.Equal(without.Signers, []string{"li.na"}) || !slices.Equal(without.Missing, []string{"wang.wei"}) {
		t.Errorf("signed by %v, missing %v", without.Signers, without.Missing)
	}
	last := func(s string) string { return s[strings.LastIndex(s, "— "):] }
	caught(t, "a signature twice", note(func(s string) string { return s + last(s) }))
	stranger, err := custody.SignNote(textOf(t, lines[7]), testOfficer(t, "stranger"))
	must(t, err)
	caught(t, "a stranger's signature too", note(func(s string) string { return s + last(string(stranger)) }),
		"3 signatures")
	caught(t, "a stranger's alone", note(func(string) string { return string(stranger) }), "no officer")
	caught(t, "no note", note(func(string) string { return "text\n" }), "not a signed note")
}

func textOf(t *testing.T, line string) string {
	t.Helper()
	r, err := ParseRecord([]byte(strings.TrimSuffix(line, "\n")))
	must(t, err)
	text, _, _ := strings.Cut(string(r.Note), "\n\n")
	return text + "\n"
}

// TestLineOfAnotherCeremonyDoesNotFit puts lines that are whole and have the right number in the place of others.
func TestLineOfAnotherCeremonyDoesNotFit(t *testing.T) {
	li := testOfficer(t, "li.na")
	other := testHead()
	other.Ceremony = "20261201-00000000"
	lines, foreign := splitLines(short(t, testHead(), li)), splitLines(short(t, other, li))
	for i := range lines {
		changed := slices.Clone(lines)
		changed[i] = foreign[i]
		caught(t, "one line", []byte(strings.Join(changed, "")))
		if i > 0 {
			caught(t, "all from there on", []byte(strings.Join(append(slices.Clone(lines[:i]), foreign[i:]...), "")),
				"as the hash of the line above")
		}
		alone := slices.Clone(lines)
		if alone[i] = strings.Replace(mend(strings.Replace(strings.TrimSuffix(lines[i], "\n"), "2026-12-01T08",
			"2026-12-01T09", 1)),
			"\n", "", 1) + "\n"; i < len(lines)-1 {
			caught(t, "one line changed with its own hash", []byte(strings.Join(alone, "")))
		}
	}
}
