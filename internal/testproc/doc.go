// Package testproc runs tests in a process of their own, where they may change limits and users. It is for tests only.
package testproc
