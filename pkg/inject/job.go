package inject

import (
	"time"

	"poskey/pkg/device"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// Plan is one key for one slot.
type Plan struct {
	Slot   device.Slot
	Key    hsm.Checked // with the usage that it is loaded for; with a KeySet the BDK
	Ref    store.Ref   // of the key in the inventory; zero for a key given on the spot
	KeySet string      // the initial key for a number of this set is loaded, derived from Key; "" loads Key itself
	KLK    *hsm.Key    // protects the key on its way; nil only for a clear load
	// KLKSlot is where the device holds the KLK, for dialects that want to be told.
	KLKSlot device.Slot
	Clear   bool   // the key may cross the line in clear
	Why     string // why a clear load is allowed; goes into the record
	Usage   keys.Usage
	Mode    byte
}

// initial reports a load of a DUKPT initial key.
func (p *Plan) initial() bool { return p.KeySet != "" }

// under is the key of the store that protects the load; zero for one given on the spot, and for a clear load.
func (p *Plan) under() (store.Ref, error) {
	if p.KLK == nil || p.KLK.Label == "" {
		return store.Ref{}, nil
	}
	return store.ParseRef(p.KLK.Label)
}

// Job is what goes into one device.
type Job struct {
	Run        string // names the run in the journal; the same name takes it up again
	Station    string
	Serial     string        // who shall be at the end of the line; "" where nobody said
	Known      *store.Device // the device's row in the inventory; nil without one
	POIVersion string        // PCI POI version of the device; "" takes the inventory's
	Production bool
	Own        bool // the device is the injecting organisation's own (PCI PIN 32-9 has later dates for these)
	Loads      []Plan
}

// poi is the device's POI version as far as it is known.
func (j *Job) poi() string {
	if j.POIVersion == "" && j.Known != nil {
		return j.Known.POIVersion
	}
	return j.POIVersion
}

// Ready is one load that passed its preflight.
type Ready struct {
	plan    Plan
	version byte // of the key block; 0 for a clear load and for a bare cryptogram
	before  device.SlotState
	asked   bool // before was asked for
}

// Plan is what is loaded, with usage and mode filled in.
func (r *Ready) Plan() Plan { return r.plan }

// Before is what the slot held; nothing is known of it before a clear load, and of slots that cannot be asked about.
func (r *Ready) Before() device.SlotState { return r.before }

// Version is the version of the key block, 0 for a clear load and for a cryptogram.
func (r *Ready) Version() byte { return r.version }

// Cleared is a job that passed its preflight.
type Cleared struct {
	job    Job
	serial string // as the device told it, else as somebody said it
	loads  []Ready
	checks []Check
}

// Serial is the device's serial number as far as it is known.
func (c *Cleared) Serial() string { return c.serial }

// Loads are the loads in the order in which they will be done.
func (c *Cleared) Loads() []Ready { return c.loads }

// Checks are the findings of the preflight, in its order.
func (c *Cleared) Checks() []Check { return c.checks }

// Outcome is what became of one load. One that was not begun has no state.
type Outcome struct {
	Slot    device.Slot
	State   store.LoadState
	Result  Result     // of a confirmed load
	Load    store.Load // as the journal has it; without a journal only what is known
	Settled bool       // a load of an earlier run, about which the device was asked
	Done    bool       // confirmed by an earlier run; nothing was sent
	Same    []string   // other devices that hold a key with an equal check value
	Err     error
}

// handled reports that nothing is left to do about the load in this run.
func (o *Outcome) handled() bool { return o.State != "" || o.Err != nil }

// Result is a load that the terminal confirmed.
type Result struct {
	device.LoadResult
	Version byte    // of the key block, 0 for a clear load and for a cryptogram
	Key     hsm.Key // what was loaded: of a load with a key set the initial key
}

// Report is what became of a job: an outcome for each of its loads, in the order of Cleared.Loads, also when the run was
// given up before it came to them.
type Report struct {
	Run, Serial string
	Began       time.Time
	Loads       []Outcome
	// Beside are open loads of the run in slots that the plan does not have: a plan that was changed meanwhile. They are
	// not settled by this run.
	Beside []store.Load
}

// Confirmed reports whether every load of the job is known to be in the device.
func (r *Report) Confirmed() bool {
	for _, o := range r.Loads {
		if o.State != store.LoadConfirmed || o.Err != nil {
			return false
		}
	}
	return len(r.Loads) > 0 && len(r.Beside) == 0
}

// Err is the first error of a load.
func (r *Report) Err() error {
	for _, o := range r.Loads {
		if o.Err != nil {
			return o.Err
		}
	}
	return nil
}

// Named gives the job its name in the journal.
func (c Cleared) Named(run string) Cleared {
	c.job.Run = run
	return c
}
