//go:build !race

package bitslice

// raced says that the race detector does not run, so that tests may take all the keys that they want.
const raced = false
