//go:build js && wasm

package idb_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall/js"
	"testing"

	"idbvault/idb"
	"idbvault/jsbridge"
	"idbvault/test/wasm/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

var stores = []string{"records", "keyring"}

// The places of the stores.
const (
	store   = 0
	keyring = 1
)

// open opens a new database, which is deleted when the test has ended.
func open(t *testing.T) *idb.DB {
	t.Helper()
	name := nameFor(t)
	var db *idb.DB
	harness.Run(t, func(c *jsbridge.Call) (err error) {
		db, err = idb.Open(c, name, stores, true, func() {})
		return err
	})
	t.Cleanup(db.Close)
	return db
}

// run carries out f in a call on a new database.
func run(t *testing.T, f func(c *jsbridge.Call, db *idb.DB) error) {
	t.Helper()
	db := open(t)
	harness.Run(t, func(c *jsbridge.Call) error { return f(c, db) })
}

// nameFor returns the name of a test's database and deletes that when the test has ended.
func nameFor(t *testing.T) string {
	t.Cleanup(func() {
		harness.Run(t, func(c *jsbridge.Call) error { return idb.Delete(c, t.Name()) })
	})
	return t.Name()
}

func put(key, value string) idb.Write { return putAt(store, key, value) }

func putAt(store int, key, value string) idb.Write {
	w := idb.Write{Store: store, Key: []byte(key), Bytes: []byte(value), Value: jsbridge.NoRef}
	if value == "" {
		w.Value = empty
	}
	return w
}

// empty stands for a value of no bytes, which put gives a place in the slot of the call: without, an entry is deleted.
const empty jsbridge.Ref = -2

func remove(key string) idb.Write {
	return idb.Write{Store: store, Key: []byte(key), Value: jsbridge.NoRef}
}

// commit carries out a batch.
func commit(c *jsbridge.Call, db *idb.DB, b idb.Batch) error {
	for i := range b.Writes {
		if b.Writes[i].Value == empty {
			b.Writes[i].Value = c.Ref(jsbridge.Bytes(nil))
		}
	}
	return db.Commit(c, b)
}

func fill(c *jsbridge.Call, db *idb.DB, writes ...idb.Write) error {
	return commit(c, db, idb.Batch{Writes: writes})
}

func look(key string) idb.Look { return idb.Look{Store: store, Key: []byte(key)} }

// frontSize is how many bytes of an entry the tests look at.
const frontSize = 1000

// whatever goes on.
func whatever(int) error { return nil }

func read(c *jsbridge.Call, db *idb.DB, looks ...idb.Look) error {
	return db.Read(c, looks, frontSize, nil, whatever)
}

// everything is the range of all keys that the tests write.
var everything = idb.Range{From: nil, To: []byte{255}}

// connection returns what the latest DB that was opened stands on.
func connection() js.Value {
	all := harness.Connections()
	return all[len(all)-1]
}

// content returns all entries of a store as "key=value key=value".
func content(c *jsbridge.Call, db *idb.DB, store int) (string, error) {
	entries, err := db.Entries(c, store, everything, 0, frontSize, nil)
	var all []string
	for _, e := range entries {
		all = append(all, string(e.Key)+"="+string(e.Front))
	}
	return strings.Join(all, " "), err
}

func has(c *jsbridge.Call, db *idb.DB, want string) error {
	got, err := content(c, db, store)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("the entries are %q, want %q", got, want)
	}
	return nil
}

func wantError(what string, got, want error) error {
	if got != want {
		return fmt.Errorf("%s: got the error %v, want %v", what, got, want)
	}
	return nil
}

// raw opens a database as another program would, without package idb, and makes the object stores of that name where it
// is new.
func raw(c *jsbridge.Call, name string, version int, make ...string) (js.Value, error) {
	request := js.Global().Get("indexedDB").Call("open", name, version)
	upgrade := js.FuncOf(func(js.Value, []js.Value) any {
		for _, store := range make {
			request.Get("result").Call("createObjectStore", store).Call("put", "theirs", "key")
		}
		return nil
	})
	defer upgrade.Release()
	request.Set("onupgradeneeded", upgrade)
	if err := c.Request(request, 0); err != nil {
		return js.Value{}, err
	}
	return request.Get("result"), nil
}

// databases returns the versions of all databases whose name begins with prefix.
func databases(c *jsbridge.Call, prefix string) (map[string]int, error) {
	list, err := c.Await(js.Global().Get("indexedDB").Call("databases"))
	if err != nil {
		return nil, err
	}
	found := map[string]int{}
	for i := range list.Length() {
		if name := list.Index(i).Get("name").String(); strings.HasPrefix(name, prefix) {
			found[name] = list.Index(i).Get("version").Int()
		}
	}
	return found, nil
}

func storesOf(db js.Value) []string {
	names := db.Get("objectStoreNames")
	all := make([]string, names.Length())
	for i := range all {
		all[i] = names.Index(i).String()
	}
	slices.Sort(all)
	return all
}
