//go:build js && wasm

package main

import (
	"idbvault/envelope"
	"idbvault/jsbridge"
	"idbvault/vault"
)

// update has the function that is payload 0 change item 0's record. The function gets the value's bytes, or null, and
// returns null to delete the record, or [kind, content type, bytes]. A class of 0, a context of no bytes and a ttl of 0 keep the
// record's own; one that is made without a class is confidential.
//
//go:wasmexport update
func update(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		asked := list[0]
		if err := vault.CheckClass(asked.Class); asked.Class != 0 && err != nil {
			return err
		}
		if err := vault.CheckTTL(asked.TTL); err != nil {
			return err
		}
		return s.Update(c, asked.Name, func(current vault.Value) (vault.Change, error) {
			value := jsbridge.NoRef
			if current.Found {
				value = blob(current.Data)
			}
			answer, err := c.Apply(0, value, current.Offset)
			if err != nil || answer.IsNull() {
				return vault.Change{Delete: true}, err
			}
			next := asked
			next.Kind = envelope.Kind(answer.Index(0).Int())
			next.ContentType = answer.Index(1).String()
			bytes := c.Ref(answer.Index(2))
			next.Value, next.Size = bytes, c.Size(bytes)
			if next.Class == 0 && current.Found {
				next.Class = current.Header.Class
			} else if next.Class == 0 {
				next.Class = envelope.Confidential
			}
			if len(next.Context) == 0 && current.Found {
				next.Context = current.Head.Context
			}
			return vault.Change{Item: next}, nil
		})
	})
}
