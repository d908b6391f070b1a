package vault

import "idbvault/envelope"

// Purged is what one step of a purge did.
type Purged struct {
	Deleted int    // records
	Gone    []Name // those that are no longer there
	Next    []byte // where the next step begins; nothing after the last
}

// Name is where a record lay.
type Name struct{ Store, Name string }

// Purge deletes, of up to 512 records of all stores from a place on, those that have expired by the trusted time. A record is deleted
// once its head was opened, so that an expiry which someone wrote into its header deletes nothing; it is told, and kept. All that a
// step holds of the records ends with the Task.
func (v *Vault) Purge(t Task, from []byte) (*Purged, error) {
	if err := v.alive(); err != nil {
		return nil, err
	}
	v.now()
	by := v.clock.Trusted
	entries, err := v.db.Scan(t, Records, Range{From: from}, scanPage, nil)
	if err != nil {
		return nil, err
	}
	p := &purge{Purged: &Purged{}}
	if len(entries) == scanPage {
		p.Next = after(entries[scanPage-1].Key)
	}
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && storeOf(entries[n:]) == storeOf(entries) {
			n++
		}
		if err := p.collect(t, v, by, entries[:n]); err != nil {
			return nil, err
		}
		entries = entries[n:]
	}
	if p.bad > 0 {
		v.record(t, IntegrityFailure, p.bad)
	}
	if err := p.carryOut(t, v); err != nil || p.Next != nil {
		return p.Purged, err
	}
	return p.Purged, v.sweepChunks(t, by)
}

// purge is a step under way.
type purge struct {
	*Purged
	swaps []Swap
	bad   int // records that do not open
}

// collect adds the expired ones among entries of one store.
func (p *purge) collect(t Task, v *Vault, by uint64, entries []Entry) error {
	name := storeOf(entries)
	s := &Store{Vault: v, storeState: v.state(name), name: name}
	values := make([]Value, len(entries))
	var todo []sealed
	for i := range entries {
		h, err := envelope.ParseHeader(entries[i].Front)
		if err != nil || !expired(&h, by) {
			continue
		}
		_, stored, err := envelope.ParseRecordKey(entries[i].Key)
		if err != nil {
			continue
		}
		todo = append(todo, sealed{stored: stored, head: &Read{Found: true, Entry: entries[i]}, value: &values[i]})
	}
	return p.open(t, s, todo)
}

// open opens heads. Where one of them does not open, it halves them until that one is found.
func (p *purge) open(t Task, s *Store, entries []sealed) error {
	if len(entries) == 0 {
		return nil
	}
	o := s.opening(t, len(entries), true)
	err := o.end(entries, o.begin(entries))
	switch {
	case err == nil:
		for i := range entries {
			e := &entries[i]
			p.Gone = append(p.Gone, Name{s.name, e.value.Head.Name})
			p.swaps = append(p.swaps, Swap{e.head.Entry.Key, e.value.front, s.deletesChunks(&e.value.Header, e.stored, s.deletes(e.stored, nil))})
		}
		return nil
	case !ErrIntegrity.is(err) && !ErrVersion.is(err) && !errMoved.is(err):
		return err
	case len(entries) > 1:
		half := len(entries) / 2
		if err := p.open(t, s, entries[:half]); err != nil {
			return err
		}
		return p.open(t, s, entries[half:])
	case !errMoved.is(err): // another page rotates, and has the key
		p.bad++
	}
	return nil
}

// carryOut deletes what was opened and was not written again meanwhile.
func (p *purge) carryOut(t Task, v *Vault) (err error) {
	if len(p.swaps) == 0 {
		return nil
	}
	defer func() {
		for _, state := range v.stores {
			state.room.uncount()
		}
	}()
	if p.Deleted, err = v.db.Swap(t, p.swaps); err != nil || p.Deleted == len(p.swaps) {
		return err
	}
	reads := make([]Read, len(p.swaps))
	for i := range reads {
		reads[i] = Read{Table: Records, Key: p.swaps[i].Key}
	}
	if err := v.db.Read(t, reads, nil, nil); err != nil {
		return err
	}
	gone := p.Gone[:0]
	for i, name := range p.Gone {
		if !reads[i].Found {
			gone = append(gone, name)
		}
	}
	p.Gone = gone
	return nil
}

// Sweep is Purge for a page that has nothing else to do: it begins once an hour, over all pages, writes the clock by the way, and stays
// out of the way of a rotation.
func (v *Vault) Sweep(t Task, from []byte) (*Purged, error) {
	if err := v.alive(); err != nil {
		return nil, err
	}
	if len(from) == 0 && (!v.timeDue() || !v.keepTime(t, !v.rotating())) || v.rotating() {
		return &Purged{}, v.alive()
	}
	return v.Purge(t, from)
}

// rotating reports whether a rotation is under way, as far as this page knows.
func (v *Vault) rotating() bool {
	for i := range v.ring.Keys {
		if e := &v.ring.Keys[i]; e.Kind == envelope.RecordKey256 && e.Epoch != v.ring.WriteEpoch {
			return true
		}
	}
	return false
}
