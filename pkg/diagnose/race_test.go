//go:build race

package diagnose_test

// raced says that the race detector runs, which makes DES slow: tests then take fewer keys.
const raced = true
