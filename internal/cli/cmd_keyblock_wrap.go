package cli

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// wrapOpts are the flags; the JSON names are the fields of a batch line.
type wrapOpts struct {
	Key           string  `json:"key"`
	Alg           string  `json:"alg"`
	KBPK          string  `json:"kbpk"`
	KeyKBPK       string  `json:"key_kbpk"`
	Header        string  `json:"header"`
	Version       string  `json:"version"`
	Usage         string  `json:"usage"`
	Mode          string  `json:"mode"`
	Exportability string  `json:"exportability"`
	KeyVersion    string  `json:"key_version"`
	Opt           optList `json:"opt"`
	NoObfuscation bool    `json:"no_obfuscation"`
	AllowWeak     bool    `json:"allow_weak"`
	Strict        bool    `json:"strict"`
	batch         string
}

// optList takes one ID=VALUE or a list of them in a batch line.
type optList []string

// UnmarshalJSON reads a string or an array of strings.
func (l *optList) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = optList{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return err
	}
	*l = many
	return nil
}

func newKeyblockWrapCmd(a *App) *cobra.Command {
	o := wrapOpts{}
	var opts []string
	cmd := a.command(cmdSpec{
		use:   "wrap",
		short: text.New("close a key block over a key"),
		long: text.New("The header comes as --header (16 characters and optional blocks; length and number are computed) or field by field.\n" +
			"--opt KC=auto and --opt KP=auto fill in the check values, --opt TS=now the time. The key's length is hidden by padding\n" +
			"unless --no-obfuscation is given; packet 02 of PIN pads needs that."),
		example: "  poskey keyblock wrap --key file:key.txt --alg tdes-128 --kbpk file:kbpk.txt --version B --usage P0 --mode E --exportability E\n" +
			"  poskey keyblock wrap --key file:key.txt --alg aes-128 --kbpk file:kbpk.txt --header D0000D0AB00E0000 --opt KC=auto --opt LB=test",
		exits: []int{3, 4, 5, 6, 7, 8, 9, 10}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.keyFlag(f, &o.Key)
	a.algFlag(f, &o.Alg)
	a.kbpkFlag(f, &o.KBPK)
	f.StringVar(&o.KeyKBPK, "key-kbpk", "", a.Say.T("KBPK that opens --key block:PATH (SRC)"))
	f.StringVar(&o.Header, "header", "", a.Say.T("the header; its length and counts are computed anew"))
	f.StringVar(&o.Version, "version", "", a.Say.T("key block version: A B C D E"))
	f.StringVar(&o.Usage, "usage", "", a.Say.T("key usage of X9.143, such as K0, P0, B0, D0"))
	f.StringVar(&o.Mode, "mode", "", a.Say.T("mode of use; the usage's own when left out"))
	f.StringVar(&o.Exportability, "exportability", "", a.Say.T("exportability: E, N or S"))
	f.StringVar(&o.KeyVersion, "key-version", "", a.Say.T("key version, two characters; 00 when left out"))
	f.StringArrayVar(&opts, "opt", nil, a.Say.T("optional block ID=VALUE; KC=auto, KP=auto, PK=auto, TS=now, TC=now"))
	f.BoolVar(&o.NoObfuscation, "no-obfuscation", false, a.Say.T("do not hide the key's length by padding"))
	a.allowWeakFlag(f, &o.AllowWeak)
	a.strictFlag(f, &o.Strict)
	a.batchFlag(f, &o.batch)
	cmd.MarkFlagsMutuallyExclusive("header", "version")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o.Opt = opts
		return runKeyblockWrap(cmd.Context(), a, o)
	}
	return cmd
}

type wrapDoc struct {
	Block      string       `json:"block"`
	Header     headerDoc    `json:"header"`
	KCV        string       `json:"kcv"`
	Method     kcv.Method   `json:"method"`
	Warnings   []warningDoc `json:"warnings"`
	Weaknesses []string     `json:"weaknesses,omitempty"` // of the key, where --allow-weak let it pass
}

func runKeyblockWrap(ctx context.Context, a *App, o wrapOpts) error {
	if o.batch != "" {
		return batchOf(ctx, a, o.batch, "keyblock.wrap", o, []string{o.Key, o.KBPK, o.KeyKBPK}, func(ctx context.Context, in *intake, o wrapOpts) (any, error) {
			doc, _, err := wrapOne(ctx, a, in, o)
			return doc, err
		})
	}
	doc, warnings, err := wrapOne(ctx, a, a.intake(), o)
	if err != nil {
		return err
	}
	return a.render.Answer("keyblock.wrap", doc, func(p *render.Page) {
		p.Raw(doc.Block)
		p.Blank()
		p.Fields(render.F(text.New("check value"), kcv.Value{Method: doc.Method, Digits: doc.KCV}.String()))
		warnPage(p, warnings)
	})
}

func wrapOne(ctx context.Context, a *App, in *intake, o wrapOpts) (wrapDoc, []keyblock.Warning, error) {
	h, err := wrapHeader(o)
	if err == nil {
		err = h.CheckAttributes(false) // before anybody types a key
	}
	if err != nil {
		return wrapDoc{}, nil, err
	}
	t, err := in.key(ctx, keyWish{src: o.Key, kbpk: o.KeyKBPK, alg: o.Alg, what: text.New("the key"),
		attrs: born(hsm.Attributes{Usage: h.Usage, Mode: h.Mode, Exportability: h.Exportability}), policy: hsm.Policy{AllowWeak: o.AllowWeak}})
	if err != nil {
		return wrapDoc{}, nil, err
	}
	if o.Header == "" {
		h.Algorithm = keyblock.AlgorithmChar(t.Key.Algorithm)
	}
	if err := t.keepsUsage(h.Usage); err != nil {
		return wrapDoc{}, nil, err
	}
	kbpk, err := in.protector(ctx, kbpkWish{src: o.KBPK, version: h.Version, what: text.New("the KBPK"), protects: true, allowWeak: o.AllowWeak})
	if err != nil {
		return wrapDoc{}, nil, err
	}
	if err := a.addOptions(ctx, &h, o.Opt, t.Key, kbpk); err != nil {
		return wrapDoc{}, nil, err
	}
	wo := keyblock.WrapOptions{AllowWeak: o.AllowWeak}
	if !o.NoObfuscation {
		wo.PadTo = keyblock.ObfuscatedLen(t.Key.Algorithm)
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return wrapDoc{}, nil, err
	}
	w, err := b.Wrap(ctx, t.Key, kbpk, h, wo)
	if err != nil {
		return wrapDoc{}, nil, err
	}
	made, err := keyblock.Parse(w.Block)
	if err != nil {
		return wrapDoc{}, nil, fault.WrapAs(fault.Bug, err, "read the block back")
	}
	warnings := append(made.Lint(), w.Warnings...)
	if o.Strict {
		if err := strict(warnings); err != nil {
			return wrapDoc{}, nil, err
		}
	}
	return wrapDoc{w.Block, newHeaderDoc(&made.Header, made.Len()), t.Key.Check.Digits, t.Key.Check.Method, warningDocs(warnings), weakIDs(t.Key)}, warnings, nil
}

// wrapHeader makes the header of --header or of the single flags.
func wrapHeader(o wrapOpts) (keyblock.Header, error) {
	if o.Header != "" {
		return keyblock.BuildHeader(o.Header)
	}
	if o.Version == "" || o.Usage == "" {
		return keyblock.Header{}, fault.New(fault.Usage, "give --header, or --version and --usage")
	}
	version, err := oneChar("version", o.Version)
	if err != nil {
		return keyblock.Header{}, err
	}
	usage, err := keys.ParseUsage(o.Usage)
	if err != nil {
		return keyblock.Header{}, err
	}
	mode, err := oneChar("mode", o.Mode)
	if err != nil {
		return keyblock.Header{}, err
	}
	exportability, err := oneChar("exportability", o.Exportability)
	if err != nil {
		return keyblock.Header{}, err
	}
	attrs := hsm.Attributes{Usage: usage, Mode: mode, Exportability: exportability}.Defaults()
	h := keyblock.Header{Version: version, Usage: attrs.Usage, Algorithm: 'T', Mode: attrs.Mode, KeyVersion: "00",
		Exportability: attrs.Exportability, Context: '0', Reserved: '0'}
	if o.KeyVersion != "" {
		h.KeyVersion = o.KeyVersion
	}
	_, err = keyblock.CheckHeader(h)
	return h, err
}

// addOptions puts the optional blocks in, in the order given; auto and now are filled.
func (a *App) addOptions(ctx context.Context, h *keyblock.Header, opts []string, k, kbpk hsm.Key) error {
	if hm := keyblock.HMFor(k.Algorithm); hm != "" && h.Algorithm == 'H' {
		if _, there := h.Opt("HM"); !there {
			h.SetOpt("HM", hm)
		}
	}
	for _, opt := range opts {
		id, value, ok := strings.Cut(opt, "=")
		if !ok {
			return fault.New(fault.Usage, "--opt %q is not ID=VALUE", text.Redact(opt))
		}
		value, err := a.optionValue(ctx, strings.ToUpper(id), value, k, kbpk)
		if err != nil {
			return err
		}
		o, err := keyblock.NewOptBlock(id, value)
		if err != nil {
			return err
		}
		h.SetOpt(o.ID, o.Data)
	}
	return nil
}

func (a *App) optionValue(ctx context.Context, id, value string, k, kbpk hsm.Key) (string, error) {
	b, err := a.hsm(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case value == "auto" && id == "KC":
		return b.CheckData(ctx, k)
	case value == "auto" && (id == "KP" || id == "PK"):
		return b.CheckData(ctx, kbpk)
	case value == "auto" && id == "HM":
		return keyblock.HMFor(k.Algorithm), nil
	case value == "now" && (id == "TS" || id == "TC"):
		return a.Env.Now().UTC().Format("20060102150405Z"), nil
	}
	return value, nil
}
