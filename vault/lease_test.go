package vault

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"idbvault/envelope"
)

// ring is the keyring as it is stored, its MAC aside.
func (b *tab) ring(database string) *envelope.Keyring {
	b.t.Helper()
	ring, _, err := envelope.ParseKeyring(b.disks[database].keyring())
	if err != nil {
		b.t.Fatal(err)
	}
	return ring
}

func leasesOf(ring *envelope.Keyring) (leases []uint32) {
	for _, class := range envelope.Classes {
		leases = append(leases, ring.Find(envelope.RecordKey256, class, 1).Leases)
	}
	return leases
}

func (b *tab) wantsLeases(generation uint32, leases ...uint32) {
	b.t.Helper()
	ring := b.ring("db")
	if ring.Generation != generation || !reflect.DeepEqual(leasesOf(ring), leases) {
		b.t.Errorf("generation %d, leases %d, want %d, %d", ring.Generation, leasesOf(ring), generation, leases)
	}
	for _, e := range ring.Keys {
		if e.Kind != envelope.RecordKey256 && e.Leases != 0 {
			b.t.Errorf("a key of kind %d has %d leases", e.Kind, e.Leases)
		}
	}
}

// The keyring counts before the first record is sealed, in a strict transaction.
func TestLeaseComesFirst(t *testing.T) {
	b, s := newStore(t, 1)
	b.events = nil
	b.set(s, text("a", "1"))
	if want := []string{"write keyring strict=true", "seal", "write records strict=false"}; !reflect.DeepEqual(b.events, want) {
		t.Errorf("the first write did %q, want %q", b.events, want)
	}
	b.wantsLeases(2, 0, 0, 0, 0, 1)
	b.events = nil
	b.set(s, text("b", "2"))
	if want := []string{"seal", "write records strict=false"}; !reflect.DeepEqual(b.events, want) {
		t.Errorf("the second write did %q, want %q", b.events, want)
	}
	public := text("c", "3")
	public.Class = envelope.Public
	pii := text("d", "4")
	pii.Class = envelope.PII
	b.set(s, public, pii)
	b.wantsLeases(3, 1, 0, 0, 1, 1)
	// A reload does not know how much of the lease was used: it counts as used up.
	b.end()
	again := b.world.tab()
	again.set(again.store("db", "st", withSecret("secret")), text("f", "6"))
	again.wantsLeases(4, 1, 0, 0, 1, 2)
}

// A lease that can't be written is not used.
func TestLeaseFails(t *testing.T) {
	b, s := newStore(t, 2)
	b.disks["db"].refuse = func(*Batch) error { return ErrQuota }
	b.events = nil
	fails(t, "a write", b.do(func(t *task) error { return set(t, s, text("a", "1")) }), ErrQuota)
	if slices.Contains(b.events, "seal") {
		t.Errorf("a record was sealed: %q", b.events)
	}
	b.disks["db"].refuse = nil
	b.set(s, text("a", "1"))
	b.wantsLeases(2, 0, 0, 0, 0, 1)
}

// A lease is for 16,384 seals, and a record counts as two.
func TestLeaseSize(t *testing.T) {
	for _, c := range []struct {
		name    string
		records []int // of each Set
		leases  uint32
	}{
		{"one", []int{1}, 1},
		{"as many as a lease is for", []int{8192}, 1},
		{"one more, at once", []int{8193}, 2},
		{"one more, later", []int{8192, 1}, 2},
		{"many small sets", []int{4096, 4096, 4096, 4096}, 2},
		{"five leases at once", []int{40_000}, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, s := newStore(t, 3)
			for _, n := range c.records {
				var need perClass
				need[envelope.PHI] = 2 * n
				if err := b.do(func(t *task) error { _, err := s.spend(t, &need); return err }); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.ring("db").Find(envelope.RecordKey256, envelope.PHI, 1).Leases; got != c.leases {
				t.Errorf("%d leases, want %d", got, c.leases)
			}
		})
	}
	// Set asks for two a record, whichever layout it has.
	b, s := newStore(t, 4)
	b.set(s, text("a", "1"), text("b", large("2")))
	if left := s.share.leases[envelope.PHI]; left != leaseSize-4 {
		t.Errorf("two records left %d of a lease of %d", left, leaseSize)
	}
}

// What is left of a lease is used up before another is taken, also where a write needs a second class.
func TestLeaseOfASecondClass(t *testing.T) {
	b, s := newStore(t, 6)
	b.set(s, text("a", "1"))
	public := text("b", "2")
	public.Class = envelope.Public
	b.set(s, text("a", "3"), public)
	b.wantsLeases(3, 1, 0, 0, 0, 1)
}

// Two keyrings of one generation, of which one must have been put back, don't pass for each other.
func TestLeaseSeesAFork(t *testing.T) {
	b, s := newStore(t, 7)
	first := b.disks["db"].keyring()
	b.set(s, text("a", "1")) // generation 2
	b.disks["db"].setKeyring(first)
	other := b.world.tab()
	public := text("b", "2")
	public.Class = envelope.Public
	other.set(other.store("db", "st", withSecret("secret")), public) // generation 2 again, and another one
	s.share.leases[envelope.PHI] = 0
	fails(t, "a lease on a fork", b.do(func(t *task) error { return set(t, s, text("c", "3")) }), ErrIntegrity)
}

// Tabs that take leases at the same time each get one of their own.
func TestLeasesOfTabs(t *testing.T) {
	for seed := range uint64(60) {
		w := newWorld(t, seed)
		first := w.tab()
		tabs := []*tab{first, w.tab(), w.tab()}
		var stores []*Store
		for _, b := range tabs {
			stores = append(stores, b.store("db", "st", withSecret("secret")))
		}
		for i, s := range stores {
			for j := range 3 { // the writes of one tab share a lease
				w.start(func(t *task) {
					if err := set(t, s, text(fmt.Sprint(i, j), "value")); err != nil {
						w.t.Errorf("seed %d: %v", seed, err)
					}
				})
			}
		}
		w.run()
		first.wantsLeases(4, 0, 0, 0, 0, 3)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// spent is a keyring in which class PHI has so many leases, with the right MAC.
func (b *tab) spent(v *Vault, leases uint32) {
	b.t.Helper()
	err := b.do(func(t *task) error {
		ring, _, err := envelope.ParseKeyring(b.disks["db"].keyring())
		if err != nil {
			return err
		}
		ring.Find(envelope.RecordKey256, envelope.PHI, 1).Leases = leases
		stored, err := v.seal(t, v.ringKey, ring)
		b.disks["db"].setKeyring(stored)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestExhausted(t *testing.T) {
	const most = 131_072 // 2^31 writes
	maker, s := newStore(t, 5)
	maker.spent(s.Vault, most-1)
	b := maker.world.tab()
	s = b.store("db", "st", withSecret("secret"))
	b.set(s, text("a", "1"))
	b.wantsLeases(2, 0, 0, 0, 0, most)
	s.share.leases[envelope.PHI] = 1 // fewer than a record takes
	before := b.disks["db"].snapshot()
	fails(t, "a write under a spent key", b.do(func(t *task) error { return set(t, s, text("b", "2")) }), ErrExhausted)
	public := text("c", "3")
	public.Class = envelope.Public
	fails(t, "a write of two classes, one of them spent", b.do(func(t *task) error { return set(t, s, public, text("b", "2")) }), ErrExhausted)
	if !reflect.DeepEqual(b.disks["db"].snapshot(), before) {
		t.Error("something was written")
	}
	b.set(s, public)
	b.wants(s, "a", "1")
	if err := b.do(func(t *task) error { return s.Delete(t, []string{"a"}) }); err != nil {
		t.Errorf("deleting under a spent key: %v", err)
	}
	fails(t, "in another tab", maker.world.tab().tryWrite("d"), ErrExhausted)
}

// tryWrite opens the store of "db" and writes a record.
func (b *tab) tryWrite(name string) error {
	s := b.store("db", "st", withSecret("secret"))
	return b.do(func(t *task) error { return set(t, s, text(name, "value")) })
}

// A keyring that was deleted, put back to an older one or changed stops the next lease, and with it all writing.
func TestLeaseSeesTheKeyringChanged(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(d *disk, first []byte)
	}{
		{"put back", func(d *disk, first []byte) { d.setKeyring(first) }},
		{"deleted", func(d *disk, _ []byte) { delete(d.tables[Keyrings], string(KeyringEntry)) }},
		{"truncated", func(d *disk, _ []byte) { d.setKeyring(d.keyring()[:100]) }},
		{"generation raised without the key", func(d *disk, _ []byte) { d.keyring()[8+1+16+8+3] += 10 }},
		{"leases lowered without the key", func(d *disk, _ []byte) {
			ring, mac, _ := envelope.ParseKeyring(d.keyring())
			ring.Find(envelope.RecordKey256, envelope.PHI, 1).Leases = 0
			d.setKeyring(append(ring.Encode(), mac...))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, s := newStore(t, 6)
			d := b.disks["db"]
			first := d.keyring()
			b.set(s, text("a", "1"))
			s.share.leases[envelope.PHI] = 0
			c.change(d, first)
			before := d.snapshot()
			b.events = nil
			for range 2 {
				fails(t, "a write", b.do(func(t *task) error { return set(t, s, text("b", "2")) }), ErrIntegrity)
			}
			if !reflect.DeepEqual(d.snapshot(), before) || slices.Contains(b.events, "seal") {
				t.Errorf("something was written or sealed: %q", b.events)
			}
			b.wants(s, "a", "1")
		})
	}
}

// A tab's lease that loses to another's is tried again, but not for ever.
func TestLeaseConflict(t *testing.T) {
	b, s := newStore(t, 7)
	tries := 0
	b.disks["db"].refuse = func(*Batch) error { tries++; return ErrStale }
	fails(t, "a lease that always loses", b.do(func(t *task) error { return set(t, s, text("a", "1")) }), ErrConflict)
	if tries != maxRetries {
		t.Errorf("%d tries, want %d", tries, maxRetries)
	}
}

// Writes of one tab that each need a lease of their own wait for one another and do not lose to one another.
func TestManyLeasesAtOnce(t *testing.T) {
	const writes = 3 * maxRetries
	b, s := newStore(t, 8)
	for range writes {
		b.start(func(t *task) {
			var need perClass
			need[envelope.PHI] = leaseSize
			if _, err := s.spend(t, &need); err != nil {
				b.t.Error(err)
			}
		})
	}
	b.run()
	b.wantsLeases(1+writes, 0, 0, 0, 0, writes)
}
