package cli

// Lists put together for a page: what belongs under one heading stands where the first of it stood.

import "slices"

// grouped puts together what is alike, in the order of the first of each group.
func grouped[T any](all []T, alike func(a, b T) bool) [][]T {
	var groups [][]T
	for _, x := range all {
		i := slices.IndexFunc(groups, func(g []T) bool { return alike(g[0], x) })
		if i < 0 {
			groups, i = append(groups, nil), len(groups)
		}
		groups[i] = append(groups[i], x)
	}
	return groups
}
