package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"strings"

	"golang.org/x/crypto/hkdf"
	"golang.org/x/crypto/pbkdf2"

	"idbvault/envelope"
)

type uses byte

const (
	mayDerive uses = 1 << iota
	mayWrap
	mayUnwrap
	maySeal
	mayMAC
)

func (u uses) String() string {
	var names []string
	for i, name := range []string{"derive", "wrap", "unwrap", "seal", "MAC"} {
		if u&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// fakeKey is a CryptoKey: it serves its own uses only.
type fakeKey struct {
	kind string
	uses uses
	raw  []byte

	forgotten bool // by the page that kept it
}

// yields reports whether script in the page could make a handle give away other keys of the vault. An object key derives those of
// single values, and no more.
func yields(k *fakeKey) bool {
	return k.uses&(mayWrap|mayUnwrap) != 0 || k.uses&mayDerive != 0 && k.kind != "HKDF"
}

func secretKey(secret string) Key {
	return &fakeKey{kind: "PBKDF2", uses: mayDerive, raw: []byte(secret)}
}

var errUse = errors.New("InvalidAccessError")

// raw returns the bytes of a key for one use.
func (p *page) raw(key Key, use uses) ([]byte, error) {
	k, ok := key.(*fakeKey)
	if !ok || k == nil {
		p.t.Error("no key was given")
		return nil, errUse
	}
	if k.forgotten {
		return nil, errUse
	}
	if k.uses&use == 0 {
		p.t.Errorf("a key of kind %s, which may %s, was asked to %s", k.kind, k.uses, use)
		return nil, errUse
	}
	return k.raw, nil
}

func (p *page) Random(b []byte) {
	for i := range b {
		b[i] = byte(p.rand.Uint32())
	}
}

func (p *page) random(n int) []byte {
	b := make([]byte, n)
	p.Random(b)
	return b
}

func (p *page) Digest(t Task, message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	t.(*task).linger()
	return sum[:], nil
}

func (p *page) MAC(t Task, key Key, messages [][]byte, meanwhile func()) ([][]byte, error) {
	raw, err := p.raw(key, mayMAC)
	if err != nil {
		return nil, err
	}
	p.macs += len(messages)
	macs := make([][]byte, len(messages))
	for i, message := range messages {
		macs[i] = hmacSHA256(raw, message)
	}
	if meanwhile != nil {
		meanwhile()
	}
	t.(*task).linger()
	return macs, nil
}

func hmacSHA256(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

func (p *page) Verify(t Task, key Key, message, mac []byte) error {
	macs, err := p.MAC(t, key, [][]byte{message}, nil)
	if err != nil {
		return err
	}
	p.note("verify")
	if !hmac.Equal(macs[0], mac) {
		return ErrRefused
	}
	return nil
}

func (p *page) derive(t Task, secret Key, salt []byte, n uint32, key fakeKey) (Key, error) {
	raw, err := p.raw(secret, mayDerive)
	if err != nil {
		return nil, err
	}
	p.derived = append(p.derived, n)
	key.raw = pbkdf2.Key(raw, salt, int(max(n/p.scale, 1)), 32, sha256.New)
	t.(*task).linger()
	return &key, nil
}

func (p *page) DeriveKEK(t Task, secret Key, salt []byte, n uint32) (Key, error) {
	return p.derive(t, secret, salt, n, fakeKey{kind: "AES-KW", uses: mayWrap | mayUnwrap})
}

func (p *page) DerivePackageKey(t Task, secret Key, salt []byte, n uint32) (Key, error) {
	return p.derive(t, secret, salt, n, fakeKey{kind: "AES-GCM", uses: maySeal})
}

func (p *page) DeriveChunkKey(t Task, object Key, salt, info []byte) (Key, error) {
	raw, err := p.raw(object, mayDerive)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := io.ReadFull(hkdf.New(sha256.New, raw, salt, info), key); err != nil {
		return nil, err
	}
	t.(*task).linger()
	return &fakeKey{kind: "AES-GCM", uses: maySeal, raw: key}, nil
}

func (p *page) NewVaultKey(t Task, kek Key) (Key, []byte, error) {
	raw := p.random(32)
	wrapped, err := p.wrap(t, kek, raw)
	return &fakeKey{kind: "AES-KW", uses: mayWrap | mayUnwrap, raw: raw}, wrapped, err
}

func (p *page) WrappingVaultKey(t Task, kek Key, wrapped []byte) (Key, error) {
	return p.unwrap(t, kek, wrapped, fakeKey{kind: "AES-KW", uses: mayWrap})
}

func (p *page) UnwrapVaultKey(t Task, kek Key, wrapped []byte) (Key, error) {
	return p.unwrap(t, kek, wrapped, fakeKey{kind: "AES-KW", uses: mayUnwrap})
}

func (p *page) Rewrap(t Task, kek Key, wrapped []byte, by Key) ([]byte, error) {
	key, err := p.unwrap(t, kek, wrapped, fakeKey{kind: "AES-KW", uses: mayUnwrap})
	if err != nil {
		return nil, err
	}
	return p.wrap(t, by, key.(*fakeKey).raw)
}

func (p *page) NewWrapped(t Task, vaultKey Key, _ envelope.KeyKind) ([]byte, error) {
	return p.wrap(t, vaultKey, p.random(32))
}

// A wrapping binds no kind: the same 40 bytes unwrap as whatever is asked for.
func (p *page) Unwrap(t Task, vaultKey Key, kind envelope.KeyKind, wrapped []byte) (Key, error) {
	p.note("unwrap kind %d", kind)
	key := fakeKey{kind: "AES-GCM", uses: maySeal}
	switch kind {
	case envelope.NameKey256, envelope.KeyringKey256:
		key = fakeKey{kind: "HMAC", uses: mayMAC}
	case envelope.ObjectKey256:
		key = fakeKey{kind: "HKDF", uses: mayDerive}
	}
	return p.unwrap(t, vaultKey, wrapped, key)
}

func (p *page) wrap(t Task, by Key, raw []byte) ([]byte, error) {
	kek, err := p.raw(by, mayWrap)
	if err != nil {
		return nil, err
	}
	t.(*task).linger()
	return wrapKey(kek, raw), nil
}

func (p *page) unwrap(t Task, by Key, wrapped []byte, key fakeKey) (Key, error) {
	kek, err := p.raw(by, mayUnwrap)
	if err != nil {
		return nil, err
	}
	t.(*task).linger()
	if key.raw = unwrapKey(kek, wrapped); key.raw == nil {
		return nil, ErrRefused
	}
	return &key, nil
}

func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

func (p *page) Seal(t Task, jobs []Seal, meanwhile func()) error {
	for i := range jobs {
		j := &jobs[i]
		raw, err := p.raw(j.Key, maySeal)
		if err != nil {
			return err
		}
		at := string(raw) + string(j.IV[:])
		if p.used[at] {
			p.t.Errorf("IV %x was used before under the same key", j.IV)
		}
		p.used[at] = true
		plain, _ := j.Plain.([]byte)
		j.Out = gcm(raw).Seal(nil, j.IV[:], append(bytes.Clone(j.Head), plain...), j.AAD)
	}
	p.note("seal")
	if meanwhile != nil {
		meanwhile()
	}
	t.(*task).linger()
	return p.sealErr
}

// Open lets each tag that does not fit be seen in Opened only, as a browser's promises do.
func (p *page) Open(t Task, jobs []Open) {
	k := t.(*task)
	for i := range jobs {
		k.opening = true
		if err := p.open(&jobs[i]); err != nil && k.refused == nil {
			k.refused = err
		}
	}
}

func (p *page) open(j *Open) error {
	raw, err := p.raw(j.Key, maySeal)
	if err != nil {
		return err
	}
	sealed, ok := j.Sealed.([]byte)
	if !ok || j.Offset > len(sealed) {
		p.t.Error("there is nothing to open")
		return errUse
	}
	plain, err := gcm(raw).Open(nil, j.IV[:], sealed[j.Offset:], j.AAD)
	if err != nil {
		return ErrRefused
	}
	j.Out = append([]byte{}, plain...)
	return nil
}

func (p *page) Opened(t Task) error {
	k := t.(*task)
	err := k.refused
	if k.opening {
		k.linger()
	}
	k.opening, k.refused = false, nil
	return err
}
