//go:build js && wasm

package main

import (
	"idbvault/jsbridge"
	"idbvault/vault"
)

// Calls that delete what has expired, a step each. Payload 0 is where the step begins, or nothing. Results: where the next one begins,
// or null after the last, how many records were deleted, the name of the vault's channel, and store and name of each that is gone.

func pushPurged(c *jsbridge.Call, v *vault.Vault, step func(t vault.Task, from []byte) (*vault.Purged, error)) error {
	var from []byte
	if size := c.Size(0); size > 0 {
		from = c.Front(0, 0, size)
	}
	channel, err := v.Channel(c) // now, so that who listens hears of the deletion before any later write
	if err != nil {
		return err
	}
	p, err := step(c, from)
	if err != nil {
		return err
	}
	if p.Next != nil {
		c.Push(jsbridge.Bytes(p.Next))
	} else {
		c.Push(nil)
	}
	c.Push(p.Deleted)
	c.Push(channel)
	pushNames(c, p.Gone)
	return nil
}

//go:wasmexport purge
func purge(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, _ []vault.Item) error {
		return pushPurged(c, s.Vault, s.Purge)
	})
}

// sweep works on the vault of the database whose name is item 0's, where that is due for it.
//
//go:wasmexport sweep
func sweep(call int32) {
	database := taken(call)[0].Name
	jsbridge.Start(call, func(c *jsbridge.Call) error {
		v, err := vaults.Unlocked(c, database)
		if err == nil {
			err = pushPurged(c, v, v.Sweep)
		}
		if err == nil {
			c.Done()
		}
		return err
	})
}
