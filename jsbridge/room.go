//go:build js && wasm

package jsbridge

import "syscall/js"

// A call that goes on for long, over a value that is larger than memory, lets go of what it has seen.

//go:wasmimport idbvault discard
func stepDiscard(call, ref int32)

// Discard frees a buffer of the slot, whose place is empty from then on.
func (c *Call) Discard(r Ref) { stepDiscard(c.id, int32(r)) }

// Room adds a buffer of that size to the slot.
func (c *Call) Room(size int) (r Ref, err error) {
	defer func() {
		if failed := recover(); failed != nil {
			err = Recovered(failed)
		}
	}()
	return c.Ref(js.Global().Get("ArrayBuffer").New(size)), nil
}

// Fill copies a buffer to a place in one that Room made.
func (c *Call) Fill(room Ref, at int, r Ref) {
	bytes := js.Global().Get("Uint8Array")
	bytes.New(c.Value(room)).Call("set", bytes.New(c.Value(r)), at)
}
