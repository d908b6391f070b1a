//go:build js && wasm

package subtle_test

import (
	"bytes"
	"errors"
	"fmt"
	"syscall/js"
	"testing"

	"idbvault/jsbridge"
	"idbvault/jsbridge/subtle"
	"idbvault/test/wasm/harness"
)

// batch is n messages, each under its own IV and associated data, and under one of three keys.
type batch struct {
	sealings []subtle.Sealing
	openings []subtle.Opening
	plain    [][]byte
	sealed   [][]byte // as Go's own AES-GCM seals them
}

func newBatch(c *jsbridge.Call, n int) (*batch, error) {
	b := &batch{}
	var keys [3]subtle.Key
	for i := range keys {
		var err error
		if keys[i], err = imported(c, filled(32, i), rawGCM, useGCM, false); err != nil {
			return nil, err
		}
	}
	for i := range n {
		key, iv, aad, plain := keys[i%3], filled(12, i, 1), filled(i%50, i, 2), filled(i%300, i, 3)
		sealed := goGCM(filled(32, i%3)).Seal(nil, iv, plain, aad)
		b.plain, b.sealed = append(b.plain, plain), append(b.sealed, sealed)
		b.sealings = append(b.sealings, subtle.Sealing{Key: key, IV: iv, AAD: aad, Plain: c.Ref(jsbridge.Bytes(plain))})
		b.openings = append(b.openings, subtle.Opening{Key: key, IV: iv, AAD: aad, Sealed: c.Ref(jsbridge.Bytes(sealed))})
	}
	return b, nil
}

func allEqual(c *jsbridge.Call, what string, refs []jsbridge.Ref, want [][]byte) error {
	got := make([]js.Value, len(refs))
	for i, r := range refs {
		got[i] = c.Value(r)
	}
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d results of %d", what, len(got), len(want))
	}
	for i := range want {
		if !got[i].InstanceOf(js.Global().Get("ArrayBuffer")) || !bytes.Equal(bytesOf(got[i]), want[i]) {
			return fmt.Errorf("%s %d of %d: got %x, want %x", what, i, len(want), bytesOf(got[i]), want[i])
		}
	}
	return nil
}

func TestBatches(t *testing.T) {
	for _, n := range []int{0, 1, 2, 500} {
		harness.Run(t, func(c *jsbridge.Call) error {
			b, err := newBatch(c, n)
			if err != nil {
				return err
			}
			sealed, err := subtle.Seal(c, b.sealings, nil)
			if err != nil {
				return err
			}
			plain, err := open(c, b.openings)
			if err != nil {
				return err
			}
			return errors.Join(allEqual(c, "sealed", sealed, b.sealed), allEqual(c, "opened", plain, b.plain))
		})
	}
}

func TestOneBadTagRefusesTheBatch(t *testing.T) {
	for _, n := range []int{1, 2, 500} {
		harness.Run(t, func(c *jsbridge.Call) error {
			b, err := newBatch(c, n)
			if err != nil {
				return err
			}
			for _, at := range []int{0, n / 2, n - 1} {
				good := b.openings[at]
				altered := bytes.Clone(b.sealed[at])
				altered[len(altered)-1] ^= 1
				b.openings[at].Sealed = c.Ref(jsbridge.Bytes(altered))
				plain := subtle.Open(c, b.openings)
				if err := subtle.Opened(c); err != subtle.ErrRefused {
					return fmt.Errorf("a bad tag at %d of %d: got %w", at, n, err)
				}
				if v := c.Value(plain[at]); !v.IsUndefined() {
					return fmt.Errorf("a bad tag at %d of %d: something came back", at, n)
				}
				if err := subtle.Opened(c); err != nil {
					return fmt.Errorf("a bad tag at %d of %d is reported again: %w", at, n, err)
				}
				b.openings[at] = good
			}
			_, err = open(c, b.openings)
			return err
		})
	}
}

func TestOpenRefusesWhatWasNotSealed(t *testing.T) {
	harness.Run(t, func(c *jsbridge.Call) error {
		b, err := newBatch(c, 3)
		if err != nil {
			return err
		}
		good, sealed := b.openings[2], b.sealed[2]
		change := map[string]func(o *subtle.Opening){
			"another key": func(o *subtle.Opening) { o.Key = b.openings[1].Key },
			"another IV":  func(o *subtle.Opening) { o.IV = b.openings[1].IV },
			"other associated data": func(o *subtle.Opening) {
				o.AAD = append(bytes.Clone(o.AAD), 0)
			},
			"no associated data": func(o *subtle.Opening) { o.AAD = nil },
			"another ciphertext": func(o *subtle.Opening) {
				altered := bytes.Clone(sealed)
				altered[0] ^= 128
				o.Sealed = c.Ref(jsbridge.Bytes(altered))
			},
			"one byte less": func(o *subtle.Opening) { o.Sealed = c.Ref(jsbridge.Bytes(sealed[:len(sealed)-1])) },
			"one byte more": func(o *subtle.Opening) { o.Sealed = c.Ref(jsbridge.Bytes(append(bytes.Clone(sealed), 0))) },
			"nothing":       func(o *subtle.Opening) { o.Sealed = c.Ref(jsbridge.Bytes(nil)) },
			"half a tag":    func(o *subtle.Opening) { o.Sealed = c.Ref(jsbridge.Bytes(sealed[:8])) },
			"15 bytes":      func(o *subtle.Opening) { o.Sealed = c.Ref(jsbridge.Bytes(sealed[:15])) },
		}
		for what, alter := range change {
			o := good
			alter(&o)
			if _, err := open(c, []subtle.Opening{o}); err != subtle.ErrRefused {
				return fmt.Errorf("%s: got %w", what, err)
			}
		}
		_, err = open(c, []subtle.Opening{good})
		return err
	})
}

func TestLongValuesAndViews(t *testing.T) {
	harness.Run(t, func(c *jsbridge.Call) error {
		raw, iv, aad := filled(32, 9), filled(12, 9), filled(100_000, 9)
		key, err := imported(c, raw, rawGCM, useGCM, false)
		if err != nil {
			return err
		}
		plain := filled(3<<20, 8)
		want := goGCM(raw).Seal(nil, iv, plain, aad)
		sealed, err := subtle.Seal(c, []subtle.Sealing{{
			Key: key, IV: iv, AAD: aad, Head: plain[:1000], Plain: c.Ref(bufferOf(plain[1000:])),
		}}, nil)
		if err != nil {
			return err
		}
		if !bytes.Equal(bytesOf(c.Value(sealed[0])), want) {
			return errors.New("sealed to something else")
		}
		// It lies behind 7 other bytes.
		opened, err := open(c, []subtle.Opening{{
			Key: key, IV: iv, AAD: aad, Sealed: c.Ref(bufferOf(append(make([]byte, 7), want...))), Offset: 7,
		}})
		if err != nil {
			return err
		}
		if !bytes.Equal(bytesOf(c.Value(opened[0])), plain) {
			return errors.New("opened to something else")
		}
		return nil
	})
}

// A head alone, a value alone, and neither.
func TestHeadAndValue(t *testing.T) {
	harness.Run(t, func(c *jsbridge.Call) error {
		raw, iv := filled(32, 9), filled(12, 9)
		key, err := imported(c, raw, rawGCM, useGCM, false)
		if err != nil {
			return err
		}
		value := c.Ref(jsbridge.Bytes([]byte("value")))
		meanwhile := 0
		sealed, err := subtle.Seal(c, []subtle.Sealing{
			{Key: key, IV: iv, Head: []byte("head"), Plain: value},
			{Key: key, IV: iv, Head: []byte("head"), Plain: jsbridge.NoRef},
			{Key: key, IV: iv, Plain: value},
			{Key: key, IV: iv, Plain: jsbridge.NoRef},
		}, func() { meanwhile++ })
		if err != nil || meanwhile != 1 {
			return fmt.Errorf("called %d times meanwhile, %w", meanwhile, err)
		}
		for i, plain := range []string{"headvalue", "head", "value", ""} {
			if got := bytesOf(c.Value(sealed[i])); !bytes.Equal(got, goGCM(raw).Seal(nil, iv, []byte(plain), nil)) {
				return fmt.Errorf("%q was sealed to something else", plain)
			}
		}
		return nil
	})
}

func TestMisuseIsNoRefusal(t *testing.T) {
	harness.Run(t, func(c *jsbridge.Call) error {
		key, err := imported(c, filled(32, 1), rawHMAC, useHMAC, false)
		if err != nil {
			return err
		}
		job := subtle.Opening{Key: key, IV: filled(12, 1), Sealed: c.Ref(jsbridge.Bytes(filled(40, 1)))}
		if _, err := open(c, []subtle.Opening{job}); !jsbridge.Named(err, "InvalidAccessError") {
			return fmt.Errorf("a key of another kind: got %w", err)
		}
		return nil
	})
}

func TestCallsSealAtOnce(t *testing.T) {
	var calls []*harness.Pending
	for n := range 40 {
		calls = append(calls, harness.Begin(func(c *jsbridge.Call) error {
			b, err := newBatch(c, n)
			if err != nil {
				return err
			}
			sealed, err := subtle.Seal(c, b.sealings, nil)
			if err != nil {
				return err
			}
			return allEqual(c, "sealed", sealed, b.sealed)
		}))
	}
	for _, call := range calls {
		call.Must(t)
	}
}

func TestMACs(t *testing.T) {
	for _, n := range []int{0, 1, 2, 300} {
		harness.Run(t, func(c *jsbridge.Call) error {
			raw := filled(32, n)
			key, err := imported(c, raw, rawHMAC, useHMAC, false)
			if err != nil {
				return err
			}
			messages := make([][]byte, n)
			for i := range messages {
				messages[i] = filled(i, i)
			}
			macs, err := subtle.MAC(c, key, messages, nil)
			if err != nil {
				return err
			}
			if len(macs) != n {
				return fmt.Errorf("%d MACs of %d messages", len(macs), n)
			}
			for i := range macs {
				if err := subtle.Verify(c, key, messages[i], macs[i]); err != nil {
					return fmt.Errorf("MAC %d of %d: %w", i, n, err)
				}
				if err := subtle.Verify(c, key, append(messages[i], 1), macs[i]); err != subtle.ErrRefused {
					return fmt.Errorf("MAC %d of %d of another message: %w", i, n, err)
				}
			}
			return nil
		})
	}
}
