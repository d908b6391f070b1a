//go:build js && wasm

package jsbridge_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"syscall/js"
	"testing"
	"time"

	"idbvault/jsbridge"
	"idbvault/test/wasm/harness"
)

// live returns how many values Go holds that it needs: finalizers let go of the others.
func live() int {
	for range 3 {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
	return harness.Live()
}

func TestResults(t *testing.T) {
	buffer := jsbridge.Bytes([]byte("0123456789"))
	results := harness.Run(t, func(c *jsbridge.Call) error {
		c.Push(1.5)
		c.Push("text")
		c.Push(nil)
		c.Push(true)
		c.PushBytes(c.Ref(buffer), 4, 3, "image/pñg")
		c.PushBytes(c.Ref(buffer), 0, 1, "")
		c.PushError(jsbridge.Error("what went wrong"))
		return nil
	})
	if got := harness.Text(results.Call("slice", 0, 4)); got != "1.5,text,,true" || !results.Index(2).IsNull() {
		t.Errorf("got %s", got)
	}
	for i, want := range []struct {
		text, contentType string
		kind              int
	}{{"456789", "image/pñg", 3}, {"0123456789", "", 1}} {
		got := results.Index(4 + i)
		equal(t, "pushed", content(got.Get("bytes")), []byte(want.text))
		if got.Get("type").String() != want.contentType || got.Get("kind").Int() != want.kind || !got.Get("bytes").Get("buffer").Equal(buffer) {
			t.Errorf("result %d is %q of kind %d, or has a buffer of its own", 4+i, got.Get("type").String(), got.Get("kind").Int())
		}
	}
	if e := results.Index(6); !e.InstanceOf(js.Global().Get("Error")) || e.Get("code").String() != "ERR_INTERNAL" {
		t.Errorf("an error was pushed as %s", harness.Text(e))
	}
	if got := harness.Run(t, func(*jsbridge.Call) error { return nil }).Length(); got != 0 {
		t.Errorf("a call without results has %d", got)
	}
}

func TestPayloads(t *testing.T) {
	buffer := jsbridge.Bytes([]byte("abc"))
	harness.Run(t, func(c *jsbridge.Call) error {
		if !c.Value(0).Equal(buffer) || !c.Value(2).InstanceOf(js.Global().Get("Promise")) {
			return errors.New("the payloads are others")
		}
		if err := c.Payloads(); err != nil {
			return err
		}
		if !c.Value(0).Equal(buffer) || c.Value(1).Int() != 7 || c.Value(2).String() != "late" {
			return errors.New("the payloads are others when they are ready")
		}
		if !c.Value(3).IsUndefined() || !c.Value(jsbridge.NoRef).IsUndefined() {
			return errors.New("there is one more")
		}
		if r := c.Ref(js.ValueOf("added")); r != 3 || c.Value(r).String() != "added" {
			return errors.New("a value was added in another place")
		}
		return nil
	}, buffer, 7, harness.After(5, "late"))
}

// rejectsWith fails the test unless the call was rejected with exactly that value.
func rejectsWith(t *testing.T, p *harness.Pending, want js.Value) {
	t.Helper()
	p.Wait()
	if p.Resolved || !p.Rejection.Equal(want) {
		t.Errorf("resolved: %v, rejected with %s, want %s itself", p.Resolved, harness.Text(p.Rejection), harness.Text(want))
	}
}

func TestRejectedPayloadComesBackAsItIs(t *testing.T) {
	for _, reason := range []js.Value{
		object("freeze", map[string]any{"mine": true}), construct("Error", "mine"), js.ValueOf("mine"), js.Undefined(), js.Null(),
	} {
		call := harness.Begin(func(c *jsbridge.Call) error {
			err := c.Payloads()
			var thrown *jsbridge.Thrown
			if !errors.As(err, &thrown) || thrown.Error() == "" {
				return fmt.Errorf("got %w", err)
			}
			return err
		}, "fine", rejected(reason))
		rejectsWith(t, call, reason)
	}
	alive(t)
}

func TestApply(t *testing.T) {
	decode := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if args[0].IsNull() {
			return "null"
		}
		return js.Global().Get("TextDecoder").New().Call("decode", args[0])
	})
	defer decode.Release()
	late := js.FuncOf(func(_ js.Value, args []js.Value) any { return harness.After(5, args[0]) })
	defer late.Release()
	buffer := jsbridge.Bytes([]byte("0123456789"))
	harness.Run(t, func(c *jsbridge.Call) error {
		if v, err := c.Apply(0, 2, 4); err != nil || v.String() != "456789" {
			return fmt.Errorf("got %v, %w", v, err)
		}
		if v, err := c.Apply(0, jsbridge.NoRef, 0); err != nil || v.String() != "null" {
			return fmt.Errorf("got %v, %w", v, err)
		}
		if v, err := c.Apply(1, 2, 0); err != nil || !v.Get("buffer").Equal(buffer) {
			return fmt.Errorf("got %v, %w", v, err)
		}
		return nil
	}, decode, late, buffer)

	parse := js.Global().Get("JSON").Get("parse")
	thrown := js.Undefined()
	call := harness.Begin(func(c *jsbridge.Call) error {
		_, err := c.Apply(0, 1, 0)
		var e *jsbridge.Thrown
		if errors.As(err, &e) {
			thrown = e.Value
		}
		return err
	}, parse, jsbridge.Bytes([]byte("{}"))) // which reads as "123,125"
	call.Wait()
	if thrown.Get("name").String() != "SyntaxError" {
		t.Errorf("the function threw %s", harness.Text(thrown))
	}
	rejectsWith(t, call, thrown)

	reason := object("freeze", map[string]any{"mine": true})
	rejects := js.Global().Get("Promise").Get("reject").Call("bind", js.Global().Get("Promise"), reason)
	rejectsWith(t, harness.Begin(func(c *jsbridge.Call) error {
		_, err := c.Apply(0, jsbridge.NoRef, 0)
		return err
	}, rejects), reason)
}

func TestErrorRejectsTheCall(t *testing.T) {
	call := harness.Begin(func(c *jsbridge.Call) error {
		c.Push("never seen")
		return jsbridge.Error("what went wrong")
	}).Wait()
	if call.Resolved || !call.Rejection.InstanceOf(js.Global().Get("Error")) {
		t.Fatalf("resolved: %v, rejected with %s", call.Resolved, harness.Text(call.Rejection))
	}
	if code, message := call.Rejection.Get("code").String(), call.Rejection.Get("message").String(); code != "ERR_INTERNAL" || message != "what went wrong" {
		t.Errorf("code %s, message %s", code, message)
	}

	describe := jsbridge.Describe
	defer func() { jsbridge.Describe = describe }()
	jsbridge.Describe = func(err error) (code, message string) { return "ERR_QUOTA", "described: " + err.Error() }
	call = harness.Begin(func(*jsbridge.Call) error { return jsbridge.Error("full") }).Wait()
	if code, message := call.Rejection.Get("code").String(), call.Rejection.Get("message").String(); code != "ERR_QUOTA" || message != "described: full" {
		t.Errorf("code %s, message %s", code, message)
	}
}

func TestPanicRejectsTheCall(t *testing.T) {
	var nothing []byte
	panics := []struct {
		what, message string
		f             func()
	}{
		{"a text", "a text", func() { panic("a text") }},
		{"an error", "an error", func() { panic(errors.New("an error")) }},
		{"another value", "panic", func() { panic(17) }},
		{"an index", "index out of range", func() { nothing[len(nothing)] = 1 }},
		{"a browser function that throws", "SyntaxError: ", func() { jsbridge.Literal("{") }},
		{"a method that is missing", "call of Value.Call on undefined", func() { js.Undefined().Call("x") }},
		{"no promise", "TypeError: ", nil},
	}
	bystander, gate := (*harness.Pending)(nil), harness.NewDeferred()
	bystander = harness.Begin(func(c *jsbridge.Call) error {
		v, err := c.Await(gate.Promise)
		if err == nil && v.String() != "unharmed" {
			return errors.New("another value")
		}
		return err
	})
	for _, p := range panics {
		for _, waited := range []bool{false, true} {
			call := harness.Begin(func(c *jsbridge.Call) error {
				if waited {
					if _, err := c.Await(harness.After(0, nil)); err != nil {
						return err
					}
				}
				if p.f == nil {
					_, err := c.Await(js.ValueOf(5))
					return err
				}
				p.f()
				return nil
			}).Wait()
			if call.Resolved {
				t.Errorf("%s, waited: %v: the call resolved", p.what, waited)
				continue
			}
			code, message := harness.Text(call.Rejection.Get("code")), harness.Text(call.Rejection.Get("message"))
			if code != "ERR_INTERNAL" || !strings.Contains(message, p.message) {
				t.Errorf("%s, waited: %v: code %s, message %q, want %q", p.what, waited, code, message, p.message)
			}
			alive(t)
		}
	}
	gate.Resolve("unharmed")
	bystander.Must(t)
}

func TestEnterCatchesPanics(t *testing.T) {
	ran := false
	jsbridge.Enter(func() { ran = true })
	jsbridge.Enter(func() { panic("on purpose, in a test") })
	if !ran {
		t.Error("it did not run")
	}
	alive(t)
}
