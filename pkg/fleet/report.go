package fleet

// The report of a run.

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/store"
)

// ReportSchema is the schema of a report.
const ReportSchema = "poskey.fleet-report/v1"

// Report is the account of a run, to be kept and shown. It holds no key: labels, serial numbers, KSNs and check values.
type Report struct {
	Schema      string          `json:"schema"`
	Environment string          `json:"environment"`
	Store       string          `json:"store"`
	Run         string          `json:"run"`
	Customer    string          `json:"customer,omitempty"`
	Software    string          `json:"software,omitempty"`
	Created     time.Time       `json:"created"`
	Closed      time.Time       `json:"closed,omitzero"`
	At          time.Time       `json:"at"` // when the account was made
	PlanSHA256  string          `json:"plan_sha256"`
	ListSHA256  string          `json:"manifest_sha256"`
	Serials     string          `json:"serials_sha256"`
	Loads       []LoadTemplate  `json:"loads"`
	Counts      Counts          `json:"counts"`
	Untouched   int             `json:"untouched"`
	InWork      int             `json:"in_work"`
	Balanced    bool            `json:"balanced"`
	Open        int             `json:"open_findings"`
	Findings    []ReportFinding `json:"findings"`
	Stations    []StationStatus `json:"stations"`
	KeySets     []SetUse        `json:"key_sets"`
	Proofs      map[string]int  `json:"proofs"` // loads by what confirmed them
	Devices     []ReportDevice  `json:"devices"`
}

// ReportFinding is a finding in words.
type ReportFinding struct {
	Kind    FindingKind `json:"kind"`
	Open    bool        `json:"open"`
	Serials []string    `json:"serials"`
	Text    string      `json:"text"`
	say     text.Text
}

// Words say the finding; those of a report that was read from a file are English, as it was written.
func (f *ReportFinding) Words() text.Text {
	if f.say.IsZero() {
		return text.Raw(f.Text)
	}
	return f.say
}

// ReportDevice is a device and its loads.
type ReportDevice struct {
	Serial     string            `json:"serial"`
	Told       string            `json:"serial_told"`
	Model      string            `json:"model,omitempty"`
	POIVersion string            `json:"poi_version,omitempty"`
	Device     string            `json:"device"`
	State      store.DeviceState `json:"state"`
	Station    string            `json:"station,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Changed    time.Time         `json:"changed"`
	Loads      []ReportLoad      `json:"loads"`
}

// ReportLoad is a line of the journal.
type ReportLoad struct {
	ID      string          `json:"id"`
	Slot    string          `json:"slot"`
	State   store.LoadState `json:"state"`
	Key     string          `json:"key,omitempty"`
	KeySet  string          `json:"key_set,omitempty"`
	KSN     string          `json:"ksn,omitempty"`
	Lease   string          `json:"lease,omitempty"`
	Method  string          `json:"check_method,omitempty"`
	Check   string          `json:"check_value,omitempty"`
	Proof   string          `json:"proof,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Station string          `json:"station,omitempty"`
	At      time.Time       `json:"at"`
	Changed time.Time       `json:"changed"`
}

// NewReport writes an account down. The store is named by its id.
func NewReport(a *Account, storeID string) Report {
	p := &a.Plan
	r := Report{Schema: ReportSchema, Environment: p.Environment, Store: storeID, Run: p.Run, Customer: p.Customer,
		Software: p.Software, Created: a.Run.Created, Closed: a.Run.Closed, At: a.At, PlanSHA256: a.PlanDigest,
		ListSHA256: p.Manifest, Serials: p.Serials, Loads: p.Loads, Counts: a.Counts, Untouched: a.Untouched,
		InWork: a.InWork, Balanced: a.Balanced(), Open: a.Open(), Findings: []ReportFinding{}, Stations: stationsOf(a),
		KeySets: slices.Concat([]SetUse{}, a.KeySets), Proofs: a.Proofs, Devices: []ReportDevice{}}
	for _, f := range a.Findings {
		r.Findings = append(r.Findings, ReportFinding{f.Kind, f.Open, slices.Concat([]string{}, f.Serials), f.Text.String(), f.Text})
	}
	for i := range a.Devices {
		r.Devices = append(r.Devices, reportDevice(&a.Devices[i]))
	}
	return r
}

func reportDevice(a *Accounted) ReportDevice {
	d := ReportDevice{Serial: a.Serial, Told: a.Told, Model: a.Model, POIVersion: a.POIVersion, Device: a.URI, State: a.State,
		Station: a.Station, Reason: a.Reason, Changed: a.Changed, Loads: []ReportLoad{}}
	for _, l := range a.Loads {
		key := ""
		if !l.Key.IsZero() {
			key = l.Key.String()
		}
		d.Loads = append(d.Loads, ReportLoad{ID: l.ID, Slot: l.Slot, State: l.State, Key: key, KeySet: l.KeySet, KSN: l.KSN,
			Lease: l.Lease, Method: string(l.Check.Method), Check: l.Check.Digits, Proof: l.Proof, Reason: l.Reason,
			Station: l.Station, At: l.At, Changed: l.Changed})
	}
	return d
}

func stationsOf(a *Account) []StationStatus {
	all := []StationStatus{}
	at := map[string]int{}
	for i := range a.Devices {
		d := &a.Devices[i]
		if d.Station == "" {
			continue
		}
		if _, known := at[d.Station]; !known {
			at[d.Station] = len(all)
			all = append(all, StationStatus{Station: d.Station})
		}
		s := &all[at[d.Station]]
		if d.State == store.Confirmed {
			s.Confirmed++
		} else {
			s.Others++
		}
		if d.Changed.After(s.Last) {
			s.Last = d.Changed
		}
	}
	slices.SortFunc(all, func(a, b StationStatus) int { return strings.Compare(a.Station, b.Station) })
	return all
}

// JSON is the report as it is kept and signed.
func (r *Report) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, fault.WrapAs(fault.Bug, err, "write the report")
	}
	return b.Bytes(), nil
}

// ParseReport reads the JSON form. There is one way to write it. Errors: malformed.
func ParseReport(raw []byte) (Report, error) {
	var r Report
	if err := json.Unmarshal(raw, &r); err != nil || r.Schema != ReportSchema {
		return Report{}, fault.New(fault.Malformed, "the file is no report of a run (%s)", ReportSchema)
	}
	again, err := r.JSON()
	if err != nil {
		return Report{}, err
	}
	if !bytes.Equal(again, raw) {
		return Report{}, fault.New(fault.Malformed, "the report is not as poskey writes it")
	}
	return r, nil
}
