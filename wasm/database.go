//go:build js && wasm

package main

import (
	"idbvault/envelope"
	"idbvault/idb"
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

func (d *database) Read(t vault.Task, reads []vault.Read, issued func(), arrived func(n int) error) error {
	looks := make([]idb.Look, len(reads))
	for i := range reads {
		looks[i] = idb.Look{Store: int(reads[i].Table), Key: reads[i].Key}
	}
	done := 0
	return outcome(d.db.Read(callOf(t), looks, frontSize, issued, func(n int) error {
		for ; done < n; done++ {
			if l := &looks[done]; l.Found {
				reads[done].Found, reads[done].Entry = true, entryOf(l)
			}
		}
		if arrived == nil {
			return nil
		}
		return arrived(n)
	}))
}

func entryOf(l *idb.Look) vault.Entry {
	return vault.Entry{Key: l.Key, Front: l.Front, Value: l.Value, Size: l.Size}
}

func (d *database) Scan(t vault.Task, table vault.Table, r vault.Range, limit int, issued func()) ([]vault.Entry, error) {
	looks, err := d.db.Entries(callOf(t), int(table), idb.Range(r), limit, frontSize, issued)
	if err != nil {
		return nil, outcome(err)
	}
	entries := make([]vault.Entry, len(looks))
	for i := range entries {
		entries[i] = entryOf(&looks[i])
	}
	return entries, nil
}

func (d *database) Keys(t vault.Task, table vault.Table, r vault.Range, limit int, issued func()) ([][]byte, error) {
	keys, err := d.db.Keys(callOf(t), int(table), idb.Range(r), limit, issued)
	return keys, outcome(err)
}

func (d *database) Count(t vault.Task, table vault.Table, r vault.Range, issued func()) (int, error) {
	n, err := d.db.Count(callOf(t), int(table), idb.Range(r), issued)
	return n, outcome(err)
}

func (d *database) Commit(t vault.Task, b vault.Batch) error {
	batch := idb.Batch{Strict: b.Strict, Issued: b.Issued, Writes: writesOf(b.Writes)}
	for _, r := range b.Clear {
		batch.Clears = append(batch.Clears, idb.Clear{Store: int(r.Table), Range: idb.Range(r.Range)})
	}
	if n := b.Count; n != nil {
		batch.Count = &idb.Count{Store: int(n.Table), Range: idb.Range(n.Range), N: n.N}
	}
	if e := b.Expect; e != nil {
		batch.Expect = &idb.Expect{Store: int(e.Table), Key: e.Key, Prefix: e.Prefix}
		if e.Empty != nil {
			batch.Expect.Empty = []int{int(*e.Empty)}
		}
	}
	return outcome(d.db.Commit(callOf(t), batch))
}

func writesOf(list []vault.Write) []idb.Write {
	writes := make([]idb.Write, len(list))
	for i := range list {
		w := &list[i]
		writes[i] = idb.Write{Store: int(w.Table), Key: w.Key, To: w.To, Bytes: w.Bytes, Value: blob(w.Value)}
	}
	return writes
}

func (d *database) Swap(t vault.Task, list []vault.Swap) (int, error) {
	swaps := make([]idb.Swap, len(list))
	for i := range list {
		swaps[i] = idb.Swap{Key: list[i].Key, Prefix: list[i].Prefix, Writes: writesOf(list[i].Writes)}
	}
	n, err := d.db.Swap(callOf(t), int(vault.Records), int(vault.Chunks), swaps)
	return n, outcome(err)
}
