//go:build race

package slip_test

// raced says that the race detector runs, which makes the engine twenty times slower: tests then take fewer keys.
const raced = true
