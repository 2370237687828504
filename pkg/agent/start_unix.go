//go:build linux || darwin

package agent

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"poskey/internal/fault"
)

// The descriptors of an agent after stdin, stdout and stderr, which lead nowhere.
const (
	fdConfig = 3 + iota
	fdReport
	fdFirst // the terminal if there is one, then the passphrases
)

// lastWords is how long an agent that was told to end may take for it.
const lastWords = 5 * time.Second

// Start starts an agent as a process of its own session and waits until it is ready, or over in the modes that end.
// What it reports meanwhile goes to report, which may be nil. When ctx ends before, the agent is told to end and waited for.
// Errors are those that the agent reports, with their kinds.
func Start(ctx context.Context, spec StartSpec, report func(Event)) (Started, error) {
	configR, configW, err := os.Pipe()
	if err != nil {
		return Started{}, fault.WrapAs(fault.Failure, err, "start the agent")
	}
	defer func() { _ = configR.Close() }()
	defer func() { _ = configW.Close() }() // from here on the agent does not care whether this process lives
	reportR, reportW, err := os.Pipe()
	if err != nil {
		return Started{}, fault.WrapAs(fault.Failure, err, "start the agent")
	}
	defer func() { _ = reportR.Close() }()
	c := spec.command(configR, reportW)
	err = c.Start()
	_ = reportW.Close() // the child has its own
	if err != nil {
		return Started{}, fault.WrapAs(fault.Failure, err, "start the agent")
	}
	ended, gone := make(chan error, 1), make(chan struct{})
	go func() {
		ended <- c.Wait()
		close(gone)
	}()
	forget := context.AfterFunc(ctx, func() { tellToEnd(c.Process, gone) })
	go func() { // a configuration may be longer than a pipe holds; an agent that died says so by its report
		_ = writeConfig(configW, handedOver{spec.Config, spec.Terminal != nil, len(spec.Passphrases)})
	}()
	started, err := follow(reportR, report)
	told := !forget() // a ready agent lives on, whatever becomes of this context
	if err == nil && spec.Config.Mode == Unseal && !told {
		return started, nil
	}
	waited := <-ended // it ends by itself: it has failed, or its mode is over
	switch {
	case err == nil && spec.Config.Mode != Unseal:
		return started, nil
	case told:
		return Started{}, fault.WrapAs(fault.Interrupted, context.Cause(ctx), "the agent was told to end")
	case fault.Is(err, fault.Failure) && waited != nil:
		return Started{}, fault.Wrap(err, "%s", waited.Error())
	}
	return Started{}, err
}

func (spec *StartSpec) command(config, report *os.File) *exec.Cmd {
	c := exec.Command(spec.Exe, spec.Args...) //nolint:gosec // G204: the caller names its own program
	c.Env = append([]string{}, spec.Env...)   // nil would be this process's own
	c.Dir = "/"
	c.ExtraFiles = []*os.File{config, report}
	if spec.Terminal != nil {
		c.ExtraFiles = append(c.ExtraFiles, spec.Terminal)
	}
	c.ExtraFiles = append(c.ExtraFiles, spec.Passphrases...)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return c
}

// tellToEnd gives an agent the time to put its terminal in order and to record its end.
func tellToEnd(p *os.Process, gone <-chan struct{}) {
	_ = p.Signal(syscall.SIGTERM) // it may have ended
	late, stop := context.WithTimeout(context.Background(), lastWords)
	defer stop()
	select {
	case <-gone:
	case <-late.Done():
		_ = p.Kill()
	}
}

// follow reads what the agent reports until it is ready or has failed.
func follow(from io.Reader, report func(Event)) (Started, error) {
	var s Started
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		e, err := readEvent(lines.Bytes())
		if err != nil {
			return Started{}, fault.Wrap(err, "report of the agent")
		}
		if report != nil {
			report(e)
		}
		switch e.Kind {
		case Signed:
			s.Checkpoint = e.Document
		case Made:
			s.Document, s.Check, s.Generation = e.Document, e.Check, e.Generation
		case Over:
			return Started{}, e.Err
		case Ready:
			s.PID, s.Until, s.Activities, s.Officers = e.PID, e.Until, e.Activities, e.Officers
			return s, nil
		}
	}
	return Started{}, fault.New(fault.Failure, "the agent ended without a word")
}

// Adopt takes what [Start] handed to this process: the configuration, and the ports Report, Terminal, Passphrases and
// Orphaned; the others are the caller's to add. Error: usage in a process that was not started so.
func Adopt() (Config, Ports, error) {
	config := os.NewFile(fdConfig, "configuration")
	h, err := readConfig(config)
	if err != nil {
		return Config{}, Ports{}, err
	}
	if n := h.Passphrases; n < 0 || n > maxFiles {
		return Config{}, Ports{}, fault.New(fault.Usage, "%d passphrases were handed over", n)
	}
	for fd := fdConfig; fd < fdFirst+h.Passphrases+1; fd++ {
		syscall.CloseOnExec(fd)
	}
	orphaned := make(chan struct{})
	go func() {
		defer close(orphaned)
		_, _ = config.Read(make([]byte, 1)) // nothing more comes; its end is that of the other process, or of its waiting
	}()
	p := Ports{Orphaned: orphaned}
	next := fdFirst
	if h.Terminal {
		p.Terminal = os.NewFile(uintptr(next), "terminal")
		next++
	}
	for range h.Passphrases {
		p.Passphrases = append(p.Passphrases, os.NewFile(uintptr(next), "passphrase"))
		next++
	}
	p.Report = reporter(os.NewFile(fdReport, "report"))
	return h.Config, p, nil
}

// reporter writes events until the last one, after which nobody reads.
func reporter(to *os.File) func(Event) error {
	var mu sync.Mutex
	return func(e Event) error {
		mu.Lock()
		defer mu.Unlock()
		err := writeEvent(to, e)
		if e.Kind == Ready || e.Kind == Over {
			_ = to.Close() // what was written is in the pipe
		}
		return err
	}
}
