//go:build js && wasm

// Package idb is IndexedDB as typed Go: W3C Indexed Database API 3.0, https://www.w3.org/TR/IndexedDB-3/. It knows
// nothing of encryption. A transaction is a batch of ready-made requests and never a callback, so no transaction can be
// left open across work that a browser would end it for. Keys are bytes, values are ArrayBuffers.
package idb

import (
	"syscall/js"

	"idbvault/jsbridge"
)

// The errors by which a caller decides. Anything else is a *jsbridge.Exception.
const (
	ErrAbsent  = jsbridge.Error("idb: no such database")
	ErrForeign = jsbridge.Error("idb: a database with other object stores")
	ErrBlocked = jsbridge.Error("idb: blocked by another connection")
	ErrClosed  = jsbridge.Error("idb: the connection is closed")
	ErrQuota   = jsbridge.Error("idb: the storage is full")
	ErrStale   = jsbridge.Error("idb: an entry is not what was expected")
)

// blockedMS is how long a deletion or an opening waits for other connections to close, in milliseconds. They are told
// to at once; a transaction under way may keep one of them open for a while.
const blockedMS = 10_000

// version is the only version of a database that this package makes: all object stores at once.
const version = 1

// DB is an open connection. Its object stores are known by their places in the list that it was opened with.
type DB struct {
	number int // by which the host knows it
	closed bool
	scope  [2]int // the object stores of the transaction for reading that was made last
	reads  int    // requests made in it
}

// The shim's steps of IndexedDB. They return jsbridge.Threw where the browser's method threw.

//go:wasmimport idbvault begin
func stepBegin(call, db, first, second, write, strict int32) int32

//go:wasmimport idbvault get
func stepGet(call, store, key int32) int32

//go:wasmimport idbvault put
func stepPut(call, store, key, bytes, value int32) int32

//go:wasmimport idbvault remove
func stepRemove(call, store, key int32) int32

//go:wasmimport idbvault range
func stepRange(call, store, from, to, limit, what int32) int32

//go:wasmimport idbvault requested
func stepRequested(call, n int32) int32

//go:wasmimport idbvault complete
func stepComplete(call int32) int32

//go:wasmimport idbvault again
func stepAgain(call, db int32) int32

//go:wasmimport idbvault abort
func stepAbort(call int32) int32

//go:wasmimport idbvault found
func stepFound(call, ref, front int32) int32

//go:wasmimport idbvault number
func stepNumber(call, ref int32) int32

//go:wasmimport idbvault pick
func stepPick(call, ref, i int32) int32

// Open opens a database that has exactly the object stores of that name, or makes it where create is set. Keys are
// out of line. lost is called when another connection deletes the database or the browser closes it.
func Open(c *jsbridge.Call, name string, stores []string, create bool, lost func()) (*DB, error) {
	request := js.Global().Get("indexedDB").Call("open", name, version)
	jsbridge.Upgrade(request, commas(stores), create)
	if err := c.Request(request, blockedMS); err != nil {
		switch {
		case jsbridge.Named(err, "VersionError"):
			return nil, ErrForeign
		case jsbridge.Named(err, "AbortError") && !create:
			return nil, ErrAbsent
		}
		return nil, mapped(err)
	}
	v := request.Get("result")
	if !hasExactly(v, stores) {
		v.Call("close")
		return nil, ErrForeign
	}
	db := &DB{}
	db.number = jsbridge.Watch(v, commas(stores), func() {
		db.closed = true
		lost()
	})
	return db, nil
}

// commas joins names with commas, which the names of object stores here don't have.
func commas(names []string) string {
	joined := names[0]
	for _, name := range names[1:] {
		joined += "," + name
	}
	return joined
}

func hasExactly(db js.Value, stores []string) bool {
	names := db.Get("objectStoreNames")
	for _, store := range stores {
		if !names.Call("contains", store).Bool() {
			return false
		}
	}
	return names.Length() == len(stores)
}

// Close closes the connection when its transactions have ended.
func (db *DB) Close() {
	db.closed = true
	jsbridge.Unwatch(db.number)
}

// Delete deletes a database, once every connection to it is closed.
func Delete(c *jsbridge.Call, name string) error {
	return mapped(c.Request(js.Global().Get("indexedDB").Call("deleteDatabase", name), blockedMS))
}

//go:noinline
func mapped(err error) error {
	switch {
	case err == nil:
		return nil
	case jsbridge.Named(err, "QuotaExceededError"):
		return ErrQuota
	case jsbridge.Named(err, "BlockedError"):
		return ErrBlocked
	}
	return err
}

// begin makes the call's transaction, over one or two object stores: a second that is negative or the same counts for nothing.
// A wider one would take the browser longer to make, a microsecond's work for a store and the better part of a read for five.
func (db *DB) begin(c *jsbridge.Call, write, strict, first, second int) (err error) {
	if db.closed {
		return ErrClosed
	}
	if second == first {
		second = -1
	}
	if stepBegin(c.ID(), int32(db.number), int32(first), int32(second), int32(write), int32(strict)) != jsbridge.Threw {
		return nil
	}
	if err = c.Exception(); jsbridge.Named(err, "InvalidStateError") {
		err = ErrClosed // the browser closed the connection, and its event has not come yet
	}
	return err
}

// keyed puts a key, and bytes behind it, into the page.
func keyed(key, behind []byte) { copy(jsbridge.Page[copy(jsbridge.Page[:], key):], behind) }

// told calls issued, the caller's word that the requests have been made, where there is one.
func told(issued func()) {
	if issued != nil {
		issued()
	}
}
