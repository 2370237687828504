package store

// The journal of loads: every key that is to go into a slot of a device, and what became of it.

import (
	"context"
	"iter"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
)

// LoadState is where one load stands. What is written before a byte of it leaves is on the disk before the byte leaves.
type LoadState string

// The states of a load: reserved -> sent -> confirmed, failed or unknown. A load that was only reserved can fail at once.
// An unknown one is settled by proof (confirmed) or given up (failed); its number is burnt either way but for a proof.
const (
	LoadReserved  LoadState = "reserved"  // its number is taken, nothing was sent
	LoadSent      LoadState = "sent"      // from here on the key may be in the device
	LoadConfirmed LoadState = "confirmed" // and by what, says Proof
	LoadFailed    LoadState = "failed"    // known not to be in the device, or given up
	LoadUnknown   LoadState = "unknown"   // the line broke after the commit
)

// LoadRequest asks for a load.
type LoadRequest struct {
	ID      string // of the request: the same one gives the same load again; 1 to 128 printable characters without blanks
	Run     string // what it belongs to; as a label
	Serial  string // of the device, which is on the list
	Slot    string
	Key     Ref    // what goes in; of a load with a key set the BDK
	KeySet  string // a number of this set is taken for it; "" for a key that is no initial key
	Lease   string // the number comes from this lease; "" takes it from the set
	Station string
	Clear   bool
}

// Load is a row of the journal.
type Load struct {
	LoadRequest
	State   LoadState
	Number  uint64 // of the key set
	KSN     string // initial KSN; "" for a key that is no initial key
	Check   kcv.Value
	Proof   string // of a confirmed load
	Reason  string // of a failed or unknown load, in one line
	At      time.Time
	Changed time.Time
	Again   bool // the request had been answered before
}

// LoadStep moves a load. Check goes with LoadSent; Proof with LoadConfirmed; Reason with LoadFailed and LoadUnknown.
type LoadStep struct {
	ID     string
	To     LoadState
	Check  kcv.Value
	Proof  string
	Reason string
	// Device moves the device too, where it is not "" and the device is not there yet.
	Device DeviceState
}

// LoadFilter chooses loads; zero fields choose all.
type LoadFilter struct {
	Run, Serial string
	States      []LoadState
}

// ReserveLoads takes many loads down in one transaction, and the number of each that needs one. One that fails has its
// error in its place and hinders no other.
func (s *Store) ReserveLoads(ctx context.Context, c Change, all []LoadRequest) ([]Load, []error, error) {
	return nil, nil, fault.New(fault.Bug, "not there yet")
}

// StepLoads moves many loads in one transaction: the load, its number, its device, and with LoadConfirmed the device's
// key. One that fails has its error in its place and hinders no other. Same says for each confirmed load which other
// devices hold a key with an equal check value.
func (s *Store) StepLoads(ctx context.Context, c Change, all []LoadStep) (same [][]string, failed []error, err error) {
	return nil, nil, fault.New(fault.Bug, "not there yet")
}

// Load gives one load. Error: not_found.
func (s *Store) Load(ctx context.Context, id string) (Load, error) {
	return Load{}, fault.New(fault.Bug, "not there yet")
}

// Loads gives the loads of a filter, by run, serial and time.
func (s *Store) Loads(ctx context.Context, f LoadFilter) iter.Seq2[Load, error] {
	return func(yield func(Load, error) bool) { yield(Load{}, fault.New(fault.Bug, "not there yet")) }
}

// Journal writes loads of many at once: calls that come together go into one transaction (group commit), and each
// returns when its own change is on the disk. Its methods may be called from any goroutine.
type Journal struct{}

// NewJournal writes into a store under one change, which carries the mark of the operation.
func NewJournal(s *Store, c Change) *Journal { return &Journal{} }

// Reserve is ReserveLoads for one.
func (j *Journal) Reserve(ctx context.Context, r LoadRequest) (Load, error) {
	return Load{}, fault.New(fault.Bug, "not there yet")
}

// Step is StepLoads for one; same lists devices that hold a key with an equal check value.
func (j *Journal) Step(ctx context.Context, s LoadStep) (same []string, err error) {
	return nil, fault.New(fault.Bug, "not there yet")
}

// Close writes what waits and ends the journal.
func (j *Journal) Close() error { return nil }
