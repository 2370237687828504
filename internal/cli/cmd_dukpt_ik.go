package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/store"
)

// ikOpts are the flags; the JSON names are the fields of a batch line.
type ikOpts struct {
	BDK          string `json:"bdk"`
	KSN          string `json:"ksn"`
	KSNPadding   string `json:"ksn_padding"`
	KeyKBPK      string `json:"key_kbpk"`
	KBPK         string `json:"kbpk"`
	BlockVersion string `json:"block_version"`
	Expect       string `json:"expect"`
	Reveal       bool   `json:"reveal"`
	AllowWeak    bool   `json:"allow_weak"`
	out          outputOpts
	batch        string
}

func newDukptIKCmd(a *App) *cobra.Command {
	o := ikOpts{}
	cmd := a.command(cmdSpec{
		use:   "ik",
		short: text.New("derive a device's initial key from the BDK"),
		long: text.New("The KSN's length says which scheme it is: 20 digits are TDES DUKPT, 24 are AES DUKPT. Its counter is ignored. For a KSN with\n" +
			"fewer digits every reading is shown with the check value of its key, and none is taken. Without --to, --kbpk or --reveal\n" +
			"nothing but the check value comes out. --kbpk without --to puts the key block, with its KS (TDES) or IK (AES) block, into the\n" +
			"answer, as in every line of a --batch."),
		example: "  poskey dukpt ik --ksn FFFF9876543210E00000 --expect AF8C07                 # asks for the BDK, hidden\n" +
			"  poskey dukpt ik --bdk file:bdk.txt --ksn FFFF9876543210E00000 --to block:ik.tr31 --kbpk file:kbpk.txt\n" +
			"  poskey dukpt ik --bdk file:bdk.txt --kbpk file:kbpk.txt --batch ksns.jsonl",
		exits: []int{3, 4, 5, 6, 7, 8, 9, 10}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.bdkFlag(f, &o.BDK)
	a.ksnFlag(f, &o.KSN)
	a.ksnPaddingFlag(f, &o.KSNPadding)
	a.baseKBPKFlag(f, &o.KeyKBPK)
	o.out.add(a, cmd)
	a.expectFlag(f, &o.Expect)
	a.allowWeakFlag(f, &o.AllowWeak)
	a.batchFlag(f, &o.batch)
	cmd.MarkFlagsOneRequired("ksn", "batch")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDukptIK(cmd.Context(), a, o) }
	return cmd
}

type ikDoc struct {
	Scheme     dukpt.Scheme `json:"scheme"`
	KSN        string       `json:"ksn"`
	InitialKSN string       `json:"initial_ksn"`
	IK         keyDoc       `json:"ik"`
	Block      string       `json:"block,omitempty"`
	To         string       `json:"to,omitempty"`
	BDKWeak    []string     `json:"bdk_weaknesses,omitempty"`
	Label      string       `json:"label,omitempty"`
	Warnings   []warningDoc `json:"warnings"`
}

func (o *ikOpts) wish() derivedWish {
	return derivedWish{ksn: o.KSN, padding: o.KSNPadding, use: string(hsm.WantIK), expect: o.Expect,
		leaves: o.out.leaves() || o.KBPK != "" || o.Reveal,
		base:   baseWish{bdk: o.BDK, kbpk: o.KeyKBPK, allowWeak: o.AllowWeak}}
}

func newIKDoc(d derived, out delivered) ikDoc {
	ik := newKeyDoc(d.key)
	ik.Value = out.value
	return ikDoc{Scheme: d.ksn.Scheme(), KSN: d.ksn.String(), InitialKSN: d.ksn.Initial().String(), IK: ik,
		Block: out.block, To: out.to, Label: out.label, BDKWeak: weakIDs(d.base.key), Warnings: d.warningDocs(out.warnings)}
}

func runDukptIK(ctx context.Context, a *App, o ikOpts) error {
	o.out.allowWeak, o.out.inAnswer, o.out.origin = o.AllowWeak, true, store.Derived
	o.out.hangUnder(o.BDK)
	if err := o.out.check(ctx, a); err != nil {
		return err
	}
	if o.batch != "" {
		return a.runIKBatch(ctx, o)
	}
	in := a.intake()
	d, err := in.derived(ctx, o.wish())
	if short := (*shortKSN)(nil); errors.As(err, &short) {
		return a.answerReadings(short)
	}
	if err != nil {
		return err
	}
	o.out.optional, o.out.from = []keyblock.OptBlock{hsm.KSNBlock(d.ksn)}, d.base.key
	out, err := o.out.deliver(ctx, a, in, d.key)
	if err != nil {
		return err
	}
	doc := newIKDoc(d, out)
	return a.answerDelivered("dukpt.ik", doc, out, func(p *render.Page) {
		p.Fields(
			render.F(text.New("scheme"), p.T(schemeText(doc.Scheme))),
			render.F(text.New("initial KSN"), doc.InitialKSN),
			render.F(text.New("initial key"), p.T(text.New("%s, %d bytes", d.key.Algorithm, d.key.Len))),
			render.F(text.New("check value"), d.key.Check.String()),
			render.F(text.New("in the store as"), doc.Label),
			render.F(text.New("key block"), doc.Block),
			render.F(text.New("clear key"), doc.IK.Value),
			render.F(text.New("written to"), doc.To),
		)
		dukptWarnPage(p, d.warnings)
	})
}

func (a *App) runIKBatch(ctx context.Context, o ikOpts) error {
	if o.out.to != "" {
		return fault.New(fault.Usage, "--to does not go with --batch")
	}
	confirmed := o.out.reveal
	o.KBPK, o.BlockVersion, o.Reveal = o.out.kbpk, o.out.version, o.out.reveal
	given := []string{o.BDK, o.KeyKBPK, o.KBPK}
	return batchOf(ctx, a, o.batch, "dukpt.ik", o, given, func(ctx context.Context, in *intake, o ikOpts) (any, error) {
		if o.Reveal && !confirmed {
			return nil, fault.New(fault.RevealNeeded, "a line asks to reveal; the command needs --reveal --yes for that")
		}
		return a.ikLine(ctx, in, o)
	})
}

func (a *App) ikLine(ctx context.Context, in *intake, o ikOpts) (ikDoc, error) {
	if o.KSN == "" {
		return ikDoc{}, fault.New(fault.Usage, "no KSN is given (ksn)")
	}
	if _, err := blockVersion(o.BlockVersion); err != nil {
		return ikDoc{}, err
	}
	d, err := in.derived(ctx, o.wish())
	if err != nil {
		return ikDoc{}, err
	}
	var out delivered
	if o.KBPK != "" {
		w, err := a.wrapFor(ctx, in, d.key, &outputOpts{kbpk: o.KBPK, version: o.BlockVersion, allowWeak: o.AllowWeak,
			optional: []keyblock.OptBlock{hsm.KSNBlock(d.ksn)}, from: d.base.key})
		if err != nil {
			return ikDoc{}, err
		}
		out.block, out.warnings = w.Block, w.Warnings
	}
	if o.Reveal {
		out.value, err = a.revealed(ctx, d.key)
	}
	return newIKDoc(d, out), err
}
