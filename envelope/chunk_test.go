package envelope

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestChunkKey(t *testing.T) {
	for _, c := range []struct{ name, store, record, want string }{
		{"a name", "st", "name", "\x02st\x00\x04name\x00\x00\x00\x00"},
		{"longest name", "s", strings.Repeat("n", MaxName), "\x01s\x04\x00" + strings.Repeat("n", MaxName) + "\x00\x00\x00\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := ChunkKey(c.store, []byte(c.record))
			if string(key) != c.want {
				t.Fatalf("got %q, want %q", key, c.want)
			}
			store, name, id, err := ParseChunkKey(key)
			if err != nil || store != c.store || string(name) != c.record || id != nil {
				t.Errorf("parsed to %q, %q, %x, %v", store, name, id, err)
			}
			for n := range key {
				if _, _, _, err := ParseChunkKey(key[:n]); err != ErrFormat {
					t.Errorf("%d bytes: got %v, want ErrFormat", n, err)
				}
			}
			if _, _, _, err := ParseChunkKey(append(key, 0)); err != ErrFormat {
				t.Errorf("a byte behind it: got %v, want ErrFormat", err)
			}
		})
	}
	for _, c := range []struct{ name, key string }{
		{"a store without a name", "\x00\x00\x04name\x00\x00\x00\x00"},
		{"a record without a name", "\x02st\x00\x00\x00\x00\x00\x00"},
		{"a split value with a number", "\x02st\x00\x04name\x00\x00\x00\x01"},
	} {
		if _, _, _, err := ParseChunkKey([]byte(c.key)); err != ErrFormat {
			t.Errorf("%s: got %v, want ErrFormat", c.name, err)
		}
	}
}

func TestChunksKey(t *testing.T) {
	h := Header{Layout: Chunked, Begun: 0x0102030405060708}
	for i := range h.Salt {
		h.Salt[i] = byte(0x80 + i)
	}
	id := h.ChunkID()
	if id.Begun() != h.Begun {
		t.Errorf("begun is %x", id.Begun())
	}
	key := ChunksKey("st", []byte("name"), id, 0xFFFFFFFE)
	want := "\x02st\x00\x04name\x01\x02\x03\x04\x05\x06\x07\x08\x80\x81\x82\x83\x84\x85\x86\x87\xff\xff\xff\xfe"
	if string(key) != want {
		t.Errorf("got %q, want %q", key, want)
	}
	store, name, parsed, err := ParseChunkKey(key)
	if err != nil || store != "st" || string(name) != "name" || parsed == nil || *parsed != id {
		t.Errorf("parsed to %q, %q, %x, %v", store, name, parsed, err)
	}
	for n := range key {
		if _, _, id, err := ParseChunkKey(key[:n]); err != ErrFormat {
			t.Errorf("%d bytes: got %x, %v, want ErrFormat", n, id, err)
		}
	}
}

func TestChunkGeometry(t *testing.T) {
	for _, c := range []struct {
		length uint64
		chunks uint32
		last   int
	}{
		{0, 1, 0},
		{1, 1, 1},
		{ChunkSize - 1, 1, ChunkSize - 1},
		{ChunkSize, 1, ChunkSize},
		{ChunkSize + 1, 2, 1},
		{7 * ChunkSize, 7, ChunkSize},
		{MaxChunked, MaxChunked / ChunkSize, ChunkSize},
	} {
		h := Header{Length: c.length}
		if n := h.Chunks(); n != c.chunks || h.ChunkLength(n-1) != c.last || n > 1 && h.ChunkLength(0) != ChunkSize {
			t.Errorf("%d bytes are %d chunks, of which the last has %d", c.length, n, h.ChunkLength(n-1))
		}
	}
}

func TestChunkIV(t *testing.T) {
	seen := map[[IVSize]byte]bool{}
	for _, i := range []uint32{0, 1, 255, 256, 1 << 16, 1 << 24, math.MaxUint32} {
		for _, last := range []bool{false, true} {
			iv := ChunkIV(i, last)
			if want := fmt.Sprintf("%014x%02x%08x", 0, flag(last), i); fmt.Sprintf("%x", iv) != want {
				t.Errorf("chunk %d, last: %v: got %x, want %s", i, last, iv, want)
			}
			seen[iv] = true
		}
	}
	if len(seen) != 14 {
		t.Errorf("14 chunks have %d IVs", len(seen))
	}
}

// Whatever of the associated data is another, the data is another: but for the length, which is not known yet.
func TestChunkAAD(t *testing.T) {
	base := func() (Place, Header) {
		return Place{"database", "store", []byte("name")}, Header{Layout: Chunked, Class: PHI, Epoch: 3, Created: 4, Expires: 5, Begun: 6}
	}
	at, h := base()
	all := map[string]string{"nothing": string(ChunkAAD(at, &h, 7, false))}
	add := func(what string, change func(at *Place, h *Header), i uint32, last bool) {
		at, h := base()
		change(&at, &h)
		aad := string(ChunkAAD(at, &h, i, last))
		for other, x := range all {
			if x == aad {
				t.Errorf("a change of %s gives what a change of %s gives", what, other)
			}
		}
		all[what] = aad
	}
	add("database", func(at *Place, _ *Header) { at.Database = "databas" }, 7, false)
	add("store", func(at *Place, _ *Header) { at.Store = "estore" }, 7, false)
	add("name", func(at *Place, _ *Header) { at.Name = []byte("nam") }, 7, false)
	add("class", func(_ *Place, h *Header) { h.Class = PII }, 7, false)
	add("epoch", func(_ *Place, h *Header) { h.Epoch = 4 }, 7, false)
	add("created", func(_ *Place, h *Header) { h.Created = 5 }, 7, false)
	add("expires", func(_ *Place, h *Header) { h.Expires = 6 }, 7, false)
	add("IV", func(_ *Place, h *Header) { h.IV[11] = 1 }, 7, false)
	add("salt", func(_ *Place, h *Header) { h.Salt[31] = 1 }, 7, false)
	add("begun", func(_ *Place, h *Header) { h.Begun = 7 }, 7, false)
	add("number", func(*Place, *Header) {}, 8, false)
	add("last", func(*Place, *Header) {}, 7, true)

	again := h
	again.Length = 9
	if !bytes.Equal(ChunkAAD(at, &h, 7, false), ChunkAAD(at, &again, 7, false)) {
		t.Error("the length is in it")
	}
	w := prefixed("idbvault/chunk/v1") + prefixed("database") + prefixed("store") + prefixed("name") +
		prefixed(string(h.Encode()[:chunkedHeaderSize-8])) + "\x00\x00\x00\x07\x00"
	if got := string(ChunkAAD(at, &h, 7, false)); got != w {
		t.Errorf("got %q, want %q", got, w)
	}
}
