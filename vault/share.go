package vault

import "idbvault/envelope"

// share is this page's word that it may write under an epoch. While a page has one, no page destroys the keys of that epoch, which
// takes the same Web Lock alone; so what a sleeping page still writes can be read.
type share struct {
	epoch   uint32
	leases  perClass // ciphertexts that may still be sealed before the keyring counts more
	writers int      // operations that may still write under the epoch
	left    bool     // the page writes under another epoch, or no more
	release func()
}

// leave ends an operation that spend let write.
func (s *share) leave() {
	s.writers--
	s.settle()
}

// retire lets go of the share once its last writer has ended.
func (s *share) retire() {
	if s != nil {
		s.left = true
		s.settle()
	}
}

func (s *share) settle() {
	if s.left && s.writers == 0 && s.release != nil {
		s.release()
		s.release = nil
	}
}

// EpochLock is the name of the Web Lock that pages share which write under an epoch. web/src/rotation.ts takes it alone.
func EpochLock(database string, epoch uint32) string {
	return "idbvault:epoch:" + decimal(epoch) + ":" + database
}

func (v *Vault) shareIn(t Task, epoch uint32) (*share, error) {
	release, err := v.p.Lock(t, EpochLock(v.database, epoch), true)
	return &share{epoch: epoch, release: release}, err
}

// hold loads the stored keyring with a share in the epoch that it writes under. The lock comes first: a keyring that was read before
// may have lost the epoch's keys by the time that the lock is there. It returns nil where there is no keyring.
func (v *Vault) hold(t Task) (*envelope.Keyring, []byte, error) {
	for {
		ring, stored, err := v.load(t)
		if ring == nil || err != nil || v.share != nil && v.share.epoch == ring.WriteEpoch {
			return ring, stored, err
		}
		v.share.retire()
		if v.share, err = v.shareIn(t, ring.WriteEpoch); err != nil {
			return nil, nil, err
		}
	}
}

// follow takes what changed in the keyring, which was verified, into use: another page may have begun a rotation or ended one. The
// handles of new keys come from that page, by message. Until they are here, this page goes on under the epoch that it has a share
// in; where that one's keys are gone, it locks itself.
func (v *Vault) follow(t Task) error {
	v.dropKeys()
	for i := range v.ring.Keys {
		e := &v.ring.Keys[i]
		if isHeld(e) && v.keyOf(e) == nil {
			if key, ok := v.p.Kept(v.database, labelOf(e.Kind, e.Class, e.Epoch)); ok {
				v.take(e, key)
			}
		}
	}
	to := v.ring.WriteEpoch
	if v.share.epoch != to && v.complete() {
		next, err := v.shareIn(t, to)
		if err != nil {
			return v.failed(err)
		}
		if v.gone || v.ring.WriteEpoch != to || v.share.epoch == to {
			next.retire() // another task came first, or things moved on
			return v.alive()
		}
		v.share.retire()
		v.share = next
	}
	if !hasEpoch(v.ring, v.share.epoch) {
		v.expel()
		return ErrLocked
	}
	v.chooseNames()
	return nil
}

// isHeld reports whether an unlocked vault keeps a handle of a key.
func isHeld(e *envelope.WrappedKey) bool { return e.Kind != envelope.KeyringKey256 }

// keyOf returns the handle of a key, or nil.
func (v *Vault) keyOf(e *envelope.WrappedKey) Key {
	for i := range v.keys {
		if k := &v.keys[i]; k.class == e.Class && k.epoch == e.Epoch && k.kind == e.Kind {
			return k.key
		}
	}
	return nil
}

func (v *Vault) take(e *envelope.WrappedKey, key Key) {
	v.keys = append(v.keys, heldKey{e.Kind, e.Class, e.Epoch, key})
}

// dropKeys lets go of the handles of keys that the keyring does not have.
func (v *Vault) dropKeys() {
	held := v.keys
	v.keys = nil
	for _, k := range held {
		if v.ring.Find(k.kind, k.class, k.epoch) != nil {
			v.keys = append(v.keys, k)
		} else {
			v.p.ForgetKey(v.database, labelOf(k.kind, k.class, k.epoch))
		}
	}
}

// complete reports whether the handles of all keys in use are here.
func (v *Vault) complete() bool {
	for i := range v.ring.Keys {
		if e := &v.ring.Keys[i]; isHeld(e) && v.keyOf(e) == nil {
			return false
		}
	}
	return true
}

// hasEpoch reports whether the keyring has record keys of an epoch.
func hasEpoch(ring *envelope.Keyring, epoch uint32) bool {
	for i := range ring.Keys {
		if e := &ring.Keys[i]; e.Kind == envelope.RecordKey256 && e.Epoch == epoch {
			return true
		}
	}
	return false
}

// chooseNames sets the name key of the epoch that this page writes under, and the other one while a rotation has two.
func (v *Vault) chooseNames() {
	epoch := v.ring.NameEpoch(v.share.epoch)
	if epoch != v.nameEpoch {
		for _, state := range v.stores {
			state.names, state.large = nil, largeNames{} // both go by stored names
		}
	}
	v.nameKey, v.otherName, v.nameEpoch = nil, nil, epoch
	for _, k := range v.keys {
		switch {
		case k.kind != envelope.NameKey256:
		case k.epoch == epoch:
			v.nameKey = k.key
		default:
			v.otherName = k.key
		}
	}
}

// expel locks the vault on this page, which has lost touch with its keys.
func (v *Vault) expel() {
	v.locked = true
	v.lose()
	v.fingerprint = nil
	v.db.Close()
}

const (
	catchUpMS    = 50
	catchUpTries = 60
)

// catchUp is called where a record lies under an epoch that this page has no key of. Another page rotates, and its message with the
// keys is on its way; or it has rotated, and the record lies under another epoch by now. It returns nil where to look again makes sense.
func (v *Vault) catchUp(t Task, h *envelope.Header) error {
	turn := v.leasing.take(t, "keyring")
	defer turn.finish()
	for range catchUpTries {
		if _, _, err := v.reread(t); err != nil {
			return err
		}
		if v.recordKey(h.Class, h.Epoch) != nil || v.ring.Find(envelope.RecordKey256, h.Class, h.Epoch) == nil {
			return nil
		}
		v.p.Pause(t, catchUpMS)
		if err := v.alive(); err != nil {
			return err
		}
	}
	v.expel()
	return ErrLocked
}
