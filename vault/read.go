package vault

import "idbvault/envelope"

// Value is one record read.
type Value struct {
	Found  bool
	Header envelope.Header
	Head   envelope.Head
	Data   Blob // the value begins at Offset and has Size bytes; nil where only the head was asked for
	Offset int
	Size   int
	key    []byte // of the entry in `records`
	front  []byte // its header as stored, or nothing; it names this one write, by its IV
}

// Get reads records in one transaction; the result is aligned with names. An absent or expired record is not Found. One
// record that cannot be opened fails them all. With headsOnly, large values stay where they are.
func (s *Store) Get(t Task, names []string, headsOnly bool) ([]Value, error) {
	if err := s.alive(); err != nil {
		return nil, err
	}
	if err := checkNames(names); err != nil || len(names) == 0 {
		return nil, err
	}
	turn := s.order.take(t, names...)
	defer turn.finish()
	return s.get(t, names, headsOnly, turn.finish)
}

func (s *Store) get(t Task, names []string, headsOnly bool, issued func()) ([]Value, error) {
	stored, err := s.storedNames(t, names, nil)
	if err != nil {
		return nil, err
	}
	if err := s.alive(); err != nil {
		return nil, err
	}
	values := make([]Value, len(names))
	entries := make([]sealed, len(names))
	for i := range entries {
		values[i].key = envelope.RecordKey(s.name, stored[i])
		entries[i] = sealed{name: names[i], stored: stored[i], value: &values[i]}
	}
	if headsOnly {
		err = s.lookUp(t, entries, issued)
	} else {
		err = s.lookUpAll(t, entries, issued)
	}
	if err != nil {
		return nil, err
	}
	if err := s.openAll(t, entries, headsOnly); err != nil {
		return nil, err
	}
	return values, nil
}

// lookUpAll looks entries up with the values that lie apart. Which records have one, their headers say; where the page did not
// know of one, head and value are read again, so that both are of one state.
func (s *Store) lookUpAll(t Task, entries []sealed, issued func()) error {
	for i := range entries {
		entries[i].split = s.large.stored[string(entries[i].stored)]
	}
	if err := s.lookUp(t, entries, nil); err != nil {
		return err
	}
	var again []sealed
	for i := range entries {
		e := &entries[i]
		if e.err == nil && e.value.Header.Layout == envelope.Split && !e.split {
			s.large.note(e.stored)
			e.split = true
			again = append(again, *e)
		}
	}
	if len(again) == 0 {
		if issued != nil {
			issued()
		}
		return nil
	}
	if err := s.lookUp(t, again, issued); err != nil {
		return err
	}
	for i := range entries {
		if len(again) > 0 && entries[i].value == again[0].value {
			entries[i], again = again[0], again[1:]
		}
	}
	return nil
}

// lookUp looks up, in one transaction, the entries in `records` and, of those that are split, the ones in `chunks`.
func (s *Store) lookUp(t Task, entries []sealed, issued func()) error {
	reads := make([]Read, len(entries))
	for i := range entries {
		reads[i] = Read{Table: Records, Key: entries[i].value.key}
		if entries[i].split {
			reads = append(reads, Read{Table: Chunks, Key: envelope.ChunkKey(s.name, entries[i].stored, 0)})
		}
	}
	if err := s.db.Read(t, reads, issued); err != nil {
		return err
	}
	apart := reads[len(entries):]
	for i := range entries {
		e := &entries[i]
		e.head = &reads[i]
		e.parse()
		if e.split {
			e.apart, apart = &apart[0], apart[1:]
		}
	}
	return nil
}

// sealed is a stored record on its way to a Value.
type sealed struct {
	name   string // what the caller asked for, or empty where the record tells its own
	stored []byte
	split  bool  // as far as is known
	head   *Read // in `records`
	apart  *Read // in `chunks`
	value  *Value
	err    error // of the header
	job    int   // its first in jobs
}

// parse reads the header.
func (e *sealed) parse() {
	if e.head.Found {
		e.value.Header, e.err = envelope.ParseHeader(e.head.Entry.Front)
	}
}

// openAll opens records. The place that their tags are held against is where they were found.
func (s *Store) openAll(t Task, entries []sealed, headsOnly bool) error {
	now := s.p.Now()
	jobs := make([]Open, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		if !e.head.Found {
			continue
		}
		if e.err != nil {
			return broken(e.err)
		}
		h := &e.value.Header
		e.value.front = e.head.Entry.Front[:h.Size()]
		key := s.recordKey(h.Class, h.Epoch)
		if key == nil {
			return ErrIntegrity
		}
		e.job = len(jobs)
		at, part := s.place(e.stored), envelope.PartWhole
		if h.Layout == envelope.Split {
			part = envelope.PartHead
		}
		jobs = append(jobs, Open{
			Key: key, IV: h.IV, AAD: envelope.RecordAAD(at, part, h), Sealed: e.head.Entry.Value, Offset: h.Size(),
		})
		if h.Layout == envelope.Split && !headsOnly {
			if e.apart == nil || !e.apart.Found {
				return ErrIntegrity
			}
			jobs = append(jobs, Open{
				Key: key, IV: h.ValueIV, AAD: envelope.RecordAAD(at, envelope.PartValue, h), Sealed: e.apart.Entry.Value,
			})
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	if err := s.p.Open(t, jobs); err != nil {
		return s.failed(err)
	}
	for i := range entries {
		e := &entries[i]
		if !e.head.Found {
			continue
		}
		if err := s.fill(t, e, jobs, headsOnly); err != nil {
			return err
		}
		// Only what was authenticated is believed: an expiry that someone wrote into the header failed above.
		e.value.Found = !expired(&e.value.Header, now)
	}
	return nil
}

func expired(h *envelope.Header, now uint64) bool { return h.Expires != 0 && h.Expires <= now }

// fill takes the head, and the value where it is wanted, from the opened ciphertexts.
func (s *Store) fill(t Task, e *sealed, jobs []Open, headsOnly bool) error {
	v, plain := e.value, jobs[e.job].Out
	head, size, err := envelope.ParseHead(s.head(t, plain))
	if err != nil {
		return broken(err)
	}
	if e.name != "" && head.Name != e.name {
		return ErrIntegrity
	}
	v.Head = head
	total := e.head.Entry.Size - v.Header.Size() - envelope.TagSize
	if v.Header.Layout == envelope.Whole {
		v.Data, v.Offset, v.Size = plain, size, total-size
		return fits(total <= envelope.MaxWhole)
	}
	v.Size = int(v.Header.Length)
	if err := fits(size == total && size+v.Size > envelope.MaxWhole); err != nil {
		return err
	}
	if !headsOnly {
		v.Data = jobs[e.job+1].Out
		return fits(e.apart.Entry.Size-envelope.TagSize == v.Size)
	}
	return nil
}

// fits is ErrIntegrity where what was opened is not laid out as a writer lays it out.
func fits(ok bool) error {
	if ok {
		return nil
	}
	return ErrIntegrity
}

// head returns the head at the front of an opened ciphertext and not a byte of the value behind it, which stays out of
// Go's memory.
func (s *Store) head(t Task, plain Blob) []byte {
	size, ok := envelope.HeadSize(s.p.Front(t, plain, 0, 4))
	if !ok {
		return nil
	}
	return s.p.Front(t, plain, 0, size)
}

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
	stored, err := s.storedNames(t, []string{name}, nil)
	if err != nil {
		return false, err
	}
	reads := []Read{{Table: Records, Key: envelope.RecordKey(s.name, stored[0])}}
	if err := s.db.Read(t, reads, turn.finish); err != nil || !reads[0].Found {
		return false, err
	}
	h, err := envelope.ParseHeader(reads[0].Entry.Front)
	return err != nil || !expired(&h, s.p.Now()), nil
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
	r := s.all()
	if s.ring.ClearNames {
		r = s.under(prefix)
	}
	var names []string
	for {
		entries, err := s.db.Scan(t, Records, r, scanPage, turn.finish)
		if err != nil {
			return nil, err
		}
		found, err := s.openNames(t, entries, prefix, class)
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
		if len(entries) < scanPage {
			return names, nil
		}
		r.From = append(append([]byte(nil), entries[len(entries)-1].Key...), 0) // the least key behind it
	}
}

func (s *Store) openNames(t Task, entries []Entry, prefix string, class envelope.Class) ([]string, error) {
	values := make([]Value, len(entries))
	all := make([]sealed, len(entries))
	for i := range entries {
		_, stored, err := envelope.ParseRecordKey(entries[i].Key)
		if err != nil {
			return nil, broken(err)
		}
		all[i] = sealed{stored: stored, head: &Read{Found: true, Entry: entries[i]}, value: &values[i]}
		all[i].parse()
	}
	if err := s.openAll(t, all, true); err != nil {
		return nil, err
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
	matching := names[:0]
	for i, name := range names {
		if string(again[i]) != string(all[i].stored) {
			return nil, ErrIntegrity
		}
		if values[i].Found && (class == 0 || values[i].Header.Class == class) && len(name) >= len(prefix) && name[:len(prefix)] == prefix {
			matching = append(matching, name)
		}
	}
	return matching, nil
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
