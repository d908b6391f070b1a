package vault

import "idbvault/envelope"

// recency is when records of a store were last used, as far as is known, so that those that nobody uses are evicted first. A use is
// noted in memory. Once in a while what was noted is written, with what other tabs wrote, as one entry of Journal: no read has a
// write of its own.
type recency struct {
	used  map[uint64]uint64 // by envelope.UseHash of the stored name: Unix time in seconds
	fresh bool              // some were noted since they were saved
	since uint64            // when the first of those was, Unix time in seconds
	saved uint64            // when saving was tried last, Unix time in seconds
}

const (
	// saveEvery is how many seconds lie between two writes of what was used, at least. A write of a record is an occasion for one; where
	// records are only read, a read is, so many seconds after the first.
	saveEvery = 60
	// keptUses is how many remain when there are more than can be written: some must go less often than with every use.
	keptUses = envelope.MaxUses * 3 / 4
	hour     = 60 * 60
)

// touch notes that records were read, where the storage evicts those that were not used for the longest time.
func (s *Store) touch(t Task, names []string, found []Value) {
	if s.options.Evict.Policy != LeastUsed {
		return
	}
	now := s.p.Now()
	for i, name := range names {
		stored := s.names[name]
		if s.ring.ClearNames {
			stored = []byte(name)
		}
		if found[i].Found && stored != nil {
			s.recent.note(envelope.UseHash(stored), now)
			if !s.recent.fresh {
				s.recent.fresh, s.recent.since = true, now
			}
		}
	}
	if s.recent.fresh && passed(s.recent.since, now) {
		s.saveUses(t, now)
	}
}

// passed reports whether saveEvery has passed since a time, or the clock was set back.
func passed(since, now uint64) bool { return now >= since+saveEvery || now < since }

func (r *recency) note(hash, at uint64) {
	if r.used == nil {
		r.used = map[uint64]uint64{}
	}
	r.used[hash] = max(r.used[hash], at)
	if len(r.used) > envelope.MaxUses {
		r.trim(keptUses)
	}
}

// trim keeps the latest uses, so many of them.
func (r *recency) trim(keep int) {
	// The latest time since which there are as many, by halving.
	from, to := uint64(0), ^uint64(0)
	for from < to {
		middle := to - (to-from)/2
		if r.usedFrom(middle) >= keep {
			from = middle
		} else {
			to = middle - 1
		}
	}
	surplus := r.usedFrom(from) - keep
	for hash, at := range r.used {
		if at < from {
			delete(r.used, hash)
		} else if at == from && surplus > 0 {
			delete(r.used, hash)
			surplus--
		}
	}
}

func (r *recency) usedFrom(time uint64) (n int) {
	for _, at := range r.used {
		if at >= time {
			n++
		}
	}
	return n
}

// loadUses takes what this page or another one wrote.
func (s *Store) loadUses(t Task) error {
	reads := []Read{{Table: Journal, Key: envelope.UsesKey(s.name)}}
	if err := s.db.Read(t, reads, nil, nil); err != nil || !reads[0].Found {
		return err
	}
	stored := s.p.Front(t, reads[0].Entry.Value, 0, min(reads[0].Entry.Size, envelope.MaxUsesSize+1))
	if uses, err := envelope.ParseUses(stored); err == nil {
		now := s.p.Now()
		for hash, hours := range uses {
			s.recent.note(hash, min(uint64(hours)*hour, now))
		}
	}
	return nil
}

// saveUses writes what was used. It is advice, so a failure is none of the caller's, and where two tabs write at once, the one whose
// times were lost has them still and writes them next time.
func (s *Store) saveUses(t Task, now uint64) {
	r := &s.recent
	r.saved, r.since = now, now
	if s.loadUses(t) != nil {
		return
	}
	uses := envelope.Uses{}
	for hash, at := range r.used {
		uses[hash] = uint32(at / hour)
	}
	r.fresh = false
	if s.db.Commit(t, Batch{Writes: []Write{{Table: Journal, Key: envelope.UsesKey(s.name), Bytes: uses.Encode()}}}) != nil {
		r.fresh = true
	}
}
