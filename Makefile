# Everything a developer types. `make help` lists it; `make run` and `make test` set up what they need.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

MODULE  := github.com/gantry-ai/gantry
BINARY  := bin/gantry
RESULTS := bin/test

# `go test` options, for a narrower run: make race PACKAGES=./internal/relay/...
PACKAGES ?= ./...
# How many times `make soak` runs every Go test.
SOAK_COUNT ?= 10
# Which lists `make bench-lists` measures; all unless set.
LISTS ?=
# How long `make fuzz` runs each target.
FUZZTIME ?= 30s
# Arguments of `gantry serve`, e.g. make run ARGS="--addr 127.0.0.1:9000"
ARGS ?=

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT  := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X $(MODULE)/internal/cli.Version=$(VERSION) -X $(MODULE)/internal/cli.Commit=$(COMMIT)

# Each tool has a module of its own: golangci-lint 2.15.0, gotestsum 1.13.0, gofumpt 0.12.0, oapi-codegen 2.8.2.
tool = go tool -modfile=$(CURDIR)/tools/$(1)/go.mod $(1)

# Without Node the program is built without the console; everything else is the same.
NODE := $(shell command -v npm 2>/dev/null)
TAGS := $(if $(NODE),,noconsole)

CONSOLE_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)
NODE_MODULES    := web/node_modules/.package-lock.json
E2E_MODULES     := e2e/node_modules/.package-lock.json
SDK_MODULES     := e2e/conformance/node/node_modules/.package-lock.json
CONSOLE         := $(if $(NODE),web/dist/index.html)

.PHONY: help
help: ## List what can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

.PHONY: run
run: build ## Build everything and start Gantry (ARGS="--addr …")
	./$(BINARY) serve $(ARGS)

.PHONY: build
build: $(CONSOLE) ## Build bin/gantry, with the console inside when Node is there
	@$(if $(NODE),,echo "npm not found: building without the web console (apt-get install nodejs npm brings it)")
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o $(BINARY) ./cmd/gantry

$(NODE_MODULES): web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

$(E2E_MODULES): e2e/package.json e2e/package-lock.json
	cd e2e && npm ci --no-audit --no-fund
	@touch $@

$(SDK_MODULES): e2e/conformance/node/package.json e2e/conformance/node/package-lock.json
	cd e2e/conformance/node && npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

web/dist/index.html: $(NODE_MODULES) $(CONSOLE_SOURCES)
	cd web && npm run build
	@touch $@ web/dist/.keep

.PHONY: test
test: need ## The whole check: lint, freshness, Go on both databases with the race detector, console, browser
	@rm -rf $(RESULTS)
	@$(MAKE) lint
	@$(MAKE) verify
	@$(MAKE) race
	@$(MAKE) web-test
	@$(MAKE) e2e
	@tools/totals $(RESULTS)

.PHONY: need
need:
	@tools/need cc node postgres chromium redis

.PHONY: race
race: $(CONSOLE) $(if $(NODE),$(E2E_MODULES) $(SDK_MODULES)) ## Go tests on both databases with the race detector (PACKAGES=./internal/relay/...)
	@tools/need cc node postgres redis
	@mkdir -p $(RESULTS)
	$(call tool,gotestsum) --format pkgname-and-test-fails --jsonfile $(RESULTS)/go.json -- \
		-race -shuffle=on -timeout 45m $(PACKAGES)

.PHONY: web-test
web-test: $(CONSOLE) ## Console: types, lint, format, unit tests, size budget
	@tools/need node
	@mkdir -p $(RESULTS)
	cd web && npm run typecheck && npm run lint && npm run format:check
	cd web && npm test -- --reporter=default --reporter=junit --outputFile.junit=../$(RESULTS)/web.xml
	cd web && npm run budget

.PHONY: e2e
e2e: build $(E2E_MODULES) ## The journey of a person through the real program in Chromium
	@tools/need node chromium
	@mkdir -p $(RESULTS)
	E2E_GANTRY=$(CURDIR)/$(BINARY) node e2e/run.mjs 2>&1 | tee $(RESULTS)/e2e.log

.PHONY: hostile
hostile: ## Bad inputs against the real program, and the outcome that each must have (CASES=file of the same format)
	@mkdir -p $(RESULTS)
	HOSTILE_CASES=$(if $(CASES),$(abspath $(CASES))) HOSTILE_REPORT=$(CURDIR)/$(RESULTS)/hostile.txt \
		go test -count=1 -run TestHostileInputs ./e2e || { cat $(RESULTS)/hostile.txt; exit 1; }
	@cat $(RESULTS)/hostile.txt

.PHONY: conformance
conformance: $(SDK_MODULES) ## Official SDKs talk to every family of upstreams; docs/conformance.md says how it went
	@tools/need node
	go test -count=1 -run TestConformance ./e2e -write

.PHONY: lint
lint: ## Lint and format check of the Go code
	$(call tool,golangci-lint) run

.PHONY: fmt
fmt: ## Format Go and console sources
	$(call tool,gofumpt) -w cmd internal $(wildcard web/*.go)
	$(call tool,golangci-lint) fmt
	$(if $(NODE),cd web && npm run format)

.PHONY: generate
generate: $(if $(NODE),$(NODE_MODULES)) ## Write everything that is generated: contract models, console types, docs/configuration.md
	go generate ./...
	$(if $(NODE),cd web && npm run generate)
	go run -tags '$(TAGS)' ./cmd/gantry config doc > docs/configuration.md.new
	mv docs/configuration.md.new docs/configuration.md

.PHONY: verify
verify: ## Prove that everything generated is fresh
	@tools/need node
	tools/verify

.PHONY: bench
bench: build ## What a relayed request costs, beside a bare reverse proxy; then the Go benchmarks (PACKAGES=./internal/relay/...)
	go build -o bin/bench ./e2e/bench
	go build -tags nosink -o bin/gantry-nosink ./cmd/gantry
	bin/bench -gantry $(BINARY) -path bin/gantry-nosink
	go test -run '^$$' -bench . -skip BenchmarkLists -benchmem $(PACKAGES)

.PHONY: bench-lists
bench-lists: ## p95 of every list over a million calls and transfers, on both databases (LISTS=postgres/tasks/big)
	@tools/need postgres
	go test -run '^$$' -bench 'BenchmarkLists/$(LISTS)' -benchtime 1x -timeout 30m ./internal/store

.PHONY: soak
soak: ## Every Go test in its long form, SOAK_COUNT times, shuffled: finds what fails one time in many
	@tools/need cc postgres redis
	GANTRY_SOAK=1 $(call tool,gotestsum) --format dots -- -race -shuffle=on -count=$(SOAK_COUNT) -timeout 4h $(PACKAGES)

.PHONY: fuzz
fuzz: ## Every fuzz target for FUZZTIME, one after another; stops at the first finding (FUZZTIME=5m)
	FUZZTIME=$(FUZZTIME) tools/fuzz

.PHONY: clean
clean: ## Remove what was built; data/ stays
	rm -rf bin coverage web/node_modules e2e/node_modules
	find web/dist -mindepth 1 -not -name .keep -delete 2>/dev/null || true
