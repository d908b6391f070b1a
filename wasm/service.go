//go:build js && wasm

package main

import (
	"idbvault/envelope"
	"idbvault/jsbridge"
	"idbvault/jsbridge/subtle"
	"idbvault/vault"
)

// service makes an EncryptionService over the PBKDF2 key that is payload 0. Result: its handle.
//
//go:wasmexport service
func service(call, iterations int32) {
	jsbridge.Start(call, func(c *jsbridge.Call) error {
		s, err := vault.NewService(&page{}, subtle.InSlot(c, 0).Handle(), uint32(iterations))
		if err != nil {
			return err
		}
		c.Push(hold(s))
		c.Done()
		return nil
	})
}

// encrypt seals payload 0; the page holds the typed encoding of the context. Results: the ciphertext, and the metadata's
// keyId, iv, salt, encryptedAt and kdfIterations (0 where they are the class's own).
//
//go:wasmexport encrypt
func encrypt(call, service, class, context int32) {
	encoded := append([]byte(nil), jsbridge.Page[:context]...)
	jsbridge.Start(call, func(c *jsbridge.Call) error {
		m, sealed, err := serviceAt(service).Encrypt(c, envelope.Class(class), encoded, jsbridge.Ref(0))
		if err != nil {
			return err
		}
		c.PushBytes(blob(sealed), 0, 0, "")
		c.Push(m.KeyID)
		c.Push(envelope.Base64(m.IV[:]))
		c.Push(envelope.Base64(m.Salt[:]))
		c.Push(m.Created)
		if m.Iterations == m.Class.Iterations() {
			m.Iterations = 0
		}
		c.Push(int(m.Iterations))
		c.Done()
		return nil
	})
}

// decrypt opens the ciphertext that is payload 0, of size bytes; the page holds the typed encoding of the metadata. Result: the plaintext.
//
//go:wasmexport decrypt
func decrypt(call, service, metadata, size int32) {
	encoded := append([]byte(nil), jsbridge.Page[:metadata]...)
	jsbridge.Start(call, func(c *jsbridge.Call) error {
		plain, err := serviceAt(service).Decrypt(c, encoded, jsbridge.Ref(0), int(size))
		if err != nil {
			return err
		}
		c.PushBytes(blob(plain), 0, 0, "")
		c.Done()
		return nil
	})
}
