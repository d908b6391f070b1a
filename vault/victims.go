package vault

import "idbvault/envelope"

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
