package cli

// What ends when: keys by the end of their cryptoperiods, and the cards of officers.

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strconv"
	"time"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

// What ends.
const (
	endsKey  = "key"
	endsCard = "officer"
)

// endDoc is something that ends, in JSON. Days are UTC.
type endDoc struct {
	Month     string         `json:"month"` // 2026-11
	Ends      time.Time      `json:"ends"`
	DaysLeft  int            `json:"days_left"` // less than 0: so many days ago
	Overdue   bool           `json:"overdue"`
	Kind      string         `json:"kind"`            // key, officer
	Label     string         `json:"label,omitempty"` // of a key
	Version   int            `json:"version,omitempty"`
	Usage     keys.Usage     `json:"usage,omitempty"`
	Algorithm keys.Algorithm `json:"algorithm,omitempty"`
	KCV       string         `json:"kcv,omitempty"`
	Method    kcv.Method     `json:"method,omitempty"`
	State     store.State    `json:"state,omitempty"`
	Officer   string         `json:"officer,omitempty"` // the id on a card
}

// calendarDoc is a calendar of ends, the soonest first; what is over stands on top.
type calendarDoc struct {
	At     time.Time `json:"at"`
	Months int       `json:"months"`
	Until  time.Time `json:"until"` // the first moment after the last month
	Over   int       `json:"overdue"`
	Ends   []endDoc  `json:"ends"`
	More   bool      `json:"more"` // keys than the limit
}

// newCalendar is an empty one, from the month of now on.
func newCalendar(now time.Time, months int) calendarDoc {
	now = now.UTC()
	return calendarDoc{At: now, Months: months, Ends: []endDoc{},
		Until: time.Date(now.Year(), now.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)}
}

// add takes what ends within the calendar, or has ended.
func (c *calendarDoc) add(ends time.Time, e endDoc) {
	if ends.IsZero() || !ends.Before(c.Until) {
		return
	}
	e.Ends = ends.UTC()
	e.Month = e.Ends.Format("2006-01")
	e.DaysLeft, e.Overdue = daysBetween(c.At, e.Ends), !c.At.Before(e.Ends)
	if e.Overdue {
		c.Over++
	}
	c.Ends = append(c.Ends, e)
}

// addKey takes a key whose cryptoperiod still matters.
func (c *calendarDoc) addKey(k *store.Key) {
	if !k.State.InUse() {
		return
	}
	c.add(k.NotAfter, endDoc{Kind: endsKey, Label: k.Label, Version: k.Version, Usage: k.Usage, Algorithm: k.Algorithm,
		KCV: k.Check.Digits, Method: k.Check.Method, State: k.State})
}

func (c *calendarDoc) sort() {
	slices.SortStableFunc(c.Ends, func(a, b endDoc) int {
		return cmp.Or(a.Ends.Compare(b.Ends), cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.name(), b.name()))
	})
}

// name is the key or the officer.
func (e *endDoc) name() string {
	if e.Kind == endsCard {
		return e.Officer
	}
	return store.Ref{Label: e.Label, Version: e.Version}.String()
}

// daysBetween counts calendar days, not pieces of 24 hours: tomorrow morning is 1 day away.
func daysBetween(from, to time.Time) int {
	midnight := func(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
	return int(midnight(to).Sub(midnight(from)) / (24 * time.Hour))
}

// readCalendar asks the store. Cards of officers who left end with them.
func (a *App) readCalendar(ctx context.Context, db *store.Store, months, limit int) (calendarDoc, error) {
	c := newCalendar(a.Env.Now(), months)
	filter := store.Filter{ExpiringBefore: c.Until}
	if limit > 0 {
		filter.Limit = limit + 1 // one more tells that there are more
	}
	if err := c.addKeys(upTo(db.List(ctx, filter), limit, &c.More)); err != nil {
		return c, err
	}
	officers, err := a.storeOfficers(ctx)
	if err != nil {
		return c, err
	}
	for _, o := range officers {
		if o.revoked.IsZero() {
			c.add(o.card.Expires(), endDoc{Kind: endsCard, Officer: o.card.ID()})
		}
	}
	c.sort()
	return c, nil
}

func (c *calendarDoc) addKeys(all iter.Seq2[store.Key, error]) error {
	for k, err := range all {
		if err != nil {
			return err
		}
		c.addKey(&k)
	}
	return nil
}

// leftText says how far an end is away.
func (e *endDoc) leftText() text.Text {
	switch {
	case e.Overdue && e.DaysLeft == 0:
		return text.New("ended today")
	case e.Overdue && e.DaysLeft == -1:
		return text.New("yesterday")
	case e.Overdue:
		return text.New("%d days ago", -e.DaysLeft)
	case e.DaysLeft == 0:
		return text.New("today")
	case e.DaysLeft == 1:
		return text.New("tomorrow")
	}
	return text.New("in %d days", e.DaysLeft)
}

// aboutText says what it is.
func (e *endDoc) aboutText() text.Text {
	if e.Kind == endsCard {
		return text.New("officer's card")
	}
	return text.New("%s key, %s", string(e.Usage), string(e.Algorithm))
}

func calendarPage(p *render.Page, c *calendarDoc) {
	if len(c.Ends) == 0 {
		p.Line(text.New("nothing ends before %s", c.Until.Format(time.DateOnly)))
		return
	}
	if c.Over > 0 {
		p.Bad(text.New("over their end: %s", strconv.Itoa(c.Over)))
	}
	var rows [][]string
	month := ""
	for i := range c.Ends {
		e := &c.Ends[i]
		shown := ""
		if e.Month != month {
			month, shown = e.Month, e.Month
		}
		rows = append(rows, []string{shown, e.Ends.Format(time.DateOnly), e.name(), p.T(e.aboutText()), p.T(stateText(e.State)), p.T(e.leftText())})
	}
	p.Grid([]text.Text{text.New("month"), text.New("ends"), text.New("key or officer"), text.New("what"), text.New("state"), text.New("left")}, rows)
	if c.More {
		p.Line(text.New("there are more; --limit 0 shows all"))
	}
}
