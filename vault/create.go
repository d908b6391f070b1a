package vault

import "idbvault/envelope"

// create makes the keyring of a new vault and returns it with the vault key, or the one that another tab made meanwhile,
// without. Keys are never made over existing records: a keyring that is absent beside records is ErrIntegrity.
func (v *Vault) create(t Task, o Options) (*envelope.Keyring, []byte, Key, error) {
	unlock, err := v.p.Lock(t, "idbvault:create:"+v.database, false)
	if err != nil {
		return nil, nil, nil, err
	}
	defer unlock()
	if ring, stored, err := v.load(t); ring != nil || err != nil {
		return ring, stored, nil, err
	}
	ring, stored, vaultKey, err := v.draw(t, o)
	if err != nil {
		return nil, nil, nil, err
	}
	records := Records
	err = v.db.Commit(t, Batch{
		Writes: []Write{{Table: Keyrings, Key: KeyringEntry, Bytes: stored}},
		Expect: &Expect{Table: Keyrings, Key: KeyringEntry, Empty: &records},
		Strict: true,
	})
	if ErrStale.is(err) {
		// A browser without Web Locks may let another tab come first; then that tab's keyring is the one.
		if ring, stored, err := v.load(t); ring != nil || err != nil {
			return ring, stored, nil, err
		}
		return nil, nil, nil, errNoKeyring
	}
	return ring, stored, vaultKey, err
}

var errNoKeyring = ErrIntegrity.because("The keyring is gone while records are there. They can't be read without it; restore the browser's data, or delete it with destroyVault.")

// draw makes a keyring: one slot, and fresh keys of every kind and class under epoch 1. It returns the vault key as a
// reader would have it, which can only unwrap.
func (v *Vault) draw(t Task, o Options) (*envelope.Keyring, []byte, Key, error) {
	now := v.p.Now()
	ring := &envelope.Keyring{
		Created: now, Generation: 1, WriteEpoch: 1, HighestEpoch: 1, ClearNames: o.Names == NamesClear,
	}
	v.p.Random(ring.VaultID[:])
	slot := envelope.Slot{ID: 1, Kind: envelope.SecretSlot, Iterations: o.Iterations}
	v.p.Random(slot.Salt[:])
	kek, err := v.p.DeriveKEK(t, o.Secret, slot.Salt[:], slot.Iterations)
	if err != nil {
		return nil, nil, nil, err
	}
	wrapping, wrapped, err := v.p.NewVaultKey(t, kek)
	if err != nil {
		return nil, nil, nil, err
	}
	vaultKey, err := v.p.UnwrapVaultKey(t, kek, wrapped)
	if err != nil {
		return nil, nil, nil, err
	}
	copy(slot.Wrapped[:], wrapped)
	ring.Slots = []envelope.Slot{slot}
	add := func(kind envelope.KeyKind, class envelope.Class) error {
		wrapped, err := v.p.NewWrapped(t, wrapping, kind)
		if err != nil {
			return err
		}
		e := envelope.WrappedKey{Kind: kind, Class: class, Epoch: 1, Created: now}
		copy(e.Wrapped[:], wrapped)
		ring.Keys = append(ring.Keys, e)
		return nil
	}
	for _, kind := range []envelope.KeyKind{envelope.RecordKey256, envelope.ObjectKey256} {
		for _, class := range envelope.Classes {
			if err := add(kind, class); err != nil {
				return nil, nil, nil, err
			}
		}
	}
	for _, kind := range []envelope.KeyKind{envelope.NameKey256, envelope.KeyringKey256, envelope.AuditKey256} {
		if err := add(kind, 0); err != nil {
			return nil, nil, nil, err
		}
	}
	ringKey, err := v.p.Unwrap(t, vaultKey, envelope.KeyringKey256, ring.Find(envelope.KeyringKey256, 0, 1).Wrapped[:])
	if err != nil {
		return nil, nil, nil, err
	}
	stored, err := v.seal(t, ringKey, ring)
	return ring, stored, vaultKey, err
}
