package cli

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/vault"
)

// intake takes keys from their sources into the boundary. One intake serves one command, or one worker of a batch.
type intake struct {
	app   *App
	read  func(ctx context.Context, src string, what text.Text) (source.Material, error)
	batch bool
	memo  map[[32]byte]taken // KBPKs and BDKs of a batch: the same one stands in a million lines

	lastBase lastBase  // of a batch: what its last line was derived from
	apart    [2]string // of a batch: blocks of the last BDK and KBPK that were found to be two keys
}

const maxMemo = 256

// intake for a command line: secrets may be typed.
func (a *App) intake() *intake { return &intake{app: a, read: a.sources().Read} }

// batchIntake for the lines of a batch. What the command line gave is taken from once; lines may name other sources.
func (a *App) batchIntake(once givenOnce) *intake {
	read := func(ctx context.Context, src string, what text.Text) (source.Material, error) {
		if m, ok := once[src]; ok {
			return m.Clone(), nil
		}
		return a.sources().ReadBatch(ctx, src, what)
	}
	return &intake{app: a, read: read, batch: true, memo: map[[32]byte]taken{}}
}

// givenOnce is what the sources on the command line of a batch gave, by their SRC.
type givenOnce map[string]source.Material

// readOnce reads the sources that a batch's command line names.
func (a *App) readOnce(ctx context.Context, given []string) (givenOnce, error) {
	once := givenOnce{}
	for _, src := range given {
		if _, held := source.Held(src); held {
			continue
		}
		if _, ok := once[src]; ok && givesOnce(src) {
			once.wipe()
			return nil, fault.New(fault.Usage, "%s is named as the source of two keys, and gives one", src)
		} else if ok || src == "" {
			continue
		}
		m, err := a.sources().Read(ctx, src, text.New("the key for all lines"))
		if err != nil {
			once.wipe()
			return nil, err
		}
		once[src] = m
	}
	return once, nil
}

// givesOnce: who is asked twice gives two keys.
func givesOnce(src string) bool {
	return src == string(source.Prompt) || src == string(source.Stdin) || strings.HasPrefix(src, string(source.FD)+":")
}

func (g givenOnce) wipe() {
	for _, m := range g {
		m.Wipe()
	}
}

// taken is a key inside the boundary with what its source said about it.
type taken struct {
	Key      hsm.Key
	Expected string             // the check value that came with it: of a sheet (a part's own), or of a KC block
	Header   *keyblock.Header   // when it came as a key block
	Warnings []keyblock.Warning // of that block
	Doubts   []keyblock.Warning // the same with its place, as a command reports them
	By       hsm.Witness        // who said Expected
	Method   kcv.Method         // by which method
	source   string             // the key block that it came in, as it stands there
	Odd      int                // hex digits typed, when they are odd in number; only where the wish is typed
}

// keyWish says what a command wants of a key.
type keyWish struct {
	src    string
	kbpk   string // opens block: sources
	what   text.Text
	alg    string // as the user wrote it; may be empty when the source knows it
	attrs  hsm.Attributes
	policy hsm.Policy
	// purpose says what a clear key of n bytes is for, where its length decides; nil where attrs say it
	purpose func(n int) (keys.Usage, byte, error)
	open    bool           // bytes without an algorithm will do
	likely  keys.Algorithm // of an open one: what its weakness is judged as, where it has the length
	typed   bool           // with open: an odd number of hex digits will do
	// sheetValue lets one component's sheet stand for a key: where a value is looked at, never where a key is used
	sheetValue bool
	// family takes the algorithm of its kind that has the key's length, when none is named: where there is no other kind
	family keys.Algorithm
}

// key takes one key in. An empty source asks at the terminal.
func (in *intake) key(ctx context.Context, w keyWish) (taken, error) {
	if w.src == "" {
		if in.batch {
			return taken{}, fault.New(fault.Usage, "%s: no source is given", w.what)
		}
		w.src = "prompt"
	}
	if w.alg != "" {
		alg, err := keys.ParseAlgorithm(w.alg)
		if err != nil {
			return taken{}, err
		}
		w.attrs.Algorithm = alg
	}
	if spec, ok := source.Held(w.src); ok {
		return in.fromStore(ctx, spec, w)
	}
	read := in.read
	if w.typed {
		read = in.app.sources().ReadTyped
	}
	m, err := read(ctx, w.src, w.what)
	if err != nil {
		return taken{}, err
	}
	defer m.Wipe()
	b, err := in.app.hsm(ctx)
	if err != nil {
		return taken{}, err
	}
	if m.Block != nil {
		return in.fromBlock(ctx, b, m, w)
	}
	t := taken{Odd: m.Odd}
	sec := m.Secret
	if m.Part != nil {
		sec, t.Expected = m.Part.Value, m.Part.Check.Digits
	}
	if w.attrs.Algorithm, err = w.algorithmOf(m, sec.Len()); err != nil {
		return taken{}, err
	}
	if w.purpose != nil {
		if w.attrs.Usage, w.attrs.Mode, err = w.purpose(sec.Len()); err != nil {
			return taken{}, err
		}
	}
	t.Key, err = b.Import(ctx, sec.Clone(), w.attrs, w.policy)
	if err != nil {
		return taken{}, fault.Wrap(err, "%s (%s)", w.what, m.Where)
	}
	in.reportWeak(t.Key, w)
	return t, nil
}

// algorithmOf decides what n bytes from a source are a key for.
func (w keyWish) algorithmOf(m source.Material, n int) (keys.Algorithm, error) {
	alg := w.attrs.Algorithm
	switch {
	case m.Part != nil && !w.sheetValue:
		return "", fault.New(fault.PartRefused, "%s (%s): this is one component, not the key; combine the components first", w.what, m.Where)
	case m.Part != nil && alg != "" && alg != m.Part.Algorithm:
		return "", fault.New(fault.Usage, "%s (%s): the sheet is for %s, --alg says %s", w.what, m.Where, m.Part.Algorithm, alg)
	case m.Part != nil:
		return m.Part.Algorithm, nil
	case alg != "":
		return alg, nil
	case w.open && w.likely.ForLength(n) == w.likely && w.likely.KeyLen() == n:
		return w.likely, nil
	case w.open:
		return keys.Raw, nil
	case w.family == "":
		return "", fault.New(fault.Usage, "%s: say which algorithm it is for with --alg (%d bytes fit: %s)", w.what, n, fitting(n))
	}
	switch alg = w.family.ForLength(n); {
	case alg != keys.Raw:
		return alg, nil
	case w.family.IsAES():
		return "", fault.New(fault.MalformedLength, "%s (%s): %d bytes are no AES key (16, 24 or 32)", w.what, m.Where, n)
	}
	return "", fault.New(fault.MalformedLength, "%s (%s): %d bytes are no DES key (8, 16 or 24)", w.what, m.Where, n)
}

func fitting(n int) string {
	var names string
	for _, alg := range keys.Named() {
		if alg.KeyLen() == n {
			names += " " + string(alg)
		}
	}
	if names == "" {
		return "-"
	}
	return names[1:]
}

// fromStore takes a key of the store: nothing is read, and what it is for is known.
func (in *intake) fromStore(ctx context.Context, spec source.Spec, w keyWish) (taken, error) {
	use := vault.ToProtect
	if w.sheetValue {
		use = vault.ToCheck
	}
	held, err := in.app.held(ctx, spec, use)
	if err != nil {
		return taken{}, fault.Wrap(err, "%s (%s)", w.what, spec.Where())
	}
	if alg := w.attrs.Algorithm; alg != "" && alg != held.Row.Algorithm {
		return taken{}, fault.New(fault.Usage, "%s (%s): the store has a %s key, --alg says %s", w.what, spec.Where(), held.Row.Algorithm, alg)
	}
	return taken{Key: held.Key}, nil
}

func (in *intake) fromBlock(ctx context.Context, b hsm.Boundary, m source.Material, w keyWish) (taken, error) {
	kbpk, err := in.kbpk(ctx, w.kbpk, m.Block.Version, text.New("the KBPK"))
	if err != nil {
		return taken{}, err
	}
	opened, err := b.Unwrap(ctx, m.Block, kbpk, w.policy)
	if err != nil {
		return taken{}, fault.Wrap(err, "%s (%s)", w.what, m.Where)
	}
	k := opened.Key
	if alg := w.attrs.Algorithm; alg != "" && alg != k.Algorithm {
		return taken{}, fault.New(fault.Usage, "%s (%s): the block holds a %s key, --alg says %s", w.what, m.Where, k.Algorithm, alg)
	}
	t := taken{Key: k, Header: &m.Block.Header, Warnings: opened.Warnings, source: m.Block.Marshal()}
	if kc, ok := m.Block.Opt("KC"); ok && len(kc) > 6 {
		t.Expected, t.By, t.Method = kc[2:], hsm.ByBlock, kcv.ECBZero
		if kc[:2] == "01" {
			t.Method = kcv.CMAC
		}
	}
	t.Doubts = doubtsOf(m, t.Warnings, w)
	in.reportWeak(k, w)
	in.reportBlock(t.Doubts)
	return t, nil
}

// doubtsOf: what is doubtful about the block that a key came in, such as a KC that lies.
func doubtsOf(m source.Material, warnings []keyblock.Warning, w keyWish) []keyblock.Warning {
	if m.Lower {
		warnings = append(slices.Clip(warnings), keyblock.LowerCase())
	}
	doubts := slices.Clone(warnings)
	for i, warning := range doubts {
		doubts[i].Text = text.New("%s (%s): %s", w.what, m.Where, warning.Text)
	}
	return doubts
}

// reportBlock tells the doubts. A batch says them in its lines.
func (in *intake) reportBlock(doubts []keyblock.Warning) {
	if in.batch {
		return
	}
	for _, doubt := range doubts {
		in.app.render.Warn(doubt.Text)
	}
}

// reportWeak: a weak key is always reported, also where it is allowed. A batch says it in its lines.
func (in *intake) reportWeak(k hsm.Key, w keyWish) {
	if in.batch {
		return
	}
	for _, weak := range k.Weak {
		in.app.render.Warn(text.New("%s is weak (%s): %s", w.what, string(weak), weak.Text()))
	}
}

// kbpkWish says what a command wants of a KBPK.
type kbpkWish struct {
	src       string
	version   byte // of the key block: it says which algorithm the KBPK is
	what      text.Text
	protects  bool // a key will be put under it, so a weak one is refused
	allowWeak bool
}

// kbpk takes in a KBPK to open blocks with.
func (in *intake) kbpk(ctx context.Context, src string, version byte, what text.Text) (hsm.Key, error) {
	return in.protector(ctx, kbpkWish{src: src, version: version, what: what})
}

// protector takes in a KBPK. One that is weak in itself never protects a key unless the user allows it; one that is
// published is reported.
func (in *intake) protector(ctx context.Context, w kbpkWish) (hsm.Key, error) {
	if w.src == "" && in.batch {
		return hsm.Key{}, fault.New(fault.Usage, "no KBPK is given (kbpk)")
	}
	if w.src == "" {
		w.src = "prompt"
	}
	id := sha256.Sum256([]byte(string(w.version) + w.src))
	t, known := in.memo[id]
	k := t.Key
	if !known {
		var err error
		if k, err = in.readKBPK(ctx, w); err != nil {
			return hsm.Key{}, err
		}
		in.remember(id, taken{Key: k})
	}
	if !w.protects {
		return k, nil
	}
	in.reportWeak(k, keyWish{what: w.what})
	return k, sound(k, w.what, w.allowWeak)
}

// remember keeps a key of a batch for the lines that follow.
func (in *intake) remember(id [32]byte, t taken) {
	if in.memo != nil && len(in.memo) < maxMemo {
		in.memo[id] = t
	}
}

// twoKeys refuses a KBPK that is the BDK itself: a key has one purpose, and who opens one block with this one derives the
// keys of every device.
func (in *intake) twoKeys(ctx context.Context, base, kbpk hsm.Key) error {
	pair := [2]string{base.Block, kbpk.Block}
	if base.Len != kbpk.Len && !(base.Algorithm.IsDES() && kbpk.Algorithm.IsDES()) || in.apart == pair {
		return nil
	}
	b, err := in.app.hsm(ctx)
	if err != nil {
		return err
	}
	if b.Info().Strict { // it tells check values by rule and no more: chance makes two keys one in 16 million
		if base.Algorithm == kbpk.Algorithm && base.Check == kbpk.Check {
			return errOnePurpose()
		}
		return nil
	}
	method, digits := kcv.SHA256, 64
	if base.Algorithm.IsDES() && kbpk.Algorithm.IsDES() { // their parity bits do not count
		method, digits = kcv.ECBZero, 16
	}
	one, err := b.CheckValue(ctx, base, method, digits)
	if err != nil {
		return err
	}
	other, err := b.CheckValue(ctx, kbpk, method, digits)
	if err != nil {
		return err
	}
	if one == other {
		return errOnePurpose()
	}
	if in.batch {
		in.apart = pair
	}
	return nil
}

func errOnePurpose() error {
	return fault.New(fault.WeakKey, "the KBPK is the key that is derived from: a key has one purpose")
}

// sound refuses a key that is weak in itself. One that is merely published is fit for a test.
func sound(k hsm.Key, what text.Text, allowWeak bool) error {
	for _, weak := range k.Weak {
		if weak != keys.PublishedSample && !allowWeak {
			return fault.New(fault.WeakKey, "%s: weak key (%s): %s", what, string(weak), weak.Text())
		}
	}
	return nil
}

func (in *intake) readKBPK(ctx context.Context, w kbpkWish) (hsm.Key, error) {
	if spec, ok := source.Held(w.src); ok {
		use := vault.ToProcess
		if w.protects {
			use = vault.ToProtect
		}
		held, err := in.app.held(ctx, spec, use)
		return held.Key, fault.Wrap(err, "%s (%s)", w.what, spec.Where())
	}
	m, err := in.read(ctx, w.src, w.what)
	if err != nil {
		return hsm.Key{}, err
	}
	defer m.Wipe()
	switch {
	case m.Block != nil:
		return hsm.Key{}, fault.New(fault.Usage, "%s (%s): a KBPK cannot come as a key block here", w.what, m.Where)
	case m.Part != nil:
		return hsm.Key{}, fault.New(fault.PartRefused, "%s (%s): this is one component, not the key; combine the components first", w.what, m.Where)
	}
	alg, err := keyblock.KBPKAlgorithm(w.version, m.Secret.Len())
	if err != nil {
		return hsm.Key{}, err
	}
	b, err := in.app.hsm(ctx)
	if err != nil {
		return hsm.Key{}, err
	}
	attrs := hsm.Attributes{Algorithm: alg, Usage: hsm.ProtectorUsage(w.version)}
	return b.Import(ctx, m.Secret.Clone(), attrs, hsm.Policy{Inspect: true})
}

// keepsUsage tells, before anybody gives a second key, that one that came in a block keeps the usage that the block says.
// The boundary holds it to the rest.
func (t taken) keepsUsage(usage keys.Usage) error {
	if t.Header != nil && usage != "" && usage != t.Header.Usage {
		return fault.New(fault.NotPermitted, "the key's block says usage %s; it cannot become %s", t.Header.Usage, usage)
	}
	return nil
}

// born gives the attributes of a key that is made, or taken in clear, to leave in a block that says a. Not exportable is
// what the block says to whoever opens it; a key that was that from its birth would never get there.
func born(a hsm.Attributes) hsm.Attributes {
	if a.Exportability == 'N' {
		a.Exportability = 'E'
	}
	return a
}

// weakIDs lists weaknesses for JSON.
func weakIDs(k hsm.Key) []string {
	var ids []string
	for _, w := range k.Weak {
		ids = append(ids, string(w))
	}
	return ids
}
