package cli

// A device's own account of itself as it is shown.

import (
	"strconv"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/keys"
)

type statusDoc struct {
	Serial      string       `json:"serial"`
	Model       string       `json:"model"`
	POIVersion  string       `json:"poi_version"`
	Firmware    string       `json:"firmware"`
	Clock       string       `json:"clock"`
	Screen      string       `json:"screen"`
	Locks       []lockDoc    `json:"locks"`
	Tamper      tamperDoc    `json:"tamper"`
	Battery     batteryDoc   `json:"battery"`
	Celsius     float64      `json:"celsius"`
	Humidity    int          `json:"humidity"`
	Link        string       `json:"link"`
	LinkQuality int          `json:"link_quality"`
	InjectMode  bool         `json:"inject_mode"`
	Slots       []slotDoc    `json:"slots"`
	Initial     []initialDoc `json:"initial_keys"`
	OpenBatch   int          `json:"open_batch"`
	Events      []logDoc     `json:"events"`
}

type lockDoc struct {
	Kind     device.LockKind `json:"kind"`
	Since    string          `json:"since"`
	Detail   string          `json:"detail,omitempty"`
	KeysKept bool            `json:"keys_kept"`
	Officers int             `json:"officers"` // approvals that lifting it takes
}

type tamperDoc struct {
	Tripped bool   `json:"tripped"`
	Sensor  string `json:"sensor,omitempty"`
	At      string `json:"at,omitempty"`
}

type batteryDoc struct {
	Millivolts int  `json:"millivolts"`
	Low        bool `json:"low"`
}

type slotDoc struct {
	Slot      device.Slot `json:"slot"`
	Usage     keys.Usage  `json:"usage,omitempty"`
	Mode      string      `json:"mode,omitempty"`
	Algorithm string      `json:"algorithm,omitempty"`
	KCV       string      `json:"kcv,omitempty"`
	Method    string      `json:"method,omitempty"`
	KSN       string      `json:"ksn,omitempty"`
	Damaged   bool        `json:"damaged,omitempty"`
	Expires   string      `json:"expires,omitempty"`
}

type initialDoc struct {
	Slot  device.Slot `json:"slot"`
	KSN   string      `json:"ksn"`
	Check string      `json:"kcv,omitempty"`
	Left  uint64      `json:"left"`
}

type logDoc struct {
	Seq    uint64 `json:"seq"`
	At     string `json:"at"`
	Kind   string `json:"kind"`
	Detail string `json:"detail,omitempty"`
}

func newStatusDoc(s *device.Status) statusDoc {
	doc := statusDoc{Serial: s.Serial, Model: s.Model, POIVersion: s.POIVersion, Firmware: s.Firmware, Clock: at(s.Now), Screen: s.Screen,
		Tamper: tamperDoc{s.Tamper.Tripped, s.Tamper.Sensor, at(s.Tamper.At)}, Battery: batteryDoc{s.Battery.Millivolts, s.Battery.Low},
		Celsius: s.Environment.Celsius, Humidity: s.Environment.Humidity, Link: s.Link.Kind, LinkQuality: s.Link.Quality,
		InjectMode: s.InjectMode, OpenBatch: s.OpenBatch, Locks: []lockDoc{}, Slots: []slotDoc{}, Initial: []initialDoc{}, Events: newLogDocs(s.Events)}
	for _, l := range s.Locks {
		row, _ := device.LockOf(l.Kind)
		doc.Locks = append(doc.Locks, lockDoc{l.Kind, at(l.Since), l.Detail, row.KeysKept, row.Officers})
	}
	for i := range s.Slots {
		doc.Slots = append(doc.Slots, newSlotDoc(&s.Slots[i]))
	}
	for _, k := range s.Initial {
		row := initialDoc{Slot: k.Slot, KSN: k.KSN, Left: k.Left}
		if k.Check.Digits != "" {
			row.Check = k.Check.String()
		}
		doc.Initial = append(doc.Initial, row)
	}
	return doc
}

func newSlotDoc(s *device.SlotReport) slotDoc {
	doc := slotDoc{Slot: s.Slot, Usage: s.Usage, KCV: s.Check.Digits, Method: string(s.Check.Method), KSN: s.KSN, Damaged: s.Damaged, Expires: at(s.Expires)}
	if s.HasAttributes {
		doc.Mode, doc.Algorithm = string(rune(s.Mode)), string(rune(s.Algorithm))
	}
	return doc
}

func newLogDocs(all []device.LogEvent) []logDoc {
	out := []logDoc{}
	for _, e := range all {
		out = append(out, logDoc{e.Seq, at(e.At), e.Kind, e.Detail})
	}
	return out
}

func deviceStatusPage(p *render.Page, s *device.Status) {
	doc := newStatusDoc(s)
	p.Fields(
		render.F(text.New("serial"), doc.Serial),
		render.F(text.New("model"), doc.Model),
		render.F(text.New("POI version"), doc.POIVersion),
		render.F(text.New("firmware"), doc.Firmware),
		render.F(text.New("screen"), doc.Screen),
		render.F(text.New("lock"), lockLine(p, s)),
		render.F(text.New("tamper"), p.T(tamperText(s.Tamper))),
		render.F(text.New("backup battery"), p.T(batteryText(s.Battery))),
		render.F(text.New("clock"), doc.Clock),
		render.F(text.New("environment"), p.T(text.New("%s °C, humidity %d %%", strconv.FormatFloat(doc.Celsius, 'f', 1, 64), doc.Humidity))),
		render.F(text.New("link"), p.T(text.New("%s, quality %d %%", doc.Link, doc.LinkQuality))),
		render.F(text.New("not settled"), p.T(text.New("%d transactions", doc.OpenBatch))),
	)
	slotPage(p, &doc)
	if len(doc.Events) > 0 {
		p.Blank()
		logPage(p, doc.Events)
	}
}

func slotPage(p *render.Page, doc *statusDoc) {
	p.Blank()
	if len(doc.Slots) == 0 && len(doc.Initial) == 0 {
		p.Line(text.New("no keys"))
		return
	}
	var rows [][]string
	for i := range doc.Slots {
		s := &doc.Slots[i]
		value := s.KCV
		if s.Method != "" {
			value += " (" + s.Method + ")"
		}
		if s.Damaged {
			value = p.T(text.New("damaged"))
		}
		rows = append(rows, []string{string(s.Slot), string(s.Usage), s.Mode, s.Algorithm, value, s.KSN, s.Expires})
	}
	for _, k := range doc.Initial {
		rows = append(rows, []string{string(k.Slot), string(keys.UsageIK), "X", "", k.Check, k.KSN, p.T(text.New("%d transactions left", k.Left))})
	}
	p.Grid([]text.Text{text.New("slot"), text.New("usage"), text.New("mode"), text.New("algorithm"), text.New("check value"), text.New("KSN"),
		text.New("until")}, rows)
}

func logPage(p *render.Page, events []logDoc) {
	var rows [][]string
	for _, e := range events {
		rows = append(rows, []string{strconv.FormatUint(e.Seq, 10), e.At, e.Kind, e.Detail})
	}
	p.Grid([]text.Text{text.New("event"), text.New("when"), text.New("kind"), text.New("detail")}, rows)
}

func lockLine(p *render.Page, s *device.Status) string {
	if len(s.Locks) == 0 {
		return p.T(text.New("none"))
	}
	line := ""
	for i, l := range s.Locks {
		if i > 0 {
			line += "; "
		}
		line += p.T(text.New("%s since %s", lockText(l.Kind), at(l.Since)))
	}
	return line
}

func lockText(k device.LockKind) text.Text {
	switch k {
	case device.LockOperator:
		return text.New("operator lock")
	case device.LockPassword:
		return text.New("password lock")
	case device.LockPINRate:
		return text.New("PIN rate limit")
	case device.LockSignIn:
		return text.New("sign-in lock")
	case device.LockRemote:
		return text.New("remote lock")
	case device.LockLocation:
		return text.New("location lock")
	case device.LockDualAdmin:
		return text.New("dual-administrator gate")
	case device.LockMutualAuth:
		return text.New("mutual-authentication gate")
	case device.LockTamper:
		return text.New("tamper lock")
	}
	return text.Raw(string(k))
}

func tamperText(t device.TamperState) text.Text {
	if !t.Tripped {
		return text.New("no")
	}
	return text.New("opened (%s) at %s", t.Sensor, at(t.At))
}

func batteryText(b device.Battery) text.Text {
	if b.Low {
		return text.New("%d mV, low: the keys will be lost", b.Millivolts)
	}
	return text.New("%d mV", b.Millivolts)
}
