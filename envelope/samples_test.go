package envelope

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// sampleHeader has a value of its own in every byte that a header may choose, so that a field written in the place of
// another shows.
func sampleHeader(layout Layout) Header {
	h := Header{
		Layout: layout, Class: PHI, Epoch: 0x01020304, Created: 0x1112131415161718, Expires: 0x2122232425262728,
		IV: [IVSize]byte{0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c},
	}
	if layout == Split {
		h.ValueIV = [IVSize]byte{0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c}
		h.Length = 0x05060708
	}
	if layout == Chunked {
		for i := range h.Salt {
			h.Salt[i] = byte(0x51 + i)
		}
		h.Begun, h.Length = 0x7172737475767778, 0x0000000908070605
	}
	return h
}

const (
	wholeHeaderHex = "01010105" + "01020304" + "1112131415161718" + "2122232425262728" + "3132333435363738393a3b3c"
	splitHeaderHex = "01010205" + "01020304" + "1112131415161718" + "2122232425262728" + "3132333435363738393a3b3c" +
		"4142434445464748494a4b4c" + "0000000005060708"
	chunkedHeaderHex = "01010305" + "01020304" + "1112131415161718" + "2122232425262728" + "3132333435363738393a3b3c" +
		"5152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f70" + "7172737475767778" + "0000000908070605"
)

var tag = make([]byte, TagSize)

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// change returns b with the bytes from at on replaced by those of the hexadecimal text.
func change(t testing.TB, b []byte, at int, hexadecimal string) []byte {
	t.Helper()
	changed := slices.Clone(b)
	copy(changed[at:], fromHex(t, hexadecimal))
	return changed
}

// prefixed is lp(x) of docs/FORMAT.md, written without the package's writer.
func prefixed(x string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(x)))) + x
}

// The typed encoding, written from docs/FORMAT.md without the package's code. Values are those of encoding/json, and two
// more for what Go's strings and maps can't hold.
type (
	units  []uint16 // a string by its UTF-16 code units
	member struct {
		name  units
		value any
	}
	members []member // an object with its members as they stand
)

func typed(v any) []byte {
	switch v := v.(type) {
	case nil:
		return []byte{0}
	case bool:
		if v {
			return []byte{2}
		}
		return []byte{1}
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			panic(err)
		}
		return typed(f)
	case float64:
		if v == 0 {
			v = 0 // -0 is encoded as 0
		}
		return binary.BigEndian.AppendUint64([]byte{3}, math.Float64bits(v+0))
	case string:
		return typed(units(utf16.Encode([]rune(v))))
	case units:
		return append([]byte{4}, codeUnits(v)...)
	case []any:
		b := binary.BigEndian.AppendUint32([]byte{5}, uint32(len(v)))
		for _, x := range v {
			b = append(b, typed(x)...)
		}
		return b
	case map[string]any:
		var list members
		for name, x := range v {
			list = append(list, member{utf16.Encode([]rune(name)), x})
		}
		slices.SortFunc(list, func(a, b member) int { return slices.Compare(a.name, b.name) })
		return typed(list)
	case members:
		b := binary.BigEndian.AppendUint32([]byte{6}, uint32(len(v)))
		for _, m := range v {
			b = append(append(b, codeUnits(m.name)...), typed(m.value)...)
		}
		return b
	}
	panic("no JSON value")
}

func codeUnits(u units) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(u)))
	for _, x := range u {
		b = binary.BigEndian.AppendUint16(b, x)
	}
	return b
}

// fromJSON returns the value of a JSON text with its numbers as they are written.
func fromJSON(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
