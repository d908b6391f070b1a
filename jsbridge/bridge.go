//go:build js && wasm

// Package jsbridge is the way between Go and the page: the table of calls in flight, the shared page of memory, the one
// place where Go waits for JavaScript and the one place where a panic is caught.
//
// A call has a number. JavaScript keeps what belongs to it (payloads, resolve and reject) in a slot of that number; the
// two sides cross with integers only, and small bytes go through the shared page. Every wait ends in the export settle.
// The other half is web/src/host.ts.
package jsbridge

import (
	"runtime"
	"syscall/js"
	"unsafe"
)

// PageSize is the size in bytes of the shared page. A name, a content type and a context fit, and so does the typed
// encoding of the largest context (4.5 bytes for one of its text).
const PageSize = 512 << 10

// Page is shared with JavaScript. What one side writes is valid until the next crossing only: the other side reads it at
// once.
var Page [PageSize]byte

//go:wasmexport page
func exportPage() unsafe.Pointer { return unsafe.Pointer(&Page[0]) }

// Call is one call from JavaScript in flight.
type Call struct {
	id      int32
	status  int32 // what JavaScript settled the latest wait with
	routine *routine
}

var calls []*Call

func lookup(id int32) *Call {
	for int(id) >= len(calls) {
		calls = append(calls, &Call{id: int32(len(calls))})
	}
	return calls[id]
}

// ready are the calls that may go on. An export returns when there is none: JavaScript must not go on before, since a
// transaction would end, and nothing runs in Go while JavaScript does.
var ready []*Call

func drain() {
	for len(ready) > 0 {
		c := ready[0]
		ready = append(ready[:0], ready[1:]...)
		c.routine.resume()
	}
	if drained++; drained%16 == 0 {
		runtime.Gosched()
	}
}

// drained counts the turns of JavaScript that went on with calls. Nothing that a call waits for lets Go's scheduler run, and
// with it the collector's own goroutine. Who allocates helps the collector, but may be excused from it before the work is
// done: the heap was seen to grow to nine times its goal, on a busy machine, before a collection ended.
var drained uint

// Start, which is for exports and not for calls, carries out a call and lets it run up to its first wait. An error that run
// returns, or that it panics with, rejects the call.
func Start(id int32, run func(c *Call) error) {
	c := lookup(id)
	c.routine = newRoutine()
	c.routine.call, c.routine.run = c, run
	ready = append(ready, c)
	drain()
}

func (c *Call) carryOut(run func(c *Call) error) {
	defer func() {
		if r := recover(); r != nil {
			c.fail(Recovered(r))
		}
	}()
	if err := run(c); err != nil {
		c.fail(err)
	}
}

//go:wasmexport settle
func settle(id, status int32) {
	c := calls[id]
	c.status = status
	c.Wake()
	drain()
}

// Park waits until the call is woken; a Wake that came first is not lost.
func (c *Call) Park() { c.wait() }

// Wake lets a parked call go on when the one that runs waits or ends.
func (c *Call) Wake() { ready = append(ready, c) }

// wait parks the call until JavaScript settles it or another call wakes it, and says whether that was without an error.
func (c *Call) wait() bool {
	c.status = 0
	c.routine.park()
	return c.status == 0
}

// Await waits for a promise and returns what it resolves to, or the error that it rejects with.
func (c *Call) Await(promise js.Value) (js.Value, error) {
	host.await.Invoke(c.id, promise)
	if c.wait() {
		return host.value.Invoke(c.id), nil
	}
	return js.Undefined(), c.exception()
}

// Request waits for an IDBRequest. A request to open or to delete that other connections still block after blockedMS
// fails with an exception of the name BlockedError.
func (c *Call) Request(request js.Value, blockedMS int) error {
	host.request.Invoke(c.id, request, blockedMS)
	return c.Step()
}

func (c *Call) exception() error {
	v := host.value.Invoke(c.id)
	if v.Type() != js.TypeObject {
		return &Exception{Name: "Error", Message: js.Global().Get("String").Invoke(v).String()}
	}
	return exceptionOf(v)
}

// Lock waits for a Web Lock, alone or shared, and returns the function that lets go of it. A browser without Web Locks grants
// it at once.
func (c *Call) Lock(name string, shared bool) (func(), error) {
	mode := "exclusive"
	if shared {
		mode = "shared"
	}
	host.lock.Invoke(c.id, name, mode)
	if !c.wait() {
		return nil, c.exception()
	}
	release := host.value.Invoke(c.id)
	return func() { release.Invoke() }, nil
}

// Pause waits for so many milliseconds.
func (c *Call) Pause(ms int) {
	host.pause.Invoke(c.id, ms)
	c.wait()
}

// Done resolves the call with the results that were pushed.
func (c *Call) Done() { stepDone(c.id) }

func (c *Call) fail(err error) {
	if thrown, ok := err.(*Thrown); ok {
		host.rethrow.Invoke(c.id, thrown.Value)
		return
	}
	code, message := Describe(err)
	host.fail.Invoke(c.id, code, message)
}

// Describe turns an error into the code and the sentence that the caller gets. The program sets it before it serves.
var Describe = func(err error) (code, message string) { return "ERR_INTERNAL", err.Error() }

// Enter is what every export that does not Start a call runs in: an export that panics ends the program.
func Enter(f func()) {
	defer func() {
		if r := recover(); r != nil {
			print("idbvault: ", Recovered(r).Error(), "\n")
		}
	}()
	f()
}
