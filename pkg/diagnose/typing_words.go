package diagnose

// How one slip is worded.

import "poskey/internal/text"

// saysSlip words one slip; places is the number of parts in which it may be.
func saysSlip(f found, side Side, places int, v string) text.Text {
	digit, grp := f.digit+1, group(f.digit)
	if f.piece.piece != PiecePart {
		return saysSlipOutsideParts(f, side, v)
	}
	part := f.piece.part + 1
	switch {
	case side == SideOther && f.swap():
		return text.New(
			"the other side entered part %d with digits %d and %d (group %d) swapped: that gives %s",
			part, digit, digit+1, grp, v,
		)
	case side == SideOther && places > 1:
		return text.New(
			"the other side entered one wrong digit: digit %d (group %d) of part %d gives %s; the same digit of another part would do as well, the odds are equal",
			digit, grp, part, v,
		)
	case side == SideOther:
		return text.New(
			"the other side entered one wrong digit: digit %d (group %d) of part %d gives %s",
			digit, grp, part, v,
		)
	case f.swap():
		return text.New(
			"digits %d and %d (group %d) of part %d are swapped: put right, the result is %s",
			digit, digit+1, grp, part, v,
		)
	case places > 1 && f.odd:
		return text.New(
			"one wrong digit: digit %d (group %d) of part %d or of another part; XOR gives all equal odds, but corrected here all bytes of the part have odd parity; the result is %s",
			digit, grp, part, v)
	case places > 1:
		return text.New(
			"one wrong digit: digit %d (group %d) of part %d or of another part; XOR cannot tell which, the odds are equal; corrected, the result is %s",
			digit, grp, part, v,
		)
	}
	return text.New("one wrong digit: digit %d (group %d) of part %d; corrected, the result is %s", digit, grp, part, v)
}

func saysSlipOutsideParts(f found, side Side, v string) text.Text {
	switch f.piece.piece {
	case PieceKEK:
		return saysSlipInKEK(f, side == SideOther, v)
	case PieceCryptogram:
		return saysSlipInCryptogram(f, side == SideOther, v)
	}
	return saysSlipInKey(f, side == SideOther, v)
}

func saysSlipInKEK(f found, other bool, v string) text.Text {
	digit, grp := f.digit+1, group(f.digit)
	switch {
	case f.swap() && other:
		return text.New(
			"the other side holds the key-encrypting key with digits %d and %d (group %d) swapped: the key opened with that gives %s",
			digit, digit+1, grp, v,
		)
	case f.swap():
		return text.New(
			"digits %d and %d (group %d) of the key-encrypting key are swapped: put right, the key opened with it gives %s",
			digit, digit+1, grp, v,
		)
	case other:
		return text.New(
			"the other side holds the key-encrypting key with one wrong digit, digit %d (group %d): the key opened with that gives %s",
			digit, grp, v,
		)
	}
	return text.New(
		"one wrong digit in the key-encrypting key: digit %d (group %d); corrected, the key opened with it gives %s",
		digit, grp, v,
	)
}

func saysSlipInCryptogram(f found, other bool, v string) text.Text {
	digit, grp := f.digit+1, group(f.digit)
	switch {
	case f.swap() && other:
		return text.New("the other side has digits %d and %d (group %d) of the cryptogram swapped: that gives %s",
			digit, digit+1, grp, v)
	case f.swap():
		return text.New("digits %d and %d (group %d) of the cryptogram are swapped: put right, it gives %s",
			digit, digit+1, grp, v)
	case other:
		return text.New("the other side has one wrong digit in the cryptogram, digit %d (group %d): that gives %s", digit, grp, v)
	}
	return text.New("one wrong digit in the cryptogram: digit %d (group %d); corrected, it gives %s", digit, grp, v)
}

func saysSlipInKey(f found, other bool, v string) text.Text {
	digit, grp := f.digit+1, group(f.digit)
	switch {
	case f.swap() && other:
		return text.New("the other side holds the key with digits %d and %d (group %d) swapped: that gives %s",
			digit, digit+1, grp, v)
	case f.swap():
		return text.New("digits %d and %d (group %d) of the key are swapped: put right, it gives %s", digit, digit+1, grp, v)
	case other:
		return text.New("the other side holds the key with one wrong digit, digit %d (group %d): that gives %s", digit, grp, v)
	}
	return text.New("one wrong digit in the key: digit %d (group %d); corrected, it gives %s", digit, grp, v)
}
