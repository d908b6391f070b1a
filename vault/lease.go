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

// spend takes the right to seal so many records of each class under the current keys. It is counted durably before the
// first record is sealed.
func (v *Vault) spend(t Task, need *perClass) error {
	if v.drawLease(need) {
		return nil
	}
	turn := v.leasing.take(t, "keyring")
	defer turn.finish()
	for range maxRetries {
		if v.drawLease(need) {
			return nil
		}
		err := v.extend(t, need)
		if err != nil && !ErrStale.is(err) {
			return err
		}
	}
	return ErrConflict
}

// drawLease takes need from the leases in memory, all of it or nothing.
func (v *Vault) drawLease(need *perClass) bool {
	for class, n := range need {
		if v.leases[class] < n {
			return false
		}
	}
	for class, n := range need {
		v.leases[class] -= n
	}
	return true
}

// extend writes new leases into the keyring, as it is stored now: another tab may have changed it.
func (v *Vault) extend(t Task, need *perClass) error {
	ring, stored, err := v.reread(t)
	if err != nil {
		return err
	}
	var granted perClass
	for class, n := range need {
		if n -= v.leases[class]; n <= 0 {
			continue
		}
		e := ring.Find(envelope.RecordKey256, envelope.Class(class), v.ring.WriteEpoch)
		if e == nil {
			return ErrIntegrity
		}
		count := (n + leaseSize - 1) / leaseSize
		if int(e.Leases)+count > maxLeases {
			return ErrExhausted
		}
		e.Leases += uint32(count)
		granted[class] = count * leaseSize
	}
	if err := v.rewrite(t, ring, stored); err != nil {
		return err
	}
	for class, n := range granted {
		v.leases[class] += n
	}
	return nil
}
