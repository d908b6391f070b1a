//go:build js && wasm

package subtle_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"fmt"
	"syscall/js"
	"testing"

	"idbvault/jsbridge"
	"idbvault/jsbridge/subtle"
	"idbvault/test/wasm/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

var webcrypto = js.Global().Get("crypto").Get("subtle")

// onNode is where no browser is.
var onNode = js.Global().Get("process").Get("versions").Truthy()

const (
	rawGCM    = `"AES-GCM"`
	rawKW     = `"AES-KW"`
	rawHMAC   = `{"name":"HMAC","hash":"SHA-256"}`
	rawHKDF   = `"HKDF"`
	rawPBKDF2 = `"PBKDF2"`

	useGCM    = `["encrypt","decrypt"]`
	useKW     = `["wrapKey","unwrapKey"]`
	useHMAC   = `["sign","verify"]`
	useDerive = `["deriveKey","deriveBits"]`
)

// imported makes a key of given bytes, which package subtle never does.
func imported(c *jsbridge.Call, raw []byte, algorithm, uses string, extractable bool) (subtle.Key, error) {
	v, err := c.Await(webcrypto.Call("importKey", "raw", jsbridge.Bytes(raw), jsbridge.Literal(algorithm), extractable, jsbridge.Literal(uses)))
	return subtle.KeyOf(v), err
}

func bytesOf(v js.Value) []byte {
	b := make([]byte, v.Get("byteLength").Int())
	if v.InstanceOf(js.Global().Get("ArrayBuffer")) {
		v = js.Global().Get("Uint8Array").New(v)
	}
	js.CopyBytesToGo(b, v)
	return b
}

// bufferOf is jsbridge.Bytes without the page, for values that do not fit it.
func bufferOf(b []byte) js.Value {
	v := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(v, b)
	return v.Get("buffer")
}

// filled returns n bytes that depend on all the numbers.
func filled(n int, numbers ...int) []byte {
	var b []byte
	for block := 0; len(b) < n; block++ {
		sum := sha256.Sum256([]byte(fmt.Sprint(block, numbers)))
		b = append(b, sum[:]...)
	}
	return b[:n]
}

// goGCM is AES-GCM without a browser.
func goGCM(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return gcm
}

// newKEK returns the AES-KW key of that number.
func newKEK(c *jsbridge.Call, n int) (subtle.Key, error) {
	return imported(c, filled(32, n), rawKW, useKW, false)
}

// wrapped returns key bytes as an AES-KW key of the page wraps them.
func wrapped(c *jsbridge.Call, kek subtle.Key, raw []byte) ([]byte, error) {
	key, err := imported(c, raw, rawHMAC, useHMAC, true)
	if err != nil {
		return nil, err
	}
	v, err := c.Await(webcrypto.Call("wrapKey", "raw", key.Value(), kek.Value(), "AES-KW"))
	if err != nil {
		return nil, err
	}
	return bytesOf(v), nil
}

// derived returns n bytes that the page derives from an HKDF key.
func derived(c *jsbridge.Call, key subtle.Key, salt, info []byte, n int) ([]byte, error) {
	algorithm := jsbridge.Literal(`{"name":"HKDF","hash":"SHA-256"}`)
	algorithm.Set("salt", jsbridge.Bytes(salt))
	algorithm.Set("info", jsbridge.Bytes(info))
	v, err := c.Await(webcrypto.Call("deriveBits", algorithm, key.Value(), n*8))
	if err != nil {
		return nil, err
	}
	return bytesOf(v), nil
}

// open opens all jobs and waits for them.
func open(c *jsbridge.Call, jobs []subtle.Opening) ([]jsbridge.Ref, error) {
	plain := subtle.Open(c, jobs)
	if err := subtle.Opened(c); err != nil {
		return nil, err
	}
	return plain, nil
}
