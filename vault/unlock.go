package vault

import "idbvault/envelope"

// Vaults are the unlocked vaults of a page.
type Vaults struct {
	Platform Platform
	order    order
	open     map[string]*Vault
}

// Open returns the vault of a database: the one that is already unlocked on this page, or the stored one, unlocked with
// the secret, or a new one.
func (vs *Vaults) Open(t Task, database string, o Options) (*Vault, error) {
	if err := checkPlaceName(database, "database"); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	turn := vs.order.take(t, database)
	defer turn.finish()

	v, err := vs.join(t, database)
	if err != nil {
		return nil, err
	}
	if v == nil {
		if o.Secret == nil {
			return nil, vs.told(database, vs.locked(t, database, o))
		}
		v, err = vs.unlock(t, database, o)
		return v, vs.told(database, err)
	}
	v.govern(&o.Policy)
	if o.Secret != nil {
		if err := v.admit(t, o); err != nil {
			return nil, err
		}
	}
	if err := o.suit(v.ring); err != nil {
		return nil, err
	}
	return v, v.alive()
}

// admit checks the secret that an open vault is opened with again.
func (v *Vault) admit(t Task, o Options) error {
	turn := v.leasing.take(t, "keyring")
	defer turn.finish()
	ring, _, err := v.reread(t) // another tab may have changed the slots
	if err != nil || len(o.Fingerprint) > 0 && string(v.fingerprint) == string(o.Fingerprint) {
		return err
	}
	if _, err := v.trySlots(t, ring, o.Secret); err != nil {
		if ErrWrongSecret.is(err) {
			v.record(t, UnlockFailed, 1)
		}
		return err
	}
	v.fingerprint = o.Fingerprint
	return nil
}

// join returns the vault of that database that is unlocked on this page, or nil. Where an earlier instance of this
// program unlocked it and died, its keys are still on the page.
func (vs *Vaults) join(t Task, database string) (*Vault, error) {
	if v := vs.open[database]; v != nil && !v.gone {
		return v, nil
	}
	ringKey, kept := vs.Platform.Kept(database, labelOf(envelope.KeyringKey256, 0, 0))
	if !kept {
		return nil, nil
	}
	v := vs.fresh(database)
	if err := v.attach(t, false); err != nil {
		if ErrAbsent.is(err) {
			vs.Platform.Forget(database)
			return nil, nil
		}
		return nil, err
	}
	ring, stored, err := v.hold(t)
	if err == nil && ring == nil {
		err = ErrIntegrity
	}
	if err == nil {
		err = v.failed(v.verify(t, ringKey, ring, stored))
	}
	if err == nil {
		err = v.adopt(t, ring, stored, func(e *envelope.WrappedKey) (Key, error) {
			if k, ok := vs.Platform.Kept(database, labelOf(e.Kind, e.Class, e.Epoch)); ok {
				return k, nil
			}
			return nil, ErrIntegrity
		})
	}
	if err != nil {
		v.drop()
		if err == ErrIntegrity {
			// Perhaps another tab replaced the vault. Whether this one is whole, its secret tells.
			vs.Platform.Forget(database)
			err = nil
		}
		return nil, err
	}
	v.keepTime(t, false)
	vs.open[database] = v
	return v, v.alive()
}

// locked says why a database cannot be opened without a secret.
func (vs *Vaults) locked(t Task, database string, o Options) error {
	if o.ExpectVault == Yes {
		db, err := vs.Platform.OpenDatabase(t, database, false, func() {})
		if ErrAbsent.is(err) {
			return ErrEvicted
		}
		if err != nil {
			return err
		}
		db.Close()
	}
	if o.Again {
		return ErrLocked
	}
	return ErrNoSecret
}

func (vs *Vaults) fresh(database string) *Vault {
	if vs.open == nil {
		vs.open = map[string]*Vault{}
	}
	return &Vault{
		p: vs.Platform, database: database, bound: database,
		stores: map[string]*storeState{},
	}
}

// drop lets go of a vault that did not open.
func (v *Vault) drop() {
	v.share.retire()
	v.db.Close()
}

// attach opens the database. When it is lost, to a deletion or to the browser, so is the vault: its keys are dropped.
func (v *Vault) attach(t Task, create bool) (err error) {
	v.db, err = v.p.OpenDatabase(t, v.database, create, func() {
		v.lose()
	})
	return err
}

func (vs *Vaults) unlock(t Task, database string, o Options) (*Vault, error) {
	v := vs.fresh(database)
	if o.Bound != "" {
		v.bound = o.Bound
	}
	if err := v.attach(t, o.ExpectVault != Yes); err != nil {
		if ErrAbsent.is(err) {
			return nil, ErrEvicted
		}
		return nil, err
	}
	made, err := v.unlockOrCreate(t, o)
	if err != nil {
		if ErrWrongSecret.is(err) {
			v.countFailure(t)
		}
		v.drop()
		return nil, err
	}
	v.keepTime(t, false)
	if v.gone {
		return nil, ErrClosed // another tab deleted it meanwhile: its keys must not be kept for the one that comes next
	}
	v.fingerprint = o.Fingerprint
	v.keep()
	vs.open[database] = v
	v.govern(&o.Policy)
	v.opened(t, made, o.LockedAt)
	return v, v.alive()
}

// opened tells of an unlock, and writes it, with what happened while no key was at hand.
func (v *Vault) opened(t Task, made bool, lockedAt uint64) {
	if lockedAt >= v.ring.Created {
		v.pend(envelope.AuditLine{Event: byte(LockedEvent), Epoch: v.ring.WriteEpoch, At: lockedAt, Count: 1})
	}
	e := UnlockedEvent
	if made {
		e = Created
	}
	v.record(t, e, 1)
	v.tellDue()
}

// told tells the page why a vault did not open.
func (vs *Vaults) told(database string, err error) error {
	switch {
	case ErrEvicted.is(err):
		vs.Platform.Report(database, Evicted, 0, 1)
	case ErrIntegrity.is(err) || ErrVersion.is(err):
		vs.Platform.Report(database, IntegrityFailure, 0, 1)
	case ErrQuota.is(err):
		vs.Platform.Report(database, QuotaExceeded, 0, 1)
	}
	return err
}

func (v *Vault) unlockOrCreate(t Task, o Options) (made bool, err error) {
	ring, stored, err := v.hold(t)
	if err != nil {
		return false, err
	}
	if ring == nil {
		if o.ExpectVault == Yes {
			n, err := v.db.Count(t, Records, Range{}, nil)
			if err == nil && n == 0 {
				err = ErrEvicted
			} else if err == nil {
				err = errNoKeyring
			}
			return false, err
		}
		var vaultKey Key
		if ring, stored, vaultKey, err = v.create(t, o); err != nil {
			return false, err
		}
		if vaultKey != nil {
			if v.share, err = v.shareIn(t, ring.WriteEpoch); err != nil {
				return false, err
			}
			return true, v.unwrap(t, ring, stored, &opened{vaultKey: vaultKey})
		}
		if ring, stored, err = v.hold(t); err == nil && ring == nil {
			err = errNoKeyring
		}
		if err != nil {
			return false, err
		}
	}
	if err := o.suit(ring); err != nil {
		return false, err
	}
	k, err := v.trySlots(t, ring, o.Secret)
	if err != nil {
		return false, err
	}
	err = v.unwrap(t, ring, stored, k)
	if ErrStale.is(err) { // keys were drawn for classes that were forgotten, here or in another tab
		return v.unlockOrCreate(t, o)
	}
	if err != nil || !o.raise || ring.Slots[k.slot].Iterations >= o.Iterations {
		return false, err
	}
	// A full disk must not keep anyone from reading; the next unlock tries again.
	n := NewSecret{Secret: o.Secret, RandomSecret: o.RandomSecret, Iterations: o.Iterations}
	err = v.changeSlots(t, o.Secret, func(ring *envelope.Keyring, k *opened) error {
		return v.fillSlot(t, &ring.Slots[k.slot], k, &n)
	})
	if ErrQuota.is(err) {
		err = nil
	}
	return false, err
}

// unwrap opens the vault with the vault key: the keyring key first and alone, then, once the keyring's MAC holds, the
// rest. The vault key is dropped when it returns.
func (v *Vault) unwrap(t Task, ring *envelope.Keyring, stored []byte, k *opened) error {
	entry := ring.Newest(envelope.KeyringKey256)
	if entry == nil {
		return ErrIntegrity
	}
	ringKey, err := v.p.Unwrap(t, k.vaultKey, envelope.KeyringKey256, entry.Wrapped[:])
	if err != nil {
		return broken(err)
	}
	if err := v.verify(t, ringKey, ring, stored); err != nil {
		return err
	}
	if err := v.renew(t, ring.Clone(), stored, ringKey, k); err != nil {
		return err
	}
	return v.adopt(t, ring, stored, func(e *envelope.WrappedKey) (Key, error) {
		return v.p.Unwrap(t, k.vaultKey, e.Kind, e.Wrapped[:])
	})
}

// adopt takes the verified keyring and the handles of the keys that this version uses.
func (v *Vault) adopt(t Task, ring *envelope.Keyring, stored []byte, find func(*envelope.WrappedKey) (Key, error)) error {
	for i := range ring.Keys {
		e := &ring.Keys[i]
		if !isHeld(e) {
			continue
		}
		key, err := find(e)
		if err != nil {
			return broken(err)
		}
		v.take(e, key)
	}
	v.ring, v.stored = ring, stored
	for _, class := range envelope.Classes {
		if v.recordKey(class, ring.WriteEpoch) == nil {
			return ErrIntegrity
		}
	}
	if v.chooseNames(); v.nameKey == nil {
		return ErrIntegrity
	}
	return nil
}

func labelOf(kind envelope.KeyKind, class envelope.Class, epoch uint32) string {
	return string([]byte{'0' + byte(kind), '.', '0' + byte(class), '.'}) + decimal(epoch)
}

func decimal(n uint32) string {
	if n < 10 {
		return string([]byte{'0' + byte(n)})
	}
	return decimal(n/10) + decimal(n%10)
}

// keep leaves the handles with the page, so that the vault stays unlocked if this instance dies.
func (v *Vault) keep() {
	v.ringKey = v.p.Keep(v.database, labelOf(envelope.KeyringKey256, 0, 0), v.ringKey)
	for i := range v.keys {
		v.keepKey(&v.keys[i])
	}
	v.chooseNames()
}

func (v *Vault) keepKey(k *heldKey) {
	k.key = v.p.Keep(v.database, labelOf(k.kind, k.class, k.epoch), k.key)
}

// Destroy deletes the vault of a database with everything in it, without its secret. A database that is not a vault's
// is refused and left as it is; an absent one is no error.
func (vs *Vaults) Destroy(t Task, database string) error {
	if err := checkPlaceName(database, "database"); err != nil {
		return err
	}
	turn := vs.order.take(t, database)
	defer turn.finish()
	db, err := vs.Platform.OpenDatabase(t, database, false, func() {})
	if ErrAbsent.is(err) {
		return nil
	}
	if err != nil {
		return err
	}
	db.Close()
	if v := vs.open[database]; v != nil {
		v.lose()
		v.db.Close()
		delete(vs.open, database)
	}
	vs.Platform.Forget(database)
	return vs.Platform.DeleteDatabase(t, database)
}
