package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/device/emulator"
	"poskey/pkg/device/visa/table"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

type emulateOpts struct {
	listen, klk, dialect string
	pty, noInject        bool
	faults               []string
	maxLoads             int
}

func newDeviceEmulateCmd(a *App) *cobra.Command {
	o := emulateOpts{}
	var names []string
	for _, f := range emulator.Faults() {
		names = append(names, string(f.Name))
	}
	cmd := a.command(cmdSpec{
		use:   "emulate --listen ADDR | --pty",
		short: text.New("be a POS terminal with key slots, for trying and testing"),
		long: text.New("The terminal speaks the visa dialect's packets 02 and 04 on a TCP port of this machine or on a pseudo-terminal. The first line on\n" +
			"stdout says how to reach it; what happens to it goes to stderr. It ends with an interrupt (exit code 130 or 143). Keys live in memory only.\n" +
			"Load the KLK first: slot F in clear (inject --slot F --clear), or --klk as the factory would."),
		example: "  poskey device emulate --listen 127.0.0.1:0\n" +
			"  poskey device emulate --pty --klk file:klk.txt --fault wrong-echo",
		exits: []int{3, 4, 6, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "", a.Say.T("loopback address and port; port 0 takes a free one"))
	f.BoolVar(&o.pty, "pty", false, a.Say.T("a pseudo-terminal in place of TCP"))
	f.StringVar(&o.dialect, "dialect", table.Dialect, a.Say.T("dialect: visa"))
	f.StringVar(&o.klk, "klk", "", a.Say.T("key loading key in slot F (SRC)"))
	f.BoolVar(&o.noInject, "no-inject-mode", false, a.Say.T("refuse clear keys, as a terminal outside its key inject mode"))
	f.IntVar(&o.maxLoads, "max-loads", 0, a.Say.T("key loads after which the terminal refuses more; 0 for no end"))
	f.StringArrayVar(&o.faults, "fault", nil, a.Say.T("misbehave: %s", strings.Join(names, " ")))
	cmd.MarkFlagsMutuallyExclusive("listen", "pty")
	cmd.MarkFlagsOneRequired("listen", "pty")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDeviceEmulate(cmd.Context(), a, o) }
	return cmd
}

type emulateDoc struct {
	URI     string `json:"uri"`
	Dialect string `json:"dialect"`
}

func runDeviceEmulate(ctx context.Context, a *App, o emulateOpts) error {
	if o.dialect != table.Dialect {
		return fault.New(fault.Usage, "dialect %q is not in this version; it has %s", text.Redact(o.dialect), table.Dialect)
	}
	faults, err := emulator.ParseFaults(o.faults)
	if err != nil {
		return err
	}
	terminal := emulator.New(emulator.Config{Env: a.Env, Faults: faults, InjectModeOff: o.noInject, MaxLoads: o.maxLoads, OnEvent: a.eventPrinter()})
	defer terminal.Wipe()
	if o.klk != "" {
		if err := a.loadKLK(ctx, terminal, o.klk); err != nil {
			return err
		}
	}
	uri, done, err := listenOn(ctx, terminal, o)
	if err != nil {
		return err
	}
	defer done()
	doc := emulateDoc{uri, o.dialect}
	if err := a.render.Answer("device.emulate", doc, func(p *render.Page) { p.Raw(uri) }); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func listenOn(ctx context.Context, t *emulator.Terminal, o emulateOpts) (uri string, done func(), err error) {
	if o.pty {
		p, err := t.ListenPTY(ctx)
		if err != nil {
			return "", nil, err
		}
		return p.URI(), func() { _ = p.Close() }, nil
	}
	l, err := t.Listen(ctx, o.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return "", nil, fault.New(fault.Busy, "%s is taken by another program", o.listen)
	}
	if err != nil {
		return "", nil, err
	}
	return l.URI(), func() { _ = l.Close() }, nil
}

// loadKLK puts the KLK into slot F as the factory does.
func (a *App) loadKLK(ctx context.Context, t *emulator.Terminal, src string) error {
	k, err := a.klk(ctx, src, true)
	if err != nil {
		return err
	}
	return a.factoryKey(ctx, t, k)
}

// klk takes in a KLK: a TDES key of 16 or 24 bytes.
func (a *App) klk(ctx context.Context, src string, allowWeak bool) (hsm.Key, error) {
	return a.intake().protector(ctx, kbpkWish{src: src, version: 'A', what: text.New("the KLK"), protects: true, allowWeak: allowWeak})
}

func (a *App) factoryKey(ctx context.Context, t *emulator.Terminal, k hsm.Key) error {
	b, err := a.hsm()
	if err != nil {
		return err
	}
	clear, err := b.Reveal(ctx, k)
	if err != nil {
		return err
	}
	key, err := keys.New(k.Algorithm, clear)
	if err != nil {
		return err
	}
	defer key.Wipe()
	return t.LoadDirect(table.KLK, key, keys.UsageKEK, 'D')
}

// eventPrinter writes what happens at the terminal to stderr: sentences, or JSON Lines under -o json.
func (a *App) eventPrinter() func(emulator.Event) {
	var mu sync.Mutex
	return func(e emulator.Event) {
		mu.Lock()
		defer mu.Unlock()
		if a.render.Format == render.JSON {
			line, err := json.Marshal(newEventDoc(e))
			if err == nil {
				_, _ = fmt.Fprintf(a.Err, "%s\n", line)
			}
			return
		}
		if !a.render.Quiet {
			_, _ = fmt.Fprintf(a.Err, "%s  %s\n", e.At.Format("15:04:05"), a.Say.Text(eventText(e)))
		}
	}
}

type eventDoc struct {
	Schema string      `json:"schema"`
	Time   string      `json:"time"`
	Event  string      `json:"event"`
	Slot   device.Slot `json:"slot,omitempty"`
	Code   string      `json:"code,omitempty"`
	Usage  keys.Usage  `json:"usage,omitempty"`
	Mode   string      `json:"mode,omitempty"`
	Length int         `json:"length,omitempty"`
	Clear  bool        `json:"clear,omitempty"`
	KCV    string      `json:"kcv,omitempty"`
	Method string      `json:"method,omitempty"`
	Fault  string      `json:"fault,omitempty"`
}

func newEventDoc(e emulator.Event) eventDoc {
	doc := eventDoc{Schema: "poskey.device.event/v1", Time: e.At.UTC().Format("2006-01-02T15:04:05.000Z"), Event: string(e.Kind), Slot: e.Slot,
		Code: e.Code, Usage: e.Usage, Length: e.Length, Clear: e.Clear, KCV: e.Check.Digits, Method: string(e.Check.Method), Fault: string(e.Fault)}
	if e.Mode != 0 {
		doc.Mode = string(rune(e.Mode))
	}
	return doc
}

func eventText(e emulator.Event) text.Text {
	slot := string(e.Slot)
	switch e.Kind {
	case emulator.Connected:
		return text.New("a loader has connected")
	case emulator.Disconnected:
		return text.New("the loader has gone")
	case emulator.Asked:
		return text.New("asked about slot %s", slot)
	case emulator.Staged:
		return text.New("slot %s: a key of %d bytes has come (usage %s), waiting for the commit", slot, e.Length, e.Usage)
	case emulator.Stored:
		return text.New("slot %s: key stored, usage %s, check value %s (computed in the terminal)", slot, e.Usage, e.Check)
	case emulator.Refused:
		return text.New("slot %s: refused with %s", slot, e.Code)
	case emulator.Cancelled:
		return text.New("the loader has cancelled; nothing was stored")
	case emulator.Unanswered:
		return text.New("the loader does not answer")
	case emulator.Damaged:
		return text.New("a damaged frame has come")
	case emulator.Ignored:
		return text.New("an unknown packet was ignored")
	case emulator.Misbehaved:
		return text.New("misbehaved as ordered: %s", string(e.Fault))
	}
	return text.Raw(string(e.Kind))
}
