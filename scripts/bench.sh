#!/bin/sh
# Runs the benchmarks and compares them by ratio within this run: this hardware is noisy, ratios are not.
set -eu
go=${GO:-go}
count=${1:-5}
: "${BENCHSTAT:?run this by make bench}"
mkdir -p out
$go test ./pkg/keyblock -run '^$' -bench 'Wrap|Unwrap|BareCipher' -benchmem -count "$count" | tee out/bench-keyblock.txt
echo
echo "== medians, and key blocks against the bare cipher operations of the same block"
$go run ./scripts/ratio out/bench-keyblock.txt
echo
echo "== benchstat"
$go run "${BENCHSTAT:?}" out/bench-keyblock.txt
echo
echo "== start-up: poskey version against a Go hello-world"
CGO_ENABLED=0 $go build -trimpath -o out/poskey ./cmd/poskey
CGO_ENABLED=0 $go build -trimpath -o out/hello ./scripts/hello
$go run ./scripts/startup out/hello "out/poskey version" "out/poskey kcv compute --help"
echo
echo "== bulk: a million lines through --batch, whole runs on two cores (BULKLINES=N for another number)"
$go run ./scripts/bulk out/poskey "${BULKLINES:-1000000}"
