package agent

// What a command says it is about to do, and how it says that it is over.

import (
	"os"

	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
)

// Intent is what a command is about to do: one operation, or one batch of them.
type Intent struct {
	Activity custody.Activity
	Label    string    // of the key or device, NAME#VERSION for a key; "" when there is none, or many
	Check    kcv.Value // of the key as the command knows it; empty when it does not
	// Attributes are those of the key that shall come into being: officers see them, and no other key gets its label.
	// What is left open of them has the defaults of the usage. In production no import and no forming is approved without
	// them, and without the check value that is expected.
	Attributes custody.Attributes
	Request    audit.Digest  // over everything else that was asked for; needed for all that officers approve each time
	Count      uint64        // lines of a batch; 0 for a single operation
	Details    audit.Details // public facts for the log
	// Who is the person at the command. An agent believes the name and the station, and puts the uid of the socket's
	// peer beside the name.
	Who audit.Actor
	// Approvers are the officers to be asked, for activities that take approvals each time. None for the others.
	Approvers Approvers
}

// Approvers are officers who are there, each with an identity file. The agent, and not the command, asks them for their
// passphrases: at the terminal, or from the descriptors.
type Approvers struct {
	// Requester is the identity file of the officer who asks, where the activity needs one who is not among those who
	// approve. They are asked for their passphrase first.
	Requester  []byte
	Identities [][]byte // identity files of those who approve, in the order in which they are asked
	// Terminal is handed to the agent, which asks there. It stays the caller's to close.
	Terminal *os.File
	// Passphrases are read instead of the terminal: one for each identity, the requester's first, up to the end of the
	// first line. They stay the caller's to close.
	Passphrases []*os.File
	Language    string // of what the agent writes to the terminal: en, zh
}

// Outcome is how an operation ended.
type Outcome struct {
	audit.Outcome
	Label   string        // as it became known in between; "" leaves that of the intent
	Check   kcv.Value     // the same
	Batch   audit.Batch   // of a batch: the counts and the digest of its lines
	Details audit.Details // public facts that became known in between
}

// OutcomeOf turns the error of an operation into its outcome.
func OutcomeOf(err error) Outcome { return Outcome{Outcome: audit.OutcomeOf(err)} }

// Mark is where an intent stands in the audit log.
type Mark struct {
	Seq  uint64
	Hash audit.Digest
}

// complete fills what was left open of the attributes. What a command says of the usage and the algorithm of a key that
// comes into being is what it is held to, and no free detail. Error: usage.
func (in *Intent) complete() error {
	if a := in.Attributes; !a.IsZero() {
		full := hsm.Attributes{Algorithm: a.Algorithm, Usage: a.Usage, Mode: a.Mode, Exportability: a.Exportability}.Defaults()
		in.Attributes = custody.Attributes{Algorithm: full.Algorithm, Usage: full.Usage, Mode: full.Mode,
			Exportability: full.Exportability}
	}
	if err := in.Attributes.Check(); err != nil {
		return err
	}
	if makesKeys(in.Activity) {
		delete(in.Details, audit.FieldUsage)
		delete(in.Details, audit.FieldAlgorithm)
	}
	if in.Attributes.IsZero() {
		return nil
	}
	if in.Details == nil {
		in.Details = audit.Details{}
	}
	in.Details[audit.FieldUsage] = string(in.Attributes.Usage)
	in.Details[audit.FieldAlgorithm] = string(in.Attributes.Algorithm)
	return nil
}
