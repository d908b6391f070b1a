//go:build js && wasm

package idb

import (
	"syscall/js"

	"idbvault/jsbridge"
)

// Write is one entry to put, or to delete where Value is undefined.
type Write struct {
	Store string
	Key   []byte
	Value js.Value // an ArrayBuffer
}

// Clear deletes a range.
type Clear struct {
	Store string
	Range Range
}

// Expect is what an entry must be inside the transaction, or nothing of the batch is written: it begins with Prefix, or
// is absent where Prefix is empty. Where Empty names an object store, that must have no entry.
type Expect struct {
	Store  string
	Key    []byte
	Prefix []byte
	Empty  string
}

// Batch is one readwrite transaction, over at most two object stores.
type Batch struct {
	Writes []Write
	Clears []Clear
	Expect *Expect
	Strict bool // flushed to the disk before it completes
	Issued func()
}

// Commit carries out a batch, all or nothing, and returns when its transaction has completed: the success of a request
// alone is not durable.
//
// After a full disk Firefox makes the next readwrite transaction one that can only delete, and its put throws
// InvalidStateError; the one after that is as usual. So a batch that meets it is tried once more.
func (db *DB) Commit(c *jsbridge.Call, b Batch) error {
	err := db.commit(c, b)
	if jsbridge.Named(err, "InvalidStateError") {
		err = db.commit(c, b)
	}
	return mapped(err)
}

func (db *DB) commit(c *jsbridge.Call, b Batch) error {
	durability := relaxed
	if b.Strict {
		durability = strict
	}
	first, second := b.scope()
	tx, err := db.begin(readwrite, durability, first, second)
	if err != nil {
		return err
	}
	if b.Expect != nil {
		ok, err := b.Expect.holds(c, tx)
		if err != nil {
			return err
		}
		if !ok {
			tx.Call("abort")
			return ErrStale
		}
	}
	if err := issue(tx, &b); err != nil {
		return err
	}
	told(b.Issued)
	return c.Complete(tx)
}

// scope returns the object stores of a batch, of which there are at most two.
func (b *Batch) scope() (first, second string) {
	add := func(store string) {
		switch {
		case first == "":
			first = store
		case store != first && store != "":
			second = store
		}
	}
	for i := range b.Writes {
		add(b.Writes[i].Store)
	}
	for i := range b.Clears {
		add(b.Clears[i].Store)
	}
	if b.Expect != nil {
		add(b.Expect.Store)
		add(b.Expect.Empty)
	}
	return first, second
}

func (e *Expect) holds(c *jsbridge.Call, tx js.Value) (bool, error) {
	entry := tx.Call("objectStore", e.Store).Call("get", jsbridge.Bytes(e.Key))
	last := entry
	if e.Empty != "" {
		last = tx.Call("objectStore", e.Empty).Call("count")
	}
	if err := c.Request(last, 0); err != nil {
		return false, err
	}
	if e.Empty != "" && last.Get("result").Int() != 0 {
		return false, nil
	}
	found := entry.Get("result")
	if len(e.Prefix) == 0 {
		return found.IsUndefined(), nil
	}
	return string(jsbridge.Front(found, 0, len(e.Prefix))) == string(e.Prefix), nil
}

// issue makes the requests. One that throws takes the others back.
func issue(tx js.Value, b *Batch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = jsbridge.Recovered(r)
			tx.Call("abort")
		}
	}()
	stores := map[string]js.Value{}
	store := func(name string) js.Value {
		if _, ok := stores[name]; !ok {
			stores[name] = tx.Call("objectStore", name)
		}
		return stores[name]
	}
	for _, w := range b.Clears {
		store(w.Store).Call("delete", w.Range.value())
	}
	for _, w := range b.Writes {
		key := jsbridge.Bytes(w.Key)
		if w.Value.IsUndefined() {
			store(w.Store).Call("delete", key)
		} else {
			store(w.Store).Call("put", w.Value, key)
		}
	}
	return nil
}
