// Package vault is what idbvault decides: the key hierarchy, who may write under which key, what a record is made of,
// in which order operations take effect, and what is refused. It stands on the small interfaces of platform.go, so that
// the same code runs in the browser and in native tests.
//
//	secret ── PBKDF2-HMAC-SHA256 ──► KEK ── AES-KW ──► vault key ── AES-KW ──► record, name, keyring keys
//
// KEK and vault key are dropped as soon as the vault is unlocked: no handle that could unwrap anything stays.
package vault

import "idbvault/envelope"

// Vault is an unlocked vault: one for each database and page, shared by all its stores.
type Vault struct {
	p        Platform
	database string
	bound    string // the database's name in associated data: its own, but for a vault that was imported
	db       Database
	leasing  order

	ring        *envelope.Keyring
	stored      []byte // ring as it is stored, with its MAC
	ringKey     Key
	nameKey     Key
	nameEpoch   uint32 // of nameKey
	otherName   Key    // while a rotation changes the names: what those have that did not move yet
	keys        []heldKey
	share       *share
	walk        *walk // of a rotation
	policy      Policy
	clock       envelope.Clock // as it is now
	written     envelope.Clock // as it was last seen on the disk
	audit       auditing
	stores      map[string]*storeState
	fingerprint []byte // of the secret that opened it, under a key of this page
	gone        bool   // its database was deleted or closed under it, or it is locked
	locked      bool
}

// heldKey is the handle of a key that the keyring has, but of its own.
type heldKey struct {
	kind  envelope.KeyKind
	class envelope.Class
	epoch uint32
	key   Key
}

// recordKey returns the handle of the record key of a class and epoch, or nil.
func (v *Vault) recordKey(class envelope.Class, epoch uint32) Key {
	return v.keyOf(&envelope.WrappedKey{Kind: envelope.RecordKey256, Class: class, Epoch: epoch})
}

// objectKey returns the handle of the object key of a class and epoch, or nil.
func (v *Vault) objectKey(class envelope.Class, epoch uint32) Key {
	return v.keyOf(&envelope.WrappedKey{Kind: envelope.ObjectKey256, Class: class, Epoch: epoch})
}

// strict says that a write is acknowledged after a flush to the disk.
func (s *Store) strict() bool { return s.options.Durability == Strict }

// Store is one store of a vault, as one caller opened it.
type Store struct {
	*Vault
	*storeState
	name    string
	options StoreOptions
	cache   *cache // or nil
	victims []victim
}

// storeState is what all callers of one store on this page share.
type storeState struct {
	order  order
	large  largeNames
	names  knownNames
	caches []*cache // of those callers
	room   room
	recent recency
	untold untold
}

// Strict is the second choice of durabilities.
const Strict Choice = 2

// StoreOptions are what a caller asks of a store that it opens.
type StoreOptions struct {
	Durability  Choice // relaxed, or strict: a write is acknowledged after a flush to the disk
	CacheBytes  int    // that decrypted values may take in memory; 0 for none
	CacheExcept ClassSet
	Evict       Evict
}

// Check reports whether a store of that name may be opened so.
func (o *StoreOptions) Check(name string) error {
	if err := checkPlaceName(name, "store"); err != nil {
		return err
	}
	if err := o.Durability.check("durability", "'relaxed'", "'strict'"); err != nil {
		return err
	}
	if err := o.Evict.check(); err != nil {
		return err
	}
	return checkCache(o.CacheBytes, o.CacheExcept)
}

// Store returns the store of that name.
func (v *Vault) Store(name string, o StoreOptions) (*Store, error) {
	if err := o.Check(name); err != nil {
		return nil, err
	}
	c := newCache(v.p, v.now, o.CacheBytes, o.CacheExcept)
	state := v.state(name)
	if c != nil {
		state.caches = append(state.caches, c)
	}
	return &Store{v, state, name, o, c, nil}, nil
}

func (v *Vault) state(name string) *storeState {
	state := v.stores[name]
	if state == nil {
		state = &storeState{}
		v.stores[name] = state
	}
	return state
}

// Close ends what the caller of a store holds; operations under way go on.
func (s *Store) Close() {
	for i, c := range s.caches {
		if c == s.cache {
			s.caches = append(s.caches[:i:i], s.caches[i+1:]...)
			c.clear()
			c.closed = true
		}
	}
}

// changed takes note that a record is being written.
func (s *storeState) changed(name string) {
	for _, c := range s.caches {
		c.forget(name)
	}
}

func (s *storeState) clearCaches() {
	for _, c := range s.caches {
		c.clear()
	}
}

// Heard takes note that another tab wrote a record or, for an empty name, all of them.
func (s *Store) Heard(name string) {
	s.room.uncount()
	if name == "" {
		s.clearCaches()
		return
	}
	s.changed(name)
	s.unsure(name)
}

// lose drops the vault's keys and the values that were read with them.
func (v *Vault) lose() {
	v.gone = true
	v.p.Forget(v.database)
	v.share.retire()
	for _, state := range v.stores {
		state.clearCaches()
	}
}

// ClearNames reports whether the vault keeps record names as they are.
func (v *Vault) ClearNames() bool { return v.ring.ClearNames }

// Channel returns the name of the channel on which unlocked tabs tell each other of writes. It is an HMAC, in hexadecimal, so that a
// page which has not unlocked the vault cannot listen.
func (v *Vault) Channel(t Task) (string, error) {
	macs, err := v.p.MAC(t, v.ringKey, [][]byte{envelope.ChannelMessage(v.database)}, nil)
	if err != nil {
		return "", v.failed(err)
	}
	return hexadecimal(macs[0]), nil
}

func (v *Vault) alive() error {
	switch {
	case v.locked:
		return ErrLocked
	case v.gone:
		return ErrClosed
	}
	return nil
}

func (s *Store) place(stored []byte) envelope.Place {
	return envelope.Place{Database: s.bound, Store: s.name, Name: stored}
}

func checkNames(names []string) error {
	for _, name := range names {
		if name == "" || len(name) > envelope.MaxName {
			return ErrInvalid.because("A record's name must be a string of 1 to 1024 bytes of UTF-8.")
		}
	}
	return nil
}

func checkPlaceName(name, what string) error {
	for i := range len(name) {
		if name[i] == 0 {
			return ErrInvalid.because("The name of a " + what + " must not contain NUL.")
		}
	}
	if name == "" || len(name) > envelope.MaxPlaceName {
		return ErrInvalid.because("The name of a " + what + " must be a string of 1 to 255 bytes of UTF-8.")
	}
	return nil
}

// failed is the error of a step with the vault's keys: where the vault is gone, they are too, and that is why.
//
//go:noinline
func (v *Vault) failed(err error) error {
	if err != nil && v.gone {
		return v.alive()
	}
	return broken(err)
}

// broken turns an error of envelope about stored bytes, or a refusal, into the caller's.
//
//go:noinline
func broken(err error) error {
	switch {
	case err == envelope.ErrVersion:
		return ErrVersion
	case err == envelope.ErrFormat, ErrRefused.is(err):
		return ErrIntegrity
	}
	return err
}
