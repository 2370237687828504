package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
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

	texts []text.Text
}

// Places where a step is done.
const (
	placeToken   = "token"
	placeProcess = "process"
	placeNone    = "none"
)

type hsmStepDoc struct {
	Step      string  `json:"step"`
	Mechanism string  `json:"mechanism,omitempty"`
	Listed    bool    `json:"listed"`
	Works     bool    `json:"works"`
	Place     string  `json:"place"` // token, process or none
	Error     string  `json:"error,omitempty"`
	Took      float64 `json:"ms"`

	err error
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
	row := hsmStepDoc{Step: x.Step, Mechanism: x.Mechanism, Listed: x.Listed, Works: x.Works, Place: placeNone, err: x.Err,
		Took: float64(x.Took.Microseconds()) / 1000}
	switch {
	case x.Inside:
		row.Place = placeToken
	case x.Works:
		row.Place = placeProcess
	}
	if x.Err != nil {
		row.Error = x.Err.Error()
	}
	d.Steps = append(d.Steps, row)
	d.texts = append(d.texts, x.Text)
}

// softSelftest is that of the boundary in this process: the known answers of poskey selftest.
func (a *App) softSelftest(ctx context.Context) (hsmSelftestDoc, error) {
	b, err := a.hsm()
	if err != nil {
		return hsmSelftestDoc{}, err
	}
	doc := hsmSelftestDoc{Driver: "soft", Passed: true}
	for _, c := range hsm.Selftest(ctx, b, a.Env) {
		doc.add(pkcs11.Trial{Step: c.Name, Text: c.Text, Listed: true, Works: c.Err == nil, Err: c.Err})
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
	rows := make([][]string, len(doc.Steps))
	for i, s := range doc.Steps {
		listed := yes[s.Listed]
		if s.Mechanism == "" {
			listed = ""
		}
		took := ""
		if s.Took > 0 {
			took = strconv.FormatFloat(s.Took, 'f', 2, 64)
		}
		rows[i] = []string{p.T(doc.texts[i]), listed, yes[s.Works], p.T(s.place()), took}
	}
	p.Grid([]text.Text{text.New("STEP"), text.New("LISTED"), text.New("WORKS"), text.New("WHERE"), text.New("MS")}, rows)
	p.Blank()
	refused := false
	for i, s := range doc.Steps {
		switch {
		case s.err == nil:
		case s.isJob():
			refused = true
		default:
			p.Line(text.New("%s: %s", doc.texts[i], s.err))
		}
	}
	if refused {
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

// isJob reports a row that says what becomes of a job no token does.
func (s hsmStepDoc) isJob() bool { return strings.HasPrefix(s.Step, "job-") }

func (s hsmStepDoc) place() text.Text {
	switch {
	case s.Place == placeToken:
		return text.New("inside the token")
	case s.Place == placeProcess:
		return text.New("in process memory")
	case s.isJob():
		return text.New("refused")
	}
	return text.Raw("-")
}
