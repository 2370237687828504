package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

type combineOpts struct {
	parts       []string
	partExpect  []string
	alg, expect string
	usage       string
	out         outputOpts
	allowWeak   bool
}

func newCombineCmd(a *App) *cobra.Command {
	o := combineOpts{}
	cmd := a.command(cmdSpec{
		use: "combine", group: groupKeys,
		short: text.New("put a key together from its components"),
		long: text.New("Sheets name what is missing, foreign, used twice or mistyped before anything is combined. Bare components are\n" +
			"compared with --part-expect first, then the key with --expect; if it differs, the answer says whether fewer parts\n" +
			"would fit. Without --to nothing but the check value comes out."),
		example: "  poskey combine --part file:part-1-of-3.txt --part file:part-2-of-3.txt --part file:part-3-of-3.txt\n" +
			"  poskey combine --alg tdes-128 --part prompt --part prompt --part-expect E2AC18 --part-expect 1E656F --expect 7FF5B8",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringArrayVar(&o.parts, "part", nil, a.Say.T("a component (SRC): a sheet or hex; once for each"))
	f.StringArrayVar(&o.partExpect, "part-expect", nil, a.Say.T("check value of the part at the same place"))
	a.algFlag(f, &o.alg)
	f.StringVar(&o.usage, "usage", "", a.Say.T("key usage of X9.143 for the key block"))
	o.out.add(a, cmd)
	f.StringArrayVar(&o.out.custodians, "custodian", nil, a.Say.T("who held a component of the key; one for each"))
	a.allowWeakFlag(f, &o.allowWeak)
	a.expectFlag(f, &o.expect)
	required(cmd, "part")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runCombine(cmd.Context(), a, o) }
	return cmd
}

type combineDoc struct {
	Algorithm keys.Algorithm `json:"algorithm"`
	KCV       string         `json:"kcv"`
	Method    kcv.Method     `json:"method"`
	Parity    keys.Parity    `json:"parity,omitempty"`
	Parts     []partDoc      `json:"parts"`
	Block     string         `json:"block,omitempty"`
	Value     string         `json:"value,omitempty"`
	To        string         `json:"to,omitempty"`
	Label     string         `json:"label,omitempty"`
}

func runCombine(ctx context.Context, a *App, o combineOpts) error {
	f, err := combineForming(o)
	if err != nil {
		return err
	}
	o.out.allowWeak, o.out.origin = o.allowWeak, store.Formed
	if err := o.out.check(ctx, a); err != nil {
		return err
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return err
	}
	if err := a.readParts(ctx, o.parts, &f); err != nil {
		component.WipeAll(f.Parts)
		return err
	}
	docs := partDocs(f.Parts)
	k, err := b.Form(ctx, f)
	if err != nil {
		return err
	}
	in := a.intake()
	in.reportWeak(k, keyWish{what: text.New("the key")})
	d, err := o.out.deliver(ctx, a, in, k)
	if err != nil {
		return err
	}
	doc := combineDoc{k.Algorithm, k.Check.Digits, k.Check.Method, k.Parity, docs, d.block, d.value, d.to, d.label}
	return a.answerDelivered("combine", doc, d, func(p *render.Page) { combinePage(p, doc, k) })
}

func combinePage(p *render.Page, doc combineDoc, k hsm.Key) {
	p.Fields(
		render.F(text.New("algorithm"), string(doc.Algorithm)),
		render.F(text.New("check value"), k.Check.String()),
		render.F(text.New("parity"), p.T(doc.Parity.Text())),
		render.F(text.New("in the store as"), doc.Label),
		render.F(text.New("key block"), doc.Block),
		render.F(text.New("clear key"), doc.Value),
		render.F(text.New("written to"), doc.To),
	)
	rows := make([][]string, len(doc.Parts))
	for i, part := range doc.Parts {
		rows[i] = []string{strconv.Itoa(part.Index), part.KCV}
	}
	p.Blank()
	p.Grid([]text.Text{text.New("PART"), text.New("KCV")}, rows)
}

// combineForming reads the flags that are no secrets.
func combineForming(o combineOpts) (hsm.Forming, error) {
	f := hsm.Forming{Policy: hsm.Policy{AllowWeak: o.allowWeak}}
	if len(o.parts) > component.MaxParts {
		return f, fault.New(fault.Usage, "%d parts were given, a key has %d to %d", len(o.parts), component.MinParts, component.MaxParts)
	}
	alg, err := optionalAlg(o.alg)
	if err != nil {
		return f, err
	}
	f.Attributes.Algorithm = alg
	if o.usage != "" {
		if f.Attributes.Usage, err = keys.ParseUsage(o.usage); err != nil {
			return f, err
		}
	}
	if o.expect != "" {
		e, err := kcv.Parse(o.expect)
		if err != nil {
			return f, err
		}
		f.Expected = &e
	}
	for i, s := range o.partExpect {
		e, err := kcv.Parse(s)
		if err != nil {
			return f, fault.Wrap(err, "part %d", i+1)
		}
		f.PartExpected = append(f.PartExpected, e)
	}
	return f, nil
}

// readParts reads every component in turn. One that was typed is compared with its check value at once, and may be typed
// again, so that its custodian can mend a slip before the next one sits down.
func (a *App) readParts(ctx context.Context, sources []string, f *hsm.Forming) error {
	for i, src := range sources {
		p, err := a.readPart(ctx, src, i, len(sources), f)
		for tries := 1; src == "prompt" && tries < typingTries && isSlip(err); tries++ {
			a.render.Note(text.New("%s; type it again", err))
			p, err = a.readPart(ctx, src, i, len(sources), f)
		}
		if err != nil {
			return err
		}
		f.Parts = append(f.Parts, p)
		if f.Attributes.Algorithm == "" {
			f.Attributes.Algorithm = p.Algorithm
		}
		if src == "prompt" { // typed blind: the custodian compares this with the sheet
			a.render.Note(text.New("part %d of %d: check value %s", i+1, len(sources), p.Check))
		}
	}
	return nil
}

const typingTries = 3

// isSlip reports an error that typing again can mend.
func isSlip(err error) bool {
	switch fault.KindOf(err) {
	case fault.MalformedHex, fault.MalformedLength, fault.KCVMismatch, fault.ChecksumMismatch:
		return err != nil
	}
	return false
}

func (a *App) readPart(ctx context.Context, src string, i, n int, f *hsm.Forming) (*component.Part, error) {
	p, err := a.sources().ReadPart(ctx, src, text.New("part %d of %d", i+1, n), f.Attributes.Algorithm)
	if err != nil || i >= len(f.PartExpected) {
		return p, err
	}
	if err := hsm.CheckPart(i+1, p, f.PartExpected[i]); err != nil {
		p.Wipe()
		return nil, err
	}
	return p, nil
}

func partDocs(parts []*component.Part) []partDoc {
	docs := make([]partDoc, len(parts))
	for i, p := range parts {
		docs[i] = partDoc{Index: i + 1, KCV: p.Check.Digits}
		if p.Index != 0 {
			docs[i].Index = p.Index
		}
	}
	return docs
}
