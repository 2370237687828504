package keyblock

import (
	"strings"
	"time"

	"poskey/internal/text"
)

// explainer reads the data of an optional block; ok is false when the content is not as the standard has it.
type explainer func(data string) (meaning text.Text, ok bool)

// spec knows the blocks of X9.143 (6.3.6, tables 8 to 23).
func spec(id string) (name text.Text, explain explainer) {
	switch id {
	case "AL":
		return text.New("asymmetric key life"), explainAL
	case "BI":
		return text.New("base derivation key identifier"), explainBI
	case "CT":
		return text.New("certificate"), explainCT
	case "DA":
		return text.New("derivations allowed"), explainDA
	case "HM":
		return text.New("hash of the HMAC key"), explainHM
	case "IK":
		return text.New("initial key identifier, AES DUKPT"), explainIK
	case "KC":
		return text.New("check value of the wrapped key"), explainCheck
	case "KP":
		return text.New("check value of the KBPK"), explainCheck
	case "KS":
		return text.New("initial key serial number (KSN), TDES DUKPT"), explainKS
	case "KV":
		return text.New("key block values (deprecated)"), explainAny
	case "LB":
		return text.New("label"), explainAny
	case "PB":
		return text.New("padding of the header"), explainPB
	case "PK":
		return text.New("check value of the KBPK of the export"), explainCheck
	case "TC":
		return text.New("time of creation"), explainTime
	case "TS":
		return text.New("time stamp"), explainTime
	case "WP":
		return text.New("wrapping pedigree"), explainWP
	}
	return text.New("proprietary block"), nil
}

// Name gives the block's name, and false for ids that the standard does not have.
func (o *OptBlock) Name() (text.Text, bool) {
	name, explain := spec(o.ID)
	return name, explain != nil
}

// Meaning explains the content, and false when it is not as the standard has it.
func (o *OptBlock) Meaning() (text.Text, bool) {
	_, explain := spec(o.ID)
	if explain == nil {
		return text.Text{}, true
	}
	return explain(o.Data)
}

func explainAny(data string) (text.Text, bool) { return text.New("%q", data), true }

func explainPB(data string) (text.Text, bool) {
	return text.New("%d characters of filling", len(data)), true
}

func explainAL(data string) (text.Text, bool) {
	switch data {
	case "0100":
		return text.New("ephemeral"), true
	case "0101":
		return text.New("static"), true
	}
	return odd(), false
}

func explainBI(data string) (text.Text, bool) {
	switch {
	case strings.HasPrefix(data, "00") && isHex(data[2:], 10):
		return text.New("TDES DUKPT key set identifier %s", data[2:]), true
	case strings.HasPrefix(data, "01") && isHex(data[2:], 8):
		return text.New("AES DUKPT base key identifier %s", data[2:]), true
	}
	return odd(), false
}

func explainCT(data string) (text.Text, bool) {
	if len(data) < 3 {
		return odd(), false
	}
	switch data[:2] {
	case "00":
		return text.New("X.509 certificate, %d characters of base64", len(data)-2), true
	case "01":
		return text.New("EMV certificate, %d characters of base64", len(data)-2), true
	case "02":
		return text.New("chain of certificates, %d characters", len(data)-2), true
	}
	return odd(), false
}

func explainDA(data string) (text.Text, bool) {
	if len(data) < 2 || data[:2] != "01" || (len(data)-2)%5 != 0 {
		return odd(), false
	}
	var each []string
	for rest := data[2:]; rest != ""; rest = rest[5:] {
		each = append(each, rest[:2]+" "+rest[2:3]+" "+rest[3:4]+" "+rest[4:5])
	}
	return text.New("may derive (usage, algorithm, mode, exportability): %s", strings.Join(each, ", ")), true
}

func explainHM(data string) (text.Text, bool) {
	for _, row := range hmHashes() {
		if row.code == data {
			return text.Raw(row.name), true
		}
	}
	return odd(), false
}

func explainIK(data string) (text.Text, bool) {
	if !isHex(data, 16) {
		return odd(), false
	}
	return text.New("base key id %s, derivation id %s", data[:8], data[8:]), true
}

// explainKS reads a KSN: 20 digits by the standard, of which key set, device and counter are cut at the bits of
// X9.24-3:2017 only by pkg/dukpt; 16 digits occur. GBIC puts other content here.
func explainKS(data string) (text.Text, bool) {
	if isHex(data, 20) || isHex(data, 16) {
		return text.New("KSN %s", data), isHex(data, 20)
	}
	return odd(), false
}

func explainCheck(data string) (text.Text, bool) {
	if len(data) < 2 {
		return odd(), false
	}
	digits := data[2:]
	switch {
	case data[:2] == "00" && len(digits) <= 6 && isHex(digits, len(digits)) && digits != "":
		return text.New("%s by the legacy method (ecb-zero)", digits), true
	case data[:2] == "01" && len(digits) <= 10 && isHex(digits, len(digits)) && digits != "":
		return text.New("%s by CMAC (cmac)", digits), true
	}
	return odd(), false
}

// explainTime reads UTC times of 15, 17, 20 or 23 characters (6.3.6.13 table 21, 6.3.6.14 table 22).
func explainTime(data string) (text.Text, bool) {
	for _, layout := range []string{"20060102150405Z", "2006-01-02T15:04:05Z", "2006-01-02T15:04:05.00Z"} {
		if t, err := time.Parse(layout, data); err == nil && len(data) == len(layout) {
			return text.New("%s UTC", t.Format("2006-01-02 15:04:05")), true
		}
	}
	if len(data) == 17 && strings.HasSuffix(data, "Z") { // hundredths without a point, which time.Parse cannot read
		if t, err := time.Parse("20060102150405", data[:14]); err == nil && isDigits(data[14:16]) {
			return text.New("%s UTC", t.Format("2006-01-02 15:04:05")+"."+data[14:16]), true
		}
	}
	return text.New("not a time in UTC as the standard writes it (YYYYMMDDhhmmssZ)"), false
}

func explainWP(data string) (text.Text, bool) {
	switch data {
	case "000":
		return text.New("was wrapped only by keys of equal or greater strength"), true
	case "001":
		return text.New("was once wrapped by a weaker key"), true
	case "002":
		return text.New("was once wrapped by an asymmetric key at risk from quantum computers"), true
	case "003":
		return text.New("was once wrapped by a weaker and by an asymmetric key"), true
	}
	return odd(), false
}

func odd() text.Text { return text.New("not as the standard writes it") }

func isHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := range len(s) {
		if nibble(s[i]) > 15 {
			return false
		}
	}
	return true
}

func isDigits(s string) bool {
	_, ok := decimal(s)
	return ok
}
