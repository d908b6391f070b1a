//go:build js && wasm

package main

import (
	"idbvault/envelope"
	"idbvault/jsbridge"
	"idbvault/jsbridge/subtle"
	"idbvault/vault"
)

// Calls on the keys of a vault that is unlocked on this page; item 0 is the database's name. Payloads 0 to 2 are a secret that
// opens a slot, 3 to 5 a new one: the PBKDF2 key, its fingerprint, whether it is random bytes.

func onKeys(call int32, run func(c *jsbridge.Call, v *vault.Vault) error) {
	jsbridge.Start(call, func(c *jsbridge.Call) error {
		v, err := vaults.Unlocked(c, taken(call)[0].Name)
		if err == nil {
			err = run(c, v)
		}
		if err == nil {
			c.Done()
		}
		return err
	})
}

func newSecret(c *jsbridge.Call, iterations int32) vault.NewSecret {
	return vault.NewSecret{
		Secret:       subtle.InSlot(c, 3),
		Fingerprint:  c.Front(4, 0, envelope.MACSize),
		RandomSecret: c.Value(5).Truthy(),
		Iterations:   uint32(iterations),
	}
}

//go:wasmexport changeSecret
func changeSecret(call, iterations int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error {
		return v.ChangeSecret(c, subtle.InSlot(c, 0), newSecret(c, iterations))
	})
}

// addSlot makes a slot of a kind. Result: its id.
//
//go:wasmexport addSlot
func addSlot(call, iterations, kind int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error {
		id, err := v.AddSlot(c, subtle.InSlot(c, 0), envelope.SlotKind(kind), newSecret(c, iterations))
		c.Push(float64(id))
		return err
	})
}

//go:wasmexport removeSlot
func removeSlot(call, id int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error {
		return v.RemoveSlot(c, subtle.InSlot(c, 0), uint32(id))
	})
}

// keyAges tells the age of the keys. Results: the epoch, and class, created, writes and due of each.
//
//go:wasmexport keyAges
func keyAges(call int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error {
		ages, epoch, err := v.KeyAges(c)
		c.Push(float64(epoch))
		for _, a := range ages {
			c.Push(a.Class.String())
			c.Push(float64(a.Created))
			c.Push(float64(a.Writes))
			c.Push(float64(a.Due))
		}
		return err
	})
}

// auditLog reads the log from a number on. Results: whether it is whole, the number of the first line, and event, epoch, time and
// count of each.
//
//go:wasmexport auditLog
func auditLog(call, since int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error {
		log, err := v.AuditLog(c, uint64(since))
		if err != nil {
			return err
		}
		c.Push(log.Intact)
		c.Push(float64(log.First))
		for i := range log.Lines {
			l := &log.Lines[i]
			c.Push(vault.Event(l.Event).String())
			c.Push(float64(l.Epoch))
			c.Push(float64(l.At))
			c.Push(float64(l.Count))
		}
		return nil
	})
}

// listSlots lists the slots. Results: id, kind and iterations of each.
//
//go:wasmexport listSlots
func listSlots(call int32) {
	onKeys(call, func(c *jsbridge.Call, v *vault.Vault) error {
		slots, err := v.Slots(c)
		for _, s := range slots {
			c.Push(float64(s.ID))
			c.Push(int(s.Kind))
			c.Push(int(s.Iterations))
		}
		return err
	})
}
