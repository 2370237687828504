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

// TestWhatARecordKnowsOfThingsIsReadInChinese: it stands there in English; words of people and names stay as they are.
func TestWhatARecordKnowsOfThingsIsReadInChinese(t *testing.T) {
	zh, en := i18n.New(i18n.Chinese), i18n.New(i18n.English)
	for _, c := range []struct {
		what       incident.ItemKind
		note, want string
	}{
		{incident.ItemKey, "K0, check value 844876, active", "K0，校验值 844876，使用中"},
		{incident.ItemKey, "K0, check value 844876, destroyed-compromised", "K0，校验值 844876，已销毁（曾泄露）"},
		{incident.ItemKey, "not in the store", "密钥库中没有"},
		{incident.ItemDevice, "A920, rejected, KSN FFFF9876543210E00001", "A920, 已剔除, KSN FFFF9876543210E00001"},
		{incident.ItemDevice, "expected", "已列名，未灌装"},
		{incident.ItemLoad, "slot F, unknown, load 17", "槽位 F，不明，灌装编号 17"},
		{incident.ItemBag, "part 2 of 3 of ZMK#1, received, custodian.b", "ZMK#1 的第 2 分量（共 3 份），已接收，custodian.b"},
		{incident.ItemKnown, "custodian.b has seen 1 parts, 2 form it; 2 with others who left",
			"custodian.b 见过 1 份分量，合成需 2 份；与其他离任人员合计 2 份"},
		{incident.ItemNumbers, "under BDK#1, 12 numbers went out", "在 BDK#1 之下，已发出 12 个编号"},
		{incident.ItemPartner, "active", "active"},
		{incident.ItemOfficer, "received", "received"},
	} {
		it := incident.Item{What: c.what, Note: c.note}
		if got := itemNote(zh.Text, &it); got != c.want {
			t.Errorf("%s %q is read as %q, want %q", c.what, c.note, got, c.want)
		}
		if got := itemNote(en.Text, &it); got != c.note && c.what != incident.ItemDevice && !strings.HasSuffix(c.note, "-compromised") {
			t.Errorf("in English %s %q is read as %q", c.what, c.note, got)
		}
	}
	measured := incident.StepState{Done: true, Proof: incident.ProofMeasured, Why: "the terminals are off the list"}
	if got := zh.Text(settledLine(&measured, utc)); strings.Contains(got, "list") {
		t.Errorf("what poskey saw is read as %q", got)
	}
	said := incident.StepState{Done: true, Proof: incident.ProofSaid, Why: measured.Why}
	if got := zh.Text(settledLine(&said, utc)); !strings.Contains(got, measured.Why) {
		t.Errorf("what a person said is read as %q", got)
	}
	for _, acquirer := range []bool{false, true} {
		if written := incidentPageOf(t, i18n.Chinese, acquirer); strings.Contains(written, "check value") || !strings.Contains(written, "校验值") {
			t.Error("the Chinese page says in English what falls")
		}
	}
}

func TestThePageOfAnIncidentIsADocument(t *testing.T) {
	written := incidentPageOf(t, i18n.English, false)
	for _, want := range []string{`<span class="badge bad">open</span>`, "1 late", "Keys: 60 · Terminals: 1", "custodian.b", "Was due <span>2026-03-04 13:00",
		"PCI PIN 22 (unconfirmed)", "Acts of containment: 30; steps settled: 1; notes, evidence and lessons: 1", "asked the bank",
		"Compromise 30 things: done", "how much falls: 61", "SHA-256 01234567 89ABCDEF", "Order a safe", "Received by", "record 17 of the audit log"} {
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
