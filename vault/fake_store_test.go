package vault

import (
	"errors"
	"strings"
	"testing"

	"idbvault/envelope"
)

// text is a record of class PHI, the class that asks most.
func text(name, value string) Item {
	return Item{Name: name, Class: envelope.PHI, Kind: envelope.Text, Value: []byte(value), Size: len(value)}
}

// large is a value that is sealed apart from its head; it begins with mark.
func large(mark string) string { return mark + strings.Repeat(".", envelope.MaxWhole) }

func set(t Task, s *Store, items ...Item) error {
	return s.Set(t, items, func() error { return nil })
}

// get returns the value of a record, or "" where there is none.
func get(t Task, s *Store, name string) (string, error) {
	values, err := s.Get(t, []string{name}, false)
	if err != nil || !values[0].Found {
		return "", err
	}
	v := &values[0]
	data := v.Data.([]byte)[v.Offset:]
	if len(data) != v.Size {
		return "", errors.New("Size is not that of the value")
	}
	return string(data), nil
}

func (b *tab) set(s *Store, items ...Item) {
	b.t.Helper()
	if err := b.do(func(t *task) error { return set(t, s, items...) }); err != nil {
		b.t.Fatalf("writing %q: %v", items[0].Name, err)
	}
}

func (b *tab) tryGet(s *Store, name string) (value string, err error) {
	b.t.Helper()
	err = b.do(func(t *task) (err error) {
		value, err = get(t, s, name)
		return err
	})
	return value, err
}

// wants fails the test where a record does not have that value; "" is none.
func (b *tab) wants(s *Store, name, value string) {
	b.t.Helper()
	if got, err := b.tryGet(s, name); err != nil || got != value {
		b.t.Errorf("%q is %.40q, %v, want %.40q", name, got, err, value)
	}
}

// fails fails the test where err is not the one that is wanted, by its code.
func fails(t *testing.T, what string, err error, want *Error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %s", what, err, want.Code)
	}
}

// recordKey is the key of a record of s in `records`, and chunkKey that of its value in `chunks`.
func (b *tab) recordKey(s *Store, name string) string {
	return string(envelope.RecordKey(s.name, b.storedName(s, name)))
}

func (b *tab) chunkKey(s *Store, name string) string {
	return string(envelope.ChunkKey(s.name, b.storedName(s, name)))
}

func (b *tab) storedName(s *Store, name string) (stored []byte) {
	b.t.Helper()
	err := b.do(func(t *task) error {
		names, err := s.storedNames(t, []string{name}, nil)
		if err == nil {
			stored = names[0]
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return stored
}

// prepare lays a record out and returns its header and what must be sealed for it.
func (s *Store) prepare(it *Item, stored []byte, now uint64) (envelope.Header, []Seal) {
	var h envelope.Header
	head := s.layOut(it, &h, s.share.epoch, now)
	return h, s.seals(it, &h, head, stored, nil)
}
