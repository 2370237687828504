package cli

// Hands at an emulated terminal: what the keyboard, the screwdriver and the power plug do.

import (
	"bufio"
	"context"
	"strconv"
	"strings"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/device/emulator"
)

// control takes orders from stdin, as hands at the terminal would give them. It ends with stdin only for hands that are
// gone: the terminal stays.
func (a *App) control(ctx context.Context, t *emulator.Terminal) error {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(a.In); in.Scan(); {
			select {
			case lines <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case line, ok := <-lines:
			if !ok {
				lines = nil
				continue
			}
			if err := hand(t, strings.Fields(line)); err != nil {
				a.render.Warn(text.New("%s", err))
			}
		}
	}
}

// hand does one thing to a terminal.
func hand(t *emulator.Terminal, words []string) error {
	if len(words) == 0 {
		return nil
	}
	switch order, rest := words[0], words[1:]; {
	case order == "tamper" && len(rest) == 1:
		t.Tamper(rest[0])
	case order == "battery" && len(rest) == 1:
		mv, err := strconv.Atoi(rest[0])
		if err != nil || mv < 0 || mv > 5000 {
			return fault.New(fault.Usage, "battery %q is not a number of millivolts", text.Redact(rest[0]))
		}
		t.SetBattery(mv)
	case order == "lock" && len(rest) == 1:
		kind, err := device.ParseLock(rest[0])
		if err != nil {
			return err
		}
		t.SetLock(kind, "")
	case order == "settle" && len(rest) == 0:
		t.SettleBatch()
	case order == "restart" && len(rest) == 0:
		t.Restart()
	case order == "inject-mode" && len(rest) == 2:
		first, second := secret.Copy([]byte(rest[0])), secret.Copy([]byte(rest[1]))
		defer first.Wipe()
		defer second.Wipe()
		return t.EnterInjectMode(first, second)
	case order == "cancel" && len(rest) == 0:
		t.LeaveInjectMode()
	default:
		return fault.New(fault.Usage, "unknown order %q; known: tamper SENSOR, battery MILLIVOLTS, lock KIND, settle, restart, inject-mode A B, cancel", text.Redact(order))
	}
	return nil
}
