package vault

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"idbvault/envelope"
)

func (b *tab) names(s *Store, prefix string, class envelope.Class) (names []string) {
	b.t.Helper()
	err := b.do(func(t *task) (err error) {
		names, err = s.Names(t, prefix, class)
		return err
	})
	if err != nil {
		b.t.Error(err)
	}
	return names
}

func TestNames(t *testing.T) {
	for _, mode := range []Names{NamesHidden, NamesClear} {
		b := newWorld(t, 1).tab()
		o := withSecret("secret")
		o.Names = mode
		s := b.store("db", "st", o)
		items := []Item{text("patient:1", "x"), text("patient:2", large("x")), text("patient", "x"), text("pa", "x"), text("é:1", "x"), text("é", "x"), text("\U0010ffff", "x")}
		for i := range items[:3] {
			items[i].Class = envelope.PII
		}
		b.set(s, items...)
		// Names of stores that sort before, behind and between must not show.
		for _, other := range []string{"ss", "su", "s", "stt", "t"} {
			b.set(b.store("db", other, Options{}), text("patient:9", "x"))
		}
		for _, c := range []struct {
			name, prefix string
			class        envelope.Class
			want         []string
		}{
			{"all", "", 0, []string{"pa", "patient", "patient:1", "patient:2", "é", "é:1", "\U0010ffff"}},
			{"prefix", "patient", 0, []string{"patient", "patient:1", "patient:2"}},
			{"longer prefix", "patient:", 0, []string{"patient:1", "patient:2"}},
			{"prefix not ASCII", "é", 0, []string{"é", "é:1"}},
			{"prefix that ends in the last code point", "\U0010ffff", 0, []string{"\U0010ffff"}},
			{"prefix longer than any name", "patient:10", 0, nil},
			{"class", "", envelope.PII, []string{"patient", "patient:1", "patient:2"}},
			{"another class", "", envelope.PHI, []string{"pa", "é", "é:1", "\U0010ffff"}},
			{"class of none", "", envelope.Public, nil},
			{"class and prefix", "patient:", envelope.PII, []string{"patient:1", "patient:2"}},
			{"class and prefix of none", "patient:", envelope.PHI, nil},
		} {
			t.Run(fmt.Sprintf("%s/mode %d", c.name, mode), func(t *testing.T) {
				got := b.names(s, c.prefix, c.class)
				if mode == NamesClear && !slices.IsSorted(got) {
					t.Errorf("clear names are not ascending: %q", got)
				}
				if slices.Sort(got); !slices.Equal(got, c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
			})
		}
	}
}

// More names than one transaction reads.
func TestManyNames(t *testing.T) {
	for _, mode := range []Names{NamesHidden, NamesClear} {
		for _, n := range []int{scanPage - 1, scanPage, scanPage + 1, 2*scanPage + 100} {
			t.Run(fmt.Sprintf("%d/mode %d", n, mode), func(t *testing.T) {
				b := newWorld(t, 2).tab()
				o := withSecret("secret")
				o.Names = mode
				s := b.store("db", "st", o)
				items := make([]Item, n)
				want := make([]string, n)
				for i := range items {
					want[i] = fmt.Sprintf("name %04d", i)
					items[i] = text(want[i], "x")
				}
				b.set(s, items...)
				b.set(b.store("db", "su", Options{}), text("of another store", "x"))
				for _, class := range []envelope.Class{0, envelope.PHI} {
					got := b.names(s, "", class)
					if slices.Sort(got); !slices.Equal(got, want) {
						t.Errorf("class %d: got %d names, want %d", class, len(got), n)
					}
				}
				if got := b.names(s, "name 00", 0); len(got) != 100 {
					t.Errorf("%d names begin with it, want 100", len(got))
				}
				count := 0
				err := b.do(func(t *task) (err error) {
					count, err = s.Count(t)
					return err
				})
				if err != nil || count != n {
					t.Errorf("Count is %d, %v, want %d", count, err, n)
				}
			})
		}
	}
}

// In a vault that hides names, no part of one is on the disk.
func TestHiddenNames(t *testing.T) {
	b, s := newStore(t, 3)
	it := text("patient:P12345", "blood group A")
	it.Kind, it.ContentType, it.Context = envelope.File, "image/x-rare", []byte(`{"ward":"7b"}`)
	big := it
	big.Name, big.Value, big.Size = "patient:P54321", []byte(large("blood group B")), len(large("blood group B"))
	b.set(s, it, big)
	for table, entries := range b.disks["db"].snapshot() {
		for key, value := range entries {
			for _, word := range []string{"patient", "P12345", "P54321", "blood", "image", "rare", "ward", "7b\"", "secret"} {
				if strings.Contains(key, word) || strings.Contains(string(value), word) {
					t.Errorf("%q is in an entry of %s", word, Tables[table])
				}
			}
		}
	}
	// The same name is stored as another in another store and in another vault.
	stored := []string{
		string(b.storedName(s, "n")),
		string(b.storedName(b.store("db", "other", Options{}), "n")),
		string(b.storedName(b.store("other", "st", withSecret("secret")), "n")),
		string(b.storedName(s, "m")),
	}
	for i, name := range stored {
		if len(name) != 32 || slices.Contains(stored[:i], name) {
			t.Errorf("name %d is stored as %x", i, name)
		}
	}
}

// Names are listed from what was authenticated.
func TestNamesRefused(t *testing.T) {
	b, s := newStore(t, 4)
	b.set(s, text("a", "1"), text("b", large("2")), text("c", "3"))
	d := b.disks["db"]
	before := d.snapshot()
	for _, c := range []struct {
		name   string
		change func(records map[string][]byte)
		want   *Error
	}{
		{"two records exchanged", func(r map[string][]byte) {
			x, y := b.recordKey(s, "a"), b.recordKey(s, "c")
			r[x], r[y] = r[y], r[x]
		}, ErrIntegrity},
		{"a head changed", func(r map[string][]byte) { r[b.recordKey(s, "b")][60] ^= 1 }, ErrIntegrity},
		{"a class changed", func(r map[string][]byte) { r[b.recordKey(s, "a")][3] = 1 }, ErrIntegrity},
		{"a record of another version", func(r map[string][]byte) { r[b.recordKey(s, "a")][0] = 2 }, ErrVersion},
		{"something that is no record", func(r map[string][]byte) { r["\x02stname"] = []byte("x") }, ErrIntegrity},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.change(d.tables[Records])
			fails(t, "names", b.do(func(t *task) error { _, err := s.Names(t, "", 0); return err }), c.want)
			d.tables = before
			before = d.snapshot()
		})
	}
	if got := b.names(s, "", 0); len(got) != 3 {
		t.Errorf("got %q", got)
	}
}
