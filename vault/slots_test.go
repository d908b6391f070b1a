package vault

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"idbvault/envelope"
)

func newSecret(secret string) NewSecret {
	o := withSecret(secret)
	return NewSecret{Secret: o.Secret, Fingerprint: o.Fingerprint}
}

func (b *tab) changeSecret(v *Vault, old, next string) error {
	return b.do(func(t *task) error { return v.ChangeSecret(t, secretKey(old), newSecret(next)) })
}

// opens fails the test where a secret does not open the vault in a new tab, or does where it should not.
func (w *world) opens(secret string, want bool) {
	w.t.Helper()
	b := w.tab()
	v, err := b.tryOpen("db", withSecret(secret))
	b.end()
	if want && err != nil || !want && !errors.Is(err, ErrWrongSecret) {
		w.t.Errorf("%q opened %v, %v, want %v", secret, v != nil, err, want)
	}
}

func (b *tab) stored() []byte { return b.disks["db"].tables[Keyrings][string(KeyringEntry)] }

func (b *tab) ringOf() *envelope.Keyring {
	b.t.Helper()
	ring, _, err := envelope.ParseKeyring(b.stored())
	if err != nil {
		b.t.Fatal(err)
	}
	return ring
}

func TestChangeSecret(t *testing.T) {
	b, s := newStore(t, 1)
	b.set(s, text("name", "value"), text("large", large("1")))
	before, image := b.ringOf(), bytes.Clone(b.stored())
	b.events = nil
	if err := b.changeSecret(s.Vault, "secret", "another"); err != nil {
		t.Fatal(err)
	}
	// One strict write of the keyring, and nothing else.
	var writes []string
	for _, e := range b.events {
		if len(e) > 5 && e[:5] == "write" {
			writes = append(writes, e)
		}
	}
	if fmt.Sprint(writes) != "[write keyring strict=true]" {
		t.Errorf("it wrote %q", writes)
	}
	after := b.ringOf()
	old, slot := before.Slots[0], after.Slots[0]
	if len(after.Slots) != 1 || slot.ID != old.ID || slot.Kind != envelope.SecretSlot || slot.Salt == old.Salt || slot.Wrapped == old.Wrapped {
		t.Errorf("the slot is %+v, and was %+v", slot, old)
	}
	if after.Generation != before.Generation+1 || fmt.Sprint(after.Keys) != fmt.Sprint(before.Keys) {
		t.Error("more than the slot was changed, or the generation was not")
	}
	b.opens("another", true)
	b.opens("secret", false)
	b.wants(s, "name", "value")
	b.set(s, text("name", "new"))

	// In this tab, too, the old secret opens no more, and the new one does without a derivation.
	_, err := b.tryOpen("db", withSecret("secret"))
	fails(t, "the old secret", err, ErrWrongSecret)
	b.derived = nil
	b.open("db", withSecret("another"))
	if len(b.derived) != 0 {
		t.Errorf("the new secret was derived again, %v", b.derived)
	}
	// An image of the disk from before opens with the old one, as SECURITY.md says.
	b.disks["db"].tables[Keyrings][string(KeyringEntry)] = image
	b.opens("secret", true)
	b.opens("another", false)
}

func TestChangeSecretRefuses(t *testing.T) {
	b, s := newStore(t, 2)
	kept := bytes.Clone(b.stored())
	for what, c := range map[string]struct {
		old  string
		next NewSecret
		want *Error
	}{
		"a wrong secret":          {"wrong", newSecret("another"), ErrWrongSecret},
		"too few iterations":      {"secret", NewSecret{Secret: secretKey("another"), Iterations: 599_999}, ErrInvalid},
		"too many iterations":     {"secret", NewSecret{Secret: secretKey("another"), Iterations: 10_000_001}, ErrInvalid},
		"random bytes, too cheap": {"secret", NewSecret{Secret: secretKey("another"), RandomSecret: true, Iterations: 99_999}, ErrInvalid},
	} {
		err := b.do(func(t *task) error { return s.ChangeSecret(t, secretKey(c.old), c.next) })
		fails(t, what, err, c.want)
		if !bytes.Equal(b.stored(), kept) {
			t.Errorf("%s: the keyring was changed", what)
		}
	}
	b.opens("secret", true)
	b.conns[0].closed = true
	b.conns[0].lost()
	fails(t, "a vault that is gone", b.changeSecret(s.Vault, "secret", "another"), ErrClosed)
}

// Another tab that has the vault unlocked goes on, and takes the new secret in the place of the old one.
func TestChangeSecretInAnotherTab(t *testing.T) {
	w := newWorld(t, 3)
	a, b := w.tab(), w.tab()
	sa, sb := a.store("db", "st", withSecret("secret")), b.store("db", "st", withSecret("secret"))
	a.set(sa, text("name", "1"))
	if err := a.changeSecret(sa.Vault, "secret", "another"); err != nil {
		t.Fatal(err)
	}
	b.wants(sb, "name", "1")
	b.set(sb, text("name", "2"))
	_, err := b.tryOpen("db", withSecret("secret"))
	fails(t, "the old secret in the other tab", err, ErrWrongSecret)
	b.open("db", withSecret("another"))
	if err := b.changeSecret(sb.Vault, "another", "a third"); err != nil {
		t.Fatal(err)
	}
	fails(t, "the second secret", a.changeSecret(sa.Vault, "another", "a fourth"), ErrWrongSecret)
	a.wants(sa, "name", "2")
	w.opens("a third", true)
}

// Of two changes at once, both take effect, one after the other, or one finds its secret gone. Leases that are taken meanwhile
// are kept.
func TestChangesAtOnce(t *testing.T) {
	outcomes := map[string]int{}
	for seed := range uint64(60) {
		w := newWorld(t, seed)
		a, b := w.tab(), w.tab()
		sa, sb := a.store("db", "st", withSecret("secret")), b.store("db", "st", withSecret("secret"))
		var first, second error
		a.start(func(t *task) { first = sa.ChangeSecret(t, secretKey("secret"), newSecret("of a")) })
		b.start(func(t *task) { second = sb.ChangeSecret(t, secretKey("secret"), newSecret("of b")) })
		b.start(func(t *task) {
			if err := set(t, sb, text("name", "value")); err != nil {
				b.t.Error(err)
			}
		})
		w.run()
		switch {
		case first == nil && errors.Is(second, ErrWrongSecret):
			outcomes["of a"]++
			w.opens("of a", true)
			w.opens("of b", false)
		case second == nil && errors.Is(first, ErrWrongSecret):
			outcomes["of b"]++
			w.opens("of b", true)
			w.opens("of a", false)
		default:
			t.Fatalf("seed %d: %v and %v", seed, first, second)
		}
		w.opens("secret", false)
		if a.ringOf().Find(envelope.RecordKey256, envelope.PHI, 1).Leases != 1 {
			t.Fatalf("seed %d: the lease was lost", seed)
		}
		a.wants(sa, "name", "value")
	}
	if outcomes["of a"] == 0 || outcomes["of b"] == 0 {
		t.Errorf("outcomes: %v", outcomes)
	}
}

func TestSlots(t *testing.T) {
	b, s := newStore(t, 4)
	b.set(s, text("name", "value"))
	add := func(secret, next string, kind envelope.SlotKind) (id uint32, err error) {
		err = b.do(func(t *task) (err error) {
			id, err = s.AddSlot(t, secretKey(secret), kind, newSecret(next))
			return err
		})
		return id, err
	}
	list := func() string {
		t.Helper()
		var slots []SlotInfo
		if err := b.do(func(t *task) (err error) { slots, err = s.Slots(t); return err }); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(slots)
	}
	if got := list(); got != "[{1 1 600000}]" {
		t.Errorf("a new vault has the slots %s", got)
	}
	for i, c := range []struct {
		secret, next string
		kind         envelope.SlotKind
	}{{"secret", "recovery", envelope.RecoverySlot}, {"recovery", "colleague", envelope.SecretSlot}} {
		if id, err := add(c.secret, c.next, c.kind); err != nil || id != uint32(i+2) {
			t.Fatalf("slot %d, %v", id, err)
		}
	}
	if got := list(); got != "[{1 1 600000} {2 2 600000} {3 1 600000}]" {
		t.Errorf("the slots are %s", got)
	}
	for _, secret := range []string{"secret", "recovery", "colleague"} {
		b.opens(secret, true)
	}
	_, err := add("wrong", "another", envelope.SecretSlot)
	fails(t, "adding with a wrong secret", err, ErrWrongSecret)
	for _, kind := range []envelope.SlotKind{0, 4} {
		_, err = add("secret", "another", kind)
		fails(t, "another kind", err, ErrInvalid)
	}
	fails(t, "a change of the recovery key", b.changeSecret(s.Vault, "recovery", "another"), ErrInvalid)

	remove := func(secret string, id uint32) error {
		return b.do(func(t *task) error { return s.RemoveSlot(t, secretKey(secret), id) })
	}
	fails(t, "removing the slot of the secret itself", remove("secret", 1), ErrInvalid)
	fails(t, "removing a slot that is not there", remove("secret", 4), ErrInvalid)
	fails(t, "removing with a wrong secret", remove("wrong", 1), ErrWrongSecret)

	// Who forgot the passphrase makes another one with the recovery key, and removes the old one.
	if err := remove("recovery", 1); err != nil {
		t.Fatal(err)
	}
	b.opens("secret", false)
	b.opens("recovery", true)
	if err := remove("recovery", 3); err != nil {
		t.Fatal(err)
	}
	b.opens("colleague", false)
	fails(t, "removing the last", remove("recovery", 2), ErrInvalid)
	// An id is not given again while a later one is there.
	if id, err := add("recovery", "new", envelope.SecretSlot); err != nil || id != 3 {
		t.Errorf("slot %d, %v", id, err)
	}
	b.wants(s, "name", "value")
	for i := len(b.ringOf().Slots); i < envelope.MaxSlots; i++ {
		if _, err := add("recovery", fmt.Sprint("number ", i), envelope.SecretSlot); err != nil {
			t.Fatal(err)
		}
	}
	_, err = add("recovery", "one too many", envelope.SecretSlot)
	fails(t, "slot 65", err, ErrInvalid)
	b.opens("number 63", true)
}

// The iterations that an unlock asks for are the least that its slot has then.
func TestIterationsAreRaised(t *testing.T) {
	w := newWorld(t, 5)
	made := w.tab()
	s := made.store("db", "st", withSecret("secret"))
	made.set(s, text("name", "value"))
	if err := made.do(func(t *task) error {
		_, err := s.AddSlot(t, secretKey("secret"), envelope.SecretSlot, newSecret("another"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	unlock := func(secret string, iterations uint32) *tab {
		b := w.tab()
		o := withSecret(secret)
		o.Iterations = iterations
		b.wants(b.store("db", "st", o), "name", "value")
		return b
	}
	slots := func() (list [2]uint32) {
		for i, slot := range made.ringOf().Slots {
			list[i] = slot.Iterations
		}
		return list
	}
	unlock("secret", 0)
	unlock("secret", 600_000)
	if got := slots(); got != [2]uint32{600_000, 600_000} {
		t.Errorf("without a reason the slots have %v", got)
	}
	before := made.ringOf()
	unlock("secret", 700_000)
	if got := slots(); got != [2]uint32{700_000, 600_000} {
		t.Errorf("after 700,000 were asked for, the slots have %v", got)
	}
	if after := made.ringOf(); after.Slots[0].Salt == before.Slots[0].Salt || after.Slots[1] != before.Slots[1] {
		t.Error("the salt is the old one, or the other slot was changed")
	}
	b := unlock("secret", 650_000)
	if got := slots(); got != [2]uint32{700_000, 600_000} {
		t.Errorf("they were lowered to %v", got)
	}
	// A change of secret does not lower them, unless it is asked to.
	for _, c := range []struct {
		old, next      string
		asked, slotHas uint32
	}{{"secret", "second", 0, 700_000}, {"second", "third", 650_000, 650_000}, {"third", "secret", 700_000, 700_000}} {
		n := newSecret(c.next)
		n.Iterations = c.asked
		if err := b.do(func(t *task) error { return b.vaults.open["db"].ChangeSecret(t, secretKey(c.old), n) }); err != nil {
			t.Fatal(err)
		}
		if got := slots(); got != [2]uint32{c.slotHas, 600_000} {
			t.Errorf("a change of secret that asks for %d leaves %v", c.asked, got)
		}
	}
	made.set(s, text("name", "value")) // the tab that was open goes on
	b.opens("secret", true)
	b.opens("another", true)

	// Where the disk is full, the vault opens all the same.
	w.disks["db"].refuse = func(*Batch) error { return ErrQuota }
	unlock("secret", 800_000)
	w.disks["db"].refuse = nil
	if got := slots(); got != [2]uint32{700_000, 600_000} {
		t.Errorf("on a full disk the slots have %v", got)
	}
}

// A passkey's slot is opened, kept and removed as others are, and its secret is not changed: the authenticator holds it.
func TestPasskeySlot(t *testing.T) {
	b, s := newStore(t, 7)
	n := newSecret("of the passkey")
	n.RandomSecret, n.Iterations = true, 100_000
	if err := b.do(func(t *task) error {
		_, err := s.AddSlot(t, secretKey("secret"), envelope.PasskeySlot, n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if slot := b.ringOf().Slots[1]; slot.ID != 2 || slot.Kind != envelope.PasskeySlot || slot.Iterations != 100_000 {
		t.Errorf("the slot is %+v", slot)
	}
	b.opens("of the passkey", true)
	kept := bytes.Clone(b.stored())
	fails(t, "a change of the passkey", b.changeSecret(s.Vault, "of the passkey", "another"), ErrInvalid)
	if !bytes.Equal(b.stored(), kept) {
		t.Error("the keyring was changed")
	}
	remove := func(secret string, id uint32) error {
		return b.do(func(t *task) error { return s.RemoveSlot(t, secretKey(secret), id) })
	}
	if err := remove("of the passkey", 1); err != nil {
		t.Fatal(err)
	}
	b.opens("secret", false)
	b.opens("of the passkey", true)
	fails(t, "removing the last", remove("of the passkey", 2), ErrInvalid)
}

func TestUnlocked(t *testing.T) {
	b, s := newStore(t, 6)
	find := func(b *tab, name string) (v *Vault, err error) {
		err = b.do(func(t *task) error { v, err = b.vaults.Unlocked(t, name); return err })
		return v, err
	}
	if v, err := find(b, "db"); err != nil || v != s.Vault {
		t.Errorf("found %v, %v", v, err)
	}
	_, err := find(b, "another")
	fails(t, "another database", err, ErrNoSecret)
	_, err = find(b.world.tab(), "db")
	fails(t, "another tab", err, ErrNoSecret)
	_, err = find(b, "")
	fails(t, "no name", err, ErrInvalid)
	b = b.crash()
	if v, err := find(b, "db"); err != nil || v == nil {
		t.Errorf("after a crash: %v", err)
	}
}
