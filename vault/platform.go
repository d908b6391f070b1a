package vault

import "idbvault/envelope"

// Task is one operation in flight. All waiting in this package is a Task's, in Park or in a method of the platform, and a
// platform runs one Task at a time, changing over where one waits, as a browser does. So nothing here needs a lock.
type Task interface {
	Park() // waits until Wake; a Wake that came first is not lost
	Wake()
}

// Key is an opaque handle of a non-extractable key.
type Key any

// Blob is bytes that stay outside Go, such as an ArrayBuffer of the page. It belongs to the Task that met it, and ends with it.
type Blob any

// Mark is a place among the Blobs of a Task.
type Mark int32

// Held is a number by which the platform keeps a copy of a Blob beyond its Task.
type Held int32

// Seal is one AES-256-GCM encryption.
type Seal struct {
	Key   Key
	IV    [envelope.IVSize]byte
	AAD   []byte
	Head  []byte // put in front of Plain
	Plain Blob   // nil for none
	Out   Blob   // ciphertext || tag, once sealed
}

// Open is one AES-256-GCM decryption.
type Open struct {
	Key    Key
	IV     [envelope.IVSize]byte
	AAD    []byte
	Sealed Blob
	Offset int  // where in Sealed the ciphertext begins
	Out    Blob // the plaintext, once opened
}

// Crypto is the cryptography of the platform. A decryption, an unwrapping or a verification that fails because of its
// input is ErrRefused and no more: neither a reason nor a part of the plaintext. meanwhile, where not nil, is called while the
// browser works.
type Crypto interface {
	Random(b []byte)
	Digest(t Task, message []byte) ([]byte, error)                              // SHA-256
	MAC(t Task, key Key, messages [][]byte, meanwhile func()) ([][]byte, error) // HMAC-SHA-256
	Verify(t Task, key Key, message, mac []byte) error                          // HMAC-SHA-256, in constant time
	DeriveKEK(t Task, secret Key, salt []byte, n uint32) (Key, error)           // PBKDF2-HMAC-SHA256 to AES-KW
	DerivePackageKey(t Task, secret Key, salt []byte, n uint32) (Key, error)    // PBKDF2-HMAC-SHA256 to AES-256-GCM
	DeriveChunkKey(t Task, object Key, salt, info []byte) (Key, error)          // HKDF-SHA-256 to AES-256-GCM
	// NewVaultKey draws a vault key and returns it, able to wrap, with its 40 bytes wrapped by kek.
	NewVaultKey(t Task, kek Key) (Key, []byte, error)
	UnwrapVaultKey(t Task, kek Key, wrapped []byte) (Key, error)
	// WrappingVaultKey unwraps the vault key as one that can wrap, and no more.
	WrappingVaultKey(t Task, kek Key, wrapped []byte) (Key, error)
	// Rewrap returns a wrapped vault key wrapped by another KEK. For that once its handle is extractable; it is dropped.
	Rewrap(t Task, kek Key, wrapped []byte, by Key) ([]byte, error)
	// NewWrapped draws a key of that kind and returns its 40 bytes wrapped by the vault key; the key itself is dropped.
	NewWrapped(t Task, vaultKey Key, kind envelope.KeyKind) ([]byte, error)
	Unwrap(t Task, vaultKey Key, kind envelope.KeyKind, wrapped []byte) (Key, error)
	Seal(t Task, jobs []Seal, meanwhile func()) error
	// Open begins to open jobs. What each is, is there when Opened has returned nil, which waits for all that the Task has
	// begun.
	Open(t Task, jobs []Open)
	Opened(t Task) error
}

// Table is one of the object stores that a vault's database is made of, all created in its version 1.
type Table int

// The tables of a vault.
const (
	Keyrings Table = iota // one entry, under KeyringEntry
	Records               // header || ciphertext, under envelope.RecordKey
	Chunks                // ciphertext of large values, under envelope.ChunkKey
	Journal               // where a rotation stands, under JournalEntry, while it is not at its end; the clock, under ClockEntry; and others
	Audit                 // the lines of the audit log, its head, and the number of failed unlocks
)

// Tables are the names of the object stores, by Table.
var Tables = [...]string{"keyring", "records", "chunks", "journal", "audit"}

// The keys of the keyring in Keyrings and of a rotation in Journal.
var (
	KeyringEntry = []byte("keyring")
	JournalEntry = []byte("rotation")
	ClockEntry   = []byte("clock")
)

// Write is one entry to put, or to delete where Value is nil and Bytes is empty: with To, every one from Key up to, and without, To.
type Write struct {
	Table Table
	Key   []byte
	To    []byte
	Bytes []byte // what to put, or what comes in front of Value
	Value Blob

	sealed bool // Value is the next ciphertext, once it is there
}

// Range is every key from From up to, and without, To, where To is not nil.
type Range struct{ From, To []byte }

// Batch is one transaction over at most two tables: all of it takes effect or none.
type Batch struct {
	Writes []Write
	Clear  []ClearRange
	Strict bool
	// Expect, where not nil, is compared inside the transaction. If the entry is not what it says, nothing is
	// written and Commit returns ErrStale.
	Expect *Expect
	// Count, where not nil, is compared in the same way.
	Count *Counted
	// Issued, where not nil, is called when every request has been made: a transaction that is made later takes effect
	// later.
	Issued func()
}

// Counted says how many entries a range must have.
type Counted struct {
	Table Table
	Range Range
	N     int
}

// Swap is what to write in the place of an entry of Records, in Records and in Chunks.
type Swap struct {
	Key    []byte
	Prefix []byte
	Writes []Write
}

// ClearRange deletes a range of a table.
type ClearRange struct {
	Table Table
	Range Range
}

// Expect says what the front of an entry must be; empty bytes say that the entry must be absent.
type Expect struct {
	Table  Table
	Key    []byte
	Prefix []byte
	Empty  *Table // a table that must have no entry at all
}

// Entry is a stored entry: a copy of its first bytes, enough for a header and a tag, and the whole of it as a Blob.
type Entry struct {
	Key   []byte
	Front []byte
	Value Blob
	Size  int
}

// Read is one look-up.
type Read struct {
	Table Table
	Key   []byte
	Found bool
	Entry Entry
}

// Database is an open database of the platform with the tables of a vault. Where issued is not nil, it is called when the
// first requests have been made.
type Database interface {
	// Read looks up all of reads, which are of at most two tables, in one transaction. arrived, where not nil and as long as it
	// returns nil, is called when the first n are there, while the others still come.
	Read(t Task, reads []Read, issued func(), arrived func(n int) error) error
	// Scan returns up to limit entries of a range, ascending.
	Scan(t Task, table Table, r Range, limit int, issued func()) ([]Entry, error)
	// Keys returns up to limit keys of a range, ascending.
	Keys(t Task, table Table, r Range, limit int, issued func()) ([][]byte, error)
	Count(t Task, table Table, r Range, issued func()) (int, error)
	Commit(t Task, b Batch) error
	// Swap carries out, in one transaction that is flushed to the disk, those writes whose entry in Records still begins as it did, and
	// returns how many entries that were. Swaps ascend by key.
	Swap(t Task, swaps []Swap) (int, error)
	Close()
}

// Platform is what a vault stands on.
type Platform interface {
	Crypto
	Now() uint64                  // Unix time in seconds
	Time(unix uint64) string      // UTC to the second, as in "2025-01-15T12:00:00Z"
	ParseTime(text string) uint64 // the reverse; 0 for what is not a time
	// OpenDatabase opens the vault database of that name, creating its tables where create is set and no database of
	// that name exists. Without create an absent database is ErrAbsent; one that is not a vault's is ErrNotVault.
	OpenDatabase(t Task, name string, create bool, lost func()) (Database, error)
	DeleteDatabase(t Task, name string) error
	// Lock waits for the origin-wide lock of that name, alone or shared, and returns what lets go of it.
	Lock(t Task, name string, shared bool) (func(), error)
	Pause(t Task, ms int)
	// Keep holds on to a handle of an unlocked vault for the life of the page, and returns it as one that outlives the Task;
	// Kept finds it again after this instance died. Forget drops all of a database's, ForgetKey one, and what still uses it fails.
	Keep(database, label string, key Key) Key
	Kept(database, label string) (Key, bool)
	Forget(database string)
	ForgetKey(database, label string)
	// Hold keeps a copy of b; Recall returns another one, for a Task, and Drop lets go of it. They are not ok where there is no
	// memory for the copy.
	Hold(t Task, b Blob) (h Held, ok bool)
	Recall(t Task, h Held) (b Blob, ok bool)
	Drop(h Held)
	// Report tells the page of an event.
	Report(database string, e Event, epoch uint32, count int)
	// Mark remembers what the Task has met; Release lets go of every Blob that it met since.
	Mark(t Task) Mark
	Release(t Task, m Mark)
	// Discard lets go of a Blob before its Task ends.
	Discard(t Task, b Blob)
	// Room returns a Blob of that size, and Fill copies b to a place in it.
	Room(t Task, size int) (Blob, error)
	Fill(t Task, room Blob, at int, b Blob)
	// Front copies up to n bytes of b, from offset on.
	Front(t Task, b Blob, offset, n int) []byte
}

// Errors by which a platform tells this package what happened. None of them reaches a caller.
var (
	ErrRefused = &Error{"refused", "refused"} // a tag, a wrapping or a MAC does not fit
	ErrAbsent  = &Error{"absent", "absent"}   // there is no such database
	ErrStale   = &Error{"stale", "stale"}     // an entry is not what was expected
)
