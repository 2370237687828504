package cli

// Pages of devices: how a run stands, and the terminals of the inventory.

import (
	"context"
	_ "embed" // the page
	"fmt"
	"io"
	"time"

	"poskey/internal/i18n"
	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/fleet"
	"poskey/pkg/store"
)

//go:embed fleet.html.tmpl
var fleetHTML string

// fleetSheet is what the template sees.
type fleetSheet struct {
	Tone, Kicker, Heading, Lead string
	W                           fleetWords
	States                      page.Bar
	Nothing                     string
	Facts                       []saidLine
	Stations                    []stationRow
	Troubles                    []troubleRow
	Devices                     []inventoryRow
	More                        string
}

type fleetWords struct {
	States, Stations, Station, Confirmed, Others, Last, Troubles, Serial, State, Reason, Devices, Model, Version, Keys, Work string
}

// stationRow is what a station did, beside the one that did most.
type stationRow struct {
	Name              string
	Areas             []page.Area
	Confirmed, Others int
	Last              string
}

type troubleRow struct {
	Serial, State, Reason string
	Look                  page.Area
}

type inventoryRow struct {
	Serial, Model, Version, State string
	Keys                          int
	Look                          page.Area
}

func (p *pagePrinter) fleetWords() fleetWords {
	say, head := p.say, p.head
	return fleetWords{
		States: say(text.New("Devices by state")), Stations: say(text.New("Stations")), Station: head(text.New("station")),
		Confirmed: head(text.New("confirmed")), Others: head(text.New("others")), Last: head(text.New("last")),
		Troubles: say(text.New("What went wrong")), Serial: head(text.New("serial")), State: head(text.New("state")),
		Reason: head(text.New("reason")), Devices: say(text.New("Devices")), Model: head(text.New("model")),
		Version: say(text.New("POI version")), Keys: head(text.New("keys")),
		Work: head(text.New("devices")),
	}
}

func (a *App) writeFleetHTML(path string, s *fleet.Status) error {
	return writePage(path, func(w io.Writer) error { return fleetHTMLPage(w, a.Say, buildVersion().Version, s, a.Env.Now()) })
}

// fleetHTMLPage is how a run stands.
func fleetHTMLPage(w io.Writer, say *i18n.Printer, version string, s *fleet.Status, now time.Time) error {
	p := &pagePrinter{say}
	sheet := fleetSheet{Tone: runTone(s), Kicker: p.say(text.New("Injection run")), Heading: p.head(text.New("run %s", s.Run)),
		Lead: p.runLead(s), W: p.fleetWords(), Nothing: p.head(text.New("no devices")),
		States: p.deviceStates(map[store.DeviceState]int{store.Confirmed: s.Counts.Confirmed, store.Failed: s.Counts.Failed,
			store.QuarantinedDevice: s.Counts.Quarantined, store.Rejected: s.Counts.Rejected, store.Expected: s.Counts.Left}, text.New("left"))}
	sheet.Facts = filled(saidLine{p.say(text.New("begun")), minute(s.Created)}, saidLine{p.say(text.New("closed")), minute(s.Closed)})
	most := 1
	for _, n := range s.Stations {
		most = max(most, n.Confirmed+n.Others)
	}
	for _, n := range s.Stations {
		sheet.Stations = append(sheet.Stations, newStationRow(&n, most))
	}
	for _, d := range s.Troubles {
		sheet.Troubles = append(sheet.Troubles, troubleRow{quoted(keyless(d.Serial)), p.say(deviceStateText(d.State)), quoted(keyless(d.Reason)),
			page.NewArea(1, 1, 12, 12, deviceLook(d.State))})
	}
	if unwell := s.Counts.Failed + s.Counts.Quarantined + s.Counts.Rejected; unwell > len(s.Troubles) {
		sheet.More = p.head(text.New("and %d more", unwell-len(s.Troubles)))
	}
	return writeDevices(w, p, version, now, &sheet)
}

func writeDevices(w io.Writer, p *pagePrinter, version string, now time.Time, s *fleetSheet) error {
	t, err := page.New("devices", fleetHTML)
	if err != nil {
		return err
	}
	return t.Write(w, p.frame(s.Heading, version, now), s)
}

func runTone(s *fleet.Status) string {
	switch {
	case s.Counts.Failed+s.Counts.Quarantined > 0:
		return "bad"
	case s.Counts.Rejected > 0:
		return "may"
	case s.Counts.Left == 0:
		return "good"
	}
	return "plain"
}

func (p *pagePrinter) runLead(s *fleet.Status) string {
	if s.Counts.Listed == 0 {
		return p.head(text.New("no devices"))
	}
	return p.say(text.New("Through with %d of %d devices (%s); %d have their keys and have proved it.", s.Counts.Done(), s.Counts.Listed,
		fmt.Sprintf("%d %%", s.Counts.Done()*100/s.Counts.Listed), s.Counts.Confirmed))
}

// deviceStates draws counts; expected devices have another name where a list has them.
func (p *pagePrinter) deviceStates(counts map[store.DeviceState]int, expected text.Text) page.Bar {
	var all []page.Portion
	for _, s := range []store.DeviceState{store.Confirmed, store.Failed, store.QuarantinedDevice, store.Rejected, store.Sent, store.Reserved,
		store.Expected} {
		name := deviceStateText(s)
		if s == store.Expected {
			name = expected
		}
		all = append(all, page.Portion{Name: p.say(name), Count: counts[s], Look: deviceLook(s)})
	}
	return page.NewBar("devices", p.say(text.New("Devices by state")), 480, 20, all)
}

func deviceLook(s store.DeviceState) page.Look {
	switch s {
	case store.Confirmed:
		return page.Full
	case store.Failed:
		return page.Striped
	case store.QuarantinedDevice:
		return page.Crossed
	case store.Rejected:
		return page.Gone
	case store.Sent:
		return page.Half
	case store.Reserved:
		return page.Faint
	}
	return page.Open
}

// workWide is the width of a station's bar.
const workWide = 200

func newStationRow(n *fleet.StationStatus, most int) stationRow {
	r := stationRow{Name: quoted(keyless(n.Station)), Confirmed: n.Confirmed, Others: n.Others, Last: minute(n.Last)}
	x := 1
	add := func(count int, look page.Look) {
		if count > 0 {
			wide := max(2, (workWide-4)*count/most)
			r.Areas = append(r.Areas, page.NewArea(x, 1, wide, 8, look))
			x += wide + 1
		}
	}
	add(n.Confirmed, page.Full)
	add(n.Others, page.Striped)
	return r
}

// minute is a time on a page, "" for none.
func minute(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// writeDevicesHTML is the inventory: the states of all that were asked for, and a row for each that is listed.
func (a *App) writeDevicesHTML(ctx context.Context, path string, db *store.Store, f store.DeviceFilter, doc *deviceListDoc) error {
	id, err := db.Identity(ctx)
	if err != nil {
		return err
	}
	f.Limit = 0
	counts := map[store.DeviceState]int{}
	for d, err := range db.Devices(ctx, f) {
		if err != nil {
			return err
		}
		counts[d.State]++
	}
	return writePage(path, func(w io.Writer) error {
		return devicesHTMLPage(w, a.Say, buildVersion().Version, &id, counts, doc, a.Env.Now())
	})
}

func devicesHTMLPage(w io.Writer, say *i18n.Printer, version string, id *store.Identity, counts map[store.DeviceState]int,
	doc *deviceListDoc, now time.Time) error {
	p := &pagePrinter{say}
	all := 0
	for _, n := range counts {
		all += n
	}
	s := fleetSheet{Tone: "plain", Kicker: p.kicker(text.New("Terminals of the inventory"), id), Heading: p.head(text.New("store %s", id.ID)),
		Lead: p.say(text.New("Devices: %d; %d have their keys and have proved it.", all, counts[store.Confirmed])), W: p.fleetWords(),
		States: p.deviceStates(counts, deviceStateText(store.Expected)), Nothing: p.head(text.New("no devices"))}
	if counts[store.Failed]+counts[store.QuarantinedDevice] > 0 {
		s.Tone = "bad"
	}
	for i := range doc.Devices {
		d := &doc.Devices[i]
		s.Devices = append(s.Devices, inventoryRow{quoted(keyless(d.Serial)), quoted(keyless(d.Model)), quoted(keyless(d.POIVersion)),
			p.say(deviceStateText(d.State)), len(d.Keys), page.NewArea(1, 1, 12, 12, deviceLook(d.State))})
	}
	if doc.More {
		s.More = p.head(text.New("there are more; --limit 0 shows all"))
	}
	return writeDevices(w, p, version, now, &s)
}
