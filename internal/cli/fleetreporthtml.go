package cli

// The page of a run's report: every device accounted for, with what confirmed its loads.

import (
	_ "embed" // the page
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"poskey/internal/i18n"
	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/fleet"
	"poskey/pkg/store"
)

//go:embed fleetreport.html.tmpl
var fleetReportHTML string

// fleetReportSheet is what the template sees.
type fleetReportSheet struct {
	Tone, Kicker, Heading, Lead, Open string
	W                                 fleetReportWords
	States                            page.Bar
	Facts                             []saidLine
	Findings                          []accountRow
	Stations                          []stationRow
	KeySets                           []keySetBlock
	Loads                             []loadRow
}

type fleetReportWords struct {
	Account, Findings, Found, NoFindings, OpenMark, Known, Stations, Station, Confirmed, Others, Last, KeySets, Lease, Range, Unused,
	Devices, Serial, Told, State, Slot, KSN, Check, Proof, Time string
}

type accountRow struct {
	Open bool
	Text string
}

type keySetBlock struct {
	Name   string
	Facts  []saidLine
	Leases []leaseRow
}

type leaseRow struct {
	ID, Station, Range string
	Unused             uint64
}

// loadRow is a load of a device, or a device without one; the device is named in its first row.
type loadRow struct {
	Serial, Told, State, Reason, Slot, KSN, Check, Proof, Station, Time string
	Look                                                                page.Area
}

func fleetReportPage(w io.Writer, say *i18n.Printer, version string, r *fleet.Report) error {
	t, err := page.New("fleet report", fleetReportHTML)
	if err != nil {
		return err
	}
	p := &pagePrinter{say}
	s := p.fleetReport(r)
	f := p.frame(s.Heading, version, r.At)
	f.Foot = append(f.Foot, p.say(text.New("What officers sign is the JSON form of this report; its SHA-256 stands in the signed note.")))
	return t.Write(w, f, s)
}

func (p *pagePrinter) fleetReport(r *fleet.Report) fleetReportSheet {
	kicker := p.say(text.New("Report of an injection run"))
	if r.Environment != "" {
		kicker += " · " + p.say(custody.Environment(r.Environment).Text())
	}
	s := fleetReportSheet{Tone: reportTone(r), Kicker: kicker, Heading: p.head(text.New("run %s", r.Run)), W: p.fleetReportWords(),
		Lead: p.head(text.New("not every device is accounted for; the run cannot be closed")), Facts: p.reportFacts(r),
		States: p.deviceStates(map[store.DeviceState]int{store.Confirmed: r.Counts.Confirmed, store.Failed: r.Counts.Failed,
			store.QuarantinedDevice: r.Counts.Quarantined, store.Rejected: r.Counts.Rejected, store.Sent: r.InWork,
			store.Expected: r.Untouched}, text.New("untouched"))}
	if r.Balanced {
		s.Lead = p.head(text.New("every device is accounted for"))
	}
	if r.Open > 0 {
		s.Open = p.say(text.New("open findings: %d", r.Open))
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		s.Findings = append(s.Findings, accountRow{f.Open, page.Sentence(page.Line(keyless(p.in.Text(f.Words()))))})
	}
	for i := range r.Stations {
		s.Stations = append(s.Stations, newStationRow(&r.Stations[i], 1))
	}
	for i := range r.KeySets {
		s.KeySets = append(s.KeySets, p.keySet(&r.KeySets[i]))
	}
	for i := range r.Devices {
		s.Loads = append(s.Loads, p.loadRows(&r.Devices[i])...)
	}
	return s
}

func reportTone(r *fleet.Report) string {
	switch {
	case !r.Balanced || r.Open > 0:
		return "bad"
	case r.Counts.Failed+r.Counts.Quarantined+r.Counts.Rejected+r.Untouched > 0:
		return "may"
	}
	return "good"
}

func (p *pagePrinter) fleetReportWords() fleetReportWords {
	say, head := p.say, p.head
	return fleetReportWords{
		Account: say(text.New("Account")), Findings: say(text.New("Findings")), Found: head(text.New("found")),
		NoFindings: head(text.New("nothing was found")), OpenMark: say(text.New("OPEN")), Known: say(text.New("to know")),
		Stations: say(text.New("Stations")), Station: head(text.New("station")), Confirmed: head(text.New("confirmed")),
		Others: head(text.New("others")), Last: head(text.New("last")), KeySets: say(text.New("Key sets")), Lease: head(text.New("lease")),
		Range: head(text.New("numbers")), Unused: head(text.New("unused, given up")), Devices: say(text.New("Devices")),
		Serial: head(text.New("serial number")), Told: say(text.New("told by the device")), State: head(text.New("state")),
		Slot: head(text.New("slot")), KSN: say(text.New("KSN")), Check: head(text.New("check value")), Proof: head(text.New("proof")),
		Time: say(text.New("Time (UTC)")),
	}
}

func (p *pagePrinter) reportFacts(r *fleet.Report) []saidLine {
	var proofs []string
	for _, proof := range slices.Sorted(maps.Keys(r.Proofs)) {
		proofs = append(proofs, fmt.Sprintf("%s: %d", page.Line(proof), r.Proofs[proof]))
	}
	closed := minute(r.Closed)
	if closed == "" {
		closed = p.say(text.New("still open"))
	}
	return filled(saidLine{p.say(text.New("on the list")), fmt.Sprint(r.Counts.Listed)},
		saidLine{p.say(text.New("Proofs of the loads")), strings.Join(proofs, "; ")},
		saidLine{p.say(text.New("store")), page.Line(r.Store)}, saidLine{p.say(text.New("customer")), quoted(keyless(r.Customer))},
		saidLine{p.say(text.New("software")), quoted(keyless(r.Software))}, saidLine{p.say(text.New("begun")), minute(r.Created)},
		saidLine{p.say(text.New("closed")), closed}, saidLine{p.say(text.New("plan (SHA-256)")), apart(r.PlanSHA256, digestGroup)},
		saidLine{p.say(text.New("list of devices (SHA-256)")), apart(r.ListSHA256, digestGroup)},
		saidLine{p.say(text.New("serial numbers (SHA-256)")), apart(r.Serials, digestGroup)})
}

func (p *pagePrinter) keySet(k *fleet.SetUse) keySetBlock {
	b := keySetBlock{Name: quoted(keyless(k.KeySet)), Facts: filled(
		saidLine{p.say(text.New("key")), strings.TrimSpace(quoted(keyless(k.BDK)) + " " + page.Line(k.Scheme))},
		saidLine{"KSI", apart(k.KSI, valueGroup)},
		saidLine{p.say(text.New("numbers")), p.say(text.New("confirmed %d, burnt %d, unknown %d", k.Confirmed, k.Burnt, k.Unknown))})}
	for _, l := range k.Leases {
		b.Leases = append(b.Leases, leaseRow{quoted(keyless(l.ID)), quoted(keyless(l.Station)), fmt.Sprintf("%d – %d", l.From, l.To), l.Unused})
	}
	return b
}

func (p *pagePrinter) loadRows(d *fleet.ReportDevice) []loadRow {
	first := loadRow{Serial: quoted(keyless(d.Serial)), State: p.say(deviceStateText(d.State)), Reason: quoted(keyless(d.Reason)),
		Station: quoted(keyless(d.Station)), Look: page.NewArea(1, 1, 12, 12, deviceLook(d.State))}
	if d.Told != d.Serial {
		first.Told = quoted(keyless(d.Told))
	}
	if !d.Changed.IsZero() {
		first.Time = onPage(d.Changed)
	}
	if len(d.Loads) == 0 {
		return []loadRow{first}
	}
	var rows []loadRow
	for i := range d.Loads {
		l := &d.Loads[i]
		row := loadRow{State: p.say(loadStateText(l.State)), Look: page.NewArea(1, 1, 12, 12, loadLook(l.State))}
		if i == 0 {
			row = first
		}
		if row.Reason == "" {
			row.Reason = quoted(keyless(l.Reason))
		}
		row.Slot, row.KSN, row.Check, row.Proof = page.Line(l.Slot), apart(l.KSN, valueGroup), apart(l.Check, valueGroup), page.Line(l.Proof)
		row.Station, row.Time = quoted(keyless(l.Station)), onPage(l.Changed)
		rows = append(rows, row)
	}
	return rows
}

func loadStateText(s store.LoadState) text.Text {
	switch s {
	case store.LoadReserved:
		return text.New("reserved")
	case store.LoadSent:
		return text.New("sent")
	case store.LoadConfirmed:
		return text.New("confirmed")
	case store.LoadFailed:
		return text.New("failed")
	case store.LoadUnknown:
		return text.New("unknown")
	}
	return text.Raw(string(s))
}

func loadLook(s store.LoadState) page.Look {
	switch s {
	case store.LoadConfirmed:
		return page.Full
	case store.LoadFailed:
		return page.Striped
	case store.LoadUnknown:
		return page.Crossed
	case store.LoadSent:
		return page.Half
	}
	return page.Faint
}
