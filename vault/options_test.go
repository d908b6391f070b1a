package vault

import (
	"strings"
	"testing"

	"idbvault/envelope"
)

func TestIterationBounds(t *testing.T) {
	for _, c := range []struct {
		name       string
		random     bool
		iterations uint32
		asked      uint32 // of PBKDF2; 0 where the option is refused
	}{
		{"default for a passphrase", false, 0, 600_000},
		{"default for random bytes", true, 0, 600_000},
		{"least for a passphrase", false, 600_000, 600_000},
		{"fewer for a passphrase", false, 599_999, 0},
		{"1 for a passphrase", false, 1, 0},
		{"least for random bytes", true, 100_000, 100_000},
		{"fewer for random bytes", true, 99_999, 0},
		{"most", false, 10_000_000, 10_000_000},
		{"more", false, 10_000_001, 0},
		{"more for random bytes", true, 10_000_001, 0},
		{"2^32 - 1", false, 1<<32 - 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newWorld(t, 1).tab()
			o := withSecret("secret")
			o.RandomSecret, o.Iterations = c.random, c.iterations
			_, err := b.tryOpen("db", o)
			if c.asked == 0 {
				fails(t, c.name, err, ErrInvalid)
				if len(b.derived) != 0 || b.disks["db"] != nil {
					t.Error("work was begun")
				}
				return
			}
			if err != nil || b.derived[0] != c.asked {
				t.Errorf("%d iterations, %v, want %d", b.derived, err, c.asked)
			}
		})
	}
}

// The slot is not authenticated before it was used, so its iterations are bounded first: a thief's billion would hang
// the page, and a thief's one would be a test of the secret that costs nothing.
func TestStoredIterationBounds(t *testing.T) {
	for _, c := range []struct {
		name    string
		n       uint32
		derived int
	}{
		{"0", 0, 0},
		{"1", 1, 0},
		{"99,999", 99_999, 0},
		{"100,000", 100_000, 1},
		{"10,000,000", 10_000_000, 1},
		{"10,000,001", 10_000_001, 0},
		{"2^32 - 1", 1<<32 - 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 2)
			w.tab().open("db", withSecret("secret"))
			ring, mac, _ := envelope.ParseKeyring(w.disks["db"].keyring())
			ring.Slots[0].Iterations = c.n
			w.disks["db"].setKeyring(append(ring.Encode(), mac...))
			b := w.tab()
			_, err := b.tryOpen("db", withSecret("secret"))
			want := ErrIntegrity
			if c.derived == 1 {
				want = ErrWrongSecret
			}
			fails(t, c.name, err, want)
			if len(b.derived) != c.derived {
				t.Errorf("%d derivations, want %d", len(b.derived), c.derived)
			}
		})
	}
}

func TestNamesMode(t *testing.T) {
	for _, c := range []struct {
		name        string
		made, asked Names
		ok          bool
	}{
		{"hidden by default, asked as made", NamesAsMade, NamesAsMade, true},
		{"hidden by default, asked hidden", NamesAsMade, NamesHidden, true},
		{"hidden by default, asked clear", NamesAsMade, NamesClear, false},
		{"hidden, asked clear", NamesHidden, NamesClear, false},
		{"clear, asked clear", NamesClear, NamesClear, true},
		{"clear, asked as made", NamesClear, NamesAsMade, true},
		{"clear, asked hidden", NamesClear, NamesHidden, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 3)
			o := withSecret("secret")
			o.Names = c.made
			b := w.tab()
			b.open("db", o)
			o.Names = c.asked
			for _, b := range []*tab{b, w.tab()} { // on the same page, and after a reload
				_, err := b.tryOpen("db", o)
				if c.ok && err != nil {
					t.Error(err)
				} else if !c.ok {
					fails(t, "open", err, ErrInvalid)
				}
			}
			if _, err := w.tab().tryOpen("db", Options{}); !c.ok {
				fails(t, "joining what was refused", err, ErrNoSecret)
			}
		})
	}
}

func TestPlaceNames(t *testing.T) {
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"", false},
		{"a\x00b", false},
		{strings.Repeat("n", 256), false},
		{strings.Repeat("n", 255), true},
		{"größe", true},
	} {
		b := newWorld(t, 4).tab()
		_, err := b.tryOpen(c.name, withSecret("secret"))
		_, storeErr := b.open("db", withSecret("secret")).Store(c.name, StoreOptions{})
		if c.ok {
			if err != nil || storeErr != nil {
				t.Errorf("%.10q: %v, %v", c.name, err, storeErr)
			}
			continue
		}
		fails(t, "database", err, ErrInvalid)
		fails(t, "store", storeErr, ErrInvalid)
		fails(t, "destroying", b.do(func(t *task) error { return b.vaults.Destroy(t, c.name) }), ErrInvalid)
	}
}

// The weakest way into a vault bounds what it may hold.
func TestWeak(t *testing.T) {
	for _, c := range []struct {
		name       string
		iterations uint32
		may        []envelope.Class
	}{
		{"100,000", 100_000, []envelope.Class{envelope.Public, envelope.Internal}},
		{"149,999", 149_999, []envelope.Class{envelope.Public, envelope.Internal}},
		{"150,000", 150_000, []envelope.Class{envelope.Public, envelope.Internal, envelope.Confidential, envelope.PII}},
		{"249,999", 249_999, []envelope.Class{envelope.Public, envelope.Internal, envelope.Confidential, envelope.PII}},
		{"250,000", 250_000, envelope.Classes[:]},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newWorld(t, 5).tab()
			o := withSecret("secret")
			o.RandomSecret, o.Iterations = true, c.iterations
			s := b.store("db", "st", o)
			for _, class := range envelope.Classes {
				may := false
				for _, x := range c.may {
					may = may || x == class
				}
				it := text("name", "value")
				it.Class = class
				err := b.do(func(t *task) error { return set(t, s, it) })
				updated := b.do(func(t *task) error {
					return s.Update(t, "other", func(Value) (Change, error) { it.Name = "other"; return Change{Item: it}, nil })
				})
				if may {
					if err != nil || updated != nil {
						t.Errorf("%v: %v, %v", class, err, updated)
					}
					continue
				}
				fails(t, class.String(), err, ErrWeak)
				fails(t, class.String()+" by update", updated, ErrWeak)
			}
		})
	}
	// A second slot that is weaker counts, whichever one was opened.
	b, s := newStore(t, 6)
	s.ring.Slots = append(s.ring.Slots, envelope.Slot{ID: 2, Kind: envelope.SecretSlot, Iterations: 200_000})
	fails(t, "a weaker second slot", b.do(func(t *task) error { return set(t, s, text("name", "value")) }), ErrWeak)
}

func TestArguments(t *testing.T) {
	b, s := newStore(t, 7)
	item := func(change func(it *Item)) Item {
		it := text("name", "value")
		change(&it)
		return it
	}
	for _, c := range []struct {
		name string
		item Item
		want *Error
	}{
		{"no name", item(func(it *Item) { it.Name = "" }), ErrInvalid},
		{"name of 1025 bytes", item(func(it *Item) { it.Name = strings.Repeat("n", 1025) }), ErrInvalid},
		{"name of 1024 bytes", item(func(it *Item) { it.Name = strings.Repeat("n", 1024) }), nil},
		{"class 0", item(func(it *Item) { it.Class = 0 }), ErrInvalid},
		{"class 6", item(func(it *Item) { it.Class = 6 }), ErrInvalid},
		{"type of 256 bytes", item(func(it *Item) { it.ContentType = strings.Repeat("t", 256) }), ErrInvalid},
		{"type of 255 bytes", item(func(it *Item) { it.Kind, it.ContentType = envelope.File, strings.Repeat("t", 255) }), nil},
		{"context of 65,537 bytes", item(func(it *Item) { it.Context = make([]byte, 65_537) }), ErrInvalid},
		{"context of 65,536 bytes", item(func(it *Item) { it.Context = make([]byte, 65_536) }), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(b.disks["db"].tables[Records])
			err := b.do(func(t *task) error { return set(t, s, text("beside", "it"), c.item) })
			if c.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				b.wants(s, c.item.Name, "value")
				return
			}
			fails(t, c.name, err, c.want)
			if len(b.disks["db"].tables[Records]) != before {
				t.Error("something was written")
			}
		})
	}
	for _, name := range []string{"", strings.Repeat("n", 1025)} {
		_, err := b.tryGet(s, name)
		fails(t, "get", err, ErrInvalid)
		fails(t, "exists", b.do(func(t *task) error { _, err := s.Exists(t, name); return err }), ErrInvalid)
		fails(t, "delete", b.do(func(t *task) error { return s.Delete(t, []string{name}) }), ErrInvalid)
		fails(t, "update", b.do(func(t *task) error {
			return s.Update(t, name, func(Value) (Change, error) { return Change{Delete: true}, nil })
		}), ErrInvalid)
	}
}
