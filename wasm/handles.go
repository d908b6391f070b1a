//go:build js && wasm

package main

import (
	"idbvault/jsbridge"
	"idbvault/vault"
)

// The stores and services that JavaScript knows by a number. A number is given again when its object was released.
var (
	objects []any
	free    []int32
)

func hold(x any) int {
	if n := len(free); n > 0 {
		id := free[n-1]
		free = free[:n-1]
		objects[id] = x
		return int(id)
	}
	objects = append(objects, x)
	return len(objects) - 1
}

func storeAt(id int32) *vault.Store {
	s := vaults.Current(objects[id].(*vault.Store))
	objects[id] = s
	return s
}

func serviceAt(id int32) *vault.Service { return objects[id].(*vault.Service) }

// release lets go of a store that its caller closed, or of a service that no one holds any more. Calls on it that are
// under way end.
//
//go:wasmexport release
func release(object int32) {
	jsbridge.Enter(func() {
		if s, ok := objects[object].(*vault.Store); ok {
			s.Close()
		}
		objects[object] = nil
		free = append(free, object)
	})
}
