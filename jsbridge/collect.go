//go:build js && wasm

package jsbridge

import "runtime"

// Collect lets go of every JavaScript value that Go no longer holds. A js.Value keeps what it stands for, such as a key, until
// Go's collector finds that no one holds it. The collector goes by Go's own heap, which keys don't weigh on, so it must be
// called.
func Collect() {
	runtime.GC()
	for range 4 {
		runtime.Gosched() // lets the finalizers run
	}
}
