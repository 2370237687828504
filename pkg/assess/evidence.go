package assess

// What is looked at: facts in, no I/O.

import (
	"time"

	"poskey/pkg/audit"
	"poskey/pkg/device"
	"poskey/pkg/incident"
	"poskey/pkg/store"
	"poskey/pkg/vault"
)

// Evidence is what was seen. A part that is nil was not looked at, and gives no evidence.
type Evidence struct {
	Now       time.Time
	Device    *DeviceEvidence
	Store     *StoreEvidence
	Log       *LogEvidence
	Host      *HostEvidence
	Incidents []incident.Summary // nil: nobody looked; empty: there are none
}

// DeviceEvidence is one terminal as it answered.
type DeviceEvidence struct {
	// Status is what it told. Where it told nothing of itself (a dialect for loading, a refusal), Now is zero, and only
	// Slots and Initial count.
	Status  device.Status
	URI     device.URI    // how it was reached
	Listed  *store.Device // its row in the inventory; nil where it has none or nobody looked
	Events  []device.LogEvent
	Whole   bool   // Events are all that its log has
	Latest  string // firmware that is the newest, as the user says; "" not known
	SeenAt  time.Time
	Healthy bool // the device answered all that was asked
}

// StoreEvidence is the inventory, read once.
type StoreEvidence struct {
	Identity  store.Identity
	Keys      []store.Key // without their blocks; of the destroyed ones those that were compromised
	Devices   []store.Device
	KeySets   []store.KeySet
	Officers  []OfficerFact // in office
	Threshold int           // custodians who open it; 0 for a token
	Shares    int           // who have a share
	Loads     []store.Load  // that are not settled, whatever their age, and those in clear of the time that is looked at
	LoadsSeen int           // all loads of that time
	Cuttings  []vault.PartsOf
	Conveyed  int      // parts of keys that went out in bags, by the ledger
	OneWay    []string // keys of which two parts went the same way
	NoWay     int      // parts that went out, and nobody wrote down how
	Schema    int
	// Backups are told by the log; Mode is the file's.
	FileMode  uint32 // permission bits of the SQLite file and of its folder; 0 on a server
	DirMode   uint32
	LocalFile bool // SQLite
	TLS       bool // the server is reached with sslmode=verify-full
	Loopback  bool // or it is on this machine
}

// OfficerFact is an officer as the card says.
type OfficerFact struct {
	ID, Manager string
	Roles       []string
	Expires     time.Time
	Share       bool
}

// LogEvidence is the audit log, read once.
type LogEvidence struct {
	Report audit.Report
	Broken error // it does not verify
	Since  time.Time
	// Counts of outcomes since then; where the log is broken, of those above the break.
	FailedLogins  int // officers and devices
	ClearLoads    int
	Reveals       int
	Backup        time.Time // the last one; zero: none in the log
	Restored      time.Time
	Checkpoint    time.Time
	Verified      time.Time
	Selftest      time.Time
	SingleHanded  []string // operations of keys that one officer alone approved in production
	Unfinished    int
	LastOperation time.Time
}

// HostEvidence is the machine poskey runs on. What could not be looked at is in Unknown, by field name.
type HostEvidence struct {
	System        string // linux, darwin, windows
	MemoryLocked  bool
	CoreDumpsOff  bool
	Swap          []string // that memory goes to
	NetworksUp    []string
	Root          bool // poskey runs as the administrator
	TracingHeld   bool // other processes of the user cannot trace this one
	Randomised    bool // address space
	Encrypted     bool // the disk of the store
	ClockSynced   bool
	UmaskTight    bool
	OthersCanRead []string // files of poskey that others can read
	Version       string   // of poskey
	Unknown       []string
}

// IsUnknown reports whether a field was not looked at.
func (h *HostEvidence) IsUnknown(field string) bool {
	for _, u := range h.Unknown {
		if u == field {
			return true
		}
	}
	return false
}
