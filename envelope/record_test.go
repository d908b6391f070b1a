package envelope

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

func TestHeader(t *testing.T) {
	for _, c := range []struct {
		name   string
		layout Layout
		want   string
		size   int
	}{
		{"whole", Whole, wholeHeaderHex, 36},
		{"split", Split, splitHeaderHex, 56},
		{"chunked", Chunked, chunkedHeaderHex, 84},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := sampleHeader(c.layout)
			encoded := h.Encode()
			if got := hex.EncodeToString(encoded); got != c.want {
				t.Fatalf("encoded as\n%s, want\n%s", got, c.want)
			}
			if h.Size() != c.size || len(encoded) != c.size || c.size > MaxHeaderSize {
				t.Errorf("Size is %d and the encoding has %d bytes, want %d", h.Size(), len(encoded), c.size)
			}
			got, err := ParseHeader(append(encoded, tag...))
			if err != nil || got != h {
				t.Errorf("parsed to %+v (%v), want %+v", got, err, h)
			}
		})
	}
}

// A header that lost a byte, or whose ciphertext is shorter than a tag, must not parse: not one byte fewer is enough.
func TestHeaderTruncated(t *testing.T) {
	for _, layout := range []Layout{Whole, Split, Chunked} {
		h := sampleHeader(layout)
		stored := append(h.Encode(), tag...)
		for n := range stored {
			if _, err := ParseHeader(stored[:n]); err != ErrFormat {
				t.Errorf("layout %d, %d of %d bytes: got %v, want ErrFormat", layout, n, len(stored), err)
			}
		}
	}
}

func TestHeaderRefused(t *testing.T) {
	whole, split, chunked := fromHex(t, wholeHeaderHex), fromHex(t, splitHeaderHex), fromHex(t, chunkedHeaderHex)
	for _, c := range []struct {
		name   string
		header []byte
		want   error
	}{
		{"version 0", change(t, whole, 0, "00"), ErrVersion},
		{"version 2", change(t, whole, 0, "02"), ErrVersion},
		{"version 255", change(t, whole, 0, "ff"), ErrVersion},
		{"suite 0", change(t, whole, 1, "00"), ErrVersion},
		{"suite 2", change(t, whole, 1, "02"), ErrVersion},
		{"layout 0", change(t, whole, 2, "00"), ErrFormat},
		{"layout 4", change(t, chunked, 2, "04"), ErrFormat},
		{"class 0", change(t, whole, 3, "00"), ErrFormat},
		{"class 6", change(t, whole, 3, "06"), ErrFormat},
		{"epoch 0", change(t, whole, 4, "00000000"), ErrFormat},
		{"length 2^30 + 1", change(t, split, 48, "0000000040000001"), ErrFormat},
		{"length 2^64 - 1", change(t, split, 48, "ffffffffffffffff"), ErrFormat},
		{"chunked length 2^40 + 1", change(t, chunked, 76, "0000010000000001"), ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			if h, err := ParseHeader(append(c.header, tag...)); err != c.want {
				t.Errorf("got %+v, %v, want %v", h, err, c.want)
			}
		})
	}
}

// What stands at the edge of a field's range is within it.
func TestHeaderAccepted(t *testing.T) {
	whole, split, chunked := fromHex(t, wholeHeaderHex), fromHex(t, splitHeaderHex), fromHex(t, chunkedHeaderHex)
	for _, c := range []struct {
		name   string
		header []byte
	}{
		{"class 1", change(t, whole, 3, "01")},
		{"epoch 1", change(t, whole, 4, "00000001")},
		{"epoch 2^32 - 1", change(t, whole, 4, "ffffffff")},
		{"never expires", change(t, whole, 16, "0000000000000000")},
		{"length 0", change(t, split, 48, "0000000000000000")},
		{"length 2^30", change(t, split, 48, "0000000040000000")},
		{"chunked length 0", change(t, chunked, 76, "0000000000000000")},
		{"chunked length 2^40", change(t, chunked, 76, "0000010000000000")},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := ParseHeader(append(slices.Clone(c.header), tag...))
			if err != nil || !bytes.Equal(h.Encode(), c.header) {
				t.Errorf("got %+v, %v", h, err)
			}
		})
	}
}

func TestRecordKey(t *testing.T) {
	longest := strings.Repeat("s", MaxPlaceName)
	for _, c := range []struct{ name, store, record, want string }{
		{"short", "st", "name", "\x02stname"},
		{"longest store", longest, "n", "\xff" + longest + "n"},
		{"a store that ends as the name begins", "aa", "ab", "\x02aaab"},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := RecordKey(c.store, []byte(c.record))
			if string(key) != c.want {
				t.Fatalf("got %q, want %q", key, c.want)
			}
			store, name, err := ParseRecordKey(key)
			if err != nil || store != c.store || string(name) != c.record {
				t.Errorf("parsed to %q, %q, %v", store, name, err)
			}
			// One byte of name is the least.
			for n := range len(c.store) + 2 {
				if _, _, err := ParseRecordKey(key[:n]); err != ErrFormat {
					t.Errorf("%d bytes: got %v, want ErrFormat", n, err)
				}
			}
		})
	}
	if _, _, err := ParseRecordKey([]byte("\x00name")); err != ErrFormat {
		t.Errorf("a store without a name: got %v, want ErrFormat", err)
	}
}

// The keys of one store lie together in both tables, and its name bounds them: no other store's key may sort between.
func TestKeysOfStoresDoNotMeet(t *testing.T) {
	if bytes.Equal(RecordKey("ab", []byte("c")), RecordKey("a", []byte("bc"))) {
		t.Error("a byte moved from the store to the name gives the same record key")
	}
	if bytes.Equal(ChunkKey("ab", []byte("c")), ChunkKey("a", []byte("bc"))) {
		t.Error("a byte moved from the store to the name gives the same chunk key")
	}
	if bytes.Equal(ChunkKey("a", []byte("b\x00")), ChunkKey("a", []byte("b"))) {
		t.Error("a byte moved from the name to the index gives the same chunk key")
	}
}

func TestNameMessage(t *testing.T) {
	want := prefixed("idbvault/name/v1") + prefixed("store") + prefixed("näme")
	if got := NameMessage("store", "näme"); string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if bytes.Equal(NameMessage("ab", "c"), NameMessage("a", "bc")) {
		t.Error("a byte moved from the store to the name gives the same message")
	}
}
