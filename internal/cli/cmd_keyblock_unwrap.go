package cli

import (
	"context"

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

// unwrapOpts are the flags; the JSON names are the fields of a batch line.
type unwrapOpts struct {
	Block     string `json:"block"`
	KBPK      string `json:"kbpk"`
	Expect    string `json:"expect"`
	Strict    bool   `json:"strict"`
	Reveal    bool   `json:"reveal"`
	yes       bool
	to        string
	parent    string
	purpose   string
	period    string
	toKBPK    string
	toVersion string
	batch     string
}

func newKeyblockUnwrapCmd(a *App) *cobra.Command {
	o := unwrapOpts{}
	cmd := a.command(cmdSpec{
		use:   "unwrap [BLOCK|-]",
		short: text.New("open a key block and check what it says"),
		long: text.New("The MAC is checked before anything else is believed. The check values in the block (KC, KP, PK) are compared with the\n" +
			"computed ones; a difference is a warning, and an error under --strict. The key itself is shown only with --reveal."),
		example: "  poskey keyblock unwrap B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E --kbpk file:kbpk.txt\n" +
			"  poskey keyblock unwrap --kbpk file:kbpk.txt --expect 57C409 --strict < block.txt\n" +
			"  poskey keyblock unwrap --batch blocks.jsonl --kbpk file:kbpk.txt",
		exits: []int{3, 4, 5, 6, 7, 8, 9, 10}, args: cobra.MaximumNArgs(1),
	})
	f := cmd.Flags()
	a.kbpkFlag(f, &o.KBPK)
	a.strictFlag(f, &o.Strict)
	f.StringVar(&o.to, "to", "", a.Say.T("where the key goes (DEST): store:LABEL, block:PATH under --to-kbpk, or file:PATH with --reveal"))
	a.newKeyFlags(f, &o.parent, &o.purpose, &o.period)
	f.StringVar(&o.toKBPK, "to-kbpk", "", a.Say.T("KBPK of the new block (SRC), for --to block:"))
	f.StringVar(&o.toVersion, "block-version", "D", a.Say.T("version of that block: A B C (TDES KBPK), D E (AES KBPK)"))
	f.BoolVar(&o.Reveal, "reveal", false, a.Say.T("show or write the clear key"))
	f.BoolVar(&o.yes, "yes", false, a.Say.T("confirm --reveal without asking"))
	a.batchFlag(f, &o.batch)
	a.expectFlag(f, &o.Expect)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runKeyblockUnwrap(cmd.Context(), a, o, args) }
	return cmd
}

type unwrapDoc struct {
	Header   headerDoc    `json:"header"`
	Key      keyDoc       `json:"key"`
	Warnings []warningDoc `json:"warnings"`
	Block    string       `json:"block,omitempty"` // the new one, of --to block:
	Label    string       `json:"label,omitempty"` // of --to store:
}

type keyDoc struct {
	Algorithm  keys.Algorithm `json:"algorithm"`
	KCV        string         `json:"kcv,omitempty"`
	Method     kcv.Method     `json:"method,omitempty"`
	Length     int            `json:"length"`
	Parity     keys.Parity    `json:"parity,omitempty"`
	Weaknesses []string       `json:"weaknesses,omitempty"`
	Value      string         `json:"value,omitempty"`
}

func newKeyDoc(k hsm.Key) keyDoc {
	return keyDoc{Algorithm: k.Algorithm, KCV: k.Check.Digits, Method: k.Check.Method, Length: k.Len, Parity: k.Parity, Weaknesses: weakIDs(k)}
}

func runKeyblockUnwrap(ctx context.Context, a *App, o unwrapOpts, args []string) error {
	out := outputOpts{to: o.to, kbpk: o.toKBPK, version: o.toVersion, reveal: o.Reveal, yes: o.yes,
		origin: store.Unwrapped, parent: o.parent, purpose: o.purpose, period: o.period}
	if err := out.check(ctx, a); err != nil {
		return err
	}
	if o.batch != "" && len(args) > 0 {
		return errBlockAndBatch()
	}
	if o.batch != "" {
		return a.runUnwrapBatch(ctx, o)
	}
	var err error
	if o.Block, err = a.blockArg(args); err != nil {
		return err
	}
	in := a.intake()
	r, err := unwrapOne(ctx, a, in, o)
	if err != nil {
		return err
	}
	if out.hangUnder(o.KBPK) {
		out.parentBlock = r.block.Marshal()
	}
	d, err := out.deliver(ctx, a, in, r.key)
	if err != nil {
		return err
	}
	doc := r.doc()
	doc.Key.Value, doc.Block, doc.Label = d.value, d.block, d.label
	return a.answerDelivered("keyblock.unwrap", doc, d, func(p *render.Page) {
		headerPage(p, &r.block.Header, r.block.Len())
		keyPage(p, r.key, d.value)
		p.Fields(render.F(text.New("in the store as"), d.label))
		warnPage(p, r.warnings)
	})
}

func (a *App) runUnwrapBatch(ctx context.Context, o unwrapOpts) error {
	if o.to != "" {
		return fault.New(fault.Usage, "--to does not go with --batch")
	}
	confirmed := o.Reveal
	return batchOf(ctx, a, o.batch, "keyblock.unwrap", o, []string{o.KBPK}, func(ctx context.Context, in *intake, o unwrapOpts) (any, error) {
		if o.Reveal && !confirmed {
			return nil, fault.New(fault.RevealNeeded, "a line asks to reveal; the command needs --reveal --yes for that")
		}
		r, err := unwrapOne(ctx, a, in, o)
		if err != nil {
			return nil, err
		}
		doc := r.doc()
		if o.Reveal {
			doc.Key.Value, err = a.revealed(ctx, r.key)
		}
		return doc, err
	})
}

// unwrapped is an opened block with what it came from.
type unwrapped struct {
	block    *keyblock.Block
	key      hsm.Key
	warnings []keyblock.Warning
}

func (r unwrapped) doc() unwrapDoc {
	return unwrapDoc{Header: newHeaderDoc(&r.block.Header, r.block.Len()), Key: newKeyDoc(r.key), Warnings: warningDocs(r.warnings)}
}

func unwrapOne(ctx context.Context, a *App, in *intake, o unwrapOpts) (unwrapped, error) {
	block, warnings, err := parseBlock(o.Block)
	if err != nil {
		return unwrapped{}, err
	}
	kbpk, err := in.kbpk(ctx, o.KBPK, block.Version, text.New("the KBPK"))
	if err != nil {
		return unwrapped{}, err
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return unwrapped{}, err
	}
	opened, err := b.Unwrap(ctx, block, kbpk, hsm.Policy{Inspect: true})
	if err != nil {
		if in.batch { // the search takes milliseconds, and a batch may hold a million bad lines
			return unwrapped{}, err
		}
		return unwrapped{}, a.explainFailure(ctx, err, block, kbpk)
	}
	r := unwrapped{block, opened.Key, append(warnings, opened.Warnings...)}
	if o.Expect != "" {
		expected, err := kcv.Parse(o.Expect)
		if err != nil {
			return unwrapped{}, err
		}
		if _, err := hsm.Verify(ctx, b, opened.Key, expected, "", hsm.ByExpected); err != nil {
			return unwrapped{}, err
		}
	}
	if o.Strict {
		return r, strict(r.warnings)
	}
	return r, nil
}

func keyPage(p *render.Page, k hsm.Key, value string) {
	p.Blank()
	p.Fields(
		render.F(text.New("key"), p.T(text.New("%s, %d bytes", k.Algorithm, k.Len))),
		render.F(text.New("check value"), checkText(k.Check)),
		render.F(text.New("parity"), p.T(k.Parity.Text())),
		render.F(text.New("clear key"), value),
	)
}
