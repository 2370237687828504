//go:build !race

package fleet_test

// manyDevices is the size of the large runs: two loads into each are 10,000.
const manyDevices = 5000
