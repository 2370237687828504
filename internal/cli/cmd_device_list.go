package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/store"
)

type deviceListOpts struct {
	state, prefix, html string
	limit               int
}

func newDeviceListCmd(a *App) *cobra.Command {
	o := deviceListOpts{}
	cmd := a.command(cmdSpec{
		use:   "list",
		short: text.New("list the terminals of the inventory with the keys that are in them"),
		long: text.New("States: expected (on the list), reserved (its numbers are taken), sent, confirmed, failed (known not to have the key),\n" +
			"quarantined (nobody knows), rejected."),
		example: "  poskey device list\n  poskey device list --state quarantined -o json\n  poskey device list --html devices.html",
		exits:   []int{3, 4, 6, 8}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringVar(&o.state, "state", "", a.Say.T("only those in this state"))
	f.StringVar(&o.prefix, "prefix", "", a.Say.T("only those whose serial number begins so"))
	a.limitFlag(f, &o.limit, 1000)
	a.htmlFlag(f, &o.html)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDeviceList(cmd.Context(), a, o) }
	return cmd
}

type deviceListDoc struct {
	Devices []deviceDoc `json:"devices"`
	More    bool        `json:"more"`
}

func runDeviceList(ctx context.Context, a *App, o deviceListOpts) error {
	state, err := parseDeviceState(o.state)
	if err != nil {
		return err
	}
	if err := checkLimit(o.limit); err != nil {
		return err
	}
	if o.html != "" {
		if err := source.CheckNew(o.html); err != nil {
			return err
		}
	}
	db, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	most := 0
	if o.limit > 0 {
		most = o.limit + 1 // one more tells whether there are more
	}
	doc := deviceListDoc{Devices: []deviceDoc{}}
	for d, err := range db.Devices(ctx, store.DeviceFilter{State: state, Prefix: o.prefix, Limit: most}) {
		if err != nil {
			return err
		}
		if doc.More = o.limit > 0 && len(doc.Devices) == o.limit; doc.More {
			break
		}
		doc.Devices = append(doc.Devices, newDeviceDoc(&d))
	}
	if o.html != "" {
		filter := store.DeviceFilter{State: state, Prefix: o.prefix}
		if err := a.writeDevicesHTML(ctx, o.html, db, filter, &doc); err != nil {
			return err
		}
	}
	return a.render.Answer("device.list", doc, func(p *render.Page) { deviceListPage(p, &doc) })
}

func parseDeviceState(s string) (store.DeviceState, error) {
	known := ""
	for _, state := range store.DeviceStates() {
		if s == "" || s == string(state) {
			return store.DeviceState(s), nil
		}
		known += " " + string(state)
	}
	return "", fault.New(fault.Usage, "--state %q: known:%s", text.Redact(s), known)
}

func deviceListPage(p *render.Page, doc *deviceListDoc) {
	if len(doc.Devices) == 0 {
		p.Line(text.New("no devices"))
		return
	}
	var rows [][]string
	for i := range doc.Devices {
		d := &doc.Devices[i]
		rows = append(rows, []string{d.Serial, d.Model, d.POIVersion, p.T(deviceStateText(d.State)), strconv.Itoa(len(d.Keys))})
	}
	p.Grid([]text.Text{text.New("serial"), text.New("model"), text.New("POI version"), text.New("state"), text.New("keys")}, rows)
	if doc.More {
		p.Line(text.New("there are more; --limit 0 shows all"))
	}
}
