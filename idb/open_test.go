//go:build js && wasm

package idb_test

import (
	"errors"
	"fmt"
	"slices"
	"syscall/js"
	"testing"

	"idbvault/idb"
	"idbvault/jsbridge"
	"idbvault/test/wasm/harness"
)

func TestOpenCreates(t *testing.T) {
	name := nameFor(t)
	harness.Run(t, func(c *jsbridge.Call) error {
		db, err := idb.Open(c, name, stores, true, func() {})
		if err != nil {
			return err
		}
		if err := fill(c, db, put("a", "1")); err != nil {
			return err
		}
		db.Close()
		for _, create := range []bool{false, true} {
			again, err := idb.Open(c, name, []string{"keyring", "records"}, create, func() {})
			if err != nil {
				return fmt.Errorf("opening it again, create: %v: %w", create, err)
			}
			if got, err := content(c, again, 1); err != nil || got != "a=1" {
				return fmt.Errorf("the entries are %q, %w", got, err)
			}
			again.Close()
		}
		theirs, err := raw(c, name, 1)
		if err != nil {
			return err
		}
		defer theirs.Call("close")
		if got := storesOf(theirs); !slices.Equal(got, []string{"keyring", "records"}) {
			return fmt.Errorf("the object stores are %v", got)
		}
		for _, name := range stores {
			s := theirs.Call("transaction", name).Call("objectStore", name)
			if !s.Get("keyPath").IsNull() || s.Get("autoIncrement").Bool() {
				return errors.New("keys are not out of line")
			}
		}
		return nil
	})
}

func TestOpenLeavesNothingWhereNothingWas(t *testing.T) {
	harness.Run(t, func(c *jsbridge.Call) error {
		for range 3 {
			_, err := idb.Open(c, t.Name(), stores, false, func() {})
			if err := wantError("opening", err, idb.ErrAbsent); err != nil {
				return err
			}
			if found, err := databases(c, t.Name()); err != nil || len(found) != 0 {
				return fmt.Errorf("there is %v, %w", found, err)
			}
		}
		return nil
	})
}

func TestOpenRefusesForeignDatabases(t *testing.T) {
	for what, foreign := range map[string]struct {
		version int
		stores  []string
	}{
		"other stores":           {1, []string{"theirs", "others"}},
		"one store more":         {1, []string{"keyring", "records", "theirs"}},
		"one store less":         {1, []string{"records"}},
		"no stores":              {1, nil},
		"a higher version":       {2, []string{"keyring", "records"}},
		"a much higher version":  {9_000_000, []string{"theirs"}},
		"higher, without stores": {3, nil},
	} {
		t.Run(what, func(t *testing.T) {
			name := nameFor(t)
			harness.Run(t, func(c *jsbridge.Call) error {
				theirs, err := raw(c, name, foreign.version, foreign.stores...)
				if err != nil {
					return err
				}
				theirs.Call("close")
				watched := len(harness.Connections())
				for _, create := range []bool{false, true} {
					db, err := idb.Open(c, name, stores, create, func() {})
					if err := wantError(fmt.Sprint("create: ", create), err, idb.ErrForeign); err != nil {
						return err
					}
					if db != nil {
						return errors.New("a connection came with the error")
					}
				}
				if found, err := databases(c, name); err != nil || found[name] != foreign.version {
					return fmt.Errorf("there is %v, %w", found, err)
				}
				if len(harness.Connections()) != watched {
					return errors.New("its connection is watched")
				}
				theirs, err = raw(c, name, foreign.version)
				if err != nil {
					return err
				}
				slices.Sort(foreign.stores)
				if got := storesOf(theirs); !slices.Equal(got, foreign.stores) {
					return fmt.Errorf("its stores are %v", got)
				}
				for _, store := range foreign.stores {
					request := theirs.Call("transaction", store).Call("objectStore", store).Call("get", "key")
					if err := c.Request(request, 0); err != nil || request.Get("result").String() != "theirs" {
						return fmt.Errorf("its content is %s, %w", harness.Text(request.Get("result")), err)
					}
				}
				theirs.Call("close")
				// A connection that was left open would block this.
				return c.Request(js.Global().Get("indexedDB").Call("deleteDatabase", name), 500)
			})
		})
	}
}

func TestDelete(t *testing.T) {
	name := nameFor(t)
	harness.Run(t, func(c *jsbridge.Call) error {
		if err := idb.Delete(c, name); err != nil {
			return fmt.Errorf("what is not there: %w", err)
		}
		db, err := idb.Open(c, name, stores, true, func() {})
		if err != nil {
			return err
		}
		if err := fill(c, db, put("a", "1")); err != nil {
			return err
		}
		db.Close()
		if found, err := databases(c, name); err != nil || len(found) != 1 {
			return fmt.Errorf("before: %v, %w", found, err)
		}
		if err := idb.Delete(c, name); err != nil {
			return err
		}
		if found, err := databases(c, name); err != nil || len(found) != 0 {
			return fmt.Errorf("after: %v, %w", found, err)
		}
		_, err = idb.Open(c, name, stores, false, func() {})
		return wantError("opening it", err, idb.ErrAbsent)
	})
}

// operations are all that a connection can do.
var operations = map[string]func(c *jsbridge.Call, db *idb.DB) error{
	"Read": func(c *jsbridge.Call, db *idb.DB) error { return read(c, db, look("a")) },
	"Entries": func(c *jsbridge.Call, db *idb.DB) error {
		_, err := db.Entries(c, store, everything, 0, frontSize, nil)
		return err
	},
	"Keys": func(c *jsbridge.Call, db *idb.DB) error {
		_, err := db.Keys(c, store, everything, 0, nil)
		return err
	},
	"Count": func(c *jsbridge.Call, db *idb.DB) error {
		_, err := db.Count(c, store, everything, nil)
		return err
	},
	"Commit": func(c *jsbridge.Call, db *idb.DB) error { return fill(c, db, put("a", "2")) },
	"Commit of what is expected": func(c *jsbridge.Call, db *idb.DB) error {
		return db.Commit(c, idb.Batch{Expect: &idb.Expect{Store: store, Key: []byte("x")}, Strict: true})
	},
}

func allClosed(c *jsbridge.Call, db *idb.DB) error {
	for what, do := range operations {
		if err := wantError(what, do(c, db), idb.ErrClosed); err != nil {
			return err
		}
	}
	return nil
}

func TestClosedConnection(t *testing.T) {
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		for what, do := range operations {
			if err := do(c, db); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
		db.Close()
		return allClosed(c, db)
	})
}

func TestConnectionThatTheBrowserClosedUnheard(t *testing.T) {
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		connection().Call("close")
		return allClosed(c, db)
	})
}

func TestLostByTheBrowser(t *testing.T) {
	name := nameFor(t)
	harness.Run(t, func(c *jsbridge.Call) error {
		lost := 0
		db, err := idb.Open(c, name, stores, true, func() { lost++ })
		if err != nil {
			return err
		}
		all := harness.Connections()
		// What the browser does when the user clears the site's data, which no page can bring about.
		js.Global().Call("setTimeout", connection().Get("onclose"), 0)
		if _, err := c.Await(harness.After(20, nil)); err != nil {
			return err
		}
		if lost != 1 || len(harness.Connections()) != len(all)-1 {
			return fmt.Errorf("lost was called %d times, %d connections are watched", lost, len(harness.Connections()))
		}
		return allClosed(c, db)
	})
}

func TestDeletionElsewhereClosesConnections(t *testing.T) {
	name := nameFor(t)
	harness.Run(t, func(c *jsbridge.Call) error {
		var lost [3]int
		var dbs [3]*idb.DB
		for i := range dbs {
			var err error
			if dbs[i], err = idb.Open(c, name, stores, true, func() { lost[i]++ }); err != nil {
				return err
			}
		}
		if err := fill(c, dbs[0], put("a", "1")); err != nil {
			return err
		}
		if err := has(c, dbs[2], "a=1"); err != nil {
			return err
		}
		dbs[1].Close()
		if err := idb.Delete(c, name); err != nil {
			return err
		}
		if lost != [3]int{1, 0, 1} {
			return fmt.Errorf("lost was called %v times", lost)
		}
		for _, db := range dbs {
			if err := allClosed(c, db); err != nil {
				return err
			}
		}
		fresh, err := idb.Open(c, name, stores, true, func() {})
		if err != nil {
			return err
		}
		defer fresh.Close()
		return has(c, fresh, "")
	})
}

func TestDeletionWaitsForACommitUnderWay(t *testing.T) {
	db := open(t)
	commit := harness.Begin(func(c *jsbridge.Call) error { return fill(c, db, put("a", "1")) })
	harness.Run(t, func(c *jsbridge.Call) error { return idb.Delete(c, t.Name()) })
	commit.Must(t)
}

func TestBlocked(t *testing.T) {
	// 10 seconds are what idb waits for; any other time would not be shortened, and the test would take it.
	harness.Shorten(t, 10_000, 100)
	name := nameFor(t)
	harness.Run(t, func(c *jsbridge.Call) error {
		// This connection does not hear that another one wants to delete the database.
		stubborn, err := raw(c, name, 1, stores...)
		if err != nil {
			return err
		}
		if err := wantError("deleting", idb.Delete(c, name), idb.ErrBlocked); err != nil {
			return err
		}
		if found, err := databases(c, name); err != nil || found[name] != 1 {
			return fmt.Errorf("there is %v, %w", found, err)
		}
		stubborn.Call("close")
		return nil
	})
}

func TestBlockedForAWhile(t *testing.T) {
	name := nameFor(t)
	var slow js.Value
	harness.Run(t, func(c *jsbridge.Call) (err error) {
		slow, err = raw(c, name, 1, stores...)
		return err
	})
	deletion := harness.Begin(func(c *jsbridge.Call) error { return idb.Delete(c, name) })
	harness.Run(t, func(c *jsbridge.Call) error {
		_, err := c.Await(harness.After(50, nil))
		slow.Call("close")
		return err
	})
	deletion.Must(t)
}
