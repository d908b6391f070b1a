//go:build js && wasm

// Command inspector shows what the demo's vault is on the disk, to someone who has no key: it reads IndexedDB directly,
// and parses what it finds with package envelope. It can change the records behind the vault's back, too.
package main

import (
	"syscall/js"

	"honnef.co/go/js/dom/v2"
)

func main() {
	i := &inspector{
		view:    newView(dom.GetWindow().Document()),
		changes: map[string]change{},
		opened:  map[string]bool{mainStore: true},
	}
	// Callbacks hand work over and return: one that waited would hold up the browser's events, those that it waits for
	// included.
	work := make(chan func() error)
	later := func(do func() error) {
		go func() { work <- do }()
	}
	i.view.onClick("flip", func() { later(i.flip) })
	i.view.onClick("swap", func() { later(i.swap) })
	i.view.onClick("undo", func() { later(i.undo) })
	i.view.onClick("refresh", func() { later(i.refreshed) })
	i.view.onClick("read-again", func() {
		i.view.say(hint)
		js.Global().Get("idbvaultDemo").Call("readAgain")
	})
	i.view.onSelect(i.selectionChanged)
	i.view.onToggle(func(store string) { later(func() error { return i.toggle(store) }) })
	waiting := false
	dom.GetWindow().AddEventListener("vaultchange", false, func(dom.Event) {
		if waiting { // writes that come together are looked at together
			return
		}
		waiting = true
		later(func() error {
			waiting = false
			return i.refresh()
		})
	})
	later(i.refresh)
	for do := range work {
		if err := guarded(do); err != nil {
			i.view.say("The inspector failed: " + err.Error())
		}
	}
}

// guarded runs do and returns what a browser's function threw as an error.
func guarded(do func() error) (err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case js.Error:
			err = thrown
		default:
			panic(thrown)
		}
	}()
	return do()
}
