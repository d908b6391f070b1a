package envelope

// RecordVersion is the version of the stored record's format. It fixes everything that the suite does not.
const RecordVersion = 1

// Suite 1: AES-256-GCM with a random 96-bit IV and a 128-bit tag.
const suiteAESGCM = 1

// MaxWhole is the most bytes of plaintext (head and value together) that are sealed as one ciphertext. Above it the head
// and the value are sealed apart, so that names and contexts can be listed without reading large values.
const MaxWhole = 64 << 10

// Layout says where the value of a record lies.
type Layout byte

const (
	// Whole is one ciphertext over head || value, behind the header in `records`.
	Whole Layout = 1
	// Split is the head behind the header in `records`, and the value as one ciphertext in `chunks`.
	Split Layout = 2
	// Chunked is the head behind the header in `records`, and the value as ciphertexts of its chunks in `chunks`.
	Chunked Layout = 3
)

// Part names a ciphertext of a record in its associated data.
type Part byte

// The ciphertexts that a record is made of.
const (
	PartWhole Part = 1
	PartHead  Part = 2
	PartValue Part = 3
)

// Header is what of a record is stored in clear. All of it is associated data.
//
//	u8 version || u8 suite || u8 layout || u8 class || u32 epoch || u64 created || u64 expires || 12-byte IV
//	layout split:   || 12-byte value IV || u64 value length
//	layout chunked: || 32-byte salt || u64 begun || u64 value length
type Header struct {
	Layout  Layout
	Class   Class
	Epoch   uint32 // of the record key
	Created uint64 // Unix time in seconds
	Expires uint64 // Unix time in seconds; 0 means never
	IV      [IVSize]byte
	ValueIV [IVSize]byte        // layout split only
	Salt    [ChunkSaltSize]byte // layout chunked only
	Begun   uint64              // when the value's chunks were begun, Unix time in seconds; layout chunked only
	Length  uint64              // bytes of value; layouts split and chunked only
}

const (
	wholeHeaderSize   = 36
	splitHeaderSize   = wholeHeaderSize + IVSize + 8
	chunkedHeaderSize = wholeHeaderSize + ChunkSaltSize + 2*8
)

// MaxHeaderSize is the largest size in bytes of an encoded header.
const MaxHeaderSize = chunkedHeaderSize

// MaxValue is the most bytes that a value may have which is one ciphertext, or which is read as a whole. Browsers refuse larger messages to SubtleCrypto and
// IndexedDB long before GCM's own limit of 2^36 - 32 bytes (SP 800-38D §5.2.1.1).
const MaxValue = 1 << 30

// Size is the length in bytes of h encoded.
func (h *Header) Size() int {
	switch h.Layout {
	case Split:
		return splitHeaderSize
	case Chunked:
		return chunkedHeaderSize
	}
	return wholeHeaderSize
}

// Encode returns the encoding of h.
func (h *Header) Encode() []byte {
	w := sized(h.Size())
	h.write(&w)
	return w.b
}

func (h *Header) write(w *writer) {
	w.u8(RecordVersion)
	w.u8(suiteAESGCM)
	w.u8(byte(h.Layout))
	w.u8(byte(h.Class))
	w.u32(h.Epoch)
	w.u64(h.Created)
	w.u64(h.Expires)
	w.raw(h.IV[:])
	switch h.Layout {
	case Split:
		w.raw(h.ValueIV[:])
		w.u64(h.Length)
	case Chunked:
		w.raw(h.Salt[:])
		w.u64(h.Begun)
		w.u64(h.Length)
	}
}

// ParseHeader reads the header at the front of a stored record. What follows it, from h.Size() on, is ciphertext.
// An unknown version or suite is ErrVersion, anything else that does not fit is ErrFormat.
func ParseHeader(b []byte) (Header, error) {
	r := reader{b: b}
	version, suite := r.u8(), r.u8()
	if !r.bad && (version != RecordVersion || suite != suiteAESGCM) {
		return Header{}, ErrVersion
	}
	h := Header{Layout: Layout(r.u8()), Class: Class(r.u8()), Epoch: r.u32(), Created: r.u64(), Expires: r.u64()}
	copy(h.IV[:], r.take(IVSize))
	longest := uint64(MaxValue)
	switch h.Layout {
	case Whole:
	case Split:
		copy(h.ValueIV[:], r.take(IVSize))
		h.Length = r.u64()
	case Chunked:
		copy(h.Salt[:], r.take(ChunkSaltSize))
		h.Begun, h.Length, longest = r.u64(), r.u64(), MaxChunked
	default:
		return Header{}, ErrFormat
	}
	if r.bad || !h.Class.Valid() || h.Epoch == 0 || h.Length > longest || len(r.b) < TagSize {
		return Header{}, ErrFormat
	}
	return h, nil
}

// Place is where a record lies. It is not stored in the record: a reader takes it from where the record was found, and
// the tag fails when the record was moved.
type Place struct {
	Database string
	Store    string
	Name     []byte // as stored: HMAC of the name, or the name itself where the vault keeps names in clear
}

const recordLabel = "idbvault/record/v1"

// RecordAAD returns the associated data of one ciphertext of a record:
//
//	lp("idbvault/record/v1") || lp(database) || lp(store) || lp(stored name) || u8 part || lp(header)
//
// The header holds the IVs of head and value both, so an old head does not fit a new value.
func RecordAAD(at Place, part Part, h *Header) []byte {
	size := h.Size()
	w := sized(5*4 + len(recordLabel) + len(at.Database) + len(at.Store) + len(at.Name) + 1 + size)
	w.lpStr(recordLabel)
	w.lpStr(at.Database)
	w.lpStr(at.Store)
	w.lp(at.Name)
	w.u8(byte(part))
	w.u32(uint32(size))
	h.write(&w)
	return w.b
}

// RecordKey is the key of a record in `records`: u8 len(store) || store || stored name.
func RecordKey(store string, name []byte) []byte {
	w := sized(1 + len(store) + len(name))
	w.u8(byte(len(store)))
	w.str(store)
	w.raw(name)
	return w.b
}

// ParseRecordKey returns the store and the stored name of a key of `records`.
func ParseRecordKey(key []byte) (store string, name []byte, err error) {
	r := reader{b: key}
	s := r.take(int(r.u8()))
	if r.bad || len(s) == 0 || len(r.b) == 0 {
		return "", nil, ErrFormat
	}
	return string(s), r.b, nil
}

const nameLabel = "idbvault/name/v1"

// NameMessage returns the message whose HMAC under the name key is the stored name:
//
//	lp("idbvault/name/v1") || lp(store) || lp(name)
func NameMessage(store, name string) []byte {
	w := sized(3*4 + len(nameLabel) + len(store) + len(name))
	w.lpStr(nameLabel)
	w.lpStr(store)
	w.lpStr(name)
	return w.b
}
