//go:build js && wasm

package jsbridge

import "syscall/js"

// host is the shim's half of the bridge: bound functions, each a few lines over one browser API. They decide nothing.
var host struct {
	await, value, request, complete, lock, apply, payload, payloads, push, pushBytes, done, fail, rethrow,
	bytes, join, front, size, view, keep, kept, forget, random, upgrade, watch js.Value
}

// hostTable is an array and not a map, which would be built by code.
var hostTable = [...]struct {
	name string
	f    *js.Value
}{
	{"await", &host.await},
	{"value", &host.value},
	{"request", &host.request},
	{"complete", &host.complete},
	{"lock", &host.lock},
	{"apply", &host.apply},
	{"payload", &host.payload},
	{"payloads", &host.payloads},
	{"push", &host.push},
	{"pushBytes", &host.pushBytes},
	{"done", &host.done},
	{"fail", &host.fail},
	{"rethrow", &host.rethrow},
	{"bytes", &host.bytes},
	{"join", &host.join},
	{"front", &host.front},
	{"size", &host.size},
	{"view", &host.view},
	{"keep", &host.keep},
	{"kept", &host.kept},
	{"forget", &host.forget},
	{"random", &host.random},
	{"upgrade", &host.upgrade},
	{"watch", &host.watch},
}

var (
	promiseAll js.Value
	date       js.Value
	dateNow    js.Value
)

func init() {
	h := js.Global().Get("idbvaultHost")
	for i := range hostTable {
		*hostTable[i].f = h.Get(hostTable[i].name)
	}
	promise := js.Global().Get("Promise")
	promiseAll = promise.Get("all").Call("bind", promise)
	date = js.Global().Get("Date")
	dateNow = date.Get("now")
}

// Bytes returns a new ArrayBuffer with the bytes of b, which fit the page.
func Bytes(b []byte) js.Value {
	copy(Page[:], b)
	return host.bytes.Invoke(len(b))
}

// Join returns a new ArrayBuffer with the bytes of b, which fit the page, and behind them those of a buffer or a view.
func Join(b []byte, v js.Value) js.Value {
	copy(Page[:], b)
	return host.join.Invoke(len(b), v)
}

// Front copies up to n bytes of a buffer or a view, from offset on.
func Front(v js.Value, offset, n int) []byte {
	n = min(n, PageSize)
	n = host.front.Invoke(v, offset, n).Int()
	return append([]byte(nil), Page[:n]...)
}

// Size returns the length in bytes of a buffer or a view, and 0 for undefined.
func Size(v js.Value) int { return host.size.Invoke(v).Int() }

// View returns a Uint8Array over a buffer from offset on.
func View(v js.Value, offset int) js.Value { return host.view.Invoke(v, offset) }

// Literal returns the JavaScript value of a JSON text.
func Literal(json string) js.Value { return js.Global().Get("JSON").Call("parse", json) }

// Now returns the Unix time in seconds.
func Now() uint64 { return uint64(dateNow.Invoke().Float() / 1000) }

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

// Random fills b, of at most 65,536 bytes, from crypto.getRandomValues.
func Random(b []byte) {
	host.random.Invoke(len(b))
	copy(b, Page[:])
}

// Keep leaves a value with the page under two names; Kept finds it again, in a later instance of this program too, and
// Forget drops all that was kept under the first name.
func Keep(group, name string, v js.Value) { host.keep.Invoke(group, name, v) }

// Kept returns what Keep left, or undefined.
func Kept(group, name string) js.Value { return host.kept.Invoke(group, name) }

// Forget drops what Keep left under group.
func Forget(group string) { host.forget.Invoke(group) }

// Upgrade has a request to open a database make object stores of those names where there is no such database or, without
// create, give up, so that none is left behind.
func Upgrade(request js.Value, stores string, create bool) {
	host.upgrade.Invoke(request, stores, create)
}

var watchers []func()

// Watch closes an IDBDatabase when another connection wants to delete or upgrade it, and calls lost when it was closed
// that way or by the browser. The page closes it, too, when this instance dies.
func Watch(db js.Value, lost func()) {
	host.watch.Invoke(db, len(watchers))
	watchers = append(watchers, lost)
}

//go:wasmexport lost
func lost(watcher int32) { Enter(watchers[watcher]) }
