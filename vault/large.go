package vault

import "idbvault/envelope"

// largeNames is what this page knows of the large values of a store. A record that takes the place of one whose value lies apart must
// delete that value; asking the database before each write would cost a third of the write, so the page remembers. Where it errs,
// because another tab's write has not been heard of yet, a value is left behind that no header points at, until the record is
// written or deleted again or its chunks are swept. A read asks for head and value at once where the page knows of a split value.
type largeNames struct {
	stored map[string]apart // by stored name
	unsure map[string]bool  // names that another tab wrote, or that a write failed for
	whole  bool             // the database was asked: a name that is in neither has no large value
}

// apart says what a record has in `chunks`.
type apart byte

const (
	inOne    apart = 1 << iota // a split value
	inChunks                   // a chunked one
)

func apartOf(layout envelope.Layout) apart {
	switch layout {
	case envelope.Split:
		return inOne
	case envelope.Chunked:
		return inChunks
	}
	return 0
}

// largeValues returns what is known of the store's large values, and asks the database the first time.
func (s *Store) largeValues(t Task) (*largeNames, error) {
	l := &s.large
	if l.whole {
		return l, nil
	}
	keys, err := s.db.Keys(t, Chunks, s.all(), 0, nil)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if _, name, id, err := envelope.ParseChunkKey(key); err == nil && id != nil {
			l.note(name, inChunks)
		} else if err == nil {
			l.note(name, inOne)
		}
	}
	l.whole = true
	return l, nil
}

func (l *largeNames) note(stored []byte, a apart) {
	if l.stored == nil {
		l.stored = map[string]apart{}
	}
	l.stored[string(stored)] |= a
}

// written notes the layout of a record that this page wrote, and reports whether an older value in one must be deleted.
func (l *largeNames) written(name string, stored []byte, layout envelope.Layout) (leftOver bool) {
	leftOver = layout != envelope.Split && (l.stored[string(stored)]&inOne != 0 || l.unsure[name])
	delete(l.stored, string(stored))
	if layout != envelope.Whole {
		l.note(stored, apartOf(layout))
	}
	if layout != envelope.Split {
		delete(l.unsure, name)
	}
	return leftOver
}

// oldChunks returns what deletes the chunks that records have which are about to be written or deleted. Under which ID they lie, their
// headers say; those of a write under way have another one, and stay.
func (s *Store) oldChunks(t Task, names []string, stored, left [][]byte) (writes []Write, err error) {
	l, err := s.largeValues(t)
	if err != nil || len(l.stored) == 0 && len(l.unsure) == 0 {
		return nil, err
	}
	var reads []Read
	var forms [][]byte
	look := func(list [][]byte) {
		for i, form := range list {
			if l.stored[string(form)]&inChunks != 0 || l.unsure[names[i]] {
				reads = append(reads, Read{Table: Records, Key: envelope.RecordKey(s.name, form)})
				forms = append(forms, form)
			}
		}
	}
	look(stored)
	look(left)
	if len(reads) == 0 {
		return nil, nil
	}
	if err := s.db.Read(t, reads, nil, nil); err != nil {
		return nil, err
	}
	for i := range reads {
		if h, err := envelope.ParseHeader(reads[i].Entry.Front); err == nil {
			writes = s.deletesChunks(&h, forms[i], writes)
		}
	}
	return writes, nil
}

// deletesChunks appends what deletes the chunks of a record, where it has any.
func (s *Store) deletesChunks(h *envelope.Header, stored []byte, list []Write) []Write {
	if h.Layout != envelope.Chunked {
		return list
	}
	r := s.chunkRange(h.ChunkID(), stored)
	return append(list, Write{Table: Chunks, Key: r.From, To: r.To})
}

func (s *Store) chunkRange(id envelope.ChunkID, stored []byte) Range {
	return Range{
		From: envelope.ChunksKey(s.name, stored, id, 0),
		To:   after(envelope.ChunksKey(s.name, stored, id, 1<<32-1)),
	}
}

// unsure takes note that a record may have a large value that this page does not know of.
func (s *Store) unsure(name string) {
	if !s.large.whole {
		return // the database will be asked
	}
	if s.large.unsure == nil {
		s.large.unsure = map[string]bool{}
	}
	s.large.unsure[name] = true
}

// all is the range of the store's keys in `records` and in `chunks`.
func (s *Store) all() Range { return s.under("") }

// under is the range of the store's keys whose stored name begins with prefix. UTF-8 has no byte 0xFF, so one more in
// the last byte is past them all.
func (s *Store) under(prefix string) Range {
	from := envelope.RecordKey(s.name, []byte(prefix))
	to := append([]byte(nil), from...)
	to[len(to)-1]++
	return Range{From: from, To: to}
}
