package envelope

import "math"

// A JSON text is never authenticated as text, since readers in different languages understand one text differently.
// What is authenticated is this encoding of the value that the text stands for:
//
//	null 00 · false 01 · true 02
//	number  03 || IEEE 754 binary64, big-endian, never -0
//	string  04 || u32 count || UTF-16 code units, each u16
//	array   05 || u32 count || values
//	object  06 || u32 count || (u32 count || UTF-16 code units of the name || value), ascending by the names' code units
//
// Code units carry unpaired surrogates, which JSON allows, and give the order that JavaScript sorts strings in. The page
// encodes (web/src/value.ts); this package reads, and refuses whatever is not the one encoding of a value.
const (
	tagNull   = 0
	tagFalse  = 1
	tagTrue   = 2
	tagNumber = 3
	tagString = 4
	tagArray  = 5
	tagObject = 6
)

const (
	// MaxDepth is how many levels of arrays and objects a context may have, its own braces being the first.
	MaxDepth = 64
	// MaxEncodedContext is the most bytes that the encoding of a context may have: a number of two characters with its
	// comma takes nine.
	MaxEncodedContext = MaxContext * 9 / 2
)

// value takes one value and returns its tag and what it is made of: the eight bytes of a number, the code units of a
// string. Arrays and objects are checked and passed over.
func (r *reader) value(depth int) (tag byte, content []byte) {
	tag = r.u8()
	switch tag {
	case tagNull, tagFalse, tagTrue:
	case tagNumber:
		content = r.take(8)
		in := reader{b: content}
		if f := math.Float64frombits(in.u64()); f-f != 0 || f == 0 && math.Signbit(f) {
			r.bad = true // infinite, not a number, or -0
		}
	case tagString:
		content = r.units()
	case tagArray:
		for n := r.u32(); n > 0 && !r.bad; n-- {
			r.nested(depth)
		}
	case tagObject:
		r.object(depth, func(string, byte, []byte) {})
	default:
		r.bad = true
	}
	return tag, content
}

func (r *reader) nested(depth int) (tag byte, content []byte) {
	if depth <= 1 && len(r.b) > 0 && r.b[0] >= tagArray || r.bad {
		r.bad = true
		return 0, nil
	}
	return r.value(depth - 1)
}

// units takes the code units of a string.
func (r *reader) units() []byte {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)/2) {
		r.bad = true
		return nil
	}
	return r.take(2 * int(n))
}

// object takes the members of an object, whose tag was taken, and gives each to member. Names are their code units.
func (r *reader) object(depth int, member func(name string, tag byte, content []byte)) {
	last := ""
	n := r.u32()
	for i := uint32(0); i < n && !r.bad; i++ {
		name := string(r.units())
		if i > 0 && name <= last {
			r.bad = true // out of order, or twice
			return
		}
		last = name
		tag, content := r.nested(depth)
		member(name, tag, content)
	}
}

// ascii returns code units that are all ASCII as a string, and "" for others.
func ascii(units []byte) string {
	s := make([]byte, 0, len(units)/2)
	for i := 0; i+1 < len(units); i += 2 {
		if units[i] != 0 || units[i+1] >= 0x80 {
			return ""
		}
		s = append(s, units[i+1])
	}
	return string(s)
}

// text writes a string value that is ASCII; name writes a member's name.
func (w *writer) text(s string) {
	w.u8(tagString)
	w.name(s)
}

func (w *writer) name(s string) {
	w.u32(uint32(len(s)))
	for i := range len(s) {
		w.u16(uint16(s[i]))
	}
}

// CheckContext reports whether b is the encoding of an object within the limits of a context.
func CheckContext(b []byte) bool {
	r := reader{b: b}
	tag, _ := r.value(MaxDepth)
	return tag == tagObject && !r.bad && len(r.b) == 0 && len(b) <= MaxEncodedContext
}
