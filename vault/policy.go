package vault

import "idbvault/envelope"

// Policy is what an application asks of a vault beside its keys.
type Policy struct {
	MaxAgeDays uint32   // after which keys are due for a rotation; 0 for what was said before, or 90
	Purge      ClassSet // the classes to forget at a logout
	TTL        []uint64 // seconds after which records of each class expire; 0 for never, none for what was said before
}

const (
	defaultMaxAge = 90 // days
	day           = 24 * 60 * 60
	// dueLeases is when a key is due by its writes: at 2^30, half of what it may seal at all.
	dueLeases = maxLeases / 2
)

// govern takes a policy, where it says something.
func (v *Vault) govern(p *Policy) {
	if p.MaxAgeDays != 0 {
		v.policy.MaxAgeDays = p.MaxAgeDays
	}
	if p.TTL != nil {
		v.policy.TTL, v.policy.Purge = p.TTL, p.Purge
	}
}

// expiry is when a record that is written now, or was elsewhere, expires, or 0: at its own end or by its class's policy, whichever comes
// first.
func (v *Vault) expiry(it *Item) uint64 {
	now, end := v.now(), it.ends
	if it.TTL != 0 {
		end = now + it.TTL/1000
	}
	if it.Origin != nil {
		now, end = it.Origin.Created, it.Origin.Expires
	}
	if last := v.lastOf(it.Class, now); end == 0 || last != 0 && last < end {
		return last
	}
	return end
}

// ownEnd is when a record expires that was given an end of its own, or 0. An end by the policy counts from the last write.
func (v *Vault) ownEnd(h *envelope.Header) uint64 {
	if h.Expires == v.lastOf(h.Class, h.Created) {
		return 0
	}
	return h.Expires
}

// lastOf is when a record of a class that was written then expires at the latest, by the policy, or 0.
func (v *Vault) lastOf(class envelope.Class, now uint64) uint64 {
	if int(class) < len(v.policy.TTL) && v.policy.TTL[class] != 0 {
		return now + v.policy.TTL[class]
	}
	return 0
}

// KeyAge is what is told of the keys that records of a class are written under.
type KeyAge struct {
	Class   envelope.Class
	Created uint64 // Unix time in seconds
	Writes  uint64 // ciphertexts that were sealed, or leased, under it
	Due     uint64 // when it is due for a rotation, Unix time in seconds
}

// KeyAges tells the age of the keys of each class, and the epoch.
func (v *Vault) KeyAges(t Task) (ages []KeyAge, epoch uint32, err error) {
	return ages, epoch, v.onKeyring(t, func(ring *envelope.Keyring, _ []byte) error {
		ages, epoch = v.ages(ring), ring.WriteEpoch
		return nil
	})
}

func (v *Vault) ages(ring *envelope.Keyring) (ages []KeyAge) {
	days := v.policy.MaxAgeDays
	if days == 0 {
		days = defaultMaxAge
	}
	for _, class := range envelope.Classes {
		e := ring.Find(envelope.RecordKey256, class, ring.WriteEpoch)
		if e == nil {
			continue
		}
		a := KeyAge{Class: class, Created: e.Created, Writes: uint64(e.Leases) * leaseSize, Due: e.Created + uint64(days)*day}
		if e.Leases >= dueLeases {
			a.Due = min(a.Due, v.p.Now())
		}
		ages = append(ages, a)
	}
	return ages
}

// tellDue tells the page when a key is due.
func (v *Vault) tellDue() {
	for _, a := range v.ages(v.ring) {
		if a.Due <= v.p.Now() {
			v.p.Report(v.database, RotationDue, v.ring.WriteEpoch, 1)
			return
		}
	}
}

// Forget destroys the keys of classes, those of the policy where there are none, and deletes their records. No secret is needed for it:
// what is gone, no one can open any more but with an image of the disk from before, and the secret. The next unlock draws new keys.
func (v *Vault) Forget(t Task, classes ClassSet) error {
	if classes&^AllClasses != 0 {
		return errClass
	}
	if classes == 0 {
		classes = v.policy.Purge
	}
	if classes == 0 {
		return ErrInvalid.because("No class is to be forgotten. Name one, or open the vault with a policy in which a class has purgeOnLogout.")
	}
	err := v.onKeyring(t, func(ring *envelope.Keyring, stored []byte) error {
		kept := ring.Keys[:0]
		for _, e := range ring.Keys {
			if e.Class == 0 || !classes.Has(e.Class) {
				kept = append(kept, e)
			}
		}
		ring.Keys = kept
		return v.rewrite(t, v.ringKey, ring, stored)
	})
	if err != nil {
		return err
	}
	v.record(t, ClassForgotten, classes.count())
	return v.sweep(t, classes)
}

func (s ClassSet) count() (n int) {
	for _, class := range envelope.Classes {
		if s.Has(class) {
			n++
		}
	}
	return n
}

// sweep deletes the records of classes.
func (v *Vault) sweep(t Task, classes ClassSet) error {
	for r := (Range{}); ; {
		entries, err := v.db.Scan(t, Records, r, scanPage, nil)
		if err != nil {
			return err
		}
		var swaps []Swap
		for i := range entries {
			h, err := envelope.ParseHeader(entries[i].Front)
			if err != nil || !classes.Has(h.Class) {
				continue
			}
			store, stored, err := envelope.ParseRecordKey(entries[i].Key)
			if err != nil {
				continue
			}
			s := &Store{Vault: v, name: store}
			swaps = append(swaps, Swap{entries[i].Key, entries[i].Front[:h.Size()], s.deletesChunks(&h, stored, s.deletes(stored, nil))})
		}
		if len(swaps) > 0 {
			if _, err := v.db.Swap(t, swaps); err != nil {
				return err
			}
		}
		if len(entries) < scanPage {
			return nil
		}
		r.From = after(entries[len(entries)-1].Key)
	}
}

// renew draws keys for the classes that were forgotten, once their records are gone. It returns ErrStale where another page was first.
func (v *Vault) renew(t Task, ring *envelope.Keyring, stored []byte, ringKey Key, k *opened) error {
	var missing ClassSet
	for _, class := range envelope.Classes {
		if ring.Find(envelope.RecordKey256, class, ring.WriteEpoch) == nil {
			missing |= 1 << class
		}
	}
	if missing == 0 {
		return nil
	}
	if err := v.sweep(t, missing); err != nil {
		return err
	}
	wrapping, err := v.p.WrappingVaultKey(t, k.kek, k.wrapped[:])
	if err != nil {
		return err
	}
	write := ring.WriteEpoch
	for epoch := uint32(1); epoch <= ring.HighestEpoch; epoch++ {
		if ring.WriteEpoch = epoch; epoch != write && !hasEpoch(ring, epoch) {
			continue
		}
		for _, class := range envelope.Classes {
			for _, kind := range []envelope.KeyKind{envelope.RecordKey256, envelope.ObjectKey256} {
				if missing.Has(class) && ring.Find(kind, class, epoch) == nil {
					if err := v.drawKey(t, ring, wrapping, kind, class); err != nil {
						return err
					}
				}
			}
		}
	}
	ring.WriteEpoch = write
	if err := v.rewrite(t, ringKey, ring, stored); err != nil {
		return err
	}
	return ErrStale // and now unlock what was written
}
