package vectors

import (
	"bytes"
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"testing"
)

const semiblock = 8

var (
	initialValue   = bytes.Repeat([]byte{0xa6}, semiblock)
	errWrapSize    = errors.New("not two or more whole semiblocks of key")
	errWrapAltered = errors.New("initial value does not match")
)

// wrapKey is RFC 3394 section 2.2.1, in its indexed form.
func wrapKey(kek, key []byte) ([]byte, error) {
	if len(key) < 2*semiblock || len(key)%semiblock != 0 {
		return nil, errWrapSize
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, err
	}
	wrapped := append(bytes.Clone(initialValue), key...)
	var buffer [aes.BlockSize]byte
	copy(buffer[:], initialValue)
	blocks := len(key) / semiblock
	for round := range 6 {
		for i := 1; i <= blocks; i++ {
			copy(buffer[semiblock:], wrapped[i*semiblock:])
			block.Encrypt(buffer[:], buffer[:])
			mixCounter(buffer[:semiblock], round*blocks+i)
			copy(wrapped[i*semiblock:], buffer[semiblock:])
		}
	}
	copy(wrapped, buffer[:semiblock])
	return wrapped, nil
}

// unwrapKey is RFC 3394 section 2.2.2, in its indexed form.
func unwrapKey(kek, wrapped []byte) ([]byte, error) {
	if len(wrapped) < 3*semiblock || len(wrapped)%semiblock != 0 {
		return nil, errWrapSize
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, err
	}
	key := bytes.Clone(wrapped[semiblock:])
	var buffer [aes.BlockSize]byte
	copy(buffer[:], wrapped[:semiblock])
	blocks := len(key) / semiblock
	for round := 5; round >= 0; round-- {
		for i := blocks; i >= 1; i-- {
			mixCounter(buffer[:semiblock], round*blocks+i)
			copy(buffer[semiblock:], key[(i-1)*semiblock:])
			block.Decrypt(buffer[:], buffer[:])
			copy(key[(i-1)*semiblock:], buffer[semiblock:])
		}
	}
	if subtle.ConstantTimeCompare(buffer[:semiblock], initialValue) != 1 {
		return nil, errWrapAltered
	}
	return key, nil
}

func mixCounter(half []byte, step int) {
	binary.BigEndian.PutUint64(half, binary.BigEndian.Uint64(half)^uint64(step))
}

func TestAESKW(t *testing.T) {
	cases := AESKW()
	checkCounts(t, cases, func(c WrapCase) bool { return c.Valid }, 13, 55)
	acceptable := 0
	for _, c := range cases {
		if c.Acceptable {
			acceptable++
		}
		// The reference takes no key below 16 bytes, so it refuses the acceptable case.
		key, err := unwrapKey(c.Key, c.Wrapped)
		if (err == nil) != c.Valid {
			t.Errorf("case %d (%s): unwrapping gave %v", c.ID, c.Comment, err)
		} else if c.Valid && !bytes.Equal(key, c.Plaintext) {
			t.Errorf("case %d (%s): unwrapped to %x, want %x", c.ID, c.Comment, key, c.Plaintext)
		}
		wrapped, err := wrapKey(c.Key, c.Plaintext)
		if matches := err == nil && bytes.Equal(wrapped, c.Wrapped); matches != c.Valid {
			t.Errorf("case %d (%s): wrapped to %x (%v), want %x", c.ID, c.Comment, wrapped, err, c.Wrapped)
		}
	}
	if acceptable != 1 {
		t.Errorf("got %d acceptable cases, want 1", acceptable)
	}
}
