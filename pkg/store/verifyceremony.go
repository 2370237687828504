package store

// Looking at the ledger of ceremonies.

import (
	"database/sql"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
)

// ceremonies looks at what stands of each: an open one has no end, one that ended has the end of its record.
func (v *verifier) ceremonies() error {
	rows, err := v.tx.QueryContext(v.ctx, "SELECT "+ceremonyColumns+" FROM ceremonies ORDER BY id")
	return each(rows, err, func(r *sql.Rows) error {
		y, err := scanCeremony(r)
		if err != nil {
			return err
		}
		v.find("ceremony "+y.ID, y.check())
		v.find("ceremony "+y.ID, y.fits())
		return nil
	})
}

func (y *Ceremony) fits() error {
	if y.State == CeremonyOpen {
		if y.Head != "" || !y.Ended.IsZero() {
			return fault.New(fault.ChecksumMismatch, "it is open, and has an end")
		}
		return nil
	}
	if !isDigest(y.Head) || y.Ended.Before(y.Began) {
		return fault.New(fault.ChecksumMismatch, "it is %s, and its end is not as it should be", string(y.State))
	}
	return nil
}

// holdings holds parts against their ceremonies, and against the keys that came of them. Of a ceremony that was given up,
// the key may have been made otherwise. The ledger has as many digits of a check value as the ceremony was told.
func (v *verifier) holdings() error {
	rows, err := v.tx.QueryContext(v.ctx, `SELECT h.id, h.ceremony, h.at, h.label, h.version, h.check_method, h.check_digits, h.sheets,
		h.part, h.parts, h.needed, h.person, h.name, h.card, h.seat, h.event, h.bag, h.outer_bag, h.channel,
		COALESCE(c.state, ''), COALESCE(k.check_method, ''), COALESCE(k.check_digits, '')
		FROM holdings h LEFT JOIN ceremonies c ON c.id = h.ceremony
		LEFT JOIN keys k ON k.label = h.label AND k.version = h.version ORDER BY h.id`)
	return each(rows, err, func(r *sql.Rows) error {
		var state CeremonyState
		var key kcv.Value
		h, err := scanHolding(withMore{r, []any{(*string)(&state), (*string)(&key.Method), &key.Digits}})
		if err != nil {
			return err
		}
		where := "ceremony " + h.Ceremony
		v.find(where, h.check())
		switch {
		case state == "":
			v.find(where, fault.New(fault.ChecksumMismatch, "a part of %s is of this ceremony, which the ledger does not have", h.Key))
		case state != CeremonyAborted && h.Check.Method == key.Method && h.Check.Digits != "" &&
			!sameDigits(h.Check.Digits, key.Digits):
			v.find(where, fault.New(fault.ChecksumMismatch, "the ledger has parts of %s with check value %s, the key in the store has %s", h.Key,
				h.Check, key))
		}
		return nil
	})
}
