package cli

// What somebody else said or wrote, as pages show it.

import (
	"poskey/internal/page"
	"poskey/internal/text"
)

// mostQuoted is in bytes: so much is shown of what somebody else said or wrote.
const mostQuoted = 360

// keyless is what somebody said, wrote or pasted, without anything that looks like a key: as the evidence has it.
func keyless(s string) string {
	s, _ = text.Hide(s)
	return s
}

// quoted is what somebody else said or wrote, with an end.
func quoted(s string) string { return page.Quoted(s, mostQuoted) }
