package vault

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"idbvault/envelope"
)

// Whatever byte of the stored keyring is changed, the right secret does not open it, and nothing is written.
func TestKeyringChanged(t *testing.T) {
	first, s := newStore(t, 1)
	first.set(s, text("name", "value"))
	first.end()
	d := first.disks["db"]
	stored := bytes.Clone(d.keyring())
	seen := map[*Error]int{}
	for at := range stored {
		changed := bytes.Clone(stored)
		changed[at] ^= 1 << (at % 8)
		d.setKeyring(changed)
		before := d.snapshot()
		b := first.world.tab()
		_, err := b.tryOpen("db", withSecret("secret"))
		known := false
		for _, want := range []*Error{ErrIntegrity, ErrWrongSecret, ErrVersion} {
			if errors.Is(err, want) {
				seen[want]++
				known = true
			}
		}
		if !known {
			t.Errorf("byte %d of %d: got %v", at, len(stored), err)
		}
		if !reflect.DeepEqual(d.snapshot(), before) || len(b.kept) != 0 || !b.conns[0].closed {
			t.Errorf("byte %d: something was written, or left on the page", at)
		}
	}
	// The version is one byte; a slot's salt and wrapped key are 56; the secret fits all others.
	if seen[ErrVersion] != 1 || seen[ErrWrongSecret] < 56 || seen[ErrWrongSecret] > 60 || seen[ErrIntegrity] < 700 {
		t.Errorf("refused as: version %d, wrong secret %d, integrity %d", seen[ErrVersion], seen[ErrWrongSecret], seen[ErrIntegrity])
	}
	d.setKeyring(stored)
	b := first.world.tab()
	b.wants(b.store("db", "st", withSecret("secret")), "name", "value")
}

func TestKeyringMoved(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(ring *envelope.Keyring, mac []byte) []byte
	}{
		{"truncated", func(ring *envelope.Keyring, mac []byte) []byte { return append(ring.Encode(), mac[:31]...) }},
		{"longer", func(ring *envelope.Keyring, mac []byte) []byte { return append(append(ring.Encode(), mac...), 0) }},
		{"empty", func(*envelope.Keyring, []byte) []byte { return []byte{} }},
		{"without its MAC", func(ring *envelope.Keyring, _ []byte) []byte { return ring.Encode() }},
		{"MAC of zeros", func(ring *envelope.Keyring, _ []byte) []byte { return append(ring.Encode(), make([]byte, 32)...) }},
		{"without a key", func(ring *envelope.Keyring, mac []byte) []byte {
			ring.Keys = slices.Delete(ring.Keys, 0, 1)
			return append(ring.Encode(), mac...)
		}},
		{"without the keyring key", func(ring *envelope.Keyring, mac []byte) []byte {
			ring.Keys = slices.DeleteFunc(ring.Keys, func(e envelope.WrappedKey) bool { return e.Kind == envelope.KeyringKey256 })
			return append(ring.Encode(), mac...)
		}},
		{"two keys exchanged", func(ring *envelope.Keyring, mac []byte) []byte {
			ring.Keys[0].Wrapped, ring.Keys[1].Wrapped = ring.Keys[1].Wrapped, ring.Keys[0].Wrapped
			return append(ring.Encode(), mac...)
		}},
		// AES-KW binds no kind: only the MAC tells a record key from the keyring key.
		{"record key in the place of the keyring key", func(ring *envelope.Keyring, mac []byte) []byte {
			ring.Find(envelope.KeyringKey256, 0, 1).Wrapped = ring.Keys[0].Wrapped
			return append(ring.Encode(), mac...)
		}},
		{"fewer leases", func(ring *envelope.Keyring, mac []byte) []byte {
			ring.Find(envelope.RecordKey256, envelope.PHI, 1).Leases--
			return append(ring.Encode(), mac...)
		}},
		{"names clear", func(ring *envelope.Keyring, mac []byte) []byte {
			ring.ClearNames = true
			return append(ring.Encode(), mac...)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, s := newStore(t, 2)
			b.set(s, text("name", "value"))
			d := b.disks["db"]
			ring, mac, err := envelope.ParseKeyring(d.keyring())
			if err != nil {
				t.Fatal(err)
			}
			d.setKeyring(c.change(ring, mac))
			_, err = b.world.tab().tryOpen("db", withSecret("secret"))
			fails(t, c.name, err, ErrIntegrity)
		})
	}
}

// A keyring of another database does not open, although slots and keys are whole: the MAC covers the database's name.
func TestKeyringOfAnotherDatabase(t *testing.T) {
	b, _ := newStore(t, 3)
	b.disks["other"] = newDisk()
	b.disks["other"].setKeyring(b.disks["db"].keyring())
	_, err := b.tryOpen("other", withSecret("secret"))
	fails(t, "the keyring of db as other's", err, ErrIntegrity)
}

// No key but the keyring key is unwrapped before the MAC was verified.
func TestMACComesFirst(t *testing.T) {
	b, _ := newStore(t, 4)
	b.end()
	for _, c := range []struct {
		name   string
		change int
		want   []string
	}{
		{"as it is", 0, []string{"unwrap kind 4", "verify", "unwrap kind 1"}},
		{"MAC changed", 1, []string{"unwrap kind 4", "verify"}},
	} {
		ring := b.disks["db"].keyring()
		ring[len(ring)-1] ^= byte(c.change)
		b.events = nil
		_, _ = b.world.tab().tryOpen("db", withSecret("secret"))
		if len(b.events) < len(c.want) || !reflect.DeepEqual(b.events[:len(c.want)], c.want) || c.change != 0 && len(b.events) != len(c.want) {
			t.Errorf("%s: %q, want %q first", c.name, b.events, c.want)
		}
	}
}

// Keys are never made anew over records that the old ones sealed.
func TestKeyringDeleted(t *testing.T) {
	b, s := newStore(t, 5)
	b.set(s, text("name", "value"))
	b.end()
	d := b.disks["db"]
	ring := d.keyring()
	delete(d.tables[Keyrings], string(KeyringEntry))
	before := d.snapshot()
	expect := withSecret("secret")
	expect.ExpectVault = Yes // records without a keyring were tampered with, not evicted
	for _, o := range []Options{withSecret("secret"), withSecret("another"), expect} {
		_, err := b.world.tab().tryOpen("db", o)
		fails(t, "a keyring deleted beside records", err, ErrIntegrity)
		if !reflect.DeepEqual(d.snapshot(), before) {
			t.Fatal("something was written")
		}
	}
	// Put back, it opens again.
	d.setKeyring(ring)
	again := b.world.tab()
	again.wants(again.store("db", "st", withSecret("secret")), "name", "value")

	// On a page that has the vault's handles still, an absent keyring is no reason to make one either.
	delete(d.tables[Keyrings], string(KeyringEntry))
	_, err := again.crash().tryOpen("db", withSecret("secret"))
	fails(t, "after a crash", err, ErrIntegrity)
	if !reflect.DeepEqual(d.snapshot(), before) {
		t.Error("something was written")
	}
}

func TestKeyringOfALaterVersion(t *testing.T) {
	b, _ := newStore(t, 6)
	b.disks["db"].keyring()[8] = 2
	_, err := b.world.tab().tryOpen("db", withSecret("secret"))
	fails(t, "version 2", err, ErrVersion)
	if err == nil || !strings.Contains(err.Error(), "later version") {
		t.Errorf("the message is %q", err)
	}
}
