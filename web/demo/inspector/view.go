//go:build js && wasm

package main

import (
	"encoding/hex"
	"strconv"
	"syscall/js"

	"honnef.co/go/js/dom/v2"

	"idbvault/envelope"
)

// view is the inspector's part of the page. Its buttons and headings stand in web/index.html.
type view struct {
	doc     dom.Document
	list    dom.Element
	keyring dom.Element
	status  dom.Element
}

// hint is what the status says at first (web/index.html), and when there is nothing else to say.
const hint = "Tick one record to flip a bit in it, or two to swap them."

// most is how many records of a store are shown: a row takes milliseconds to make.
const most = 100

// mainStore is the store whose records are shown at first, and at length.
const mainStore = "demo"

// group is the records of one of the application's stores.
type group struct {
	store   string
	records []record
	open    bool // whether they are shown
	brief   bool // as one line each, but for those that were changed
}

func newView(doc dom.Document) *view {
	return &view{
		doc:     doc,
		list:    doc.GetElementByID("disk-records"),
		keyring: doc.GetElementByID("disk-keyring"),
		status:  doc.GetElementByID("disk-status"),
	}
}

func (v *view) onClick(id string, do func()) {
	v.doc.GetElementByID(id).AddEventListener("click", false, func(dom.Event) { do() })
	v.enable(id, id == "refresh" || id == "read-again")
}

func (v *view) onSelect(do func()) {
	v.list.AddEventListener("change", false, func(dom.Event) { do() })
}

func (v *view) onToggle(do func(store string)) {
	v.list.AddEventListener("click", false, func(e dom.Event) {
		if button, ok := e.Target().(*dom.HTMLButtonElement); ok {
			do(button.Value())
		}
	})
}

func (v *view) enable(id string, enabled bool) {
	v.doc.GetElementByID(id).(*dom.HTMLButtonElement).SetDisabled(!enabled)
}

func (v *view) say(message string) { v.status.SetTextContent(message) }

// selected returns the keys of the records that are ticked.
func (v *view) selected() []string {
	var keys []string
	for _, box := range v.list.QuerySelectorAll("input:checked") {
		key, _ := hex.DecodeString(box.(*dom.HTMLInputElement).Value())
		keys = append(keys, string(key))
	}
	return keys
}

func (v *view) showNothing() {
	v.keyring.SetTextContent("")
	v.list.SetTextContent("")
	v.add(v.list, "li", "empty", "There is no vault on this device. What you store will show up here.")
}

// show shows a vault in the place of what was shown. What was ticked stays ticked, and what had the focus keeps it.
func (v *view) show(keyring js.Value, groups []group, changes map[string]change) {
	v.keyring.SetTextContent("")
	v.showKeyring(bytesOf(keyring))
	ticked := map[string]bool{}
	for _, key := range v.selected() {
		ticked[key] = true
	}
	focused := ""
	if e := v.list.QuerySelector(":focus"); e != nil {
		focused = e.Underlying().Get("value").String()
	}
	v.list.SetTextContent("")
	for _, g := range groups {
		if len(groups) > 1 {
			if button := v.showStore(g, changes); button.Value() == focused {
				button.Focus()
			}
		} else {
			g.open, g.brief = true, false
		}
		if g.open {
			v.showRecords(g, changes, ticked, focused)
		}
	}
	if len(groups) == 0 {
		v.add(v.list, "li", "empty", "The vault has no records.")
	}
}

// showStore shows what is above the records of a store, or all that is shown of them.
func (v *view) showStore(g group, changes map[string]change) *dom.HTMLButtonElement {
	row := v.add(v.list, "li", "store", "")
	button := v.add(row, "button", "", g.store).(*dom.HTMLButtonElement)
	button.SetType("button")
	button.SetValue(g.store)
	button.SetAttribute("aria-expanded", strconv.FormatBool(g.open))
	size, changed := 0, 0
	for _, r := range g.records {
		size += r.size
		if _, ok := changes[r.key]; ok {
			changed++
		}
	}
	number := strconv.Itoa(len(g.records)) + " record"
	if len(g.records) != 1 {
		number += "s"
	}
	v.add(row, "span", "hint", number)
	if changed > 0 {
		v.add(row, "span", "chip changed", strconv.Itoa(changed)+" changed")
	}
	v.add(row, "span", "size", thousands(size)+" bytes")
	return button
}

func (v *view) showRecords(g group, changes map[string]change, ticked map[string]bool, focused string) {
	for n := range min(len(g.records), most) {
		r := &g.records[n]
		c, changed := changes[r.key]
		box := v.showRecord(r, c, changed, g.brief)
		box.SetChecked(ticked[r.key])
		if box.Value() == focused {
			box.Focus()
		}
	}
	if len(g.records) > most {
		v.add(v.list, "li", "empty", "… and "+thousands(len(g.records)-most)+" more")
	}
}

func (v *view) showKeyring(stored []byte) {
	ring, _, err := envelope.ParseKeyring(stored)
	if err != nil {
		v.fact(v.keyring, "Keyring", err.Error())
		return
	}
	v.fact(v.keyring, "Generation", strconv.Itoa(int(ring.Generation)))
	v.fact(v.keyring, "Slots", strconv.Itoa(len(ring.Slots)))
	v.fact(v.keyring, "Iterations", thousands(int(ring.Slots[0].Iterations)))
	v.fact(v.keyring, "Wrapped keys", strconv.Itoa(len(ring.Keys)))
	v.fact(v.keyring, "Size", thousands(len(stored))+" bytes")
}

func (v *view) showRecord(r *record, c change, changed, brief bool) *dom.HTMLInputElement {
	row := v.add(v.list, "li", "record", "")
	label := v.add(row, "label", "", "")
	box := v.add(label, "input", "", "").(*dom.HTMLInputElement)
	box.SetType("checkbox")
	box.SetValue(hex.EncodeToString([]byte(r.key)))
	v.add(label, "code", "name", short(r.name)).SetAttribute("title", hex.EncodeToString(r.name))
	if r.err != nil {
		v.add(row, "p", "error", r.err.Error())
		return box
	}
	class := r.header.Class.String()
	v.add(label, "span", "chip "+class, class)
	v.add(label, "span", "chip", layout(r.header.Layout))
	if changed {
		row.Class().Add("changed")
		v.add(label, "span", "chip changed", c.what)
	}
	v.add(label, "span", "size", thousands(r.size)+" bytes")
	if brief && !changed {
		return box
	}
	facts := v.add(row, "dl", "facts", "")
	v.fact(facts, "key", class+", epoch "+strconv.Itoa(int(r.header.Epoch)))
	v.fact(facts, "expires", expiry(r.header.Expires))
	v.hexFact(facts, "IV", r.header.IV[:], nil)
	var original []part
	if changed {
		original = parse(r.key, c.before).parts
	}
	for n, p := range r.parts {
		var before []byte
		if n < len(original) {
			before = original[n].bytes()
		}
		v.hexFact(facts, p.label, p.bytes(), before)
		if size := sizeOf(p.buffer) - p.start; n > 0 {
			v.add(facts.LastChild().LastChild(), "span", "more", "… "+thousands(size)+" in chunks")
		}
	}
	return box
}

func (v *view) fact(list dom.Node, term, value string) {
	pair := v.add(list, "div", "", "")
	v.add(pair, "dt", "", term)
	v.add(pair, "dd", "", value)
}

// hexFact shows bytes, and marks those that differ from what they were before, where that is known.
func (v *view) hexFact(list dom.Node, term string, b, before []byte) {
	pair := v.add(list, "div", "bytes", "")
	v.add(pair, "dt", "", term)
	code := v.add(v.add(pair, "dd", "", ""), "code", "", "")
	for n := range b {
		text := hex.EncodeToString(b[n : n+1])
		if n > 0 {
			code.AppendChild(v.doc.CreateTextNode(" "))
		}
		if n < len(before) && before[n] != b[n] {
			v.add(code, "mark", "", text)
		} else {
			code.AppendChild(v.doc.CreateTextNode(text))
		}
	}
}

// add appends a new element to a parent.
func (v *view) add(parent dom.Node, tag, class, text string) dom.Element {
	e := v.doc.CreateElement(tag)
	if class != "" {
		e.Class().SetString(class)
	}
	if text != "" {
		e.SetTextContent(text)
	}
	parent.AppendChild(e)
	return e
}
