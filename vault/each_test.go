package vault

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"idbvault/envelope"
)

// What calls of one turn may meet together: each of them succeeds or fails by itself.
func TestSetEach(t *testing.T) {
	b, s := newStore(t, 1)
	bad, long := text("bad", "x"), text(strings.Repeat("x", envelope.MaxName+1), "x")
	bad.Class = 99
	var errs []error
	b.events = nil
	_ = b.do(func(t *task) error {
		errs = s.SetEach(t, []Item{text("a", "1"), bad, text("b", large("2")), long, text("a", "3")})
		return nil
	})
	for i, want := range []*Error{nil, ErrInvalid, nil, ErrInvalid, nil} {
		if want == nil && errs[i] != nil || want != nil && !errors.Is(errs[i], want) {
			t.Errorf("item %d: got %v, want %v", i, errs[i], want)
		}
	}
	b.wants(s, "a", "3") // of two the later one
	b.wants(s, "b", large("2"))
	b.wants(s, "bad", "")
	if n := strings.Count(strings.Join(b.events, "\n"), "write records"); n != 3 {
		t.Errorf("%d writes, want one for each: %q", n, b.events)
	}
	_ = b.do(func(t *task) error {
		errs = s.SetEach(t, []Item{bad})
		return nil
	})
	fails(t, "a bad one alone", errs[0], ErrInvalid)
}

// When the shared transaction fails, each write is tried again alone.
func TestSetEachIsTriedAgainSingly(t *testing.T) {
	b, s := newStore(t, 2)
	b.set(s, text("kept", "old"))
	commits := 0
	b.disks["db"].refuse = func(batch *Batch) error {
		commits++
		for _, w := range batch.Writes {
			if w.Table == Chunks && w.Value != nil {
				return ErrQuota // the disk has room for small values only
			}
		}
		return nil
	}
	var errs []error
	_ = b.do(func(t *task) error {
		errs = s.SetEach(t, []Item{text("a", "1"), text("kept", large("2")), text("c", "3")})
		return nil
	})
	if errs[0] != nil || errs[2] != nil || commits != 4 {
		t.Errorf("got %v in %d commits", errs, commits)
	}
	fails(t, "the large one", errs[1], ErrQuota)
	b.wants(s, "a", "1")
	b.wants(s, "kept", "old")
	b.wants(s, "c", "3")
}

// When sealing fails, what the page noted of the layout did not come about: the old value is not left over by the next write.
func TestSealFails(t *testing.T) {
	b, s := newStore(t, 5)
	b.set(s, text("n", large("old")))
	b.sealErr = ErrStorage
	fails(t, "set", b.do(func(t *task) error { return set(t, s, text("n", "new")) }), ErrStorage)
	b.sealErr = nil
	b.set(s, text("n", "newer"))
	b.noLeftOvers(s)
	b.wants(s, "n", "newer")
}

// A call that is made while a shared write is tried again comes after it.
func TestOrderHoldsWhileTriedAgain(t *testing.T) {
	for seed := range uint64(60) {
		b, s := newStore(t, seed)
		first := true
		b.disks["db"].refuse = func(*Batch) error {
			if first {
				first = false
				return ErrQuota
			}
			return nil
		}
		b.start(func(t *task) {
			for i, err := range s.SetEach(t, []Item{text("a", "1"), text("b", "1")}) {
				if err != nil {
					b.t.Errorf("seed %d, item %d: %v", seed, i, err)
				}
			}
		})
		for range b.rand.IntN(20) {
			b.step()
		}
		b.start(func(t *task) {
			if err := set(t, s, text("a", "2")); err != nil {
				b.t.Error(err)
			}
		})
		b.run()
		b.wants(s, "a", "2")
		b.wants(s, "b", "1")
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestGetEach(t *testing.T) {
	b, s := newStore(t, 3)
	b.set(s, text("a", "1"), text("broken", "2"), text("large", large("3")))
	tables := &b.disks["db"].tables[Records]
	key := b.recordKey(s, "broken")
	altered := []byte(string((*tables)[key]))
	altered[len(altered)-1] ^= 1
	(*tables)[key] = altered
	long := strings.Repeat("x", envelope.MaxName+1)
	names := []string{"a", "broken", "none", long, "large", "a"}
	_ = b.do(func(t *task) error {
		values, errs := s.GetEach(t, names)
		for i, want := range []string{"1", "ERR_INTEGRITY", "", "ERR_INVALID", large("3"), "1"} {
			got := ""
			var e *Error
			if errors.As(errs[i], &e) {
				got = e.Code
			} else if values[i].Found {
				got = string(values[i].Data.([]byte)[values[i].Offset:])
			}
			if got != want {
				b.t.Errorf("%.20q: got %.20q, want %.20q", names[i], got, want)
			}
		}
		return nil
	})
	b.end()
	_ = b.do(func(t *task) error {
		s.gone = true
		_, errs := s.GetEach(t, []string{"a", "none"})
		for i := range errs {
			fails(b.t, "a lost vault", errs[i], ErrClosed)
		}
		return nil
	})
}

// A read that has to look again for a value that lies apart, and one that is made at once, see one state of the record.
func TestValueApartIsOfOneState(t *testing.T) {
	for seed := range seeds(120) {
		w := newWorld(t, seed)
		writer, reader := w.tab(), w.tab()
		to, from := writer.store("db", "st", withSecret("secret")), reader.store("db", "st", withSecret("secret"))
		writer.set(to, text("n", large("0")))
		for i := range 6 {
			value := fmt.Sprint(i + 1)
			if w.rand.IntN(2) == 0 {
				value = large(value)
			}
			w.start(func(t *task) {
				if err := set(t, to, text("n", value)); err != nil {
					w.t.Error(err)
				}
			})
			w.start(func(t *task) {
				if got, err := get(t, from, "n"); err != nil || got == "" {
					w.t.Errorf("seed %d: read %.10q, %v", seed, got, err)
				}
			})
			for range w.rand.IntN(15) {
				w.step()
			}
		}
		w.run()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// Names that were met are not hidden again; they are bounded, and forgotten with the vault.
func TestKnownNames(t *testing.T) {
	b, s := newStore(t, 4)
	macs := func(f func(t *task) error) int {
		before := b.macs
		if err := b.do(f); err != nil {
			t.Fatal(err)
		}
		return b.macs - before
	}
	b.set(s, text("a", "1"))
	if n := macs(func(t *task) error { _, err := get(t, s, "a"); return err }); n != 0 {
		t.Errorf("%d HMACs for a name that was met", n)
	}
	if n := macs(func(t *task) error { _, err := s.Get(t, []string{"a", "b", "c"}, false); return err }); n != 2 {
		t.Errorf("%d HMACs for two new names", n)
	}
	many := make([]string, maxKnownNames)
	for i := range many {
		many[i] = fmt.Sprint("many ", i)
	}
	_ = macs(func(t *task) error { _, err := s.Get(t, many, true); return err })
	if len(s.names) > maxKnownNames {
		t.Errorf("%d names are remembered", len(s.names))
	}
	b.wants(s, "a", "1")
	again := b.crash()
	s = again.store("db", "st", Options{})
	if len(s.names) != 0 {
		t.Error("names outlive the vault")
	}
}

// A read that has to look again keeps its turn until then: what this page writes later, it does not see.
func TestSecondLookKeepsItsTurn(t *testing.T) {
	for seed := range uint64(60) {
		w := newWorld(t, seed)
		writer, reader := w.tab(), w.tab()
		writer.set(writer.store("db", "st", withSecret("secret")), text("n", large("old")))
		s := reader.store("db", "st", withSecret("secret"))
		reader.set(s, text("other", "so that the write has its lease"))
		s.large = largeNames{whole: true, unsure: map[string]bool{"n": true}} // as it is before another tab is heard
		w.start(func(t *task) {
			if got, err := get(t, s, "n"); err != nil || got != large("old") {
				w.t.Errorf("seed %d: read %.10q, %v", seed, got, err)
			}
		})
		for range w.rand.IntN(12) {
			w.step()
		}
		w.start(func(t *task) {
			if err := set(t, s, text("n", "new")); err != nil {
				w.t.Error(err)
			}
		})
		w.run()
		reader.wants(s, "n", "new")
	}
}
