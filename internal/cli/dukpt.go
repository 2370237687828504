package cli

// What the commands of DUKPT share beside the keys: the KSN as it is given, and what is doubtful about it.

import (
	"github.com/spf13/pflag"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/keyblock"
)

func (a *App) ksnFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "ksn", "", a.Say.T("key serial number: 20 hex digits (TDES DUKPT) or 24 (AES DUKPT)"))
}

func (a *App) ksnPaddingFlag(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "ksn-padding", "", a.Say.T("how a TDES KSN of 10 to 19 digits is filled up: left-f, left-zero or right-zero; ikid for an IKID of 16 digits"))
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
