//go:build !unix

package secret

import "errors"

func newChunk(int) (*chunk, error) {
	return nil, errors.New("lock memory for secrets: not supported on this system")
}

func freeChunk(*chunk) {}

// HardenProcess does nothing where there are no Unix limits.
func HardenProcess() error { return nil }
