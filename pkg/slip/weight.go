package slip

// How likely a slip is before any check value is looked at: this project's judgement, in orders of magnitude. It decides
// the order of matches, never whether there is one.

// lookAlikes lists the hex digits that are read for each other, on paper and in seven segments. Letters that are no hex
// digits are [keys.LookAlike]'s: they are refused before anything is searched.
func lookAlikes() [][2]byte {
	return [][2]byte{
		{0x8, 0xB}, {0x0, 0xD}, {0x6, 0x8}, {0x6, 0xB}, {0x1, 0x7},
		{0x5, 0x6}, {0x3, 0x8}, {0x0, 0x8}, {0xE, 0xF}, {0x0, 0xC},
	}
}

func alike(a, b byte) bool {
	for _, pair := range lookAlikes() {
		if pair == [2]byte{a, b} || pair == [2]byte{b, a} {
			return true
		}
	}
	return false
}

// keyboards lists keys that stand beside or above each other: the top row and the letters of a keyboard, and the columns
// of the block of digits, whose rows are pieces of the top row.
func keyboards() []string {
	return []string{"1234567890", "741", "852", "963", "EDC", "AE", "DF", "EF", "FC"}
}

// beside reports whether two digits stand next to each other on a keyboard.
func beside(a, b byte) bool {
	const digits = "0123456789ABCDEF"
	for _, row := range keyboards() {
		for i := range len(row) - 1 {
			if row[i] == digits[a] && row[i+1] == digits[b] || row[i] == digits[b] && row[i+1] == digits[a] {
				return true
			}
		}
	}
	return false
}

// weigh rates a slip of what was typed.
func (s Slip) weigh(typed []byte) float64 {
	switch s.Kind {
	case Swapped:
		if s.Digits[0].With == s.Digits[0].At+1 {
			return 0.3
		}
		return 1e-4
	case Halves:
		return 0.2
	case Rows:
		return 0.1
	case Groups:
		if s.Digits[0].With == s.Digits[0].At+s.Length {
			return 0.1
		}
		return 1e-2
	case Dropped, Inserted:
		return 1e-3
	case Doubled:
		return 1e-2
	case Repeated, Missing:
		return 3e-2
	}
	return s.weighDigits(typed)
}

// ease rates a digit that was typed for another: look-alikes first, then keys beside each other.
func ease(typed, delta byte) float64 {
	switch right := typed ^ delta; {
	case alike(typed, right):
		return 0.1
	case beside(typed, right):
		return 0.03
	}
	return 0.01
}

// weighDigits rates wrong digits: each makes the slip rarer, look-alikes least. One more in a group where one is wrong
// already is likelier than one elsewhere.
func (s Slip) weighDigits(typed []byte) float64 {
	weight := 1.0
	for i, d := range s.Digits {
		weight *= ease(typed[d.At], d.Delta)
		if i > 0 && s.Kind == Confused {
			weight *= 5 // the same pair again
		} else if i > 0 && s.Digits[i-1].At/4 == d.At/4 {
			weight *= 3
		}
	}
	return weight
}
