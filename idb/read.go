//go:build js && wasm

package idb

import (
	"syscall/js"

	"idbvault/jsbridge"
)

// Look is one look-up by key. The value that it finds is an ArrayBuffer, or undefined where Found is false.
type Look struct {
	Store string
	Key   []byte
	Found bool
	Value js.Value
}

// Read looks up all of looks, at least one and all of one store, in one transaction. follow is given each of them when all are known
// and may name a second entry, to be read in the same transaction from the store then; seconds is aligned with looks.
// issued is called when the first requests have been made.
func (db *DB) Read(c *jsbridge.Call, looks []Look, then string, follow func(i int, l *Look) (Look, bool), issued func()) (seconds []Look, err error) {
	tx, err := db.begin(readonly, relaxed, looks[0].Store, then)
	if err != nil {
		return nil, err
	}
	stores := map[string]js.Value{}
	last := lookUp(tx, stores, looks)
	told(issued)
	if err := c.Request(last.request, 0); err != nil {
		return nil, mapped(err)
	}
	last.collect(looks)
	seconds = make([]Look, len(looks))
	var second []int
	var asked []Look
	for i := range looks {
		if l, ok := follow(i, &looks[i]); ok {
			second, asked = append(second, i), append(asked, l)
		}
	}
	if len(asked) == 0 {
		return seconds, nil
	}
	last = lookUp(tx, stores, asked)
	if err := c.Request(last.request, 0); err != nil {
		return nil, mapped(err)
	}
	last.collect(asked)
	for i, at := range second {
		seconds[at] = asked[i]
	}
	return seconds, nil
}

// requests is a list of requests of one transaction. They end in the order in which they were made, so one wait, for the
// last, is enough.
type requests struct {
	all     []js.Value
	request js.Value
}

func lookUp(tx js.Value, stores map[string]js.Value, looks []Look) requests {
	var r requests
	for i := range looks {
		store, ok := stores[looks[i].Store]
		if !ok {
			store = tx.Call("objectStore", looks[i].Store)
			stores[looks[i].Store] = store
		}
		r.request = store.Call("get", jsbridge.Bytes(looks[i].Key))
		r.all = append(r.all, r.request)
	}
	return r
}

func (r requests) collect(looks []Look) {
	for i := range looks {
		looks[i].Value = r.all[i].Get("result")
		looks[i].Found = !looks[i].Value.IsUndefined()
	}
}

// Range is the keys from From up to, and without, To.
type Range struct{ From, To []byte }

func (r Range) value() js.Value {
	return keyRange.Call("bound", jsbridge.Bytes(r.From), jsbridge.Bytes(r.To), false, true)
}

// Entries returns the keys and the values of the first limit entries of a range, ascending.
func (db *DB) Entries(c *jsbridge.Call, store string, r Range, limit int, issued func()) (keys [][]byte, values []js.Value, err error) {
	tx, err := db.begin(readonly, relaxed, store, "")
	if err != nil {
		return nil, nil, err
	}
	s, span := tx.Call("objectStore", store), r.value()
	names := s.Call("getAllKeys", span, limit)
	entries := s.Call("getAll", span, limit)
	told(issued)
	if err := c.Request(entries, 0); err != nil {
		return nil, nil, mapped(err)
	}
	keys = keysOf(names.Get("result"))
	list := entries.Get("result")
	values = make([]js.Value, len(keys))
	for i := range values {
		values[i] = list.Index(i)
	}
	return keys, values, nil
}

// Keys returns the first limit keys of a range, ascending; all of them where limit is 0.
func (db *DB) Keys(c *jsbridge.Call, store string, r Range, limit int, issued func()) ([][]byte, error) {
	request, err := db.ask(c, store, issued, func(s js.Value) js.Value { return s.Call("getAllKeys", r.value(), limit) })
	if err != nil {
		return nil, err
	}
	return keysOf(request.Get("result")), nil
}

// Count returns the number of entries of a range.
func (db *DB) Count(c *jsbridge.Call, store string, r Range, issued func()) (int, error) {
	request, err := db.ask(c, store, issued, func(s js.Value) js.Value { return s.Call("count", r.value()) })
	if err != nil {
		return 0, err
	}
	return request.Get("result").Int(), nil
}

func (db *DB) ask(c *jsbridge.Call, store string, issued func(), ask func(s js.Value) js.Value) (js.Value, error) {
	tx, err := db.begin(readonly, relaxed, store, "")
	if err != nil {
		return js.Value{}, err
	}
	request := ask(tx.Call("objectStore", store))
	told(issued)
	return request, mapped(c.Request(request, 0))
}

func keysOf(list js.Value) [][]byte {
	keys := make([][]byte, list.Length())
	for i := range keys {
		v := list.Index(i)
		keys[i] = jsbridge.Front(v, 0, jsbridge.Size(v))
	}
	return keys
}
