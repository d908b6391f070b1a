package envelope

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

var sampleHead = Head{Kind: File, Name: "patient:P12345", ContentType: "image/png", Context: []byte(`{"a":1}`)}

// headOf encodes a head by docs/FORMAT.md, whatever its fields are.
func headOf(kind byte, name, contentType, context string) []byte {
	return []byte(prefixed(string(rune(kind)) + prefixed(name) + prefixed(contentType) + prefixed(context)))
}

func TestHead(t *testing.T) {
	for _, c := range []struct {
		name    string
		head    Head
		encoded []byte
	}{
		{"blob", sampleHead, headOf(3, "patient:P12345", "image/png", `{"a":1}`)},
		{"text", Head{Kind: Text, Name: "n"}, headOf(1, "n", "", "")},
		{"bytes with a context", Head{Kind: Bytes, Name: "ñ", Context: []byte("{}")}, headOf(2, "ñ", "", "{}")},
		{
			"largest",
			Head{
				Kind: File, Name: strings.Repeat("n", MaxName), ContentType: strings.Repeat("t", MaxContentType),
				Context: bytes.Repeat([]byte("c"), MaxContext),
			},
			headOf(3, strings.Repeat("n", MaxName), strings.Repeat("t", MaxContentType), strings.Repeat("c", MaxContext)),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			encoded := c.head.Encode()
			if !bytes.Equal(encoded, c.encoded) {
				t.Fatalf("encoded as %.100q, want %.100q", encoded, c.encoded)
			}
			if n, ok := HeadSize(encoded); !ok || n != len(encoded) || n > 4+MaxHead {
				t.Errorf("HeadSize is %d, %v, want %d", n, ok, len(encoded))
			}
			// What follows is the value, and is left alone.
			got, n, err := ParseHead(append(slices.Clone(encoded), "the value"...))
			if err != nil || n != len(encoded) {
				t.Fatalf("%d bytes, %v, want %d bytes", n, err, len(encoded))
			}
			if got.Kind != c.head.Kind || got.Name != c.head.Name || got.ContentType != c.head.ContentType || !bytes.Equal(got.Context, c.head.Context) {
				t.Errorf("parsed to %.100q, want %.100q", got, c.head)
			}
		})
	}
}

func TestHeadTruncated(t *testing.T) {
	encoded := sampleHead.Encode()
	for n := range encoded {
		if _, _, err := ParseHead(encoded[:n]); err != ErrFormat {
			t.Errorf("%d of %d bytes: got %v, want ErrFormat", n, len(encoded), err)
		}
		// Nor does a shorter length in front make it whole.
		shorter := slices.Clone(encoded)
		binary.BigEndian.PutUint32(shorter, uint32(max(n-4, 0)))
		if _, _, err := ParseHead(shorter); err != ErrFormat {
			t.Errorf("a head that says %d bytes: got %v, want ErrFormat", max(n-4, 0), err)
		}
	}
}

func TestHeadRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		head []byte
	}{
		{"kind 0", headOf(0, "n", "", "")},
		{"kind 4", headOf(4, "n", "", "")},
		{"no name", headOf(1, "", "", "")},
		{"name of 1025 bytes", headOf(1, strings.Repeat("n", MaxName+1), "", "")},
		{"content type of 256 bytes", headOf(3, "n", strings.Repeat("t", MaxContentType+1), "")},
		{"context of 65,537 bytes", headOf(1, "n", "", strings.Repeat("c", MaxContext+1))},
		{"text with a content type", headOf(1, "n", "text/plain", "")},
		{"bytes with a content type", headOf(2, "n", "image/png", "")},
		{"bytes behind the context", []byte(prefixed("\x01" + prefixed("n") + prefixed("") + prefixed("") + "\x00"))},
		{"a length above the largest head", append(binary.BigEndian.AppendUint32(nil, MaxHead+1), make([]byte, MaxHead+1)...)},
		{"a length of 2^32 - 1", append([]byte{0xff, 0xff, 0xff, 0xff}, headOf(1, "n", "", "")[4:]...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if h, _, err := ParseHead(c.head); err != ErrFormat {
				t.Errorf("got %.100q, %v, want ErrFormat", h, err)
			}
		})
	}
}

func TestHeadSize(t *testing.T) {
	for _, c := range []struct {
		name string
		b    string
		want int
		ok   bool
	}{
		{"of an empty head", "\x00\x00\x00\x00", 4, true},
		{"of the largest head", string(binary.BigEndian.AppendUint32(nil, MaxHead)), 4 + MaxHead, true},
		{"above it", string(binary.BigEndian.AppendUint32(nil, MaxHead+1)), 0, false},
		{"of three bytes", "\x00\x00\x00", 0, false},
		{"of none", "", 0, false},
	} {
		if n, ok := HeadSize([]byte(c.b)); ok != c.ok || ok && n != c.want {
			t.Errorf("%s: got %d, %v, want %d, %v", c.name, n, ok, c.want, c.ok)
		}
	}
}

// The context of an opened record must not keep the plaintext that it was cut from.
func TestHeadContextIsACopy(t *testing.T) {
	encoded := sampleHead.Encode()
	h, _, err := ParseHead(encoded)
	if err != nil {
		t.Fatal(err)
	}
	clear(encoded)
	if string(h.Context) != `{"a":1}` {
		t.Errorf("the context changed with the buffer: %q", h.Context)
	}
}
