package vault

import "idbvault/envelope"

// load reads the stored keyring. It returns nil where there is none.
func (v *Vault) load(t Task) (*envelope.Keyring, []byte, error) {
	reads := []Read{{Table: Keyrings, Key: KeyringEntry}}
	if err := v.db.Read(t, reads, nil, nil); err != nil {
		return nil, nil, err
	}
	if !reads[0].Found {
		return nil, nil, nil
	}
	stored := v.p.Front(t, reads[0].Entry.Value, 0, reads[0].Entry.Size)
	ring, _, err := envelope.ParseKeyring(stored)
	if err != nil {
		return nil, nil, broken(err)
	}
	for _, s := range ring.Slots {
		if s.Iterations < minRandomSecret || s.Iterations > envelope.MaxIterations {
			return nil, nil, ErrIntegrity // checked before PBKDF2 would spend them
		}
	}
	return ring, stored, nil
}

// reread reads the keyring again, as another tab may have changed it, and returns a copy to change. One that was put back to an
// older one is ErrIntegrity.
func (v *Vault) reread(t Task) (*envelope.Keyring, []byte, error) {
	ring, stored, err := v.load(t)
	if err != nil {
		return nil, nil, err
	}
	same := string(stored) == string(v.stored)
	if ring == nil || ring.Generation < v.ring.Generation || ring.Generation == v.ring.Generation && !same {
		return nil, nil, ErrIntegrity.because("The vault's keyring was deleted or put back to an older one. Writing has stopped; restore the browser's data, or delete it with destroyVault.")
	}
	if !same {
		if err := v.verify(t, v.ringKey, ring, stored); err != nil {
			if err == ErrIntegrity && ring.Newest(envelope.KeyringKey256) != nil && *ring.Newest(envelope.KeyringKey256) != *v.ring.Newest(envelope.KeyringKey256) {
				v.expel() // another page gave the vault a new secret and new keys
				return nil, nil, ErrLocked
			}
			return nil, nil, v.failed(err)
		}
		if !sameSlots(ring, v.ring) {
			v.fingerprint = nil // the secret that it is of may open no slot any more
		}
		v.ring, v.stored = ring, stored
	}
	if !same || v.share.epoch != ring.WriteEpoch || !v.complete() {
		if err := v.follow(t); err != nil {
			return nil, nil, err
		}
	}
	return v.ring.Clone(), v.stored, nil
}

// rewrite writes a keyring that was changed, in the place of the stored one that it was made from, with more writes in the same
// transaction; else it is ErrStale.
func (v *Vault) rewrite(t Task, ringKey Key, ring *envelope.Keyring, stored []byte, more ...Write) error {
	ring.Generation++
	next, err := v.seal(t, ringKey, ring)
	if err != nil {
		return v.failed(err)
	}
	err = v.db.Commit(t, Batch{
		Writes: append(more, Write{Table: Keyrings, Key: KeyringEntry, Bytes: next}),
		Expect: &Expect{Table: Keyrings, Key: KeyringEntry, Prefix: stored},
		Strict: true,
	})
	if err != nil {
		return err
	}
	v.ring, v.stored = ring, next
	return nil
}

// verify checks the keyring's MAC, the last 32 bytes of stored.
func (v *Vault) verify(t Task, ringKey Key, ring *envelope.Keyring, stored []byte) error {
	mac := stored[len(stored)-envelope.MACSize:]
	if err := v.p.Verify(t, ringKey, envelope.KeyringMessage(v.bound, ring), mac); err != nil {
		return broken(err)
	}
	v.ringKey = ringKey
	return nil
}

// seal returns the keyring as it is stored: its encoding and its MAC.
func (v *Vault) seal(t Task, ringKey Key, ring *envelope.Keyring) ([]byte, error) {
	macs, err := v.p.MAC(t, ringKey, [][]byte{envelope.KeyringMessage(v.bound, ring)}, nil)
	if err != nil {
		return nil, err
	}
	return append(ring.Encode(), macs[0]...), nil
}
