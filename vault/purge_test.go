package vault

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A record expires at its own end or by its class's policy, whichever comes first.
func TestTTL(t *testing.T) {
	for _, c := range []struct{ ttl, policy, want uint64 }{
		{0, 0, 0},
		{1000, 0, 1},
		{1999, 0, 1},
		{60_000, 0, 60},
		{60_000, 30, 30},
		{60_000, 90, 60},
		{0, 30, 30},
		{3_155_760_000_000, 0, 3_155_760_000},
	} {
		b := newWorld(t, 1).tab()
		o := withSecret("secret")
		o.Policy.TTL = []uint64{0, 0, 0, 0, 0, c.policy}
		s := b.store("db", "st", o)
		it := text("name", "value")
		it.TTL = c.ttl
		b.set(s, it)
		want := c.want
		if want != 0 {
			want += b.now
		}
		if got := b.expires(s, "name"); got != want {
			t.Errorf("%+v: it expires at %d, want %d", c, got, want)
		}
	}
}

func (b *tab) expires(s *Store, name string) (at uint64) {
	b.t.Helper()
	err := b.do(func(t *task) error {
		heads, err := s.Get(t, []string{name}, true)
		if err == nil {
			at = heads[0].Header.Expires
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return at
}

func TestTTLRefused(t *testing.T) {
	b, s := newStore(t, 1)
	b.set(s, text("name", "value"))
	before := b.disks["db"].snapshot()
	for _, ttl := range []uint64{1, 999, 3_155_760_000_001, 1 << 63} {
		it := text("name", "new")
		it.TTL = ttl
		fails(t, "set", b.do(func(t *task) error { return set(t, s, text("other", "value"), it) }), ErrInvalid)
		fails(t, "set each", b.do(func(t *task) error { return s.SetEach(t, []Item{it})[0] }), ErrInvalid)
		fails(t, "update", b.do(func(t *task) error {
			return s.Update(t, "name", func(Value) (Change, error) { return Change{Item: it}, nil })
		}), ErrInvalid)
	}
	if !reflect.DeepEqual(b.disks["db"].snapshot(), before) {
		t.Error("something was written")
	}
}

// A change keeps the record's own end, and gives it another where it says one. An end by the policy counts from the last write.
func TestUpdateKeepsEnd(t *testing.T) {
	b := newWorld(t, 1).tab()
	o := withSecret("secret")
	o.Policy.TTL = []uint64{0, 0, 0, 0, 0, 1000}
	s := b.store("db", "st", o)
	start := b.now
	change := func(name string, ttl uint64) {
		t.Helper()
		b.world.now += 100
		err := b.do(func(t *task) error {
			return s.Update(t, name, func(Value) (Change, error) { return Change{Item: brief(name, ttl)}, nil })
		})
		if err != nil {
			t.Error(err)
		}
	}
	b.set(s, brief("own", 500), text("policy", "value"))
	change("own", 0)
	if at := b.expires(s, "own"); at != start+500 {
		t.Errorf("it expires at %d after the start, want 500", at-start)
	}
	change("own", 600)
	if at := b.expires(s, "own"); at != b.now+600 {
		t.Errorf("it expires in %d, want 600", at-b.now)
	}
	change("own", 5000)
	change("policy", 0)
	for _, name := range []string{"own", "policy"} {
		if at := b.expires(s, name); at < b.now+900 || at > b.now+1000 {
			t.Errorf("%q expires in %d", name, at-b.now)
		}
	}
	// One that has expired is none, and its end is not kept.
	b.set(s, brief("own", 10))
	b.world.now += 10
	change("own", 0)
	if at := b.expires(s, "own"); at != b.now+1000 {
		t.Errorf("it expires in %d, want 1000", at-b.now)
	}
}

// What has expired is deleted, with its value apart, from all stores, and no more.
func TestPurge(t *testing.T) {
	b, s := newStore(t, 1)
	other := b.store("db", "other", Options{})
	apart := brief("apart", 60)
	apart.Value, apart.Size = []byte(large("x")), len(large("x"))
	b.set(s, brief("brief", 60), brief("longer", 61), text("lasting", "value"), apart)
	b.set(other, brief("brief", 60), text("lasting", "value"))
	b.world.now += 60
	b.told = nil
	n, gone := b.purge(s.Vault)
	want := []Name{{"other", "brief"}, {"st", "apart"}, {"st", "brief"}}
	slices.SortFunc(gone, func(x, y Name) int { return strings.Compare(x.Store+x.Name, y.Store+y.Name) })
	if n != 3 || !reflect.DeepEqual(gone, want) {
		t.Errorf("%d were deleted, %v are gone", n, gone)
	}
	if d := b.disks["db"]; len(d.tables[Records]) != 3 || len(d.tables[Chunks]) != 0 {
		t.Errorf("%d records and %d values are left", len(d.tables[Records]), len(d.tables[Chunks]))
	}
	expired := 0
	for _, e := range b.told {
		var k int
		if _, err := fmt.Sscanf(e, "db expired %d", &k); err == nil {
			expired += k
		}
	}
	if expired != 3 {
		t.Errorf("it told %q", b.told)
	}
	b.wants(s, "longer", "value")
	b.wants(s, "lasting", "value")
	b.wants(other, "lasting", "value")
	if n, gone := b.purge(s.Vault); n != 0 || len(gone) != 0 {
		t.Errorf("another time %d were deleted, %v are gone", n, gone)
	}
}

// More records than a step looks at.
func TestPurgeOfMany(t *testing.T) {
	b, s := newStore(t, 1)
	var items []Item
	for i := range 1100 {
		items = append(items, brief(fmt.Sprint("n", i), uint64(60+i%2)))
	}
	b.set(s, items...)
	b.world.now += 60
	steps := 0
	err := b.do(func(t *task) error {
		for from := []byte(nil); ; steps++ {
			p, err := s.Purge(t, from)
			if err != nil || p.Next == nil {
				return err
			}
			from = p.Next
		}
	})
	if left := len(b.disks["db"].tables[Records]); err != nil || steps != 2 || left != 550 {
		t.Errorf("%v: %d further steps, %d records left", err, steps, left)
	}
}

// An expiry that someone wrote into a header deletes nothing, and is told. The records beside it are deleted.
func TestPurgeOfForged(t *testing.T) {
	b, s := newStore(t, 1)
	b.set(s, text("forged", "value"), brief("one", 60), brief("two", 60), brief("three", 60))
	b.world.now += 60
	entry := b.disks["db"].tables[Records][b.recordKey(s, "forged")]
	binary.BigEndian.PutUint64(entry[16:], b.now-5)
	b.told = nil
	if n, gone := b.purge(s.Vault); n != 3 || len(gone) != 3 {
		t.Errorf("%d were deleted, %v are gone", n, gone)
	}
	if !slices.Contains(b.told, "db integrity 1") {
		t.Errorf("it told %q", b.told)
	}
	binary.BigEndian.PutUint64(entry[16:], 0)
	b.wants(s, "forged", "value")
}

// A write that comes between a purge's look and its deletion stays, and the record is not told to be gone.
func TestPurgeAndWrite(t *testing.T) {
	kept := 0
	for seed := range seeds(120) {
		w := newWorld(t, seed)
		one, two := w.tab(), w.tab()
		s, other := one.store("db", "st", withSecret("secret")), two.store("db", "st", withSecret("secret"))
		one.set(s, brief("name", 60), brief("beside", 60))
		two.set(other, text("first", "so that the next write takes less time than a purge"))
		w.now += 60
		var p *Purged
		w.start(func(t *task) {
			var err error
			if p, err = s.Purge(t, nil); err != nil {
				w.t.Error(err)
			}
		})
		w.start(func(t *task) {
			if err := set(t, other, text("name", "new")); err != nil {
				w.t.Error(err)
			}
		})
		w.run()
		two.wants(other, "name", "new")
		if len(p.Gone) != p.Deleted {
			t.Errorf("%d were deleted, %v are gone", p.Deleted, p.Gone)
		}
		if p.Deleted == 1 {
			kept++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if kept == 0 {
		t.Error("no write came between")
	}
}

// Of all pages one sweeps, once an hour, and none during a rotation.
func TestSweep(t *testing.T) {
	b, s := newStore(t, 1)
	other := b.world.tab()
	o := other.store("db", "st", withSecret("secret"))
	start := b.now
	b.set(s, brief("one", 60))
	b.world.now = start + 60
	if n := b.sweep(s.Vault); n != 1 {
		t.Errorf("the first sweep deleted %d", n)
	}
	b.set(s, brief("two", 60))
	b.world.now = start + 60 + tick - 1
	if n := b.sweep(s.Vault) + other.sweep(o.Vault); n != 0 {
		t.Errorf("a sweep before its time deleted %d", n)
	}
	b.world.now = start + 60 + tick
	if n := other.sweep(o.Vault); n != 1 {
		t.Errorf("the second sweep deleted %d", n)
	}
	b.set(s, brief("three", 1))
	b.world.now++
	if n := b.sweep(s.Vault); n != 0 {
		t.Errorf("a sweep behind another page's deleted %d", n)
	}
	// A page that comes anew does not begin anew.
	b, s = b.again(b.now + 60)
	if n := b.sweep(s.Vault); n != 0 {
		t.Errorf("the sweep of a new page deleted %d", n)
	}
	// A jump is no reason to sweep.
	swept := b.storedClock().Swept
	b.world.now += 500 * day
	b.sweep(s.Vault)
	if c := b.storedClock(); c.Swept != swept || c.Jump != b.now {
		t.Errorf("the clock is %+v", c)
	}
	b.world.now -= 500*day - 2*tick
	if err := b.do(func(t *task) error { _, err := s.BeginRotation(t, secretKey("secret"), nil); return err }); err != nil {
		t.Fatal(err)
	}
	if n := b.sweep(s.Vault); n != 0 {
		t.Errorf("a sweep during a rotation deleted %d", n)
	}
	err := b.do(func(t *task) error {
		p, err := s.Sweep(t, []byte{0}) // one that had begun before
		if err == nil && p.Deleted != 0 {
			b.t.Errorf("a sweep that goes on during a rotation deleted %d", p.Deleted)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if n, _ := b.purge(s.Vault); n != 1 {
		t.Errorf("a purge during a rotation deleted %d", n)
	}
}

// A sweep that meets a jump counts from the time that is trusted, or none would come again for as long as the jump was wide.
func TestSweepInJump(t *testing.T) {
	b, s := newStore(t, 1)
	b.sweep(s.Vault)
	b.world.now += tick
	at := s.now()
	b.world.now += 500 * day
	b.sweep(s.Vault)
	if c := b.storedClock(); c.Swept != at {
		t.Errorf("it swept %d after the trusted time", c.Swept-at)
	}
}

// The clock is written once an hour, and not with each call.
func TestSweepWritesTheClock(t *testing.T) {
	b, s := newStore(t, 1)
	b.sweep(s.Vault)
	at := b.storedClock().Trusted
	for range 59 {
		b.world.now += 60
		b.wants(s, "name", "")
		b.sweep(s.Vault)
	}
	if c := b.storedClock(); c.Trusted != at {
		t.Errorf("the clock was written %d seconds after the last time", c.Trusted-at)
	}
	b.world.now += 60
	b.sweep(s.Vault)
	if c := b.storedClock(); c.Trusted != at+tick {
		t.Errorf("the trusted time is %d after the last one", c.Trusted-at)
	}
}

// Two pages that are due at once do not both sweep.
func TestSweepOnce(t *testing.T) {
	for seed := range uint64(60) {
		w := newWorld(t, seed)
		one, two := w.tab(), w.tab()
		s, other := one.store("db", "st", withSecret("secret")), two.store("db", "st", withSecret("secret"))
		w.now += 2 * tick
		swept := 0
		for _, v := range []*Vault{s.Vault, other.Vault} {
			w.start(func(t *task) {
				if v.keepTime(t, true) {
					swept++
				}
			})
		}
		w.run()
		if swept != 1 {
			t.Fatalf("seed %d: %d pages sweep", seed, swept)
		}
	}
}

func TestPurgeWhenLocked(t *testing.T) {
	b, s := newStore(t, 1)
	b.vaults.Lock("db")
	for _, step := range []func(Task, []byte) (*Purged, error){s.Purge, s.Sweep} {
		fails(t, "a step", b.do(func(t *task) error { _, err := step(t, nil); return err }), ErrLocked)
	}
}
