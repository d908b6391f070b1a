package vault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"idbvault/envelope"
)

// A large value takes longer to seal and, where its bytes are a Blob's, longer to load. Whatever ends first, the write
// that was asked for last stays.
func TestLastAskedStays(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []string
	}{
		{"large, then small", []string{large("1"), "2"}},
		{"small, then large", []string{"1", large("2")}},
		{"large, small, large, small", []string{large("1"), "2", large("3"), "4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(100) {
				b, s := newStore(t, seed)
				for _, value := range c.values {
					for range b.rand.IntN(12) {
						b.step()
					}
					b.start(func(t *task) {
						err := s.Set(t, []Item{text("name", value)}, func() error {
							for range len(value) / 20_000 { // as long as a large Blob takes to load
								t.linger()
							}
							return nil
						})
						if err != nil {
							b.t.Error(err)
						}
					})
				}
				b.run()
				b.wants(s, "name", c.values[len(c.values)-1])
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

// Operations that are asked for one after the other and not awaited see what they would see one by one. The model is a
// map that each operation is applied to when it is asked for.
func TestOrder(t *testing.T) {
	names := []string{"a", "b", "c"}
	for seed := range seeds(150) {
		b, first := newStore(t, seed)
		second := b.store("db", "st", Options{}) // another caller of the same store
		if seed%2 == 1 {
			first, second = b.cached("st", 1<<20), b.cached("st", 20_000)
		}
		other := b.store("db", "other", Options{})
		b.set(other, text("a", "not touched"))
		model := map[string]string{}
		wrong := func(format string, arguments ...any) {
			b.t.Errorf("seed %d: "+format, append([]any{seed}, arguments...)...)
		}
		for step := range 25 {
			s := first
			if b.rand.IntN(2) == 0 {
				s = second
			}
			name := names[b.rand.IntN(len(names))]
			value := fmt.Sprintf("%d of %s", step, name)
			if b.rand.IntN(3) == 0 {
				value = large(value)
			}
			had := model[name]
			size := len(model)
			for range b.rand.IntN(12) { // some of what was asked for before has ended by now
				b.step()
			}
			listed := strings.Join(keysOf(model), " ")
			switch b.rand.IntN(12) {
			case 0, 1, 2:
				model[name] = value
				b.start(func(t *task) {
					if err := set(t, s, text(name, value)); err != nil {
						wrong("set: %v", err)
					}
				})
			case 3:
				for _, n := range names {
					model[n] = value
				}
				b.start(func(t *task) {
					if err := set(t, s, text("c", value), text("a", value), text("b", value)); err != nil {
						wrong("set of all: %v", err)
					}
				})
			case 4:
				delete(model, name)
				b.start(func(t *task) {
					if err := s.Delete(t, []string{name}); err != nil {
						wrong("delete: %v", err)
					}
				})
			case 5:
				clear(model)
				b.start(func(t *task) {
					if err := s.Clear(t); err != nil {
						wrong("clear: %v", err)
					}
				})
			case 6:
				b.start(func(t *task) {
					if got, err := s.Count(t); err != nil || got != size {
						wrong("step %d: Count is %d, %v, want %d", step, got, err, size)
					}
				})
			case 7:
				b.start(func(t *task) {
					if got, err := s.Names(t, "", 0); err != nil || strings.Join(slices.Sorted(slices.Values(got)), " ") != listed {
						wrong("step %d: Names is %q, %v, want %q", step, got, err, listed)
					}
				})
			case 8:
				b.start(func(t *task) {
					if got, err := get(t, s, name); err != nil || got != had {
						wrong("step %d: %q is %.20q, %v, want %.20q", step, name, got, err, had)
					}
				})
			case 9:
				b.start(func(t *task) {
					if got, err := s.Exists(t, name); err != nil || got != (had != "") {
						wrong("step %d: %q exists is %v, %v", step, name, got, err)
					}
				})
			case 10:
				model["a"], model["b"] = value, "of the same turn"
				b.start(func(t *task) {
					if err := errors.Join(s.SetEach(t, []Item{text("a", value), text("b", "of the same turn")})...); err != nil {
						wrong("set of each: %v", err)
					}
				})
			case 11:
				want := []string{model["a"], model["c"]}
				b.start(func(t *task) {
					values, errs := s.GetEach(t, []string{"a", "c"})
					for i, v := range values {
						got := ""
						if v.Found {
							got = string(v.Data.([]byte)[v.Offset:])
						}
						if errs[i] != nil || got != want[i] {
							wrong("step %d: of each, %d is %.20q, %v, want %.20q", step, i, got, errs[i], want[i])
						}
					}
				})
			}
		}
		b.run()
		for _, name := range names {
			b.wants(first, name, model[name])
		}
		b.wants(other, "a", "not touched")
		b.noLeftOvers(first)
		if len(first.order.last) != 0 || first.order.fence != nil {
			wrong("%d names and fence %v are held", len(first.order.last), first.order.fence)
		}
		if t.Failed() {
			return
		}
	}
}

// noLeftOvers fails the test where a value lies in `chunks` that no head points at.
func (b *tab) noLeftOvers(s *Store) {
	b.t.Helper()
	d := b.disks[s.database]
	for key := range d.tables[Chunks] {
		store, name, id, err := envelope.ParseChunkKey([]byte(key))
		if err != nil {
			b.t.Fatal(err)
		}
		h, err := envelope.ParseHeader(d.tables[Records][string(envelope.RecordKey(store, name))])
		if err != nil || id == nil && h.Layout != envelope.Split || id != nil && (h.Layout != envelope.Chunked || h.ChunkID() != *id) {
			b.t.Errorf("a value of %d bytes is left over (%v)", len(d.tables[Chunks][key]), err)
		}
	}
}

// An operation that fails lets go of its turn, and those behind it go on.
func TestTurnAfterFailure(t *testing.T) {
	for seed := range uint64(20) {
		b, s := newStore(t, seed)
		failing := 2
		b.disks["db"].refuse = func(batch *Batch) error {
			if len(batch.Writes) > 0 && batch.Writes[0].Table == Keyrings || failing == 0 {
				return nil
			}
			failing--
			return ErrQuota
		}
		thrown := errors.New("the Blob is gone")
		b.start(func(t *task) {
			if err := s.Set(t, []Item{text("name", "1")}, func() error { t.linger(); return thrown }); err != thrown {
				b.t.Errorf("got %v, want the error of load", err)
			}
		})
		b.start(func(t *task) { fails(b.t, "a write on a full disk", set(t, s, text("name", "2")), ErrQuota) })
		b.start(func(t *task) { fails(b.t, "clearing it", s.Clear(t), ErrQuota) })
		b.start(func(t *task) {
			if err := set(t, s, text("name", "3")); err != nil {
				b.t.Error(err)
			}
		})
		b.run()
		b.wants(s, "name", "3")
		if len(s.order.last) != 0 || s.order.fence != nil {
			t.Errorf("%d names and fence %v are held", len(s.order.last), s.order.fence)
		}
	}
}
