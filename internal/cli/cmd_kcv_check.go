package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
)

type kcvCheckOpts struct {
	key, kbpk, alg, method, expect string
}

func newKCVCheckCmd(a *App) *cobra.Command {
	o := kcvCheckOpts{}
	cmd := a.command(cmdSpec{
		use:   "check",
		short: text.New("compare a key with an expected check value"),
		long: text.New("The shorter of the two values decides, and the answer says how many digits were compared. Zeros that fill\n" +
			"a value up after six digits are no part of it. At least four digits are needed."),
		example: "  poskey kcv check --alg tdes-128 --expect 08D7B4\n" +
			"  poskey kcv check --alg aes-128 --method ecb-zero --expect 763CBC --key file:key.txt",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.keyFlag(f, &o.key)
	a.openKBPKFlag(f, &o.kbpk)
	a.algFlag(f, &o.alg)
	f.StringVar(&o.method, "method", "", a.Say.T("check-value method; the algorithm's default when left out"))
	a.expectFlag(f, &o.expect)
	required(cmd, "expect")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runKCVCheck(cmd.Context(), a, o) }
	return cmd
}

type kcvCheckDoc struct {
	Match          bool       `json:"match"`
	Method         kcv.Method `json:"method"`
	DigitsCompared int        `json:"digits_compared"`
	Expected       string     `json:"expected"`
	Computed       string     `json:"computed"`
}

func runKCVCheck(ctx context.Context, a *App, o kcvCheckOpts) error {
	expected, err := kcv.Parse(o.expect)
	if err != nil {
		return err
	}
	method, err := optionalMethod(o.method)
	if err != nil {
		return err
	}
	t, err := a.intake().key(ctx, keyWish{src: o.key, kbpk: o.kbpk, what: text.New("the key"), sheetValue: true, alg: o.alg, policy: hsm.Policy{Inspect: true}})
	if err != nil {
		return err
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return err
	}
	c, err := b.Compare(ctx, t.Key, expected, method)
	if fault.Is(err, fault.MalformedLength) { // longer than the method's values: by which method is it one?
		if matches, idErr := b.Identify(ctx, t.Key, expected, t.Key.Algorithm); idErr == nil && len(matches) > 0 {
			return fault.New(fault.MalformedLength, "%s; %s", err,
				text.New("it is this key's value by the method %s: agree on one method", string(matches[0].Method)))
		}
	}
	if err != nil {
		return err
	}
	doc := kcvCheckDoc{c.Match, c.Computed.Method, c.Digits, c.Expected, c.Computed.Digits}
	if err := a.render.Answer("kcv.check", doc, func(p *render.Page) { kcvCheckPage(p, doc) }); err != nil {
		return err
	}
	if c.Match {
		return nil
	}
	if matches, err := b.Identify(ctx, t.Key, expected, t.Key.Algorithm); err == nil && len(matches) > 0 {
		return fault.New(fault.KCVMismatch, "check value is %s, expected %s, which is this key's value by the method %s: agree on one method",
			c.Got(), c.Wanted(), string(matches[0].Method))
	}
	return c.Err()
}

func kcvCheckPage(p *render.Page, doc kcvCheckDoc) {
	if doc.Match {
		p.Good(text.New("the check value agrees"))
	} else {
		p.Bad(text.New("the check value does not agree"))
	}
	p.Fields(
		render.F(text.New("method"), string(doc.Method)),
		render.F(text.New("expected"), doc.Expected),
		render.F(text.New("computed"), doc.Computed),
		render.F(text.New("digits compared"), strconv.Itoa(doc.DigitsCompared)),
	)
}

func optionalMethod(name string) (kcv.Method, error) {
	if name == "" {
		return "", nil
	}
	return kcv.ParseMethod(name)
}
