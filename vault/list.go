package vault

import "idbvault/envelope"

// Exists reports whether there is a record of that name that has not expired. It does not open the record.
func (s *Store) Exists(t Task, name string) (bool, error) {
	if err := s.alive(); err != nil {
		return false, err
	}
	if err := checkNames([]string{name}); err != nil {
		return false, err
	}
	turn := s.order.take(t, name)
	defer turn.finish()
	for named := uint32(0); named != s.nameEpoch; {
		named = s.nameEpoch
		stored, left, err := s.bothNames(t, []string{name}, nil)
		if err != nil {
			return false, err
		}
		var reads []Read
		for _, form := range append(stored, left...) {
			reads = append(reads, Read{Table: Records, Key: envelope.RecordKey(s.name, form)})
		}
		if err := s.db.Read(t, reads, turn.finish, nil); err != nil {
			return false, err
		}
		for i := range reads {
			if reads[i].Found {
				h, err := envelope.ParseHeader(reads[i].Entry.Front)
				return err != nil || !expired(&h, s.now()), nil
			}
		}
	}
	return false, nil
}

// scanPage is how many records one transaction of Names reads.
const scanPage = 512

// Names lists the names of the store's records, ascending by their stored form, that begin with prefix and, where class is
// not 0, are of that class. Every record that may be one of them is opened, large values excepted: with hidden names all of
// the store, with clear ones those with the prefix.
func (s *Store) Names(t Task, prefix string, class envelope.Class) ([]string, error) {
	if err := s.alive(); err != nil {
		return nil, err
	}
	if err := CheckClass(class); class != 0 && err != nil {
		return nil, err
	}
	turn := s.order.take(t)
	defer turn.finish()
	for range maxMoves {
		names, err := s.list(t, prefix, class, turn.finish)
		if !errMoved.is(err) {
			return names, err
		}
	}
	return nil, ErrIntegrity
}

func (s *Store) list(t Task, prefix string, class envelope.Class, issued func()) (names []string, err error) {
	named, limit, r := s.nameEpoch, scanPage, s.all()
	if s.ring.ClearNames {
		r = s.under(prefix)
	} else if s.otherName != nil {
		limit = 1 << 30 // records move behind a page that was read, and before one that was not
	}
	err = s.pages(t, r, limit, issued, func(entries []Entry) error {
		found, err := s.openNames(t, entries)
		if err != nil {
			return err
		}
		if s.nameEpoch != named {
			return errMoved
		}
		for i := range found {
			if v := &found[i]; v.Found && (class == 0 || v.Header.Class == class) && v.named(prefix) {
				names = append(names, v.Head.Name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return names, nil
}

// named reports whether the record's name begins with prefix.
func (v *Value) named(prefix string) bool {
	return len(v.Head.Name) >= len(prefix) && v.Head.Name[:len(prefix)] == prefix
}

// pages calls each with the entries of a range of Records, limit at a time, and lets go of their Blobs when it has returned.
func (s *Store) pages(t Task, r Range, limit int, issued func(), each func(entries []Entry) error) error {
	for {
		mark := s.p.Mark(t)
		entries, err := s.db.Scan(t, Records, r, limit, issued)
		if err != nil {
			return err
		}
		if err := each(entries); err != nil {
			return err
		}
		s.p.Release(t, mark)
		if len(entries) < limit {
			return nil
		}
		r.From = after(entries[len(entries)-1].Key)
	}
}

// after is the least key behind one.
func after(key []byte) []byte { return append(append([]byte(nil), key...), 0) }

// openNames opens the heads of entries and checks that each lies under its name. The result is aligned with them.
func (s *Store) openNames(t Task, entries []Entry) ([]Value, error) {
	values := make([]Value, len(entries))
	all := make([]sealed, len(entries))
	for i := range entries {
		_, stored, err := envelope.ParseRecordKey(entries[i].Key)
		if err != nil {
			return nil, broken(err)
		}
		all[i] = sealed{stored: stored, head: &Read{Found: true, Entry: entries[i]}, value: &values[i]}
	}
	o := s.opening(t, len(all), true)
	if err := o.end(all, o.begin(all)); err != nil {
		return nil, o.moved(err)
	}
	names := make([]string, len(values))
	for i := range values {
		names[i] = values[i].Head.Name
	}
	// The name inside must hash to the name that it is stored under.
	again, err := s.hide(t, names, nil)
	if err != nil {
		return nil, err
	}
	left, err := s.otherNames(t, names)
	if err != nil {
		return nil, err
	}
	for i := range names {
		if string(again[i]) != string(all[i].stored) && (left == nil || string(left[i]) != string(all[i].stored)) {
			return nil, ErrIntegrity
		}
	}
	return values, nil
}

// Count returns how many records the store has, expired ones that were not purged included.
func (s *Store) Count(t Task) (int, error) {
	if err := s.alive(); err != nil {
		return 0, err
	}
	turn := s.order.take(t)
	defer turn.finish()
	return s.db.Count(t, Records, s.all(), turn.finish)
}
