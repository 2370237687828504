// Package testpg runs a real PostgreSQL for the tests of a process: a cluster of its own in a temporary folder, reached
// through a socket there. It is for tests only.
package testpg
