package cli

// The record of walks: a line for every step that somebody answered, on the disk before the next question.

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"time"

	"poskey/internal/fault"
	"poskey/pkg/diagnose"
)

// fixRecord is the file that all walks are recorded in.
type fixRecord struct {
	file  *os.File
	path  string
	cause diagnose.Cause
	now   func() time.Time
}

// fixStep is a line of it. It holds what was run and how it ended, never what it printed.
type fixStep struct {
	At      string         `json:"at"`
	Cause   diagnose.Cause `json:"cause"`
	Section string         `json:"section"` // checks, fix, proof
	Step    int            `json:"step,omitempty"`
	Says    string         `json:"says,omitempty"`
	Run     []string       `json:"run,omitempty"`
	Done    string         `json:"done"`            // begun, then run, failed or interrupted; done, skip, stop; none: nothing could be proven
	Exit    *int           `json:"exit,omitempty"`  // of a command that came to its end
	Proof   proof          `json:"proof,omitempty"` // command, diagnosis, missing
}

func (a *App) openFixRecord(cause diagnose.Cause) (fixRecord, error) {
	dir, err := a.dataDir()
	if err != nil {
		return fixRecord{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fixRecord{}, fault.WrapAs(fault.Failure, err, "the folder for the record of fixes")
	}
	r := fixRecord{path: filepath.Join(dir, "fixes.jsonl"), cause: cause, now: a.Env.Now}
	if info, err := os.Stat(r.path); err == nil && !info.Mode().IsRegular() { // a pipe would wait for a reader for ever
		return fixRecord{}, fault.New(fault.Failure, "the record of fixes: %s is no file", r.path)
	}
	r.file, err = os.OpenFile(r.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fixRecord{}, fault.WrapAs(fault.Failure, err, "the record of fixes")
	}
	if err := r.endTorn(); err != nil {
		r.close()
		return fixRecord{}, err
	}
	return r, nil
}

// endTorn ends a line that was cut off, by a full disk or a loss of power: else the next one would be lost with it.
func (r *fixRecord) endTorn() error {
	size, err := r.file.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return fault.WrapAs(fault.Failure, err, "the record of fixes")
	}
	last := []byte{0}
	if _, err = r.file.ReadAt(last, size-1); err == nil && last[0] != '\n' {
		_, err = r.file.WriteString("\n")
	}
	return fault.WrapAs(fault.Failure, err, "the record of fixes")
}

func (r *fixRecord) close() { _ = r.file.Close() }

// write puts a line on the disk.
func (r *fixRecord) write(s fixStep) error {
	s.At, s.Cause = at(r.now()), r.cause
	s.Run = shownArgs(s.Run)
	var line bytes.Buffer // one write for a line: two walks may record at once
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false) // addresses are read by people
	if err := e.Encode(s); err != nil {
		return fault.WrapAs(fault.Bug, err, "the record of fixes")
	}
	if _, err := r.file.Write(line.Bytes()); err != nil {
		return fault.WrapAs(fault.Failure, err, "the record of fixes")
	}
	return fault.WrapAs(fault.Failure, r.file.Sync(), "the record of fixes")
}

// broken records a step at which the walk broke off, and gives why: Ctrl-C, a terminal that was closed.
func (r *fixRecord) broken(ctx context.Context, s fixStep, why error) error {
	switch {
	case s.Done == answerRun: // it was, and what broke off is the proof
		s.Proof = proofMissing
	case context.Cause(ctx) != nil:
		s.Done = "interrupted"
	case s.Done == "":
		s.Done = answerStop
	}
	if err := r.write(s); err != nil {
		return err
	}
	return why
}
