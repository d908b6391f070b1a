//go:build js && wasm

package idb_test

import (
	"testing"

	"idbvault/test/wasm/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
