//go:build js && wasm

package jsbridge

import "syscall/js"

// host is the shim's functions over JavaScript values. They decide nothing.
var host struct {
	await, value, request, lock, apply, payloads, push, pushError, fail, rethrow, add,
	at, bytes, keep, kept, forget, upgrade, watch, close, pause, report js.Value
}

// hostTable is an array and not a map, which would be built by code.
var hostTable = [...]struct {
	name string
	f    *js.Value
}{
	{"await", &host.await},
	{"value", &host.value},
	{"request", &host.request},
	{"lock", &host.lock},
	{"apply", &host.apply},
	{"payloads", &host.payloads},
	{"push", &host.push},
	{"pushError", &host.pushError},
	{"fail", &host.fail},
	{"rethrow", &host.rethrow},
	{"add", &host.add},
	{"at", &host.at},
	{"bytes", &host.bytes},
	{"keep", &host.keep},
	{"kept", &host.kept},
	{"forget", &host.forget},
	{"upgrade", &host.upgrade},
	{"watch", &host.watch},
	{"close", &host.close},
	{"pause", &host.pause},
	{"report", &host.report},
}

// The steps that every record takes are imported: integers cross, no js.Value is made, and a crossing costs a hundredth of a
// call through syscall/js. One that threw returns Threw.

//go:wasmimport idbvault front
func stepFront(call, ref, offset, n int32) int32

//go:wasmimport idbvault size
func stepSize(call, ref int32) int32

//go:wasmimport idbvault pushBytes
func stepPushBytes(call, ref, offset, kind, contentType int32) int32

//go:wasmimport idbvault done
func stepDone(call int32) int32

//go:wasmimport idbvault random
func stepRandom(n int32) int32

//go:wasmimport idbvault now
func stepNow() float64

var date js.Value

func init() {
	for i := range hostTable {
		*hostTable[i].f = HostFunction(hostTable[i].name)
	}
	date = js.Global().Get("Date")
}

// Bytes returns a new ArrayBuffer with the bytes of b, which fit the page.
func Bytes(b []byte) js.Value {
	copy(Page[:], b)
	return host.bytes.Invoke(len(b))
}

// Literal returns the JavaScript value of a JSON text.
func Literal(json string) js.Value { return js.Global().Get("JSON").Call("parse", json) }

// Now returns the Unix time in seconds.
func Now() uint64 { return uint64(stepNow() / 1000) }

// Time returns a Unix time in seconds as UTC text to the second, as in "2025-01-15T12:00:00Z".
func Time(unix uint64) string {
	text := date.New(float64(unix) * 1000).Call("toISOString").String()
	return text[:len(text)-len(".000Z")] + "Z"
}

// ParseTime returns the Unix time in seconds that a text stands for, or 0.
func ParseTime(text string) uint64 {
	ms := date.Call("parse", text).Float()
	if !(ms > 0) {
		return 0
	}
	return uint64(ms / 1000)
}

// pool is random bytes that were drawn and not yet given out: drawing them costs more than sealing them under them.
var pool []byte

const poolSize = 3 << 10

// Random fills b, of at most 65,536 bytes, from crypto.getRandomValues. No byte is given out twice.
func Random(b []byte) {
	if len(b) > len(pool) {
		n := max(len(b), poolSize)
		stepRandom(int32(n))
		pool = append([]byte(nil), Page[:n]...)
	}
	n := copy(b, pool)
	pool = pool[n:]
}

// Keep leaves a value with the page under two names and returns its place there, which serves every call; Kept finds it again,
// in a later instance of this program too, and Forget drops all that was kept under the first name.
func (c *Call) Keep(group, name string, r Ref) Ref {
	return Ref(host.keep.Invoke(c.id, int32(r), group, name).Int())
}

// Kept returns the place of what Keep left, or NoRef.
func Kept(group, name string) Ref { return Ref(host.kept.Invoke(group, name).Int()) }

// Forget drops what Keep left under group, all of it where name is empty. Its places are not given again.
func Forget(group, name string) { host.forget.Invoke(group, name) }

// Report tells the page of an event.
func Report(group, event string, epoch uint32, count int) {
	host.report.Invoke(group, event, float64(epoch), count)
}

// Upgrade has a request to open a database make object stores of those names where there is no such database or, without
// create, give up, so that none is left behind.
func Upgrade(request js.Value, stores string, create bool) {
	host.upgrade.Invoke(request, stores, create)
}

var watchers []func()

// Watch closes an IDBDatabase when another connection wants to delete or upgrade it, and calls lost when it was closed
// that way or by the browser. The page closes it, too, when this instance dies. It returns the number by which the host's
// steps know the database and, by their places in stores, its object stores.
func Watch(db js.Value, stores string, lost func()) int {
	host.watch.Invoke(db, stores, len(watchers))
	watchers = append(watchers, lost)
	return len(watchers) - 1
}

// Unwatch closes a database that is watched.
func Unwatch(db int) { host.close.Invoke(db) }

//go:wasmexport lost
func lost(watcher int32) { Enter(watchers[watcher]) }
