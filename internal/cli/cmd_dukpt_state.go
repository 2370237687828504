package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
)

type stateOpts struct {
	ksn, padding string
	base         baseWish
	reveal, yes  bool
}

func newDukptStateCmd(a *App) *cobra.Command {
	o := stateOpts{}
	cmd := a.command(cmdSpec{
		use:   "state",
		short: text.New("show what a terminal holds when a counter is its next"),
		long: text.New("A terminal keeps no initial key: it keeps one future key for each bit of the counter, the next transaction's among them, and\n" +
			"no key of a transaction that is over. Each is shown with the KSN it belongs to and its check value. A KSN with counter 0 is\n" +
			"a terminal that was just loaded."),
		example: "  poskey dukpt state --bdk file:bdk.txt --ksn FFFF9876543210E00000\n" +
			"  poskey dukpt state --ik file:ik.txt --ksn 123456789012345600000008 -o json",
		exits: []int{3, 4, 5, 6}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.derivingFlags(cmd, &o.ksn, &o.padding, &o.base)
	f.BoolVar(&o.reveal, "reveal", false, a.Say.T("show or write the clear key"))
	f.BoolVar(&o.yes, "yes", false, a.Say.T("confirm --reveal without asking"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDukptState(cmd.Context(), a, o) }
	return cmd
}

type stateDoc struct {
	Scheme    dukpt.Scheme  `json:"scheme"`
	KSN       string        `json:"ksn"` // of the next transaction
	Remaining uint64        `json:"remaining"`
	Registers []registerDoc `json:"registers"`
	Warnings  []warningDoc  `json:"warnings"`
}

// registerDoc is one future key; without a KSN the register is empty.
type registerDoc struct {
	Bit     string     `json:"bit"` // of the counter
	KSN     string     `json:"ksn,omitempty"`
	KCV     string     `json:"kcv,omitempty"`
	Method  kcv.Method `json:"method,omitempty"`
	Current bool       `json:"current"`
	Value   string     `json:"value,omitempty"`
}

func runDukptState(ctx context.Context, a *App, o stateOpts) error {
	if o.reveal {
		if err := a.confirmReveal(ctx, o.yes); err != nil {
			return err
		}
	}
	in := a.intake()
	doc, d, err := in.state(ctx, o)
	if short := (*shortKSN)(nil); errors.As(err, &short) {
		return a.answerReadings(short)
	}
	if err != nil {
		return err
	}
	return a.render.Answer("dukpt.state", doc, func(p *render.Page) { statePage(p, doc, d, o.reveal) })
}

// state derives the key of the next transaction, which finds out all that can be wrong, and then the others.
func (in *intake) state(ctx context.Context, o stateOpts) (stateDoc, derived, error) {
	d, err := in.derived(ctx, derivedWish{ksn: o.ksn, padding: o.padding, loaded: true, base: o.base, use: string(hsm.WantTransaction),
		leaves: o.reveal})
	if err != nil {
		return stateDoc{}, derived{}, err
	}
	doc := stateDoc{Scheme: d.ksn.Scheme(), KSN: d.ksn.String(), Remaining: d.ksn.Remaining() + 1, Warnings: d.warningDocs(nil)}
	for _, r := range d.ksn.Registers() {
		row, err := in.register(ctx, d, r, o.reveal)
		if err != nil {
			return stateDoc{}, derived{}, err
		}
		doc.Registers = append(doc.Registers, row)
	}
	return doc, d, nil
}

// register derives the key that a register holds. The terminal derives it from another register; the key is the same.
func (in *intake) register(ctx context.Context, d derived, r dukpt.Register, reveal bool) (registerDoc, error) {
	row := registerDoc{Bit: fmt.Sprintf("%X", r.Bit), Current: r.KSN == d.ksn}
	if !r.Filled {
		return row, nil
	}
	k, err := in.derive(ctx, d.base, hsm.Derivation{From: d.base.level, KSN: r.KSN, Want: hsm.WantTransaction})
	if err != nil {
		return registerDoc{}, err
	}
	row.KSN, row.KCV, row.Method = r.KSN.String(), k.Check.Digits, k.Check.Method
	if reveal {
		row.Value, err = in.app.revealed(ctx, k)
	}
	return row, err
}

func statePage(p *render.Page, doc stateDoc, d derived, clear bool) {
	p.Fields(
		render.F(text.New("scheme"), p.T(schemeText(doc.Scheme))),
		render.F(text.New("next KSN"), doc.KSN),
		render.F(text.New("transactions left"), strconv.FormatUint(doc.Remaining, 10)),
		render.F(text.New("future keys"), p.T(text.New("%s, %d bytes", d.key.Algorithm, d.key.Len))),
	)
	head := []text.Text{text.New("COUNTER BIT"), text.New("KSN"), text.New("CHECK VALUE"), text.New("NEXT"), text.New("CLEAR KEY")}
	if !clear {
		head = head[:len(head)-1]
	}
	rows := make([][]string, len(doc.Registers))
	for i, r := range doc.Registers {
		value := p.T(text.New("empty"))
		if r.KSN != "" {
			value = kcv.Value{Method: r.Method, Digits: r.KCV}.String()
		}
		rows[i] = []string{r.Bit, r.KSN, value, mark(p, r.Current), r.Value}[:len(head)]
	}
	p.Blank()
	p.Grid(head, rows)
	dukptWarnPage(p, d.warnings)
}
