package vault

// Origin is what a record keeps that was written elsewhere and is brought into this vault, and which record may make way for it.
type Origin struct {
	Created uint64 // when it was written there, Unix time in seconds
	Expires uint64 // Unix time in seconds, or 0
	Before  uint64 // what has its name makes way where it was written before that, Unix time in seconds
}

// Outcome is what became of a record that was brought in.
type Outcome int

// The outcomes.
const (
	Kept     Outcome = iota // what has its name stayed
	Added                   // nothing had its name
	Replaced                // what had its name made way
)

// errKept is the outcome of a stream whose record is not to take the place of the one that is there by now.
var errKept = &Error{"kept", "kept"}

// written is when a record was written that is written now, or elsewhere.
func (it *Item) written(now uint64) uint64 {
	if it.Origin != nil {
		return it.Origin.Created
	}
	return now
}

// Adopt writes a record with an Origin, or keeps what has its name. It fails with ErrConflict where another tab writes that meanwhile.
func (s *Store) Adopt(t Task, it *Item) (Outcome, error) {
	names := []string{it.Name}
	if err := s.check([]Item{*it}, names); err != nil {
		return Kept, err
	}
	turn := s.order.take(t, it.Name)
	defer turn.finish()
	expect, outcome, err := s.placeFor(t, it)
	if err != nil || outcome == Kept {
		return outcome, err
	}
	err = s.put(t, []Item{*it}, names, expect, turn.finish)
	if ErrStale.is(err) {
		err = ErrConflict
	}
	return outcome, err
}

// AdoptStream is Adopt for a record whose value comes in chunks. It asks for none where the record would not be written.
func (s *Store) AdoptStream(t Task, it *Item, next Source) (Outcome, error) {
	if err := s.check([]Item{*it}, []string{it.Name}); err != nil {
		return Kept, err
	}
	turn := s.order.take(t, it.Name)
	_, outcome, err := s.placeFor(t, it)
	turn.finish()
	if err != nil || outcome == Kept {
		return outcome, err
	}
	err = s.SetStream(t, it, next)
	if errKept.is(err) {
		return Kept, nil
	}
	return outcome, err
}

// placeFor returns what must still be at a record's place when it is written, where it has an Origin, and whether it may be. The caller has
// its name's turn.
func (s *Store) placeFor(t Task, it *Item) (*Expect, Outcome, error) {
	if it.Origin == nil {
		return nil, Added, nil
	}
	found, err := s.get(t, []string{it.Name}, readHeads, nil)
	if err != nil {
		return nil, Kept, err
	}
	there, outcome := &found[0], Added
	if there.Found {
		outcome = Replaced
		if there.Header.Created >= it.Origin.Before {
			outcome = Kept
		}
	}
	return &Expect{Table: Records, Key: there.key, Prefix: there.front}, outcome, nil
}
