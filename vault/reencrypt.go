package vault

import "idbvault/envelope"

// Pass says what the steps of one pass over all records do.
type Pass int

// The passes.
const (
	Look   Pass = iota // opens every record and writes nothing
	Turn               // re-encrypts what lies under another epoch, and opens no other
	Verify             // opens every record, and re-encrypts what still lies under another epoch
	Purge              // as Verify, and deletes what can't be read
)

// Stride is what one step saw.
type Stride struct {
	Last       bool // of the pass
	Records    int
	Bytes      int // as stored, headers and tags included
	Changed    int // records that were re-encrypted or deleted
	Counts     []Count
	Unreadable []Unreadable
}

// Count is how many of the records are of a class and an epoch.
type Count struct {
	Class          envelope.Class
	Epoch          uint32
	Records, Bytes int
}

// Unreadable is a record that does not open. Its name is not known; where it lies, is.
type Unreadable struct {
	Store  string
	Stored []byte
}

// ID is the stored name in hexadecimal.
func (u *Unreadable) ID() string { return hexadecimal(u.Stored) }

// walk is a pass under way, over the records of all stores in the order of their keys.
type walk struct {
	pass    Pass
	epoch   uint32
	from    []byte // where the next step begins
	limit   int    // entries that the next step reads at most
	asked   int    // that the present one read at most
	changed int
	bad     int
	done    bool
}

// clean reports whether a pass that opened every record has just ended and all of them lie under that epoch.
func (w *walk) clean(epoch uint32) bool {
	return w != nil && w.done && w.pass >= Verify && w.epoch == epoch && w.changed == 0 && w.bad == 0
}

const (
	firstStride = 64      // entries
	maxStride   = 512     // entries
	strideBytes = 4 << 20 // after which a step takes no further record
)

// Step goes on with a pass, or begins one. All that it holds of the records ends with the Task.
func (v *Vault) Step(t Task, pass Pass, begin bool) (*Stride, error) {
	if err := v.alive(); err != nil {
		return nil, err
	}
	if begin {
		v.walk = &walk{pass: pass, epoch: v.share.epoch, limit: firstStride}
	}
	w := v.walk
	if w == nil || w.pass != pass || w.done || w.epoch != v.share.epoch && pass != Look {
		return nil, ErrConflict.because("The rotation was turned around meanwhile. Look at rotationStatus.")
	}
	entries, err := v.db.Scan(t, Records, Range{From: w.from}, w.limit, nil)
	if err != nil {
		return nil, err
	}
	n := w.fit(entries)
	st := &stride{Stride: &Stride{Last: n == len(entries) && n < w.asked}, pass: pass, epoch: w.epoch}
	if n > 0 {
		if err := v.stride(t, st, entries[:n]); err != nil {
			return nil, err
		}
		w.from = after(entries[n-1].Key)
	}
	w.changed += st.Changed
	w.bad += len(st.Unreadable)
	w.done = st.Last
	return st.Stride, v.alive()
}

// fit returns how many of the entries go into one step: those of one store, up to a number of bytes. It sets how many the next reads.
func (w *walk) fit(entries []Entry) int {
	w.asked = w.limit
	bytes, first := 0, storeOf(entries)
	for i := range entries {
		if i > 0 && bytes > strideBytes {
			w.limit = i
			return i
		}
		if i > 0 && storeOf(entries[i:]) != first {
			return i
		}
		bytes += entrySize(&entries[i])
	}
	w.limit = min(2*w.limit, maxStride)
	return len(entries)
}

// storeOf is the name of the first entry's store, or empty where its key is not one.
func storeOf(entries []Entry) string {
	if len(entries) == 0 {
		return ""
	}
	store, _, _ := envelope.ParseRecordKey(entries[0].Key)
	return store
}

// entrySize is how many bytes a record takes, by its header, which was not authenticated.
func entrySize(e *Entry) int {
	size := e.Size
	if h, err := envelope.ParseHeader(e.Front); err == nil && h.Layout != envelope.Whole {
		size += int(h.Length) + envelope.TagSize*int(h.Chunks())
	}
	return size
}

// stride is a step under way, over records of one store.
type stride struct {
	*Stride
	pass  Pass
	epoch uint32
	swaps []Swap
	bad   []sealed
}

func (v *Vault) stride(t Task, st *stride, entries []Entry) error {
	name := storeOf(entries)
	s := &Store{Vault: v, storeState: v.state(name), name: name}
	opened, err := s.openStride(t, st, entries)
	if err != nil {
		return err
	}
	if err := s.reseal(t, st, opened); err != nil {
		return err
	}
	if err := s.report(t, st); err != nil || len(st.swaps) == 0 {
		return err
	}
	n, err := v.db.Swap(t, st.swaps)
	s.room.uncount() // a purge deletes
	st.Changed += n
	return err
}

// plain is a record that was opened: its head, with the value behind it where it is whole, and else the value.
type plain struct {
	sealed
	front, behind Blob
}

// openStride counts the entries and opens those that the pass asks for. What does not open is st.bad.
func (s *Store) openStride(t Task, st *stride, entries []Entry) ([]plain, error) {
	var todo []sealed
	var reads []Read
	values := make([]Value, len(entries))
	for i := range entries {
		e := sealed{head: &Read{Found: true, Key: entries[i].Key, Entry: entries[i]}, value: &values[i]}
		h, err := envelope.ParseHeader(entries[i].Front)
		st.count(&entries[i], &h)
		if err == nil {
			_, e.stored, err = envelope.ParseRecordKey(entries[i].Key)
		}
		if err != nil {
			st.bad = append(st.bad, e)
			continue
		}
		if st.pass == Turn && h.Epoch == st.epoch {
			continue
		}
		if e.split = h.Layout == envelope.Split; e.split {
			reads = append(reads, Read{Table: Chunks, Key: envelope.ChunkKey(s.name, e.stored)})
		}
		todo = append(todo, e)
	}
	if len(reads) > 0 {
		if err := s.db.Read(t, reads, nil, nil); err != nil {
			return nil, err
		}
	}
	for i := range todo {
		if todo[i].split {
			todo[i].apart, reads = &reads[0], reads[1:]
		}
	}
	opened, err := s.openEach(t, st, todo, nil)
	if err != nil {
		return nil, err
	}
	return s.openChunks(t, st, opened)
}

// openChunks opens the chunks of those values that are not sealed anew, which opens them too.
func (s *Store) openChunks(t Task, st *stride, opened []plain) ([]plain, error) {
	good := opened[:0]
	for _, p := range opened {
		h := &p.value.Header
		if h.Layout == envelope.Chunked && !st.moves(h) {
			c, err := s.chunksOf(t, h, p.stored)
			if err == nil {
				err = c.each(t, nil)
			}
			if ErrIntegrity.is(err) || err == errReplaced {
				st.bad = append(st.bad, p.sealed)
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		good = append(good, p)
	}
	return good, nil
}

// moves reports whether the pass seals a record anew.
func (st *stride) moves(h *envelope.Header) bool { return st.pass != Look && h.Epoch != st.epoch }

// openEach opens records. Where one of them does not open, it halves them until that one is found.
func (s *Store) openEach(t Task, st *stride, entries []sealed, list []plain) ([]plain, error) {
	if len(entries) == 0 {
		return list, nil
	}
	o := s.opening(t, len(entries), false)
	err := o.end(entries, o.begin(entries))
	if err == nil {
		for _, e := range entries {
			p := plain{sealed: e, front: o.jobs[e.job].Out}
			if e.split {
				p.behind = o.jobs[e.job+1].Out
			}
			list = append(list, p)
		}
		return list, nil
	}
	if !ErrIntegrity.is(err) && !ErrVersion.is(err) && !errMoved.is(err) {
		return nil, err
	}
	if len(entries) == 1 {
		st.bad = append(st.bad, entries[0])
		return list, nil
	}
	half := len(entries) / 2
	if list, err = s.openEach(t, st, entries[:half], list); err != nil {
		return nil, err
	}
	return s.openEach(t, st, entries[half:], list)
}

// count adds an entry to the step's numbers.
func (st *stride) count(e *Entry, h *envelope.Header) {
	size := entrySize(e)
	st.Records++
	st.Bytes += size
	for i := range st.Counts {
		if c := &st.Counts[i]; c.Class == h.Class && c.Epoch == h.Epoch {
			c.Records++
			c.Bytes += size
			return
		}
	}
	st.Counts = append(st.Counts, Count{h.Class, h.Epoch, 1, size})
}

// reseal seals what lies under another epoch, each with a fresh IV, at the place where its name belongs.
func (s *Store) reseal(t Task, st *stride, opened []plain) error {
	var moving []plain
	for _, p := range opened {
		if st.moves(&p.value.Header) {
			moving = append(moving, p)
		}
	}
	if len(moving) == 0 {
		return nil
	}
	places, err := s.places(t, st, &moving)
	if err != nil {
		return err
	}
	var need perClass
	for _, p := range moving {
		need[p.value.Header.Class] += 2
	}
	w, err := s.spend(t, &need)
	if err != nil {
		return err
	}
	defer w.leave()
	if w.epoch != st.epoch {
		return ErrConflict
	}
	var jobs []Seal
	for i, p := range moving {
		h, to := p.value.Header, places[i] // class, layout, length and times stay
		h.Epoch = st.epoch
		s.p.Random(h.IV[:])
		if p.split {
			s.p.Random(h.ValueIV[:])
		}
		if h.Layout == envelope.Chunked {
			err := s.resealChunks(t, &p, &h, to)
			if ErrIntegrity.is(err) || err == errReplaced {
				st.bad = append(st.bad, p.sealed)
				continue
			}
			if err != nil {
				return err
			}
		}
		jobs = s.seals(&Item{Value: p.behind}, &h, nil, to, jobs)
		if !p.split {
			jobs[len(jobs)-1].Plain = p.front // head and value
		} else {
			jobs[len(jobs)-2].Plain = p.front
		}
		swap := Swap{Key: p.head.Key, Prefix: p.value.front, Writes: s.deletesChunks(&p.value.Header, p.stored, nil)}
		if string(to) != string(p.stored) {
			swap.Writes = s.deletes(p.stored, swap.Writes)
		}
		swap.Writes = append(swap.Writes, Write{Table: Records, Key: envelope.RecordKey(s.name, to), Bytes: h.Encode(), sealed: true})
		if p.split {
			swap.Writes = append(swap.Writes, Write{Table: Chunks, Key: envelope.ChunkKey(s.name, to), sealed: true})
		}
		st.swaps = append(st.swaps, swap)
	}
	if err := s.failed(s.p.Seal(t, jobs, nil)); err != nil {
		return err
	}
	for i := range st.swaps {
		for k := range st.swaps[i].Writes {
			if w := &st.swaps[i].Writes[k]; w.sealed {
				w.Value, jobs = jobs[0].Out, jobs[1:]
			}
		}
	}
	return nil
}

// resealChunks seals the chunks of a value anew, for the header that is to point at them.
func (s *Store) resealChunks(t Task, p *plain, h *envelope.Header, to []byte) error {
	from, err := s.chunksOf(t, &p.value.Header, p.stored)
	if err != nil {
		return err
	}
	s.p.Random(h.Salt[:])
	h.Begun = s.p.Now()
	into, err := s.chunksOf(t, h, to)
	if err != nil {
		return err
	}
	err = from.each(t, func(first uint32, plain []Blob) error {
		return into.seal(t, first, plain, int(first)+len(plain) == int(h.Chunks()))
	})
	if err != nil {
		into.drop(t)
	}
	return err
}

// places returns under what names the records belong. One whose name inside is not the one that it lies under goes to st.bad.
func (s *Store) places(t Task, st *stride, moving *[]plain) ([][]byte, error) {
	names, places := make([]string, len(*moving)), make([][]byte, len(*moving))
	for i, p := range *moving {
		names[i], places[i] = p.value.Head.Name, p.stored
	}
	if s.otherName == nil {
		return places, nil // where they are: the tags say that they belong there
	}
	now, err := s.hide(t, names, nil)
	if err != nil {
		return nil, err
	}
	left, err := s.hideWith(t, s.otherName, names, nil)
	if err != nil {
		return nil, err
	}
	good := (*moving)[:0]
	places = places[:0]
	for i, p := range *moving {
		if string(p.stored) != string(now[i]) && string(p.stored) != string(left[i]) {
			st.bad = append(st.bad, p.sealed)
			continue
		}
		good, places = append(good, p), append(places, now[i])
	}
	*moving = good
	return places, nil
}

// report lists what can't be read, once it was looked at again: what was written meanwhile is for the next pass.
func (s *Store) report(t Task, st *stride) error {
	if len(st.bad) == 0 {
		return nil
	}
	reads := make([]Read, len(st.bad))
	for i := range st.bad {
		reads[i] = Read{Table: Records, Key: st.bad[i].head.Key}
	}
	if err := s.db.Read(t, reads, nil, nil); err != nil {
		return err
	}
	for i, e := range st.bad {
		if !reads[i].Found || string(reads[i].Entry.Front) != string(e.head.Entry.Front) {
			st.Changed++
			continue
		}
		if st.pass == Purge {
			writes := []Write{{Table: Records, Key: e.head.Key}}
			if e.stored != nil {
				writes = s.deletesChunks(&e.value.Header, e.stored, s.deletes(e.stored, nil))
			}
			st.insert(Swap{e.head.Key, e.head.Entry.Front, writes})
		} else {
			st.Unreadable = append(st.Unreadable, Unreadable{s.name, e.stored})
		}
	}
	return nil
}

// insert adds a swap at its place.
func (st *stride) insert(s Swap) {
	st.swaps = append(st.swaps, s)
	for i := len(st.swaps) - 1; i > 0 && string(st.swaps[i].Key) < string(st.swaps[i-1].Key); i-- {
		st.swaps[i], st.swaps[i-1] = st.swaps[i-1], st.swaps[i]
	}
}
