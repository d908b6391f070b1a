package vault

import (
	"fmt"
	"strings"
	"testing"

	"idbvault/envelope"
)

// full makes a disk refuse a write of a record, so many times. It returns how often one was tried.
func (d *disk) full(times int) *int {
	tried := 0
	d.refuse = func(batch *Batch) error {
		for _, w := range batch.Writes {
			if w.Table == Records && len(w.Bytes) > 0 {
				if tried++; tried <= times {
					return ErrQuota
				}
				return nil
			}
		}
		return nil
	}
	return &tried
}

func TestEvictionOnAFullDisk(t *testing.T) {
	b, s := newStore(t, 66)
	s = b.bounded(s, Evict{Policy: Oldest, Protect: 1 << envelope.PHI})
	b.set(s, note("p", envelope.PHI))
	b.write(s, "a", "b", "c", "d")
	d := b.disks["db"]

	tried := d.full(1)
	b.now++
	b.set(s, note("e", envelope.Internal), note("f", envelope.Internal))
	if *tried != 2 {
		t.Errorf("the write was tried %d times, want 2", *tried)
	}
	b.has(s, "c", "d", "e", "f", "p")
	if last := b.told[len(b.told)-1]; last != "db quota 2" {
		t.Errorf("the page was told %q", last)
	}

	// Once more, and no more often.
	tried = d.full(1 << 20)
	err := b.do(func(t *task) error { return set(t, s, note("g", envelope.Internal)) })
	fails(t, "a disk that stays full", err, ErrQuota)
	if *tried != 2 {
		t.Errorf("the write was tried %d times, want 2", *tried)
	}
	b.has(s, "d", "e", "f", "p")

	// Where the policy does not allow as much, nothing goes.
	tried = d.full(1 << 20)
	before := d.snapshot()
	err = b.do(func(t *task) error { return set(t, s, text("d", strings.Repeat("v", 300))) })
	fails(t, "a write larger than all that may go", err, ErrQuota)
	if *tried != 1 || !same(before, d.snapshot()) {
		t.Errorf("the write was tried %d times, want 1, or something was lost", *tried)
	}
	d.refuse = nil
	b.wants(s, "d", string(note("d", envelope.Internal).Value.([]byte)))

	// Without the option it is as ever.
	d.full(1)
	plain := b.bounded(s, Evict{})
	err = b.do(func(t *task) error { return set(t, plain, note("g", envelope.Internal)) })
	fails(t, "a full disk", err, ErrQuota)
	b.has(s, "d", "e", "f", "p")
}

// A new page counts its writes in the keyring before it writes: that, too, may find the disk full.
func TestEvictionForTheKeyring(t *testing.T) {
	b, s := newStore(t, 73)
	b.write(s, "a", "b", "c")
	b.end()
	b = b.tab()
	s = b.bounded(b.store("db", "st", withSecret("secret")), Evict{Policy: Oldest})
	tried := 0
	b.disks["db"].refuse = func(batch *Batch) error {
		if batch.Writes[0].Table == Keyrings {
			if tried++; tried == 1 {
				return ErrQuota
			}
		}
		return nil
	}
	b.write(s, "a")
	b.has(s, "a", "c")
	if tried != 2 {
		t.Errorf("the keyring was written %d times, want 2", tried)
	}
}

// A later call for the same name comes after the second try of an earlier one.
func TestEvictionKeepsTheOrder(t *testing.T) {
	for seed := range uint64(20) {
		b, s := newStore(t, 100+seed)
		s = b.bounded(s, Evict{Policy: Oldest})
		b.write(s, "a", "b")
		b.disks["db"].full(1)
		var errs [2]error
		b.start(func(t *task) { errs[0] = set(t, s, text("k", "first")) })
		plain, read := b.bounded(s, Evict{}), ""
		b.start(func(t *task) { read, _ = get(t, plain, "k") })
		b.start(func(t *task) { errs[1] = set(t, plain, text("k", "second")) })
		b.run()
		if errs[0] != nil || errs[1] != nil || read != "first" {
			t.Fatal(errs, read)
		}
		b.wants(s, "k", "second")
	}
}

// Writes at once keep within the bound together.
func TestEvictionOfWritesAtOnce(t *testing.T) {
	for seed := range uint64(20) {
		b, s := newStore(t, 200+seed)
		s = b.bounded(s, Evict{Policy: LeastUsed, MaxBytes: 1050})
		for i := range 30 {
			b.start(func(k *task) {
				if err := set(k, s, note(fmt.Sprint("k", i%15), envelope.Internal)); err != nil {
					t.Error(err)
				}
			})
		}
		b.run()
		if n := b.disks["db"].stored(); n != 1000 || s.room.bytes != n {
			t.Errorf("%d bytes are stored, %d were counted, want 1000", n, s.room.bytes)
		}
	}
}
