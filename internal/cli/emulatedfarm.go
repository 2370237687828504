package cli

// Many emulated terminals in one process.

import (
	"context"
	"strings"

	"poskey/internal/render"
	"poskey/pkg/device/emulator"
)

type farmDoc struct {
	Terminals []emulateDoc `json:"terminals"`
}

// farmColumns name the columns of the list, as fleet plan takes it.
const farmColumns = "serial,device,model,poi_version"

// runFarm serves many terminals. Their events would be nobody's reading, so they are told under -v only.
func (a *App) runFarm(ctx context.Context, o emulateOpts, cfg emulator.Config, f outfit) error {
	fc := emulator.FarmConfig{Config: cfg, Count: o.farm, Prefix: o.prefix, First: 1, Dir: o.state, Address: o.listen,
		Each: func(t *emulator.Terminal) error { return a.furnish(ctx, t, f) }}
	fc.Config.Dir, fc.Config.OnEvent = "", nil
	if a.flags.verbose {
		tell := a.eventPrinter()
		fc.Told = func(_ string, e emulator.Event) { tell(e) }
	}
	farm, err := emulator.NewFarm(ctx, fc)
	if err != nil {
		return portTaken(err, o.listen)
	}
	defer func() { _ = farm.Close() }()
	doc, list := farmDoc{}, farmColumns
	for _, m := range farm.Members() {
		is := m.Terminal.Status()
		doc.Terminals = append(doc.Terminals, emulateDoc{URI: m.URI(), Dialect: o.dialect, Serial: m.Serial})
		list += "\n" + strings.Join([]string{m.Serial, m.URI(), is.Model, is.POIVersion}, ",")
	}
	if err := a.render.Answer("device.emulate.farm", doc, func(p *render.Page) { p.Raw(list) }); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}
