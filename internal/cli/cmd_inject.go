package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/hsm"
	"poskey/pkg/inject"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

type injectOpts struct {
	device, slot, key, alg, kbpk, keyKBPK string
	expect, usage, mode                   string
	clear, dryRun, yes, allowWeak         bool
	timeout                               time.Duration
}

func newInjectCmd(a *App) *cobra.Command {
	o := injectOpts{}
	cmd := a.command(cmdSpec{
		use: "inject", group: groupDevices,
		short: text.New("load a key into a terminal and confirm it"),
		long: text.New("The key goes as a key block under the terminal's KLK (--kbpk), or in clear with --clear. Before it crosses the line its check value\n" +
			"is compared with --expect, with the KC of its block, or shown for a yes at the terminal.\n" +
			"Packets 02 and 04 carry no check value: the proof of a load is the terminal's echo, our commit, and the attributes it then reports."),
		example: "  poskey inject --device visa+tcp://127.0.0.1:9000 --slot F --key file:klk.txt --clear --expect C0D5B5 --yes\n" +
			"  poskey inject --device visa+tcp://127.0.0.1:9000 --slot 0 --key file:tmk.txt --kbpk file:klk.txt --expect 08D7B4",
		exits: []int{3, 4, 5, 6, 8}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringVar(&o.device, "device", "", a.Say.T("device: visa+tcp://HOST:PORT or visa+pty:///dev/pts/N"))
	f.StringVar(&o.slot, "slot", "", a.Say.T("slot: 0-9 PIN, B-E MAC, F KLK, G track data"))
	a.keyFlag(f, &o.key)
	f.StringVar(&o.alg, "alg", "", a.Say.T("algorithm; told by the length when left out"))
	f.StringVar(&o.kbpk, "kbpk", "", a.Say.T("the KLK in slot F (SRC), which protects the key block"))
	f.StringVar(&o.keyKBPK, "key-kbpk", "", a.Say.T("KBPK that opens --key block:PATH (SRC)"))
	expectFlag(a, f, &o.expect)
	f.StringVar(&o.usage, "usage", "", a.Say.T("key usage; what the slot takes when left out"))
	f.StringVar(&o.mode, "mode", "", a.Say.T("mode of use; what the slot takes when left out"))
	f.BoolVar(&o.clear, "clear", false, a.Say.T("send the key in clear"))
	f.BoolVar(&o.dryRun, "dry-run", false, a.Say.T("do everything but the load"))
	f.BoolVar(&o.yes, "yes", false, a.Say.T("confirm without asking"))
	a.allowWeakFlag(f, &o.allowWeak)
	f.DurationVar(&o.timeout, "timeout", 0, a.Say.T("wait so long for one answer of the device; its dialect's time when left out"))
	required(cmd, "device", "slot")
	cmd.MarkFlagsMutuallyExclusive("clear", "kbpk")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runInject(cmd.Context(), a, o) }
	return cmd
}

type injectDoc struct {
	Device       string        `json:"device"`
	Dialect      string        `json:"dialect"`
	Slot         device.Slot   `json:"slot"`
	Loaded       bool          `json:"loaded"`
	DryRun       bool          `json:"dry_run,omitempty"`
	Proof        device.Proof  `json:"proof,omitempty"`
	Clear        bool          `json:"clear"`
	BlockVersion string        `json:"block_version,omitempty"`
	Sent         keyDoc        `json:"sent"` // computed here; no packet of the dialect reads a check value back
	CheckedBy    hsm.Witness   `json:"checked_by"`
	ReadBack     *slotStateDoc `json:"read_back,omitempty"`
}

type slotStateDoc struct {
	Loaded    bool       `json:"loaded"`
	Usage     keys.Usage `json:"usage,omitempty"`
	Mode      string     `json:"mode,omitempty"`
	Algorithm string     `json:"algorithm,omitempty"`
	KCV       *string    `json:"kcv"` // null: the device does not tell it
}

func runInject(ctx context.Context, a *App, o injectOpts) error {
	plan, err := a.injectPlan(ctx, o)
	if err != nil {
		return err
	}
	d, err := openDevice(ctx, o.device, device.Options{Timeout: o.timeout, Trace: a.trace()})
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	ready, err := inject.Preflight(ctx, d, plan)
	if err != nil {
		return err
	}
	for _, note := range ready.Notes() {
		a.render.Note(note)
	}
	doc := injectDoc{Device: o.device, Dialect: d.Dialect(), Slot: plan.Slot, DryRun: o.dryRun, Clear: o.clear,
		Sent: newKeyDoc(plan.Key.Key()), CheckedBy: plan.Key.By()}
	if ready.Version() != 0 {
		doc.BlockVersion = string(rune(ready.Version()))
	}
	if !o.dryRun {
		b, err := a.hsm()
		if err != nil {
			return err
		}
		result, err := inject.Load(ctx, b, d, ready)
		if err != nil {
			return err
		}
		doc.Loaded, doc.Proof, doc.ReadBack = true, result.Proof, newSlotStateDoc(result.State)
	}
	return a.render.Answer("inject", doc, func(p *render.Page) { injectPage(p, doc, plan.Key.Key()) })
}

// injectPlan takes the keys in and has the check value answered for.
func (a *App) injectPlan(ctx context.Context, o injectOpts) (inject.Plan, error) {
	plan := inject.Plan{Slot: device.Slot(o.slot), Clear: o.clear}
	var err error
	if o.usage != "" {
		if plan.Usage, err = keys.ParseUsage(o.usage); err != nil {
			return plan, err
		}
	}
	if plan.Mode, err = oneChar("mode", o.mode); err != nil {
		return plan, err
	}
	dialect, err := dialectOf(o.device)
	if err != nil {
		return plan, err
	}
	if !o.clear {
		klk, err := a.klk(ctx, o.kbpk, o.allowWeak)
		if err != nil {
			return plan, err
		}
		plan.KLK = &klk
	}
	t, err := a.intake().key(ctx, keyWish{src: o.key, kbpk: o.keyKBPK, alg: o.alg, what: text.New("the key"), family: keys.TDES128,
		policy:  hsm.Policy{AllowWeak: o.allowWeak},
		purpose: func(n int) (keys.Usage, byte, error) { return inject.Attributes(dialect, plan, n) }})
	if err != nil {
		return plan, err
	}
	if err := t.keepsUsage(plan.Usage); err != nil {
		return plan, err
	}
	if o.clear && !o.yes && a.Console.CanAsk() { // in a script --clear itself is the word
		if err := a.confirm(ctx, false, text.New("The key will cross the line in clear."), "clear"); err != nil {
			return plan, err
		}
	}
	plan.Key, err = a.answerFor(ctx, t, o)
	return plan, err
}

// answerFor finds the strongest witness for the key's check value.
func (a *App) answerFor(ctx context.Context, t taken, o injectOpts) (hsm.Checked, error) {
	b, err := a.hsm()
	if err != nil {
		return hsm.Checked{}, err
	}
	said, method, by := o.expect, kcv.Method(""), hsm.ByExpected
	if said == "" {
		said, method, by = t.Expected, t.Method, t.By
	}
	if said != "" {
		expected, err := kcv.Parse(said)
		if err != nil {
			return hsm.Checked{}, err
		}
		return hsm.Verify(ctx, b, t.Key, expected, method, by)
	}
	if o.yes || !a.Console.CanAsk() {
		a.render.Warn(text.New("nobody compared the key's check value %s; --expect does", t.Key.Check))
		return hsm.Accept(t.Key, hsm.Uncompared), nil
	}
	if err := a.confirm(ctx, false, text.New("The key's check value is %s. Compare it with the one you were given.", t.Key.Check), "yes"); err != nil {
		return hsm.Checked{}, err
	}
	return hsm.Accept(t.Key, hsm.ByOperator), nil
}

// trace shows every frame under -v, keys blotted out by the dialect.
func (a *App) trace() device.Trace {
	if !a.flags.verbose {
		return nil
	}
	return func(direction device.Direction, line string) {
		arrow := "->"
		if direction == device.Received {
			arrow = "<-"
		}
		_, _ = fmt.Fprintf(a.Err, "%s %s\n", arrow, line)
	}
}

func newSlotStateDoc(s device.SlotState) *slotStateDoc {
	doc := &slotStateDoc{Loaded: s.Loaded, Usage: s.Usage}
	if s.HasAttributes {
		doc.Mode, doc.Algorithm = string(rune(s.Mode)), string(rune(s.Algorithm))
	}
	return doc
}

func injectPage(p *render.Page, doc injectDoc, k hsm.Key) {
	if doc.Loaded {
		p.Good(text.New("loaded into slot %s", string(doc.Slot)))
	} else {
		p.Line(text.New("dry run: nothing was loaded"))
	}
	readBack, protection := "", p.T(text.New("key block, version %s", doc.BlockVersion))
	if r := doc.ReadBack; r != nil {
		readBack = p.T(text.New("usage %s, mode %s, algorithm %s; no check value (this dialect has none)", r.Usage, r.Mode, r.Algorithm))
	}
	if doc.Clear {
		protection = p.T(text.New("none, the key went in clear"))
	}
	p.Fields(
		render.F(text.New("device"), doc.Device),
		render.F(text.New("key"), p.T(text.New("%s, check value %s (computed here)", k.Algorithm, k.Check))),
		render.F(text.New("check value compared"), p.T(witnessText(doc.CheckedBy))),
		render.F(text.New("protection"), protection),
		render.F(text.New("proof"), p.T(proofText(doc.Proof))),
		render.F(text.New("read back"), readBack),
	)
}

func witnessText(w hsm.Witness) text.Text {
	switch w {
	case hsm.ByExpected:
		return text.New("with the expected one")
	case hsm.BySheet:
		return text.New("with the one on the sheet")
	case hsm.ByBlock:
		return text.New("with the KC of its key block")
	case hsm.ByOperator:
		return text.New("by the operator")
	}
	return text.New("no, with nothing")
}

func proofText(proof device.Proof) text.Text {
	switch proof {
	case device.ProofCommitAttributes:
		return text.New("commit+attributes: the terminal repeated the key, was told to store it, and reports its attributes")
	case device.ProofCommit:
		return text.New("commit: the terminal repeated the key, was told to store it, and reports the slot as loaded")
	}
	return text.Text{}
}
