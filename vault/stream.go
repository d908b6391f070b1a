package vault

import "idbvault/envelope"

// Source gives the next chunks of a value that is written: each has envelope.ChunkSize bytes, but the last of all, which may have
// fewer, and none only where it is the only one. last says that no more come.
type Source func() (plain []Blob, sizes []int, last bool, err error)

// SetStream writes a record whose value comes in chunks. They are sealed and stored as they come, a few at a time; with the last
// of them the record takes the place of what its name had, in one transaction. Until then, and when it fails, nothing has changed. It
// has its turn among the calls for its name when its value is complete.
func (s *Store) SetStream(t Task, it *Item, next Source) error {
	names := []string{it.Name}
	if err := s.check([]Item{*it}, names); err != nil {
		return err
	}
	need := perClass{}
	need[it.Class] = 2
	w, err := s.spend(t, &need)
	if err != nil {
		return err
	}
	defer w.leave()
	if s.recordKey(it.Class, w.epoch) == nil {
		return errForgotten
	}
	stored, left, err := s.bothNames(t, names, nil)
	if err != nil {
		return err
	}
	now := s.p.Now()
	h := envelope.Header{Layout: envelope.Chunked, Class: it.Class, Epoch: w.epoch, Created: it.written(now), Expires: s.expiry(it), Begun: now}
	s.p.Random(h.IV[:])
	s.p.Random(h.Salt[:])
	c, err := s.chunksOf(t, &h, stored[0])
	if err != nil {
		return err
	}
	if err = c.take(t, next); err == nil {
		err = c.publish(t, it, names, stored, left)
	}
	if err != nil {
		s.unsure(it.Name)
		c.drop(t)
	}
	return err
}

// take seals and stores all that a source gives, and sums up its length.
func (c *chunks) take(t Task, next Source) error {
	for i, last := uint32(0), false; !last; {
		plain, sizes, end, err := next()
		if err != nil {
			return err
		}
		if err := c.alive(); err != nil {
			return err
		}
		for _, n := range sizes {
			c.h.Length += uint64(n)
		}
		if c.h.Length > envelope.MaxChunked {
			return ErrInvalid.because("A value must not be larger than 1 TiB.")
		}
		if err := c.seal(t, i, plain, end); err != nil {
			return err
		}
		i, last = i+uint32(len(plain)), end
	}
	return nil
}

// publish seals the head and has the record take its place.
func (c *chunks) publish(t Task, it *Item, names []string, stored, left [][]byte) error {
	turn := c.order.take(t, it.Name)
	defer turn.finish()
	expect, outcome, err := c.placeFor(t, it)
	if err == nil && outcome == Kept {
		err = errKept
	}
	if err != nil {
		return err
	}
	old, err := c.oldChunks(t, names, stored, left)
	if err != nil {
		return err
	}
	c.changed(it.Name)
	head := envelope.Head{Kind: it.Kind, Name: it.Name, ContentType: it.ContentType, Context: it.Context}
	jobs := c.seals(it, c.h, head.Encode(), c.stored, nil)
	if err := c.failed(c.p.Seal(t, jobs, nil)); err != nil {
		return err
	}
	if err := c.alive(); err != nil {
		return err
	}
	writes := old
	for _, name := range left {
		writes = c.deletes(name, writes)
	}
	writes = append(writes, Write{Table: Records, Key: envelope.RecordKey(c.name, c.stored), Bytes: c.h.Encode(), Value: jobs[0].Out})
	if c.large.written(it.Name, c.stored, envelope.Chunked) {
		writes = append(writes, Write{Table: Chunks, Key: envelope.ChunkKey(c.name, c.stored)})
	}
	b := Batch{
		Writes: writes,
		Expect: expect,
		// They are not, where the store was cleared meanwhile.
		Count:  &Counted{Chunks, c.chunkRange(c.h.ChunkID(), c.stored), int(c.h.Chunks())},
		Strict: c.strict(), Issued: turn.finish,
	}
	err = c.commit(t, b, func() ([][]byte, int) { return c.recordKeys(stored, left), c.size(jobs[0].Head) })
	if ErrStale.is(err) && expect != nil {
		return ErrConflict
	}
	if ErrStale.is(err) {
		return ErrConflict.because("The store was cleared while the record was written. Write it again.")
	}
	return err
}

// size is how many bytes the record takes as it is stored.
func (c *chunks) size(head []byte) int {
	return c.h.Size() + len(head) + envelope.TagSize + int(c.h.Length) + envelope.TagSize*int(c.h.Chunks())
}

// Stream is what a reader of a record's value in parts begins with.
type Stream struct {
	Value  Value  // with its data, unless it is chunked
	Header []byte // of a chunked one, for Chunks
}

// Stream reads a record for one who wants its value in parts: the whole of it where it is not chunked.
func (s *Store) Stream(t Task, name string) (*Stream, error) {
	heads, err := s.Get(t, []string{name}, true)
	if err != nil {
		return nil, err
	}
	v := heads[0]
	if v.Found && v.Header.Layout == envelope.Chunked {
		return &Stream{v, v.front}, nil
	}
	values, err := s.Get(t, []string{name}, false)
	if err != nil {
		return nil, err
	}
	return &Stream{Value: values[0]}, nil
}

// Chunks reads and opens n chunks, from number first on, of the record whose header Stream gave.
func (s *Store) Chunks(t Task, name string, header []byte, first, n uint32) ([]Blob, error) {
	if err := s.alive(); err != nil {
		return nil, err
	}
	h, err := headerOf(header)
	if err != nil || h.Layout != envelope.Chunked || first >= h.Chunks() || n == 0 || n > window || n > h.Chunks()-first {
		return nil, ErrInvalid.because("There are no such chunks.")
	}
	stored, left, err := s.bothNames(t, []string{name}, nil)
	if err != nil {
		return nil, err
	}
	for _, form := range append(stored, left...) {
		c, err := s.chunksOf(t, &h, form)
		if err != nil {
			return nil, err
		}
		plain, err := c.open(t, first, n)
		if !ErrConflict.is(err) {
			return plain, err
		}
	}
	return nil, errReplaced
}
