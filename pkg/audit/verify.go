package audit

// Verification: from the file and the checkpoints alone, on any machine, in one pass.

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"poskey/internal/text"
)

// Expect is what a log is held against. The zero Expect asks only that the log agrees with itself, which whoever can
// write the file can bring about; checkpoints from another place make it evidence.
type Expect struct {
	Identity    Identity       // the store it must belong to, as far as known: what is empty is not asked for
	Checkpoints [][]byte       // signed notes, in any order; each must verify and agree
	Beside      [][]byte       // signed notes that lay beside the log: each must agree, those of unknown officers too
	Officers    note.Verifiers // whose signatures count
	Quorum      int            // officers who must have signed each checkpoint; at least one
	Now         time.Time      // records that are later get a warning; zero: none do
}

// Report says what was found. It is filled as far as the log could be read, also when it does not verify.
type Report struct {
	Identity    Identity
	Records     uint64 // that were read in order, from the first
	Bytes       int64
	First, Last time.Time
	Head        Digest
	Root        tlog.Hash
	Intact      uint64   // records above the first problem; all when there is none
	Signed      uint64   // records that are as officers signed them (but Damaged), by the newest checkpoint that agrees
	Damaged     uint64   // one record that does not verify while those around it do; 0: none
	Unfinished  []uint64 // intents without an outcome
	Problem     *Problem // nil when the log verifies
	Checkpoints []CheckpointReport
	Warnings    []Warning
	More        uint64 // warnings that are not listed
}

// CheckpointReport says how a checkpoint stands to the log.
type CheckpointReport struct {
	Checkpoint
	Signers []string // the known ones; without them it vouches for nothing
	Agrees  bool
	Err     error // why it does not count; nil where the log was not read as far
}

// Warning is something that an auditor should look at and that does not make the log wrong.
type Warning struct {
	Kind   WarningKind
	Record uint64
	Text   text.Text
}

// WarningKind names a warning. It never changes its meaning.
type WarningKind string

// The warnings.
const (
	ClockBack         WarningKind = "clock_back"
	ClockAhead        WarningKind = "clock_ahead"
	Repaired          WarningKind = "repaired"
	LeftOpen          WarningKind = "left_open"
	CheckpointMissing WarningKind = "checkpoint_missing"
)

const maxWarnings = 100

// Verify reads a log to its end and holds every record against its hash, its predecessor and the checkpoints. It
// returns an error when anything does not verify: a [*Problem] for the log, the checkpoint's own error for a checkpoint
// that is not what it should be, and what the reader failed with. The report is good in every case.
func Verify(r io.Reader, e Expect) (Report, error) {
	w := newWalk(r, e)
	var bad error
	for _, signed := range e.Checkpoints {
		c, signers, err := OpenCheckpoint(signed, e.Officers, max(1, e.Quorum))
		if err != nil {
			w.report.Checkpoints = append(w.report.Checkpoints, CheckpointReport{Err: err})
			bad = cmp.Or(bad, err)
			continue
		}
		w.expect(c, signers)
	}
	for _, signed := range e.Beside {
		c, signers, err := openBeside(signed, e)
		if err != nil {
			w.report.Checkpoints = append(w.report.Checkpoints, CheckpointReport{Err: err})
			bad = cmp.Or(bad, err)
			continue
		}
		w.expect(c, signers)
	}
	if err := w.run(); err != nil {
		return w.report, err
	}
	return w.report, bad
}

// openBeside opens a checkpoint that nobody handed in: where too few known officers signed it, it has no signers.
func openBeside(signed []byte, e Expect) (Checkpoint, []string, error) {
	c, signers, err := OpenCheckpoint(signed, e.Officers, max(1, e.Quorum))
	var few *notEnough
	if errors.As(err, &few) {
		c, err = ReadCheckpoint(signed)
	}
	return c, signers, err
}

// walk is a verification under way.
type walk struct {
	lines  *lines
	want   Expect
	chain  chain
	tree   tree
	report Report
	due    []int           // checkpoints by size, as indexes of report.Checkpoints
	told   map[uint64]bool // sizes that checkpoints were given for
}

func newWalk(r io.Reader, e Expect) *walk {
	return &walk{lines: newLines(r, 0), want: e, told: map[uint64]bool{}}
}

// expect adds a checkpoint to hold the log against.
func (w *walk) expect(c Checkpoint, signers []string) {
	w.due = append(w.due, len(w.report.Checkpoints))
	w.report.Checkpoints = append(w.report.Checkpoints, CheckpointReport{Checkpoint: c, Signers: signers})
	w.told[c.Size] = true
}

func (w *walk) run() error {
	slices.SortStableFunc(w.due, func(a, b int) int {
		return cmp.Compare(w.report.Checkpoints[a].Size, w.report.Checkpoints[b].Size)
	})
	err := w.read()
	w.report.Root = w.tree.root()
	if w.report.Problem == nil {
		w.report.Intact = w.report.Records
	}
	for _, i := range w.chain.open {
		w.report.Unfinished = append(w.report.Unfinished, i.seq)
		w.warn(LeftOpen, i.seq, text.New("%s was begun, and its outcome is not recorded", i.op.Text()))
	}
	if err != nil {
		return err
	}
	if w.report.Problem != nil {
		return w.report.Problem
	}
	return nil
}

// read goes through the lines until the end or until nothing more can be made of them.
func (w *walk) read() error {
	for {
		r, offset, p, err := w.lines.next()
		if errors.Is(err, io.EOF) {
			w.end()
			return nil
		}
		if err != nil {
			return err
		}
		if p == nil {
			p = w.follow(&r)
		}
		if p != nil && !w.skip(p, offset) {
			return nil
		}
		if p == nil && !w.take(&r) {
			return nil
		}
	}
}

// follow tells whether the record may stand here.
func (w *walk) follow(r *Record) *Problem {
	if w.gap() && r.Seq == w.chain.seq+2 { // the one above is damaged: its hash stands here
		w.tree.add(r.Prev)
		w.chain = startAt(r)
	}
	if p := w.chain.check(r); p != nil {
		return p
	}
	if w.gap() { // not a damaged record but a line that was put in
		w.report.Damaged = 0
	}
	if want := w.want.Identity.or(r.Log); r.Seq == 1 && r.Log != want {
		return &Problem{Reason: WrongStore, Got: r.Log.words(), Want: want.words()}
	}
	return nil
}

// or fills up what is not known of an identity.
func (id Identity) or(other Identity) Identity {
	return Identity{cmp.Or(id.Store, other.Store), cmp.Or(id.Environment, other.Environment)}
}

func (id Identity) words() string { return id.Store + " (" + string(id.Environment) + ")" }

// gap reports whether the line just read was a damaged record.
func (w *walk) gap() bool { return w.report.Damaged != 0 && w.report.Damaged == w.chain.seq+1 }

// skip notes a problem. It reports whether the next record may still be read: one damaged record is passed over once.
func (w *walk) skip(p *Problem, offset int64) bool {
	first := w.report.Problem == nil
	if first {
		p.Record, p.Offset = w.chain.seq+1, offset
		w.report.Problem, w.report.Intact = p, w.chain.seq
	}
	if !first || w.chain.seq == 0 || p.Reason != Changed && p.Reason != NotARecord {
		return false
	}
	w.report.Damaged = w.chain.seq + 1
	return true
}

// take lets the record in. It reports whether to go on.
func (w *walk) take(r *Record) bool {
	w.chain.advance(r)
	w.tree.add(r.Hash)
	w.remark(r)
	rep := &w.report
	if r.Seq == 1 {
		rep.Identity, rep.First = r.Log, r.Time
	}
	rep.Records, rep.Last, rep.Head, rep.Bytes = r.Seq, r.Time, r.Hash, w.lines.offset
	return w.meet()
}

// meet holds the log against the checkpoints that were signed over just as many records.
func (w *walk) meet() bool {
	for len(w.due) > 0 && w.report.Checkpoints[w.due[0]].Size <= w.report.Records {
		c := &w.report.Checkpoints[w.due[0]]
		w.due = w.due[1:]
		if c.Size < w.report.Records {
			continue // it ends at the damaged record
		}
		if !w.agree(c) {
			return false
		}
		if len(c.Signers) > 0 {
			w.report.Signed = w.report.Records
		}
	}
	return true
}

func (w *walk) agree(c *CheckpointReport) bool {
	p := &Problem{Reason: NotSigned, Record: w.report.Records, Offset: w.report.Bytes}
	root := w.tree.root()
	switch {
	case c.Identity != w.report.Identity:
		p.Reason, p.Got, p.Want = WrongStore, w.report.Identity.words(), c.Identity.words()
	case c.Head != w.report.Head:
		p.Got, p.Want = w.report.Head.Short(), c.Head.Short()
	case c.Root != root:
		p.Got, p.Want = Digest{root}.Short(), Digest{c.Root}.Short()
	default:
		c.Agrees = true
		return true
	}
	c.Err = p
	if w.report.Problem == nil {
		w.report.Problem, w.report.Intact = p, w.report.Signed
		if len(c.Signers) == 0 { // the checkpoint may be made up, and the records agree with one another
			w.report.Intact = w.report.Records
		}
	}
	return false
}

// end holds what is left against the end of the file.
func (w *walk) end() {
	if w.report.Problem != nil {
		return
	}
	p := &Problem{Reason: Empty, Record: w.report.Records, Offset: w.lines.offset, Got: number(w.report.Records)}
	if w.report.Records > 0 {
		if len(w.due) == 0 {
			return
		}
		c := &w.report.Checkpoints[w.due[len(w.due)-1]] // the newest
		p.Reason, p.Want = CutShort, number(c.Size)
		if c.Identity != w.report.Identity {
			p.Reason, p.Got, p.Want = WrongStore, w.report.Identity.words(), c.Identity.words()
		}
		c.Err = p
	}
	w.report.Problem, w.report.Intact = p, w.report.Records
}

// remark looks for what an auditor should see.
func (w *walk) remark(r *Record) {
	if r.Back > 0 {
		w.warn(ClockBack, r.Seq, text.New("the clock went back by %s", r.Back.String()))
	}
	if !w.want.Now.IsZero() && r.Time.After(w.want.Now) {
		w.warn(ClockAhead, r.Seq, text.New("it is dated %s, which is later than now", r.Time.Format(time.RFC3339)))
	}
	if r.Torn != (Torn{}) {
		w.warn(Repaired, r.Seq,
			text.New("a crash had left %d bytes that are no record; they were never acknowledged", r.Torn.Bytes))
	}
	if r.Operation == LogCheckpoint && r.Of != 0 && r.Outcome == OK() && !w.told[r.Of] {
		w.warn(CheckpointMissing, r.Seq, text.New("a checkpoint over %d records was signed, and it was not handed in", r.Of))
	}
}

func (w *walk) warn(kind WarningKind, record uint64, t text.Text) {
	if len(w.report.Warnings) == maxWarnings {
		w.report.More++
		return
	}
	w.report.Warnings = append(w.report.Warnings, Warning{kind, record, t})
}

// Trust says in one sentence what may be relied on.
func (r Report) Trust() text.Text {
	switch {
	case r.Signed == 0 && r.Intact == 0:
		return text.New("nothing in this log can be relied on")
	case r.Signed == 0:
		return text.New("records 1 to %d agree with one another; no checkpoint vouches for them", r.Intact)
	case r.Damaged != 0 && r.Damaged <= r.Signed:
		return text.New("records 1 to %d are as the officers signed them, but record %d, whose content is lost",
			r.Signed, r.Damaged)
	case r.Intact <= r.Signed:
		return text.New("records 1 to %d are as the officers signed them", r.Signed)
	}
	return text.New("records 1 to %d are as the officers signed them; "+
		"%d to %d agree with one another and are signed by nobody yet", r.Signed, r.Signed+1, r.Intact)
}
