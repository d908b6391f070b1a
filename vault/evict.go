package vault

import "idbvault/envelope"

// Evict is what a storage deletes so that others of its records have room.
type Evict struct {
	Policy   Choice   // which records go first, or 0: none goes
	MaxBytes int      // that the store's records may take as they are stored; 0 for no bound but the browser's
	Protect  ClassSet // the classes of which no record is evicted
}

// The policies of Evict.
const (
	LeastUsed Choice = iota + 1 // what was used, or else written, longest ago
	Oldest                      // what was written longest ago
)

func (e *Evict) check() error {
	if err := e.Policy.check("evict.policy", "'lru'", "'oldest'"); err != nil {
		return err
	}
	if e.Protect&^AllClasses != 0 {
		return errClass
	}
	if e.MaxBytes < 0 || e.MaxBytes != 0 && e.MaxBytes < minRoom {
		return ErrInvalid.because("The option evict.maxBytes must be a whole number from 1,024 to 1,125,899,906,842,624.")
	}
	return nil
}

const minRoom = 1024

// room is what is known of the bytes that a store takes, shared by its callers on this page.
type room struct {
	order   order // of the writes that keep within a bound, and that what is counted takes note of
	bytes   int   // of all records
	counted bool  // bytes holds
	changes int   // how often it ceased to hold
}

// uncount takes note of a write that is not counted here. Records are counted again when the number is wanted.
func (r *room) uncount() {
	r.counted = false
	r.changes++
}

var errRoom = ErrQuota.because("The option evict.maxBytes leaves no room for this, even if all that may be evicted went. Nothing was changed; delete what is not needed, or raise it.")

// commit carries out a batch that writes or deletes records. Where the storage says so, others are evicted, so that it fits: of tells
// the keys of the records' entries, and how many bytes they take then.
func (s *Store) commit(t Task, b Batch, of func() (keys [][]byte, size int)) error {
	e := &s.options.Evict
	if e.Policy == 0 {
		err := s.db.Commit(t, b)
		s.room.uncount()
		return err
	}
	turn := s.room.order.take(t)
	defer turn.finish()
	issued := b.Issued
	b.Issued = nil // a later write of the same names must not come before a second try
	keys, size := of()
	growth := 0
	if e.MaxBytes != 0 {
		before, err := s.taken(t, keys)
		if err != nil {
			return err
		}
		growth = size - before
		if !s.room.counted {
			if err := s.survey(t, 0, nil); err != nil {
				return err
			}
		}
		if over := s.room.bytes + growth - e.MaxBytes; growth > 0 && over > 0 {
			if _, err := s.evict(t, over, keys); err != nil {
				if ErrQuota.is(err) {
					return errRoom
				}
				return err
			}
		}
	}
	err := s.db.Commit(t, b)
	if ErrQuota.is(err) && size > 0 {
		n, none := s.evict(t, size, keys)
		if none != nil {
			return err
		}
		s.note(QuotaExceeded, n)
		b.Issued = issued
		err = s.db.Commit(t, b)
	}
	switch {
	case e.MaxBytes == 0:
		s.room.uncount()
	case err == nil:
		s.room.bytes += growth
	}
	if now := s.p.Now(); err == nil && s.recent.fresh && passed(s.recent.saved, now) {
		s.saveUses(t, now)
	}
	return err
}

// evictFor evicts others for a write of so many bytes for which the browser had no room. It reports whether it did.
func (s *Store) evictFor(t Task, size int, stored, left [][]byte) bool {
	if s.options.Evict.Policy == 0 {
		return false
	}
	turn := s.room.order.take(t)
	defer turn.finish()
	n, err := s.evict(t, size, s.recordKeys(stored, left))
	if err != nil {
		return false
	}
	s.note(QuotaExceeded, n)
	return true
}

// taken is how many bytes the records with these keys take.
func (s *Store) taken(t Task, keys [][]byte) (bytes int, err error) {
	reads := make([]Read, len(keys))
	for i, key := range keys {
		reads[i] = Read{Table: Records, Key: key}
	}
	mark := s.p.Mark(t)
	defer s.p.Release(t, mark)
	if err := s.db.Read(t, reads, nil, nil); err != nil {
		return 0, err
	}
	for i := range reads {
		if reads[i].Found {
			bytes += entrySize(&reads[i].Entry)
		}
	}
	return bytes, nil
}

// evict deletes records that free so many bytes, in the order of the policy and none of written, and returns how many they were. It
// is ErrQuota, and nothing is deleted, where the policy does not allow as much.
func (s *Store) evict(t Task, bytes int, written [][]byte) (n int, err error) {
	defer func() {
		if n > 0 {
			s.p.Report(s.database, RecordsEvicted, s.ring.WriteEpoch, n)
		}
	}()
	for range maxRetries {
		victims, err := s.choose(t, bytes, written)
		if err != nil {
			return n, err
		}
		for i := range victims {
			v := &victims[i]
			_, stored, err := envelope.ParseRecordKey(v.key)
			if err != nil {
				return n, broken(err)
			}
			h, err := headerOf(v.front)
			if err != nil {
				return n, broken(err)
			}
			name := s.nameOf(t, v, stored)
			for _, c := range s.caches {
				c.evicted(v.key)
			}
			err = s.db.Commit(t, Batch{Writes: s.deletesChunks(&h, stored, s.deletes(stored, nil)), Expect: &Expect{Table: Records, Key: v.key, Prefix: v.front}})
			if ErrStale.is(err) {
				continue // it was written since, and stays
			}
			if err != nil {
				return n, err
			}
			s.untold.add(name)
			n++
			bytes -= v.size
			s.room.bytes -= v.size
		}
		if bytes <= 0 {
			return n, nil
		}
	}
	return n, ErrConflict
}
