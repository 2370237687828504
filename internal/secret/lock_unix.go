//go:build unix

package secret

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// newChunk maps n bytes and locks them. With an error and a chunk, the memory is there but not locked; with an error
// and no chunk, there is none.
func newChunk(n int) (*chunk, error) {
	mem, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("map memory for secrets: %w", err)
	}
	hideFromDumps(mem)
	if err := unix.Mlock(mem); err != nil {
		return &chunk{mem: mem}, fmt.Errorf("lock memory for secrets: %w", err)
	}
	return &chunk{mem: mem}, nil
}

func freeChunk(c *chunk) { _ = unix.Munmap(c.mem) }
