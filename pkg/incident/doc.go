// Package incident keeps the record of what went wrong with keys, terminals, bags and people, and leads through the steps
// that the rules demand.
//
// # Record
//
// One file for each incident, poskey.incident/v1: lines of JSON that only grow, each ending in a hash over itself and
// chained to the line before (internal/chained), every line on the disk before anybody is told. It can be opened while the
// store is sealed: an incident does not wait for officers. It holds names, labels, serials and check values and no key.
// Whoever has the store open records the head of the file in the audit log, so that a rewritten file is found.
//
// # Life
//
//	open --> contained --> closed
//
// An incident is contained when every step of its kind that contains is done; it is closed when no step is left that is
// neither done nor skipped with a reason, by two different persons, and with at least one lesson or the statement that there
// is none. Nothing is taken back: what was wrong is put right by a later entry.
package incident
