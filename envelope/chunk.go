package envelope

// ChunkSize is how many bytes of a chunked value each chunk has, but the last, which has the rest: none where the value is empty,
// and else at least one.
const ChunkSize = 1 << 20

// MaxChunked is the most bytes that a chunked value may have, 1 TiB.
const MaxChunked = 1 << 40

// ChunkSaltSize is the size in bytes of the salt from which a chunked value's own key is derived.
const ChunkSaltSize = 32

// ChunkInfo is HKDF's info for that key.
const ChunkInfo = "idbvault/chunks/v1"

// Chunks returns how many chunks the value has.
func (h *Header) Chunks() uint32 { return max(1, uint32((h.Length+ChunkSize-1)/ChunkSize)) }

// ChunkLength returns how many bytes of the value chunk i has.
func (h *Header) ChunkLength(i uint32) int {
	return int(min(h.Length-uint64(i)*ChunkSize, ChunkSize))
}

// ChunkIV returns the IV of chunk i: 7 zero bytes || u8 last || u32 i. The key seals the chunks of one value and nothing else.
func ChunkIV(i uint32, last bool) (iv [IVSize]byte) {
	iv[7] = flag(last)
	iv[8], iv[9], iv[10], iv[11] = byte(i>>24), byte(i>>16), byte(i>>8), byte(i)
	return iv
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

const chunkLabel = "idbvault/chunk/v1"

// ChunkAAD returns the associated data of chunk i of a chunked value:
//
//	lp("idbvault/chunk/v1") || lp(database) || lp(store) || lp(stored name) || lp(header without the length) || u32 i || u8 last
//
// Chunks are sealed before the length is known; with the last of them it is.
func ChunkAAD(at Place, h *Header, i uint32, last bool) []byte {
	var w writer
	w.lpStr(chunkLabel)
	w.lpStr(at.Database)
	w.lpStr(at.Store)
	w.lp(at.Name)
	w.lp(h.Encode()[:chunkedHeaderSize-8])
	w.u32(i)
	w.u8(flag(last))
	return w.b
}

// valueKey begins the keys of `chunks` that a record may have: u8 len(store) || store || u16 len(stored name) || stored name.
func valueKey(store string, name []byte) writer {
	var w writer
	w.u8(byte(len(store)))
	w.str(store)
	w.u16(uint16(len(name)))
	w.raw(name)
	return w
}

// ChunkKey is the key of a split value in `chunks`: what all of the record's begin with || u32 0.
func ChunkKey(store string, name []byte) []byte {
	w := valueKey(store, name)
	w.u32(0)
	return w.b
}

// ChunkID names the chunks of one write of a chunked value: u64 begun || the first 8 bytes of the salt.
type ChunkID [16]byte

// ChunkID returns the name of the value's chunks.
func (h *Header) ChunkID() (id ChunkID) {
	var w writer
	w.u64(h.Begun)
	w.raw(h.Salt[:8])
	copy(id[:], w.b)
	return id
}

// Begun is when the chunks were begun, Unix time in seconds.
func (id *ChunkID) Begun() uint64 { return (&reader{b: id[:]}).u64() }

// ChunksKey is the key of chunk i in `chunks`: what all of the record's begin with || 16-byte ID || u32 i.
func ChunksKey(store string, name []byte, id ChunkID, i uint32) []byte {
	w := valueKey(store, name)
	w.raw(id[:])
	w.u32(i)
	return w.b
}

// ParseChunkKey returns the store and the stored name of a key of `chunks`, and the ID where it is one of a chunked value.
func ParseChunkKey(key []byte) (store string, name []byte, id *ChunkID, err error) {
	r := reader{b: key}
	s := r.take(int(r.u8()))
	name = r.take(int(r.u16()))
	if len(r.b) == len(ChunkID{})+4 {
		id = new(ChunkID)
		copy(id[:], r.take(len(id)))
	}
	i := r.u32()
	if r.bad || len(s) == 0 || len(name) == 0 || len(r.b) != 0 || id == nil && i != 0 {
		return "", nil, nil, ErrFormat
	}
	return string(s), name, id, nil
}
