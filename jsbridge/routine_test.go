//go:build js && wasm

package jsbridge_test

import (
	"errors"
	"syscall/js"
	"testing"

	"idbvault/jsbridge"
	"idbvault/test/wasm/harness"
)

func TestWakeThatCameFirstIsNotLost(t *testing.T) {
	harness.Run(t, func(c *jsbridge.Call) error {
		c.Wake()
		c.Park()
		return nil
	})
	// Of a call that is woken while it waits for another, each wait ends once.
	var first *jsbridge.Call
	steps := 0
	call := harness.Begin(func(c *jsbridge.Call) error {
		first = c
		for range 3 {
			c.Park()
			steps++
		}
		return nil
	})
	for i := range 3 {
		harness.Run(t, func(*jsbridge.Call) error {
			first.Wake()
			if steps != i {
				return errors.New("the woken call ran before the one that woke it ended")
			}
			return nil
		})
		if steps != i+1 {
			t.Fatalf("after %d wakes the call has gone on %d times", i+1, steps)
		}
	}
	call.Must(t)
}

// A burst of calls takes stacks, which the next one takes again, and of which few are kept.
func TestBurstsOfCalls(t *testing.T) {
	burst := func(n int) {
		gate := harness.NewDeferred()
		calls := make([]*harness.Pending, n)
		for i := range calls {
			calls[i] = harness.Begin(func(c *jsbridge.Call) error {
				v, err := c.Await(gate.Promise)
				if err == nil && v.Int() != 7 {
					err = errors.New("another value")
				}
				return err
			})
		}
		gate.Resolve(7)
		for _, call := range calls {
			call.Must(t)
		}
	}
	for range 3 {
		burst(500)
	}
	before := harness.Memory()
	for range 10 {
		burst(500)
		burst(3)
	}
	if grown := harness.Memory() - before; grown > 4<<20 {
		t.Errorf("memory grew by %d bytes", grown)
	}
	alive(t)
}

// A call's number is given again; what its slot held is not.
func TestValuesGoWithTheirCall(t *testing.T) {
	for range 3 {
		harness.Run(t, func(c *jsbridge.Call) error {
			if !c.Value(1).IsUndefined() {
				return errors.New("a value of an earlier call is there")
			}
			if r := c.Ref(js.ValueOf("mine")); r != 1 || c.Value(r).String() != "mine" {
				return errors.New("the value has another place")
			}
			return nil
		}, "payload")
	}
}
