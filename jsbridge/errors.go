//go:build js && wasm

package jsbridge

import "syscall/js"

// Error is a failure that needs no more than its name. (Package errors would bring reflection into the module.)
type Error string

func (e Error) Error() string { return string(e) }

// Exception is a DOMException or another error that the browser threw.
type Exception struct {
	Name    string
	Message string
}

func (e *Exception) Error() string { return e.Name + ": " + e.Message }

// Thrown is what a function of the caller's threw; it goes back to the caller as it is.
type Thrown struct{ Value js.Value }

func (e *Thrown) Error() string { return "a function of the caller threw" }

func exceptionOf(v js.Value) error {
	return &Exception{Name: text(v.Get("name")), Message: text(v.Get("message"))}
}

func text(v js.Value) string {
	if v.Type() != js.TypeString {
		return ""
	}
	return v.String()
}

// Recovered turns what a panic carried into an error. A browser function that throws panics with a js.Error.
func Recovered(r any) error {
	err, ok := r.(error)
	if !ok {
		if s, isText := r.(string); isText {
			return Error(s)
		}
		return Error("panic")
	}
	if thrown, ok := err.(js.Error); ok {
		return exceptionOf(thrown.Value)
	}
	return err
}

// Named reports whether err is a browser exception of that name.
//
//go:noinline
func Named(err error, name string) bool {
	e, ok := err.(*Exception)
	return ok && e.Name == name
}
