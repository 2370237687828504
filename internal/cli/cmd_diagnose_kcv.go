package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/component"
	"poskey/pkg/diagnose"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
	"poskey/pkg/slip"
)

type diagnoseKCVOpts struct {
	diagnosisOpts
	alg, expected, got, method string
	key, kbpk, cryptogram, kek string
	kekExpected, bdk, ksn      string
	said, vendor               string
	parts, partExpected        []string
	search                     int
	searchGiven                bool
	reveal, yes                bool
}

func newDiagnoseKCVCmd(a *App) *cobra.Command {
	o := diagnoseKCVOpts{}
	cmd := a.command(cmdSpec{
		use:   "kcv",
		short: text.New("explain a check value that does not match"),
		long: text.New("Give what you have: the expected value and the one observed, and the key, its components, or its cryptogram with the key-encrypting\n" +
			"key. Mistakes that people and systems make are tried one by one; a cause is called proven only when it reproduces every value\n" +
			"given, nothing else does, and chance is below 1 in 10,000. Which digit is wrong is told; what it should be, only with --reveal.\n\n" +
			"Slips of typing are searched in what was typed: up to --search wrong digits, digits swapped, left out, put in or typed twice,\n" +
			"look-alikes confused, groups, rows and halves exchanged. Three wrong digits of a TDES key take a fraction of a second, four\n" +
			"some seconds; of an AES key three take seconds. With a check value of 6 digits, chance alone gives 0.4 keys within three\n" +
			"wrong digits and 30 within four: give the parts' own check values with --part-expected, which also tell the part.\n\n" +
			"A cryptogram without --kek is tried under transport keys that are published. With --bdk and --ksn the value is said to be of the\n" +
			"initial key of DUKPT: other key serial numbers and keys of other levels are tried. --said takes the code that an HSM or a device\n" +
			"answered; where all values agree and it refused all the same, that is what decides."),
		example: "  poskey diagnose kcv --alg tdes-128 --expected 8D0A74B8 --got 8D0A74\n" +
			"  poskey diagnose kcv --alg tdes-128 --expected 7FF5B8 --part file:part1.txt --part file:part2.txt --part-expected E2AC18 --part-expected 1E656F\n" +
			"  poskey diagnose kcv --alg tdes-128 --expected 8D0A74B8 --cryptogram 4F61B8C2D3E495A60718293A4B5C6D7E --kek file:tmk.txt\n" +
			"  poskey diagnose kcv --alg tdes-128 --expected AF8C07 --got 08D7B4 --bdk file:bdk.txt --ksn FFFF9876543210E00000",
		exits: []int{3, 4, 5, 6, 7, 8, 9, 11}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	a.algFlag(f, &o.alg)
	a.besideFlags(f, &o)
	f.StringVar(&o.expected, "expected", "", a.Say.T("the expected check value, 4 digits or more"))
	f.StringVar(&o.got, "got", "", a.Say.T("the check value that was observed instead"))
	f.StringVar(&o.method, "method", "", a.Say.T("check-value method; the algorithm's default when left out"))
	f.StringVar(&o.key, "key", "", a.Say.T("the key as it was entered (SRC)"))
	a.openKBPKFlag(f, &o.kbpk)
	f.StringArrayVar(&o.parts, "part", nil, a.Say.T("a component as it was entered (SRC); once for each"))
	f.StringArrayVar(&o.partExpected, "part-expected", nil, a.Say.T("check value of the part at the same place"))
	f.StringVar(&o.cryptogram, "cryptogram", "", a.Say.T("the encrypted key, in hex"))
	f.StringVar(&o.kek, "kek", "", a.Say.T("the key that it is encrypted under (SRC)"))
	f.IntVar(&o.search, "search", defaultSearch, a.Say.T("search up to so many wrong digits at once, 0 to 4 (0: one digit or one swap)"))
	f.BoolVar(&o.reveal, "reveal", false, a.Say.T("tell what the wrong digits should be"))
	f.BoolVar(&o.yes, "yes", false, a.Say.T("confirm --reveal without asking"))
	sameFlag(f, "expected", "expect")
	a.diagnosisFlags(f, &o.diagnosisOpts)
	required(cmd, "alg")
	cmd.MarkFlagsMutuallyExclusive("key", "part", "cryptogram")
	cmd.MarkFlagsMutuallyExclusive("bdk", "part", "cryptogram")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.searchGiven = cmd.Flags().Changed("search"); o.searchGiven && o.cryptogram != "" {
			return fault.New(fault.Usage, "--search looks at a key or at parts as they were typed; it does not go with --cryptogram")
		}
		if err := o.fits(); err != nil {
			return err
		}
		return runDiagnoseKCV(cmd.Context(), a, o)
	}
	return cmd
}

// besideFlags are those of what stands beside a key: the number of an initial key, the value of a KEK, what was said.
func (a *App) besideFlags(f *pflag.FlagSet, o *diagnoseKCVOpts) {
	f.StringVar(&o.bdk, "bdk", "", a.Say.T("the base derivation key (SRC): the check values are said to be of its initial key; with --key, that is the initial key"))
	f.StringVar(&o.ksn, "ksn", "", a.Say.T("key serial number, as it was typed: 20 digits (TDES DUKPT) or 24 (AES DUKPT); its counter does not count"))
	f.StringVar(&o.kekExpected, "kek-expected", "", a.Say.T("check value of the key-encrypting key itself"))
	f.StringVar(&o.said, "said", "", a.Say.T("what the HSM or the device said: a code or a text"))
	a.vendorFlag(f, &o.vendor)
}

// fits refuses flags that say nothing without another one.
func (o *diagnoseKCVOpts) fits() error {
	switch {
	case o.kek != "" && o.cryptogram == "", o.kekExpected != "" && o.kek == "":
		return fault.New(fault.Usage, "--kek goes with --cryptogram, and --kek-expected with --kek")
	case o.bdk != "" && o.ksn == "":
		return fault.New(fault.Usage, "--bdk goes with --ksn: the key serial number names the initial key")
	case o.ksn != "" && o.bdk == "" && o.key == "":
		return fault.New(fault.Usage, "--ksn goes with --bdk, or with --key for an initial key")
	case o.bdk != "" && o.searchGiven:
		return fault.New(fault.Usage, "--search looks at a key or at parts as they were typed; it does not go with --bdk")
	case o.bdk != "" && o.key != "" && o.got != "":
		return fault.New(fault.Usage, "with --bdk, the initial key itself (--key) gives the observed value: leave --got out")
	case o.vendor != "" && o.said == "":
		return fault.New(fault.Usage, "--vendor goes with --said")
	}
	return nil
}

// defaultSearch is what takes no time and finds next to nothing by chance.
const defaultSearch = 2

func runDiagnoseKCV(ctx context.Context, a *App, o diagnoseKCVOpts) error {
	if err := o.check(); err != nil {
		return err
	}
	facts, err := diagnoseFacts(o)
	if err != nil {
		return err
	}
	if o.reveal {
		if err := a.confirm(ctx, o.yes, text.New("Digits of the key will be shown."), "reveal"); err != nil {
			return err
		}
	}
	p := &probers{app: a}
	defer p.close()
	if err := a.diagnoseProber(ctx, o, &facts, p); err != nil {
		return err
	}
	c := diagnose.Case{Checks: []diagnose.Check{{Facts: facts}}, Said: o.saidFacts()}
	report, err := a.searched(ctx, &c)
	if err != nil {
		return err
	}
	if o.reveal && facts.Prober != nil {
		if err := fillDigits(&report, facts.Prober); err != nil {
			return err
		}
	}
	o.known = map[string]string{"alg": o.alg, "kcv": o.expected, "got": o.got, "key": o.key, "kbpk": o.kbpk, "cryptogram": o.cryptogram, "kek": o.kek,
		"bdk": o.bdk, "ksn": o.ksn}
	return a.showDiagnosis(ctx, "diagnose.kcv", &c, report, o.diagnosisOpts)
}

// saidFacts is what was said beside the values.
func (o *diagnoseKCVOpts) saidFacts() []diagnose.Said {
	if o.said == "" {
		return nil
	}
	return []diagnose.Said{{Text: o.said, Vendor: o.vendor}}
}

// diagnoseProber takes the material into the boundary and opens a prober over it.
func (a *App) diagnoseProber(ctx context.Context, o diagnoseKCVOpts, facts *diagnose.Facts, p *probers) error {
	material, err := a.diagnoseMaterial(ctx, o, facts)
	if err != nil {
		return err
	}
	if facts.NotTyped && (o.searchGiven || o.reveal) {
		return fault.New(fault.Usage, "the key came in a key block and was not typed: there are no slips of typing to search or to reveal in it")
	}
	if o.searchGiven && o.search > 0 && !facts.Algorithm.IsBlockCipher() {
		return fault.New(fault.Usage, "slips are searched in keys of block ciphers, not of %s", facts.Algorithm)
	}
	if facts.Kind == diagnose.None || facts.Kind == diagnose.Unopened {
		return nil
	}
	facts.Prober, err = p.over(ctx, material...)
	return err
}

// diagnoseFacts reads the flags that are no secrets.
func diagnoseFacts(o diagnoseKCVOpts) (diagnose.Facts, error) {
	alg, err := keys.ParseAlgorithm(o.alg)
	if err != nil {
		return diagnose.Facts{}, err
	}
	if o.search < 0 || o.search > slip.MaxDigits {
		return diagnose.Facts{}, fault.New(fault.Usage, "--search %d: wrong digits are searched up to %d", o.search, slip.MaxDigits)
	}
	f := diagnose.Facts{Algorithm: alg, Search: o.search, KSN: o.ksn}
	if f.Method, err = optionalMethod(o.method); err != nil {
		return diagnose.Facts{}, err
	}
	if f.Expected, err = optionalGiven(o.expected); err != nil {
		return diagnose.Facts{}, err
	}
	if f.Got, err = optionalGiven(o.got); err != nil {
		return diagnose.Facts{}, err
	}
	if f.KEKExpected, err = optionalGiven(o.kekExpected); err != nil {
		return diagnose.Facts{}, fault.Wrap(err, "--kek-expected")
	}
	for i, s := range o.partExpected {
		e, err := givenKCV(s)
		if err != nil {
			return diagnose.Facts{}, fault.Wrap(err, "part %d", i+1)
		}
		f.PartExpected = append(f.PartExpected, e)
	}
	if len(o.partExpected) > len(o.parts) {
		return diagnose.Facts{}, fault.New(fault.Usage, "%d check values of parts were given for %d parts", len(o.partExpected), len(o.parts))
	}
	return f, nil
}

func optionalKCV(s string) (kcv.Expected, error) {
	if s == "" {
		return kcv.Expected{}, nil
	}
	return kcv.Parse(s)
}

// mostGiven bounds the check values that a diagnosis takes: it repeats them in its answer, and what is longer may be a key
// that was pasted in their place.
const mostGiven = 16

// givenKCV reads a check value that will be repeated.
func givenKCV(s string) (kcv.Expected, error) {
	v, err := kcv.Parse(s)
	if err == nil && len(v.Digits) > mostGiven {
		return kcv.Expected{}, fault.New(fault.MalformedLength,
			"the check value has %d digits, and so many are a key rather than a check value: give its first %d at most", len(v.Digits), mostGiven)
	}
	return v, err
}

func optionalGiven(s string) (kcv.Expected, error) {
	if s == "" {
		return kcv.Expected{}, nil
	}
	return givenKCV(s)
}

// diagnoseMaterial takes everything in as bytes, whatever their length: a wrong length is one of the causes.
func (a *App) diagnoseMaterial(ctx context.Context, o diagnoseKCVOpts, f *diagnose.Facts) ([]hsm.Key, error) {
	switch {
	case o.bdk != "":
		return a.diagnoseBase(ctx, o, f)
	case o.key != "":
		f.Kind = diagnose.Key
		t, err := a.intake().key(ctx, keyWish{src: o.key, kbpk: o.kbpk, what: text.New("the key"), open: true, likely: f.Algorithm, typed: true, sheetValue: true,
			policy: hsm.Policy{Inspect: true}})
		f.Typed, f.NotTyped = []int{t.Odd}, t.Header != nil
		return []hsm.Key{t.Key}, err
	case len(o.parts) > 0:
		f.Kind, f.Parts = diagnose.Parts, len(o.parts)
		return a.diagnoseParts(ctx, o, f)
	case o.cryptogram != "":
		f.Kind = diagnose.Cryptogram
		var err error
		if f.Wrapped, err = publicHex(o.cryptogram, text.New("the cryptogram")); err != nil {
			return nil, err
		}
		if o.kek == "" {
			f.Kind = diagnose.Unopened
			return nil, nil
		}
		cryptogram, err := a.rawBytes(ctx, []byte(o.cryptogram), text.New("the cryptogram"))
		if err != nil {
			return nil, err
		}
		t, err := a.intake().key(ctx, keyWish{src: o.kek, what: text.New("the key-encrypting key"), open: true, sheetValue: true, policy: hsm.Policy{Inspect: true}})
		return []hsm.Key{cryptogram, t.Key}, err
	}
	return nil, nil
}

// diagnoseBase takes a base derivation key in. An initial key beside it is what was observed: its check value counts.
func (a *App) diagnoseBase(ctx context.Context, o diagnoseKCVOpts, f *diagnose.Facts) ([]hsm.Key, error) {
	f.Kind, f.Search = diagnose.Base, 0
	look := hsm.Policy{Inspect: true}
	t, err := a.intake().key(ctx, keyWish{src: o.bdk, kbpk: o.kbpk, what: text.New("the base derivation key"), open: true, sheetValue: true, policy: look})
	if err != nil {
		return nil, err
	}
	if o.key == "" {
		return []hsm.Key{t.Key}, nil
	}
	ik, err := a.intake().key(ctx, keyWish{src: o.key, kbpk: o.kbpk, what: text.New("the initial key"), alg: o.alg, sheetValue: true, policy: look})
	if err != nil {
		return nil, err
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return nil, err
	}
	method := f.Method
	if method == "" {
		method = kcv.Default(f.Algorithm)
	}
	v, err := b.CheckValue(ctx, ik.Key, method, 0)
	f.Got = kcv.Expected{Digits: v.Digits}
	return []hsm.Key{t.Key}, err
}

func (a *App) diagnoseParts(ctx context.Context, o diagnoseKCVOpts, f *diagnose.Facts) ([]hsm.Key, error) {
	if len(o.parts) > component.MaxParts {
		return nil, fault.New(fault.Usage, "%d parts were given, a key has %d to %d", len(o.parts), component.MinParts, component.MaxParts)
	}
	var material []hsm.Key
	onSheets := make([]kcv.Expected, len(o.parts))
	for i, src := range o.parts {
		t, err := a.intake().key(ctx, keyWish{src: src, what: text.New("part %d of %d", i+1, len(o.parts)), open: true, typed: true, sheetValue: true, policy: hsm.Policy{Inspect: true}})
		if err != nil {
			return nil, err
		}
		material = append(material, t.Key)
		f.Typed = append(f.Typed, t.Odd)
		if t.Expected != "" {
			if onSheets[i], err = kcv.Parse(t.Expected); err != nil {
				return nil, err
			}
		}
	}
	if len(f.PartExpected) == 0 {
		f.PartExpected = onSheets
	}
	return material, nil
}

// rawBytes takes public hex into the boundary, so that the prober can work with it.
func (a *App) rawBytes(ctx context.Context, digits []byte, what text.Text) (hsm.Key, error) {
	sec, err := keys.ParseHex(digits)
	if err != nil {
		return hsm.Key{}, fault.Wrap(err, "%s", what)
	}
	b, err := a.hsm(ctx)
	if err != nil {
		return hsm.Key{}, err
	}
	return b.Import(ctx, sec, hsm.Attributes{Algorithm: keys.Raw}, hsm.Policy{Inspect: true})
}

// fillDigits puts the entered and the correct digit into the evidence: what --reveal asked for, and no more of the key.
func fillDigits(report *diagnose.Report, prober hsm.Prober) error {
	teller, ok := prober.(hsm.DigitTeller)
	if !ok {
		return fault.New(fault.NotPermitted, "this boundary does not tell digits of its keys")
	}
	for i := range report.Findings {
		edits := report.Findings[i].Evidence.Edits
		for j := range edits {
			e := &edits[j]
			if e.Expr() == nil {
				continue
			}
			entered, correct, err := e.Digits(func(digit int) (byte, error) { return teller.Digit(e.Expr(), digit) })
			if err != nil {
				return err
			}
			e.Entered, e.Correct = digitText(entered), digitText(correct)
		}
	}
	return nil
}

// digitText shows a digit; 0 is none.
func digitText(digit byte) string {
	if digit == 0 {
		return ""
	}
	return string(rune(digit))
}
