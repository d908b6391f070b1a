package vault

import (
	"errors"
	"reflect"
	"testing"
	"unsafe"
)

func TestLock(t *testing.T) {
	b, first := newStore(t, 1)
	second := b.cached("other", 1<<20)
	b.set(first, text("name", "value"), text("large", large("1")))
	b.set(second, text("name", "another"))
	b.wants(second, "name", "another")
	if b.vaults.Current(first) != first {
		t.Error("a store that is open is exchanged")
	}
	b.vaults.Lock("db")
	if len(b.kept) != 0 || len(b.held) != 0 || first.names != nil || first.large.stored != nil {
		t.Errorf("%d keys and %d values are kept, names %v", len(b.kept["db"]), len(b.held), first.names)
	}
	found := map[*fakeKey]bool{}
	handles(reflect.ValueOf(b.vaults), map[unsafe.Pointer]bool{}, found)
	if len(found) != 0 {
		t.Errorf("%d handles are reachable", len(found))
	}
	for _, s := range []*Store{first, second, b.vaults.Current(first)} {
		_, err := b.tryGet(s, "name")
		fails(t, "reading", s.Reason(err), ErrLocked)
		fails(t, "writing", s.Reason(b.do(func(t *task) error { return set(t, s, text("name", "new")) })), ErrLocked)
		for _, err := range []error{
			b.do(func(t *task) error { _, err := s.Exists(t, "name"); return err }),
			b.do(func(t *task) error { _, err := s.Names(t, "", 0); return err }),
			b.do(func(t *task) error { _, err := s.Count(t); return err }),
			b.do(func(t *task) error { return s.Delete(t, []string{"name"}) }),
			b.do(func(t *task) error { return s.Clear(t) }),
			b.do(func(t *task) error {
				return s.Update(t, "name", func(Value) (Change, error) { return Change{Delete: true}, nil })
			}),
			b.do(func(t *task) error { return errors.Join(s.SetEach(t, []Item{text("name", "new")})...) }),
			b.do(func(t *task) error { _, errs := s.GetEach(t, []string{"name"}); return errs[0] }),
			b.do(func(t *task) error { _, err := s.Slots(t); return err }),
			b.do(func(t *task) error { return s.ChangeSecret(t, secretKey("secret"), newSecret("another")) }),
		} {
			fails(t, "another call", s.Reason(err), ErrLocked)
		}
	}
	_, err := b.tryOpen("db", Options{})
	fails(t, "opening without the secret", err, ErrNoSecret)
	_, err = b.tryOpen("db", Options{Again: true})
	fails(t, "a storage that was open", err, ErrLocked)
	_, err = b.tryOpen("db", withSecret("wrong"))
	fails(t, "a wrong secret", err, ErrWrongSecret)
	if b.vaults.Current(first) != first {
		t.Error("a wrong secret brought a store back")
	}

	b.open("db", withSecret("secret"))
	again, cached := b.vaults.Current(first), b.vaults.Current(second)
	if again == first || b.vaults.Current(again) != again || cached.cache == nil || cached.cache == second.cache {
		t.Error("the stores do not come back as they were")
	}
	b.wants(again, "name", "value")
	b.wantsHit(cached, "name", "another", false)
	b.wantsHit(cached, "name", "another", true)
	b.set(again, text("large", "small now"))
	b.noLeftOvers(again)

	b.vaults.Lock("db")
	b.vaults.Lock("db")
	b.vaults.Lock("never open")
	if len(b.held) != 0 {
		t.Errorf("%d values are held", len(b.held))
	}
	// What was deleted is not locked.
	v := b.open("db", withSecret("secret"))
	gone, _ := v.Store("st", StoreOptions{})
	if err := b.do(func(t *task) error { return b.vaults.Destroy(t, "db") }); err != nil {
		t.Fatal(err)
	}
	_, err = b.tryGet(gone, "name")
	fails(t, "a deleted vault", gone.Reason(err), ErrClosed)
}

// A call under way takes effect whole or fails whole, for the reason that the vault is locked.
func TestLockUnderWay(t *testing.T) {
	outcomes := map[string]int{}
	for seed := range seeds(200) {
		b, s := newStore(t, seed)
		b.set(s, text("a", "old"), text("b", "old"))
		var writing, reading error
		var read []Value
		b.start(func(t *task) { writing = set(t, s, text("a", "new"), text("b", large("new"))) })
		b.start(func(t *task) { read, reading = s.Get(t, []string{"a", "b"}, false) })
		for range b.rand.IntN(30) {
			b.step()
		}
		b.vaults.Lock("db")
		b.run()
		for _, err := range []error{writing, reading} {
			if err != nil && !errors.Is(s.Reason(err), ErrLocked) {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		if reading == nil && string(read[0].Data.([]byte)[read[0].Offset:]) != "new" {
			t.Fatalf("seed %d: the read saw a record from before the write", seed)
		}
		b.open("db", withSecret("secret"))
		now := b.vaults.Current(s)
		want := "old"
		if got, err := b.tryGet(now, "a"); err == nil && got == "new" {
			want = "new"
		}
		b.wants(now, "a", want)
		if want == "new" {
			b.wants(now, "b", large("new"))
		} else {
			b.wants(now, "b", "old")
		}
		if writing == nil && want == "old" {
			t.Fatalf("seed %d: an acknowledged write is lost", seed)
		}
		switch {
		case writing == nil:
			outcomes["written"]++
		case want == "old":
			outcomes["refused"]++
		default:
			outcomes["written and not acknowledged"]++
		}
		b.noLeftOvers(now)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if outcomes["written"] == 0 || outcomes["refused"] == 0 {
		t.Errorf("outcomes: %v", outcomes)
	}
}
