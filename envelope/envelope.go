// Package envelope is the wire formats of idbvault: what a stored record, the keyring and a v1.0 package look like byte
// by byte, and which bytes of them a GCM tag or an HMAC authenticates. docs/FORMAT.md is the normative text.
//
// It knows nothing of browsers and holds no keys. Integers are big-endian; lp(x) is a u32 length followed by x. Every
// parser accepts exactly one encoding of a value: no trailing bytes, no unknown flags, no second spelling.
package envelope

// Error is a failure to read an encoding. (Package errors would bring reflection into the module.)
type Error string

func (e Error) Error() string { return "envelope: " + string(e) }

const (
	// ErrFormat is returned for bytes that are not a canonical encoding.
	ErrFormat = Error("not a canonical encoding")
	// ErrVersion is returned for a format version or a suite that this code does not know.
	ErrVersion = Error("unknown version")
)

const (
	// IVSize is the size in bytes of a GCM IV: 96 bits, the only length that SP 800-38D §5.2.1.1 recommends.
	IVSize = 12
	// TagSize is the size in bytes of a GCM tag: 128 bits, the longest of SP 800-38D §5.2.1.2.
	TagSize = 16
	// SaltSize is the size in bytes of a PBKDF2 salt: 128 bits, the least of SP 800-132 §5.1.
	SaltSize = 16
	// WrappedSize is the size in bytes of a 256-bit key wrapped by AES-KW (SP 800-38F §6.2): 32 + 8.
	WrappedSize = 40
	// MACSize is the size in bytes of an HMAC-SHA-256 output.
	MACSize = 32
)
