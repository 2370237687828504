//go:build !race

package main

// manyCeremonies plays every template in every language.
const manyCeremonies = true
