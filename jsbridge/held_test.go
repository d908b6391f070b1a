//go:build js && wasm

package jsbridge_test

import (
	"bytes"
	"fmt"
	"testing"

	"idbvault/jsbridge"
	"idbvault/test/wasm/harness"
)

// What is held outlives its call, as a copy, until it is dropped; its place is given again.
func TestHold(t *testing.T) {
	first, second := []byte("first"), bytes.Repeat([]byte("second"), 1000)
	var one, two jsbridge.Held
	harness.Run(t, func(c *jsbridge.Call) error {
		of := c.Ref(jsbridge.Bytes(first))
		one, _ = c.Hold(of)
		two, _ = c.Hold(c.Ref(jsbridge.Bytes(second)))
		if one == two {
			return fmt.Errorf("both have the place %d", one)
		}
		harness.Fill(c.Value(of), 0)
		return nil
	})
	wants := func(at jsbridge.Held, want []byte) {
		t.Helper()
		for range 2 {
			harness.Run(t, func(c *jsbridge.Call) error {
				r, _ := c.Recall(at)
				if got := c.Front(r, 0, len(want)+1); !bytes.Equal(got, want) {
					return fmt.Errorf("place %d has %.20q, want %.20q", at, got, want)
				}
				harness.Fill(c.Value(r), 0)
				return nil
			})
		}
	}
	wants(one, first)
	wants(two, second)
	jsbridge.Drop(one)
	wants(one, nil)
	wants(two, second)
	harness.Run(t, func(c *jsbridge.Call) error {
		if again, _ := c.Hold(c.Ref(jsbridge.Bytes(first))); again != one {
			return fmt.Errorf("the place %d was not given again", one)
		}
		return nil
	})
	wants(one, first)
	jsbridge.Drop(one)
	jsbridge.Drop(two)
	wants(two, nil)
}
