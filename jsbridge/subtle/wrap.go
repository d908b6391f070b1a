//go:build js && wasm

package subtle

import "idbvault/jsbridge"

// wrappedSize is the size in bytes of a 256-bit key that is wrapped (SP 800-38F §6.2).
const wrappedSize = 40

// NewWrappingKey draws an AES-KW key and returns it with its 40 bytes wrapped by kek (RFC 3394). The handle can wrap; it
// is extractable, since a key that is to be wrapped must be, and goes with the call.
func NewWrappingKey(c *jsbridge.Call, kek Key) (Key, []byte, error) {
	at, err := run(c, generateKey, aesKW, true, toWrap)
	if err != nil {
		return Key{}, nil, err
	}
	key := InSlot(c, at)
	wrapped, err := wrap(c, key, kek)
	return key, wrapped, err
}

// NewWrapped draws a key of that kind and returns its 40 bytes wrapped by an AES-KW key. The handle goes with the call.
func NewWrapped(c *jsbridge.Call, by Key, kind Kind) ([]byte, error) {
	algorithm, uses := aesGCM, toSeal
	if kind == HMAC || kind == HKDF { // HKDF keys can't be generated; an HMAC key of 256 bits has the same bytes
		algorithm, uses = hmac256, toMAC
	}
	at, err := run(c, generateKey, algorithm, true, uses)
	if err != nil {
		return nil, err
	}
	return wrap(c, InSlot(c, at), by)
}

// Rewrap unwraps an AES-KW key and returns its 40 bytes wrapped by another one, or ErrRefused. The handle, extractable for that
// once, goes with the call.
func Rewrap(c *jsbridge.Call, kek Key, wrapped []byte, by Key) ([]byte, error) {
	at, err := run(c, unwrapKey, "raw", jsbridge.Bytes(wrapped), kek, aesKW, aesKW, true, toUnwrap)
	if err != nil {
		return nil, refused(err)
	}
	return wrap(c, InSlot(c, at), by)
}

// UnwrapToWrap unwraps an AES-KW key, non-extractable, that can wrap and no more, or is ErrRefused.
func UnwrapToWrap(c *jsbridge.Call, by Key, wrapped []byte) (Key, error) {
	at, err := run(c, unwrapKey, "raw", jsbridge.Bytes(wrapped), by, aesKW, aesKW, false, onlyToWrap)
	return InSlot(c, at), refused(err)
}

func wrap(c *jsbridge.Call, key, by Key) ([]byte, error) {
	at, err := run(c, wrapKey, "raw", key, by, aesKW)
	if err != nil {
		return nil, err
	}
	return c.Front(at, 0, wrappedSize), nil
}

// Unwrap returns the non-extractable key whose wrapped bytes those are, or ErrRefused when they were not wrapped by that
// key. An unwrapped AES-KW key can itself only unwrap.
func Unwrap(c *jsbridge.Call, by Key, wrapped []byte, kind Kind) (Key, error) {
	algorithm, uses := aesGCM, toSeal
	switch kind {
	case AESKW:
		algorithm, uses = aesKW, toUnwrap
	case HMAC:
		algorithm, uses = hmac256, toMAC
	case HKDF:
		algorithm, uses = hkdf, toDerive
	}
	at, err := run(c, unwrapKey, "raw", jsbridge.Bytes(wrapped), by, aesKW, algorithm, false, uses)
	return InSlot(c, at), refused(err)
}
