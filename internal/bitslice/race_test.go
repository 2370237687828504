//go:build race

package bitslice

// raced says that the race detector runs, which makes the search thirty times slower: tests then take fewer keys.
const raced = true
