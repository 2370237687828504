package keyblock

import (
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/keys"
)

// ExamineTyped is [Examine] for a KBPK that was typed by who asks. Where nothing else is proven, it also tries every wrong
// digit and every swap of neighbours in the KBPK, and the other forms of the KBPK together with a change of one character
// in the block. Of a KBPK that is kept for others, the place of a digit would be a step towards the key.
func ExamineTyped(b *Block, kbpk *keys.Key) ([]Finding, error) {
	found, err := Examine(b, kbpk)
	if err != nil || len(found) == 0 || found[0].Certainty == Proven {
		return found, err
	}
	if f, ok := searchKBPKSlips(b, kbpk); ok {
		return []Finding{f}, nil
	}
	if f, ok := searchFormsAndEdits(b, kbpk); ok {
		return []Finding{f}, nil
	}
	return found, nil
}

// searchKBPKSlips tries some hundred KBPKs, one slip away each, against the MAC: 1 in 5 million by chance at worst.
func searchKBPKSlips(b *Block, kbpk *keys.Key) (Finding, bool) {
	typed := kbpk.Secret().Expose()
	proven := Finding{Cause: KBPKTypo, Certainty: Proven}
	for digit := range 2 * len(typed) {
		for delta := byte(1); delta < 16; delta++ {
			if kbpk.Algorithm().IsDES() && digit%2 == 1 && delta&1 == 1 {
				continue // DES does not see the lowest bit of a byte
			}
			if opensTurned(b, typed, digit, delta) {
				proven.Digit = digit + 1
				proven.Text = text.New("digit %d of the KBPK is wrong: with another one there the block opens", digit+1)
				return proven, true
			}
		}
		if digit+1 < 2*len(typed) && opensSwapped(b, typed, digit) {
			proven.Digit, proven.Swapped = digit+1, true
			proven.Text = text.New("digits %d and %d of the KBPK are swapped: exchanged, the block opens", digit+1, digit+2)
			return proven, true
		}
	}
	return Finding{}, false
}

// shiftOf is where a digit, counted from 0, stands in its byte.
func shiftOf(digit int) int { return 4 * (1 - digit%2) }

func opensTurned(b *Block, typed []byte, digit int, delta byte) bool {
	sec := secret.Copy(typed)
	sec.Expose()[digit/2] ^= delta << shiftOf(digit)
	return opens(b, sec)
}

func opensSwapped(b *Block, typed []byte, digit int) bool {
	one := typed[digit/2] >> shiftOf(digit) & 15
	two := typed[(digit+1)/2] >> shiftOf(digit+1) & 15
	if one == two {
		return false
	}
	sec := secret.Copy(typed)
	sec.Expose()[digit/2] ^= (one ^ two) << shiftOf(digit)
	sec.Expose()[(digit+1)/2] ^= (one ^ two) << shiftOf(digit+1)
	return opens(b, sec)
}

// searchFormsAndEdits tries two mistakes: another form of the KBPK, and one changed character in the block. A MAC of four
// bytes is short for that many tries, so it proves nothing here.
func searchFormsAndEdits(b *Block, kbpk *keys.Key) (Finding, bool) {
	found, ok := Finding{}, false
	for _, form := range formsOf(kbpk) { // to the end, so that each is wiped
		edit, hit := editsUnder(b, secret.Take(form.key))
		if !hit || ok {
			continue
		}
		found, ok = Finding{Cause: KBPKForm, Certainty: Proven, Form: form.name, Character: edit.Character,
			Text: text.New("two mistakes: the block opens under another form of this KBPK (%s), and %s", form.what, edit.Text)}, true
		if macLen(b.Version) == 4 {
			found.Certainty = Likely
		}
	}
	return found, ok
}

// editsUnder looks for a changed character under a KBPK, which it wipes.
func editsUnder(b *Block, sec *secret.Bytes) (Finding, bool) {
	alg, err := KBPKAlgorithm(b.Version, sec.Len())
	if err != nil {
		sec.Wipe()
		return Finding{}, false
	}
	k, err := keys.New(alg, sec)
	if err != nil {
		return Finding{}, false
	}
	defer k.Wipe()
	p, err := NewProtector(b.Version, k)
	if err != nil {
		return Finding{}, false
	}
	defer p.wipe()
	return p.searchEdits(b)
}
