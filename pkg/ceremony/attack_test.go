package ceremony

// What people try who want more than the script gives them.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

func TestAPassphraseTypedTooEarlyIsNowhere(t *testing.T) {
	const early = "tangle walnut orbit"
	for _, question := range []string{"type your id to log in", "type your id to sign"} {
		s := smallStage(t, newPartner(t, "partner"), true)
		s.desk.does = once(question, 2, early)
		if _, err := s.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(s.record(), []byte("walnut")) || strings.Contains(s.desk.seen.String(), "walnut") {
			t.Errorf("%q: a passphrase is in the record, or was repeated", question)
		}
		s.sound()
	}
}

func TestWrongPassphrasesHaveAnEnd(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	s.desk.does = func(q text.Text, n int) (string, error, bool) {
		switch {
		case strings.Contains(q.Format, "passphrase of") && fmt.Sprint(q.Args[0]) == "operator.a":
			return "guess " + fmt.Sprint(n), nil, true
		case strings.Contains(s.desk.seen.String(), "are too many") && strings.Contains(q.Format, "type your id to log in"):
			return "", ErrAbort, true
		}
		return "", nil, false
	}
	if _, err := s.run(t.Context()); !fault.Is(err, fault.Interrupted) {
		t.Fatal(err)
	}
	wrong := lines(s.verified(), transcript.KindObserved, func(r transcript.Record) bool {
		return r.Details["id"] == "operator.a" && strings.Contains(r.Details["seen"], "the passphrase of operator.a is wrong")
	})
	if wrong != passphraseMost {
		t.Errorf("%d wrong passphrases are in the record, want %d", wrong, passphraseMost)
	}
}

const storedScript = `schema: poskey.ceremony/v1
kind: custom
environment: test
title: 'A key of the store leaves'
organisation: 'Organisation A'
place: 'Room 1'
people:
  - {id: leader.a, name: 'Leader A', manager: 'M1'}
  - {id: operator.a, name: 'Operator A', manager: 'M2'}
  - {id: witness.a, name: 'Witness A', manager: 'M3'}
roles:
  leader: {primary: leader.a}
  operator: {primary: operator.a}
  witness: {primary: witness.a}
keys:
  - id: PEK
    algorithm: aes-128
    usage: P0
    source: store
    label: TEST-PEK
    check: "000000"
    outputs:
      - {to: block, file: pek.txt, kbpk: TEST-ZMK}
steps:
  - {do: attend}
  - {do: compare, key: PEK}
  - {do: export, key: PEK}
  - {do: close}
`

// TestAKeyThatIsNotTheScriptsNeverLeaves: typing what the screen shows makes it no other key; neither does a break.
func TestAKeyThatIsNotTheScriptsNeverLeaves(t *testing.T) {
	for _, breaks := range []bool{false, true} {
		s := newStage(t, parsed(t, []byte(storedScript)), transcript.Run)
		if _, err := s.tools.Generate(t.Context(), &s.program.Script.Keys[0]); err != nil {
			t.Fatal(err)
		}
		made, err := s.tools.Find(t.Context(), &s.program.Script.Keys[0])
		if err != nil {
			t.Fatal(err)
		}
		s.tools.kept["PEK"] = "TEST-PEK" // it lies in the store
		deviations, exporting := 0, 0
		does := func(q text.Text, _ int) (string, error, bool) {
			if s.desk.step == 3 {
				exporting++
			}
			switch {
			case strings.Contains(q.Format, "as the other side tells it"):
				return made.Check.Digits, nil, true
			case strings.HasPrefix(q.Format, `type "again"`) && s.desk.step == 2 && deviations == 0:
				deviations++
				return "", ErrDeviation, true
			case strings.HasPrefix(q.Format, `type "again"`) && s.desk.step == 2:
				return wordGoOn, nil, true
			case breaks && s.desk.step == 3 && exporting == 1:
				return "", errCut, true
			case exporting > 20 && !strings.HasPrefix(q.Format, "give the ceremony up"):
				return "", ErrAbort, true
			}
			return "", nil, false
		}
		s.desk.does = does
		out, err := s.run(t.Context())
		if breaks {
			if !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			s.renew("second")
			s.desk.does = does
			out, err = s.resume(t.Context())
		}
		if out.State != transcript.Aborted {
			t.Fatalf("%+v, %v", out, err)
		}
		if v := s.sound("abort-unsigned"); lines(v, transcript.KindExported, nil) != 0 {
			t.Error("a key left that has another check value than the script says")
		}
	}
}

// half is a printer that stops in the middle of a sheet.
type half struct {
	Tools
	times int
}

func (h *half) Print(ctx context.Context, write func(io.Writer) error) error {
	if h.times--; h.times >= 0 {
		return fault.New(fault.DeviceFailed, "out of paper")
	}
	return h.Tools.Print(ctx, write)
}

func TestHalfASheetIsDestroyedBeforeAnotherIsPrinted(t *testing.T) {
	s := newStage(t, template(t, script.ZMKExchange), transcript.Run)
	if _, err := s.runWith(&half{s.tools, 2}); err != nil {
		t.Fatal(err)
	}
	v := s.sound()
	misprints := lines(v, transcript.KindDestroyed,
		func(r transcript.Record) bool { return r.Details["how"] == "misprint" })
	if misprints != 2 || lines(v, transcript.KindPrinted, nil) != 5 {
		t.Errorf("%d misprints were destroyed of 2", misprints)
	}
}

// TestTheCustodianComesBackAfterADeviation: leader and witness have signed at the keyboard, and step back before the
// next row.
func TestTheCustodianComesBackAfterADeviation(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	s.desk.does = func(q text.Text, n int) (string, error, bool) {
		return "", ErrDeviation, n == 1 && strings.HasPrefix(q.Format, "row %d of %d, %d digits")
	}
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var after []string
	for i, q := range s.desk.asked {
		if strings.HasPrefix(q, "deviation: what was decided") {
			after = s.desk.asked[i+1 : i+7]
		}
	}
	if len(after) == 0 || after[4] != "change to %s %s" || !strings.HasPrefix(after[5], "row %d of %d") {
		t.Errorf("after the deviation: %q", after)
	}
}

func TestNothingTypedIsLeftWhileNobodySits(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	left, before := false, int64(-1)
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		switch {
		case before < 0 && strings.HasPrefix(q.Format, "change to"): // the first custodian sits down
			before = int64(secret.Live())
		case !left && strings.Contains(q.Format, "once more, row"):
			left = true
			return "", fault.New(fault.DeviceTimeout, "nobody types"), true
		case left && strings.HasPrefix(q.Format, "change to") && before >= 0:
			if now := int64(secret.Live()); now > before {
				t.Errorf("%d secrets live while nobody sits there, %d before", now, before)
			}
			before = 1 << 30
		}
		return "", nil, false
	}
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestNobodyConfirmsTheirOwnStep(t *testing.T) {
	raw := strings.Replace(string(smallStage(t, newPartner(t, "partner"), true).program.Script.Raw()),
		"operator: {primary: operator.a}", "operator: {primary: operator.a, backup: witness.a}", 1)
	s := newStage(t, parsed(t, []byte(raw)), transcript.Run)
	p := newPartner(t, "partner")
	s.desk.sheets = map[string]string{"ZMK/1": p.parts[0], "ZMK/2": p.parts[1]}
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		switch {
		case strings.Contains(s.desk.seen.String(), "may not do this as well"):
			return "", ErrAbort, !strings.HasPrefix(q.Format, "give the ceremony up") && !strings.HasPrefix(q.Format, "why")
		case s.desk.step == 6 && strings.Contains(q.Format, "type your id to log in") && fmt.Sprint(q.Args[0]) == "operator":
			return "witness.a", nil, true
		}
		return "", nil, false
	}
	if _, err := s.run(t.Context()); !fault.Is(err, fault.Interrupted) {
		t.Fatalf("%v\n%s", err, s.desk.seen.String())
	}
	if !strings.Contains(s.desk.seen.String(), "witness.a may not do this as well") {
		t.Error("one person did a step and confirmed it")
	}
}

// TestADiskThatFailsLeavesARecordThatGoesOn lets the disk fail at each line.
func TestADiskThatFailsLeavesARecordThatGoesOn(t *testing.T) {
	p := newPartner(t, "partner")
	whole := smallStage(t, p, true)
	if _, err := whole.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	for n := 2; n < len(whole.verified().Records); n += 4 {
		s, synced := smallStage(t, p, true), 0
		log, err := transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode,
			Environment: custody.Test,
			Script:      s.program.Script.Raw(), Language: "en"}, transcript.Options{Now: testTime, Sync: func(*os.File) error {
			if synced++; synced >= n {
				return full
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		o := s.options()
		o.Log = log
		shown := s.desk.seen.Len()
		out, err := Lead(t.Context(), o)
		if !errors.Is(err, full) || out.State == transcript.Closed {
			t.Fatalf("line %d: %+v, %v", n, out, err)
		}
		s.clean(p, err)
		if s.desk.seen.Len() == shown {
			t.Fatalf("line %d: nothing was shown", n)
		}
		if s.verified().State != transcript.Open { // the last line stands: only its fsync failed
			continue
		}
		s.renew("second")
		if out, err = s.resume(t.Context()); err != nil || out.State != transcript.Closed {
			t.Fatalf("line %d: resumed: %+v, %v", n, out, err)
		}
		s.sound()
	}
}

func TestALedgerThatFailsIsTriedAgain(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	tools := &locked{Tools: s.tools, times: 3}
	if _, err := s.runWith(tools); err != nil {
		t.Fatal(err)
	}
	if tools.times >= 0 || len(s.tools.Ledger()) == 0 {
		t.Error("the ledger was not tried again")
	}
	s.sound()
}

// locked is a ledger that is busy for a while.
type locked struct {
	Tools
	times int
}

func (l *locked) Hold(ctx context.Context, h Held) error {
	if l.times--; l.times >= 0 {
		return fault.New(fault.Busy, "the store is locked")
	}
	return l.Tools.Hold(ctx, h)
}

// knowing are tools with a store in which something lies under a key.
type knowing struct{ Tools }

func (knowing) Beneath(context.Context, *script.Key) ([]string, error) {
	return []string{"TEST-TPK#2", "device T-0001"}, nil
}

func TestADamagedBagNamesWhatLiesUnderItsKey(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	broken := false
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		switch {
		case !broken && strings.Contains(q.Format, `type "intact" or "damaged"`):
			broken = true
			return wordBroken, nil, true
		case broken && strings.HasPrefix(q.Format, "this cannot go on"):
			return "", ErrAbort, true
		}
		return "", nil, false
	}
	if _, err := s.runWith(knowing{s.tools}); err == nil {
		t.Fatal("it went on")
	}
	if seen := s.desk.seen.String(); !strings.Contains(seen, "under it: TEST-TPK#2") || !strings.Contains(seen,
		"device T-0001") {
		t.Error("what falls with the key is not named")
	}
	if !strings.Contains(string(s.record()), `"under":"TEST-TPK#2 device T-0001"`) && !strings.Contains(string(s.record()),
		"TEST-TPK#2") {
		t.Error("what falls with the key is not in the record")
	}
}

func TestOnlyDigitsThatMayBeSeenAreShown(t *testing.T) {
	p := newPartner(t, "partner")
	s := smallStage(t, p, false)
	long := p.key + "0123456789"
	s.desk.does = func(q text.Text, _ int) (string, error, bool) {
		switch {
		case strings.Contains(q.Format, "check value of the key as the other side told it"):
			return long, nil, true
		case strings.HasPrefix(q.Format, "this cannot go on"):
			return "", ErrAbort, true
		}
		return "", nil, false
	}
	_, _ = s.run(t.Context())
	for _, r := range s.verified().Records {
		if r.Check.Digits != "" && r.Details["algorithm"] == "" {
			t.Errorf("line %d: a check value without its algorithm", r.N)
		}
		if len(r.Check.Digits) > 6 || len(r.Expected.Digits) > 6 {
			t.Errorf("line %d: a check value of TDES with %d and %d digits", r.N, len(r.Check.Digits), len(r.Expected.Digits))
		}
	}
	if strings.Contains(s.desk.seen.String(), long[:12]) {
		t.Error("more of a check value is shown than may be seen")
	}
}

// TestAForgedRecordIsSeenThrough is about records whose bytes, chain and signatures are right.
func TestAForgedRecordIsSeenThrough(t *testing.T) {
	p := newPartner(t, "partner")
	program := smallStage(t, p, true).program
	k := &program.Script.Keys[0]
	check := kcv.Value{Method: kcv.Default(k.Algorithm), Digits: p.key}
	other := kcv.Value{Method: check.Method, Digits: "0A0B0C"}
	type hand func(e transcript.Entry)
	for _, c := range []struct {
		want  string
		write func(write hand, sign func(step int, who string))
	}{
		{"other-key", func(write hand, _ func(int, string)) {
			write(transcript.Entry{Kind: transcript.KindKept, Key: k.ID, Check: other})
		}},
		{"other-key", func(write hand, _ func(int, string)) {
			write(transcript.Entry{Kind: transcript.KindMade, Key: k.ID, Check: check})
			write(transcript.Entry{Kind: transcript.KindExported, Key: k.ID, Check: other})
		}},
		{"used-differs", func(write hand, _ func(int, string)) {
			write(transcript.Entry{Kind: transcript.KindChecked, Key: k.ID, Verdict: transcript.Differs})
			write(transcript.Entry{Kind: transcript.KindLoaded, Key: k.ID})
		}},
		{"began-with-errors", func(write hand, _ func(int, string)) {
			write(transcript.Entry{Kind: transcript.KindFinding, Details: map[string]string{"id": "one-part", "level": "error"}})
		}},
		{"without-stop", func(write hand, _ func(int, string)) {
			write(transcript.Entry{Kind: transcript.KindBegun, Step: 6, Who: "operator.a"})
			write(transcript.Entry{Kind: transcript.KindMade, Step: 6, Key: k.ID, Check: check})
		}},
		{"script-unconfirmed", func(write hand, sign func(int, string)) {
			write(transcript.Entry{Kind: transcript.KindBegun, Step: 1, Who: "leader.a"})
			sign(1, "leader.a")
			write(transcript.Entry{Kind: transcript.KindDone, Step: 1, Who: "leader.a"})
		}},
		{"not-confirmed", func(write hand, sign func(int, string)) { // the witness signed a deviation, and not the step
			write(transcript.Entry{Kind: transcript.KindBegun, Step: 1, Who: "leader.a"})
			sign(1, "leader.a")
			write(transcript.Entry{Kind: transcript.KindDeviation, Step: 1, Who: "leader.a",
				Details: map[string]string{"happened": "much"}})
			sign(1, "leader.a")
			sign(1, "witness.a")
			write(transcript.Entry{Kind: transcript.KindDone, Step: 1, Who: "leader.a"})
		}},
		{"not-signed", func(write hand, sign func(int, string)) { // signed before anything came of it
			write(transcript.Entry{Kind: transcript.KindBegun, Step: 2, Who: "custodian.a"})
			sign(2, "custodian.a")
			write(transcript.Entry{Kind: transcript.KindBag, Step: 2, Who: "custodian.a", Key: k.ID, Part: 1,
				Details: map[string]string{"event": eventReceived}})
			write(transcript.Entry{Kind: transcript.KindDone, Step: 2, Who: "custodian.a"})
		}},
		{"differs", func(write hand, sign func(int, string)) { // a deviation before does not cover it
			write(transcript.Entry{Kind: transcript.KindBegun, Step: 2, Who: "custodian.a"})
			write(transcript.Entry{Kind: transcript.KindDeviation, Step: 2, Who: "leader.a",
				Details: map[string]string{"happened": "much"}})
			sign(2, "leader.a")
			sign(2, "witness.a")
			write(transcript.Entry{Kind: transcript.KindBag, Step: 2, Who: "custodian.a", Key: k.ID, Part: 1,
				Verdict: transcript.Differs,
				Details: map[string]string{"event": eventReceived}})
			write(transcript.Entry{Kind: transcript.KindDone, Step: 2, Who: "custodian.a"})
		}},
	} {
		t.Run(c.want, func(t *testing.T) {
			v := forge(t, program, func(w *transcript.Log, id func(string) *custody.Identity) {
				write := func(e transcript.Entry) {
					if _, err := w.Write(e); err != nil {
						t.Fatal(err)
					}
				}
				for role, who := range map[string]string{"leader": "leader.a", "witness": "witness.a"} {
					write(transcript.Entry{Kind: transcript.KindAttended, Who: who, Card: id(who).Card().Marshal(),
						Details: map[string]string{"role": role}})
				}
				write(transcript.Entry{Kind: transcript.KindAttended, Who: "custodian.a", Key: k.ID, Part: 1,
					Card:    id("custodian.a").Card().Marshal(),
					Details: map[string]string{"role": roleCustodian}})
				c.write(write, func(step int, who string) {
					if _, err := w.Sign(step, id(who)); err != nil {
						t.Fatal(err)
					}
				})
			})
			if got := findings(v); !slices.Contains(got, c.want) {
				t.Errorf("found %v", got)
			}
		})
	}
}

// TestARecordWithOtherPeoplesCardsIsSeenThrough: the script says which card each person has.
func TestARecordWithOtherPeoplesCardsIsSeenThrough(t *testing.T) {
	card := func(id string) string {
		officer := testOfficer(id)
		defer officer.Wipe()
		return officer.Card().Fingerprint().String()
	}
	for _, c := range []struct {
		card string
		want bool
	}{{card("leader.a"), false}, {card("leader.b"), true}} {
		raw := strings.Replace(string(smallStage(t, newPartner(t, "partner"), true).program.Script.Raw()),
			"{id: leader.a, name: 'Leader A',", "{id: leader.a, name: 'Leader A', card: '"+c.card+"',", 1)
		v := forge(t, parsed(t, []byte(raw)), func(w *transcript.Log, id func(string) *custody.Identity) {
			e := transcript.Entry{Kind: transcript.KindAttended, Who: "leader.a", Card: id("leader.a").Card().Marshal(),
				Details: map[string]string{"role": "leader"}}
			if _, err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		})
		if got := slices.Contains(findings(v), "other-card"); got != c.want {
			t.Errorf("card %s…: found %v", c.card[:8], findings(v))
		}
	}
}

// breaking is a ledger before which the plug is pulled.
type breaking struct {
	Tools
	event string
	pull  context.CancelCauseFunc
	lost  Held
}

func (b *breaking) Hold(ctx context.Context, h Held) error {
	if h.Event == b.event && b.lost.Event == "" {
		b.lost = h
		b.pull(errCut)
		return errCut
	}
	return b.Tools.Hold(ctx, h)
}

// TestWhatWasHeldAtTheBreakIsInTheLedger: the line is written before it, and a step that was done is not done again.
func TestWhatWasHeldAtTheBreakIsInTheLedger(t *testing.T) {
	for _, event := range []string{eventReceived, eventOpened, eventEntered, eventDestroyed} {
		s := smallStage(t, newPartner(t, "partner"), true)
		ctx, pull := context.WithCancelCause(t.Context())
		b := &breaking{Tools: s.tools, event: event, pull: pull}
		log, err := transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode,
			Environment: custody.Test,
			Script:      s.program.Script.Raw(), Language: "en"}, logOptions())
		if err != nil {
			t.Fatal(err)
		}
		o := s.options()
		o.Log, o.Tools = log, b
		if _, err := Lead(ctx, o); !errors.Is(err, errCut) || b.lost.Event != event {
			t.Fatalf("%s: %v", event, err)
		}
		s.renew("second")
		if _, err := s.resume(t.Context()); err != nil {
			t.Fatalf("%s: %v", event, err)
		}
		if all := s.tools.Ledger(); len(all) == 0 || all[0].Event != event || all[0].Part != b.lost.Part ||
			all[0].Bag != b.lost.Bag ||
			all[0].Person.ID != b.lost.Person.ID {
			t.Errorf("%s is not in the ledger after the break", event)
		}
		s.sound()
	}
}
