package cli

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/custody"
	"poskey/pkg/device"
	"poskey/pkg/device/emulator"
)

type emulateOpts struct {
	listen, manage, klk, klkSlot, dialect, slots, profile string
	state, vendor, serial, model, poi, firmware, prefix   string
	vendorKey                                             string
	environment, lock                                     string
	pty, noInject, control, settled                       bool
	faults, trust                                         []string
	maxLoads, openBatch, farm                             int
	seed                                                  uint64
}

func newDeviceEmulateCmd(a *App) *cobra.Command {
	o := emulateOpts{}
	cmd := a.command(cmdSpec{
		use:   "emulate --listen ADDR | --pty",
		short: text.New("be a POS terminal with key slots, for trying, teaching and testing"),
		long: text.New("The terminal speaks the visa or the futurex dialect on a TCP port of this machine or on a pseudo-terminal, and with --manage the agent dialect\n"+
			"beside it. The first line on stdout says how to reach it; what happens to it, and what its screen shows, goes to stderr. It ends with an\n"+
			"interrupt (exit code 130 or 143). With --state it keeps keys, counters, locks and log on disk through any crash; else in memory only.\n"+
			"Load the KLK first: slot F in clear (inject --slot F --clear), or --klk as the factory would. It is no security module: test keys only.\n"+
			"Faults to order: %s\nLines on stdin with --control: tamper SENSOR, battery MILLIVOLTS, lock KIND, settle, restart, inject-mode A B, cancel.", faultList()),
		example: "  poskey device emulate --listen 127.0.0.1:0\n" +
			"  poskey device emulate --pty --klk file:klk.txt --fault wrong-echo\n" +
			"  poskey device emulate --listen 127.0.0.1:9000 --manage 127.0.0.1:9443 --state terminal --serial PK00000001 --vendor pax --lang zh\n" +
			"  poskey device emulate --listen 127.0.0.1:0 --farm 200 --prefix PK --klk file:klk.txt --fault random=5% > terminals.csv",
		exits: []int{3, 4, 5, 6, 8, 9}, args: cobra.NoArgs,
	})
	f := cmd.Flags()
	o.lineFlags(a, f)
	o.identityFlags(a, f)
	o.beginningFlags(a, f)
	o.troubleFlags(a, f)
	o.farmFlags(a, f)
	cmd.MarkFlagsMutuallyExclusive("listen", "pty")
	for _, single := range []string{"pty", "manage", "serial", "control"} {
		cmd.MarkFlagsMutuallyExclusive("farm", single)
	}
	cmd.MarkFlagsOneRequired("listen", "pty")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o.settled = f.Changed("open-batch") && o.openBatch == 0
		return runDeviceEmulate(cmd.Context(), a, o)
	}
	return cmd
}

// lineFlags say how the terminal is reached, and in which dialect.
func (o *emulateOpts) lineFlags(a *App, f *pflag.FlagSet) {
	f.StringVar(&o.listen, "listen", "", a.Say.T("loopback address and port; port 0 takes a free one"))
	f.BoolVar(&o.pty, "pty", false, a.Say.T("a pseudo-terminal in place of TCP"))
	f.StringVar(&o.manage, "manage", "", a.Say.T("loopback address and port of the agent dialect (HTTPS); needs --state, where its certificates lie"))
	f.StringVar(&o.dialect, "dialect", device.Visa, a.Say.T("dialect: visa or futurex"))
	f.StringVar(&o.slots, "slots", "", a.Say.T("futurex: how slots are written, decimal or hex"))
	f.StringVar(&o.profile, "profile", "", a.Say.T("variant of the dialect, as in a device URI"))
	f.BoolVar(&o.control, "control", false, a.Say.T("take orders as lines on stdin, as hands at the terminal would give them"))
}

// identityFlags say who the terminal is, and whom it obeys.
func (o *emulateOpts) identityFlags(a *App, f *pflag.FlagSet) {
	f.StringVar(&o.state, "state", "", a.Say.T("folder that keeps the terminal; made when it is not there"))
	f.StringVar(&o.vendor, "vendor", string(emulator.Generic), a.Say.T("whose screen texts and codes: %s", vendorList()))
	f.StringVar(&o.serial, "serial", "", a.Say.T("serial number of the device"))
	f.StringVar(&o.model, "model", "", a.Say.T("model of the device"))
	f.StringVar(&o.poi, "poi-version", "", a.Say.T("PCI POI version of the device"))
	f.StringVar(&o.firmware, "firmware", "", a.Say.T("version of its software"))
	f.StringVar(&o.vendorKey, "vendor-key", "", a.Say.T("FILE with the public key (Ed25519; PEM or hex) whose software updates it takes"))
	environmentFlag(f, &o.environment, string(custody.Test), a.Say.T("of the officers whose approvals count: test or production"))
	f.StringArrayVar(&o.trust, "trust", nil, a.Say.T("card FILE of an officer whose approvals the terminal takes (again for each)"))
}

// beginningFlags say how the terminal stands when it begins.
func (o *emulateOpts) beginningFlags(a *App, f *pflag.FlagSet) {
	f.StringVar(&o.klk, "klk", "", a.Say.T("key loading key (SRC), as from the factory"))
	f.StringVar(&o.klkSlot, "klk-slot", "", a.Say.T("its slot; F with visa, 00 with futurex when left out"))
	f.BoolVar(&o.noInject, "no-inject-mode", false, a.Say.T("refuse clear keys until two people open the key inject mode (--control)"))
	f.IntVar(&o.openBatch, "open-batch", 0, a.Say.T("transactions that are not settled"))
	f.StringVar(&o.lock, "lock", "", a.Say.T("begin with this lock on"))
}

// troubleFlags order what goes wrong.
func (o *emulateOpts) troubleFlags(a *App, f *pflag.FlagSet) {
	f.StringArrayVar(&o.faults, "fault", nil, a.Say.T("misbehave: NAME or NAME=VALUE (again for each); see above"))
	f.Uint64Var(&o.seed, "seed", 1, a.Say.T("of the fault random: the same seed breaks at the same places"))
	f.IntVar(&o.maxLoads, "max-loads", 0, a.Say.T("key loads after which the terminal refuses more; 0 for no end"))
}

// farmFlags make many of it.
func (o *emulateOpts) farmFlags(a *App, f *pflag.FlagSet) {
	f.IntVar(&o.farm, "farm", 0, a.Say.T("so many terminals, each on a port of its own; stdout is a list as fleet plan takes it"))
	f.StringVar(&o.prefix, "prefix", "PK", a.Say.T("what the serial numbers of a farm begin with"))
}

// faultList has behind each fault the cause that a diagnosis names.
func faultList() string {
	var names []string
	for _, f := range emulator.Faults() {
		name := string(f.Name)
		if f.Value != "" {
			name += "=" + f.Value
		}
		if f.Cause != "" {
			name += " (" + f.Cause + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func vendorList() string {
	var names []string
	for _, v := range emulator.Vendors() {
		names = append(names, string(v.Vendor))
	}
	return strings.Join(names, " ")
}

type emulateDoc struct {
	URI     string `json:"uri"`
	Dialect string `json:"dialect"`
	Serial  string `json:"serial,omitempty"`
	Manage  string `json:"manage,omitempty"`
}

func runDeviceEmulate(ctx context.Context, a *App, o emulateOpts) error {
	cfg, err := a.emulated(ctx, o)
	if err != nil {
		return err
	}
	f, err := a.outfit(ctx, o)
	if err != nil {
		return err
	}
	if o.farm != 0 {
		return a.runFarm(ctx, o, cfg, f)
	}
	t, err := emulator.Open(cfg)
	if err != nil {
		return err
	}
	defer t.Wipe()
	if err := a.furnish(ctx, t, f); err != nil {
		return err
	}
	doc, done, err := a.serveTerminal(ctx, t, o)
	if err != nil {
		return err
	}
	defer done()
	if err := a.render.Answer("device.emulate", doc, func(p *render.Page) { emulatePage(p, doc) }); err != nil {
		return err
	}
	if o.control {
		return a.control(ctx, t)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// serveTerminal opens the terminal's line and its management.
func (a *App) serveTerminal(ctx context.Context, t *emulator.Terminal, o emulateOpts) (doc emulateDoc, done func(), err error) {
	uri, closeLine, err := listenOn(ctx, t, o)
	if err != nil {
		return emulateDoc{}, nil, err
	}
	doc = emulateDoc{URI: uri, Dialect: o.dialect, Serial: t.Serial()}
	if o.manage == "" {
		return doc, closeLine, nil
	}
	papers, err := emulator.MakePapers(a.Env, filepath.Join(o.state, "papers"))
	if err != nil {
		closeLine()
		return emulateDoc{}, nil, err
	}
	m, err := t.ListenManage(ctx, o.manage, papers)
	if err != nil {
		closeLine()
		return emulateDoc{}, nil, portTaken(err, o.manage)
	}
	doc.Manage = m.URI()
	return doc, func() { _ = m.Close(); closeLine() }, nil
}

func emulatePage(p *render.Page, doc emulateDoc) {
	p.Raw(doc.URI)
	if doc.Manage != "" {
		p.Raw(doc.Manage)
	}
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
	if err != nil {
		return "", nil, portTaken(err, o.listen)
	}
	return l.URI(), func() { _ = l.Close() }, nil
}

// portTaken names a port that somebody else has.
func portTaken(err error, addr string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fault.New(fault.Busy, "%s is taken by another program", addr)
	}
	return err
}
