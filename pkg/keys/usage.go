package keys

import (
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
)

// Usage is a key usage of X9.143 (6.3.1, table 2): two characters.
type Usage string

// Usages that code asks for by name.
const (
	UsageBDK     Usage = "B0"
	UsageIK      Usage = "B1"
	UsageData    Usage = "D0"
	UsageKEK     Usage = "K0"
	UsageKBPK    Usage = "K1"
	UsageKBPKISO Usage = "K4"
	UsageMAC1    Usage = "M1"
	UsageRetail  Usage = "M3"
	UsageHMAC    Usage = "M7"
	UsagePIN     Usage = "P0"
)

// UsageInfo is one row of the table of usages.
type UsageInfo struct {
	Code  Usage
	Modes string // modes of use that fit, the default first; lint, not law
	Name  text.Text
}

// Usages gives the table: codes of X9.143 table 2 and of ISO 20038, with the modes that fit. The pairs are general
// knowledge of the trade, read off the tables' intent; the standard's own matrix was not at hand.
func Usages() []UsageInfo {
	return []UsageInfo{
		{"B0", "XN", text.New("base derivation key (BDK)")},
		{"B1", "XN", text.New("initial DUKPT key (IK)")},
		{"B2", "XN", text.New("base key variant key")},
		{"B3", "XN", text.New("key derivation key (not ANSI X9.24)")},
		{"C0", "CGVN", text.New("card verification key (CVK)")},
		{"D0", "BDEN", text.New("data encryption key")},
		{"D1", "BDEN", text.New("asymmetric data encryption key")},
		{"D2", "BDEN", text.New("data encryption key for decimalisation table")},
		{"D3", "BDEN", text.New("data encryption key for sensitive data")},
		{"E0", "XNBCDEGV", text.New("EMV issuer master key: application cryptograms")},
		{"E1", "XNBCDEGV", text.New("EMV issuer master key: secure messaging, confidentiality")},
		{"E2", "XNBCDEGV", text.New("EMV issuer master key: secure messaging, integrity")},
		{"E3", "XNBCDEGV", text.New("EMV issuer master key: data authentication code")},
		{"E4", "XNBCDEGV", text.New("EMV issuer master key: dynamic numbers")},
		{"E5", "XNBCDEGV", text.New("EMV issuer master key: card personalisation")},
		{"E6", "XNBCDEGV", text.New("EMV issuer master key: other")},
		{"E7", "XNBCDEGV", text.New("EMV master personalisation key")},
		{"I0", "N", text.New("initialisation vector (IV)")},
		{"K0", "BDEN", text.New("key-encrypting key (KEK)")},
		{"K1", "BDEN", text.New("key block protection key (KBPK), X9.143")},
		{"K2", "BDEN", text.New("TR-34 asymmetric key")},
		{"K3", "BDENX", text.New("asymmetric key for wrapping or agreement")},
		{"K4", "BDEN", text.New("key block protection key (KBPK), ISO 20038")},
		{"M0", "CGVN", text.New("MAC key, ISO 16609 algorithm 1 with TDES")},
		{"M1", "CGVN", text.New("MAC key, ISO 9797-1 algorithm 1")},
		{"M2", "CGVN", text.New("MAC key, ISO 9797-1 algorithm 2")},
		{"M3", "CGVN", text.New("MAC key, ISO 9797-1 algorithm 3 (retail MAC)")},
		{"M4", "CGVN", text.New("MAC key, ISO 9797-1 algorithm 4")},
		{"M5", "CGVN", text.New("MAC key, ISO 9797-1 algorithm 5")},
		{"M6", "CGVN", text.New("MAC key, ISO 9797-1 algorithm 5, CMAC")},
		{"M7", "CGVN", text.New("MAC key, HMAC")},
		{"M8", "CGVN", text.New("MAC key, ISO 9797-1 algorithm 6")},
		{"P0", "BDEN", text.New("PIN encryption key")},
		{"P1", "CGVN", text.New("PIN generation key")},
		{"S0", "SVNT", text.New("asymmetric key pair for signatures")},
		{"S1", "SVNT", text.New("asymmetric key pair, CA")},
		{"S2", "SVNT", text.New("asymmetric key pair, other than X9.24")},
		{"V0", "CGVNBDE", text.New("PIN verification key, other")},
		{"V1", "CGVNBDE", text.New("PIN verification key, IBM 3624")},
		{"V2", "CGVNBDE", text.New("PIN verification key, VISA PVV")},
		{"V3", "CGVNBDE", text.New("PIN verification key, X9.132 algorithm 1")},
		{"V4", "CGVNBDE", text.New("PIN verification key, X9.132 algorithm 2")},
		{"V5", "CGVNBDE", text.New("PIN verification key, X9.132 algorithm 3")},
	}
}

// Info looks a usage up; ok is false for proprietary ones.
func (u Usage) Info() (info UsageInfo, ok bool) {
	for _, row := range Usages() {
		if row.Code == u {
			return row, true
		}
	}
	return UsageInfo{}, false
}

// ParseUsage reads a usage code in either case. Proprietary codes (two letters or digits outside the table) pass; the
// key-block lint warns of them.
func ParseUsage(s string) (Usage, error) {
	u := strings.ToUpper(strings.TrimSpace(s))
	if len(u) != 2 || !isAlnum(u[0]) || !isAlnum(u[1]) {
		return "", fault.New(fault.Usage, "key usage %q is not two letters or digits, such as K0, P0, B1 or D0", s)
	}
	return Usage(u), nil
}

func isAlnum(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' }

// DefaultMode is the mode of use that goes with a usage when none is said; N where the usage is unknown.
func (u Usage) DefaultMode() byte {
	if info, ok := u.Info(); ok {
		return info.Modes[0]
	}
	return 'N'
}

// Allows reports whether the mode fits the usage, true for proprietary usages, of which nothing is known.
func (u Usage) Allows(mode byte) bool {
	info, ok := u.Info()
	return !ok || strings.IndexByte(info.Modes, mode) >= 0
}
