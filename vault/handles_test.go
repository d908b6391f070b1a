package vault

import (
	"reflect"
	"testing"
	"unsafe"
)

// handles are the keys that are reachable from a value through whatever it holds. The platform and its connections are
// the browser, and what that keeps is checked where it is given.
func handles(v reflect.Value, seen map[unsafe.Pointer]bool, found map[*fakeKey]bool) {
	switch v.Type() {
	case reflect.TypeFor[*page](), reflect.TypeFor[*conn](), reflect.TypeFor[*task]():
		return
	case reflect.TypeFor[*fakeKey]():
		if !v.IsNil() {
			found[(*fakeKey)(v.UnsafePointer())] = true
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !seen[v.UnsafePointer()] {
			seen[v.UnsafePointer()] = true
			handles(v.Elem(), seen, found)
		}
	case reflect.Interface:
		if !v.IsNil() {
			handles(v.Elem(), seen, found)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			handles(v.Field(i), seen, found)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			handles(v.Index(i), seen, found)
		}
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			handles(iter.Key(), seen, found)
			handles(iter.Value(), seen, found)
		}
	}
}

// Once a vault is unlocked, no handle that could unwrap, wrap or derive is left: script in the page that steals what the
// vault holds can't be made to yield raw keys with it.
func TestNoHandleThatUnwraps(t *testing.T) {
	w := newWorld(t, 1)
	made, opened := w.tab(), w.tab()
	for _, c := range []struct {
		name string
		tab  func() *tab
	}{
		{"after the vault was made", func() *tab { made.open("db", withSecret("secret")); return made }},
		{"after it was opened", func() *tab { opened.open("db", withSecret("secret")); return opened }},
		{"after a second open with the secret again", func() *tab {
			o := withSecret("secret")
			o.Fingerprint = nil
			opened.open("db", o)
			return opened
		}},
		{"after writing", func() *tab {
			opened.set(opened.store("db", "st", Options{}), text("name", "value"), text("large", large("")))
			return opened
		}},
		{"after a crash", func() *tab {
			opened = opened.crash()
			opened.open("db", Options{})
			return opened
		}},
		{"after a wrong secret", func() *tab { _, _ = opened.tryOpen("db", withSecret("another")); return opened }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := c.tab()
			found := map[*fakeKey]bool{}
			handles(reflect.ValueOf(b.vaults), map[unsafe.Pointer]bool{}, found)
			kinds := map[string]int{}
			for key := range found {
				kinds[key.kind]++
				if yields(key) {
					t.Errorf("a handle of kind %s is left, which may %s", key.kind, key.uses)
				}
			}
			// The walk must have come to the keys that a vault works with: five record keys, five object keys, audit key, name key,
			// keyring key.
			if kinds["AES-GCM"] != 6 || kinds["HKDF"] != 5 || kinds["HMAC"] != 2 {
				t.Errorf("the vault holds %v", kinds)
			}
			kept := 0
			for _, key := range b.kept["db"] {
				if k := key.(*fakeKey); yields(k) {
					t.Errorf("the page keeps a handle of kind %s, which may %s", k.kind, k.uses)
				}
				kept++
			}
			if kept != 13 {
				t.Errorf("the page keeps %d handles, want 13", kept)
			}
		})
	}
}

// A lost database takes the page's handles with it.
func TestLostDatabaseForgets(t *testing.T) {
	b, s := newStore(t, 2)
	b.set(s, text("name", "value"))
	b.conns[0].closed = true
	b.conns[0].lost()
	b.events = nil
	if len(b.kept) != 0 {
		t.Errorf("%d handles are kept", len(b.kept["db"]))
	}
	_, err := b.tryGet(s, "name")
	fails(t, "reading", err, ErrClosed)
	fails(t, "writing", b.do(func(t *task) error { return set(t, s, text("name", "value")) }), ErrClosed)
	if len(b.events) != 0 {
		t.Errorf("keys were used after that: %q", b.events)
	}
	_, err = b.tryOpen("db", Options{})
	fails(t, "joining", err, ErrNoSecret)
	b.wants(b.store("db", "st", withSecret("secret")), "name", "value")
}

// What is under way when the database is lost fails for that reason: its keys are forgotten from one step to the next.
func TestLostUnderWay(t *testing.T) {
	ended := map[error]int{}
	for seed := range uint64(60) {
		b, s := newStore(t, seed)
		b.set(s, text("name", "value"))
		for _, f := range []func(t *task) error{
			func(t *task) error { _, err := s.Get(t, []string{"name"}, false); return err },
			func(t *task) error { _, err := s.Names(t, "", 0); return err },
			func(t *task) error { _, err := s.Exists(t, "another"); return err },
			func(t *task) error { return set(t, s, text("name", "later")) },
			func(t *task) error { return set(t, s, text("third", "later")) },
		} {
			b.start(func(t *task) { ended[f(t)]++ })
		}
		b.start(func(t *task) {
			t.linger()
			b.conns[0].closed = true
			b.conns[0].lost()
		})
		b.run()
	}
	if ended[nil] == 0 || ended[ErrClosed] == 0 || len(ended) != 2 {
		t.Errorf("calls ended so: %v", ended)
	}
}
