//go:build js && wasm

package jsbridge_test

import (
	"syscall/js"
	"testing"

	"idbvault/jsbridge"
	"idbvault/test/wasm/harness"
)

func TestRandomGivesNoByteTwice(t *testing.T) {
	var all []byte
	for _, n := range []int{12, 12, 12, 32, 1, 700, 4096, 4096, 0, 16, 1, 1, 3000, 65_536, 12, 2048, 65_536, 12} {
		b := make([]byte, n)
		jsbridge.Random(b)
		all = append(all, b...)
	}
	// By chance any 12 bytes out of these come twice once in 10^19 runs.
	seen := make(map[[12]byte]int, len(all))
	for i := 0; i+12 <= len(all); i++ {
		window := [12]byte(all[i:])
		if at, ok := seen[window]; ok {
			t.Fatalf("the bytes at %d and at %d are the same: %x", at, i, window)
		}
		seen[window] = i
	}
}

func TestRandomFillsExactly(t *testing.T) {
	for _, n := range []int{1, 12, 1000, 65_536} {
		last := false
		for range 64 { // a byte is 0 in each of 64 draws once in 10^154 runs
			b := make([]byte, n+2)
			jsbridge.Random(b[1 : n+1])
			if b[0] != 0 || b[n+1] != 0 {
				t.Fatalf("%d bytes: one beside them was written", n)
			}
			last = last || b[n] != 0
		}
		if !last {
			t.Errorf("%d bytes: the last one was never written", n)
		}
	}
}

func TestTime(t *testing.T) {
	for unix, text := range map[uint64]string{
		0:          "1970-01-01T00:00:00Z",
		1736942400: "2025-01-15T12:00:00Z",
		4102444799: "2099-12-31T23:59:59Z",
	} {
		if got := jsbridge.Time(unix); got != text {
			t.Errorf("Time(%d) = %s, want %s", unix, got, text)
		}
		if got := jsbridge.ParseTime(text); got != unix {
			t.Errorf("ParseTime(%s) = %d, want %d", text, got, unix)
		}
	}
	for text, want := range map[string]uint64{
		"2025-01-15T13:00:00+01:00":   1736942400,
		"2025-01-15T12:00:00.999Z":    1736942400,
		"":                            0,
		"tomorrow":                    0,
		"1969-12-31T23:59:59Z":        0,
		"2025-02-31T99:00:00Z":        0,
		"+275760-09-13T00:00:00.001Z": 0,
	} {
		if got := jsbridge.ParseTime(text); got != want {
			t.Errorf("ParseTime(%q) = %d, want %d", text, got, want)
		}
	}
	if now, other := jsbridge.Now(), js.Global().Get("Date").Call("now").Float()/1000; float64(now) > other || float64(now) < other-2 {
		t.Errorf("Now is %d, Date.now %f", now, other)
	}
}

func TestLiteral(t *testing.T) {
	v := jsbridge.Literal(`{"name":"AES-GCM","list":[1,"two"]}`)
	if v.Get("name").String() != "AES-GCM" || v.Get("list").Index(1).String() != "two" {
		t.Error("not what the text says")
	}
}

func TestKeep(t *testing.T) {
	a, b := object("freeze", map[string]any{"key": "a"}), object("freeze", map[string]any{"key": "b"})
	keep := func(group, name string, v js.Value) (at jsbridge.Ref) {
		harness.Run(t, func(c *jsbridge.Call) error {
			at = c.Keep(group, name, c.Ref(v))
			return nil
		})
		return at
	}
	first := keep("one", "record", a)
	keep("one", "name", b)
	keep("two", "record", b)
	kept := func(when, group, name string, want js.Value) {
		t.Helper()
		for where, at := range map[string]jsbridge.Ref{"here": jsbridge.Kept(group, name), "elsewhere": harness.KeptElsewhere(group, name)} {
			if at.IsKept() == want.IsUndefined() {
				t.Errorf("%s: %s/%s has the place %d %s", when, group, name, at, where)
			}
			if at.IsKept() && !harness.AtPlace(at).Equal(want) {
				t.Errorf("%s: %s/%s is not what was kept %s", when, group, name, where)
			}
		}
	}
	kept("first", "one", "record", a)
	kept("first", "one", "name", b)
	kept("first", "two", "record", b)
	kept("first", "two", "name", js.Undefined())
	kept("first", "three", "record", js.Undefined())
	again := keep("one", "record", b)
	kept("again", "one", "record", b)
	if !harness.AtPlace(first).IsUndefined() {
		t.Error("what was replaced is still there")
	}
	jsbridge.Forget("one", "")
	kept("forgotten", "one", "record", js.Undefined())
	if !harness.AtPlace(again).IsUndefined() {
		t.Error("what was forgotten is still there")
	}
	kept("forgotten", "one", "name", js.Undefined())
	kept("the other", "two", "record", b)
	jsbridge.Forget("never kept", "")
	jsbridge.Forget("two", "")
	kept("forgotten", "two", "record", js.Undefined())
}
