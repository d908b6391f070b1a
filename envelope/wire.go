package envelope

// writer builds an encoding. Its methods are small and called often: an append written out costs four times a call.
type writer struct{ b []byte }

func (w *writer) uint(x uint64, size int) {
	for size > 0 {
		size--
		w.b = append(w.b, byte(x>>(8*size)))
	}
}

func (w *writer) u8(x byte)    { w.uint(uint64(x), 1) }
func (w *writer) u16(x uint16) { w.uint(uint64(x), 2) }
func (w *writer) u32(x uint32) { w.uint(uint64(x), 4) }
func (w *writer) u64(x uint64) { w.uint(x, 8) }
func (w *writer) raw(x []byte) { w.b = append(w.b, x...) }
func (w *writer) str(x string) { w.b = append(w.b, x...) }

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
