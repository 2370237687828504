package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/device"
	"poskey/pkg/device/emulator"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

func newTourCmd(a *App) *cobra.Command {
	cmd := a.command(cmdSpec{
		use: "tour", group: groupTool,
		short: text.New("see the main job done, on a built-in terminal"),
		long: text.New("A terminal master key is generated, cut into three components, put together again and checked, loaded into a built-in POS terminal\n" +
			"over TCP, and a deliberately wrong component is diagnosed. All keys are throw-away TEST keys; nothing is written to disk."),
		example: "  poskey tour\n  poskey tour --lang zh\n  poskey tour -o json",
		exits:   []int{5, 8}, args: cobra.NoArgs,
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runTour(cmd.Context(), a) }
	return cmd
}

type tourDoc struct {
	Algorithm keys.Algorithm   `json:"algorithm"`
	KCV       string           `json:"kcv"`
	Method    kcv.Method       `json:"method"`
	Parts     []partDoc        `json:"parts"`
	Combined  kcvCheckDoc      `json:"combined"`
	Loaded    tourLoadDoc      `json:"loaded"`
	Diagnosis *diagnose.Report `json:"diagnosis"`
}

type tourLoadDoc struct {
	Device      string       `json:"device"`
	Slot        device.Slot  `json:"slot"`
	Proof       device.Proof `json:"proof"`
	TerminalKCV string       `json:"terminal_kcv"` // computed in the built-in terminal, which can be asked; a real one cannot
}

const tourSlot device.Slot = "0"

const tourParts = 3

// tour carries what one step hands to the next.
type tour struct {
	a   *App
	b   hsm.Boundary
	doc tourDoc
	key hsm.Key
	say func(text.Text)

	parts []*component.Part // the custodians' copies, for the wrong one
}

func runTour(ctx context.Context, a *App) error {
	b, err := a.hsm(ctx)
	if err != nil {
		return err
	}
	t := &tour{a: a, b: b, say: a.tourPrinter()}
	defer func() { component.WipeAll(t.parts) }()
	t.say(text.New("This tour uses throw-away TEST keys and writes nothing to disk."))
	t.say(text.New("A PC is not a secure cryptographic device: real keys are made in an HSM (PCI PIN 5-1)."))
	for _, step := range []func(context.Context) error{t.generate, t.splitAndCombine, t.load, t.wrongComponent} {
		if err := step(ctx); err != nil {
			return fault.Wrap(err, "tour")
		}
	}
	return a.render.Answer("tour", t.doc, func(p *render.Page) { t.summary(p) })
}

// tourPrinter tells the story on stdout for people; under -o json the document tells it.
func (a *App) tourPrinter() func(text.Text) {
	return func(line text.Text) {
		if a.render.Format != render.JSON {
			_ = a.render.Answer("tour", nil, func(p *render.Page) { p.Line(line) })
		}
	}
}

func (t *tour) generate(ctx context.Context) error {
	var err error
	t.key, err = t.b.Generate(ctx, hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsageKEK, Mode: 'D', Exportability: 'E'}, hsm.Policy{})
	if err != nil {
		return err
	}
	t.doc.Algorithm, t.doc.KCV, t.doc.Method = t.key.Algorithm, t.key.Check.Digits, t.key.Check.Method
	t.say(text.New(""))
	t.say(text.New("1. generated a terminal master key (TMK), %s, check value %s", t.key.Algorithm, t.key.Check))
	return nil
}

func (t *tour) splitAndCombine(ctx context.Context) error {
	parts, err := t.b.Split(ctx, t.key, component.Spec{Scheme: component.XOR, Parts: tourParts, Threshold: tourParts})
	if err != nil {
		return err
	}
	t.say(text.New("2. cut it into %d components for %d custodians; each is random by itself:", tourParts, tourParts))
	for _, p := range parts {
		t.say(text.New("     component %d of %d, check value %s", p.Index, p.Of, p.Check))
		t.doc.Parts = append(t.doc.Parts, partDoc{Index: p.Index, KCV: p.Check.Digits})
		custodian := *p
		custodian.Value = p.Value.Clone()
		t.parts = append(t.parts, &custodian)
	}
	parts[0], parts[tourParts-1] = parts[tourParts-1], parts[0]
	formed, err := t.b.Form(ctx, hsm.Forming{Parts: parts, Attributes: t.key.Attributes})
	if err != nil {
		return err
	}
	expected, err := kcv.Parse(t.key.Check.Digits)
	if err != nil {
		return err
	}
	checked, err := hsm.Verify(ctx, t.b, formed, expected, "", hsm.ByExpected)
	if err != nil {
		return err
	}
	c := checked.Comparison()
	t.doc.Combined = kcvCheckDoc{c.Match, c.Computed.Method, c.Digits, c.Expected, c.Computed.Digits}
	t.say(text.New("3. put them together in another order: check value %s agrees on %d digits", c.Computed, c.Digits))
	return nil
}

// load starts the built-in terminal and loads the key over TCP.
func (t *tour) load(ctx context.Context) error {
	klk, err := t.b.Generate(ctx, hsm.Attributes{Algorithm: keys.TDES128, Usage: keys.UsageKEK, Mode: 'E'}, hsm.Policy{})
	if err != nil {
		return err
	}
	terminal := emulator.New(emulator.Config{Env: t.a.Env, InjectModeOff: true})
	defer terminal.Wipe()
	if err := t.a.factoryKey(ctx, terminal, "F", klk); err != nil {
		return err
	}
	listener, err := terminal.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	t.say(text.New("4. started a built-in terminal at %s, its KLK (%s) in slot F", listener.URI(), klk.Check))
	result, err := t.inject(ctx, listener.URI(), klk)
	if err != nil {
		return err
	}
	check, ok := terminal.SlotCheck(tourSlot)
	if !ok || check.Digits != t.key.Check.Digits {
		return fault.New(fault.KCVMismatch, "the terminal holds a key with check value %s, sent was %s", check, t.key.Check)
	}
	t.doc.Loaded = tourLoadDoc{listener.URI(), tourSlot, result.Proof, check.Digits}
	t.say(text.New("5. loaded the TMK into slot %s as a key block (version %c) under the KLK; proof: %s", string(tourSlot), result.Version, string(result.Proof)))
	return nil
}

func (t *tour) inject(ctx context.Context, uri string, klk hsm.Key) (inject.Result, error) {
	expected, err := kcv.Parse(t.key.Check.Digits)
	if err != nil {
		return inject.Result{}, err
	}
	checked, err := hsm.Verify(ctx, t.b, t.key, expected, "", hsm.ByExpected)
	if err != nil {
		return inject.Result{}, err
	}
	d, err := openDevice(ctx, uri, device.Options{})
	if err != nil {
		return inject.Result{}, err
	}
	defer func() { _ = d.Close() }()
	job := inject.Job{Loads: []inject.Plan{{Slot: tourSlot, Key: checked, KLK: &klk}}}
	ready, err := inject.Preflight(ctx, d, nil, t.a.Env.Now(), job)
	if err != nil {
		return inject.Result{}, err
	}
	loader := inject.Loader{Boundary: t.b, Now: t.a.Env.Now, Rand: t.a.Env.Rand}
	report, err := loader.Run(ctx, d, ready)
	if err == nil {
		err = report.Err()
	}
	if err != nil {
		return inject.Result{}, err
	}
	return report.Loads[0].Result, nil
}

// wrongComponent does what a custodian does on a bad day: one digit of one component is wrong.
func (t *tour) wrongComponent(ctx context.Context) error {
	const wrongPart, wrongDigit = 2, 17 // counted from 1
	t.parts[wrongPart-1].Value.Expose()[(wrongDigit-1)/2] ^= 0x30
	typed, facts, err := t.typedParts(ctx)
	if err != nil {
		return err
	}
	t.say(text.New("6. now one digit of component %d is typed wrong, on purpose:", wrongPart))
	if err := t.keyCheckFails(ctx, facts.Expected); err != nil {
		return err
	}
	prober, err := t.b.Prober(ctx, typed)
	if err != nil {
		return err
	}
	defer func() { _ = prober.Close() }()
	facts.Prober = prober
	start := t.a.Env.Now()
	report, err := diagnose.KCV(ctx, facts)
	if err != nil {
		return err
	}
	report.Searched.Elapsed = t.a.Env.Now().Sub(start)
	if report.Verdict != diagnose.Explained {
		return fault.New(fault.Unexplained, "the wrong component was not found")
	}
	t.doc.Diagnosis = &report
	return nil
}

// typedParts takes in what the custodians typed, with the check values on their sheets.
func (t *tour) typedParts(ctx context.Context) ([]hsm.Key, diagnose.Facts, error) {
	facts := diagnose.Facts{Algorithm: keys.TDES128, Kind: diagnose.Parts, Parts: len(t.parts)}
	var typed []hsm.Key
	for _, p := range t.parts {
		sheet, err := kcv.Parse(p.Check.Digits)
		if err != nil {
			return nil, facts, err
		}
		k, err := t.b.Import(ctx, p.Value.Clone(), hsm.Attributes{Algorithm: keys.Raw}, hsm.Policy{Inspect: true})
		if err != nil {
			return nil, facts, err
		}
		facts.PartExpected = append(facts.PartExpected, sheet)
		typed = append(typed, k)
	}
	var err error
	facts.Expected, err = kcv.Parse(t.key.Check.Digits)
	return typed, facts, err
}

// keyCheckFails combines the typed components as bare hex, as a terminal does, and shows what it says.
func (t *tour) keyCheckFails(ctx context.Context, expected kcv.Expected) error {
	var bare []*component.Part
	for _, p := range t.parts {
		b, err := component.Bare(keys.TDES128, p.Value.Clone())
		if err != nil {
			component.WipeAll(bare)
			return err
		}
		bare = append(bare, b)
	}
	_, err := t.b.Form(ctx, hsm.Forming{Parts: bare, Attributes: t.key.Attributes, Expected: &expected})
	if !fault.Is(err, fault.KCVMismatch) {
		return fault.New(fault.Failure, "a wrong component went unnoticed")
	}
	t.say(text.New("     %s", err))
	t.say(text.New("   diagnosed:"))
	return nil
}

func (t *tour) summary(p *render.Page) {
	first := t.doc.Diagnosis.Findings[0]
	p.Line(text.New("     %s (%s, %s)", first.Summary, string(first.Cause), findingCertainty(first.Certainty)))
	p.Line(text.New("     evidence: %s", evidenceLine(p, first.Evidence)))
	p.Line(text.New("     fix: %s", first.Fix))
	p.Blank()
	p.Good(text.New("loaded key:       slot %s, check value %s (as the terminal computes it)", string(t.doc.Loaded.Slot), t.doc.Loaded.TerminalKCV))
	for _, e := range first.Evidence.Edits {
		p.Good(text.New("wrong component:  %s", text.New("part %d, digit %d (group %d)", e.Part, e.Digit, e.Group)))
	}
	p.Blank()
	p.Line(text.New("Next: poskey help, or poskey help secrets for how keys go in and out."))
}
