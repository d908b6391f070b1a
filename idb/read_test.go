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
		if !l.Value.IsUndefined() {
			return "a value that was not found"
		}
		return "-"
	}
	return string(jsbridge.Front(l.Value, 0, 1000))
}

func TestRead(t *testing.T) {
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		ring := put("a", "ring")
		ring.Store = "keyring"
		if err := fill(c, db, put("a", "1"), put("b", "2"), put("empty", ""), ring); err != nil {
			return err
		}
		looks := []idb.Look{look("b"), look("none"), look("a"), look("empty"), look("b")}
		if err := read(c, db, looks...); err != nil {
			return err
		}
		for i, want := range []string{"2", "-", "1", "", "2"} {
			if got := found(looks[i]); got != want || looks[i].Found != (want != "-") {
				return fmt.Errorf("look-up %d found %q, want %q", i, got, want)
			}
		}
		if !looks[0].Value.InstanceOf(js.Global().Get("ArrayBuffer")) {
			return errors.New("a value is not an ArrayBuffer")
		}
		other := []idb.Look{{Store: "keyring", Key: []byte("a")}}
		if err := read(c, db, other...); err != nil || found(other[0]) != "ring" {
			return fmt.Errorf("the other store has %q, %w", found(other[0]), err)
		}
		return nil
	})
}

func TestReadFollows(t *testing.T) {
	for _, then := range []string{store, "keyring"} {
		t.Run(then, func(t *testing.T) { testFollow(t, then) })
	}
}

func testFollow(t *testing.T, then string) {
	run(t, func(c *jsbridge.Call, db *idb.DB) error {
		x, y := put("x", "X"), put("y", "Y")
		x.Store, y.Store = then, then
		if err := fill(c, db, put("a", "to x"), put("b", "ends"), put("c", "to y"), put("d", "to none"), x, y); err != nil {
			return err
		}
		looks := []idb.Look{look("a"), look("b"), look("none"), look("c"), look("d")}
		var asked []int
		late := js.Undefined()
		seconds, err := db.Read(c, looks, then, func(i int, l *idb.Look) (idb.Look, bool) {
			asked = append(asked, i)
			if late.IsUndefined() {
				// What is written from now on belongs to a later transaction.
				late = connection().Call("transaction", then, "readwrite")
				late.Call("objectStore", then).Call("put", jsbridge.Bytes([]byte("late")), jsbridge.Bytes([]byte("x")))
				late.Call("objectStore", then).Call("delete", jsbridge.Bytes([]byte("y")))
			}
			to, ok := strings.CutPrefix(found(*l), "to ")
			return idb.Look{Store: then, Key: []byte(to)}, ok
		}, nil)
		if err != nil {
			return err
		}
		if fmt.Sprint(asked) != "[0 1 2 3 4]" || len(seconds) != len(looks) {
			return fmt.Errorf("asked for %v, got %d", asked, len(seconds))
		}
		for i, want := range []string{"X", "-", "-", "Y", "-"} {
			if got := found(seconds[i]); got != want {
				return fmt.Errorf("second %d is %q, want %q", i, got, want)
			}
		}
		if string(seconds[3].Key) != "y" || seconds[1].Key != nil {
			return errors.New("the seconds are not aligned")
		}
		if err := c.Complete(late); err != nil {
			return err
		}
		seconds, err = db.Read(c, looks, then, noSecond, nil)
		if err != nil || len(seconds) != len(looks) {
			return fmt.Errorf("of nothing to follow came %v, %w", seconds, err)
		}
		after := idb.Look{Store: then, Key: []byte("x")}
		seconds, err = db.Read(c, looks[:1], then, func(int, *idb.Look) (idb.Look, bool) { return after, true }, nil)
		if err != nil || found(seconds[0]) != "late" {
			return fmt.Errorf("afterwards x was %q, %w", found(seconds[0]), err)
		}
		return nil
	})
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
			gotKeys, values, err := db.Entries(c, store, r, span.limit, nil)
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
			if len(gotKeys) != len(want) || len(values) != len(want) || len(onlyKeys) != len(want) {
				return fmt.Errorf("%s: %d entries, %d values, %d keys, want %d", what, len(gotKeys), len(values), len(onlyKeys), len(want))
			}
			for i := range want {
				if string(gotKeys[i]) != want[i] || string(onlyKeys[i]) != want[i] || string(jsbridge.Front(values[i], 0, 10)) != "of "+want[i] {
					return fmt.Errorf("%s: entry %d is %q, %q", what, i, gotKeys[i], onlyKeys[i])
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
		if err := db.Commit(c, idb.Batch{Writes: []idb.Write{{Store: store, Key: key, Value: long.Get("buffer")}}}); err != nil {
			return err
		}
		keys, values, err := db.Entries(c, store, idb.Range{From: []byte{0xfe}, To: []byte{0xff}}, 0, nil)
		if err != nil || len(keys) != 1 || !bytes.Equal(keys[0], key) {
			return fmt.Errorf("the keys are %.40x, %w", keys, err)
		}
		if jsbridge.Size(values[0]) != 5<<20 || !bytes.Equal(jsbridge.Front(values[0], 5<<20-2, 2), []byte{0, 7}) {
			return fmt.Errorf("a value of %d bytes", jsbridge.Size(values[0]))
		}
		return nil
	})
}

func TestFailedRequestLeavesTheConnectionUsable(t *testing.T) {
	db := open(t)
	harness.Run(t, func(c *jsbridge.Call) error { return fill(c, db, put("a", "1")) })
	for what, do := range map[string]func(c *jsbridge.Call) error{
		"a store that is not there": func(c *jsbridge.Call) error {
			return read(c, db, idb.Look{Store: "missing", Key: []byte("a")})
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
