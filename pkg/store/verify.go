package store

// Looking at everything.

import (
	"context"
	"database/sql"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
)

// Finding is something about a store that somebody must look at.
type Finding struct {
	Where   string // a key, a device, a key set, a request, a table
	Warning bool   // it may be so, as with equal check values; else it is wrong
	Err     error  // kind and sentence
}

// Report is what [Store.Verify] saw.
type Report struct {
	Keys, Devices, Allocations, Loads int64
	Findings                          []Finding
}

// Wrong counts the findings that are no warnings.
func (r *Report) Wrong() int {
	n := 0
	for _, f := range r.Findings {
		if !f.Warning {
			n++
		}
	}
	return n
}

// maxFindings bounds the faults of a report, and its warnings beside them: who has a thousand restores a backup. No
// number of warnings keeps a fault out.
const maxFindings = 1000

// Verify looks at every row in one snapshot: the database's own structure, fields, names, states against times and
// events, headers of blocks against rows, hierarchy, key serial numbers against their key sets and leases, loads against
// their numbers, parts of ceremonies against keys, equal check values. check, when not nil, is called for every key that has
// a block, and its error is a finding; there the boundary looks at MAC and check value. An error is returned when the store
// cannot be read, also for a table that is gone (checksum_mismatch), and not for what is found in it.
func (s *Store) Verify(ctx context.Context, check func(Key) error) (Report, error) {
	v := verifier{ctx: ctx, s: s, check: check, now: s.options.Now()}
	if err := v.structure(); err != nil {
		return Report{}, err
	}
	err := s.snapshot(ctx, func(tx *sql.Tx) error {
		v.tx = tx
		for _, look := range []func() error{v.identity, v.keys, v.circles, v.events, v.equal, v.devices, v.keySets,
			v.loads, v.ceremonies, v.holdings} {
			if err := look(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Report{}, fault.Wrap(err, "verifying the store")
	}
	return v.report, nil
}

type verifier struct {
	ctx      context.Context
	s        *Store
	tx       *sql.Tx
	check    func(Key) error
	now      time.Time
	report   Report
	warnings int
}

func (v *verifier) find(where string, err error) {
	if err != nil && len(v.report.Findings)-v.warnings < maxFindings {
		v.report.Findings = append(v.report.Findings, Finding{Where: where, Err: err})
	}
}

func (v *verifier) warn(where string, err error) {
	if v.warnings < maxFindings {
		v.report.Findings = append(v.report.Findings, Finding{where, true, err})
		v.warnings++
	}
}

// structure lets SQLite look at its pages, indexes and references. PostgreSQL keeps references itself, and its pages
// are the server's business.
func (v *verifier) structure() error {
	if err := v.whole(); err != nil {
		return err
	}
	if v.s.dialect != sqliteDialect {
		return nil
	}
	rows, err := v.s.db.QueryContext(v.ctx, "PRAGMA integrity_check(100)")
	err = each(rows, err, func(r *sql.Rows) error {
		var said string
		if err := r.Scan(&said); err != nil || said == "ok" {
			return err
		}
		v.find("database", fault.New(fault.ChecksumMismatch, "the database is damaged: %s", said))
		return nil
	})
	if err != nil {
		return dbError(err)
	}
	rows, err = v.s.db.QueryContext(v.ctx, "PRAGMA foreign_key_check")
	return dbError(each(rows, err, func(r *sql.Rows) error {
		var from, to string
		var row, key sql.NullInt64
		if err := r.Scan(&from, &row, &to, &key); err != nil {
			return err
		}
		v.find(from, fault.New(fault.ChecksumMismatch, "row %d refers to a row of %s that is not there", row.Int64, to))
		return nil
	}))
}

// whole misses tables that somebody took away.
func (v *verifier) whole() error {
	for _, t := range tables(schemaVersion()) {
		rows, err := v.s.read().QueryContext(v.ctx, "SELECT 1 FROM "+t.name+" LIMIT 0")
		if noTable(err) {
			return fault.New(fault.ChecksumMismatch, "the database has no table %s any more: restore a backup", t.name)
		}
		if err := each(rows, err, func(*sql.Rows) error { return nil }); err != nil {
			return dbError(err)
		}
	}
	return nil
}

func (v *verifier) identity() error {
	id, err := readIdentity(v.ctx, v.tx)
	if err == nil {
		v.find("meta", id.check())
	}
	return err
}

func (v *verifier) keys() error {
	rows, err := v.tx.QueryContext(v.ctx, "SELECT "+keyColumns+" FROM keys k"+keyJoins+" ORDER BY k.id")
	return each(rows, err, func(r *sql.Rows) error {
		k, err := scanKey(r)
		v.report.Keys++
		if fault.Is(err, fault.ChecksumMismatch) {
			v.find("keys", err)
			return nil
		}
		if err != nil {
			return err
		}
		name := k.Ref().String()
		v.find(name, k.Ref().check())
		v.find(name, k.checkTimes())
		if k.Created.After(v.now) {
			v.warn(name, fault.New(fault.Failure, "it was created in the future, at %s: a clock is wrong",
				k.Created.Format(time.RFC3339)))
		}
		if k.State.Gone() {
			return nil
		}
		v.find(name, k.checkFields())
		if v.check != nil {
			v.find(name, v.check(k.Key))
		}
		return nil
	})
}

// checkTimes holds the state against the times.
func (k *Key) checkTimes() error {
	last := k.Created
	for _, t := range []time.Time{k.Activated, k.Suspended, k.Deactivated, k.Compromised, k.Destroyed} {
		if t.IsZero() {
			continue
		}
		if t.Before(last) {
			return fault.New(fault.ChecksumMismatch, "its times are not in the order of a life")
		}
		last = t
	}
	has := map[State]bool{
		PreActivation: true, Active: !k.Activated.IsZero(), Suspended: !k.Suspended.IsZero(),
		Deactivated: !k.Deactivated.IsZero(), Compromised: !k.Compromised.IsZero(), Destroyed: !k.Destroyed.IsZero(),
	}
	var wanted []State
	var forbidden []State
	switch k.State {
	case PreActivation:
		forbidden = []State{Active, Suspended, Deactivated, Compromised, Destroyed}
	case Active:
		wanted, forbidden = []State{Active}, []State{Deactivated, Compromised, Destroyed}
	case Suspended:
		wanted, forbidden = []State{Active, Suspended}, []State{Deactivated, Compromised, Destroyed}
	case Deactivated:
		wanted, forbidden = []State{Active, Deactivated}, []State{Compromised, Destroyed}
	case Compromised:
		wanted, forbidden = []State{Compromised}, []State{Destroyed}
	case Destroyed:
		wanted, forbidden = []State{Destroyed}, []State{Compromised}
	case DestroyedCompromised:
		wanted = []State{Compromised, Destroyed}
	default:
		return fault.New(fault.ChecksumMismatch, "its state is none")
	}
	for _, s := range wanted {
		if !has[s] {
			return fault.New(fault.ChecksumMismatch, "it is %s and has no time of becoming %s", k.State, s)
		}
	}
	for _, s := range forbidden {
		if has[s] {
			return fault.New(fault.ChecksumMismatch, "it is %s and has a time of becoming %s", k.State, s)
		}
	}
	return nil
}

// circles looks for keys that hang under themselves: who goes down from all that have no parent does not meet them. The
// database does it, which need not hold a million keys in memory.
func (v *verifier) circles() error {
	rows, err := v.tx.QueryContext(v.ctx, `WITH RECURSIVE met (id) AS (
		SELECT k.id FROM keys k LEFT JOIN keys p ON p.id = k.parent WHERE p.id IS NULL
		UNION ALL SELECT c.id FROM keys c JOIN met m ON c.parent = m.id)
		SELECT k.label, k.version FROM keys k JOIN (SELECT id FROM keys EXCEPT SELECT id FROM met) AS o ON o.id = k.id
		ORDER BY k.id LIMIT 1000`)
	return each(rows, err, func(r *sql.Rows) error {
		var ref Ref
		err := r.Scan(&ref.Label, &ref.Version)
		if err == nil {
			v.find(ref.String(), fault.New(fault.ChecksumMismatch, "it hangs under itself, or under a key that does"))
		}
		return err
	})
}

// events follows each key's steps to the state that it is in.
func (v *verifier) events() error {
	var key int64
	var name Ref
	var at, is State // where the steps lead, and what the row says
	settle := func() {
		if key != 0 && at != is {
			v.find(name.String(), fault.New(fault.ChecksumMismatch, "its history ends with %s, and it is %s", at, is))
		}
	}
	rows, err := v.tx.QueryContext(v.ctx, `SELECT e.key_id, e.from_state, e.to_state, k.state, k.label, k.version
		FROM key_events e JOIN keys k ON k.id = e.key_id ORDER BY e.key_id, e.id`)
	err = each(rows, err, func(r *sql.Rows) error {
		var id int64
		var from, to, state State
		var ref Ref
		if err := r.Scan(&id, (*string)(&from), (*string)(&to), (*string)(&state), &ref.Label, &ref.Version); err != nil {
			return err
		}
		if id != key {
			settle()
			key, name, at, is = id, ref, from, state
		}
		if at != from || !from.MayBecome(to) {
			v.find(ref.String(), fault.New(fault.ChecksumMismatch, "its history goes from %s to %s by no allowed step", at, to))
		}
		at = to
		return nil
	})
	if err != nil {
		return err
	}
	settle()
	rows, err = v.tx.QueryContext(v.ctx, `SELECT k.label, k.version, k.state FROM keys k
		WHERE k.state NOT IN ('pre-activation', 'active') AND NOT EXISTS (SELECT 1 FROM key_events e WHERE e.key_id = k.id)`)
	return each(rows, err, func(r *sql.Rows) error {
		var ref Ref
		var state State
		err := r.Scan(&ref.Label, &ref.Version, (*string)(&state))
		if err == nil {
			v.find(ref.String(), fault.New(fault.ChecksumMismatch, "it is %s, and no step led there", state))
		}
		return err
	})
}

// equal raises the duplicate alarm, for the same method and all digits.
func (v *verifier) equal() error {
	rows, err := v.tx.QueryContext(v.ctx, `SELECT MIN(label), COUNT(*), check_digits, check_method FROM keys
		GROUP BY check_digits, check_method HAVING COUNT(*) > 1 ORDER BY 1 LIMIT 1000`)
	err = each(rows, err, func(r *sql.Rows) error {
		return v.equalRow(r, func(n int, of kcv.Value) error {
			return fault.New(fault.KCVMismatch, "%d keys have the check value %s: are they the same one?", n, of)
		})
	})
	if err != nil {
		return err
	}
	rows, err = v.tx.QueryContext(v.ctx, `SELECT MIN(serial), COUNT(DISTINCT serial), check_digits, check_method
		FROM device_keys GROUP BY check_digits, check_method HAVING COUNT(DISTINCT serial) > 1 ORDER BY 1 LIMIT 1000`)
	return each(rows, err, func(r *sql.Rows) error {
		return v.equalRow(r, func(n int, of kcv.Value) error {
			return fault.New(fault.KCVMismatch, "%d devices hold a key with the check value %s: is it the same one?", n, of)
		})
	})
}

func (v *verifier) equalRow(r *sql.Rows, alarm func(int, kcv.Value) error) error {
	var first string
	var of kcv.Value
	var n int
	err := r.Scan(&first, &n, &of.Digits, (*string)(&of.Method))
	if err == nil {
		v.warn(first, alarm(n, of))
	}
	return err
}

func (v *verifier) devices() error {
	rows, err := v.tx.QueryContext(v.ctx, "SELECT "+deviceColumns+" FROM devices ORDER BY serial")
	err = each(rows, err, func(r *sql.Rows) error {
		d, err := scanDevice(r)
		if err == nil {
			v.report.Devices++
			v.find(d.Serial, checkSerial(d.Serial))
		}
		return err
	})
	if err != nil {
		return err
	}
	rows, err = v.tx.QueryContext(v.ctx, `SELECT serial, slot, check_method, check_digits, ksn FROM device_keys
		ORDER BY serial, slot`)
	return each(rows, err, func(r *sql.Rows) error {
		var serial string
		var k DeviceKey
		err := r.Scan(&serial, &k.Slot, (*string)(&k.Check.Method), &k.Check.Digits, &k.KSN)
		if err == nil {
			v.find(serial+"/"+k.Slot, k.check())
		}
		return err
	})
}
