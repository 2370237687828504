package cli

// The calendar of ends as a page, and as a part of the page of a hierarchy.

import (
	_ "embed" // the pages
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"poskey/internal/i18n"
	"poskey/internal/page"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/store"
)

//go:embed keycalendar.html.tmpl
var calendarHTML string

//go:embed keycalendarpage.html.tmpl
var calendarPageHTML string

func (a *App) writeCalendarHTML(path string, id *store.Identity, c *calendarDoc) error {
	return writePage(path, func(w io.Writer) error {
		return calendarHTMLPage(w, a.Say, buildVersion().Version, id, c)
	})
}

// calendarPageSheet is what the template of a calendar that stands alone sees.
type calendarPageSheet struct {
	Tone, Kicker, Heading, Lead string
	Calendar                    calendarSheet
}

func calendarHTMLPage(w io.Writer, say *i18n.Printer, version string, id *store.Identity, c *calendarDoc) error {
	t, err := page.New("key calendar", calendarHTML+calendarPageHTML)
	if err != nil {
		return err
	}
	p := &pagePrinter{say}
	s := calendarPageSheet{Kicker: p.kicker(text.New("Calendar of keys"), id), Heading: p.head(text.New("store %s", id.ID)),
		Calendar: p.calendar(c, true), Lead: p.overText(c)}
	s.Tone = overTone(c)
	return t.Write(w, p.frame(s.Heading, version, c.At), s)
}

// kicker says what kind of page it is, and whether it is about production.
func (p *pagePrinter) kicker(kind text.Text, id *store.Identity) string {
	return p.say(kind) + " · " + p.say(custody.Environment(id.Environment).Text())
}

func overTone(c *calendarDoc) string {
	if c.Over > 0 {
		return "bad"
	}
	return "plain"
}

// overText says in a line what is over and what comes next.
func (p *pagePrinter) overText(c *calendarDoc) string {
	left := len(c.Ends) - c.Over
	switch {
	case c.Over > 0:
		return p.head(text.New("over their end: %d; end before %s: %d", c.Over, c.Until.Format(time.DateOnly), left))
	case left == 0:
		return p.head(text.New("nothing ends before %s", c.Until.Format(time.DateOnly)))
	}
	first := c.Ends[0]
	return p.head(text.New("end before %s: %d; the first is %s on %s", c.Until.Format(time.DateOnly), left, first.name(),
		first.Ends.Format(time.DateOnly)))
}

// calendarSheet is what the template sees of a calendar.
type calendarSheet struct {
	Title   string
	W       calendarWords
	Chart   *calendarChart // nil where nothing ends
	Groups  []calendarGroup
	Nothing string
	More    string
}

type calendarWords struct{ Ends, Name, What, State, Left string }

type calendarGroup struct {
	Name  string
	Count int
	Over  bool
	Rows  []calendarRow
}

type calendarRow struct{ Ends, Name, What, State, Left string }

// calendarChart has a column for what is over, and one for each month.
type calendarChart struct {
	Title, Desc string
	W, H, Axis  int
	Areas       []page.Area
	Texts       []drawnText
	Legend      []lookName
}

// lookName is an entry of a legend.
type lookName struct {
	Area page.Area
	Name string
}

func newLookName(look page.Look, name string) lookName {
	return lookName{page.NewArea(1, 1, 14, 10, look), name}
}

func (p *pagePrinter) calendar(c *calendarDoc, cards bool) calendarSheet {
	name := text.New("key")
	if cards {
		name = text.New("key or officer")
	}
	s := calendarSheet{
		Title: p.say(text.New("What ends in the next %d months", c.Months)),
		W: calendarWords{p.say(text.New("ends")), p.say(name), p.say(text.New("what")), p.say(text.New("state")),
			p.say(text.New("left"))},
		Nothing: p.head(text.New("nothing ends before %s", c.Until.Format(time.DateOnly))),
	}
	for i := range c.Ends {
		e := &c.Ends[i]
		title := e.Month
		if e.Overdue {
			title = p.say(text.New("Over their end"))
		}
		if n := len(s.Groups); n == 0 || s.Groups[n-1].Name != title {
			s.Groups = append(s.Groups, calendarGroup{Name: title, Over: e.Overdue})
		}
		g := &s.Groups[len(s.Groups)-1]
		g.Count++
		g.Rows = append(g.Rows, calendarRow{e.Ends.Format(time.DateOnly), page.Line(e.name()), p.say(e.aboutText()),
			p.unusual(e.State), p.say(e.leftText())})
	}
	if len(c.Ends) > 0 {
		s.Chart = p.calendarChart(c)
	}
	if c.More {
		s.More = p.head(text.New("there are more; --limit 0 shows all"))
	}
	return s
}

// unusual names a state, unless it is the one that a key in use has.
func (p *pagePrinter) unusual(s store.State) string {
	if s == store.Active || s == "" {
		return ""
	}
	return p.say(stateText(s))
}

// Sizes of the chart, in its units.
const (
	chartColumn = 13
	chartBar    = 9
	chartTop    = 16
	chartHigh   = 48
)

// soonMonths are marked: this month and the next.
const soonMonths = 2

func (p *pagePrinter) calendarChart(c *calendarDoc) *calendarChart {
	months := min(c.Months, calendarMonths) // a longer one has its table
	counts := make([]int, months+1)         // what is over comes first
	first := time.Date(c.At.Year(), c.At.Month(), 1, 0, 0, 0, 0, time.UTC)
	for _, e := range c.Ends {
		at := 0
		if !e.Overdue {
			at = 1 + (e.Ends.Year()-first.Year())*12 + int(e.Ends.Month()-first.Month())
		}
		if at <= months {
			counts[at]++
		}
	}
	d := &calendarChart{Title: p.say(text.New("How many end in each month")), H: chartTop + chartHigh + 28, Axis: chartTop + chartHigh}
	most := 1
	for _, n := range counts {
		most = max(most, n)
	}
	var desc []string
	for i, n := range counts {
		x := i * chartColumn
		if i > 0 {
			x += chartColumn // a gap behind what is over
		}
		month := first.AddDate(0, i-1, 0)
		p.chartColumn(d, x, n, most, i, month)
		d.W = x + chartColumn + 4
		if n > 0 {
			desc = append(desc, fmt.Sprintf("%s: %d", p.columnName(i, month), n))
		}
	}
	d.Desc = strings.Join(desc, "; ")
	d.Legend = []lookName{newLookName(page.Striped, p.say(text.New("over their end"))),
		newLookName(page.Half, p.say(text.New("this month and the next"))), newLookName(page.Plain, p.say(text.New("later")))}
	return d
}

func (p *pagePrinter) columnName(i int, month time.Time) string {
	if i == 0 {
		return p.say(text.New("over their end"))
	}
	return month.Format("2006-01")
}

func (p *pagePrinter) chartColumn(d *calendarChart, x, n, most, i int, month time.Time) {
	middle := x + 2 + chartBar/2
	look := page.Plain
	switch {
	case i == 0:
		look = page.Striped
		d.Texts = append(d.Texts, drawnText{middle, d.Axis + 11, "s", "!"})
	case i <= soonMonths:
		look = page.Half
	}
	if i > 0 {
		d.Texts = append(d.Texts, drawnText{middle, d.Axis + 11, "q s", strconv.Itoa(int(month.Month()))})
	}
	if i == 1 || i > 1 && month.Month() == time.January {
		d.Texts = append(d.Texts, drawnText{middle + 5, d.Axis + 23, "q s", strconv.Itoa(month.Year())})
	}
	if n == 0 {
		return
	}
	high := max(3, chartHigh*n/max(most, 4))
	d.Areas = append(d.Areas, page.NewArea(x+2, d.Axis-high, chartBar, high, look))
	d.Texts = append(d.Texts, drawnText{middle, d.Axis - high - 4, "s", strconv.Itoa(n)})
}
