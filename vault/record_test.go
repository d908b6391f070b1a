package vault

import (
	"bytes"
	"errors"
	"testing"

	"idbvault/envelope"
)

// Whatever byte of a stored record is changed, in clear or sealed, the record does not open.
func TestRecordChanged(t *testing.T) {
	b, s := newStore(t, 1)
	b.set(s, text("whole", "value"), text("split", large("x")))
	d := b.disks["db"]
	for _, c := range []struct {
		name, record string
		table        Table
		key          string
		step         int // how far apart the bytes are that are changed
	}{
		{"whole record", "whole", Records, b.recordKey(s, "whole"), 1},
		{"head of a split record", "split", Records, b.recordKey(s, "split"), 1},
		{"value of a split record", "split", Chunks, b.chunkKey(s, "split"), 997},
	} {
		t.Run(c.name, func(t *testing.T) {
			stored := d.tables[c.table][c.key]
			versions := 0
			for at := 0; at < len(stored); at += c.step {
				for bit := range 8 {
					if c.step > 1 && bit != at%8 {
						continue
					}
					changed := bytes.Clone(stored)
					changed[at] ^= 1 << bit
					d.tables[c.table][c.key] = changed
					got, err := b.tryGet(s, c.record)
					if errors.Is(err, ErrVersion) && c.table == Records && at < 2 {
						versions++
					} else if !errors.Is(err, ErrIntegrity) {
						t.Errorf("byte %d, bit %d of %d bytes: %.20q, %v", at, bit, len(stored), got, err)
					}
				}
			}
			// Version and suite are a byte each.
			if want := 16; c.table == Records && versions != want {
				t.Errorf("%d changes were refused as another version, want %d", versions, want)
			}
			d.tables[c.table][c.key] = stored
		})
	}
	b.wants(s, "whole", "value")
	b.wants(s, "split", large("x"))
}

func TestRecordTruncated(t *testing.T) {
	b, s := newStore(t, 2)
	b.set(s, text("whole", "value"), text("split", large("x")))
	d := b.disks["db"]
	for _, c := range []struct {
		name, record string
		table        Table
		key          string
	}{
		{"whole record", "whole", Records, b.recordKey(s, "whole")},
		{"head of a split record", "split", Records, b.recordKey(s, "split")},
		{"value of a split record", "split", Chunks, b.chunkKey(s, "split")},
	} {
		t.Run(c.name, func(t *testing.T) {
			stored := d.tables[c.table][c.key]
			lengths := []int{0, 1, 2, 15, 16, 17, len(stored) - 16, len(stored) - 1}
			if c.table == Records {
				lengths = nil
				for n := range stored {
					lengths = append(lengths, n)
				}
			}
			for _, n := range lengths {
				d.tables[c.table][c.key] = bytes.Clone(stored[:n])
				_, err := b.tryGet(s, c.record)
				fails(t, c.name, err, ErrIntegrity)
			}
			d.tables[c.table][c.key] = append(bytes.Clone(stored), 0)
			_, err := b.tryGet(s, c.record)
			fails(t, c.name+" with a byte behind it", err, ErrIntegrity)
			d.tables[c.table][c.key] = stored
		})
	}
}

// A record opens where it was written and nowhere else. With clear names, nothing but the associated data tells one
// store's record from another's of the same name.
func TestRecordMoved(t *testing.T) {
	for _, mode := range []struct {
		name  string
		names Names
	}{{"hidden names", NamesHidden}, {"clear names", NamesClear}} {
		t.Run(mode.name, func(t *testing.T) { testRecordMoved(t, mode.names) })
	}
}

func testRecordMoved(t *testing.T, names Names) {
	w := newWorld(t, 3)
	b := w.tab()
	o := withSecret("secret")
	o.Names = names
	s, other, foreign := b.store("db", "st", o), b.store("db", "su", o), b.store("copy", "st", o)
	b.set(s, text("a", "of a"), text("b", "of b"), text("large a", large("a")), text("large b", large("b")))
	b.set(other, text("a", "of other"))
	b.set(foreign, text("a", "of foreign"))
	at := func(s *Store, name string) []byte { return w.disks[s.database].tables[Records][b.recordKey(s, name)] }
	put := func(s *Store, name string, value []byte) {
		w.disks[s.database].tables[Records][b.recordKey(s, name)] = value
	}
	ofA, ofB, ofLarge, ofOther, ofForeign := at(s, "a"), at(s, "b"), at(s, "large b"), at(other, "a"), at(foreign, "a")
	chunks := func() map[string][]byte { return w.disks["db"].tables[Chunks] }
	chunkA, chunkB := b.chunkKey(s, "large a"), b.chunkKey(s, "large b")
	before := map[string][len(Tables)]map[string][]byte{"db": w.disks["db"].snapshot(), "copy": w.disks["copy"].snapshot()}
	for _, c := range []struct {
		name string
		move func()
		at   *Store
		get  string
	}{
		{"to another name", func() { put(s, "b", ofA) }, s, "b"},
		{"exchanged with another name", func() { put(s, "a", ofB); put(s, "b", ofA) }, s, "a"},
		{"to a name that was free", func() { put(s, "c", ofA) }, s, "c"},
		{"to another store", func() { put(other, "a", ofA) }, other, "a"},
		{"to a free name of another store", func() { put(other, "b", ofB) }, other, "b"},
		{"from another store", func() { put(s, "a", ofOther) }, s, "a"},
		{"to another database", func() { put(foreign, "a", ofA) }, foreign, "a"},
		{"from another database", func() { put(s, "a", ofForeign) }, s, "a"},
		{"one split head to another's value", func() { put(s, "large a", ofLarge) }, s, "large a"},
		{"one split value to another's head", func() { chunks()[chunkA] = chunks()[chunkB] }, s, "large a"},
		{"a whole record in the place of a value", func() { chunks()[chunkA] = ofA[36:] }, s, "large a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.move()
			_, err := b.tryGet(c.at, c.get)
			fails(t, "reading it", err, ErrIntegrity)
			for database, tables := range before {
				w.disks[database].tables = tables
				before[database] = w.disks[database].snapshot()
			}
		})
	}
	b.wants(s, "a", "of a")
	b.wants(s, "large a", large("a"))
	b.wants(foreign, "a", "of foreign")
}

// Were the database's name not authenticated, a copy of all its entries under another name would open: the keyring is
// put together here as a thief can't, so that only the record's own associated data stands in the way.
func TestRecordBindsItsDatabase(t *testing.T) {
	b, s := newStore(t, 4)
	b.set(s, text("a", "value"))
	moved := *s.Vault
	moved.bound = "copy"
	_, err := b.tryGet(&Store{&moved, s.storeState, "st", StoreOptions{}, nil, nil}, "a")
	fails(t, "the same keys and entries under another database", err, ErrIntegrity)
	b.wants(s, "a", "value")
}

// The name inside is held against the one that was asked for, or hashed again: the tag is not the only guard.
func TestRecordNameInside(t *testing.T) {
	b, s := newStore(t, 5)
	it := text("inside", "value")
	plant := func(t *task) error {
		stored, err := s.storedNames(t, []string{"outside"}, nil)
		if err != nil {
			return err
		}
		h, jobs := s.prepare(&it, stored[0], s.p.Now())
		if err := s.p.Seal(t, jobs, nil); err != nil {
			return err
		}
		key := string(envelope.RecordKey("st", stored[0]))
		b.disks["db"].tables[Records][key] = append(h.Encode(), jobs[0].Out.([]byte)...)
		return nil
	}
	if err := b.do(plant); err != nil {
		t.Fatal(err)
	}
	_, err := b.tryGet(s, "outside")
	fails(t, "get", err, ErrIntegrity)
	fails(t, "names", b.do(func(t *task) error { _, err := s.Names(t, "", 0); return err }), ErrIntegrity)
}
