#!/bin/sh
# Runs the benchmarks and compares them by ratio within this run: this hardware is noisy, ratios are not.
set -eu
go=${GO:-go}
count=${1:-5}
: "${BENCHSTAT:?run this by make bench}"
mkdir -p out
missed=0
$go test ./pkg/keyblock -run '^$' -bench 'Wrap|Unwrap|BareCipher' -benchmem -count "$count" | tee out/bench-keyblock.txt
echo
echo "== medians, and key blocks against the bare cipher operations of the same block"
$go run ./scripts/ratio out/bench-keyblock.txt
echo
echo "== benchstat"
$go run "${BENCHSTAT:?}" out/bench-keyblock.txt
echo
echo "== goals of searches, DUKPT, the store, tokens and officers"
CGO_ENABLED=0 $go build -trimpath -o out/poskey ./cmd/poskey
$go test ./internal/bitslice -run '^$' -bench 'Kernel|Search3' -benchtime 9x | tee out/bench-goals.txt
$go test ./internal/bitslice -run '^$' -bench 'Cores' -benchtime 1x | tee -a out/bench-goals.txt
$go test ./pkg/slip -run '^$' -bench 'AESCores' -benchtime 3x | tee -a out/bench-goals.txt
$go test ./pkg/dukpt -run '^$' -bench 'IK' -benchmem -count "$count" | tee -a out/bench-goals.txt
$go test ./pkg/store -run '^$' -bench 'Insert' -benchtime 5x | tee -a out/bench-goals.txt
$go test ./pkg/store -run '^$' -bench 'Million' -benchtime 20x -timeout 30m | tee -a out/bench-goals.txt
$go test ./pkg/store -run '^$' -bench 'Numbers' -benchtime 3s | tee -a out/bench-goals.txt
$go test ./pkg/store -run '^$' -bench 'Journal' -benchtime 1x | tee -a out/bench-goals.txt
$go test ./pkg/fleet -run '^$' -bench 'FleetLoads/sqlite' -benchtime 8000x | tee -a out/bench-goals.txt
$go test ./pkg/fleet -run '^$' -bench 'FleetLoads/postgresql' -benchtime 8000x | tee -a out/bench-goals.txt
$go test ./pkg/device/emulator -run '^$' -bench 'Farm' -benchtime 10000x | tee -a out/bench-goals.txt
$go test ./pkg/hsm/pkcs11 -run '^$' -bench 'CheckValue' -count "$count" | tee -a out/bench-goals.txt
$go test ./pkg/custody -run '^$' -bench 'Unlock' -benchtime 5x | tee -a out/bench-goals.txt
$go run ./scripts/goals out/bench-goals.txt out/poskey || missed=1
echo
echo "== start-up: poskey version against a Go hello-world"
CGO_ENABLED=0 $go build -trimpath -o out/hello ./scripts/hello
$go run ./scripts/startup out/hello "out/poskey version" "out/poskey kcv compute --help"
echo
(umask 077 && echo CA5D92598DCA48CE8A4C76361A9269E9 >out/tmk.txt) # a TEST key: of the published vector of sign-ins
echo "== a look-up (must: 15 ms) and diagnoses without search (must: 100 ms), whole processes against poskey version"
$go run ./scripts/startup "out/poskey version" "out/poskey code 65223" "out/poskey code -313 --vendor pax" \
	"out/poskey diagnose kcv --alg tdes-128 --expected 8D0A74B8 --got 8D0A74" \
	"out/poskey diagnose message POS机显示密钥错误14" "out/poskey diagnose playbook key-error-14" \
	"out/poskey diagnose signin --code 003 --tmk file:out/tmk.txt --field62 6701EAD6A9AD51E51AA406E2C27FCFA98D0A74B8B651F9E9BACE9AE10000000000000000AB7153CA"
echo
echo "== bulk: a million lines through --batch, whole runs on two cores (BULKLINES=N for another number)"
$go run ./scripts/bulk out/poskey "${BULKLINES:-1000000}"
exit $missed
