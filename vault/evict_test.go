package vault

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"idbvault/envelope"
)

// bounded is another caller of a store, who lets records be evicted.
func (b *tab) bounded(s *Store, e Evict) *Store {
	b.t.Helper()
	bounded, err := s.Vault.Store(s.name, StoreOptions{Evict: e})
	if err != nil {
		b.t.Fatal(err)
	}
	return bounded
}

// note is a record of that class whose entry has 100 bytes: header 36, head 17 and the name, the value, tag 16.
func note(name string, class envelope.Class) Item {
	value := strings.Repeat("v", 100-36-17-len(name)-16)
	return Item{Name: name, Class: class, Kind: envelope.Text, Value: []byte(value), Size: len(value)}
}

// write writes notes of class INTERNAL, a second apart.
func (b *tab) write(s *Store, names ...string) {
	b.t.Helper()
	for _, name := range names {
		b.now++
		b.set(s, note(name, envelope.Internal))
	}
}

// read reads records, a second apart.
func (b *tab) read(s *Store, names ...string) {
	b.t.Helper()
	for _, name := range names {
		b.now++
		if got, err := b.tryGet(s, name); got == "" || err != nil {
			b.t.Fatalf("reading %q: %q, %v", name, got, err)
		}
	}
}

// has fails the test where the store has other records than these.
func (b *tab) has(s *Store, names ...string) {
	b.t.Helper()
	var got []string
	err := b.do(func(t *task) (err error) {
		got, err = s.Names(t, "", 0)
		return err
	})
	slices.Sort(got)
	if err != nil || !slices.Equal(got, names) {
		b.t.Errorf("the store has %q, %v, want %q", got, err, names)
	}
}

// stored is how many bytes a disk's records and large values have.
func (d *disk) stored() (n int) {
	for _, table := range []Table{Records, Chunks} {
		for _, value := range d.tables[table] {
			n += len(value)
		}
	}
	return n
}

func TestEvictionOrder(t *testing.T) {
	for _, c := range []struct {
		policy Choice
		kept   []string
	}{
		{Oldest, []string{"c", "d", "e"}},
		{LeastUsed, []string{"a", "d", "e"}},
	} {
		b, s := newStore(t, 61)
		s = b.bounded(s, Evict{Policy: c.policy, MaxBytes: 300 + minRoom})
		b.set(s, Item{Name: "p", Class: envelope.PHI, Kind: envelope.Bytes, Value: make([]byte, minRoom-70), Size: minRoom - 70})
		b.read(s, "p")
		s = b.bounded(s, Evict{Policy: c.policy, MaxBytes: 300 + minRoom, Protect: 1 << envelope.PHI})
		b.write(s, "a", "b", "c")
		b.has(s, "a", "b", "c", "p")
		b.read(s, "a")
		b.write(s, "d", "e")
		b.has(s, append(c.kept, "p")...)
	}
}

// What was used since the victims were looked for does not go, and of those that were used, the one whose use is the longest ago.
func TestEvictionOfWhatWasUsed(t *testing.T) {
	b, s := newStore(t, 74)
	oldest := b.bounded(s, Evict{Policy: Oldest, MaxBytes: 1050})
	s = b.bounded(s, Evict{Policy: LeastUsed, MaxBytes: 1050})
	for i := range 10 {
		b.write(s, fmt.Sprint("k", i))
	}
	b.write(s, "l0") // k0 goes
	b.read(s, "k1")
	b.write(s, "l1") // k2
	b.has(s, "k1", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "l0", "l1")
	b.read(s, "k9", "k8", "k7", "k6", "k5", "k4", "k3", "l0", "l1", "k1")
	b.write(s, "l2") // k9
	b.write(s, "l3") // k8
	b.has(s, "k1", "k3", "k4", "k5", "k6", "k7", "l0", "l1", "l2", "l3")
	b.write(oldest, "l4") // k1, whenever it was used
	b.has(s, "k3", "k4", "k5", "k6", "k7", "l0", "l1", "l2", "l3", "l4")
}

// A store may be as large as its bound, and not a byte larger.
func TestEvictionBound(t *testing.T) {
	b, s := newStore(t, 62)
	exact := b.bounded(s, Evict{Policy: Oldest, MaxBytes: 1100})
	for i := range 11 {
		b.write(exact, fmt.Sprintf("k%02d", i))
	}
	b.has(s, "k00", "k01", "k02", "k03", "k04", "k05", "k06", "k07", "k08", "k09", "k10")
	if n := b.disks["db"].stored(); n != 1100 {
		t.Fatalf("the records have %d bytes: a note has not 100", n)
	}
	one := note("k10", envelope.Internal)
	one.Value, one.Size = append(one.Value.([]byte), '+'), one.Size+1
	b.now++
	b.set(exact, one)
	b.has(s, "k01", "k02", "k03", "k04", "k05", "k06", "k07", "k08", "k09", "k10")
	err := b.do(func(t *task) error { return set(t, exact, text("large", large("x"))) })
	fails(t, "a value larger than all", err, ErrQuota)
	b.has(s, "k01", "k02", "k03", "k04", "k05", "k06", "k07", "k08", "k09", "k10")
}

// What is counted stays what is stored, whoever writes.
func TestEvictionCounts(t *testing.T) {
	w := newWorld(t, 63)
	b, other := w.tab(), w.tab()
	plain := b.store("db", "st", withSecret("secret"))
	theirs := other.store("db", "st", withSecret("secret"))
	s := b.bounded(plain, Evict{Policy: Oldest, MaxBytes: 400_000})
	within := b.bounded(plain, Evict{Policy: LeastUsed, MaxBytes: 400_000})
	for i := range 300 {
		w.now++
		name := fmt.Sprint("k", w.rand.IntN(12))
		value := strings.Repeat("v", w.rand.IntN(3000))
		if w.rand.IntN(3) == 0 {
			value = large(value)
		}
		by := s
		switch w.rand.IntN(8) {
		case 0:
			if err := b.do(func(t *task) error { return s.Delete(t, []string{name, "none"}) }); err != nil {
				t.Fatal(err)
			}
			continue
		case 1:
			other.set(theirs, text(name, value))
			plain.Heard(name)
			continue
		case 2:
			by = plain
		case 3:
			by = within
		case 4:
			if i%5 == 0 {
				if err := b.do(s.Clear0); err != nil {
					t.Fatal(err)
				}
			}
		}
		theirs.Heard(name)
		b.set(by, text(name, "first of two"), text(name, value), text(fmt.Sprint("also ", i), ""))
		if by == plain {
			continue
		}
		if n := b.disks["db"].stored(); n > 400_000 || !s.room.counted || n != s.room.bytes {
			t.Fatalf("step %d: %d bytes are stored, %d were counted (%v)", i, n, s.room.bytes, s.room.counted)
		}
	}
}

// Clear0 is Clear as a task takes it.
func (s *Store) Clear0(t *task) error { return s.Clear(t) }

func TestEvictionProtects(t *testing.T) {
	b, s := newStore(t, 64)
	s = b.bounded(s, Evict{Policy: Oldest, MaxBytes: 1300, Protect: 1<<envelope.PHI | 1<<envelope.PII})
	for i := range 6 {
		b.now++
		b.set(s, note(fmt.Sprint("phi", i), envelope.PHI), note(fmt.Sprint("pii", i), envelope.PII))
	}
	b.write(s, "a", "b")
	b.has(s, "b", "phi0", "phi1", "phi2", "phi3", "phi4", "phi5", "pii0", "pii1", "pii2", "pii3", "pii4", "pii5")
	// There is no room for two, whatever goes; so nothing does.
	before := b.disks["db"].snapshot()
	err := b.do(func(t *task) error {
		return set(t, s, note("c", envelope.Public), note("d", envelope.Public))
	})
	fails(t, "more than all that may go", err, ErrQuota)
	err = b.do(func(t *task) error { return set(t, s, text("b", strings.Repeat("v", 200))) })
	fails(t, "a record that takes its own room, and more", err, ErrQuota)
	if !same(before, b.disks["db"].snapshot()) {
		t.Error("a write that was refused changed something")
	}
	lower := b.bounded(s, Evict{Policy: Oldest, MaxBytes: minRoom})
	b.set(lower, note("b", envelope.PHI)) // takes no more than it had
	b.set(lower, text("b", ""))
	b.has(s, "b", "phi0", "phi1", "phi2", "phi3", "phi4", "phi5", "pii0", "pii1", "pii2", "pii3", "pii4", "pii5")
}

// same reports whether the records are.
func same(a, b [len(Tables)]map[string][]byte) bool {
	for _, i := range []Table{Records, Chunks} {
		if !maps.EqualFunc(a[i], b[i], func(x, y []byte) bool { return string(x) == string(y) }) {
			return false
		}
	}
	return true
}

func TestEvictionSparesWhatIsWritten(t *testing.T) {
	b, s := newStore(t, 65)
	s = b.bounded(s, Evict{Policy: Oldest, MaxBytes: 1100})
	var names []string
	for i := range 11 {
		names = append(names, fmt.Sprintf("k%02d", i))
	}
	b.write(s, names...)
	// The oldest two grow, in one call: those behind them go.
	b.now++
	b.set(s, text("k00", strings.Repeat("v", 100)), text("k01", strings.Repeat("v", 100)))
	b.has(s, "k00", "k01", "k04", "k05", "k06", "k07", "k08", "k09", "k10")
	// So it is with those that are known to go next.
	b.now++
	b.set(s, text("k04", strings.Repeat("v", 100)), text("k05", strings.Repeat("v", 100)))
	b.has(s, "k00", "k01", "k04", "k05", "k07", "k08", "k09", "k10")
}

// A write of a storage without the option asks the database for nothing more.
func TestNoEvictionCostsNothing(t *testing.T) {
	b, s := newStore(t, 69)
	b.write(s, "a")
	before, events := b.reads, len(b.events)
	b.write(s, "a", "b")
	if b.reads != before || len(b.events) != events+4 {
		t.Errorf("two writes took %d look-ups and %q", b.reads-before, b.events[events:])
	}
}

// More victims than are kept at a time.
func TestEvictionOfMany(t *testing.T) {
	b, s := newStore(t, 70)
	n := minVictims + 200
	items := make([]Item, n)
	for i := range items {
		items[i] = note(fmt.Sprintf("k%04d", i), envelope.Internal)
	}
	b.set(s, items...)
	s = b.bounded(s, Evict{Policy: Oldest, MaxBytes: n * 100})
	value := make([]byte, 60_000)
	b.now++
	b.set(s, Item{Name: "large", Class: envelope.Internal, Kind: envelope.Bytes, Value: value, Size: len(value)})
	if size := b.disks["db"].stored(); size > n*100 || size < n*100-100 {
		t.Errorf("%d bytes are stored, want close to %d", size, n*100)
	}
	b.write(s, "one more") // from what is left of those that were found
	if size := b.disks["db"].stored(); size > n*100 {
		t.Errorf("%d bytes are stored, want at most %d", size, n*100)
	}
}

// A record that grows does not count among those that make room for it.
func TestEvictionForOneThatGrows(t *testing.T) {
	b, s := newStore(t, 75)
	big := func(size int) Item {
		return Item{Name: "big", Class: envelope.Internal, Kind: envelope.Bytes, Value: make([]byte, size), Size: size}
	}
	b.set(s, big(40_000))
	b.now++
	items := make([]Item, minVictims+200)
	for i := range items {
		items[i] = note(fmt.Sprintf("k%04d", i), envelope.Internal)
	}
	b.set(s, items...)
	s = b.bounded(s, Evict{Policy: Oldest, MaxBytes: b.disks["db"].stored()})
	b.set(s, big(95_000))
}

func TestEvictOptions(t *testing.T) {
	_, s := newStore(t, 72)
	for _, e := range []Evict{{Policy: 3}, {Policy: -1}, {Policy: 1, MaxBytes: 1}, {Policy: 1, MaxBytes: -1 << 20}, {Policy: 2, Protect: 1}, {Policy: 2, Protect: 64}} {
		_, err := s.Vault.Store("st", StoreOptions{Evict: e})
		fails(t, fmt.Sprint(e), err, ErrInvalid)
	}
}
