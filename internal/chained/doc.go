// Package chained is what the house's chained records have in common: files of lines that only grow, one JSON object in
// each line, written in one way only and ending in a hash over its own bytes.
//
// It has the strings that may stand in a line, the writing and the strict reading of members, the hash at a line's end,
// and the small things about files that such a record needs. What a line says, and which line may follow which, is for
// the packages above (pkg/audit, pkg/ceremony/transcript).
package chained
