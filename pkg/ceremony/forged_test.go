package ceremony

// Records that everybody was in league to forge: they are chained and signed as they should be, and say something else
// than the script.

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

// forgery is a record in the hands of those who forge it.
type forgery struct {
	t       *testing.T
	program *script.Program
	mode    transcript.Mode
	entries []transcript.Entry
	signers []string // of the note
}

// forgeryOf takes a sound record apart.
func forgeryOf(t *testing.T, s *stage) *forgery {
	t.Helper()
	v := s.sound("rehearsal", "left-out")
	if v.State != transcript.Closed {
		t.Fatalf("the record is %s", v.State)
	}
	f := &forgery{t: t, program: s.program, mode: s.mode, signers: slices.Clone(v.Signers)}
	for _, r := range v.Records {
		e := r.Entry
		e.Details = maps.Clone(e.Details)
		f.entries = append(f.entries, e)
	}
	return f
}

func (f *forgery) clone() *forgery {
	c := *f
	c.entries = slices.Clone(f.entries)
	for i := range c.entries {
		c.entries[i].Details = maps.Clone(c.entries[i].Details)
		c.entries[i].People = slices.Clone(c.entries[i].People)
	}
	return &c
}

// signed writes the record anew, chained and signed by everybody.
func (f *forgery) signed() *Verified {
	f.t.Helper()
	path := filepath.Join(f.t.TempDir(), "transcript.jsonl")
	h := transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: f.mode, Environment: f.program.Script.Environment,
		Script: f.program.Script.Raw(), Language: "en"}
	log, err := transcript.Create(path, h, logOptions())
	if err != nil {
		f.t.Fatal(err)
	}
	people := map[string]*custody.Identity{}
	id := func(who string) *custody.Identity {
		if people[who] == nil {
			people[who] = testOfficer(who)
			f.t.Cleanup(people[who].Wipe)
		}
		return people[who]
	}
	step := 0
	for i, e := range f.entries {
		switch e.Kind {
		case transcript.KindOpen:
			continue
		case transcript.KindResumed:
			if err := log.Abandon(); err != nil {
				f.t.Fatal(err)
			}
			if log, _, err = transcript.Resume(path, logOptions()); err == nil {
				_, err = log.Write(e)
			}
		case transcript.KindSigned:
			_, err = log.Sign(step, id(e.Who))
		case transcript.KindNote:
			var all []*custody.Identity
			for _, who := range f.signers {
				all = append(all, id(who))
			}
			statement, said := log.Statement()
			if said != nil {
				f.t.Fatal(said)
			}
			note, wrote := custody.SignNote(statement, all...)
			if wrote != nil {
				f.t.Fatal(wrote)
			}
			err = log.Close(note)
		default:
			_, err = log.Write(e)
		}
		if err != nil {
			f.t.Fatalf("line %d, %s: %v", i+1, string(e.Kind), err)
		}
		step = e.Step
	}
	if f.entries[len(f.entries)-1].Kind != transcript.KindNote {
		if err := log.Abandon(); err != nil {
			f.t.Fatal(err)
		}
	}
	r, err := os.Open(path)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	v, err := Verify(r)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, p := range v.Problems {
		f.t.Fatalf("line %d: %v", p.Line, p.Error)
	}
	return v
}

// at finds the nth line of a kind, from 1, in a step; 0 for any step.
func (f *forgery) at(kind transcript.Kind, step, nth int) int {
	f.t.Helper()
	for i, e := range f.entries {
		if e.Kind == kind && (step == 0 || e.Step == step) {
			if nth--; nth == 0 {
				return i
			}
		}
	}
	f.t.Fatalf("no line %s in step %d", string(kind), step)
	return 0
}

// said finds a word that somebody confirmed.
func (f *forgery) said(what string, step int) int {
	f.t.Helper()
	return slices.IndexFunc(f.entries, func(e transcript.Entry) bool {
		return e.Kind == transcript.KindConfirmed && e.Details["what"] == what && (step == 0 || e.Step == step)
	})
}

func (f *forgery) drop(i int) { f.entries = slices.Delete(f.entries, i, i+1) }

// change changes a line.
func (f *forgery) change(i int, how func(e *transcript.Entry)) { how(&f.entries[i]) }

// set puts a detail in place.
func (f *forgery) set(kind transcript.Kind, detail, value string) {
	f.change(f.at(kind, 0, 1), func(e *transcript.Entry) { e.Details[detail] = value })
}

// unset takes one out.
func (f *forgery) unset(kind transcript.Kind, detail string) {
	f.change(f.at(kind, 0, 1), func(e *transcript.Entry) { delete(e.Details, detail) })
}

// to makes everybody a party to something else: what fn gives for each line.
func (f *forgery) all(fn func(e *transcript.Entry)) {
	for i := range f.entries {
		fn(&f.entries[i])
	}
}

// cutAfter leaves nothing behind a line, and gives the ceremony up there.
func (f *forgery) cutAfter(i int) {
	f.entries = append(slices.Clone(f.entries[:i+1]), transcript.Entry{Kind: transcript.KindAborted, Step: f.entries[i].Step,
		Details: map[string]string{"why": "not said"}})
}

// endedBy has a ceremony that was given up signed.
func (f *forgery) endedBy(who ...string) {
	last := f.entries[len(f.entries)-1]
	for _, id := range who {
		f.entries = append(f.entries, transcript.Entry{Kind: transcript.KindConfirmed, Step: last.Step, Who: id,
			Details: map[string]string{"what": transcript.SaidLogIn}})
	}
	f.entries = append(f.entries, transcript.Entry{Kind: transcript.KindClosing, Step: last.Step, People: who},
		transcript.Entry{Kind: transcript.KindNote})
	f.signers = who
}

const other = "0A0B0C"

func digits(e *transcript.Entry, d string) {
	if e.Check.Digits != "" {
		e.Check.Digits = d
	}
}

// errorsOf are the findings that keep a record from verifying.
func errorsOf(v *Verified) []string {
	var ids []string
	for _, f := range v.Findings {
		if f.Level == script.Error {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// forgeries are what people in league may write. Each stands for one field, or one line.
type forgeries map[string]func(f *forgery)

func (all forgeries) seenThrough(t *testing.T, sound *forgery) {
	t.Helper()
	if got := errorsOf(sound.clone().signed()); len(got) > 0 {
		t.Fatalf("the sound record, signed anew: %v", got)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			f := sound.clone()
			f.t = t
			all[name](f)
			if len(errorsOf(f.signed())) == 0 {
				t.Error("it verifies")
			}
		})
	}
}

// leavesOutWarnings holds that a record without the warnings of its check is told of, and is not refused: the rules that
// give them may be younger than the record.
func leavesOutWarnings(t *testing.T, sound *forgery) {
	t.Helper()
	f := sound.clone()
	f.t = t
	f.entries = slices.DeleteFunc(f.entries, func(e transcript.Entry) bool { return e.Details["level"] == "warning" })
	v := f.signed()
	told := slices.ContainsFunc(v.Findings, func(x script.Finding) bool {
		return x.ID == "finding-left-out" && x.Level == script.Warning
	})
	if !told || len(errorsOf(v)) > 0 {
		t.Errorf("%+v", v.Findings)
	}
}

// TestAReceivedKeyIsNotForgedByAll: a partner's key is received in two bags, formed, compared, kept, its sheets
// destroyed.
func TestAReceivedKeyIsNotForgedByAll(t *testing.T) {
	p := newPartner(t, "partner")
	s := smallStage(t, p, true)
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	word := func(kind transcript.Kind, detail, value string) func(*forgery) {
		return func(f *forgery) { f.set(kind, detail, value) }
	}
	without := func(kind transcript.Kind, step int) func(*forgery) {
		return func(f *forgery) { f.drop(f.at(kind, step, 1)) }
	}
	forgeries{
		"a bag in another step": func(f *forgery) {
			bag := f.entries[f.at(transcript.KindBag, 3, 1)]
			f.drop(f.at(transcript.KindBag, 3, 1))
			bag.Step = 2
			i := f.at(transcript.KindBag, 2, 1)
			f.entries = slices.Insert(f.entries, i+1, bag)
		},
		"a key kept outside of any step": func(f *forgery) {
			kept := f.entries[f.at(transcript.KindKept, 0, 1)]
			kept.Step = 0
			i := f.at(transcript.KindDone, 8, 1)
			f.entries = slices.Insert(f.entries, i+1, kept)
		},
		"a key made twice": func(f *forgery) {
			made := f.entries[f.at(transcript.KindMade, 6, 1)]
			made.Step = 7
			i := f.at(transcript.KindBegun, 7, 1)
			f.entries = slices.Insert(f.entries, i+1, made)
		},
		"a part typed by the witness": func(f *forgery) {
			f.change(f.at(transcript.KindEntered, 4, 1), func(e *transcript.Entry) { e.Who = "witness.a" })
		},
		"a part typed by the backup, and signed by the custodian": func(f *forgery) {
			f.change(f.at(transcript.KindEntered, 4, 1), func(e *transcript.Entry) { e.Who = "backup.a" })
		},
		"a bag received by the other custodian": func(f *forgery) {
			f.change(f.at(transcript.KindBag, 2, 1), func(e *transcript.Entry) { e.Who = "custodian.b" })
		},
		"a step of another person": func(f *forgery) {
			f.change(f.at(transcript.KindDone, 8, 1), func(e *transcript.Entry) { e.Who = "leader.a" })
		},
		"somebody who is nobody": func(f *forgery) {
			f.change(f.at(transcript.KindBag, 2, 1), func(e *transcript.Entry) { e.Who = "stranger.a" })
		},
		"a part of the other number": func(f *forgery) {
			f.change(f.at(transcript.KindEntered, 4, 1), func(e *transcript.Entry) { e.Part = 2 })
		},
		"another label":         word(transcript.KindKept, "label", "TEST-OTHER"),
		"a label with a tail":   word(transcript.KindKept, "label", "TEST-ZMK2"),
		"another label, made":   word(transcript.KindMade, "label", "TEST-OTHER"),
		"another way of making": word(transcript.KindMade, "how", "drawn"),
		"another algorithm": func(f *forgery) {
			f.all(func(e *transcript.Entry) {
				if e.Kind == transcript.KindMade {
					e.Details["algorithm"] = "tdes-192"
				}
			})
		},
		"another serial":   word(transcript.KindBag, "serial", "BAG-9"),
		"no serial":        func(f *forgery) { f.unset(transcript.KindBag, "serial") },
		"another channel":  word(transcript.KindBag, "channel", "Courier B"),
		"no channel":       func(f *forgery) { f.unset(transcript.KindBag, "channel") },
		"an outer bag":     word(transcript.KindBag, "outer", "OUTER-1"),
		"another event":    word(transcript.KindBag, "event", eventSealed),
		"no state":         func(f *forgery) { f.unset(transcript.KindBag, "state") },
		"an unknown state": word(transcript.KindBag, "state", "wet"),
		"no verdict on a bag": func(f *forgery) {
			f.change(f.at(transcript.KindBag, 2, 1), func(e *transcript.Entry) { e.Verdict = "" })
		},
		"a bag that was not compared": func(f *forgery) {
			f.change(f.at(transcript.KindBag, 2, 1), func(e *transcript.Entry) { e.Verdict = transcript.Compared })
		},
		"a damaged bag, its part used": func(f *forgery) {
			f.change(f.at(transcript.KindBag, 4, 1), func(e *transcript.Entry) { e.Details["state"] = wordBroken })
		},
		"a damaged bag received": word(transcript.KindBag, "state", wordBroken),
		"a damaged bag, opened as an intact one": func(f *forgery) {
			i := f.at(transcript.KindBag, 4, 1)
			broken := f.entries[i]
			broken.Details = maps.Clone(broken.Details)
			broken.Details["state"] = wordBroken
			f.entries = slices.Insert(f.entries, i, broken)
		},
		"a part from a bag that nobody opened": without(transcript.KindBag, 4),
		"both parts in one bag": func(f *forgery) {
			f.all(func(e *transcript.Entry) {
				if e.Kind == transcript.KindBag {
					e.Details["serial"] = "BAG-1"
				}
			})
		},
		"another way of destroying":       word(transcript.KindDestroyed, "how", "burnt"),
		"another bag destroyed":           word(transcript.KindDestroyed, "bag", "BAG-9"),
		"a key kept without check value":  func(f *forgery) { f.change(f.at(transcript.KindKept, 0, 1), noCheck) },
		"a key made without check value":  func(f *forgery) { f.change(f.at(transcript.KindMade, 0, 1), noCheck) },
		"a part typed without its check":  func(f *forgery) { f.change(f.at(transcript.KindEntered, 0, 1), noCheck) },
		"another key kept":                func(f *forgery) { f.change(f.at(transcript.KindKept, 0, 1), otherCheck) },
		"another part typed":              func(f *forgery) { f.change(f.at(transcript.KindEntered, 0, 1), otherCheck) },
		"a key kept by another method":    func(f *forgery) { f.change(f.at(transcript.KindKept, 0, 1), otherMethod) },
		"another key from the start":      func(f *forgery) { f.all(func(e *transcript.Entry) { wholeKey(e, other, false) }) },
		"another key, kept without check": func(f *forgery) { f.all(func(e *transcript.Entry) { wholeKey(e, other, true) }) },
		"another part from the start": func(f *forgery) {
			f.all(func(e *transcript.Entry) {
				if e.Part == 1 {
					digits(e, other)
					if e.Expected.Digits != "" {
						e.Expected.Digits = other
					}
				}
			})
		},
		"parts with one check value": func(f *forgery) {
			f.all(func(e *transcript.Entry) {
				if e.Part == 2 && e.Check.Digits != "" {
					e.Check.Digits = p.checks[0]
					if e.Expected.Digits != "" {
						e.Expected.Digits = p.checks[0]
					}
				}
			})
		},
		"a comparison that agrees with nothing": func(f *forgery) {
			i := f.at(transcript.KindChecked, 7, 1)
			f.change(i, func(e *transcript.Entry) { e.Verdict, e.Expected = transcript.Compared, kcv.Value{} })
		},
		"a step without its comparison":    without(transcript.KindChecked, 7),
		"a key formed without comparison":  without(transcript.KindChecked, 6),
		"a part typed without comparison":  without(transcript.KindChecked, 4),
		"a log-in left out":                func(f *forgery) { f.drop(f.said(transcript.SaidLogIn, 8)) },
		"every log-in left out":            func(f *forgery) { f.dropAll(transcript.SaidLogIn) },
		"the log-ins of the end left out":  func(f *forgery) { f.dropLast(transcript.SaidLogIn) },
		"the word at a stop left out":      func(f *forgery) { i := f.said(transcript.SaidStop, 8); f.drop(i); f.drop(i) },
		"another phrase at a stop":         func(f *forgery) { f.word(transcript.SaidStop, "phrase", "form ZMK again") },
		"the second person's word missing": func(f *forgery) { i := f.said(transcript.SaidStep, 7); f.drop(i); f.drop(i) },
		"the last word of another step": func(f *forgery) {
			f.change(f.said(transcript.SaidAway, 0), func(e *transcript.Entry) { e.Details["what"] = transcript.SaidRead })
		},
		"the script confirmed by nobody": func(f *forgery) { f.drop(f.said(transcript.SaidScript, 0)) },
		"a step left out": func(f *forgery) {
			f.entries = slices.DeleteFunc(f.entries, func(e transcript.Entry) bool { return e.Step == 9 })
		},
		"a step with another verb": func(f *forgery) {
			f.change(f.at(transcript.KindBegun, 7, 1), func(e *transcript.Entry) { e.Details["verb"] = "inspect" })
		},
		"a stranger at the end": func(f *forgery) {
			f.change(f.at(transcript.KindClosing, 0, 1), func(e *transcript.Entry) { e.People = append(e.People, "stranger.a") })
		},
		"somebody left out at the end": func(f *forgery) {
			f.change(f.at(transcript.KindClosing, 0, 1), func(e *transcript.Entry) { e.People = e.People[1:] })
		},
		"somebody did not sign the end": func(f *forgery) { f.signers = f.signers[1:] },
		"a backup called the primary": func(f *forgery) {
			f.change(f.at(transcript.KindAttended, 0, 1), func(e *transcript.Entry) { e.Details["seat"] = seatBackup })
		},
		"cut off, and given up by nobody": func(f *forgery) { f.cutAfter(f.at(transcript.KindKept, 0, 1)) },
		"cut off early, and given up by nobody": func(f *forgery) {
			f.cutAfter(f.at(transcript.KindBegun, 2, 1))
		},
		"cut off, and given up by the operator alone": func(f *forgery) {
			f.cutAfter(f.at(transcript.KindBegun, 2, 1))
			f.endedBy("operator.a", "custodian.a")
		},
		"cut off after a key was kept, and given up by the leader alone": func(f *forgery) {
			f.cutAfter(f.at(transcript.KindKept, 0, 1))
			f.endedBy("leader.a")
		},
	}.seenThrough(t, forgeryOf(t, s))
	leavesOutWarnings(t, forgeryOf(t, s))
}

func noCheck(e *transcript.Entry)    { e.Check = kcv.Value{} }
func otherCheck(e *transcript.Entry) { e.Check.Digits = other }
func otherMethod(e *transcript.Entry) {
	e.Check = kcv.Value{Method: "cmac", Digits: other}
	delete(e.Details, "algorithm")
}

// wholeKey gives the whole key another check value, with or without the line that keeps it.
func wholeKey(e *transcript.Entry, d string, but bool) {
	if e.Part != 0 {
		return
	}
	digits(e, d)
	if e.Expected.Digits != "" {
		e.Expected.Digits = d
	}
	if but && (e.Kind == transcript.KindKept || e.Kind == transcript.KindMade) {
		e.Check = kcv.Value{}
	}
}

func (f *forgery) word(what, detail, value string) {
	f.change(f.said(what, 0), func(e *transcript.Entry) { e.Details[detail] = value })
}

func (f *forgery) dropAll(what string) {
	f.entries = slices.DeleteFunc(f.entries, func(e transcript.Entry) bool { return e.Details["what"] == what })
}

// dropLast takes a word out behind the last step.
func (f *forgery) dropLast(what string) {
	last := 0
	for i, e := range f.entries {
		if e.Kind == transcript.KindDone {
			last = i
		}
	}
	f.entries = append(f.entries[:last+1:last+1], slices.DeleteFunc(slices.Clone(f.entries[last+1:]),
		func(e transcript.Entry) bool { return e.Details["what"] == what })...)
}

// TestASentKeyIsNotForgedByAll: a key is drawn, printed, sealed, sent, kept and exported.
func TestASentKeyIsNotForgedByAll(t *testing.T) {
	s := newStage(t, template(t, script.ZMKExchange), transcript.Run)
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	sound := forgeryOf(t, s)
	all := forgeries{
		"another sheet than was printed": func(f *forgery) { f.change(f.at(transcript.KindPrinted, 0, 1), otherCheck) },
		"a step that begins twice": func(f *forgery) {
			i := f.at(transcript.KindBegun, 3, 1)
			f.entries = slices.Insert(f.entries, i, f.entries[i])
		},
		"a step begun by another person": func(f *forgery) {
			f.change(f.at(transcript.KindBegun, 3, 1), func(e *transcript.Entry) { e.Who = "custodian.a" })
		},
		"another set":    func(f *forgery) { f.set(transcript.KindPrinted, "set", "ZZZZ") },
		"no set":         func(f *forgery) { f.unset(transcript.KindPrinted, "set") },
		"a sheet unread": func(f *forgery) { f.drop(f.checked(itemLegible)) },
		"a sheet of another person": func(f *forgery) {
			f.change(f.at(transcript.KindPrinted, 0, 1), func(e *transcript.Entry) { e.Who = "witness.a" })
		},
		"a sheet destroyed and not printed again": func(f *forgery) {
			i := f.at(transcript.KindPrinted, 0, 1)
			e := f.entries[i]
			e.Kind, e.Check, e.Details = transcript.KindDestroyed, kcv.Value{}, map[string]string{"how": misprinted}
			f.entries = slices.Insert(f.entries, i+1, e)
		},
		"nothing said": func(f *forgery) { f.drop(f.at(transcript.KindSaid, 0, 1)) },
		"something else said": func(f *forgery) {
			f.set(transcript.KindSaid, "text", "everything is as it should be")
		},
		"sheets with one check value": func(f *forgery) {
			first := f.entries[f.at(transcript.KindPrinted, 0, 1)].Check
			f.all(func(e *transcript.Entry) {
				if e.Part != 0 && e.Check.Digits != "" {
					e.Check = first
					if e.Expected.Digits != "" {
						e.Expected = first
					}
				}
			})
		},
		"sent by another way": func(f *forgery) {
			f.all(func(e *transcript.Entry) {
				if e.Details["event"] == eventSent {
					e.Details["channel"] = "on foot"
				}
			})
		},
		"sent in another bag": func(f *forgery) {
			f.all(func(e *transcript.Entry) {
				if e.Details["event"] == eventSent && e.Part == 1 {
					e.Details["serial"] = "BAG-9"
				}
			})
		},
		"all sealed in one bag": func(f *forgery) {
			f.all(func(e *transcript.Entry) {
				if e.Kind == transcript.KindBag {
					e.Details["serial"] = "BAG-9"
				}
			})
		},
	}
	all.seenThrough(t, sound)
}

// checked finds a comparison by what it is of.
func (f *forgery) checked(what string) int {
	f.t.Helper()
	i := slices.IndexFunc(f.entries, func(e transcript.Entry) bool {
		return e.Kind == transcript.KindChecked && e.Details["what"] == what
	})
	if i < 0 {
		f.t.Fatalf("no comparison of %s", what)
	}
	return i
}

// stored is a ceremony with a key that lies in the store.
func stored(t *testing.T, raw string) *stage {
	t.Helper()
	s := newStage(t, parsed(t, []byte(raw)), transcript.Run)
	made, err := s.tools.Find(t.Context(), &s.program.Script.Keys[0])
	if err != nil {
		t.Fatal(err)
	}
	s.desk.values["PEK"] = made.Check.Digits
	return s
}

// TestWhereAKeyWentIsNotForgedByAll: a key of the store leaves in a block, another one into a device.
func TestWhereAKeyWentIsNotForgedByAll(t *testing.T) {
	load := newStage(t, template(t, script.Injection), transcript.Run)
	if _, err := load.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	forgeries{
		"another device": func(f *forgery) { f.set(transcript.KindLoaded, "device", "SN-9") },
		"another slot":   func(f *forgery) { f.set(transcript.KindLoaded, "slot", "77") },
		"no proof":       func(f *forgery) { f.unset(transcript.KindLoaded, "proof") },
		"no check value": func(f *forgery) { f.change(f.at(transcript.KindLoaded, 0, 1), noCheck) },
		"another key":    func(f *forgery) { f.change(f.at(transcript.KindLoaded, 0, 1), otherCheck) },
		"never looked up": func(f *forgery) {
			f.entries = slices.DeleteFunc(f.entries, func(e transcript.Entry) bool { return e.Details["label"] != "" })
		},
		"another key looked up": func(f *forgery) { f.set(transcript.KindChecked, "label", "TEST-OTHER") },
	}.seenThrough(t, forgeryOf(t, load))
	block := stored(t, strings.Replace(storedScript, "    check: \"000000\"\n", "", 1))
	if _, err := block.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	header := func(at int, c string) func(*forgery) {
		return func(f *forgery) {
			f.change(f.at(transcript.KindExported, 0, 1), func(e *transcript.Entry) {
				h := e.Details["header"]
				e.Details["header"] = h[:at] + c + h[at+1:]
			})
		}
	}
	forgeries{
		"another file":              func(f *forgery) { f.set(transcript.KindExported, "file", "other.txt") },
		"no hash":                   func(f *forgery) { f.unset(transcript.KindExported, "sha256") },
		"no header":                 func(f *forgery) { f.unset(transcript.KindExported, "header") },
		"a header of another usage": header(5, "K"),
		"a header of another kind":  header(7, "T"),
		"no check value":            func(f *forgery) { f.change(f.at(transcript.KindExported, 0, 1), noCheck) },
		"another key":               func(f *forgery) { f.change(f.at(transcript.KindExported, 0, 1), otherCheck) },
		"compared with nothing": func(f *forgery) { // the look-up alone is no comparison
			i := f.at(transcript.KindChecked, 2, 2)
			f.drop(i)
		},
	}.seenThrough(t, forgeryOf(t, block))
}

// TestWhatWasSeenIsNotForgedByAll: numbers are read off, a key is destroyed.
func TestWhatWasSeenIsNotForgedByAll(t *testing.T) {
	raw := strings.Replace(storedScript, "    check: \"000000\"\n", "", 1)
	raw = strings.Replace(raw, "  - {do: export, key: PEK}\n", `  - {do: inspect, item: 'the seal', expect: 'SEAL 7'}
  - {do: inspect, item: 'the clock'}
  - {do: pause}
  - {do: destroy-key, key: PEK, method: 'no longer used'}
`, 1)
	raw = strings.Replace(raw, "    outputs:\n      - {to: block, file: pek.txt, kbpk: TEST-ZMK}\n", "", 1)
	s := stored(t, raw)
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := func(nth int, how func(e *transcript.Entry)) func(*forgery) {
		return func(f *forgery) { f.change(f.at(transcript.KindObserved, 0, nth), how) }
	}
	forgeries{
		"another seal, and it agrees": seen(1, func(e *transcript.Entry) { e.Details["seen"] = "SEAL 8" }),
		"another seal was expected": seen(1, func(e *transcript.Entry) {
			e.Details["seen"], e.Details["expected"] = "SEAL 8", "SEAL 8"
		}),
		"nothing was expected": seen(1, func(e *transcript.Entry) {
			delete(e.Details, "expected")
			e.Verdict = transcript.Compared
		}),
		"no verdict on a seal":        seen(1, func(e *transcript.Entry) { e.Verdict = "" }),
		"no seal seen":                seen(1, func(e *transcript.Entry) { delete(e.Details, "seen") }),
		"another thing was looked at": seen(1, func(e *transcript.Entry) { e.Details["item"] = "the door" }),
		"seen by the witness":         seen(1, func(e *transcript.Entry) { e.Who = "witness.a" }),
		"no verdict on a clock":       seen(2, func(e *transcript.Entry) { e.Verdict = "" }),
		"nobody came back":            func(f *forgery) { f.drop(f.said(transcript.SaidBack, 0)) },
		"another reason":              func(f *forgery) { f.set(transcript.KindDestroyed, "reason", "because") },
		"another key destroyed":       func(f *forgery) { f.set(transcript.KindDestroyed, "label", "TEST-OTHER") },
		"another value destroyed":     func(f *forgery) { f.change(f.at(transcript.KindDestroyed, 0, 1), otherCheck) },
	}.seenThrough(t, forgeryOf(t, s))
}

// TestABreakIsNotForgedAway: a deviation says what happened at each.
func TestABreakIsNotForgedAway(t *testing.T) {
	s := smallStage(t, newPartner(t, "partner"), true)
	if _, err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole := strings.SplitAfter(string(s.record()), "\n")
	at := slices.IndexFunc(whole, func(line string) bool { return strings.Contains(line, fmt.Sprintf(`"kind":"done","step":%d`, 3)) })
	s = smallStage(t, newPartner(t, "partner"), true)
	s.left([]byte(strings.Join(whole[:at+1], "")))
	s.renew("second")
	if _, err := s.resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	forgeries{
		"no deviation": func(f *forgery) {
			i := f.at(transcript.KindDeviation, 0, 1)
			f.entries = slices.Delete(f.entries, i, i+3)
		},
		"a deviation that says nothing":    func(f *forgery) { f.unset(transcript.KindDeviation, "happened") },
		"a deviation without the witness":  func(f *forgery) { f.drop(f.at(transcript.KindDeviation, 0, 1) + 2) },
		"a deviation that decides nothing": func(f *forgery) { f.unset(transcript.KindDeviation, "decided") },
	}.seenThrough(t, forgeryOf(t, s))
}
