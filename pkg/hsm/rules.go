package hsm

// What attributes allow. The rules are functions of attributes and headers alone, so that every driver asks the same,
// and a command can ask before anybody types a key. A boundary holds the attributes of a handle against its block
// first: the rules speak of what is there.

import (
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// ProtectorUsage is the usage of a key that is made to protect blocks of a version: K4 for version E, which is of ISO
// 20038 alone, K1 for the others.
func ProtectorUsage(version byte) keys.Usage {
	if version == 'E' {
		return keys.UsageKBPKISO
	}
	return keys.UsageKBPK
}

// protects reports whether keys of the usage protect blocks of the version: K0 and K1 those of X9.143, K4 those of ISO
// 20038, which knows D too. Of a version that nobody knows the protector will complain.
func protects(usage keys.Usage, version byte) bool {
	switch usage {
	case keys.UsageKEK, keys.UsageKBPK:
		return version != 'E'
	case keys.UsageKBPKISO:
		return strings.IndexByte("ABC", version) < 0
	}
	return false
}

// CheckProtects tells whether a block of the version may be closed under a key with these attributes: a key-protecting
// key whose mode encrypts (B, E or N). Kind not_permitted.
func (a Attributes) CheckProtects(version byte) error { return a.checkProtector(version, "BEN") }

// CheckOpens tells whether a block of the version may be opened under a key with these attributes: a key-protecting key
// whose mode decrypts (B, D or N). Kind not_permitted.
func (a Attributes) CheckOpens(version byte) error { return a.checkProtector(version, "BDN") }

func (a Attributes) checkProtector(version byte, modes string) error {
	if !protects(a.Usage, version) {
		return fault.New(fault.NotPermitted,
			"a key with usage %s protects no key block of version %c; keys with usage K0 or K1 protect A to D, with K4 D and E",
			a.Usage, version)
	}
	if strings.IndexByte(modes, a.Mode) < 0 {
		return fault.New(fault.NotPermitted,
			"the mode of use %c of the KBPK does not allow this; it takes one of %s", a.Mode, modes)
	}
	return nil
}

// CheckTaken tells whether a strict boundary takes a key of the algorithm in, whatever a [Policy] says: not single DES,
// which anybody finds. Kind weak_key.
func CheckTaken(alg keys.Algorithm) error {
	if alg == keys.DES {
		return fault.New(fault.WeakKey, "a key store and a token take no single DES key in; take tdes-128 or better")
	}
	return nil
}

// CheckStrength tells whether a strict boundary closes a block over the key under the KBPK: not under single DES, and
// only with allowWeak under one that is weaker than the key (PCI PIN 10-1). Kind weak_key.
func (k Key) CheckStrength(kbpk Key, allowWeak bool) error {
	return checkStrength(k.Algorithm, k.Len, kbpk.Algorithm, kbpk.Len, allowWeak)
}

func checkStrength(alg keys.Algorithm, n int, kbpk keys.Algorithm, kbpkLen int, allowWeak bool) error {
	if kbpk == keys.DES {
		return fault.New(fault.WeakKey, "the KBPK is single DES")
	}
	if has, needs := kbpk.Strength(kbpkLen), alg.Strength(n); has < needs && !allowWeak {
		return fault.New(fault.WeakKey, "the KBPK (%s, %d bits) is weaker than the key it wraps (%s, %d bits)",
			kbpk, has, alg, needs)
	}
	return nil
}

// CheckWrap tells whether a key may leave under the header. The header has the key's usage and algorithm, the key's
// mode or a narrower one, and an exportability that is not looser. What is not exportable does not leave, and no
// transaction key does. Kinds: not_permitted, header_malformed.
func (k Key) CheckWrap(h *keyblock.Header) error {
	switch {
	case k.isTransaction():
		return errTransaction()
	case looseness(k.Exportability) == 0:
		return errNotExportable()
	}
	if err := k.CheckPurpose(h.Usage, h.Mode); err != nil {
		return err
	}
	if alg := h.KeyAlgorithm(k.Len); k.Algorithm.IsHMAC() && alg.IsHMAC() && alg != k.Algorithm {
		return fault.New(fault.HeaderMalformed, "the header's hash (block HM) is not that of the key: %s", k.Algorithm)
	}
	if err := h.CheckAttributes(true); err != nil {
		return err
	}
	if looseness(h.Exportability) > looseness(k.Exportability) {
		return fault.New(fault.NotPermitted,
			"the key has exportability %c; it cannot become %c", k.Exportability, h.Exportability)
	}
	return nil
}

func errNotExportable() error {
	return fault.New(fault.NotPermitted, "the key is not exportable (N): it goes into no key block")
}

// CheckPurpose tells whether a key with these attributes becomes one of a usage and a mode: its own usage, its own mode
// or a narrower one. Kind not_permitted.
func (a Attributes) CheckPurpose(usage keys.Usage, mode byte) error {
	switch {
	case usage != a.Usage:
		return fault.New(fault.NotPermitted, "the key has usage %s; it cannot become %s", a.Usage, text.Redact(string(usage)))
	case !narrower(a, mode):
		return fault.New(fault.NotPermitted, "the key has mode of use %c; it cannot become %c", a.Mode, mode)
	}
	return nil
}

// narrower reports whether a mode allows no more than the key's own: B splits into E and D, C into G and V, T into S
// and D. N is no restriction but the usage's: it becomes every mode that fits the usage.
func narrower(a Attributes, mode byte) bool {
	if a.Mode == mode {
		return true
	}
	switch a.Mode {
	case 'B':
		return mode == 'E' || mode == 'D'
	case 'C':
		return mode == 'G' || mode == 'V'
	case 'T':
		return mode == 'S' || mode == 'D'
	case 'N':
		return a.Usage.Allows(mode)
	}
	return false
}

// looseness orders exportabilities (X9.143 6.3.5): N not at all, E under trusted keys, S under others too.
func looseness(exportability byte) int {
	switch exportability {
	case 'E':
		return 1
	case 'S':
		return 2
	}
	return 0
}

// CheckTranslate tells whether a strict boundary moves the block of a key with these attributes under another KBPK,
// which is an export: not when the key is not exportable. Kind not_permitted.
func (a Attributes) CheckTranslate() error {
	if looseness(a.Exportability) == 0 {
		return errNotExportable()
	}
	return nil
}

// CheckClear tells whether a strict boundary gives the clear key away, whole or in components: not when the key is not
// exportable. Kind not_permitted.
func (a Attributes) CheckClear() error {
	if looseness(a.Exportability) == 0 {
		return fault.New(fault.NotPermitted, "the key is not exportable (N): it is neither shown nor cut into components")
	}
	return nil
}

// CheckValueRule tells whether a strict boundary tells a check value of so many digits by the method: PCI PIN 15-1 for
// TDES (ecb-zero up to 6 digits, cmac up to 10) and AES (cmac up to 10), for others their default method up to the
// length its users print. Kind not_permitted.
func CheckValueRule(alg keys.Algorithm, m kcv.Method, digits int) error {
	most := toldDigits(alg, m)
	switch {
	case most == 0:
		return fault.New(fault.NotPermitted, "of this key no value by %s is told, only whether one that is given agrees", m)
	case digits > most:
		return fault.New(fault.NotPermitted, "of a check value by %s no more than %d digits are told", m, most)
	}
	return nil
}

// toldDigits is how many digits of a method a strict boundary tells; 0 for methods of which it tells none.
func toldDigits(alg keys.Algorithm, m kcv.Method) int {
	known := alg.IsBlockCipher() || alg.IsHMAC()
	if known && (m == kcv.Default(alg) || m == kcv.CMAC && alg.IsBlockCipher()) {
		return kcv.Limit(alg, m)
	}
	return 0
}

// leastDigits and mostDigits bound what a strict boundary compares. Below four digits an answer tells a digit in a few
// questions. Above the longest check value in use it would tell the rest of the cipher block digit by digit, 16
// questions each. A longer value is refused: that its first digits agree does not say that it does. A diagnosis
// compares its first digits all the same, and its answer says how many.
const leastDigits = 4

func mostDigits(alg keys.Algorithm, m kcv.Method) int { return min(10, max(8, kcv.Limit(alg, m))) }

// bounded refuses an expected value of another length than a strict boundary compares. Kind malformed_length.
func bounded(e kcv.Expected, most int) error {
	if n := len(e.Digits); n > most {
		return fault.New(fault.MalformedLength,
			"a check value of %d digits is not compared with this key; give no more than the first %d", n, most)
	}
	_, err := compared(e, most)
	return err
}

// compared cuts an expected value to what a strict boundary compares. Kind malformed_length for too few digits.
func compared(e kcv.Expected, most int) (kcv.Expected, error) {
	if len(e.Digits) < leastDigits {
		return kcv.Expected{}, fault.New(fault.MalformedLength,
			"a check value of %d digits is not compared with this key; it takes %d", len(e.Digits), leastDigits)
	}
	e.Digits = e.Digits[:min(len(e.Digits), most)]
	return e, nil
}
