package emulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"sync"

	"poskey/internal/fault"
)

// FarmConfig says how many terminals there are and what they are like.
type FarmConfig struct {
	Config        // of each; Serial and Dir are made below
	Count  int    // 1 to 100000
	Prefix string // serial numbers are Prefix and the number, with as many digits as the last one has
	First  int    // number of the first
	// Dir holds a directory for each, named by its serial number; "" keeps all in memory.
	Dir string
	// Address is where they listen, each on its own port: a loopback address with port 0, which takes free ones. ""
	// is 127.0.0.1:0. With another port they take that and those after it.
	Address string
	// Each prepares a terminal before it listens, as a factory does; may be nil.
	Each func(*Terminal) error
	// Told hears the events of all, each with the serial number of its terminal; may be nil.
	Told func(serial string, e Event)
}

// Farm is many terminals in one process, each on a port of its own.
type Farm struct {
	all []Member
}

// Member is a terminal of a farm.
type Member struct {
	Serial   string
	Terminal *Terminal
	Listener *Listener
}

// NewFarm makes terminals and lets them listen until ctx ends or Close is called.
func NewFarm(ctx context.Context, cfg FarmConfig) (*Farm, error) {
	if cfg.Count < 1 || cfg.Count > 100_000 {
		return nil, fault.New(fault.Usage, "a farm has 1 to 100000 terminals, not %d", cfg.Count)
	}
	if cfg.Address == "" {
		cfg.Address = "127.0.0.1:0"
	}
	if cfg.Port == nil {
		cfg.Port = Visa("") // one for all: its table of slots is shared
	}
	if cfg.Slots == nil {
		cfg.Slots = cfg.Port.Layout().Rules
	}
	f := &Farm{all: make([]Member, 0, cfg.Count)}
	for i := range cfg.Count {
		m, err := cfg.member(ctx, i)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		f.all = append(f.all, m)
	}
	return f, nil
}

// serial is the number of the i-th terminal.
func (c *FarmConfig) serial(i int) string {
	width := len(strconv.Itoa(c.First + c.Count - 1))
	return fmt.Sprintf("%s%0*d", c.Prefix, width, c.First+i)
}

func (c *FarmConfig) member(ctx context.Context, i int) (Member, error) {
	cfg := c.Config
	cfg.Serial = c.serial(i)
	cfg.Seed += uint64(i)
	if c.Dir != "" {
		cfg.Dir = filepath.Join(c.Dir, cfg.Serial)
	}
	if c.Told != nil {
		cfg.OnEvent = func(e Event) { c.Told(cfg.Serial, e) }
	}
	t, err := Open(cfg)
	if err != nil {
		return Member{}, fault.Wrap(err, "terminal %s", cfg.Serial)
	}
	if c.Each != nil {
		if err := c.Each(t); err != nil {
			t.Wipe()
			return Member{}, fault.Wrap(err, "terminal %s", cfg.Serial)
		}
	}
	l, err := t.Listen(ctx, address(c.Address, i))
	if err != nil {
		t.Wipe()
		return Member{}, fault.Wrap(err, "terminal %s", cfg.Serial)
	}
	return Member{cfg.Serial, t, l}, nil
}

// address is where the i-th terminal listens.
func address(base string, i int) string {
	host, port, err := net.SplitHostPort(base)
	n, convErr := strconv.Atoi(port)
	if err != nil || convErr != nil || n == 0 {
		return base // Listen complains about what is wrong
	}
	return net.JoinHostPort(host, strconv.Itoa(n+i))
}

// Members lists the terminals.
func (f *Farm) Members() []Member { return f.all }

// URI names the terminal for a loader.
func (m Member) URI() string { return m.Listener.URI() }

// Close ends all of them and destroys the keys in memory. What is on disk stays.
func (f *Farm) Close() error {
	var done sync.WaitGroup
	for _, m := range f.all {
		done.Go(func() {
			_ = m.Listener.Close() // it never fails
			m.Terminal.Wipe()
		})
	}
	done.Wait()
	return nil
}
