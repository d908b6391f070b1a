package envelope

import (
	"bytes"
	"encoding/hex"
	"math"
	"runtime"
	"strings"
	"testing"
)

// The bytes of the table in docs/FORMAT.md, by hand.
func TestTypedEncodingByHand(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", `{}`, "06 00000000"},
		{"literals", `{"a":null,"b":false,"c":true}`, "06 00000003 00000001 0061 00 00000001 0062 01 00000001 0063 02"},
		{"number", `{"a":1.5}`, "06 00000001 00000001 0061 03 3ff8000000000000"},
		{"2^53 + 1 is 2^53", `{"a":9007199254740993}`, "06 00000001 00000001 0061 03 4340000000000000"},
		{"-0 is 0", `{"a":-0}`, "06 00000001 00000001 0061 03 0000000000000000"},
		{"string", `{"a":"é𐀀"}`, "06 00000001 00000001 0061 04 00000003 00e9 d800 dc00"},
		{"array", `{"a":[[],""]}`, "06 00000001 00000001 0061 05 00000002 05 00000000 04 00000000"},
		{"empty name", `{"":{}}`, "06 00000001 00000000 06 00000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := strings.ReplaceAll(c.want, " ", "")
			got := typed(fromJSON(t, c.text))
			if hex.EncodeToString(got) != want {
				t.Fatalf("the test's own encoder gives %x, want %s", got, want)
			}
			if !CheckContext(got) {
				t.Error("refused")
			}
		})
	}
}

func TestContextAccepted(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"as in the documentation", `{"patientId":"P12345","visit":{"ward":"7b","codes":["A00","B01"],"urgent":true}}`},
		{"numbers", `{"a":1,"b":1.0,"c":1e0,"d":-1,"e":5e-324,"f":1.7976931348623157e308,"g":0,"h":-0.0}`},
		{"members out of order in the text", `{"b":1,"a":2,"B":3,"ab":4,"a\u0000":5,"":6}`},
		// By code points U+10000 comes after U+FFFF; by code units, whose first is D800, before it.
		{"U+FFFF and U+10000", `{"\uffff":1,"` + "\U00010000" + `":2,"\ue000":3}`},
		{"names and values of every length", `{"a":"x","aa":"xx","aaa":"xxx"}`},
		{"characters that JSON escapes", `{"\"\\\u0001/":"\"\\\u0001/"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !CheckContext(typed(fromJSON(t, c.text))) {
				t.Error("refused")
			}
		})
	}
	// Go's strings and maps don't hold unpaired surrogates, JavaScript's do.
	for _, c := range []struct {
		name  string
		value members
	}{
		{"unpaired surrogate as a name", members{{units{0xd800}, nil}}},
		{"unpaired surrogate as a value", members{{units{'a'}, units{0xdfff, 'x', 0xd800}}}},
		{"surrogates in order", members{{units{0xd7ff}, nil}, {units{0xd800}, nil}, {units{0xd800, 0xdc00}, nil}, {units{0xdc00}, nil}, {units{0xffff}, nil}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !CheckContext(typed(c.value)) {
				t.Error("refused")
			}
		})
	}
}

func number(bits uint64) []byte {
	b := typed(map[string]any{"a": 1.0})
	return append(b[:len(b)-8], u64(bits)...)
}

func TestContextRefused(t *testing.T) {
	sample := typed(fromJSON(t, `{"a":{"b":[1,"two",null,false,true,{}]},"c":""}`))
	for n := range sample {
		if CheckContext(sample[:n]) {
			t.Errorf("%d of %d bytes: accepted", n, len(sample))
		}
	}
	if CheckContext(append(sample, 0)) {
		t.Error("a byte behind it: accepted")
	}
	pair := func(a, b units) []byte { return typed(members{{a, nil}, {b, nil}}) }
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"null", typed(nil)},
		{"string", typed("a")},
		{"number", typed(1.0)},
		{"array", typed([]any{})},
		{"tag 7", []byte("\x06\x00\x00\x00\x01\x00\x00\x00\x00\x07")},
		{"tag 255", []byte("\x06\x00\x00\x00\x01\x00\x00\x00\x00\xff")},

		{"-0", number(math.Float64bits(math.Copysign(0, -1)))},
		{"NaN", number(math.Float64bits(math.NaN()))},
		{"NaN with another payload", number(0xfff0000000000001)},
		{"infinity", number(math.Float64bits(math.Inf(1)))},
		{"-infinity", number(math.Float64bits(math.Inf(-1)))},

		{"name twice", pair(units{'a'}, units{'a'})},
		{"empty name twice", pair(nil, nil)},
		{"names out of order", pair(units{'b'}, units{'a'})},
		{"prefix behind the longer name", pair(units{'a', 'a'}, units{'a'})},
		{"empty name behind another", pair(units{'a'}, nil)},
		{"U+FFFF before U+10000", pair(units{0xffff}, units{0xd800, 0xdc00})},
		{"unpaired surrogate behind U+E000", pair(units{0xe000}, units{0xdfff})},
		{"bytes and not code units in order", pair(units{0x0100}, units{0x00ff})},
		{"inner object out of order", typed(map[string]any{"a": []any{members{{units{'b'}, nil}, {units{'a'}, nil}}}})},
	} {
		t.Run(c.name, func(t *testing.T) {
			if CheckContext(c.b) {
				t.Error("accepted")
			}
		})
	}
}

// nested returns an object of so many levels of arrays, or of objects, its own braces being the first.
func nested(levels int, objects bool) []byte {
	var v any = map[string]any{}
	if levels > 1 && !objects {
		v = []any{}
		levels--
	}
	for ; levels > 1; levels-- {
		if objects {
			v = map[string]any{"a": v}
		} else {
			v = []any{v}
		}
	}
	if !objects {
		v = map[string]any{"a": v}
	}
	return typed(v)
}

func TestContextDepth(t *testing.T) {
	for _, c := range []struct {
		name    string
		levels  int
		objects bool
		want    bool
	}{
		{"1 level", 1, true, true},
		{"2 levels of arrays", 2, false, true},
		{"64 levels of objects", 64, true, true},
		{"64 levels of arrays", 64, false, true},
		{"65 levels of objects", 65, true, false},
		{"65 levels of arrays", 65, false, false},
		{"1,000 levels of arrays", 1000, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := nested(c.levels, c.objects)
			if got := bytes.Count(b, []byte{5, 0, 0, 0}) + bytes.Count(b, []byte{6, 0, 0, 0}); got != c.levels {
				t.Fatalf("the test made %d levels", got)
			}
			if CheckContext(b) != c.want {
				t.Errorf("accepted is %v, want %v", !c.want, c.want)
			}
		})
	}
	// A scalar is no level: it may stand in the innermost one.
	deepest := nested(63, false)
	deepest = append(deepest[:len(deepest)-5], typed([]any{[]any{1.0, "x", nil}})...)
	if !CheckContext(deepest) {
		t.Error("a number on level 64 was refused")
	}
}

func TestContextSize(t *testing.T) {
	// Both come to MaxEncodedContext and, one more, to a byte or two above it.
	text := func(n int) []byte { return typed(map[string]any{"a": strings.Repeat("x", n)}) }
	nulls := func(n int) []byte { return typed(map[string]any{"a": make([]any, n)}) }
	for _, c := range []struct {
		name string
		b    []byte
		size int
		want bool
	}{
		{"a string up to the limit", text(147_448), 294_912, true},
		{"a string above it", text(147_449), 294_914, false},
		{"an array up to the limit", nulls(294_896), 294_912, true},
		{"an array one byte above it", nulls(294_897), 294_913, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if len(c.b) != c.size {
				t.Fatalf("the test made %d bytes, want %d", len(c.b), c.size)
			}
			if CheckContext(c.b) != c.want {
				t.Errorf("accepted is %v, want %v", !c.want, c.want)
			}
		})
	}
}

// A count that claims more than there is must be refused before anything is made of that size.
func TestContextCounts(t *testing.T) {
	for _, c := range []struct{ name, b string }{
		{"object", "\x06\xff\xff\xff\xff"},
		{"object with one member", "\x06\xff\xff\xff\xff\x00\x00\x00\x00\x00"},
		{"name", "\x06\x00\x00\x00\x01\xff\xff\xff\xff\x00a\x00"},
		{"name whose bytes overflow 32 bits", "\x06\x00\x00\x00\x01\x80\x00\x00\x01\x00a\x00"},
		{"name half of which is there", "\x06\x00\x00\x00\x01\x00\x00\x00\x02\x00a"},
		{"string", "\x06\x00\x00\x00\x01\x00\x00\x00\x00\x04\x7f\xff\xff\xff\x00a"},
		{"string whose bytes overflow 32 bits", "\x06\x00\x00\x00\x01\x00\x00\x00\x00\x04\x80\x00\x00\x00"},
		{"array", "\x06\x00\x00\x00\x01\x00\x00\x00\x00\x05\xff\xff\xff\xff\x00"},
		{"one more than there is", "\x06\x00\x00\x00\x01\x00\x00\x00\x00\x05\x00\x00\x00\x02\x00"},
		{"one less than there is", "\x06\x00\x00\x00\x01\x00\x00\x00\x00\x05\x00\x00\x00\x01\x00\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			ok := CheckContext([]byte(c.b))
			runtime.ReadMemStats(&after)
			if ok {
				t.Error("accepted")
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 64<<10 {
				t.Errorf("%d bytes were allocated for %d", n, len(c.b))
			}
		})
	}
}
