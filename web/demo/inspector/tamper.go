//go:build js && wasm

package main

import (
	"bytes"
	"strconv"
	"syscall/js"

	"idbvault/envelope"
)

// inspector is the state between two clicks.
type inspector struct {
	view    *view
	disk    disk
	changes map[string]change // what was done to records, by key
	flips   int
	opened  map[string]bool // the stores whose records are shown
}

// change is what the inspector did to a record.
type change struct {
	what          string
	before, after entry
}

// refresh reads the disk and shows it.
func (i *inspector) refresh() error {
	d, err := read()
	if err == errAbsent {
		i.disk = disk{}
		clear(i.changes)
		i.view.showNothing()
		return nil
	}
	if err != nil {
		return err
	}
	i.disk = d
	for key, c := range i.changes {
		// The page has written or deleted the record since: each write has IVs of its own.
		if !bytes.Equal(front(d.entries[key].record, envelope.MaxHeaderSize), front(c.after.record, envelope.MaxHeaderSize)) {
			delete(i.changes, key)
		}
	}
	groups, err := i.groups()
	if err != nil {
		return err
	}
	i.view.show(d.keyring, groups, i.changes)
	i.selectionChanged()
	return nil
}

// groups returns the records by the application's stores. Of those that are shown at length, all is read.
func (i *inspector) groups() ([]group, error) {
	var groups []group
	var atLength []string
	for _, key := range i.disk.keys {
		r := parse(key, i.disk.entries[key])
		if len(groups) == 0 || groups[len(groups)-1].store != r.store {
			groups = append(groups, group{store: r.store, open: i.opened[r.store], brief: r.store != mainStore})
		}
		g := &groups[len(groups)-1]
		g.records = append(g.records, r)
		if _, changed := i.changes[key]; g.open && (changed || !g.brief) {
			atLength = append(atLength, key)
		}
	}
	if err := i.disk.readChunks(atLength); err != nil {
		return nil, err
	}
	for _, g := range groups {
		for n, r := range g.records {
			g.records[n] = parse(r.key, i.disk.entries[r.key])
		}
	}
	return groups, nil
}

// toggle shows the records of a store, or no longer.
func (i *inspector) toggle(store string) error {
	i.opened[store] = !i.opened[store]
	return i.refresh()
}

func (i *inspector) refreshed() error {
	i.view.say("This is what the disk holds now.")
	return i.refresh()
}

func (i *inspector) selectionChanged() {
	n := len(i.view.selected())
	i.view.enable("flip", n == 1)
	i.view.enable("swap", n == 2)
	i.view.enable("undo", len(i.changes) > 0)
}

// flip changes one bit of a ciphertext of the selected record: the value's, where it has one of its own. It is one of the
// bits that are shown, a different one each time.
func (i *inspector) flip() error {
	selected := i.view.selected()
	if len(selected) != 1 {
		return nil
	}
	key := selected[0]
	if err := i.disk.readChunks(selected); err != nil {
		return err
	}
	e := i.disk.entries[key]
	r := parse(key, e)
	if r.err != nil {
		return r.err
	}
	p := r.parts[len(r.parts)-1]
	if sizeOf(p.buffer) < p.start+shown {
		return envelope.ErrFormat
	}
	at, bit := (5*i.flips+3)%shown, i.flips%8
	i.flips++
	copied := p.buffer.Call("slice", 0)
	array := js.Global().Get("Uint8Array").New(copied)
	array.SetIndex(p.start+at, array.Index(p.start+at).Int()^1<<bit)
	if len(r.parts) == 2 {
		e.chunk = copied
	} else {
		e.record = copied
	}
	i.view.say("Bit " + strconv.Itoa(bit) + " of byte " + strconv.Itoa(at) + " of the " + p.label + " is flipped. " + proposal)
	return i.put("bit flipped", map[string]entry{key: e})
}

// swap puts each of two records in the place of the other.
func (i *inspector) swap() error {
	selected := i.view.selected()
	if len(selected) != 2 {
		return nil
	}
	if err := i.disk.readChunks(selected); err != nil {
		return err
	}
	a, b := selected[0], selected[1]
	i.view.say("The two records have changed places. " + proposal)
	return i.put("swapped", map[string]entry{a: i.disk.entries[b], b: i.disk.entries[a]})
}

const proposal = "Now read again."

func (i *inspector) put(what string, entries map[string]entry) error {
	if err := write(entries); err != nil {
		return err
	}
	for key, after := range entries {
		before := i.disk.entries[key]
		if earlier, ok := i.changes[key]; ok {
			before = earlier.before
		}
		i.changes[key] = change{what, before, after}
	}
	return i.refresh()
}

// undo puts the originals back.
func (i *inspector) undo() error {
	if err := i.refresh(); err != nil { // forgets the changes of records that the page has written since
		return err
	}
	entries := map[string]entry{}
	for key, c := range i.changes {
		entries[key] = c.before
	}
	if err := write(entries); err != nil {
		return err
	}
	clear(i.changes)
	i.view.say("The originals are back on the disk. Read again, and they open.")
	return i.refresh()
}
