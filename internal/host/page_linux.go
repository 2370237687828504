package host

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"unsafe"
)

// PageOf looks at the memory that some bytes lie in, by the flags that the kernel gives: lo is locked, dd not dumped.
func PageOf(mem []byte) Page {
	const name = "/proc/self/smaps"
	if len(mem) == 0 {
		return Page{Locked: unknown[bool](name), Dumped: unknown[bool](name)}
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(mem))) //nolint:gosec // G103: an address to compare, never followed
	flags, err := flagsAt(name, at)
	if err != nil {
		return Page{Locked: unknown[bool](reason(err)), Dumped: unknown[bool](reason(err))}
	}
	return Page{Locked: known(slices.Contains(flags, "lo"), name), Dumped: known(!slices.Contains(flags, "dd"), name)}
}

func flagsAt(name string, at uintptr) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var from, to uintptr
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
			inside = at >= from && at < to
		}
		if flags, ok := strings.CutPrefix(lines.Text(), "VmFlags:"); ok && inside {
			return strings.Fields(flags), nil
		}
	}
	return nil, os.ErrNotExist
}
