package vault

// Lock drops the keys of the vault of a database from this page, and all that was read with them. A call under way ends whole or
// fails whole; later ones fail with ErrLocked, until the vault is unlocked again. A vault that is not open is no error.
func (vs *Vaults) Lock(database string) {
	vs.Platform.Forget(database)
	v := vs.open[database]
	if v == nil {
		return
	}
	delete(vs.open, database)
	v.p.Report(database, LockedEvent, v.ring.WriteEpoch, 1)
	v.locked = true
	v.lose()
	v.fingerprint = nil
	v.db.Close()
	for _, state := range v.stores {
		state.names = nil
		state.large = largeNames{}
		state.room.uncount()
		state.recent = recency{}
		state.untold = untold{}
	}
}

// Current returns a store as it is open now: on the vault that was unlocked since its own was locked, or as it was.
func (vs *Vaults) Current(s *Store) *Store {
	v := vs.open[s.database]
	if !s.locked || v == nil || v == s.Vault {
		return s
	}
	s.Close()
	now, err := v.Store(s.name, s.options)
	if err != nil {
		return s
	}
	return now
}

// Reason is the error of a call on a store: what fails because the vault is locked, fails for that reason.
func (s *Store) Reason(err error) error {
	if ErrClosed.is(err) && s.locked {
		return ErrLocked
	}
	return err
}
