package store

// A key as a row.

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// keyColumns are what scanKey reads, with keyTables behind FROM and the key as k.
const (
	keyColumns = `k.id, k.label, k.version, k.usage, k.algorithm, k.mode, k.exportability, k.len, k.block, k.check_method,
		k.check_digits, COALESCE(p.label, ''), COALESCE(p.version, 0), k.parent_block, k.custodians, k.origin, k.purpose,
		k.state, k.created, k.activated, k.not_after, k.suspended, k.deactivated, k.compromised, k.destroyed,
		COALESCE(n.label, ''), COALESCE(n.version, 0)`
	keyJoins = ` LEFT JOIN keys p ON p.id = k.parent LEFT JOIN keys n ON n.id = k.successor`
)

// keyRow is a key with its number, which never leaves the package.
type keyRow struct {
	Key
	id int64
}

type scanner interface{ Scan(dest ...any) error }

// scanKey reads keyColumns, and more columns behind them.
func scanKey(r scanner, more ...any) (keyRow, error) {
	var k keyRow
	var mode, exportability, custodians string
	var created, activated, notAfter, suspended, deactivated, compromised, destroyed int64
	err := r.Scan(append([]any{&k.id, &k.Label, &k.Version, (*string)(&k.Usage), (*string)(&k.Algorithm), &mode,
		&exportability, &k.Len, &k.Block, (*string)(&k.Check.Method), &k.Check.Digits, &k.Parent.Label, &k.Parent.Version,
		&k.ParentBlock, &custodians, &k.Origin, &k.Purpose, (*string)(&k.State), &created, &activated, &notAfter,
		&suspended, &deactivated, &compromised, &destroyed, &k.Successor.Label, &k.Successor.Version}, more...)...)
	if err != nil {
		return keyRow{}, err
	}
	if len(mode) != 1 || len(exportability) != 1 {
		return keyRow{}, damagedRow(k.Ref().String())
	}
	if custodians != "" && json.Unmarshal([]byte(custodians), &k.Custodians) != nil {
		return keyRow{}, damagedRow(k.Ref().String())
	}
	k.Mode, k.Exportability = mode[0], exportability[0]
	k.Created, k.Activated, k.NotAfter = fromMicros(created), fromMicros(activated), fromMicros(notAfter)
	k.Suspended, k.Deactivated = fromMicros(suspended), fromMicros(deactivated)
	k.Compromised, k.Destroyed = fromMicros(compromised), fromMicros(destroyed)
	return k, nil
}

func damagedRow(name string) error {
	return fault.New(fault.ChecksumMismatch, "the row of %s is damaged", name)
}

// findKey reads a key by its name; version 0 is the newest active one.
func findKey(ctx context.Context, from asker, r Ref) (keyRow, error) {
	if err := r.check(); err != nil {
		return keyRow{}, err
	}
	if r.Version == 0 {
		return findNewest(ctx, from, r.Label)
	}
	k, err := scanKey(from.QueryRowContext(ctx, "SELECT "+keyColumns+" FROM keys k"+keyJoins+
		" WHERE k.label = $1 AND k.version = $2", r.Label, r.Version))
	if errors.Is(err, sql.ErrNoRows) {
		return keyRow{}, fault.New(fault.NotFound, "the store has no key %s", r)
	}
	return k, err
}

func findNewest(ctx context.Context, from asker, label string) (keyRow, error) {
	k, err := scanKey(from.QueryRowContext(ctx, "SELECT "+keyColumns+" FROM keys k"+keyJoins+
		" WHERE k.label = $1 ORDER BY CASE k.state WHEN 'active' THEN 0 ELSE 1 END, k.version DESC LIMIT 1", label))
	if errors.Is(err, sql.ErrNoRows) {
		return keyRow{}, fault.New(fault.NotFound, "the store has no key %s", label)
	}
	if err == nil && k.State != Active {
		return keyRow{}, fault.New(fault.NotPermitted, "no version of %s is active; the newest, %s, is %s", label, k.Ref(),
			k.State)
	}
	return k, err
}

func (r Ref) check() error {
	if r.Version < 0 || r.Version > maxVersion {
		return fault.New(fault.Usage, "versions of key %s count from 1", r.Label)
	}
	return CheckLabel(r.Label)
}

// Get reads a key; version 0 is the newest active one. Errors: not_found; not_permitted when no version is active.
func (s *Store) Get(ctx context.Context, r Ref) (Key, error) {
	k, err := findKey(ctx, s.read(), r)
	if err != nil {
		return Key{}, dbError(err)
	}
	return k.Key, nil
}

// NextVersion is the version that a new key with the label gets: 1, or one above the highest in any state.
func (s *Store) NextVersion(ctx context.Context, label string) (int, error) {
	if err := CheckLabel(label); err != nil {
		return 0, err
	}
	var highest int
	err := s.read().QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM keys WHERE label = $1",
		label).Scan(&highest)
	if err != nil {
		return 0, dbError(err)
	}
	return highest + 1, nil
}

// check looks at the fields of a key that is to be inserted.
func (k *Key) check() error {
	if err := k.Ref().check(); err != nil {
		return err
	}
	return k.checkFields()
}

func (k *Key) checkFields() error {
	switch {
	case k.Version == 0:
		return fault.New(fault.Usage, "it has no version")
	case len(k.Usage) != 2 || !isWord(string(k.Usage)):
		return fault.New(fault.Usage, "the usage %q is not two letters or digits", string(k.Usage))
	case !isToken(string(k.Algorithm), 32):
		return fault.New(fault.Usage, "it has no algorithm")
	case !isWord(string([]byte{k.Mode, k.Exportability})):
		return fault.New(fault.Usage, "mode of use and exportability are a letter each")
	case k.Len < 1 || k.Len > 1<<16:
		return fault.New(fault.Usage, "a key of %d bytes", k.Len)
	case k.Block == "" || !isLine(k.Block, keyblock.MaxInput) || !isLine(k.ParentBlock, keyblock.MaxInput):
		return fault.New(fault.Usage, "it has no block, or one that is too long or no line of text")
	case !isLine(k.Purpose, maxPurpose):
		return fault.New(fault.Usage, "the purpose is a line of at most %d bytes", maxPurpose)
	case len(k.Custodians) > maxCustodians:
		return fault.New(fault.Usage, "%d custodians, at most %d", len(k.Custodians), maxCustodians)
	}
	if err := checkValue(k.Check); err != nil {
		return err
	}
	switch k.Origin {
	case Generated, Formed, Imported, Unwrapped, Derived:
	default:
		return fault.New(fault.Usage, "unknown origin of a key")
	}
	return k.meetsBlock()
}

const (
	maxPurpose    = 256
	maxCustodians = 64
)

func isWord(s string) bool { return strings.Trim(s, labelChars[:62]) == "" && s != "" }

// meetsBlock holds the row against the header of its block, where the block is one of X9.143 form. It believes
// neither: only the boundary can tell whether the header is the one that the key was wrapped with.
func (k *Key) meetsBlock() error {
	b, err := keyblock.Parse(k.Block)
	if err != nil {
		return nil //nolint:nilerr // a token's own format; its boundary knows it
	}
	label, labelled := b.Opt("LB")
	switch {
	case b.Usage != k.Usage:
		return fault.New(fault.ChecksumMismatch, "the block is of usage %s, the row says %s", b.Usage, k.Usage)
	case b.Algorithm != keyblock.AlgorithmChar(k.Algorithm):
		return fault.New(fault.ChecksumMismatch, "the block is of algorithm %c, the row says %s", b.Algorithm, k.Algorithm)
	case b.Mode != k.Mode:
		return fault.New(fault.ChecksumMismatch, "the block has mode of use %c, the row says %c", b.Mode, k.Mode)
	case b.Exportability != k.Exportability:
		return fault.New(fault.ChecksumMismatch, "the block has exportability %c, the row says %c",
			b.Exportability, k.Exportability)
	case !labelled:
		return fault.New(fault.ChecksumMismatch, "the block does not say whose it is (optional block LB)")
	case label != k.Ref().String():
		return fault.New(fault.ChecksumMismatch, "the block is that of key %q", label)
	}
	return nil
}

// sameCheck finds keys with an equal check value. Values of different lengths are compared on the shorter one, of which
// at least sixCount digits count: fewer agree by chance too often.
func sameCheck(ctx context.Context, from asker, v kcv.Value, alg keys.Algorithm, not int64) ([]Ref, error) {
	if err := checkValue(v); err != nil {
		return nil, err
	}
	var args arguments
	where := "k.check_digits IN (" + args.place(v.Digits)
	for n := leastDigits; n < len(v.Digits); n++ {
		where += ", " + args.place(v.Digits[:n])
	}
	where += ")"
	if len(v.Digits) >= leastDigits { // longer ones that begin with it; G comes after the hex digits
		where = "(" + where + " OR k.check_digits > " + args.place(v.Digits) + " AND k.check_digits < " +
			args.place(v.Digits+"G") + ")"
	}
	where += " AND k.check_method = " + args.place(string(v.Method)) + " AND k.id <> " + args.place(not)
	if alg != "" {
		where += " AND k.algorithm = " + args.place(string(alg))
	}
	var all []Ref
	rows, err := from.QueryContext(ctx, "SELECT k.label, k.version FROM keys k WHERE "+where+
		" ORDER BY k.label, k.version LIMIT 1000", args...)
	err = each(rows, err, func(r *sql.Rows) error {
		var ref Ref
		if err := r.Scan(&ref.Label, &ref.Version); err != nil {
			return err
		}
		all = append(all, ref)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// leastDigits is the least number of digits in which values of different lengths must agree.
const leastDigits = 6

// SameCheck lists keys with an equal check value: the same method, and equal digits on the shorter length when that is
// at least six. alg "" is any algorithm. At most 1,000 are given.
func (s *Store) SameCheck(ctx context.Context, v kcv.Value, alg keys.Algorithm) ([]Ref, error) {
	all, err := sameCheck(ctx, s.read(), v, alg, 0)
	return all, dbError(err)
}
