//go:build js && wasm

package main

import (
	"errors"
	"syscall/js"
)

const database = "idbvault-demo"

var errAbsent = errors.New("there is no such database")

// entry is a record on the disk: its value in `records` and, where it is split, the one in `chunks`, which else is
// undefined. Both are ArrayBuffers.
type entry struct{ record, chunk js.Value }

// disk is what the inspector reads of a vault.
type disk struct {
	keyring js.Value // undefined where there is none
	keys    []string // of `records`, in the order of the store
	entries map[string]entry
}

// open opens the database. One that is absent is not made.
func open() (js.Value, error) {
	request := js.Global().Get("indexedDB").Call("open", database)
	absent := false
	upgrade := js.FuncOf(func(js.Value, []js.Value) any {
		absent = true
		request.Get("transaction").Call("abort")
		return nil
	})
	defer upgrade.Release()
	request.Set("onupgradeneeded", upgrade)
	err := wait(request, "onsuccess", "onerror")
	if absent {
		err = errAbsent
	}
	return request.Get("result"), err
}

// wait waits until one of two events of a request or a transaction has come.
func wait(target js.Value, success, failure string) error {
	done := make(chan error, 1) // so that the callbacks need not wait
	succeeded := js.FuncOf(func(js.Value, []js.Value) any {
		done <- nil
		return nil
	})
	failed := js.FuncOf(func(_ js.Value, args []js.Value) any {
		args[0].Call("preventDefault") // else the browser reports it as an error of the page
		if e := target.Get("error"); e.Truthy() {
			done <- errors.New(e.Get("name").String())
		} else {
			done <- errors.New(failure)
		}
		return nil
	})
	defer succeeded.Release()
	defer failed.Release()
	target.Set(success, succeeded)
	target.Set(failure, failed)
	return <-done
}

// transact runs requests in one transaction and waits until it is over. The connection is open only meanwhile, so that
// it is never in the way when the page deletes the vault.
func transact(mode string, requests func(store func(name string) js.Value)) error {
	db, err := open()
	if err != nil {
		return err
	}
	defer db.Call("close")
	tx := db.Call("transaction", []any{"keyring", "records", "chunks"}, mode)
	requests(func(name string) js.Value { return tx.Call("objectStore", name) })
	return wait(tx, "oncomplete", "onabort")
}

// read reads the vault as it is on the disk, without what lies in `chunks`: a series of images is too much to read after each
// write.
func read() (disk, error) {
	var keyrings, keys, records js.Value
	err := transact("readonly", func(store func(string) js.Value) {
		keyrings = store("keyring").Call("getAll")
		keys, records = store("records").Call("getAllKeys"), store("records").Call("getAll")
	})
	if err != nil {
		return disk{}, err
	}
	d := disk{keyring: keyrings.Get("result").Index(0), entries: map[string]entry{}}
	for i := range keys.Get("result").Length() {
		key := string(bytesOf(keys.Get("result").Index(i)))
		d.keys = append(d.keys, key)
		d.entries[key] = entry{record: records.Get("result").Index(i)}
	}
	return d, nil
}

// readChunks reads what records have in `chunks`.
func (d disk) readChunks(keys []string) error {
	requests := map[string]js.Value{}
	err := transact("readonly", func(store func(string) js.Value) {
		for _, key := range keys {
			if k := chunkKeyOf(key); k != nil {
				requests[key] = store("chunks").Call("get", bufferOf(k))
			}
		}
	})
	if err != nil {
		return err
	}
	for key, request := range requests {
		d.entries[key] = entry{d.entries[key].record, request.Get("result")}
	}
	return nil
}

// write puts entries in their places, whatever was there.
func write(entries map[string]entry) error {
	return transact("readwrite", func(store func(string) js.Value) {
		for key, e := range entries {
			store("records").Call("put", e.record, bufferOf([]byte(key)))
			if k := chunkKeyOf(key); e.chunk.IsUndefined() {
				store("chunks").Call("delete", bufferOf(k))
			} else {
				store("chunks").Call("put", e.chunk, bufferOf(k))
			}
		}
	})
}

func sizeOf(buffer js.Value) int {
	if buffer.IsUndefined() {
		return 0
	}
	return buffer.Get("byteLength").Int()
}

// bytesOf copies an ArrayBuffer.
func bytesOf(buffer js.Value) []byte { return front(buffer, sizeOf(buffer)) }

// front copies at most n bytes of an ArrayBuffer: an image need not go through Go's memory to be looked at.
func front(buffer js.Value, n int) []byte {
	b := make([]byte, min(n, sizeOf(buffer)))
	if len(b) > 0 {
		js.CopyBytesToGo(b, js.Global().Get("Uint8Array").New(buffer, 0, len(b)))
	}
	return b
}

func bufferOf(b []byte) js.Value {
	array := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(array, b)
	return array.Get("buffer")
}
