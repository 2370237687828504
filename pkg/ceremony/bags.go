package ceremony

// Bags: a sheet is sealed in one, sent, received and opened; each time its serial is typed and compared.

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/store"
)

// knownBag is the serial that a part's bag should have: as it was seen in this ceremony, or as the script says.
func (k *keyState) knownBag(p *script.Part) string {
	if b := k.bags[p.Number]; b != "" {
		return b
	}
	return p.Bag
}

// bagSerial has a serial typed twice and compares it. against is what it should be, "" when nobody knows.
func (l *lead) bagSerial(ctx context.Context, t *turn, against string) (typed string, v transcript.Verdict, err error) {
	for {
		typed, err = l.blindTwice(ctx, t, text.New("%s: serial of the bag (hidden)", t.who.ID),
			text.New("%s: serial of the bag once more (hidden)", t.who.ID))
		if err != nil {
			return "", "", err
		}
		typed = serial(typed)
		switch {
		case against == "":
			return typed, transcript.Compared, nil
		case sameItem(typed, against):
			return typed, transcript.Match, nil
		}
		e := transcript.Entry{Kind: transcript.KindObserved, Who: t.who.ID, Key: t.Key.ID, Part: t.Part.Number,
			Verdict: transcript.Differs,
			Details: map[string]string{"item": "serial of the bag", "seen": typed, "expected": serial(against)}}
		if err := l.tell(ctx, e, alarm(text.New("the serial of the bag is %s, expected %s", typed, against))); err != nil {
			return "", "", err
		}
		why := fault.New(fault.NotConfirmed, "the serial of the bag is %s, expected %s", typed, against)
		again, err := l.choose(ctx, why, wordGoOn)
		if err != nil {
			return "", "", err
		}
		if !again {
			return typed, transcript.Differs, nil
		}
	}
}

// bag writes what happened to a bag, shows it, and has the ledger know.
func (l *lead) bag(ctx context.Context, t *turn, event, typed string, v transcript.Verdict, more map[string]string,
	shown text.Text) error {
	d := map[string]string{"event": event, "serial": typed}
	for _, f := range []struct{ name, value string }{{"outer", t.Part.Outer}, {"channel", t.Part.Channel}} {
		if f.value != "" {
			d[f.name] = serial(f.value)
		}
	}
	for name, value := range more {
		d[name] = value
	}
	e := transcript.Entry{Kind: transcript.KindBag, Who: t.who.ID, Key: t.Key.ID, Part: t.Part.Number, Verdict: v,
		Details: d}
	if err := l.tell(ctx, e, told(shown)); err != nil {
		return err
	}
	l.bags.use(typed, t.Key.ID, t.Part.Number, event == eventReceived || event == eventOpened)
	return l.hold(ctx, t, t.who, event, typed)
}

// sealPart puts a sheet into a bag.
func (l *lead) sealPart(ctx context.Context, t *turn) error {
	k := l.keys[t.Key.ID]
	typed, v, err := l.freeBag(ctx, t, k)
	if err != nil {
		return err
	}
	k.bags[t.Part.Number] = typed
	delete(k.came, t.Part.Number)
	delete(k.opened, t.Part.Number)
	return l.bag(ctx, t, eventSealed, typed, v, nil, text.New("part %d of %s is sealed in bag %s", t.Part.Number, k.ID,
		typed))
}

// freeBag has the serial of a bag typed that a sheet may go into: what lies together is no split knowledge, and a bag is
// used once.
func (l *lead) freeBag(ctx context.Context, t *turn, k *keyState) (typed string, v transcript.Verdict, err error) {
	against := t.Part.Bag
	if k.bags[t.Part.Number] != "" {
		against = "" // it came in that one
	}
	for {
		typed, v, err = l.bagSerial(ctx, t, against)
		if err != nil {
			return "", "", err
		}
		taken := l.bags.taken(typed, k.ID, t.Part.Number)
		if taken == nil {
			if taken, err = l.takenBefore(ctx, typed); err != nil {
				return "", "", err
			}
		}
		if taken == nil {
			return typed, v, nil
		}
		if err := l.notThat(ctx, t, taken); err != nil {
			return "", "", err
		}
	}
}

// takenBefore says why a bag cannot be taken that an earlier ceremony had. Where no ledger can be asked there is none.
func (l *lead) takenBefore(ctx context.Context, serial string) (taken, err error) {
	ledger, asked := l.Tools.(remembering)
	if !asked {
		return nil, nil
	}
	earlier, err := ledger.BagHeld(ctx, serial)
	if err != nil || earlier == "" {
		return nil, err
	}
	return fault.New(fault.NotPermitted, "bag %s was used in the ceremony %s already", serial, earlier), nil
}

// notThat refuses a bag, and has another one taken.
func (l *lead) notThat(ctx context.Context, t *turn, why error) error {
	if err := l.wrong(ctx, t, "serial of the bag", text.New("%s", why)); err != nil {
		return err
	}
	return l.again(ctx, why)
}

// bagRegister are the bags of a ceremony by their names. Nothing is ever taken out of it: not when a part comes into
// another bag, and not when its key is made again.
type bagRegister map[string]bagUse

// bagUse is what a bag was used for.
type bagUse struct {
	key     string
	part    int
	came    bool // it was received or opened: it is not closed again
	damaged bool
}

// use notes which part a bag holds. The first one stays noted: no other goes into it.
func (r bagRegister) use(serial, key string, part int, came bool) {
	u, known := r[bagName(serial)]
	if !known {
		u.key, u.part = key, part
	}
	u.came = u.came || came
	r[bagName(serial)] = u
}

func (r bagRegister) damage(serial string) {
	u := r[bagName(serial)]
	u.damaged = true
	r[bagName(serial)] = u
}

// damaged is an error of a bag that was called damaged: none becomes intact by being looked at again.
func (r bagRegister) damaged(serial string) error {
	if !r[bagName(serial)].damaged {
		return nil
	}
	return fault.New(fault.PartRefused, "bag %s was damaged; what was in it is not used", serial)
}

// taken is an error of a bag that nothing may be put into: it is damaged, it held another part, or this one came in it.
func (r bagRegister) taken(serial, key string, part int) error {
	u, known := r[bagName(serial)]
	switch {
	case u.damaged:
		return fault.New(fault.PartRefused, "bag %s was damaged; nothing goes into it", serial)
	case known && (u.came || u.key != key || u.part != part):
		return fault.New(fault.NotPermitted, "bag %s held part %d of %s already", serial, u.part, u.key)
	}
	return nil
}

// sendPart gives a bag to its channel.
func (l *lead) sendPart(ctx context.Context, t *turn) error {
	k := l.keys[t.Key.ID]
	typed, v, err := l.bagSerial(ctx, t, k.knownBag(t.Part))
	if err != nil {
		return err
	}
	if err := l.stop(ctx, t, told(text.New("bag %s will go by %s", typed, t.Part.Channel))); err != nil {
		return err
	}
	if err := l.confirm(ctx, text.New(`%s: when the bag is given to %s, type "sent"`, t.who.ID, t.Part.Channel),
		"sent"); err != nil {
		return err
	}
	var more map[string]string
	if t.Part.SerialBy != "" {
		more = map[string]string{"serial-by": serial(t.Part.SerialBy)}
	}
	return l.bag(ctx, t, eventSent, typed, v, more, text.New("bag %s goes by %s", typed, t.Part.Channel))
}

// receivePart takes a bag in: its serial is compared with the one told apart from it, then it is looked at.
func (l *lead) receivePart(ctx context.Context, t *turn) error {
	k := l.keys[t.Key.ID]
	for {
		intact, err := l.takeBag(ctx, t, k, t.Part.Bag, eventReceived)
		if err != nil || intact {
			return err
		}
		if l.onlyDestroyed(t) { // a damaged bag is destroyed with what is in it
			return nil
		}
		if err := l.nextBag(ctx, t, k); err != nil {
			return err
		}
	}
}

// onlyDestroyed reports whether nothing but its destruction comes of a part.
func (l *lead) onlyDestroyed(t *turn) bool {
	destroyed := false
	for _, s := range l.Program.Steps {
		if s.Key == nil || s.Part == nil || s.Key.ID != t.Key.ID || s.Part.Number != t.Part.Number {
			continue
		}
		switch s.Step.Do {
		case script.DestroyPart:
			destroyed = true
		case script.EnterPart, script.SealPart, script.SendPart:
			return false
		}
	}
	return destroyed
}

// takeBag has a bag named and looked at, and says what became of it. What was in a damaged one is void, by a deviation.
func (l *lead) takeBag(ctx context.Context, t *turn, k *keyState, against, event string) (intact bool, err error) {
	n := t.Part.Number
	typed, v, err := l.wholeBag(ctx, t, against)
	if err != nil {
		return false, err
	}
	state, err := l.state(ctx, t)
	if err != nil {
		return false, err
	}
	intact = state == wordIntact
	k.bags[n], k.came[n], k.opened[n] = typed, true, intact && event == eventOpened
	said := text.New("bag %s is there: %s", typed, state)
	if event == eventOpened {
		said = text.New("bag %s is opened: %s", typed, state)
	}
	if err := l.bag(ctx, t, event, typed, v, map[string]string{"state": state}, said); err != nil || intact {
		return intact, err
	}
	return false, l.tampered(ctx, t, k, typed)
}

// wholeBag is bagSerial, but for bags that were damaged.
func (l *lead) wholeBag(ctx context.Context, t *turn, against string) (string, transcript.Verdict, error) {
	for {
		typed, v, err := l.bagSerial(ctx, t, against)
		if err != nil {
			return "", "", err
		}
		why := l.bags.damaged(typed)
		if why == nil {
			return typed, v, nil
		}
		if err := l.notThat(ctx, t, why); err != nil {
			return "", "", err
		}
	}
}

// nextBag waits for another bag in the place of a damaged one.
func (l *lead) nextBag(ctx context.Context, t *turn, k *keyState) error {
	delete(k.bags, t.Part.Number)
	return l.again(ctx, fault.New(fault.PartRefused, "the bag of part %d of %s is damaged", t.Part.Number, k.ID))
}

// bagName is a serial without what people do not type alike.
func bagName(serial string) string { return store.BagName(serial) }

// state has the bag looked at from all sides.
func (l *lead) state(ctx context.Context, t *turn) (string, error) {
	for {
		answer, err := l.ask(ctx, text.New(`%s: the bag and its seal, from all sides: type "intact" or "damaged"`, t.who.ID))
		if err != nil {
			return "", err
		}
		if a := strings.ToLower(answer); a == wordIntact || a == wordBroken {
			return a, nil
		}
	}
}

// tampered voids a part whose bag is damaged, and names what falls with it (PCI PIN 9-2).
func (l *lead) tampered(ctx context.Context, t *turn, k *keyState, bag string) error {
	l.bags.damage(bag)
	e := transcript.Entry{Kind: transcript.KindVoid, Who: t.who.ID, Key: k.ID, Part: t.Part.Number,
		Details: map[string]string{"why": "the bag is damaged", "requirement": "9-2"}}
	lines := []Line{alarm(text.New("part %d of %s is void: its bag is damaged (PCI PIN 9-2)", t.Part.Number, k.ID)),
		alarm(text.New("if the damage is confirmed, all parts of %s and every key under it are replaced", k.ID))}
	under, err := l.under(ctx, k)
	if err != nil { // it is told, and the bag is damaged all the same
		lines = append(lines, alarm(text.New("what lies under it in the store cannot be told: %s", err)))
	}
	if len(under) > 0 {
		e.Details["under"] = public(strings.Join(under, " "))
	}
	for _, name := range under {
		lines = append(lines, alarm(text.New("under it: %s", name)))
	}
	if err := l.tell(ctx, e, lines...); err != nil {
		return err
	}
	return l.deviate(ctx, text.New("the bag of part %d of %s is intact", t.Part.Number, k.ID))
}

// beneath are tools that know what lies under a key of the store: keys and devices, by name.
type beneath interface {
	Beneath(ctx context.Context, k *script.Key) ([]string, error)
}

// under names the keys of the script that are protected by a key, and what the store knows.
func (l *lead) under(ctx context.Context, k *keyState) (all []string, err error) {
	if b, ok := l.Tools.(beneath); ok && k.label() != "" {
		all, err = b.Beneath(ctx, k.Key)
	}
	for _, other := range l.s.Keys {
		for _, o := range other.Outputs {
			if o.KBPK != "" && (o.KBPK == k.label() || o.KBPK == k.ID) {
				all = append(all, other.ID)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), err
}

// openBag opens the bag of a part that is to be entered, where it is in one.
func (l *lead) openBag(ctx context.Context, t *turn, k *keyState) error {
	n := t.Part.Number
	for {
		known := k.knownBag(t.Part)
		switch {
		case known == "":
			return nil
		case k.opened[n]:
			return l.heldSince(ctx, t, k.bags[n])
		}
		intact, err := l.takeBag(ctx, t, k, known, eventOpened)
		if err != nil || intact {
			return err
		}
		if err := l.nextBag(ctx, t, k); err != nil {
			return err
		}
	}
}

// heldSince has the custodian say that a sheet whose bag is open was with nobody else. The record has their word.
func (l *lead) heldSince(ctx context.Context, t *turn, bag string) error {
	if err := l.confirm(ctx,
		text.New(`%s: the bag was opened before, and the sheet never left your hands since; type "held"`, t.who.ID),
		"held"); err != nil {
		return err
	}
	return l.write(transcript.Entry{Kind: transcript.KindConfirmed, Who: t.who.ID, Key: t.Key.ID, Part: t.Part.Number,
		Details: map[string]string{"what": transcript.SaidHeld, "serial": serial(bag)}})
}

// destroyPart destroys a sheet or a bag before the witness.
func (l *lead) destroyPart(ctx context.Context, t *turn) error {
	k := l.keys[t.Key.ID]
	typed := ""
	if known := k.knownBag(t.Part); known != "" && !k.opened[t.Part.Number] {
		var err error
		if typed, _, err = l.bagSerial(ctx, t, known); err != nil {
			return err
		}
	}
	how := public(t.Step.Method)
	if how == "" {
		var err error
		if how, err = l.some(ctx, text.New("%s: how it is destroyed", t.who.ID)); err != nil {
			return err
		}
	}
	if err := l.stop(ctx, t, told(text.New("it will be destroyed so: %s", how))); err != nil {
		return err
	}
	if err := l.confirm(ctx, text.New(`%s: when nothing is left of it, type "destroyed"`, t.who.ID),
		"destroyed"); err != nil {
		return err
	}
	e := transcript.Entry{Kind: transcript.KindDestroyed, Who: t.who.ID, Key: k.ID, Part: t.Part.Number,
		Details: map[string]string{"how": how}}
	if typed != "" {
		e.Details["bag"] = typed
	}
	if err := l.tell(ctx, e, told(text.New("part %d of %s is destroyed", t.Part.Number, k.ID))); err != nil {
		return err
	}
	return l.hold(ctx, t, t.who, eventDestroyed, cmp.Or(typed, k.bags[t.Part.Number])) // of an open bag nobody types it
}
