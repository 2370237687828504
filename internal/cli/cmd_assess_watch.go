package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/assess"
)

type assessWatchOpts struct {
	lookOpts
	level                               string
	keyEnd, cardEnd, backupAge, logSign string
	failedLogins, numbers               int
}

func newAssessWatchCmd(a *App) *cobra.Command {
	o := assessWatchOpts{}
	cmd := a.command(cmdSpec{
		use:   "watch",
		short: text.New("early warnings: what will go wrong with keys, terminals and people, or may have"),
		long: text.New("Looked at once, for monitoring: keys and officers' cards near their end, backup batteries, firmware that is behind, locks, failed\n" +
			"log-ins, keys that went out in clear, single custodians, overdue steps of incidents, the age of the last backup and of the last\n" +
			"signature on the log. The exit status is 5 when a warning of the level is there, or of one above it, and 0 when there is none; with\n" +
			"-q nothing is written then. A named terminal that does not answer is an urgent warning, and an error (8) where nothing else was\n" +
			"asked."),
		example: "  poskey assess watch\n" +
			"  poskey assess watch --store sqlite:store.db --device 'agent+https://127.0.0.1:9443?ca=ca.pem&cert=host.pem&key=host.key' -o json\n" +
			"  poskey assess watch -q --level urgent --key-end 30d",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.lookFlags(f, &o.lookOpts)
	a.loginFlags(f, &o.managedOpts)
	f.StringVar(&o.level, "level", string(assess.Soon), a.Say.T("exit with 5 from this level on: urgent, soon or note"))
	f.StringVar(&o.keyEnd, "key-end", "60d", a.Say.T("warn of keys that end within this time, written as 60d or 36h"))
	f.StringVar(&o.cardEnd, "card-end", "30d", a.Say.T("warn of officers' cards that end within this time"))
	f.StringVar(&o.backupAge, "backup-age", "30d", a.Say.T("warn when the last backup is older"))
	f.StringVar(&o.logSign, "checkpoint-age", "30d", a.Say.T("warn when the last signature of officers on the log is older"))
	f.IntVar(&o.failedLogins, "failed-logins", 3, a.Say.T("warn of so many failed log-ins"))
	f.IntVar(&o.numbers, "numbers", 10, a.Say.T("warn when a key set has less than so many per cent of its numbers left"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runAssessWatch(cmd.Context(), a, o) }
	return cmd
}

type assessWatchDoc struct {
	At       string                   `json:"at"`
	Of       assess.DocumentSubject   `json:"of"`
	Level    assess.Severity          `json:"level"`
	Counts   map[assess.Severity]int  `json:"counts"`
	Warnings []assess.DocumentWarning `json:"warnings"`
}

func runAssessWatch(ctx context.Context, a *App, o assessWatchOpts) error {
	limits, err := o.limits()
	if err != nil {
		return err
	}
	seen, err := a.look(ctx, o.lookOpts, false)
	if err != nil {
		return err
	}
	if seen.nothing() {
		return fault.New(fault.NotFound, "there is no store to watch, and no terminal was named; see --store and --device")
	}
	all := seen.warnings(limits)
	doc := assessWatchDoc{At: at(seen.evidence.Now), Of: assess.DocumentSubject(seen.subject()), Level: assess.Severity(o.level),
		Counts: map[assess.Severity]int{assess.Urgent: 0, assess.Soon: 0, assess.Note: 0}, Warnings: assess.Warnings(all)}
	for _, w := range all {
		doc.Counts[w.Severity]++
	}
	press := doc.pressing()
	if press == 0 && a.flags.quiet && a.render.Format != render.JSON { // for jobs that mail what is written
		return nil
	}
	if err := a.render.Answer("assess.watch", doc, func(p *render.Page) { watchPage(p, all) }); err != nil {
		return err
	}
	if press > 0 {
		return fault.New(fault.ControlsUnmet, "warnings of the level %s or above: %d", string(doc.Level), press)
	}
	return nil
}

// limits reads the flags.
func (o *assessWatchOpts) limits() (assess.WatchOptions, error) {
	if levelRank(assess.Severity(o.level)) == 0 {
		return assess.WatchOptions{}, fault.New(fault.Usage, "--level %q: known: urgent soon note", text.Redact(o.level))
	}
	w := assess.DefaultWatch()
	for _, span := range []struct {
		flag, given string
		into        *time.Duration
	}{
		{"key-end", o.keyEnd, &w.KeyEnd}, {"card-end", o.cardEnd, &w.CardEnd},
		{"backup-age", o.backupAge, &w.BackupAge}, {"checkpoint-age", o.logSign, &w.CheckAge},
	} {
		d, err := parseSpan(span.given)
		if err == nil && d == 0 { // the zero of the limits is their default
			err = fault.New(fault.Usage, "it is longer than nothing")
		}
		if err != nil {
			return assess.WatchOptions{}, fault.Wrap(err, "--%s", span.flag)
		}
		*span.into = d
	}
	if o.failedLogins < 1 {
		return assess.WatchOptions{}, fault.New(fault.Usage, "--failed-logins %d: it is 1 or more", o.failedLogins)
	}
	if o.numbers < 1 || o.numbers > 100 {
		return assess.WatchOptions{}, fault.New(fault.Usage, "--numbers %d: it is 1 to 100 per cent", o.numbers)
	}
	w.FailedLogins, w.Numbers = o.failedLogins, o.numbers
	return w, nil
}

// levelRank orders the levels; 0 is none.
func levelRank(s assess.Severity) int {
	switch s {
	case assess.Urgent:
		return 3
	case assess.Soon:
		return 2
	case assess.Note:
		return 1
	}
	return 0
}

// pressing counts the warnings that the exit status is for.
func (d *assessWatchDoc) pressing() int {
	n := 0
	for severity, count := range d.Counts {
		if levelRank(severity) >= levelRank(d.Level) {
			n += count
		}
	}
	return n
}

func watchPage(p *render.Page, all []assess.Warning) {
	if len(all) == 0 {
		p.Good(text.New("No warnings."))
		return
	}
	warningsPage(p, all)
}
