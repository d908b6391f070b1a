package vault

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"idbvault/envelope"
)

// rotator carries out a rotation as web/src/rotation.ts does.
type rotator struct {
	*tab
	v      *Vault
	others []*tab // that hear of it
}

// tell is the message to the other tabs, which take it when they come to it.
func (r *rotator) tell(keys []NewKey) {
	for _, o := range r.others {
		r.start(func(t *task) {
			t.linger()
			if err := o.vaults.Rekey(t, "db", keys); err != nil && !errors.Is(err, ErrLocked) && !errors.Is(err, ErrNoSecret) {
				r.t.Errorf("a tab that was told of keys: %v", err)
			}
		})
	}
}

// alone waits until no page may write under an epoch.
func (r *rotator) alone(t *task, epoch uint32) {
	release, err := r.Lock(t, EpochLock("db", epoch), false)
	if err != nil {
		r.t.Error(err)
		return
	}
	release()
}

func (r *rotator) walk(t *task, pass Pass) (sum Stride, err error) {
	for begin := true; !sum.Last; begin = false {
		st, err := r.v.Step(t, pass, begin)
		if err != nil {
			return sum, err
		}
		sum.Last = st.Last
		sum.Records += st.Records
		sum.Bytes += st.Bytes
		sum.Changed += st.Changed
		sum.Unreadable = append(sum.Unreadable, st.Unreadable...)
		sum.Counts = append(sum.Counts, st.Counts...)
	}
	return sum, nil
}

// passes turns the records and goes over them until a pass finds all of them turned.
func (r *rotator) passes(t *task, rot *Rotation, last Pass) error {
	if rot.Renames {
		r.alone(t, rot.From)
	}
	if _, err := r.walk(t, Turn); err != nil {
		return err
	}
	for range 20 {
		sum, err := r.walk(t, last)
		if err != nil || sum.Changed == 0 {
			return err
		}
	}
	return errors.New("every pass found something to turn")
}

func (r *rotator) rotate(t *task, secret string, n *NewSecret) error {
	rot, err := r.v.BeginRotation(t, secretKey(secret), n)
	if err != nil {
		return err
	}
	if n != nil {
		for _, o := range r.others {
			o.vaults.Lock("db")
		}
	} else {
		r.tell(rot.New)
	}
	if err := r.passes(t, rot, Verify); err != nil {
		return err
	}
	return r.v.EndPass(t)
}

func (r *rotator) rollBack(t *task, secret string) error {
	rot, err := r.v.RollBack(t, secretKey(secret))
	if err != nil {
		return err
	}
	r.tell(nil)
	if err := r.passes(t, rot, Verify); err != nil {
		return err
	}
	return r.finish(t, secret, Verify)
}

func (r *rotator) finish(t *task, secret string, pass Pass) error {
	rot, err := r.v.Rotation(t)
	if err != nil {
		return err
	}
	release, err := r.Lock(t, EpochLock("db", rot.From), false)
	if err != nil {
		return err
	}
	defer release()
	if err := r.passes(t, &Rotation{}, pass); err != nil {
		return err
	}
	if err := r.v.Finish(t, secretKey(secret)); err != nil {
		return err
	}
	r.tell(nil)
	return nil
}

func (b *tab) rotator(v *Vault, others ...*tab) *rotator { return &rotator{b, v, others} }

func (r *rotator) must(f func(t *task) error) {
	r.t.Helper()
	if err := r.do(f); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rotator) phase() Phase {
	r.t.Helper()
	var rot *Rotation
	r.must(func(t *task) (err error) { rot, err = r.v.Rotation(t); return err })
	return rot.Phase
}

// epochs are the epochs of the records, as they are stored, and of the record keys.
func (w *world) epochs() (records, keys []uint32) {
	w.t.Helper()
	seen := map[uint32]bool{}
	for _, entry := range w.disks["db"].tables[Records] {
		h, err := envelope.ParseHeader(entry)
		if err != nil {
			w.t.Fatal(err)
		}
		if !seen[h.Epoch] {
			seen[h.Epoch] = true
			records = append(records, h.Epoch)
		}
	}
	ring, _, err := envelope.ParseKeyring(w.disks["db"].keyring())
	if err != nil {
		w.t.Fatal(err)
	}
	seen = map[uint32]bool{}
	for _, e := range ring.Keys {
		if e.Kind == envelope.RecordKey256 && !seen[e.Epoch] {
			seen[e.Epoch] = true
			keys = append(keys, e.Epoch)
		}
	}
	slices.Sort(records) // they come out of a map
	return records, keys
}

func (w *world) wantEpochs(records, keys []uint32) {
	w.t.Helper()
	r, k := w.epochs()
	if !reflect.DeepEqual(r, records) || !reflect.DeepEqual(k, keys) {
		w.t.Errorf("records lie under the epochs %d, keys are there of %d; want %d and %d", r, k, records, keys)
	}
}

func filled(b *tab, s *Store, n int) map[string]string {
	b.t.Helper()
	want := map[string]string{}
	var items []Item
	for i := range n {
		name, value := fmt.Sprint("record ", i), fmt.Sprint("value ", i)
		if i%50 == 7 {
			value = large(value)
		}
		it := text(name, value)
		it.Class = envelope.Classes[i%len(envelope.Classes)]
		want[name] = value
		items = append(items, it)
	}
	if n > 0 {
		b.set(s, items...)
	}
	return want
}

func (b *tab) wantsAll(s *Store, want map[string]string) {
	b.t.Helper()
	for name, value := range want {
		b.wants(s, name, value)
	}
	var n int
	if err := b.do(func(t *task) (err error) { n, err = s.Count(t); return err }); err != nil || n != len(want) {
		b.t.Errorf("%d records, %v, want %d", n, err, len(want))
	}
}

func TestRotation(t *testing.T) {
	for _, n := range []int{0, 1, 300} {
		for _, secret := range []string{"", "another"} {
			t.Run(fmt.Sprintf("%d records, new secret %q", n, secret), func(t *testing.T) {
				b, s := newStore(t, 1)
				want := filled(b, s, n)
				r := b.rotator(s.Vault)
				var next *NewSecret
				after := "secret"
				if secret != "" {
					fresh := newSecret(secret)
					next, after = &fresh, secret
				}
				var under []uint32
				if n > 0 {
					under = []uint32{2}
				}
				r.must(func(t *task) error { return r.rotate(t, "secret", next) })
				if got := r.phase(); got != Rotated {
					t.Errorf("the phase is %d", got)
				}
				b.wantEpochs(under, []uint32{1, 2})
				b.wantsAll(s, want)
				b.opens(after, true)
				b.opens("secret", secret == "")
				// Another rotation goes on with this one.
				r.must(func(t *task) error { return r.rotate(t, after, nil) })
				b.wantEpochs(under, []uint32{1, 2})
				r.must(func(t *task) error { return r.finish(t, after, Verify) })
				if got := r.phase(); got != NotRotating {
					t.Errorf("the phase is %d", got)
				}
				b.wantEpochs(under, []uint32{2})
				if len(b.disks["db"].tables[Journal][string(JournalEntry)]) != 0 {
					t.Error("the journal is left")
				}
				b.wantsAll(s, want)
				b.noLeftOvers(s)
				again := b.world.tab()
				again.wantsAll(again.store("db", "st", withSecret(after)), want)
				if kept := len(b.kept["db"]); kept != 13 && secret == "" || kept != 14 && secret != "" { // the old audit key stays
					t.Errorf("%d handles are kept", kept)
				}
			})
		}
	}
}

func TestRollBack(t *testing.T) {
	for _, secret := range []string{"", "another"} {
		t.Run(fmt.Sprintf("new secret %q", secret), func(t *testing.T) {
			b, s := newStore(t, 1)
			want := filled(b, s, 120)
			names := keysOf(b.disks["db"].tables[Records])
			r := b.rotator(s.Vault)
			var next *NewSecret
			after := "secret"
			if secret != "" {
				fresh := newSecret(secret)
				next, after = &fresh, secret
			}
			r.must(func(t *task) error { return r.rotate(t, "secret", next) })
			b.set(s, text("written since", "kept"), text("record 7", large("kept, too")))
			want["written since"], want["record 7"] = "kept", large("kept, too")
			if err := b.do(func(t *task) error { return s.Delete(t, []string{"record 8"}) }); err != nil {
				t.Fatal(err)
			}
			delete(want, "record 8")
			r.must(func(t *task) error { return r.rollBack(t, after) })
			b.wantEpochs([]uint32{1}, []uint32{1})
			b.wantsAll(s, want)
			b.noLeftOvers(s)
			b.opens(after, true)
			b.opens("secret", secret == "") // a roll-back does not bring an old secret back
			if now := keysOf(b.disks["db"].tables[Records]); len(now) != len(names) {
				t.Errorf("%d records", len(now))
			}
			// No epoch is used twice.
			r.must(func(t *task) error { return r.rotate(t, after, nil) })
			r.must(func(t *task) error { return r.finish(t, after, Verify) })
			b.wantEpochs([]uint32{3}, []uint32{3})
			b.wantsAll(s, want)
			again := b.world.tab()
			again.wantsAll(again.store("db", "st", withSecret(after)), want)
		})
	}
}

// Reads, writes and lists go on in all tabs while one of them rotates, rolls back or commits.
func TestRotationUnderWay(t *testing.T) {
	for seed := range seeds(80) {
		w := newWorld(t, seed)
		one, two := w.tab(), w.tab()
		a, b := one.store("db", "st", withSecret("secret")), two.store("db", "st", withSecret("secret"))
		want := filled(one, a, 70)
		r := one.rotator(a.Vault, two)
		ended := false
		w.start(func(t *task) {
			defer func() { ended = true }()
			err := r.rotate(t, "secret", nil)
			if err == nil && seed%3 == 0 {
				err = r.rollBack(t, "secret")
			}
			if err == nil && seed%3 == 1 {
				err = r.finish(t, "secret", Verify)
			}
			if err != nil {
				w.t.Errorf("seed %d: the rotation: %v", seed, err)
			}
		})
		for i, s := range []*Store{a, b} {
			w.start(func(t *task) {
				for n := 0; !ended || n < 20; n++ {
					name, value := fmt.Sprintf("record %d", 2*(n%35)+i), fmt.Sprintf("by %d, %d", i, n)
					if n%7 == 0 {
						value = large(value)
					}
					if err := set(t, s, text(name, value)); err != nil {
						w.t.Errorf("seed %d: tab %d writes: %v", seed, i, err)
						return
					}
					want[name] = value
					got, err := get(t, s, name)
					if err != nil || got != value {
						w.t.Errorf("seed %d: tab %d reads %.20q, %v", seed, i, got, err)
						return
					}
					if names, err := s.Names(t, "", 0); err != nil || len(names) != 70 {
						w.t.Errorf("seed %d: tab %d lists %d, %v", seed, i, len(names), err)
						return
					}
					if there, err := s.Exists(t, name); err != nil || !there {
						w.t.Errorf("seed %d: tab %d misses a record: %v", seed, i, err)
						return
					}
				}
			})
		}
		w.run()
		one.wantsAll(a, want)
		two.wantsAll(b, want)
		one.noLeftOvers(a)
		switch _, keys := w.epochs(); seed % 3 {
		case 0:
			w.wantEpochs([]uint32{1}, []uint32{1})
		case 1:
			w.wantEpochs([]uint32{2}, []uint32{2})
		default:
			if len(keys) != 2 {
				t.Errorf("keys of the epochs %d", keys)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// A tab that was not told of a rotation, since the one that began it died, goes on with it, rolls it back or commits it.
func TestRotationOfAnotherTab(t *testing.T) {
	for name, how := range map[string]func(r *rotator, t *task) error{
		"goes on": func(r *rotator, t *task) error {
			if err := r.rotate(t, "secret", nil); err != nil {
				return err
			}
			return r.finish(t, "secret", Verify)
		},
		"commits": func(r *rotator, t *task) error {
			if _, err := r.v.TakeKeys(t, secretKey("secret")); err != nil {
				return err
			}
			return r.finish(t, "secret", Verify)
		},
		"rolls back": func(r *rotator, t *task) error { return r.rollBack(t, "secret") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			one, two := w.tab(), w.tab()
			a, b := one.store("db", "st", withSecret("secret")), two.store("db", "st", withSecret("secret"))
			want := filled(one, a, 200)
			two.set(b, text("record 1", "by the other"))
			want["record 1"] = "by the other"
			first := one.rotator(a.Vault)
			first.must(func(t *task) error {
				rot, err := a.BeginRotation(t, secretKey("secret"), nil)
				if err == nil {
					_, err = a.Step(t, Turn, true)
				}
				if err == nil && rot.Phase != Rotating {
					err = ErrInternal
				}
				return err
			})
			one.end()
			second := two.rotator(b.Vault)
			second.must(func(t *task) error { return how(second, t) })
			epoch := uint32(2)
			if name == "rolls back" {
				epoch = 1
			}
			w.wantEpochs([]uint32{epoch}, []uint32{epoch})
			two.wantsAll(b, want)
		})
	}
}

// No key is destroyed over a record, whoever asks for it.
func TestFinishTooEarly(t *testing.T) {
	b, s := newStore(t, 1)
	want := filled(b, s, 200)
	r := b.rotator(s.Vault)
	finish := func(t *task) error { return s.Finish(t, secretKey("secret")) }
	fails(t, "without a rotation", b.do(finish), ErrInvalid)
	r.must(func(t *task) error { _, err := s.BeginRotation(t, secretKey("secret"), nil); return err })
	fails(t, "before the first step", b.do(finish), ErrConflict)
	fails(t, "the phase, before the first step", b.do(func(t *task) error { return s.EndPass(t) }), ErrConflict)
	r.must(func(t *task) error { _, err := s.Step(t, Turn, true); return err })
	fails(t, "after a step", b.do(finish), ErrConflict)
	r.must(func(t *task) error { _, err := r.walk(t, Turn); return err })
	fails(t, "after a pass that opened nothing", b.do(finish), ErrConflict)
	r.must(func(t *task) error { _, err := s.Step(t, Verify, true); return err })
	fails(t, "in the midst of a pass", b.do(finish), ErrConflict)
	entry := b.disks["db"].tables[Records][b.recordKey(s, "record 3")]
	entry[len(entry)-1] ^= 1
	r.must(func(t *task) error { _, err := r.walk(t, Verify); return err })
	fails(t, "with a record that does not open", b.do(finish), ErrConflict)
	entry[len(entry)-1] ^= 1
	b.wantsAll(s, want)
	r.must(func(t *task) error { _, err := r.walk(t, Verify); return err })
	r.must(finish)
	b.wantsAll(s, want)
	b.wantEpochs([]uint32{2}, []uint32{2})
}

// A tab that is not told of new keys locks itself when it meets a record under them, and loses nothing.
func TestNotTold(t *testing.T) {
	w := newWorld(t, 1)
	one, two := w.tab(), w.tab()
	a, b := one.store("db", "st", withSecret("secret")), two.store("db", "st", withSecret("secret"))
	want := filled(one, a, 30)
	two.set(b, text("record 1", "by the other"))
	want["record 1"] = "by the other"
	r := one.rotator(a.Vault)
	r.must(func(t *task) error { return r.rotate(t, "secret", nil) })
	two.set(b, text("record 2", "under the old key"))
	want["record 2"] = "under the old key"
	two.wants(b, "record 2", "under the old key")
	_, err := two.tryGet(b, "record 3")
	fails(t, "a record under a key that never came", b.Reason(err), ErrLocked)
	if _, open := two.kept["db"]; open || b.share.release != nil {
		t.Error("it keeps keys, or its share")
	}
	one.wantsAll(a, want)
	r.must(func(t *task) error { return r.finish(t, "secret", Verify) })
	again := two.store("db", "st", withSecret("secret"))
	two.wantsAll(again, want)

	// Told by nothing but the keyring: a record that it looked for under the old key lies under the new one by then.
	three := w.tab()
	c := three.store("db", "st", withSecret("secret"))
	kept := c.keys
	r.must(func(t *task) error { return r.rotate(t, "secret", nil) })
	for label, key := range one.kept["db"] {
		if _, known := three.kept["db"][label]; !known {
			three.Keep("db", label, key) // the message came, and the page has not told Go yet
		}
	}
	three.wantsAll(c, want)
	if len(c.keys) == len(kept) || c.share.epoch != 3 {
		t.Errorf("it did not follow: %d keys, epoch %d", len(c.keys), c.share.epoch)
	}
}

// With a new secret, the page that rotates goes on and others are locked, until they are given the new secret.
func TestNewSecretUnderWay(t *testing.T) {
	for seed := range seeds(80) {
		w := newWorld(t, seed)
		one, two := w.tab(), w.tab()
		a, b := one.store("db", "st", withSecret("secret")), two.store("db", "st", withSecret("secret"))
		want := filled(one, a, 70)
		r := one.rotator(a.Vault, two)
		ended := false
		n := newSecret("another")
		w.start(func(t *task) {
			defer func() { ended = true }()
			err := r.rotate(t, "secret", &n)
			if err == nil && seed%3 == 0 {
				err = r.rollBack(t, "another")
			}
			if err == nil && seed%3 == 1 {
				err = r.finish(t, "another", Verify)
			}
			if err != nil {
				w.t.Errorf("seed %d: the rotation: %v", seed, err)
			}
		})
		locked := false
		for i, s := range []*Store{a, b} {
			w.start(func(t *task) {
				for n := 0; !ended || n < 20; n++ {
					name, value := fmt.Sprintf("record %d", 2*(n%35)+i), fmt.Sprintf("by %d, %d", i, n)
					if n%7 == 0 {
						value = large(value)
					}
					was := want[name]
					err := set(t, s, text(name, value))
					if err == nil {
						want[name] = value
					}
					var got string
					if err == nil {
						if got, err = get(t, s, name); err == nil && got != value {
							w.t.Errorf("seed %d: tab %d reads %.20q", seed, i, got)
							return
						}
					}
					if err == nil {
						var names []string
						if names, err = s.Names(t, "", 0); err == nil && len(names) != 70 {
							w.t.Errorf("seed %d: tab %d lists %d", seed, i, len(names))
							return
						}
					}
					if err != nil && i == 1 && errors.Is(s.Reason(err), ErrLocked) {
						locked = true
						if v, err := two.vaults.Open(t, "db", withSecret("another")); err == nil {
							s, _ = v.Store("st", StoreOptions{})
						} else if !errors.Is(err, ErrWrongSecret) {
							w.t.Errorf("seed %d: %v", seed, err)
							return
						}
						if got, err := get(t, s, name); err == nil && got == value {
							want[name] = value // it took effect whole
						} else if err == nil && got != was && got != want[name] {
							w.t.Errorf("seed %d: %s reads %.20q", seed, name, got)
						}
						b = s
						continue
					}
					if err != nil {
						w.t.Errorf("seed %d: tab %d: %v", seed, i, err)
						return
					}
				}
			})
		}
		w.run()
		one.wantsAll(a, want)
		if locked {
			two.wantsAll(b, want)
		}
		one.noLeftOvers(a)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
