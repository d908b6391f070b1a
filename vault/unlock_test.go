package vault

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"idbvault/envelope"
)

func TestReload(t *testing.T) {
	for _, c := range []struct {
		name  string
		names Names
		clear bool
	}{
		{"names as made", NamesAsMade, false},
		{"names hidden", NamesHidden, false},
		{"names clear", NamesClear, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 1)
			first := w.tab()
			o := withSecret("secret")
			o.Names = c.names
			s := first.store("db", "st", o)
			if s.ClearNames() != c.clear {
				t.Errorf("ClearNames is %v", s.ClearNames())
			}
			first.set(s, text("name", "value"), text("large", large("x")))
			first.end()
			if stored := w.disks["db"].snapshot(); strings.Contains(strings.Join(keysOf(stored[Records]), ""), "name") != c.clear {
				t.Errorf("the name is in the key of the record: %q", keysOf(stored[Records]))
			}

			// Nothing of the first page is left but the disk.
			second := w.tab()
			s = second.store("db", "st", withSecret("secret"))
			second.wants(s, "name", "value")
			second.wants(s, "large", large("x"))
			second.wants(s, "other", "")
			if s.ClearNames() != c.clear {
				t.Errorf("ClearNames is %v after the reload", s.ClearNames())
			}
		})
	}
}

func keysOf[V any](table map[string]V) []string {
	var keys []string
	for key := range table {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// What a new keyring says, read without the vault.
func TestNewKeyring(t *testing.T) {
	w := newWorld(t, 2)
	o := withSecret("secret")
	o.Iterations = 700_000
	b := w.tab()
	b.open("db", o)
	ring, mac, err := envelope.ParseKeyring(w.disks["db"].keyring())
	if err != nil || len(mac) != 32 {
		t.Fatal(err)
	}
	if ring.Generation != 1 || ring.WriteEpoch != 1 || ring.HighestEpoch != 1 || ring.Created != w.now || ring.ClearNames {
		t.Errorf("the keyring is %+v", ring)
	}
	if len(ring.Slots) != 1 || ring.Slots[0].Iterations != 700_000 || ring.Slots[0].Salt == [16]byte{} || ring.VaultID == [16]byte{} {
		t.Errorf("the slots are %+v", ring.Slots)
	}
	seen := map[[40]byte]bool{}
	for _, e := range ring.Keys {
		if seen[e.Wrapped] || e.Leases != 0 || e.Epoch != 1 || e.Created != w.now {
			t.Errorf("key %+v", e)
		}
		seen[e.Wrapped] = true
	}
	for _, class := range envelope.Classes {
		if ring.Find(envelope.RecordKey256, class, 1) == nil || ring.Find(envelope.ObjectKey256, class, 1) == nil {
			t.Errorf("%v has no key", class)
		}
	}
	if len(ring.Keys) != 13 {
		t.Errorf("%d keys, want 13", len(ring.Keys))
	}
	if want := []string{"write keyring strict=true", "write journal strict=false"}; !reflect.DeepEqual(writesOf(w.events), want) {
		t.Errorf("creating wrote %q, want %q", writesOf(w.events), want)
	}
	if !reflect.DeepEqual(b.derived, []uint32{700_000}) {
		t.Errorf("creating derived with %d iterations", b.derived)
	}

	other := newWorld(t, 3)
	other.tab().open("db", o)
	otherRing, _, _ := envelope.ParseKeyring(other.disks["db"].keyring())
	if otherRing.VaultID == ring.VaultID || otherRing.Slots[0].Salt == ring.Slots[0].Salt {
		t.Error("two vaults have one id or one salt")
	}
}

func writesOf(events []string) (writes []string) {
	for _, e := range events {
		if strings.HasPrefix(e, "write ") {
			writes = append(writes, e)
		}
	}
	return writes
}

func TestWrongSecret(t *testing.T) {
	b, s := newStore(t, 4)
	b.set(s, text("name", "value"))
	b.end()
	before := b.disks["db"].snapshot()
	second := b.world.tab()
	_, err := second.tryOpen("db", withSecret("another"))
	fails(t, "another secret", err, ErrWrongSecret)
	if !reflect.DeepEqual(b.disks["db"].snapshot(), before) {
		t.Error("a wrong secret changed what is stored")
	}
	if len(second.kept) != 0 || !second.conns[0].closed {
		t.Error("a wrong secret left handles or a connection behind")
	}
	_, err = second.tryOpen("db", Options{})
	fails(t, "then without a secret", err, ErrNoSecret)
	second.wants(second.store("db", "st", withSecret("secret")), "name", "value")
}

// Every open of a vault that the page has unlocked shares it, and costs a PBKDF2 only where the secret is another one.
func TestSecondOpen(t *testing.T) {
	noFingerprint := withSecret("another")
	noFingerprint.Fingerprint = nil
	same := withSecret("secret")
	same.Fingerprint = []byte("made on another page")
	for _, c := range []struct {
		name    string
		options Options
		derived int
		want    *Error
	}{
		{"the same secret", withSecret("secret"), 0, nil},
		{"no secret", Options{}, 0, nil},
		{"another secret", withSecret("another"), 1, ErrWrongSecret},
		{"another secret without a fingerprint", noFingerprint, 1, ErrWrongSecret},
		{"the same secret with another fingerprint", same, 1, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newWorld(t, 5).tab()
			v := b.open("db", withSecret("secret"))
			b.derived = nil
			again, err := b.tryOpen("db", c.options)
			if c.want != nil {
				fails(t, c.name, err, c.want)
				// Nor does the wrong one lock out the right one.
				again, err = b.tryOpen("db", withSecret("secret"))
			}
			if err != nil || again != v {
				t.Errorf("got %p, %v, want the vault %p that is open", again, err, v)
			}
			if len(b.derived) != c.derived {
				t.Errorf("%d derivations, want %d", len(b.derived), c.derived)
			}
		})
	}
}

func TestOpenAtOnce(t *testing.T) {
	for seed := range uint64(20) {
		b := newWorld(t, seed).tab()
		var vaults []*Vault
		for range 5 {
			b.start(func(t *task) {
				v, err := b.vaults.Open(t, "db", withSecret("secret"))
				if err != nil {
					b.t.Error(err)
				}
				vaults = append(vaults, v)
			})
		}
		b.run()
		for _, v := range vaults {
			if v != vaults[0] {
				t.Fatalf("seed %d: one page unlocked one vault twice", seed)
			}
		}
		if len(b.derived) != 1 {
			t.Errorf("seed %d: %d derivations, want 1", seed, len(b.derived))
		}
	}
}

// After the program died on a page, its next instance finds the handles there and asks for no secret.
func TestCrash(t *testing.T) {
	b, s := newStore(t, 6)
	b.set(s, text("name", "value"))
	b = b.crash()
	b.derived = nil
	s = b.store("db", "st", Options{})
	b.wants(s, "name", "value")
	b.set(s, text("name", "newer"))
	if len(b.derived) != 0 {
		t.Errorf("%d derivations", len(b.derived))
	}
	_, err := b.tryOpen("db", withSecret("another"))
	fails(t, "another secret after a crash", err, ErrWrongSecret)
	o := withSecret("another")
	o.Fingerprint = nil // as empty as what a new instance knows of the secret that opened the vault
	_, err = b.tryOpen("db", o)
	fails(t, "another secret without a fingerprint", err, ErrWrongSecret)
	b.derived = nil
	b.open("db", withSecret("secret"))
	b.open("db", withSecret("secret"))
	if len(b.derived) != 1 {
		t.Errorf("the right secret was derived from %d times after a crash, want once", len(b.derived))
	}

	// A keyring that was changed meanwhile is not believed because its keys are there.
	b = b.crash()
	ring := b.disks["db"].keyring()
	ring[8+1+16+7]++
	_, err = b.tryOpen("db", Options{})
	fails(t, "a keyring changed during the crash", err, ErrNoSecret)
	_, err = b.tryOpen("db", withSecret("secret"))
	fails(t, "a keyring changed during the crash, with the secret", err, ErrIntegrity)
}

func TestNoSecret(t *testing.T) {
	w := newWorld(t, 7)
	_, err := w.tab().tryOpen("db", Options{})
	fails(t, "no vault and no secret", err, ErrNoSecret)
	if w.disks["db"] != nil {
		t.Error("a database was left behind")
	}
	w.tab().open("db", withSecret("secret"))
	// A vault that another page has unlocked is not unlocked on this one.
	_, err = w.tab().tryOpen("db", Options{})
	fails(t, "another page's vault", err, ErrNoSecret)
}

func TestExpectVault(t *testing.T) {
	w := newWorld(t, 8)
	expect := withSecret("secret")
	expect.ExpectVault = Yes
	noSecret := Options{ExpectVault: Yes}
	for _, o := range []Options{expect, noSecret} {
		_, err := w.tab().tryOpen("db", o)
		fails(t, "no database", err, ErrEvicted)
		if w.disks["db"] != nil {
			t.Fatal("a database was left behind")
		}
	}
	w.disks["db"] = newDisk()
	b := w.tab()
	_, err := b.tryOpen("db", expect)
	fails(t, "a database without a keyring", err, ErrEvicted)
	if w.disks["db"].keyring() != nil {
		t.Error("a keyring was made")
	}
	b.open("db", withSecret("secret"))
	b.end()
	w.tab().open("db", expect)
	b = w.tab()
	_, err = b.tryOpen("db", noSecret)
	fails(t, "a vault, and no secret", err, ErrNoSecret)
	if !b.conns[0].closed {
		t.Error("a connection was left open")
	}
	w.disks["db"].foreign = true
	_, err = b.tryOpen("db", noSecret)
	fails(t, "another's database, and no secret", err, ErrNotVault)
}

func TestForeignDatabase(t *testing.T) {
	w := newWorld(t, 9)
	w.disks["db"] = newDisk()
	w.disks["db"].foreign = true
	b := w.tab()
	_, err := b.tryOpen("db", withSecret("secret"))
	fails(t, "opening", err, ErrNotVault)
	fails(t, "destroying", b.do(func(t *task) error { return b.vaults.Destroy(t, "db") }), ErrNotVault)
	if w.disks["db"] == nil || len(writesOf(w.events)) != 0 {
		t.Error("a database that is not a vault's was changed")
	}
}

func TestDestroy(t *testing.T) {
	b, s := newStore(t, 10)
	b.set(s, text("name", "value"))
	other := b.world.tab()
	otherStore := other.store("db", "st", withSecret("secret"))
	destroy := func(t *task) error { return b.vaults.Destroy(t, "db") }
	if err := b.do(destroy); err != nil {
		t.Fatal(err)
	}
	if b.disks["db"] != nil || len(b.kept) != 0 || len(other.kept) != 0 {
		t.Error("a database or its handles are left")
	}
	_, err := b.tryGet(s, "name")
	fails(t, "reading what was destroyed", err, ErrClosed)
	fails(t, "writing it in another tab", other.do(func(t *task) error { return set(t, otherStore, text("name", "value")) }), ErrClosed)
	if err := b.do(destroy); err != nil {
		t.Errorf("destroying it again: %v", err)
	}
	_, err = other.tryOpen("db", Options{})
	fails(t, "joining it", err, ErrNoSecret)
	b.wants(b.store("db", "st", withSecret("another")), "name", "")
}
