# Two commands do all the set-up on a fresh machine: `make demo` runs the demo, `make test` runs the tests.

# Go's newer garbage collector costs 8 KB of brotli in the module and cannot be felt in the browser.
WASM_GO    = GOOS=js GOARCH=wasm GOEXPERIMENT=nogreenteagc go
WASM_FLAGS = -trimpath -ldflags="-s -w" -gcflags=idbvault/envelope=-l # inlined, it takes 11 KB of brotli more
NODE_GO    = GOOS=js GOARCH=wasm go
GOFUMPT     = go run mvdan.cc/gofumpt@v0.12.0
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: demo build test test-packages test-crash bench bench-quick lint size npm browsers

demo: build
	node scripts/demo.mjs
	node scripts/serve.mjs

build: npm
	$(WASM_GO) build $(WASM_FLAGS) -o web/dist/idbvault.wasm ./wasm
	node scripts/pack.mjs web/dist/idbvault.wasm
	node scripts/build.mjs
	node scripts/check-loader.mjs

test: browsers lint build size
	node scripts/demo.mjs
	npx tsc -p test/types
	go test ./...
	go test -race -short ./vault ./envelope
	FUZZTIME=50000x scripts/fuzz.sh
	node --test test/reader/
	$(NODE_GO) test -exec="node $(CURDIR)/test/wasm/run-node.mjs" ./jsbridge/... ./idb
	npx playwright test

# Installs the packed package in fresh projects of the tools that applications are built with, from the registry.
test-packages: browsers build
	npx playwright test -c test/packages/playwright.config.ts

# Kills each browser 220 times, or IDBVAULT_KILLS times. It takes some 20 minutes.
test-crash: browsers build
	npx playwright test -c test/crash/playwright.config.ts

bench: browsers build
	node test/bench/run.mjs

bench-quick: browsers build
	node test/bench/run.mjs quick

lint: npm
	@test -z "$$($(GOFUMPT) -l . | tee /dev/stderr)"
	go vet ./...
	$(NODE_GO) vet ./...
	GOBIN=$(CURDIR)/build go install $(STATICCHECK)
	build/staticcheck ./...
	GOOS=js GOARCH=wasm build/staticcheck -checks inherit,-U1000 ./... # it takes what only go:wasmexport uses for unused
	npx biome check
	npx tsc -p .

size:
	node scripts/size.mjs

npm:
	scripts/install.sh

browsers:
	scripts/install.sh browsers
