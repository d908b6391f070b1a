//go:build js && wasm

package subtle_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"idbvault/jsbridge"
	"idbvault/jsbridge/subtle"
	"idbvault/test/wasm/harness"
)

// shape fails unless a key is what the documentation says.
func shape(key subtle.Key, algorithm string, extractable bool, uses string) error {
	v := key.Value()
	found := v.Get("algorithm").Get("name").String()
	if length := v.Get("algorithm").Get("length"); !length.IsUndefined() {
		found += fmt.Sprint(" ", length.Int())
	}
	if hash := v.Get("algorithm").Get("hash"); !hash.IsUndefined() {
		found += " " + hash.Get("name").String()
	}
	list := v.Get("usages").Call("slice").Call("sort").Call("join", " ").String()
	if found != algorithm || v.Get("type").String() != "secret" || v.Get("extractable").Bool() != extractable || list != uses {
		return fmt.Errorf("%s, extractable: %v, for %s; want %s, %v, %s", found, v.Get("extractable").Bool(), list, algorithm, extractable, uses)
	}
	return nil
}

// exportable says which formats the page gives the bytes of a key in.
func exportable(c *jsbridge.Call, key subtle.Key) (formats []string) {
	for _, format := range []string{"raw", "jwk"} {
		if _, err := c.Await(webcrypto.Call("exportKey", format, key.Value())); err == nil {
			formats = append(formats, format)
		}
	}
	return formats
}

func TestKeysAreNotExtractable(t *testing.T) {
	want := map[subtle.Kind]struct{ algorithm, uses string }{
		subtle.AESGCM: {"AES-GCM 256", "decrypt encrypt"},
		subtle.AESKW:  {"AES-KW 256", "unwrapKey"},
		subtle.HMAC:   {"HMAC 256 SHA-256", "sign verify"},
		subtle.HKDF:   {"HKDF", "deriveKey"},
	}
	harness.Run(t, func(c *jsbridge.Call) error {
		kek, err := newKEK(c, 1)
		if err != nil {
			return err
		}
		check := func(what string, key subtle.Key, algorithm, uses string) error {
			if err := shape(key, algorithm, false, uses); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			if formats := exportable(c, key); formats != nil {
				return fmt.Errorf("%s: the page gives it away as %v", what, formats)
			}
			return nil
		}
		for kind, w := range want {
			box, err := subtle.NewWrapped(c, kek, kind)
			if err != nil {
				return err
			}
			key, err := subtle.Unwrap(c, kek, box, kind)
			if err != nil {
				return err
			}
			if err := check(fmt.Sprintf("unwrapped kind %d", kind), key, w.algorithm, w.uses); err != nil {
				return err
			}
		}
		secret, err := imported(c, []byte("password"), rawPBKDF2, useDerive, false)
		if err != nil {
			return err
		}
		for kind, w := range map[subtle.Kind]struct{ algorithm, uses string }{
			subtle.AESGCM: {"AES-GCM 256", "decrypt encrypt"},
			subtle.AESKW:  {"AES-KW 256", "unwrapKey wrapKey"},
		} {
			key, err := subtle.DerivePBKDF2(c, secret, filled(16, 1), 1000, kind)
			if err != nil {
				return err
			}
			if err := check(fmt.Sprintf("derived kind %d", kind), key, w.algorithm, w.uses); err != nil {
				return err
			}
		}
		return nil
	})
}

// A vault key that was wrapped anew unwraps what it unwrapped before, under the new KEK alone.
func TestRewrap(t *testing.T) {
	harness.Run(t, func(c *jsbridge.Call) error {
		old, err := newKEK(c, 1)
		if err != nil {
			return err
		}
		next, err := newKEK(c, 2)
		if err != nil {
			return err
		}
		handle, box, err := subtle.NewWrappingKey(c, old)
		if err != nil {
			return err
		}
		inner, err := subtle.NewWrapped(c, handle, subtle.AESGCM)
		if err != nil {
			return err
		}
		again, err := subtle.Rewrap(c, old, box, next)
		if err != nil {
			return err
		}
		if len(again) != 40 || bytes.Equal(again, box) {
			return fmt.Errorf("wrapped anew to %x", again)
		}
		stored, err := subtle.Unwrap(c, next, again, subtle.AESKW)
		if err != nil {
			return err
		}
		if _, err := subtle.Unwrap(c, stored, inner, subtle.AESGCM); err != nil {
			return fmt.Errorf("it unwraps nothing: %w", err)
		}
		if _, err := subtle.Unwrap(c, old, again, subtle.AESKW); err != subtle.ErrRefused {
			return fmt.Errorf("the old KEK: %w", err)
		}
		if _, err := subtle.Rewrap(c, next, box, old); err != subtle.ErrRefused {
			return fmt.Errorf("under another KEK: %w", err)
		}
		return nil
	})
}

func TestNewWrappingKey(t *testing.T) {
	harness.Run(t, func(c *jsbridge.Call) error {
		kek, err := newKEK(c, 1)
		if err != nil {
			return err
		}
		handle, box, err := subtle.NewWrappingKey(c, kek)
		if err != nil {
			return err
		}
		// The documented exception: what is to be wrapped must be extractable.
		if err := shape(handle, "AES-KW 256", true, "unwrapKey wrapKey"); err != nil {
			return err
		}
		if len(box) != 40 {
			return fmt.Errorf("wrapped to %d bytes", len(box))
		}
		stored, err := subtle.Unwrap(c, kek, box, subtle.AESKW)
		if err != nil {
			return err
		}
		inner, err := subtle.NewWrapped(c, handle, subtle.AESGCM)
		if err != nil {
			return err
		}
		if _, err := subtle.Unwrap(c, stored, inner, subtle.AESGCM); err != nil {
			return fmt.Errorf("the stored key does not unwrap what the drawn one wrapped: %w", err)
		}
		if _, err := subtle.NewWrapped(c, stored, subtle.AESGCM); !jsbridge.Named(err, "InvalidAccessError") {
			return fmt.Errorf("the stored key wraps: %w", err)
		}
		_, second, err := subtle.NewWrappingKey(c, kek)
		if err != nil {
			return err
		}
		if bytes.Equal(box, second) {
			return errors.New("two keys are the same")
		}
		return nil
	})
}

func TestNewWrapped(t *testing.T) {
	harness.Run(t, func(c *jsbridge.Call) error {
		kek, err := newKEK(c, 2)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, kind := range []subtle.Kind{subtle.AESGCM, subtle.AESKW, subtle.HMAC, subtle.HKDF} {
			for range 20 {
				box, err := subtle.NewWrapped(c, kek, kind)
				if err != nil {
					return err
				}
				if len(box) != 40 || seen[string(box)] {
					return fmt.Errorf("kind %d: %d bytes, seen before: %v", kind, len(box), seen[string(box)])
				}
				seen[string(box)] = true
				key, err := subtle.Unwrap(c, kek, box, kind)
				if err != nil {
					return err
				}
				// The same bytes as an extractable key, which only a test asks for.
				v, err := c.Await(webcrypto.Call("unwrapKey", "raw", jsbridge.Bytes(box), kek.Value(), "AES-KW",
					jsbridge.Literal(rawHMAC), true, jsbridge.Literal(useHMAC)))
				if err != nil {
					return err
				}
				raw, err := c.Await(webcrypto.Call("exportKey", "raw", v))
				if err != nil {
					return err
				}
				if err := sameKey(c, key, kind, bytesOf(raw)); err != nil {
					return fmt.Errorf("kind %d: %w", kind, err)
				}
			}
		}
		return nil
	})
}

func TestUnwrapRefuses(t *testing.T) {
	harness.Run(t, func(c *jsbridge.Call) error {
		kek, err := newKEK(c, 1)
		if err != nil {
			return err
		}
		other, err := newKEK(c, 2)
		if err != nil {
			return err
		}
		for _, kind := range []subtle.Kind{subtle.AESGCM, subtle.AESKW, subtle.HMAC, subtle.HKDF} {
			box, err := subtle.NewWrapped(c, kek, kind)
			if err != nil {
				return err
			}
			refused := func(what string, by subtle.Key, box []byte) error {
				key, err := subtle.Unwrap(c, by, box, kind)
				if err != subtle.ErrRefused {
					return fmt.Errorf("kind %d, %s: got %w", kind, what, err)
				}
				if !key.Value().IsUndefined() {
					return fmt.Errorf("kind %d, %s: a key came back", kind, what)
				}
				return nil
			}
			if err := refused("the wrong key", other, box); err != nil {
				return err
			}
			for at := range box {
				altered := bytes.Clone(box)
				altered[at] ^= 1
				if err := refused(fmt.Sprint("byte ", at, " altered"), kek, altered); err != nil {
					return err
				}
			}
			for _, n := range []int{0, 1, 8, 16, 24, 32, 39} {
				if n == 0 && onNode && kind == subtle.HKDF {
					t.Log("Node unwraps no bytes to an HKDF key of no bytes; only a browser can run this case")
					continue
				}
				if err := refused(fmt.Sprint("the first ", n, " bytes"), kek, box[:n]); err != nil {
					return err
				}
			}
			if err := refused("8 bytes more", kek, append(bytes.Clone(box), make([]byte, 8)...)); err != nil {
				return err
			}
			if _, err := subtle.Unwrap(c, kek, box, kind); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestDerivePBKDF2DependsOnAllItIsGiven(t *testing.T) {
	harness.Run(t, func(c *jsbridge.Call) error {
		derive := func(password string, salt []byte, iterations uint32) (subtle.Key, error) {
			secret, err := imported(c, []byte(password), rawPBKDF2, useDerive, false)
			if err != nil {
				return secret, err
			}
			return subtle.DerivePBKDF2(c, secret, salt, iterations, subtle.AESKW)
		}
		key, err := derive("password", []byte("salt"), 1000)
		if err != nil {
			return err
		}
		box, err := subtle.NewWrapped(c, key, subtle.AESGCM)
		if err != nil {
			return err
		}
		for _, other := range []struct {
			password, salt string
			iterations     uint32
			want           error
		}{
			{"password", "salt", 1000, nil},
			{"Password", "salt", 1000, subtle.ErrRefused},
			{"password", "salu", 1000, subtle.ErrRefused},
			{"password", "salt", 1001, subtle.ErrRefused},
		} {
			key, err := derive(other.password, []byte(other.salt), other.iterations)
			if err != nil {
				return err
			}
			if _, err := subtle.Unwrap(c, key, box, subtle.AESGCM); err != other.want {
				return fmt.Errorf("%v: got %w", other, err)
			}
		}
		return nil
	})
}
