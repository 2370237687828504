package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
)

// translateOpts are the flags; the JSON names are the fields of a batch line.
type translateOpts struct {
	Block         string `json:"block"`
	KBPK          string `json:"kbpk"`
	ToKBPK        string `json:"to_kbpk"`
	ToVersion     string `json:"to_version"`
	NoObfuscation bool   `json:"no_obfuscation"`
	AllowWeak     bool   `json:"allow_weak"`
	Strict        bool   `json:"strict"`
	batch         string
}

func newKeyblockTranslateCmd(a *App) *cobra.Command {
	o := translateOpts{}
	cmd := a.command(cmdSpec{
		use:   "translate [BLOCK|-]",
		short: text.New("move a key from one KBPK and version to another"),
		long:  text.New("The key stays inside the boundary. Attributes and optional blocks stay as they are; KP and PK are computed anew."),
		example: "  poskey keyblock translate --kbpk file:old.txt --to-kbpk file:new.txt < block.txt\n" +
			"  poskey keyblock translate --kbpk file:tdes.txt --to-kbpk file:aes.txt --to-version D --batch blocks.jsonl",
		exits: []int{3, 4, 5, 6, 7, 8, 9, 10}, args: cobra.MaximumNArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.KBPK, "kbpk", "", a.Say.T("KBPK of the block (SRC); asked for when left out"))
	f.StringVar(&o.ToKBPK, "to-kbpk", "", a.Say.T("KBPK of the new block (SRC); asked for when left out"))
	f.StringVar(&o.ToVersion, "to-version", "", a.Say.T("version of the new block: A B C D E; the same when left out"))
	f.BoolVar(&o.NoObfuscation, "no-obfuscation", false, a.Say.T("do not hide the key's length by padding"))
	a.allowWeakFlag(f, &o.AllowWeak)
	a.strictFlag(f, &o.Strict)
	a.batchFlag(f, &o.batch)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runKeyblockTranslate(cmd.Context(), a, o, args) }
	return cmd
}

func runKeyblockTranslate(ctx context.Context, a *App, o translateOpts, args []string) error {
	if o.batch != "" && len(args) > 0 {
		return errBlockAndBatch()
	}
	if o.batch != "" {
		return batchOf(ctx, a, o.batch, "keyblock.translate", o, []string{o.KBPK, o.ToKBPK}, func(ctx context.Context, in *intake, o translateOpts) (any, error) {
			doc, _, err := translateOne(ctx, a, in, o)
			return doc, err
		})
	}
	var err error
	if o.Block, err = a.blockArg(args); err != nil {
		return err
	}
	doc, warnings, err := translateOne(ctx, a, a.intake(), o)
	if err != nil {
		return err
	}
	return a.render.Answer("keyblock.translate", doc, func(p *render.Page) {
		p.Raw(doc.Block)
		p.Blank()
		p.Fields(render.F(text.New("check value"), kcv.Value{Method: doc.Method, Digits: doc.KCV}.String()))
		warnPage(p, warnings)
	})
}

func translateOne(ctx context.Context, a *App, in *intake, o translateOpts) (wrapDoc, []keyblock.Warning, error) {
	block, warnings, err := parseBlock(o.Block)
	if err != nil {
		return wrapDoc{}, nil, err
	}
	change := hsm.Change{Plain: o.NoObfuscation, AllowWeak: o.AllowWeak, Version: block.Version}
	if o.ToVersion != "" {
		if change.Version, err = oneChar("to-version", o.ToVersion); err != nil {
			return wrapDoc{}, nil, err
		}
	}
	from, err := in.kbpk(ctx, o.KBPK, block.Version, text.New("the KBPK of the block"))
	if err != nil {
		return wrapDoc{}, nil, err
	}
	to, err := in.protector(ctx, kbpkWish{src: o.ToKBPK, version: change.Version, what: text.New("the KBPK of the new block"), protects: true, allowWeak: o.AllowWeak})
	if err != nil {
		return wrapDoc{}, nil, err
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return wrapDoc{}, nil, err
	}
	tr, err := b.Translate(ctx, block, from, to, change)
	if err != nil {
		if in.batch {
			return wrapDoc{}, nil, err
		}
		return wrapDoc{}, nil, a.explainFailure(ctx, err, block, from)
	}
	warnings = append(warnings, tr.Warnings...)
	if o.Strict {
		if err := strict(warnings); err != nil {
			return wrapDoc{}, nil, err
		}
	}
	made, err := keyblock.Parse(tr.Block)
	if err != nil {
		return wrapDoc{}, nil, err
	}
	return wrapDoc{tr.Block, newHeaderDoc(&made.Header, made.Len()), tr.Key.Check.Digits, tr.Key.Check.Method, warningDocs(warnings), weakIDs(tr.Key)}, warnings, nil
}
