package agent

// What an agent is told by the process that starts it, and what it tells back.

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Mode is what an agent is started for.
type Mode string

// The modes.
const (
	Unseal  Mode = "unseal"  // open the store and serve
	Init    Mode = "init"    // draw a new store's master key, seal it to officers, and end
	Reshare Mode = "reshare" // open the master key, seal it to other officers, and end
)

// Config is what an agent is told. It goes through an inherited descriptor and holds no secret: identity files and the
// master key are sealed.
type Config struct {
	Mode        Mode
	Store       string
	Environment custody.Environment
	Generation  uint64    // of the sealed master key that is in force; unseal and reshare
	Check       kcv.Value // of the master key; unseal and reshare
	Sealed      []byte    // the sealed master key with the roster under it, as documents; unseal and reshare
	Roster      [][]byte  // unseal and reshare: cards of all officers of today; the sealed roster must name exactly these
	Holders     [][]byte  // init and reshare: cards of those who get a share, in their order
	Others      [][]byte  // init and reshare: cards of all who are officers without a share from then on
	Leave       []string  // reshare: ids of those of today who are neither
	Threshold   int       // init and reshare: how many of them it takes
	Identities  [][]byte  // unseal and reshare: identity files, in the order of asking; to reshare, more than open it may come
	Log         string    // path of the audit log; init creates it
	Socket      string    // path; its folder is made when it is missing
	Duration    time.Duration
	Activities  []custody.Activity // allowed for the duration; none named: all that may be
	Language    string             // of what is written to the terminal: en, zh
	Who         audit.Actor        // who started it
}

// Screen is a terminal at which officers sit. What it does ends with its context, and it puts the terminal back in
// order on every way out: echo is on again.
type Screen interface {
	// Show writes lines.
	Show(ctx context.Context, lines ...text.Text) error
	// Ask writes the prompt and reads one line without echo. The caller wipes it.
	Ask(ctx context.Context, prompt text.Text) (*secret.Bytes, error)
	// Clear takes everything from the screen and, where the terminal can, from its memory: the next officer sees nothing
	// of the one before.
	Clear() error
}

// Ports are what an agent needs from the outside world.
type Ports struct {
	Env   keys.Env
	Clock custody.Clock // [SystemClock]
	// Ticks makes the agent look whether it has to end; once a second is right.
	Ticks <-chan time.Time
	// Signals end the agent: SIGTERM, SIGINT, SIGHUP.
	Signals <-chan os.Signal
	// Screen makes a screen of a terminal, in a language. The file is the agent's to close.
	Screen func(tty *os.File, language string) Screen
	// Report tells the process that started the agent.
	Report func(Event) error
	// Terminal and Passphrases were inherited: where officers are asked, or one descriptor for each of them instead.
	Terminal    *os.File
	Passphrases []*os.File
	// Orphaned is closed when the process that started the agent has gone. It counts until the agent is ready.
	Orphaned <-chan struct{}
}

// EventKind says what an agent reports.
type EventKind string

// The events.
const (
	Asked       EventKind = "asked"            // an officer is asked for the passphrase
	Wrong       EventKind = "wrong_passphrase" // it was wrong; Left tries are left
	ShareTaken  EventKind = "share_taken"      // an officer has given their share; Left more are needed
	Interrupted EventKind = "interrupted_work" // an operation that an earlier agent never finished; Text names it
	Warned      EventKind = "warning"          // Text says what is not as it should be
	Signed      EventKind = "checkpoint"       // Document is the signed note
	Made        EventKind = "sealed_master"    // Document is the sealed master key, Check its check value
	Ready       EventKind = "ready"            // the agent serves, or the other modes are over
	Over        EventKind = "failed"           // Err says why; nothing is open
)

// Event is what an agent reports to the process that started it.
type Event struct {
	Kind       EventKind
	Officer    string // id
	Left       int
	Text       text.Text
	Document   []byte
	Check      kcv.Value
	Generation uint64
	PID        int
	Until      time.Time
	Activities []custody.Activity
	Officers   []string
	Err        error
}

func (c *Config) check() error {
	switch {
	case c.Mode != Unseal && c.Mode != Init && c.Mode != Reshare:
		return fault.New(fault.Usage, "an agent unseals, initialises or reshares, not %q", string(c.Mode))
	case c.Store == "" || c.Log == "":
		return fault.New(fault.Usage, "an agent must know the store and its audit log")
	case c.Environment != custody.Test && c.Environment != custody.Production:
		return fault.New(fault.Usage, "the environment is missing: test or production")
	case c.Mode == Unseal && c.Socket == "":
		return fault.New(fault.Usage, "an agent must know its socket")
	case !filepath.IsAbs(c.Log) || c.Socket != "" && !filepath.IsAbs(c.Socket):
		return fault.New(fault.Usage, "an agent is told whole paths, from the root on")
	case c.Mode == Unseal:
		return c.checkPermission()
	}
	return nil
}

// checkPermission refuses what could never be allowed, before officers have typed their passphrases for it.
func (c *Config) checkPermission() error {
	if c.Duration < custody.MinAuthorisation || c.Duration > custody.MaxAuthorisation {
		return fault.New(fault.Usage, "activities are allowed for %s to %s, not for %s", custody.MinAuthorisation,
			custody.MaxAuthorisation, c.Duration)
	}
	for _, a := range c.Activities {
		if _, err := custody.RuleOf(a); err != nil {
			return err
		}
		if !slices.Contains(custody.StandingActivities(c.Environment), a) {
			return fault.New(fault.NotPermitted, "%s is not allowed for a time; it is approved each time", string(a))
		}
	}
	return nil
}
