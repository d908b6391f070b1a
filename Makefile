# make demo runs the demo, make test runs the tests; each installs what it needs.
GOWASM_ENV = GOOS=js GOARCH=wasm GOEXPERIMENT=nogreenteagc
GOFUMPT = go run mvdan.cc/gofumpt@v0.12.0
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: demo build test lint size install
