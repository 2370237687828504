package custody

import (
	"crypto/ed25519"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// The domains of this package's own signatures; Identity.Sign refuses them.
const (
	domainCard     = "card"
	domainApproval = "approval"
)

// signed is what an officer's key signs: the domain stands in front, so that a signature made for one purpose is none
// for another.
func signed(domain string, message []byte) []byte {
	return append([]byte("poskey officer signature 1\n"+domain+"\n"), message...)
}

// checkDomain takes names, but none of this package's own domains.
func checkDomain(domain string) error {
	if domain == domainCard || domain == domainApproval || !isName(domain) {
		return fault.New(fault.Usage, "%q is no domain that others may sign for", text.Redact(domain))
	}
	return nil
}

const maxName = 32

// isName takes a short name for machines and people: a small letter, then small letters, digits, dots and dashes.
func isName(s string) bool {
	if len(s) < 2 || len(s) > maxName || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

func verify(key [ed25519.PublicKeySize]byte, domain string, message, signature []byte) bool {
	return len(signature) == ed25519.SignatureSize && ed25519.Verify(key[:], signed(domain, message), signature)
}
