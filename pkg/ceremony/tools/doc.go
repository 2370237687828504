// Package tools is what a ceremony works with for real: the boundary and the inventory of a store (pkg/vault), or, for
// a key that no store keeps, a boundary that lives as long as the ceremony; the printer, the identity files and the
// devices are handed in.
//
// Every operation on the store is one of its own: admitted, recorded, done, its outcome recorded. A key that is made
// for the store lies there in pre-activation, where nothing can be protected with it, until the step that keeps it.
// What happens to parts goes into the ledger when it happens, under one operation that lasts as long as the ceremony.
//
// A key that the store keeps leaves it in no block under a key of the store before it is there: one boundary never sees
// the other's keys.
package tools
