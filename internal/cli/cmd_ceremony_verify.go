package cli

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/ceremony"
	"poskey/pkg/ceremony/transcript"
	"poskey/pkg/custody"
)

type ceremonyVerifyOpts struct {
	script string
	cards  []string
}

func newCeremonyVerifyCmd(a *App) *cobra.Command {
	o := ceremonyVerifyOpts{}
	cmd := a.command(cmdSpec{
		use:   "verify DIR|FILE",
		short: text.New("check the record of a ceremony, from the file alone"),
		long: text.New("Every byte, every signature, and every step against the script that the record carries. Who the signers are is told by their cards:\n" +
			"the record has them, and --card holds it against those whose fingerprints you compared yourself. --script holds it against the file\n" +
			"that was reviewed. A record without an end, or one that somebody who was there did not sign, does not verify."),
		example: "  poskey ceremony verify zmk-20261201-7F3A91\n" +
			"  poskey ceremony verify transcript.jsonl --script zmk.yaml --card custodian.a.card --card auditor.f.card",
		exits: []int{3, 4, 5}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.script, "script", "", a.Say.T("the script that was reviewed"))
	f.StringArrayVar(&o.cards, "card", nil,
		a.Say.T("card of somebody who was there, whose fingerprint was compared (again for each)"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runCeremonyVerify(cmd.Context(), a, o, args[0]) }
	return cmd
}

type ceremonyVerifyDoc struct {
	Record      string               `json:"record"`
	Verified    bool                 `json:"verified"`
	Ceremony    string               `json:"ceremony,omitempty"`
	Mode        transcript.Mode      `json:"mode,omitempty"`
	Environment custody.Environment  `json:"environment,omitempty"`
	Title       string               `json:"title,omitempty"`
	State       transcript.State     `json:"state"`
	Began       *time.Time           `json:"began,omitempty"`
	Ended       *time.Time           `json:"ended,omitempty"`
	Lines       int                  `json:"lines"`
	Head        string               `json:"head,omitempty"`   // hash of the last line
	Script      string               `json:"script,omitempty"` // fingerprint
	Words       string               `json:"words,omitempty"`
	Deviations  int                  `json:"deviations"`
	People      []ceremonyPersonDoc  `json:"people"`
	Missing     []string             `json:"missing_signatures"`
	Problems    []ceremonyFlawDoc    `json:"problems"`
	Findings    []ceremonyFindingDoc `json:"findings"`
}

func runCeremonyVerify(ctx context.Context, a *App, o ceremonyVerifyOpts, place string) error {
	v, err := readVerified(place)
	if err != nil {
		return err
	}
	v.Findings = append(v.Findings, besideRecord(place, v.Document)...)
	bad, err := o.problems(ctx, v, place)
	if err != nil {
		return err
	}
	if fault.Is(bad, fault.LogBroken) {
		bad = &recordError{error: bad, open: goesOn(place, v.Document),
			folder: pathWord(filepath.Dir(recordPath(place)))}
	}
	doc := newCeremonyVerifyDoc(recordPath(place), v, bad == nil)
	if err := a.render.Answer("ceremony.verify", doc, func(p *render.Page) {
		ceremonyVerifyPage(p, v, doc,
			a.render.Width)
	}); err != nil {
		return err
	}
	return bad
}

// problems is the first reason why a record does not verify, by itself or against what was given.
func (o ceremonyVerifyOpts) problems(ctx context.Context, v *ceremony.Verified, place string) (bad, err error) {
	if bad := flawed(v.Problems, place); bad != nil {
		return bad, nil
	}
	cards, err := o.readCards(ctx)
	if err != nil {
		return nil, err
	}
	if o.script != "" && v.Script != nil {
		err := sameScript(ctx, o.script, v.Script)
		if err != nil && !fault.Is(err, fault.ChecksumMismatch) {
			return nil, err
		} else if err != nil {
			return err, nil
		}
	}
	if bad := verdictOf(v, place); bad != nil {
		return bad, nil
	}
	return strangers(v, cards), nil
}

func (o ceremonyVerifyOpts) readCards(ctx context.Context) ([]custody.Card, error) {
	var cards []custody.Card
	for _, path := range o.cards {
		f, err := readOfficerFile(ctx, path)
		if err != nil {
			return nil, err
		}
		cards = append(cards, f.card)
	}
	return cards, nil
}

// strangers: where cards were compared, everybody who was there must be one of them.
func strangers(v *ceremony.Verified, known []custody.Card) error {
	if len(known) == 0 {
		return nil
	}
	for _, c := range v.Cards {
		if !slices.ContainsFunc(known, func(k custody.Card) bool { return k.Fingerprint() == c.Fingerprint() }) {
			return fault.New(fault.LogBroken, "%s was there with a card that is none of those given", c.ID())
		}
	}
	return nil
}

func newCeremonyVerifyDoc(path string, v *ceremony.Verified, verified bool) ceremonyVerifyDoc {
	doc := ceremonyVerifyDoc{Record: path, Verified: verified, Ceremony: v.Head.Ceremony, Mode: v.Head.Mode,
		Environment: v.Head.Environment,
		State:       v.State, Lines: len(v.Records), People: signersOf(v.Document, v.Script), Missing: append([]string{},
			v.Missing...),
		Problems: flawDocs(v.Problems), Findings: ceremonyFindingDocs(v.Findings)}
	if v.Script != nil {
		doc.Title, doc.Script, doc.Words = v.Script.Title, v.Script.Fingerprint().String(), v.Script.Fingerprint().Words()
	}
	if n := len(v.Records); n > 0 {
		last := v.Records[n-1]
		doc.Began, doc.Ended, doc.Head = moment(v.Records[0].Time), moment(last.Time), custody.Fingerprint(last.Hash).String()
	}
	for _, r := range v.Records {
		if r.Kind == transcript.KindDeviation {
			doc.Deviations++
		}
	}
	return doc
}

func ceremonyVerifyPage(p *render.Page, v *ceremony.Verified, doc ceremonyVerifyDoc, width int) {
	if doc.Mode == transcript.Rehearsal {
		p.Heading(text.New("TEST REHEARSAL: its keys are thrown away"))
	}
	if doc.Verified {
		p.Good(text.New("The record verifies: it is as it was written and signed."))
	} else {
		p.Bad(text.New("The record does not verify."))
	}
	stateVerdict(p, doc.State)
	p.Fields(
		render.F(text.New("ceremony"), doc.Ceremony),
		render.F(text.New("title"), doc.Title),
		render.F(text.New("environment"), p.T(doc.Environment.Text())),
		render.F(text.New("began"), momentText(doc.Began)),
		render.F(text.New("ended"), momentText(doc.Ended)),
		render.F(text.New("lines"), strconv.Itoa(doc.Lines)),
		render.F(text.New("deviations"), strconv.Itoa(doc.Deviations)),
		render.F(text.New("not signed at the end by"), strings.Join(doc.Missing, " ")),
	)
	peoplePage(p, doc.People)
	flawsPage(p, v.Problems)
	findingsPage(p, v.Findings, width)
	if v.Script != nil {
		p.Blank()
		p.Line(text.New("fingerprint of the script, in words"))
		wordsPage(p, v.Script.Fingerprint())
	}
}
