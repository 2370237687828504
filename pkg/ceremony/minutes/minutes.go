package minutes

// What is asked for from outside.

import (
	"io"

	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
)

// Language is that of a document: its code, and what turns texts into it.
type Language struct {
	Code string // en, zh
	Say  func(text.Text) string
}

// HTML writes the minutes as one page: no scripts, nothing from elsewhere.
func HTML(w io.Writer, v *ceremony.Verified, l Language) error {
	p, err := tell(v, l)
	if err != nil {
		return err
	}
	return writeHTML(w, p)
}

// PDF writes the minutes for paper. The same record gives the same bytes.
func PDF(w io.Writer, v *ceremony.Verified, l Language) error {
	p, err := tell(v, l)
	if err != nil {
		return err
	}
	return printPDF(w, p)
}

// Form is a form to be signed by hand.
type Form string

// The forms.
const (
	Acceptance  Form = "acceptance"  // custodian form, one page for each custodian
	LoadingLog  Form = "loading-log" // key-loading log
	Destruction Form = "destruction" // destruction affidavit, one page for each part or key
	Envelope    Form = "envelope"    // envelope labels
	Conveyance  Form = "conveyance"  // conveyance record, one page for each part that travels
)

// Forms lists them.
func Forms() []Form { return []Form{Acceptance, LoadingLog, Destruction, Envelope, Conveyance} }

// FormPDF writes a form, filled with what the script knows, and with what the record knows where there is one. The
// script may be nil beside a record: it is in it. Errors: usage for a form that there is not, and for one that the
// script has nothing for (no component travels, nobody is a custodian).
func FormPDF(w io.Writer, f Form, s *script.Script, v *ceremony.Verified, l Language) error {
	p, err := form(f, s, v, l)
	if err != nil {
		return err
	}
	return printPDF(w, p)
}
