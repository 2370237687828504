package ceremony

// After a break: what is done stays done, what lay in memory or open on a table is void, and is done again.

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

// lost is a part that is void by a break.
type lost struct {
	key  string
	part int
	why  string
}

// resume goes on with the same record: the break is its first deviation, and everybody logs in again.
func (l *lead) resume(ctx context.Context) error {
	l.replay(l.Before)
	owed, err := l.unheld(ctx, l.Before.Records) // of the keys as they were
	if err != nil {
		return err
	}
	again, void := l.broken()
	e := transcript.Entry{Kind: transcript.KindResumed, Details: map[string]string{"torn": itoa(l.Before.Torn)}}
	if len(again) > 0 {
		e.Details[detailAgain] = joined(again)
	}
	if err := l.tell(ctx, e, alarm(text.New("the ceremony was broken off; it goes on with the same record"))); err != nil {
		return err
	}
	for _, n := range again {
		delete(l.done, n)
		delete(l.acted, n)
	}
	if err := l.payLedger(ctx, owed); err != nil {
		return err
	}
	for _, v := range void {
		(&Progress{l.Program.Steps, l.done, l.acted}).voided(v.key, v.part)
		e := transcript.Entry{Kind: transcript.KindVoid, Key: v.key, Part: v.part, Details: map[string]string{"why": v.why}}
		if err := l.tell(ctx, e, alarm(text.New("part %d of %s is void by the break", v.part, v.key))); err != nil {
			return err
		}
	}
	if err := l.tellFindings(ctx); err != nil {
		return err
	}
	if len(again) > 0 {
		if err := l.Desk.Say(ctx, toDo(text.New("steps that are done again: %s", joined(again)))); err != nil {
			return err
		}
	}
	if err := l.deviate(ctx, text.New("the ceremony goes on without a break")); err != nil {
		return err
	}
	if err := l.proveKept(ctx, &turn{}); err != nil {
		return err
	}
	if !l.attended() {
		return nil
	}
	if err := l.seatAll(ctx, &turn{}); err != nil {
		return err
	}
	for _, role := range []script.Role{script.Leader, script.Witness} {
		if err := l.confirmScript(ctx, role); err != nil {
			return err
		}
	}
	return nil
}

func joined(steps []int) string {
	words := make([]string, len(steps))
	for i, n := range steps {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ", ")
}

func (l *lead) attended() bool {
	for _, s := range l.Program.Steps {
		if s.Step.Do == script.Attend {
			return l.done[s.Number]
		}
	}
	return false
}

// replay reads what happened before.
func (l *lead) replay(d *transcript.Document) {
	for _, c := range d.Cards {
		l.cards[c.ID()], l.welcomed[c.ID()] = c, true
		l.present = append(l.present, c.ID()) // they sign the end, also when they are not asked for anything until then
	}
	at := newProgress(l.Program)
	for _, r := range d.Records {
		at.follow(r)
		switch r.Kind {
		case transcript.KindDeviation:
			l.out.Deviations++
		case transcript.KindAttended:
			l.replaySeat(r)
		}
		if k := l.keys[r.Key]; k != nil {
			k.replay(r)
			l.replayBag(k, r)
		}
	}
	l.done, l.acted = at.done, at.acted
	l.out.Steps = at.Count()
}

func (l *lead) replaySeat(r transcript.Record) {
	for _, p := range places(l.Program) {
		if p.role == r.Details["role"] && p.key == r.Key && p.part == r.Part {
			l.seated[p.seat] = r.Who
		}
	}
}

// replay takes over what a line says of a key.
func (k *keyState) replay(r transcript.Record) {
	switch r.Kind {
	case transcript.KindMade:
		k.made, k.verdict, k.gone = Made{Check: r.Check, Label: r.Details["label"]}, "", false
	case transcript.KindKept:
		k.kept = r.Details["label"]
	case transcript.KindPrinted:
		k.set, k.printed[r.Part], k.by[r.Part], k.checks[r.Part] = r.Details["set"], true, r.Who, r.Check
	case transcript.KindEntered:
		k.by[r.Part], k.checks[r.Part] = r.Who, r.Check
	case transcript.KindVoid:
		delete(k.by, r.Part)
		delete(k.checks, r.Part)
		delete(k.printed, r.Part)
	case transcript.KindChecked:
		if r.Part == 0 && r.Verdict != transcript.Compared {
			k.verdict = r.Verdict
		}
		if r.Details["label"] != "" {
			k.found = r.Details["label"]
		}
		switch {
		case k.Source != script.InHSM:
		case r.Part == 0:
			k.made.Check, k.there = r.Check, true
		default:
			k.checks[r.Part] = r.Check
		}
	case transcript.KindDestroyed:
		k.gone = k.gone || r.Part == 0
	}
}

func (l *lead) replayBag(k *keyState, r transcript.Record) {
	if r.Kind != transcript.KindBag {
		return
	}
	k.bags[r.Part] = r.Details["serial"]
	k.came[r.Part] = r.Details["event"] == eventReceived || r.Details["event"] == eventOpened
	k.opened[r.Part] = r.Details["event"] == eventOpened && r.Details["state"] != wordBroken
	l.bags.use(r.Details["serial"], k.ID, r.Part, k.came[r.Part])
	if r.Details["state"] == wordBroken {
		l.bags.damage(r.Details["serial"])
		delete(k.bags, r.Part)
	}
}

// broken finds, key by key, which steps are done again and which parts are void, and forgets what they made.
func (l *lead) broken() (again []int, void []lost) {
	for i := range l.s.Keys {
		k := l.keys[l.s.Keys[i].ID]
		steps := l.redo(k)
		void = append(void, l.voidParts(k, steps)...)
		again = append(again, steps...)
	}
	slices.Sort(again)
	return slices.Compact(again), void
}

// stepsOf are the numbers of a key's steps of some verbs: those that are done, and those that are not.
func (l *lead) stepsOf(k *keyState, verbs ...script.Verb) (done, open []int) {
	for _, s := range l.Program.Steps {
		if s.Key == nil || s.Key.ID != k.ID || !slices.Contains(verbs, s.Step.Do) {
			continue
		}
		if l.done[s.Number] {
			done = append(done, s.Number)
		} else {
			open = append(open, s.Number)
		}
	}
	return done, open
}

// redo lists the steps of a key that were done and whose result is gone. A key that is kept can be found again; its
// parts in memory cannot, so all of its sheets are cut anew or none.
func (l *lead) redo(k *keyState) []int {
	printed, _ := l.stepsOf(k, script.PrintPart, script.SealPart, script.SendPart)
	_, unprinted := l.stepsOf(k, script.PrintPart, script.SealPart)
	if len(printed) == 0 {
		unprinted = nil
	}
	switch {
	case k.kept != "" || k.Source == script.Stored:
		if len(unprinted) > 0 {
			return printed
		}
		return nil
	case k.Source == script.InHSM:
		return nil
	}
	_, open := l.stepsOf(k, script.FormKey, script.PrintPart, script.SealPart, script.KeepKey, script.ExportKey,
		script.LoadKey)
	if len(open) == 0 {
		return nil
	}
	done, _ := l.stepsOf(k, script.MakeKey, script.EnterPart, script.FormKey, script.PrintPart, script.SealPart,
		script.SendPart,
		script.ExportKey, script.LoadKey, script.CompareKey)
	if k.Source == script.Generate {
		return done
	}
	return slices.DeleteFunc(done, func(n int) bool { return l.Program.Steps[n-1].Step.Do == script.SendPart })
}

// voidParts lists the parts that the redone steps, or the one in which it broke, had in people's hands, and forgets
// them.
func (l *lead) voidParts(k *keyState, again []int) []lost {
	redone := map[int]bool{}
	for _, n := range again {
		if p := l.Program.Steps[n-1].Part; p != nil {
			redone[p.Number] = true
		}
	}
	_, open := l.stepsOf(k, script.PrintPart, script.EnterPart)
	for _, n := range open {
		if p := l.Program.Steps[n-1].Part; p != nil && k.by[p.Number] != "" {
			redone[p.Number] = true
		}
	}
	var void []lost
	for _, n := range slices.Sorted(maps.Keys(redone)) {
		why := "entered before the break"
		if k.printed[n] {
			why = "printed before the break; the sheet is destroyed"
			delete(k.bags, n)
			delete(k.opened, n)
			delete(k.came, n)
		}
		void = append(void, lost{k.ID, n, why})
		delete(k.by, n)
		delete(k.checks, n)
		delete(k.printed, n)
	}
	if len(again) > 0 && k.kept == "" && k.Source != script.Stored {
		k.made, k.verdict, k.there, k.set, k.denied = Made{}, "", false, "", false
	}
	return void
}
