package envelope

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"testing"
)

// RFC 4648 section 10, and the letters at the end of the alphabet.
var base64Vectors = []struct{ plain, text string }{
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xfe", "+//+"},
	{"\x00\x00\x00", "AAAA"},
}

func TestBase64(t *testing.T) {
	for _, c := range base64Vectors {
		if got := Base64([]byte(c.plain)); got != c.text {
			t.Errorf("%q is %q, want %q", c.plain, got, c.text)
		}
		got := make([]byte, len(c.plain))
		if !decodeBase64(got, c.text) || string(got) != c.plain {
			t.Errorf("%q decodes to %q, want %q", c.text, got, c.plain)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 100 {
		x := make([]byte, n)
		for i := range x {
			x[i] = byte(random.Uint32())
		}
		got := make([]byte, n)
		if text := Base64(x); text != base64.StdEncoding.EncodeToString(x) || !decodeBase64(got, text) || !bytes.Equal(got, x) {
			t.Errorf("%x: %q, back %x", x, text, got)
		}
	}
}

func TestBase64Refused(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
		text string
	}{
		{"stray bits behind one byte", 1, "Zh=="},
		{"stray bits behind two", 2, "Zm9="},
		{"no padding", 1, "Zg"},
		{"half of the padding", 1, "Zg="},
		{"no padding behind two", 2, "Zm8"},
		{"padding where none belongs", 3, "Zm8="},
		{"too much padding", 1, "Zg======"},
		{"padding in the middle", 4, "Zg==Zg=="},
		{"padding alone", 1, "===="},
		{"line break at the end", 3, "Zm9v\n"},
		{"line break inside", 6, "Zm9v\nYmFy"},
		{"line break for a letter", 3, "Zm9\n"},
		{"space", 3, "Zm 9"},
		{"URL alphabet", 3, "-__-"},
		{"NUL", 3, "Zm9\x00"},
		{"letter of two bytes", 3, "Zmé"},
		{"fewer bytes than asked for", 4, "Zm9v"},
		{"more bytes than asked for", 2, "Zm9v"},
		{"some where none are asked for", 0, "AAAA"},
		{"none where some are asked for", 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := make([]byte, c.size); decodeBase64(got, c.text) {
				t.Errorf("%q decoded to %q", c.text, got)
			}
		})
	}
}
