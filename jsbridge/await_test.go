//go:build js && wasm

package jsbridge_test

import (
	"errors"
	"fmt"
	"runtime"
	"syscall/js"
	"testing"

	"idbvault/jsbridge"
	"idbvault/test/wasm/harness"
)

func rejected(v any) js.Value { return js.Global().Get("Promise").Call("reject", v) }

func resolved(v any) js.Value { return js.Global().Get("Promise").Call("resolve", v) }

func TestAwait(t *testing.T) {
	buffer := jsbridge.Bytes([]byte("abc"))
	harness.Run(t, func(c *jsbridge.Call) error {
		for _, want := range []js.Value{
			js.Undefined(), js.Null(), js.ValueOf(0), js.ValueOf(3.5), js.ValueOf(false), js.ValueOf("text"), buffer,
		} {
			got, err := c.Await(harness.After(0, want))
			if err != nil || !got.Equal(want) {
				return fmt.Errorf("got %v, %w, want %v", got, err, want)
			}
		}
		return nil
	})
}

func TestAwaitRejection(t *testing.T) {
	for _, rejection := range []struct {
		reason        any
		name, message string
	}{
		{"no", "Error", "no"},
		{"", "Error", ""},
		{js.Undefined(), "Error", "undefined"},
		{nil, "Error", "null"},
		{42, "Error", "42"},
		{js.Global().Get("Symbol").Invoke("s"), "Error", "Symbol(s)"},
		{object("freeze", map[string]any{}), "", ""},
		{object("freeze", map[string]any{"name": "Odd", "message": "frozen"}), "Odd", "frozen"},
		{object("create", nil), "", ""},
		{map[string]any{"name": 5, "message": []any{}}, "", ""},
		{[]any{}, "", ""},
		{construct("Error", "plain"), "Error", "plain"},
		{construct("TypeError", "typed"), "TypeError", "typed"},
		{construct("DOMException", "gone", "NotFoundError"), "NotFoundError", "gone"},
	} {
		harness.Run(t, func(c *jsbridge.Call) error {
			v, err := c.Await(rejected(rejection.reason))
			if !v.IsUndefined() {
				return errors.New("a value came with the error")
			}
			if jsbridge.Named(err, "another") || !jsbridge.Named(err, rejection.name) {
				return fmt.Errorf("%v is not of the name %q only", err, rejection.name)
			}
			return same(err, rejection.name, rejection.message)
		})
	}
	if jsbridge.Named(nil, "") || jsbridge.Named(errors.New("x"), "") {
		t.Error("what is no exception has a name")
	}
}

func TestManyCallsAtOnce(t *testing.T) {
	const n, rounds = 1000, 3
	var gates [rounds][n]harness.Deferred
	for round := range rounds {
		for i := range n {
			gates[round][i] = harness.NewDeferred()
		}
	}
	var order [rounds][]int
	calls := make([]*harness.Pending, n)
	for i := range n {
		calls[i] = harness.Begin(func(c *jsbridge.Call) error {
			for round := range rounds {
				v, err := c.Await(gates[round][i].Promise)
				if round == 1 && i%3 == 0 {
					if want := same(err, "Error", fmt.Sprint(i)); want != nil {
						return want
					}
				} else if err != nil || v.Int() != round*n+i {
					return fmt.Errorf("call %d got %v, %w in round %d", i, v, err, round)
				}
				order[round] = append(order[round], i)
			}
			c.Push(i)
			return nil
		})
	}
	// Another order in each round: i*step runs through all calls where step and n have no common factor.
	for round, step := range []int{1, 7, 333} {
		for k := range n {
			i := k * step % n
			if round == 1 && i%3 == 0 {
				gates[round][i].Reject(fmt.Sprint(i))
			} else {
				gates[round][i].Resolve(round*n + i)
			}
		}
		harness.Run(t, func(c *jsbridge.Call) error {
			_, err := c.Await(harness.After(0, nil))
			return err
		})
		if len(order[round]) != n {
			t.Fatalf("%d of %d calls went on in round %d", len(order[round]), n, round)
		}
		for k, i := range order[round] {
			if i != k*step%n {
				t.Fatalf("in round %d call %d went on in place %d", round, i, k)
			}
		}
	}
	for i, call := range calls {
		if got := call.Must(t).Index(0).Int(); got != i {
			t.Fatalf("call %d has the results of call %d", i, got)
		}
	}
}

// mark returns a function of JavaScript that adds a mark to a list. A callback into Go would let waiting goroutines run.
func mark(list js.Value, text string) js.Value { return list.Get("push").Call("bind", list, text) }

func TestSettleLetsAllRunThatItWoke(t *testing.T) {
	const n = 500
	events := construct("Array")
	gate, leave := harness.NewDeferred(), harness.NewDeferred()
	var parked []*jsbridge.Call
	var calls []*harness.Pending
	for range n {
		calls = append(calls, harness.Begin(func(c *jsbridge.Call) error {
			parked = append(parked, c)
			c.Park()
			events.Call("push", "woken")
			_, err := c.Await(leave.Promise)
			return err
		}))
	}
	calls = append(calls, harness.Begin(func(c *jsbridge.Call) error {
		if _, err := c.Await(gate.Promise); err != nil {
			return err
		}
		for _, p := range parked {
			p.Wake()
		}
		events.Call("push", "waker waits")
		_, err := c.Await(leave.Promise)
		return err
	}))
	if len(parked) != n {
		t.Fatalf("%d of %d calls ran up to their first wait", len(parked), n)
	}
	// JavaScript's own next step after the export settle has returned.
	next := gate.Promise.Call("then", mark(events, "settled"))
	gate.Resolve(nil)
	harness.Run(t, func(c *jsbridge.Call) error {
		_, err := c.Await(next)
		return err
	})
	if got := events.Call("indexOf", "waker waits").Int(); got != 0 {
		t.Errorf("%d calls ran before the one that woke them waited", got)
	}
	if got := events.Call("indexOf", "settled").Int(); got != n+1 {
		t.Errorf("settle returned after %d of %d events", got, n+1)
	}
	leave.Resolve(nil)
	for _, call := range calls {
		call.Must(t)
	}
}

func TestSettleWaitsForACallThatTheRuntimeSuspends(t *testing.T) {
	events := construct("Array")
	gate := harness.NewDeferred()
	call := harness.Begin(func(c *jsbridge.Call) error {
		if _, err := c.Await(gate.Promise); err != nil {
			return err
		}
		// As the garbage collector does when its first cycle starts in an allocation. A transaction would have ended, and
		// nothing might enter Go again, when JavaScript went on before this call waits.
		runtime.Gosched()
		events.Call("push", "went on")
		_, err := c.Await(resolved(nil))
		return err
	})
	next := gate.Promise.Call("then", mark(events, "settled"))
	gate.Resolve(nil)
	harness.Run(t, func(c *jsbridge.Call) error {
		_, err := c.Await(next)
		return err
	})
	call.Must(t)
	if events.Index(0).String() != "went on" || events.Index(1).String() != "settled" {
		t.Errorf("the order was %s", harness.Text(events))
	}
}

func TestValuesThatGoHoldsStayFlat(t *testing.T) {
	round := func(n int) {
		for i := range n {
			harness.Run(t, func(c *jsbridge.Call) error {
				v, err := c.Await(resolved(jsbridge.Bytes([]byte{byte(i)})))
				if err != nil {
					return err
				}
				if _, err := c.Await(rejected(construct("Error", "each is another"))); err == nil {
					return errors.New("no error")
				}
				c.PushBytes(c.Ref(v), 0, 0, "")
				return nil
			})
		}
	}
	round(50)
	before := live()
	round(2000)
	after := live()
	t.Logf("values held: %d before 2,000 calls, %d after", before, after)
	if after > before+20 {
		t.Errorf("Go holds %d more values", after-before)
	}
}
