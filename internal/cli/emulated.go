package cli

// An emulated terminal while it runs: many of them, hands at it, and what it says.

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"poskey/internal/fault"
	"poskey/internal/render"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/device/emulator"
	"poskey/pkg/keys"
)

type farmDoc struct {
	Terminals []emulateDoc `json:"terminals"`
}

// runFarm serves many terminals. Their events would be nobody's reading, so they are told under -v only.
func (a *App) runFarm(ctx context.Context, o emulateOpts, cfg emulator.Config) error {
	fc := emulator.FarmConfig{Config: cfg, Count: o.farm, Prefix: o.prefix, First: 1, Dir: o.state, Address: o.listen}
	fc.Config.Dir, fc.Config.OnEvent = "", nil
	if a.flags.verbose {
		tell := a.eventPrinter()
		fc.Told = func(_ string, e emulator.Event) { tell(e) }
	}
	if o.klk != "" {
		k, err := a.klk(ctx, o.klk, true)
		if err != nil {
			return err
		}
		fc.Each = func(t *emulator.Terminal) error { return a.factoryKey(ctx, t, klkSlot(o), k) }
	}
	farm, err := emulator.NewFarm(ctx, fc)
	if err != nil {
		return portTaken(err, o.listen)
	}
	defer func() { _ = farm.Close() }()
	doc := farmDoc{}
	for _, m := range farm.Members() {
		doc.Terminals = append(doc.Terminals, emulateDoc{URI: m.URI(), Dialect: o.dialect, Serial: m.Serial})
	}
	err = a.render.Answer("device.emulate.farm", doc, func(p *render.Page) {
		for _, t := range doc.Terminals {
			p.Raw(t.Serial + "," + t.URI)
		}
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

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
	default:
		return fault.New(fault.Usage, "unknown order %q; known: tamper SENSOR, battery MILLIVOLTS, lock KIND, settle, restart, inject-mode A B", text.Redact(order))
	}
	return nil
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

	Reason  emulator.Refusal `json:"reason,omitempty"`
	KSN     string           `json:"ksn,omitempty"`
	Account string           `json:"account,omitempty"`
	Lock    device.LockKind  `json:"lock,omitempty"`
	Detail  string           `json:"detail,omitempty"`
}

func newEventDoc(e emulator.Event) eventDoc {
	doc := eventDoc{Schema: "poskey.device.event/v1", Time: e.At.UTC().Format("2006-01-02T15:04:05.000Z"), Event: string(e.Kind), Slot: e.Slot,
		Code: e.Code, Usage: e.Usage, Length: e.Length, Clear: e.Clear, KCV: e.Check.Digits, Method: string(e.Check.Method), Fault: string(e.Fault),
		Reason: e.Reason, KSN: e.KSN, Account: e.Account, Lock: e.Lock, Detail: e.Detail}
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
	case emulator.Erased:
		if slot == "" {
			return text.New("every key was erased")
		}
		return text.New("slot %s: erased", slot)
	case emulator.Renamed:
		return text.New("the serial number is %s now", e.Detail)
	case emulator.Used:
		return text.New("slot %s: the key was used", slot)
	case emulator.Selected:
		return text.New("slot %s: selected", slot)
	case emulator.Corrupted:
		return text.New("slot %s: its memory was damaged", slot)
	case emulator.InjectEntered:
		return text.New("key inject mode begins")
	case emulator.InjectLeft:
		return text.New("key inject mode ends: %s", e.Detail)
	case emulator.LoggedIn:
		return text.New("account %s has logged in", e.Account)
	case emulator.Denied:
		return text.New("account %s was denied: %s", e.Account, e.Detail)
	case emulator.Approved:
		return text.New("approvals were spent: %s", e.Detail)
	case emulator.Locked:
		return text.New("locked: %s", lockText(e.Lock))
	case emulator.Unlocked:
		return text.New("unlocked: %s", lockText(e.Lock))
	case emulator.Tampered:
		return text.New("tamper (%s): every key is erased", e.Detail)
	case emulator.Restarted:
		return text.New("restarted")
	case emulator.ResetDone:
		return text.New("set back to its factory state")
	case emulator.Updated:
		return text.New("updated to %s", e.Detail)
	}
	return text.Raw(string(e.Kind))
}
