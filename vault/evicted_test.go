package vault

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// gone takes what was evicted, as store and name, and fails the test where it is not this, in whatever order.
func (b *tab) gone(s *Store, want ...string) {
	b.t.Helper()
	var got []string
	for _, n := range s.TakeEvicted() {
		got = append(got, n.Store+" "+n.Name)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		b.t.Errorf("evicted were %q, want %q", got, want)
	}
}

// A page that never met the names tells them all the same, each once.
func TestEvictionTellsNames(t *testing.T) {
	for _, names := range []Names{NamesHidden, NamesClear} {
		w := newWorld(t, 77)
		o := withSecret("secret")
		o.Names = names
		before := w.tab()
		v := before.open("db", o)
		for _, store := range []string{"st", "other"} {
			s, _ := v.Store(store, StoreOptions{})
			before.write(s, "a", "b", "c")
			before.now++
			before.set(s, text("large", large("x")))
		}
		before.end()
		b := w.tab()
		s := b.bounded(b.store("db", "st", withSecret("secret")), Evict{Policy: Oldest, MaxBytes: 1050})
		other := b.bounded(b.store("db", "other", withSecret("secret")), Evict{Policy: Oldest, MaxBytes: 70_000})
		b.gone(s)
		b.write(s, "d")
		b.write(other, "large")
		b.gone(s, "st a", "st b", "st c", "st large")
		b.write(other, "d")
		b.set(other, text("huge", strings.Repeat("v", 69_800)))
		b.gone(s, "other a", "other b", "other c", "other d", "other large")
		b.gone(s)
		if told := b.told[len(b.told)-1]; told != "db records-evicted 5" {
			t.Errorf("the page was told %q", told)
		}
	}
}

// What does not open goes as well, without a name; so does what is too much to remember. A lock forgets them all.
func TestEvictionOfWhatHasNoName(t *testing.T) {
	b, s := newStore(t, 78)
	b.write(s, "a", "b", "c")
	stored := b.disks["db"].tables[Records][b.recordKey(s, "b")]
	stored[len(stored)-1] ^= 1
	bounded := b.bounded(s, Evict{Policy: Oldest, MaxBytes: minRoom})
	b.now++
	b.set(bounded, text("large", strings.Repeat("v", 900)))
	b.gone(s, "st ", "st a", "st c")

	for i := range maxUntold + 2 {
		s.untold.add(fmt.Sprint("k", i))
	}
	if all := s.TakeEvicted(); len(all) != maxUntold+1 || all[maxUntold] != (Name{"st", ""}) {
		t.Errorf("%d names were told, the last %v", len(all), all[len(all)-1])
	}
	s.untold.add("k")
	b.vaults.Lock("db")
	b.gone(s)
}

func TestEvictionLeavesWhatWasRewritten(t *testing.T) {
	w := newWorld(t, 67)
	b, other := w.tab(), w.tab()
	s := b.bounded(b.store("db", "st", withSecret("secret")), Evict{Policy: Oldest, MaxBytes: 1050})
	theirs := other.store("db", "st", withSecret("secret"))
	for i := range 10 {
		b.write(s, fmt.Sprint("k", i))
	}
	// The message has not come yet.
	other.write(theirs, "k0")
	b.write(s, "new")
	b.has(s, "k0", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "new")
	b.gone(s, "st k1")
}

func TestEvictionDropsWhatIsCached(t *testing.T) {
	b, s := newStore(t, 68)
	s, err := s.Vault.Store("st", StoreOptions{CacheBytes: 1 << 20, Evict: Evict{Policy: Oldest, MaxBytes: 1050}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		b.write(s, fmt.Sprint("k", i))
	}
	b.read(s, "k0", "k1")
	b.write(s, "new")
	b.wants(s, "k0", "")
	if n := len(s.cache.values); n != 1 {
		t.Errorf("%d values are cached, want that of k1", n)
	}
}
