//go:build race

package main

// manyCeremonies: the race detector makes everything several times slower, so that few ceremonies are played under it.
const manyCeremonies = false
