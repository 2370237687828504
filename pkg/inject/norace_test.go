//go:build !race

package inject_test

// every is the step between cuts: each byte is one.
const every = 1
