//go:build js && wasm

// Command wasm is the core of idbvault: it wires SubtleCrypto and IndexedDB into the vault, exports the calls of the API,
// and waits. web/src/loader.ts starts it.
package main

import (
	"idbvault/jsbridge"
	"idbvault/vault"
)

func main() {
	jsbridge.Describe = describe
	select {}
}

// describe gives the caller the code and the sentence of an error. What is not in the error table is not told in detail,
// since a browser's message may hold a name.
func describe(err error) (code, message string) {
	switch e := err.(type) {
	case *vault.Error:
		return e.Code, e.Message
	case *jsbridge.Exception:
		return vault.ErrStorage.Code, vault.ErrStorage.Message + " (" + e.Name + ")"
	}
	return vault.ErrInternal.Code, vault.ErrInternal.Message
}
