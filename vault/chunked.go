package vault

import "idbvault/envelope"

// chunked is what this page knows of the large values of a store. A record that takes the place of a split one must
// delete the value that lies apart; asking the database before each write would cost a third of the write, so the page
// remembers. Where it errs, because another tab's write has not been heard of yet, a value is left behind that no
// header points at, until the record is written or deleted again. A read asks for head and value at once where the page knows
// of a value.
type chunked struct {
	stored map[string]bool // stored names that have an entry in `chunks`
	unsure map[string]bool // names that another tab wrote, or that a write failed for
	whole  bool            // the database was asked: a name that is in neither has no large value
}

// largeValues returns what is known of the store's large values, and asks the database the first time.
func (s *Store) largeValues(t Task) (*chunked, error) {
	c := &s.large
	if c.whole {
		return c, nil
	}
	keys, err := s.db.Keys(t, Chunks, s.all(), 0, nil)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if _, name, _, err := envelope.ParseChunkKey(key); err == nil {
			c.note(name)
		}
	}
	c.whole = true
	return c, nil
}

func (c *chunked) note(stored []byte) {
	if c.stored == nil {
		c.stored = map[string]bool{}
	}
	c.stored[string(stored)] = true
}

// written notes the layout of a record that this page wrote, and reports whether an older value must be deleted.
func (s *Store) written(c *chunked, name string, stored []byte, layout envelope.Layout) (leftOver bool) {
	if layout == envelope.Split {
		c.note(stored)
		return false
	}
	leftOver = c.stored[string(stored)] || c.unsure[name]
	delete(c.stored, string(stored))
	delete(c.unsure, name)
	return leftOver
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
