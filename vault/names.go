package vault

import "idbvault/envelope"

// knownNames are what names were stored as that this page met: names come again, and an HMAC costs as much as opening a small
// record.
type knownNames map[string][]byte

// maxKnownNames bounds them. They are forgotten all at once when there are more, and with the vault.
const maxKnownNames = 8192

// storedNames returns what names are stored as: their HMAC under the name key, or their UTF-8.
// meanwhile, where not nil, is called once, while the browser works where it has to.
func (s *Store) storedNames(t Task, names []string, meanwhile func()) ([][]byte, error) {
	if s.ring.ClearNames {
		return s.hide(t, names, meanwhile)
	}
	stored := make([][]byte, len(names))
	var unknown []string
	for i, name := range names {
		if stored[i] = s.names[name]; stored[i] == nil {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		if meanwhile != nil {
			meanwhile()
		}
		return stored, nil
	}
	named := s.nameEpoch
	hidden, err := s.hide(t, unknown, meanwhile)
	if err != nil {
		return nil, err
	}
	if s.nameEpoch != named {
		return s.storedNames(t, names, nil) // a rotation changed the name key meanwhile
	}
	if s.names == nil || len(s.names)+len(hidden) > maxKnownNames {
		s.names = knownNames{}
	}
	for i, name := range names {
		if stored[i] == nil {
			stored[i], hidden = hidden[0], hidden[1:]
			s.names[name] = stored[i]
		}
	}
	return stored, nil
}

// otherNames returns what names are stored as that a rotation under way has not moved yet, or will not move any more; nil for none.
func (s *Store) otherNames(t Task, names []string) ([][]byte, error) {
	if s.otherName == nil || s.ring.ClearNames {
		return nil, nil
	}
	return s.hideWith(t, s.otherName, names, nil)
}

// bothNames returns what names are stored as, and what otherNames does, of one moment: nothing waits between the two.
func (s *Store) bothNames(t Task, names []string, meanwhile func()) (stored, left [][]byte, err error) {
	if stored, err = s.storedNames(t, names, meanwhile); err != nil {
		return nil, nil, err
	}
	left, err = s.otherNames(t, names)
	return stored, left, err
}

// hide returns the stored forms of names as storedNames does, and remembers none.
func (s *Store) hide(t Task, names []string, meanwhile func()) ([][]byte, error) {
	return s.hideWith(t, s.nameKey, names, meanwhile)
}

func (s *Store) hideWith(t Task, key Key, names []string, meanwhile func()) ([][]byte, error) {
	forms := make([][]byte, len(names))
	if s.ring.ClearNames {
		for i, name := range names {
			forms[i] = []byte(name)
		}
		if meanwhile != nil {
			meanwhile()
		}
		return forms, nil
	}
	for i, name := range names {
		forms[i] = envelope.NameMessage(s.name, name)
	}
	hidden, err := s.p.MAC(t, key, forms, meanwhile)
	return hidden, s.failed(err)
}
