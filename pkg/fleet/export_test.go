package fleet

// AtLeast is what decides whether chance explains equal check values.
func AtLeast(k int, mean float64) float64 { return atLeast(k, mean) }
