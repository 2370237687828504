package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/keyblock"
	"poskey/pkg/keys"
)

// outputOpts say where a key goes that a command has made.
type outputOpts struct {
	to      string
	kbpk    string
	version string // of the block
	reveal  bool
	yes     bool

	allowWeak bool                // the command's --allow-weak
	optional  []keyblock.OptBlock // what the block says beside the key's check value
	working   bool                // a working key of DUKPT: its parity is what the derivation gives, and no sign of a slip
}

func (o *outputOpts) add(a *App, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.to, "to", "", a.Say.T("where the key goes (DEST): block:PATH, or file:PATH with --reveal"))
	f.StringVar(&o.kbpk, "kbpk", "", a.Say.T("key block protection key (SRC), for block:"))
	f.StringVar(&o.version, "block-version", "D", a.Say.T("version of that block: A B C (TDES KBPK), D E (AES KBPK)"))
	f.BoolVar(&o.reveal, "reveal", false, a.Say.T("show or write the clear key"))
	f.BoolVar(&o.yes, "yes", false, a.Say.T("confirm --reveal without asking"))
}

// check looks at all that can be wrong before a key exists.
func (o *outputOpts) check(ctx context.Context, a *App) error {
	if o.to != "" {
		dest, err := source.ParseDEST(o.to)
		if err != nil {
			return err
		}
		if dest.Kind == source.File && !o.reveal {
			return fault.New(fault.RevealNeeded, "--to file: writes the clear key; that needs --reveal")
		}
		if dest.Kind == source.Block && o.kbpk == "" && !a.Console.CanAsk() {
			return fault.New(fault.Usage, "--to block: needs --kbpk, the key that protects the block")
		}
		if err := source.CheckNew(dest.Arg); err != nil {
			return err
		}
	}
	if o.reveal {
		return a.confirmReveal(ctx, o.yes)
	}
	return nil
}

func (a *App) confirmReveal(ctx context.Context, yes bool) error {
	return a.confirm(ctx, yes, text.New("The clear key will be shown or written. Whoever sees it knows it."), "reveal")
}

// delivered is what became of the key.
type delivered struct {
	block string // the key block written
	value string // the clear key, only with --reveal
}

// deliver sends the key where --to says, and gives the clear value when --reveal asks for it without a file.
func (o *outputOpts) deliver(ctx context.Context, a *App, in *intake, k hsm.Key) (delivered, error) {
	var d delivered
	if o.to == "" {
		if !o.reveal {
			return d, nil
		}
		value, err := a.revealed(ctx, k)
		return delivered{value: value}, err
	}
	dest, err := source.ParseDEST(o.to)
	if err != nil {
		return d, err
	}
	if dest.Kind == source.Block {
		d.block, err = a.blockFor(ctx, in, k, o)
		if err == nil {
			err = source.WriteNew(dest.Arg, []byte(d.block+"\n"))
		}
		return d, err
	}
	return d, a.writeClear(ctx, dest.Arg, k)
}

// blockFor wraps a key and says what is doubtful about the block.
func (a *App) blockFor(ctx context.Context, in *intake, k hsm.Key, o *outputOpts) (string, error) {
	w, err := a.wrapFor(ctx, in, k, o)
	if err != nil {
		return "", err
	}
	for _, warning := range w.Warnings {
		a.render.Warn(warning.Text)
	}
	return w.Block, nil
}

// wrapFor wraps a key as its attributes say, with its check value in KC.
func (a *App) wrapFor(ctx context.Context, in *intake, k hsm.Key, o *outputOpts) (hsm.Wrapped, error) {
	b, err := a.hsm()
	if err != nil {
		return hsm.Wrapped{}, err
	}
	version, err := oneChar("block-version", o.version)
	if err != nil {
		return hsm.Wrapped{}, err
	}
	kbpk, err := in.protector(ctx, kbpkWish{src: o.kbpk, version: version, what: text.New("the KBPK"), protects: true, allowWeak: o.allowWeak})
	if err != nil {
		return hsm.Wrapped{}, err
	}
	h := headerFor(k, version)
	if data, err := b.CheckData(ctx, k); err == nil && k.Algorithm.IsBlockCipher() {
		h.SetOpt("KC", data)
	}
	for _, opt := range o.optional {
		h.SetOpt(opt.ID, opt.Data)
	}
	w, err := b.Wrap(ctx, k, kbpk, h, keyblock.WrapOptions{PadTo: keyblock.ObfuscatedLen(k.Algorithm), AllowWeak: true})
	if o.working {
		w.Warnings = slices.DeleteFunc(w.Warnings, func(w keyblock.Warning) bool { return w.ID == "key_parity" })
	}
	return w, err
}

// headerFor makes the header that goes with a key's attributes.
func headerFor(k hsm.Key, version byte) keyblock.Header {
	attrs := k.Attributes.Defaults()
	h := keyblock.Header{Version: version, Usage: attrs.Usage, Algorithm: keyblock.AlgorithmChar(k.Algorithm), Mode: attrs.Mode,
		KeyVersion: "00", Exportability: attrs.Exportability, Context: '0', Reserved: '0'}
	if hm := keyblock.HMFor(k.Algorithm); hm != "" {
		h.SetOpt("HM", hm)
	}
	return h
}

// revealed gives the clear key as text. A string cannot be wiped; that is what --reveal accepts.
func (a *App) revealed(ctx context.Context, k hsm.Key) (string, error) {
	b, err := a.hsm()
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
	b, err := a.hsm()
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
	w := &into{line.Expose()}
	if err := keys.WriteHex(w, clear); err != nil {
		return err
	}
	line.Expose()[2*clear.Len()] = '\n'
	return source.WriteNew(path, line.Expose())
}

// into writes into bytes that are there already, so that a secret does not pass through a growing buffer.
type into struct{ rest []byte }

func (w *into) Write(p []byte) (int, error) {
	n := copy(w.rest, p)
	w.rest = w.rest[n:]
	return n, nil
}
