package diagnose

// A whole case: everything that is known of one trouble, looked at by every family of causes, and put into one order.

import (
	"context"
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

	Ears *Ears // that texts and logs are heard with; nil: new ones
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
	c.Said = distinct(c.Said)
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

// distinct drops what was said before: a thing said twice is said once.
func distinct(all []Said) []Said {
	met := map[Said]bool{}
	var out []Said
	for _, s := range all {
		if !met[s] {
			met[s], out = true, append(out, s)
		}
	}
	return out
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

// seen makes a finding of what was seen and not computed: nothing is compared, so there are no odds.
func seen(c Cause, worth Certainty, says text.Text, what ...Seen) Finding {
	return Finding{Cause: c, Certainty: worth, Odds: oddsOfSight(worth), Summary: says,
		Evidence: Evidence{Seen: what}}.with(c.advice())
}

// oddsOfSight: what was seen itself is no accident; what is inferred from it is not compared with anything.
func oddsOfSight(worth Certainty) float64 {
	if worth == Proven {
		return 0
	}
	return 1
}
