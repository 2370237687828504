package cli

// The process that holds a store's master key: started by `store init` and `store unseal`, never typed by people.

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"poskey/internal/console"
	"poskey/internal/i18n"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/agent"
	"poskey/pkg/hsm"
	"poskey/pkg/keys"
)

// agentWord is the whole command line of an agent. What it is to do comes through a descriptor.
const agentWord = "agent-process"

// runAgent is an agent from beginning to end. It gives the exit code; what went wrong it reports to who started it, and
// where nobody did, to who typed the word.
func runAgent(env keys.Env, complaints io.Writer) int {
	config, ports, err := agent.Adopt()
	if err != nil {
		_, _ = fmt.Fprintln(complaints, "poskey:", err)
		return 2 // as every command that is used wrongly
	}
	ports.Env = env
	if ports.Clock, err = agent.SystemClock(); err != nil {
		_ = ports.Report(agent.Event{Kind: agent.Over, Err: err})
		return 1
	}
	if err := hsm.PowerOn(); err != nil { // before it holds a master key
		_ = ports.Report(agent.Event{Kind: agent.Over, Err: err})
		return 5
	}
	ports.Screen = newScreen
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	ports.Ticks = tick.C
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	ports.Signals = signals
	if err := agent.Main(context.Background(), config, ports); err != nil {
		return 1
	}
	return 0
}

// screen is the terminal that an agent was handed.
type screen struct {
	console *console.Console
	say     *i18n.Printer
}

func newScreen(tty *os.File, language string) agent.Screen {
	lang, err := i18n.Parse(language)
	if err != nil {
		lang = i18n.English
	}
	return &screen{&console.Console{TTY: tty}, i18n.New(lang)}
}

func (s *screen) Show(_ context.Context, lines ...text.Text) error {
	var out strings.Builder
	for _, line := range lines {
		out.WriteString(s.say.Text(line) + "\n")
	}
	return s.console.Show(out.String())
}

func (s *screen) Ask(ctx context.Context, prompt text.Text) (*secret.Bytes, error) {
	return s.console.Secret(ctx, s.say.Text(prompt))
}

func (s *screen) Clear() error { return s.console.Clear() }
