package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/selftest"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/hsm/pkcs11"
)

func newHSMSelftestCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use:   "selftest",
		short: text.New("try what a boundary does itself"),
		long: text.New("Each step is tried now, with keys that are thrown away and known answers: a token's list of mechanisms is a hint only. What the\n" +
			"token cannot do is done in this process's memory, when software=allow stands in the token's name. Nothing in the token changes."),
		example: "  poskey hsm selftest\n" +
			"  poskey hsm selftest --hsm 'pkcs11:token=poskey?module-path=/usr/lib/softhsm/libsofthsm2.so&software=allow'",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runHSMSelftest(cmd.Context(), a) }
	return cmd
}

type hsmSelftestDoc struct {
	Driver string       `json:"driver"`
	Token  *hsmTokenDoc `json:"token,omitempty"`
	Passed bool         `json:"passed"`
	Steps  []hsmStepDoc `json:"steps"`

	trials []pkcs11.Trial
}

type hsmStepDoc struct {
	Step      string       `json:"step"`
	Mechanism string       `json:"mechanism,omitempty"`
	Listed    bool         `json:"listed"`
	Works     bool         `json:"works"`
	Place     pkcs11.Place `json:"place"`
	Error     string       `json:"error,omitempty"`
	Took      float64      `json:"ms"`
}

func runHSMSelftest(ctx context.Context, a *App) error {
	doc, err := a.hsmSelftest(ctx)
	if err != nil {
		return err
	}
	if err := a.render.Answer("hsm.selftest", doc, func(p *render.Page) { hsmSelftestPage(p, doc) }); err != nil {
		return err
	}
	if !doc.Passed {
		return fault.New(fault.SelftestFailed, "the boundary fails its self-test; do not keep keys in it")
	}
	return nil
}

func (a *App) hsmSelftest(ctx context.Context) (hsmSelftestDoc, error) {
	if a.flags.hsmURI == softURI {
		return a.softSelftest(ctx)
	}
	t, err := a.connect(ctx)
	if err != nil {
		return hsmSelftestDoc{}, err
	}
	all, err := t.Selftest(ctx)
	if closeErr := t.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return hsmSelftestDoc{}, err
	}
	doc := hsmSelftestDoc{Driver: "pkcs11", Token: tokenDoc(t.Info()), Passed: true}
	for _, x := range all {
		if x.Wrong || x.Needed && !x.Works {
			doc.Passed = false
		}
		doc.add(x)
	}
	return doc, nil
}

func (d *hsmSelftestDoc) add(x pkcs11.Trial) {
	row := hsmStepDoc{Step: x.Step, Mechanism: x.Mechanism, Listed: x.Listed, Works: x.Works, Place: x.Place,
		Took: float64(x.Took.Microseconds()) / 1000}
	if x.Err != nil {
		row.Error = x.Err.Error()
	}
	d.Steps = append(d.Steps, row)
	d.trials = append(d.trials, x)
}

// softSelftest is that of the boundary in this process: the known answers of poskey selftest, without its long list of
// check values.
func (a *App) softSelftest(ctx context.Context) (hsmSelftestDoc, error) {
	b, err := a.hsm(ctx)
	if err != nil {
		return hsmSelftestDoc{}, err
	}
	doc := hsmSelftestDoc{Driver: "soft", Passed: true}
	for _, c := range hsm.Selftest(ctx, b, a.Env) {
		if c.Group == selftest.CheckValue {
			continue
		}
		doc.add(pkcs11.Trial{Step: c.Name, Text: c.What, Works: c.Err == nil, Err: c.Err, Place: pkcs11.PlaceProcess})
		doc.Passed = doc.Passed && c.Err == nil
	}
	return doc, nil
}

func hsmSelftestPage(p *render.Page, doc hsmSelftestDoc) {
	if doc.Token != nil {
		p.Fields(render.F(text.New("token"), doc.Token.Label), render.F(text.New("model"), doc.Token.Model),
			render.F(text.New("serial"), doc.Token.Serial))
		p.Blank()
	}
	yes := map[bool]string{true: p.T(text.New("yes")), false: p.T(text.New("no"))}
	rows := make([][]string, len(doc.trials))
	for i, x := range doc.trials {
		listed, took := yes[x.Listed], strconv.FormatFloat(float64(x.Took.Microseconds())/1000, 'f', 2, 64)
		if x.Mechanism == "" {
			listed = ""
		}
		if x.Took == 0 {
			took = ""
		}
		rows[i] = []string{p.T(x.Text), listed, yes[x.Works], p.T(whereText(x)), took}
	}
	p.Grid([]text.Text{text.New("STEP"), text.New("LISTED"), text.New("WORKS"), text.New("WHERE"), text.New("MS")},
		rows)
	p.Blank()
	hsmSelftestNotes(p, doc)
}

// hsmSelftestNotes says below the table why something does not work.
func hsmSelftestNotes(p *render.Page, doc hsmSelftestDoc) {
	refused := false
	for _, x := range doc.trials {
		refused = refused || x.Place == pkcs11.PlaceNone
		if x.Err != nil && !(x.IsJob() && doc.Token != nil) {
			p.Line(text.New("%s: %s", x.Text, x.Err))
		}
	}
	if refused && doc.Token != nil {
		p.Line(text.New("what is refused, this process does in its memory when software=allow stands in the pkcs11: name"))
	}
	switch {
	case !doc.Passed:
	case doc.Token == nil:
		p.Good(text.New("all %d self-tests passed", len(doc.Steps)))
	default:
		p.Good(text.New("the token can hold a master key"))
	}
}

func whereText(x pkcs11.Trial) text.Text {
	switch {
	case x.Place == pkcs11.PlaceToken:
		return text.New("inside the token")
	case x.Place == pkcs11.PlaceProcess:
		return text.New("in process memory")
	case x.Mechanism == "" && !x.IsJob(): // a property of the token
		return text.Raw("-")
	}
	return text.New("refused")
}
