package envelope

// Kind is what the caller stored: it decides what the value reads back as.
type Kind byte

const (
	// Text is a string, as UTF-8.
	Text Kind = 1
	// Bytes is an ArrayBuffer or a typed array.
	Bytes Kind = 2
	// File is a Blob, with its content type.
	File Kind = 3
)

const (
	// MaxName is the most bytes of UTF-8 that the name of a record may have.
	MaxName = 1024
	// MaxPlaceName is the most bytes of UTF-8 that the name of a database or a store may have.
	MaxPlaceName = 255
	// MaxContentType is the most bytes of UTF-8 that a content type may have.
	MaxContentType = 255
	// MaxContext is the most bytes of UTF-8 that the JSON text of a context may have.
	MaxContext = 64 << 10
)

// MaxHead is the largest size in bytes of an encoded Head without the length in front of it.
const MaxHead = 1 + 4 + MaxName + 4 + MaxContentType + 4 + MaxContext

// Head is what is sealed with the value: everything about it that may not be read on the disk.
//
//	lp(u8 kind || lp(name) || lp(content type) || lp(context))
type Head struct {
	Kind        Kind
	Name        string
	ContentType string // a Blob's; empty for the other kinds
	Context     []byte // JSON text of an object, or empty when there is none
}

// Encode returns the encoding of h.
func (h *Head) Encode() []byte {
	n := 1 + 4 + len(h.Name) + 4 + len(h.ContentType) + 4 + len(h.Context)
	w := sized(4 + n)
	w.u32(uint32(n))
	w.u8(byte(h.Kind))
	w.lpStr(h.Name)
	w.lpStr(h.ContentType)
	w.lp(h.Context)
	return w.b
}

// HeadSize returns the length in bytes of a head from the first four of them.
func HeadSize(b []byte) (int, bool) {
	r := reader{b: b}
	n := r.u32()
	return 4 + int(n), !r.bad && n <= MaxHead
}

// ParseHead reads the head at the front of an opened ciphertext and returns it with its length in bytes. What follows
// is the value (layout whole) or nothing (layout split).
func ParseHead(b []byte) (Head, int, error) {
	outer := reader{b: b}
	r := reader{b: outer.lp(MaxHead), bad: outer.bad}
	h := Head{Kind: Kind(r.u8())}
	h.Name = string(r.lp(MaxName))
	h.ContentType = string(r.lp(MaxContentType))
	if c := r.lp(MaxContext); len(c) > 0 {
		h.Context = append([]byte(nil), c...)
	}
	if r.bad || len(r.b) != 0 || h.Kind < Text || h.Kind > File || h.Name == "" ||
		h.Kind != File && h.ContentType != "" {
		return Head{}, 0, ErrFormat
	}
	return h, len(b) - len(outer.b), nil
}
