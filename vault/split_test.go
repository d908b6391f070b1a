package vault

import (
	"strings"
	"testing"

	"idbvault/envelope"
)

// Up to 65,536 bytes of head and value are one ciphertext; above that the value lies apart.
func TestLayout(t *testing.T) {
	b, s := newStore(t, 1)
	head := envelope.Head{Kind: envelope.Text, Name: "n"}
	limit := 65_536 - len(head.Encode())
	bigContext := text("n", "")
	bigContext.Context = []byte(`{"a":"` + strings.Repeat("x", 65_536-8) + `"}`)
	for _, c := range []struct {
		name   string
		item   Item
		record int // bytes in `records`
		chunk  int // bytes in `chunks`, 0 for none
	}{
		{"empty", text("n", ""), 36 + len(head.Encode()) + 16, 0},
		{"the limit", text("n", strings.Repeat("x", limit)), 36 + 65_536 + 16, 0},
		{"a byte above it", text("n", strings.Repeat("x", limit+1)), 56 + len(head.Encode()) + 16, limit + 1 + 16},
		{"an empty value with a large context", bigContext, 56 + len(head.Encode()) + 65_536 + 16, 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.set(s, c.item)
			d := b.disks["db"]
			if got := len(d.tables[Records][b.recordKey(s, "n")]); got != c.record {
				t.Errorf("%d bytes in records, want %d", got, c.record)
			}
			chunk, ok := d.tables[Chunks][b.chunkKey(s, "n")]
			if len(chunk) != c.chunk || ok != (c.chunk != 0) || len(d.tables[Chunks]) > 1 {
				t.Errorf("%d bytes in chunks, want %d", len(chunk), c.chunk)
			}
			b.wants(s, "n", string(c.item.Value.([]byte)))
		})
	}
}

// A value that lies apart goes when its record is written over, deleted or cleared.
func TestLargeValuesGo(t *testing.T) {
	for _, c := range []struct {
		name   string
		remove func(t *task, s *Store) error
		left   string
	}{
		{"small over large", func(t *task, s *Store) error { return set(t, s, text("n", "small")) }, "small"},
		{"large over large", func(t *task, s *Store) error { return set(t, s, text("n", large("new"))) }, large("new")},
		{"delete", func(t *task, s *Store) error { return s.Delete(t, []string{"absent", "n"}) }, ""},
		{"clear", func(t *task, s *Store) error { return s.Clear(t) }, ""},
		{"update to small", func(t *task, s *Store) error {
			return s.Update(t, "n", func(Value) (Change, error) { return Change{Item: text("n", "small")}, nil })
		}, "small"},
		{"update that deletes", func(t *task, s *Store) error {
			return s.Update(t, "n", func(Value) (Change, error) { return Change{Delete: true}, nil })
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, reload := range []bool{false, true} {
				b, s := newStore(t, 2)
				b.set(s, text("n", large("old")), text("m", large("beside")))
				other := b.store("db", "ss", Options{})
				b.set(other, text("n", large("of another store")))
				if reload { // the page then has to ask the database what there is
					b.end()
					b = b.world.tab()
					s, other = b.store("db", "st", withSecret("secret")), b.store("db", "ss", Options{})
				}
				if err := b.do(func(t *task) error { return c.remove(t, s) }); err != nil {
					t.Fatal(err)
				}
				b.wants(s, "n", c.left)
				b.wants(other, "n", large("of another store"))
				b.noLeftOvers(s)
				if c.name != "clear" {
					b.wants(s, "m", large("beside"))
				}
			}
		})
	}
}

// A page learns of another tab's large values once, and of later ones by being told of the write.
func TestUnsure(t *testing.T) {
	for _, c := range []struct {
		name string
		told bool
		left int // values in `chunks` when the page has written over the record
	}{
		{"told", true, 0},
		{"not told", false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 3)
			one, two := w.tab(), w.tab()
			a, b := one.store("db", "st", withSecret("secret")), two.store("db", "st", withSecret("secret"))
			one.set(a, text("first", "asks the database"))
			two.set(b, text("n", large("of the other tab")))
			if c.told {
				a.unsure("n")
			}
			one.set(a, text("n", "small"))
			if got := len(w.disks["db"].tables[Chunks]); got != c.left {
				t.Errorf("%d values are in chunks, want %d", got, c.left)
			}
			// What is left over means nothing, and goes with the next deletion.
			one.wants(a, "n", "small")
			two.wants(b, "n", "small")
			if err := one.do(func(t *task) error { return a.Delete(t, []string{"n"}) }); err != nil {
				t.Fatal(err)
			}
			one.noLeftOvers(a)
		})
	}
	// Before the page has asked the database, there is nothing to be told: it asks in time.
	b, s := newStore(t, 4)
	s.unsure("n")
	b.set(s, text("n", large("x")))
	b.set(s, text("n", "small"))
	b.noLeftOvers(s)
}

// Writes that ask for the store's large values at the same time do not lose what one of them adds.
func TestLargeValuesAtOnce(t *testing.T) {
	for seed := range uint64(40) {
		b, s := newStore(t, seed)
		for _, name := range []string{"a", "b", "c"} {
			b.start(func(t *task) {
				if err := set(t, s, text(name, large(name))); err != nil {
					b.t.Error(err)
				}
			})
			b.start(func(t *task) {
				if err := set(t, s, text(name, "small")); err != nil {
					b.t.Error(err)
				}
			})
		}
		b.run()
		b.wants(s, "b", "small")
		b.noLeftOvers(s)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// A head that claims another length than its value has is refused, although both tags fit: only who has the key could
// have made it, and a page would size its buffers by it.
func TestSplitLength(t *testing.T) {
	b, s := newStore(t, 5)
	it := text("n", large("x"))
	size := uint64(len(it.Value.([]byte)))
	for _, c := range []struct {
		name   string
		length uint64
		behind string
		ok     bool
	}{
		{"its length", size, "", true},
		{"one less", size - 1, "", false},
		{"one more", size + 1, "", false},
		{"0", 0, "", false},
		{"bytes behind the head", size, "x", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := b.do(func(t *task) error {
				stored, err := s.storedNames(t, []string{"n"}, nil)
				if err != nil {
					return err
				}
				h, jobs := s.prepare(&it, stored[0], b.now)
				h.Length = c.length
				jobs[0].AAD = envelope.RecordAAD(s.place(stored[0]), envelope.PartHead, &h)
				jobs[1].AAD = envelope.RecordAAD(s.place(stored[0]), envelope.PartValue, &h)
				jobs[0].Head = append(jobs[0].Head, c.behind...)
				if err := s.p.Seal(t, jobs, nil); err != nil {
					return err
				}
				return s.db.Commit(t, Batch{Writes: []Write{
					{Table: Records, Key: envelope.RecordKey("st", stored[0]), Bytes: h.Encode(), Value: jobs[0].Out},
					{Table: Chunks, Key: envelope.ChunkKey("st", stored[0]), Value: jobs[1].Out},
				}})
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.tryGet(s, "n")
			if c.ok && err != nil {
				t.Error(err)
			} else if !c.ok {
				fails(t, c.name, err, ErrIntegrity)
			}
		})
	}
}

// More than 1 GiB is refused before anything is sealed or counted.
func TestTooLarge(t *testing.T) {
	b, s := newStore(t, 6)
	b.events = nil
	it := text("n", "")
	it.Size = envelope.MaxValue + 1
	fails(t, "a value of 1 GiB and a byte", b.do(func(t *task) error { return set(t, s, text("m", "small"), it) }), ErrInvalid)
	if len(b.events) != 0 {
		t.Errorf("it did %q", b.events)
	}
}
