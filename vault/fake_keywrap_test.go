package vault

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"encoding/hex"
	"testing"
)

// wrapKey is RFC 3394 section 2.2.1, in its indexed form.
func wrapKey(kek, key []byte) []byte {
	block, err := aes.NewCipher(kek)
	if err != nil {
		panic(err)
	}
	n := len(key) / 8
	r := append(bytes.Repeat([]byte{0xa6}, 8), key...)
	var b [16]byte
	copy(b[:], r)
	for step := 1; step <= 6*n; step++ {
		i := 8 * ((step-1)%n + 1)
		copy(b[8:], r[i:])
		block.Encrypt(b[:], b[:])
		binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(b[:])^uint64(step))
		copy(r[i:], b[8:])
	}
	copy(r, b[:8])
	return r
}

// unwrapKey is RFC 3394 section 2.2.2. It returns nil for what was not wrapped by that key.
func unwrapKey(kek, wrapped []byte) []byte {
	if len(wrapped) < 24 || len(wrapped)%8 != 0 {
		return nil
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		panic(err)
	}
	n := len(wrapped)/8 - 1
	r := bytes.Clone(wrapped)
	var b [16]byte
	copy(b[:], r)
	for step := 6 * n; step > 0; step-- {
		i := 8 * ((step-1)%n + 1)
		binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(b[:])^uint64(step))
		copy(b[8:], r[i:])
		block.Decrypt(b[:], b[:])
		copy(r[i:], b[8:])
	}
	if !bytes.Equal(b[:8], bytes.Repeat([]byte{0xa6}, 8)) {
		return nil
	}
	return r[8:]
}

// RFC 3394 section 4.6: the fake must be right before what is measured against it.
func TestFakeKeyWrap(t *testing.T) {
	h := func(s string) []byte { b, _ := hex.DecodeString(s); return b }
	kek := h("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	key := h("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")
	want := h("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21")
	if got := wrapKey(kek, key); !bytes.Equal(got, want) {
		t.Errorf("wrapped to %x", got)
	}
	if got := unwrapKey(kek, want); !bytes.Equal(got, key) {
		t.Errorf("unwrapped to %x", got)
	}
	want[39] ^= 1
	if got := unwrapKey(kek, want); got != nil {
		t.Errorf("what was changed unwrapped to %x", got)
	}
}
