//go:build js && wasm

package idb

import "idbvault/jsbridge"

// Swap is what to write where an entry still begins with Prefix.
type Swap struct {
	Key    []byte
	Prefix []byte
	Writes []Write
}

// Swap reads the entries of swaps, which ascend by key, again and makes, in the same transaction, the writes of those that still
// begin as they did. It returns how many that were. The transaction is flushed to the disk.
func (db *DB) Swap(c *jsbridge.Call, store, second int, swaps []Swap) (n int, err error) {
	if err := db.begin(c, 1, 1, store, second); err != nil {
		return 0, err
	}
	// One request for all between the first and the last of them: there is little else, and a request each takes longer.
	all := Range{From: swaps[0].Key, To: append(append([]byte(nil), swaps[len(swaps)-1].Key...), 0)}
	keys, err := askRange(c, store, all, 0, rangeKeys)
	if err != nil {
		return 0, err
	}
	values, err := askRange(c, store, all, 0, rangeValues)
	if err != nil {
		return 0, err
	}
	if err := requested(c, 2); err != nil {
		return 0, err
	}
	for i, key := range list(c, keys) {
		for len(swaps) > 0 && string(swaps[0].Key) < string(key) {
			swaps = swaps[1:] // it was deleted
		}
		if len(swaps) == 0 {
			break
		}
		s := &swaps[0]
		if string(s.Key) != string(key) {
			continue // it was added
		}
		swaps = swaps[1:]
		now := Look{Value: pick(c, values, i)}
		if now.fill(c, len(s.Prefix)); string(now.Front) != string(s.Prefix) {
			continue
		}
		if err := issue(c, s.Writes); err != nil {
			return 0, mapped(err)
		}
		n++
	}
	stepComplete(c.ID())
	return n, mapped(c.Step())
}
