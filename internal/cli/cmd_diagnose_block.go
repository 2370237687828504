package cli

import (
	"context"

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
		long: text.New("The block is opened under the KBPK; where that fails, changed characters, other forms of the KBPK and other KBPKs (--kbpk again) are\n" +
			"tried. With --device and --slot it is held against what the device's dialect takes."),
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
	for i, src := range o.kbpks {
		try, err := a.tryBlock(ctx, block, src, i)
		if err != nil {
			return nil, err
		}
		facts.Tries = append(facts.Tries, try)
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

// tryBlock opens the block under one key, or has it examined.
func (a *App) tryBlock(ctx context.Context, block *keyblock.Block, src string, i int) (diagnose.BlockTry, error) {
	try := diagnose.BlockTry{Name: shownSource("KBPK", src, i)}
	kbpk, err := a.intake().kbpk(ctx, src, block.Version, text.New("KBPK %d", i+1))
	if err != nil {
		return try, err
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return try, err
	}
	opened, verdict := b.Unwrap(ctx, block, kbpk, hsm.Policy{Inspect: true})
	switch {
	case keyblock.Failed(verdict):
		try.Found, err = b.Examine(ctx, block, kbpk)
		return try, err
	case verdict != nil:
		return try, verdict
	}
	try.Opens, try.Warnings = true, opened.Warnings
	return try, nil
}
