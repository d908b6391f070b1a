package vault

import "idbvault/envelope"

const (
	// leaseSize is how many ciphertexts, of which a record counts as two, a page may seal under one class's key before it
	// counts them in the keyring again. What a page leaves of its lease when it ends counts as used.
	leaseSize = 1 << 14
	// maxLeases stops a key at 2^31 ciphertexts. With random 96-bit IVs SP 800-38D §8.3 allows 2^32 under one key; half of
	// that leaves room for pages that hold a lease while others come to the end.
	maxLeases = 1 << 31 / leaseSize
	// maxRetries is how often a change that lost to another one is tried again.
	maxRetries = 32
)

// perClass is a number for each class.
type perClass [envelope.PHI + 1]int

// spend takes the right to seal so many ciphertexts of each class under the keys of the epoch that the share returned is in. They
// are counted durably before the first of them is sealed. The caller leaves the share when its transaction has ended.
func (v *Vault) spend(t Task, need *perClass) (*share, error) {
	if s := v.share; s.draw(need) {
		return s, nil
	}
	turn := v.leasing.take(t, "keyring")
	defer turn.finish()
	for range maxRetries {
		if s := v.share; s.draw(need) {
			return s, nil
		}
		err := v.extend(t, need)
		if err != nil && !ErrStale.is(err) {
			return nil, err
		}
	}
	return nil, ErrConflict
}

// draw takes need from the leases in memory, all of it or nothing, for a writer.
func (s *share) draw(need *perClass) bool {
	for class, n := range need {
		if s.leases[class] < n {
			return false
		}
	}
	for class, n := range need {
		s.leases[class] -= n
	}
	s.writers++
	return true
}

// extend writes new leases into the keyring, as it is stored now: another tab may have changed it.
func (v *Vault) extend(t Task, need *perClass) error {
	ring, stored, err := v.reread(t)
	if err != nil {
		return err
	}
	s := v.share
	var granted perClass
	for class, n := range need {
		if n -= s.leases[class]; n <= 0 {
			continue
		}
		e := ring.Find(envelope.RecordKey256, envelope.Class(class), s.epoch)
		if e == nil {
			return ErrIntegrity
		}
		count := (n + leaseSize - 1) / leaseSize
		if int(e.Leases)+count > maxLeases {
			return ErrExhausted
		}
		if e.Leases < dueLeases && e.Leases+uint32(count) >= dueLeases {
			v.p.Report(v.database, RotationDue, s.epoch, 1)
		}
		e.Leases += uint32(count)
		granted[class] = count * leaseSize
	}
	if err := v.rewrite(t, v.ringKey, ring, stored); err != nil {
		return err
	}
	for class, n := range granted {
		s.leases[class] += n
	}
	return nil
}
