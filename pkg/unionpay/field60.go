package unionpay

// Field 60: transaction type, batch, network management code.

import (
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Field60 is the field cut into its parts; parts that were not sent are "".
type Field60 struct {
	Type  string // 60.1, two digits
	Batch string // 60.2, six digits
	Code  string // 60.3, three digits: the network management code
}

// ParseField60 cuts the field. Error: malformed.
func ParseField60(digits string) (Field60, error) {
	if len(digits) < 8 || len(digits) > 17 || strings.Trim(digits, "0123456789") != "" {
		return Field60{}, fault.New(fault.Malformed, "field 60 has 8 to 17 digits, got %d characters", len(digits))
	}
	f := Field60{Type: digits[:2], Batch: digits[2:8]}
	if len(digits) >= 11 {
		f.Code = digits[8:11] // 60.4 and what follows say nothing of keys
	}
	return f, nil
}

// CodeInfo says what a network management code stands for.
type CodeInfo struct {
	Code    string
	Meaning text.Text
	Keys    bool // a sign-in with working keys
}

// Codes lists the network management codes that sources name.
func Codes() []CodeInfo {
	return []CodeInfo{
		{"000", text.New("a transaction"), false},
		{"001", text.New("sign-in of a single-length terminal"), true},
		{"003", text.New("sign-in of a double-length terminal"), true},
		{"004", text.New("sign-in of a double-length terminal with track key"), true},
		{"005", text.New("sign-in of an SM4 terminal"), true},
		{"370", text.New("download of CA public keys"), false},
		{"372", text.New("download of public keys of IC cards"), false},
		{"373", text.New("download of SM public keys"), false},
		{"382", text.New("query or download of IC card parameters"), false},
		{"400", text.New("query of the public key for a download of the terminal master key"), false},
		{"570", text.New("download of the blacklist for offline data authentication"), false},
	}
}

// CodeOf gives the row of a code.
func CodeOf(code string) (CodeInfo, bool) {
	for _, c := range Codes() {
		if c.Code == code {
			return c, true
		}
	}
	return CodeInfo{}, false
}
