package cli

// What happens at an emulated terminal, as it is told on stderr.

import (
	"encoding/json"
	"fmt"
	"sync"

	"poskey/internal/render"
	"poskey/internal/text"
	"poskey/pkg/device"
	"poskey/pkg/device/emulator"
	"poskey/pkg/keys"
)

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
	case emulator.Undestroyed:
		return text.New("tamper (%s): the keys in memory are erased, THOSE ON THE DISK ARE NOT: delete the folder", e.Detail)
	case emulator.Unwritten:
		return text.New("the terminal's state cannot be written: %s", e.Detail)
	case emulator.Restarted:
		return text.New("restarted")
	case emulator.ResetDone:
		return text.New("set back to its factory state")
	case emulator.Updated:
		return text.New("updated to %s", e.Detail)
	}
	return text.Raw(string(e.Kind))
}
