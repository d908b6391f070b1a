package vault

import (
	"errors"
	"fmt"
	"maps"
	"testing"
)

// restarted is a world whose disk is as it was in w at this moment, as after a kill.
func (w *world) restarted(seed uint64) *world {
	next := newWorld(w.t, seed)
	next.now = w.now
	for name, d := range w.disks {
		next.disks[name] = &disk{tables: d.copied()}
	}
	return next
}

// Whatever moment a rotation ends at, every record reads afterwards, one secret opens, and the rotation goes on or is rolled back.
func TestRotationCrash(t *testing.T) {
	phases := map[string]int{}
	for seed := range seeds(240) {
		b, s := newStore(t, seed)
		want := filled(b, s, 70)
		r := b.rotator(s.Vault)
		var next *NewSecret
		if seed%2 == 1 {
			n := newSecret("another")
			next = &n
		}
		secret := func() string {
			if next != nil {
				return "another"
			}
			return "secret"
		}
		acknowledged := maps.Clone(want)
		begun := ""
		b.start(func(t *task) {
			begun = "rotation"
			if r.rotate(t, "secret", next) != nil {
				return
			}
			begun = "end"
			switch seed % 3 {
			case 0:
				begun = "rollback"
				_ = r.rollBack(t, secret())
			case 1:
				begun = "commit"
				_ = r.finish(t, secret(), Verify)
			}
			begun = "end"
		})
		b.start(func(t *task) {
			for n := range 40 {
				name, value := fmt.Sprint("record ", n%70), fmt.Sprint("written since ", n)
				if n%11 == 3 {
					value = large(value)
				}
				want[name] = value // may be there
				if err := set(t, s, text(name, value)); err != nil {
					return
				}
				acknowledged[name] = value
			}
		})
		steps := b.rand.IntN(700)
		for range steps {
			b.step()
		}
		now, at := b.restarted(seed), begun
		may, must := maps.Clone(want), maps.Clone(acknowledged) // what the disk holds, and what it has to
		phases[at]++
		b.run() // the rest of it is for another world

		tab := now.tab()
		opened := "secret"
		v, err := tab.tryOpen("db", withSecret(opened))
		if errors.Is(err, ErrWrongSecret) && next != nil {
			opened = "another"
			v, err = tab.tryOpen("db", withSecret(opened))
		}
		if err != nil {
			t.Fatalf("seed %d, %s: %v", seed, at, err)
		}
		now.opens("secret", opened == "secret")
		now.opens("another", opened == "another")
		store, _ := v.Store("st", StoreOptions{})
		check := func(when string) {
			t.Helper()
			for name := range may {
				got, err := tab.tryGet(store, name)
				if err != nil || got != must[name] && got != may[name] {
					t.Errorf("seed %d, %s, %s: %s is %.20q, %v; want %.20q or %.20q", seed, at, when, name, got, err, must[name], may[name])
				}
			}
			names := 0
			if err := tab.do(func(t *task) error { n, err := store.Names(t, "", 0); names = len(n); return err }); err != nil || names != 70 {
				t.Errorf("seed %d, %s, %s: %d names, %v", seed, at, when, names, err)
			}
		}
		check("reopened")
		again := tab.rotator(v)
		switch phase := again.phase(); {
		case phase == NotRotating:
			if records, keys := now.epochs(); len(records) != 1 || len(keys) != 1 || records[0] != keys[0] {
				t.Errorf("seed %d, %s: epochs %d and %d without a rotation", seed, at, records, keys)
			}
		case phase == RollingBack || seed%5 < 2:
			again.must(func(t *task) error { return again.rollBack(t, opened) })
		default:
			again.must(func(t *task) error { return again.rotate(t, opened, nil) })
			again.must(func(t *task) error { return again.finish(t, opened, Verify) })
		}
		check("resolved")
		records, keys := now.epochs()
		if len(records) != 1 || len(keys) != 1 || records[0] != keys[0] {
			t.Errorf("seed %d, %s: in the end the epochs are %d and %d", seed, at, records, keys)
		}
		tab.noLeftOvers(store)
		if t.Failed() {
			t.FailNow()
		}
	}
	for _, phase := range []string{"rotation", "rollback", "commit", "end"} {
		if phases[phase] < 5 && !testing.Short() {
			t.Errorf("crashes in each phase: %v", phases)
		}
	}
}
