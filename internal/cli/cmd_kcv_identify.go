package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

type kcvIdentifyOpts struct {
	key, kbpk, alg, expect string
}

func newKCVIdentifyCmd(a *App) *cobra.Command {
	o := kcvIdentifyOpts{}
	cmd := a.command(cmdSpec{
		use:   "identify",
		short: text.New("find the algorithm and method by which a key gives a check value"),
		long:  text.New("Every algorithm whose keys have this length and every method is tried; --alg keeps to one algorithm."),
		example: "  poskey kcv identify --expect 66E94B --key file:key.txt\n" +
			"  poskey kcv identify --expect BE7ED6 --alg aes-128",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.keyFlag(f, &o.key)
	a.openKBPKFlag(f, &o.kbpk)
	a.algFlag(f, &o.alg)
	a.expectFlag(f, &o.expect)
	required(cmd, "expect")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runKCVIdentify(cmd.Context(), a, o) }
	return cmd
}

type kcvIdentifyDoc struct {
	Expected string        `json:"expected"`
	Matches  []kcvMatchDoc `json:"matches"`
}

type kcvMatchDoc struct {
	Algorithm keys.Algorithm `json:"algorithm"`
	Method    kcv.Method     `json:"method"`
	Digits    int            `json:"digits"`
	Note      kcv.Note       `json:"note"`
}

func runKCVIdentify(ctx context.Context, a *App, o kcvIdentifyOpts) error {
	expected, err := kcv.Parse(o.expect)
	if err != nil {
		return err
	}
	alg, err := optionalAlg(o.alg)
	if err != nil {
		return err
	}
	t, err := a.intake().key(ctx, keyWish{src: o.key, kbpk: o.kbpk, what: text.New("the key"), sheetValue: true, alg: o.alg, open: true, policy: hsm.Policy{Inspect: true}})
	if err != nil {
		return err
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return err
	}
	matches, err := b.Identify(ctx, t.Key, expected, alg)
	if err != nil {
		return err
	}
	doc := kcvIdentifyDoc{Expected: expected.Shown(), Matches: []kcvMatchDoc{}}
	for _, m := range matches {
		doc.Matches = append(doc.Matches, kcvMatchDoc{m.Algorithm, m.Method, m.Digits, m.Note})
	}
	if err := a.render.Answer("kcv.identify", doc, func(p *render.Page) { kcvIdentifyPage(p, doc) }); err != nil {
		return err
	}
	if len(matches) == 0 {
		return fault.New(fault.KCVMismatch, "by no known algorithm and method does this key give %s", expected.Shown())
	}
	return nil
}

func kcvIdentifyPage(p *render.Page, doc kcvIdentifyDoc) {
	rows := make([][]string, len(doc.Matches))
	for i, m := range doc.Matches {
		rows[i] = []string{string(m.Algorithm), string(m.Method), strconv.Itoa(m.Digits), p.T(noteText(m.Note))}
	}
	if len(rows) > 0 {
		p.Grid([]text.Text{text.New("ALGORITHM"), text.New("METHOD"), text.New("DIGITS"), text.New("NOTE")}, rows)
	}
}

func noteText(n kcv.Note) text.Text {
	if n == kcv.NoteOther {
		return text.New("not this algorithm's default method")
	}
	return text.New("the default method")
}

func optionalAlg(name string) (keys.Algorithm, error) {
	if name == "" {
		return "", nil
	}
	return keys.ParseAlgorithm(name)
}
