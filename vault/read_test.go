package vault

import (
	"errors"
	"reflect"
	"testing"

	"idbvault/envelope"
)

// An old head and a new value were both sealed under the same key for the same place; the IV of each is in the other's
// associated data.
func TestSplitParts(t *testing.T) {
	b, s := newStore(t, 6)
	d := b.disks["db"]
	record, chunk := b.recordKey(s, "n"), b.chunkKey(s, "n")
	b.set(s, text("n", large("old")))
	oldHead, oldValue := d.tables[Records][record], d.tables[Chunks][chunk]
	b.set(s, text("n", large("new")))
	newHead, newValue := d.tables[Records][record], d.tables[Chunks][chunk]
	for _, c := range []struct {
		name        string
		head, value []byte
		want        *Error
	}{
		{"old head, new value", oldHead, newValue, ErrIntegrity},
		{"new head, old value", newHead, oldValue, ErrIntegrity},
		{"value dropped", newHead, nil, ErrIntegrity},
		{"value empty", newHead, []byte{}, ErrIntegrity},
		{"both new", newHead, newValue, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.tables[Records][record], d.tables[Chunks][chunk] = c.head, c.value
			if c.value == nil {
				delete(d.tables[Chunks], chunk)
			}
			got, err := b.tryGet(s, "n")
			if c.want != nil {
				fails(t, c.name, err, c.want)
			} else if err != nil || got != large("new") {
				t.Errorf("%.10q, %v", got, err)
			}
		})
	}
}

// One record that can't be opened fails a read of several, and no value of the others is given out.
func TestReadOfSeveral(t *testing.T) {
	b, s := newStore(t, 7)
	b.set(s, text("a", "1"), text("b", "2"), text("c", large("3")))
	read := func(names ...string) (values []Value, err error) {
		err = b.do(func(t *task) (err error) {
			values, err = s.Get(t, names, false)
			return err
		})
		return values, err
	}
	values, err := read("c", "absent", "a", "a", "b")
	var got []string
	for _, v := range values {
		if v.Found {
			got = append(got, string(v.Data.([]byte)[v.Offset:][:1]))
		} else {
			got = append(got, "")
		}
	}
	if want := []string{"3", "", "1", "1", "2"}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	b.disks["db"].tables[Records][b.recordKey(s, "b")][40] ^= 1
	if values, err := read("c", "a", "b"); !errors.Is(err, ErrIntegrity) || values != nil {
		t.Errorf("got %d values, %v", len(values), err)
	}
	if values, err := read(); err != nil || len(values) != 0 {
		t.Errorf("reading none: %d values, %v", len(values), err)
	}
}

func TestHeadsOnly(t *testing.T) {
	b, s := newStore(t, 8)
	it := text("split", large("x"))
	it.Kind, it.ContentType, it.Context, it.Class = envelope.File, "image/png", []byte(`{"a":1}`), envelope.PII
	b.set(s, it, text("whole", "value"))
	delete(b.disks["db"].tables[Chunks], b.chunkKey(s, "split")) // it is not looked at
	err := b.do(func(t *task) error {
		values, err := s.Get(t, []string{"split", "whole", "absent"}, true)
		if err != nil {
			return err
		}
		v := &values[0]
		if !v.Found || v.Size != len(it.Value.([]byte)) || v.Data != nil || v.Head.ContentType != "image/png" || v.Head.Kind != envelope.File ||
			string(v.Head.Context) != `{"a":1}` || v.Header.Class != envelope.PII || v.Header.Created != b.now || v.Header.Epoch != 1 {
			b.t.Errorf("got %+v", v)
		}
		if v := &values[1]; !v.Found || v.Size != len("value") || v.Header.Class != envelope.PHI {
			b.t.Errorf("got %+v", v)
		}
		if values[2].Found {
			b.t.Error("what is absent was found")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A record has one layout, by its size: who has the key and lays it out in the other way is no writer of this format.
func TestLayoutIsByTheSize(t *testing.T) {
	b, s := newStore(t, 9)
	head := len((&envelope.Head{Kind: envelope.Text, Name: "n"}).Encode())
	for _, c := range []struct {
		name   string
		layout envelope.Layout
		size   int // of head and value
		ok     bool
	}{
		{"whole, the limit", envelope.Whole, envelope.MaxWhole, true},
		{"whole, a byte above it", envelope.Whole, envelope.MaxWhole + 1, false},
		{"split, a byte above it", envelope.Split, envelope.MaxWhole + 1, true},
		{"split, the limit", envelope.Split, envelope.MaxWhole, false},
		{"split, empty", envelope.Split, head, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			value := make([]byte, c.size-head)
			b.plant(s, "n", c.layout, value)
			for _, headsOnly := range []bool{false, true} {
				err := b.do(func(t *task) error { _, err := s.Get(t, []string{"n"}, headsOnly); return err })
				if c.ok && err != nil {
					t.Errorf("heads only %v: %v", headsOnly, err)
				} else if !c.ok {
					fails(t, c.name, err, ErrIntegrity)
				}
			}
		})
	}
}

// plant writes a record in a layout, whatever its size is.
func (b *tab) plant(s *Store, name string, layout envelope.Layout, value []byte) {
	b.t.Helper()
	err := b.do(func(t *task) error {
		stored, err := s.storedNames(t, []string{name}, nil)
		if err != nil {
			return err
		}
		key, at := s.recordKey(envelope.PHI, 1), s.place(stored[0])
		head := envelope.Head{Kind: envelope.Text, Name: name}
		h := envelope.Header{Layout: layout, Class: envelope.PHI, Epoch: 1, Created: b.now}
		s.p.Random(h.IV[:])
		jobs := []Seal{{Key: key, IV: h.IV, AAD: envelope.RecordAAD(at, envelope.PartWhole, &h), Head: head.Encode(), Plain: value}}
		if layout == envelope.Split {
			h.Length = uint64(len(value))
			s.p.Random(h.ValueIV[:])
			jobs = []Seal{
				{Key: key, IV: h.IV, AAD: envelope.RecordAAD(at, envelope.PartHead, &h), Head: head.Encode()},
				{Key: key, IV: h.ValueIV, AAD: envelope.RecordAAD(at, envelope.PartValue, &h), Plain: value},
			}
		}
		if err := s.p.Seal(t, jobs, nil); err != nil {
			return err
		}
		writes := []Write{{Table: Records, Key: envelope.RecordKey(s.name, stored[0]), Bytes: h.Encode(), Value: jobs[0].Out}}
		if layout == envelope.Split {
			writes = append(writes, Write{Table: Chunks, Key: envelope.ChunkKey(s.name, stored[0]), Value: jobs[1].Out})
		}
		return s.db.Commit(t, Batch{Writes: writes})
	})
	if err != nil {
		b.t.Fatal(err)
	}
}
