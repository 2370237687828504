package cli

// What the store knows of a device, and what a device refuses to tell, as facts of a diagnosis.

import (
	"context"
	"errors"
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/store"
)

// refusedCase is the case of a device that answers with a refusal. That is a fact about the device; an error of the line,
// or of our own papers, is none.
func refusedCase(err error) (diagnose.Case, bool) {
	var no *device.RefusedError
	if errors.As(err, &no) {
		return oneRefusal(no.Dialect, no.CodeInfo), true
	}
	var code *device.CodeError
	if errors.As(err, &code) {
		return oneRefusal(code.Dialect, code.CodeInfo), true
	}
	return diagnose.Case{}, false
}

func oneRefusal(dialect string, info device.CodeInfo) diagnose.Case {
	return diagnose.Case{Refusals: []diagnose.Refusal{{Dialect: dialect, CodeInfo: info}}}
}

// brokenLine is the case of a device whose line failed before it told anything. Where nobody takes the call, where the other end
// is not the one that our papers vouch for, or speaks of something else, no line failed: that stays an error.
func brokenLine(err error) (diagnose.Case, bool) {
	var failed *device.LineError
	if !errors.As(err, &failed) {
		return diagnose.Case{}, false
	}
	line := &diagnose.Line{Dialect: device.Agent, Asked: 1, Failed: 1, Broke: text.New("%s", failed.Err), Closed: failed.Rejected}
	if fault.Is(err, fault.DeviceTimeout) {
		line.TimedOut = 1
	}
	return diagnose.Case{Line: line}, true
}

// lineWatcher counts what goes wrong on the line and is put right by sending again: nobody else hears of it.
type lineWatcher struct {
	line  *diagnose.Line
	acks  bool   // the dialect acknowledges frames
	sent  string // the last frame that went out
	waits bool   // it was neither acknowledged nor answered yet
	last  string // the last frame that came, where nothing but controls went out since
	open  bool   // an answer was acknowledged, and the terminal has not ended the exchange yet
}

// watch shows the line where that was asked for, and counts.
func (a *App) watch(uri string, line *diagnose.Line) device.Trace {
	show, w := a.trace(), &lineWatcher{line: line, acks: strings.HasPrefix(uri, device.Visa+"+")}
	return func(direction device.Direction, frame string) {
		if show != nil {
			show(direction, frame)
		}
		if strings.Contains(frame, "<NAK>") {
			line.Damaged++
		}
		if direction == device.Sent {
			w.goes(frame)
			return
		}
		w.comes(frame)
	}
}

// isControl reports a line of the trace that is one control character.
func isControl(frame string) bool {
	return strings.HasPrefix(frame, "<") && strings.IndexByte(frame, '>') == len(frame)-1
}

func (w *lineWatcher) goes(frame string) {
	if isControl(frame) {
		w.open = frame == "<ACK>" && strings.HasPrefix(w.last, "<SI>") // others are not ended
		return
	}
	if frame == w.sent {
		w.line.Resent++
	}
	if w.open {
		w.line.Unended++
	}
	w.sent, w.waits, w.last, w.open = frame, true, "", false
}

// comes sees a frame that comes twice: it was acknowledged, and the acknowledgement was lost; or one that was never
// acknowledged and is answered all the same.
func (w *lineWatcher) comes(frame string) {
	switch {
	case !w.acks:
	case frame == "<ACK>":
		w.waits = false
	case frame == "<EOT>":
		w.open = false
	case isControl(frame):
	case frame == w.last:
		w.line.Resent++
	default:
		if w.waits {
			w.line.Unacked++
		}
		w.waits, w.last = false, frame
	}
}

// untoldSlots lists the slots that cannot be asked about.
func untoldSlots(caps device.Capabilities) []device.Slot {
	if !caps.Mute {
		return slices.Clone(caps.MuteSlots)
	}
	all := caps
	all.MuteSlots = nil
	return askable(all)
}

// fromJournal adds how the last load of each slot ended. One that is not confirmed, and whose slot holds a key that nobody
// expects there, is searched as a check value that differs.
func (a *App) fromJournal(ctx context.Context, db *store.Store, c *diagnose.Case, serial string, p *probers) error {
	newest := map[string]store.Load{}
	var slots []string
	for l, err := range db.Loads(ctx, store.LoadFilter{Serial: serial}) {
		if err != nil {
			return err
		}
		before, ok := newest[l.Slot]
		if !ok {
			slots = append(slots, l.Slot)
		}
		if !ok || !l.Changed.Before(before.Changed) {
			newest[l.Slot] = l
		}
	}
	for _, slot := range slots {
		l := newest[slot]
		if l.State == store.LoadReserved {
			continue
		}
		load := loadFact(&l)
		c.Loads = append(c.Loads, load)
		if err := a.otherThanSent(ctx, db, c, load, &l, p); err != nil {
			return err
		}
	}
	return nil
}

// loadFact is a load of the journal as a fact.
func loadFact(l *store.Load) diagnose.DeviceLoad {
	out := diagnose.DeviceLoad{Slot: device.Slot(l.Slot), Check: l.Check, At: l.Changed, Outcome: diagnose.LoadOutcome(l.State),
		Said: l.Reason, Label: l.Key.String(), Dialect: l.Refusal.Dialect, Answer: l.Refusal.Answer}
	if l.Key.IsZero() {
		out.Label = l.KeySet
	}
	return out
}

// otherThanSent has the value of a slot searched in which the device stored something else than was sent.
func (a *App) otherThanSent(ctx context.Context, db *store.Store, c *diagnose.Case, load diagnose.DeviceLoad, l *store.Load,
	p *probers) error {
	if load.Outcome == diagnose.LoadConfirmed || l.KSN != "" || l.Key.IsZero() || c.Device == nil {
		return nil
	}
	got, there := c.Device.CheckOf(load.Slot)
	wanted := func(w diagnose.Wanted) bool { return w.Slot == load.Slot && w.Check == got }
	if !there || got.Digits == "" || slices.ContainsFunc(c.Wanted, wanted) {
		return nil
	}
	w := diagnose.Wanted{Slot: load.Slot, Check: load.Check}
	if err := wantedKey(ctx, db, &w, l.Key); err != nil {
		return err
	}
	return a.differing(ctx, c, w, l.Key, p)
}

// factsLoad is a load of the device in a document of facts.
type factsLoad struct {
	Slot    string `json:"slot"`
	Label   string `json:"label"`
	Check   string `json:"kcv"`
	Method  string `json:"method"`
	Outcome string `json:"outcome"`
	Said    string `json:"said"`
}

// factsName is a name or a sentence out of a document of facts as it may stand on a terminal: no characters that steer one
// or turn others round, and no key.
func factsName(s string) string { return text.OneLine(keyless(s), mostQuoted) }

// factsMethod is the method of a check value in a document of facts.
func factsMethod(s string) (kcv.Method, error) {
	if s == "" {
		return kcv.ECBZero, nil
	}
	return kcv.ParseMethod(s)
}

// factsKSN is a key serial number in a document of facts; "" where there is none.
func factsKSN(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	ksn, err := dukpt.ParseKSN(s)
	if err != nil {
		return "", err
	}
	return ksn.String(), nil
}

// fact checks the load.
func (l factsLoad) fact() (diagnose.DeviceLoad, error) {
	out := diagnose.DeviceLoad{Slot: device.Slot(factsName(l.Slot)), Label: factsName(l.Label),
		Outcome: diagnose.LoadOutcome(l.Outcome), Said: factsName(l.Said)}
	known := []diagnose.LoadOutcome{diagnose.LoadConfirmed, diagnose.LoadFailed, diagnose.LoadUnknown, diagnose.LoadSent}
	if !slices.Contains(known, out.Outcome) {
		return diagnose.DeviceLoad{}, fault.New(fault.Malformed, "the outcome of a load is confirmed, failed, unknown or sent, not %q",
			text.Redact(l.Outcome))
	}
	check, err := givenKCV(l.Check)
	if err != nil {
		return diagnose.DeviceLoad{}, err
	}
	method, err := factsMethod(l.Method)
	if err != nil {
		return diagnose.DeviceLoad{}, err
	}
	out.Check = kcv.Value{Method: method, Digits: check.Digits}
	return out, nil
}
