package cli

import (
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/unionpay"
)

type diagnoseSignInOpts struct {
	diagnosisOpts
	code, field62, message, trade string
	tmks, shown                   []string
	kbpk                          string
	wrapped, wrappedExpected      string // the master key as it came
}

func newDiagnoseSignInCmd(a *App) *cobra.Command {
	o := diagnoseSignInOpts{}
	cmd := a.command(cmdSpec{
		use:   "signin",
		short: text.New("explain the working keys of a UnionPay sign-in: layouts, check values, MAC"),
		long: text.New("Give field 62 of the answer (0810) and field 60.3 of the request, or the whole message as it was captured, and the terminal master key.\n" +
			"Every layout is tried, each working key's check value is computed anew (SM4 too), then other master keys (--tmk again), then\n" +
			"every mistake by which the key on one side becomes another. --shown tells what the terminal shows; --trade is a captured message\n" +
			"with a MAC, which is tried by every rule. Wrong values that programs show for these keys are listed."),
		example: "  poskey diagnose signin --code 003 --tmk file:tmk.txt --field62 6701EAD6A9AD51E51AA406E2C27FCFA98D0A74B8B651F9E9BACE9AE10000000000000000AB7153CA\n" +
			"  poskey diagnose signin --message file:0810.hex --tmk store:TMK-1 --shown MAK=C53117AC",
		exits: []int{3, 4, 5, 6, 7, 8, 9, 11}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringVar(&o.code, "code", "", a.Say.T("field 60.3 of the sign-in: 001, 003, 004 or 005"))
	f.StringVar(&o.field62, "field62", "", a.Say.T("field 62 of the answer, in hex"))
	f.StringVar(&o.message, "message", "", a.Say.T("the whole answer in hex, with or without length, TPDU and header: hex, or file:PATH"))
	f.StringVar(&o.trade, "trade", "", a.Say.T("a message with a MAC of the time after the sign-in: hex, or file:PATH"))
	f.StringArrayVar(&o.tmks, "tmk", nil, a.Say.T("the terminal master key (SRC); again for others that it may be"))
	f.StringArrayVar(&o.shown, "shown", nil, a.Say.T("check value that the terminal shows of a key: PIK=…, MAK=… or TDK=…"))
	f.StringVar(&o.wrapped, "tmk-cryptogram", "", a.Say.T("the cryptogram in which the master key came, in hex: it is tried under published transport keys"))
	f.StringVar(&o.wrappedExpected, "tmk-expected", "", a.Say.T("check value of the master key"))
	a.openKBPKFlag(f, &o.kbpk)
	a.diagnosisFlags(f, &o.diagnosisOpts)
	cmd.MarkFlagsOneRequired("tmk", "tmk-cryptogram")
	cmd.MarkFlagsOneRequired("field62", "message")
	cmd.MarkFlagsMutuallyExclusive("field62", "message")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDiagnoseSignIn(cmd.Context(), a, o) }
	return cmd
}

func runDiagnoseSignIn(ctx context.Context, a *App, o diagnoseSignInOpts) error {
	p := &probers{app: a}
	defer p.close()
	in, err := a.signInFacts(ctx, o, p)
	if err != nil {
		return err
	}
	o.known = map[string]string{"code": o.code, "field62": o.field62, "tmk": strings.Join(o.tmks[:min(1, len(o.tmks))], ""), "message": o.message}
	return a.diagnosed(ctx, "diagnose.signin", diagnose.Case{SignIn: in}, o.diagnosisOpts)
}

// signInFacts reads a sign-in and takes the candidates for the master key into the boundary.
func (a *App) signInFacts(ctx context.Context, o diagnoseSignInOpts, p *probers) (*diagnose.SignIn, error) {
	in, err := a.publicSignIn(ctx, o)
	if err != nil {
		return nil, err
	}
	var tmks []hsm.Key
	for i, src := range o.tmks {
		t, err := a.intake().key(ctx, keyWish{src: src, kbpk: o.kbpk, what: text.New("terminal master key %d of %d", i+1, len(o.tmks)), open: true,
			sheetValue: true, policy: hsm.Policy{Inspect: true}})
		if err != nil {
			return nil, err
		}
		tmks = append(tmks, t.Key)
		in.TMKs = append(in.TMKs, shownSource("TMK", src, i))
	}
	one := &probers{app: a}
	p.open = append(p.open, one)
	in.Open = func(ctx context.Context, cryptogram []byte, tmk int) (hsm.Prober, error) {
		raw, err := a.rawBytes(ctx, []byte(hex.EncodeToString(cryptogram)), text.New("field 62"))
		if err != nil {
			return nil, err
		}
		return one.next(ctx, raw, tmks[tmk])
	}
	b, err := a.hsm(ctx)
	if err != nil || len(tmks) < 2 || b.Info().Strict {
		return in, err // master keys of a store are not put together
	}
	in.OpenAll = func(ctx context.Context, cryptogram []byte) (hsm.Prober, error) {
		raw, err := a.rawBytes(ctx, []byte(hex.EncodeToString(cryptogram)), text.New("field 62"))
		if err != nil {
			return nil, err
		}
		return one.next(ctx, append([]hsm.Key{raw}, tmks...)...)
	}
	return in, nil
}

// shownSource names a key by its source, where that says nothing of the key.
func shownSource(kind, src string, i int) string {
	if scheme, _, _ := strings.Cut(src, ":"); scheme == "hex" || scheme == "prompt" {
		return kind + " " + strconv.Itoa(i+1)
	}
	return text.Redact(src)
}

// publicSignIn reads what is public.
func (a *App) publicSignIn(ctx context.Context, o diagnoseSignInOpts) (*diagnose.SignIn, error) {
	in := &diagnose.SignIn{Code: o.code, Shown: map[unionpay.KeyName]kcv.Expected{}}
	if err := checkCode(o.code); err != nil {
		return nil, err
	}
	var err error
	if o.field62 != "" {
		if in.Field62, err = publicHex(o.field62, text.New("field 62")); err != nil {
			return nil, err
		}
	} else if err := a.fromMessage(ctx, o.message, in); err != nil {
		return nil, err
	}
	if o.wrapped != "" {
		if in.Wrapped, err = publicHex(o.wrapped, text.New("the cryptogram of the master key")); err != nil {
			return nil, err
		}
	}
	if in.WrappedCheck, err = optionalGiven(o.wrappedExpected); err != nil {
		return nil, fault.Wrap(err, "--tmk-expected")
	}
	if o.trade != "" {
		m, err := a.capturedMessage(ctx, o.trade, text.New("the message with the MAC"))
		if err != nil {
			return nil, err
		}
		if m.MAC == nil {
			return nil, fault.New(fault.Malformed, "the message with the MAC has no field 64")
		}
		in.MAB, in.MAC = m.MAB, m.MAC
	}
	return in, parseShown(o.shown, in)
}

func checkCode(code string) error {
	if code == "" {
		return nil
	}
	c, known := unionpay.CodeOf(code)
	switch {
	case !known:
		return fault.New(fault.Usage, "--code %s: sign-ins have 001 (single length), 003 or 004 (double length) or 005 (SM4)", text.Redact(code))
	case !c.Keys:
		return fault.New(fault.Usage, "--code %s is no sign-in: %s", code, c.Meaning)
	}
	return nil
}

// fromMessage takes field 62 and, where it is there, field 60.3 out of a captured answer.
func (a *App) fromMessage(ctx context.Context, src string, in *diagnose.SignIn) error {
	m, err := a.capturedMessage(ctx, src, text.New("the message"))
	if err != nil {
		return err
	}
	if len(m.Field62) == 0 {
		return fault.New(fault.Malformed, "the message (%s) has no field 62: keys come in the answer to a sign-in (0810)", m.MTI)
	}
	in.Field62 = m.Field62
	if in.Code == "" && m.Field60 != "" {
		if f, err := unionpay.ParseField60(m.Field60); err == nil {
			if c, known := unionpay.CodeOf(f.Code); known && c.Keys {
				in.Code = f.Code
			}
		}
	}
	return nil
}

// capturedMessage reads a message that was captured, given as hex or in a file.
func (a *App) capturedMessage(ctx context.Context, src string, what text.Text) (unionpay.Message, error) {
	digits := src
	if path, ok := strings.CutPrefix(src, "file:"); ok {
		raw, err := readWhole(ctx, path, 4*unionpay.MaxMessage)
		if err != nil {
			return unionpay.Message{}, err
		}
		digits = string(raw)
	}
	raw, err := publicHex(digits, what)
	if err != nil {
		return unionpay.Message{}, err
	}
	m, err := unionpay.ParseMessage(raw)
	return m, fault.Wrap(err, "%s", what)
}

// publicHex reads hex that is no secret; blanks and line breaks do not count.
func publicHex(s string, what text.Text) ([]byte, error) {
	clean := strings.Map(func(c rune) rune {
		if strings.ContainsRune(" \t\r\n", c) {
			return -1
		}
		return c
	}, s)
	b, err := hex.DecodeString(clean)
	if err != nil || len(b) == 0 {
		return nil, fault.New(fault.NotHex, "%s: an even number of hex digits is wanted, got %d characters", what, len(clean))
	}
	return b, nil
}

// parseShown reads NAME=VALUE.
func parseShown(all []string, in *diagnose.SignIn) error {
	for _, s := range all {
		name, value, found := strings.Cut(s, "=")
		key := unionpay.KeyName(strings.ToUpper(name))
		if !found || !slices.Contains(unionpay.KeyNames(), key) {
			return fault.New(fault.Usage, "--shown %s: the form is PIK=…, MAK=… or TDK=… with the check value", text.Redact(s))
		}
		v, err := givenKCV(value)
		if err != nil {
			return fault.Wrap(err, "--shown %s", string(key))
		}
		in.Shown[key] = v
	}
	return nil
}
