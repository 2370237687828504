package ceremony

// What people who attacked ceremonies had found: it stays mended.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/kcv"
)

// scripted is the template of a kind with something changed in its text.
func scripted(t *testing.T, kind script.Kind, changes ...string) *script.Program {
	t.Helper()
	raw := string(template(t, kind).Script.Raw())
	changed := strings.NewReplacer(changes...).Replace(raw)
	if changed == raw {
		t.Fatalf("%v is not in the template", changes)
	}
	return parsed(t, []byte(changed))
}

// gaveUp has everybody give up where something cannot go on.
func gaveUp(s *stage) func(text.Text, int) (string, error, bool) {
	asked := 0
	return func(q text.Text, _ int) (string, error, bool) {
		if !strings.HasPrefix(q.Format, "this cannot go on") {
			return "", nil, false
		}
		asked++
		return "", ErrAbort, true
	}
}

func TestAStoredKeyThatContradictsTheScriptIsNotDestroyed(t *testing.T) {
	s := newStage(t, scripted(t, script.Destruction, "    source: store\n", "    source: store\n    check: \"000000\"\n"),
		transcript.Run)
	s.desk.does = gaveUp(s)
	out, err := s.run(t.Context())
	if out.State != transcript.Aborted || !fault.Is(err, fault.KCVMismatch) {
		t.Fatalf("%+v, %v", out, err)
	}
	v := s.verified()
	if lines(v, transcript.KindDestroyed, func(r transcript.Record) bool { return r.Part == 0 }) != 0 {
		t.Error("a key was destroyed that has another check value than the script says")
	}
}

// TestWhoAttendedOnlyBeforeABreakSignsTheEnd: a backup came for one step, and is not needed after the break.
func TestWhoAttendedOnlyBeforeABreakSignsTheEnd(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		switch {
		case s.desk.step == 3:
			return "", errCut, true
		case s.desk.step == 2 && strings.Contains(q.Format, "type your id to log in") &&
			strings.HasPrefix(fmt.Sprint(q.Args[0]), "custodian"):
			return "backup.a", nil, true
		}
		return "", nil, false
	}
	if _, err := s.run(t.Context()); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	s.renew("second")
	s.desk.sheets, s.desk.parts = smallSheets(newPartner(t, "partner"))
	out, err := s.resume(t.Context())
	if err != nil || !slices.Contains(out.Signers, "backup.a") {
		t.Fatalf("%+v, %v", out, err)
	}
	s.sound()
}

// smallSheets are the sheets of smallStage.
func smallSheets(p partner) (sheets, checks map[string]string) {
	sheets, checks = map[string]string{}, map[string]string{}
	for i := range p.parts {
		at := fmt.Sprintf("ZMK/%d", i+1)
		sheets[at], checks[at] = p.parts[i], p.checks[i]
	}
	return sheets, checks
}

// exact are tools that compare all digits.
type exact struct {
	Tools
	all string // digits of the key
}

func (x exact) Compare(_ context.Context, _ *script.Key, e kcv.Expected) (kcv.Comparison, error) {
	return kcv.Comparison{Match: strings.HasPrefix(x.all, e.Digits), Digits: len(e.Digits)}, nil
}

// TestNoMoreDigitsAreSaidToMatchThanWereCompared: the other side tells more of them than our check value has.
func TestNoMoreDigitsAreSaidToMatchThanWereCompared(t *testing.T) {
	const tail = "123456789A"
	for _, c := range []struct {
		name    string
		tools   func(Tools, string) Tools
		verdict transcript.Verdict
		digits  int
	}{
		{"tools that cannot", func(on Tools, _ string) Tools { return on }, transcript.Match, 6},
		{"all the same", func(on Tools, ours string) Tools { return exact{on, ours + tail} }, transcript.Match, 16},
		{"others behind", func(on Tools, ours string) Tools { return exact{on, ours + "0000000000"} }, transcript.Differs, 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPartner(t, "partner")
			s := smallStage(t, p, true)
			asked := 0
			s.desk.does = func(q text.Text, _ int) (string, error, bool) {
				switch {
				case strings.Contains(q.Format, "as the other side tells it"):
					if asked++; asked > 1 {
						return p.key, nil, true
					}
					return p.key + tail, nil, true
				}
				return "", nil, false
			}
			log, err := transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode,
				Environment: "test", Script: s.program.Script.Raw(), Language: "en"}, logOptions())
			if err != nil {
				t.Fatal(err)
			}
			o := s.options()
			o.Log, o.Tools = log, c.tools(s.tools, p.key)
			if _, err := Lead(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			var got *transcript.Record
			for _, r := range s.verified().Records {
				if r.Kind == transcript.KindChecked && r.Step == 7 && got == nil {
					got = &r
				}
			}
			limit := min(c.digits, kcv.Limit("tdes-128", got.Expected.Method))
			if got.Verdict != c.verdict || len(got.Expected.Digits) < min(limit, 6) || c.digits == 6 && len(got.Expected.Digits) != 6 {
				t.Errorf("%s, expected %s", got.Verdict, got.Expected.Digits)
			}
			seen := s.desk.seen.String()
			if c.digits == 6 && !strings.Contains(seen, "the same in the first 6 digits") {
				t.Error("nobody is told that six digits were compared")
			}
		})
	}
}

// TestAnOlderStoreThatWasPutBackIsSeen: by the record the key is kept; the store has it no more, or not in use.
func TestAnOlderStoreThatWasPutBackIsSeen(t *testing.T) {
	for _, back := range []string{"", lies, destroyed} {
		t.Run("it is "+back, func(t *testing.T) {
			s, on := smallStage(t, newPartner(t, "partner"), true), &shelf{}
			ctx, kill := context.WithCancelCause(t.Context())
			defer kill(nil)
			s.desk.does = func(q text.Text, _ int) (string, error, bool) {
				return "", errCut, strings.HasSuffix(q.Format, `type "close"`)
			}
			if _, err := s.leadMortal(ctx, kill, "", on, false); !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			if on.rows[0].state = back; back == "" {
				on.rows = nil
			}
			s.renew("second")
			s.desk.does = gaveUp(s)
			out, err := s.leadMortal(t.Context(), nil, "", on, true)
			if out.State != transcript.Aborted || !fault.Is(err, fault.NotFound) {
				t.Fatalf("%+v, %v", out, err)
			}
		})
	}
}

// leadMortal leads with the tools of a process that can be killed.
func (s *stage) leadMortal(ctx context.Context, kill context.CancelCauseFunc, at string, on *shelf, again bool) (Outcome,
	error) {
	s.t.Helper()
	o := s.options()
	var err error
	if again {
		o.Log, o.Before, err = transcript.Resume(s.path, logOptions())
	} else {
		o.Log, err = transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode,
			Environment: s.program.Script.Environment, Script: s.program.Script.Raw(), Language: "en"}, logOptions())
	}
	if err != nil {
		s.t.Fatal(err)
	}
	o.Tools = &mortal{Tools: s.tools, shelf: on, at: at, kill: kill, found: map[string]string{}}
	return Lead(ctx, o)
}

// TestWhoTypedAPartIsInTheLedgerUnderItsKey: when the key is formed, and with the bag until the sheet is no more.
func TestWhoTypedAPartIsInTheLedgerUnderItsKey(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, h := range s.tools.Ledger() {
		if h.Event == eventEntered && h.Label == "TEST-ZMK" && len(h.Check.Digits) == 6 {
			found[h.Person.ID] = true
		}
		if h.Event == eventDestroyed && h.Bag != fmt.Sprintf("BAG-%d", h.Part) {
			t.Errorf("part %d was destroyed, bag %q", h.Part, h.Bag)
		}
	}
	if len(found) != 2 {
		t.Errorf("%v", found)
	}
}

// TestTheLedgerHasNoMoreOfACheckValueThanTheRecord though the other side told all of it.
func TestTheLedgerHasNoMoreOfACheckValueThanTheRecord(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), false).program.Script
	k := newKeyState(&s.Keys[0])
	k.told = &kcv.Expected{Digits: "08D7B4FB629D0885"}
	l := &lead{s: s, keys: map[string]*keyState{"ZMK": k}}
	h := l.heldOf(&turn{Planned: script.Planned{Key: k.Key, Part: &k.Parts[0]}}, s.People[0], eventEntered, "")
	if h.Check.Digits != "08D7B4" {
		t.Errorf("check value %s", h.Check.Digits)
	}
}

// remembers are tools whose ledger is a store's.
type remembers struct {
	Tools
	ledger *[]Held
}

func (r remembers) Hold(_ context.Context, h Held) error {
	*r.ledger = append(*r.ledger, h)
	return nil
}

func (r remembers) Holds(_ context.Context, h Held) (bool, error) {
	return slices.ContainsFunc(*r.ledger, func(o Held) bool {
		return o.Event == h.Event && o.Part == h.Part && o.Person.ID == h.Person.ID && o.Bag == h.Bag
	}), nil
}

func (r remembers) BagHeld(_ context.Context, serial string) (string, error) {
	for _, h := range *r.ledger {
		if h.Bag == serial && h.Label == "EARLIER" {
			return "20260101-AAAAAA", nil
		}
	}
	return "", nil
}

// TestWhatAnOlderLedgerLacksIsWrittenAgain from the record.
func TestWhatAnOlderLedgerLacksIsWrittenAgain(t *testing.T) {
	p := newPartner(t, "partner")
	s := smallStage(t, p, true)
	ledger := []Held{}
	play := func(before bool) (Outcome, error) {
		o := s.options()
		o.Tools = remembers{s.tools, &ledger}
		var err error
		if before {
			o.Log, o.Before, err = transcript.Resume(s.path, logOptions())
		} else {
			o.Log, err = transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode,
				Environment: "test", Script: s.program.Script.Raw(), Language: "en"}, logOptions())
		}
		if err != nil {
			t.Fatal(err)
		}
		return Lead(t.Context(), o)
	}
	s.desk.does = func(text.Text, int) (string, error, bool) { return "", errCut, s.desk.step == 5 }
	if _, err := play(false); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	before := len(ledger)
	ledger = ledger[:1]
	s.renew("second")
	s.desk.sheets, s.desk.parts = smallSheets(p)
	if _, err := play(true); err != nil {
		t.Fatal(err)
	}
	var events []string
	for _, h := range ledger[:before] {
		events = append(events, fmt.Sprintf("%s %d %s %s", h.Event, h.Part, h.Person.ID, h.Bag))
	}
	if want := "received 1 custodian.a BAG-1;received 2 custodian.b BAG-2;opened 1 custodian.a BAG-1;entered 1 custodian.a BAG-1"; strings.
		Join(events, ";") != want {
		t.Errorf("%v", events)
	}
	if !s.desk.alarmed("the ledger of the store lacks 3 lines") {
		t.Error("nobody is told")
	}
	s.sound()
}

// TestADamagedBagOfADestructionIsDestroyedWithIt: there is nothing in it that would be used.
func TestADamagedBagOfADestructionIsDestroyedWithIt(t *testing.T) {
	s := newStage(t, template(t, script.Destruction), transcript.Run)
	s.desk.does = once(`type "intact" or "damaged"`, 1, wordBroken)
	out, err := s.run(t.Context())
	if err != nil || out.State != transcript.Closed || out.Deviations != 1 {
		t.Fatalf("%+v, %v\n%s", out, err, s.desk.seen.String())
	}
	v := s.sound()
	if n := lines(v, transcript.KindDestroyed, func(r transcript.Record) bool { return r.Part == 1 }); n != 1 {
		t.Errorf("part 1 was destroyed %d times", n)
	}
}

func TestABagIsUsedOnceWhateverBecomesOfItsKey(t *testing.T) {
	r := bagRegister{}
	r.use("BAG-1", "ZMK", 1, false)
	r.use("bag 1", "TMK", 2, false)
	r.use("BAG-2", "ZMK", 2, true)
	r.damage("BAG-3")
	for serial, want := range map[string]string{"BAG-1": "", "BAG-2": "held part 2 of ZMK already",
		"BAG-3": "nothing goes into it", "BAG-4": ""} {
		part := 1
		if serial == "BAG-2" {
			part = 2
		}
		err := r.taken(serial, "ZMK", part)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", serial, err)
		}
	}
	if err := r.taken("bag-1", "TMK", 2); err == nil {
		t.Error("another part goes into a bag that held one")
	}
	if r.damaged("BAG-3") == nil || r.damaged("BAG-1") != nil {
		t.Error("damaged bags are not known")
	}
}

func TestABagOfAnEarlierCeremonyIsNotTaken(t *testing.T) {
	ledger := []Held{{Bag: "BAG-1", Label: "EARLIER"}}
	l := &lead{Options: Options{Tools: remembers{ledger: &ledger}}}
	for serial, want := range map[string]bool{"BAG-1": true, "BAG-2": false} {
		taken, err := l.takenBefore(t.Context(), serial)
		if err != nil || (taken != nil) != want {
			t.Errorf("%s: %v, %v", serial, taken, err)
		}
	}
}

// TestTheCustodiansWordAboutAnOpenSheetIsInTheRecord: it broke after the bag was opened.
func TestTheCustodiansWordAboutAnOpenSheetIsInTheRecord(t *testing.T) {
	p := newPartner(t, "partner")
	s := smallStage(t, p, true)
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		return "", errCut, strings.Contains(q.Format, "the set on the sheet")
	}
	if _, err := s.run(t.Context()); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	s.renew("second")
	s.desk.sheets, s.desk.parts = smallSheets(p)
	if _, err := s.resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := s.sound()
	if lines(v, transcript.KindConfirmed, func(r transcript.Record) bool {
		return r.Details["what"] == transcript.SaidHeld && r.Who == "custodian.a" && r.Part == 1 && r.Details["serial"] == "BAG-1"
	}) != 1 {
		t.Error("the record does not have it")
	}
}

func TestWhatIsReadAloudStandsWholeInTheRecord(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("we look at the bag ", 100))
	raw := strings.Replace(string(smallStage(t, newPartner(t, "partner"), true).program.Script.Raw()), "  - {do: attend}\n",
		"  - {do: attend}\n  - {do: read, text: '"+long+"'}\n", 1)
	s := newStage(t, parsed(t, []byte(raw)), transcript.Run)
	s.desk.does = func(text.Text, int) (string, error, bool) { return "", errCut, s.desk.step == 3 }
	if _, err := s.run(t.Context()); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	if lines(s.verified(), transcript.KindSaid, func(r transcript.Record) bool { return r.Details["text"] == long }) != 1 {
		t.Error("it was cut")
	}
}

// forgets counts.
type forgets struct {
	Tools
	n    int
	seen func() string
	at   string // the screen, when it was called
}

func (f *forgets) Forget(ctx context.Context) error {
	f.n++
	f.at = f.seen()
	return f.Tools.Forget(ctx)
}

// TestNobodyApprovesAnythingBeforeItIsSaidHowItEnded, and where it goes on later nobody is asked at all.
func TestNobodyApprovesAnythingBeforeItIsSaidHowItEnded(t *testing.T) {
	for _, c := range []struct {
		err   error
		calls int
		says  string
	}{
		{errCut, 0, "the ceremony stopped here, and its record is open"},
		{ErrAbort, 1, "the ceremony was given up; the record says so"},
	} {
		s := smallStage(t, newPartner(t, "partner"), true)
		s.desk.does = func(q text.Text, _ int) (string, error, bool) {
			return "", c.err, s.desk.step == 2 && strings.Contains(q.Format, "type your id to log in")
		}
		o := s.options()
		tools := &forgets{Tools: s.tools, seen: s.desk.seen.String}
		var err error
		if o.Log, err = transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode,
			Environment: "test", Script: s.program.Script.Raw(), Language: "en"}, logOptions()); err != nil {
			t.Fatal(err)
		}
		o.Tools = tools
		if _, err := Lead(t.Context(), o); err == nil {
			t.Fatal("it ended well")
		}
		if tools.n != c.calls || c.calls > 0 && !strings.Contains(tools.at, c.says) {
			t.Errorf("%v: called %d times", c.err, tools.n)
		}
		if !strings.Contains(s.desk.seen.String(), c.says) {
			t.Errorf("%v: nobody is told", c.err)
		}
	}
}

// TestAQuickHandDoesNotGiveUp: !! once more is no answer to the question whether it is meant.
func TestAQuickHandDoesNotGiveUp(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	twice := 0
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		if s.desk.step == 2 && twice < 2 {
			twice++
			return "", ErrAbort, true
		}
		return "", nil, false
	}
	if out, err := s.run(t.Context()); err != nil || out.State != transcript.Closed {
		t.Fatalf("%+v, %v", out, err)
	}
}

// TestARecordThatNobodySignsIsNotClosed: they are asked again.
func TestARecordThatNobodySignsIsNotClosed(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	gone, deviated := 0, 0
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		switch {
		case strings.HasPrefix(q.Format, "%s: type your id to sign the record") && gone < 5:
			gone++
			return wordNone, nil, true
		case strings.HasPrefix(q.Format, `type "again"`) && deviated < gone:
			deviated++
			return "", ErrDeviation, true
		case strings.HasPrefix(q.Format, `type "again"`):
			return wordGoOn, nil, true
		}
		return "", nil, false
	}
	out, err := s.run(t.Context())
	if err != nil || out.State != transcript.Closed || len(out.Signers) != 5 {
		t.Fatalf("%+v, %v", out, err)
	}
	if !s.desk.alarmed("nobody has signed") {
		t.Error("nobody is told")
	}
	if v := s.sound(); lines(v, transcript.KindClosing, nil) != 1 {
		t.Error("there is more than one end")
	}
}

// slow are people who do not type at once.
type slow struct {
	*player
	waits int
}

func (s *slow) Hidden(ctx context.Context, q text.Text) (*secret.Bytes, error) {
	if strings.Contains(q.Format, "serial of the bag") && s.waits == 0 {
		s.waits++
		return nil, fault.New(fault.DeviceTimeout, "nobody typed")
	}
	return s.player.Hidden(ctx, q)
}

func TestPeopleAreToldWhyTheyAreAskedAgain(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	empty := 0
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		if strings.Contains(q.Format, "serial of the bag") && empty < 2 {
			empty++
			return "", nil, true
		}
		return "", nil, false
	}
	o := s.options()
	o.Desk = &slow{player: s.desk}
	var err error
	if o.Log, err = transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode,
		Environment: "test", Script: s.program.Script.Raw(), Language: "en"}, logOptions()); err != nil {
		t.Fatal(err)
	}
	if _, err := Lead(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"nothing was typed", "nobody typed for a while"} {
		if !s.desk.alarmed(want) {
			t.Errorf("nobody is told: %s", want)
		}
	}
}
