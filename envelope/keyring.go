package envelope

// KeyKind is the use of a wrapped key. Each kind has its own algorithm, since AES-KW does not bind one.
type KeyKind byte

const (
	// RecordKey256 seals records of one class and epoch: AES-256-GCM.
	RecordKey256 KeyKind = 1
	// ObjectKey256 derives the subkeys of chunked values of one class and epoch: HKDF-SHA-256.
	ObjectKey256 KeyKind = 2
	// NameKey256 hides record names: HMAC-SHA-256.
	NameKey256 KeyKind = 3
	// KeyringKey256 authenticates the keyring and names the tabs' channel: HMAC-SHA-256.
	KeyringKey256 KeyKind = 4
	// AuditKey256 seals the audit log: AES-256-GCM.
	AuditKey256 KeyKind = 5
)

// perClass reports whether keys of kind k belong to a class.
func (k KeyKind) perClass() bool { return k == RecordKey256 || k == ObjectKey256 }

// SlotKind says what opens a slot.
type SlotKind byte

// All kinds are opened through PBKDF2-HMAC-SHA256.
const (
	SecretSlot   SlotKind = 1 // by a passphrase or random bytes
	RecoverySlot SlotKind = 2 // by the 32 bytes of a recovery key
	PasskeySlot  SlotKind = 3 // by the 32 bytes of a passkey's PRF
)

// Valid reports whether k is a kind that this version knows.
func (k SlotKind) Valid() bool { return k >= SecretSlot && k <= PasskeySlot }

// MaxSlots is how many slots a keyring may have.
const MaxSlots = 64

// Slot is one way to the vault key: the vault key wrapped under a KEK derived from a secret.
//
//	u32 id || u8 kind || 16-byte salt || u32 iterations || 40-byte wrapped vault key
type Slot struct {
	ID         uint32
	Kind       SlotKind
	Salt       [SaltSize]byte
	Iterations uint32
	Wrapped    [WrappedSize]byte
}

// WrappedKey is one key of the vault, wrapped under the vault key.
//
//	u8 kind || u8 class || u32 epoch || u64 created || u32 leases || 40-byte wrapped key
type WrappedKey struct {
	Kind    KeyKind
	Class   Class // 0 for kinds that serve every class
	Epoch   uint32
	Created uint64 // Unix time in seconds
	Leases  uint32 // leases of 16,384 ciphertexts that were taken under this key
	Wrapped [WrappedSize]byte
}

// Keyring is the one entry of the `keyring` store.
//
//	"idbvault" || u8 version || 16-byte vault id || u64 created
//	|| u32 generation || u32 write epoch || u32 highest epoch || u8 options
//	|| u16 count || slots || u16 count || keys || 32-byte MAC
//
// Slots ascend by id, keys by kind, class and epoch.
type Keyring struct {
	VaultID      [16]byte
	Created      uint64 // Unix time in seconds
	Generation   uint32 // one more with every change
	WriteEpoch   uint32 // the epoch that new records are sealed under
	HighestEpoch uint32 // never lowered, so that no epoch is used twice
	ClearNames   bool   // record names are stored as they are
	Slots        []Slot
	Keys         []WrappedKey
}

const (
	keyringMagic   = "idbvault"
	keyringVersion = 1
	optClearNames  = 1
)

// MaxKeys is how many keys a keyring may have.
const MaxKeys = 4096

// Encode returns the encoding of k without its MAC.
func (k *Keyring) Encode() []byte {
	var w writer
	w.str(keyringMagic)
	w.u8(keyringVersion)
	w.raw(k.VaultID[:])
	w.u64(k.Created)
	w.u32(k.Generation)
	w.u32(k.WriteEpoch)
	w.u32(k.HighestEpoch)
	if k.ClearNames {
		w.u8(optClearNames)
	} else {
		w.u8(0)
	}
	w.u16(uint16(len(k.Slots)))
	for i := range k.Slots {
		s := &k.Slots[i]
		w.u32(s.ID)
		w.u8(byte(s.Kind))
		w.raw(s.Salt[:])
		w.u32(s.Iterations)
		w.raw(s.Wrapped[:])
	}
	w.u16(uint16(len(k.Keys)))
	for i := range k.Keys {
		e := &k.Keys[i]
		w.u8(byte(e.Kind))
		w.u8(byte(e.Class))
		w.u32(e.Epoch)
		w.u64(e.Created)
		w.u32(e.Leases)
		w.raw(e.Wrapped[:])
	}
	return w.b
}

// ParseKeyring reads an encoded keyring and its MAC. Nothing in it may be trusted before the MAC was verified, except
// to find the slot and the wrapped keyring key that the verification itself needs.
func ParseKeyring(b []byte) (*Keyring, []byte, error) {
	r := reader{b: b}
	if string(r.take(len(keyringMagic))) != keyringMagic {
		return nil, nil, ErrFormat
	}
	if version := r.u8(); !r.bad && version != keyringVersion {
		return nil, nil, ErrVersion
	}
	k := &Keyring{}
	copy(k.VaultID[:], r.take(len(k.VaultID)))
	k.Created, k.Generation, k.WriteEpoch, k.HighestEpoch = r.u64(), r.u32(), r.u32(), r.u32()
	options := r.u8()
	k.ClearNames = options == optClearNames
	slots := int(r.u16())
	for i := 0; i < slots && !r.bad; i++ {
		s := Slot{ID: r.u32(), Kind: SlotKind(r.u8())}
		copy(s.Salt[:], r.take(SaltSize))
		s.Iterations = r.u32()
		copy(s.Wrapped[:], r.take(WrappedSize))
		k.Slots = append(k.Slots, s)
	}
	keys := int(r.u16())
	for i := 0; i < keys && !r.bad; i++ {
		e := WrappedKey{Kind: KeyKind(r.u8()), Class: Class(r.u8()), Epoch: r.u32(), Created: r.u64(), Leases: r.u32()}
		copy(e.Wrapped[:], r.take(WrappedSize))
		k.Keys = append(k.Keys, e)
	}
	mac := r.take(MACSize)
	if r.bad || len(r.b) != 0 || options > optClearNames || !k.consistent() {
		return nil, nil, ErrFormat
	}
	return k, append([]byte(nil), mac...), nil
}

// consistent reports whether the lists are in order and every field is within its range.
func (k *Keyring) consistent() bool {
	if len(k.Slots) == 0 || len(k.Slots) > MaxSlots || len(k.Keys) > MaxKeys ||
		k.WriteEpoch == 0 || k.WriteEpoch > k.HighestEpoch {
		return false
	}
	for i, s := range k.Slots {
		if !s.Kind.Valid() || i > 0 && s.ID <= k.Slots[i-1].ID {
			return false
		}
	}
	for i, e := range k.Keys {
		if e.Kind < RecordKey256 || e.Kind > AuditKey256 || e.Kind.perClass() != e.Class.Valid() ||
			!e.Kind.perClass() && e.Class != 0 || e.Epoch == 0 || e.Epoch > k.HighestEpoch ||
			i > 0 && !k.Keys[i-1].before(&e) {
			return false
		}
	}
	return true
}

func (e *WrappedKey) before(o *WrappedKey) bool {
	if e.Kind != o.Kind {
		return e.Kind < o.Kind
	}
	if e.Class != o.Class {
		return e.Class < o.Class
	}
	return e.Epoch < o.Epoch
}

// Clone returns a copy that shares nothing with k.
func (k *Keyring) Clone() *Keyring {
	c := *k
	c.Slots = append([]Slot(nil), k.Slots...)
	c.Keys = append([]WrappedKey(nil), k.Keys...)
	return &c
}

// Find returns the key of that kind, class and epoch, or nil.
func (k *Keyring) Find(kind KeyKind, class Class, epoch uint32) *WrappedKey {
	for i := range k.Keys {
		if e := &k.Keys[i]; e.Kind == kind && e.Class == class && e.Epoch == epoch {
			return e
		}
	}
	return nil
}

// Insert adds a key at its place.
func (k *Keyring) Insert(e WrappedKey) {
	at := len(k.Keys)
	for at > 0 && e.before(&k.Keys[at-1]) {
		at--
	}
	k.Keys = append(k.Keys, WrappedKey{})
	copy(k.Keys[at+1:], k.Keys[at:])
	k.Keys[at] = e
}

// Newest returns the key of a kind that serves every class which has the highest epoch, or nil.
func (k *Keyring) Newest(kind KeyKind) *WrappedKey {
	return k.Find(kind, 0, k.newest(kind, k.HighestEpoch))
}

// NameEpoch returns the epoch of the name key that names of records of an epoch are hidden with: the highest up to it.
func (k *Keyring) NameEpoch(epoch uint32) uint32 { return k.newest(NameKey256, epoch) }

func (k *Keyring) newest(kind KeyKind, upTo uint32) (epoch uint32) {
	for i := range k.Keys {
		if e := &k.Keys[i]; e.Kind == kind && e.Epoch <= upTo {
			epoch = max(epoch, e.Epoch)
		}
	}
	return epoch
}

const keyringLabel = "idbvault/keyring/v1"

// KeyringMessage returns the message whose HMAC under the keyring key is the keyring's MAC:
//
//	lp("idbvault/keyring/v1") || lp(database) || lp(keyring without its MAC)
func KeyringMessage(database string, k *Keyring) []byte {
	var w writer
	w.lpStr(keyringLabel)
	w.lpStr(database)
	w.lp(k.Encode())
	return w.b
}

const channelLabel = "idbvault/channel/v1"

// ChannelMessage returns the message whose HMAC under the keyring key, in lower-case hexadecimal, names the
// BroadcastChannel on which unlocked tabs tell each other of writes: lp("idbvault/channel/v1") || lp(database).
func ChannelMessage(database string) []byte {
	var w writer
	w.lpStr(channelLabel)
	w.lpStr(database)
	return w.b
}
