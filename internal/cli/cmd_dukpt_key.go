package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/dukpt"
	"poskey/pkg/hsm"
	"poskey/pkg/store"
)

type dukptKeyOpts struct {
	ksn, padding string
	base         baseWish
	use, keyType string
	expect       string
	out          outputOpts
}

func newDukptKeyCmd(a *App) *cobra.Command {
	o := dukptKeyOpts{}
	cmd := a.command(cmdSpec{
		use:   "key",
		short: text.New("derive the key of one transaction, or a working key of it"),
		long: text.New("txn is the transaction key itself, at the BDK's length; all other uses are working keys. Request goes from the terminal to the\n" +
			"host, response comes back. AES DUKPT alone has mac and data (both ways), kek, --key-type, and update: the key that protects a\n" +
			"device's next initial key, for which the KSN's counter is ignored. Otherwise a counter that no device uses is refused."),
		example: "  poskey dukpt key --bdk file:bdk.txt --ksn FFFF9876543210E00001 --use pin\n" +
			"  poskey dukpt key --ik file:ik.txt --ksn 123456789012345600000001 --use data --key-type aes-128 --expect 3703D5\n" +
			"  poskey dukpt key --ik block:ik.tr31 --key-kbpk file:kbpk.txt --ksn 123456789012345600000001 --use mac-request --key-type hmac-128",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.derivingFlags(cmd, &o.ksn, &o.padding, &o.base)
	f.StringVar(&o.use, "use", "", a.Say.T("what the key is for: %s", strings.Join(useNames(), " ")))
	f.StringVar(&o.keyType, "key-type", "", a.Say.T("type of a working key of AES DUKPT; that of the BDK when left out: %s", keyTypeNames()))
	o.out.add(a, cmd)
	a.expectFlag(f, &o.expect)
	required(cmd, "use")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDukptKey(cmd.Context(), a, o) }
	return cmd
}

type dukptKeyDoc struct {
	Scheme   dukpt.Scheme  `json:"scheme"`
	KSN      string        `json:"ksn"`
	Use      string        `json:"use"`
	KeyType  dukpt.KeyType `json:"key_type,omitempty"` // of a working key
	Key      keyDoc        `json:"key"`
	Block    string        `json:"block,omitempty"`
	To       string        `json:"to,omitempty"`
	Label    string        `json:"label,omitempty"`
	Warnings []warningDoc  `json:"warnings"`
}

func runDukptKey(ctx context.Context, a *App, o dukptKeyOpts) error {
	use, err := parseUse(o.use)
	if err != nil {
		return err
	}
	wish := derivedWish{ksn: o.ksn, padding: o.padding, base: o.base, use: use, expect: o.expect,
		leaves: o.out.leaves()}
	if o.keyType != "" {
		if wish.keyType, err = dukpt.ParseKeyType(o.keyType); err != nil {
			return err
		}
	}
	o.out.allowWeak, o.out.working, o.out.inAnswer, o.out.origin = o.base.allowWeak, true, true, store.Derived
	if !o.out.hangUnder(o.base.bdk) {
		o.out.hangUnder(o.base.ik)
	}
	if o.out.wraps() {
		if err := hsm.Wanted(use).CheckExport(); err != nil {
			return err
		}
	}
	if err := o.out.check(ctx, a); err != nil {
		return err
	}
	in := a.intake()
	d, err := in.derived(ctx, wish)
	if short := (*shortKSN)(nil); errors.As(err, &short) {
		return a.answerReadings(short)
	}
	if err != nil {
		return err
	}
	o.out.from = d.base.key
	out, err := o.out.deliver(ctx, a, in, d.key)
	if err != nil {
		return err
	}
	doc := dukptKeyDoc{Scheme: d.ksn.Scheme(), KSN: d.used.String(), Use: use, KeyType: d.keyType, Key: newKeyDoc(d.key),
		Block: out.block, To: out.to, Label: out.label, Warnings: d.warningDocs(out.warnings)}
	doc.Key.Value = out.value
	return a.answerDelivered("dukpt.key", doc, out, func(p *render.Page) {
		p.Fields(
			render.F(text.New("scheme"), p.T(schemeText(doc.Scheme))),
			render.F(text.New("KSN"), doc.KSN),
			render.F(text.New("use"), use+"  "+p.T(useText(use))),
			render.F(text.New("key"), p.T(text.New("%s, %d bytes", d.key.Algorithm, d.key.Len))),
			render.F(text.New("check value"), d.key.Check.String()),
			render.F(text.New("key block"), doc.Block),
			render.F(text.New("clear key"), doc.Key.Value),
			render.F(text.New("in the store as"), doc.Label),
			render.F(text.New("written to"), doc.To),
		)
		dukptWarnPage(p, d.warnings)
	})
}
