package vault

import "idbvault/envelope"

// A rotation draws new record and object keys under the next epoch, re-encrypts every record, and is then either committed, which
// destroys the old keys, or rolled back, which re-encrypts the other way. As long as the keyring has two epochs, a rotation is under
// way, whatever ended before its time: records lie under either, and are read under either. The journal says how far it came.
//
// The caller takes the steps, one call each, so that none holds more memory than a batch.

// Phase is where a rotation stands.
type Phase int

// The phases.
const (
	NotRotating Phase = iota
	Rotating          // to a new epoch
	Rotated           // every record was opened under the new epoch; to be committed, or rolled back
	RollingBack       // to the epoch from before
)

// Rotation is what is told of one.
type Rotation struct {
	Phase    Phase
	From, To uint32 // epochs; From is 0 where there is none
	Started  uint64 // Unix time in seconds
	Renames  bool   // stored names change, too: no other page may write under From before the first step
	New      []NewKey
	Lost     []SlotInfo // that a new secret took away
}

// NewKey is a handle that other pages need, and what they keep it under.
type NewKey struct {
	Label string
	Key   Key
}

// Rotation returns where a rotation stands.
func (v *Vault) Rotation(t Task) (r *Rotation, err error) {
	err = v.onKeyring(t, func(ring *envelope.Keyring, _ []byte) (err error) {
		r, err = v.rotation(t, ring)
		return err
	})
	return r, err
}

// rotation tells it by the keyring. The journal, whose loss is not more than the loss of a phase, adds what was verified.
func (v *Vault) rotation(t Task, ring *envelope.Keyring) (*Rotation, error) {
	r := &Rotation{To: ring.WriteEpoch}
	names := 0
	for i := range ring.Keys {
		e := &ring.Keys[i]
		if e.Kind == envelope.RecordKey256 && e.Epoch != r.To {
			r.From = e.Epoch
		}
		if e.Kind == envelope.NameKey256 {
			names++
		}
	}
	r.Renames = names > 1 && !ring.ClearNames
	if r.From == 0 {
		return r, nil
	}
	r.Phase = Rotating
	if r.From > r.To {
		r.Phase = RollingBack
	}
	reads := []Read{{Table: Journal, Key: JournalEntry}}
	if err := v.db.Read(t, reads, nil, nil); err != nil || !reads[0].Found {
		return r, err
	}
	j, mac, err := envelope.ParseJournal(v.p.Front(t, reads[0].Entry.Value, 0, reads[0].Entry.Size))
	if err == envelope.ErrVersion {
		return nil, ErrVersion
	}
	if err != nil || j.From != r.From || j.To != r.To || v.p.Verify(t, v.ringKey, envelope.JournalMessage(v.bound, j), mac) != nil {
		return r, nil
	}
	r.Started = j.Started
	if r.Phase == Rotating && j.Phase == envelope.Verified {
		r.Phase = Rotated
	}
	return r, nil
}

// journal is the write of a journal.
func (v *Vault) journal(t Task, ringKey Key, j *envelope.Journal) (Write, error) {
	macs, err := v.p.MAC(t, ringKey, [][]byte{envelope.JournalMessage(v.bound, j)}, nil)
	if err != nil {
		return Write{}, v.failed(err)
	}
	return Write{Table: Journal, Key: JournalEntry, Bytes: append(j.Encode(), macs[0]...)}, nil
}

// BeginRotation begins a rotation, or goes on with the one that is under way. With n, the vault gets a new secret and all its keys
// are new: the old secret opens it no more, from the first transaction on.
func (v *Vault) BeginRotation(t Task, secret Key, n *NewSecret) (r *Rotation, err error) {
	if n != nil {
		if err := n.check(); err != nil {
			return nil, err
		}
	}
	err = v.withKeyring(t, secret, func(ring *envelope.Keyring, stored []byte, k *opened) error {
		if r, err = v.rotation(t, ring); err != nil {
			return err
		}
		switch {
		case r.Phase == RollingBack:
			return ErrInvalid.because("A rotation is being rolled back. Finish that with rollbackRotation first.")
		case r.Phase != NotRotating && n != nil:
			return ErrInvalid.because("A rotation is under way. Finish it, without newSecret, or roll it back first.")
		case r.Phase != NotRotating:
			return v.adoptNew(t, k.vaultKey, r) // the page that began it may have told no one, as one that crashed
		}
		r.Phase, r.From, r.To, r.Started = Rotating, ring.WriteEpoch, ring.HighestEpoch+1, v.p.Now()
		ring.WriteEpoch, ring.HighestEpoch = r.To, r.To
		vaultKey, ringKey := k.vaultKey, v.ringKey
		if n == nil {
			wrapping, err := v.p.WrappingVaultKey(t, k.kek, k.wrapped[:])
			if err != nil {
				return err
			}
			if err := v.drawEpoch(t, ring, wrapping); err != nil {
				return err
			}
		} else {
			r.Lost = slotsOf(ring)
			r.Lost = append(r.Lost[:k.slot], r.Lost[k.slot+1:]...) // the new secret takes its place
			r.Renames = !ring.ClearNames
			if vaultKey, ringKey, err = v.replaceKeys(t, ring, k, n); err != nil {
				return err
			}
		}
		j := &envelope.Journal{Phase: envelope.Reencrypting, From: r.From, To: r.To, Started: r.Started}
		w, err := v.journal(t, ringKey, j)
		if err != nil {
			return err
		}
		more := []Write{w}
		if n != nil { // or no one could tell that the clock is the vault's
			v.keepTime(t, false)
			if w, err = v.clockWrite(t, ringKey, &v.clock); err != nil {
				return err
			}
			more = append(more, w)
		}
		if err := v.rewrite(t, ringKey, ring, stored, more...); err != nil {
			return err
		}
		if n != nil {
			v.fingerprint = n.Fingerprint
			v.ringKey = v.p.Keep(v.database, labelOf(envelope.KeyringKey256, 0, 0), ringKey)
		}
		if err := v.adoptNew(t, vaultKey, r); err != nil {
			return err
		}
		v.record(t, RotationBegun, 1)
		return nil
	})
	return r, err
}

// drawEpoch adds new record and object keys of the keyring's write epoch.
func (v *Vault) drawEpoch(t Task, ring *envelope.Keyring, wrapping Key) error {
	for _, kind := range []envelope.KeyKind{envelope.RecordKey256, envelope.ObjectKey256} {
		for _, class := range envelope.Classes {
			if err := v.drawKey(t, ring, wrapping, kind, class); err != nil {
				return err
			}
		}
	}
	return nil
}

// drawKey adds a new key of the keyring's write epoch.
func (v *Vault) drawKey(t Task, ring *envelope.Keyring, wrapping Key, kind envelope.KeyKind, class envelope.Class) error {
	wrapped, err := v.p.NewWrapped(t, wrapping, kind)
	if err != nil {
		return err
	}
	e := envelope.WrappedKey{Kind: kind, Class: class, Epoch: ring.WriteEpoch, Created: v.p.Now()}
	copy(e.Wrapped[:], wrapped)
	ring.Insert(e)
	return nil
}

// replaceKeys puts a new vault key, under a new secret alone, into a keyring, with new keys of every kind under its write epoch. The
// old ones, the keyring key excepted, are wrapped anew. It returns the new vault key and keyring key.
func (v *Vault) replaceKeys(t Task, ring *envelope.Keyring, k *opened, n *NewSecret) (vaultKey, ringKey Key, err error) {
	slot := envelope.Slot{ID: ring.Slots[len(ring.Slots)-1].ID + 1, Kind: envelope.SecretSlot, Iterations: n.Iterations}
	v.p.Random(slot.Salt[:])
	kek, err := v.p.DeriveKEK(t, n.Secret, slot.Salt[:], slot.Iterations)
	if err != nil {
		return nil, nil, err
	}
	wrapping, wrapped, err := v.p.NewVaultKey(t, kek)
	if err != nil {
		return nil, nil, err
	}
	copy(slot.Wrapped[:], wrapped)
	ring.Slots = []envelope.Slot{slot}
	old := ring.Keys
	ring.Keys = nil
	for _, e := range old {
		if e.Kind == envelope.KeyringKey256 {
			continue // it served the old keyring
		}
		wrapped, err := v.p.Rewrap(t, k.vaultKey, e.Wrapped[:], wrapping)
		if err != nil {
			return nil, nil, broken(err)
		}
		copy(e.Wrapped[:], wrapped)
		ring.Keys = append(ring.Keys, e)
	}
	if err := v.drawEpoch(t, ring, wrapping); err != nil {
		return nil, nil, err
	}
	for _, kind := range []envelope.KeyKind{envelope.NameKey256, envelope.KeyringKey256, envelope.AuditKey256} {
		if err := v.drawKey(t, ring, wrapping, kind, 0); err != nil {
			return nil, nil, err
		}
	}
	if vaultKey, err = v.p.UnwrapVaultKey(t, kek, wrapped); err != nil {
		return nil, nil, err
	}
	ringKey, err = v.p.Unwrap(t, vaultKey, envelope.KeyringKey256, ring.Newest(envelope.KeyringKey256).Wrapped[:])
	return vaultKey, ringKey, err
}

// adoptNew takes the keys that this page has no handles of into use, and lists them for the others.
func (v *Vault) adoptNew(t Task, vaultKey Key, r *Rotation) error {
	for i := range v.ring.Keys {
		e := &v.ring.Keys[i]
		if !isHeld(e) || v.keyOf(e) != nil {
			continue
		}
		key, err := v.p.Unwrap(t, vaultKey, e.Kind, e.Wrapped[:])
		if err != nil {
			return v.failed(err)
		}
		k := heldKey{e.Kind, e.Class, e.Epoch, key}
		v.keepKey(&k)
		v.keys = append(v.keys, k)
		r.New = append(r.New, NewKey{labelOf(e.Kind, e.Class, e.Epoch), k.key})
	}
	return v.follow(t)
}

// TakeKeys takes all keys of the keyring into use on this page, which may not have been told of a rotation.
func (v *Vault) TakeKeys(t Task, secret Key) (r *Rotation, err error) {
	err = v.withKeyring(t, secret, func(ring *envelope.Keyring, _ []byte, k *opened) error {
		if r, err = v.rotation(t, ring); err != nil {
			return err
		}
		return v.adoptNew(t, k.vaultKey, r)
	})
	return r, err
}

// RollBack turns a rotation around, or goes on with one that was.
func (v *Vault) RollBack(t Task, secret Key) (r *Rotation, err error) {
	err = v.withKeyring(t, secret, func(ring *envelope.Keyring, stored []byte, k *opened) error {
		if r, err = v.rotation(t, ring); err != nil {
			return err
		}
		switch r.Phase {
		case NotRotating:
			return errNoRotation
		case RollingBack:
			return v.adoptNew(t, k.vaultKey, r)
		}
		r.Phase, r.From, r.To, r.Started = RollingBack, r.To, r.From, v.p.Now()
		ring.WriteEpoch = r.To
		j := &envelope.Journal{Phase: envelope.Reencrypting, From: r.From, To: r.To, Started: r.Started}
		w, err := v.journal(t, v.ringKey, j)
		if err != nil {
			return err
		}
		if err := v.rewrite(t, v.ringKey, ring, stored, w); err != nil {
			return err
		}
		if err := v.adoptNew(t, k.vaultKey, r); err != nil {
			return err
		}
		v.record(t, RollbackBegun, 1)
		return nil
	})
	return r, err
}

var errNoRotation = ErrInvalid.because("No rotation is under way. Look at rotationStatus.")

// EndPass notes in the journal that a pass over all records found every one of them readable under the new epoch.
func (v *Vault) EndPass(t Task) error {
	return v.onKeyring(t, func(ring *envelope.Keyring, stored []byte) error {
		r, err := v.rotation(t, ring)
		if err != nil || r.Phase != Rotating {
			return err
		}
		if !v.walk.clean(r.To) {
			return errNotClean
		}
		w, err := v.journal(t, v.ringKey, &envelope.Journal{Phase: envelope.Verified, From: r.From, To: r.To, Started: r.Started})
		if err != nil {
			return err
		}
		err = v.db.Commit(t, Batch{
			Writes: []Write{w},
			Expect: &Expect{Table: Keyrings, Key: KeyringEntry, Prefix: stored},
			Strict: true,
		})
		if err == nil {
			v.record(t, RotationVerified, 1)
		}
		return err
	})
}

var errNotClean = ErrConflict.because("Some records do not lie under the new keys yet. Nothing was destroyed; go on with the rotation, and try again.")

// Finish destroys the keys of the epoch that was left, for good. The caller holds that epoch's lock alone and has just seen, by a pass
// of steps, that no record lies under it.
func (v *Vault) Finish(t Task, secret Key) error {
	return v.withKeyring(t, secret, func(ring *envelope.Keyring, stored []byte, _ *opened) error {
		r, err := v.rotation(t, ring)
		if err != nil {
			return err
		}
		if r.Phase == NotRotating {
			return errNoRotation
		}
		if !v.walk.clean(r.To) {
			return errNotClean
		}
		kept, name := ring.Keys[:0], ring.NameEpoch(r.To)
		for _, e := range ring.Keys {
			switch {
			case (e.Kind == envelope.RecordKey256 || e.Kind == envelope.ObjectKey256) && e.Epoch != r.To:
			case e.Kind == envelope.NameKey256 && e.Epoch != name:
			default:
				kept = append(kept, e)
			}
		}
		ring.Keys = kept
		if err := v.rewrite(t, v.ringKey, ring, stored, Write{Table: Journal, Key: JournalEntry}); err != nil {
			return err
		}
		v.walk = nil
		if err := v.follow(t); err != nil {
			return err
		}
		e := RotationCommitted
		if r.Phase == RollingBack {
			e = RotationRolledBack
		}
		v.record(t, e, 1)
		return nil
	})
}

// Rekey takes what another page told of a rotation: handles of new keys, or none, and that the keyring changed.
func (vs *Vaults) Rekey(t Task, database string, keys []NewKey) error {
	if _, unlocked := vs.Platform.Kept(database, labelOf(envelope.KeyringKey256, 0, 0)); !unlocked {
		return nil
	}
	for _, k := range keys {
		if _, known := vs.Platform.Kept(database, k.Label); !known {
			vs.Platform.Keep(database, k.Label, k.Key)
		}
	}
	v, err := vs.Unlocked(t, database)
	if err != nil {
		return err
	}
	turn := v.leasing.take(t, "keyring")
	defer turn.finish()
	_, _, err = v.reread(t)
	return err
}

// CountAll returns how many records the vault has, in all its stores.
func (v *Vault) CountAll(t Task) (int, error) { return v.db.Count(t, Records, Range{}, nil) }
