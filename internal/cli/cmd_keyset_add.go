package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/dukpt"
	"poskey/pkg/keys"
	"poskey/pkg/store"
)

type keysetAddOpts struct {
	bdk, ksi string
	from, to uint64
}

func newKeysetAddCmd(a *App) *cobra.Command {
	o := keysetAddOpts{}
	cmd := a.command(cmdSpec{
		use:   "add NAME",
		short: text.New("begin a key set: a range of device numbers under a base derivation key"),
		long: text.New("Every terminal gets a number of its own out of the range, once, whatever becomes of it: a number that left is never handed out again.\n" +
			"TDES: --ksi has six hex digits (or ten with what stands in place of FFFF), and there are 524,288 numbers; device digits are even.\n" +
			"AES: --ksi is the BDK id of eight hex digits, and there are 2^32 numbers."),
		example: "  poskey keyset add KS-2026 --bdk store:BDK-2026 --ksi 987654 --from 1 --to 1000",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.ExactArgs(1),
	})
	f := cmd.Flags()
	f.StringVar(&o.bdk, "bdk", "", a.Say.T("base derivation key (SRC), of the store: store:LABEL"))
	f.StringVar(&o.ksi, "ksi", "", a.Say.T("key set id, in hex digits"))
	f.Uint64Var(&o.from, "from", 1, a.Say.T("first number"))
	f.Uint64Var(&o.to, "to", 0, a.Say.T("the number after the last; the most that there are when left out"))
	required(cmd, "bdk", "ksi")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runKeysetAdd(cmd.Context(), a, o, args[0]) }
	return cmd
}

func runKeysetAdd(ctx context.Context, a *App, o keysetAddOpts, name string) error {
	bdk, err := a.anyKey(ctx, o.bdk)
	if err != nil {
		return err
	}
	if bdk.Usage != keys.UsageBDK {
		return fault.New(fault.NotPermitted, "key %s is for %s; a key set stands under a base derivation key (B0)", bdk.Ref(), bdk.Usage)
	}
	scheme := dukpt.TDES
	if bdk.Algorithm.IsAES() {
		scheme = dukpt.AES
	}
	if o.to == 0 {
		if o.to = 1 << 19; scheme == dukpt.AES {
			o.to = 1 << 32
		}
	}
	work, err := a.begin(ctx, custody.KSNAllocate, name, nil)
	if err != nil {
		return err
	}
	set := store.KeySet{ID: name, BDK: bdk.Ref(), Scheme: scheme, KSI: strings.ToUpper(o.ksi), From: o.from, To: o.to}
	if err := a.holding.db.AddKeySet(ctx, work.Change(), set); err != nil {
		return err
	}
	if set, err = a.holding.db.KeySet(ctx, name); err != nil {
		return err
	}
	return a.render.Answer("keyset.add", newKeysetDoc(&set), func(p *render.Page) {
		p.Good(text.New("Key set %s begins.", name))
		keysetPage(p, &set)
	})
}
