// Package host looks at the machine that poskey runs on: memory, core dumps, swap, networks, who runs it, tracing, address
// space, disk, clock, permissions. It measures and judges nothing; what cannot be told is said to be unknown. It changes
// nothing.
package host
