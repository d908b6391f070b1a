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
	what := readValues
	if headsOnly {
		what = readHeads
	}
	return s.get(t, names, what, turn.finish)
}

// reading says what is read of a record.
type reading int

const (
	readValues reading = iota // its value, perhaps from the cache
	readStored                // its value as it is stored
	readHeads                 // its head alone
)

func (s *Store) get(t Task, names []string, what reading, issued func()) ([]Value, error) {
	if what == readValues {
		if kept := s.cache.get(t, names); kept != nil {
			s.touch(t, names, kept)
			return kept, nil
		}
	}
	for range maxMoves {
		found, err := s.look(t, names, what, issued)
		if err == nil && what != readHeads {
			s.touch(t, names, found)
		}
		if !errMoved.is(err) {
			return found, err
		}
	}
	s.note(KeyMismatch, 1)
	return nil, ErrIntegrity // there is no key for it, and was none
}

// locate puts the name under which a record is stored into hidden, where a rotation under way may have moved it. Both names are
// looked up in one transaction, since a record has always one of them. It reports which records are there.
func (s *Store) locate(t Task, names []string, hidden [][]byte) (present []bool, err error) {
	left, err := s.otherNames(t, names)
	if left == nil || err != nil {
		return nil, err
	}
	var reads []Read
	for i := range hidden {
		reads = append(reads,
			Read{Table: Records, Key: envelope.RecordKey(s.name, hidden[i])},
			Read{Table: Records, Key: envelope.RecordKey(s.name, left[i])})
	}
	if err := s.db.Read(t, reads, nil, nil); err != nil {
		return nil, err
	}
	present = make([]bool, len(names))
	for i := range hidden {
		now, before := reads[2*i].Found, reads[2*i+1].Found
		present[i] = now || before
		if before && !now {
			hidden[i] = left[i]
		}
	}
	return present, nil
}

// errMoved is the outcome of a read that a rotation under way got ahead of; the read is made again.
var errMoved = &Error{"moved", "moved"}

// maxMoves is how often a read is made again: a record moves at most twice while a rotation is begun and rolled back.
const maxMoves = 4

func (s *Store) look(t Task, names []string, what reading, issued func()) ([]Value, error) {
	named := s.nameEpoch
	hidden, err := s.storedNames(t, names, nil)
	if err != nil {
		return nil, err
	}
	if err := s.alive(); err != nil {
		return nil, err
	}
	present, err := s.locate(t, names, hidden)
	if err != nil {
		return nil, err
	}
	found := make([]Value, len(names))
	entries := make([]sealed, len(names))
	for i := range entries {
		found[i].key = envelope.RecordKey(s.name, hidden[i])
		entries[i] = sealed{name: names[i], stored: hidden[i], value: &found[i]}
	}
	o := s.opening(t, len(entries), what == readHeads)
	switch what {
	case readHeads:
		err = o.lookUp(entries, issued)
	case readValues:
		s.cache.expect(names, o)
		fallthrough
	default:
		err = o.lookUpAll(entries, issued)
	}
	err = o.end(entries, err)
	for i := range found {
		if v := &found[i]; err == nil && what != readHeads && v.Found && v.Header.Layout == envelope.Chunked {
			if err = s.whole(t, v, hidden[i]); err == errReplaced {
				err = errMoved
			}
		}
	}
	if err == nil && s.nameEpoch != named {
		err = errMoved
	}
	for i := range present {
		if err == nil && present[i] && !entries[i].head.Found {
			err = errMoved
		}
	}
	if err = o.moved(err); err != nil {
		found = nil
	}
	s.cache.take(t, names, o, found)
	return found, err
}

// sealed is a stored record on its way to a Value.
type sealed struct {
	name   string // what the caller asked for, or empty where the record tells its own
	stored []byte
	split  bool  // as far as is known
	head   *Read // in `records`
	apart  *Read // in `chunks`, where split
	value  *Value
	job    int // its first in jobs
}

// opening opens records while the database still reads those behind them.
type opening struct {
	*Store
	t         Task
	headsOnly bool
	jobs      []Open
	unknown   *envelope.Header // of a record whose key is not here
}

func (s *Store) opening(t Task, n int, headsOnly bool) *opening {
	return &opening{s, t, headsOnly, make([]Open, 0, n), nil}
}

// lookUpAll looks entries up with the values that lie apart. Which records have one, their headers say; where the page did not
// know of one, head and value are read again, so that both are of one state.
func (o *opening) lookUpAll(entries []sealed, issued func()) error {
	large := &o.large
	for i := range entries {
		entries[i].split = large.stored[string(entries[i].stored)]&inOne != 0
	}
	if err := o.lookUp(entries, nil); err != nil {
		return err
	}
	var again []sealed
	for i := range entries {
		if e := &entries[i]; e.unread() {
			large.note(e.stored, inOne)
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
	if err := o.lookUp(again, issued); err != nil {
		return err
	}
	for i := range entries {
		if len(again) > 0 && entries[i].value == again[0].value {
			entries[i], again = again[0], again[1:]
		}
	}
	return nil
}

// unread reports whether the record has a value that lies apart and was not looked up.
func (e *sealed) unread() bool { return e.value.Header.Layout == envelope.Split && !e.split }

// lookUp looks up, in one transaction, the entries in `records` and, of those that are split, the ones in `chunks`, and begins
// to open them.
func (o *opening) lookUp(entries []sealed, issued func()) error {
	reads := make([]Read, len(entries))
	for i := range entries {
		reads[i] = Read{Table: Records, Key: entries[i].value.key}
		if entries[i].split {
			reads = append(reads, Read{Table: Chunks, Key: envelope.ChunkKey(o.name, entries[i].stored)})
		}
	}
	apart := reads[len(entries):]
	for i := range entries {
		e := &entries[i]
		e.head = &reads[i]
		if e.split {
			e.apart, apart = &apart[0], apart[1:]
		}
	}
	begun := 0
	return o.db.Read(o.t, reads, issued, func(n int) error {
		if len(reads) > len(entries) && n < len(reads) {
			return nil // values come behind all heads
		}
		n = min(n, len(entries))
		part := entries[begun:n]
		begun = n
		return o.begin(part)
	})
}

// moved is the error of a read: before it is made again, the page catches up with the rotation that got ahead of it.
func (o *opening) moved(err error) error {
	if errMoved.is(err) && o.unknown != nil {
		if err := o.catchUp(o.t, o.unknown); err != nil {
			return err
		}
	}
	return err
}

// begin reads the headers of entries that were found and begins to open them, those excepted whose value must be read first. The
// place that their tags are held against is where they were found.
func (o *opening) begin(entries []sealed) error {
	from := len(o.jobs)
	for i := range entries {
		e := &entries[i]
		if !e.head.Found {
			continue
		}
		h, front := &e.value.Header, e.head.Entry.Front
		var err error
		if *h, err = envelope.ParseHeader(front); err != nil {
			return broken(err)
		}
		if e.unread() && !o.headsOnly {
			continue
		}
		e.value.front = front[:h.Size()]
		key := o.recordKey(h.Class, h.Epoch)
		if key == nil {
			o.unknown = h
			return o.failed(errMoved)
		}
		e.job = len(o.jobs)
		at, part := o.place(e.stored), envelope.PartWhole
		if h.Layout != envelope.Whole {
			part = envelope.PartHead
		}
		o.jobs = append(o.jobs, Open{
			Key: key, IV: h.IV, AAD: envelope.RecordAAD(at, part, h), Sealed: e.head.Entry.Value, Offset: h.Size(),
		})
		if h.Layout == envelope.Split && !o.headsOnly {
			if !e.apart.Found {
				return ErrIntegrity
			}
			o.jobs = append(o.jobs, Open{
				Key: key, IV: h.ValueIV, AAD: envelope.RecordAAD(at, envelope.PartValue, h), Sealed: e.apart.Entry.Value,
			})
		}
	}
	o.p.Open(o.t, o.jobs[from:])
	return nil
}

// end waits for what was begun and fills the Values. After an error it waits, too: the Task's next step must not meet the rest
// of this one.
func (o *opening) end(entries []sealed, err error) error {
	refused := o.p.Opened(o.t)
	if err == nil {
		err = o.failed(refused)
	}
	if err != nil {
		return err
	}
	now, gone := o.now(), 0
	for i := range entries {
		e := &entries[i]
		if !e.head.Found {
			continue
		}
		if err := o.fill(e); err != nil {
			return err
		}
		// Only what was authenticated is believed: an expiry that someone wrote into the header failed above.
		if e.value.Found = !expired(&e.value.Header, now); !e.value.Found {
			gone++
		}
	}
	if gone > 0 {
		o.p.Report(o.database, RecordExpired, o.ring.WriteEpoch, gone)
	}
	return nil
}

func expired(h *envelope.Header, now uint64) bool { return h.Expires != 0 && h.Expires <= now }

// fill takes the head, and the value where it is wanted, from the opened ciphertexts.
func (o *opening) fill(e *sealed) error {
	v, plain := e.value, o.jobs[e.job].Out
	head, size, err := envelope.ParseHead(o.head(o.t, plain))
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
	if v.Header.Layout == envelope.Chunked {
		return fits(size == total)
	}
	if err := fits(size == total && size+v.Size > envelope.MaxWhole); err != nil {
		return err
	}
	if !o.headsOnly {
		v.Data = o.jobs[e.job+1].Out
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
