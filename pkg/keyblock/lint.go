package keyblock

import (
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Warning is something that a good MAC protects and that is wrong or doubtful all the same. The id is stable; Kind is what
// the warning becomes under --strict.
type Warning struct {
	ID   string
	Kind fault.Kind
	Text text.Text
}

// Ids of warnings. A check value in the header that is not that of the key has [LintMismatch].
const (
	LintLowerCase                = "lower_case_hex"
	LintNotExportable            = "not_exportable"
	LintPayloadNotMultiple       = "payload_not_multiple"
	LintProprietaryUsage         = "proprietary_usage"
	LintProprietaryMode          = "proprietary_mode"
	LintModeUnfit                = "mode_unfit"
	LintProprietaryAlgorithm     = "proprietary_algorithm"
	LintProprietaryExportability = "proprietary_exportability"
	LintProprietaryContext       = "proprietary_context"
	LintReservedNotZero          = "reserved_not_zero"
	LintProprietaryBlock         = "proprietary_block"
	LintTimeNotUTC               = "time_not_utc"
	LintBlockContent             = "block_content"
	LintPBNotLast                = "pb_not_last"
	LintKVDeprecated             = "kv_deprecated"
	LintMissingKSN               = "missing_ksn"
	LintMisplacedKSN             = "misplaced_ksn"
	LintCheckShort               = "check_short"
	LintCheckMethod              = "check_method"
	LintWeakerKBPK               = "weaker_kbpk"
	LintSingleDESKBPK            = "single_des_kbpk"
	LintWeakKBPK                 = "weak_kbpk"
	LintKBPKParity               = "kbpk_parity"
	LintSingleDES                = "single_des"
	LintOddLength                = "odd_length"
	LintWeakKey                  = "weak_key"
	LintKeyParity                = "key_parity"
)

// mismatch ends the id of a check value that is another key's.
const mismatch = "_mismatch"

// LintMismatch is the id of the warning about the check value in an optional block: kc_mismatch, kp_mismatch, pk_mismatch.
func LintMismatch(block string) string { return strings.ToLower(block) + mismatch }

// IsMismatch reports a check value in the header that is not that of the key.
func (w Warning) IsMismatch() bool { return strings.HasSuffix(w.ID, mismatch) }

// Err makes the warning an error.
func (w Warning) Err() error { return &fault.Error{Kind: w.Kind, Text: w.Text} }

type lint struct{ found []Warning }

func (l *lint) add(id string, kind fault.Kind, sentence text.Text) {
	l.found = append(l.found, Warning{id, kind, sentence})
}

// LowerCase is the warning for a block that came in lower case altogether and was made upper case by [Clean].
func LowerCase() Warning {
	return Warning{LintLowerCase, fault.NotHex, text.New("hex letters are in lower case; the standard asks for upper case")}
}

// NotExportable is the warning for a block that says so (6.3.5) and is moved under another KBPK all the same: within one
// owner's boundary that is a change of protection, to anybody else it is an export.
func NotExportable(h *Header) []Warning {
	if h.Exportability != 'N' {
		return nil
	}
	return []Warning{{LintNotExportable, fault.NotPermitted, text.New("the block says that its key is not exportable (N)")}}
}

// Lint tells what can be told without a KBPK.
func (b *Block) Lint() []Warning {
	l := lint{}
	if b.lower || b.lowerLengths() {
		l.add(LintLowerCase, fault.NotHex, LowerCase().Text)
	}
	if err := b.checkPayload(); err != nil {
		l.add(LintPayloadNotMultiple, fault.LengthNotMultiple, text.New("%s", err))
	}
	b.Header.lint(&l)
	return l.found
}

func (b *Block) lowerLengths() bool {
	for i := range b.Optional {
		if strings.ContainsAny(b.Optional[i].length, "abcdef") {
			return true
		}
	}
	return false
}

// lint adds all warnings that need the KBPK and the key to those of the block's form.
func (p *Protector) lint(b *Block, key *keys.Key) ([]Warning, error) {
	more, err := p.lintHeader(&b.Header, key)
	if err != nil {
		return nil, err
	}
	l := lint{found: b.Lint()}
	l.found = append(l.found, more...)
	return l.found, nil
}

// lint looks at the header alone.
func (h *Header) lint(l *lint) {
	if !h.Usage.Known() {
		l.add(LintProprietaryUsage, fault.ModeUnfit, text.New("usage %s is not in X9.143 or ISO 20038", h.Usage))
	}
	modeKnown := strings.IndexByte("BCDEGNSTVXY", h.Mode) >= 0
	if !modeKnown {
		l.add(LintProprietaryMode, fault.ModeUnfit, text.New("mode of use %c is not in X9.143", h.Mode))
	}
	if modeKnown && !h.Usage.Allows(h.Mode) {
		l.add(LintModeUnfit, fault.ModeUnfit, text.New("mode of use %c does not fit usage %s; fitting modes: %s", h.Mode, h.Usage, h.Usage.Modes()))
	}
	if strings.IndexByte("ADEHRSTIJ", h.Algorithm) < 0 {
		l.add(LintProprietaryAlgorithm, fault.HeaderMalformed, text.New("algorithm %c is not in X9.143 or ISO 20038", h.Algorithm))
	}
	if strings.IndexByte("ENS", h.Exportability) < 0 {
		l.add(LintProprietaryExportability, fault.HeaderMalformed, text.New("exportability %c is not in X9.143", h.Exportability))
	}
	if strings.IndexByte("012", h.Context) < 0 {
		l.add(LintProprietaryContext, fault.HeaderMalformed, text.New("key context %c is not in X9.143", h.Context))
	}
	if h.Reserved != '0' {
		l.add(LintReservedNotZero, fault.HeaderMalformed, text.New("the reserved character of the header is %c, not 0", h.Reserved))
	}
	h.lintOptional(l)
	h.lintKSN(l)
}

func (h *Header) lintOptional(l *lint) {
	for i := range h.Optional {
		o := &h.Optional[i]
		if _, known := o.Name(); !known {
			l.add(LintProprietaryBlock, fault.HeaderMalformed, text.New("optional block %s is not in X9.143", o.ID))
			continue
		}
		meaning, ok := o.Meaning()
		switch {
		case ok:
		case o.ID == "TS" || o.ID == "TC":
			l.add(LintTimeNotUTC, fault.HeaderMalformed, text.New("optional block %s: %s", o.ID, meaning))
		default:
			l.add(LintBlockContent, fault.HeaderMalformed, text.New("optional block %s: its content is not as the standard has it", o.ID))
		}
		if o.ID == "PB" && i != len(h.Optional)-1 {
			l.add(LintPBNotLast, fault.HeaderMalformed, text.New("the padding block PB is not the last one"))
		}
		if o.ID == "KV" {
			l.add(LintKVDeprecated, fault.HeaderMalformed, text.New("optional block KV is deprecated"))
		}
	}
}

// lintKSN: an initial DUKPT key is useless without its serial number: KS for TDES, IK for AES. KS on an AES key occurs
// in the field (openemv/tr31 issue 3) and is not of the standard.
func (h *Header) lintKSN(l *lint) {
	_, ks := h.Opt("KS")
	_, ik := h.Opt("IK")
	isIK := h.Usage == keys.UsageIK
	aes := h.Algorithm == 'A'
	if isIK && !ks && !ik {
		l.add(LintMissingKSN, fault.MissingKSN, text.New("an initial DUKPT key without a %s block: nobody can tell its KSN", ksnBlock(h)))
	}
	if isIK && aes && ks {
		l.add(LintMisplacedKSN, fault.MissingKSN, text.New("an AES initial key carries a KS block; the standard has IK for it"))
	}
	if isIK && !aes && ik {
		l.add(LintMisplacedKSN, fault.MissingKSN, text.New("a TDES initial key carries an IK block; the standard has KS for it"))
	}
}

func ksnBlock(h *Header) string {
	if h.Algorithm == 'A' {
		return "IK"
	}
	return "KS"
}

func hasKSN(h *Header) bool {
	_, ok := h.Opt(ksnBlock(h))
	return ok
}

// lintHeader compares the check values in the header with the computed ones, and KBPK with key.
func (p *Protector) lintHeader(h *Header, key *keys.Key) ([]Warning, error) {
	l := lint{}
	if err := p.lintCheck(&l, h, "KC", key, text.New("the wrapped key")); err != nil {
		return nil, err
	}
	for _, id := range []string{"KP", "PK"} {
		if err := p.lintCheck(&l, h, id, p.kbpk, text.New("the KBPK")); err != nil {
			return nil, err
		}
	}
	p.lintStrength(&l, key)
	lintKey(&l, h.Usage, key)
	return l.found, nil
}

// lintCheck: a check value in the header that a good MAC protects and that is not the key's. No other tool looks.
func (p *Protector) lintCheck(l *lint, h *Header, id string, key *keys.Key, whose text.Text) error {
	data, ok := h.Opt(id)
	if !ok || !key.Algorithm().IsBlockCipher() {
		return nil
	}
	if _, ok := explainCheck(data); !ok {
		return nil // block_content has said it
	}
	said, method, ok := parseCheck(data)
	if !ok {
		l.add(LintCheckShort, fault.KCVMismatch, text.New("%s has too few digits to be compared: %d", id, len(data)-2))
		return nil
	}
	computed, err := p.compareCheck(key, said, method)
	if err != nil || computed.Match {
		return err
	}
	other, err := p.compareCheck(key, said, otherMethod(method))
	if err != nil {
		return err
	}
	if other.Match {
		l.add(LintCheckMethod, fault.KCVMismatch, text.New("%s says %s; the value is right, but by %s", id, method, otherMethod(method)))
		return nil
	}
	l.add(LintMismatch(id), fault.KCVMismatch,
		text.New("%s says %s, the check value of %s is %s", id, said.Digits, whose, computed.Computed))
	return nil
}

func (p *Protector) compareCheck(key *keys.Key, said kcv.Expected, m kcv.Method) (kcv.Comparison, error) {
	full, err := kcv.Compute(key.Algorithm(), key.Secret().Expose(), m)
	if err != nil {
		return kcv.Comparison{}, err
	}
	return said.Compare(m, full), nil
}

func parseCheck(data string) (kcv.Expected, kcv.Method, bool) {
	if _, ok := explainCheck(data); !ok {
		return kcv.Expected{}, "", false
	}
	method := kcv.ECBZero
	if data[:2] == "01" {
		method = kcv.CMAC
	}
	said, err := kcv.Parse(data[2:])
	return said, method, err == nil
}

func otherMethod(m kcv.Method) kcv.Method {
	if m == kcv.CMAC {
		return kcv.ECBZero
	}
	return kcv.CMAC
}

func (p *Protector) lintStrength(l *lint, key *keys.Key) {
	kbpk := p.kbpk
	if kbpk.Strength() < key.Strength() {
		l.add(LintWeakerKBPK, fault.WeakKey, text.New("the KBPK (%s, %d bits) is weaker than the key it wraps (%s, %d bits)", kbpk.Algorithm(), kbpk.Strength(), key.Algorithm(), key.Strength()))
	}
	if kbpk.Algorithm() == keys.DES {
		l.add(LintSingleDESKBPK, fault.WeakKey, text.New("the KBPK is single DES"))
	}
	for _, w := range p.kbpkWeak {
		l.add(LintWeakKBPK, fault.WeakKey, text.New("the KBPK is weak: %s", w.Text()))
	}
	parity := kbpk.Parity()
	if parity == keys.ParityEven || parity == keys.ParityMixed {
		l.add(LintKBPKParity, fault.WeakKey, text.New("the KBPK does not have odd parity"))
	}
}

func lintKey(l *lint, usage keys.Usage, key *keys.Key) {
	if key.Algorithm() == keys.DES {
		l.add(LintSingleDES, fault.WeakKey, text.New("the wrapped key is single DES"))
	}
	if key.Algorithm() == keys.Raw {
		l.add(LintOddLength, fault.WeakKey, text.New("the wrapped key has %d bytes, a length its algorithm does not have", key.Len()))
	}
	for _, w := range keys.StructuralOf(key.Algorithm(), key.Secret().Expose()) {
		l.add(LintWeakKey, fault.WeakKey, text.New("the wrapped key is weak: %s", w.Text()))
	}
	if usage == keys.UsageIK {
		return // its parity bits are what the derivation gives; set right, they would lead to other transaction keys
	}
	parity := key.Parity()
	if parity == keys.ParityEven || parity == keys.ParityMixed {
		l.add(LintKeyParity, fault.WeakKey, text.New("the wrapped key does not have odd parity"))
	}
}

func kpDigits(b *Block) string {
	data, _ := b.Opt("KP")
	said, _, _ := parseCheck(data)
	return said.Digits
}

// kpDisagrees reports that there is a KP block and that it fits this KBPK by neither method.
func (p *Protector) kpDisagrees(b *Block) bool {
	fits, there := p.kpFits(b)
	return there && !fits
}

// kpFits compares KP with the KBPK by both methods.
func (p *Protector) kpFits(b *Block) (fits, there bool) {
	data, ok := b.Opt("KP")
	if !ok {
		return false, false
	}
	said, _, ok := parseCheck(data)
	if !ok {
		return false, false
	}
	for _, m := range []kcv.Method{kcv.ECBZero, kcv.CMAC} {
		if full, err := p.kbpkCheck(m); err == nil && said.Compare(m, full).Match {
			return true, true
		}
	}
	return false, true
}
