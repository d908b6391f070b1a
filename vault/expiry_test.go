package vault

import (
	"encoding/binary"
	"testing"

	"idbvault/envelope"
)

// setExpiring writes a record as a later version will that can be asked for an expiry.
func (b *tab) setExpiring(s *Store, name, value string, expires uint64) {
	b.t.Helper()
	err := b.do(func(t *task) error {
		stored, err := s.storedNames(t, []string{name}, nil)
		if err != nil {
			return err
		}
		h := envelope.Header{Layout: envelope.Whole, Class: envelope.PHI, Epoch: 1, Created: b.now, Expires: expires}
		s.p.Random(h.IV[:])
		head := envelope.Head{Kind: envelope.Text, Name: name}
		at := envelope.Place{Database: s.database, Store: s.name, Name: stored[0]}
		jobs := []Seal{{
			Key: s.recordKey(envelope.PHI, 1), IV: h.IV, AAD: envelope.RecordAAD(at, envelope.PartWhole, &h),
			Head: head.Encode(), Plain: []byte(value),
		}}
		if err := s.p.Seal(t, jobs, nil); err != nil {
			return err
		}
		b.disks[s.database].tables[Records][string(envelope.RecordKey(s.name, stored[0]))] = append(h.Encode(), jobs[0].Out.([]byte)...)
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestExpiry(t *testing.T) {
	b, s := newStore(t, 1)
	now := b.now
	for _, c := range []struct {
		name    string
		expires uint64
		found   bool
	}{
		{"never", 0, true},
		{"in the past", now - 1, false},
		{"long ago", 1, false},
		{"now", now, false},
		{"in a second", now + 1, true},
		{"at the end of time", 1<<64 - 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.setExpiring(s, "name", "value", c.expires)
			want := ""
			if c.found {
				want = "value"
			}
			b.wants(s, "name", want)
			err := b.do(func(t *task) error {
				heads, err := s.Get(t, []string{"name"}, true)
				if err != nil {
					return err
				}
				exists, err := s.Exists(t, "name")
				if err != nil {
					return err
				}
				names, err := s.Names(t, "", 0)
				if heads[0].Found != c.found || exists != c.found || (len(names) == 1) != c.found {
					b.t.Errorf("its head is found %v, it exists %v, the names are %q, want %v", heads[0].Found, exists, names, c.found)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	// It expires while it is stored, and a newer one in its place does not.
	b.setExpiring(s, "name", "value", now+10)
	b.wants(s, "name", "value")
	b.world.now = now + 10
	b.wants(s, "name", "")
	b.set(s, text("name", "newer"))
	b.wants(s, "name", "newer")
}

// An expiry is authenticated: who changes it on the disk can neither bring a record back nor make it be gone.
func TestExpiryChanged(t *testing.T) {
	b, s := newStore(t, 2)
	for _, c := range []struct {
		name           string
		stored, change uint64
	}{
		{"an expired record made to last", b.now - 5, b.now + 5},
		{"an expired record made to last for ever", b.now - 5, 0},
		{"a record that lasts made to be expired", 0, b.now - 5},
		{"a record that lasts given another end", b.now + 5, b.now + 500},
		{"an expired record given another end", b.now - 5, b.now - 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.setExpiring(s, "name", "value", c.stored)
			binary.BigEndian.PutUint64(b.disks["db"].tables[Records][b.recordKey(s, "name")][16:], c.change)
			_, err := b.tryGet(s, "name")
			fails(t, "get", err, ErrIntegrity)
			fails(t, "names", b.do(func(t *task) error { _, err := s.Names(t, "", 0); return err }), ErrIntegrity)
		})
	}
}

// An update sees an expired record as none, and still notices when another write takes its place.
func TestUpdateOfExpired(t *testing.T) {
	b, s := newStore(t, 3)
	b.setExpiring(s, "name", "old", b.now-5)
	calls := 0
	err := b.do(func(t *task) error {
		return s.Update(t, "name", func(current Value) (Change, error) {
			calls++
			if calls > 1 {
				return Change{Item: text("name", "after "+string(current.Data.([]byte)[current.Offset:]))}, nil
			}
			if current.Found {
				b.t.Error("an expired record was found")
			}
			return Change{Item: text("name", "new")}, set(t, s, text("name", "between"))
		})
	})
	if err != nil || calls != 2 {
		t.Errorf("%d calls, %v", calls, err)
	}
	b.wants(s, "name", "after between")
}

func TestExists(t *testing.T) {
	b, s := newStore(t, 4)
	b.set(s, text("name", "value"))
	exists := func(name string) (found bool) {
		err := b.do(func(t *task) (err error) {
			found, err = s.Exists(t, name)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return found
	}
	if !exists("name") || exists("other") {
		t.Errorf("a record exists %v, another %v", exists("name"), exists("other"))
	}
	// What can't be read is there all the same: get says what is wrong with it.
	b.disks["db"].tables[Records][b.recordKey(s, "name")][0] = 9
	if !exists("name") {
		t.Error("a record of another version does not exist")
	}
}
