module idbvault

go 1.26.0

require (
	golang.org/x/crypto v0.58.0
	honnef.co/go/js/dom/v2 v2.0.0-20250304181735-b5e52f05e89d
)

require github.com/syumai/workers v0.33.0 // indirect

tool github.com/syumai/workers/cmd/workers-assets-gen
