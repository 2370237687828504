package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/source"
	"poskey/internal/text"
)

type keyCalendarOpts struct {
	months, limit int
	html          string
}

// A calendar's months: what is further away than ten years is no calendar.
const (
	calendarMonths = 24
	mostMonths     = 120
)

func newKeyCalendarCmd(a *App) *cobra.Command {
	o := keyCalendarOpts{}
	cmd := a.command(cmdSpec{
		use:   "calendar",
		short: text.New("list what ends when: cryptoperiods of keys and cards of officers, month by month"),
		long: text.New("Keys in use whose cryptoperiod is over stand on top. This month counts as the first one; days are those of UTC. Works on a sealed\n" +
			"store: the inventory holds check values, and no key."),
		example: "  poskey key calendar\n  poskey key calendar --months 6 --html calendar.html\n  poskey key calendar -o json",
		exits:   []int{3, 4, 6, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.IntVar(&o.months, "months", calendarMonths, a.Say.T("so many months, this one among them"))
	a.limitFlag(f, &o.limit, manyKeys)
	a.htmlFlag(f, &o.html)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runKeyCalendar(cmd.Context(), a, o) }
	return cmd
}

func runKeyCalendar(ctx context.Context, a *App, o keyCalendarOpts) error {
	if o.months < 1 || o.months > mostMonths {
		return fault.New(fault.Usage, "--months %d: it is 1 to %d", o.months, mostMonths)
	}
	if err := checkLimit(o.limit); err != nil {
		return err
	}
	if o.html != "" {
		if err := source.CheckNew(o.html); err != nil {
			return err
		}
	}
	db, id, err := a.openIdentified(ctx)
	if err != nil {
		return err
	}
	c, err := a.readCalendar(ctx, db, o.months, o.limit)
	if err != nil {
		return err
	}
	if o.html != "" {
		if err := a.writeCalendarHTML(o.html, &id, &c); err != nil {
			return err
		}
	}
	return a.render.Answer("key.calendar", c, func(p *render.Page) { calendarPage(p, &c) })
}
