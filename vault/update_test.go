package vault

import (
	"errors"
	"strconv"
	"testing"

	"idbvault/envelope"
)

// addOne is an update that counts; it may take a while, as a caller's async function does.
func addOne(t *task, s *Store, name string) error {
	return s.Update(t, name, func(current Value) (Change, error) {
		n := 0
		if current.Found {
			n, _ = strconv.Atoi(string(current.Data.([]byte)[current.Offset:]))
		}
		t.linger()
		return Change{Item: text(name, strconv.Itoa(n+1))}, nil
	})
}

// No update is lost, whichever tab it comes from.
func TestUpdatesAddUp(t *testing.T) {
	const each = 5
	for seed := range uint64(60) {
		w := newWorld(t, seed)
		one, two := w.tab(), w.tab()
		stores := []*Store{
			one.store("db", "st", withSecret("secret")), one.store("db", "st", Options{}), two.store("db", "st", withSecret("secret")),
		}
		for _, s := range stores {
			for range each {
				w.start(func(t *task) {
					if err := addOne(t, s, "count"); err != nil {
						w.t.Errorf("seed %d: %v", seed, err)
					}
				})
			}
		}
		w.run()
		one.wants(stores[0], "count", strconv.Itoa(each*len(stores)))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// A write, a deletion or a clearing that comes between the read and the write of an update is seen, and not undone.
func TestUpdateNotices(t *testing.T) {
	for _, c := range []struct {
		name    string
		before  string
		between func(t *task, s *Store) error
		sees    string
	}{
		{"another value", "old", func(t *task, s *Store) error { return set(t, s, text("n", "new")) }, "new"},
		{"the same value written again", "old", func(t *task, s *Store) error { return set(t, s, text("n", "old")) }, "old"},
		{"a large value", "old", func(t *task, s *Store) error { return set(t, s, text("n", large("L"))) }, large("L")},
		{"a first value", "", func(t *task, s *Store) error { return set(t, s, text("n", "new")) }, "new"},
		{"a deletion", "old", func(t *task, s *Store) error { return s.Delete(t, []string{"n"}) }, ""},
		{"a clearing", "old", func(t *task, s *Store) error { return s.Clear(t) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, remove := range []bool{false, true} {
				b, s := newStore(t, 1)
				if c.before != "" {
					b.set(s, text("n", c.before))
				}
				calls := 0
				err := b.do(func(t *task) error {
					return s.Update(t, "n", func(current Value) (Change, error) {
						calls++
						got := ""
						if current.Found {
							got = string(current.Data.([]byte)[current.Offset:])
						}
						want := c.before
						if calls > 1 {
							want = c.sees
						}
						if got != want {
							b.t.Errorf("call %d sees %.20q, want %.20q", calls, got, want)
						}
						if calls == 1 {
							if err := c.between(t, s); err != nil {
								return Change{}, err
							}
						}
						return Change{Item: text("n", "updated"), Delete: remove}, nil
					})
				})
				if err != nil || calls != 2 {
					t.Errorf("%d calls, %v, want 2", calls, err)
				}
				if remove {
					b.wants(s, "n", "")
				} else {
					b.wants(s, "n", "updated")
				}
				b.noLeftOvers(s)
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	b, s := newStore(t, 2)
	b.set(s, text("n", "old"))
	thrown := errors.New("the caller's own")
	update := func(change Change, err error) error {
		return b.do(func(t *task) error {
			return s.Update(t, "n", func(Value) (Change, error) { return change, err })
		})
	}
	if err := update(Change{Item: text("n", "new")}, thrown); err != thrown {
		t.Errorf("got %v, want what the function threw", err)
	}
	b.wants(s, "n", "old")
	bad := text("n", "new")
	bad.Class = 9
	fails(t, "class 9", update(Change{Item: bad}, nil), ErrInvalid)
	b.wants(s, "n", "old")
	if err := update(Change{Item: text("n", large("L"))}, nil); err != nil {
		t.Error(err)
	}
	b.wants(s, "n", large("L"))
	if err := update(Change{Delete: true}, nil); err != nil {
		t.Error(err)
	}
	b.wants(s, "n", "")
	if err := update(Change{Delete: true}, nil); err != nil {
		t.Errorf("deleting what is absent: %v", err)
	}
	b.noLeftOvers(s)
	b.disks["db"].tables[Records][b.recordKey(s, "n")] = []byte("not a record, and long enough to be one of them")
	called := false
	err := b.do(func(t *task) error {
		return s.Update(t, "n", func(Value) (Change, error) { called = true; return Change{Delete: true}, nil })
	})
	fails(t, "a record that can't be read", err, ErrVersion)
	if called {
		t.Error("the function was called without the record")
	}
}

// An update that loses each time gives up and has written nothing.
func TestUpdateConflict(t *testing.T) {
	b, s := newStore(t, 3)
	b.set(s, text("n", "0"))
	calls := 0
	err := b.do(func(t *task) error {
		return s.Update(t, "n", func(Value) (Change, error) {
			calls++
			return Change{Item: text("n", "mine")}, set(t, s, text("n", strconv.Itoa(calls)))
		})
	})
	fails(t, "an update that always loses", err, ErrConflict)
	if calls != maxRetries {
		t.Errorf("%d tries, want %d", calls, maxRetries)
	}
	b.wants(s, "n", strconv.Itoa(maxRetries))
}

// Set writes all of its records or none, and what failed leaves the old ones as they were.
func TestSetAllOrNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		fail   *Error
		values []Item
	}{
		{"full disk, small values", ErrQuota, []Item{text("small", "s2"), text("large", "l2"), text("new", "n2")}},
		{"full disk, large values", ErrQuota, []Item{text("small", large("s2")), text("large", large("l2")), text("new", large("n2"))}},
		{"connection closed", ErrClosed, []Item{text("small", large("s2")), text("large", "l2"), text("new", "n2")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, s := newStore(t, 4)
			b.set(s, text("small", "s1"), text("large", large("l1")))
			d := b.disks["db"]
			before := d.snapshot()
			d.refuse = func(*Batch) error { return c.fail }
			fails(t, "set", b.do(func(t *task) error { return set(t, s, c.values...) }), c.fail)
			d.refuse = nil
			for table := range before {
				if Table(table) != Audit && len(before[table]) != len(d.tables[table]) {
					t.Errorf("%s has %d entries, had %d", Tables[table], len(d.tables[table]), len(before[table]))
				}
			}
			b.wants(s, "small", "s1")
			b.wants(s, "large", large("l1"))
			b.wants(s, "new", "")
			// What the page believes of large values is not what failed: they are written over without a trace.
			b.set(s, text("small", "s3"), text("large", "l3"), text("new", "n3"))
			b.noLeftOvers(s)
			b.wants(s, "large", "l3")
		})
	}
}

func TestSetTwiceTheSameName(t *testing.T) {
	for _, c := range []struct{ name, first, second string }{
		{"small, small", "1", "2"},
		{"large, small", large("1"), "2"},
		{"small, large", "1", large("2")},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, s := newStore(t, 5)
			b.set(s, text("n", c.first), text("m", "beside"), text("n", c.second))
			b.wants(s, "n", c.second)
			b.noLeftOvers(s)
		})
	}
}

func TestStrict(t *testing.T) {
	for _, strict := range []Choice{1, 2} {
		b, s := newStore(t, 6)
		s, err := s.Vault.Store("st", StoreOptions{Durability: strict})
		if err != nil {
			t.Fatal(err)
		}
		b.set(s, text("n", "v"))
		b.events = nil
		b.set(s, text("n", large("v")))
		if err := b.do(func(t *task) error { return s.Delete(t, []string{"n"}) }); err != nil {
			t.Fatal(err)
		}
		want := "write records strict=" + strconv.FormatBool(strict == 2)
		for _, e := range writesOf(b.events) {
			if e != want && e != "write chunks strict="+strconv.FormatBool(strict == 2) {
				t.Errorf("got %q, want %q", e, want)
			}
		}
		if len(writesOf(b.events)) != 4 {
			t.Errorf("%q", writesOf(b.events))
		}
	}
}

func TestKindsComeBack(t *testing.T) {
	b, s := newStore(t, 7)
	for _, kind := range []envelope.Kind{envelope.Text, envelope.Bytes, envelope.File} {
		it := text("n", "")
		it.Kind = kind
		b.set(s, it)
		err := b.do(func(t *task) error {
			values, err := s.Get(t, []string{"n"}, false)
			if err == nil && (!values[0].Found || values[0].Head.Kind != kind || values[0].Size != 0) {
				b.t.Errorf("kind %d came back as %+v", kind, values[0])
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
