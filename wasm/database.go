//go:build js && wasm

package main

import (
	"syscall/js"

	"idbvault/envelope"
	"idbvault/idb"
	"idbvault/jsbridge"
	"idbvault/vault"
)

// frontSize is how many bytes of an entry of `records` the vault looks at before it opens it.
const frontSize = envelope.MaxHeaderSize + envelope.TagSize

func (*page) OpenDatabase(t vault.Task, name string, create bool, lost func()) (vault.Database, error) {
	db, err := idb.Open(callOf(t), name, vault.Tables[:], create, lost)
	if err != nil {
		return nil, outcome(err)
	}
	return &database{db}, nil
}

func (*page) DeleteDatabase(t vault.Task, name string) error {
	return outcome(idb.Delete(callOf(t), name))
}

// database is vault.Database over idb.
type database struct{ db *idb.DB }

func (d *database) Close() { d.db.Close() }

func (d *database) Read(t vault.Task, reads []vault.Read, issued func()) error {
	then := ""
	looks := make([]idb.Look, len(reads))
	for i := range reads {
		looks[i] = idb.Look{Store: vault.Tables[reads[i].Table], Key: reads[i].Key}
		if reads[i].Follow != nil {
			then = vault.Tables[vault.Chunks]
		}
	}
	seconds, err := d.db.Read(callOf(t), looks, then, func(i int, l *idb.Look) (idb.Look, bool) {
		r := &reads[i]
		if r.Found = l.Found; !l.Found {
			return idb.Look{}, false
		}
		r.Entry = entryOf(r.Key, l.Value, frontSize)
		if r.Follow == nil {
			return idb.Look{}, false
		}
		table, key, ok := r.Follow(r.Entry.Front)
		return idb.Look{Store: vault.Tables[table], Key: key}, ok
	}, issued)
	if err != nil {
		return outcome(err)
	}
	for i := range seconds {
		if l := &seconds[i]; l.Found {
			reads[i].Both, reads[i].Second = true, entryOf(l.Key, l.Value, 0)
		}
	}
	return nil
}

func entryOf(key []byte, v js.Value, front int) vault.Entry {
	e := vault.Entry{Key: key, Value: v, Size: jsbridge.Size(v)}
	if front > 0 {
		e.Front = jsbridge.Front(v, 0, front)
	}
	return e
}

func (d *database) Scan(t vault.Task, table vault.Table, r vault.Range, limit int, issued func()) ([]vault.Entry, error) {
	keys, values, err := d.db.Entries(callOf(t), vault.Tables[table], idb.Range(r), limit, issued)
	if err != nil {
		return nil, outcome(err)
	}
	entries := make([]vault.Entry, len(keys))
	for i := range entries {
		entries[i] = entryOf(keys[i], values[i], frontSize)
	}
	return entries, nil
}

func (d *database) Keys(t vault.Task, table vault.Table, r vault.Range, limit int, issued func()) ([][]byte, error) {
	keys, err := d.db.Keys(callOf(t), vault.Tables[table], idb.Range(r), limit, issued)
	return keys, outcome(err)
}

func (d *database) Count(t vault.Task, table vault.Table, r vault.Range, issued func()) (int, error) {
	n, err := d.db.Count(callOf(t), vault.Tables[table], idb.Range(r), issued)
	return n, outcome(err)
}

func (d *database) Commit(t vault.Task, b vault.Batch) error {
	batch := idb.Batch{Strict: b.Strict, Issued: b.Issued}
	for _, w := range b.Writes {
		batch.Writes = append(batch.Writes, idb.Write{Store: vault.Tables[w.Table], Key: w.Key, Value: valueOf(&w)})
	}
	for _, r := range b.Clear {
		batch.Clears = append(batch.Clears, idb.Clear{Store: vault.Tables[r.Table], Range: idb.Range(r.Range)})
	}
	if e := b.Expect; e != nil {
		batch.Expect = &idb.Expect{Store: vault.Tables[e.Table], Key: e.Key, Prefix: e.Prefix}
		if e.Empty != nil {
			batch.Expect.Empty = vault.Tables[*e.Empty]
		}
	}
	return outcome(d.db.Commit(callOf(t), batch))
}

// valueOf returns what a write stores: its bytes with its value behind them, or undefined for a deletion.
func valueOf(w *vault.Write) js.Value {
	switch {
	case len(w.Bytes) == 0:
		return blob(w.Value)
	case w.Value == nil:
		return jsbridge.Bytes(w.Bytes)
	}
	return jsbridge.Join(w.Bytes, blob(w.Value))
}
