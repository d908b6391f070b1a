package envelope

// writer builds an encoding. Its methods are small and called often: an append written out costs four times a call.
type writer struct{ b []byte }

// sized returns a writer that has room for n bytes, so that it need not grow.
func sized(n int) writer { return writer{make([]byte, 0, n)} }

func (w *writer) u8(x byte)    { w.b = append(w.b, x) }
func (w *writer) u16(x uint16) { w.b = append(w.b, byte(x>>8), byte(x)) }
func (w *writer) u32(x uint32) { w.b = append(w.b, byte(x>>24), byte(x>>16), byte(x>>8), byte(x)) }
func (w *writer) raw(x []byte) { w.b = append(w.b, x...) }
func (w *writer) str(x string) { w.b = append(w.b, x...) }

func (w *writer) u64(x uint64) {
	w.u32(uint32(x >> 32))
	w.u32(uint32(x))
}

// lp writes the u32 length of x and x itself, so that no two lists of fields encode alike.
func (w *writer) lp(x []byte) {
	w.u32(uint32(len(x)))
	w.raw(x)
}

func (w *writer) lpStr(x string) {
	w.u32(uint32(len(x)))
	w.str(x)
}

// reader takes fields from the front of b. After the first field that does not fit, bad stays set and every further
// field is zero, so that a parser checks once, at its end.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	x := r.b[:n]
	r.b = r.b[n:]
	return x
}

// uint takes an unsigned integer of n bytes.
func (r *reader) uint(n int) (x uint64) {
	for _, b := range r.take(n) {
		x = x<<8 | uint64(b)
	}
	return x
}

func (r *reader) u8() byte    { return byte(r.uint(1)) }
func (r *reader) u16() uint16 { return uint16(r.uint(2)) }
func (r *reader) u32() uint32 { return uint32(r.uint(4)) }
func (r *reader) u64() uint64 { return r.uint(8) }

// lp takes a length-prefixed field of at most max bytes.
func (r *reader) lp(max int) []byte {
	n := r.u32()
	if uint64(n) > uint64(max) {
		r.bad = true
		return nil
	}
	return r.take(int(n))
}
