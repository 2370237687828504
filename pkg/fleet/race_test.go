//go:build race

package fleet_test

// manyDevices is the size of the large runs: the race detector makes everything ten times slower.
const manyDevices = 150
