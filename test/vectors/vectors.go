// Package vectors serves published test vectors to tests, decoded and typed.
//
// The files are embedded, so that the same cases run natively and inside a
// browser. A loader panics on a file it cannot read: an empty set of cases
// would pass every test.
package vectors

import "embed"

//go:embed wycheproof/*.json nist-cavp-gcm/*.rsp
var files embed.FS

// AEADCase is one AES-GCM case with a 256 bit key, a 96 bit IV and a 128 bit
// tag. When Valid is false, decryption has to fail.
type AEADCase struct {
	ID         int
	Comment    string
	Key        []byte
	IV         []byte
	AAD        []byte
	Plaintext  []byte
	Ciphertext []byte
	Tag        []byte
	Valid      bool
}

// WrapCase is one AES-KW (RFC 3394) case with a 256 bit key-encryption key.
// When Valid and Acceptable are both false, unwrapping has to fail.
type WrapCase struct {
	ID      int
	Comment string
	Key     []byte
	// Plaintext is the key to wrap.
	Plaintext []byte
	Wrapped   []byte
	Valid     bool
	// Acceptable marks a key of 8 bytes, wrapped as the single block of RFC 5649.
	// RFC 3394 starts at 16 bytes, so refusing it is right too.
	Acceptable bool
}

// PBKDF2Case is one PBKDF2-HMAC-SHA256 case.
type PBKDF2Case struct {
	ID         int
	Comment    string
	Password   []byte
	Salt       []byte
	Iterations int
	DerivedKey []byte
	Valid      bool
}

// HKDFCase is one HKDF-SHA-256 case. When Valid is false, Size is more than
// HKDF can give and derivation has to fail.
type HKDFCase struct {
	ID        int
	Comment   string
	InputKey  []byte
	Salt      []byte
	Info      []byte
	Size      int
	OutputKey []byte
	Valid     bool
}

// MACCase is one HMAC-SHA-256 case; a Tag shorter than 32 bytes is the start of
// the whole. When Valid is false, verification has to fail.
type MACCase struct {
	ID      int
	Comment string
	Key     []byte
	Message []byte
	Tag     []byte
	Valid   bool
}
