package vault

import "idbvault/envelope"

// headerOf parses a header alone, without the ciphertext that ParseHeader wants behind it.
func headerOf(front []byte) (envelope.Header, error) {
	return envelope.ParseHeader(append(front[:len(front):len(front)], make([]byte, envelope.TagSize)...))
}

// chunks seals or opens the chunks of one value, under a key of its own.
type chunks struct {
	*Store
	h      *envelope.Header
	stored []byte
	key    Key // of the Task
}

// errReplaced is the outcome of a read of chunks that are not there any more, or whose keys are not.
var errReplaced = ErrConflict.because("The record was written anew, deleted or forgotten while its chunks were read. Begin again to read it.")

func (s *Store) chunksOf(t Task, h *envelope.Header, stored []byte) (*chunks, error) {
	object := s.objectKey(h.Class, h.Epoch)
	if object == nil {
		return nil, errReplaced
	}
	key, err := s.p.DeriveChunkKey(t, object, h.Salt[:], []byte(envelope.ChunkInfo))
	return &chunks{s, h, stored, key}, s.failed(err)
}

func (c *chunks) aad(i uint32, last bool) []byte {
	return envelope.ChunkAAD(c.place(c.stored), c.h, i, last)
}

func (c *chunks) entryKey(i uint32) []byte {
	return envelope.ChunksKey(c.name, c.stored, c.h.ChunkID(), i)
}

// seal seals chunks from number first on, the last of them as the last of all where last is set, and writes them.
func (c *chunks) seal(t Task, first uint32, plain []Blob, last bool) error {
	jobs := make([]Seal, len(plain))
	writes := make([]Write, len(plain))
	for k := range jobs {
		i, end := first+uint32(k), last && k == len(jobs)-1
		jobs[k] = Seal{Key: c.key, IV: envelope.ChunkIV(i, end), AAD: c.aad(i, end), Plain: plain[k]}
		writes[k] = Write{Table: Chunks, Key: c.entryKey(i)}
	}
	if err := c.failed(c.p.Seal(t, jobs, nil)); err != nil {
		return err
	}
	for k := range writes {
		writes[k].Value = jobs[k].Out
		c.p.Discard(t, plain[k])
	}
	err := c.db.Commit(t, Batch{Writes: writes})
	if ErrQuota.is(err) && c.evictFor(t, len(plain)*envelope.ChunkSize, [][]byte{c.stored}, nil) {
		err = c.db.Commit(t, Batch{Writes: writes})
	}
	for k := range jobs {
		c.p.Discard(t, jobs[k].Out)
	}
	return err
}

// open reads and opens n chunks from number first on.
func (c *chunks) open(t Task, first, n uint32) ([]Blob, error) {
	reads, jobs, plain := make([]Read, n), make([]Open, n), make([]Blob, n)
	for k := range reads {
		reads[k] = Read{Table: Chunks, Key: c.entryKey(first + uint32(k))}
	}
	if err := c.db.Read(t, reads, nil, nil); err != nil {
		return nil, err
	}
	for k := range reads {
		i := first + uint32(k)
		if !reads[k].Found {
			return nil, c.missing(t)
		}
		if reads[k].Entry.Size != c.h.ChunkLength(i)+envelope.TagSize {
			return nil, ErrIntegrity
		}
		last := i == c.h.Chunks()-1
		jobs[k] = Open{Key: c.key, IV: envelope.ChunkIV(i, last), AAD: c.aad(i, last), Sealed: reads[k].Entry.Value}
	}
	c.p.Open(t, jobs)
	if err := c.failed(c.p.Opened(t)); err != nil {
		return nil, err
	}
	for k := range jobs {
		plain[k] = jobs[k].Out
		c.p.Discard(t, jobs[k].Sealed)
	}
	return plain, nil
}

// drop deletes what was stored. What can't be deleted now means nothing, and is swept later.
func (c *chunks) drop(t Task) {
	_ = c.db.Commit(t, Batch{Clear: []ClearRange{{Chunks, c.chunkRange(c.h.ChunkID(), c.stored)}}})
}

// missing says why a chunk is not there: the record was replaced meanwhile, or someone took it away.
func (c *chunks) missing(t Task) error {
	now := []Read{{Table: Records, Key: envelope.RecordKey(c.name, c.stored)}}
	if err := c.db.Read(t, now, nil, nil); err != nil {
		return err
	}
	if h, err := envelope.ParseHeader(now[0].Entry.Front); err != nil || h.Salt != c.h.Salt {
		return errReplaced
	}
	return ErrIntegrity
}

// window is how many chunks are read, opened or sealed at a time.
const window = 4

// each opens all chunks, a few at a time, and has f look at them. What f takes of a chunk must be taken when it returns.
func (c *chunks) each(t Task, f func(first uint32, plain []Blob) error) error {
	for i, n := uint32(0), c.h.Chunks(); i < n; i += window {
		plain, err := c.open(t, i, min(window, n-i))
		if err == nil && f != nil {
			err = f(i, plain)
		}
		if err != nil {
			return err
		}
		for _, b := range plain {
			c.p.Discard(t, b)
		}
	}
	return nil
}

// whole reads a chunked value as one.
func (s *Store) whole(t Task, v *Value, stored []byte) error {
	if v.Header.Length > envelope.MaxValue {
		return ErrInvalid.because("The value is larger than 1 GiB. Read it with getDecryptedStream.")
	}
	room, err := s.p.Room(t, v.Size)
	if err != nil {
		return err
	}
	c, err := s.chunksOf(t, &v.Header, stored)
	if err != nil {
		return err
	}
	v.Data, v.Offset = room, 0
	return c.each(t, func(first uint32, plain []Blob) error {
		for k, b := range plain {
			s.p.Fill(t, room, (int(first)+k)*envelope.ChunkSize, b)
		}
		return nil
	})
}
