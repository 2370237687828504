package host

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func TestLookFindsOutSomethingEverywhereAndTakesNoTime(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	f := Look(Options{Disks: []string{dir, filepath.Join(dir, "not", "there")}, Files: []string{dir}, Now: time.Now()})
	if took := time.Since(began); took > 200*time.Millisecond { // a few milliseconds, on a machine that does nothing else
		t.Errorf("it took %s", took)
	}
	if f.System != runtime.GOOS || !f.Networks.Known || !f.ClockCredits.Known || !f.Lockable.Known {
		t.Errorf("%+v", f)
	}
	if len(f.Disks) != 2 || len(f.Files) != 1 || !Is(f.Files[0].There, true) || !f.Files[0].Folder {
		t.Errorf("%+v %+v", f.Disks, f.Files)
	}
	if runtime.GOOS == "linux" && (!f.CoreLimit.Known || !f.Dumpable.Known || !f.Swaps.Known || !f.ASLR.Known ||
		!f.Umask.Known || !f.ClockSynced.Known || !f.Traced.Known || !f.Disks[1].Free.Known) {
		t.Errorf("%+v", f)
	}
}

func TestAFactThatIsNotKnownIsNothing(t *testing.T) {
	for _, is := range []bool{Is(Fact[bool]{}, false), Is(Fact[bool]{Value: true}, true), Is(Fact[bool]{Known: true}, true)} {
		if is {
			t.Error("a fact is what it is not")
		}
	}
	if !Is(Fact[int]{Value: 2, Known: true}, 2) {
		t.Error("a fact is not what it is")
	}
}

func TestAClockIsCredibleBetweenTheProgramAndItsEnd(t *testing.T) {
	for when, want := range map[time.Time]bool{
		Earliest().Add(-time.Second): false, Earliest(): true, Earliest().AddDate(49, 0, 0): true, Earliest().AddDate(50, 0, 0): false,
	} {
		if !Is(credible(when), want) {
			t.Errorf("%s: %+v", when, credible(when))
		}
	}
	if credible(time.Time{}).Known {
		t.Error("no clock is known to be right or wrong")
	}
}

// TestCoreDumpsArePutTogether: a process that may not be dumped is not, whatever the limit; a pipe ignores the limit.
func TestCoreDumpsArePutTogether(t *testing.T) {
	no, yes := known(false, ""), known(true, "")
	file, pipe := known("", ""), known("/usr/lib/systemd/systemd-coredump", "")
	for name, c := range map[string]struct {
		f    Facts
		want Fact[bool]
	}{
		"undumpable":      {Facts{Dumpable: no, CoreLimit: known[uint64](Unlimited, ""), CorePiped: pipe}, no},
		"limit":           {Facts{Dumpable: yes, CoreLimit: known[uint64](0, ""), CorePiped: file}, no},
		"limit, pipe":     {Facts{Dumpable: yes, CoreLimit: known[uint64](0, ""), CorePiped: pipe}, yes},
		"no limit":        {Facts{Dumpable: yes, CoreLimit: known[uint64](1024, ""), CorePiped: file}, yes},
		"limit not known": {Facts{Dumpable: yes}, Fact[bool]{}},
		"pipe not known":  {Facts{System: "linux", Dumpable: yes, CoreLimit: known[uint64](0, "")}, Fact[bool]{}},
		"macOS, limit":    {Facts{System: "darwin", CoreLimit: known[uint64](0, "")}, no},
		"macOS, no limit": {Facts{System: "darwin", CoreLimit: known[uint64](1, "")}, yes},
	} {
		if got := coreDumps(c.f); got.Known != c.want.Known || got.Value != c.want.Value {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestTracingIsPutTogether(t *testing.T) {
	no, yes := known(false, ""), known(true, "")
	for name, c := range map[string]struct {
		f    Facts
		want Fact[bool]
	}{
		"undumpable":        {Facts{Dumpable: no, PtraceScope: known(0, "")}, no},
		"scope 1":           {Facts{Dumpable: yes, PtraceScope: known(1, "")}, no},
		"scope 0":           {Facts{Dumpable: yes, PtraceScope: known(0, "")}, yes},
		"nothing is known":  {Facts{}, Fact[bool]{}},
		"dumpable, no yama": {Facts{Dumpable: yes}, Fact[bool]{}},
	} {
		if got := traceable(c.f); got.Known != c.want.Known || got.Value != c.want.Value {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestModesTellWhoCanReachAFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		if f := FileOf(t.TempDir()); f.OthersWrite.Known {
			t.Errorf("Windows has no modes: %+v", f)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "store.db")
	if f := FileOf(path); !Is(f.There, false) || f.OthersRead.Known {
		t.Errorf("a file that is not there: %+v", f)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[fs.FileMode][3]bool{ // read, write, written by anyone
		0o600: {false, false, false}, 0o640: {true, false, false}, 0o604: {true, false, false}, 0o620: {false, true, false},
		0o602: {false, true, true}, 0o666: {true, true, true}, 0o755: {true, false, false}, 0o700: {false, false, false},
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		f := FileOf(path)
		if !Is(f.OthersRead, want[0]) || !Is(f.OthersWrite, want[1]) || !Is(f.AnyoneWrite, want[2]) || !Is(f.Own, true) || f.Folder {
			t.Errorf("%04o: %+v", mode, f)
		}
		if want := "mode " + octal(mode); f.OthersRead.How != want {
			t.Errorf("%04o: found by %s", mode, f.OthersRead.How)
		}
	}
	if octal(0o640) != "0640" || octal(0o777) != "0777" || octal(0) != "0000" {
		t.Errorf("%s %s %s", octal(0o640), octal(0o777), octal(0))
	}
}
