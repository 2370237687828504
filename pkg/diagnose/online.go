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
	if !l.Broke.IsZero() {
		r.Findings = append(r.Findings, l.broken())
		return r.withVerdict(), nil
	}
	if l.Failed == 0 && l.Damaged == 0 && l.Resent == 0 && l.Unacked+l.Unended == 0 {
		r.RuledOut = append(r.RuledOut, Ruling{CauseLinkFault, text.New("the device answered every question on the line: %d", l.Asked)})
		return r.withVerdict(), nil
	}
	worth := Likely
	says := text.New("of %d questions on the line (%s), %d were not answered in time and %d failed in another way; damaged frames: %d, sent again: %d",
		l.Asked, l.Dialect, l.TimedOut, l.Failed-l.TimedOut, l.Damaged, l.Resent)
	if l.Failed+l.Damaged+l.Resent == 0 {
		says = text.New("of %d questions on the line (%s) all were answered, but not as the dialect has it: answers without an acknowledgement: %d, exchanges without an end: %d",
			l.Asked, l.Dialect, l.Unacked, l.Unended)
	}
	if l.Failed < l.Asked && l.Failed+l.Damaged+l.Resent > 0 {
		worth = Proven // it answers, so it is there and powered; what is lost is lost on the way
	}
	f := seen(CauseLinkFault, worth, says,
		Seen{What: text.New("questions without an answer"), Expected: text.Raw("0"), Observed: text.Raw(fmt.Sprint(l.Failed))},
		Seen{What: text.New("damaged frames"), Expected: text.Raw("0"), Observed: text.Raw(fmt.Sprint(l.Damaged))},
		Seen{What: text.New("frames sent again"), Expected: text.Raw("0"), Observed: text.Raw(fmt.Sprint(l.Resent))})
	if l.Unended > 0 {
		f.Evidence.Seen = append(f.Evidence.Seen, Seen{What: text.New("exchanges that the device did not end"),
			Expected: text.Raw("0"), Observed: text.Raw(fmt.Sprint(l.Unended))})
	}
	if l.Unacked > 0 {
		f.Evidence.Seen = append(f.Evidence.Seen, Seen{What: text.New("answers without an acknowledgement before them"),
			Expected: text.Raw("0"), Observed: text.Raw(fmt.Sprint(l.Unacked))})
	}
	f.Weight = weightLink
	r.Findings = append(r.Findings, f)
	return r.withVerdict(), nil
}

// broken is a line that ended before the device had told anything. Nothing was heard, so nothing tells line, address and the
// power of the device from each other.
func (l *Line) broken() Finding {
	worth, says := Likely, text.New(
		"nothing was heard of the device: %s; the line or the network loses it, it stands at another address, or it has no power", l.Broke)
	if l.Closed {
		worth, says = Possible, text.New(
			"nothing was heard of the device: %s; the line is cut on the way, or it is the other end that does not want us", l.Broke)
	}
	f := seen(CauseLinkFault, worth, says, Seen{What: text.New("questions without an answer"), Expected: text.Raw("0"),
		Observed: text.Raw(fmt.Sprint(l.Failed))})
	f.Weight = weightLink
	return f
}
