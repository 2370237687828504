package futurex

import (
	"fmt"
	"strings"

	"poskey/pkg/device/futurex/table"
)

// describe renders a frame of the host for a trace. Whatever may be a digit of a key is a star, and so is the LRC that
// is computed over it.
func (l Layout) describe(f Frame) string {
	payload := f.payload.Expose()
	switch f.Command() {
	case table.ReadSerial, table.WriteSerial, table.DeleteAll, table.DeleteKey:
		return shown(f, len(payload))
	case table.Inject:
		return shown(f, len(table.Inject)+l.headLen())
	}
	if IsPoll(f) {
		return shown(f, len(payload))
	}
	return shown(f, len(table.LegacyKey)) // slot and KSN of the legacy commands are not worth a slip
}

// describeAnswer renders what was received while the answer to a command was awaited. Only an answer in its right form
// is shown; of a long one to an inject command only the code: what follows may be anything, a repeated key too.
func describeAnswer(ev Event, command string) string {
	if ev.Kind != GotFrame {
		return "<damaged frame>"
	}
	r, err := ParseReply(ev.Frame, command)
	switch {
	case IsPoll(ev.Frame), err == nil && (command != table.Inject || r.Serial == "" && r.Model == ""):
		return shown(ev.Frame, ev.Frame.payload.Len())
	case err == nil:
		return shown(ev.Frame, len(r.Command)+len(r.Code))
	}
	return shown(ev.Frame, 0)
}

// shown renders the first n characters and blots the rest out.
func shown(f Frame, n int) string {
	payload := f.payload.Expose()
	n = min(n, len(payload))
	lrc := "**"
	if n == len(payload) {
		lrc = fmt.Sprintf("%02X", f.lrc())
	}
	return "<STX>" + string(payload[:n]) + strings.Repeat("*", len(payload)-n) + "<ETX>" + lrc
}
