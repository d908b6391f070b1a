package envelope

import (
	"bytes"
	"maps"
	"testing"
)

func TestUses(t *testing.T) {
	// The hashes are those of http://www.isthe.com/chongo/tech/comp/fnv/, for 64-bit FNV-1a.
	for text, want := range map[string]uint64{"": 0xcbf29ce484222325, "a": 0xaf63dc4c8601ec8c, "foobar": 0x85944171f73967e8} {
		if got := UseHash([]byte(text)); got != want {
			t.Errorf("the hash of %q is %x, want %x", text, got, want)
		}
	}
	one := Uses{UseHash([]byte("a")): 482_484}
	encoded := []byte{1, 0xaf, 0x63, 0xdc, 0x4c, 0x86, 0x01, 0xec, 0x8c, 0x00, 0x07, 0x5c, 0xb4}
	if got := one.Encode(); !bytes.Equal(got, encoded) {
		t.Errorf("encoded: %x, want %x", got, encoded)
	}
	if got, err := ParseUses(encoded); err != nil || !maps.Equal(got, one) {
		t.Errorf("parsed: %v, %v", got, err)
	}
	later := append(append([]byte(nil), encoded...), encoded[1:]...)
	later[len(later)-1]--
	if got, err := ParseUses(later); err != nil || !maps.Equal(got, one) {
		t.Errorf("of two the later time counts: %v, %v", got, err)
	}
	for _, c := range []struct {
		b    []byte
		want error
	}{
		{nil, ErrFormat},
		{[]byte{2}, ErrVersion},
		{encoded[:5], ErrFormat},
		{append(encoded, 0), ErrFormat},
		{append([]byte{1}, make([]byte, useSize*(MaxUses+1))...), ErrFormat},
	} {
		if _, err := ParseUses(c.b); err != c.want {
			t.Errorf("%d bytes: %v, want %v", len(c.b), err, c.want)
		}
	}
	if string(UsesKey("st")) != "used:st" {
		t.Errorf("the key is %q", UsesKey("st"))
	}
}
