package vault

import "idbvault/envelope"

// Item is one record to write.
type Item struct {
	Name        string
	Class       envelope.Class
	Kind        envelope.Kind
	ContentType string
	Context     []byte // JSON text of an object, or empty
	Value       Blob
	Size        int     // bytes of Value
	TTL         uint64  // milliseconds after which it expires, to the second, or 0
	Origin      *Origin // of one that was written elsewhere

	ends uint64 // when it expires that keeps its own end, Unix time in seconds, or 0
}

// Set writes records in one transaction, all or none. When the same name stands twice, the later one stays. load is called
// when it is this operation's turn, and sets the items' values, which may have to be waited for.
func (s *Store) Set(t Task, items []Item, load func() error) error {
	names := make([]string, len(items))
	for i := range items {
		names[i] = items[i].Name
	}
	if err := s.check(items, names); err != nil || len(items) == 0 {
		return err
	}
	turn := s.order.take(t, names...)
	defer turn.finish()
	if err := load(); err != nil {
		return err
	}
	return s.put(t, items, names, nil, turn.finish)
}

func (s *Store) check(items []Item, names []string) error {
	if err := s.alive(); err != nil {
		return err
	}
	if err := checkNames(names); err != nil {
		return err
	}
	for i := range items {
		it := &items[i]
		if err := CheckClass(it.Class); err != nil {
			return err
		}
		if err := CheckTTL(it.TTL); err != nil {
			return err
		}
		if len(it.ContentType) > envelope.MaxContentType || it.Kind != envelope.File && it.ContentType != "" {
			return ErrInvalid.because("A Blob's type must not be longer than 255 bytes.")
		}
		if it.Kind < envelope.Text || it.Kind > envelope.File {
			return ErrInvalid.because("A value must be text, bytes or a Blob.")
		}
		if len(it.Context) > envelope.MaxContext {
			return errContext
		}
		if s.weakestSlot() < it.Class.Iterations() {
			return ErrWeak.because("This vault's key is derived with fewer PBKDF2 iterations than the class '" + it.Class.String() + "' demands. Make the vault with more iterations.")
		}
	}
	return nil
}

// CheckClass reports whether a record may be of that class.
func CheckClass(class envelope.Class) error {
	if !class.Valid() {
		return errClass
	}
	return nil
}

// CheckTTL reports whether a record may expire after so many milliseconds; 0 is never.
func CheckTTL(ms uint64) error {
	if ms != 0 && (ms < 1000 || ms > 36525*day*1000) { // a hundred years of 365.25 days
		return ErrInvalid.because("The option ttlMs must be a whole number of milliseconds from 1,000 to 3,155,760,000,000, which is a hundred years.")
	}
	return nil
}

var errClass = ErrInvalid.because("The classification must be one of DataClassification: 'public', 'internal', 'confidential', 'pii' or 'phi'.")

var errContext = ErrInvalid.because("The context must be a JSON object of at most 65,536 bytes and 64 levels.")

func (s *Store) weakestSlot() uint32 {
	least := s.ring.Slots[0].Iterations
	for _, slot := range s.ring.Slots {
		least = min(least, slot.Iterations)
	}
	return least
}

// put seals items and commits them. All cryptography is done before the transaction is made, since a browser may end a
// transaction that waits for anything but its own requests.
func (s *Store) put(t Task, items []Item, names []string, expect *Expect, issued func()) error {
	var need perClass
	for i := range items {
		if items[i].Size > envelope.MaxValue {
			return ErrInvalid.because("A value must not be larger than 1 GiB.")
		}
		need[items[i].Class] += 2 // a split record is two ciphertexts
	}
	w, err := s.spend(t, &need)
	if ErrQuota.is(err) && s.makeRoom(t, items, names) {
		w, err = s.spend(t, &need)
	}
	if err != nil {
		return err
	}
	defer w.leave()
	for i := range items {
		if s.recordKey(items[i].Class, w.epoch) == nil {
			return errForgotten
		}
	}
	for _, name := range names {
		s.changed(name)
	}
	// What does not need the names is done while the browser hides them, and what does not need the ciphertexts while it seals.
	headers, heads := make([]envelope.Header, len(items)), make([][]byte, len(items))
	// A rotation that changes the names after this moves no record before the write, which has a share in its epoch, has ended.
	stored, left, err := s.bothNames(t, names, func() {
		now := s.p.Now()
		for i := range items {
			heads[i] = s.layOut(&items[i], &headers[i], w.epoch, now)
		}
	})
	if err != nil {
		return err
	}
	old, err := s.oldChunks(t, names, stored, left)
	if err != nil {
		return err
	}
	jobs := make([]Seal, 0, len(items))
	for i := range items {
		jobs = s.seals(&items[i], &headers[i], heads[i], stored[i], jobs)
	}
	writes := append(make([]Write, 0, len(jobs)+len(old)), old...)
	err = s.p.Seal(t, jobs, func() {
		for i := range items {
			writes = s.writes(&headers[i], names[i], stored[i], writes)
		}
	})
	if err = s.failed(err); err == nil {
		err = s.alive()
	}
	if err == nil {
		for _, name := range left {
			writes = s.deletes(name, writes)
		}
		for i := range writes {
			if w := &writes[i]; w.sealed {
				w.Value, jobs = jobs[0].Out, jobs[1:]
			}
		}
		b := Batch{Writes: writes, Expect: expect, Strict: s.strict(), Issued: issued}
		err = s.commit(t, b, func() ([][]byte, int) {
			return s.recordKeys(stored, left), storedSizes(items, headers, heads, stored)
		})
	}
	if err != nil {
		for _, name := range names {
			s.unsure(name) // what was noted of its layout did not come about
		}
	}
	return err
}

// makeRoom evicts others for items whose writes were to be counted in the keyring, for which the browser had no room. It reports whether
// it did.
func (s *Store) makeRoom(t Task, items []Item, names []string) bool {
	stored, left, err := s.bothNames(t, names, nil)
	if err != nil {
		return false
	}
	size := 0
	for i := range items {
		size += (&envelope.Header{}).Size() + items[i].Size + envelope.TagSize
	}
	return s.evictFor(t, size, stored, left)
}

var errForgotten = ErrLocked.because("This class was forgotten, with its keys. Unlock the vault again, which draws new ones.")

// layOut decides the layout of a record, fills its header and returns its head.
func (s *Store) layOut(it *Item, h *envelope.Header, epoch uint32, now uint64) []byte {
	head := envelope.Head{Kind: it.Kind, Name: it.Name, ContentType: it.ContentType, Context: it.Context}
	encoded := head.Encode()
	h.Layout, h.Class, h.Epoch, h.Created = envelope.Whole, it.Class, epoch, it.written(now)
	h.Expires = s.expiry(it)
	s.p.Random(h.IV[:])
	if len(encoded)+it.Size > envelope.MaxWhole {
		h.Layout, h.Length = envelope.Split, uint64(it.Size)
		s.p.Random(h.ValueIV[:])
	}
	return encoded
}

// seals appends what must be sealed for a record to jobs.
func (s *Store) seals(it *Item, h *envelope.Header, head, stored []byte, jobs []Seal) []Seal {
	key, at, part, plain := s.recordKey(h.Class, h.Epoch), s.place(stored), envelope.PartHead, Blob(nil)
	if h.Layout == envelope.Whole {
		part, plain = envelope.PartWhole, it.Value
	}
	jobs = append(jobs, Seal{Key: key, IV: h.IV, AAD: envelope.RecordAAD(at, part, h), Head: head, Plain: plain})
	if h.Layout == envelope.Split {
		jobs = append(jobs, Seal{Key: key, IV: h.ValueIV, AAD: envelope.RecordAAD(at, envelope.PartValue, h), Plain: it.Value})
	}
	return jobs
}

// writes appends the entries of a record to list, without the ciphertexts.
func (s *Store) writes(h *envelope.Header, name string, stored []byte, list []Write) []Write {
	list = append(list, Write{Table: Records, Key: envelope.RecordKey(s.name, stored), Bytes: h.Encode(), sealed: true})
	if h.Layout == envelope.Split {
		list = append(list, Write{Table: Chunks, Key: envelope.ChunkKey(s.name, stored), sealed: true})
	}
	if s.large.written(name, stored, h.Layout) {
		list = append(list, Write{Table: Chunks, Key: envelope.ChunkKey(s.name, stored)})
	}
	return list
}

// Delete deletes records in one transaction, all or none. Names that have no record are passed over.
func (s *Store) Delete(t Task, names []string) error {
	if err := s.alive(); err != nil {
		return err
	}
	if err := checkNames(names); err != nil || len(names) == 0 {
		return err
	}
	turn := s.order.take(t, names...)
	defer turn.finish()
	return s.remove(t, names, nil, turn)
}

func (s *Store) remove(t Task, names []string, expect *Expect, turn *turn) error {
	stored, left, err := s.bothNames(t, names, nil)
	if err != nil {
		return err
	}
	for _, name := range names {
		s.changed(name)
	}
	writes, err := s.oldChunks(t, names, stored, left)
	if err != nil {
		return err
	}
	for _, name := range append(stored, left...) {
		writes = s.deletes(name, writes)
	}
	b := Batch{Writes: writes, Expect: expect, Strict: s.strict(), Issued: turn.finish}
	return s.commit(t, b, func() ([][]byte, int) { return s.recordKeys(stored, left), 0 })
}

// deletes appends what deletes a record to list.
func (s *Store) deletes(stored []byte, list []Write) []Write {
	return append(list,
		Write{Table: Records, Key: envelope.RecordKey(s.name, stored)},
		Write{Table: Chunks, Key: envelope.ChunkKey(s.name, stored)})
}

// Clear deletes every record of the store.
func (s *Store) Clear(t Task) error {
	if err := s.alive(); err != nil {
		return err
	}
	turn := s.order.take(t)
	defer turn.finish()
	s.clearCaches()
	err := s.db.Commit(t, Batch{
		Clear:  []ClearRange{{Records, s.all()}, {Chunks, s.all()}},
		Strict: s.strict(),
		Issued: turn.finish,
	})
	s.room.uncount()
	return err
}

// Change is what the function of an update decided.
type Change struct {
	Item   Item
	Delete bool
}

// Update reads a record, has change make the new one, and writes it if no other write came between; else it begins
// anew. Without a TTL, the record keeps its own end. It holds no turn while change runs, which may therefore use the store itself.
func (s *Store) Update(t Task, name string, change func(current Value) (Change, error)) error {
	if err := checkNames([]string{name}); err != nil {
		return err
	}
	for range maxRetries {
		current, err := s.current(t, name)
		if err != nil {
			return err
		}
		c, err := change(current[0])
		if err != nil {
			return err
		}
		if !c.Delete {
			c.Item.Name = name
			if c.Item.ends = 0; current[0].Found {
				c.Item.ends = s.ownEnd(&current[0].Header)
			}
			if err := s.check([]Item{c.Item}, []string{name}); err != nil {
				return err
			}
		}
		err = s.replace(t, name, current[0], c)
		if !ErrStale.is(err) {
			return err
		}
	}
	return ErrConflict
}

// current reads a record as it is stored.
func (s *Store) current(t Task, name string) ([]Value, error) {
	if err := s.alive(); err != nil {
		return nil, err
	}
	turn := s.order.take(t, name)
	defer turn.finish()
	return s.get(t, []string{name}, readStored, turn.finish)
}

func (s *Store) replace(t Task, name string, current Value, c Change) error {
	turn := s.order.take(t, name)
	defer turn.finish()
	expect := &Expect{Table: Records, Key: current.key, Prefix: current.front}
	if c.Delete {
		return s.remove(t, []string{name}, expect, turn)
	}
	return s.put(t, []Item{c.Item}, []string{name}, expect, turn.finish)
}
