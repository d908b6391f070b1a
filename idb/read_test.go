//go:build js && wasm

package idb_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall/js"
	"testing"

	"idbvault/idb"
	"idbvault/jsbridge"
	"idbvault/test/wasm/harness"
)

func found(l idb.Look) string {
	if !l.Found {
		if l.Size >= 0 || l.Front != nil {
			return "a value that was not found"
		}
		return "-"
	}
	if l.Size != len(l.Front) {
		return "a value of another size"
	}
	return string(l.Front)
}

func TestRead(t *testing.T) {
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		if err := fill(c, db, put("a", "1"), put("b", "2"), put("empty", ""), putAt(keyring, "a", "ring")); err != nil {
			return err
		}
		// Over both stores, and some more than once.
		looks := []idb.Look{look("b"), look("none"), {Store: keyring, Key: []byte("a")}, look("a"), look("empty"), look("b"), {Store: keyring, Key: []byte("b")}}
		if err := read(c, db, looks...); err != nil {
			return err
		}
		for i, want := range []string{"2", "-", "ring", "1", "", "2", "-"} {
			if got := found(looks[i]); got != want || looks[i].Found != (want != "-") {
				return fmt.Errorf("look-up %d found %q, want %q", i, got, want)
			}
		}
		if !c.Value(looks[0].Value).InstanceOf(js.Global().Get("ArrayBuffer")) {
			return errors.New("a value is not an ArrayBuffer")
		}
		// Of a long value comes the front alone.
		long := []idb.Look{{Store: keyring, Key: []byte("a")}}
		if err := db.Read(c, long, 2, nil, whatever); err != nil || string(long[0].Front) != "ri" || long[0].Size != 4 {
			return fmt.Errorf("the front is %q of %d, %w", long[0].Front, long[0].Size, err)
		}
		return nil
	})
}

func TestReadIsOneTransaction(t *testing.T) {
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		if err := fill(c, db, put("a", "1"), putAt(keyring, "a", "1")); err != nil {
			return err
		}
		looks := []idb.Look{look("a"), {Store: keyring, Key: []byte("a")}}
		late := js.Undefined()
		err := db.Read(c, looks, frontSize, func() {
			// What is written from now on belongs to a later transaction.
			late = connection().Call("transaction", js.ValueOf([]any{"records", "keyring"}), "readwrite")
			for _, name := range stores {
				late.Call("objectStore", name).Call("put", jsbridge.Bytes([]byte("2")), jsbridge.Bytes([]byte("a")))
			}
		}, whatever)
		if err != nil || found(looks[0]) != "1" || found(looks[1]) != "1" {
			return fmt.Errorf("found %q and %q, %w", found(looks[0]), found(looks[1]), err)
		}
		// Another connection's would have waited as that one does, which idb knows nothing of.
		if _, err := c.Await(harness.After(20, nil)); err != nil {
			return err
		}
		if err := read(c, db, looks...); err != nil || found(looks[0]) != "2" || found(looks[1]) != "2" {
			return fmt.Errorf("afterwards %q and %q, %w", found(looks[0]), found(looks[1]), err)
		}
		return nil
	})
}

// Reads that follow one another take the transaction of the first, as long as the browser lets them and none that writes was
// made since.
func TestReadsShareATransaction(t *testing.T) {
	made, endLast := harness.RecordTransactions(t)
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		if err := fill(c, db, put("a", "1"), put("b", "2"), putAt(keyring, "a", "ring")); err != nil {
			return err
		}
		const fresh, wide = "records readonly relaxed", "keyring,records readonly relaxed"
		value := "1"
		get := func() error {
			looks := []idb.Look{look("a")}
			if err := read(c, db, looks...); err != nil || found(looks[0]) != value {
				return fmt.Errorf("found %q, want %q, %w", found(looks[0]), value, err)
			}
			return nil
		}
		const most = 64
		times := func(n int, do func() error) func() error {
			return func() error {
				for range n {
					if err := do(); err != nil {
						return err
					}
				}
				return nil
			}
		}
		for _, step := range []struct {
			want string
			do   func() error
		}{
			{fresh, times(most, get)},
			{fresh, times(most, get)},
			{fresh, get},
			{"", get},
			{"", func() error { // so many of one read count as so many reads
				return read(c, db, make([]idb.Look, 40)...)
			}},
			{fresh, func() error { return read(c, db, make([]idb.Look, 40)...) }},
			{"", get},
			{wide, func() error { return read(c, db, look("a"), idb.Look{Store: keyring, Key: []byte("a")}) }},
			{fresh, get},
			{"records readwrite relaxed,complete," + fresh, func() error {
				value = "3"
				if err := fill(c, db, put("a", value)); err != nil {
					return err
				}
				return get()
			}},
			{"", get},
			{fresh, func() error { // that transaction has ended, and its event has not come
				endLast()
				return get()
			}},
			{"", get},
			{fresh, func() error {
				if _, err := c.Await(harness.After(20, nil)); err != nil {
					return err
				}
				return get()
			}},
		} {
			made()
			if err := step.do(); err != nil {
				return err
			}
			if got := strings.Join(made(), ","); got != step.want {
				return fmt.Errorf("made %q, want %q", got, step.want)
			}
		}
		return nil
	})
}

// A read that began before a write ended its own sees nothing of it, nor gives its transaction to one that comes after.
func TestReadsBesideAWrite(t *testing.T) {
	made, _ := harness.RecordTransactions(t)
	db := open(t)
	harness.Run(t, func(c *jsbridge.Call) error { return fill(c, db, put("a", "1"), put("b", "1")) })
	made()
	var first, second string
	reading := harness.Begin(func(c *jsbridge.Call) error {
		looks := []idb.Look{look("a")}
		err := read(c, db, looks...)
		first = found(looks[0])
		if err == nil {
			err = read(c, db, looks...)
		}
		second = found(looks[0])
		return err
	})
	writing := harness.Begin(func(c *jsbridge.Call) error { return fill(c, db, put("a", "2")) })
	reading.Must(t)
	writing.Must(t)
	if first != "1" || second != "2" {
		t.Errorf("read %s and then %s", first, second)
	}
	if got := strings.Join(made(), ","); got != "records readonly relaxed,records readwrite relaxed,records readonly relaxed,complete" {
		t.Error(got)
	}
}

func TestRanges(t *testing.T) {
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		keys := []string{"", "\x00", "a", "a\x00", "a\x01", "aa", "b", "ba", "\x7f", "\x80", "\xff"}
		var writes []idb.Write
		for i := len(keys) - 1; i >= 0; i-- {
			writes = append(writes, put(keys[i], "of "+keys[i]))
		}
		if err := fill(c, db, writes...); err != nil {
			return err
		}
		for _, span := range []struct {
			from, to string
			limit    int
			want     string
		}{
			{"", "\xff\xff", 0, "0 1 2 3 4 5 6 7 8 9 10"},
			{"", "\xff", 0, "0 1 2 3 4 5 6 7 8 9"}, // without the last
			{"a", "b", 0, "2 3 4 5"},
			{"a", "a\x00", 0, "2"},
			{"a\x00", "ba", 0, "3 4 5 6"},
			{"aaa", "az", 0, ""},
			{"", "\xff", 1, "0"},
			{"", "\xff", 3, "0 1 2"},
			{"a", "b", 4, "2 3 4 5"},
			{"a", "b", 100, "2 3 4 5"},
			{"\x7f", "\xff\x00", 2, "8 9"},
		} {
			what := fmt.Sprintf("%+v", span)
			r := idb.Range{From: []byte(span.from), To: []byte(span.to)}
			entries, err := db.Entries(c, store, r, span.limit, frontSize, nil)
			if err != nil {
				return err
			}
			onlyKeys, err := db.Keys(c, store, r, span.limit, nil)
			if err != nil {
				return err
			}
			var want []string
			for _, i := range strings.Fields(span.want) {
				var at int
				fmt.Sscan(i, &at)
				want = append(want, keys[at])
			}
			if len(entries) != len(want) || len(onlyKeys) != len(want) {
				return fmt.Errorf("%s: %d entries, %d keys, want %d", what, len(entries), len(onlyKeys), len(want))
			}
			for i, e := range entries {
				if string(e.Key) != want[i] || string(onlyKeys[i]) != want[i] || found(e) != "of "+want[i] {
					return fmt.Errorf("%s: entry %d is %q, %q", what, i, e.Key, onlyKeys[i])
				}
			}
			count, err := db.Count(c, store, r, nil)
			if err != nil {
				return err
			}
			if span.limit == 0 && count != len(want) || count < len(want) {
				return fmt.Errorf("%s: counted %d", what, count)
			}
		}
		return nil
	})
}

func TestLongKeysAndValues(t *testing.T) {
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		key := bytes.Repeat([]byte{0xfe, 0, 0xff, 0x80}, 300)
		long := js.Global().Get("Uint8Array").New(5 << 20)
		long.SetIndex(5<<20-1, 7)
		write := idb.Write{Store: store, Key: key, Value: c.Ref(long.Get("buffer"))}
		if err := db.Commit(c, idb.Batch{Writes: []idb.Write{write}}); err != nil {
			return err
		}
		entries, err := db.Entries(c, store, idb.Range{From: []byte{0xfe}, To: []byte{0xff}}, 0, frontSize, nil)
		if err != nil || len(entries) != 1 || !bytes.Equal(entries[0].Key, key) {
			return fmt.Errorf("%d entries, %w", len(entries), err)
		}
		if e := entries[0]; e.Size != 5<<20 || !bytes.Equal(c.Front(e.Value, 5<<20-2, 2), []byte{0, 7}) {
			return fmt.Errorf("a value of %d bytes", e.Size)
		}
		// Bytes lie in front of a value.
		write.Bytes = []byte("front")
		if err := db.Commit(c, idb.Batch{Writes: []idb.Write{write}}); err != nil {
			return err
		}
		looks := []idb.Look{{Store: store, Key: key}}
		if err := db.Read(c, looks, 6, nil, whatever); err != nil || string(looks[0].Front) != "front\x00" || looks[0].Size != 5<<20+5 {
			return fmt.Errorf("%q of %d bytes, %w", looks[0].Front, looks[0].Size, err)
		}
		return nil
	})
}

func TestFailedRequestLeavesTheConnectionUsable(t *testing.T) {
	db := open(t)
	harness.Run(t, func(c *jsbridge.Call) error { return fill(c, db, put("a", "1")) })
	for what, do := range map[string]func(c *jsbridge.Call) error{
		"a store that is not there": func(c *jsbridge.Call) error {
			return read(c, db, idb.Look{Store: 2, Key: []byte("a")})
		},
		"a range of nothing": func(c *jsbridge.Call) error {
			_, err := db.Keys(c, store, idb.Range{From: []byte("b"), To: []byte("a")}, 0, nil)
			return err
		},
	} {
		if failed := harness.Begin(do).Wait(); failed.Resolved {
			t.Errorf("%s: no error", what)
		}
		harness.Run(t, func(c *jsbridge.Call) error { return has(c, db, "a=1") })
	}
}
