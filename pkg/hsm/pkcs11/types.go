package pkcs11

// What goes in and what comes out, the same in builds with and without PKCS#11.

import (
	"context"
	"time"

	"poskey/internal/fault"
	"poskey/internal/secret"
	"poskey/internal/text"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
	"poskey/pkg/keys"
)

// Options is what a token is opened with.
type Options struct {
	// PIN gives the user's PIN; it is wiped when the token has it. Called only when the token wants one. A nil PIN fails
	// as input_needed there.
	PIN func(ctx context.Context) (*secret.Bytes, error)
	// Env draws padding and keys of the fallback, and tells the time for the durations of a self-test.
	Env keys.Env
	// Allow lets jobs that the token cannot do itself be done in locked memory of this process, unless the URI says
	// software=refuse.
	Allow bool
	// Notice is told each time that happens; may be nil. It is called by several goroutines.
	Notice func(Notice)
	// Object names the master key when the URI does not.
	Object string
	// Modules is the register of modules of this process; nil makes one for this token alone. A module can be
	// initialised once a process, so whoever opens two tokens of one module hands in one register.
	Modules *Modules
	// ProbeRecord is called before each answer about keys of the token, as that of [hsm.Options]; without it there are no
	// such answers.
	ProbeRecord func(ctx context.Context, p hsm.Probe) error
}

// Job is something that the token did not do itself.
type Job string

// The jobs, as they stand in records.
const (
	JobGenerate  Job = "generate"
	JobCombine   Job = "combine"
	JobSplit     Job = "split"
	JobDerive    Job = "derive"
	JobValue     Job = "check_value"
	JobWrap      Job = "wrap"
	JobUnwrap    Job = "unwrap"
	JobTranslate Job = "translate"
	JobExamine   Job = "examine"
	JobReveal    Job = "reveal"
	JobProbe     Job = "probe"
)

// Done says what was done and where: "combined in process memory".
func (j Job) Done() text.Text {
	switch j {
	case JobGenerate:
		return text.New("generated in process memory")
	case JobCombine:
		return text.New("combined in process memory")
	case JobSplit:
		return text.New("split in process memory")
	case JobDerive:
		return text.New("derived in process memory")
	case JobValue:
		return text.New("check value computed in process memory")
	case JobWrap:
		return text.New("key block closed in process memory")
	case JobUnwrap:
		return text.New("key block opened in process memory")
	case JobTranslate:
		return text.New("key block translated in process memory")
	case JobExamine:
		return text.New("key block examined in process memory")
	case JobReveal:
		return text.New("key read out of the token into process memory")
	}
	return text.New("key diagnosed in process memory")
}

// work names the job in a refusal.
func (j Job) work() text.Text {
	switch j {
	case JobGenerate:
		return text.New("generate such a key")
	case JobCombine:
		return text.New("combine these components")
	case JobSplit:
		return text.New("split a key")
	case JobDerive:
		return text.New("derive by DUKPT")
	case JobValue:
		return text.New("compute this check value")
	case JobWrap:
		return text.New("close a key block")
	case JobUnwrap:
		return text.New("open a key block")
	case JobTranslate:
		return text.New("translate a key block")
	case JobExamine:
		return text.New("examine a key block")
	case JobReveal:
		return text.New("show a key")
	}
	return text.New("diagnose a key")
}

// refused says what the token cannot do and what allows it.
func (j Job) refused() error {
	return fault.New(fault.NotPermitted,
		"the token cannot %s itself; software=allow in the pkcs11: name lets this process do it, "+
			"with the clear key in locked memory", j.work())
}

// Notice says that a job was done in this process.
type Notice struct {
	Job  Job
	Text text.Text
}

// Library is a module with its slots.
type Library struct {
	Path         string
	Manufacturer string
	Description  string
	Version      string // MAJOR.MINOR
	Cryptoki     string // version of the interface
	Slots        []Slot
}

// Slot is a place for a token and the token in it.
type Slot struct {
	ID          uint
	Description string
	Present     bool // a token is there; else what follows is empty
	Token       TokenInfo
}

// TokenInfo is what a token says of itself.
type TokenInfo struct {
	Label, Manufacturer, Model, Serial string
	Initialised                        bool
	LoginRequired                      bool
	PINSet                             bool // a user PIN is there
	WriteProtected                     bool
	PINState                           PINState
}

// PINState says how many wrong PINs are left.
type PINState string

// The states. Not every token tells.
const (
	PINGood   PINState = ""
	PINLow    PINState = "count_low" // a wrong PIN was given since the last right one
	PINFinal  PINState = "final_try" // the next wrong PIN locks it
	PINLocked PINState = "locked"
)

// ObjectInfo is a secret key of the token.
type ObjectInfo struct {
	Label       string
	ID          string // CKA_ID as hex
	Type        string // such as aes, des3; a number where it has no name here
	Len         int    // bytes, 0 where the token does not say
	Sensitive   bool
	Extractable bool
	Local       bool
	Check       kcv.Value // by ecb-zero, computed inside; empty where the key may not encrypt or the token refused
}

// Place says where a boundary does something.
type Place string

// The places.
const (
	PlaceToken   Place = "token"   // inside
	PlaceProcess Place = "process" // in this process's memory, as the user allowed
	PlaceNone    Place = "none"    // nowhere: it is refused
)

// Trial is one step of a self-test.
type Trial struct {
	Step      string // stable
	Text      text.Text
	Mechanism string // CKM name, "" where none is needed
	Listed    bool   // in the token's list of mechanisms
	Works     bool   // tried, with a known answer where there is one
	Place     Place  // where a boundary in this token does it
	Needed    bool   // no boundary without it
	Wrong     bool   // it was done, and the answer is not the known one
	Err       error  // why it does not work, or why it is refused
	Took      time.Duration
}

// IsJob reports a row that tells where a job is done that is no mechanism of a token.
func (t Trial) IsJob() bool { return t.Mechanism == "" && t.Took == 0 }
