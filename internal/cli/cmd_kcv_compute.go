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
	"poskey/pkg/keys"
)

// kcvComputeOpts are the flags; the JSON names are the fields of a batch line.
type kcvComputeOpts struct {
	Key    string `json:"key"`
	KBPK   string `json:"kbpk"`
	Alg    string `json:"alg"`
	Method string `json:"method"`
	Length int    `json:"length"`
	batch  string
}

func newKCVComputeCmd(a *App) *cobra.Command {
	o := kcvComputeOpts{}
	cmd := a.command(cmdSpec{
		use:   "compute",
		short: text.New("compute the check value of a key"),
		long: text.New("Without --method the algorithm's default is computed: ecb-zero for TDES and SM4, cmac for AES, hmac-empty for HMAC.\n" +
			"--method all computes every method, of a key of the store those whose values it tells. Lengths follow PCI PIN 15-1; --length asks for another and warns beyond it."),
		example: "  poskey kcv compute --alg tdes-128                       # asks for the key, hidden\n" +
			"  poskey kcv compute --alg aes-256 --key file:key.txt --method all\n" +
			"  poskey kcv compute --batch keys.jsonl --alg tdes-128",
		exits: []int{3, 4, 5, 6, 7, 8, 9, 10}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.keyFlag(f, &o.Key)
	a.openKBPKFlag(f, &o.KBPK)
	a.algFlag(f, &o.Alg)
	f.StringVar(&o.Method, "method", "", a.Say.T("check-value method, or all"))
	f.IntVar(&o.Length, "length", 0, a.Say.T("hex digits to show"))
	a.batchFlag(f, &o.batch)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runKCVCompute(cmd.Context(), a, o) }
	return cmd
}

type kcvComputeDoc struct {
	Algorithm  keys.Algorithm `json:"algorithm"`
	Values     []kcvValueDoc  `json:"values"`
	Weaknesses []string       `json:"weaknesses,omitempty"`
	LeftOut    int            `json:"left_out,omitempty"` // methods whose values the boundary does not tell
}

type kcvValueDoc struct {
	Method  kcv.Method `json:"method"`
	KCV     string     `json:"kcv"`
	Digits  int        `json:"digits"`
	Default bool       `json:"default"`
}

func runKCVCompute(ctx context.Context, a *App, o kcvComputeOpts) error {
	if o.batch != "" {
		return batchOf(ctx, a, o.batch, "kcv.compute", o, []string{o.Key, o.KBPK}, func(ctx context.Context, in *intake, o kcvComputeOpts) (any, error) {
			return kcvCompute(ctx, a, in, o)
		})
	}
	doc, err := kcvCompute(ctx, a, a.intake(), o)
	if err != nil {
		return err
	}
	if doc.LeftOut > 0 {
		a.render.Note(text.New("%d methods were left out: of a key of the store no value by these is told, only whether one that is given agrees (poskey kcv check)", doc.LeftOut))
	}
	for _, v := range doc.Values {
		limit := kcv.Limit(doc.Algorithm, v.Method)
		switch {
		case v.Digits <= limit:
		case doc.Algorithm.IsDES() || doc.Algorithm.IsAES():
			a.render.Warn(text.New("%d digits of %s are more than the rule allows (%d; PCI PIN 15-1): for vectors and test keys only", v.Digits, v.Method, limit))
		default:
			a.render.Warn(text.New("%d digits of %s are more than is usual (%d): for vectors and test keys only", v.Digits, v.Method, limit))
		}
	}
	return a.render.Answer("kcv.compute", doc, func(p *render.Page) {
		rows := make([][]string, len(doc.Values))
		for i, v := range doc.Values {
			rows[i] = []string{string(doc.Algorithm), string(v.Method), v.KCV, strconv.Itoa(v.Digits), mark(p, v.Default)}
		}
		p.Grid([]text.Text{text.New("ALGORITHM"), text.New("METHOD"), text.New("KCV"), text.New("DIGITS"), text.New("DEFAULT")}, rows)
	})
}

func mark(p *render.Page, yes bool) string {
	if yes {
		return p.T(text.New("yes"))
	}
	return ""
}

func kcvCompute(ctx context.Context, a *App, in *intake, o kcvComputeOpts) (kcvComputeDoc, error) {
	if o.Length < 0 {
		return kcvComputeDoc{}, fault.New(fault.Usage, "--length %d is not a number of digits", o.Length)
	}
	t, err := in.key(ctx, keyWish{src: o.Key, kbpk: o.KBPK, what: text.New("the key"), sheetValue: true, alg: o.Alg, policy: hsm.Policy{Inspect: true}})
	if err != nil {
		return kcvComputeDoc{}, err
	}
	methods, err := chosenMethods(o.Method, t.Key.Algorithm)
	if err != nil {
		return kcvComputeDoc{}, err
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return kcvComputeDoc{}, err
	}
	doc := kcvComputeDoc{Algorithm: t.Key.Algorithm, Weaknesses: weakIDs(t.Key)}
	for _, m := range methods {
		if o.Method == "all" && b.Info().Strict && hsm.CheckValueRule(t.Key.Algorithm, m, 0) != nil {
			doc.LeftOut++
			continue
		}
		v, err := checkValue(ctx, b, t.Key, m, lengthFor(t.Key.Algorithm, m, o))
		if err != nil {
			return kcvComputeDoc{}, err
		}
		doc.Values = append(doc.Values, kcvValueDoc{m, v.Digits, len(v.Digits), m == kcv.Default(t.Key.Algorithm)})
	}
	return doc, nil
}

// checkValue takes the value that the key brings along, where that is the one asked for.
func checkValue(ctx context.Context, b hsm.Boundary, k hsm.Key, m kcv.Method, digits int) (kcv.Value, error) {
	if k.Check.Method == m && (digits == 0 || digits == len(k.Check.Digits)) {
		return k.Check, nil
	}
	return b.CheckValue(ctx, k, m, digits)
}

// lengthFor: with --method all a length applies where the method has it.
func lengthFor(alg keys.Algorithm, m kcv.Method, o kcvComputeOpts) int {
	if o.Method == "all" && o.Length > kcv.Limit(alg, m) {
		return 0
	}
	return o.Length
}

func chosenMethods(name string, alg keys.Algorithm) ([]kcv.Method, error) {
	switch name {
	case "":
		return []kcv.Method{kcv.Default(alg)}, nil
	case "all":
		return kcv.Methods(alg), nil
	}
	m, err := kcv.ParseMethod(name)
	return []kcv.Method{m}, err
}
