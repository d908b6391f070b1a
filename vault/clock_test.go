package vault

import (
	"testing"

	"idbvault/envelope"
)

// again is the store "st" of the vault "db" as a new page opens it, with the usual secret, which says what time it is.
func (b *tab) again(now uint64) (*tab, *Store) {
	b.t.Helper()
	b.end()
	b.world.now = now
	next := b.world.tab()
	return next, next.store("db", "st", withSecret("secret"))
}

// brief is a record that expires after so many seconds.
func brief(name string, seconds uint64) Item {
	it := text(name, "value")
	it.TTL = seconds * 1000
	return it
}

func (b *tab) purge(v *Vault) (n int, gone []Name) {
	b.t.Helper()
	err := b.do(func(t *task) error {
		for from := []byte(nil); ; {
			p, err := v.Purge(t, from)
			if err != nil {
				return err
			}
			n, gone = n+p.Deleted, append(gone, p.Gone...)
			if from = p.Next; from == nil {
				return nil
			}
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return n, gone
}

func (b *tab) sweep(v *Vault) (n int) {
	b.t.Helper()
	err := b.do(func(t *task) error {
		p, err := v.Sweep(t, nil)
		if err == nil {
			n = p.Deleted
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *tab) storedClock() envelope.Clock {
	b.t.Helper()
	c, _, err := envelope.ParseClock(b.disks["db"].tables[Journal][string(ClockEntry)])
	if err != nil {
		b.t.Fatal(err)
	}
	return *c
}

func TestSeen(t *testing.T) {
	const at = 1_000_000_000
	for _, c := range []struct {
		name         string
		trusted      uint64
		jump, now    uint64
		want, wanted uint64 // trusted and jump
	}{
		{"the same", at, 0, at, at, 0},
		{"later", at, 0, at + 60, at + 60, 0},
		{"a day later", at, 0, at + day, at + day, 0},
		{"more than a day later", at, 0, at + day + 1, at, at + day + 1},
		{"earlier", at, 0, at - 60, at, 0},
		{"a jump that stands for a while", at, at + 9*day, at + 10*day - 1, at, at + 9*day},
		{"a jump that has stood", at, at + 9*day, at + 10*day, at + 10*day, 0},
		{"a jump that was taken back", at, at + 9*day, at + 60, at + 60, 0},
		{"a jump that was taken back, too far", at, at + 9*day, at - 60, at, 0},
		{"a smaller jump in its place", at, at + 9*day, at + 5*day, at, at + 5*day},
	} {
		got := seen(envelope.Clock{Trusted: c.trusted, Jump: c.jump, Swept: 7}, c.now)
		if want := (envelope.Clock{Trusted: c.want, Jump: c.wanted, Swept: 7}); got != want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, want)
		}
	}
}

// A clock that is set back brings nothing back, on this page or on the next.
func TestClockSetBack(t *testing.T) {
	b, s := newStore(t, 1)
	start := b.now
	b.set(s, brief("name", 60), text("lasting", "value"))
	b.world.now = start + 60
	b.wants(s, "name", "")
	b.world.now = start
	b.wants(s, "name", "")
	b.wants(s, "lasting", "value")
	if err := b.do(func(t *task) error {
		found, err := s.Exists(t, "name")
		if found {
			b.t.Error("it exists")
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if n, _ := b.purge(s.Vault); n != 1 {
		t.Errorf("%d records were purged, want 1", n)
	}

	b.set(s, brief("another", 3600))
	b, _ = b.again(start + 4000) // which writes the time
	b.world.now = start
	b = b.crash() // and reads it again, with the keys that the page kept
	s = b.store("db", "st", Options{})
	b.wants(s, "another", "")
	b, s = b.again(start)
	b.wants(s, "another", "")
	b, s = b.again(start - 100*day)
	b.wants(s, "another", "")
	// What is written then lives as long as it was given.
	b.set(s, brief("later", 60))
	b.wants(s, "later", "value")
	b, s = b.again(start + 4060)
	b.wants(s, "later", "")
}

// A value in the cache expires by the same time.
func TestClockOfCache(t *testing.T) {
	b := newWorld(t, 1).tab()
	v := b.open("db", withSecret("secret"))
	s, err := v.Store("st", StoreOptions{CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	start := b.now
	b.set(s, brief("name", 60))
	b.wants(s, "name", "value")
	b.world.now = start + 60
	v.now()
	b.world.now = start
	b.wants(s, "name", "")
}

// A clock far ahead hides and does not purge, and shows again when it is put right.
func TestClockJump(t *testing.T) {
	b, s := newStore(t, 1)
	start := b.now
	b.set(s, brief("name", 3600), text("lasting", "value"))
	b.world.now = start + 400*day
	b.wants(s, "name", "")
	b.wants(s, "lasting", "value")
	if n, _ := b.purge(s.Vault); n != 0 {
		t.Errorf("%d records were purged by a jump", n)
	}
	b, s = b.again(start + 401*day - 1) // a second short of a day, as first seen by this page
	if n, _ := b.purge(s.Vault); n != 0 {
		t.Errorf("%d records were purged by a jump that another page saw", n)
	}
	b.world.now = start + 60
	b.wants(s, "name", "value")
	b, s = b.again(start + 61)
	b.wants(s, "name", "value")
	if c := b.storedClock(); c.Jump != 0 || c.Trusted != start+61 {
		t.Errorf("the clock is %+v", c)
	}
}

// A jump that has stood for a day, over pages that come and go, is believed.
func TestClockJumpStands(t *testing.T) {
	b, s := newStore(t, 1)
	start := b.now
	b.set(s, brief("name", 3600))
	b, _ = b.again(start + 10*day)
	if c := b.storedClock(); c.Trusted != start || c.Jump != start+10*day {
		t.Errorf("the clock is %+v", c)
	}
	b, s = b.again(start + 11*day - 1)
	if n, _ := b.purge(s.Vault); n != 0 {
		t.Errorf("%d records were purged too early", n)
	}
	b, s = b.again(start + 11*day)
	if n, _ := b.purge(s.Vault); n != 1 {
		t.Errorf("%d records were purged, want 1", n)
	}
	if c := b.storedClock(); c.Trusted != start+11*day || c.Jump != 0 {
		t.Errorf("the clock is %+v", c)
	}
}

// A jump that was taken back and comes again stands from then on.
func TestClockJumpsTwice(t *testing.T) {
	b, s := newStore(t, 1)
	start := b.now
	b.set(s, brief("name", 3600))
	b, _ = b.again(start + 10*day)
	b, _ = b.again(start + 60)
	b, s = b.again(start + 11*day)
	if n, _ := b.purge(s.Vault); n != 0 {
		t.Errorf("%d records were purged", n)
	}
	b.world.now = start + 12*day
	if n, _ := b.purge(s.Vault); n != 1 {
		t.Errorf("%d records were purged, want 1", n)
	}
}

// A clock that someone took away, changed or brought from elsewhere is none, and what the device says must stand as after a jump.
func TestClockForged(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(entry []byte) []byte
	}{
		{"removed", func([]byte) []byte { return nil }},
		{"changed", func(e []byte) []byte { e[8] ^= 1; return e }},
		{"with another MAC", func(e []byte) []byte { e[len(e)-1] ^= 1; return e }},
		{"cut off", func(e []byte) []byte { return e[:20] }},
		{"of another version", func(e []byte) []byte { e[0] = 2; return e }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, s := newStore(t, 1)
			start := b.now
			b.set(s, brief("name", 3600))
			journal := b.disks["db"].tables[Journal]
			forge := func() {
				if e := c.change(journal[string(ClockEntry)]); e != nil {
					journal[string(ClockEntry)] = e
				} else {
					delete(journal, string(ClockEntry))
				}
			}
			forge()
			b, s = b.again(start + 5*day)
			b.wants(s, "name", "")
			if n, _ := b.purge(s.Vault); n != 0 {
				t.Errorf("%d records were purged", n)
			}
			if got, want := b.storedClock(), (envelope.Clock{Trusted: start, Jump: start + 5*day}); got != want {
				t.Errorf("the clock is %+v, want %+v", got, want)
			}
			b.world.now = start + 6*day
			if n, _ := b.purge(s.Vault); n != 1 {
				t.Errorf("%d records were purged, want 1", n)
			}
			// Where there is nothing else to write, it is made anew all the same.
			forge()
			b, _ = b.again(start)
			b.storedClock()
		})
	}
}

// No clock moves to another vault.
func TestClockOfAnother(t *testing.T) {
	b := newWorld(t, 1).tab()
	b.store("db", "st", withSecret("secret"))
	start := b.now
	b.world.now += 1000
	b.store("other", "st", withSecret("secret"))
	b.disks["db"].tables[Journal] = b.disks["other"].copied()[Journal]
	b, _ = b.again(start)
	if c := b.storedClock(); c.Trusted != start {
		t.Errorf("the trusted time is %d, want %d", c.Trusted, start)
	}
}

// The later time of two pages stays, in whichever order they write.
func TestClockOfTabs(t *testing.T) {
	for seed := range uint64(60) {
		w := newWorld(t, seed)
		one, two := w.tab(), w.tab()
		s := one.store("db", "st", withSecret("secret"))
		other := two.store("db", "st", withSecret("secret"))
		start := w.now
		w.now = start + 8000
		s.now()
		w.now = start + 4000
		other.now()
		for _, v := range []*Vault{other.Vault, s.Vault} {
			w.start(func(t *task) { v.keepTime(t, false) })
		}
		w.run()
		if c := one.storedClock(); c.Trusted != start+8000 {
			t.Fatalf("seed %d: the trusted time is %d after the start", seed, c.Trusted-start)
		}
		one.set(s, brief("name", 1000))
		w.now = start
		two.do(func(t *task) error { other.keepTime(t, false); return nil })
		two.wants(other, "name", "value")
		if other.now() != start+8000 {
			t.Fatalf("seed %d: the other page has not heard of it", seed)
		}
	}
}

// Reads and writes neither read nor write the clock.
func TestClockIsNotInTheWay(t *testing.T) {
	b, s := newStore(t, 1)
	b.set(s, brief("name", 60))
	for range 5 {
		b.world.now += 2 * day // what would be due, waits
		before := len(b.events)
		b.reads = 0
		b.wants(s, "name", "")
		if b.reads != 1 {
			t.Errorf("a read took %d transactions", b.reads)
		}
		b.set(s, brief("name", 60))
		for _, e := range b.events[before:] {
			if e == "write journal strict=false" {
				t.Error("a write wrote the clock")
			}
		}
	}
}

// A rotation to a new secret has a new keyring key, and the clock with it.
func TestClockSurvivesNewSecret(t *testing.T) {
	b, s := newStore(t, 1)
	start := b.now
	b.set(s, brief("name", 3600))
	b.world.now = start + 4000
	n := &NewSecret{Secret: secretKey("another")}
	if err := b.do(func(t *task) error { _, err := s.BeginRotation(t, secretKey("secret"), n); return err }); err != nil {
		t.Fatal(err)
	}
	b.end()
	b.world.now = start
	next := b.world.tab()
	next.wants(next.store("db", "st", withSecret("another")), "name", "")
	if c := next.storedClock(); c.Trusted < start+3600 {
		t.Errorf("the trusted time is %d after the start", c.Trusted-start)
	}
}

// A full disk keeps no one from opening a vault.
func TestClockOnFullDisk(t *testing.T) {
	b, s := newStore(t, 1)
	b.set(s, text("name", "value"))
	b.disks["db"].refuse = func(*Batch) error { return ErrQuota }
	b, s = b.again(b.now + 60)
	b.wants(s, "name", "value")
}
