package vault

// The small functions here and in vault.go that make and tell errors are called from everywhere. Their copies would take 30 KB of the
// module, so they are not inlined.

// Error is a failure that a caller can act on: a stable code to branch on and a sentence that says what to do.
type Error struct {
	Code    string // "ERR_…", as VaultError.code in TypeScript
	Message string
}

func (e *Error) Error() string { return e.Message }

// Is reports whether target has the same code, so that errors.Is(err, ErrInvalid) holds whatever the sentence says.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// is reports whether err is an *Error of e's code. (errors.Is would bring reflection into the module, 8 KB of it.)
//
//go:noinline
func (e *Error) is(err error) bool {
	x, ok := err.(*Error)
	return ok && x.Code == e.Code
}

// because returns an error of e's code with a sentence of its own.
//
//go:noinline
func (e *Error) because(message string) *Error { return &Error{Code: e.Code, Message: message} }

// The errors of idbvault, one for each decision that a caller may take. web/src/errors.ts has the same codes.
var (
	ErrInvalid     = &Error{"ERR_INVALID", "An argument does not fit."}
	ErrNoSecret    = &Error{"ERR_NO_SECRET", "No secret was given, and no vault of this database is unlocked on this page. Pass options.secret, or set VITE_ENCRYPTION_KEY."}
	ErrWrongSecret = &Error{"ERR_WRONG_SECRET", "The secret does not open this vault. Ask for it again; nothing was changed."}
	ErrWeak        = &Error{"ERR_WEAK", "The vault's PBKDF2 iterations are too few for this class."}
	ErrIntegrity   = &Error{"ERR_INTEGRITY", "The data on this device is not what was written. Do not use it; restore it from its source."}
	ErrVersion     = &Error{"ERR_VERSION", "The data was written by a later version of idbvault. Update the application; nothing was changed."}
	ErrNotVault    = &Error{"ERR_NOT_A_VAULT", "A database of this name exists and is not a vault. It was left as it is; choose another name."}
	ErrEvicted     = &Error{"ERR_EVICTED", "The vault that was expected is not there: the browser or the user removed it. Fetch the data again from its source."}
	ErrLocked      = &Error{"ERR_LOCKED", "The vault is locked. Unlock it with its secret."}
	ErrClosed      = &Error{"ERR_CLOSED", "The storage is closed, or its database was deleted. Open it again with createEncryptedStorage."}
	ErrQuota       = &Error{"ERR_QUOTA", "The browser's storage is full. Nothing was changed; delete what is not needed and try again."}
	ErrBlocked     = &Error{"ERR_BLOCKED", "Another tab holds the database open. Close it and try again."}
	ErrConflict    = &Error{"ERR_CONFLICT", "The record changed again at every try. Nothing was written; try again."}
	ErrExhausted   = &Error{"ERR_EXHAUSTED", "This class's key has sealed as many records as is safe. Rotate the keys with rotateKeys."}
	ErrStorage     = &Error{"ERR_STORAGE", "IndexedDB failed. Nothing was changed; try again, and look at the disk if it fails again."}
	ErrUnsupported = &Error{"ERR_UNSUPPORTED", "This page lacks something that idbvault needs."}
	ErrLoad        = &Error{"ERR_LOAD", "The idbvault WebAssembly file could not be loaded."}
	ErrCrashed     = &Error{"ERR_CRASHED", "The idbvault engine stopped during this call. The next call starts it anew; read before you repeat a write."}
	ErrInternal    = &Error{"ERR_INTERNAL", "idbvault met a state that it should not be in. Please report it."}
)

// Errors lists them all.
var Errors = []*Error{
	ErrInvalid, ErrNoSecret, ErrWrongSecret, ErrWeak, ErrIntegrity, ErrVersion, ErrNotVault, ErrEvicted, ErrLocked, ErrClosed,
	ErrQuota, ErrBlocked, ErrConflict, ErrExhausted, ErrStorage, ErrUnsupported, ErrLoad, ErrCrashed, ErrInternal,
}
