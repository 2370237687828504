package diagnose

// A whole case: everything that is known of one trouble, looked at by every family of causes, and put into one order.

import (
	"context"
	"sort"
	"time"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Case is what is known of one trouble. What is zero is not known.
type Case struct {
	Now    time.Time      // by the clock of who asks
	Checks []Check        // check values that do not match
	SignIn *SignIn        // a sign-in answer with working keys
	Block  *Block         // a key block that does not open, or that a device refuses
	Device *device.Status // what a device tells of itself
	Line   *Line          // how the line to the device did
	Wanted []Wanted       // what the inventory says should be in the device
	Said   []Said         // codes and texts that a screen, a program or a person said
	Log    []Event        // key events of logs, the oldest first

	Takes    *DeviceTakes // what the device takes
	POI      string       // PCI POI version of the device, as the inventory has it
	Loads    []DeviceLoad // how loads of the device ended, as the journal of the store has it
	Refusals []Refusal    // what the device refused to answer
}

// Check is a comparison with the place it was made at.
type Check struct {
	Facts
	Slot  device.Slot // "" where it is of no slot
	Label string      // of the key in a store; "" where it has none
}

// Wanted is a key that should be in a device.
type Wanted struct {
	Slot      device.Slot
	Label     string // of the key in the store
	Check     kcv.Value
	Algorithm keys.Algorithm
	State     string // of the key, as the store has it
	Expires   time.Time
	KSN       string
	LoadedAt  time.Time
	Devices   []string // other devices that hold a key with this check value
	// Parent is the label of the key in the store that protects this one, e.g. TMK-1#2 of a PIK; "" where the store tells
	// of none. Where another Wanted has that label, this key stands under it in the device too.
	Parent string
	Usage  keys.Usage // "" where it is not known
}

// Line is how the line to a device did while it was asked.
type Line struct {
	Dialect  string
	Asked    int
	Failed   int
	TimedOut int
	Damaged  int // frames that came damaged, on either side, and were asked for again
	Resent   int // frames that were sent again
	Unacked  int // frames that were answered without being acknowledged
	Unended  int // exchanges that the device did not end, though its answer was acknowledged
	Refused  []Said
	Empty    int           // slots that were answered to be empty
	Untold   []device.Slot // these were not answered, or cannot be asked about: they are not known to be empty
	// Broke says what ended the line before anything was told over it; zero where it did not end. Closed: by the other end,
	// while both introduced themselves.
	Broke  text.Text
	Closed bool
}

// Said is a code or a text, and who showed it.
type Said struct {
	Text   string // as it was said
	Vendor string // id of pkg/errorcode; "" unknown
	Table  string
	Where  string // file and line, a slot, a screen
}

// Diagnose looks at a case by every family of causes. Same facts, same answer.
//
// It fails when facts cannot be compared at all, when a boundary fails, or when ctx is done; a case without an
// explanation is no error but a report.
func Diagnose(ctx context.Context, c Case) (Report, error) {
	if c.empty() {
		return Report{}, fault.New(fault.Usage, "there is nothing to diagnose: give values, a message, a device's status, a text or a log")
	}
	var all Report
	for _, look := range families() {
		found, err := look(ctx, &c)
		if err != nil {
			return Report{}, err
		}
		all.add(found)
	}
	all.combined()
	return all.settle(), nil
}

// family is a group of causes that look at the same kind of facts. One that has nothing to look at answers nothing.
type family func(ctx context.Context, c *Case) (Report, error)

func families() []family {
	return []family{fromChecks, fromSignIn, fromBlock, fromDevice, fromRefusals, fromLine, fromSaid, fromLog}
}

func (c *Case) empty() bool {
	return len(c.Checks) == 0 && c.SignIn == nil && c.Block == nil && c.Device == nil && c.Line == nil &&
		len(c.Said) == 0 && len(c.Log) == 0 && len(c.Refusals) == 0 && len(c.Loads) == 0
}

// fromChecks searches every comparison by itself.
func fromChecks(ctx context.Context, c *Case) (Report, error) {
	var all Report
	for _, check := range c.Checks {
		r, err := KCV(ctx, c.serialOf(check))
		if err != nil {
			return Report{}, fault.Wrap(err, "%s", check.place())
		}
		for i := range r.Findings {
			r.Findings[i].Evidence.Slot = check.Slot
			r.Findings[i].Evidence.Label = check.Label
			if check.Slot != "" && r.Findings[i].Certainty == Proven {
				r.Findings[i].Weight = weightComputed // among what the device says itself
			}
		}
		all.add(r)
	}
	return all, nil
}

func (c Check) place() text.Text {
	switch {
	case c.Slot != "":
		return text.New("slot %s", string(c.Slot))
	case c.Label != "":
		return text.New("key %s", c.Label)
	}
	return text.New("the check value")
}

// add takes the findings of a family. A report without findings that says "match" does not outweigh what others found.
func (r *Report) add(found Report) {
	r.Findings = append(r.Findings, found.Findings...)
	r.RuledOut = append(r.RuledOut, found.RuledOut...)
	r.Notes = append(r.Notes, found.Notes...)
	r.Readings = append(r.Readings, found.Readings...)
	r.Keys = append(r.Keys, found.Keys...)
	r.Variants = append(r.Variants, found.Variants...)
	r.agreed = append(r.agreed, found.agreed...)
	r.Searched.Candidates += found.Searched.Candidates
	r.Searched.ExpectedChanceMatches += found.Searched.ExpectedChanceMatches
	r.Searched.Matches += found.Searched.Matches
	r.Searched.WrongDigits = max(r.Searched.WrongDigits, found.Searched.WrongDigits)
	r.matched = r.matched || found.matched || found.Verdict == Match
	r.failed = r.failed || found.failed || found.Verdict == Unexplained
	if r.NextStep.IsZero() {
		r.NextStep = found.NextStep
	}
	if r.Besides.IsZero() {
		r.Besides = found.Besides
	}
}

// settle puts findings of the same cause together and in order, and gives the verdict.
func (r Report) settle() Report {
	r.Findings = merged(r.Findings)
	sort.SliceStable(r.Findings, func(i, j int) bool { return before(&r.Findings[i], &r.Findings[j]) })
	if len(r.Findings) > maxFindings {
		r.Findings = r.Findings[:maxFindings]
	}
	r.RuledOut = r.stillRuledOut()
	switch {
	case len(r.Findings) > 0 && !(r.matched && r.adviceOnly()):
		r.Verdict, r.NextStep = Explained, text.Text{}
	case r.matched && !r.failed:
		r.Verdict, r.NextStep = Match, text.Text{}
	default:
		r.Verdict = Unexplained
	}
	return r
}

// adviceOnly reports whether nothing found rests on a value that differs or on something seen.
func (r *Report) adviceOnly() bool {
	for _, f := range r.Findings {
		if f.Certainty != Possible {
			return false
		}
	}
	return true
}

// before is the order of findings: the certain first, among those what was seen or what fewest hypotheses can imitate,
// then what is likely beforehand.
func before(a, b *Finding) bool {
	if x, y := a.Certainty.rank(), b.Certainty.rank(); x != y {
		return x < y
	}
	if a.Weight != b.Weight {
		return a.Weight > b.Weight
	}
	return a.Cause.rank() < b.Cause.rank()
}

// merged joins what several facts say about one cause: the strongest finding speaks, the others are its evidence.
func merged(all []Finding) []Finding {
	var out []Finding
	for _, f := range all {
		i := sameFinding(out, &f)
		if i < 0 {
			out = append(out, f)
			continue
		}
		if before(&f, &out[i]) {
			f.Evidence.Seen = append(f.Evidence.Seen, out[i].Evidence.Seen...)
			out[i] = f
			continue
		}
		out[i].Evidence.Seen = append(out[i].Evidence.Seen, f.Evidence.Seen...)
	}
	return out
}

// sameFinding looks for a finding that says the same: of one cause and one place, where neither names digits.
func sameFinding(all []Finding, f *Finding) int {
	for i := range all {
		o := &all[i]
		if o.Cause == f.Cause && o.Also == f.Also && o.Evidence.Slot == f.Evidence.Slot &&
			len(o.Evidence.Edits)+len(f.Evidence.Edits) == 0 && o.Evidence.Computed == f.Evidence.Computed {
			return i
		}
	}
	return -1
}

// stillRuledOut drops what another fact speaks for all the same.
func (r *Report) stillRuledOut() []Ruling {
	var out []Ruling
	for _, x := range r.RuledOut {
		found := false
		for _, f := range r.Findings {
			found = found || f.Cause == x.Cause || f.Also == x.Cause
		}
		if !found {
			out = append(out, x)
		}
	}
	return out
}

// seen makes a finding of what was seen and not computed: nothing is compared, so there are no odds.
func seen(c Cause, worth Certainty, says text.Text, what ...Seen) Finding {
	a := c.advice()
	return Finding{Cause: c, Certainty: worth, Odds: oddsOfSight(worth), Summary: says, Evidence: Evidence{Seen: what},
		NextTest: a.nextTest, Fix: a.fix, Prevention: a.prevention, Impact: a.impact}
}

// oddsOfSight: what was seen itself is no accident; what is inferred from it is not compared with anything.
func oddsOfSight(worth Certainty) float64 {
	if worth == Proven {
		return 0
	}
	return 1
}
