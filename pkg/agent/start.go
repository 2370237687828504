package agent

// The side of the process that starts an agent.

import (
	"os"
	"time"

	"poskey/pkg/custody"
	"poskey/pkg/kcv"
)

// StartSpec says how an agent is started.
type StartSpec struct {
	Exe      string   // the program
	Args     []string // its arguments: the hidden command that calls [Adopt] and [Main]
	Env      []string // its whole environment; nothing is inherited
	Config   Config   // paths in it are absolute: the agent works in the root folder
	Terminal *os.File // where officers are asked; stays the caller's to close
	// Passphrases are read instead of the terminal, one for each identity; they stay the caller's to close.
	Passphrases []*os.File
}

// Started is an agent that is ready, or, of the modes that end, what it made.
type Started struct {
	PID        int
	Until      time.Time
	Activities []custody.Activity
	Officers   []string  // who opened the store
	Checkpoint []byte    // the signed note that they left on the audit log
	Document   []byte    // init and reshare: the sealed master key
	Generation uint64    // of the document
	Check      kcv.Value // of the master key
}
