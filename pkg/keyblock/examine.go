package keyblock

import (
	"crypto/subtle"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/keys"
)

// Finding is what the evidence says about a block whose MAC does not verify.
type Finding struct {
	Cause     string
	Certainty string // proven: a repaired block verifies
	Form      string // of a KBPK in another form
	Character int    // where the text was changed, from 1; 0 where it is not one place
	Digit     int    // of a slip in the KBPK: of its digits, from 1
	Swapped   bool   // of a slip in the KBPK: with the digit behind it
	Text      text.Text
	Corrected string // a block that verifies under the KBPK given, or ""
}

// The causes of a finding, which never change their meaning.
const (
	WrongKBPK     = "kbpk_wrong"
	KBPKForm      = "kbpk_form" // another form of it opens the block
	KBPKTypo      = "kbpk_typo"
	HeaderEdited  = "header_edited"
	PayloadEdited = "payload_edited"
	MACEdited     = "mac_edited"
	LengthWrong   = "length_wrong" // the text is not as long as its length field says
)

// The forms of a KBPK.
const (
	HalvesSwapped = "halves_swapped"
	Form16As24    = "16_as_24"
	Form24As16    = "24_as_16"
	FirstHalf     = "first_half"
	SecondHalf    = "second_half"
)

// The certainties of a finding.
const (
	Proven   = "proven"
	Likely   = "likely"
	Possible = "possible"
)

// maxTries bounds the search; a block with certificates is long, and its user waits.
const maxTries = 40000

// Examine tells apart, as far as the evidence goes, a wrong KBPK, an edited header, a damaged payload and slips of typing.
// It tries every change of one character and every swap of two neighbours (a repair whose MAC verifies is proof: the
// chance is 1 in 2^32 a try at worst, 1 in 2^64 and better from version B on), then other forms of the KBPK, then
// weighs what the decrypted payload and the KP block say. It searches with data-dependent exits: the hypotheses are
// about a block that is public. It returns nothing for a block that verifies.
func Examine(b *Block, kbpk *keys.Key) ([]Finding, error) {
	p, err := NewProtector(b.Version, kbpk)
	if err != nil {
		return nil, err
	}
	defer p.wipe()
	if p.verifies(b) {
		return nil, nil
	}
	if f, ok := p.searchEdits(b); ok {
		return []Finding{f}, nil
	}
	if f, ok := searchKBPKForms(b, kbpk); ok {
		return []Finding{f}, nil
	}
	return p.weigh(b), nil
}

func (p *Protector) wipe() { secret.Wipe(p.work[:cap(p.work)]) }

// verifies reports whether the MAC is good.
func (p *Protector) verifies(b *Block) bool {
	if b.checkPayload() != nil || p.decryptBody(b) != nil {
		return false
	}
	n := macLen(p.version)
	return subtle.ConstantTimeCompare(p.sum[:n], p.want[:n]) == 1
}

// searchEdits tries single characters and swaps of neighbours: MAC first, as the cheapest and likeliest to be retyped.
func (p *Protector) searchEdits(b *Block) (Finding, bool) {
	const hexChars, allChars = "0123456789ABCDEF", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	macAt := len(b.text) - 2*macLen(b.Version)
	tries := 0
	for _, part := range []struct {
		cause    string
		from, to int
		chars    string
		what     text.Text
	}{
		{MACEdited, macAt, len(b.text), hexChars, text.New("the MAC")},
		{HeaderEdited, 0, b.headerLen, allChars, text.New("the header")},
		{PayloadEdited, b.headerLen, macAt, hexChars, text.New("the encrypted key")},
	} {
		if tries += (part.to - part.from) * len(part.chars); tries > maxTries {
			break
		}
		if f, ok := p.searchPart(b.text, part.from, part.to, part.chars); ok {
			f.Cause = part.cause
			f.Text = text.New("%s in %s: %s", f.Text, part.what, text.New("with that put right the MAC verifies"))
			return f, true
		}
	}
	return Finding{}, false
}

func (p *Protector) searchPart(whole string, from, to int, chars string) (Finding, bool) {
	candidate := []byte(whole)
	for i := from; i < to; i++ {
		was := candidate[i]
		for j := range len(chars) {
			if chars[j] == was {
				continue
			}
			candidate[i] = chars[j]
			if p.repairs(candidate) {
				return Finding{Certainty: Proven, Character: i + 1, Corrected: string(candidate),
					Text: text.New("character %d is %c, must be %c", i+1, was, chars[j])}, true
			}
		}
		candidate[i] = was
		if i+1 < to && candidate[i] != candidate[i+1] {
			candidate[i], candidate[i+1] = candidate[i+1], candidate[i]
			if p.repairs(candidate) {
				return Finding{Certainty: Proven, Character: i + 1, Corrected: string(candidate),
					Text: text.New("characters %d and %d are swapped", i+1, i+2)}, true
			}
			candidate[i], candidate[i+1] = candidate[i+1], candidate[i]
		}
	}
	return Finding{}, false
}

func (p *Protector) repairs(candidate []byte) bool {
	if candidate[0] != p.version {
		return p.repairsVersion(candidate)
	}
	b, err := Parse(string(candidate))
	return err == nil && p.verifies(b)
}

// repairsVersion tries a changed version letter: B for a block that was made by the variant method is a common slip.
func (p *Protector) repairsVersion(candidate []byte) bool {
	b, err := Parse(string(candidate))
	return err == nil && opens(b, secret.Copy(p.kbpk.Secret().Expose())) // a KBPK of 16 bytes may be of either family
}

// kbpkForm is another way to write a KBPK down.
type kbpkForm struct {
	name string
	what text.Text
	key  []byte
}

// searchKBPKForms tries what people do to a KBPK: halves swapped, two keys written as three, three that are two. A 2-key
// KBPK expanded to 24 bytes derives other keys under version B.
func searchKBPKForms(b *Block, kbpk *keys.Key) (Finding, bool) {
	found, ok := Finding{}, false
	for _, f := range append(formsOf(kbpk), halvesOf(kbpk)...) { // to the end, so that each is wiped
		if opens(b, secret.Take(f.key)) && !ok {
			found, ok = Finding{Cause: KBPKForm, Certainty: Proven, Form: f.name,
				Text: text.New("the block opens under another form of this KBPK: %s", f.what)}, true
		}
	}
	return found, ok
}

// formsOf lists the other forms of a KBPK; the caller wipes them.
func formsOf(kbpk *keys.Key) []kbpkForm {
	key := kbpk.Secret().Expose()
	half := len(key) / 2
	forms := []kbpkForm{{HalvesSwapped, text.New("its two halves swapped"), join(key[half:], key[:half])}}
	switch kbpk.Algorithm() {
	case keys.TDES128:
		forms = append(forms, kbpkForm{Form16As24, text.New("its 16 bytes written as 24 (K1 K2 K1)"), join(key, key[:8])})
	case keys.TDES192, keys.AES192:
		forms = append(forms, kbpkForm{Form24As16, text.New("its first 16 bytes alone"), join(key[:16])})
	}
	return forms
}

// halvesOf lists what is left of a KBPK of two halves that was cut in two: a field took as many digits as it had room for.
// The caller wipes them.
func halvesOf(kbpk *keys.Key) []kbpkForm {
	key := kbpk.Secret().Expose()
	half := len(key) / 2
	if len(key) != 16 && len(key) != 32 {
		return nil
	}
	return []kbpkForm{
		{FirstHalf, text.New("its first %d bytes alone", half), join(key[:half])},
		{SecondHalf, text.New("its last %d bytes alone", half), join(key[half:])},
	}
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// opens reports whether the secret, which it wipes, is the block's KBPK.
func opens(b *Block, sec *secret.Bytes) bool {
	alg, err := KBPKAlgorithm(b.Version, sec.Len())
	if err != nil {
		sec.Wipe()
		return false
	}
	k, err := keys.New(alg, sec)
	if err != nil {
		return false
	}
	defer k.Wipe()
	p, err := NewProtector(b.Version, k)
	if err != nil {
		return false
	}
	defer p.wipe()
	return p.verifies(b)
}

// weigh judges by what KP says and by how the decrypted payload looks.
func (p *Protector) weigh(b *Block) []Finding {
	fits, there := p.kpFits(b)
	plausible := p.plausible(b)
	damaged := Finding{Cause: PayloadEdited, Certainty: Possible,
		Text: text.New("the encrypted key or the MAC was changed in more than one place; get the block again")}
	header := Finding{Cause: HeaderEdited, Certainty: Likely,
		Text: text.New("the payload decrypts to a well-formed key, so the KBPK is right: the header or the MAC was changed in more than one place")}
	wrong := Finding{Cause: WrongKBPK, Certainty: Likely,
		Text: text.New("another KBPK closed this block, or the block was damaged in more than one place; compare the check values of the KBPK on both sides")}
	switch {
	case plausible:
		return []Finding{header}
	case fits:
		damaged.Certainty = Likely
		damaged.Text = text.New("the KP block agrees, so the KBPK is right: the encrypted key or the MAC was changed in more than one place; get the block again")
		return []Finding{damaged}
	case there:
		wrong.Text = text.New("the KP block says that a KBPK with check value %s closed this block; find that key", kpDigits(b))
		return []Finding{wrong, damaged}
	}
	return []Finding{wrong, damaged}
}

// plausible reports that the unauthenticated plaintext begins with a length that fits, and, for DES keys, that the key has
// odd parity: 1 in 16 million and less by chance for DES, 1 in 16,000 for others. It believes nothing else of it.
func (p *Protector) plausible(b *Block) bool {
	if b.checkPayload() != nil || p.decryptBody(b) != nil {
		return false
	}
	bits, ok := payloadBits(p.work)
	if !ok || bits == 0 || bits%64 != 0 || bits > 256 || bits/8 > len(p.work)-2 {
		return false
	}
	key := p.work[2 : 2+bits/8]
	return !b.KeyAlgorithm(len(key)).IsDES() || keys.ParityOf(key) == keys.ParityOdd
}

// Failed tells whether an error of Unwrap is one that Examine can say more about.
func Failed(err error) bool {
	return fault.Is(err, fault.MACMismatch) || fault.Is(err, fault.KBPKWrong)
}
