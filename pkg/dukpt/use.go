package dukpt

// What a working key is for and what it is: the names of the command line and the indicators of the standards.

import (
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/keys"
)

// Use is what a working key is for. Request goes from the terminal to the host, response comes back.
type Use string

// The uses.
const (
	PIN          Use = "pin"
	MACRequest   Use = "mac-request"
	MACResponse  Use = "mac-response"
	MAC          Use = "mac" // both ways, AES only
	DataRequest  Use = "data-request"
	DataResponse Use = "data-response"
	Data         Use = "data" // both ways, AES only
	KEK          Use = "kek"  // AES only
)

// Uses lists the uses that a scheme has.
func Uses(s Scheme) []Use {
	if s == TDES {
		return []Use{PIN, MACRequest, MACResponse, DataRequest, DataResponse}
	}
	return []Use{PIN, MACRequest, MACResponse, MAC, DataRequest, DataResponse, Data, KEK}
}

func unknownUse(s string) error {
	return fault.New(fault.Usage, "unknown use %q of a working key; known: %s", text.Redact(s), join(Uses(AES)))
}

// IsMAC reports whether the use is a MAC, one way or both.
func (u Use) IsMAC() bool { return u == MAC || u == MACRequest || u == MACResponse }

// IsData reports whether the use is data encryption, one way or both.
func (u Use) IsData() bool { return u == Data || u == DataRequest || u == DataResponse }

// check tells why the scheme has no such use.
func (u Use) check(s Scheme) error {
	if !slices.Contains(Uses(AES), u) {
		return unknownUse(string(u))
	}
	if s == AES {
		return nil
	}
	switch u {
	case MAC:
		return fault.New(fault.Usage, "TDES DUKPT has no MAC key for both ways; take mac-request or mac-response")
	case Data:
		return fault.New(fault.Usage, "TDES DUKPT has no data key for both ways; take data-request or data-response")
	case KEK:
		return fault.New(fault.Usage, "TDES DUKPT has no key-encryption key; only AES DUKPT derives one")
	}
	return nil
}

// KeyType is the kind of a working key; only AES DUKPT has a choice. "" stands for a key like the one it is derived from.
type KeyType string

// The types (X9.24-3:2017 6.3.2). Those of block ciphers have the algorithm's name. What hash an HMAC key is for is not
// part of the derivation; SHA-256 is taken.
const (
	TypeTDES128 = KeyType(keys.TDES128)
	TypeTDES192 = KeyType(keys.TDES192)
	TypeAES128  = KeyType(keys.AES128)
	TypeAES192  = KeyType(keys.AES192)
	TypeAES256  = KeyType(keys.AES256)
	TypeHMAC128 = KeyType("hmac-128")
	TypeHMAC192 = KeyType("hmac-192")
	TypeHMAC256 = KeyType("hmac-256")
)

// KeyTypes lists the types.
func KeyTypes() []KeyType {
	return []KeyType{TypeTDES128, TypeTDES192, TypeAES128, TypeAES192, TypeAES256, TypeHMAC128, TypeHMAC192, TypeHMAC256}
}

// ParseKeyType reads a type in either case; hmac-sha256 is the longest of the HMAC keys. An unknown one is an error of
// kind usage.
func ParseKeyType(s string) (KeyType, error) {
	name := strings.ToLower(strings.TrimSpace(s))
	if name == string(keys.HMACSHA256) {
		return TypeHMAC256, nil
	}
	for _, t := range KeyTypes() {
		if name == string(t) {
			return t, nil
		}
	}
	return "", unknownType(s)
}

func unknownType(s string) error {
	return fault.New(fault.Usage, "unknown type %q of a working key; known: %s", text.Redact(s), join(KeyTypes()))
}

// Algorithm is that of the working key.
func (t KeyType) Algorithm() keys.Algorithm {
	if t.IsHMAC() {
		return keys.HMACSHA256
	}
	return keys.Algorithm(t)
}

// IsHMAC reports whether it is an HMAC key.
func (t KeyType) IsHMAC() bool { return t == TypeHMAC128 || t == TypeHMAC192 || t == TypeHMAC256 }

// Len is the length in bytes, 0 for an unknown type.
func (t KeyType) Len() int {
	switch t {
	case TypeTDES128, TypeAES128, TypeHMAC128:
		return 16
	case TypeTDES192, TypeAES192, TypeHMAC192:
		return 24
	case TypeAES256, TypeHMAC256:
		return 32
	}
	return 0
}

// like is the type that a key of the algorithm has itself.
func like(alg keys.Algorithm) KeyType { return KeyType(alg) }

// indicator is the algorithm's number in derivation data (X9.24-3:2017 6.3.2 tables 2, 3).
func (t KeyType) indicator() uint16 {
	switch t {
	case TypeTDES128:
		return 0x0000
	case TypeTDES192:
		return 0x0001
	case TypeAES128:
		return 0x0002
	case TypeAES192:
		return 0x0003
	case TypeAES256:
		return 0x0004
	}
	return 0x0005 // HMAC
}

// check tells why the scheme gives no key of the type for the use. An HMAC key encrypts nothing.
func (t KeyType) check(s Scheme, u Use) error {
	if !slices.Contains(KeyTypes(), t) {
		return unknownType(string(t))
	}
	if s == TDES && t != TypeTDES128 {
		return fault.New(fault.Usage, "TDES DUKPT derives tdes-128 working keys only, not %s", string(t))
	}
	if t.IsHMAC() && !u.IsMAC() {
		return fault.New(fault.Usage, "an HMAC key (%s) can be a MAC key only, not %s", string(t), string(u))
	}
	return nil
}

func join[T ~string](names []T) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = string(n)
	}
	return strings.Join(parts, " ")
}
