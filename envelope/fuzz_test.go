package envelope

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// What a parser accepts must be the one encoding of what it read: encoded again, it gives the same bytes. None of them
// may panic, whatever it is given.

func FuzzParseHeader(f *testing.F) {
	for _, layout := range []Layout{Whole, Split, Chunked} {
		h := sampleHeader(layout)
		f.Add(append(h.Encode(), tag...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHeader(b)
		if err != nil {
			return
		}
		if again := h.Encode(); len(again) != h.Size() || len(b) < h.Size()+TagSize || !bytes.Equal(again, b[:h.Size()]) {
			t.Errorf("%x is encoded again as %x", b, again)
		}
	})
}

func FuzzParseHead(f *testing.F) {
	f.Add(append(sampleHead.Encode(), "the value"...))
	f.Add(headOf(1, "n", "", ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := ParseHead(b)
		if err != nil {
			return
		}
		if again := h.Encode(); len(again) != n || n > len(b) || !bytes.Equal(again, b[:n]) {
			t.Errorf("%x is encoded again as %x", b, again)
		}
		if size, ok := HeadSize(b); !ok || size != n {
			t.Errorf("HeadSize is %d, %v, and ParseHead took %d", size, ok, n)
		}
	})
}

func FuzzParseKeyring(f *testing.F) {
	f.Add(sampleKeyring())
	f.Add(keyringOf(frontOf(1, 1, 0), sampleSlots[:1], nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, mac, err := ParseKeyring(b)
		if err != nil {
			return
		}
		if again := append(k.Encode(), mac...); len(mac) != MACSize || !bytes.Equal(again, b) {
			t.Errorf("%x is encoded again as %x", b, again)
		}
	})
}

func FuzzParseRecordKey(f *testing.F) {
	f.Add(RecordKey("store", []byte("name")))
	f.Fuzz(func(t *testing.T, b []byte) {
		store, name, err := ParseRecordKey(b)
		if err != nil {
			return
		}
		if again := RecordKey(store, name); !bytes.Equal(again, b) {
			t.Errorf("%x is encoded again as %x", b, again)
		}
	})
}

func FuzzParseChunkKey(f *testing.F) {
	f.Add(ChunkKey("store", []byte("name")))
	f.Add(ChunksKey("store", []byte("name"), ChunkID{1, 2, 3}, 7))
	f.Fuzz(func(t *testing.T, b []byte) {
		store, name, id, err := ParseChunkKey(b)
		if err != nil {
			return
		}
		again := ChunkKey(store, name)
		if id != nil {
			again = ChunksKey(store, name, *id, binary.BigEndian.Uint32(b[len(b)-4:]))
		}
		if !bytes.Equal(again, b) {
			t.Errorf("%x is encoded again as %x", b, again)
		}
	})
}

// A package that carries members which this version does not know is not written again, so what can be asked of
// metadata is that the fields read are those that an encoder of known members would write.
func FuzzParseMetadata(f *testing.F) {
	m := sampleMetadata()
	f.Add(m.Encode())
	m.Iterations = m.Class.Iterations()
	f.Add(m.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMetadata(b)
		if err != nil {
			return
		}
		if !m.Class.Valid() || m.Iterations < m.Class.Iterations() || m.Iterations > MaxIterations {
			t.Fatalf("%v with %d iterations", m.Class, m.Iterations)
		}
		m.Context = typed(map[string]any{})
		again, err := ParseMetadata(m.Encode())
		again.Context = m.Context
		if err != nil || !bytes.Equal(again.Encode(), m.Encode()) {
			t.Errorf("%+v is read again as %+v (%v)", m, again, err)
		}
	})
}

// decoded reads the typed encoding of one value by docs/FORMAT.md, and does not check what CheckContext must.
func decoded(b []byte) (any, []byte) {
	u32 := func() (n int) {
		for _, x := range b[:4] {
			n = n<<8 | int(x)
		}
		b = b[4:]
		return n
	}
	text := func() units {
		u := make(units, u32())
		for i := range u {
			u[i] = uint16(b[0])<<8 | uint16(b[1])
			b = b[2:]
		}
		return u
	}
	kind := b[0]
	b = b[1:]
	switch kind {
	case 0:
		return nil, b
	case 1, 2:
		return kind == 2, b
	case 3:
		r := reader{b: b}
		return math.Float64frombits(r.u64()), b[8:]
	case 4:
		return text(), b
	case 5:
		list := make([]any, u32())
		for i := range list {
			list[i], b = decoded(b)
		}
		return list, b
	}
	object := make(members, u32())
	for i := range object {
		object[i].name = text()
		object[i].value, b = decoded(b)
	}
	return object, b
}

func FuzzCheckContext(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":[1,-2.5,"x",null,true,false,{"b":[]}],"ab":{"":""}}`, `{"\uffff":1,"𐀀":2}`} {
		f.Add(typed(fromJSON(f, text)))
	}
	f.Add(nested(64, false))
	f.Add(nested(65, true))
	f.Fuzz(func(t *testing.T, b []byte) {
		if !CheckContext(b) {
			return
		}
		v, rest := decoded(b)
		if again := typed(v); len(rest) != 0 || !bytes.Equal(again, b) {
			t.Errorf("%x is encoded again as %x", b, again)
		}
	})
}

func FuzzBase64(f *testing.F) {
	for _, c := range base64Vectors {
		f.Add([]byte(c.plain), c.text)
	}
	f.Fuzz(func(t *testing.T, x []byte, text string) {
		got := make([]byte, len(x))
		if !decodeBase64(got, Base64(x)) || !bytes.Equal(got, x) {
			t.Errorf("%x came back as %x", x, got)
		}
		if decodeBase64(got, text) && Base64(got) != text {
			t.Errorf("%q decodes to %x, which is %q", text, got, Base64(got))
		}
	})
}
