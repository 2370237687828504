// Package agent holds a store's master key in a process of its own, and is where dual control is decided.
package agent
