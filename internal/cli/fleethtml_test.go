package cli

// The pages of devices: whole, inert, without keys, and with every device counted.

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"poskey/internal/i18n"
	"poskey/internal/page"
	"poskey/pkg/fleet"
	"poskey/pkg/store"
)

func sampleRun() *fleet.Status {
	day := pageDay()
	return &fleet.Status{Run: "RUN-2026-11", Created: day.AddDate(0, 0, -3),
		Counts: fleet.Counts{Listed: 12000, Confirmed: 9100, Failed: 14, Quarantined: 2, Rejected: 31, Left: 2853},
		Stations: []fleet.StationStatus{{Station: "bench-1", Confirmed: 5200, Others: 20, Last: day}, {Station: "bench-2", Confirmed: 3900, Others: 27, Last: day},
			{Station: injected, Last: day}},
		Troubles: []store.RunDevice{{Serial: "TEST-0001", State: store.Failed, Reason: "the device refused the block: check value differs"},
			{Serial: "TEST-0002", State: store.QuarantinedDevice, Reason: injected + " " + pageTMK},
			{Serial: strings.Repeat("W", 64), State: store.Rejected, Reason: strings.Repeat("无", 200)}}}
}

func fleetPageOf(t *testing.T, lang i18n.Lang, s *fleet.Status) string {
	t.Helper()
	var b bytes.Buffer
	if err := fleetHTMLPage(&b, i18n.New(lang), "v1.2.3", s, pageDay()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func devicesPageOf(t *testing.T, lang i18n.Lang) string {
	t.Helper()
	doc := deviceListDoc{More: true}
	counts := map[store.DeviceState]int{}
	for i, s := range store.DeviceStates() {
		counts[s] = 10 * (i + 1)
		doc.Devices = append(doc.Devices, deviceDoc{Serial: fmt.Sprintf("TEST-%04d", i), Model: injected, POIVersion: "4.1", State: s})
	}
	var b bytes.Buffer
	if err := devicesHTMLPage(&b, i18n.New(lang), "v1.2.3", &smallTree().id, counts, &doc, pageDay()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func fleetPages(t *testing.T) []shownPage {
	t.Helper()
	return []shownPage{{"fleet", func(t *testing.T, lang i18n.Lang) string { return fleetPageOf(t, lang, sampleRun()) }},
		{"report", func(t *testing.T, lang i18n.Lang) string { return fleetReportOf(t, lang, sampleFleetReport()) }},
		{"devices", devicesPageOf}}
}

func TestPagesOfDevicesAreInertAndHoldNoKey(t *testing.T) {
	for _, lang := range []i18n.Lang{i18n.English, i18n.Chinese} {
		for name, written := range map[string]string{"run": fleetPageOf(t, lang, sampleRun()), "devices": devicesPageOf(t, lang),
			"empty": fleetPageOf(t, lang, &fleet.Status{Run: "RUN-0"})} {
			t.Run(name+"-"+string(lang), func(t *testing.T) {
				if name != "empty" {
					holdPage(t, written)
				} else if strings.Contains(written, "<table") || strings.Contains(written, "%!") {
					t.Error("a run of nothing has a table")
				}
			})
		}
	}
}

func TestTheStatesOfARunAddUp(t *testing.T) {
	s := sampleRun()
	written := fleetPageOf(t, i18n.English, s)
	for _, want := range []string{"Through with 9147 of 12000 devices (76 %)", "And 44 more", "<b>2853</b>", "<b>9100</b>", `class="decisive bad"`} {
		if !strings.Contains(written, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for counts, want := range map[fleet.Counts]string{{Listed: 2, Confirmed: 2}: "good", {Listed: 2, Left: 2}: "plain",
		{Listed: 2, Rejected: 1, Left: 1}: "may", {Listed: 2, Quarantined: 1}: "bad"} {
		if got := runTone(&fleet.Status{Counts: counts}); got != want {
			t.Errorf("%+v has the tone %s", counts, got)
		}
	}
}

func TestEveryStateHasALookOfItsOwn(t *testing.T) {
	looks := map[page.Look]store.DeviceState{}
	for _, s := range store.DeviceStates() {
		if other, twice := looks[deviceLook(s)]; twice {
			t.Errorf("%s looks like %s", s, other)
		}
		looks[deviceLook(s)] = s
	}
	keys := map[page.Look]store.State{}
	for _, s := range store.States() {
		if other, twice := keys[stateLook(s)]; twice {
			t.Errorf("%s looks like %s", s, other)
		}
		keys[stateLook(s)] = s
	}
}
