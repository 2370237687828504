package incident

// Small things about words.

import "strings"

func join(all []string) string { return strings.Join(all, " ") }

// fold makes one of the ways in which a name is written: blanks and case do not tell people apart.
func fold(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }
