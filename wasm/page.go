//go:build js && wasm

package main

import (
	"idbvault/envelope"
	"idbvault/idb"
	"idbvault/jsbridge"
	"idbvault/jsbridge/subtle"
	"idbvault/vault"
)

// page is the browser as the vault sees it: vault.Platform over jsbridge, subtle and idb.
type page struct{}

func callOf(t vault.Task) *jsbridge.Call { return t.(*jsbridge.Call) }

func subtleKey(k vault.Key) subtle.Key { return k.(subtle.Key) }

func blob(b vault.Blob) jsbridge.Ref {
	if b == nil {
		return jsbridge.NoRef
	}
	return b.(jsbridge.Ref)
}

// outcome translates the errors of subtle and idb into those that the vault decides by.
//
//go:noinline
func outcome(err error) error {
	switch err {
	case subtle.ErrRefused:
		return vault.ErrRefused
	case idb.ErrAbsent:
		return vault.ErrAbsent
	case idb.ErrForeign:
		return vault.ErrNotVault
	case idb.ErrBlocked:
		return vault.ErrBlocked
	case idb.ErrClosed:
		return vault.ErrClosed
	case idb.ErrQuota:
		return vault.ErrQuota
	case idb.ErrStale:
		return vault.ErrStale
	}
	return err
}

var kinds = [...]subtle.Kind{
	envelope.RecordKey256:  subtle.AESGCM,
	envelope.ObjectKey256:  subtle.HKDF,
	envelope.NameKey256:    subtle.HMAC,
	envelope.KeyringKey256: subtle.HMAC,
	envelope.AuditKey256:   subtle.AESGCM,
}

func (*page) Now() uint64                  { return jsbridge.Now() }
func (*page) Time(unix uint64) string      { return jsbridge.Time(unix) }
func (*page) ParseTime(text string) uint64 { return jsbridge.ParseTime(text) }
func (*page) Random(b []byte)              { jsbridge.Random(b) }

func (*page) Front(t vault.Task, b vault.Blob, offset, n int) []byte {
	return callOf(t).Front(blob(b), offset, n)
}

func (*page) Discard(t vault.Task, b vault.Blob) { callOf(t).Discard(blob(b)) }

func (*page) Room(t vault.Task, size int) (vault.Blob, error) { return callOf(t).Room(size) }

func (*page) Fill(t vault.Task, room vault.Blob, at int, b vault.Blob) {
	callOf(t).Fill(blob(room), at, blob(b))
}

func (*page) Digest(t vault.Task, message []byte) ([]byte, error) {
	return subtle.Digest(callOf(t), message)
}

func (*page) MAC(t vault.Task, key vault.Key, messages [][]byte, meanwhile func()) ([][]byte, error) {
	return subtle.MAC(callOf(t), subtleKey(key), messages, meanwhile)
}

func (*page) Verify(t vault.Task, key vault.Key, message, mac []byte) error {
	return outcome(subtle.Verify(callOf(t), subtleKey(key), message, mac))
}

func (*page) DeriveKEK(t vault.Task, secret vault.Key, salt []byte, n uint32) (vault.Key, error) {
	return subtle.DerivePBKDF2(callOf(t), subtleKey(secret), salt, n, subtle.AESKW)
}

func (*page) DerivePackageKey(t vault.Task, secret vault.Key, salt []byte, n uint32) (vault.Key, error) {
	key, err := subtle.DerivePBKDF2(callOf(t), subtleKey(secret), salt, n, subtle.AESGCM)
	if err != nil {
		return nil, err
	}
	return key.Handle(), nil
}

func (*page) DeriveChunkKey(t vault.Task, object vault.Key, salt, info []byte) (vault.Key, error) {
	return subtle.DeriveHKDF(callOf(t), subtleKey(object), salt, info)
}

func (*page) NewVaultKey(t vault.Task, kek vault.Key) (vault.Key, []byte, error) {
	return subtle.NewWrappingKey(callOf(t), subtleKey(kek))
}

func (*page) UnwrapVaultKey(t vault.Task, kek vault.Key, wrapped []byte) (vault.Key, error) {
	key, err := subtle.Unwrap(callOf(t), subtleKey(kek), wrapped, subtle.AESKW)
	return key, outcome(err)
}

func (*page) WrappingVaultKey(t vault.Task, kek vault.Key, wrapped []byte) (vault.Key, error) {
	key, err := subtle.UnwrapToWrap(callOf(t), subtleKey(kek), wrapped)
	return key, outcome(err)
}

func (*page) Rewrap(t vault.Task, kek vault.Key, wrapped []byte, by vault.Key) ([]byte, error) {
	wrapped, err := subtle.Rewrap(callOf(t), subtleKey(kek), wrapped, subtleKey(by))
	return wrapped, outcome(err)
}

func (*page) NewWrapped(t vault.Task, vaultKey vault.Key, kind envelope.KeyKind) ([]byte, error) {
	return subtle.NewWrapped(callOf(t), subtleKey(vaultKey), kinds[kind])
}

func (*page) Unwrap(t vault.Task, vaultKey vault.Key, kind envelope.KeyKind, wrapped []byte) (vault.Key, error) {
	key, err := subtle.Unwrap(callOf(t), subtleKey(vaultKey), wrapped, kinds[kind])
	return key, outcome(err)
}

func (*page) Seal(t vault.Task, jobs []vault.Seal, meanwhile func()) error {
	sealings := make([]subtle.Sealing, len(jobs))
	for i := range jobs {
		j := &jobs[i]
		sealings[i] = subtle.Sealing{Key: subtleKey(j.Key), IV: j.IV[:], AAD: j.AAD, Head: j.Head, Plain: blob(j.Plain)}
	}
	out, err := subtle.Seal(callOf(t), sealings, meanwhile)
	for i := range out {
		jobs[i].Out = out[i]
	}
	return outcome(err)
}

func (*page) Open(t vault.Task, jobs []vault.Open) {
	openings := make([]subtle.Opening, len(jobs))
	for i := range jobs {
		j := &jobs[i]
		openings[i] = subtle.Opening{Key: subtleKey(j.Key), IV: j.IV[:], AAD: j.AAD, Sealed: blob(j.Sealed), Offset: j.Offset}
	}
	for i, out := range subtle.Open(callOf(t), openings) {
		jobs[i].Out = out
	}
}

func (*page) Opened(t vault.Task) error { return outcome(subtle.Opened(callOf(t))) }

func (*page) Lock(t vault.Task, name string, shared bool) (func(), error) {
	return callOf(t).Lock(name, shared)
}

func (*page) Pause(t vault.Task, ms int) { callOf(t).Pause(ms) }

func (*page) Keep(database, label string, key vault.Key) vault.Key {
	return subtleKey(key).Keep(database, label)
}

func (*page) Kept(database, label string) (vault.Key, bool) { return subtle.Kept(database, label) }

func (*page) Report(database string, e vault.Event, epoch uint32, count int) {
	jsbridge.Report(database, e.String(), epoch, count)
}

func (*page) Hold(t vault.Task, b vault.Blob) (vault.Held, bool) {
	h, ok := callOf(t).Hold(blob(b))
	return vault.Held(h), ok
}

func (*page) Recall(t vault.Task, h vault.Held) (vault.Blob, bool) {
	return callOf(t).Recall(jsbridge.Held(h))
}

func (*page) Mark(t vault.Task) vault.Mark { return vault.Mark(callOf(t).Mark()) }

func (*page) Release(t vault.Task, m vault.Mark) { callOf(t).Release(jsbridge.Ref(m)) }

func (*page) Drop(h vault.Held) { jsbridge.Drop(jsbridge.Held(h)) }

func (*page) Forget(database string) { jsbridge.Forget(database, "") }

func (*page) ForgetKey(database, label string) { jsbridge.Forget(database, label) }
