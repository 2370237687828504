package cli

// The page of an incident's report: a document of its own, without keys, and without what stays in the house.

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"poskey/internal/i18n"
	"poskey/pkg/incident"
)

// sampleIncident has sixty keys that fall, an act on thirty of them, and a record with something of every kind.
func sampleIncident(t *testing.T) *incident.Document {
	t.Helper()
	now := pageDay()
	o := incident.Options{Now: func() time.Time { now = now.Add(time.Second); return now }}
	subjects := []incident.Item{{What: incident.ItemKey, Name: "TEST-ZMK#1", Note: "08D7B4"}, {What: incident.ItemDevice, Name: "TEST-0001"},
		{What: incident.ItemOfficer, Name: "custodian.b"}}
	var falls, more []incident.Item
	for i := range 60 {
		falls = append(falls, incident.Item{What: incident.ItemKey, Name: fmt.Sprintf("TEST-TPK-%02d#1", i), Note: "P0, check value 08D7B4, active"})
	}
	more = append(more, incident.Item{What: incident.ItemDevice, Name: strings.Repeat("W", 60), Note: injected})
	dir := t.TempDir()
	d, err := incident.Create(dir, incident.Head{Kind: incident.KeyCompromised, Title: "sheets photographed 柜台拍照 " + injected, Store: "test-0000-0000-0001",
		Environment: "test"},
		incident.Entry{By: "officer a " + injected, Items: subjects}, []incident.Entry{
			{Kind: incident.EntryBlast, By: "officer a", Items: falls, Details: map[string]string{incident.DetailCause: incident.CauseOpened}},
			{Kind: incident.EntryBlast, By: "officer a", Items: more, Details: map[string]string{incident.DetailCause: incident.CauseMore}}}, o)
	if err != nil {
		t.Fatal(err)
	}
	path, err := incident.Path(dir, d.Head.ID)
	if err != nil {
		t.Fatal(err)
	}
	d, err = incident.Append(path, o, sampleEntries)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func sampleEntries(d *incident.Document) ([]incident.Entry, error) {
	all := []incident.Entry{incident.Say("officer a", "the house knows "+strings.Repeat("长", 90)),
		{Kind: incident.EntryEvidence, By: "officer b", Details: map[string]string{incident.DetailFile: "photo.jpg", incident.DetailBytes: "6",
			incident.DetailSHA256: strings.Repeat("0123456789ABCDEF", 4)}}}
	for i := range 30 {
		all = append(all, incident.Entry{Kind: incident.EntryAct, By: "officer b", Details: map[string]string{incident.DetailAct: "compromise",
			incident.DetailObject: fmt.Sprintf("TEST-TPK-%02d#1", i), incident.DetailResult: incident.ResultDone, incident.DetailRecord: "17"}})
	}
	done, err := d.Do("freeze", "officer b", incident.ProofSaid, "asked the bank")
	if err != nil {
		return nil, err
	}
	lesson, err := incident.Learn("officer a", "sheets lie in the safe", "order a safe", 5)
	return append(all, done, lesson), err
}

func incidentPageOf(t *testing.T, lang i18n.Lang, acquirer bool) string {
	t.Helper()
	r := &incidentReport{say: i18n.New(lang), view: &incidentView{site: &incidentSite{}, doc: sampleIncident(t)},
		now: pageDay().Add(2 * time.Hour), acquirer: acquirer}
	var b bytes.Buffer
	if err := incidentHTMLPage(&b, r, "v1.2.3"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func incidentPages(t *testing.T) []shownPage {
	t.Helper()
	return []shownPage{{"incident", func(t *testing.T, lang i18n.Lang) string { return incidentPageOf(t, lang, false) }}}
}

func TestThePageOfAnIncidentIsInertAndHoldsNoKey(t *testing.T) {
	for _, lang := range []i18n.Lang{i18n.English, i18n.Chinese} {
		for _, acquirer := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s-%v", lang, acquirer), func(t *testing.T) { holdPage(t, incidentPageOf(t, lang, acquirer)) })
		}
	}
}

func TestThePageOfAnIncidentIsADocument(t *testing.T) {
	written := incidentPageOf(t, i18n.English, false)
	for _, want := range []string{`<span class="badge bad">open</span>`, "1 late", "Keys: 60 · Terminals: 1", "custodian.b", "Was due <span>2026-03-04 13:00",
		"PCI PIN 22 (unconfirmed)", "Acts of containment: 30; steps settled: 1; notes, evidence and lessons: 1", "asked the bank",
		"Compromise 30 things: done", "what falls: 61 things", "SHA-256 01234567 89ABCDEF", "Order a safe", "Received by", "record 17 of the audit log"} {
		if !strings.Contains(written, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := strings.Count(written, "Compromise"); n != 1 {
		t.Errorf("one act on many keys takes %d rows", n)
	}
}

func TestTheAcquirerReadsNothingOfPeopleAndNotes(t *testing.T) {
	written := incidentPageOf(t, i18n.English, true)
	for _, bad := range []string{"officer a", "officer b", "custodian.b", "the house knows", "photo.jpg", "asked the bank", "record 17", "Who took part"} {
		if strings.Contains(written, bad) {
			t.Errorf("the acquirer reads %q", bad)
		}
	}
	if !strings.Contains(written, "TEST-TPK-59#1") || !strings.Contains(written, "Received by") {
		t.Error("the acquirer does not read what falls, or has no line to sign")
	}
}
