package agent

// Which generation of the sealed master key is in force, by the log: an older document that was put back opens nothing.

import (
	"io"
	"os"
	"strconv"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/audit"
)

// fieldInForce marks the record that the database has a generation: package documentation, "Generations".
const fieldInForce audit.Field = "in-force"

func generationWord(n uint64) string { return strconv.FormatUint(n, 10) }

// inForce is a generation with the digest of its documents.
type inForce struct {
	generation uint64
	document   audit.Digest
}

// Confirm records that the database has what a resharing made: from then on no agent opens the generation before. It is
// for the process that started the agent with c, after the agent has ended and the database has committed. Errors are
// those of the log: what was made is in force all the same, and the next opening records it.
func Confirm(c Config, now func() time.Time, made Started) (err error) {
	who := peer(c.Who, os.Getuid())
	log, err := audit.Open(c.Log, audit.Identity{Store: c.Store, Environment: audit.Environment(c.Environment)},
		audit.Options{Now: now, Who: who})
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the record is on the disk
	e := audit.Entry{Who: who, Operation: audit.MasterReshare, Request: audit.DigestOf(made.Document),
		Object:  audit.Object{Kind: audit.KindStore, Label: c.Store, Check: checkOf(made.Check)},
		Details: audit.Details{fieldGeneration: generationWord(made.Generation), fieldInForce: "yes"}}
	_, err = log.Append(e, audit.OK())
	return err
}

// mustBeInForce refuses a document that the log knows a later one of, before anybody is asked. A later generation than
// the log knows is let through: a crash came between the database and the log, and the master key vouches for it.
func (a *agent) mustBeInForce() error {
	last, err := readForce(a.log.Reader())
	switch {
	case err != nil:
		return err
	case a.config.Generation < last.generation:
		return fault.New(fault.NotPermitted, "the log has generation %d of the sealed master key in force, and the database gives "+
			"generation %d: an older copy was put in its place, and its officers open nothing any more", last.generation,
			a.config.Generation)
	case a.config.Generation == last.generation && last.document != audit.DigestOf(a.config.Sealed):
		return fault.New(fault.NotPermitted, "the log has another sealed master key of generation %d in force than the database "+
			"gives: it was exchanged", last.generation)
	}
	return nil
}

// readForce looks for the highest generation that the database had for certain.
func readForce(log io.Reader) (inForce, error) {
	var last inForce
	for r, err := range audit.Query(log, audit.Filter{Result: audit.Done}) {
		if err != nil {
			return inForce{}, err
		}
		n, err := strconv.ParseUint(r.Details[fieldGeneration], 10, 53)
		if err == nil && n >= last.generation && provesForce(&r) {
			last = inForce{n, r.Request}
		}
	}
	return last, nil
}

// provesForce tells records of a document that the database had: the first one, each that opened the store, and
// those of a resharing that was confirmed.
func provesForce(r *audit.Record) bool {
	switch r.Operation {
	case audit.StoreCreate, audit.StoreUnseal:
		return r.Of > 0
	case audit.MasterReshare:
		return r.Details[fieldInForce] != ""
	}
	return false
}
