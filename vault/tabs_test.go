package vault

import (
	"testing"
)

// Two tabs that make one vault at the same time end with one keyring, and read what the other wrote.
func TestTabsCreateAtOnce(t *testing.T) {
	for _, c := range []struct {
		name    string
		noLocks bool
	}{
		{"with Web Locks", false},
		{"without", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(60) {
				w := newWorld(t, seed)
				w.noLocks = c.noLocks
				tabs := []*tab{w.tab(), w.tab(), w.tab()}
				stores := make([]*Store, len(tabs))
				names := []string{"a", "b", "c"}
				for i, b := range tabs {
					w.start(func(t *task) {
						v, err := b.vaults.Open(t, "db", withSecret("secret"))
						if err != nil {
							w.t.Errorf("seed %d: %v", seed, err)
							return
						}
						stores[i], _ = v.Store("st", StoreOptions{})
						if err := set(t, stores[i], text(names[i], "of "+names[i])); err != nil {
							w.t.Errorf("seed %d: %v", seed, err)
						}
					})
				}
				w.run()
				if t.Failed() {
					return
				}
				for i, b := range tabs {
					if stores[i].ring.VaultID != stores[0].ring.VaultID {
						t.Fatalf("seed %d: the tabs have two vaults", seed)
					}
					for _, name := range names {
						b.wants(stores[i], name, "of "+name)
					}
				}
				reload := w.tab()
				for _, name := range names {
					reload.wants(reload.store("db", "st", withSecret("secret")), name, "of "+name)
				}
			}
		})
	}
}

// With two secrets at once, one tab makes the vault and the other has the wrong secret.
func TestTabsCreateWithTwoSecrets(t *testing.T) {
	for seed := range uint64(60) {
		w := newWorld(t, seed)
		w.noLocks = seed%2 == 0
		secrets := []string{"secret", "another"}
		errs := make([]error, 2)
		for i, secret := range secrets {
			b := w.tab()
			w.start(func(t *task) { _, errs[i] = b.vaults.Open(t, "db", withSecret(secret)) })
		}
		w.run()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("seed %d: %v and %v", seed, errs[0], errs[1])
		}
		for i, err := range errs {
			if err != nil {
				fails(t, "the later tab", err, ErrWrongSecret)
			}
			_, again := w.tab().tryOpen("db", withSecret(secrets[i]))
			if (again == nil) != (err == nil) {
				t.Errorf("seed %d: %q opened with %v and opens with %v", seed, secrets[i], err, again)
			}
		}
	}
}

func TestTabsShareRecords(t *testing.T) {
	w := newWorld(t, 1)
	one, two := w.tab(), w.tab()
	a, b := one.store("db", "st", withSecret("secret")), two.store("db", "st", withSecret("secret"))
	one.set(a, text("name", "first"))
	two.wants(b, "name", "first")
	two.set(b, text("name", "second"))
	one.wants(a, "name", "second")
	// A store of another name does not have it, nor does another database.
	one.wants(one.store("db", "other", Options{}), "name", "")
	one.wants(one.store("other", "st", withSecret("secret")), "name", "")
	// Both tabs are told of writes on one channel, which another database does not share.
	if x, y := one.channel(a.Vault), two.channel(b.Vault); len(x) != 64 || x != y {
		t.Errorf("the tabs' channels are %x and %x", x, y)
	}
	if x, y := one.channel(a.Vault), one.channel(one.open("other", Options{})); x == y {
		t.Errorf("two databases have the channel %s", x)
	}
}

func (b *tab) channel(v *Vault) (channel string) {
	b.t.Helper()
	err := b.do(func(t *task) (err error) {
		channel, err = v.Channel(t)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return channel
}
