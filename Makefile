# opsdeck's make targets. `make demo` and `make test` are all that a newcomer needs.
SHELL := /bin/bash
.DEFAULT_GOAL := build
PREFIX ?= /usr/local
FUZZTIME ?= 30s
BENCH ?= .
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
VHS := github.com/charmbracelet/vhs@v0.10.0

# PURE are packages that only compute: no goroutine, channel or atomic in them or in the types that they use (a test of
# internal/arch looks): else the linker may take their copy of a generic atomic, which the race detector does not see.
PURE := compress/flate regexp regexp/syntax strconv unicode/utf8 github.com/alecthomas/kong github.com/charmbracelet/x/ansi \
	github.com/klauspost/compress/flate github.com/rivo/uniseg opsdeck/internal/cells opsdeck/internal/jsontext \
	opsdeck/internal/rowgzip opsdeck/internal/termsafe opsdeck/ops/mysql/sqlscan
RACEFLAGS := -race $(foreach package,$(PURE),-gcflags=$(package)=-race=false)

VERSION ?= $(shell git describe --tags --dirty 2>/dev/null || echo dev)
COMMIT := $(shell git rev-parse HEAD 2>/dev/null)
DATE := $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS := -s -w -X opsdeck/internal/version.version=$(VERSION) -X opsdeck/internal/version.commit=$(COMMIT) -X opsdeck/internal/version.date=$(DATE)
BUILD := CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)'
# ASBUILT is before a command that compiles: it then takes what make build has compiled, and compiles nothing twice.
ASBUILT := CGO_ENABLED=0 GOFLAGS='$(GOFLAGS) -trimpath'

.PHONY: demo test race quick lint bench compare torture race-flags fuzz build build-demo install release screens clean

demo: build build-demo ## the console on a living world in a temporary folder; nothing but Go is needed
	@bin/opsdeck-demo --opsdeck bin/opsdeck

test: ## everything, against real MySQL, MariaDB, Redis, PM2 and sshd
	@.ci/install-real
	@RACE='$(RACEFLAGS)' .ci/test

race: ## everything, all of it under the race detector
	@.ci/install-real
	GORACE=atexit_sleep_ms=0 go test $(RACEFLAGS) -p 3 -parallel 4 -timeout 90m ./...

quick: ## tests that need no server, for the inner loop
	go test $$(go list ./internal/... | grep -v /testdb$$) ./tui/... ./ops ./ops/audit ./ops/backup ./ops/doctor ./ops/health/... ./ops/logs/... ./ops/restore ./ops/watch ./ops/mysql/sqlscan

lint:
	@unformatted=$$(gofmt -l cmd tui ops internal); [ -z "$$unformatted" ] || { echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; }
	@mkdir -p bin
	GOBIN=$(CURDIR)/bin go install $(STATICCHECK)
	$(ASBUILT) go vet ./...
	cd cmd/opsdeck-demo && $(ASBUILT) go vet ./...
	$(ASBUILT) bin/staticcheck ./...
	cd cmd/opsdeck-demo && $(ASBUILT) ../../bin/staticcheck ./...
	go run $(VHS) validate demo.tape

bench: ## every benchmark that needs no server; BENCH=regexp chooses
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

compare: ## ours against the old way and its peers, into testdata/compare/README.md; RACE=list names the races
	@.ci/compare

torture: ## the tests of faults for an hour, each round with a seed of its own; SEED, ROUND, ROUNDS, MINUTES
	@.ci/torture

race-flags:
	@echo '$(RACEFLAGS)'

fuzz: ## every fuzz target for FUZZTIME
	@.ci/fuzz $(FUZZTIME)

build:
	@mkdir -p bin
	$(BUILD) -o bin/opsdeck ./cmd/opsdeck

build-demo:
	@mkdir -p bin
	cd cmd/opsdeck-demo && $(BUILD) -o ../../bin/opsdeck-demo .

install: ## the program and its man page below PREFIX; as root, after make build, no Go is needed
	@[ -x bin/opsdeck ] || $(MAKE) --no-print-directory build
	install -D -m 755 bin/opsdeck $(DESTDIR)$(PREFIX)/bin/opsdeck
	bin/opsdeck man >bin/opsdeck.1
	install -D -m 644 bin/opsdeck.1 $(DESTDIR)$(PREFIX)/share/man/man1/opsdeck.1

release: ## binaries, .deb and .rpm of each platform with SBOM, licences and checksums, in dist/
	@BUILD="$(BUILD)" VERSION='$(VERSION)' DATE='$(DATE)' .ci/release

screens: ## pictures of the five tabs and of demo.tape, from the running program, into .github/screens; demo.gif where vhs runs
	cd cmd/opsdeck-demo && OPSDECK_SCREENS=$(CURDIR)/.github/screens go test -count=1 -timeout 20m -run '^(TestScreens|TestFilm)$$' .
	@if command -v ttyd >/dev/null && command -v ffmpeg >/dev/null; then $(MAKE) --no-print-directory build build-demo && go run $(VHS) demo.tape; else echo 'no demo.gif: ttyd and ffmpeg are not here'; fi

clean:
	rm -rf bin dist
