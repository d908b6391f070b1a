package vault

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"idbvault/envelope"
)

func (b *tab) log(v *Vault, since uint64) *AuditLines {
	b.t.Helper()
	var log *AuditLines
	if err := b.do(func(t *task) (err error) { log, err = v.AuditLog(t, since); return err }); err != nil {
		b.t.Fatal(err)
	}
	return log
}

// events are the names of the lines of the log, with the count where it is not 1.
func (l *AuditLines) events() string {
	var names []string
	for _, line := range l.Lines {
		name := Event(line.Event).String()
		if line.Count != 1 {
			name += fmt.Sprint("*", line.Count)
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func (b *tab) wantsLog(v *Vault, want string) {
	b.t.Helper()
	if log := b.log(v, 0); log.events() != want || !log.Intact {
		b.t.Errorf("the log is %q, whole: %v; want %q", log.events(), log.Intact, want)
	}
}

func TestAuditLog(t *testing.T) {
	b, s := newStore(t, 1)
	filled(b, s, 20)
	b.wantsLog(s.Vault, "created")
	for range 3 {
		if _, err := b.world.tab().tryOpen("db", withSecret("wrong")); err == nil {
			t.Fatal("a wrong secret opened")
		}
	}
	b.wantsLog(s.Vault, "created") // they are counted, and wait for a key
	_, err := b.tryOpen("db", withSecret("wrong"))
	fails(t, "a wrong secret for an open vault", err, ErrWrongSecret)
	b.wantsLog(s.Vault, "created unlock-failed*3 unlock-failed")
	if err := b.changeSecret(s.Vault, "secret", "another"); err != nil {
		t.Fatal(err)
	}
	r := b.rotator(s.Vault)
	r.must(func(t *task) error { return r.rotate(t, "another", nil) })
	r.must(func(t *task) error { return r.rollBack(t, "another") })
	r.must(func(t *task) error { return r.rotate(t, "another", nil) })
	r.must(func(t *task) error { return r.finish(t, "another", Verify) })
	b.vaults.Lock("db")
	o := withSecret("another")
	o.LockedAt = b.now
	v := b.open("db", o)
	want := "created unlock-failed*3 unlock-failed secret-changed rotation-begun rotation-verified rollback-begun rotation-rolled-back rotation-begun rotation-verified rotation-committed locked unlocked"
	b.wantsLog(v, want)
	// A new audit key reads what an old one sealed.
	r = b.rotator(v)
	n := newSecret("third")
	r.must(func(t *task) error { return r.rotate(t, "another", &n) })
	b.wantsLog(v, want+" rotation-begun rotation-verified")
	if log := b.log(v, 14); log.First != 14 || log.events() != "rotation-begun rotation-verified" {
		t.Errorf("from 14 on: %d, %q", log.First, log.events())
	}
	if lines := b.log(v, 0).Lines; lines[0].Epoch != 1 || lines[13].Epoch != 4 || lines[0].At != b.now {
		t.Errorf("the first and a later line: %+v, %+v", lines[0], lines[13])
	}
	for _, told := range []string{"db created 1", "db unlock-failed 1", "db locked 1", "db rotation-committed 1"} {
		if !slices.Contains(b.told, told) {
			t.Errorf("the page was not told %q", told)
		}
	}
}

// What someone does to the stored log, its check finds.
func TestAuditTampering(t *testing.T) {
	line := func(n uint64) string { return string(envelope.AuditKey(n)) }
	for name, tamper := range map[string]func(log map[string][]byte){
		"the last line is cut off":      func(log map[string][]byte) { delete(log, line(6)) },
		"the first line is removed":     func(log map[string][]byte) { delete(log, line(1)) },
		"a line is removed":             func(log map[string][]byte) { delete(log, line(3)) },
		"two lines change places":       func(log map[string][]byte) { log[line(3)], log[line(4)] = log[line(4)], log[line(3)] },
		"a line is there twice":         func(log map[string][]byte) { log[line(7)] = log[line(6)] },
		"a line takes another's place":  func(log map[string][]byte) { log[line(2)] = log[line(5)] },
		"a bit of a line":               func(log map[string][]byte) { log[line(4)][30] ^= 1 },
		"a bit of the IV of a line":     func(log map[string][]byte) { log[line(4)][7] ^= 1 },
		"the head is removed":           func(log map[string][]byte) { delete(log, "head") },
		"a bit of the head":             func(log map[string][]byte) { log["head"][40] ^= 1 },
		"all lines are removed":         func(log map[string][]byte) { clear(log) },
		"a line takes the head's place": func(log map[string][]byte) { log["head"] = log[line(6)] },
	} {
		t.Run(name, func(t *testing.T) {
			b, s := newStore(t, 1)
			for i := range 5 {
				if err := b.changeSecret(s.Vault, fmt.Sprint("secret", i), fmt.Sprint("secret", i+1)); i > 0 && err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					if err := b.changeSecret(s.Vault, "secret", "secret1"); err != nil {
						t.Fatal(err)
					}
				}
			}
			b.wantsLog(s.Vault, "created unlock-failed secret-changed secret-changed secret-changed secret-changed secret-changed")
			log := b.disks["db"].tables[Audit]
			older := bytes.Clone(log["head"])
			tamper(log)
			if got := b.log(s.Vault, 0); got.Intact {
				t.Errorf("it is not seen; the lines are %q", got.events())
			}
			// It goes on, and says so where it had to begin anew.
			if err := b.do(func(t *task) error {
				_, err := s.AddSlot(t, secretKey("secret5"), envelope.SecretSlot, newSecret("more"))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			got := b.log(s.Vault, 0)
			if !strings.HasSuffix(got.events(), "slot-added") {
				t.Errorf("the lines are %q", got.events())
			}
			if !bytes.Equal(older, log["head"]) && (name == "the head is removed" || name == "all lines are removed") && !strings.Contains(got.events(), "log-restarted") {
				t.Errorf("a new log does not say that it is: %q", got.events())
			}
		})
	}
}

// The log is bounded, and what is left of it checks.
func TestAuditTrim(t *testing.T) {
	b, s := newStore(t, 1)
	for range 1250 {
		if err := b.do(func(t *task) error { s.record(t, SlotAdded, 1); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	log := b.log(s.Vault, 0)
	if n := len(b.disks["db"].tables[Audit]) - 1; !log.Intact || n < maxLines || n >= maxLines+trimLines || len(log.Lines) != n || log.First != uint64(1251-n+1) {
		t.Errorf("%d lines from %d on of %d that are stored, whole: %v", len(log.Lines), log.First, n, log.Intact)
	}
	delete(b.disks["db"].tables[Audit], string(envelope.AuditKey(log.First)))
	if b.log(s.Vault, 0).Intact {
		t.Error("the first line of a log that was trimmed can be removed")
	}
}

// Two tabs write one log, and no line is lost.
func TestAuditOfTabs(t *testing.T) {
	for seed := range uint64(40) {
		w := newWorld(t, seed)
		one, two := w.tab(), w.tab()
		a, b := one.open("db", withSecret("secret")), two.open("db", withSecret("secret"))
		for range 10 {
			w.start(func(t *task) { a.record(t, SlotAdded, 1) })
			w.start(func(t *task) { b.record(t, SlotRemoved, 1) })
		}
		w.run()
		log := one.log(a, 0)
		added, removed := 0, 0
		for _, l := range log.Lines {
			switch Event(l.Event) {
			case SlotAdded:
				added += int(l.Count)
			case SlotRemoved:
				removed += int(l.Count)
			}
		}
		if !log.Intact || added != 10 || removed != 10 {
			t.Fatalf("seed %d: whole: %v, %d and %d", seed, log.Intact, added, removed)
		}
	}
}

// A record that does not open is told of, and a crowd of them does not fill the log.
func TestIntegrityIsToldOf(t *testing.T) {
	b, s := newStore(t, 1)
	b.set(s, text("name", "value"))
	entry := b.disks["db"].tables[Records][b.recordKey(s, "name")]
	entry[len(entry)-1] ^= 1
	for range 50 {
		err := b.do(func(t *task) error { _, err := s.Get(t, []string{"name"}, false); return s.Failed(t, err) })
		fails(t, "a record that was changed", err, ErrIntegrity)
	}
	b.wantsLog(s.Vault, "created integrity")
	b.now += quietTime
	err := b.do(func(t *task) error { _, err := s.Get(t, []string{"name"}, false); return s.Failed(t, err) })
	fails(t, "a record that was changed", err, ErrIntegrity)
	b.wantsLog(s.Vault, "created integrity integrity*50")
}

func TestPolicy(t *testing.T) {
	w := newWorld(t, 1)
	b := w.tab()
	o := withSecret("secret")
	o.Policy = Policy{MaxAgeDays: 30, Purge: 1 << envelope.PHI, TTL: []uint64{0, 0, 0, 0, 0, 60}}
	s := b.store("db", "st", o)
	pii := text("pii", "kept")
	pii.Class = envelope.PII
	b.set(s, text("phi", "for a minute"), text("large", large("1")), pii)
	b.wants(s, "phi", "for a minute")
	w.now += 60
	b.wants(s, "phi", "")
	b.wants(s, "pii", "kept")
	if !slices.Contains(b.told, "db expired 1") {
		t.Errorf("told: %q", b.told)
	}

	ages := func() (ages []KeyAge) {
		t.Helper()
		if err := b.do(func(t *task) (err error) { ages, _, err = s.KeyAges(t); return err }); err != nil {
			t.Fatal(err)
		}
		return ages
	}
	if a := ages(); len(a) != 5 || a[4].Class != envelope.PHI || a[4].Created != w.now-60 || a[4].Due != w.now-60+30*day || a[4].Writes != leaseSize || a[0].Writes != 0 {
		t.Errorf("ages: %+v", a)
	}
	if slices.Contains(b.told, "db rotation-due 1") {
		t.Error("it is not due yet")
	}
	b.end()
	w.now += 30 * day
	b = w.tab()
	b.open("db", o)
	if !slices.Contains(b.told, "db rotation-due 1") {
		t.Error("it is due, and not told of")
	}
}

// What is forgotten is gone, its keys with it, whenever that ends; the rest stays, and the class can be written again.
func TestForget(t *testing.T) {
	for seed := range uint64(60) {
		w := newWorld(t, seed)
		b := w.tab()
		s := b.store("db", "st", withSecret("secret"))
		pii := text("pii", "kept")
		pii.Class = envelope.PII
		b.set(s, text("phi", "secret of a patient"), text("large", large("1")), pii)
		if seed == 0 {
			fails(t, "no class and no policy", b.do(func(t *task) error { return s.Forget(t, 0) }), ErrInvalid)
			fails(t, "a class that is none", b.do(func(t *task) error { return s.Forget(t, 1<<6) }), ErrInvalid)
		}
		old := w.disks["db"].copied()
		forgotten := false
		b.start(func(t *task) {
			if err := s.Forget(t, 1<<envelope.PHI); err != nil {
				w.t.Error(err)
			}
			forgotten = true
		})
		if seed%3 != 0 {
			for range b.rand.IntN(40) {
				b.step()
			}
		} else {
			b.run()
		}
		ended := forgotten
		now := w.restarted(seed)
		b.run()
		tab := now.tab()
		again := tab.store("db", "st", withSecret("secret"))
		tab.wants(again, "pii", "kept")
		ring := tab.ring("db")
		if ended {
			if key := ring.Find(envelope.RecordKey256, envelope.PHI, 1); key == nil || bytes.Contains(old[Keyrings][string(KeyringEntry)], key.Wrapped[:]) {
				t.Fatalf("seed %d: the key is the old one", seed)
			}
			tab.wants(again, "phi", "")
			tab.wants(again, "large", "")
			if n := len(now.disks["db"].tables[Records]) + len(now.disks["db"].tables[Chunks]); n != 1 {
				t.Fatalf("seed %d: %d entries are left", seed, n)
			}
			tab.set(again, text("phi", "written again"))
			tab.wants(again, "phi", "written again")
			if seed == 0 {
				tab.wantsLog(again.Vault, "created forgotten unlocked")
			}
		} else if got, err := tab.tryGet(again, "phi"); err != nil || got != "" && got != "secret of a patient" {
			t.Fatalf("seed %d: %q, %v", seed, got, err)
		}
	}
}
