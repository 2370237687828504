package agent

// Intents, outcomes, notes and the status on the wire.

import (
	"time"

	"poskey/internal/fault"
	"poskey/pkg/audit"
	"poskey/pkg/custody"
	"poskey/pkg/hsm"
	"poskey/pkg/kcv"
)

// helloArgs say which store a command means.
type helloArgs struct{ Store string }

// wireIntent is an intent whose descriptors come beside it: the terminal first.
type wireIntent struct {
	Activity    custody.Activity
	Label       string
	Check       kcv.Value
	Attributes  custody.Attributes
	Request     string
	Count       uint64
	Details     audit.Details
	Who         audit.Actor
	Requester   []byte
	Identities  [][]byte
	Language    string
	Terminal    bool
	Passphrases int
}

func packIntent(in Intent) wireIntent {
	return wireIntent{in.Activity, in.Label, in.Check, in.Attributes, packDigest(in.Request), in.Count, in.Details, in.Who,
		in.Approvers.Requester, in.Approvers.Identities, in.Approvers.Language, in.Approvers.Terminal != nil,
		len(in.Approvers.Passphrases)}
}

func (w wireIntent) unpack() (Intent, error) {
	request, err := unpackDigest(w.Request)
	if err != nil {
		return Intent{}, err
	}
	return Intent{Activity: w.Activity, Label: w.Label, Check: w.Check, Attributes: w.Attributes, Request: request, Count: w.Count,
		Details: w.Details, Who: w.Who,
		Approvers: Approvers{Requester: w.Requester, Identities: w.Identities, Language: w.Language}}, nil
}

// wireEndorse is an intent with the requests of devices that officers are to sign.
type wireEndorse struct {
	Intent   wireIntent
	Requests [][]byte
}

func packDigest(d audit.Digest) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func unpackDigest(s string) (audit.Digest, error) {
	if s == "" {
		return audit.Digest{}, nil
	}
	return audit.ParseDigest(s)
}

type wireMark struct {
	Seq  uint64
	Hash string
}

func packMark(m Mark) wireMark { return wireMark{m.Seq, packDigest(m.Hash)} }

func (w wireMark) unpack() (Mark, error) {
	d, err := unpackDigest(w.Hash)
	return Mark{w.Seq, d}, err
}

type wireBegun struct {
	Mark     wireMark
	Officers []string
	Info     hsm.Info
}

type wireBatch struct {
	Count, OK, Refused, Failed, Unknown uint64
	Digest                              string
}

func packBatch(b audit.Batch) wireBatch {
	return wireBatch{b.Count, b.OK, b.Refused, b.Failed, b.Unknown, packDigest(b.Digest)}
}

func (w wireBatch) unpack() (audit.Batch, error) {
	d, err := unpackDigest(w.Digest)
	return audit.Batch{Count: w.Count, OK: w.OK, Refused: w.Refused, Failed: w.Failed, Unknown: w.Unknown, Digest: d}, err
}

type wireOutcome struct {
	Result  audit.Result
	Fault   fault.Kind
	Label   string
	Check   kcv.Value
	Batch   wireBatch
	Details audit.Details
}

func packOutcome(o Outcome) wireOutcome {
	return wireOutcome{o.Result, o.Fault, o.Label, o.Check, packBatch(o.Batch), o.Details}
}

func (w wireOutcome) unpack() (Outcome, error) {
	b, err := w.Batch.unpack()
	return Outcome{audit.Outcome{Result: w.Result, Fault: w.Fault}, w.Label, w.Check, b, w.Details}, err
}

type wireEntry struct {
	Who       audit.Actor
	With      []audit.Actor
	Operation audit.Operation
	Object    audit.Object
	Request   string
	Batch     wireBatch
	Details   audit.Details
}

type wireNote struct {
	Entry   wireEntry
	Outcome audit.Outcome
}

func packEntry(e audit.Entry) wireEntry {
	return wireEntry{e.Who, e.With, e.Operation, e.Object, packDigest(e.Request), packBatch(e.Batch), e.Details}
}

func (w wireEntry) unpack() (audit.Entry, error) {
	request, err := unpackDigest(w.Request)
	if err != nil {
		return audit.Entry{}, err
	}
	b, err := w.Batch.unpack()
	return audit.Entry{Who: w.Who, With: w.With, Operation: w.Operation, Object: w.Object, Request: request, Batch: b,
		Details: w.Details}, err
}

type wireStatus struct {
	Store       string
	Environment custody.Environment
	PID         int
	Until       time.Time
	Left        time.Duration
	Activities  []custody.Activity
	Officers    []string
	Works       int
	Done        uint64
	Probes      uint64
	Head        wireMark
}

func (w wireStatus) unpack() (Status, error) {
	head, err := w.Head.unpack()
	return Status{w.Store, w.Environment, w.PID, w.Until, w.Left, w.Activities, w.Officers, w.Works, w.Done, w.Probes,
		head}, err
}
