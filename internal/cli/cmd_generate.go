package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

type generateOpts struct {
	alg, usage, mode, exportability string
	out                             outputOpts
	split                           splitSpec
	allowWeak                       bool
}

func newGenerateCmd(a *App) *cobra.Command {
	o := generateOpts{}
	cmd := a.command(cmdSpec{
		use: "generate", group: groupKeys,
		short: text.New("make a new key"),
		long: text.New("The key comes from the system's random source; TDES keys get odd parity. Say where it goes: into a key block\n" +
			"(--to block:PATH --kbpk SRC), into component sheets (--parts N --to-dir DIR), or clear (--reveal).\n" +
			"A PC is not a secure cryptographic device (PCI PIN 5-1): keys made here are test keys unless your rules say otherwise."),
		example: "  poskey generate --alg tdes-128 --usage K0 --parts 3 --to-dir sheets\n" +
			"  poskey generate --alg aes-256 --usage K1 --to block:kbpk.tr31 --kbpk file:kek.txt\n" +
			"  poskey generate --alg aes-128 --usage D0 --reveal --yes -o json",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.algFlag(f, &o.alg)
	f.StringVar(&o.usage, "usage", "", a.Say.T("key usage of X9.143, such as K0, P0, B0, D0"))
	f.StringVar(&o.mode, "mode", "", a.Say.T("mode of use; the usage's own when left out"))
	f.StringVar(&o.exportability, "exportability", "E", a.Say.T("exportability: E, N or S"))
	o.out.add(a, cmd)
	o.split.add(a, cmd)
	a.allowWeakFlag(f, &o.allowWeak)
	required(cmd, "alg", "usage")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runGenerate(cmd.Context(), a, o) }
	return cmd
}

type generateDoc struct {
	Algorithm keys.Algorithm `json:"algorithm"`
	Usage     keys.Usage     `json:"usage"`
	KCV       string         `json:"kcv"`
	Method    kcv.Method     `json:"method"`
	Label     string         `json:"label,omitempty"`
	Block     string         `json:"block,omitempty"`
	Value     string         `json:"value,omitempty"`
	To        string         `json:"to,omitempty"`
	Parts     []partDoc      `json:"parts,omitempty"`
}

func runGenerate(ctx context.Context, a *App, o generateOpts) error {
	attrs, err := parseAttributes(o.alg, o.usage, o.mode, o.exportability)
	if err != nil {
		return err
	}
	if o.out.to == "" && o.split.parts == 0 && !o.out.reveal {
		return fault.New(fault.Usage, "say where the key goes: --to store:LABEL, --to block:PATH, --parts N --to-dir DIR, or --reveal")
	}
	o.out.allowWeak, o.out.origin = o.allowWeak, store.Generated
	if err := o.out.check(ctx, a); err != nil {
		return err
	}
	if err := o.split.check(attrs.Algorithm); err != nil {
		return err
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return err
	}
	if !b.Info().Strict {
		o.out.exportability, attrs = attrs.Exportability, born(attrs)
	}
	k, err := b.Generate(ctx, attrs, hsm.Policy{AllowWeak: o.allowWeak})
	if err != nil {
		return err
	}
	doc := generateDoc{Algorithm: k.Algorithm, Usage: k.Usage, KCV: k.Check.Digits, Method: k.Check.Method}
	in := a.intake()
	sheets, err := o.split.write(ctx, a, k)
	if err != nil {
		return err
	}
	d, err := o.out.deliver(ctx, a, in, k)
	if err != nil {
		sheets.undo()
		return err
	}
	doc.Label, doc.Block, doc.Value, doc.To, doc.Parts = d.label, d.block, d.value, d.to, sheets.docs
	return a.answerDelivered("generate", doc, d, func(p *render.Page) {
		p.Fields(
			render.F(text.New("algorithm"), string(doc.Algorithm)),
			render.F(text.New("usage"), string(doc.Usage)+"  "+p.T(doc.Usage.Name())),
			render.F(text.New("check value"), k.Check.String()),
			render.F(text.New("in the store as"), doc.Label),
			render.F(text.New("key block"), doc.Block),
			render.F(text.New("clear key"), doc.Value),
			render.F(text.New("written to"), doc.To),
		)
		partsGrid(p, doc.Parts)
	})
}

// parseAttributes reads the flags that say what a key is for.
func parseAttributes(alg, usage, mode, exportability string) (hsm.Attributes, error) {
	a, err := keys.ParseAlgorithm(alg)
	if err != nil {
		return hsm.Attributes{}, err
	}
	attrs := hsm.Attributes{Algorithm: a}
	if usage != "" {
		if attrs.Usage, err = keys.ParseUsage(usage); err != nil {
			return hsm.Attributes{}, err
		}
	}
	if attrs.Mode, err = oneChar("mode", mode); err != nil {
		return hsm.Attributes{}, err
	}
	if attrs.Exportability, err = oneChar("exportability", exportability); err != nil {
		return hsm.Attributes{}, err
	}
	attrs = attrs.Defaults()
	h := keyblock.Header{Usage: attrs.Usage, Mode: attrs.Mode, Exportability: attrs.Exportability}
	if err := h.CheckAttributes(false); err != nil {
		return hsm.Attributes{}, err
	}
	return attrs, nil
}

// oneChar reads a flag that is one letter or digit, in either case; 0 when it is empty.
func oneChar(flag, value string) (byte, error) {
	switch {
	case value == "":
		return 0, nil
	case len(value) != 1 || !(value[0] >= '0' && value[0] <= '9' || value[0] >= 'A' && value[0] <= 'Z' || value[0] >= 'a' && value[0] <= 'z'):
		return 0, fault.New(fault.Usage, "--%s %q is not one letter or digit", flag, text.Redact(value))
	}
	return strings.ToUpper(value)[0], nil
}
