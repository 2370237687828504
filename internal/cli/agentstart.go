package cli

// The start of the process that holds a store's master key, and what it reports to the command that started it.

import (
	"context"
	"os"

	"poskey/internal/fault"
	"poskey/internal/text"
	"poskey/pkg/agent"
)

// startAgent starts this program as an agent, and tells what it reports.
func (a *App) startAgent(tty *os.File, fds []*os.File) func(context.Context, agent.Config) (agent.Started, error) {
	return func(ctx context.Context, c agent.Config) (agent.Started, error) {
		exe, err := os.Executable()
		if err != nil {
			return agent.Started{}, fault.WrapAs(fault.Failure, err, "find the program itself")
		}
		spec := agent.StartSpec{Exe: exe, Args: []string{agentWord}, Env: a.agentEnv(), Config: c, Terminal: tty, Passphrases: fds}
		return agent.Start(ctx, spec, a.reportAgent)
	}
}

// agentEnv is all that an agent sees of the environment.
func (a *App) agentEnv() []string {
	var env []string
	for _, name := range []string{"TERM", "TZ", "GORACE", "GOCOVERDIR", "GOTRACEBACK"} {
		if v := a.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func (a *App) reportAgent(e agent.Event) {
	switch e.Kind {
	case agent.Warned, agent.Interrupted:
		a.render.Warn(e.Text)
	case agent.ShareTaken: // at a terminal the officers see that themselves
		if e.Left > 0 && len(a.flags.approval.fds) > 0 {
			a.render.Note(text.New("%s has given their share; officers still needed: %d", e.Officer, e.Left))
		}
	}
}
