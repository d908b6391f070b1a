//go:build js && wasm

package jsbridge_test

import (
	"bytes"
	"fmt"
	"syscall/js"
	"testing"

	"idbvault/jsbridge"
	"idbvault/test/wasm/harness"
)

// pattern returns n bytes that tell their places, so that a shift by any offset shows.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8*13 + 1)
	}
	return b
}

func equal(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got %d bytes %.40x, want %d bytes %.40x", what, len(got), got, len(want), want)
	}
}

// content reads a buffer or a view without the bridge.
func content(v js.Value) []byte {
	if v.InstanceOf(js.Global().Get("ArrayBuffer")) {
		v = construct("Uint8Array", v)
	}
	b := make([]byte, v.Get("byteLength").Int())
	js.CopyBytesToGo(b, v)
	return b
}

// What is let go of is gone, at once where the page can; what came before stays.
func TestRelease(t *testing.T) {
	harness.Run(t, func(c *jsbridge.Call) error {
		first := c.Ref(jsbridge.Bytes(pattern(10)))
		mark := c.Mark()
		for range 5 {
			c.Ref(jsbridge.Bytes(pattern(1000)))
		}
		c.Release(mark)
		equal(t, "a value from before", c.Front(first, 0, 100), pattern(10))
		for r, end := mark, c.Mark(); r < end; r++ {
			if n := c.Size(r); n != 0 {
				t.Errorf("a value from after has %d bytes", n)
			}
		}
		held := c.Ref(jsbridge.Bytes(pattern(7)))
		c.Discard(held)
		c.Discard(held)
		if n := c.Size(held); n != 0 {
			t.Errorf("one that was discarded has %d bytes", n)
		}
		return nil
	})
}

func TestBytes(t *testing.T) {
	for _, n := range []int{0, 1, 255, 70_000, jsbridge.PageSize} {
		want := pattern(n)
		v := jsbridge.Bytes(want)
		if !v.InstanceOf(js.Global().Get("ArrayBuffer")) {
			t.Fatalf("%d bytes are not an ArrayBuffer", n)
		}
		jsbridge.Bytes([]byte("the page is used again"))
		equal(t, fmt.Sprintf("%d bytes", n), content(v), want)
	}
}

// views are the kinds of values that stand for the bytes 10 to 109 of a pattern.
func views() map[string]js.Value {
	buffer := jsbridge.Bytes(pattern(120))
	return map[string]js.Value{
		"ArrayBuffer":  buffer.Call("slice", 10, 110),
		"Uint8Array":   construct("Uint8Array", buffer, 10, 100),
		"DataView":     construct("DataView", buffer, 10, 100),
		"Uint16Array":  construct("Uint16Array", buffer, 10, 50),
		"Float32Array": construct("Float32Array", jsbridge.Bytes(append(make([]byte, 2), pattern(120)...)), 12, 25),
	}
}

func TestFront(t *testing.T) {
	whole := pattern(120)[10:110]
	for kind, v := range views() {
		harness.Run(t, func(c *jsbridge.Call) error {
			r := c.Ref(v)
			if got := c.Size(r); got != 100 {
				return fmt.Errorf("%s: the size is %d", kind, got)
			}
			for _, part := range []struct{ offset, n, from, to int }{
				{0, 100, 0, 100},
				{0, 7, 0, 7},
				{33, 20, 33, 53},
				{99, 1, 99, 100},
				{90, 50, 90, 100}, // no more than there is
				{100, 1, 100, 100},
				{500, 1, 100, 100},
				{5, 0, 5, 5},
			} {
				what := fmt.Sprintf("%s, %d from %d", kind, part.n, part.offset)
				equal(t, what, c.Front(r, part.offset, part.n), whole[part.from:part.to])
			}
			return nil
		})
	}
}

func TestFrontIsACopyAndFitsThePage(t *testing.T) {
	long := append(pattern(jsbridge.PageSize), "beyond"...)
	v := construct("Uint8Array", len(long))
	js.CopyBytesToJS(v, long)
	harness.Run(t, func(c *jsbridge.Call) error {
		got := c.Front(0, 0, len(long))
		jsbridge.Bytes(make([]byte, jsbridge.PageSize))
		equal(t, "the first page", got, long[:jsbridge.PageSize])
		equal(t, "the last bytes", c.Front(0, len(long)-6, 6), []byte("beyond"))
		return nil
	}, v)
}

func TestNoBytes(t *testing.T) {
	for what, v := range map[string]js.Value{
		"undefined": js.Undefined(), "null": js.Null(), "a number": js.ValueOf(7), "a text": js.ValueOf("text"),
		"an array": js.ValueOf([]any{1, 2}), "an object": js.ValueOf(map[string]any{"byteLength": 3}), "true": js.ValueOf(true),
	} {
		harness.Run(t, func(c *jsbridge.Call) error {
			if got := c.Size(0); got != 0 {
				t.Errorf("the size of %s is %d", what, got)
			}
			equal(t, "front of "+what, c.Front(0, 0, 10), nil)
			c.PushBytes(0, 0, 0, "")
			return nil
		}, v)
	}
}

func TestPageAfterMemoryHasGrown(t *testing.T) {
	const inFlight, growth = 100, 96 << 20
	gate := harness.NewDeferred()
	var calls []*harness.Pending
	for i := range inFlight {
		calls = append(calls, harness.Begin(func(c *jsbridge.Call) error {
			v, err := c.Await(gate.Promise)
			if err != nil {
				return err
			}
			want := append([]byte{byte(i)}, pattern(1000)...)
			if got := c.Front(c.Ref(jsbridge.Bytes(want)), 0, 3000); !bytes.Equal(got, want) {
				return fmt.Errorf("call %d read %.20x", i, got)
			}
			if got := c.Front(c.Ref(v), 0, 10); string(got) != "tail" {
				return fmt.Errorf("call %d read %q", i, got)
			}
			return nil
		}))
	}
	before := jsbridge.Bytes(pattern(5000))
	size := harness.Memory()
	ballast := make([][]byte, growth>>20)
	for i := range ballast {
		ballast[i] = make([]byte, 1<<20)
		ballast[i][i] = 1
	}
	if grown := harness.Memory() - size; grown < 64<<20 {
		t.Fatalf("memory grew by %d bytes only", grown)
	}
	equal(t, "a buffer made before", content(before), pattern(5000))
	equal(t, "a buffer made after", content(jsbridge.Bytes(pattern(6000))), pattern(6000))
	var random [64]byte
	jsbridge.Random(random[:])
	if random == [64]byte{} {
		t.Error("no random bytes")
	}
	gate.Resolve(jsbridge.Bytes([]byte("tail")))
	for _, call := range calls {
		call.Must(t)
	}
	for i := range ballast {
		if ballast[i][i] != 1 {
			t.Errorf("block %d was overwritten", i)
		}
	}
}
