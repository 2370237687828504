//go:build race

package inject_test

// every is the step between cuts. With the race detector a case takes ten times as long; all bytes are for the runs without.
const every = 13
