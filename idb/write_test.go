//go:build js && wasm

package idb_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall/js"
	"testing"

	"idbvault/idb"
	"idbvault/jsbridge"
	"idbvault/test/wasm/harness"
)

func TestCommit(t *testing.T) {
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		if err := fill(c, db, put("a", "1"), put("b", "2"), put("c", "3"), put("", "empty key"), put("d", "")); err != nil {
			return err
		}
		if err := has(c, db, "=empty key a=1 b=2 c=3 d="); err != nil {
			return err
		}
		// In the order in which they are given.
		if err := fill(c, db, put("a", "4"), remove("b"), remove("never there"), put("c", "5"), put("c", "6"), remove("d"), put("d", "7")); err != nil {
			return err
		}
		if err := has(c, db, "=empty key a=4 c=6 d=7"); err != nil {
			return err
		}
		if got, err := content(c, db, keyring); err != nil || got != "" {
			return fmt.Errorf("the other store has %q, %w", got, err)
		}
		return nil
	})
}

func TestCommitOverTwoStores(t *testing.T) {
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		other := putAt(keyring, "k", "ring")
		if err := fill(c, db, put("a", "1"), other, put("b", "2")); err != nil {
			return err
		}
		if got, err := content(c, db, keyring); err != nil || got != "k=ring" {
			return fmt.Errorf("the other store has %q, %w", got, err)
		}
		return has(c, db, "a=1 b=2")
	})
}

func TestClear(t *testing.T) {
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		if err := fill(c, db, put("a", "1"), put("b", "2"), put("b\x00", "3"), put("c", "4"), put("d", "5")); err != nil {
			return err
		}
		clear := func(from, to string, writes ...idb.Write) error {
			return commit(c, db, idb.Batch{
				Clears: []idb.Clear{{Store: store, Range: idb.Range{From: []byte(from), To: []byte(to)}}}, Writes: writes,
			})
		}
		if err := errors.Join(clear("b", "c"), has(c, db, "a=1 c=4 d=5")); err != nil {
			return err
		}
		if err := errors.Join(clear("x", "y"), has(c, db, "a=1 c=4 d=5")); err != nil {
			return err
		}
		// Ranges are deleted before entries are written.
		if err := errors.Join(clear("a", "d", put("b", "new")), has(c, db, "b=new d=5")); err != nil {
			return err
		}
		two := idb.Batch{Clears: []idb.Clear{
			{Store: store, Range: idb.Range{From: []byte("a"), To: []byte("c")}},
			{Store: store, Range: idb.Range{From: []byte("d"), To: []byte("e")}},
		}}
		return errors.Join(db.Commit(c, two), has(c, db, ""))
	})
}

func TestExpect(t *testing.T) {
	var none []int
	records, ring := []int{store}, []int{keyring}
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		if err := fill(c, db, put("there", "prefix and more")); err != nil {
			return err
		}
		for _, expect := range []struct {
			key, prefix string
			empty       []int
			want        error
		}{
			{"there", "prefix", none, nil},
			{"there", "prefix and more", none, nil},
			{"there", "prefix and more than that", none, idb.ErrStale},
			{"there", "Prefix", none, idb.ErrStale},
			{"there", "refix", none, idb.ErrStale},
			{"there", "", none, idb.ErrStale},
			{"absent", "prefix", none, idb.ErrStale},
			{"absent", "", none, nil},
			{"there", "prefix", ring, nil},
			{"absent", "", ring, nil},
			{"there", "prefix", records, idb.ErrStale},
			{"absent", "", records, idb.ErrStale},
			{"there", "", ring, idb.ErrStale},
		} {
			what := fmt.Sprintf("%+v", expect)
			told := false
			err := commit(c, db, idb.Batch{
				Writes: []idb.Write{put("written", what), remove("there")},
				Clears: []idb.Clear{{Store: keyring, Range: everything}},
				Expect: &idb.Expect{Store: store, Key: []byte(expect.key), Prefix: []byte(expect.prefix), Empty: expect.empty},
				Issued: func() { told = true },
			})
			if err := wantError(what, err, expect.want); err != nil {
				return err
			}
			if told != (expect.want == nil) {
				return fmt.Errorf("%s: issued was called: %v", what, told)
			}
			after := "there=prefix and more"
			if expect.want == nil {
				after = "written=" + what
			}
			if err := has(c, db, after); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			if err := fill(c, db, put("there", "prefix and more"), remove("written")); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestExpectHoldsInsideTheTransaction(t *testing.T) {
	db := open(t)
	harness.Run(t, func(c *jsbridge.Call) error { return fill(c, db, put("n", "0")) })
	// All of them expect the same, so only the first may write. A look before the transaction would let all do it.
	var commits []*harness.Pending
	for i := range 20 {
		commits = append(commits, harness.Begin(func(c *jsbridge.Call) error {
			return commit(c, db, idb.Batch{
				Writes: []idb.Write{put("n", fmt.Sprint(i+1))},
				Expect: &idb.Expect{Store: store, Key: []byte("n"), Prefix: []byte("0")},
			})
		}))
	}
	for i, commit := range commits {
		want := error(idb.ErrStale)
		if i == 0 {
			want = nil
		}
		if err := wantError(fmt.Sprint("commit ", i), commit.Wait().Err, want); err != nil {
			t.Error(err)
		}
	}
	harness.Run(t, func(c *jsbridge.Call) error { return has(c, db, "n=1") })
}

func TestCommitIsAllOrNothing(t *testing.T) {
	// A function can't be stored, so the request throws when the others have been made.
	unstorable := js.Global().Get("Array").Get("isArray")
	db := open(t)
	harness.Run(t, func(c *jsbridge.Call) error { return fill(c, db, put("a", "1"), put("b", "2")) })
	for what, batch := range map[string]idb.Batch{
		"a value that can't be stored": {
			Writes: []idb.Write{put("a", "9"), remove("b"), {Store: store, Key: []byte("c"), Value: 0}, put("d", "9")},
			Clears: []idb.Clear{{Store: store, Range: everything}},
		},
		"a store that is not there": {
			Writes: []idb.Write{put("a", "9"), remove("b"), {Store: 2, Key: []byte("c"), Bytes: []byte("9"), Value: jsbridge.NoRef}},
		},
		"a range of nothing": {
			Clears: []idb.Clear{
				{Store: store, Range: everything},
				{Store: store, Range: idb.Range{From: []byte("b"), To: []byte("a")}},
			},
		},
	} {
		failed := harness.Begin(func(c *jsbridge.Call) error { return commit(c, db, batch) }, unstorable).Wait()
		if failed.Resolved || failed.Err == nil {
			t.Errorf("%s: resolved: %v, the error is %v", what, failed.Resolved, failed.Err)
		}
		harness.Run(t, func(c *jsbridge.Call) error { return has(c, db, "a=1 b=2") })
	}
}

func TestPutThatFirefoxRefusesAfterAFullDisk(t *testing.T) {
	db := open(t)
	commit := func() (told int, err error) {
		pending := harness.Begin(func(c *jsbridge.Call) error {
			return commit(c, db, idb.Batch{
				Writes: []idb.Write{remove("b"), put("a", "new")},
				Expect: &idb.Expect{Store: store, Key: []byte("a"), Prefix: []byte("1")},
				Issued: func() { told++ },
			})
		})
		err = pending.Wait().Err
		return told, err
	}
	for _, step := range []struct {
		exception string
		times     int
		told      int
		want      string
	}{
		{"InvalidStateError", 1, 1, "a=new"},
		{"InvalidStateError", 2, 0, "a=1 b=2"}, // once more, not for ever
		{"DataError", 1, 0, "a=1 b=2"},
	} {
		harness.Run(t, func(c *jsbridge.Call) error { return fill(c, db, put("a", "1"), put("b", "2")) })
		t.Run(fmt.Sprint(step.times, " ", step.exception), func(t *testing.T) {
			harness.BreakPut(t, step.exception, step.times)
			told, err := commit()
			if step.told == 1 && err != nil || step.told == 0 && !jsbridge.Named(err, step.exception) || told != step.told {
				t.Errorf("told %d times, got %v", told, err)
			}
		})
		harness.Run(t, func(c *jsbridge.Call) error { return has(c, db, step.want) })
	}
}

func TestFullDisk(t *testing.T) {
	db := open(t)
	harness.Run(t, func(c *jsbridge.Call) error { return fill(c, db, put("a", "1")) })
	for _, how := range []string{"QuotaExceededError", ""} { // the put throws, or the transaction aborts with no error
		t.Run(how, func(t *testing.T) {
			harness.BreakPut(t, how, 1)
			harness.Run(t, func(c *jsbridge.Call) error {
				err := fill(c, db, remove("a"), put("b", "2"))
				return wantError("committing", err, idb.ErrQuota)
			})
		})
		harness.Run(t, func(c *jsbridge.Call) error { return has(c, db, "a=1") })
	}
}

func TestPutThatAbortsAndThrows(t *testing.T) {
	db := open(t)
	harness.Run(t, func(c *jsbridge.Call) error { return fill(c, db, put("a", "1")) })
	t.Run("AbortError", func(t *testing.T) {
		harness.BreakPut(t, "AbortError", 1)
		harness.Run(t, func(c *jsbridge.Call) error {
			if err := fill(c, db, remove("a"), put("b", "2")); !jsbridge.Named(err, "AbortError") {
				return fmt.Errorf("got %w", err)
			}
			return nil
		})
	})
	harness.Run(t, func(c *jsbridge.Call) error { return has(c, db, "a=1") })
}

func TestCommitsAreCarriedOutAsIssued(t *testing.T) {
	db := open(t)
	var order []int
	var calls []*harness.Pending
	for i := range 60 {
		calls = append(calls, harness.Begin(func(c *jsbridge.Call) error {
			err := commit(c, db, idb.Batch{
				Writes: []idb.Write{put("last", fmt.Sprint(i)), put(fmt.Sprintf("%02d", i), "")},
				Strict: i%5 == 0,
			})
			order = append(order, i)
			return err
		}))
		// What is issued after a commit sees it, though no one has waited for it.
		calls = append(calls, harness.Begin(func(c *jsbridge.Call) error {
			looks := []idb.Look{look("last")}
			err := read(c, db, looks...)
			if err == nil && found(looks[0]) != fmt.Sprint(i) {
				err = fmt.Errorf("a read after commit %d found %q", i, found(looks[0]))
			}
			return err
		}))
	}
	for _, call := range calls {
		call.Must(t)
	}
	for i := range order {
		if order[i] != i {
			t.Fatalf("the order was %v", order)
		}
	}
}

func TestTransactions(t *testing.T) {
	transactions, _ := harness.RecordTransactions(t)
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		other := putAt(keyring, "k", "1")
		for _, step := range []struct {
			want string
			do   func() error
		}{
			{"records readwrite relaxed, complete", func() error { return fill(c, db, put("a", "1"), remove("b")) }},
			{"records readwrite strict, complete", func() error {
				return commit(c, db, idb.Batch{Writes: []idb.Write{put("a", "2")}, Strict: true})
			}},
			{"keyring,records readwrite relaxed, complete", func() error { return fill(c, db, other, put("a", "1"), other) }},
			{"keyring,records readwrite strict, complete", func() error {
				return commit(c, db, idb.Batch{
					Clears: []idb.Clear{{Store: keyring, Range: everything}}, Strict: true,
					Expect: &idb.Expect{Store: keyring, Key: []byte("k"), Prefix: []byte("1")},
					Writes: []idb.Write{put("a", "3")},
				})
			}},
			{"keyring,records readwrite relaxed", func() error {
				err := commit(c, db, idb.Batch{
					Writes: []idb.Write{other},
					Expect: &idb.Expect{Store: keyring, Key: []byte("k"), Empty: []int{store}},
				})
				return wantError("a store that is not empty", err, idb.ErrStale)
			}},
			{"records readonly relaxed", func() error { return operations["Read"](c, db) }},
			{"keyring,records readonly relaxed", func() error {
				return db.Read(c, []idb.Look{look("a"), {Store: keyring, Key: []byte("a")}}, frontSize, nil, whatever)
			}},
			{"records readonly relaxed", func() error { return operations["Entries"](c, db) }},
			{"records readonly relaxed", func() error { return operations["Keys"](c, db) }},
			{"records readonly relaxed", func() error { return operations["Count"](c, db) }},
		} {
			transactions()
			if err := step.do(); err != nil {
				return err
			}
			if made := strings.Join(transactions(), ", "); made != step.want {
				return fmt.Errorf("the transactions are %s, want %s", made, step.want)
			}
		}
		return nil
	})
}

func TestIssued(t *testing.T) {
	db := open(t)
	told := ""
	issued := func(what string) func() { return func() { told += what } }
	for what, do := range map[string]func(c *jsbridge.Call, issued func()) error{
		"Commit": func(c *jsbridge.Call, issued func()) error {
			return commit(c, db, idb.Batch{Writes: []idb.Write{put("a", "1")}, Issued: issued})
		},
		"Read": func(c *jsbridge.Call, issued func()) error {
			return db.Read(c, []idb.Look{look("a")}, frontSize, issued, whatever)
		},
		"Entries": func(c *jsbridge.Call, issued func()) error {
			_, err := db.Entries(c, store, everything, 0, frontSize, issued)
			return err
		},
		"Keys": func(c *jsbridge.Call, issued func()) error {
			_, err := db.Keys(c, store, everything, 0, issued)
			return err
		},
		"Count": func(c *jsbridge.Call, issued func()) error {
			_, err := db.Count(c, store, everything, issued)
			return err
		},
	} {
		told = ""
		pending := harness.Begin(func(c *jsbridge.Call) error { return do(c, issued(what)) })
		if told != what {
			t.Errorf("%s: told %q before the first wait", what, told)
		}
		if pending.Must(t); told != what {
			t.Errorf("%s: told %q in all", what, told)
		}
	}
}
