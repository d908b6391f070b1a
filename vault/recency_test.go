package vault

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"idbvault/envelope"
)

// usesOf is the entry of a store's uses as it is stored.
func (d *disk) usesOf(store string) []byte {
	return d.tables[Journal][string(envelope.UsesKey(store))]
}

// journalWrites is how often an entry of Journal was written.
func (w *world) journalWrites() (n int) {
	for _, e := range w.events {
		if strings.HasPrefix(e, "write journal") {
			n++
		}
	}
	return n
}

func TestRecencyIsKeptForTheNextPage(t *testing.T) {
	for _, names := range []Names{NamesHidden, NamesClear} {
		w := newWorld(t, 81)
		o := withSecret("secret")
		o.Names = names
		lru := Evict{Policy: LeastUsed, MaxBytes: 1050}
		b, other := w.tab(), w.tab()
		s := b.bounded(b.store("db", "st", o), lru)
		theirs := other.bounded(other.store("db", "st", o), lru)
		for i := range 10 {
			b.write(s, fmt.Sprint("k", i))
		}
		w.now += 2 * hour
		b.read(s, "k0")
		w.now += hour
		other.read(theirs, "k1")
		w.now += saveEvery
		other.read(theirs, "k1") // the occasion, where records are only read
		b.write(s, "k9")         // and that of a write, which merges
		b.end()
		other.end()
		b = w.tab()
		s = b.bounded(b.store("db", "st", o), lru)
		b.write(s, "new1", "new2")
		b.has(s, "k0", "k1", "k4", "k5", "k6", "k7", "k8", "k9", "new1", "new2")
	}
}

// No read has a write of its own.
func TestRecencyIsSavedOnceInAWhile(t *testing.T) {
	b, s := newStore(t, 82)
	s = b.bounded(s, Evict{Policy: LeastUsed})
	b.write(s, "a")
	start := b.journalWrites() // of the clock
	for range saveEvery {
		b.read(s, "a") // a second each
	}
	if n := b.journalWrites() - start; n != 0 {
		t.Errorf("%d writes within the first minute of reads", n)
	}
	for range 5 * saveEvery {
		b.read(s, "a")
	}
	if n := b.journalWrites() - start; n < 4 || n > 5 {
		t.Errorf("%d writes in five minutes more", n)
	}
	before := b.journalWrites()
	b.now += hour
	b.write(s, "b", "c", "d") // nothing was used since: there is nothing to save but what the last reads left
	if n := b.journalWrites() - before; n > 1 {
		t.Errorf("%d writes with three records", n)
	}
	// Who evicts by age keeps no account.
	before = b.journalWrites()
	oldest := b.bounded(s, Evict{Policy: Oldest})
	b.now += hour
	b.read(oldest, "a", "b")
	b.now += hour
	b.read(oldest, "a", "b")
	if n := b.journalWrites() - before; n != 0 {
		t.Errorf("%d writes by one who evicts by age", n)
	}
}

func TestRecencyIsBounded(t *testing.T) {
	var r recency
	for i := range uint64(3 * envelope.MaxUses) {
		r.note(i, 1000+i)
		if len(r.used) > envelope.MaxUses {
			t.Fatalf("%d uses are held", len(r.used))
		}
	}
	for i := uint64(3*envelope.MaxUses) - keptUses; i < 3*envelope.MaxUses; i++ {
		if r.used[i] != 1000+i {
			t.Fatalf("use %d of the latest is not held", i)
		}
	}
	if len(r.used) < keptUses {
		t.Errorf("%d uses are held, want at least %d", len(r.used), keptUses)
	}
	same := recency{}
	for i := range uint64(3 * envelope.MaxUses) {
		same.note(i, 1000)
	}
	if n := len(same.used); n < keptUses || n > envelope.MaxUses {
		t.Errorf("%d uses of one second are held", n)
	}
	uses := envelope.Uses{}
	for i := range uint64(envelope.MaxUses) {
		uses[i] = 1
	}
	if n := len(uses.Encode()); n > envelope.MaxUsesSize {
		t.Errorf("the largest entry has %d bytes", n)
	}
}

// A damaged entry, or one that someone made up, is advice that is not taken. It is written anew.
func TestRecencyIgnoresWhatIsDamaged(t *testing.T) {
	future := envelope.Uses{envelope.UseHash([]byte("k0")): 1<<32 - 1}.Encode()
	for i, entry := range [][]byte{
		{}, {1, 2}, {2}, bytes.Repeat([]byte{1}, envelope.MaxUsesSize+1), bytes.Repeat([]byte{1}, 1<<20), future,
	} {
		w := newWorld(t, 83)
		o := withSecret("secret")
		o.Names = NamesClear
		b := w.tab()
		s := b.bounded(b.store("db", "st", o), Evict{Policy: LeastUsed, MaxBytes: 1050})
		for i := range 10 {
			b.write(s, fmt.Sprint("k", i))
		}
		w.disks["db"].tables[Journal][string(envelope.UsesKey("st"))] = entry
		b.end()
		b = w.tab()
		s = b.bounded(b.store("db", "st", o), Evict{Policy: LeastUsed, MaxBytes: 1050})
		w.now += hour
		b.read(s, "k1")
		b.write(s, "new")
		if i < 5 {
			b.has(s, "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "new")
		} else { // a time to come is the present
			b.has(s, "k0", "k1", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "new")
		}
		uses, err := envelope.ParseUses(w.disks["db"].usesOf("st"))
		if err != nil || uses[envelope.UseHash([]byte("k1"))] != uint32(w.now/hour) {
			t.Errorf("entry %d was not written anew: %v, %v", i, uses, err)
		}
		if got := uses[envelope.UseHash([]byte("k0"))]; got > uint32(w.now/hour) {
			t.Errorf("a time to come is still there: %d", got)
		}
	}
}

// A rotation passes over entries of the journal that are not its own.
func TestRotationLeavesOtherEntriesOfTheJournal(t *testing.T) {
	b, s := newStore(t, 84)
	b.write(s, "a", "b")
	others := map[string][]byte{string(envelope.UsesKey("st")): {1}, "clock": {9, 9}, "\x00": {}, "rotatioo": {1}}
	for key, value := range others {
		b.disks["db"].tables[Journal][key] = value
	}
	r := b.rotator(s.Vault)
	r.must(func(t *task) error { return r.rotate(t, "secret", nil) })
	r.must(func(t *task) error { return r.finish(t, "secret", Verify) })
	for key, value := range others {
		if !bytes.Equal(b.disks["db"].tables[Journal][key], value) {
			t.Errorf("the entry %q is %v", key, b.disks["db"].tables[Journal][key])
		}
	}
	if n := len(b.disks["db"].tables[Journal]); n != len(others) {
		t.Errorf("the journal has %d entries, want %d", n, len(others))
	}
	b.has(s, "a", "b")
}
