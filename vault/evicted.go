package vault

// Who shows a record, or keeps its value in memory, must hear that it was evicted, in other tabs too. So the head of a record is opened
// before it goes: where names are hidden, nothing else tells its name.

// untold are records of a store that were evicted, until listeners are told.
type untold struct {
	names   []string
	unknown bool // there were more, whose names are not known
}

// maxUntold bounds the names.
const maxUntold = 1024

func (u *untold) add(name string) {
	if name == "" || len(u.names) == maxUntold {
		u.unknown = true
		return
	}
	u.names = append(u.names, name)
}

// nameOf is the name of a record that may go, or empty where it does not open.
func (s *Store) nameOf(t Task, v *victim, stored []byte) string {
	if s.ring.ClearNames {
		return string(stored)
	}
	mark := s.p.Mark(t)
	defer s.p.Release(t, mark)
	reads := []Read{{Table: Records, Key: v.key}}
	if err := s.db.Read(t, reads, nil, nil); err != nil || !reads[0].Found {
		return ""
	}
	var value Value
	entries := []sealed{{stored: stored, head: &reads[0], value: &value}}
	o := s.opening(t, 1, true)
	if err := o.end(entries, o.begin(entries)); err != nil {
		return ""
	}
	return value.Head.Name
}

// TakeEvicted returns the records that were evicted since it was last called. An empty name stands for those of a store whose names are
// not known.
func (v *Vault) TakeEvicted() (gone []Name) {
	for store, state := range v.stores {
		for _, name := range state.untold.names {
			gone = append(gone, Name{store, name})
		}
		if state.untold.unknown {
			gone = append(gone, Name{store, ""})
		}
		state.untold = untold{}
	}
	return gone
}
