package cli

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/script"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

func newCeremonyStatusCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:   "status DIR",
		short: text.New("tell where a ceremony stands, and who has signed"),
		long: text.New("DIR is the folder of the ceremony, or its record. Whether the record is what it says is told by poskey ceremony verify; one that is\n" +
			"damaged ends with 5 here too."),
		example: "  poskey ceremony status zmk-20261201-7F3A91\n  poskey ceremony status zmk-20261201-7F3A91 -o json",
		exits:   []int{3, 4, 5}, args: cobra.ExactArgs(1),
	})
	cmd.RunE = func(_ *cobra.Command, args []string) error { return runCeremonyStatus(a, args[0]) }
	return cmd
}

type ceremonyStatusDoc struct {
	Ceremony    string              `json:"ceremony"`
	Mode        transcript.Mode     `json:"mode"`
	Environment custody.Environment `json:"environment"`
	Title       string              `json:"title"`
	State       transcript.State    `json:"state"`
	Began       *time.Time          `json:"began,omitempty"`
	Last        *time.Time          `json:"last,omitempty"`
	Lines       int                 `json:"lines"`
	Torn        int                 `json:"torn_bytes,omitempty"`
	Steps       int                 `json:"steps"`
	StepsDone   int                 `json:"steps_done"`
	Next        int                 `json:"next,omitempty"` // step
	Deviations  int                 `json:"deviations"`
	People      []ceremonyPersonDoc `json:"people"`
	Problems    []ceremonyFlawDoc   `json:"problems"`
	// Findings are what people should know of the folder; whether the ceremony is as its script asks is told by verify.
	Findings []ceremonyFindingDoc `json:"findings"`

	next *script.Planned
}

// ceremonyPersonDoc is somebody who took part.
type ceremonyPersonDoc struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Card   string `json:"card"`
	Lines  int    `json:"lines_signed"`
	Closed bool   `json:"signed_at_end"`
}

// ceremonyFlawDoc is something wrong with a record.
type ceremonyFlawDoc struct {
	Line    int    `json:"line"`
	Message string `json:"message"`
}

func runCeremonyStatus(a *App, place string) error {
	doc, err := readRecord(place)
	if err != nil {
		return err
	}
	if doc.Head.Ceremony == "" {
		return flawed(doc.Problems, place)
	}
	s, err := newCeremonyStatusDoc(doc)
	if err != nil {
		return err
	}
	beside := besideRecord(place, doc)
	s.Findings = ceremonyFindingDocs(beside)
	if err := a.render.Answer("ceremony.status", s, func(p *render.Page) {
		ceremonyStatusPage(p, s, doc.Problems)
		findingsPage(p, beside, a.render.Width)
	}); err != nil {
		return err
	}
	return flawed(doc.Problems, place)
}

// flawed is the error of a record that is not what was written.
func flawed(problems []transcript.Problem, place string) error {
	if len(problems) == 0 {
		return nil
	}
	err := fault.WrapAs(fault.LogBroken, problems[0].Error, "%s", pathWord(recordPath(place))) // it names the line
	return &recordError{error: err}
}

// recordError is a record of a ceremony that does not verify: what helps is another thing than with the log of a store.
type recordError struct {
	error
	open   bool // it is whole, and has no end
	folder string
}

func (e *recordError) Unwrap() error { return e.error }

func flawDocs(problems []transcript.Problem) []ceremonyFlawDoc {
	docs := []ceremonyFlawDoc{}
	for _, p := range problems {
		docs = append(docs, ceremonyFlawDoc{p.Line, p.Error.Error()})
	}
	return docs
}

func newCeremonyStatusDoc(d *transcript.Document) (ceremonyStatusDoc, error) {
	s, err := script.Parse(d.Head.Script)
	if err != nil {
		return ceremonyStatusDoc{}, fault.Wrap(err, "the script in the record")
	}
	program, err := s.Program()
	if err != nil {
		return ceremonyStatusDoc{}, fault.Wrap(err, "the script in the record")
	}
	doc := ceremonyStatusDoc{Ceremony: d.Head.Ceremony, Mode: d.Head.Mode, Environment: d.Head.Environment,
		Title: s.Title, State: d.State,
		Lines: len(d.Records), Torn: d.Torn, Steps: len(program.Steps), People: signersOf(d, s),
		Problems: flawDocs(d.Problems)}
	if n := len(d.Records); n > 0 {
		doc.Began, doc.Last = moment(d.Records[0].Time), moment(d.Records[n-1].Time)
	}
	for _, r := range d.Records {
		if r.Kind == transcript.KindDeviation {
			doc.Deviations++
		}
	}
	progress := ceremony.ProgressOf(program, d.Records)
	doc.StepsDone = progress.Count()
	if next, ok := progress.Next(); ok && d.State == transcript.Open {
		doc.Next, doc.next = next.Number, &next
	}
	return doc, nil
}

// signersOf counts what each of those who were there has signed. They have the names of the script, by which the others
// know them; cards for practice have names of their own.
func signersOf(d *transcript.Document, s *script.Script) []ceremonyPersonDoc {
	people := []ceremonyPersonDoc{}
	for _, c := range d.Cards {
		p := ceremonyPersonDoc{ID: c.ID(), Name: c.Name(), Card: c.Fingerprint().String()}
		if s != nil {
			known, _ := s.Person(c.ID())
			p.Name = cmp.Or(known.Name, p.Name)
		}
		for _, r := range d.Records {
			if r.Kind == transcript.KindSigned && r.Who == c.ID() {
				p.Lines++
			}
		}
		p.Closed = slices.Contains(d.Signers, c.ID())
		people = append(people, p)
	}
	return people
}

func ceremonyStatusPage(p *render.Page, doc ceremonyStatusDoc, flaws []transcript.Problem) {
	if doc.Mode == transcript.Rehearsal {
		p.Heading(text.New("TEST REHEARSAL: its keys are thrown away"))
	}
	stateVerdict(p, doc.State)
	next := ""
	if doc.next != nil {
		next = p.T(text.New("step %d: %s", doc.Next, doc.next.Step.Do.Text()))
	}
	p.Fields(
		render.F(text.New("ceremony"), doc.Ceremony),
		render.F(text.New("title"), doc.Title),
		render.F(text.New("environment"), p.T(doc.Environment.Text())),
		render.F(text.New("began"), momentText(doc.Began)),
		render.F(text.New("last line"), momentText(doc.Last)),
		render.F(text.New("steps done"), p.T(text.New("%d of %d", doc.StepsDone, doc.Steps))),
		render.F(text.New("next"), next),
		render.F(text.New("deviations"), strconv.Itoa(doc.Deviations)),
	)
	peoplePage(p, doc.People)
	flawsPage(p, flaws)
}

func momentText(t *time.Time) string {
	if t == nil {
		return ""
	}
	return shownTime(*t)
}

func peoplePage(p *render.Page, people []ceremonyPersonDoc) {
	if len(people) == 0 {
		return
	}
	p.Blank()
	var rows [][]string
	for _, person := range people {
		signed := p.T(text.New("no"))
		if person.Closed {
			signed = p.T(text.New("yes"))
		}
		rows = append(rows, []string{person.ID, person.Name, strconv.Itoa(person.Lines), signed, groups(person.Card)})
	}
	p.Grid([]text.Text{text.New("PERSON"), text.New("NAME"), text.New("LINES SIGNED"), text.New("SIGNED AT THE END"),
		text.New("CARD")}, rows)
}

// groups shows the first digits of a fingerprint, as they stand on a card.
func groups(digits string) string {
	const shown, group = 16, 4
	var out []string
	for i := 0; i+group <= min(len(digits), shown); i += group {
		out = append(out, digits[i:i+group])
	}
	return strings.Join(out, " ")
}

func flawsPage(p *render.Page, problems []transcript.Problem) {
	for i, f := range problems {
		if i == 0 {
			p.Blank()
		}
		p.Bad(text.New("%s", f.Error))
	}
}
