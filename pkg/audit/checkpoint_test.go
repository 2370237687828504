package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"poskey/internal/fault"
)

func TestCheckpointIsSignedByAllOfficersPresent(t *testing.T) {
	l, path := newLog(t, 5)
	signed := checkpoint(t, l, "alice", "bob", "carol")
	_, two := signers(t, "alice", "bob")
	c, names, err := OpenCheckpoint(signed, two, 2)
	if err != nil || strings.Join(names, " ") != "alice bob" {
		t.Fatalf("%v, %v", names, err)
	}
	all := records(t, read(t, path))
	if c.Size != 7 || c.Head != all[6].Hash || c.Identity != testID || all[6].Operation != LogCheckpoint ||
		all[6].Details[FieldSigners] != "alice bob carol" || all[7].Of != 7 || all[7].Outcome != OK() {
		t.Errorf("%+v over %+v", c, all[6])
	}
	if unsigned, err := ReadCheckpoint(signed); err != nil || unsigned != c {
		t.Errorf("read as %+v, %v", unsigned, err)
	}
	kept, err := Checkpoints(path)
	if err != nil || len(kept) != 1 || !bytes.Equal(kept[0], signed) {
		t.Errorf("beside the log: %d, %v", len(kept), err)
	}
	rep := verified(t, read(t, path), Expect{Checkpoints: kept, Officers: two, Quorum: 2})
	if rep.Signed != 7 || rep.Records != 8 || !rep.Checkpoints[0].Agrees {
		t.Errorf("%+v", rep)
	}
}

// TestCheckpointIsOneOfTransparencyLogs reads the first three lines as c2sp.org/tlog-checkpoint has them.
func TestCheckpointIsOneOfTransparencyLogs(t *testing.T) {
	l, path := newLog(t, 2)
	signed := checkpoint(t, l, "alice")
	lines := strings.Split(string(signed), "\n")
	root, err := tlog.ParseHash(lines[2])
	rep := verified(t, read(t, path), Expect{})
	if err != nil || lines[0] != "poskey/audit/v1/test/STORE-1" || lines[1] != "4" || root == rep.Root {
		t.Errorf("%q, %v", lines[:3], err)
	}
	half := verified(t, []byte(strings.Join(splitLines(read(t, path))[:4], "")), Expect{})
	if root != half.Root {
		t.Errorf("root %s, want %s", root, half.Root)
	}
}

func TestCheckpointsThatDoNotCountAreRefused(t *testing.T) {
	l, _ := newLog(t, 2)
	signed := checkpoint(t, l, "alice", "bob")
	_, both := signers(t, "alice", "bob")
	_, strangers := signers(t, "dave")
	forged := bytes.Replace(signed, []byte("\n4\n"), []byte("\n3\n"), 1)
	for what, c := range map[string]struct {
		raw    []byte
		known  note.Verifiers
		quorum int
		kind   fault.Kind
	}{
		"two, three asked for":  {signed, both, 3, fault.LogBroken},
		"nobody who is known":   {signed, strangers, 1, fault.LogBroken},
		"nobody at all is":      {signed, nil, 1, fault.LogBroken},
		"another number":        {forged, both, 1, fault.LogBroken},
		"no note":               {[]byte("hello\n"), both, 1, fault.Malformed},
		"nothing":               {nil, both, 1, fault.Malformed},
		"no signature":          {signed[:bytes.Index(signed, []byte("—"))], both, 1, fault.Malformed},
		"a note of other sense": {sign(t, "hello\n", "alice"), both, 1, fault.Malformed},
		"a note that is huge":   {bytes.Repeat([]byte("a\n"), MaxNote), both, 1, fault.TooLarge},
	} {
		got, names, err := OpenCheckpoint(c.raw, c.known, c.quorum)
		wantKind(t, what, err, c.kind)
		if got != (Checkpoint{}) || names != nil {
			t.Errorf("%s: %v, %v", what, got, names)
		}
	}
	if _, err := l.Checkpoint(bob); !fault.Is(err, fault.Usage) {
		t.Errorf("signed by nobody: %v", err)
	}
}

func TestTwoKeysOfOneOfficerAreOneOfficer(t *testing.T) {
	l, _ := newLog(t, 2)
	oldSigner, oldKey := officerWith(t, "alice", 1)
	newSigner, newKey := officerWith(t, "alice", 2)
	signed, err := l.Checkpoint(bob, oldSigner, newSigner)
	if err != nil {
		t.Fatal(err)
	}
	known := note.VerifierList(oldKey, newKey)
	if _, names, err := OpenCheckpoint(signed, known, 1); err != nil || strings.Join(names, " ") != "alice" {
		t.Errorf("%v, %v", names, err)
	}
	if _, _, err := OpenCheckpoint(signed, known, 2); !fault.Is(err, fault.LogBroken) {
		t.Errorf("one officer, two asked for: %v", err)
	}
}

func sign(t testing.TB, text string, names ...string) []byte {
	t.Helper()
	s, _ := signers(t, names...)
	signed, err := note.Sign(&note.Note{Text: text}, s...)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestOtherWaysToWriteACheckpointAreRefused(t *testing.T) {
	l, _ := newLog(t, 2)
	text, _, _ := strings.Cut(string(checkpoint(t, l, "alice")), "\n\n")
	text += "\n"
	if c, err := parseCheckpoint(text); err != nil || c.Text() != text {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, c := range [][2]string{{"/v1/", "/v2/"}, {"/test/", "/staging/"}, {"STORE-1", "STORE/1"}, {"\n4\n", "\n04\n"}, {"\n4\n", "\n0\n"},
		{"\n4\n", "\n-4\n"}, {"=\n", "\n"}, {"head ", "Head "}, {"head ", "head  "}, {"time ", "time  "}, {"Z\n", "Z\nmore\n"}, {"Z\n", "Z"},
		{".000000Z", "Z"}, {".000000Z", ".000000+01:00"}} {
		changed := strings.Replace(text, c[0], c[1], 1)
		if got, err := parseCheckpoint(changed); changed == text || err == nil || got != (Checkpoint{}) {
			t.Errorf("%q for %q: %+v, %v", c[1], c[0], got, err)
		}
	}
}

func TestNobodySignsALogThatDoesNotVerify(t *testing.T) {
	for what, change := range map[string]func(raw []byte) []byte{
		"changed": func(raw []byte) []byte { return bytes.Replace(raw, []byte("ZMK-3"), []byte("ZMK-9"), 1) },
		"changed and resealed": func(raw []byte) []byte {
			lines := splitLines(raw)
			return []byte(strings.Join(lines[:4], "") + reseal(strings.Replace(lines[4], "ZMK-3", "ZMK-9", 1)) + strings.Join(lines[5:], ""))
		},
	} {
		l, path := newLog(t, 100)
		raw := read(t, path)
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(change(raw), 0); err != nil { // the same file, as long as before
			t.Fatal(err)
		}
		_ = f.Close()
		asked := false
		s, _ := officer(t, "alice")
		_, err = l.Checkpoint(bob, asking{s, &asked})
		if reasonOf(err) == "" || !fault.Is(err, fault.LogBroken) || asked {
			t.Errorf("%s: %v, signer asked: %v", what, err, asked)
		}
		if names, err := checkpointNames(path); err != nil || len(names) != 0 {
			t.Errorf("%s: %v, %v", what, names, err)
		}
		last := splitLines(read(t, path))
		if r, err := ParseRecord([]byte(strings.TrimSuffix(last[len(last)-1], "\n"))); err != nil || r.Outcome != (Outcome{Failed, fault.LogBroken}) {
			t.Errorf("%s: recorded as %v, %v", what, r.Outcome, err)
		}
	}
}

// asking notes that it was asked to sign.
type asking struct {
	note.Signer
	asked *bool
}

func (a asking) Sign(msg []byte) ([]byte, error) {
	*a.asked = true
	return a.Signer.Sign(msg)
}

// refusing is an officer whose passphrase is wrong; another record is written meanwhile.
type refusing struct {
	note.Signer
	meanwhile func()
}

func (r refusing) Sign([]byte) ([]byte, error) {
	r.meanwhile()
	return nil, errors.New("wrong passphrase")
}

func TestFailedSigningIsRecorded(t *testing.T) {
	l, path := newLog(t, 1)
	s, _ := officer(t, "alice")
	_, err := l.Checkpoint(bob, refusing{s, func() { add(t, l, "MEANWHILE") }})
	if err == nil || !strings.Contains(err.Error(), "wrong passphrase") {
		t.Fatalf("%v", err)
	}
	all := records(t, read(t, path))
	if last := all[len(all)-1]; len(all) != 5 || last.Of != 3 || last.Outcome.Result != Failed {
		t.Errorf("%+v", last)
	}
	checkpoint(t, l, "alice") // and again, over more
	kept, err := Checkpoints(path)
	_, known := signers(t, "alice")
	if rep := verified(t, read(t, path), Expect{Checkpoints: kept, Officers: known}); err != nil || rep.Signed != 6 {
		t.Errorf("signed %d, %v", rep.Signed, err)
	}
}

func TestEarlierCheckpointsHoldTheSignersBack(t *testing.T) {
	l, path := newLog(t, 80)
	old := checkpoint(t, l, "alice")
	c, err := ReadCheckpoint(old)
	if err != nil {
		t.Fatal(err)
	}
	for range 80 {
		add(t, l, "K")
	}
	c.Head = DigestOf([]byte("other"))
	names, err := checkpointNames(path)
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	write(t, filepath.Join(CheckpointDir(path), names[0]), sign(t, c.Text(), "alice"))
	s, _ := signers(t, "bob")
	_, err = l.Checkpoint(bob, s...)
	wantProblem(t, "a log that contradicts its checkpoint", err, NotSigned)
	closeLog(t, l)
	_, err = Open(path, testID, options(newClock()))
	wantProblem(t, "opened", err, NotSigned)
}

// TestOlderCopyIsNotContinued puts older and shorter copies in the place of a log with a checkpoint beside it.
func TestOlderCopyIsNotContinued(t *testing.T) {
	l, path := newLog(t, 3)
	older := read(t, path)
	add(t, l, "LATER")
	checkpoint(t, l, "alice")
	for range 200 {
		add(t, l, "MORE")
	}
	closeLog(t, l)
	whole := read(t, path)
	closeLog(t, reopen(t, path)) // the checkpoint lies far from the end
	write(t, path, older)
	_, err := Open(path, testID, options(newClock()))
	wantProblem(t, "an older copy", err, CutShort)
	write(t, path, whole[:len(whole)-len(whole)/3*2])
	if l, err := Open(path, testID, options(newClock())); err != nil {
		t.Errorf("cut after the checkpoint, which nobody can see: %v", err)
	} else {
		closeLog(t, l)
	}
	write(t, path, whole)
	if err := os.Rename(CheckpointDir(path), path+".aside"); err != nil {
		t.Fatal(err)
	}
	other, otherPath := newLog(t, 10)
	checkpoint(t, other, "alice")
	if err := os.Rename(CheckpointDir(otherPath), CheckpointDir(path)); err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, testID, options(newClock()))
	wantProblem(t, "a checkpoint of another log", err, NotSigned)
}

func TestBrokenCheckpointFileIsNamed(t *testing.T) {
	l, path := newLog(t, 3)
	checkpoint(t, l, "alice")
	closeLog(t, l)
	write(t, filepath.Join(CheckpointDir(path), "draft"), []byte("left by a crash"))
	closeLog(t, reopen(t, path))
	write(t, filepath.Join(CheckpointDir(path), "999999999999.note"), []byte("garbage"))
	_, err := Open(path, testID, options(newClock()))
	if !fault.Is(err, fault.Malformed) || !strings.Contains(err.Error(), "999999999999.note") {
		t.Errorf("%v", err)
	}
}

func TestNobodyIsAskedToSignOnAFullDisk(t *testing.T) {
	l, path := newLog(t, 3)
	closeLog(t, l)
	before := read(t, path)
	o := options(newClock())
	o.Sink = failAfter(10)
	l, err := Open(path, testID, o)
	if err != nil {
		t.Fatal(err)
	}
	asked := false
	s, _ := officer(t, "alice")
	if _, err := l.Checkpoint(bob, asking{s, &asked}); err == nil || asked {
		t.Errorf("%v, signer asked: %v", err, asked)
	}
	if names, err := checkpointNames(path); err != nil || len(names) != 0 {
		t.Errorf("%v, %v", names, err)
	}
	closeLog(t, l)
	checkpoint(t, reopen(t, path), "alice")
	if !bytes.HasPrefix(read(t, path), before) {
		t.Error("acknowledged records are gone")
	}
}

func TestCheckpointThatCannotBeKeptIsAFailure(t *testing.T) {
	l, path := newLog(t, 3)
	write(t, CheckpointDir(path), []byte("a file in the folder's place"))
	s, known := officer(t, "alice")
	signed, err := l.Checkpoint(bob, s)
	if err == nil || signed != nil {
		t.Fatalf("it was handed out: %v", err)
	}
	all := records(t, read(t, path))
	if last := all[len(all)-1]; last.Operation != LogCheckpoint || last.Outcome.Result != Failed {
		t.Errorf("recorded as %+v", last)
	}
	if err := os.Remove(CheckpointDir(path)); err != nil {
		t.Fatal(err)
	}
	signed = checkpoint(t, l, "alice")
	if rep := verified(t, read(t, path), Expect{Checkpoints: [][]byte{signed}, Officers: note.VerifierList(known)}); rep.Signed != 7 {
		t.Errorf("%d records signed", rep.Signed)
	}
}

func TestOfficerWhoSignsTwiceIsOneOfficer(t *testing.T) {
	l, _ := newLog(t, 2)
	s, known := officer(t, "alice")
	signed, err := l.Checkpoint(bob, s, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, names, err := OpenCheckpoint(signed, note.VerifierList(known), 1); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	if _, _, err := OpenCheckpoint(signed, note.VerifierList(known), 2); !fault.Is(err, fault.LogBroken) {
		t.Errorf("one officer, two asked for: %v", err)
	}
}
