package cli

// Who is at the command, and the officers who approve what it does.

import (
	"context"
	"os"
	"os/user"
	"strconv"

	"poskey/internal/source"
	"poskey/pkg/agent"
	"poskey/pkg/audit"
)

// approverFlags say who approves, where an operation takes approvals each time.
type approverFlags struct {
	approvers []string
	requester string
	fds       []int
}

// whoAmI is the person at the command, as the system knows them: it knows no role of an officer.
func whoAmI() audit.Actor {
	who := audit.Actor{ID: "uid-" + strconv.Itoa(os.Getuid()), Role: "user"}
	if u, err := user.Current(); err == nil && u.Username != "" {
		who.ID = audit.Clean(u.Username)
	}
	if host, err := os.Hostname(); err == nil {
		who.Station = audit.Clean(host)
	}
	return who
}

// approvers are those of --approver.
func (a *App) approvers(ctx context.Context) (agent.Approvers, func(), error) {
	return a.approversFrom(ctx, a.flags.approval.approvers)
}

// approversFrom reads identity files. Who approves is asked by the agent, at this terminal or through the descriptors; this
// process never sees a passphrase.
func (a *App) approversFrom(ctx context.Context, files []string) (agent.Approvers, func(), error) {
	none := func() {}
	if len(files) == 0 {
		return agent.Approvers{}, none, nil
	}
	out := agent.Approvers{Language: string(a.Say.Lang())}
	if path := a.flags.approval.requester; path != "" {
		f, err := readIdentityFile(ctx, path)
		if err != nil {
			return agent.Approvers{}, none, err
		}
		out.Requester = f.raw
	}
	for _, path := range files {
		f, err := readIdentityFile(ctx, path)
		if err != nil {
			return agent.Approvers{}, none, err
		}
		out.Identities = append(out.Identities, f.raw)
	}
	tty, fds, done, err := a.passphrases(a.flags.approval.fds)
	out.Terminal, out.Passphrases = tty, fds
	return out, done, err
}

// passphrases are the descriptors that were named, or the terminal.
func (a *App) passphrases(numbers []int) (tty *os.File, fds []*os.File, done func(), err error) {
	if len(numbers) == 0 {
		tty, done, err = a.Console.Terminal()
		if err != nil {
			return nil, nil, func() {}, err
		}
		return tty, nil, done, nil
	}
	done = func() {
		for _, f := range fds {
			_ = f.Close()
		}
	}
	for _, n := range numbers {
		f, err := source.OpenFD(n)
		if err != nil {
			done()
			return nil, nil, func() {}, err
		}
		fds = append(fds, f)
	}
	return nil, fds, done, nil
}
