package keyblock

import (
	"strings"

	"poskey/internal/text"
	"poskey/pkg/keys"
)

// SM4Algorithm is the header character for SM4 keys. Neither X9.143 nor ISO 20038 has one; digits are for proprietary
// use, and poskey takes 4. Readers are told so by the warning proprietary_algorithm.
const SM4Algorithm = '4'

// rawAlgorithm is the proprietary character for bytes that are no key of any algorithm: the boundary keeps them so, and
// they never leave it in a block.
const rawAlgorithm = '0'

// AlgorithmChar gives the header character for a key.
func AlgorithmChar(alg keys.Algorithm) byte {
	switch {
	case alg == keys.DES:
		return 'D'
	case alg.IsDES():
		return 'T'
	case alg.IsAES():
		return 'A'
	case alg.IsHMAC():
		return 'H'
	case alg == keys.SM4:
		return SM4Algorithm
	case alg == keys.RSA:
		return 'R'
	case alg == keys.EC:
		return 'E'
	case alg == keys.DSA:
		return 'S'
	}
	return rawAlgorithm
}

// KeyAlgorithm tells what a payload of n bytes under this header is. Lengths that the algorithm does not have give Raw.
func (h *Header) KeyAlgorithm(n int) keys.Algorithm {
	switch h.Algorithm {
	case 'T', 'D':
		return keys.TDES128.ForLength(n)
	case 'A':
		return keys.AES128.ForLength(n)
	case 'H', 'I':
		return h.hmacAlgorithm()
	case SM4Algorithm:
		return keys.SM4.ForLength(n)
	case 'R':
		return keys.RSA
	case 'E':
		return keys.EC
	case 'S':
		return keys.DSA
	}
	return keys.Raw
}

// hmacAlgorithm reads the HM block (6.3.6.5, table 13). Without one SHA-256 is assumed; SHA-3 is not computed here.
func (h *Header) hmacAlgorithm() keys.Algorithm {
	hm, ok := h.Opt("HM")
	if !ok {
		return keys.HMACSHA256
	}
	for _, row := range hmHashes() {
		if row.code == hm {
			return row.alg
		}
	}
	return keys.Raw
}

type hashRow struct {
	code string
	name string
	alg  keys.Algorithm
}

func hmHashes() []hashRow {
	return []hashRow{
		{"10", "SHA-1", keys.HMACSHA1}, {"20", "SHA-224", keys.HMACSHA224}, {"21", "SHA-256", keys.HMACSHA256},
		{"22", "SHA-384", keys.HMACSHA384}, {"23", "SHA-512", keys.HMACSHA512}, {"24", "SHA-512/224", keys.Raw},
		{"25", "SHA-512/256", keys.Raw}, {"30", "SHA3-224", keys.Raw}, {"31", "SHA3-256", keys.Raw},
		{"32", "SHA3-384", keys.Raw}, {"33", "SHA3-512", keys.Raw}, {"40", "SHAKE128", keys.Raw}, {"41", "SHAKE256", keys.Raw},
	}
}

// HMFor gives the content of an HM block for an HMAC key, or "".
func HMFor(alg keys.Algorithm) string {
	for _, row := range hmHashes() {
		if row.alg == alg && alg != keys.Raw {
			return row.code
		}
	}
	return ""
}

// AlgorithmName explains the header's algorithm (6.3.2; ISO 20038 adds I and J).
func (h *Header) AlgorithmName() text.Text {
	switch h.Algorithm {
	case 'A':
		return text.New("AES")
	case 'D':
		return text.New("DES (single)")
	case 'E':
		return text.New("elliptic curve")
	case 'H':
		return text.New("HMAC")
	case 'I':
		return text.New("HMAC with SHA-2")
	case 'J':
		return text.New("HMAC with SHA-3")
	case 'R':
		return text.New("RSA")
	case 'S':
		return text.New("DSA")
	case 'T':
		return text.New("TDES")
	case SM4Algorithm:
		return text.New("SM4 (a proprietary character, as poskey writes it)")
	}
	return text.New("proprietary")
}

// ModeName explains the mode of use (6.3.3).
func (h *Header) ModeName() text.Text {
	switch h.Mode {
	case 'B':
		return text.New("encrypt and decrypt")
	case 'C':
		return text.New("generate and verify")
	case 'D':
		return text.New("decrypt only")
	case 'E':
		return text.New("encrypt only")
	case 'G':
		return text.New("generate only")
	case 'N':
		return text.New("no restriction")
	case 'S':
		return text.New("sign only")
	case 'T':
		return text.New("sign and decrypt")
	case 'V':
		return text.New("verify only")
	case 'X':
		return text.New("derive keys")
	case 'Y':
		return text.New("create variants")
	}
	return text.New("proprietary")
}

// ExportabilityName explains the exportability (6.3.5).
func (h *Header) ExportabilityName() text.Text {
	switch h.Exportability {
	case 'E':
		return text.New("exportable under a trusted key")
	case 'N':
		return text.New("not exportable")
	case 'S':
		return text.New("sensitive: exportable under an untrusted key")
	}
	return text.New("proprietary")
}

// UsageName explains the key usage.
func (h *Header) UsageName() text.Text {
	return h.Usage.Name()
}

// VersionName explains the version.
func (h *Header) VersionName() text.Text {
	switch h.Version {
	case 'A':
		return text.New("TDES, key variants, CBC-MAC of 4 bytes (old)")
	case 'B':
		return text.New("TDES, keys derived by CMAC, CMAC of 8 bytes")
	case 'C':
		return text.New("TDES, key variants, CBC-MAC of 4 bytes")
	case 'D':
		return text.New("AES-CBC, keys derived by CMAC, CMAC of 16 bytes")
	case 'E':
		return text.New("AES-CTR, keys derived by CMAC, CMAC of 16 bytes (ISO 20038)")
	}
	return text.New("proprietary")
}

// KeyVersionName explains the key version (6.3.4).
func (h *Header) KeyVersionName() text.Text {
	switch {
	case h.KeyVersion == "00":
		return text.New("not used")
	case strings.HasPrefix(h.KeyVersion, "c"):
		return text.New("a component, number %s", h.KeyVersion[1:])
	}
	return text.New("version %s of the key", h.KeyVersion)
}

// ContextName explains the key context.
func (h *Header) ContextName() text.Text {
	switch h.Context {
	case '0':
		return text.New("given by the wrapping key")
	case '1':
		return text.New("for storage")
	case '2':
		return text.New("for exchange")
	}
	return text.New("proprietary")
}
