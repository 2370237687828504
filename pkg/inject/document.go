package inject

// The plan as somebody writes it down.

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/keys"
)

// DocumentSchema is the schema of a plan.
const DocumentSchema = "poskey.inject-plan/v1"

// maxDocument bounds what is read of a plan.
const maxDocument = 1 << 20

// Document is a plan as it is written: what goes into one device, or into each device of a fleet. Keys are named as
// sources (store:LABEL, block:PATH, ...); whoever reads the plan fetches them.
type Document struct {
	Schema      string `yaml:"schema"`
	Environment string `yaml:"environment"` // test or production; must be the store's
	Device      string `yaml:"device,omitempty"`
	Manage      string `yaml:"manage,omitempty"` // URI by which the device tells of itself, where that of the loads cannot
	Serial      string `yaml:"serial,omitempty"`
	POIVersion  string `yaml:"poi_version,omitempty"`
	Own         bool   `yaml:"own_devices,omitempty"` // PCI PIN 32-9 has later dates for own devices
	Loads       []Item `yaml:"loads"`
}

// Item is a load of a plan.
type Item struct {
	Slot     string `yaml:"slot"`
	Key      string `yaml:"key,omitempty"`     // the key itself
	KeySet   string `yaml:"key_set,omitempty"` // or the key set whose initial keys are loaded, one for each device
	Expect   string `yaml:"expect,omitempty"`  // check value of the key
	KBPK     string `yaml:"kbpk,omitempty"`    // the key loading key
	KBPKSlot string `yaml:"kbpk_slot,omitempty"`
	Clear    bool   `yaml:"clear,omitempty"`
	Why      string `yaml:"why,omitempty"` // why the key may go in clear
	Usage    string `yaml:"usage,omitempty"`
	Mode     string `yaml:"mode,omitempty"`
}

// ParseDocument reads a plan, strictly: a field that is not known is an error, since a misspelt one would be a rule that
// nobody follows. Errors: malformed, with the line; too_large.
func ParseDocument(r io.Reader) (Document, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return Document{}, fault.WrapAs(fault.Failure, err, "read the plan")
	}
	if len(raw) > maxDocument {
		return Document{}, fault.New(fault.TooLarge, "the plan is larger than %d bytes", maxDocument)
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	var d Document
	if err := dec.Decode(&d); err != nil {
		return Document{}, fault.New(fault.Malformed, "the plan cannot be read: %s", yamlError(err))
	}
	var more any
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return Document{}, fault.New(fault.Malformed, "the plan has more than one document")
	}
	if err := d.check(); err != nil {
		return Document{}, fault.Wrap(err, "plan")
	}
	return d, nil
}

// yamlError is what the reader of YAML says, in one line, without the values it quotes: one of them could be a key.
func yamlError(err error) string {
	var typed *yaml.TypeError
	msg := err.Error()
	if errors.As(err, &typed) && len(typed.Errors) > 0 {
		msg = typed.Errors[0]
	}
	msg = strings.TrimPrefix(msg, "yaml: ")
	place, what, lined := strings.Cut(msg, ": ")
	if !lined || !strings.HasPrefix(place, "line ") {
		place, what = "", msg
	} else {
		place += ": "
	}
	switch {
	case strings.HasPrefix(what, "field "):
		return place + "a field that is not known here, or stands there twice"
	case strings.HasPrefix(what, "cannot "):
		return place + "a value of the wrong kind"
	case strings.ContainsAny(what, "`'\"\n#") || strings.HasPrefix(what, "invalid map key"):
		return place + "this is no YAML of a plan"
	}
	return place + what
}

func (d *Document) check() error {
	switch {
	case d.Schema != DocumentSchema:
		return fault.New(fault.Malformed, "schema is %q, not %q", text.Redact(d.Schema), DocumentSchema)
	case d.Environment != "test" && d.Environment != "production":
		return fault.New(fault.Malformed, "environment is %q; it is test or production", text.Redact(d.Environment))
	case len(d.Loads) == 0:
		return fault.New(fault.Malformed, "there are no loads")
	}
	if d.POIVersion != "" {
		if _, err := ParsePOIVersion(d.POIVersion); err != nil {
			return err
		}
	}
	for i := range d.Loads {
		if err := d.Loads[i].check(); err != nil {
			return fault.Wrap(err, "load %d", i+1)
		}
	}
	return nil
}

func (it *Item) check() error {
	slot := text.Redact(it.Slot)
	switch {
	case it.Slot == "":
		return fault.New(fault.Malformed, "no slot")
	case (it.Key == "") == (it.KeySet == ""):
		return fault.New(fault.Malformed, "slot %s: name a key or a key set, one of them", slot)
	case it.Clear && it.KBPK != "":
		return fault.New(fault.Malformed, "slot %s: a clear key has no kbpk", slot)
	case !it.Clear && it.KBPK == "":
		return fault.New(fault.Malformed, "slot %s: name the kbpk, the key that the terminal opens the key block with, or say clear: true", slot)
	case it.Clear && it.Why == "":
		return fault.New(fault.Malformed, "slot %s: say why the key goes in clear (why: ...); it goes into the record", slot)
	case len(it.Mode) > 1:
		return fault.New(fault.Malformed, "slot %s: a mode of use is one character", slot)
	case strings.HasPrefix(it.Key, "hex:") || strings.HasPrefix(it.KBPK, "hex:"):
		return fault.New(fault.ArgvSecret, "slot %s: a plan holds no key digits; it is a file that people read", slot)
	}
	if it.Usage != "" {
		if _, err := keys.ParseUsage(it.Usage); err != nil {
			return fault.Wrap(err, "slot %s", slot)
		}
	}
	return nil
}

// Plan is the load of an item, without its keys.
func (it *Item) Plan() Plan {
	p := Plan{Slot: device.Slot(it.Slot), KeySet: it.KeySet, KLKSlot: device.Slot(it.KBPKSlot), Clear: it.Clear, Why: it.Why,
		Usage: keys.Usage(it.Usage)}
	if it.Mode != "" {
		p.Mode = it.Mode[0]
	}
	return p
}
