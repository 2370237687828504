package ceremony

// The leader's hand: what is known while a ceremony goes on, and the way from step to step.

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

// lead is a ceremony that goes on.
type lead struct {
	Options
	s       *script.Script
	id      string                  // of the ceremony
	cards   map[string]custody.Card // of those who have logged in, by id
	present []string                // ids, in the order in which they came
	seated  map[script.Seat]string  // who sits there
	took    map[place]string        // who took which place since the ceremony began or was resumed
	// welcomed are those who attended, with a card in the record; only they can sign.
	welcomed map[string]bool
	keys     map[string]*keyState
	bags     bagRegister
	done     map[int]bool
	acted    map[int]bool // steps that were done before a break, but for their signatures
	number   int          // of the step; 0 outside
	// deciding: a deviation or the end is being written down, so that another one cannot begin.
	deciding bool
	private  script.Seat    // of a custodian's step: what is on the screen is for them alone
	failures map[string]int // wrong passphrases, by id
	because  error          // what people are asked about: giving up now is because of it
	warned   bool           // the warnings of the check were shown in full at a stop
	out      Outcome
}

// turn is somebody's turn: a step with the person who does it.
type turn struct {
	script.Planned
	actor *custody.Identity
	who   script.Person
	seat  string // primary, backup
}

func (t *turn) wipe() {
	if t.actor != nil {
		t.actor.Wipe()
		t.actor = nil
	}
}

// backTo is the error of a step whose result is void: these steps are done again.
type backTo struct{ steps []int }

func (b *backTo) Error() string { return "steps are to be done again" }

func newLead(o Options) (*lead, error) {
	if o.Program == nil || o.Log == nil || o.Desk == nil || o.Tools == nil || o.Clock == nil {
		return nil, fault.New(fault.Bug, "a ceremony without a program, a record, a desk, tools or a clock")
	}
	if o.unlock == nil {
		o.unlock = o.unlockIdentity
	}
	l := &lead{Options: o, s: o.Program.Script, cards: map[string]custody.Card{}, seated: map[script.Seat]string{},
		took: map[place]string{}, welcomed: map[string]bool{}, failures: map[string]int{},
		bags: bagRegister{}, keys: map[string]*keyState{}, done: map[int]bool{}, acted: map[int]bool{}, out: Outcome{State: transcript.Open}}
	for i := range l.s.Keys {
		l.keys[l.s.Keys[i].ID] = newKeyState(&l.s.Keys[i])
	}
	switch head := o.Log.Head(); {
	case o.Before != nil:
		l.id = o.Before.Head.Ceremony
	case head.Head != nil:
		l.id = head.Head.Ceremony
	}
	return l, nil
}

// Lead leads through a ceremony. Errors: interrupted when it was given up (the record says so); those of the disk, with
// the record as it stood; kcv_mismatch and others only when people gave it up because of them.
func Lead(ctx context.Context, o Options) (out Outcome, err error) {
	l, err := newLead(o)
	if err != nil {
		return Outcome{State: transcript.Open}, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = &abortError{why: "a fault of the program", because: panicked(r), alone: true}
		}
		err = l.end(ctx, err)
		out = l.out
	}()
	return l.out, l.run(ctx)
}

// panicked says what the program did; of a value that is no error of the runtime only its absence of words is told,
// since it may hold anything.
func panicked(r any) error {
	if e, ok := r.(runtime.Error); ok {
		return fault.WrapAs(fault.Bug, e, "the program failed")
	}
	return fault.New(fault.Bug, "the program failed")
}

func (l *lead) run(ctx context.Context) error {
	if err := l.open(ctx); err != nil {
		return err
	}
	steps := l.Program.Steps
	for i := 0; i < len(steps); {
		if l.done[steps[i].Number] {
			i++
			continue
		}
		err := l.step(ctx, steps[i])
		var back *backTo
		if errors.As(err, &back) {
			for _, n := range back.steps {
				delete(l.done, n)
			}
			i = 0
			continue
		}
		if err != nil {
			return err
		}
	}
	return l.close(ctx)
}

// step is one step from its heading to its last signature.
func (l *lead) step(ctx context.Context, p script.Planned) error {
	v, ok := verbs()[p.Step.Do]
	if !ok {
		return fault.New(fault.Bug, "step %d: nobody knows how to %s", p.Number, string(p.Step.Do))
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	l.number = p.Number
	t := &turn{Planned: p}
	defer t.wipe()
	if err := l.begin(ctx, t); err != nil {
		return err
	}
	if v.custodian {
		l.private = p.Actor
		if err := l.change(ctx, l.sitter(p.Actor), l.seatName(p.Actor)); err != nil {
			return err
		}
	}
	if err := l.logIn(ctx, t); err != nil {
		return err
	}
	if err := l.act(ctx, t, v); err != nil {
		return err
	}
	return l.finish(ctx, t)
}

// act does what a step is for.
func (l *lead) act(ctx context.Context, t *turn, v verb) error {
	if v.once && l.acted[t.Number] {
		return l.Desk.Say(ctx, told(text.New("the record says that this was done before the break; it is only signed now")))
	}
	if t.Irreversible && !v.stops {
		if err := l.stop(ctx, t); err != nil {
			return err
		}
	}
	return v.do(l, ctx, t)
}

// begin writes that a step begins and shows its heading.
func (l *lead) begin(ctx context.Context, t *turn) error {
	begun := transcript.Entry{Kind: transcript.KindBegun, Who: l.sitter(t.Actor).ID, Key: t.Step.Key, Part: t.Step.Part,
		Details: map[string]string{"verb": string(t.Step.Do)}}
	return l.tell(ctx, begun, l.headingLines(t)...)
}

// finish takes the signatures under a step.
func (l *lead) finish(ctx context.Context, t *turn) error {
	l.private = script.Seat{}
	if err := l.sign(t.actor); err != nil {
		return err
	}
	if err := l.second(ctx, t); err != nil {
		return err
	}
	t.wipe()
	if err := l.tell(ctx, transcript.Entry{Kind: transcript.KindDone, Who: t.who.ID, Key: t.Step.Key, Part: t.Step.Part},
		told(text.New("step %d is done", t.Number))); err != nil {
		return err
	}
	l.done[t.Number] = true
	l.out.Steps = len(l.done)
	l.number = 0
	return nil
}

// second has the step confirmed by somebody else, who logs in and signs.
func (l *lead) second(ctx context.Context, t *turn) error {
	if t.Seconder == (script.Seat{}) {
		return nil
	}
	id, who, _, err := l.enterRoom(ctx, t.Seconder, t.who.ID)
	if err != nil {
		return err
	}
	defer id.Wipe()
	if err := l.write(transcript.Entry{Kind: transcript.KindConfirmed, Who: who.ID,
		Details: map[string]string{"what": transcript.SaidStep}}); err != nil {
		return err
	}
	return l.sign(id)
}

// write puts a line on the disk.
func (l *lead) write(e transcript.Entry) error {
	e.Step = l.number
	if k := l.keys[e.Key]; k != nil && (e.Check != kcv.Value{} ||
		e.Expected != kcv.Value{}) { // it says how much may be shown
		e.Details = maps.Clone(e.Details)
		if e.Details == nil {
			e.Details = map[string]string{}
		}
		e.Details["algorithm"] = string(k.Algorithm)
	}
	_, err := l.Log.Write(e)
	return err
}

// tell puts a line on the disk and then on the screen.
func (l *lead) tell(ctx context.Context, e transcript.Entry, lines ...Line) error {
	if err := l.write(e); err != nil {
		return err
	}
	return l.Desk.Say(ctx, lines...)
}

func (l *lead) sign(id *custody.Identity) error {
	_, err := l.Log.Sign(l.number, id)
	return err
}

func (l *lead) person(id string) script.Person {
	p, _ := l.s.Person(id)
	if p.ID == "" {
		p.ID = id
	}
	return p
}

// sitter is who sits in a seat, or who is planned to.
func (l *lead) sitter(s script.Seat) script.Person {
	if id := l.seated[s]; id != "" {
		return l.person(id)
	}
	return l.person(s.Primary)
}

// seatName is what people are told of a seat.
func (l *lead) seatName(s script.Seat) text.Text {
	for _, role := range []script.Role{script.Leader, script.Witness, script.SecondWitness, script.Operator} {
		if seat, ok := l.s.Roles[role]; ok && seat == s {
			return role.Text()
		}
	}
	for i := range l.s.Keys {
		k := &l.s.Keys[i]
		for j := range k.Parts {
			if k.Parts[j].Former == s {
				return text.New("former custodian of part %d of %s", k.Parts[j].Number, k.ID)
			}
			if k.Parts[j].Custodian == s {
				return text.New("custodian of part %d of %s", k.Parts[j].Number, k.ID)
			}
		}
	}
	return text.New("in this step")
}

// isRehearsal and test marks.
func (l *lead) isRehearsal() bool { return l.Mode == transcript.Rehearsal }

func (l *lead) isTest() bool { return l.isRehearsal() || l.s.Environment != custody.Production }

// mark puts the word TEST where it is due.
func (l *lead) mark(t text.Text) text.Text {
	switch {
	case l.isRehearsal():
		return text.New("TEST REHEARSAL: %s", t)
	case l.isTest():
		return text.New("TEST: %s", t)
	}
	return t
}

func (l *lead) heading(t text.Text) Line { return Line{l.mark(t), Heading} }

func told(t text.Text) Line   { return Line{t, Told} }
func toDo(t text.Text) Line   { return Line{t, Do} }
func aloud(t text.Text) Line  { return Line{t, Aloud} }
func alarm(t text.Text) Line  { return Line{t, Alarm} }
func itoa(n int) string       { return strconv.Itoa(n) }
func has(s, word string) bool { return strings.EqualFold(clean(s), word) }

// come notes that somebody is in the room.
func (l *lead) come(id *custody.Identity) {
	c := id.Card()
	l.cards[c.ID()] = c
	if !slices.Contains(l.present, c.ID()) {
		l.present = append(l.present, c.ID())
	}
}
