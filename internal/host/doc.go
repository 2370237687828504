// Package host looks at the machine that poskey runs on: memory, core dumps, swap, networks, who runs it, tracing, address
// space, disk, clock, permissions. It measures and judges nothing; what cannot be told is said to be unknown. It changes
// nothing.
//
// [Look] gives all [Facts] at once. A [Fact] has a value, whether that is known, and how it was found: a file of the
// system, a system call, or why it stays unknown. Those are names that an auditor can look up, so they are never
// translated. Linux tells nearly everything, macOS and FreeBSD some of it, other systems who runs the program and what
// networks are up.
//
// What it does not tell: the name of the machine and its kernel, which would name a site in a report; whether a drive
// encrypts by itself; what a hypervisor beneath does with memory and disks.
package host
