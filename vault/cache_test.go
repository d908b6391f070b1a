package vault

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"idbvault/envelope"
)

// cached opens a store of the vault that is open, with a cache.
func (b *tab) cached(name string, max int, except ...envelope.Class) *Store {
	b.t.Helper()
	var set ClassSet
	for _, class := range except {
		set |= 1 << class
	}
	s, err := b.open("db", Options{}).Store(name, StoreOptions{CacheBytes: max, CacheExcept: set})
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// hits reads a record and reports whether the cache had it.
func (b *tab) hits(s *Store, name, value string) bool {
	b.t.Helper()
	before := b.reads
	b.wants(s, name, value)
	return b.reads == before
}

func (b *tab) wantsHit(s *Store, name, value string, want bool) {
	b.t.Helper()
	if b.hits(s, name, value) != want {
		b.t.Errorf("%q was in the cache: %v, want %v", name, !want, want)
	}
}

// sized is a record whose value and what goes with it take so many bytes in a cache.
func sized(name string, size int) Item {
	it := text(name, "")
	head := envelope.Head{Kind: it.Kind, Name: name}
	it.Size = size - len(head.Encode()) - len(name) - cachedOverhead
	it.Value = []byte(strings.Repeat("x", it.Size))
	return it
}

func valueOf(it Item) string { return string(it.Value.([]byte)) }

func TestCacheServes(t *testing.T) {
	b, plain := newStore(t, 1)
	s := b.cached("st", 1<<20)
	b.set(s, text("name", "value"), text("large", large("1")), text("other", "2"))
	for range 2 {
		b.wantsHit(plain, "name", "value", false)
	}
	for _, c := range []struct{ name, value string }{{"name", "value"}, {"large", large("1")}, {"other", "2"}} {
		b.wantsHit(s, c.name, c.value, false)
		b.wantsHit(s, c.name, c.value, true)
	}
	b.wantsHit(s, "absent", "", false)
	b.wantsHit(s, "absent", "", false)
	b.wantsHit(b.cached("another", 1<<20), "name", "", false)

	// Several at once are served where all are there.
	for _, c := range []struct {
		names []string
		reads int
	}{{[]string{"name", "large"}, 0}, {[]string{"name", "name"}, 0}, {[]string{"name", "absent"}, 1}} {
		before := b.reads
		var values, each []Value
		err := b.do(func(t *task) (err error) {
			values, err = s.Get(t, c.names, false)
			var errs []error
			each, errs = s.GetEach(t, c.names)
			return errors.Join(err, errors.Join(errs...))
		})
		if err != nil || b.reads-before != 2*c.reads {
			t.Errorf("%v: %d reads, %v, want %d", c.names, b.reads-before, err, 2*c.reads)
		}
		for i, name := range c.names {
			for _, v := range []Value{values[i], each[i]} {
				if v.Found != (name != "absent") || v.Found && (v.Head.Name != name || v.Head.Kind != envelope.Text || v.Header.Class != envelope.PHI) {
					t.Errorf("%v: %d is %+v", c.names, i, v)
				}
			}
		}
	}

	// What was read again beside one that was not there, has taken its own place.
	if len(b.held) != 3 || len(s.cache.values) != 3 || s.cache.used.Len() != 3 {
		t.Errorf("%d values are held", len(b.held))
	}

	// Heads are looked up where they are stored, and so is what an update starts from.
	before := b.reads
	if err := b.do(func(t *task) error { _, err := s.Get(t, []string{"name"}, true); return err }); err != nil || b.reads == before {
		t.Errorf("a head came from the cache, %v", err)
	}
}

// What a caller does with the bytes that it got changes neither the cache nor what the next one gets.
func TestCacheCopies(t *testing.T) {
	b, _ := newStore(t, 2)
	s := b.cached("st", 1<<20)
	value := large("value")
	b.set(s, text("name", value))
	for range 3 {
		err := b.do(func(t *task) error {
			values, err := s.Get(t, []string{"name"}, false)
			if data := values[0].Data.([]byte); string(data[values[0].Offset:]) != value {
				b.t.Error("the value was changed")
			}
			clear(values[0].Data.([]byte))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestCacheForgets(t *testing.T) {
	change := func(f func(v Value) (Change, error)) func(t *task, s *Store) error {
		return func(t *task, s *Store) error { return s.Update(t, "name", f) }
	}
	for _, c := range []struct {
		what  string
		do    func(t *task, s *Store) error
		value string // of "name" then
		other bool   // whether "other" is forgotten, too
	}{
		{"set", func(t *task, s *Store) error { return set(t, s, text("name", "new")) }, "new", false},
		{"set of several", func(t *task, s *Store) error { return set(t, s, text("other", "2"), text("name", "new")) }, "new", true},
		{"set of each", func(t *task, s *Store) error {
			return errors.Join(s.SetEach(t, []Item{text("name", "new"), text("third", "")})...)
		}, "new", false},
		{"delete", func(t *task, s *Store) error { return s.Delete(t, []string{"name", "absent"}) }, "", false},
		{"update", change(func(Value) (Change, error) { return Change{Item: text("name", "new")}, nil }), "new", false},
		{"update that deletes", change(func(Value) (Change, error) { return Change{Delete: true}, nil }), "", false},
		{"hearing of a write", func(_ *task, s *Store) error { s.Heard("name"); return nil }, "old", false},
		{"hearing of a clear", func(_ *task, s *Store) error { s.Heard(""); return nil }, "old", true},
	} {
		for _, by := range []string{"itself", "another caller"} {
			t.Run(c.what+" by "+by, func(t *testing.T) {
				b, writer := newStore(t, 3)
				s := b.cached("st", 1<<20)
				if by == "itself" {
					writer = s
				}
				b.set(s, text("name", "old"), text("other", "2"))
				b.wants(s, "name", "old")
				b.wants(s, "other", "2")
				if err := b.do(func(t *task) error { return c.do(t, writer) }); err != nil {
					t.Fatal(err)
				}
				b.wantsHit(s, "name", c.value, false)
				b.wantsHit(s, "name", c.value, c.value != "")
				b.wantsHit(s, "other", "2", !c.other)
			})
		}
	}
	t.Run("clear", func(t *testing.T) {
		b, writer := newStore(t, 3)
		s := b.cached("st", 1<<20)
		b.set(s, text("name", "old"))
		b.wants(s, "name", "old")
		if err := b.do(func(t *task) error { return writer.Clear(t) }); err != nil || len(b.held) != 0 {
			t.Errorf("%d values are held, %v", len(b.held), err)
		}
		b.wants(s, "name", "")
	})
	t.Run("a write that fails", func(t *testing.T) {
		b, _ := newStore(t, 3)
		s := b.cached("st", 1<<20)
		b.set(s, text("name", "old"))
		b.wants(s, "name", "old")
		b.sealErr = errors.New("no memory")
		if err := b.do(func(t *task) error { return set(t, s, text("name", "new")) }); err == nil {
			t.Error("it did not fail")
		}
		b.sealErr = nil
		b.wants(s, "name", "old")
	})
}

// An update starts from what is stored: from a value that the cache has kept too long it would never come to an end.
func TestUpdatePastCache(t *testing.T) {
	w := newWorld(t, 4)
	a, b := w.tab(), w.tab()
	a.open("db", withSecret("secret"))
	s, other := a.cached("st", 1<<20), b.store("db", "st", withSecret("secret"))
	a.set(s, text("name", "1"))
	a.wants(s, "name", "1")
	b.set(other, text("name", "2")) // not heard of yet
	a.wantsHit(s, "name", "1", true)
	err := a.do(func(t *task) error {
		return s.Update(t, "name", func(v Value) (Change, error) {
			return Change{Item: text("name", string(v.Data.([]byte)[v.Offset:])+"3")}, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	a.wants(s, "name", "23")
}

// A value that was read before another tab's write and is there after it was heard of, is not kept.
func TestCacheHearsWhileReading(t *testing.T) {
	late := 0
	for seed := range seeds(200) {
		w := newWorld(t, seed)
		a, b := w.tab(), w.tab()
		a.open("db", withSecret("secret"))
		s, other := a.cached("st", 1<<20), b.store("db", "st", withSecret("secret"))
		a.set(s, text("name", "old"), text("another", "1"))
		got := ""
		b.start(func(t *task) {
			if err := set(t, other, text("name", "new")); err != nil {
				b.t.Error(err)
			}
			s.Heard("name")
		})
		for range w.rand.IntN(25) {
			w.step()
		}
		a.start(func(t *task) { got, _ = get(t, s, "name") })
		w.run()
		if got == "old" {
			late++
		}
		a.wants(s, "name", "new")
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if late == 0 || late == 200 {
		t.Errorf("%d of 200 reads were before the write", late)
	}
}

func TestCacheRoom(t *testing.T) {
	b, _ := newStore(t, 5)
	const max = 10_000
	s := b.cached("st", max)
	for i := range 4 {
		b.set(s, sized(fmt.Sprint(i), 2_500))
	}
	read := func(names ...string) {
		t.Helper()
		for _, name := range names {
			b.wants(s, name, valueOf(sized(name, 2_500)))
		}
	}
	kept := func(want ...string) {
		t.Helper()
		var got []string
		for e := s.cache.used.Front(); e != nil; e = e.Next() {
			got = append(got, e.Value.(*cached).name)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || len(b.held) != len(want) || len(s.cache.values) != len(want) {
			t.Errorf("%q are kept and %d held, want %q", got, len(b.held), want)
		}
	}
	read("0", "1", "2", "3")
	kept("3", "2", "1", "0")
	read("1", "0")
	kept("0", "1", "3", "2")

	// What was used longest ago makes room.
	b.set(s, sized("4", 2_500))
	b.wants(s, "4", valueOf(sized("4", 2_500)))
	kept("4", "0", "1", "3")
	b.set(s, sized("5", 7_500))
	b.wants(s, "5", valueOf(sized("5", 7_500)))
	kept("5", "4")
	b.set(s, sized("6", max))
	b.wants(s, "6", valueOf(sized("6", max)))
	kept("6")

	// What has no room at all is not kept, and nothing goes for it.
	b.set(s, sized("7", max+1))
	b.wants(s, "7", valueOf(sized("7", max+1)))
	kept("6")
	b.wantsHit(s, "7", valueOf(sized("7", max+1)), false)

	// A value that was written over gives its room back.
	for range 20 {
		b.set(s, sized("8", 4_000), sized("9", 6_000))
		b.wants(s, "8", valueOf(sized("8", 4_000)))
		b.wants(s, "9", valueOf(sized("9", 6_000)))
	}
	kept("9", "8")
	if s.cache.room != 0 {
		t.Errorf("%d bytes are left", s.cache.room)
	}
	s.Close()
	if len(b.held) != 0 || s.cache.room != max {
		t.Errorf("after Close, %d values are held and %d bytes are left", len(b.held), s.cache.room)
	}
}

// Without memory for a copy, a value is not kept, and one that is kept is read anew.
func TestCacheShortOfMemory(t *testing.T) {
	b, _ := newStore(t, 9)
	s := b.cached("st", 1<<20)
	b.set(s, text("name", "value"))
	b.short = true
	b.wantsHit(s, "name", "value", false)
	b.wantsHit(s, "name", "value", false)
	b.short = false
	b.wantsHit(s, "name", "value", false)
	b.wantsHit(s, "name", "value", true)
	b.short = true
	b.wantsHit(s, "name", "value", false)
	if room := s.cache.room; room != 1<<20 || len(b.held) != 0 {
		t.Errorf("%d bytes are left, and %d values held", room, len(b.held))
	}
}

func TestCacheExcept(t *testing.T) {
	b, _ := newStore(t, 6)
	s := b.cached("st", 1<<20, envelope.PHI, envelope.Public)
	for _, class := range envelope.Classes {
		it := text(class.String(), "value")
		it.Class = class
		b.set(s, it)
		b.wantsHit(s, it.Name, "value", false)
		b.wantsHit(s, it.Name, "value", class != envelope.PHI && class != envelope.Public)
	}
}

func TestCacheExpiry(t *testing.T) {
	b, _ := newStore(t, 7)
	s := b.cached("st", 1<<20)
	b.set(s, text("for ever", "value"))
	b.setExpiring(s, "later", "value", b.now+20)
	b.setExpiring(s, "soon", "value", b.now+10)
	for _, name := range []string{"for ever", "later", "soon"} {
		b.wants(s, name, "value")
	}
	b.now += 9
	b.wantsHit(s, "soon", "value", true)
	b.now++
	b.wantsHit(s, "for ever", "value", true)
	if len(b.held) != 2 {
		t.Errorf("%d values are held after one has expired", len(b.held))
	}
	b.wantsHit(s, "soon", "", false)
	b.now += 10
	b.wantsHit(s, "later", "", false)
	if len(b.held) != 1 {
		t.Errorf("%d values are held after two have expired", len(b.held))
	}
	b.wantsHit(s, "for ever", "value", true)
}

// Once a storage is closed, or its database is gone, nothing of it is left in memory, nor comes there.
func TestCacheEnds(t *testing.T) {
	for what, end := range map[string]func(b *tab, s *Store){
		"close":      func(_ *tab, s *Store) { s.Close() },
		"loss":       func(b *tab, _ *Store) { b.conns[0].closed = true; b.conns[0].lost() },
		"destroying": func(b *tab, _ *Store) { _ = b.do(func(t *task) error { return b.vaults.Destroy(t, "db") }) },
	} {
		t.Run(what, func(t *testing.T) {
			for seed := range uint64(40) {
				b, _ := newStore(t, seed)
				s := b.cached("st", 1<<20)
				b.set(s, text("name", "value"), text("other", "value"))
				b.wants(s, "name", "value")
				s.names = nil // a read waits for the HMAC of a name that was not met, and one for the turn before it
				b.start(func(t *task) { _, _ = get(t, s, "other") })
				b.start(func(t *task) { _ = set(t, s, text("name", "new")) })
				b.start(func(t *task) { _, _ = get(t, s, "name") })
				for range b.rand.IntN(30) {
					b.step()
				}
				end(b, s)
				b.run()
				if len(b.held) != 0 || len(s.cache.reading) != 0 || len(s.caches) != 0 && what == "close" {
					t.Fatalf("seed %d: %d values are held, %d are awaited", seed, len(b.held), len(s.cache.reading))
				}
			}
		})
	}
}

func TestCacheOptions(t *testing.T) {
	b, _ := newStore(t, 8)
	v := b.open("db", Options{})
	for _, c := range []struct {
		max    int
		except ClassSet
		ok     bool
	}{
		{0, 0, true},
		{1024, 0, true},
		{1<<31 - 1, AllClasses, true},
		{1, 0, false},
		{1023, 0, false},
		{-1, 0, false},
		{1024, 1, false},
		{1024, 1 << 6, false},
		{0, -1 << 31, false},
	} {
		_, err := v.Store("st", StoreOptions{CacheBytes: c.max, CacheExcept: c.except})
		if c.ok && err != nil || !c.ok && !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, c := range []Choice{-1, 3} {
		_, err := v.Store("st", StoreOptions{Durability: c})
		fails(t, "a durability", err, ErrInvalid)
		_, err = b.tryOpen("db", Options{Names: c})
		fails(t, "names", err, ErrInvalid)
		_, err = b.tryOpen("db", Options{ExpectVault: c})
		fails(t, "expectVault", err, ErrInvalid)
	}
}
