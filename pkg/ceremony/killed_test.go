package ceremony

// Kills between what a tool does and the line about it: the work is done, and the record does not know.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/component"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
)

// shelf is a store that outlives processes: every key that was made lies there, in one state at a time.
type shelf struct {
	rows []row
}

type row struct {
	key, label, state string
	made              Made
}

const (
	lies, inUse, destroyed = "pre-activation", "active", "destroyed"
)

// find gives a row by its key, or by a label with its version; the newest that is not destroyed, unless it is named.
func (s *shelf) find(k *script.Key) *row {
	for i := len(s.rows) - 1; i >= 0; i-- {
		r := &s.rows[i]
		if r.label == k.Label || r.key == k.ID && r.state != destroyed && !strings.Contains(k.Label, "#") {
			return r
		}
	}
	return nil
}

// mortal are tools of a process that is killed when a piece of work is done, before anybody hears of it.
type mortal struct {
	Tools
	shelf *shelf
	at    string // the work after which it is killed; "" never
	kill  context.CancelCauseFunc
	dead  bool
	found map[string]string // label by key, as it was found last
}

// done is the end of a piece of work.
func (m *mortal) done(work string, err error) error {
	if err != nil {
		return err
	}
	if m.at == work && !m.dead {
		m.dead = true
		m.kill(errCut)
		return errCut
	}
	return nil
}

func (m *mortal) lay(k *script.Key, made Made) Made {
	made.Label = fmt.Sprintf("%s#%d", (&keyState{Key: k}).label(), len(m.shelf.rows)+1)
	m.shelf.rows = append(m.shelf.rows, row{k.ID, made.Label, lies, made})
	return made
}

func (m *mortal) Generate(ctx context.Context, k *script.Key) (Made, error) {
	made, err := m.Tools.Generate(ctx, k)
	if err == nil {
		made = m.lay(k, made)
	}
	return made, m.done("generate", err)
}

func (m *mortal) Split(ctx context.Context, k *script.Key) ([]*component.Part, error) {
	parts, err := m.Tools.Split(ctx, k)
	if err = m.done("split", err); err != nil {
		component.WipeAll(parts)
		return nil, err
	}
	return parts, nil
}

func (m *mortal) Form(ctx context.Context, k *script.Key, f hsm.Forming) (Made, error) {
	made, err := m.Tools.Form(ctx, k, f)
	if err == nil {
		made = m.lay(k, made)
	}
	return made, m.done("form", err)
}

func (m *mortal) Find(ctx context.Context, k *script.Key) (Made, error) {
	r := m.shelf.find(k)
	if r == nil {
		return Made{}, fault.New(fault.NotFound, "the store has no key %s", k.ID)
	}
	m.found[k.ID] = r.label
	found := r.made
	found.Label, found.Gone, found.Idle = r.label, r.state == destroyed, r.state == lies
	return found, m.done("find", nil)
}

func (m *mortal) Keep(ctx context.Context, k *script.Key, o *script.Output) (Made, error) {
	made, err := m.Tools.Keep(ctx, k, o)
	if r := m.shelf.find(k); err == nil {
		r.state, made.Label = inUse, r.label
	}
	return made, m.done("keep", err)
}

func (m *mortal) DestroyKey(_ context.Context, k *script.Key, _ string) error {
	as := *k
	as.Label = m.found[k.ID]
	r := m.shelf.find(&as)
	if r == nil {
		return fault.New(fault.NotFound, "the store has no key %s", k.ID)
	}
	r.state = destroyed
	return m.done("destroy", nil)
}

func (m *mortal) Print(ctx context.Context, write func(io.Writer) error) error {
	return m.done("print", m.Tools.Print(ctx, write))
}

func (m *mortal) Hold(ctx context.Context, h Held) error {
	return m.done("hold "+h.Event, m.Tools.Hold(ctx, h))
}

func (m *mortal) Export(ctx context.Context, k *script.Key, o *script.Output) (Exported, error) {
	x, err := m.Tools.Export(ctx, k, o)
	return x, m.done("export", err)
}

func (m *mortal) Load(ctx context.Context, k *script.Key, o *script.Output) (Loaded, error) {
	x, err := m.Tools.Load(ctx, k, o)
	return x, m.done("load", err)
}

// Forget is nothing that the dead do.
func (m *mortal) Forget(ctx context.Context) error {
	if m.dead {
		return nil
	}
	return m.Tools.Forget(ctx)
}

// killedAt plays a ceremony whose process is killed after a piece of work, and goes on with another process.
func (s *stage) killedAt(at string, on *shelf) (Outcome, error) {
	s.t.Helper()
	ctx, kill := context.WithCancelCause(s.t.Context())
	defer kill(nil)
	log, err := transcript.Create(s.path, transcript.Head{Ceremony: "20261201-7F3A91C2", Mode: s.mode,
		Environment: custody.Test,
		Script:      s.program.Script.Raw(), Language: "en"}, logOptions())
	if err != nil {
		s.t.Fatal(err)
	}
	o := s.options()
	o.Log, o.Tools = log, &mortal{Tools: s.tools, shelf: on, at: at, kill: kill, found: map[string]string{}}
	if out, err := Lead(ctx, o); !errors.Is(err, errCut) || out.State != transcript.Open {
		s.t.Fatalf("it was not killed after %s: %+v, %v", at, out, err)
	}
	s.renew("second")
	log, before, err := transcript.Resume(s.path, logOptions())
	if err != nil {
		s.t.Fatal(err)
	}
	o = s.options()
	o.Log, o.Before, o.Tools = log, before, &mortal{Tools: s.tools, shelf: on, found: map[string]string{}}
	return Lead(s.t.Context(), o)
}

// keptIn are the labels that the record knows as kept.
func keptIn(v *Verified) []string {
	var all []string
	for _, r := range v.Records {
		if r.Kind == transcript.KindKept {
			all = append(all, r.Details["label"])
		}
	}
	return all
}

func TestAKillBetweenTheWorkAndItsLineIsOvercome(t *testing.T) {
	p := newPartner(t, "partner")
	for _, c := range []struct {
		kind script.Kind
		at   []string
	}{
		{script.TMK, []string{"generate", "split", "print", "keep", "hold printed", "hold sealed"}},
		{script.ZMKExchange, []string{"generate", "print", "hold sent"}},
		{script.Injection, []string{"find", "load"}},
		{script.ZMKReceive, []string{"form", "keep", "hold received", "hold opened", "hold entered"}},
	} {
		for _, at := range c.at {
			t.Run(string(c.kind)+" "+at, func(t *testing.T) {
				s := newStage(t, template(t, c.kind), transcript.Run)
				if c.kind == script.ZMKReceive {
					s = smallStage(t, p, true)
				}
				on := &shelf{}
				for i := range s.program.Script.Keys { // what is in the store already
					if k := &s.program.Script.Keys[i]; k.Source == script.Stored {
						made, err := s.tools.Generate(t.Context(), k)
						if err != nil {
							t.Fatal(err)
						}
						s.tools.kept[k.ID] = testLabel(k)
						on.rows = append(on.rows, row{k.ID, k.Label + "#1", inUse, made})
					}
				}
				out, err := s.killedAt(at, on)
				if err != nil || out.State != transcript.Closed || out.Deviations != 1 {
					t.Fatalf("%+v, %v\n%s", out, err, s.desk.seen.String())
				}
				v := s.sound()
				kept := keptIn(v)
				for _, label := range kept {
					if i := slices.IndexFunc(on.rows, func(r row) bool { return r.label == label }); i < 0 ||
						on.rows[i].state != inUse {
						t.Errorf("by the record %s is in use", label)
					}
				}
				if want := lines(whole(t, s), transcript.KindKept, nil); len(kept) != want {
					t.Errorf("kept %v, want %d", kept, want)
				}
				void := lines(v, transcript.KindVoid, func(r transcript.Record) bool {
					return strings.Contains(r.Details["why"],
						"the sheet is destroyed")
				})
				if strings.Contains(at, "print") && void == 0 {
					t.Error("a sheet was printed, and nobody says that it is void")
				}
			})
		}
	}
}

// whole is the record of the same ceremony without a kill.
func whole(t *testing.T, s *stage) *Verified {
	t.Helper()
	other := newStage(t, s.program, transcript.Run)
	other.desk.sheets, other.desk.parts = s.desk.sheets, s.desk.parts
	if _, err := other.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return other.verified()
}

// TestAKillAfterADestructionDestroysNothingElse: of the label there is an older version, which nobody asked about.
func TestAKillAfterADestructionDestroysNothingElse(t *testing.T) {
	s := newStage(t, template(t, script.Destruction), transcript.Run)
	k := &s.program.Script.Keys[0]
	on := &shelf{}
	for i := range 2 {
		made, err := s.tools.Generate(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		on.rows = append(on.rows, row{k.ID, fmt.Sprintf("%s#%d", k.Label, i+1), inUse, made})
	}
	out, err := s.killedAt("destroy", on)
	if err != nil || out.State != transcript.Closed {
		t.Fatalf("%+v, %v\n%s", out, err, s.desk.seen.String())
	}
	if one, two := on.rows[0].state, on.rows[1].state; one != inUse || two != destroyed {
		t.Errorf("the older version is %s, that of the script %s", one, two)
	}
	v := s.sound()
	if lines(v, transcript.KindDestroyed, func(r transcript.Record) bool { return r.Part == 0 }) != 1 {
		t.Error("the record does not say that it was destroyed")
	}
	if !s.desk.alarmed("was destroyed before the break") {
		t.Error("nobody says that it was destroyed before")
	}
}
