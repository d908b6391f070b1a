//go:build js && wasm

package main

import (
	"idbvault/jsbridge"
	"idbvault/vault"
)

// setStream writes item 0, whose value payload 0, a function, gives: each time it is called, the next chunks and then whether they are
// the last.
//
//go:wasmexport setStream
func setStream(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		return s.SetStream(c, &list[0], chunkSource(c))
	})
}

// chunkSource is the value that payload 0 of a call gives in chunks.
func chunkSource(c *jsbridge.Call) vault.Source {
	return func() (plain []vault.Blob, sizes []int, last bool, err error) {
		given, err := c.Apply(0, jsbridge.NoRef, 0)
		if err != nil {
			return nil, nil, false, err
		}
		n := given.Length() - 1
		for i := range n {
			r := c.Ref(given.Index(i))
			plain, sizes = append(plain, r), append(sizes, c.Size(r))
		}
		return plain, sizes, given.Index(n).Bool(), nil
	}
}

// stream reads item 0's record for one who wants its value in parts. Results: null, or the value as get gives it, and then, where the
// value is chunked and not given, its size and its header.
//
//go:wasmexport stream
func stream(call, store int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		r, err := s.Stream(c, list[0].Name)
		if err != nil {
			return err
		}
		pushValue(c, &r.Value)
		if r.Header != nil {
			c.Push(float64(r.Value.Header.Length))
			c.Push(jsbridge.Bytes(r.Header))
		}
		return nil
	})
}

// chunks opens n chunks of item 0's record, from number first on, by the header that stream gave, which is payload 0.
//
//go:wasmexport chunks
func chunks(call, store, first, n int32) {
	serve(call, store, func(c *jsbridge.Call, s *vault.Store, list []vault.Item) error {
		plain, err := s.Chunks(c, list[0].Name, c.Front(0, 0, jsbridge.PageSize), uint32(first), uint32(n))
		if err != nil {
			return err
		}
		for _, b := range plain {
			c.PushBytes(blob(b), 0, 0, "")
		}
		return nil
	})
}
