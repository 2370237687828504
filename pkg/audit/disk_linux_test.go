package audit

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestFullDeviceIsAFailure lets the kernel say it: /dev/full has no room.
func TestFullDeviceIsAFailure(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	l, path := newLog(t, 1)
	closeLog(t, l)
	before := read(t, path)
	o := options(newClock())
	o.Sink = func(Sink) Sink { return full }
	if l, err = Open(path, testID, o); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Begin(generate("K")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	closeLog(t, l)
	if string(read(t, path)) != string(before) {
		t.Error("the log was changed")
	}
}

// TestFileIsOpenForAppendingOnly looks at what the kernel has: an attribute that lets the file grow and nothing else
// (chattr +a) must not be in the way.
func TestFileIsOpenForAppendingOnly(t *testing.T) {
	l, path := newLog(t, 1)
	closeLog(t, l)
	l = reopen(t, path)
	add(t, l, "K")
	handles, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, h := range handles {
		if to, err := os.Readlink("/proc/self/fd/" + h.Name()); err != nil || to != path {
			continue
		}
		seen++
		var flags uint64
		for line := range strings.Lines(string(read(t, "/proc/self/fdinfo/"+h.Name()))) {
			if value, ok := strings.CutPrefix(line, "flags:"); ok {
				if flags, err = strconv.ParseUint(strings.TrimSpace(value), 8, 64); err != nil {
					t.Fatal(err)
				}
			}
		}
		if mode := flags & syscall.O_ACCMODE; mode != syscall.O_RDONLY && flags&syscall.O_APPEND == 0 {
			t.Errorf("a handle with flags %o", flags)
		}
	}
	if seen != 2 {
		t.Errorf("%d handles", seen)
	}
}
