package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

type splitOpts struct {
	key, kbpk, alg string
	split          splitSpec
	allowWeak      bool
}

func newSplitCmd(a *App) *cobra.Command {
	o := splitOpts{}
	cmd := a.command(cmdSpec{
		use: "split", group: groupKeys,
		short: text.New("cut a key into components, one sheet each"),
		long: text.New("Every component is as long as the key. XOR needs all of them; Shamir any --threshold. Each sheet says which part of\n" +
			"which set it is and carries its own check value and the key's, so that a missing or foreign sheet is named later.\n" +
			"The files can be read by their owner alone; give each to one custodian and keep none."),
		example: "  poskey split --alg tdes-128 --parts 3 --to-dir sheets\n" +
			"  poskey split --alg aes-256 --key file:key.txt --scheme shamir --parts 5 --threshold 3 --to-dir sheets",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.keyFlag(f, &o.key)
	a.openKBPKFlag(f, &o.kbpk)
	a.algFlag(f, &o.alg)
	o.split.add(a, cmd)
	a.allowWeakFlag(f, &o.allowWeak)
	required(cmd, "parts", "to-dir")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runSplit(cmd.Context(), a, o) }
	return cmd
}

type splitDoc struct {
	Algorithm keys.Algorithm `json:"algorithm"`
	Scheme    string         `json:"scheme"`
	Threshold int            `json:"threshold"`
	KCV       string         `json:"kcv"`
	Method    kcv.Method     `json:"method"`
	Parts     []partDoc      `json:"parts"`
}

func runSplit(ctx context.Context, a *App, o splitOpts) error {
	alg, err := optionalAlg(o.alg)
	if err != nil {
		return err
	}
	if alg != "" {
		if err := o.split.check(alg); err != nil { // before anybody types a key
			return err
		}
	}
	t, err := a.intake().key(ctx, keyWish{src: o.key, kbpk: o.kbpk, alg: o.alg, what: text.New("the key"), policy: hsm.Policy{AllowWeak: o.allowWeak}})
	if err != nil {
		return err
	}
	if err := o.split.check(t.Key.Algorithm); err != nil {
		return err
	}
	written, err := o.split.write(ctx, a, t.Key)
	if err != nil {
		return err
	}
	spec := o.split.spec()
	doc := splitDoc{t.Key.Algorithm, string(spec.Scheme), spec.Threshold, t.Key.Check.Digits, t.Key.Check.Method, written.docs}
	return a.render.Answer("split", doc, func(p *render.Page) {
		p.Line(text.New("%s key, check value %s, %d parts, %d needed", doc.Algorithm, t.Key.Check, spec.Parts, spec.Threshold))
		partsGrid(p, doc.Parts)
		p.Blank()
		p.Line(text.New("Give each sheet to one custodian, by different ways, and keep none."))
	})
}
