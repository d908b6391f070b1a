//go:build js && wasm

package main

import (
	"idbvault/jsbridge"
	"idbvault/vault"
)

// evicted gives what was evicted of the vault of the database whose name is item 0's, and was not given yet. Results: the name of the
// vault's channel, and store and name of each record; an empty name stands for those whose names are not known.
//
//go:wasmexport evicted
func evicted(call int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error {
		channel, err := v.Channel(c)
		if err != nil {
			return err
		}
		c.Push(channel)
		pushNames(c, v.TakeEvicted())
		return nil
	})
}

// pushNames gives store and name of each record.
func pushNames(c *jsbridge.Call, list []vault.Name) {
	for _, n := range list {
		c.Push(n.Store)
		c.Push(n.Name)
	}
}
