package vault

import (
	"fmt"
	"testing"

	"idbvault/envelope"
)

func TestUsage(t *testing.T) {
	for _, names := range []Names{NamesHidden, NamesClear} {
		b := newWorld(t, 71).tab()
		o := withSecret("secret")
		o.Names = names
		v := b.open("db", o)
		s, _ := v.Store("st", StoreOptions{})
		beside, _ := v.Store("sta", StoreOptions{})
		b.set(beside, note("a/1", envelope.PHI))
		b.set(s, note("a/1", envelope.PHI), note("a/2", envelope.Public), note("b/1", envelope.PHI))
		b.set(s, Item{Name: "a/large", Class: envelope.PII, Kind: envelope.Bytes, Value: make([]byte, 70_000), Size: 70_000})
		for _, c := range []struct {
			prefix           string
			public, pii, phi Usage
		}{
			{"", Usage{1, 100}, Usage{1, 56 + 17 + 7 + 16 + 70_000 + 16}, Usage{2, 200}},
			{"a/", Usage{1, 100}, Usage{1, 56 + 17 + 7 + 16 + 70_000 + 16}, Usage{1, 100}},
			{"a/1", Usage{}, Usage{}, Usage{1, 100}},
			{"c", Usage{}, Usage{}, Usage{}},
		} {
			var sum *ClassUsage
			err := b.do(func(t *task) (err error) {
				sum, err = s.Usage(t, c.prefix)
				return err
			})
			want := ClassUsage{envelope.Public: c.public, envelope.PII: c.pii, envelope.PHI: c.phi}
			if err != nil || *sum != want {
				t.Errorf("%q: %v, %v, want %v", c.prefix, sum, err, want)
			}
		}
	}
}

// No more than a page of records is held, however many there are.
func TestUsageHoldsAPage(t *testing.T) {
	b, s := newStore(t, 76)
	items := make([]Item, 3*scanPage)
	for i := range items {
		items[i] = note(fmt.Sprintf("k%04d", i), envelope.Internal)
	}
	b.set(s, items...)
	for _, prefix := range []string{"", "k0"} {
		before := b.released
		err := b.do(func(t *task) error {
			_, err := s.Usage(t, prefix)
			return err
		})
		if n := b.released - before; err != nil || n != 4 {
			t.Errorf("%q: the call let go of what it held %d times, %v, want 4", prefix, n, err)
		}
	}
}
