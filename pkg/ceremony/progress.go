package ceremony

// Which steps are done: one answer for those who go on after a break, who verify, and who look.

import (
	"strconv"
	"strings"

	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
)

// Progress is how far a ceremony came. A step that a break or a wrong key made void is not done until it is done again.
type Progress struct {
	steps []script.Planned
	done  map[int]bool
	acted map[int]bool // what a step must leave is there
}

// ProgressOf reads the lines of a record against its program.
func ProgressOf(p *script.Program, records []transcript.Record) *Progress {
	g := newProgress(p)
	for _, r := range records {
		g.follow(r)
	}
	return g
}

func newProgress(p *script.Program) *Progress {
	return &Progress{steps: p.Steps, done: map[int]bool{}, acted: map[int]bool{}}
}

// Done reports whether a step is over, and stayed so.
func (g *Progress) Done(step int) bool { return g.done[step] }

// Count is how many steps are done.
func (g *Progress) Count() int { return len(g.done) }

// Next is the first step that is not done; ok is false when there is none.
func (g *Progress) Next() (next script.Planned, ok bool) {
	for _, s := range g.steps {
		if !g.done[s.Number] {
			return s, true
		}
	}
	return script.Planned{}, false
}

// follow takes in what a line says.
func (g *Progress) follow(r transcript.Record) {
	undo(g.done, r)
	undo(g.acted, r)
	switch r.Kind {
	case transcript.KindVoid:
		if r.Step == 0 { // by a break; in a step it is followed by what came of it
			g.voided(r.Key, r.Part)
		}
	case transcript.KindDestroyed:
		if p := g.step(r.Step); p != nil && p.Step.Do == script.PrintPart {
			delete(g.acted, r.Step) // a misprint
		}
	case transcript.KindBegun:
		if p := g.step(r.Step); p != nil && !verbs()[p.Step.Do].once {
			delete(g.acted, r.Step)
		}
	case transcript.KindDone:
		if g.step(r.Step) != nil {
			g.done[r.Step] = true
		}
	}
	if p := g.step(r.Step); p != nil && isResult(p, r) && (r.Details["state"] != wordBroken || g.onlyDestroyed(p)) {
		g.acted[r.Step] = true
	}
}

// onlyDestroyed reports whether nothing but its destruction comes of the part of a step: of others a damaged bag is no
// result, since what was in it is not used.
func (g *Progress) onlyDestroyed(p *script.Planned) bool {
	destroyed := false
	for _, s := range g.steps {
		if s.Step.Key != p.Step.Key || s.Step.Part != p.Step.Part {
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

func (g *Progress) step(n int) *script.Planned {
	if n < 1 || n > len(g.steps) {
		return nil
	}
	return &g.steps[n-1]
}

// voided takes back what was begun with a part that is void: it is sealed anew, as it is printed anew.
func (g *Progress) voided(key string, part int) {
	for _, s := range g.steps {
		if part != 0 && s.Step.Key == key && s.Step.Part == part && !g.done[s.Number] {
			delete(g.acted, s.Number)
		}
	}
}

// detailAgain holds the steps that are done again, in a line resumed; detailStep the one that a line void takes back.
const (
	detailAgain = "again"
	detailStep  = "step"
)

// undo takes back the steps that a line says are done again.
func undo(done map[int]bool, r transcript.Record) {
	word := ""
	switch r.Kind {
	case transcript.KindResumed:
		word = r.Details[detailAgain]
	case transcript.KindVoid:
		word = r.Details[detailStep]
	}
	for n := range strings.SplitSeq(word, ",") {
		if i, err := strconv.Atoi(strings.TrimSpace(n)); err == nil {
			delete(done, i)
		}
	}
}
