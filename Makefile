# poskey. `make test` installs what the tests need and runs them all; the other targets need Go alone.
GO          ?= go
FUZZTIME    ?= 30s
BENCHCOUNT  ?= 6
BIN         := bin/poskey
GOLANGCI    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BENCHSTAT   := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da

.PHONY: all build build-hsm test race deps lint fuzz bench docs golden sboxes release release-check cross clean

all: build

build: ## the binary: static, with nothing of this machine in it
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=auto -o $(BIN) ./cmd/poskey

build-hsm: ## the binary with PKCS#11: needs cgo, and is dynamic, since a token's module is a library of the system
	CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=auto -o $(BIN)-hsm ./cmd/poskey

# Packages that start no goroutines, in code or tests, and compute much: the race detector finds nothing in them and takes
# five times as long. internal/house holds that nothing in them starts any. Whoever hands functions to workers of others
# (pkg/diagnose: the progress of a search) does not belong here.
SEQUENTIAL  := pkg/ceremony pkg/ceremony/minutes scripts/release
# Tests that run the program as its users do, command by command, and nothing beside it. What these commands do is watched in
# cmd/poskey, so that here they only take time.
AS_USERS    := docs
# Libraries that compute, without detection of their own insides; all that poskey does with them stays watched. None may
# be here that has generic functions or tells others by atomics (go tool nm: sync/atomic): the linker keeps one copy of a
# generic function for all, so that poskey's own use would not be watched either, or races be seen where none are.
# modernc.org/sqlite/lib does use atomics, but for memory of its own outside of Go's, which is never watched.
UNWATCHED   := golang.org/x/crypto/argon2 modernc.org/sqlite/lib crypto/des crypto/internal/fips140/edwards25519/field
RACE         = -race $(UNWATCHED:%=-gcflags=%=-race=false)
CONCURRENT   = $(filter-out $(SEQUENTIAL:%=poskey/%) $(AS_USERS:%=poskey/%),$(shell $(GO) list ./...))

test: deps ## everything, in random order; with the race detector whatever has goroutines
	$(GO) vet ./...
	$(GO) test -shuffle=on $(SEQUENTIAL:%=./%) $(AS_USERS:%=./%)
	$(GO) test $(RACE) -shuffle=on -timeout 20m $(CONCURRENT)
	$(GO) test -run 'Whole|Planted|Chance|BruteForce' ./pkg/dukpt ./pkg/slip ./internal/bitslice # at full size; too slow under the race detector
	$(GO) test -run TenThousand ./pkg/fleet # 10,000 loads each; the same
	$(GO) test -run 'FaultsAreNamed|NothingIsProven' ./pkg/diagnose # the table of docs/diagnosis.md, 10,000 inputs; the same
	$(GO) test -run 'Template|Ceremony' ./cmd/poskey # every template in both languages, kills; the same

race: deps ## everything with the race detector in everything, libraries too; slow
	$(GO) test -race -shuffle=on -timeout 40m ./...

deps: ## what the tests need beside Go
	@sh scripts/test-deps.sh

lint:
	$(GO) run $(GOLANGCI) run ./...

fuzz: ## every fuzz target for FUZZTIME
	@GO="$(GO)" sh scripts/fuzz.sh $(FUZZTIME)

bench: ## benchmarks as ratios within one run; figures and method in docs/performance.md
	@GO="$(GO)" BENCHSTAT="$(BENCHSTAT)" sh scripts/bench.sh $(BENCHCOUNT)

docs: ## command reference from the commands themselves
	$(GO) run ./internal/docs docs/cli

golden: ## write the expected outputs of the scripts anew; look at the difference before you commit it
	UPDATE_GOLDEN=1 $(GO) test ./cmd/poskey

sboxes: ## the Go code of DES over many blocks at once, from the circuits in internal/bitslice/circuit
	$(GO) run ./internal/bitslice/roundgen internal/bitslice/round_gen.go

release: ## what people install, into dist/release: archives, packages, bills of materials, checksums; into dist what installs here
	@GO="$(GO)" $(GO) run ./scripts/release -out dist

release-check: ## the release twice from clean copies of the commit, compared byte for byte; then installed and tried
	@GO="$(GO)" $(GO) run ./scripts/release -check

cross: ## everything compiles for the other systems that releases are made for
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) build -o /dev/null ./cmd/poskey
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 $(GO) build -o /dev/null ./cmd/poskey
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -o /dev/null ./cmd/poskey

clean:
	rm -rf bin out dist
