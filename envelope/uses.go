package envelope

// Uses says when records of a store were last used: by the hash of its stored name, the Unix time in hours. It is advice, and nothing
// authenticates it.
//
//	u8 version || entries, each: u64 hash || u32 hours
type Uses map[uint64]uint32

const (
	usesVersion = 1
	useSize     = 12
	// MaxUsesSize is the most bytes that encoded Uses have.
	MaxUsesSize = 64 << 10
	// MaxUses is how many records they can be of.
	MaxUses = (MaxUsesSize - 1) / useSize
)

// UsesKey is the key of a store's Uses in `journal`: "used:" || store.
func UsesKey(store string) []byte { return []byte("used:" + store) }

// UseHash is the 64-bit FNV-1a of a stored name.
func UseHash(stored []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, b := range stored {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

// Encode returns the encoding of u, which has at most MaxUses entries.
func (u Uses) Encode() []byte {
	w := sized(1 + len(u)*useSize)
	w.u8(usesVersion)
	for hash, hours := range u {
		w.u64(hash)
		w.u32(hours)
	}
	return w.b
}

// ParseUses reads encoded Uses. Of two entries with one hash, the later time counts.
func ParseUses(b []byte) (Uses, error) {
	r := reader{b: b}
	if version := r.u8(); !r.bad && version != usesVersion {
		return nil, ErrVersion
	}
	if r.bad || len(b) > MaxUsesSize || len(r.b)%useSize != 0 {
		return nil, ErrFormat
	}
	u := Uses{}
	for len(r.b) > 0 {
		hash, hours := r.u64(), r.u32()
		u[hash] = max(u[hash], hours)
	}
	return u, nil
}
