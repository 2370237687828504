package diagnose

// The line to a device: what failed while it was asked.

import (
	"context"
	"fmt"

	"poskey/internal/text"
)

func fromLine(_ context.Context, c *Case) (Report, error) {
	l := c.Line
	if l == nil || l.Asked == 0 {
		return Report{}, nil
	}
	var r Report
	if l.Failed == 0 && l.Damaged == 0 && l.Resent == 0 {
		r.RuledOut = append(r.RuledOut, Ruling{CauseLinkFault, text.New("the device answered every question on the line: %d", l.Asked)})
		return r.withVerdict(), nil
	}
	worth := Likely
	says := text.New("of %d questions on the line (%s), %d were not answered in time and %d failed in another way; damaged frames: %d, sent again: %d",
		l.Asked, l.Dialect, l.TimedOut, l.Failed-l.TimedOut, l.Damaged, l.Resent)
	if l.Failed < l.Asked {
		worth = Proven // it answers, so it is there and powered; what is lost is lost on the way
	}
	f := seen(CauseLinkFault, worth, says,
		Seen{What: text.New("questions without an answer"), Expected: text.Raw("0"), Observed: text.Raw(fmt.Sprint(l.Failed))},
		Seen{What: text.New("damaged frames"), Expected: text.Raw("0"), Observed: text.Raw(fmt.Sprint(l.Damaged))},
		Seen{What: text.New("frames sent again"), Expected: text.Raw("0"), Observed: text.Raw(fmt.Sprint(l.Resent))})
	f.Weight = weightLink
	r.Findings = append(r.Findings, f)
	return r.withVerdict(), nil
}
