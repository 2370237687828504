package cli

// The page of a run's report: every device with its loads, inert, without keys.

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"poskey/internal/i18n"
	"poskey/pkg/fleet"
	"poskey/pkg/store"
)

func sampleFleetReport() *fleet.Report {
	day, digest := pageDay(), strings.Repeat("0123456789ABCDEF", 4)
	r := &fleet.Report{Environment: "test", Store: "test-0000-0000-0001", Run: "RUN-1", Customer: injected, Created: day, At: day, PlanSHA256: digest,
		ListSHA256: digest, Serials: digest, Counts: fleet.Counts{Listed: 40, Confirmed: 38, Failed: 1, Quarantined: 1}, Balanced: true, Open: 1,
		Findings: []fleet.ReportFinding{{Kind: fleet.FindQuarantined, Open: true, Text: "nobody knows " + injected}, {Text: "TEST-0002 failed " + pageTMK}},
		Stations: []fleet.StationStatus{{Station: "工位-1", Confirmed: 38, Others: 2, Last: day}},
		KeySets: []fleet.SetUse{{KeySet: "KS-9", BDK: "BDK-9#1", Scheme: "tdes-dukpt", KSI: "FFFF987654", Confirmed: 38, Unknown: 1,
			Leases: []fleet.LeaseUse{{ID: "L.bf11f688b2dc.KS-9.1", Station: injected, From: 1, To: 257, Unused: 76}}}},
		Proofs: map[string]int{"answer": 38}}
	for i := range 40 {
		d := fleet.ReportDevice{Serial: fmt.Sprintf("TEST-%04d", i), Told: fmt.Sprintf("TEST-%04d", i), State: store.Confirmed, Station: "工位-1", Changed: day,
			Loads: []fleet.ReportLoad{{Slot: "90", State: store.LoadConfirmed, KSN: "FFFF9876540000BE00000", Check: "605FA7", Proof: "answer", Changed: day}}}
		switch i {
		case 1:
			d.State, d.Reason, d.Told = store.QuarantinedDevice, "the line failed "+injected, strings.Repeat("W", 40)
		case 2:
			d.State, d.Reason, d.Loads = store.Failed, strings.Repeat("无", 200), nil
		}
		r.Devices = append(r.Devices, d)
	}
	return r
}

func fleetReportOf(t *testing.T, lang i18n.Lang, r *fleet.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := fleetReportPage(&b, i18n.New(lang), "v1.2.3", r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheReportOfARunIsInertAndHoldsNoKey(t *testing.T) {
	for _, lang := range []i18n.Lang{i18n.English, i18n.Chinese} {
		t.Run(string(lang), func(t *testing.T) { holdPage(t, fleetReportOf(t, lang, sampleFleetReport())) })
	}
}

func TestTheReportOfARunHasEveryDevice(t *testing.T) {
	r := sampleFleetReport()
	written := fleetReportOf(t, i18n.English, r)
	for i := range r.Devices {
		if n := strings.Count(written, "<code>"+r.Devices[i].Serial+"</code>"); n != 1 {
			t.Errorf("%s stands in %d rows", r.Devices[i].Serial, n)
		}
	}
	for _, want := range []string{"Every device is accounted for", "open findings: 1", `class="decisive bad"`, "01234567 89ABCDEF", "FFFF 9876 5400 00BE 0000 0",
		"answer: 38", "told by the device", "Confirmed 38, burnt 0, unknown 1"} {
		if !strings.Contains(written, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	r.Balanced = false
	if !strings.Contains(fleetReportOf(t, i18n.English, r), "Not every device is accounted for; the run cannot be closed") {
		t.Error("a run that does not add up is not called so")
	}
}

func TestTheToneOfAReport(t *testing.T) {
	for tone, r := range map[string]*fleet.Report{"good": {Balanced: true, Counts: fleet.Counts{Listed: 1, Confirmed: 1}},
		"may": {Balanced: true, Counts: fleet.Counts{Listed: 1, Failed: 1}}, "bad": {Balanced: true, Open: 1}} {
		if got := reportTone(r); got != tone {
			t.Errorf("%+v has the tone %s, want %s", r.Counts, got, tone)
		}
	}
	if got := reportTone(&fleet.Report{}); got != "bad" {
		t.Errorf("a report that does not add up has the tone %s", got)
	}
}
