//go:build js && wasm

package jsbridge_test

import (
	"errors"
	"fmt"
	"syscall/js"
	"testing"

	"idbvault/jsbridge"
	"idbvault/test/wasm/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func construct(class string, args ...any) js.Value { return js.Global().Get(class).New(args...) }

func object(f string, arg any) js.Value { return js.Global().Get("Object").Call(f, arg) }

// same fails unless err is an exception of that name and message.
func same(err error, name, message string) error {
	var e *jsbridge.Exception
	if !errors.As(err, &e) || e.Name != name || e.Message != message {
		return fmt.Errorf("got the error %#v, want an exception %q, %q", err, name, message)
	}
	return nil
}

// alive fails the test unless a call that waits can be carried out.
func alive(t *testing.T) {
	t.Helper()
	harness.Run(t, func(c *jsbridge.Call) error {
		v, err := c.Await(harness.After(0, "still here"))
		if err != nil || v.String() != "still here" {
			return fmt.Errorf("a later call got %v, %v", v, err)
		}
		return nil
	})
}
