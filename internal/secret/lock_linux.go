package secret

import "golang.org/x/sys/unix"

// hideFromDumps keeps the pages out of core dumps; Linux alone can do that by the page.
func hideFromDumps(mem []byte) { _ = unix.Madvise(mem, unix.MADV_DONTDUMP) }

// HardenProcess makes the process undumpable: no core file, no debugger of the same user.
func HardenProcess() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
