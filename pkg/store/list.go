package store

// Choosing keys.

import (
	"context"
	"database/sql"
	"iter"
	"strings"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Filter chooses keys; zero fields choose all.
type Filter struct {
	Usage          keys.Usage
	State          State
	Prefix         string // of the label
	Label          string // exactly this one, all versions
	Parent         Ref    // directly under this key; named with its version
	Algorithm      keys.Algorithm
	ExpiringBefore time.Time // in use (pre-activation, active, suspended), and the cryptoperiod ends before
	Check          kcv.Value // the same digits, as many as both have, and the same method where one is given
	Limit          int       // 0: all
}

// choice is a filter as SQL: conditions over keys k, and where the last page ended.
type choice struct {
	Filter
	parent   int64 // number of Parent
	roots    bool  // keys without a parent
	expiring bool
	begun    bool
	label    string // of the last key that was given
	version  int
	notAfter int64
	id       int64
}

func (s *Store) choose(ctx context.Context, from asker, f Filter) (choice, error) {
	c := choice{Filter: f, expiring: !f.ExpiringBefore.IsZero()}
	if f.Limit < 0 {
		return choice{}, fault.New(fault.Usage, "a limit of %d", f.Limit)
	}
	if !f.Parent.IsZero() {
		p, err := findKey(ctx, from, f.Parent)
		if err != nil {
			return choice{}, err
		}
		c.parent = p.id
	}
	return c, nil
}

// where gives the conditions. One index leads; a column of another one is hidden from the planner behind an empty text,
// since neither database knows how many keys there are of a usage or a state before somebody counts them, and both
// would rather sort a million keys than walk the index that has them in order.
func (c *choice) where(args *arguments, state State) string {
	w := "1 = 1"
	add := func(condition string, v any) { w += " AND " + condition + args.place(v) }
	hide := ""
	if !c.byState() {
		hide = " || ''"
	}
	if c.Usage != "" {
		add("k.usage"+hide+" = ", string(c.Usage))
	}
	if state != "" {
		add("k.state"+hide+" = ", string(state))
	}
	if c.Label != "" {
		add("k.label = ", c.Label)
	}
	if c.Prefix != "" {
		add("k.label >= ", c.Prefix)
		add("k.label < ", c.Prefix+"~") // the last of ASCII, after all that labels are made of
	}
	if c.Algorithm != "" {
		add("k.algorithm = ", string(c.Algorithm))
	}
	if c.Check != (kcv.Value{}) {
		w += " AND " + alike(args, c.Check.Digits)
	}
	if c.Check.Method != "" {
		add("k.check_method = ", string(c.Check.Method))
	}
	switch {
	case c.roots:
		w += " AND k.parent IS NULL"
	case c.parent != 0:
		add("k.parent = ", c.parent)
	}
	if c.expiring { // the words of the partial index
		w += " AND k.expires > 0"
		add("k.expires < ", micros(c.ExpiringBefore))
	}
	return w + c.after(args)
}

// shortestCheck is the length from which on the digits of a check value say something of a key.
const shortestCheck = 4

// alike gives the keys whose digits begin with those that are looked for, or are the beginning of them. The search by
// digits stands alone, so that both databases take its index whatever the order is.
func alike(args *arguments, digits string) string {
	w := "k.id IN (SELECT c.id FROM keys c WHERE c.check_digits >= " + args.place(digits) + " AND c.check_digits < " +
		args.place(digits+"G") // after all that digits are made of
	if len(digits) > shortestCheck {
		var shorter []string
		for n := shortestCheck; n < len(digits); n++ {
			shorter = append(shorter, args.place(digits[:n]))
		}
		w += " UNION ALL SELECT c.id FROM keys c WHERE c.check_digits IN (" + strings.Join(shorter, ", ") + ")"
	}
	return w + ")"
}

// byState reports that no narrower index than those by usage and by state fits.
func (c *choice) byState() bool {
	return !c.expiring && c.Label == "" && c.Prefix == "" && c.parent == 0 && !c.roots && c.Check == (kcv.Value{})
}

// after continues where the last page ended.
func (c *choice) after(args *arguments) string {
	switch {
	case !c.begun:
		return ""
	case c.expiring:
		return " AND (k.expires, k.id) > (" + args.place(c.notAfter) + ", " + args.place(c.id) + ")"
	}
	return " AND (k.label, k.version) > (" + args.place(c.label) + ", " + args.place(c.version) + ")"
}

func (c *choice) order() string {
	if c.expiring {
		return " ORDER BY k.expires, k.id"
	}
	return " ORDER BY k.label, k.version"
}

// arms lists the states to be asked for one by one. A usage alone would have to be sorted by label over all its states;
// by usage and state the index has them in order, and so a page costs a page.
func (c *choice) arms() []State {
	if c.State == "" && c.byState() && (c.Usage != "" || c.Algorithm != "") {
		return States()
	}
	return []State{c.State}
}

// page gives the statement for the next rows.
func (c *choice) page(rows int) (string, arguments) {
	var args arguments
	arms := c.arms()
	if len(arms) == 1 {
		w := c.where(&args, arms[0])
		return "SELECT " + keyColumns + childColumn + " FROM keys k" + keyJoins + " WHERE " + w + c.order() +
			" LIMIT " + args.place(rows), args
	}
	var ids string
	for i, state := range arms {
		if i > 0 {
			ids += " UNION ALL "
		}
		w := c.where(&args, state)
		ids += "SELECT id FROM (SELECT k.id FROM keys k WHERE " + w + c.order() + " LIMIT " + args.place(rows) + ") AS a"
	}
	return "SELECT " + keyColumns + childColumn + " FROM keys k" + keyJoins + " WHERE k.id IN (" + ids + ")" + c.order() +
		" LIMIT " + args.place(rows), args
}

// childColumn tells whether there is anything beneath a key.
const childColumn = ", EXISTS (SELECT 1 FROM keys c WHERE c.parent = k.id)"

// pages grow from the first, so that who looks at a few keys does not read hundreds.
const (
	firstPage = 50
	fullPage  = 1000
)

// walkRow is a row of a page.
type walkRow struct {
	keyRow
	childs bool
}

// stream gives the chosen keys page by page; between pages nothing is held.
func (c *choice) stream(ctx context.Context, from asker) iter.Seq2[walkRow, error] {
	return func(yield func(walkRow, error) bool) {
		left := c.Limit
		for size := firstPage; ; size = fullPage {
			if c.Limit > 0 {
				size = min(size, left)
			}
			rows, err := c.next(ctx, from, size)
			if err != nil {
				yield(walkRow{}, err)
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
			left -= len(rows)
			if len(rows) < size || c.Limit > 0 && left == 0 {
				return
			}
		}
	}
}

func (c *choice) next(ctx context.Context, from asker, size int) ([]walkRow, error) {
	query, args := c.page(size)
	page := make([]walkRow, 0, size)
	rows, err := from.QueryContext(ctx, query, args...)
	err = each(rows, err, func(r *sql.Rows) error {
		var w walkRow
		var err error
		if w.keyRow, err = scanKey(r, &w.childs); err != nil {
			return err
		}
		page = append(page, w)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(page) > 0 {
		last := &page[len(page)-1]
		c.begun, c.label, c.version = true, last.Label, last.Version
		c.notAfter, c.id = micros(last.NotAfter), last.id
	}
	return page, nil
}

// List streams keys in the order of label and version, with ExpiringBefore in the order of their ends. It reads page by
// page and holds nothing in between: a key that changes meanwhile is given as it was or as it is.
func (s *Store) List(ctx context.Context, f Filter) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		c, err := s.choose(ctx, s.read(), f)
		if err != nil {
			yield(Key{}, dbError(err))
			return
		}
		for r, err := range c.stream(ctx, s.read()) {
			if !yield(r.Key, dbError(err)) || err != nil {
				return
			}
		}
	}
}

// Count counts what List would give, without its limit.
func (s *Store) Count(ctx context.Context, f Filter) (int64, error) {
	c, err := s.choose(ctx, s.read(), f)
	if err != nil {
		return 0, dbError(err)
	}
	var args arguments
	var n int64
	err = s.read().QueryRowContext(ctx, "SELECT COUNT(*) FROM keys k WHERE "+c.where(&args, c.State), args...).Scan(&n)
	if err != nil {
		return 0, dbError(err)
	}
	return n, nil
}
