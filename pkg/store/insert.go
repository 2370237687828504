package store

// Adding keys.

import (
	"context"
	"database/sql"
	"encoding/json"
	"iter"
	"strconv"
	"strings"

	"poskey/internal/fault"
)

// Insert adds a key, PreActivation or Active. same are other keys with an equal check value: the duplicate alarm, which
// does not keep the key out. Errors: file_exists for a label and version that are there; not_found (the parent);
// not_permitted (the parent is compromised or destroyed); usage (a field); checksum_mismatch (the block is another
// key's).
func (s *Store) Insert(ctx context.Context, c Change, k Key) (same []Ref, err error) {
	err = s.changeKeys(ctx, c, func(tx *sql.Tx, at int64) error {
		id, err := s.insertOne(ctx, tx, at, k)
		if err != nil {
			return err
		}
		same, err = sameCheck(ctx, tx, k.Check, "", id)
		return err
	})
	if err != nil {
		return nil, fault.Wrap(err, "inserting key %s", k.Ref())
	}
	return same, nil
}

// Inserted is what [Store.InsertMany] did.
type Inserted struct {
	Count int
	Same  [][2]Ref // pairs with an equal check value, the key that was added first; at most 100
}

const maxPairs = 100

// InsertMany adds keys in one transaction: all, or none after an error, also one that the sequence gives. A parent
// comes before its children. Check values are compared as they are, method and all digits.
func (s *Store) InsertMany(ctx context.Context, c Change, all iter.Seq2[Key, error]) (Inserted, error) {
	var done Inserted
	err := s.changeKeys(ctx, c, func(tx *sql.Tx, at int64) error {
		in, err := s.inserter(ctx, tx, at)
		if err != nil {
			return err
		}
		defer in.close()
		first := in.next
		for k, err := range all {
			if err != nil {
				return err
			}
			if _, err := in.insert(k); err != nil {
				return fault.Wrap(dbError(err), "key %s", k.Ref())
			}
			done.Count++
		}
		if err := in.flush(); err != nil {
			return err
		}
		done.Same, err = samePairs(ctx, tx, first)
		return err
	})
	if err != nil {
		return Inserted{}, fault.Wrap(err, "inserting keys")
	}
	return done, nil
}

// samePairs compares the keys from number first on with all others. Numbers only grow.
func samePairs(ctx context.Context, tx *sql.Tx, first int64) ([][2]Ref, error) {
	var pairs [][2]Ref
	rows, err := tx.QueryContext(ctx, `SELECT a.label, a.version, b.label, b.version
		FROM keys a JOIN keys b ON b.check_digits = a.check_digits AND b.check_method = a.check_method AND b.id < a.id
		WHERE a.id >= $1 ORDER BY a.id, b.id LIMIT $2`, first, maxPairs)
	err = each(rows, err, func(r *sql.Rows) error {
		var a, b Ref
		if err := r.Scan(&a.Label, &a.Version, &b.Label, &b.Version); err != nil {
			return err
		}
		pairs = append(pairs, [2]Ref{a, b})
		return nil
	})
	return pairs, err
}

// inserter inserts keys in a transaction, many rows to a statement. It numbers them itself, which it may since one
// change of keys runs at a time, and remembers parents.
type inserter struct {
	s       *Store
	ctx     context.Context
	tx      *sql.Tx
	at      int64
	next    int64 // number of the next key
	parents map[Ref]int64
	waiting []Ref // of the rows that are not in the database yet
	values  []any
	put     *sql.Stmt // for a full batch
}

// batch is how many rows go into a statement.
const batch = 32

func (s *Store) inserter(ctx context.Context, tx *sql.Tx, at int64) (*inserter, error) {
	in := &inserter{s: s, ctx: ctx, tx: tx, at: at, parents: map[Ref]int64{}}
	err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(id), 0) + 1 FROM keys").Scan(&in.next)
	return in, err
}

func (s *Store) insertOne(ctx context.Context, tx *sql.Tx, at int64, k Key) (int64, error) {
	in, err := s.inserter(ctx, tx, at)
	if err != nil {
		return 0, err
	}
	id, err := in.insert(k)
	if err != nil {
		return 0, err
	}
	return id, in.flush()
}

func (in *inserter) close() {
	if in.put != nil {
		_ = in.put.Close()
	}
}

const (
	keyFields = `id, label, version, usage, algorithm, mode, exportability, len, block, check_method, check_digits, parent,
		parent_block, custodians, origin, purpose, state, created, activated, not_after`
	keyFieldCount = 20
)

// insert takes a key and gives its number. It is in the database after the next flush.
func (in *inserter) insert(k Key) (id int64, err error) {
	if err := k.check(); err != nil {
		return 0, err
	}
	if err := in.begin(&k); err != nil {
		return 0, err
	}
	var parent any
	if !k.Parent.IsZero() {
		if parent, err = in.parent(k.Parent); err != nil {
			return 0, err
		}
	}
	custodians, err := packNames(k.Custodians)
	if err != nil {
		return 0, err
	}
	id = in.next
	in.next++
	in.waiting = append(in.waiting, k.Ref())
	in.values = append(in.values, id, k.Label, k.Version, string(k.Usage), string(k.Algorithm), string(rune(k.Mode)),
		string(rune(k.Exportability)), k.Len, k.Block, string(k.Check.Method), k.Check.Digits, parent, k.ParentBlock,
		custodians, k.Origin, k.Purpose, string(k.State), micros(k.Created), micros(k.Activated), micros(k.NotAfter))
	if len(in.waiting) == batch {
		return id, in.flush()
	}
	return id, nil
}

// flush puts the waiting rows into the database. A key that is there already is skipped by it and found by the count,
// so that the transaction can still be asked which one it was.
func (in *inserter) flush() error {
	n := len(in.waiting)
	if n == 0 {
		return nil
	}
	r, err := in.exec(n)
	done, err := affected(r, err)
	if err != nil {
		return err
	}
	if int(done) < n {
		return in.which()
	}
	in.waiting, in.values = in.waiting[:0], in.values[:0]
	return nil
}

func (in *inserter) exec(n int) (sql.Result, error) {
	if n < batch {
		return in.tx.ExecContext(in.ctx, in.s.dialect.insertKeys(n), in.values...)
	}
	if in.put == nil {
		var err error
		if in.put, err = in.tx.PrepareContext(in.ctx, in.s.dialect.insertKeys(batch)); err != nil {
			return nil, err
		}
	}
	return in.put.ExecContext(in.ctx, in.values...)
}

// insertKeys gives the statement for n rows. SQLite looks for the number of a named place among all of them, so there
// they have none.
func (d dialect) insertKeys(n int) string {
	place := func(i int) string { return "$" + strconv.Itoa(i+1) }
	if d == sqliteDialect {
		place = func(int) string { return "?" }
	}
	rows := make([]string, n)
	for row := range rows {
		for i := range keyFieldCount {
			rows[row] += place(row*keyFieldCount+i) + ", "
		}
	}
	return "INSERT INTO keys (" + keyFields + ", suspended, deactivated, compromised, destroyed) VALUES (" +
		strings.Join(rows, "0, 0, 0, 0), (") + "0, 0, 0, 0) ON CONFLICT (label, version) DO NOTHING"
}

// which finds the waiting key that is there already, under another number or twice among those that wait.
func (in *inserter) which() error {
	seen := map[Ref]bool{}
	for i, r := range in.waiting {
		var id int64
		err := in.tx.QueryRowContext(in.ctx, "SELECT id FROM keys WHERE label = $1 AND version = $2", r.Label,
			r.Version).Scan(&id)
		if err != nil {
			return err
		}
		if mine, _ := in.values[i*keyFieldCount].(int64); id != mine || seen[r] {
			return fault.New(fault.FileExists, "the store has a key %s already", r)
		}
		seen[r] = true
	}
	return fault.New(fault.Bug, "keys were skipped, and all are there")
}

// begin settles the state that a new key is in.
func (in *inserter) begin(k *Key) error {
	if k.State == "" {
		k.State = Active
	}
	if k.State != Active && k.State != PreActivation {
		return fault.New(fault.Usage, "a new key is %s or %s, not %s", PreActivation, Active, k.State)
	}
	late := !k.Suspended.IsZero() || !k.Deactivated.IsZero() || !k.Compromised.IsZero() || !k.Destroyed.IsZero()
	if late || !k.Successor.IsZero() || k.State == PreActivation && !k.Activated.IsZero() {
		return fault.New(fault.Usage, "key %s is new, and has times of a life behind it", k.Ref())
	}
	if k.Created.IsZero() {
		k.Created = fromMicros(in.at)
	}
	if k.State == PreActivation {
		return nil
	}
	if k.Activated.IsZero() {
		k.Activated = later(fromMicros(in.at), k.Created)
	}
	if k.Activated.Before(k.Created) {
		return fault.New(fault.Usage, "key %s was activated before it was created", k.Ref())
	}
	if k.NotAfter.IsZero() {
		k.NotAfter = in.s.options.Period(k.Usage).After(k.Activated)
	}
	return nil
}

func (in *inserter) parent(r Ref) (int64, error) {
	if id, ok := in.parents[r]; ok {
		return id, nil
	}
	if r.Version == 0 {
		return 0, fault.New(fault.Usage, "the parent %s is named without its version", r.Label)
	}
	if err := in.flush(); err != nil { // it may be waiting
		return 0, err
	}
	p, err := findKey(in.ctx, in.tx, r)
	if err != nil {
		return 0, fault.Wrap(dbError(err), "the parent")
	}
	if p.State == Compromised || p.State.Gone() {
		return 0, fault.New(fault.NotPermitted, "the parent %s is %s", r, p.State)
	}
	in.parents[r] = p.id
	return p.id, nil
}

// packNames writes a list of names as JSON, "" for none.
func packNames(names []string) (string, error) {
	if len(names) == 0 {
		return "", nil
	}
	for _, n := range names {
		if n == "" || !isLine(n, maxLabel) {
			return "", fault.New(fault.Usage, "the name of a custodian is 1 to %d bytes on one line", maxLabel)
		}
	}
	raw, err := json.Marshal(names)
	return string(raw), err
}
