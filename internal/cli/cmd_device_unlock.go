package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/device"
)

func newDeviceUnlockCmd(a *App) *cobra.Command {
	o, lock := orderOpts{}, ""
	cmd := a.command(cmdSpec{
		use:   "unlock",
		short: text.New("lift a terminal's lock: find out why, log in, have it approved, prove it, record it"),
		long: text.New("The terminal gives a challenge over its serial number, the lock, a nonce and an expiry; the officers that this lock takes sign it, and the\n" +
			"terminal takes each approval once. Remote and tamper locks take two officers. Then the terminal is asked again: the lock must be gone.\n" +
			"An unlock is never a key repair: after tamper the keys are gone, and the terminal must be injected anew.\n" +
			"No real terminal speaks the agent dialect yet; poskey device emulate --manage does."),
		example: "  poskey device unlock --device 'agent+https://127.0.0.1:9443?ca=ca.pem&cert=host.pem&key=host.key' --serial PK00000001 --login 99 \\\n" +
			"    --officer custodian.a.identity --officer custodian.b.identity --reason acquirer-released",
		exits: []int{3, 4, 5, 6, 7, 8, 9}, args: cobra.NoArgs,
	})
	a.orderFlags(cmd, &o)
	f := cmd.Flags()
	a.officerFlag(f, &o)
	f.StringVar(&lock, "lock", "", a.Say.T("which lock; the one that is on when left out"))
	a.discardFlag(f, &o)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runDeviceUnlock(cmd.Context(), a, o, lock) }
	return cmd
}

func runDeviceUnlock(ctx context.Context, a *App, o orderOpts, lock string) error {
	d, err := a.beginOrder(ctx, o, device.Order{Verb: device.Unlock})
	if err != nil {
		return err
	}
	defer d.close()
	if d.order.Lock, err = lockToLift(d.before, lock); err != nil {
		return err
	}
	a.render.Note(text.New("device %s: %s", d.before.Serial, lockText(d.order.Lock)))
	after, err := d.carry(ctx)
	if err != nil {
		return err
	}
	if err := lifted(d.order.Lock, &after); err != nil {
		return err
	}
	return d.answer(&after, func(p *render.Page, doc *orderDoc) {
		p.Good(text.New("Device %s: the lock is lifted (%s), and the device says so itself.", doc.Serial, lockText(doc.Lock)))
		switch {
		case doc.Lock == device.LockTamper:
			p.Bad(text.New("It holds no keys: they were erased when it was opened. It is of no use before a new injection."))
		case !doc.KeysKept:
			p.Bad(text.New("It holds other keys than before; look at the slots."))
		}
	})
}

// lifted holds what the device says afterwards against the lock that was lifted. What was opened is not opened any more
// then, and holds no keys: whatever it shows in their place was not injected since.
func lifted(lock device.LockKind, after *device.Status) error {
	opened := lock == device.LockTamper
	switch n := len(after.Slots) + len(after.Initial); {
	case isLocked(*after, lock), opened && after.Tamper.Tripped:
		return fault.New(fault.DeviceFailed, "the device took the order and says that it is locked still (%s)", string(lock))
	case opened && n > 0:
		return fault.New(fault.DeviceFailed, "the device took the order and holds %d keys still", n)
	}
	return nil
}

// lockToLift is the lock that is meant, held against those that are on.
func lockToLift(s device.Status, said string) (device.LockKind, error) {
	if len(s.Locks) == 0 {
		return "", fault.New(fault.NotFound, "device %s is not locked", s.Serial)
	}
	if said == "" {
		if len(s.Locks) > 1 {
			return "", fault.New(fault.Usage, "device %s has %d locks on; say which one with --lock", s.Serial, len(s.Locks))
		}
		return s.Locks[0].Kind, nil
	}
	kind, err := device.ParseLock(said)
	if err != nil {
		return "", err
	}
	if !isLocked(s, kind) {
		return "", fault.New(fault.NotFound, "device %s has no such lock on (%s); it has: %s", s.Serial, string(kind), lockNames(s.Locks))
	}
	return kind, nil
}

func lockNames(locks []device.LockState) string {
	var names []string
	for i := range locks {
		names = append(names, string(locks[i].Kind))
	}
	return strings.Join(names, " ")
}
