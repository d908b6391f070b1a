//go:build js && wasm

// Package harness runs calls of package jsbridge in tests. The other half is test/wasm/runner.ts.
package harness

import (
	"os"
	"syscall/js"
	"testing"

	"idbvault/jsbridge"
)

var tools = js.Global().Get("idbvaultTest")

// Main runs the tests of a package once the runner is ready for calls. Every TestMain is this.
func Main(m *testing.M) {
	started := make(chan struct{})
	begin := js.FuncOf(func(js.Value, []js.Value) any {
		close(started)
		return nil
	})
	tools.Call("ready", begin)
	<-started
	os.Exit(m.Run())
}

// Pending is a call that was started.
type Pending struct {
	// Err is what the function returned.
	Err error
	// Resolved says whether the call resolved, to Results, or rejected, with Rejection.
	Resolved  bool
	Results   js.Value
	Rejection js.Value

	ended chan struct{}
}

// Begin starts a call that carries out f, lets it run up to its first wait and ends it when f returns. f reports with its
// error, not with t.Fatal: a goroutine that exits leaves the call open. Like JavaScript, f itself begins no call, and it
// waits with c only.
func Begin(f func(c *jsbridge.Call) error, payloads ...any) *Pending {
	p := &Pending{ended: make(chan struct{})}
	call := tools.Call("open", payloads)
	var resolved, rejected js.Func
	end := func() any {
		resolved.Release()
		rejected.Release()
		close(p.ended)
		return nil
	}
	resolved = js.FuncOf(func(_ js.Value, args []js.Value) any {
		p.Resolved, p.Results = true, args[0]
		return end()
	})
	rejected = js.FuncOf(func(_ js.Value, args []js.Value) any {
		p.Rejection = args[0]
		return end()
	})
	// Tests wait for the callback of a js.Func, not for the goroutine of the call: the bridge returns to JavaScript when
	// the goroutines of its own calls have run, and one that a channel woke would be left behind. After the callback of a
	// js.Func Go goes on until every goroutine waits.
	call.Get("ended").Call("then", resolved, rejected)
	jsbridge.Start(int32(call.Get("id").Int()), func(c *jsbridge.Call) error {
		p.Err = f(c)
		if p.Err == nil {
			c.Done()
		}
		return p.Err
	})
	return p
}

// Wait waits until the call has ended.
func (p *Pending) Wait() *Pending {
	<-p.ended
	return p
}

// Must waits until the call has ended and fails the test unless it resolved.
func (p *Pending) Must(t *testing.T) js.Value {
	t.Helper()
	p.Wait()
	if p.Err != nil {
		t.Fatal(p.Err)
	}
	if !p.Resolved {
		t.Fatalf("the call was rejected: %s", Text(p.Rejection))
	}
	return p.Results
}

// Run carries out f in a call, waits for it and fails the test unless the call resolves. It returns the results.
func Run(t *testing.T, f func(c *jsbridge.Call) error, payloads ...any) js.Value {
	t.Helper()
	return Begin(f, payloads...).Must(t)
}

// Text is what JavaScript's String makes of a value.
func Text(v js.Value) string { return js.Global().Get("String").Invoke(v).String() }

// Deferred is a promise that the test settles. What waits for it goes on when the test waits.
type Deferred struct{ Promise, resolve, reject js.Value }

// NewDeferred makes a promise.
func NewDeferred() Deferred {
	d := tools.Call("deferred")
	return Deferred{d.Get("promise"), d.Get("resolve"), d.Get("reject")}
}

// Resolve resolves the promise.
func (d Deferred) Resolve(v any) { d.resolve.Invoke(v) }

// Reject rejects the promise.
func (d Deferred) Reject(v any) { d.reject.Invoke(v) }

// After returns a promise that resolves to v after some milliseconds.
func After(ms int, v any) js.Value { return tools.Call("after", ms, v) }

// Shorten lets timers of exactly from milliseconds end after to, until the test has ended.
func Shorten(t *testing.T, from, to int) {
	restore := tools.Call("shorten", from, to)
	t.Cleanup(func() { restore.Invoke() })
}

// RecordTransactions returns a function that lists the transactions made since it was last called, each as
// "store,store mode durability", and "complete" where one that writes has completed; and one that commits the last of them. It
// is JavaScript that records them: a js.Func that JavaScript calls while Go calls JavaScript breaks the program where a goroutine
// of the bridge runs inside an export.
func RecordTransactions(t *testing.T) (made func() []string, endLast func()) {
	record := tools.Call("recordTransactions")
	t.Cleanup(func() { record.Call("restore") })
	made = func() []string {
		list := record.Get("made").Call("splice", 0)
		all := make([]string, list.Length())
		for i := range all {
			all[i] = list.Index(i).String()
		}
		return all
	}
	return made, func() { record.Call("endLast") }
}

// BreakPut lets IndexedDB's put fail some times, until the test has ended: it throws an exception of that name or, where
// that is empty, aborts the transaction; for an AbortError it does both.
func BreakPut(t *testing.T, name string, times int) {
	restore := tools.Call("breakPut", name, times)
	t.Cleanup(func() { restore.Invoke() })
}

// Live returns how many JavaScript values Go holds.
func Live() int { return tools.Call("live").Int() }

// Memory returns the size of Go's memory.
func Memory() int { return tools.Call("memory").Int() }

// KeptElsewhere is jsbridge.Kept as another instance of the program would see it.
func KeptElsewhere(group, name string) jsbridge.Ref {
	return jsbridge.Ref(tools.Call("keptElsewhere", group, name).Int())
}

// AtPlace is what the page keeps at a place.
func AtPlace(at jsbridge.Ref) js.Value { return tools.Call("atPlace", -1, int(at)) }

// Connections returns the connections that the host watches, oldest first.
func Connections() []js.Value {
	list := tools.Call("connections")
	all := make([]js.Value, list.Length())
	for i := range all {
		all[i] = list.Index(i)
	}
	return all
}

// Fill sets every byte of a buffer.
func Fill(buffer js.Value, to byte) {
	js.Global().Get("Uint8Array").New(buffer).Call("fill", int(to))
}
