package hsm

// The boundary over a master key that outlives the command: that of a store.

import (
	"context"

	"poskey/internal/fault"
	"poskey/pkg/dukpt"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Options of a strict boundary.
type Options struct {
	Info Info // Driver and Name; it is strict whatever is said here

	// ProbeRecord is called before each answer of a prober. Without it the boundary has no probers (kind
	// not_permitted): what nobody records is not answered.
	ProbeRecord func(ctx context.Context, p Probe) error
	// Questions is how many questions one prober answers; 0 is [MaxQuestions].
	Questions int
}

// MaxQuestions is how many questions one prober of a strict boundary answers at most.
const MaxQuestions = 4096

// SearchCost is how many questions a search for slips counts for.
const SearchCost = 256

// Probe is what is recorded of a question to a strict prober, before its answer. Neither the value expected nor the
// verdict is in it.
type Probe struct {
	Material  []Attributes // of the keys asked about, in their order
	Question  int          // the how-manieth it is of this prober, from 1; a search counts for [SearchCost]
	Limit     int          // how many are answered
	Search    bool         // for slips, not about one expression
	Algorithm keys.Algorithm
	Method    kcv.Method
	Digits    int // of the value expected
	Len       int // bytes of what is formed
}

// NewMaster makes a strict boundary over a master key, which it takes over and wipes with Close; with an error too. The
// master key is AES-256. Its probers answer nothing: see [NewMasterWith].
func NewMaster(env keys.Env, master *keys.Key, info Info) (Boundary, error) {
	return NewMasterWith(env, master, Options{Info: info})
}

// NewMasterWith is [NewMaster] with more to say.
func NewMasterWith(env keys.Env, master *keys.Key, o Options) (Boundary, error) {
	if master == nil || master.Algorithm() != keys.AES256 {
		if master != nil {
			master.Wipe()
		}
		return nil, fault.New(fault.Usage, "the master key of a boundary is an aes-256 key")
	}
	o.Info.Strict = true
	if o.Questions <= 0 || o.Questions > MaxQuestions {
		o.Questions = MaxQuestions
	}
	return &soft{env: env, master: master, info: o.Info, options: o,
		idle: map[leaseID][]*lease{}, bdks: map[bdkID]*dukpt.BDK{}}, nil
}
