//go:build js && wasm

package main

import (
	"idbvault/jsbridge"
	"idbvault/jsbridge/subtle"
	"idbvault/vault"
)

// Calls on the rotation of a vault's keys. Item 0 and the payloads are as in keys.go.

// pushRotation gives where a rotation stands: phase, from, to, started, whether names change, the number of records, the vault's
// channel, how many slots were lost and each of them, and labels and handles of new keys.
func pushRotation(c *jsbridge.Call, v *vault.Vault, r *vault.Rotation, err error) error {
	if err != nil {
		return err
	}
	n, err := v.CountAll(c)
	if err != nil {
		return err
	}
	channel, err := v.Channel(c)
	if err != nil {
		return err
	}
	c.Push(int(r.Phase))
	c.Push(float64(r.From))
	c.Push(float64(r.To))
	c.Push(float64(r.Started))
	c.Push(r.Renames)
	c.Push(n)
	c.Push(channel)
	c.Push(len(r.Lost))
	for _, s := range r.Lost {
		c.Push(float64(s.ID))
		c.Push(int(s.Kind))
		c.Push(int(s.Iterations))
	}
	for _, k := range r.New {
		c.Push(k.Label)
		c.Push(subtleKey(k.Key).In(c))
	}
	return nil
}

//go:wasmexport rotation
func rotation(call int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error {
		r, err := v.Rotation(c)
		return pushRotation(c, v, r, err)
	})
}

// beginRotation begins or goes on with a rotation, with a new secret where fresh is set.
//
//go:wasmexport beginRotation
func beginRotation(call, fresh int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error {
		var next *vault.NewSecret
		if fresh != 0 {
			n := newSecret(c, 0)
			next = &n
		}
		r, err := v.BeginRotation(c, subtle.InSlot(c, 0), next)
		return pushRotation(c, v, r, err)
	})
}

//go:wasmexport takeKeys
func takeKeys(call int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error {
		r, err := v.TakeKeys(c, subtle.InSlot(c, 0))
		return pushRotation(c, v, r, err)
	})
}

//go:wasmexport rollBack
func rollBack(call int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error {
		r, err := v.RollBack(c, subtle.InSlot(c, 0))
		return pushRotation(c, v, r, err)
	})
}

// step goes on with a pass, or begins one. Results: whether it was the last step, how many records changed, how many counts come,
// class, epoch, records and bytes of each, and store and stored name of each record that can't be read.
//
//go:wasmexport step
func step(call, pass, begin int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error {
		s, err := v.Step(c, vault.Pass(pass), begin != 0)
		if err != nil {
			return err
		}
		c.Push(s.Last)
		c.Push(s.Changed)
		c.Push(len(s.Counts))
		for i := range s.Counts {
			n := &s.Counts[i]
			c.Push(n.Class.String())
			c.Push(float64(n.Epoch))
			c.Push(n.Records)
			c.Push(n.Bytes)
		}
		for _, u := range s.Unreadable {
			c.Push(u.Store)
			c.Push(u.ID())
		}
		return nil
	})
}

//go:wasmexport endPass
func endPass(call int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error { return v.EndPass(c) })
}

//go:wasmexport finish
func finish(call int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error { return v.Finish(c, subtle.InSlot(c, 0)) })
}

// rekey takes what another page told of a rotation. The payloads are labels and handles of keys, by turns.
//
//go:wasmexport rekey
func rekey(call int32) {
	database := taken(call)[0].Name
	jsbridge.Start(call, func(c *jsbridge.Call) error {
		var keys []vault.NewKey
		for i := jsbridge.Ref(0); c.Value(i).Truthy(); i += 2 {
			keys = append(keys, vault.NewKey{Label: c.Value(i).String(), Key: subtle.InSlot(c, i+1)})
		}
		if err := vaults.Rekey(c, database, keys); err != nil {
			return err
		}
		c.Done()
		return nil
	})
}
