package cli

import (
	"context"
	"crypto/subtle"
	"slices"

	"github.com/spf13/cobra"

	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
)

type diagnoseBlockOpts struct {
	diagnosisOpts
	kbpks        []string
	device, slot string
}

func newDiagnoseBlockCmd(a *App) *cobra.Command {
	o := diagnoseBlockOpts{}
	cmd := a.command(cmdSpec{
		use:   "block [BLOCK|-]",
		short: text.New("explain why a key block does not open, or why a device refuses it"),
		long: text.New("The block is opened under the KBPK; where that fails, changed characters, slips in the KBPK as it was typed, other forms of it,\n" +
			"other KBPKs (--kbpk again) and the XOR of all that are given are tried. With --device and --slot the block is held against\n" +
			"what the device's dialect takes."),
		example: "  poskey diagnose block A0072K0TD00N00007D2D21FC9ECD3EECBB0A2615BD8F05605722120BDFF2CCAC319C3198 --kbpk file:kbpk.txt\n" +
			"  poskey diagnose block - --kbpk store:KBPK-1 --kbpk store:KBPK-2 < block.tr31",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.MaximumNArgs(1),
	})
	f := cmd.Flags()
	f.StringArrayVar(&o.kbpks, "kbpk", nil, a.Say.T("the KBPK (SRC) that the block should open under; again for others that it may be"))
	f.StringVar(&o.device, "device", "", a.Say.T("device that refused the block (URI); it is not asked, its dialect says what it takes"))
	f.StringVar(&o.slot, "slot", "", a.Say.T("slot that the block was to go into"))
	a.diagnosisFlags(f, &o.diagnosisOpts)
	required(cmd, "kbpk")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runDiagnoseBlock(cmd.Context(), a, o, args) }
	return cmd
}

func runDiagnoseBlock(ctx context.Context, a *App, o diagnoseBlockOpts, args []string) error {
	input, err := a.blockArg(args)
	if err != nil {
		return err
	}
	facts, err := a.blockFacts(ctx, o, input)
	if err != nil {
		return err
	}
	o.known = map[string]string{"kbpk": o.kbpks[0], "device": o.device, "slot": o.slot, "block": input}
	return a.diagnosed(ctx, "diagnose.block", diagnose.Case{Block: facts}, o.diagnosisOpts)
}

// blockFacts opens the block under every KBPK that was given.
func (a *App) blockFacts(ctx context.Context, o diagnoseBlockOpts, input string) (*diagnose.Block, error) {
	block, _, err := parseBlock(input)
	if err != nil {
		return nil, err
	}
	facts := &diagnose.Block{Header: block.Header, Length: block.Len(), Slot: device.Slot(o.slot)}
	if err := a.tryBlocks(ctx, block, o.kbpks, facts); err != nil {
		return nil, err
	}
	if o.device != "" {
		caps, err := dialectOf(o.device)
		if err != nil {
			return nil, err
		}
		facts.Takes = &caps
	}
	return facts, nil
}

// tryBlocks opens the block under each key. Where none of several does, they may be the components of the right one; where
// that does not open it either, the boundary says what is wrong with the first one.
func (a *App) tryBlocks(ctx context.Context, block *keyblock.Block, sources []string, facts *diagnose.Block) error {
	b, err := a.hsm(ctx)
	if err != nil {
		return err
	}
	var kbpks []hsm.Key
	for i, src := range sources {
		kbpk, err := a.intake().kbpk(ctx, src, block.Version, text.New("KBPK %d", i+1))
		if err != nil {
			return err
		}
		try, err := tryBlock(ctx, b, block, kbpk, shownSource("KBPK", src, i))
		if err != nil {
			return err
		}
		kbpks, facts.Tries = append(kbpks, kbpk), append(facts.Tries, try)
	}
	if slices.ContainsFunc(facts.Tries, func(t diagnose.BlockTry) bool { return t.Opens }) {
		return nil
	}
	if facts.Together, err = tryTogether(ctx, b, block, kbpks); err != nil || facts.Together != nil {
		return err
	}
	facts.Tries[0].Found, err = b.Examine(ctx, block, kbpks[0])
	return err
}

// tryBlock opens the block under one key. A block that does not open is no error, one that cannot be read is.
func tryBlock(ctx context.Context, b hsm.Boundary, block *keyblock.Block, kbpk hsm.Key, name string) (diagnose.BlockTry, error) {
	opened, verdict := b.Unwrap(ctx, block, kbpk, hsm.Policy{Inspect: true})
	if verdict != nil && !keyblock.Failed(verdict) {
		return diagnose.BlockTry{}, verdict
	}
	return diagnose.BlockTry{Name: name, Opens: verdict == nil, Warnings: opened.Warnings}, nil
}

// tryTogether opens the block under the XOR of the keys; nil where that does not open it either. Keys of a store are not
// put together for a diagnosis.
func tryTogether(ctx context.Context, b hsm.Boundary, block *keyblock.Block, kbpks []hsm.Key) (*diagnose.BlockTry, error) {
	if len(kbpks) < 2 || b.Info().Strict {
		return nil, nil
	}
	sum, fits, err := xored(ctx, b, kbpks)
	if err != nil || !fits {
		return nil, err
	}
	try, err := tryBlock(ctx, b, block, sum, "XOR")
	if err != nil || !try.Opens {
		return nil, err
	}
	return &try, nil
}

// xored is the XOR of keys given on the spot, where all have one length.
func xored(ctx context.Context, b hsm.Boundary, all []hsm.Key) (hsm.Key, bool, error) {
	sum, err := b.Reveal(ctx, all[0])
	if err != nil {
		return hsm.Key{}, false, err
	}
	for _, k := range all[1:] {
		one, err := b.Reveal(ctx, k)
		if err != nil {
			sum.Wipe()
			return hsm.Key{}, false, err
		}
		fits := one.Len() == sum.Len()
		if fits {
			subtle.XORBytes(sum.Expose(), sum.Expose(), one.Expose())
		}
		one.Wipe()
		if !fits {
			sum.Wipe()
			return hsm.Key{}, false, nil
		}
	}
	k, err := b.Import(ctx, sum, all[0].Attributes, hsm.Policy{Inspect: true})
	return k, err == nil, err
}
