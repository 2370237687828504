package vault

// How far the inventory had come, as outcomes in the log tell it: a database that has not come so far is an older copy.

import (
	"bytes"
	"context"
	"maps"
	"os"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

// Details of the outcome of an operation that may have changed the inventory. They were true when the outcome was
// written, whoever made the changes, and what they count never goes back.
const (
	FieldInventory audit.Field = "inventory" // record of the newest change that the inventory has
	FieldNumbers   audit.Field = "numbers"   // KEYSET:NEXT/LEASED, with semicolons between; see [store.Reached]
	FieldBackup    audit.Field = "backup"    // of a restoration: record of the newest change that the backup has
)

// numberFields bounds how many details the key sets take; numbers, numbers-2 and so on.
const numberFields = 8

func numberField(i int) audit.Field {
	if i == 0 {
		return FieldNumbers
	}
	return FieldNumbers + audit.Field("-"+strconv.Itoa(i+1))
}

// reachedDetails is how far an inventory has come, for an outcome.
func reachedDetails(mark store.Mark, sets []store.Reached) audit.Details {
	const room = 256 // of a detail
	d, line, fields := audit.Details{}, "", 0
	if !mark.IsZero() {
		d[FieldInventory] = strconv.FormatUint(mark.Seq, 10)
	}
	for _, k := range sets {
		item := k.KeySet + ":" + strconv.FormatUint(k.Next, 10) + "/" + strconv.FormatUint(k.Leased, 10)
		if audit.Clean(item) != item { // a name that looks like a key; the log would refuse the outcome
			continue
		}
		if line != "" && len(line)+1+len(item) > room {
			line, fields = "", fields+1
		}
		if fields == numberFields {
			break
		}
		if line != "" {
			line += ";"
		}
		line += item
		d[numberField(fields)] = line
	}
	return d
}

// reach is how far the inventory has come at the least, by the records read so far.
type reach struct {
	place  uint64                   // newest change that it has
	told   uint64                   // record that says so
	sets   map[string]store.Reached // by key set
	record map[string]uint64        // that says so of a key set
}

// read takes a record in. A store that was restored begins anew: its officers know that it is older.
func (r *reach) read(rec *audit.Record) {
	if rec.Of == 0 {
		return
	}
	if rec.Operation == audit.StoreRestore && rec.Outcome.Result == audit.Done {
		*r = reach{}
	}
	if seq, err := strconv.ParseUint(rec.Details[FieldInventory], 10, 53); err == nil && seq > r.place {
		r.place, r.told = seq, rec.Seq
	}
	for i := range numberFields {
		for item := range strings.SplitSeq(rec.Details[numberField(i)], ";") {
			if k, ok := parseReached(item); ok {
				r.raise(k, rec.Seq)
			}
		}
	}
}

func (r *reach) raise(k store.Reached, record uint64) {
	if r.sets == nil {
		r.sets, r.record = map[string]store.Reached{}, map[string]uint64{}
	}
	was, ok := r.sets[k.KeySet]
	if !ok || k.Next > was.Next || k.Leased > was.Leased {
		r.record[k.KeySet] = record
	}
	r.sets[k.KeySet] = store.Reached{KeySet: k.KeySet, Next: max(k.Next, was.Next), Leased: max(k.Leased, was.Leased)}
}

func parseReached(item string) (store.Reached, bool) {
	name, counts, _ := strings.Cut(item, ":")
	next, leased, ok := strings.Cut(counts, "/")
	n, err := strconv.ParseUint(next, 10, 53)
	l, lerr := strconv.ParseUint(leased, 10, 53)
	return store.Reached{KeySet: name, Next: n, Leased: l}, ok && err == nil && lerr == nil
}

// lost is what a restoration left behind: changes that were made after its backup.
func (r *reach) lost(rec *audit.Record) error {
	backup, err := strconv.ParseUint(rec.Details[FieldBackup], 10, 53)
	if rec.Operation != audit.StoreRestore || rec.Outcome.Result != audit.Done || err != nil || r.place <= backup {
		return nil //nolint:nilerr // a restoration that does not say it
	}
	return fault.New(fault.ChecksumMismatch, "by record %d of the log the store was restored from a backup that ends at record %d: "+
		"changes up to record %d are not in it, and numbers may have gone into devices with them", rec.Seq, backup, r.place)
}

// behind finds the key sets of an inventory that have not come so far.
func (r *reach) behind(now []store.Reached) []store.Finding {
	is := map[string]store.Reached{}
	for _, k := range now {
		is[k.KeySet] = k
	}
	var all []store.Finding
	for name, was := range r.sets {
		if k := is[name]; k.Next < was.Next || k.Leased < was.Leased {
			all = append(all, store.Finding{Where: name, Err: fault.New(fault.ChecksumMismatch,
				"by record %d of the log key set %s handed out more numbers than the inventory knows of: an older database was put in its place",
				r.record[name], name)})
		}
	}
	return all
}

// The end of the log that is read before numbers or loads are given: as much as holds an outcome that tells how far the
// inventory had come, and no more than the most. What lies above is for Verify.
const (
	firstTail = 1 << 20
	mostTail  = 16 << 20
)

// readReach reads the end of a log.
func readReach(path string) (reach, error) {
	f, err := os.Open(path)
	if err != nil {
		return reach{}, reading(err)
	}
	log := &openedLog{file: f}
	defer log.close()
	if err := log.measure(); err != nil {
		return reach{}, err
	}
	for size := int64(firstTail); ; size *= 4 {
		r, err := log.reachOf(min(size, log.record))
		if err != nil || r.told > 0 || size >= log.record || size >= mostTail {
			return r, err
		}
	}
}

// reachOf reads the last bytes of the whole records.
func (l *openedLog) reachOf(size int64) (reach, error) {
	tail := make([]byte, size)
	if _, err := l.file.ReadAt(tail, l.record-size); err != nil {
		return reach{}, reading(err)
	}
	if size < l.record { // it begins within a record
		tail = tail[bytes.IndexByte(tail, '\n')+1:]
	}
	var r reach
	for line := range bytes.Lines(tail) {
		if !tells(line) {
			continue
		}
		rec, err := audit.ParseRecord(bytes.TrimSuffix(line, []byte{'\n'}))
		if err != nil {
			return reach{}, fault.Wrap(err, "the end of the audit log")
		}
		r.read(&rec)
	}
	return r, nil
}

// tells is a quick look whether a record may say how far the inventory had come.
func tells(line []byte) bool {
	return bytes.Contains(line, []byte(FieldInventory)) || bytes.Contains(line, []byte(audit.StoreRestore))
}

// handsOut tells the activities under which numbers and loads are given, and those that let them be given.
func handsOut(a custody.Activity) bool {
	switch a {
	case custody.DeviceInject, custody.DeviceInjectClear, custody.DeviceRegister, custody.KSNAllocate:
		return true
	}
	return false
}

// HoldAgainst names the log of the store. From then on no operation that hands out numbers or loads begins on a database
// that is older than the end of the log tells: one number would go into two devices.
func (v *Vault) HoldAgainst(log string) { v.log = log }

// current finds a database that was put back to an older copy. The log is read first: what an outcome in it tells, the
// database has had since before.
func (v *Vault) current(ctx context.Context) error {
	r, err := readReach(v.log)
	if err != nil {
		return err
	}
	mark, err := v.db.Mark(ctx)
	if err != nil {
		return err
	}
	if r.place > mark.Seq {
		return fault.New(fault.ChecksumMismatch, "by record %d of the log the inventory was changed by record %d, and it ends at record %d: "+
			"an older database was put in its place. Nothing is handed out of it; put the right one back, or restore the newest backup "+
			"with poskey store restore", r.told, r.place, mark.Seq)
	}
	sets, err := v.db.Reached(ctx)
	if err != nil {
		return err
	}
	if late := r.behind(sets); len(late) > 0 {
		return fault.New(fault.ChecksumMismatch, "%s. Nothing is handed out of it; put the right one back, or restore the newest backup "+
			"with poskey store restore", late[0].Err)
	}
	return nil
}

// Done records the outcome. Of an operation that may have changed the inventory it says how far that has come, so that an
// older copy of it is found.
func (w *Work) Done(ctx context.Context, o agent.Outcome) error {
	if w.changes {
		all := w.vault.reached(ctx)
		maps.Copy(all, o.Details)
		o.Details = all
	}
	return w.Work.Done(ctx, o)
}

// reached is how far the inventory has come, or nothing of it when that cannot be read: the outcome is worth more.
func (v *Vault) reached(ctx context.Context) audit.Details {
	mark, err := v.db.Mark(ctx)
	if err != nil {
		return audit.Details{}
	}
	sets, err := v.db.Reached(ctx)
	if err != nil {
		sets = nil
	}
	return reachedDetails(mark, sets)
}
