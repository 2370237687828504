package fleet

// The report as a page: everything in one file, no scripts, nothing from elsewhere.

import (
	"fmt"
	"html/template"
	"io"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/store"
)

// page is what the template sees.
type page struct {
	*Report
	Lang string
	W    words
	Sums []sum
}

type sum struct {
	Name  string
	Count int
}

// words are those of the page.
type words struct {
	Title, Run, Environment, Store, Customer, Software, Created, Closed, At, Plan, List, Serials, Counts, Expected,
	Confirmed, Failed, Quarantined, Rejected, Untouched, InWork, Balanced, NotBalanced, Findings, OpenFindings, NoFindings,
	OpenMark, Stations, Station, Others, Last, KeySets, Lease, Range, Unused, Burnt, Unknown, Proofs, Devices, Serial, Told,
	State, Slot, Key, KSN, Check, Proof, Reason, Time, Still, Foot string
}

func wordsOf(say func(text.Text) string) words {
	return words{
		Title: say(text.New("Report of an injection run")), Run: say(text.New("run")), Environment: say(text.New("environment")),
		Store: say(text.New("store")), Customer: say(text.New("customer")), Software: say(text.New("software")),
		Created: say(text.New("begun")), Closed: say(text.New("closed")), At: say(text.New("account made")),
		Plan: say(text.New("plan (SHA-256)")), List: say(text.New("list of devices (SHA-256)")),
		Serials: say(text.New("serial numbers (SHA-256)")), Counts: say(text.New("Account")),
		Expected: say(text.New("expected")), Confirmed: say(text.New("confirmed")), Failed: say(text.New("failed")),
		Quarantined: say(text.New("outcome unknown (quarantine)")), Rejected: say(text.New("rejected")),
		Untouched: say(text.New("untouched")), InWork: say(text.New("in work")),
		Balanced:    say(text.New("every device is accounted for")),
		NotBalanced: say(text.New("not every device is accounted for; the run cannot be closed")),
		Findings:    say(text.New("Findings")), OpenFindings: say(text.New("open findings")),
		NoFindings: say(text.New("nothing was found")), OpenMark: say(text.New("OPEN")),
		Stations: say(text.New("Stations")), Station: say(text.New("station")), Others: say(text.New("others")),
		Last: say(text.New("last")), KeySets: say(text.New("Key sets")), Lease: say(text.New("lease")),
		Range: say(text.New("numbers")), Unused: say(text.New("unused, given up")), Burnt: say(text.New("burnt")),
		Unknown: say(text.New("unknown")), Proofs: say(text.New("Proofs of the loads")), Devices: say(text.New("Devices")),
		Serial: say(text.New("serial number")), Told: say(text.New("told by the device")), State: say(text.New("state")),
		Slot: say(text.New("slot")), Key: say(text.New("key")), KSN: say(text.New("KSN")), Check: say(text.New("check value")),
		Proof: say(text.New("proof")), Reason: say(text.New("reason")), Time: say(text.New("time")),
		Still: say(text.New("still open")),
		Foot: say(text.New("This page holds no key. What officers signed is the JSON form of this report; its SHA-256 stands " +
			"in the signed note.")),
	}
}

// HTML writes the report as a page in a language: lang is its code, say turns texts into it.
func (r *Report) HTML(w io.Writer, lang string, say func(text.Text) string) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"when":  func(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05Z") },
		"say":   func(f ReportFinding) string { return f.in(say) },
		"state": func(s store.DeviceState) string { return say(stateName(s)) },
	}).Parse(reportHTML)
	if err != nil {
		return fault.WrapAs(fault.Bug, err, "the page of a report")
	}
	p := page{Report: r, Lang: lang, W: wordsOf(say)}
	p.Sums = []sum{{p.W.Expected, r.Counts.Listed}, {p.W.Confirmed, r.Counts.Confirmed}, {p.W.Failed, r.Counts.Failed},
		{p.W.Quarantined, r.Counts.Quarantined}, {p.W.Rejected, r.Counts.Rejected}, {p.W.Untouched, r.Untouched},
		{p.W.InWork, r.InWork}}
	return fault.WrapAs(fault.Failure, t.Execute(w, p), "write the page of the report")
}

// in is the finding in a language; of a report that was read from a file its English words are all there is.
func (f *ReportFinding) in(say func(text.Text) string) string {
	if f.say.IsZero() {
		return f.Text
	}
	return say(f.say)
}

// stateName is a state for people.
func stateName(s store.DeviceState) text.Text {
	switch s {
	case store.Confirmed:
		return text.New("confirmed")
	case store.Failed:
		return text.New("failed")
	case store.QuarantinedDevice:
		return text.New("outcome unknown (quarantine)")
	case store.Rejected:
		return text.New("rejected")
	case store.Expected:
		return text.New("expected")
	}
	return text.Raw(fmt.Sprint(s))
}
