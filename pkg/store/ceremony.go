package store

// The ledger of ceremonies: who has held which part of which key, in which bag it lies, and by which way it went. Nobody
// forgets what they have held, so nothing is ever taken out of it (PCI PIN 8-2, 21-2.4, 26-1).

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/kcv"
)

// schemaSQL3 makes version 3 of version 2; words in braces as in schemaSQL.
const schemaSQL3 = `
CREATE TABLE ceremonies (
  id {text} PRIMARY KEY,
  kind {text} NOT NULL,
  title {text} NOT NULL,
  script {text} NOT NULL,
  began {int} NOT NULL,
  ended {int} NOT NULL,
  state {text} NOT NULL CHECK (state IN ('open', 'closed', 'aborted')),
  head {text} NOT NULL
) {strict};

CREATE TABLE holdings (
  id {id},
  ceremony {text} NOT NULL REFERENCES ceremonies (id),
  at {int} NOT NULL,
  label {text} NOT NULL,
  version {int} NOT NULL,
  check_method {text} NOT NULL,
  check_digits {text} NOT NULL,
  sheets {text} NOT NULL,
  part {int} NOT NULL,
  parts {int} NOT NULL,
  needed {int} NOT NULL,
  person {text} NOT NULL,
  name {text} NOT NULL,
  card {text} NOT NULL,
  seat {text} NOT NULL,
  event {text} NOT NULL,
  bag {text} NOT NULL,
  outer_bag {text} NOT NULL,
  channel {text} NOT NULL
) {strict};
CREATE INDEX holdings_by_label ON holdings (label, id);
CREATE INDEX holdings_by_check ON holdings (check_digits, id);
CREATE INDEX holdings_by_person ON holdings (person, id);
CREATE INDEX holdings_by_bag ON holdings (bag, id);
`

// CeremonyState is how a ceremony stands.
type CeremonyState string

// The states.
const (
	CeremonyOpen    CeremonyState = "open"
	CeremonyClosed  CeremonyState = "closed"
	CeremonyAborted CeremonyState = "aborted"
)

// Ceremony is a ceremony as the ledger knows it; its record is a file.
type Ceremony struct {
	ID     string // as a label
	Kind   string
	Title  string
	Script string // SHA-256 of the script, 64 upper-case hex digits
	Began  time.Time
	Ended  time.Time
	State  CeremonyState
	Head   string // hash of the last line of the record, 64 upper-case hex digits; "" while it is open
}

// Holding is one thing that happened to a part of a key.
type Holding struct {
	ID       int64 // in the order in which they were written
	Ceremony string
	At       time.Time
	Key      Ref       // in the store; its version is 0 for a key that is not there
	Check    kcv.Value // of the key, where it is known
	Sheets   string    // set of the sheets; "" where it is not known
	Part     int       // from 1
	Parts    int       // of the key
	Needed   int       // to form it
	Person   string    // id on the card
	Name     string
	Card     string // fingerprint, 64 digits
	Seat     string // primary, backup
	Event    PartEvent
	Bag      string
	Outer    string
	Channel  string
}

// HoldingFilter chooses holdings; zero fields choose all. Key without a version chooses all versions of the label.
type HoldingFilter struct {
	Key      Ref
	Check    kcv.Value // on the shorter length, of at least four digits; without a method, whatever the method
	Person   string
	Bag      string // inner or outer, compared by BagName
	Ceremony string
	Limit    int
}

// MaxLedgerLine is the longest line of the ledger in bytes: what people type at a ceremony is cut to as many, and a line of
// a script has fewer (200 characters).
const MaxLedgerLine = 1000

const (
	ceremonyColumns = "id, kind, title, script, began, ended, state, head"
	holdingColumns  = "id, " + holdingFields
	holdingFields   = "ceremony, at, label, version, check_method, check_digits, sheets, part, parts, needed, person, name, " +
		"card, seat, event, bag, outer_bag, channel"
	holdingPage = 500
)

// BeginCeremony takes a ceremony down; one that is there and open, of the same script, goes on. Errors: file_exists;
// usage.
func (s *Store) BeginCeremony(ctx context.Context, c Change, y Ceremony) error {
	if err := y.check(); err != nil {
		return err
	}
	err := s.change(ctx, c, func(tx *sql.Tx, at int64) error {
		known, err := scanCeremony(tx.QueryRowContext(ctx, "SELECT "+ceremonyColumns+" FROM ceremonies WHERE id = $1", y.ID))
		switch {
		case err == nil && known.State == CeremonyOpen && known.Script == y.Script:
			return nil
		case err == nil:
			return fault.New(fault.FileExists, "the ledger has a ceremony %s already", y.ID)
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO ceremonies ("+ceremonyColumns+") VALUES ($1, $2, $3, $4, $5, 0, 'open', '')",
			y.ID, y.Kind, y.Title, y.Script, at)
		return err
	})
	return fault.Wrap(err, "the ledger of ceremonies")
}

func (y *Ceremony) check() error {
	if err := CheckLabel(y.ID); err != nil {
		return fault.Wrap(err, "the name of the ceremony")
	}
	if !isSmall(y.Kind) || !isLine(y.Title, MaxLedgerLine) || !isDigest(y.Script) {
		return fault.New(fault.Usage, "a ceremony has a kind, a title of one line and the digest of its script")
	}
	return nil
}

func isDigest(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789ABCDEF") == "" }

// isSmall reports a word of 1 to 32 small letters and dashes.
func isSmall(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz-") == ""
}

// EndCeremony closes a ceremony that is open. Errors: not_found, not_permitted, usage.
func (s *Store) EndCeremony(ctx context.Context, c Change, id string, to CeremonyState, head string) error {
	if to != CeremonyClosed && to != CeremonyAborted || !isDigest(head) {
		return fault.New(fault.Usage, "a ceremony ends closed or aborted, with the hash of the last line of its record")
	}
	err := s.change(ctx, c, func(tx *sql.Tx, at int64) error {
		if err := isOpenCeremony(ctx, tx, id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE ceremonies SET state = $1, ended = $2, head = $3 WHERE id = $4", string(to), at,
			head, id)
		return err
	})
	return fault.Wrap(err, "the ledger of ceremonies")
}

func isOpenCeremony(ctx context.Context, tx *sql.Tx, id string) error {
	y, err := scanCeremony(tx.QueryRowContext(ctx, "SELECT "+ceremonyColumns+" FROM ceremonies WHERE id = $1", id))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.New(fault.NotFound, "the ledger has no ceremony %s", text.Redact(id))
	case err != nil:
		return err
	case y.State != CeremonyOpen:
		return fault.New(fault.NotPermitted, "ceremony %s is %s", id, string(y.State))
	}
	return nil
}

// Hold writes what happened to a part of a key in a ceremony that is open. Errors: not_found, not_permitted, usage.
func (s *Store) Hold(ctx context.Context, c Change, h Holding) error {
	if err := h.check(); err != nil {
		return err
	}
	err := s.change(ctx, c, func(tx *sql.Tx, at int64) error {
		if err := isOpenCeremony(ctx, tx, h.Ceremony); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO holdings ("+holdingFields+
			") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
			h.Ceremony, at, h.Key.Label, h.Key.Version, string(h.Check.Method), h.Check.Digits, h.Sheets, h.Part, h.Parts,
			h.Needed, h.Person, h.Name, h.Card, h.Seat, string(h.Event), h.Bag, h.Outer, h.Channel)
		return err
	})
	return fault.Wrap(err, "the ledger of ceremonies")
}

func (h *Holding) check() error {
	if err := CheckLabel(h.Key.Label); err != nil {
		return fault.Wrap(err, "the key of a part")
	}
	if h.Key.Version < 0 || h.Part < 1 || h.Part > h.Parts || h.Needed < 1 || h.Needed > h.Parts ||
		!isSmall(h.Seat) || !isToken(h.Person, 64) || h.Card != "" && !isDigest(h.Card) {
		return fault.New(fault.Usage, "a holding says who did what with which part of which key")
	}
	if err := h.Event.check(); err != nil {
		return err
	}
	for _, s := range []string{h.Name, h.Bag, h.Outer, h.Channel, h.Sheets} {
		if !isLine(s, MaxLedgerLine) {
			return fault.New(fault.Usage, "name, bags, channel and set of a part are one line each, %d bytes at most", MaxLedgerLine)
		}
	}
	return nil
}

func scanCeremony(r scanner) (Ceremony, error) {
	var y Ceremony
	var began, ended int64
	if err := r.Scan(&y.ID, &y.Kind, &y.Title, &y.Script, &began, &ended, (*string)(&y.State), &y.Head); err != nil {
		return Ceremony{}, err
	}
	y.Began, y.Ended = fromMicros(began), fromMicros(ended)
	return y, nil
}

func scanHolding(r scanner) (Holding, error) {
	var h Holding
	var at int64
	if err := r.Scan(&h.ID, &h.Ceremony, &at, &h.Key.Label, &h.Key.Version, (*string)(&h.Check.Method), &h.Check.Digits, &h.Sheets,
		&h.Part, &h.Parts, &h.Needed, &h.Person, &h.Name, &h.Card, &h.Seat, (*string)(&h.Event),
		&h.Bag, &h.Outer, &h.Channel); err != nil {
		return Holding{}, err
	}
	h.At = fromMicros(at)
	return h, nil
}

// Holdings streams what happened to parts, in the order in which it was written, page by page as [Store.List].
func (s *Store) Holdings(ctx context.Context, f HoldingFilter) iter.Seq2[Holding, error] {
	return func(yield func(Holding, error) bool) {
		var last int64
		for given := 0; ; {
			page, err := s.holdingPage(ctx, f, last)
			if err != nil {
				yield(Holding{}, dbError(err))
				return
			}
			for _, h := range page {
				if last = h.ID; !f.hasBag(&h) {
					continue
				}
				if f.Limit > 0 && given == f.Limit || !yield(h, nil) {
					return
				}
				given++
			}
			if len(page) < holdingPage {
				return
			}
		}
	}
}

func (s *Store) holdingPage(ctx context.Context, f HoldingFilter, last int64) ([]Holding, error) {
	var args arguments
	where := []string{"id > " + args.place(last)}
	for _, c := range []struct{ column, want string }{{"label", f.Key.Label}, {"person", f.Person}, {"ceremony", f.Ceremony},
		{"check_method", string(f.Check.Method)}} {
		if c.want != "" {
			where = append(where, c.column+" = "+args.place(c.want))
		}
	}
	if f.Check.Digits != "" {
		where = append(where, digitsAlike(&args, f.Check.Digits))
	}
	if f.Key.Version != 0 {
		where = append(where, "version = "+args.place(f.Key.Version))
	}
	var page []Holding
	rows, err := s.read().QueryContext(ctx, "SELECT "+holdingColumns+" FROM holdings WHERE "+strings.Join(where, " AND ")+
		" ORDER BY id LIMIT "+args.place(holdingPage), args...)
	err = each(rows, err, func(r *sql.Rows) error {
		h, err := scanHolding(r)
		page = append(page, h)
		return err
	})
	return page, err
}
