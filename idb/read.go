//go:build js && wasm

package idb

import "idbvault/jsbridge"

// Look is one look-up by key, and what it found: an ArrayBuffer, its size in bytes and a copy of its first ones.
type Look struct {
	Store int
	Key   []byte
	Found bool
	Value jsbridge.Ref
	Size  int
	Front []byte
}

// readPart is how many look-ups Read waits for at a time.
const readPart = 64

// Read looks up all of looks, at least one and over at most two stores, in one transaction, and copies the first front bytes of
// each. issued is called when the requests have been made; arrived, as long as it returns nil, when the first n have been
// answered and the browser still reads others.
func (db *DB) Read(c *jsbridge.Call, looks []Look, front int, issued func(), arrived func(n int) error) error {
	first, second := looks[0].Store, -1
	for i := range looks {
		if looks[i].Store != first {
			second = looks[i].Store
		}
	}
	if err := db.reading(c, first, second, len(looks), func() error { return ask(c, looks) }); err != nil {
		return err
	}
	told(issued)
	for from := 0; from < len(looks); {
		to := min(from+readPart, len(looks))
		if err := found(c, looks[from:to], front); err != nil {
			return err
		}
		if err := arrived(to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// maxReads is how many requests one transaction serves: a write of another tab waits for its end.
const maxReads = 64

// reading makes n requests: in the transaction in which the last read has just ended, as long as the browser takes more for it,
// or in one of its own. That is to the end of the task in which it answered, and Chromium opens a small record within that
// task: who reads one record after the other saves a fifth of the time. No transaction was made on the connection since, so a
// new one would find the same.
func (db *DB) reading(c *jsbridge.Call, first, second, n int, ask func() error) error {
	scope := [2]int{first, second}
	if db.scope == scope && db.reads+n <= maxReads && !db.closed && stepAgain(c.ID(), int32(db.number)) != 0 {
		db.reads += n
		if ask() == nil {
			return nil
		} // or it has ended
	}
	if err := db.begin(c, 0, 0, first, second); err != nil {
		return err
	}
	db.scope, db.reads = scope, n
	return ask()
}

// thrown returns what a step threw, where it did.
func thrown(c *jsbridge.Call, step int32) error {
	if step == jsbridge.Threw {
		return mapped(c.Exception())
	}
	return nil
}

func ask(c *jsbridge.Call, looks []Look) error {
	for i := range looks {
		l := &looks[i]
		keyed(l.Key, nil)
		at := stepGet(c.ID(), int32(l.Store), int32(len(l.Key)))
		if err := thrown(c, at); err != nil {
			return err
		}
		l.Value = jsbridge.Ref(at)
	}
	return nil
}

// requested waits for the first n requests that the call has made and not waited for.
func requested(c *jsbridge.Call, n int) error {
	switch step := stepRequested(c.ID(), int32(n)); step {
	case 0:
		return nil
	case jsbridge.Threw:
		return thrown(c, step)
	}
	return mapped(c.Step())
}

func found(c *jsbridge.Call, looks []Look, front int) error {
	if err := requested(c, len(looks)); err != nil {
		return err
	}
	for i := range looks {
		looks[i].fill(c, front)
	}
	return nil
}

// fill takes what lies at l.Value.
func (l *Look) fill(c *jsbridge.Call, front int) {
	l.Size = int(stepFound(c.ID(), int32(l.Value), int32(front)))
	if l.Found = l.Size >= 0; l.Found {
		l.Front = append([]byte(nil), jsbridge.Page[:min(front, l.Size)]...)
	}
}

// Range is the keys from From up to, and without, To, where that is not empty.
type Range struct{ From, To []byte }

// What is asked of a range.
const (
	rangeKeys = iota
	rangeValues
	rangeCount
	rangeDelete
)

func askRange(c *jsbridge.Call, store int, r Range, limit, what int) (jsbridge.Ref, error) {
	keyed(r.From, r.To)
	at := stepRange(c.ID(), int32(store), int32(len(r.From)), int32(len(r.To)), int32(limit), int32(what))
	return jsbridge.Ref(at), thrown(c, at)
}

// Entries returns the first limit entries of a range, ascending, with the first front bytes of each.
func (db *DB) Entries(c *jsbridge.Call, store int, r Range, limit, front int, issued func()) ([]Look, error) {
	var keys, values jsbridge.Ref
	err := db.reading(c, store, -1, maxReads, func() (err error) {
		if keys, err = askRange(c, store, r, limit, rangeKeys); err == nil {
			values, err = askRange(c, store, r, limit, rangeValues)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	told(issued)
	if err := requested(c, 2); err != nil {
		return nil, err
	}
	entries := make([]Look, length(c, keys))
	for i, key := range list(c, keys) {
		entries[i] = Look{Store: store, Key: key, Value: pick(c, values, i)}
		entries[i].fill(c, front)
	}
	return entries, nil
}

// Keys returns the first limit keys of a range, ascending; all of them where limit is 0.
func (db *DB) Keys(c *jsbridge.Call, store int, r Range, limit int, issued func()) ([][]byte, error) {
	keys, err := db.answer(c, store, r, limit, rangeKeys, issued)
	if err != nil {
		return nil, err
	}
	return list(c, keys), nil
}

// Count returns the number of entries of a range.
func (db *DB) Count(c *jsbridge.Call, store int, r Range, issued func()) (int, error) {
	n, err := db.answer(c, store, r, 0, rangeCount, issued)
	if err != nil {
		return 0, err
	}
	return length(c, n), nil
}

func (db *DB) answer(c *jsbridge.Call, store int, r Range, limit, what int, issued func()) (jsbridge.Ref, error) {
	var at jsbridge.Ref
	err := db.reading(c, store, -1, maxReads, func() (err error) {
		at, err = askRange(c, store, r, limit, what)
		return err
	})
	if err != nil {
		return jsbridge.NoRef, err
	}
	told(issued)
	return at, requested(c, 1)
}

// length returns the number of elements of a list, or the number that a value is.
func length(c *jsbridge.Call, r jsbridge.Ref) int { return int(stepNumber(c.ID(), int32(r))) }

// pick returns an element of a list.
func pick(c *jsbridge.Call, r jsbridge.Ref, i int) jsbridge.Ref {
	return jsbridge.Ref(stepPick(c.ID(), int32(r), int32(i)))
}

// list copies the keys of a list.
func list(c *jsbridge.Call, r jsbridge.Ref) [][]byte {
	keys := make([][]byte, length(c, r))
	for i := range keys {
		keys[i] = c.Front(pick(c, r, i), 0, jsbridge.PageSize)
	}
	return keys
}
