package agent

import (
	"context"
	"time"

	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
)

// Authority decides who may do what to the keys of one store, and records it. [Client] is one in another process,
// [Local] one in this process. Its methods may be called from several goroutines.
type Authority interface {
	// Begin admits an operation: the officers' standing permission or their approvals, then the intent on the disk, then
	// the work. Errors: sealed when the store is not open; not_permitted for what was not allowed or not approved;
	// auth_failed for a wrong passphrase; busy when too much is under way; and what the audit log says. A refusal is
	// recorded.
	Begin(ctx context.Context, in Intent) (Work, error)
	// Note records something that is over and took no work: a refusal by the command, a reading. All but a few readings
	// can only be noted as refused or failed, and what an authority does itself cannot be noted. Who else was there (With)
	// is dropped.
	Note(ctx context.Context, e audit.Entry, o audit.Outcome) error
	// Checkpoint lets officers sign the audit log as it is now, and gives the signed note. Of the intent, Who and
	// Approvers count.
	Checkpoint(ctx context.Context, in Intent) ([]byte, error)
	// Endorse lets officers sign requests of devices (custody.Request, with the device's serial number in the place of the
	// store) for device.unlock, device.recover, device.reset or device.update, and gives the approvals (custody.Approval):
	// for each request those of all officers, in the order of the approvers. Of the intent, Activity, Details, Who and
	// Approvers count, and Label, where it is said, is the serial number. Each request is recorded by itself. What is
	// recorded as done are the approvals: what the device makes of them, and that it did it, only the command sees.
	// Errors: not_permitted for too few officers, the wrong ones or another environment, before anybody types; auth_failed
	// for a wrong passphrase.
	Endorse(ctx context.Context, in Intent, requests [][]byte) ([][]byte, error)
	// Status says how things stand.
	Status(ctx context.Context) (Status, error)
	// Seal ends the permission: the master key is wiped and the agent ends. Of a token store it ends this authority.
	Seal(ctx context.Context, who audit.Actor) error
	// Close lets the authority go. An agent goes on.
	Close() error
}

// Work is the boundary for one operation. It does what the activity takes and nothing else: not_permitted for the rest.
// Key handles of the store have the label that their block says; where officers approved an action on one key, no other
// key of the store is touched.
//
// Done must be called before Close, when everything that the operation does, in the database too, is done or has
// failed. Close without Done records that nobody knows what became of it.
type Work interface {
	hsm.Boundary
	// Mark is where the intent stands in the audit log.
	Mark() Mark
	// Officers lists the ids of those on whose behalf it is done.
	Officers() []string
	// Done records how the operation ended. With an error it is not recorded and its result must not be shown.
	Done(ctx context.Context, o Outcome) error
}

// Status says how an authority stands.
type Status struct {
	Store       string
	Environment custody.Environment
	PID         int           // of the agent; of this process for a token store
	Until       time.Time     // by the wall clock; zero for a token store, which has no time limit
	Left        time.Duration // 0 for a token store
	Activities  []custody.Activity
	Officers    []string // who opened the store
	Works       int      // operations under way
	Done        uint64   // operations that are over
	Probes      uint64   // questions of diagnoses that were answered
	Head        Mark     // end of the audit log
}

var (
	_ Authority = (*Client)(nil)
	_ Authority = (*Local)(nil)
)
