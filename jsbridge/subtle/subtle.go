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

// Key is a CryptoKey. One that this package makes lies in the slot of its call and goes with it: Go's collector, which takes its
// time, never has hold of it. Keep is for those that outlive the call, until the page forgets them; Handle for others that do.
type Key struct {
	v  js.Value
	c  *jsbridge.Call // nil where v is the key, or the page keeps it
	at jsbridge.Ref
}

// KeyOf returns the handle of a CryptoKey of the page.
func KeyOf(v js.Value) Key { return Key{v: v} }

// InSlot returns the CryptoKey that lies in the slot of a call.
func InSlot(c *jsbridge.Call, at jsbridge.Ref) Key { return Key{c: c, at: at} }

// Value returns the CryptoKey of one that the page does not keep.
func (k Key) Value() js.Value {
	if k.c != nil {
		return k.c.Value(k.at)
	}
	return k.v
}

// Handle returns the key as one that goes when Go's collector finds it.
func (k Key) Handle() Key { return KeyOf(k.Value()) }

// In returns the CryptoKey, for a call, of one that the page keeps too.
func (k Key) In(c *jsbridge.Call) js.Value {
	if k.at.IsKept() {
		return c.Value(k.at)
	}
	return k.Value()
}

// Keep leaves a key of a call's slot with the page, as jsbridge.Keep does.
func (k Key) Keep(group, name string) Key { return Key{at: k.c.Keep(group, name, k.at)} }

// Kept finds a key that was kept.
func Kept(group, name string) (k Key, ok bool) {
	at := jsbridge.Kept(group, name)
	return Key{at: at}, at.IsKept()
}

// placed says that the key has a place, in the slot of its call or with the page.
func (k Key) placed() bool { return k.c != nil || k.at.IsKept() }

// run calls a function of SubtleCrypto, waits for it and returns the place of what comes of it. Of the arguments that are Keys, at
// most two have a place; they go from there to SubtleCrypto.
func run(c *jsbridge.Call, f js.Value, arguments ...any) (jsbridge.Ref, error) {
	var places [2]jsbridge.Ref
	n := 0
	for i, argument := range arguments {
		key, ok := argument.(Key)
		switch {
		case ok && key.placed():
			arguments[i], places[n] = js.Undefined(), key.at
			n++
		case ok:
			arguments[i] = key.v
		}
	}
	at := runStep.Invoke(append([]any{c.ID(), f, int32(places[0]), int32(places[1])}, arguments...)...)
	return jsbridge.Ref(at.Int()), c.Step()
}

// Kind is what a 256-bit key is for.
type Kind int

// The kinds of keys.
const (
	AESGCM Kind = iota // seals and opens
	AESKW              // wraps and unwraps
	HMAC               // HMAC-SHA-256
	HKDF               // HKDF-SHA-256, derives keys
)

var (
	subtle js.Value

	verify, digest                             js.Value // bound
	generateKey, deriveKey, wrapKey, unwrapKey js.Value

	aesGCM     = jsbridge.Literal(`{"name":"AES-GCM","length":256}`)
	aesKW      = jsbridge.Literal(`{"name":"AES-KW","length":256}`)
	hmac256    = jsbridge.Literal(`{"name":"HMAC","hash":"SHA-256","length":256}`) // the default is 512 bits
	hmac       = js.ValueOf("HMAC")
	hkdf       = js.ValueOf("HKDF")
	sha256     = js.ValueOf("SHA-256")
	toSeal     = jsbridge.Literal(`["encrypt","decrypt"]`)
	toWrap     = jsbridge.Literal(`["wrapKey","unwrapKey"]`)
	toUnwrap   = jsbridge.Literal(`["unwrapKey"]`)
	onlyToWrap = jsbridge.Literal(`["wrapKey"]`)
	toMAC      = jsbridge.Literal(`["sign","verify"]`)
	toDerive   = jsbridge.Literal(`["deriveKey"]`)
)

var operations = [...]struct {
	name string
	f    *js.Value
}{
	{"verify", &verify},
	{"digest", &digest},
	{"generateKey", &generateKey},
	{"deriveKey", &deriveKey},
	{"wrapKey", &wrapKey},
	{"unwrapKey", &unwrapKey},
}

// The steps that every record takes are the shim's. The key lies in the slot, too. They fail as promises do.

//go:wasmimport idbvault sign
func stepSign(call, key, n int32) int32

//go:wasmimport idbvault seal
func stepSeal(call, key, aad, head, plain int32) int32

//go:wasmimport idbvault open
func stepOpen(call, key, aad, sealed, offset int32) int32

//go:wasmimport idbvault pending
func stepPending(call int32) int32

var runStep = jsbridge.HostFunction("run")

func init() {
	subtle = js.Global().Get("crypto").Get("subtle")
	for _, op := range operations {
		*op.f = subtle.Get(op.name).Call("bind", subtle)
	}
}

// Sealing is one AES-256-GCM encryption with a 128-bit tag (SP 800-38D).
type Sealing struct {
	Key   Key
	IV    []byte // 12 bytes
	AAD   []byte
	Head  []byte       // put in front of Plain
	Plain jsbridge.Ref // a buffer or a view, or NoRef
}

// Seal encrypts all jobs and returns ciphertext || tag of each, as ArrayBuffers. meanwhile, where not nil, is called while the
// browser works.
func Seal(c *jsbridge.Call, jobs []Sealing, meanwhile func()) ([]jsbridge.Ref, error) {
	var last Key
	return all(c, len(jobs), meanwhile, func(i int) int32 {
		j := &jobs[i]
		last = place(c, j.Key, last)
		copy(jsbridge.Page[params(j.IV, j.AAD):], j.Head)
		return stepSeal(c.ID(), int32(last.at), int32(len(j.AAD)), int32(len(j.Head)), int32(j.Plain))
	})
}

// place returns key as one with a place; last is the one before it, which often is the same.
func place(c *jsbridge.Call, key, last Key) Key {
	switch {
	case key.placed():
		return key
	case last.c != nil && key.v.Equal(last.v):
		return last
	}
	key.c, key.at = c, c.Ref(key.v)
	return key
}

// params puts what SubtleCrypto takes beside a key and a message into the page and returns where it ends.
func params(iv, aad []byte) int {
	n := copy(jsbridge.Page[:], iv)
	return n + copy(jsbridge.Page[n:], aad)
}

// Opening is one AES-256-GCM decryption.
type Opening struct {
	Key    Key
	IV     []byte
	AAD    []byte
	Sealed jsbridge.Ref // a buffer or a view, with ciphertext || tag from Offset on
	Offset int
}

// Open begins to decrypt all jobs and returns the places where the plaintexts will be, once Opened has returned nil.
func Open(c *jsbridge.Call, jobs []Opening) []jsbridge.Ref {
	var last Key
	plain := make([]jsbridge.Ref, len(jobs))
	for i := range jobs {
		j := &jobs[i]
		last = place(c, j.Key, last)
		params(j.IV, j.AAD)
		plain[i] = jsbridge.Ref(stepOpen(c.ID(), int32(last.at), int32(len(j.AAD)), int32(j.Sealed), int32(j.Offset)))
	}
	return plain
}

// Opened waits for all that Open began. It returns ErrRefused when the tag of one does not fit.
func Opened(c *jsbridge.Call) error {
	switch stepPending(c.ID()) {
	case 0:
		return nil
	case jsbridge.Threw:
		return refused(c.Exception())
	}
	return refused(c.Step())
}

// all begins n operations and waits for them.
func all(c *jsbridge.Call, n int, meanwhile func(), begin func(i int) int32) ([]jsbridge.Ref, error) {
	results := make([]jsbridge.Ref, n)
	for i := range results {
		results[i] = jsbridge.Ref(begin(i))
	}
	if meanwhile != nil {
		meanwhile()
	}
	if n > 0 {
		if err := c.Step(); err != nil {
			return nil, err
		}
	}
	return results, nil
}

//go:noinline
func refused(err error) error {
	// TypeError: what was to be opened is a buffer that SubtleCrypto does not take, such as a resizable one.
	if jsbridge.Named(err, "OperationError") || jsbridge.Named(err, "DataError") || jsbridge.Named(err, "TypeError") {
		return ErrRefused
	}
	return err
}

// MAC returns HMAC-SHA-256 of each message, 32 bytes. meanwhile, where not nil, is called while the browser works.
func MAC(c *jsbridge.Call, key Key, messages [][]byte, meanwhile func()) ([][]byte, error) {
	key = place(c, key, Key{})
	values, err := all(c, len(messages), meanwhile, func(i int) int32 {
		return stepSign(c.ID(), int32(key.at), int32(copy(jsbridge.Page[:], messages[i])))
	})
	if err != nil {
		return nil, err
	}
	macs := make([][]byte, len(values))
	for i, v := range values {
		macs[i] = c.Front(v, 0, 32)
	}
	return macs, nil
}

// Verify returns ErrRefused when mac is not HMAC-SHA-256 of message.
func Verify(c *jsbridge.Call, key Key, message, mac []byte) error {
	at, err := run(c, verify, hmac, key, jsbridge.Bytes(mac), jsbridge.Bytes(message))
	if err != nil {
		return err
	}
	if v := c.Value(at); v.Type() != js.TypeBoolean || !v.Bool() {
		return ErrRefused
	}
	return nil
}

// Digest returns SHA-256 of message, 32 bytes.
func Digest(c *jsbridge.Call, message []byte) ([]byte, error) {
	at, err := run(c, digest, sha256, jsbridge.Bytes(message))
	if err != nil {
		return nil, err
	}
	return c.Front(at, 0, 32), nil
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
	at, err := run(c, deriveKey, algorithm, secret, to, false, uses)
	return InSlot(c, at), err
}

// DeriveHKDF derives a 256-bit AES-GCM key from an HKDF key (RFC 5869, SHA-256).
func DeriveHKDF(c *jsbridge.Call, key Key, salt, info []byte) (Key, error) {
	algorithm := jsbridge.Literal(`{"name":"HKDF","hash":"SHA-256"}`)
	algorithm.Set("salt", jsbridge.Bytes(salt))
	algorithm.Set("info", jsbridge.Bytes(info))
	at, err := run(c, deriveKey, algorithm, key, aesGCM, false, toSeal)
	return InSlot(c, at), err
}
