package diagnose

// A device that refuses to tell: that is a fact as well.

import (
	"context"
	"slices"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/device/manage"
)

// Refusal is a question that a device refused to answer, in its own code.
type Refusal struct {
	Dialect string
	device.CodeInfo
	Said text.Text // the whole sentence
}

// fromRefusals concludes from codes alone, so nothing is more than likely; a code that only says that it does not fit is a
// hint.
func fromRefusals(_ context.Context, c *Case) (Report, error) {
	if len(c.Refusals) == 0 {
		return Report{}, nil
	}
	var r Report
	for _, no := range c.Refusals {
		r.Notes = append(r.Notes, text.New("the device refused to answer (%s), so its slots were not looked at", no.Code))
		cause := causeOfCode(no.CodeInfo)
		if cause == "" {
			continue
		}
		worth := Likely
		if isVague(no.Code) {
			worth = Possible
		}
		f := seen(cause, worth, text.New("the device refuses: %s", no.Meaning),
			Seen{What: text.New("code of the refusal"), Observed: text.Raw(no.Code)})
		f.Weight = weightOfRefusal(cause)
		r.Findings = append(r.Findings, f)
	}
	if len(r.Findings) > 0 {
		r.Verdict = Explained
		return r, nil
	}
	r.Verdict = Unexplained
	r.NextStep = text.New("the device refused with a code that no cause is known for: look at its screen and at its own log")
	return r, nil
}

// isVague tells codes that say that something did not fit, and not what: how a request was made, who asked, which lock.
func isVague(code string) bool {
	return slices.Contains([]string{manage.CodeMalformed, manage.CodeTooLarge, manage.CodeUnknownPath, manage.CodeLoginNeeded,
		manage.CodeAuthFailed, manage.CodeNotAllowed, manage.CodeUnfit, manage.CodeAbsent, manage.CodeForged, manage.CodeBusy,
		manage.CodeRequestUsed, manage.CodeFailure, manage.CodeLocked}, code)
}
