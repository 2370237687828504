package store

// Key sets: ranges of device numbers under a base derivation key.

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"poskey/internal/fault"
	"poskey/pkg/dukpt"
)

// KeySet is a range of device numbers under one base derivation key.
type KeySet struct {
	ID     string // as a label
	BDK    Ref
	Scheme dukpt.Scheme
	KSI    string // tdes-dukpt: 6 digits, or 10 with what stands in place of FFFF; aes-dukpt: the 8 digits of the BDK id
	From   uint64 // numbers From <= n < To; tdes-dukpt below 524,288, aes-dukpt below 2^32
	To     uint64
	Next   uint64 // the next free number; of a new key set 0 or From
	Frozen bool   // hands out nothing
}

// Left counts the numbers not handed out.
func (k *KeySet) Left() uint64 { return k.To - k.Next }

// KSN is the initial KSN of device number n: of tdes-dukpt the device field is 2n in five digits, since its last bit
// belongs to the counter; of aes-dukpt it is n in eight.
func (k *KeySet) KSN(n uint64) (dukpt.KSN, error) {
	if n >= numbers(k.Scheme) {
		return dukpt.KSN{}, fault.New(fault.Usage, "device number %d does not fit into a KSN of %s", n, k.Scheme)
	}
	if k.Scheme == dukpt.AES {
		return dukpt.ParseKSN(k.KSI + fmt.Sprintf("%08X00000000", n))
	}
	return dukpt.ParseKSN(k.KSI + fmt.Sprintf("%05X00000", 2*n))
}

// initial is KSN as text.
func (k *KeySet) initial(n uint64) (string, error) {
	ksn, err := k.KSN(n)
	if err != nil {
		return "", err
	}
	return ksn.String(), nil
}

// numbers is how many devices a key set can have.
func numbers(s dukpt.Scheme) uint64 {
	if s == dukpt.AES {
		return 1 << 32
	}
	return 1 << 19
}

// settle checks a new key set and fills in what it leaves open.
func (k *KeySet) settle() error {
	if err := CheckLabel(k.ID); err != nil {
		return err
	}
	if k.Scheme != dukpt.TDES && k.Scheme != dukpt.AES {
		return fault.New(fault.Usage, "a key set is for %s or %s", dukpt.TDES, dukpt.AES)
	}
	k.KSI = strings.ToUpper(k.KSI)
	if k.Scheme == dukpt.TDES && len(k.KSI) == 6 {
		k.KSI = "FFFF" + k.KSI
	}
	hex := strings.Trim(k.KSI, "0123456789ABCDEF") == ""
	switch {
	case k.Scheme == dukpt.AES && (len(k.KSI) != 8 || !hex):
		return fault.New(fault.Usage, "a key set of %s is named by 8 hex digits, its BDK id", k.Scheme)
	case k.Scheme == dukpt.TDES && (len(k.KSI) != 10 || !hex):
		return fault.New(fault.Usage,
			"a key set of %s is named by 6 hex digits, its KSI, or by 10 with what stands before it", k.Scheme)
	}
	if k.From >= k.To || k.To > numbers(k.Scheme) {
		return fault.New(fault.Usage, "device numbers from %d to %d: a key set of %s has numbers from 0, below %d",
			k.From, k.To, k.Scheme, numbers(k.Scheme))
	}
	if k.Next != 0 && k.Next != k.From {
		return fault.New(fault.Usage, "the next number of a new key set is its first one")
	}
	k.Next = k.From
	return nil
}

// AddKeySet adds a range. Errors: file_exists; not_found (the key); not_permitted when the range overlaps another one
// of the same KSI, or the KSI belongs to another key: either would give two devices one KSN.
func (s *Store) AddKeySet(ctx context.Context, c Change, k KeySet) error {
	err := k.settle()
	if err == nil {
		err = s.changeKeys(ctx, c, func(tx *sql.Tx, _ int64) error { return addKeySet(ctx, tx, k) })
	}
	return fault.Wrap(err, "adding the key set")
}

func addKeySet(ctx context.Context, tx *sql.Tx, k KeySet) error {
	if k.BDK.Version == 0 {
		return fault.New(fault.Usage, "the key %s is named without its version", k.BDK.Label)
	}
	bdk, err := findKey(ctx, tx, k.BDK)
	if err != nil {
		return err
	}
	all, err := keySets(ctx, tx, "s.scheme = $1 AND s.ksi = $2", string(k.Scheme), k.KSI)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.BDK != k.BDK {
			return fault.New(fault.NotPermitted, "KSI %s belongs to key %s (key set %s)", k.KSI, other.BDK, other.ID)
		}
		if k.From < other.To && other.From < k.To {
			return fault.New(fault.NotPermitted, "its numbers overlap those of key set %s, %d to %d", other.ID, other.From,
				other.To)
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO key_sets
		(id, bdk, bdk_state, scheme, ksi, lo, hi, next, frozen, mark_seq, mark_hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, '')`, k.ID, bdk.id, string(bdk.State), string(k.Scheme), k.KSI,
		int64(k.From), int64(k.To), int64(k.Next), number(k.Frozen))
	if isUnique(err) {
		return fault.New(fault.FileExists, "the store has a key set %s already", k.ID)
	}
	return err
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// setRow is a key set with the number and the state of its key, and the number that it stood at.
type setRow struct {
	KeySet
	bdk   int64
	state State
	was   uint64
}

// setRows reads key sets. The state is the one that stands in the row itself: who had to wait for the row sees what the
// key has come to be.
func setRows(ctx context.Context, from asker, where, lock string, args ...any) ([]setRow, error) {
	var all []setRow
	rows, err := from.QueryContext(ctx, `SELECT s.id, k.label, k.version, s.scheme, s.ksi, s.lo, s.hi, s.next, s.frozen,
		s.bdk, s.bdk_state FROM key_sets s JOIN keys k ON k.id = s.bdk WHERE `+where+" ORDER BY s.id"+lock, args...)
	err = each(rows, err, func(r *sql.Rows) error {
		var k setRow
		var lo, hi, next, frozen int64
		if err := r.Scan(&k.ID, &k.BDK.Label, &k.BDK.Version, (*string)(&k.Scheme), &k.KSI, &lo, &hi, &next,
			&frozen, &k.bdk, (*string)(&k.state)); err != nil {
			return err
		}
		k.From, k.To, k.Next, k.Frozen, k.was = uint64(lo), uint64(hi), uint64(next), frozen != 0, uint64(next)
		all = append(all, k)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func keySets(ctx context.Context, from asker, where string, args ...any) ([]KeySet, error) {
	rows, err := setRows(ctx, from, where, "", args...)
	var all []KeySet
	for _, r := range rows {
		all = append(all, r.KeySet)
	}
	return all, err
}

func findSetRow(ctx context.Context, from asker, id string) (setRow, error) {
	all, err := setRows(ctx, from, "s.id = $1", "", id)
	if err == nil && len(all) == 0 {
		err = noKeySet(id)
	}
	if err != nil {
		return setRow{}, err
	}
	return all[0], nil
}

func noKeySet(id string) error { return fault.New(fault.NotFound, "the store has no key set %s", id) }

func findKeySet(ctx context.Context, from asker, id string) (KeySet, error) {
	k, err := findSetRow(ctx, from, id)
	return k.KeySet, err
}

// KeySet reads one. Errors: not_found.
func (s *Store) KeySet(ctx context.Context, id string) (KeySet, error) {
	k, err := findKeySet(ctx, s.read(), id)
	return k, dbError(err)
}

// KeySets lists all by id.
func (s *Store) KeySets(ctx context.Context) ([]KeySet, error) {
	all, err := keySets(ctx, s.read(), "1 = 1")
	return all, dbError(err)
}

// Freeze stops a key set or lets it hand out numbers again. Errors: not_found.
func (s *Store) Freeze(ctx context.Context, c Change, id string, frozen bool) error {
	return s.changeKeys(ctx, c, func(tx *sql.Tx, _ int64) error {
		done, err := tx.ExecContext(ctx, "UPDATE key_sets SET frozen = $1 WHERE id = $2", number(frozen), id)
		if n, err := affected(done, err); err != nil || n == 1 {
			return err
		}
		return noKeySet(id)
	})
}

// Skip leaves out the numbers of a key set up to next: they went out, and the store does not know of them. Errors:
// not_found; usage for a number that is behind the next one, or past the end.
func (s *Store) Skip(ctx context.Context, c Change, id string, next uint64) error {
	return s.changeKeys(ctx, c, func(tx *sql.Tx, _ int64) error {
		k, err := findKeySet(ctx, tx, id)
		if err != nil {
			return err
		}
		if next < k.Next || next > k.To {
			return fault.New(fault.Usage, "key set %s goes on at %d; it can go on at a later number up to %d, and not at %d", id, k.Next, k.To,
				next)
		}
		_, err = tx.ExecContext(ctx, "UPDATE key_sets SET next = $1 WHERE id = $2", int64(next), id)
		return err
	})
}

// mayGive says why a key set hands out nothing, nil when it can give count numbers.
func (k *setRow) mayGive(count uint64) error {
	switch {
	case k.Frozen:
		return fault.New(fault.NotPermitted, "key set %s is frozen", k.ID)
	case k.state != Active:
		return fault.New(fault.NotPermitted, "key %s of key set %s is %s", k.BDK, k.ID, k.state)
	case k.Left() < count:
		return fault.New(fault.EndOfLife, "key set %s has %d numbers left, %d are asked for; begin another one", k.ID,
			k.Left(), count)
	}
	return nil
}
