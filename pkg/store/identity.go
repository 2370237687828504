package store

// Whose store it is: its name, its environment and its master key.

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
)

// Environments. A store is in one of them from birth.
const (
	Test       = "test"
	Production = "production"
)

// Kinds of master keys.
const (
	ByOfficers = "officers" // shares sealed to officers, in Sealed
	ByToken    = "token"    // a key in a PKCS#11 token, named by Token
)

// Identity is what a store is from birth, and how its master key is reached.
type Identity struct {
	ID          string // 1 to 64 letters of ASCII, digits and . _ -
	Environment string // Test or Production
	Created     time.Time
	Master      Master
}

// Master names the master key that the blocks of the store are under. Nothing in it is secret: a sealed document opens
// for its officers only.
type Master struct {
	Kind       string // ByOfficers or ByToken
	Check      kcv.Value
	Generation uint64 // of the sealed document, from 1
	Sealed     []byte // custody document; nil by token
	Token      string // PKCS#11 URI without a PIN; "" by officers
}

func (id *Identity) check() error {
	if CheckLabel(id.ID) != nil {
		return fault.New(fault.Usage, "the id of a store is 1 to 64 of A-Z a-z 0-9 . _ - beginning with a letter or digit")
	}
	if id.Environment != Test && id.Environment != Production {
		return fault.New(fault.Usage, "a store is for test or for production")
	}
	if id.Created.IsZero() {
		return fault.New(fault.Bug, "the store has no date of birth")
	}
	return id.Master.check()
}

func (m *Master) check() error {
	// A token need not tell a check value of the key that it keeps.
	if err := checkValue(m.Check); err != nil && (m.Kind != ByToken || m.Check != (kcv.Value{})) {
		return fault.Wrap(err, "the master key")
	}
	officers := m.Kind == ByOfficers && len(m.Sealed) > 0 && m.Token == ""
	token := m.Kind == ByToken && len(m.Sealed) == 0 && m.Token != ""
	switch {
	case m.Generation == 0 || m.Generation >= 1<<53:
		return fault.New(fault.Bug, "generations of the master key count from 1")
	case !officers && !token:
		return fault.New(fault.Bug, "a master key is sealed to officers or in a token, and not both")
	case !isLine(m.Token, 4096):
		return fault.New(fault.Usage, "the URI of the token is a line of at most %d bytes", 4096)
	case strings.Contains(m.Token, "pin-value"):
		return fault.New(fault.Usage, "the URI of the token has a PIN in it; a store keeps no PIN")
	}
	return nil
}

// checkValue looks at the form of a check value.
func checkValue(v kcv.Value) error {
	if _, err := kcv.ParseMethod(string(v.Method)); err != nil {
		return err
	}
	if n := len(v.Digits); n < 2 || n > 128 || strings.Trim(v.Digits, "0123456789ABCDEF") != "" {
		return fault.New(fault.Usage, "a check value is 2 to 128 upper-case hex digits")
	}
	return nil
}

// meets holds an identity against what is expected of it.
func (id *Identity) meets(want Identity) error {
	switch {
	case want.ID != "" && want.ID != id.ID:
		return fault.New(fault.NotPermitted, "this is store %s, not %s; was the database swapped?", id.ID, want.ID)
	case want.Environment != "" && want.Environment != id.Environment:
		return fault.New(fault.NotPermitted, "this store is for %s, not for %s", id.Environment, want.Environment)
	case !want.Created.IsZero() && micros(want.Created) != micros(id.Created):
		return fault.New(fault.NotPermitted, "this store was made at another time than expected; was the database swapped?")
	case want.Master.Check != (kcv.Value{}) && want.Master.Check != id.Master.Check:
		return fault.New(fault.NotPermitted, "the master key of this store has check value %s, not %s",
			id.Master.Check, want.Master.Check)
	case want.Master.Generation > id.Master.Generation:
		return fault.New(fault.NotPermitted,
			"this store is at generation %d of its master key, not %d; it is an older copy of the database",
			id.Master.Generation, want.Master.Generation)
	}
	return nil
}

const identityColumns = "id, environment, created, master_kind, master_method, master_digits, generation, sealed, token"

// Identity reads whose store it is, as it stands now.
func (s *Store) Identity(ctx context.Context) (Identity, error) {
	id, err := readIdentity(ctx, s.read())
	return id, dbError(err)
}

// Now is the time by the clock of [Options].
func (s *Store) Now() time.Time { return s.options.Now() }

func readIdentity(ctx context.Context, from asker) (Identity, error) {
	var id Identity
	var created, generation int64
	m := &id.Master
	err := from.QueryRowContext(ctx, "SELECT "+identityColumns+" FROM meta").Scan(&id.ID, &id.Environment, &created,
		&m.Kind, &m.Check.Method, &m.Check.Digits, &generation, &m.Sealed, &m.Token)
	if err != nil {
		return Identity{}, err
	}
	id.Created, m.Generation = fromMicros(created), uint64(generation)
	if len(m.Sealed) == 0 {
		m.Sealed = nil
	}
	return id, nil
}

func insertIdentity(ctx context.Context, tx *sql.Tx, id Identity) error {
	m := id.Master
	_, err := tx.ExecContext(ctx, "INSERT INTO meta (one, "+identityColumns+`, mark_seq, mark_hash)
		VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, 0, '')`, id.ID, id.Environment, micros(id.Created), m.Kind,
		string(m.Check.Method), m.Check.Digits, int64(m.Generation), notNil(m.Sealed), m.Token)
	return err
}

// notNil is an empty value where a NULL would be.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Reseal replaces the master key's document. from is the generation that it was made from: when another process was
// faster, nothing changes (busy). A master key with another check value is refused while there are blocks under the one
// that is there (not_permitted). Officers leave and join in the same transaction, so that they are never others than
// those the document names. Errors besides: those of [Store.RevokeOfficer] and [Store.AddOfficer].
func (s *Store) Reseal(ctx context.Context, c Change, from uint64, m Master, staff Staff) error {
	if err := m.check(); err != nil {
		return err
	}
	if m.Generation <= from {
		return fault.New(fault.Bug, "generation %d does not come after %d", m.Generation, from)
	}
	return s.changeKeys(ctx, c, func(tx *sql.Tx, at int64) error {
		now, err := readIdentity(ctx, tx)
		if err != nil {
			return err
		}
		if now.Master.Generation != from {
			return fault.New(fault.Busy, "the master key is at generation %d, not %d: it was sealed anew meanwhile",
				now.Master.Generation, from)
		}
		if err := sameMaster(ctx, tx, now.Master, m); err != nil {
			return err
		}
		for _, fingerprint := range staff.Leave {
			if err := revokeOfficer(ctx, tx, at, fingerprint); err != nil {
				return err
			}
		}
		if err := addOfficers(ctx, tx, at, staff.Join); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE meta SET master_kind = $1, master_method = $2, master_digits = $3,
			generation = $4, sealed = $5, token = $6`, m.Kind, string(m.Check.Method), m.Check.Digits, int64(m.Generation),
			notNil(m.Sealed), m.Token)
		return err
	})
}

func sameMaster(ctx context.Context, tx *sql.Tx, was, is Master) error {
	if was.Check == is.Check {
		return nil
	}
	var blocks bool
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM keys WHERE block <> '')").Scan(&blocks); err != nil {
		return err
	}
	if blocks {
		return fault.New(fault.NotPermitted, "the blocks of this store are under the master key with check value %s; it is now %s",
			was.Check, is.Check)
	}
	return nil
}
