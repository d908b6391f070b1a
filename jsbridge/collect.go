//go:build js && wasm

package jsbridge

import "runtime"

// A js.Value stays in JavaScript, and with it the key or the buffer that it stands for, until Go's collector finds that no
// one holds it. The collector goes by Go's own heap, which neither keys nor buffers weigh on, so it must be called.

// Collect lets go of every JavaScript value that Go no longer holds.
func Collect() {
	runtime.GC()
	for range 4 {
		runtime.Gosched() // lets the finalizers run
	}
}

// collectEvery is how many bytes of buffers cross before those that have served are let go of.
const collectEvery = 64 << 20

var crossed int

// Crossed counts bytes of buffers that Go was handed, and collects where they have become many.
func Crossed(n int) {
	if crossed += n; crossed >= collectEvery {
		crossed = 0
		Collect()
	}
}
