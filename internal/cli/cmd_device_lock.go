package cli

import (
	"context"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/device"
)

func newDeviceLockCmd(a *App) *cobra.Command {
	o, lock := orderOpts{}, ""
	cmd := a.command(cmdSpec{
		use:   "lock",
		short: text.New("lock a terminal"),
		long: text.New("Locks that can be set: operator (anybody of the house lifts it), remote (two officers lift it), location (one officer lifts it).\n" +
			"All of them keep the keys. Tamper is not an order: it is what the terminal does when it is opened."),
		example: "  poskey device lock --device 'agent+https://127.0.0.1:9443?ca=ca.pem&cert=host.pem&key=host.key' --login 99 --lock remote --reason acquirer-request",
		exits:   []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	a.orderFlags(cmd, &o)
	f := cmd.Flags()
	f.StringVar(&lock, "lock", string(device.LockRemote), a.Say.T("which lock: operator, remote or location"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDeviceLock(cmd.Context(), a, o, lock) }
	return cmd
}

func runDeviceLock(ctx context.Context, a *App, o orderOpts, lock string) error {
	kind, err := device.ParseLock(lock)
	if err != nil {
		return err
	}
	if row, _ := device.LockOf(kind); !row.Settable {
		return fault.New(fault.Usage, "a %s lock is set by the device and not by an order", string(kind))
	}
	d, err := a.beginOrder(ctx, o, device.Order{Verb: device.Lock, Lock: kind})
	if err != nil {
		return err
	}
	defer d.close()
	after, err := d.carry(ctx)
	if err != nil {
		return err
	}
	if !isLocked(after, kind) {
		return fault.New(fault.DeviceFailed, "the device took the order and says that it is not locked (%s)", string(kind))
	}
	return d.answer(&after, func(p *render.Page, doc *orderDoc) {
		p.Good(text.New("Device %s is locked (%s), and says so itself.", doc.Serial, lockText(kind)))
	})
}
