package store

// Runs: a list of devices, what goes into each of them, and what became of each (PCI PIN 30-3).

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"poskey/internal/fault"
)

// runsSQL is the part of schema version 2 that holds runs; words in braces as in schemaSQL.
const runsSQL = `
CREATE TABLE runs (
  id {text} PRIMARY KEY,
  created {int} NOT NULL,
  plan {blob} NOT NULL,
  manifest {text} NOT NULL,
  devices {int} NOT NULL,
  closed {int} NOT NULL
) {strict};

CREATE TABLE run_devices (
  run {text} NOT NULL REFERENCES runs (id),
  serial {text} NOT NULL REFERENCES devices (serial),
  uri {text} NOT NULL,
  model {text} NOT NULL,
  poi_version {text} NOT NULL,
  kbpk {text} NOT NULL,
  note {text} NOT NULL,
  state {text} NOT NULL CHECK (state IN ('expected', 'confirmed', 'failed', 'quarantined', 'rejected')),
  told {text} NOT NULL,
  station {text} NOT NULL,
  reason {text} NOT NULL,
  changed {int} NOT NULL,
  PRIMARY KEY (run, serial)
) {strict};
CREATE INDEX run_devices_by_state ON run_devices (run, state, serial);
CREATE INDEX run_devices_by_serial ON run_devices (serial);
`

// Run is one list of devices and what goes into them.
type Run struct {
	ID       string // as a label
	Created  time.Time
	Plan     []byte // what goes into each device, as pkg/fleet writes it; it names keys and holds none
	Manifest string // SHA-256 of the list, 64 upper-case hex digits
	Devices  int    // on the list
	Closed   time.Time
}

// RunDevice is a device on the list of a run, and what became of it there.
type RunDevice struct {
	Run        string
	Serial     string
	URI        string // where it is reached
	Model      string
	POIVersion string
	KBPK       string // label of the key that it opens key blocks with; "" leaves it to the plan
	Note       string
	State      DeviceState // Expected until a station is through with it; then Confirmed, Failed, Quarantined or Rejected
	Told       string      // the serial number that the device at the end of the line told last
	Station    string      // that had it last
	Reason     string      // why it is not confirmed, in one line
	Changed    time.Time
}

// RunResult is what a station found out about a device of a run.
type RunResult struct {
	Serial  string
	State   DeviceState
	Told    string
	Station string
	Reason  string
}

// RunFilter chooses devices of a run; zero fields choose all.
type RunFilter struct {
	Run    string
	States []DeviceState
	Limit  int
}

// RunStates lists what a device of a run can be, in the order in which they are told.
func RunStates() []DeviceState {
	return []DeviceState{Confirmed, Failed, QuarantinedDevice, Rejected, Expected}
}

// runPage is how many devices of a run are read at a time.
const runPage = 500

const (
	runColumns       = "id, created, plan, manifest, devices, closed"
	runDeviceColumns = "run, serial, uri, model, poi_version, kbpk, note, state, told, station, reason, changed"
)

// AddRun takes a run down with its devices, in one transaction: devices that the inventory does not have come into it as
// expected, and those that are done or rejected become expected again. Errors: file_exists (the run); not_permitted (a
// device is in an open run, in quarantine, or of another model than the inventory says); usage.
func (s *Store) AddRun(ctx context.Context, c Change, r Run, devices []RunDevice) error {
	if err := r.check(devices); err != nil {
		return err
	}
	err := s.change(ctx, c, func(tx *sql.Tx, at int64) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO runs ("+runColumns+") VALUES ($1, $2, $3, $4, $5, 0)", r.ID, at, r.Plan,
			r.Manifest, len(devices))
		if isUnique(err) {
			return fault.New(fault.FileExists, "the store has a run %s already", r.ID)
		}
		if err != nil {
			return err
		}
		return s.addRunDevices(ctx, tx, at, r.ID, devices)
	})
	return fault.Wrap(err, "adding the run")
}

func (r *Run) check(devices []RunDevice) error {
	if err := CheckLabel(r.ID); err != nil {
		return fault.Wrap(err, "the name of the run")
	}
	if len(r.Plan) == 0 || len(r.Manifest) != 64 || strings.Trim(r.Manifest, "0123456789ABCDEF") != "" || len(devices) == 0 {
		return fault.New(fault.Usage, "a run has a plan, the digest of its list, and devices")
	}
	for i := range devices {
		if err := devices[i].Check(); err != nil {
			return err
		}
	}
	return nil
}

// Check holds what a list says of a device to what the store takes. Error: usage.
func (d *RunDevice) Check() error {
	if err := checkSerial(d.Serial); err != nil {
		return err
	}
	if !isLine(d.URI, 1024) || !isLine(d.Model, 64) || !isLine(d.POIVersion, 64) || !isLine(d.KBPK, 128) ||
		!isLine(d.Note, 1024) {
		return fault.New(fault.Usage, "device %s: address (up to 1024 bytes), model (64), POI version (64), kbpk (128) and note (1024) "+
			"are one line each", d.Serial)
	}
	return nil
}

func (s *Store) addRunDevices(ctx context.Context, tx *sql.Tx, at int64, run string, devices []RunDevice) error {
	for page := range slices.Chunk(devices, slotPage) {
		if err := freeForRun(ctx, tx, run, page); err != nil {
			return err
		}
		if err := enterDevices(ctx, tx, at, page); err != nil {
			return err
		}
		rows := make([][]any, len(page))
		for i, d := range page {
			rows[i] = []any{run, d.Serial, d.URI, d.Model, d.POIVersion, d.KBPK, d.Note, at}
		}
		_, err := s.write(ctx, tx, addToRun(), rows)
		if isUnique(err) {
			return fault.New(fault.Usage, "a device is on the list twice")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addToRun puts a device on the list of a run.
func addToRun() bulk {
	return bulk{"INSERT INTO run_devices (" + runDeviceColumns +
		") SELECT {1}, {2}, {3}, {4}, {5}, {6}, {7}, 'expected', '', '', '', {8} {rows}", "tttttttn"}
}

// freeForRun refuses devices of other runs that are not closed: two runs would load them at once.
func freeForRun(ctx context.Context, tx *sql.Tx, run string, page []RunDevice) error {
	var args arguments
	var places []string
	for i := range page {
		places = append(places, args.place(page[i].Serial))
	}
	var serial, other string
	err := tx.QueryRowContext(ctx, `SELECT d.serial, d.run FROM run_devices d JOIN runs r ON r.id = d.run
		WHERE r.closed = 0 AND d.run <> `+args.place(run)+` AND d.serial IN (`+strings.Join(places, ", ")+
		") LIMIT 1", args...).Scan(&serial, &other)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return fault.New(fault.NotPermitted, "device %s is on the list of run %s, which is not closed", serial, other)
}

// enterDevices puts devices into the inventory as expected.
func enterDevices(ctx context.Context, tx *sql.Tx, at int64, page []RunDevice) error {
	var serials []string
	for i := range page {
		serials = append(serials, page[i].Serial)
	}
	known, err := readDevices(ctx, tx, serials)
	if err != nil {
		return err
	}
	for i, d := range page {
		k := &known[i]
		switch {
		case k.State == "":
			_, err = tx.ExecContext(ctx, `INSERT INTO devices (serial, model, poi_version, state, added, changed)
				VALUES ($1, $2, $3, 'expected', $4, $4) ON CONFLICT (serial) DO NOTHING`, d.Serial, d.Model, d.POIVersion, at)
		case d.Model != "" && k.Model != "" && d.Model != k.Model, d.POIVersion != "" && k.POIVersion != "" &&
			d.POIVersion != k.POIVersion:
			err = fault.New(fault.NotPermitted, "device %s is %q, POI version %q in the inventory, and %q, %q on the list", d.Serial,
				k.Model, k.POIVersion, d.Model, d.POIVersion)
		case k.State == QuarantinedDevice, k.State == Sent:
			err = fault.New(fault.NotPermitted,
				"device %s is %s: nobody knows whether it has its key; settle that first (inject --resume), then list it",
				d.Serial, k.State)
		case k.State.MayBecome(Expected):
			_, err = tx.ExecContext(ctx, "UPDATE devices SET state = 'expected', changed = $1 WHERE serial = $2",
				max(at, micros(k.Changed)), d.Serial)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func scanRun(r scanner) (Run, error) {
	var run Run
	var created, closed int64
	if err := r.Scan(&run.ID, &created, &run.Plan, &run.Manifest, &run.Devices, &closed); err != nil {
		return Run{}, err
	}
	run.Created, run.Closed = fromMicros(created), fromMicros(closed)
	return run, nil
}

// Run reads one. Errors: not_found.
func (s *Store) Run(ctx context.Context, id string) (Run, error) {
	r, err := scanRun(s.read().QueryRowContext(ctx, "SELECT "+runColumns+" FROM runs WHERE id = $1", id))
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, fault.New(fault.NotFound, "the store has no run %q", id)
	}
	return r, dbError(err)
}

// Runs lists all by time.
func (s *Store) Runs(ctx context.Context) ([]Run, error) {
	var all []Run
	rows, err := s.read().QueryContext(ctx, "SELECT "+runColumns+" FROM runs ORDER BY created, id")
	err = each(rows, err, func(r *sql.Rows) error {
		run, err := scanRun(r)
		all = append(all, run)
		return err
	})
	if err != nil {
		return nil, dbError(err)
	}
	return all, nil
}

func scanRunDevice(r scanner) (RunDevice, error) {
	var d RunDevice
	var changed int64
	if err := r.Scan(&d.Run, &d.Serial, &d.URI, &d.Model, &d.POIVersion, &d.KBPK, &d.Note, (*string)(&d.State), &d.Told,
		&d.Station, &d.Reason, &changed); err != nil {
		return RunDevice{}, err
	}
	d.Changed = fromMicros(changed)
	return d, nil
}

// RunDevice reads one device of a run. Errors: not_found, for a device that is not on the list.
func (s *Store) RunDevice(ctx context.Context, run, serial string) (RunDevice, error) {
	d, err := scanRunDevice(s.read().QueryRowContext(ctx, "SELECT "+runDeviceColumns+
		" FROM run_devices WHERE run = $1 AND serial = $2", run, serial))
	if errors.Is(err, sql.ErrNoRows) {
		return RunDevice{}, fault.New(fault.NotFound, "device %s is not on the list of run %s", serial, run)
	}
	return d, dbError(err)
}

// RunDevices streams devices of a run in the order of their serials, page by page as [Store.List].
func (s *Store) RunDevices(ctx context.Context, f RunFilter) iter.Seq2[RunDevice, error] {
	return bySerial(f.Limit, runPage, func(last string) ([]RunDevice, error) { return s.runPage(ctx, f, last) },
		func(d *RunDevice) string { return d.Serial })
}

func (s *Store) runPage(ctx context.Context, f RunFilter, last string) ([]RunDevice, error) {
	var args arguments
	w := "run = " + args.place(f.Run) + " AND serial > " + args.place(last)
	if len(f.States) > 0 {
		var places []string
		for _, state := range f.States {
			places = append(places, args.place(string(state)))
		}
		w += " AND state IN (" + strings.Join(places, ", ") + ")"
	}
	var page []RunDevice
	rows, err := s.read().QueryContext(ctx, "SELECT "+runDeviceColumns+" FROM run_devices WHERE "+w+
		" ORDER BY serial LIMIT "+args.place(runPage), args...)
	err = each(rows, err, func(r *sql.Rows) error {
		d, err := scanRunDevice(r)
		page = append(page, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// CountRun counts the devices of a run by what became of them. Errors: not_found.
func (s *Store) CountRun(ctx context.Context, run string) (map[DeviceState]int, error) {
	if _, err := s.Run(ctx, run); err != nil {
		return nil, err
	}
	counts := map[DeviceState]int{}
	rows, err := s.read().QueryContext(ctx, "SELECT state, COUNT(*) FROM run_devices WHERE run = $1 GROUP BY state", run)
	err = each(rows, err, func(r *sql.Rows) error {
		var state DeviceState
		var n int
		err := r.Scan((*string)(&state), &n)
		counts[state] = n
		return err
	})
	if err != nil {
		return nil, dbError(err)
	}
	return counts, nil
}

// RecordRun takes down what stations found out about devices of a run, in one transaction. What is confirmed stays so.
// Errors: not_found (a device that is not on the list), not_permitted (the run is closed).
func (s *Store) RecordRun(ctx context.Context, c Change, run string, all []RunResult) error {
	for i := range all {
		if err := all[i].check(); err != nil {
			return err
		}
	}
	err := s.change(ctx, c, func(tx *sql.Tx, at int64) error {
		if err := openRun(ctx, tx, run); err != nil {
			return err
		}
		var rows [][]any
		seen := map[string]bool{}
		for _, r := range slices.Backward(all) { // of two results for a device the later one counts
			if !seen[r.Serial] {
				rows = append(rows, []any{string(r.State), r.Told, r.Station, r.Reason, at, run, r.Serial})
			}
			seen[r.Serial] = true
		}
		done, err := s.write(ctx, tx, recordRun(), rows)
		if err != nil {
			return err
		}
		if int(done) != len(rows) {
			return fault.New(fault.NotFound, "a device is not on the list of the run")
		}
		return nil
	})
	return fault.Wrap(err, "recording results of run %s", run)
}

// recordRun writes a result: state, serial number told, station, reason, time, run, serial.
func recordRun() bulk {
	return bulk{`UPDATE run_devices SET state = CASE WHEN state = 'confirmed' THEN state ELSE {1} END,
		told = CASE WHEN {2} = '' THEN told ELSE {2} END, station = {3},
		reason = CASE WHEN state = 'confirmed' THEN reason ELSE {4} END,
		changed = CASE WHEN changed > {5} THEN changed ELSE {5} END {rows} WHERE run = {6} AND serial = {7}`, "ttttntt"}
}

func (r *RunResult) check() error {
	if !slices.Contains(RunStates(), r.State) || !isLine(r.Told, 128) || !isLine(r.Station, 64) || !isLine(r.Reason, 1024) {
		return fault.New(fault.Usage, "the result of device %s has a state, and a station and a reason of one line", r.Serial)
	}
	return checkSerial(r.Serial)
}

// openRun refuses a run that is closed, and keeps it from being closed before the end of the transaction.
func openRun(ctx context.Context, tx *sql.Tx, run string) error {
	done, err := tx.ExecContext(ctx, "UPDATE runs SET closed = 0 WHERE id = $1 AND closed = 0", run)
	n, err := affected(done, err)
	if err != nil || n == 1 {
		return err
	}
	var closed int64
	err = tx.QueryRowContext(ctx, "SELECT closed FROM runs WHERE id = $1", run).Scan(&closed)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.NotFound, "the store has no run %q", run)
	}
	if err != nil {
		return err
	}
	return fault.New(fault.NotPermitted, "run %s was closed at %s", run, fromMicros(closed).Format(time.RFC3339))
}

// CloseRun ends a run. Its caller says how many devices were never touched, since somebody has to have seen them:
// not_permitted when it is another number, when one of them was begun meanwhile, or the run is closed already; not_found.
func (s *Store) CloseRun(ctx context.Context, c Change, id string, untouched int) error {
	err := s.change(ctx, c, func(tx *sql.Tx, at int64) error {
		if err := s.alone(ctx, tx, id); err != nil {
			return err
		}
		if err := openRun(ctx, tx, id); err != nil {
			return err
		}
		var left int
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM run_devices WHERE run = $1 AND state = 'expected'",
			id).Scan(&left); err != nil {
			return err
		}
		if left != untouched {
			return fault.New(fault.NotPermitted, "%d devices of the run are not through, and %d were said to be untouched", left,
				untouched)
		}
		last, err := leftUndone(ctx, tx, id)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE runs SET closed = CASE WHEN created > $1 THEN created ELSE $1 END WHERE id = $2",
			max(at, last), id)
		return err
	})
	return fault.Wrap(err, "closing the run")
}

// alone waits for loads of a run that are being taken down, and lets none be before the end of the transaction.
func (s *Store) alone(ctx context.Context, tx *sql.Tx, run string) error {
	if s.dialect != postgresDialect { // a file has one writer
		return nil
	}
	_, err := tx.ExecContext(ctx, "SELECT 1 FROM runs WHERE id = $1 FOR UPDATE", run)
	return err
}

// leftUndone refuses a run in which a device that nobody is through with has a load, and tells when the last load began.
func leftUndone(ctx context.Context, tx *sql.Tx, run string) (last int64, err error) {
	var serial string
	err = tx.QueryRowContext(ctx, `SELECT d.serial FROM run_devices d WHERE d.run = $1 AND d.state = 'expected'
		AND EXISTS (SELECT 1 FROM loads l WHERE l.run = d.run AND l.serial = d.serial) LIMIT 1`, run).Scan(&serial)
	switch {
	case err == nil:
		return 0, fault.New(fault.NotPermitted, "a station has begun device %s and is not through with it", serial)
	case !errors.Is(err, sql.ErrNoRows):
		return 0, err
	}
	err = tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(at), 0) FROM loads WHERE run = $1", run).Scan(&last)
	return last, err
}
