package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/errorcode"
)

type codeOpts struct {
	vendor, table string
	limit         int
	list          bool
}

func newCodeCmd(a *App) *cobra.Command {
	o := codeOpts{}
	cmd := a.command(cmdSpec{
		use: "code [NUMBER|SYMBOL|TEXT]", group: groupTrouble,
		short: text.New("look up what a terminal, an HSM or a host means by a code"),
		long: text.New("1,200 codes of vendors, HSMs and card networks about keys, PINs, MACs and devices, in words of this project. A number is read as\n" +
			"decimal and hex, signed and unsigned, and as the ordinal of a family of PIN pads; without --vendor the readings are ranked.\n" +
			"A leading minus is a number: poskey code -313. Codes that concern keys name the page that tells what to do: poskey diagnose playbook ID."),
		example: "  poskey code 65223\n  poskey code 14 --vendor newland\n  poskey code A0 --table unionpay\n  poskey code 密钥错误14\n" +
			"  poskey code --list",
		exits: []int{4}, args: cobra.ArbitraryArgs,
	})
	f := cmd.Flags()
	a.vendorFlag(f, &o.vendor)
	f.StringVar(&o.table, "table", "", a.Say.T("table or network: DE39, unionpay, visa, key manager …"))
	a.limitFlag(f, &o.limit, 10)
	f.BoolVar(&o.list, "list", false, a.Say.T("list the vendors and their tables"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runCode(cmd.Context(), a, o, args) }
	return cmd
}

// codeDoc is what the dictionary says about one code.
type codeDoc struct {
	Query    string           `json:"query"`
	Readings []codeReadingDoc `json:"readings"`
	More     int              `json:"more,omitempty"`
	Asks     []string         `json:"asks,omitempty"`
}

type codeReadingDoc struct {
	Vendor     string              `json:"vendor"`
	Table      string              `json:"table"`
	Code       string              `json:"code"`
	Symbol     string              `json:"symbol"`
	Meaning    string              `json:"meaning"`
	Kind       errorcode.Kind      `json:"kind"`
	KeyRelated bool                `json:"key_related"`
	Certainty  errorcode.Certainty `json:"certainty"`
	Weight     errorcode.Weight    `json:"weight"`
	Via        errorcode.How       `json:"via"`
	Why        string              `json:"why"`
	Causes     []string            `json:"causes,omitempty"`
	Playbook   string              `json:"playbook,omitempty"`
}

func runCode(_ context.Context, a *App, o codeOpts, args []string) error {
	dict, err := errorcode.Open()
	if err != nil {
		return err
	}
	if o.list {
		return a.listCodes(dict)
	}
	if len(args) == 0 {
		return fault.New(fault.Usage, "say which code, symbol or text; poskey code --list shows the vendors")
	}
	if err := checkLimit(o.limit); err != nil {
		return err
	}
	q := errorcode.Query{Text: strings.Join(args, " "), Vendor: o.vendor, Table: o.table, Limit: o.limit}
	answer, err := dict.Look(q)
	if err != nil {
		return err
	}
	doc := newCodeDoc(answer)
	if err := a.render.Answer("code", doc, func(p *render.Page) { codePage(p, answer) }); err != nil {
		return err
	}
	if len(answer.Readings) == 0 {
		a.nearCode(dict, q)
		return fault.New(fault.NotFound, "no table has it; poskey code --list shows which vendors there are, "+
			"poskey diagnose message takes a whole sentence")
	}
	return nil
}

// mostNear is how many codes are named that stand near one that is in no table.
const mostNear = 5

// nearCode says what stands near a code that the tables do not have: others have it, or have one that looks like it.
func (a *App) nearCode(dict *errorcode.Dictionary, q errorcode.Query) {
	if q.Vendor != "" || q.Table != "" {
		other, err := dict.Look(errorcode.Query{Text: q.Text, Limit: mostNear})
		if err == nil && len(other.Readings) > 0 {
			rowOf := func(r errorcode.Reading) errorcode.Row { return r.Row }
			a.render.Note(text.New("not in these tables; others have it: %s", nearNames(other.Readings, rowOf)))
			return
		}
	}
	if near := dict.Near(q, mostNear); len(near) > 0 {
		a.render.Note(text.New("these look like it: %s", nearNames(near, func(r errorcode.Row) errorcode.Row { return r })))
	}
}

// nearNames lists codes with their vendors.
func nearNames[R any](all []R, row func(R) errorcode.Row) string {
	var names []string
	for _, one := range all {
		r := row(one)
		names = append(names, strings.Join(strings.Fields(r.Vendor+" "+r.Code+" "+r.Symbol), " "))
	}
	return strings.Join(names, ", ")
}

// vendorsDoc lists who is in the dictionary.
type vendorsDoc struct {
	Tables []vendorTableDoc `json:"tables"`
}

type vendorTableDoc struct {
	Vendor     string `json:"vendor"`
	Table      string `json:"table"`
	Rows       int    `json:"rows"`
	KeyRelated int    `json:"key_related"`
}

func (a *App) listCodes(dict *errorcode.Dictionary) error {
	doc := vendorsDoc{Tables: []vendorTableDoc{}}
	var rows [][]string
	for _, t := range dict.Tables() {
		doc.Tables = append(doc.Tables, vendorTableDoc{t.Vendor, t.Name, t.Rows, t.KeyRelated})
		rows = append(rows, []string{t.Vendor, t.Name, text.New("%d", t.Rows).String(), text.New("%d", t.KeyRelated).String()})
	}
	return a.render.Answer("code.list", doc, func(p *render.Page) {
		p.Grid([]text.Text{text.New("vendor"), text.New("table"), text.New("codes"), text.New("about keys")}, rows)
	})
}

// foldMinus makes a negative number an argument where a flag would be read: poskey code -313.
func foldMinus(args []string) []string {
	words := 0
	switch {
	case firstWord(args) == "code":
		words = 1
	case firstWord(args) == "diagnose" && firstWord(args[1:]) == "message":
		words = 2
	default:
		return args
	}
	out := append([]string(nil), args...)
	for i := words; i < len(out) && out[i] != "--"; i++ {
		if arg := out[i]; len(arg) > 1 && arg[0] == '-' && arg[1] >= '0' && arg[1] <= '9' {
			out[i] = "−" + arg[1:]
		}
	}
	return out
}
