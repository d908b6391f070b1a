//go:build js && wasm

package main

import (
	"idbvault/jsbridge"
	"idbvault/vault"
)

// Calls that bring a record of another vault into a store. Times are Unix times in seconds: when it was written there, when it expires, or
// 0, and before which a record that has its name must have been written to make way. Result: 0 where that stayed, 1 where there was none,
// 2 where it made way.

// adopt writes item 0, whose value is payload 0.
//
//go:wasmexport adopt
func adopt(call, store int32, created, expires, before float64) {
	bringIn(call, store, created, expires, before, (*vault.Store).Adopt)
}

// adoptStream writes item 0, whose value payload 0 gives as setStream's does.
//
//go:wasmexport adoptStream
func adoptStream(call, store int32, created, expires, before float64) {
	bringIn(call, store, created, expires, before, func(s *vault.Store, t vault.Task, it *vault.Item) (vault.Outcome, error) {
		return s.AdoptStream(t, it, chunkSource(t.(*jsbridge.Call)))
	})
}

func bringIn(call, store int32, created, expires, before float64, write func(*vault.Store, vault.Task, *vault.Item) (vault.Outcome, error)) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		list[0].Origin = &vault.Origin{Created: uint64(created), Expires: uint64(expires), Before: uint64(before)}
		outcome, err := write(s, c, &list[0])
		c.Push(int(outcome))
		return err
	})
}
