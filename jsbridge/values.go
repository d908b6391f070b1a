//go:build js && wasm

package jsbridge

import "syscall/js"

// Ref is a value in the slot of a call, by its place: a payload, or what came of a step. The value stays in JavaScript, where
// it goes when the call ends; no js.Value is made for it. Places below NoRef are of what the page keeps, for every call.
type Ref int32

// NoRef is no value.
const NoRef Ref = -1

// HostFunction returns one of the shim's bound functions. A package asks for its own when the program starts.
func HostFunction(name string) js.Value { return js.Global().Get("idbvaultHost").Get(name) }

// IsKept reports whether the value is one that the page keeps.
func (r Ref) IsKept() bool { return r < NoRef }

// ID is the number by which the shim's functions know the call.
func (c *Call) ID() int32 { return c.id }

// Ref adds a value to the call's slot.
func (c *Call) Ref(v js.Value) Ref { return Ref(host.add.Invoke(c.id, v).Int()) }

// Value returns a value of the call's slot, and undefined for none.
func (c *Call) Value(r Ref) js.Value { return host.at.Invoke(c.id, int32(r)) }

// Front copies up to n bytes of a buffer or a view, from offset on. Of any other value there are none.
func (c *Call) Front(r Ref, offset, n int) []byte {
	n = int(stepFront(c.id, int32(r), int32(offset), int32(min(n, PageSize))))
	return append([]byte(nil), Page[:n]...)
}

// Size returns the length in bytes of a buffer or a view, and 0 for any other value.
func (c *Call) Size(r Ref) int { return int(stepSize(c.id, int32(r))) }

// Mark returns the place that the next value of the call's slot would have.
func (c *Call) Mark() Ref { return c.Ref(js.Undefined()) }

// Release lets go of the values that the call met since a Mark.
func (c *Call) Release(mark Ref) {
	for r, end := mark, c.Mark(); r < end; r++ {
		c.Discard(r)
	}
}

// Threw is what a step returns that threw.
const Threw = -2

// Exception returns what the latest step threw.
func (c *Call) Exception() error { return c.exception() }

// Step waits until the promises of a step, or its requests, have ended.
func (c *Call) Step() error {
	if c.wait() {
		return nil
	}
	return c.exception()
}

// Payloads waits until those of the call's payloads that are promises have resolved.
func (c *Call) Payloads() error {
	host.payloads.Invoke(c.id)
	if c.wait() {
		return nil
	}
	return &Thrown{host.value.Invoke(c.id)}
}

// Apply calls the function that is payload f with the bytes of a value from offset on, or with null for NoRef, and waits for
// what it returns.
func (c *Call) Apply(f, r Ref, offset int) (js.Value, error) {
	host.apply.Invoke(c.id, int32(f), int32(r), offset)
	if c.wait() {
		return host.value.Invoke(c.id), nil
	}
	return js.Undefined(), &Thrown{host.value.Invoke(c.id)}
}

// Push adds a primitive value to the call's results.
func (c *Call) Push(x any) { host.push.Invoke(c.id, x) }

// PushBytes adds { bytes, kind, type } to the call's results: a view of a value's bytes from offset on, the number of its
// kind and its content type.
func (c *Call) PushBytes(r Ref, offset, kind int, contentType string) {
	copy(Page[:], contentType)
	stepPushBytes(c.id, int32(r), int32(offset), int32(kind), int32(len(contentType)))
}

// PushError adds an error to the call's results: the caller's error for one of several things that it asked for.
func (c *Call) PushError(err error) {
	code, message := Describe(err)
	host.pushError.Invoke(c.id, code, message)
}
