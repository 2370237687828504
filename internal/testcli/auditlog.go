package testcli

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"poskey/pkg/audit"
)

// Audit logs for the scripts, made by the writer that poskey has, and what somebody who can write a file does to them.

// logOwner is whose the scripts' logs are.
func logOwner() audit.Identity {
	return audit.Identity{Store: "TEST-STORE-0001", Environment: audit.Test}
}

// unsynced spares the scripts the disk.
type unsynced struct{ audit.Sink }

func (unsynced) Sync() error { return nil }

// logOptions count seconds from a day that is long past, so that outputs are the same in every run.
func logOptions(begin time.Time) audit.Options {
	now := begin
	return audit.Options{
		Now:  func() time.Time { now = now.Add(time.Second); return now },
		Who:  audit.Actor{ID: "agent", Role: "agent"},
		Sink: func(s audit.Sink) audit.Sink { return unsynced{s} },
	}
}

// cmdAuditLog makes and holds logs:
//
//	auditlog make FILE N   a new log with N operations on keys, each begun and done
//	auditlog add FILE N    N more, an hour later
//	auditlog begin FILE    an operation that never gets its outcome
//	auditlog hold FILE     keeps the log open, as an agent does, until the script ends
func cmdAuditLog(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) < 2 {
		ts.Fatalf("usage: auditlog make|add|begin|hold FILE [N]")
	}
	path, n := ts.MkAbs(args[1]), 0
	if len(args) == 3 {
		n = number(ts, args[2])
	}
	begin := time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC)
	var l *audit.Log
	var err error
	if args[0] == "make" {
		l, err = audit.Create(path, logOwner(), logOptions(begin))
	} else {
		l, err = audit.Open(path, logOwner(), logOptions(begin.Add(time.Hour)))
	}
	ts.Check(err)
	switch args[0] {
	case "make", "add":
		operate(ts, l, n)
	case "begin":
		_, err := l.Begin(logEntry(n))
		ts.Check(err)
	case "hold":
		ts.Defer(func() { _ = l.Close() })
		return
	default:
		ts.Fatalf("unknown: auditlog %s", args[0])
	}
	ts.Check(l.Close())
}

// operate records operations of all kinds: done, refused, with others, over many lines.
func operate(ts *testscript.TestScript, l *audit.Log, n int) {
	for i := range n {
		e := logEntry(i)
		if i%4 == 3 {
			_, err := l.Append(e, audit.Outcome{Result: audit.Refused, Fault: "not_permitted"})
			ts.Check(err)
			continue
		}
		if i%4 == 2 {
			e.Batch = audit.Batch{Count: 10}
		}
		p, err := l.Begin(e)
		ts.Check(err)
		if i%4 == 2 {
			p.After.Batch = audit.Batch{Count: 10, OK: 9, Failed: 1}
		}
		p.After.Object.Check = audit.Check{Value: "08D7B4", Method: "cmac"}
		_, err = p.Done(audit.OK())
		ts.Check(err)
	}
}

func logEntry(i int) audit.Entry {
	e := audit.Entry{
		Who:       audit.Actor{ID: "officer.a", Role: "custodian", Station: "desk-1"},
		Operation: []audit.Operation{audit.KeyGenerate, audit.KeyWrap, audit.KeyDerive, audit.KeyReveal}[i%4],
		Object:    audit.Object{Kind: audit.KindKey, Label: fmt.Sprintf("ZMK-%d#1", i)},
	}
	if i%4 == 1 {
		e.With = []audit.Actor{{ID: "officer.b", Role: "administrator"}}
	}
	return e
}

// cmdTamper changes a log as somebody who can write the file would:
//
//	tamper edit FILE LINE      a letter of the line, or a digit of its time
//	tamper delete FILE LINE    the line is gone
//	tamper repeat FILE LINE    it stands there twice
//	tamper swap FILE LINE      it changes places with the next one
//	tamper cut FILE LINE       it is the last one
//	tamper tear FILE LINE      it is the last one, without its second half
//	tamper forge FILE LINE     the log ends above it and goes on with other records, whose hashes are right
func cmdTamper(ts *testscript.TestScript, neg bool, args []string) {
	noNegation(ts, neg)
	if len(args) != 3 {
		ts.Fatalf("usage: tamper KIND FILE LINE")
	}
	path, n := ts.MkAbs(args[1]), number(ts, args[2])-1
	raw, err := os.ReadFile(path)
	ts.Check(err)
	lines := slices.Collect(bytes.Lines(raw))
	if n < 0 || n >= len(lines) {
		ts.Fatalf("there is no line %d of %d", n+1, len(lines))
	}
	switch args[0] {
	case "edit":
		edited := bytes.Replace(lines[n], []byte("officer.a"), []byte("officer.x"), 1)
		if bytes.Equal(edited, lines[n]) { // it names nobody
			edited = bytes.Replace(lines[n], []byte(`"time":"20`), []byte(`"time":"19`), 1)
		}
		lines[n] = edited
	case "delete":
		lines = slices.Delete(lines, n, n+1)
	case "repeat":
		lines = slices.Insert(lines, n, lines[n])
	case "swap":
		lines[n], lines[n+1] = lines[n+1], lines[n]
	case "cut", "forge":
		lines = lines[:n+1]
	case "tear":
		lines = append(lines[:n:n], lines[n][:len(lines[n])/2])
	default:
		ts.Fatalf("unknown: tamper %s", args[0])
	}
	changed := bytes.Join(lines, nil)
	if bytes.Equal(changed, raw) && args[0] != "forge" {
		ts.Fatalf("tamper %s changes nothing", strings.Join(args, " "))
	}
	ts.Check(os.WriteFile(path, changed, 0o600))
	if args[0] == "forge" {
		ts.Check(os.Rename(path+".checkpoints", path+".away")) // or the writer would refuse
		l, err := audit.Open(path, logOwner(), logOptions(time.Date(2025, 3, 1, 8, 30, 0, 0, time.UTC)))
		ts.Check(err)
		operate(ts, l, 20)
		ts.Check(l.Close())
		ts.Check(os.Rename(path+".away", path+".checkpoints"))
	}
}
