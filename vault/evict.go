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

// victim is a record that may be evicted.
type victim struct {
	key, front []byte // of its entry; front is its header
	hash       uint64 // envelope.UseHash
	size       int    // bytes as stored
	rank       uint64 // the lowest goes first: when it was written or used, Unix time in seconds
}

// minVictims is how many victims are kept, at least, when all records were looked at: the next evictions need not look again. A
// record that is used or written later has its place behind them.
const minVictims = 512

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

// choose takes the victims that free so many bytes.
func (s *Store) choose(t Task, bytes int, written [][]byte) ([]victim, error) {
	if chosen := s.pick(bytes, written); chosen != nil {
		return chosen, nil
	}
	if err := s.survey(t, bytes, written); err != nil {
		return nil, err
	}
	if chosen := s.pick(bytes, written); chosen != nil {
		return chosen, nil
	}
	return nil, ErrQuota
}

// pick takes them from those that are known, or none where these are not enough.
func (s *Store) pick(bytes int, written [][]byte) (chosen []victim) {
	for i := range s.victims {
		v := &s.victims[i]
		if has(written, v.key) || s.options.Evict.Policy == LeastUsed && s.recent.used[v.hash] > v.rank {
			continue
		}
		chosen = append(chosen, *v)
		if bytes -= v.size; bytes <= 0 {
			s.victims = s.victims[i+1:]
			return chosen
		}
	}
	return nil
}

func has(keys [][]byte, key []byte) bool {
	for _, k := range keys {
		if string(k) == string(key) {
			return true
		}
	}
	return false
}

// survey looks at the headers of all records, counts their bytes, and finds the victims that go first: minVictims, or more where they
// free fewer bytes than that.
func (s *Store) survey(t Task, bytes int, written [][]byte) error {
	e := &s.options.Evict
	if e.Policy == LeastUsed {
		if err := s.loadUses(t); err != nil {
			return err
		}
	}
	changes, sum := s.room.changes, 0
	found := ranked{least: bytes}
	err := s.pages(t, s.all(), scanPage, nil, func(entries []Entry) error {
		for i := range entries {
			size := entrySize(&entries[i])
			sum += size
			h, err := envelope.ParseHeader(entries[i].Front)
			if err != nil || e.Protect.Has(h.Class) || has(written, entries[i].Key) {
				continue
			}
			_, stored, err := envelope.ParseRecordKey(entries[i].Key)
			if err != nil {
				continue
			}
			v := victim{key: entries[i].Key, front: entries[i].Front[:h.Size()], hash: envelope.UseHash(stored), size: size, rank: h.Created}
			if e.Policy == LeastUsed {
				v.rank = max(v.rank, s.recent.used[v.hash])
			}
			found.add(v)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.room.bytes, s.room.counted = sum, s.room.changes == changes
	s.victims = found.list
	return nil
}

// ranked are the victims of the lowest ranks among those added.
type ranked struct {
	list  []victim // ascending by rank
	bytes int      // of all of them
	least int      // that they must free
}

func (r *ranked) add(v victim) {
	from, to := 0, len(r.list)
	for from < to {
		if middle := (from + to) / 2; r.list[middle].rank <= v.rank {
			from = middle + 1
		} else {
			to = middle
		}
	}
	if from == len(r.list) && from >= minVictims && r.bytes >= r.least {
		return
	}
	r.list = append(r.list, victim{})
	copy(r.list[from+1:], r.list[from:])
	r.list[from] = v
	r.bytes += v.size
	for n := len(r.list) - 1; n >= minVictims && r.bytes-r.list[n].size >= r.least; n-- {
		r.bytes -= r.list[n].size
		r.list = r.list[:n]
	}
}
