package cli

// What the commands of DUKPT share beside the keys: the KSN as it is given, and what is doubtful about it.

import (
	"strings"

	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
)

func (a *App) ksnFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "ksn", "", a.Say.T("key serial number: 20 hex digits (TDES DUKPT) or 24 (AES DUKPT)"))
}

func (a *App) ksnPaddingFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "ksn-padding", "", a.Say.T("how a TDES KSN of 10 to 19 digits is filled up: left-f, left-zero or right-zero"))
}

// parseKSN reads a KSN. The padding counts only for one that is too short: a whole one needs none.
func parseKSN(s, padding string) (dukpt.KSN, error) {
	ksn, err := dukpt.ParseKSN(s)
	if padding == "" {
		return ksn, err
	}
	p, perr := dukpt.ParsePadding(padding)
	switch {
	case perr != nil:
		return dukpt.KSN{}, perr
	case err != nil && dukpt.ShortReadings(s) != nil:
		return dukpt.ParseShortKSN(s, p)
	}
	return ksn, err
}

// shortKSN is the refusal of a KSN that nobody can complete without being told how, with all that it may mean.
type shortKSN struct {
	error
	readings []readingDoc
}

func (e *shortKSN) Unwrap() error { return e.error }

// readingDoc is one of these.
type readingDoc struct {
	Padding dukpt.Padding `json:"padding"`
	KSN     string        `json:"ksn"`
	KCV     string        `json:"kcv,omitempty"` // of the key that it leads to
	Method  kcv.Method    `json:"method,omitempty"`
	Reason  string        `json:"reason,omitempty"` // why it leads to none
}

// newShortKSN makes the refusal; derive, where there is a key to derive from, tells which key a reading gives. The error
// may end in a log, so it names paddings and check values, and not the digits: those of a DES key may be given by mistake.
func newShortKSN(short error, readings []dukpt.Reading, derive func(dukpt.KSN) (hsm.Key, error)) *shortKSN {
	e := &shortKSN{error: short}
	values := make([]string, len(readings))
	for i, r := range readings {
		doc := readingDoc{Padding: r.Padding, KSN: r.KSN.String()}
		values[i] = string(r.Padding) + " -"
		if derive != nil {
			switch k, err := derive(r.KSN); {
			case err != nil:
				doc.Reason = err.Error()
			default:
				doc.KCV, doc.Method = k.Check.Digits, k.Check.Method
				values[i] = string(r.Padding) + " " + doc.KCV
			}
		}
		e.readings = append(e.readings, doc)
	}
	if derive != nil {
		e.error = fault.New(fault.KindOf(short), "%s; check values of the keys: %s", short, strings.Join(values, ", "))
	}
	return e
}

// answerReadings shows what a short KSN may mean, in the place of an answer that nobody can give, and gives the error.
func (a *App) answerReadings(schema string, e *shortKSN) error {
	doc := struct {
		Readings []readingDoc `json:"readings"`
	}{e.readings}
	err := a.render.Answer(schema, doc, func(p *render.Page) {
		head := []text.Text{text.New("PADDING"), text.New("KSN"), text.New("CHECK VALUE")}
		if len(e.readings) > 0 && e.readings[0].KCV == "" && e.readings[0].Reason == "" {
			head = head[:2]
		}
		rows := make([][]string, len(e.readings))
		for i, r := range e.readings {
			value := r.Reason
			if r.KCV != "" {
				value = kcv.Value{Method: r.Method, Digits: r.KCV}.String()
			}
			rows[i] = []string{string(r.Padding), r.KSN, value}[:len(head)]
		}
		p.Grid(head, rows)
	})
	if err != nil {
		return err
	}
	return e.error
}

func schemeText(s dukpt.Scheme) text.Text {
	if s == dukpt.AES {
		return text.New("AES DUKPT (X9.24-3:2017)")
	}
	return text.New("TDES DUKPT (X9.24-1:2009)")
}

func dukptWarningDocs(all []dukpt.Warning) []warningDoc {
	docs := []warningDoc{}
	for _, w := range all {
		docs = append(docs, warningDoc{w.ID, w.Text.String()})
	}
	return docs
}

func dukptWarnPage(p *render.Page, all []dukpt.Warning) {
	same := make([]keyblock.Warning, len(all))
	for i, w := range all {
		same[i] = keyblock.Warning(w)
	}
	warnPage(p, same)
}
