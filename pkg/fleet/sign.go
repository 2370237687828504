package fleet

// Signed reports.

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"poskey/internal/fault"
)

const statementStart = "poskey/fleet-report/v1/"

// timeLayout is how statements write times, in UTC.
const timeLayout = "2006-01-02T15:04:05Z"

// Statement is the text that officers sign about a report: see the package documentation.
func Statement(r *Report, raw []byte, at time.Time) string {
	sum := sha256.Sum256(raw)
	return fmt.Sprintf("%s%s/%s\nrun %s\nsha256 %s\ntime %s\n", statementStart, r.Environment, r.Store, r.Run,
		strings.ToUpper(hex.EncodeToString(sum[:])), at.UTC().Format(timeLayout))
}

// Sign lets officers sign a report in its JSON form; sign makes a signed note of a text (custody.SignNote). The note is
// kept beside the report.
func Sign(raw []byte, at time.Time, sign func(text string) ([]byte, error)) ([]byte, error) {
	r, err := ParseReport(raw)
	if err != nil {
		return nil, err
	}
	signed, err := sign(Statement(&r, raw, at))
	return signed, fault.Wrap(err, "sign the report of run %s", r.Run)
}

// Signed is what a note says about a report.
type Signed struct {
	Report Report
	By     []string // the officers
	At     time.Time
}

// VerifySigned holds a report against a signed note; open verifies the note and gives its text and who signed it
// (custody.OpenNote). Errors: those of open; malformed; checksum_mismatch when the note is about another report, or is
// not signed by whom it should be.
func VerifySigned(raw, signed []byte, open func(signed []byte) (text string, who []string, err error)) (Signed, error) {
	r, err := ParseReport(raw)
	if err != nil {
		return Signed{}, err
	}
	said, who, err := open(signed)
	if fault.Is(err, fault.LogBroken) { // a signed note is what logs have too
		return Signed{}, fault.WrapAs(fault.ChecksumMismatch, err, "the signature of the report")
	}
	if err != nil {
		return Signed{}, fault.Wrap(err, "the signature of the report")
	}
	lines := strings.Split(said, "\n")
	if !strings.HasPrefix(said, statementStart) || len(lines) != 5 {
		return Signed{}, fault.New(fault.Malformed, "a signed note, but none about a report of a run")
	}
	at, err := time.Parse("time "+timeLayout, lines[3])
	if err != nil {
		return Signed{}, fault.New(fault.Malformed, "a signed note, but none about a report of a run")
	}
	if said != Statement(&r, raw, at) {
		return Signed{}, fault.New(fault.ChecksumMismatch, "the officers signed another report: the digests differ")
	}
	return Signed{r, who, at}, nil
}
