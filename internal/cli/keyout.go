package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/secret"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
	"poskey/pkg/vault"
)

// outputOpts say where a key goes that a command has made.
type outputOpts struct {
	to      string
	kbpk    string
	version string // of the block
	reveal  bool
	yes     bool

	origin      string   // of a key that goes into the store
	parent      string   // label of the key it hangs under there
	purpose     string   // a line for people
	period      string   // how long it may be used; empty for the usage's own
	custodians  []string // who held its components
	parentBlock string   // its block under the parent, when it came in one

	allowWeak bool                // the command's --allow-weak
	inAnswer  bool                // a KBPK without --to puts the block into the answer
	from      hsm.Key             // what the key was derived from, which cannot be the KBPK too
	optional  []keyblock.OptBlock // what the block says beside the key's check value
	// exportability that the block says; 0 for the key's own
	exportability byte
	working       bool // a working key of DUKPT: its parity is what the derivation gives, and no sign of a slip
}

func (o *outputOpts) add(a *App, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "", a.Say.T("where the key goes (DEST): store:LABEL, block:PATH, or file:PATH with --reveal"))
	a.newKeyFlags(f, &o.parent, &o.purpose, &o.period)
	f.StringVar(&o.kbpk, "kbpk", "", a.Say.T("key block protection key (SRC), for block:"))
	f.StringVar(&o.version, "block-version", "D", a.Say.T("version of that block: A B C (TDES KBPK), D E (AES KBPK)"))
	f.BoolVar(&o.reveal, "reveal", false, a.Say.T("show or write the clear key"))
	f.BoolVar(&o.yes, "yes", false, a.Say.T("confirm --reveal without asking"))
}

// newKeyFlags are what a command can say of a key that is new in the store.
func (a *App) newKeyFlags(f *pflag.FlagSet, parent, purpose, period *string) {
	f.StringVar(parent, "parent", "", a.Say.T("key of the store that the new one hangs under there"))
	f.StringVar(purpose, "purpose", "", a.Say.T("what the key is for, a line for people, kept in the store"))
	f.StringVar(period, "cryptoperiod", "", a.Say.T("how long the key is to be used, such as 365d, kept in the store; the usual time when left out"))
}

// check looks at all that can be wrong before a key exists.
func (o *outputOpts) check(ctx context.Context, a *App) error {
	if _, err := blockVersion(o.version); err != nil {
		return err
	}
	if err := o.checkDest(a); err != nil {
		return err
	}
	if o.reveal {
		return a.confirmReveal(ctx, o.yes)
	}
	return nil
}

func (o *outputOpts) checkDest(a *App) error {
	if (o.parent != "" || o.purpose != "" || o.period != "" || len(o.custodians) > 0) && !strings.HasPrefix(o.to, string(source.Store)+":") {
		return fault.New(fault.Usage, "--parent, --purpose, --cryptoperiod and --custodian are for a key that goes into the store: --to store:LABEL")
	}
	if o.to == "" {
		if o.kbpk != "" && !o.inAnswer {
			return fault.New(fault.Usage, "a KBPK is given, and no place for the key block that it protects; say where it goes with --to block:PATH")
		}
		return nil
	}
	dest, err := source.ParseDEST(o.to)
	switch {
	case err != nil:
		return err
	case dest.Kind == source.Store:
		return o.checkStore(a)
	case dest.Kind == source.File && !o.reveal:
		return fault.New(fault.RevealNeeded, "--to file: writes the clear key; that needs --reveal")
	case dest.Kind == source.File && o.kbpk != "":
		return fault.New(fault.Usage, "--to file: writes the clear key, and no KBPK protects it; take --to block: or leave out --kbpk")
	case dest.Kind == source.Block && o.kbpk == "" && !a.Console.CanAsk():
		return fault.New(fault.Usage, "--to block: needs --kbpk, the key that protects the block")
	}
	return source.CheckNew(dest.Arg)
}

// checkStore looks at a destination in the store.
func (o *outputOpts) checkStore(a *App) error {
	switch {
	case o.kbpk != "":
		return fault.New(fault.Usage, "--to store: keeps the key under the store's own master key, and takes no KBPK")
	case o.reveal:
		return fault.New(fault.NotPermitted, "a key that goes into the store is not shown; see: poskey key show --reveal")
	}
	if _, err := a.endOf(o.period); err != nil {
		return err
	}
	_, err := refOf(o.to)
	return err
}

// hangUnder puts a key that goes into the store under the key of the store that it comes from, where nothing else was
// said. It tells whether it hangs there.
func (o *outputOpts) hangUnder(src string) bool {
	if !strings.HasPrefix(o.to, string(source.Store)+":") {
		return false
	}
	parent, own := parentFrom(src, o.parent)
	o.parent = parent
	return own
}

// parentFrom is what a new key hangs under in the store: the key that was named, or else the key of the store that it comes
// from. own tells whether it hangs under the one that it comes from.
func parentFrom(src, named string) (parent string, own bool) {
	from, held := source.Held(src)
	if !held {
		return named, false
	}
	if named == "" {
		named = from.Arg
	}
	return named, strings.TrimPrefix(named, string(source.Store)+":") == from.Arg
}

// intoStore is the row of a key that goes into the store.
func (o *outputOpts) intoStore(ctx context.Context, a *App, label string) (vault.New, error) {
	if _, err := a.hsm(ctx); err != nil {
		return vault.New{}, err
	}
	n := vault.New{Origin: o.origin, Purpose: o.purpose, Custodians: o.custodians, Block: o.parentBlock}
	var err error
	if n.NotAfter, err = a.endOf(o.period); err != nil {
		return vault.New{}, err
	}
	if n.Ref, err = a.holding.vault.NewRef(ctx, label); err != nil {
		return vault.New{}, err
	}
	if o.parent != "" {
		n.Parent, err = refOf(o.parent)
	}
	return n, err
}

// leaves reports whether the key goes out of the boundary; wraps, whether it goes out in a key block.
func (o *outputOpts) leaves() bool { return o.to != "" || o.kbpk != "" || o.reveal }

func (o *outputOpts) wraps() bool {
	return o.kbpk != "" || strings.HasPrefix(o.to, string(source.Block)+":")
}

// blockVersion reads the version of a block to be written.
func blockVersion(s string) (byte, error) {
	version, err := oneChar("block-version", s)
	if err == nil && strings.IndexByte("ABCDE", version) < 0 {
		return 0, fault.New(fault.Usage, "unknown version %q of a key block; known: A B C D E", text.Redact(s))
	}
	return version, err
}

func (a *App) confirmReveal(ctx context.Context, yes bool) error {
	return a.confirm(ctx, yes, text.New("The clear key will be shown or written. Whoever sees it knows it."), "reveal")
}

// delivered is what became of the key.
type delivered struct {
	to       string             // where it was written, as --to says
	label    string             // of the store, with the version
	block    string             // the key block written
	value    string             // the clear key, only with --reveal
	warnings []keyblock.Warning // of the block; they were said
}

// deliver sends the key where --to says, and gives the block where a KBPK stands without it, and the clear value when
// --reveal asks for it without a file. The file comes last: when anything fails, none is left behind.
func (o *outputOpts) deliver(ctx context.Context, a *App, in *intake, k hsm.Key) (delivered, error) {
	var d delivered
	dest, err := o.dest()
	if err != nil {
		return d, err
	}
	switch dest.Kind {
	case source.File:
		return delivered{to: o.to}, a.writeClear(ctx, dest.Arg, k)
	case source.Store:
		n, err := o.intoStore(ctx, a, dest.Arg)
		if err != nil {
			return d, err
		}
		kept, err := a.keepInStore(ctx, k, n)
		return delivered{label: kept.Row.Ref().String()}, err
	}
	if o.wraps() {
		if d, err = a.blockFor(ctx, in, k, o); err != nil {
			return delivered{}, err
		}
	}
	if o.reveal {
		if d.value, err = a.revealed(ctx, k); err != nil {
			return delivered{}, err
		}
	}
	if dest.Kind == source.Block {
		d.to, err = o.to, source.WriteNew(dest.Arg, []byte(d.block+"\n"))
	}
	return d, err
}

// dest reads --to; the zero value is none.
func (o *outputOpts) dest() (source.Spec, error) {
	if o.to == "" {
		return source.Spec{}, nil
	}
	return source.ParseDEST(o.to)
}

// answerDelivered answers. When that fails, the error says where the key is all the same.
func (a *App) answerDelivered(schema string, doc any, d delivered, lay func(*render.Page)) error {
	err := a.render.Answer(schema, doc, lay)
	if err != nil && d.to != "" {
		return fault.Wrap(err, "the key was written to %s, but the answer was not", d.to)
	}
	return err
}

// blockFor wraps a key and says what is doubtful about the block.
func (a *App) blockFor(ctx context.Context, in *intake, k hsm.Key, o *outputOpts) (delivered, error) {
	w, err := a.wrapFor(ctx, in, k, o)
	if err != nil {
		return delivered{}, err
	}
	for _, warning := range w.Warnings {
		a.render.Warn(warning.Text)
	}
	return delivered{block: w.Block, warnings: w.Warnings}, nil
}

// wrapFor wraps a key as its attributes say, with its check value in KC.
func (a *App) wrapFor(ctx context.Context, in *intake, k hsm.Key, o *outputOpts) (hsm.Wrapped, error) {
	b, err := a.hsm(ctx)
	if err != nil {
		return hsm.Wrapped{}, err
	}
	version, err := blockVersion(o.version)
	if err != nil {
		return hsm.Wrapped{}, err
	}
	kbpk, err := in.protector(ctx, kbpkWish{src: o.kbpk, version: version, what: text.New("the KBPK"), protects: true, allowWeak: o.allowWeak})
	if err != nil {
		return hsm.Wrapped{}, err
	}
	if o.from.Block != "" && !o.allowWeak {
		if err := in.twoKeys(ctx, o.from, kbpk); err != nil {
			return hsm.Wrapped{}, err
		}
	}
	h := k.Header(version)
	if o.exportability != 0 {
		h.Exportability = o.exportability
	}
	if data, err := b.CheckData(ctx, k); err == nil && k.Algorithm.IsBlockCipher() {
		h.SetOpt("KC", data)
	}
	for _, opt := range o.optional {
		h.SetOpt(opt.ID, opt.Data)
	}
	w, err := b.Wrap(ctx, k, kbpk, h, keyblock.WrapOptions{PadTo: keyblock.ObfuscatedLen(k.Algorithm),
		AllowWeak: o.allowWeak || !b.Info().Strict}) // elsewhere the key is the user's own, and was looked at
	if o.working {
		w.Warnings = slices.DeleteFunc(w.Warnings, func(w keyblock.Warning) bool { return w.ID == keyblock.LintKeyParity })
	}
	return w, err
}

// revealed gives the clear key as text. A string cannot be wiped; that is what --reveal accepts.
func (a *App) revealed(ctx context.Context, k hsm.Key) (string, error) {
	b, err := a.hsm(ctx)
	if err != nil {
		return "", err
	}
	clear, err := b.Reveal(ctx, k)
	if err != nil {
		return "", err
	}
	defer clear.Wipe()
	var out strings.Builder
	err = keys.WriteHex(&out, clear)
	return out.String(), err
}

// writeClear writes the clear key as one line of hex into a new file.
func (a *App) writeClear(ctx context.Context, path string, k hsm.Key) error {
	b, err := a.hsm(ctx)
	if err != nil {
		return err
	}
	clear, err := b.Reveal(ctx, k)
	if err != nil {
		return err
	}
	defer clear.Wipe()
	line := secret.New(2*clear.Len() + 1)
	defer line.Wipe()
	keys.HexInto(line.Expose(), clear)
	line.Expose()[2*clear.Len()] = '\n'
	return source.WriteNew(path, line.Expose())
}
