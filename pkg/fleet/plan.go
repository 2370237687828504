package fleet

// What a run is: a list, what goes into each device, and the stations that may take part.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/inject"
	"poskey/pkg/store"
)

// PlanSchema is the schema of a plan as the store keeps it.
const PlanSchema = "poskey.fleet-plan/v1"

// LoadTemplate is one load into every device. Keys are named, as the plan of pkg/inject names them.
type LoadTemplate struct {
	Slot     string `json:"slot"`
	Key      string `json:"key,omitempty"`
	KeySet   string `json:"key_set,omitempty"`
	KBPK     string `json:"kbpk,omitempty"` // a device's own kbpk goes before it
	KBPKSlot string `json:"kbpk_slot,omitempty"`
	Usage    string `json:"usage,omitempty"`
	Mode     string `json:"mode,omitempty"`
	Clear    bool   `json:"clear,omitempty"`
	Why      string `json:"why,omitempty"`
}

// Templates takes the loads of a plan of pkg/inject.
func Templates(d *inject.Document) []LoadTemplate {
	var all []LoadTemplate
	for _, it := range d.Loads {
		all = append(all, LoadTemplate{Slot: it.Slot, Key: it.Key, KeySet: it.KeySet, KBPK: it.KBPK, KBPKSlot: it.KBPKSlot,
			Usage: it.Usage, Mode: it.Mode, Clear: it.Clear, Why: it.Why})
	}
	return all
}

// Item is the template as pkg/inject writes it, with a device's own kbpk where it has one.
func (t *LoadTemplate) Item(kbpk string) inject.Item {
	it := inject.Item{Slot: t.Slot, Key: t.Key, KeySet: t.KeySet, KBPK: t.KBPK, KBPKSlot: t.KBPKSlot, Usage: t.Usage,
		Mode: t.Mode, Clear: t.Clear, Why: t.Why}
	if kbpk != "" && !t.Clear {
		it.KBPK = fromStore + kbpk
	}
	return it
}

// Plan is a run as the store keeps it.
type Plan struct {
	Schema      string         `json:"schema"`
	Run         string         `json:"run"`
	Environment string         `json:"environment"`
	Customer    string         `json:"customer,omitempty"`
	Own         bool           `json:"own_devices,omitempty"`
	Replace     bool           `json:"replace,omitempty"`  // devices that have a number of a key set get another one
	Stations    []string       `json:"stations,omitempty"` // that may take part; none: any
	Loads       []LoadTemplate `json:"loads"`
	Devices     int            `json:"devices"`
	Manifest    string         `json:"manifest_sha256"`
	Serials     string         `json:"serials_sha256"`
	Software    string         `json:"software,omitempty"`
	Created     time.Time      `json:"created"`
}

// Digest is SHA-256 over the plan as it is kept: 64 upper-case hex digits.
func (p *Plan) Digest() (string, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return "", fault.WrapAs(fault.Bug, err, "write the plan of the run")
	}
	sum := sha256.Sum256(raw)
	return strings.ToUpper(hex.EncodeToString(sum[:])), nil
}

// Check holds a plan to what [Begin] takes, as far as that can be told without a store. Error: usage.
func (p *Plan) Check() error {
	if len(p.Loads) == 0 {
		return fault.New(fault.Usage, "the plan of the run has no loads")
	}
	if err := store.CheckLabel(p.Run); err != nil {
		return fault.Wrap(err, "the name of the run")
	}
	for i, l := range p.Loads {
		same := func(o LoadTemplate) bool { return o.Slot == l.Slot }
		if slices.ContainsFunc(p.Loads[:i], same) {
			return fault.New(fault.Usage, "slot %s is in the plan twice", l.Slot)
		}
		if l.Slot == "" || (l.Key == "") == (l.KeySet == "") {
			return fault.New(fault.Usage, "load %d names a slot, and a key or a key set", i+1)
		}
		if l.KeySet != "" && p.setBefore(i) {
			return fault.New(fault.Usage, "key set %s is in the plan twice; a device has one number of it", l.KeySet)
		}
	}
	for _, s := range p.Stations {
		if err := checkStation(s); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) setBefore(i int) bool {
	return slices.ContainsFunc(p.Loads[:i], func(o LoadTemplate) bool { return o.KeySet == p.Loads[i].KeySet })
}

// checkStation holds the name of a station to what a lease and the queue take.
func checkStation(s string) error {
	if s == "" || len(s) > 32 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return fault.New(fault.Usage, "the name of a station is 1 to 32 of A-Z a-z 0-9 . _ -")
	}
	return nil
}

// Begin takes a run down: the plan, the list, and the devices as expected in the inventory. It fills in what the plan
// leaves open, and gives it as it is kept. Errors: file_exists (the run), not_permitted (a device is in another open run,
// in quarantine, of another model) and those of [Plan.Fits].
func Begin(ctx context.Context, db *store.Store, c store.Change, p Plan, m Manifest) (Plan, error) {
	if err := p.Check(); err != nil {
		return Plan{}, err
	}
	if err := p.Fits(ctx, db, &m); err != nil {
		return Plan{}, err
	}
	id, err := db.Identity(ctx)
	if err != nil {
		return Plan{}, err
	}
	p.Schema, p.Environment, p.Devices = PlanSchema, id.Environment, len(m.Devices)
	p.Manifest, p.Serials, p.Created = m.Digest(), m.SerialsDigest(), p.Created.UTC()
	raw, err := json.Marshal(&p)
	if err != nil {
		return Plan{}, fault.WrapAs(fault.Bug, err, "write the plan of the run")
	}
	var devices []store.RunDevice
	for _, e := range m.Devices {
		devices = append(devices, store.RunDevice{Run: p.Run, Serial: e.Serial, URI: e.Device, Model: e.Model,
			POIVersion: e.POIVersion, KBPK: e.KBPK, Note: e.Note})
	}
	run := store.Run{ID: p.Run, Plan: raw, Manifest: p.Manifest}
	if err := db.AddRun(ctx, c, run, devices); err != nil {
		return Plan{}, err
	}
	return p, nil
}

// ReadPlan reads a run as it was taken down. Errors: not_found; checksum_mismatch for a plan or a list that is not the
// one that was taken down.
func ReadPlan(ctx context.Context, db *store.Store, run string) (Plan, store.Run, error) {
	r, err := db.Run(ctx, run)
	if err != nil {
		return Plan{}, store.Run{}, err
	}
	var p Plan
	if err := json.Unmarshal(r.Plan, &p); err != nil || p.Schema != PlanSchema || p.Run != r.ID || p.Manifest != r.Manifest ||
		p.Devices != r.Devices {
		return Plan{}, store.Run{}, fault.New(fault.ChecksumMismatch, "the plan of run %s is damaged", run)
	}
	return p, r, nil
}

// manifestOf makes the list again from the rows of a run.
func manifestOf(rows []store.RunDevice) Manifest {
	var m Manifest
	for _, d := range rows {
		m.Devices = append(m.Devices, Expected{Serial: d.Serial, Device: d.URI, Model: d.Model, POIVersion: d.POIVersion,
			KBPK: d.KBPK, Note: d.Note})
	}
	return m
}

// readList reads the devices of a run, and refuses a list that is not the one that was taken down.
func readList(ctx context.Context, db *store.Store, r *store.Run) ([]store.RunDevice, error) {
	var rows []store.RunDevice
	for d, err := range db.RunDevices(ctx, store.RunFilter{Run: r.ID}) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, d)
	}
	m := manifestOf(rows)
	if m.Digest() != r.Manifest {
		return nil, fault.New(fault.ChecksumMismatch, "the list of run %s is not the one that was taken down: its digest differs", r.ID)
	}
	return rows, nil
}
