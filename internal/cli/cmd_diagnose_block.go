package cli

import (
	"context"
	"crypto/subtle"
	"math/bits"
	"slices"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
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
	p := &probers{app: a}
	defer p.close()
	c, err := a.blockCase(ctx, o, input, p)
	if err != nil {
		return err
	}
	o.known = map[string]string{"kbpk": o.kbpks[0], "device": o.device, "slot": o.slot, "block": input}
	return a.diagnosed(ctx, "diagnose.block", c, o.diagnosisOpts)
}

// blockCase opens the block under every KBPK that was given. Text that does not have the form of a block is looked at for
// what it may have been; what is no key block at all stays an error.
func (a *App) blockCase(ctx context.Context, o diagnoseBlockOpts, input string, p *probers) (diagnose.Case, error) {
	block, _, err := parseBlock(input)
	if err != nil {
		facts, herr := a.malformedBlock(ctx, o, input, err)
		return diagnose.Case{Block: facts}, herr
	}
	facts := &diagnose.Block{Header: block.Header, Length: block.Len(), Slot: device.Slot(o.slot)}
	if o.device != "" {
		caps, err := dialectOf(o.device)
		if err != nil {
			return diagnose.Case{}, err
		}
		facts.Takes = &caps
	}
	inside, err := a.tryBlocks(ctx, block, o.kbpks, facts)
	if err != nil {
		return diagnose.Case{}, err
	}
	checks, err := untrueValues(ctx, block, inside, p)
	return diagnose.Case{Block: facts, Checks: checks}, err
}

// openedBlock is what came of one opening: the key inside, and the key that opened it.
type openedBlock struct {
	inside, kbpk hsm.Key
	warnings     []keyblock.Warning
}

// untrueValues makes comparisons of the check values in the header that are not those of the keys they stand for: the search
// finds out how they were made.
func untrueValues(ctx context.Context, block *keyblock.Block, o *openedBlock, p *probers) ([]diagnose.Check, error) {
	if o == nil {
		return nil, nil
	}
	var out []diagnose.Check
	for _, id := range []string{"KC", "KP"} {
		k := o.inside
		if id == "KP" {
			k = o.kbpk
		}
		lies := slices.ContainsFunc(o.warnings, func(w keyblock.Warning) bool { return w.ID == keyblock.LintMismatch(id) })
		data, there := block.Opt(id)
		if !lies || !there || len(data) < 2 {
			continue
		}
		said, err := givenKCV(data[2:])
		if err != nil {
			continue // block_content has said it
		}
		f := diagnose.Facts{Algorithm: k.Attributes.Algorithm, Method: kcv.ECBZero, Expected: said, Kind: diagnose.Key, NotTyped: true}
		if data[:2] == "01" {
			f.Method = kcv.CMAC
		}
		f.Prober, err = p.over(ctx, k)
		if fault.Is(err, fault.NotPermitted) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, diagnose.Check{Facts: f})
	}
	return out, nil
}

// malformedBlock tries what text without the form of a block may have been, under every KBPK. It gives the error back
// where the text is no key block at all.
func (a *App) malformedBlock(ctx context.Context, o diagnoseBlockOpts, input string, wrong error) (*diagnose.Block, error) {
	clean, _, err := keyblock.Clean(input)
	if err != nil {
		return nil, wrong
	}
	mends, found := keyblock.Mends(clean)
	if len(found) == 0 {
		return nil, wrong
	}
	facts := &diagnose.Block{Malformed: found, Length: len(clean), Slot: device.Slot(o.slot)}
	b, err := a.hsm(ctx)
	if err != nil {
		return nil, err
	}
	kbpks := map[bool][]hsm.Key{} // by family: each is read once for it
	for _, m := range mends {
		aes := m.Block.Version >= 'D'
		if other := aes != (clean[0] >= 'D'); other && slices.ContainsFunc(o.kbpks, givesOnce) {
			continue // it was read for the version that the text names
		}
		if _, read := kbpks[aes]; !read {
			if kbpks[aes], err = a.kbpksOf(ctx, o.kbpks, m.Block.Version); err != nil {
				return nil, err
			}
		}
		for _, k := range kbpks[aes] {
			try, _, err := tryBlock(ctx, b, m.Block, k, "")
			if err != nil {
				return nil, err
			}
			if try.Opens {
				facts.Header, facts.Mended = m.Block.Header, &m.Found
				return facts, nil
			}
		}
	}
	return facts, nil
}

// kbpksOf takes the KBPKs in for blocks of a version; those that have not the length for it are left out.
func (a *App) kbpksOf(ctx context.Context, sources []string, version byte) ([]hsm.Key, error) {
	var out []hsm.Key
	for i, src := range sources {
		k, err := a.intake().kbpk(ctx, src, version, text.New("KBPK %d", i+1))
		if fault.Is(err, fault.KBPKLength) || fault.Is(err, fault.MalformedLength) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// tryBlocks opens the block under each key. Where none of several does, they may be the components of the right one; where
// that does not open it either, the boundary says what is wrong with the first one.
func (a *App) tryBlocks(ctx context.Context, block *keyblock.Block, sources []string, facts *diagnose.Block) (*openedBlock, error) {
	b, err := a.hsm(ctx)
	if err != nil {
		return nil, err
	}
	var kbpks []hsm.Key
	var first *openedBlock
	for i, src := range sources {
		kbpk, err := a.intake().kbpk(ctx, src, block.Version, text.New("KBPK %d", i+1))
		if err != nil {
			return nil, err
		}
		try, inside, err := tryBlock(ctx, b, block, kbpk, shownSource("KBPK", src, i))
		if err != nil {
			return nil, err
		}
		if try.Opens && first == nil {
			first = &openedBlock{inside, kbpk, try.Warnings}
		}
		kbpks, facts.Tries = append(kbpks, kbpk), append(facts.Tries, try)
	}
	if first != nil {
		return first, nil
	}
	if err := trySums(ctx, b, block, kbpks, facts); err != nil || facts.Together != nil {
		return nil, err
	}
	facts.Tries[0].Found, err = b.Examine(ctx, block, kbpks[0])
	return nil, err
}

// tryBlock opens the block under one key. A block that does not open is no error, one that cannot be read is.
func tryBlock(ctx context.Context, b hsm.Boundary, block *keyblock.Block, kbpk hsm.Key, name string) (diagnose.BlockTry, hsm.Key, error) {
	opened, verdict := b.Unwrap(ctx, block, kbpk, hsm.Policy{Inspect: true})
	if verdict != nil && !keyblock.Failed(verdict) && !keyblock.Unread(verdict) {
		return diagnose.BlockTry{}, hsm.Key{}, verdict
	}
	return diagnose.BlockTry{Name: name, Opens: verdict == nil, Warnings: opened.Warnings}, opened.Key, nil
}

// mostSummed bounds the KBPKs of which some are left out.
const mostSummed = 6

// trySums opens the block under the XOR of all keys, then of all but some: whoever closed it may have left components out.
// Keys of a store are not put together for a diagnosis.
func trySums(ctx context.Context, b hsm.Boundary, block *keyblock.Block, kbpks []hsm.Key, facts *diagnose.Block) error {
	if len(kbpks) < 2 || b.Info().Strict {
		return nil
	}
	var err error
	facts.Together, err = tryTogether(ctx, b, block, kbpks)
	if err != nil || facts.Together != nil || len(kbpks) > mostSummed {
		return err
	}
	for size := len(kbpks) - 1; size >= 2; size-- {
		for set := range 1 << len(kbpks) {
			if bits.OnesCount(uint(set)) != size {
				continue
			}
			some, numbers := chosen(kbpks, set)
			if facts.Together, err = tryTogether(ctx, b, block, some); err != nil || facts.Together != nil {
				facts.Of = numbers
				return err
			}
		}
	}
	return nil
}

// chosen gives the keys of a set of bits, and their numbers from 1.
func chosen(all []hsm.Key, set int) (some []hsm.Key, numbers []int) {
	for i, k := range all {
		if set>>i&1 == 1 {
			some, numbers = append(some, k), append(numbers, i+1)
		}
	}
	return some, numbers
}

// tryTogether opens the block under the XOR of the keys; nil where that does not open it either.
func tryTogether(ctx context.Context, b hsm.Boundary, block *keyblock.Block, kbpks []hsm.Key) (*diagnose.BlockTry, error) {
	sum, fits, err := xored(ctx, b, kbpks)
	if err != nil || !fits {
		return nil, err
	}
	try, _, err := tryBlock(ctx, b, block, sum, "XOR")
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
