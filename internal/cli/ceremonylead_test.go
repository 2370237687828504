package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"poskey/internal/fault"
	"poskey/internal/i18n"
	"poskey/internal/render"
)

// TestToolsThatDidNotCloseAreTold: also when the ceremony went wrong before, which is the error of the command.
func TestToolsThatDidNotCloseAreTold(t *testing.T) {
	led := fault.New(fault.Interrupted, "the ceremony was given up")
	closed := fault.New(fault.Failure, "the store did not close")
	for _, c := range []struct {
		led, closed, answered error
		want                  error
		told                  string
	}{
		{},
		{led: led, want: led},
		{closed: closed, want: closed},
		{led: led, closed: closed, want: led, told: "the store did not close"},
		{led: led, answered: errors.New("the pipe broke"), want: led, told: "the pipe broke"},
	} {
		var said bytes.Buffer
		a := &App{render: &render.Renderer{Err: &said, Say: i18n.New(i18n.English)}}
		err := a.ended(c.led, c.closed, c.answered)
		if c.want == nil != (err == nil) || c.want != nil && !errors.Is(err, c.want) ||
			c.told == "" != (said.Len() == 0) || !strings.Contains(said.String(), c.told) {
			t.Errorf("%+v: %v, told %q", c, err, said.String())
		}
	}
}
