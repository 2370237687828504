package assess

// What an audit log tells.

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/audit"
)

// ReadLog reads a log, from its beginning each time that open gives it: once to verify it (as [audit.Verify] with the same
// Expect: checkpoints, officers, the clock), once for what it says since a time. A log that does not verify is evidence
// (Broken), and what stands above the break is counted; one that cannot be read is an error.
func ReadLog(open func() io.Reader, want audit.Expect, since time.Time) (LogEvidence, error) {
	r := logReader{out: LogEvidence{Since: since}, intents: map[uint64]int{}, verifying: map[uint64]bool{}}
	var bad error
	if r.out.Report, bad = audit.Verify(open(), want); bad != nil {
		if !verdict(bad) {
			return LogEvidence{}, bad
		}
		r.out.Broken = bad
	}
	r.out.Unfinished = len(r.out.Report.Unfinished)
	for rec, err := range audit.Query(open(), audit.Filter{}) {
		if err != nil && verdict(err) {
			break // Broken says so
		}
		if err != nil {
			return LogEvidence{}, err
		}
		r.read(&rec)
	}
	for _, c := range r.out.Report.Checkpoints {
		if c.Agrees && c.Time.After(r.out.Checkpoint) {
			r.out.Checkpoint = c.Time
		}
	}
	return r.out, nil
}

// verdict tells what a log is from what reading it failed with.
func verdict(err error) bool {
	var p *audit.Problem
	return errors.As(err, &p) || fault.Is(err, fault.LogBroken) || fault.Is(err, fault.Malformed) || fault.Is(err, fault.TooLarge)
}

type logReader struct {
	out       LogEvidence
	intents   map[uint64]int // of operations on clear keys: how many people approved them
	verifying map[uint64]bool
}

func (r *logReader) read(rec *audit.Record) {
	r.out.LastOperation = rec.Time
	if rec.IsIntent() {
		if clearWork(rec.Operation) {
			r.intents[rec.Seq] = people(rec)
		}
		if rec.Operation == audit.KeyCheck && rec.Details[audit.FieldPurpose] == string(audit.StoreVerify) {
			r.verifying[rec.Seq] = true
		}
		return
	}
	approved, asked := r.intents[rec.Of]
	verified := r.verifying[rec.Of]
	delete(r.intents, rec.Of)
	delete(r.verifying, rec.Of)
	if res := rec.Outcome.Result; res == audit.Done {
		r.latest(rec, verified)
	}
	if rec.Time.Before(r.out.Since) {
		return
	}
	r.count(rec)
	if asked && went(rec) && max(approved, people(rec)) < 2 {
		r.out.SingleHanded = append(r.out.SingleHanded, strings.TrimSpace(string(rec.Operation)+" "+rec.Object.Label+
			" ("+strconv.FormatUint(rec.Of, 10)+")"))
	}
}

// latest keeps the last time of what should come again and again.
func (r *logReader) latest(rec *audit.Record, verified bool) {
	switch rec.Operation {
	case audit.StoreBackup:
		r.out.Backup = rec.Time
	case audit.StoreRestore:
		r.out.Restored = rec.Time
	case audit.LogCheckpoint:
		r.out.Checkpoint = rec.Time
	case audit.LogVerify, audit.StoreVerify:
		r.out.Verified = rec.Time
	case audit.BoundarySelftest:
		r.out.Selftest = rec.Time
	}
	if verified {
		r.out.Verified = rec.Time
	}
}

func (r *logReader) count(rec *audit.Record) {
	switch {
	case failedLogin(rec):
		r.out.FailedLogins++
	case !went(rec):
	case rec.Operation == audit.DeviceLoadClear:
		r.out.ClearLoads += times(rec)
	case rec.Operation == audit.KeyReveal:
		r.out.Reveals++
	}
}

// went: it was done, or may have been.
func went(rec *audit.Record) bool {
	return rec.Outcome.Result == audit.Done || rec.Outcome.Result == audit.Unknown
}

// failedLogin is a passphrase, PIN or password that was wrong. What comes of it (a store that stays sealed) is recorded
// again, and does not count twice.
func failedLogin(rec *audit.Record) bool {
	if rec.Operation == audit.OfficerAuthenticate {
		return rec.Outcome.Result == audit.Refused || rec.Outcome.Result == audit.Failed
	}
	return rec.Outcome.Fault == fault.AuthFailed && strings.HasPrefix(string(rec.Operation), "device.")
}

// clearWork lists operations in which a key may be seen, or be lost, and which take two people in production
// (pkg/custody, Rules). Those that officers allow for a time are not among them: nobody approves each.
func clearWork(o audit.Operation) bool {
	return slices.Contains([]audit.Operation{audit.KeyForm, audit.KeyImport, audit.KeySplit, audit.KeyReveal, audit.KeyDestroy,
		audit.KeyProbe, audit.DeviceLoadClear}, o)
}

// people counts who approved, each once.
func people(rec *audit.Record) int {
	seen := map[string]bool{}
	for _, a := range rec.With {
		seen[a.ID] = true
	}
	return len(seen)
}

// times is how many loads a record stands for.
func times(rec *audit.Record) int {
	if rec.Batch.Count == 0 {
		return 1
	}
	return int(min(rec.Batch.OK+rec.Batch.Unknown, 1<<31-1))
}
