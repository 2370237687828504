// Package testproc runs tests in a process of their own, where they may change limits and users, or be killed. It is for tests only.
package testproc
