//go:build js && wasm

// Package subtle is SubtleCrypto as typed Go: W3C Web Cryptography API, https://www.w3.org/TR/webcrypto-2/. Keys are
// opaque handles and never extractable, but for those that are drawn to be wrapped, which leave this package wrapped only.
package subtle

import (
	"syscall/js"

	"idbvault/jsbridge"
)

// ErrRefused is returned when a tag, a wrapping or a MAC does not fit. It says no more.
const ErrRefused = jsbridge.Error("subtle: refused")

// Key is a CryptoKey.
type Key struct{ v js.Value }

// KeyOf returns the handle of a CryptoKey of the page.
func KeyOf(v js.Value) Key { return Key{v} }

// Value returns the CryptoKey.
func (k Key) Value() js.Value { return k.v }

// Kind is what a 256-bit key is for.
type Kind int

// The kinds of keys.
const (
	AESGCM Kind = iota // seals and opens
	AESKW              // wraps and unwraps
	HMAC               // HMAC-SHA-256
	HKDF               // HKDF-SHA-256, derives bits and keys
)

var (
	subtle js.Value

	encrypt, decrypt, sign, verify, digest     js.Value // bound
	generateKey, deriveKey, wrapKey, unwrapKey js.Value

	gcm      = jsbridge.Literal(`{"name":"AES-GCM","tagLength":128}`)
	aesGCM   = jsbridge.Literal(`{"name":"AES-GCM","length":256}`)
	aesKW    = jsbridge.Literal(`{"name":"AES-KW","length":256}`)
	hmac256  = jsbridge.Literal(`{"name":"HMAC","hash":"SHA-256","length":256}`) // the default is 512 bits
	hmac     = js.ValueOf("HMAC")
	hkdf     = js.ValueOf("HKDF")
	sha256   = js.ValueOf("SHA-256")
	toSeal   = jsbridge.Literal(`["encrypt","decrypt"]`)
	toWrap   = jsbridge.Literal(`["wrapKey","unwrapKey"]`)
	toUnwrap = jsbridge.Literal(`["unwrapKey"]`)
	toMAC    = jsbridge.Literal(`["sign","verify"]`)
	toDerive = jsbridge.Literal(`["deriveKey","deriveBits"]`)
	setGCM   = js.Global().Get("idbvaultHost").Get("gcm")
)

var operations = [...]struct {
	name string
	f    *js.Value
}{
	{"encrypt", &encrypt},
	{"decrypt", &decrypt},
	{"sign", &sign},
	{"verify", &verify},
	{"digest", &digest},
	{"generateKey", &generateKey},
	{"deriveKey", &deriveKey},
	{"wrapKey", &wrapKey},
	{"unwrapKey", &unwrapKey},
}

func init() {
	subtle = js.Global().Get("crypto").Get("subtle")
	for _, op := range operations {
		*op.f = subtle.Get(op.name).Call("bind", subtle)
	}
}

// params returns the algorithm object for one AES-GCM operation. SubtleCrypto copies it when it is called, so one object
// serves them all.
func params(iv, aad []byte) js.Value {
	copy(jsbridge.Page[:], iv)
	copy(jsbridge.Page[len(iv):], aad)
	setGCM.Invoke(gcm, len(iv), len(aad))
	return gcm
}

// Sealing is one AES-256-GCM encryption with a 128-bit tag (SP 800-38D).
type Sealing struct {
	Key   Key
	IV    []byte // 12 bytes
	AAD   []byte
	Plain js.Value // a buffer or a view
}

// Seal encrypts all jobs and returns ciphertext || tag of each, as ArrayBuffers.
func Seal(c *jsbridge.Call, jobs []Sealing) ([]js.Value, error) {
	return all(c, len(jobs), func(i int) js.Value {
		j := &jobs[i]
		return encrypt.Invoke(params(j.IV, j.AAD), j.Key.v, j.Plain)
	})
}

// Opening is one AES-256-GCM decryption.
type Opening struct {
	Key    Key
	IV     []byte
	AAD    []byte
	Sealed js.Value // ciphertext || tag, a buffer or a view
}

// Open decrypts all jobs, or returns ErrRefused when the tag of one does not fit.
func Open(c *jsbridge.Call, jobs []Opening) ([]js.Value, error) {
	plain, err := all(c, len(jobs), func(i int) js.Value {
		j := &jobs[i]
		return decrypt.Invoke(params(j.IV, j.AAD), j.Key.v, j.Sealed)
	})
	return plain, refused(err)
}

// all makes n promises and waits for them.
func all(c *jsbridge.Call, n int, promise func(i int) js.Value) ([]js.Value, error) {
	results := make([]js.Value, n)
	if n == 1 {
		var err error
		results[0], err = c.Await(promise(0))
		return results, err
	}
	promises := js.Global().Get("Array").New(n)
	for i := range n {
		promises.SetIndex(i, promise(i))
	}
	values, err := c.AwaitAll(promises)
	if err != nil {
		return nil, err
	}
	for i := range results {
		results[i] = values.Index(i)
	}
	return results, nil
}

func refused(err error) error {
	// TypeError: what was to be opened is a buffer that SubtleCrypto does not take, such as a resizable one.
	if jsbridge.Named(err, "OperationError") || jsbridge.Named(err, "DataError") || jsbridge.Named(err, "TypeError") {
		return ErrRefused
	}
	return err
}

// MAC returns HMAC-SHA-256 of each message, 32 bytes.
func MAC(c *jsbridge.Call, key Key, messages [][]byte) ([][]byte, error) {
	values, err := all(c, len(messages), func(i int) js.Value {
		return sign.Invoke(hmac, key.v, jsbridge.Bytes(messages[i]))
	})
	if err != nil {
		return nil, err
	}
	macs := make([][]byte, len(values))
	for i, v := range values {
		macs[i] = jsbridge.Front(v, 0, 32)
	}
	return macs, nil
}

// Verify returns ErrRefused when mac is not HMAC-SHA-256 of message.
func Verify(c *jsbridge.Call, key Key, message, mac []byte) error {
	v, err := c.Await(verify.Invoke(hmac, key.v, jsbridge.Bytes(mac), jsbridge.Bytes(message)))
	if err != nil {
		return err
	}
	if v.Type() != js.TypeBoolean || !v.Bool() {
		return ErrRefused
	}
	return nil
}

// Digest returns SHA-256 of message, 32 bytes.
func Digest(c *jsbridge.Call, message []byte) ([]byte, error) {
	v, err := c.Await(digest.Invoke(sha256, jsbridge.Bytes(message)))
	if err != nil {
		return nil, err
	}
	return jsbridge.Front(v, 0, 32), nil
}

// DerivePBKDF2 derives a 256-bit AES key, AESKW or AESGCM, from a PBKDF2 key (SP 800-132, PRF HMAC-SHA-256).
func DerivePBKDF2(c *jsbridge.Call, secret Key, salt []byte, iterations uint32, kind Kind) (Key, error) {
	algorithm := jsbridge.Literal(`{"name":"PBKDF2","hash":"SHA-256"}`)
	algorithm.Set("salt", jsbridge.Bytes(salt))
	algorithm.Set("iterations", int(iterations))
	to, uses := aesGCM, toSeal
	if kind == AESKW {
		to, uses = aesKW, toWrap
	}
	v, err := c.Await(deriveKey.Invoke(algorithm, secret.v, to, false, uses))
	return Key{v}, err
}
