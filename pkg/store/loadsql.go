package store

// What a batch of loads reads and writes.

import (
	"cmp"
	"database/sql"
	"maps"
	"slices"

	"poskey/internal/fault"
)

// concern is what a batch is about, each list of names sorted.
type concern struct {
	serials, ids, asked, owned, leased, leases, labels, runs []string
	pairs, replaced                                          []pairName
}

func concernOf(ops []*loadOp) concern {
	var c concern
	for _, op := range ops {
		if op.step != nil {
			c.ids = append(c.ids, op.step.ID)
			if !op.step.Under.IsZero() {
				c.labels = append(c.labels, op.step.Under.Label)
			}
			continue
		}
		r := op.reserve
		c.ids, c.asked, c.serials = append(c.ids, r.ID), append(c.asked, r.ID), append(c.serials, r.Serial)
		c.runs = append(c.runs, r.Run)
		if r.KeySet != "" {
			c.pairs = append(c.pairs, pairName{r.KeySet, r.Serial})
		}
		if r.KeySet != "" && r.Replace {
			c.replaced = append(c.replaced, pairName{r.KeySet, r.Serial})
		}
		switch {
		case r.KeySet == "" && !r.Key.IsZero():
			c.labels = append(c.labels, r.Key.Label)
		case r.Lease != "":
			c.leased, c.leases = append(c.leased, r.KeySet), append(c.leases, r.Lease)
		case r.KeySet != "":
			c.owned = append(c.owned, r.KeySet)
		}
	}
	for _, list := range []*[]string{&c.serials, &c.ids, &c.asked, &c.owned, &c.leased, &c.leases, &c.labels, &c.runs} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	c.leased = slices.DeleteFunc(c.leased, func(id string) bool {
		_, owned := slices.BinarySearch(c.owned, id)
		return owned
	})
	return c
}

// read reads what the changes concern. On a server it takes its locks in the order devices, mark, key sets, leases,
// each by name; whoever changes keys begins with the mark and does not come back to devices, so that nobody waits for
// one who waits for him. What has no lock is looked at again when it is written.
func (b *loadBatch) read(mark Mark, ops []*loadOp) error {
	c := concernOf(ops)
	if b.s.dialect == postgresDialect {
		// A table that was empty when its statement was planned would be read from end to end ever after.
		if _, err := b.tx.ExecContext(b.ctx, "SET LOCAL enable_seqscan = off"); err != nil {
			return err
		}
	}
	if err := b.readDevices(&c); err != nil {
		return err
	}
	if err := putMark(b.ctx, b.tx, mark); err != nil {
		return err
	}
	if err := b.readLoads(&c); err != nil {
		return err
	}
	if err := b.readRuns(&c); err != nil {
		return err
	}
	if err := b.readNumbers(&c); err != nil {
		return err
	}
	if err := b.readReplaced(c.replaced); err != nil {
		return err
	}
	if err := b.readKeys(&c); err != nil {
		return err
	}
	var err error
	b.give, err = b.s.giver(b.ctx, b.tx, b.at, c.owned, c.leased, c.leases)
	return err
}

func (b *loadBatch) ask(query string, f func(*sql.Rows) error, lists ...[]string) error {
	return b.s.ask(b.ctx, b.tx, query, lists, f)
}

func (b *loadBatch) readDevices(c *concern) error {
	query := `SELECT serial, state, changed FROM devices WHERE serial IN (SELECT value FROM JSON_EACH($1)
		UNION SELECT serial FROM loads WHERE id {2})`
	if b.s.dialect == postgresDialect {
		query = `SELECT serial, state, changed FROM devices WHERE serial = ANY (ARRAY(SELECT UNNEST($1::TEXT[])
			UNION SELECT serial FROM loads WHERE id {2})) ORDER BY serial FOR NO KEY UPDATE`
	}
	return b.ask(query, func(r *sql.Rows) error {
		var serial string
		var d deviceRow
		err := r.Scan(&serial, (*string)(&d.state), &d.changed)
		d.was = d.state
		b.devices[serial] = &d
		return err
	}, c.serials, c.ids)
}

func (b *loadBatch) readLoads(c *concern) error {
	err := b.ask("SELECT "+loadColumns+" FROM loads l"+loadJoins+" WHERE l.id {1}", func(r *sql.Rows) error {
		l, err := scanLoad(r)
		b.loads[l.ID] = &l
		return err
	}, c.ids)
	if err != nil || len(c.serials) == 0 {
		return err
	}
	return b.ask(`SELECT id, serial, slot, state FROM loads WHERE serial {1}
		AND state IN ('reserved', 'sent', 'unknown')`, func(r *sql.Rows) error {
		var id, serial, slot string
		var state LoadState
		err := r.Scan(&id, &serial, &slot, (*string)(&state))
		b.open[slotName{serial, slot}] = id
		if state == LoadUnknown {
			b.unknown[serial] = append(b.unknown[serial], id)
		}
		return err
	}, c.serials)
}

// readRuns reads the runs that requests are of, and which of their devices are on the lists. None of them is closed before
// the end of the transaction.
func (b *loadBatch) readRuns(c *concern) error {
	if len(c.runs) == 0 {
		return nil
	}
	query := `SELECT r.id, r.closed, COALESCE(d.serial, '') FROM runs r LEFT JOIN run_devices d ON d.run = r.id AND d.serial {2}
		WHERE r.id {1}`
	if b.s.dialect == postgresDialect { // it waits for CloseRun alone, and not for results of stations
		query += " FOR KEY SHARE OF r"
	}
	return b.ask(query, func(r *sql.Rows) error {
		var id, serial string
		var closed int64
		err := r.Scan(&id, &closed, &serial)
		if b.runs[id] == nil {
			b.runs[id] = &runBrief{closed: closed, serials: map[string]bool{}}
		}
		b.runs[id].serials[serial] = true
		return err
	}, c.runs, c.serials)
}

// readNumbers reads the live numbers that stand in the way of a request or of a proof, and numbers that requests got
// otherwise.
func (b *loadBatch) readNumbers(c *concern) error {
	pairs := slices.Clone(c.pairs)
	for _, l := range b.byID() {
		if l.KeySet != "" && l.State == LoadUnknown {
			pairs = append(pairs, pairName{l.KeySet, l.Serial})
		}
	}
	if len(pairs) == 0 && len(c.asked) == 0 {
		return nil
	}
	sets, serials := make([]string, len(pairs)), make([]string, len(pairs))
	for i, pair := range pairs {
		sets[i], serials[i] = pair.set, pair.serial
	}
	query := `SELECT request, key_set, serial, state FROM allocations WHERE key_set {1} AND serial {2}
		AND state IN ('reserved', 'confirmed')`
	if b.s.dialect == postgresDialect { // pair by pair, so that it need not guess how many there are
		query = `SELECT a.request, v.key_set, v.serial, a.state FROM UNNEST($1::TEXT[], $2::TEXT[]) AS v (key_set, serial)
			CROSS JOIN LATERAL (SELECT request, state FROM allocations WHERE key_set = v.key_set AND serial = v.serial
			AND state IN ('reserved', 'confirmed') LIMIT 1) AS a`
	}
	query += " UNION ALL SELECT request, key_set, serial, state FROM allocations WHERE request {3}"
	return b.ask(query, func(r *sql.Rows) error {
		var request string
		var pair pairName
		var state AllocationState
		err := r.Scan(&request, &pair.set, &pair.serial, (*string)(&state))
		if state == Allotted || state == Injected {
			b.numbers[pair] = request
		}
		b.taken[request] = true
		return err
	}, sets, serials, c.asked)
}

// readReplaced reads the numbers that may be replaced, with what became of their loads.
func (b *loadBatch) readReplaced(pairs []pairName) error {
	if len(pairs) == 0 {
		return nil
	}
	sets, serials := make([]string, len(pairs)), make([]string, len(pairs))
	for i, pair := range pairs {
		sets[i], serials[i] = pair.set, pair.serial
	}
	return b.ask(`SELECT a.request, a.state, a.changed, COALESCE(l.slot, ''), COALESCE(l.state, '') FROM allocations a
		LEFT JOIN loads l ON l.id = a.request WHERE a.key_set {1} AND a.serial {2}
		AND a.state IN ('reserved', 'confirmed')`, func(r *sql.Rows) error {
		var old oldNumber
		err := r.Scan(&old.request, (*string)(&old.state), &old.changed, &old.slot, (*string)(&old.load))
		b.old[old.request] = &old
		return err
	}, sets, serials)
}

func (b *loadBatch) readKeys(c *concern) error {
	if len(c.labels) == 0 {
		return nil
	}
	return b.ask("SELECT id, label, version, state FROM keys WHERE label {1}", func(r *sql.Rows) error {
		var ref Ref
		var k keyBrief
		err := r.Scan(&k.id, &ref.Label, &ref.Version, (*string)(&k.state))
		b.keys[ref] = k
		return err
	}, c.labels)
}

// outOfUse refuses a key that nothing may go out under; the zero one is none of this store.
func (b *loadBatch) outOfUse(r Ref) error {
	k, has := b.keys[r]
	switch {
	case r.IsZero(), has && k.state == Active:
		return nil
	case !has:
		return fault.New(fault.NotFound, "the store has no key %s", r)
	}
	return fault.New(fault.NotPermitted, "key %s is %s", r, k.state)
}

// write writes what became of everything that was read.
func (b *loadBatch) write() error {
	if err := b.give.write(); err != nil {
		return err
	}
	if err := b.writeReplaced(); err != nil {
		return err
	}
	if err := b.writeNumbers(); err != nil {
		return err
	}
	if err := b.writeLoads(); err != nil {
		return err
	}
	if err := b.writeDevices(); err != nil {
		return err
	}
	return b.writeKeys()
}

// exactly writes rows of which each must be there as it was read.
func (b *loadBatch) exactly(statement bulk, rows [][]any) error {
	n, err := b.s.write(b.ctx, b.tx, statement, rows)
	if err == nil && n != int64(len(rows)) {
		err = errOvertaken
	}
	return err
}

// byID gives the loads in the order of their ids, which is that of their rows.
func (b *loadBatch) byID() []*loadRow {
	return slices.SortedFunc(maps.Values(b.loads), func(x, y *loadRow) int { return cmp.Compare(x.ID, y.ID) })
}

func (b *loadBatch) writeNumbers() error {
	var fresh, changed [][]any
	for _, l := range b.byID() {
		switch {
		case l.number == l.numberWas:
		case l.numberWas == "":
			fresh = append(fresh, []any{l.ID, l.KeySet, int64(l.Number), l.KSN, l.Serial, string(l.number), l.Lease, b.at})
		default:
			changed = append(changed, []any{l.ID, string(l.number), max(b.at, l.numbered), string(l.numberWas)})
		}
	}
	if err := b.exactly(bulk{`INSERT INTO allocations (request, key_set, n, ksn, serial, state, lease, at, changed)
		SELECT {1}, {2}, {3}, {4}, {5}, {6}, NULLIF({7}, ''), {8}, {8} {rows}`, "ttnttttn"}, fresh); err != nil {
		return err
	}
	return b.exactly(bulk{"UPDATE allocations SET state = {2}, changed = {3} {rows} WHERE request = {1} AND state = {4}",
		"ttnt"}, changed)
}

// writeReplaced burns the numbers that others took the place of. It goes first: a device has one live number of a set.
func (b *loadBatch) writeReplaced() error {
	var rows [][]any
	for _, request := range slices.Sorted(maps.Keys(b.old)) {
		if old := b.old[request]; old.burnt {
			rows = append(rows, []any{request, string(Burnt), max(b.at, old.changed), string(old.state)})
		}
	}
	return b.exactly(bulk{"UPDATE allocations SET state = {2}, changed = {3} {rows} WHERE request = {1} AND state = {4}",
		"ttnt"}, rows)
}

func (b *loadBatch) writeLoads() error {
	var fresh, changed [][]any
	for _, l := range b.byID() {
		switch l.was {
		case l.State:
		case "":
			fresh = append(fresh, []any{l.ID, l.Run, l.Serial, l.Slot, l.key, l.KeySet, l.Station, number(l.Clear),
				string(l.State), string(l.Check.Method), l.Check.Digits, l.Proof, l.Reason, micros(l.At), micros(l.Changed),
				l.Refusal.Dialect, l.Refusal.Answer})
		default:
			changed = append(changed, []any{l.ID, string(l.State), string(l.Check.Method), l.Check.Digits, l.Proof, l.Reason,
				micros(l.Changed), string(l.was), l.Refusal.Dialect, l.Refusal.Answer})
		}
	}
	if err := b.exactly(bulk{`INSERT INTO loads (id, run, serial, slot, key_id, key_set, station, clear, state,
		check_method, check_digits, proof, reason, at, changed, dialect, answer) SELECT {1}, {2}, {3}, {4}, NULLIF({5}, 0), NULLIF({6}, ''),
		{7}, {8}, {9}, {10}, {11}, {12}, {13}, {14}, {15}, {16}, {17} {rows}`, "ttttnttntttttnntt"}, fresh); err != nil {
		return err
	}
	return b.exactly(bulk{`UPDATE loads SET state = {2}, check_method = {3}, check_digits = {4}, proof = {5}, reason = {6},
		changed = {7}, dialect = {9}, answer = {10} {rows} WHERE id = {1} AND state = {8}`, "ttttttnttt"}, changed)
}

func (b *loadBatch) writeDevices() error {
	var rows [][]any
	for _, serial := range slices.Sorted(maps.Keys(b.devices)) {
		if d := b.devices[serial]; d.state != d.was {
			rows = append(rows, []any{serial, string(d.state), d.changed, string(d.was)})
		}
	}
	return b.exactly(bulk{"UPDATE devices SET state = {2}, changed = {3} {rows} WHERE serial = {1} AND state = {4}", "ttnt"},
		rows)
}

// writeKeys puts the keys of confirmed loads into their slots.
func (b *loadBatch) writeKeys() error {
	var rows [][]any
	for slot, l := range b.loaded {
		rows = append(rows, []any{slot.serial, slot.slot, l.key, string(l.Check.Method), l.Check.Digits, l.KSN, b.at})
	}
	slices.SortFunc(rows, func(x, y []any) int {
		return cmp.Or(cmp.Compare(x[0].(string), y[0].(string)), cmp.Compare(x[1].(string), y[1].(string)))
	})
	return b.exactly(putSlot(), rows)
}
