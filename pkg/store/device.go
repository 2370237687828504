package store

// Devices and the keys in them.

import (
	"context"
	"database/sql"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
)

// DeviceState is where a device stands in its run.
type DeviceState string

// The states of a device.
const (
	Expected          DeviceState = "expected" // on the list
	Reserved          DeviceState = "reserved" // its numbers are taken, nothing was sent
	Sent              DeviceState = "sent"
	Confirmed         DeviceState = "confirmed"
	Failed            DeviceState = "failed"      // known not to have the key
	QuarantinedDevice DeviceState = "quarantined" // nobody knows
	Rejected          DeviceState = "rejected"    // not on the list, or done already
)

// DeviceStates lists them.
func DeviceStates() []DeviceState {
	return []DeviceState{Expected, Reserved, Sent, Confirmed, Failed, QuarantinedDevice, Rejected}
}

// Next lists the states that a device may go to from s. A device that is done or rejected can be put on a new list.
func (s DeviceState) Next() []DeviceState {
	switch s {
	case Expected:
		return []DeviceState{Reserved, Failed, Rejected}
	case Reserved:
		return []DeviceState{Sent, Failed, Rejected}
	case Sent:
		return []DeviceState{Confirmed, Failed, QuarantinedDevice}
	case QuarantinedDevice: // proof by check value, or wiped
		return []DeviceState{Confirmed, Failed, Rejected}
	case Failed:
		return []DeviceState{Reserved, Rejected}
	case Confirmed, Rejected:
		return []DeviceState{Expected}
	}
	return nil
}

// MayBecome reports whether the step is allowed.
func (s DeviceState) MayBecome(to DeviceState) bool { return slices.Contains(s.Next(), to) }

// Device is a terminal of the inventory.
type Device struct {
	Serial     string // unique; 1 to 64 printable characters of ASCII without blanks
	Model      string
	POIVersion string
	State      DeviceState
	Added      time.Time // set by the store when zero
	Changed    time.Time // of its last change of state
	Keys       []DeviceKey
}

// DeviceKey is a key in a slot of a device.
type DeviceKey struct {
	Slot   string    // as the device names it
	Key    Ref       // the key itself or the one it was derived from; zero: not of this store
	Check  kcv.Value // of the key in the slot
	KSN    string    // 20 or 24 digits; "" when it is no DUKPT key
	Loaded time.Time // set by the store when zero
}

// DeviceFilter chooses devices; zero fields choose all.
type DeviceFilter struct {
	State  DeviceState
	Prefix string // of the serial
	Limit  int    // 0: all
}

// isToken reports 1 to most printable characters of ASCII without blanks.
func isToken(s string, most int) bool {
	return s != "" && len(s) <= most && strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7F }) < 0
}

// isLine reports a line of UTF-8 that can be shown as it is: no control characters, and none that turn others around.
func isLine(s string, most int) bool {
	hidden := func(c rune) bool { return !unicode.IsGraphic(c) }
	return len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, hidden)
}

func checkSerial(s string) error {
	if !isToken(s, 64) {
		return fault.New(fault.Usage, "the serial number %q is not 1 to 64 printable characters without blanks",
			text.Redact(s))
	}
	return nil
}

// AddDevice adds a device, as Expected or Rejected; its keys are loaded later. Errors: file_exists.
func (s *Store) AddDevice(ctx context.Context, c Change, d Device) error {
	if err := checkSerial(d.Serial); err != nil {
		return err
	}
	if d.State == "" {
		d.State = Expected
	}
	switch {
	case d.State != Expected && d.State != Rejected:
		return fault.New(fault.Usage, "a new device is %s or %s, not %s", Expected, Rejected, d.State)
	case !isLine(d.Model, 64) || !isLine(d.POIVersion, 64) || len(d.Keys) > 0:
		return fault.New(fault.Usage, "a new device has a model and a POI version of one line each, and no keys")
	}
	return s.change(ctx, c, func(tx *sql.Tx, at int64) error {
		added := micros(d.Added)
		if added == 0 {
			added = at
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO devices (serial, model, poi_version, state, added, changed)
			VALUES ($1, $2, $3, $4, $5, $5)`, d.Serial, d.Model, d.POIVersion, string(d.State), added)
		if isUnique(err) {
			return fault.New(fault.FileExists, "device %s is in the store already", d.Serial)
		}
		return err
	})
}

const deviceColumns = "serial, model, poi_version, state, added, changed"

func scanDevice(r scanner) (Device, error) {
	var d Device
	var added, changed int64
	if err := r.Scan(&d.Serial, &d.Model, &d.POIVersion, (*string)(&d.State), &added, &changed); err != nil {
		return Device{}, err
	}
	d.Added, d.Changed = fromMicros(added), fromMicros(changed)
	return d, nil
}

// slotPage is how many devices are read at a time, as many as there are places in a statement for.
const slotPage = 200

// readDevices reads devices by serial, in the order given; unknown ones have their serial only.
func readDevices(ctx context.Context, from asker, serials []string) ([]Device, error) {
	var args arguments
	list, at := "", map[string]int{}
	all := make([]Device, len(serials))
	for i, serial := range serials {
		if i > 0 {
			list += ", "
		}
		list += args.place(serial)
		all[i].Serial, at[serial] = serial, i
	}
	rows, err := from.QueryContext(ctx, "SELECT "+deviceColumns+" FROM devices WHERE serial IN ("+list+")", args...)
	err = each(rows, err, func(r *sql.Rows) error {
		d, err := scanDevice(r)
		if err != nil {
			return err
		}
		all[at[d.Serial]] = d
		return nil
	})
	if err != nil {
		return nil, err
	}
	rows, err = from.QueryContext(ctx, `SELECT d.serial, d.slot, COALESCE(k.label, ''), COALESCE(k.version, 0),
		d.check_method, d.check_digits, d.ksn, d.loaded FROM device_keys d LEFT JOIN keys k ON k.id = d.key_id
		WHERE d.serial IN (`+list+") ORDER BY d.serial, d.slot", args...)
	err = each(rows, err, func(r *sql.Rows) error {
		var serial string
		var k DeviceKey
		var loaded int64
		if err := r.Scan(&serial, &k.Slot, &k.Key.Label, &k.Key.Version, (*string)(&k.Check.Method), &k.Check.Digits,
			&k.KSN, &loaded); err != nil {
			return err
		}
		k.Loaded = fromMicros(loaded)
		d := &all[at[serial]]
		d.Keys = append(d.Keys, k)
		return nil
	})
	return all, err
}

// Device reads one with its keys. Errors: not_found.
func (s *Store) Device(ctx context.Context, serial string) (Device, error) {
	d, err := findDevice(ctx, s.read(), serial)
	return d, dbError(err)
}

func findDevice(ctx context.Context, from asker, serial string) (Device, error) {
	if err := checkSerial(serial); err != nil {
		return Device{}, err
	}
	all, err := readDevices(ctx, from, []string{serial})
	if err != nil {
		return Device{}, err
	}
	if all[0].State == "" {
		return Device{}, fault.New(fault.NotFound, "the store has no device %s", serial)
	}
	return all[0], nil
}

// Devices streams devices in the order of their serials, page by page as [Store.List].
func (s *Store) Devices(ctx context.Context, f DeviceFilter) iter.Seq2[Device, error] {
	return bySerial(f.Limit, slotPage, func(last string) ([]Device, error) { return s.devicePage(ctx, f, last) },
		func(d *Device) string { return d.Serial })
}

// bySerial streams what has a serial number: next gives as many as a page holds of those behind the last one. A page that
// is not full is the last one. No limit is 0.
func bySerial[T any](limit, size int, next func(last string) ([]T, error), serial func(*T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		last, given := "", 0
		for {
			page, err := next(last)
			if err != nil {
				var none T
				yield(none, dbError(err))
				return
			}
			for _, d := range page {
				if limit > 0 && given == limit || !yield(d, nil) {
					return
				}
				given++
			}
			if len(page) < size {
				return
			}
			last = serial(&page[len(page)-1])
		}
	}
}

func (s *Store) devicePage(ctx context.Context, f DeviceFilter, last string) ([]Device, error) {
	var args arguments
	w := "serial > " + args.place(last)
	if f.State != "" {
		w += " AND state = " + args.place(string(f.State))
	}
	if f.Prefix != "" { // DEL comes after all that a serial is made of
		w += " AND serial >= " + args.place(f.Prefix) + " AND serial < " + args.place(f.Prefix+"\x7F")
	}
	var serials []string
	rows, err := s.read().QueryContext(ctx, "SELECT serial FROM devices WHERE "+w+" ORDER BY serial LIMIT "+
		args.place(slotPage), args...)
	err = each(rows, err, func(r *sql.Rows) error {
		var serial string
		if err := r.Scan(&serial); err != nil {
			return err
		}
		serials = append(serials, serial)
		return nil
	})
	if err != nil || len(serials) == 0 {
		return nil, err
	}
	return readDevices(ctx, s.read(), serials)
}

// MoveDevice changes a device's state, as [Store.Transition] does a key's.
func (s *Store) MoveDevice(ctx context.Context, c Change, serial string, from, to DeviceState) error {
	if !from.MayBecome(to) {
		return fault.New(fault.NotPermitted, "a device that is %s cannot become %s", from, to)
	}
	return s.change(ctx, c, func(tx *sql.Tx, at int64) error {
		done, err := tx.ExecContext(ctx, `UPDATE devices
			SET state = $1, changed = CASE WHEN changed > $2 THEN changed ELSE $2 END
			WHERE serial = $3 AND state = $4`, string(to), at, serial, string(from))
		if n, err := affected(done, err); err != nil || n == 1 {
			return err
		}
		d, err := findDevice(ctx, tx, serial)
		if err != nil {
			return err
		}
		return fault.New(fault.Busy, "device %s is %s, not %s any more", serial, d.State, from)
	})
}

// LoadKey records a key in a slot, in place of what was there. same are other slots, as SERIAL/SLOT, with an equal
// check value: no two devices may have the same key.
func (s *Store) LoadKey(ctx context.Context, c Change, serial string, k DeviceKey) (same []string, err error) {
	if err := k.check(); err != nil {
		return nil, fault.Wrap(err, "device %s", serial)
	}
	err = s.change(ctx, c, func(tx *sql.Tx, at int64) error {
		if _, err := findDevice(ctx, tx, serial); err != nil {
			return err
		}
		var key int64
		if !k.Key.IsZero() {
			row, err := findKey(ctx, tx, k.Key)
			if err != nil {
				return err
			}
			key = row.id
		}
		loaded := micros(k.Loaded)
		if loaded == 0 {
			loaded = at
		}
		row := []any{serial, k.Slot, key, string(k.Check.Method), k.Check.Digits, k.KSN, loaded}
		if _, err := s.write(ctx, tx, putSlot(), [][]any{row}); err != nil {
			return err
		}
		slots, err := s.slotsWith(ctx, tx, []kcv.Value{k.Check})
		same = others(slots[k.Check], slotName{serial, k.Slot})
		return err
	})
	return same, err
}

// putSlot puts keys into slots, in place of what was there.
func putSlot() bulk {
	return bulk{`INSERT INTO device_keys (serial, slot, key_id, check_method, check_digits, ksn, loaded)
		SELECT {1}, {2}, NULLIF({3}, 0), {4}, {5}, {6}, {7} {rows} WHERE 1 = 1
		ON CONFLICT (serial, slot) DO UPDATE SET key_id = excluded.key_id, check_method = excluded.check_method,
		check_digits = excluded.check_digits, ksn = excluded.ksn, loaded = excluded.loaded`, "ttntttn"}
}

func (k *DeviceKey) check() error {
	if !isToken(k.Slot, 64) {
		return fault.New(fault.Usage, "the name of a slot is 1 to 64 printable characters without blanks")
	}
	if err := checkValue(k.Check); err != nil {
		return err
	}
	if k.KSN == "" {
		return nil
	}
	ksn, err := dukpt.ParseKSN(k.KSN)
	if err == nil && ksn.String() != k.KSN {
		err = fault.New(fault.Usage, "the KSN is not written in upper-case digits")
	}
	return err
}

// slotName names a slot of a device.
type slotName struct{ serial, slot string }

// mostSame is how many slots with one check value are told.
const mostSame = 100

// slotsWith finds slots that hold keys with some check values, a few more than are told of each.
func (s *Store) slotsWith(ctx context.Context, tx *sql.Tx, checks []kcv.Value) (map[kcv.Value][]slotName, error) {
	found := map[kcv.Value][]slotName{}
	scan := func(r *sql.Rows) error {
		var of kcv.Value
		var slot slotName
		err := r.Scan(&of.Digits, (*string)(&of.Method), &slot.serial, &slot.slot)
		found[of] = append(found[of], slot)
		return err
	}
	digits, methods := make([]string, len(checks)), make([]string, len(checks))
	for i, of := range checks {
		digits[i], methods[i] = of.Digits, string(of.Method)
	}
	if len(checks) == 0 {
		return found, nil
	}
	if s.dialect == postgresDialect {
		rows, err := tx.QueryContext(ctx, `SELECT v.digits, v.method, d.serial, d.slot
			FROM UNNEST($1::TEXT[], $2::TEXT[]) AS v (digits, method) CROSS JOIN LATERAL (SELECT serial, slot FROM device_keys
			WHERE check_digits = v.digits AND check_method = v.method LIMIT $3) AS d`, digits, methods, mostSame+1)
		return found, each(rows, err, scan)
	}
	one, err := s.statements.get(ctx, s.db, `SELECT check_digits, check_method, serial, slot FROM device_keys
		WHERE check_digits = $1 AND check_method = $2 LIMIT $3`)
	if err != nil {
		return nil, err
	}
	in := tx.StmtContext(ctx, one)
	defer func() { _ = in.Close() }()
	for i := range checks {
		rows, err := in.QueryContext(ctx, digits[i], methods[i], mostSame+1)
		if err := each(rows, err, scan); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// others lists slots but one, as SERIAL/SLOT.
func others(slots []slotName, but slotName) []string {
	var all []string
	for _, slot := range slots {
		if slot != but {
			all = append(all, slot.serial+"/"+slot.slot)
		}
	}
	slices.Sort(all)
	return all[:min(len(all), mostSame)]
}
