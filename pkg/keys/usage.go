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
	UsageCMAC    Usage = "M6"
	UsageHMAC    Usage = "M7"
	UsagePIN     Usage = "P0"
)

// Usages lists the codes of X9.143 table 2 and of ISO 20038, in their order.
func Usages() []Usage {
	return []Usage{
		"B0", "B1", "B2", "B3", "C0", "D0", "D1", "D2", "D3", "E0", "E1", "E2",
		"E3", "E4", "E5", "E6", "E7", "I0", "K0", "K1", "K2", "K3", "K4", "M0",
		"M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "P0", "P1", "S0", "S1",
		"S2", "V0", "V1", "V2", "V3", "V4", "V5",
	}
}

// Modes gives the modes of use that fit a usage, the default first; "" for a proprietary usage, of which nothing is known.
// The pairs are lint, not law: general knowledge of the trade, since the standard's own matrix was not at hand.
func (u Usage) Modes() string {
	switch u {
	case "B0", "B1", "B2", "B3":
		return "XN"
	case "C0", "M0", "M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "P1":
		return "CGVN"
	case "D0", "D1", "D2", "D3", "K0", "K1", "K2", "K4", "P0":
		return "BDEN"
	case "E0", "E1", "E2", "E3", "E4", "E5", "E6", "E7":
		return "XNBCDEGV"
	case "I0":
		return "N"
	case "K3":
		return "BDENX"
	case "S0", "S1", "S2":
		return "SVNT"
	case "V0", "V1", "V2", "V3", "V4", "V5":
		return "CGVNBDE"
	}
	return ""
}

// Name says what the usage is for; proprietary ones are called so.
func (u Usage) Name() text.Text {
	switch u {
	case "B0":
		return text.New("base derivation key (BDK)")
	case "B1":
		return text.New("initial DUKPT key (IK)")
	case "B2":
		return text.New("base key variant key")
	case "B3":
		return text.New("key derivation key (not ANSI X9.24)")
	case "C0":
		return text.New("card verification key (CVK)")
	case "D0":
		return text.New("data encryption key")
	case "D1":
		return text.New("asymmetric data encryption key")
	case "D2":
		return text.New("data encryption key for decimalisation table")
	case "D3":
		return text.New("data encryption key for sensitive data")
	case "E0":
		return text.New("EMV issuer master key: application cryptograms")
	case "E1":
		return text.New("EMV issuer master key: secure messaging, confidentiality")
	case "E2":
		return text.New("EMV issuer master key: secure messaging, integrity")
	case "E3":
		return text.New("EMV issuer master key: data authentication code")
	case "E4":
		return text.New("EMV issuer master key: dynamic numbers")
	case "E5":
		return text.New("EMV issuer master key: card personalisation")
	case "E6":
		return text.New("EMV issuer master key: other")
	case "E7":
		return text.New("EMV master personalisation key")
	case "I0":
		return text.New("initialisation vector (IV)")
	case "K0":
		return text.New("key-encrypting key (KEK)")
	case "K1":
		return text.New("key block protection key (KBPK), X9.143")
	case "K2":
		return text.New("TR-34 asymmetric key")
	case "K3":
		return text.New("asymmetric key for wrapping or agreement")
	case "K4":
		return text.New("key block protection key (KBPK), ISO 20038")
	case "M0":
		return text.New("MAC key, ISO 16609 algorithm 1 with TDES")
	case "M1":
		return text.New("MAC key, ISO 9797-1 algorithm 1")
	case "M2":
		return text.New("MAC key, ISO 9797-1 algorithm 2")
	case "M3":
		return text.New("MAC key, ISO 9797-1 algorithm 3 (retail MAC)")
	case "M4":
		return text.New("MAC key, ISO 9797-1 algorithm 4")
	case "M5":
		return text.New("MAC key, ISO 9797-1 algorithm 5")
	case "M6":
		return text.New("MAC key, ISO 9797-1 algorithm 5, CMAC")
	case "M7":
		return text.New("MAC key, HMAC")
	case "M8":
		return text.New("MAC key, ISO 9797-1 algorithm 6")
	case "P0":
		return text.New("PIN encryption key")
	case "P1":
		return text.New("PIN generation key")
	case "S0":
		return text.New("asymmetric key pair for signatures")
	case "S1":
		return text.New("asymmetric key pair, CA")
	case "S2":
		return text.New("asymmetric key pair, other than X9.24")
	case "V0":
		return text.New("PIN verification key, other")
	case "V1":
		return text.New("PIN verification key, IBM 3624")
	case "V2":
		return text.New("PIN verification key, VISA PVV")
	case "V3":
		return text.New("PIN verification key, X9.132 algorithm 1")
	case "V4":
		return text.New("PIN verification key, X9.132 algorithm 2")
	case "V5":
		return text.New("PIN verification key, X9.132 algorithm 3")
	}
	return text.New("proprietary")
}

// Known reports whether the usage is of the standards.
func (u Usage) Known() bool { return u.Modes() != "" }

// ParseUsage reads a usage code in either case. Proprietary codes (two letters or digits outside the table) pass; the
// key-block lint warns of them.
func ParseUsage(s string) (Usage, error) {
	u := strings.ToUpper(strings.TrimSpace(s))
	if len(u) != 2 || !isAlnum(u[0]) || !isAlnum(u[1]) {
		return "", fault.New(fault.Usage, "key usage %q is not two letters or digits, such as K0, P0, B1 or D0", text.Redact(s))
	}
	return Usage(u), nil
}

func isAlnum(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' }

// DefaultMode is the mode of use that goes with a usage when none is said; N where the usage is unknown.
func (u Usage) DefaultMode() byte {
	if modes := u.Modes(); modes != "" {
		return modes[0]
	}
	return 'N'
}

// Allows reports whether the mode fits the usage, true for proprietary usages.
func (u Usage) Allows(mode byte) bool {
	return !u.Known() || strings.IndexByte(u.Modes(), mode) >= 0
}
