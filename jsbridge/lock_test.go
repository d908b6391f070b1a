//go:build js && wasm

package jsbridge_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall/js"
	"testing"

	"idbvault/jsbridge"
	"idbvault/test/wasm/harness"
)

// needLocks skips a test where there are no Web Locks, as on Node; browser.spec.ts takes no skipped test for passed.
func needLocks(t *testing.T) {
	t.Helper()
	if !js.Global().Get("navigator").Get("locks").Truthy() {
		t.Skip("no Web Locks here: only a browser can run this")
	}
}

func TestLockIsExclusiveAndInOrder(t *testing.T) {
	needLocks(t)
	const n = 30
	var events, want []string
	var calls []*harness.Pending
	for i := range n {
		want = append(want, fmt.Sprint("+", i), fmt.Sprint("-", i))
		calls = append(calls, harness.Begin(func(c *jsbridge.Call) error {
			release, err := c.Lock("exclusive", false)
			if err != nil {
				return err
			}
			defer release()
			events = append(events, fmt.Sprint("+", i))
			if _, err := c.Await(harness.After(i%3, nil)); err != nil {
				return err
			}
			events = append(events, fmt.Sprint("-", i))
			return nil
		}))
	}
	for _, call := range calls {
		call.Must(t)
	}
	if got := strings.Join(events, " "); got != strings.Join(want, " ") {
		t.Errorf("got %s", got)
	}
}

// heldAndPending returns how many locks of a name are held and how many requests for it wait.
func heldAndPending(c *jsbridge.Call, name string) (held, pending int, err error) {
	state, err := c.Await(js.Global().Get("navigator").Get("locks").Call("query"))
	if err != nil {
		return 0, 0, err
	}
	count := func(list js.Value) (n int) {
		for i := range list.Length() {
			if list.Index(i).Get("name").String() == name {
				n++
			}
		}
		return n
	}
	return count(state.Get("held")), count(state.Get("pending")), nil
}

func TestLockIsHeldUntilReleased(t *testing.T) {
	needLocks(t)
	gate := harness.NewDeferred()
	first := harness.Begin(func(c *jsbridge.Call) error {
		release, err := c.Lock("held", false)
		if err != nil {
			return err
		}
		defer release()
		_, err = c.Await(gate.Promise)
		return err
	})
	got := false
	second := harness.Begin(func(c *jsbridge.Call) error {
		release, err := c.Lock("held", false)
		if err == nil {
			got = true
			release()
		}
		return err
	})
	harness.Run(t, func(c *jsbridge.Call) error {
		other, err := c.Lock("not held", false) // another name does not wait
		if err != nil {
			return err
		}
		other()
		if held, pending, err := heldAndPending(c, "held"); err != nil || held != 1 || pending != 1 || got {
			return fmt.Errorf("%d held, %d waiting, second has it: %v, %w", held, pending, got, err)
		}
		return nil
	})
	gate.Resolve(nil)
	first.Must(t)
	second.Must(t)
	harness.Run(t, func(c *jsbridge.Call) error {
		for range 200 { // the browser lets go of a lock some time after it was told to
			held, pending, err := heldAndPending(c, "held")
			if err != nil || held == 0 && pending == 0 {
				return err
			}
			if _, err := c.Await(harness.After(10, nil)); err != nil {
				return err
			}
		}
		return errors.New("the lock was not let go of")
	})
}

func TestLockThatIsRefused(t *testing.T) {
	needLocks(t)
	harness.Run(t, func(c *jsbridge.Call) error {
		release, err := c.Lock("-reserved", false)
		if release != nil || !jsbridge.Named(err, "NotSupportedError") {
			return fmt.Errorf("got %w", err)
		}
		return nil
	})
	alive(t)
}

func TestLockWithoutWebLocks(t *testing.T) {
	navigator := js.Global().Get("navigator")
	js.Global().Get("Object").Call("defineProperty", navigator, "locks", map[string]any{"configurable": true})
	defer navigator.Delete("locks")
	harness.Run(t, func(c *jsbridge.Call) error {
		for range 2 {
			release, err := c.Lock("granted at once", false)
			if err != nil {
				return err
			}
			defer release()
		}
		return nil
	})
}
