package store

// Adding keys.

import (
	"context"
	"database/sql"
	"encoding/json"
	"iter"
	"strings"

	"poskey/internal/fault"
)

// Insert adds a key, PreActivation or Active. same are other keys with an equal check value: the duplicate alarm, which
// does not keep the key out. Errors: file_exists for a label and version that are there; not_found (the parent);
// not_permitted (the parent is compromised or destroyed); usage (a field); checksum_mismatch (the block is another
// key's).
func (s *Store) Insert(ctx context.Context, c Change, k Key) (same []Ref, err error) {
	err = s.changeKeys(ctx, c, func(tx *sql.Tx, at int64) error {
		in := s.inserter(ctx, tx, at)
		defer in.close()
		id, err := in.insert(k)
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

// InsertMany adds keys in one transaction: all, or none after an error, also one that the sequence gives. A parent comes
// before its children. Check values are compared as they are, method and all digits.
func (s *Store) InsertMany(ctx context.Context, c Change, all iter.Seq2[Key, error]) (Inserted, error) {
	var done Inserted
	err := s.changeKeys(ctx, c, func(tx *sql.Tx, at int64) error {
		in := s.inserter(ctx, tx, at)
		defer in.close()
		first := int64(0)
		for k, err := range all {
			if err != nil {
				return err
			}
			id, err := in.insert(k)
			if err != nil {
				return fault.Wrap(err, "key %d", done.Count+1)
			}
			if done.Count++; done.Count == 1 {
				first = id
			}
		}
		var err error
		done.Same, err = samePairs(ctx, tx, first, done.Count)
		return err
	})
	if err != nil {
		return Inserted{}, fault.Wrap(err, "inserting keys")
	}
	return done, nil
}

// samePairs compares the keys from number first on with all others. Numbers only grow.
func samePairs(ctx context.Context, tx *sql.Tx, first int64, count int) ([][2]Ref, error) {
	if count == 0 {
		return nil, nil
	}
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

// inserter inserts keys in a transaction. It prepares its statement once and remembers parents.
type inserter struct {
	s       *Store
	ctx     context.Context
	tx      *sql.Tx
	at      int64
	parents map[Ref]int64
	put     *sql.Stmt
}

func (s *Store) inserter(ctx context.Context, tx *sql.Tx, at int64) *inserter {
	return &inserter{s: s, ctx: ctx, tx: tx, at: at, parents: map[Ref]int64{}}
}

func (in *inserter) close() {
	if in.put != nil {
		_ = in.put.Close()
	}
}

const keyFields = `label, version, usage, algorithm, mode, exportability, len, block, check_method, check_digits, parent,
	parent_block, custodians, origin, purpose, state, created, activated, not_after`

// insert adds one key and gives its number.
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
	if in.put == nil {
		in.put, err = in.tx.PrepareContext(in.ctx, "INSERT INTO keys ("+keyFields+`, suspended, deactivated, compromised, destroyed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 0, 0, 0, 0) RETURNING id`)
		if err != nil {
			return 0, err
		}
	}
	err = in.put.QueryRowContext(in.ctx, k.Label, k.Version, string(k.Usage), string(k.Algorithm), string(rune(k.Mode)),
		string(rune(k.Exportability)), k.Len, k.Block, string(k.Check.Method), k.Check.Digits, parent, k.ParentBlock,
		custodians, k.Origin, k.Purpose, string(k.State), micros(k.Created), micros(k.Activated),
		micros(k.NotAfter)).Scan(&id)
	if isUnique(err) {
		return 0, fault.New(fault.FileExists, "the store has a key %s already", k.Ref())
	}
	return id, err
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
	p, err := findKey(in.ctx, in.tx, r)
	if err != nil {
		return 0, fault.Wrap(err, "the parent")
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
		if n == "" || len(n) > maxLabel || strings.ContainsAny(n, "\x00\n\r") {
			return "", fault.New(fault.Usage, "the name of a custodian is 1 to %d bytes on one line", maxLabel)
		}
	}
	raw, err := json.Marshal(names)
	return string(raw), err
}
