package vault

import "idbvault/envelope"

// Slots are the ways to the vault key: each wraps it under a KEK of its own secret. A change of them rewraps 40 bytes in one
// strict transaction, whatever the vault holds. It asks for a secret again, since an open vault keeps no key that could unwrap.

// NewSecret is a secret that a slot is made for.
type NewSecret struct {
	Secret       Key    // a PBKDF2 key
	RandomSecret bool   // it is at least 32 bytes that the caller says are random
	Fingerprint  []byte // as in Options
	Iterations   uint32 // 0 means DefaultIterations, or those of the slot that is changed where it has more
}

// SlotInfo is what is told of a slot.
type SlotInfo struct {
	ID         uint32
	Kind       envelope.SlotKind
	Iterations uint32
}

// Unlocked returns the vault of a database that is unlocked on this page, or ErrNoSecret.
func (vs *Vaults) Unlocked(t Task, database string) (*Vault, error) {
	if err := checkPlaceName(database, "database"); err != nil {
		return nil, err
	}
	turn := vs.order.take(t, database)
	defer turn.finish()
	v, err := vs.join(t, database)
	if err == nil && v == nil {
		err = ErrNoSecret.because("No vault of this database is unlocked on this page. Open it with createEncryptedStorage first.")
	}
	return v, err
}

// Slots lists the slots as they are stored now.
func (v *Vault) Slots(t Task) (list []SlotInfo, err error) {
	return list, v.onKeyring(t, func(ring *envelope.Keyring, _ []byte) error {
		list = slotsOf(ring)
		return nil
	})
}

func slotsOf(ring *envelope.Keyring) []SlotInfo {
	list := make([]SlotInfo, len(ring.Slots))
	for i, s := range ring.Slots {
		list[i] = SlotInfo{s.ID, s.Kind, s.Iterations}
	}
	return list
}

// ChangeSecret puts a new secret in the place of an old one, which then opens the vault no more. An image of the disk from
// before still opens with the old one.
func (v *Vault) ChangeSecret(t Task, old Key, n NewSecret) error {
	asked := n.Iterations != 0
	if err := n.check(); err != nil {
		return err
	}
	err := v.changeSlots(t, old, func(ring *envelope.Keyring, k *opened) error {
		slot := &ring.Slots[k.slot]
		if slot.Kind != envelope.SecretSlot {
			return ErrInvalid.because("This secret is a recovery key or a passkey, and stays one. Add the new secret with addSlot, and remove the forgotten one with removeSlot.")
		}
		if !asked {
			n.Iterations = max(n.Iterations, slot.Iterations) // what was raised once is not lowered by the way
		}
		return v.fillSlot(t, slot, k, &n)
	})
	if err == nil {
		v.fingerprint = n.Fingerprint
		v.record(t, SecretChanged, 1)
	}
	return err
}

// AddSlot makes a slot for a new secret and returns its id. A secret opens the vault that opens one of the slots.
func (v *Vault) AddSlot(t Task, secret Key, kind envelope.SlotKind, n NewSecret) (id uint32, err error) {
	if !kind.Valid() {
		return 0, ErrInvalid.because("The kind of a slot must be 'secret', 'recovery' or 'passkey'.")
	}
	if err := n.check(); err != nil {
		return 0, err
	}
	err = v.changeSlots(t, secret, func(ring *envelope.Keyring, k *opened) error {
		if len(ring.Slots) == envelope.MaxSlots {
			return ErrInvalid.because("A vault has at most 64 slots. Remove one that is not used.")
		}
		id = ring.Slots[len(ring.Slots)-1].ID + 1
		slot := envelope.Slot{ID: id, Kind: kind}
		if err := v.fillSlot(t, &slot, k, &n); err != nil {
			return err
		}
		ring.Slots = append(ring.Slots, slot)
		return nil
	})
	if err == nil {
		v.record(t, SlotAdded, 1)
	}
	return id, err
}

// RemoveSlot removes a slot, with a secret that opens another one: the last is never removed.
func (v *Vault) RemoveSlot(t Task, secret Key, id uint32) error {
	err := v.changeSlots(t, secret, func(ring *envelope.Keyring, k *opened) error {
		for i := range ring.Slots {
			if ring.Slots[i].ID != id {
				continue
			}
			if i == k.slot {
				return ErrInvalid.because("This secret opens the slot that is to be removed. Give the secret of another slot, which stays.")
			}
			ring.Slots = append(ring.Slots[:i], ring.Slots[i+1:]...)
			return nil
		}
		return ErrInvalid.because("There is no slot of that id. Look at listSlots.")
	})
	if err == nil {
		v.record(t, SlotRemoved, 1)
	}
	return err
}

// opened is what a secret opened: a slot, and the KEK that unwraps it.
type opened struct {
	slot     int
	kek      Key
	wrapped  [envelope.WrappedSize]byte // the vault key in it
	vaultKey Key
}

// changeSlots has change alter the keyring's slots, given the one that secret opens, and writes it.
func (v *Vault) changeSlots(t Task, secret Key, change func(ring *envelope.Keyring, k *opened) error) error {
	return v.withKeyring(t, secret, func(ring *envelope.Keyring, stored []byte, k *opened) error {
		if err := change(ring, k); err != nil {
			return err
		}
		return v.rewrite(t, v.ringKey, ring, stored)
	})
}

// withKeyring has change work on a copy of the keyring, given the slot that secret opens, and again where another page wrote it first.
func (v *Vault) withKeyring(t Task, secret Key, change func(ring *envelope.Keyring, stored []byte, k *opened) error) error {
	return v.onKeyring(t, func(ring *envelope.Keyring, stored []byte) error {
		k, err := v.trySlots(t, ring, secret)
		if ErrWrongSecret.is(err) {
			v.record(t, UnlockFailed, 1)
		}
		if err != nil {
			return err
		}
		return change(ring, stored, k)
	})
}

// onKeyring is withKeyring for what needs no secret.
func (v *Vault) onKeyring(t Task, change func(ring *envelope.Keyring, stored []byte) error) error {
	if err := v.alive(); err != nil {
		return err
	}
	turn := v.leasing.take(t, "keyring")
	defer turn.finish()
	for range maxRetries {
		ring, stored, err := v.reread(t)
		if err != nil {
			return err
		}
		if err := change(ring, stored); !ErrStale.is(err) {
			return err
		}
	}
	return ErrConflict.because("The keyring changed again at every try. Nothing was written; try again.")
}

// fillSlot wraps the vault key for a new secret, under a new salt.
func (v *Vault) fillSlot(t Task, slot *envelope.Slot, k *opened, n *NewSecret) error {
	v.p.Random(slot.Salt[:])
	slot.Iterations = n.Iterations
	kek, err := v.p.DeriveKEK(t, n.Secret, slot.Salt[:], slot.Iterations)
	if err != nil {
		return err
	}
	wrapped, err := v.p.Rewrap(t, k.kek, k.wrapped[:], kek)
	copy(slot.Wrapped[:], wrapped)
	return err
}

func (n *NewSecret) check() error {
	o := Options{Secret: n.Secret, RandomSecret: n.RandomSecret, Iterations: n.Iterations}
	err := o.check()
	n.Iterations = o.Iterations
	return err
}

// trySlots returns the slot that the secret opens.
func (v *Vault) trySlots(t Task, ring *envelope.Keyring, secret Key) (*opened, error) {
	for i, s := range ring.Slots {
		kek, err := v.p.DeriveKEK(t, secret, s.Salt[:], s.Iterations)
		if err != nil {
			return nil, err
		}
		vaultKey, err := v.p.UnwrapVaultKey(t, kek, s.Wrapped[:])
		if err == nil {
			return &opened{i, kek, s.Wrapped, vaultKey}, nil
		}
		if !ErrRefused.is(err) {
			return nil, err
		}
	}
	return nil, ErrWrongSecret
}

func sameSlots(a, b *envelope.Keyring) bool {
	if len(a.Slots) != len(b.Slots) {
		return false
	}
	for i := range a.Slots {
		if a.Slots[i] != b.Slots[i] {
			return false
		}
	}
	return true
}
