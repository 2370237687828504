package cli

// A device that takes orders about itself: connecting, and logging in.

import (
	"context"
	"time"

	"github.com/spf13/pflag"

	"poskey/internal/fault"
	"poskey/internal/source"
	"poskey/internal/text"
	"poskey/pkg/device"
)

// managedOpts says which device, and who logs in there.
type managedOpts struct {
	device, login, password, code string
	timeout                       time.Duration
}

func (a *App) managedFlags(f *pflag.FlagSet, o *managedOpts) {
	f.StringVar(&o.device, "device", "", a.Say.T("device: agent+https://HOST:PORT?ca=FILE&cert=FILE&key=FILE"))
	a.timeoutFlag(f, &o.timeout)
}

func (a *App) loginFlags(f *pflag.FlagSet, o *managedOpts) {
	f.StringVar(&o.login, "login", "", a.Say.T("account of the device to log in with (99 administrator, 00 supervisor, 01… operators)"))
	f.StringVar(&o.password, "password", "prompt", a.Say.T("its password (SRC): prompt, file:PATH or fd:N"))
	f.StringVar(&o.code, "code", "prompt", a.Say.T("its one-time code (SRC): prompt, file:PATH or fd:N; an empty line where the account has none"))
}

// managed is a device on the line.
type managed struct {
	device.Manager
	close func()
}

// manage connects to a device that takes orders.
func (a *App) manage(ctx context.Context, o managedOpts) (*managed, error) {
	if _, err := dialectOf(o.device); err != nil {
		return nil, err
	}
	if o.timeout != 0 {
		if err := device.CheckTimeout(o.timeout); err != nil {
			return nil, err
		}
	}
	d, err := openDevice(ctx, o.device, device.Options{Timeout: o.timeout, Trace: a.trace()})
	if err != nil {
		return nil, err
	}
	m, ok := d.(device.Manager)
	if !ok {
		_ = d.Close()
		return nil, fault.New(fault.Usage, "the %s dialect loads keys and knows no orders; the agent dialect does (agent+https://…)", d.Dialect())
	}
	return &managed{m, func() { _ = d.Close() }}, nil
}

// logIn proves who is at the device. Whether an account has one-time codes is asked of who logs in: a device that told it
// would tell it to strangers.
func (a *App) logIn(ctx context.Context, m *managed, o managedOpts) error {
	if o.login == "" {
		return fault.New(fault.Usage, "say which account of the device with --login")
	}
	password, err := a.sources().ReadPassphrase(ctx, o.password, text.New("password of account %s", o.login))
	if err != nil {
		return err
	}
	defer password.Wipe()
	what := text.New("one-time code of account %s", o.login)
	if o.code == string(source.Prompt) {
		what = text.New("one-time code of account %s, or Enter alone where it has none", o.login)
	}
	code, err := a.sources().ReadPassphrase(ctx, o.code, what)
	if err != nil {
		return err
	}
	defer code.Wipe()
	return m.Login(ctx, device.Login{Account: o.login, Password: password, Code: string(code.Expose())})
}
