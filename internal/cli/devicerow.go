package cli

// A device of the inventory as it is shown.

import (
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/store"
)

type deviceDoc struct {
	Serial     string            `json:"serial"`
	Model      string            `json:"model,omitempty"`
	POIVersion string            `json:"poi_version,omitempty"`
	State      store.DeviceState `json:"state"`
	Added      string            `json:"added"`
	Changed    string            `json:"changed"`
	Keys       []deviceKeyDoc    `json:"keys"`
}

type deviceKeyDoc struct {
	Slot   string `json:"slot"`
	Key    string `json:"key,omitempty"` // the key itself, or the one that it was derived from
	KCV    string `json:"kcv"`
	Method string `json:"method"`
	KSN    string `json:"ksn,omitempty"`
	Loaded string `json:"loaded"`
}

func newDeviceDoc(d *store.Device) deviceDoc {
	doc := deviceDoc{Serial: d.Serial, Model: d.Model, POIVersion: d.POIVersion, State: d.State, Added: at(d.Added), Changed: at(d.Changed),
		Keys: []deviceKeyDoc{}}
	for i := range d.Keys {
		k := &d.Keys[i]
		row := deviceKeyDoc{Slot: k.Slot, KCV: k.Check.Digits, Method: string(k.Check.Method), KSN: k.KSN, Loaded: at(k.Loaded)}
		if !k.Key.IsZero() {
			row.Key = k.Key.String()
		}
		doc.Keys = append(doc.Keys, row)
	}
	return doc
}

func devicePage(p *render.Page, d *store.Device) {
	p.Fields(
		render.F(text.New("serial"), d.Serial),
		render.F(text.New("model"), d.Model),
		render.F(text.New("POI version"), d.POIVersion),
		render.F(text.New("state"), p.T(deviceStateText(d.State))),
	)
	if len(d.Keys) == 0 {
		return
	}
	p.Blank()
	var rows [][]string
	for _, k := range newDeviceDoc(d).Keys {
		rows = append(rows, []string{k.Slot, k.Key, k.KCV + " (" + k.Method + ")", k.KSN, k.Loaded})
	}
	p.Grid([]text.Text{text.New("slot"), text.New("key"), text.New("check value"), text.New("KSN"), text.New("loaded")}, rows)
}

func deviceStateText(s store.DeviceState) text.Text {
	switch s {
	case store.Expected:
		return text.New("expected, not loaded")
	case store.Reserved:
		return text.New("reserved")
	case store.Sent:
		return text.New("sent")
	case store.Confirmed:
		return text.New("confirmed")
	case store.Failed:
		return text.New("failed")
	case store.QuarantinedDevice:
		return text.New("quarantined")
	case store.Rejected:
		return text.New("rejected")
	}
	return text.Raw(string(s))
}
