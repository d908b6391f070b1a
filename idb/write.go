//go:build js && wasm

package idb

import "idbvault/jsbridge"

// Write is one entry to put: Bytes, with Value behind them where there is one. Where there is neither, the entry is deleted.
// What is stored is an ArrayBuffer; Value must be one where it comes alone.
type Write struct {
	Store int
	Key   []byte
	To    []byte // every entry from Key up to, and without, To is deleted
	Bytes []byte
	Value jsbridge.Ref
}

// Clear deletes a range.
type Clear struct {
	Store int
	Range Range
}

// Expect is what an entry must be inside the transaction, or nothing of the batch is written: it begins with Prefix, or
// is absent where Prefix is empty; and the object stores Empty have no entry.
type Expect struct {
	Store  int
	Key    []byte
	Prefix []byte
	Empty  []int
}

// Count says how many entries a range must have.
type Count struct {
	Store int
	Range Range
	N     int
}

// Batch is one readwrite transaction, over at most two object stores.
type Batch struct {
	Writes []Write
	Clears []Clear
	Expect *Expect
	Count  *Count
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
	strict := 0
	if b.Strict {
		strict = 1
	}
	first, second := b.scope()
	if err := db.begin(c, 1, strict, first, second); err != nil {
		return err
	}
	if b.Expect != nil {
		ok, err := b.Expect.holds(c)
		if err != nil {
			return err
		}
		if !ok {
			stepAbort(c.ID())
			return ErrStale
		}
	}
	if n := b.Count; n != nil {
		at, err := askRange(c, n.Store, n.Range, 0, rangeCount)
		if err == nil {
			err = requested(c, 1)
		}
		if err == nil && length(c, at) != n.N {
			err = ErrStale
		}
		if err != nil {
			stepAbort(c.ID())
			return err
		}
	}
	for i := range b.Clears {
		if _, err := askRange(c, b.Clears[i].Store, b.Clears[i].Range, 0, rangeDelete); err != nil {
			stepAbort(c.ID())
			return err
		}
	}
	if err := issue(c, b.Writes); err != nil {
		return err
	}
	told(b.Issued)
	stepComplete(c.ID())
	return c.Step()
}

// scope returns the object stores of a batch, of which there are at most two.
func (b *Batch) scope() (first, second int) {
	first, second = -1, -1
	add := func(store int) {
		switch {
		case first < 0:
			first = store
		case store != first:
			second = store
		}
	}
	for i := range b.Writes {
		add(b.Writes[i].Store)
	}
	for i := range b.Clears {
		add(b.Clears[i].Store)
	}
	if b.Count != nil {
		add(b.Count.Store)
	}
	if b.Expect != nil {
		add(b.Expect.Store)
		for _, store := range b.Expect.Empty {
			add(store)
		}
	}
	return first, second
}

func (e *Expect) holds(c *jsbridge.Call) (bool, error) {
	looks := []Look{{Store: e.Store, Key: e.Key}}
	if err := ask(c, looks); err != nil {
		return false, err
	}
	counts := make([]jsbridge.Ref, len(e.Empty))
	for i, store := range e.Empty {
		var err error
		if counts[i], err = askRange(c, store, Range{}, 0, rangeCount); err != nil {
			return false, err
		}
	}
	if err := requested(c, 1+len(counts)); err != nil {
		return false, err
	}
	looks[0].fill(c, len(e.Prefix))
	for _, count := range counts {
		if length(c, count) != 0 {
			return false, nil
		}
	}
	if len(e.Prefix) == 0 {
		return !looks[0].Found, nil
	}
	return string(looks[0].Front) == string(e.Prefix), nil
}

// issue makes the requests. One that throws takes the others back.
func issue(c *jsbridge.Call, writes []Write) error {
	for i := range writes {
		w := &writes[i]
		if len(w.To) != 0 {
			if _, err := askRange(c, w.Store, Range{w.Key, w.To}, 0, rangeDelete); err != nil {
				stepAbort(c.ID())
				return err
			}
			continue
		}
		keyed(w.Key, w.Bytes)
		step := int32(0)
		if len(w.Bytes) == 0 && w.Value == jsbridge.NoRef {
			step = stepRemove(c.ID(), int32(w.Store), int32(len(w.Key)))
		} else {
			step = stepPut(c.ID(), int32(w.Store), int32(len(w.Key)), int32(len(w.Bytes)), int32(w.Value))
		}
		if step == jsbridge.Threw {
			err := c.Exception()
			stepAbort(c.ID())
			return err
		}
	}
	return nil
}
