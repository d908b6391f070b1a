package envelope

import (
	"bytes"
	"encoding/binary"
	"testing"
)

var samplePlace = Place{Database: "database", Store: "store", Name: []byte("stored name")}

func TestRecordAAD(t *testing.T) {
	for _, c := range []struct {
		name   string
		layout Layout
		part   Part
		byte   string
		header string
	}{
		{"whole", Whole, PartWhole, "\x01", wholeHeaderHex},
		{"head of a split record", Split, PartHead, "\x02", splitHeaderHex},
		{"value of a split record", Split, PartValue, "\x03", splitHeaderHex},
		{"head of a chunked record", Chunked, PartHead, "\x02", chunkedHeaderHex},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := sampleHeader(c.layout)
			want := prefixed("idbvault/record/v1") + prefixed("database") + prefixed("store") + prefixed("stored name") +
				c.byte + prefixed(string(fromHex(t, c.header)))
			if got := RecordAAD(samplePlace, c.part, &h); string(got) != want {
				t.Errorf("got\n%x, want\n%x", got, want)
			}
		})
	}
}

// Removing any field from the associated data makes two of these alike.
func TestRecordAADCoversEveryField(t *testing.T) {
	type variant struct {
		name   string
		change func(at *Place, part *Part, h *Header)
	}
	variants := []variant{
		{"as it is", func(*Place, *Part, *Header) {}},
		{"database", func(at *Place, _ *Part, _ *Header) { at.Database = "databasf" }},
		{"database, longer", func(at *Place, _ *Part, _ *Header) { at.Database = "database2" }},
		{"database, empty", func(at *Place, _ *Part, _ *Header) { at.Database = "" }},
		{"store", func(at *Place, _ *Part, _ *Header) { at.Store = "stori" }},
		{"store, shorter", func(at *Place, _ *Part, _ *Header) { at.Store = "stor" }},
		{"stored name", func(at *Place, _ *Part, _ *Header) { at.Name = []byte("stored namf") }},
		{"stored name, empty", func(at *Place, _ *Part, _ *Header) { at.Name = nil }},
		{"part head", func(_ *Place, part *Part, _ *Header) { *part = PartHead }},
		{"part value", func(_ *Place, part *Part, _ *Header) { *part = PartValue }},
		{"class", func(_ *Place, _ *Part, h *Header) { h.Class = PII }},
		{"layout", func(_ *Place, _ *Part, h *Header) { h.Layout = Whole }},

		{"database and store exchanged", func(at *Place, _ *Part, _ *Header) { at.Database, at.Store = at.Store, at.Database }},
		{"store and name exchanged", func(at *Place, _ *Part, _ *Header) { at.Store, at.Name = string(at.Name), []byte(at.Store) }},
		{"byte from database to store", func(at *Place, _ *Part, _ *Header) { at.Database, at.Store = "databas", "estore" }},
		{"byte from store to database", func(at *Place, _ *Part, _ *Header) { at.Database, at.Store = "databases", "tore" }},
		{"byte from store to name", func(at *Place, _ *Part, _ *Header) { at.Store, at.Name = "stor", []byte("estored name") }},
		{"byte from name to store", func(at *Place, _ *Part, _ *Header) { at.Store, at.Name = "stores", []byte("tored name") }},
		{"byte from name to part", func(at *Place, part *Part, _ *Header) { at.Name, *part = []byte("stored nam"), 'e' }},
		{"byte from part to name", func(at *Place, _ *Part, _ *Header) { at.Name = []byte("stored name\x01") }},
		{"IVs exchanged", func(_ *Place, _ *Part, h *Header) { h.IV, h.ValueIV = h.ValueIV, h.IV }},
		{"times exchanged", func(_ *Place, _ *Part, h *Header) { h.Created, h.Expires = h.Expires, h.Created }},
		{"byte from created to expires", func(_ *Place, _ *Part, h *Header) { h.Created, h.Expires = h.Created>>8, 0x18<<56|h.Expires }},
	}
	// Every bit of the numbers and of the IVs.
	for bit := range 64 {
		variants = append(variants,
			variant{"created", func(_ *Place, _ *Part, h *Header) { h.Created ^= 1 << bit }},
			variant{"expires", func(_ *Place, _ *Part, h *Header) { h.Expires ^= 1 << bit }},
			variant{"length", func(_ *Place, _ *Part, h *Header) { h.Length ^= 1 << bit }})
	}
	for bit := range 32 {
		variants = append(variants, variant{"epoch", func(_ *Place, _ *Part, h *Header) { h.Epoch ^= 1 << bit }})
	}
	for i := range IVSize {
		variants = append(variants,
			variant{"IV", func(_ *Place, _ *Part, h *Header) { h.IV[i] ^= 1 }},
			variant{"value IV", func(_ *Place, _ *Part, h *Header) { h.ValueIV[i] ^= 1 }})
	}
	seen := map[string]string{}
	for _, v := range variants {
		at, part, h := samplePlace, PartWhole, sampleHeader(Split)
		v.change(&at, &part, &h)
		aad := string(RecordAAD(at, part, &h))
		if other, ok := seen[aad]; ok {
			t.Errorf("%q has the associated data of %q", v.name, other)
		}
		seen[aad] = v.name
	}
}

// Version and suite have one value each in this version. They are in the associated data all the same, so that a later
// version's record does not open as one of this version's.
func TestRecordAADCoversVersionAndSuite(t *testing.T) {
	h := sampleHeader(Whole)
	aad := RecordAAD(samplePlace, PartWhole, &h)
	header := aad[len(aad)-wholeHeaderSize:]
	if header[0] != RecordVersion || header[1] != suiteAESGCM {
		t.Errorf("the header inside begins with % x", header[:2])
	}
}

// takeLP takes lp(x) from b by docs/FORMAT.md, without the package's reader.
func takeLP(b []byte) (x, rest []byte) {
	n := binary.BigEndian.Uint32(b)
	return b[4 : 4+n], b[4+n:]
}

// An encoding that can be read back is injective. The fuzzer looks for a field that can't.
func FuzzRecordAAD(f *testing.F) {
	f.Add("database", "store", []byte("name"), byte(1), byte(1), byte(5), uint32(1), uint64(2), uint64(3), []byte("123456789012"), []byte("abcdefghijkl"), uint64(9))
	f.Add("d", "s", []byte{1}, byte(2), byte(3), byte(5), uint32(4), uint64(5), uint64(6), []byte("123456789012"), []byte("abcdefghijkl"), uint64(7))
	f.Add("", "", []byte{}, byte(0), byte(2), byte(0), uint32(0), uint64(0), uint64(0), []byte{}, []byte{}, uint64(0))
	f.Fuzz(func(t *testing.T, database, store string, name []byte, part, layout, class byte, epoch uint32, created, expires uint64, iv, valueIV []byte, length uint64) {
		h := Header{Layout: Layout(layout), Class: Class(class), Epoch: epoch, Created: created, Expires: expires}
		copy(h.IV[:], iv)
		switch h.Layout {
		case Split:
			copy(h.ValueIV[:], valueIV)
			h.Length = length
		case Chunked:
			copy(h.Salt[:], valueIV)
			h.Begun, h.Length = length, created
		}
		aad := RecordAAD(Place{database, store, name}, Part(part), &h)
		label, rest := takeLP(aad)
		gotDatabase, rest := takeLP(rest)
		gotStore, rest := takeLP(rest)
		gotName, rest := takeLP(rest)
		gotPart, rest := rest[0], rest[1:]
		header, rest := takeLP(rest)
		if string(label) != "idbvault/record/v1" || string(gotDatabase) != database || string(gotStore) != store ||
			!bytes.Equal(gotName, name) || gotPart != part || len(rest) != 0 {
			t.Fatalf("read back as %q %q %q %q %d, %d bytes left", label, gotDatabase, gotStore, gotName, gotPart, len(rest))
		}
		back := Header{
			Layout: Layout(header[2]), Class: Class(header[3]), Epoch: binary.BigEndian.Uint32(header[4:]),
			Created: binary.BigEndian.Uint64(header[8:]), Expires: binary.BigEndian.Uint64(header[16:]), IV: [IVSize]byte(header[24:36]),
		}
		switch back.Layout {
		case Split:
			back.ValueIV, back.Length = [IVSize]byte(header[36:48]), binary.BigEndian.Uint64(header[48:])
		case Chunked:
			back.Salt, back.Begun, back.Length = [32]byte(header[36:68]), binary.BigEndian.Uint64(header[68:]), binary.BigEndian.Uint64(header[76:])
		}
		if back != h || header[0] != 1 || header[1] != 1 {
			t.Fatalf("the header was read back as %+v, want %+v", back, h)
		}
	})
}
