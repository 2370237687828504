#!/bin/sh
# Runs every fuzz target of the module for the time given, one after the other; stops at the first crash.
set -eu
go=${GO:-go}
time=${1:-30s}
found=0
for package in $($go list ./...); do
	dir=$($go list -f '{{.Dir}}' "$package")
	for target in $(cat "$dir"/*_test.go 2>/dev/null | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p'); do
		found=$((found + 1))
		echo "== $package $target"
		$go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 5s
	done
done
[ "$found" -gt 0 ] || { echo "no fuzz targets found" >&2; exit 1; }
echo "$found fuzz targets, $time each"
