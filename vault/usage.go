package vault

import "idbvault/envelope"

// Usage is what records take as they are stored: headers, tags and large values included.
type Usage struct{ Records, Bytes int }

// ClassUsage is the Usage of each class. At 0 are records whose header says none.
type ClassUsage [envelope.PHI + 1]Usage

// Usage adds up the records of the store whose names begin with prefix, by class. It goes by their headers, which are read and not
// opened, so that nothing authenticates the numbers. Where the vault hides names, a prefix has the head of every record opened.
func (s *Store) Usage(t Task, prefix string) (*ClassUsage, error) {
	if err := s.alive(); err != nil {
		return nil, err
	}
	turn := s.order.take(t)
	defer turn.finish()
	for range maxMoves {
		sum, err := s.usage(t, prefix, turn.finish)
		if !errMoved.is(err) {
			return sum, err
		}
	}
	return nil, ErrIntegrity
}

func (s *Store) usage(t Task, prefix string, issued func()) (*ClassUsage, error) {
	named, limit, opens := s.nameEpoch, scanPage, prefix != "" && !s.ring.ClearNames
	r := s.all()
	if s.ring.ClearNames {
		r = s.under(prefix)
	} else if s.otherName != nil {
		limit = 1 << 30 // as in list
	}
	sum := &ClassUsage{}
	err := s.pages(t, r, limit, issued, func(entries []Entry) error {
		var opened []Value
		if opens {
			var err error
			if opened, err = s.openNames(t, entries); err != nil {
				return err
			}
		}
		if s.nameEpoch != named {
			return errMoved
		}
		for i := range entries {
			if opens && !opened[i].named(prefix) {
				continue
			}
			var class envelope.Class
			if h, err := envelope.ParseHeader(entries[i].Front); err == nil {
				class = h.Class
			}
			sum[class].Records++
			sum[class].Bytes += entrySize(&entries[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sum, nil
}

// storedSizes is how many bytes records will take. Of several under one name the last one counts.
func storedSizes(items []Item, headers []envelope.Header, heads, stored [][]byte) (sum int) {
	seen := map[string]bool{}
	for i := len(items) - 1; i >= 0; i-- {
		if seen[string(stored[i])] {
			continue
		}
		seen[string(stored[i])] = true
		h := &headers[i]
		sum += h.Size() + len(heads[i]) + items[i].Size + envelope.TagSize
		if h.Layout == envelope.Split {
			sum += envelope.TagSize
		}
	}
	return sum
}

// recordKeys are the keys of records in Records, none twice.
func (s *Store) recordKeys(stored, left [][]byte) (keys [][]byte) {
	seen := map[string]bool{}
	for _, list := range [][][]byte{stored, left} {
		for _, name := range list {
			if !seen[string(name)] {
				seen[string(name)] = true
				keys = append(keys, envelope.RecordKey(s.name, name))
			}
		}
	}
	return keys
}
