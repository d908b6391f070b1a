//go:build js && wasm

package jsbridge

// Held is the place of a buffer that this instance holds beyond a call. Go gives the places out, and again.
type Held int32

var (
	freed []Held
	held  Held // places that were given out at least once
)

//go:wasmimport idbvault hold
func stepHold(call, ref, at int32) int32

//go:wasmimport idbvault recall
func stepRecall(call, at int32) int32

//go:wasmimport idbvault drop
func stepDrop(at int32)

// Hold keeps a copy of a buffer of the call's slot. Where there is no memory for it, it is not ok.
func (c *Call) Hold(r Ref) (at Held, ok bool) {
	at = held
	if n := len(freed); n > 0 {
		at, freed = freed[n-1], freed[:n-1]
	} else {
		held++
	}
	if stepHold(c.id, int32(r), int32(at)) == Threw {
		freed = append(freed, at)
		return 0, false
	}
	return at, true
}

// Recall adds a copy of what is held to the call's slot. Where there is no memory for it, it is not ok.
func (c *Call) Recall(at Held) (r Ref, ok bool) {
	r = Ref(stepRecall(c.id, int32(at)))
	return r, r != Threw
}

// Drop lets go of what is held.
func Drop(at Held) {
	stepDrop(int32(at))
	freed = append(freed, at)
}
