package vault

import (
	"container/list"

	"idbvault/envelope"
)

// cache keeps decrypted values of one storage in memory, where its page asked for that. A value leaves it when its record is
// written, here or in another tab, when it expires, and when it was used longest ago and others need the room; all leave it
// when the storage is closed or the vault is gone. A nil cache keeps nothing.
type cache struct {
	p      Platform
	now    func() uint64
	max    int
	room   int // bytes that values may still take
	except ClassSet
	values map[string]*list.Element // of *cached, by name
	used   list.List                // of *cached, the one that was used last in front
	// reading are the reads under way that may bring a value, by its name. A write takes the name out: what they bring may be
	// older.
	reading map[string]*opening
	soonest uint64 // when the first of them expires, or 0
	closed  bool   // and empty for good: a read under way then must not fill it
}

// ClassSet is a set of classes: for each its bit, 1 << class.
type ClassSet int32

// AllClasses has every class.
const AllClasses ClassSet = 1<<envelope.Public | 1<<envelope.Internal | 1<<envelope.Confidential | 1<<envelope.PII | 1<<envelope.PHI

// Has reports whether the set has a class.
func (s ClassSet) Has(c envelope.Class) bool { return s&(1<<c) != 0 }

type cached struct {
	name  string
	value Value // without its data
	held  Held
	size  int
}

// cachedOverhead is what a value takes beside its bytes, those of its name, type and context, roughly.
const cachedOverhead = 512

const minCache = 1024

func checkCache(max int, except ClassSet) error {
	if except&^AllClasses != 0 {
		return errClass
	}
	if max != 0 && max < minCache {
		return ErrInvalid.because("The option cache.maxBytes must be a whole number from 1,024 to 2,147,483,647.")
	}
	return nil
}

// newCache returns a cache of values that take max bytes, or nil for 0.
func newCache(p Platform, now func() uint64, max int, except ClassSet) *cache {
	if max == 0 {
		return nil
	}
	return &cache{
		p: p, now: now, max: max, room: max, except: except,
		values: map[string]*list.Element{}, reading: map[string]*opening{},
	}
}

// get returns the values of names, or nil where one of them is not there. Contexts are not kept.
func (c *cache) get(t Task, names []string) []Value {
	if c == nil || len(c.values) == 0 {
		return nil
	}
	c.expire()
	found := make([]*list.Element, len(names))
	for i, name := range names {
		if found[i] = c.values[name]; found[i] == nil {
			return nil
		}
	}
	values := make([]Value, len(names))
	for i, e := range found {
		c.used.MoveToFront(e)
		k := e.Value.(*cached)
		values[i] = k.value
		var ok bool
		if values[i].Data, ok = c.p.Recall(t, k.held); !ok {
			return nil
		}
	}
	return values
}

// expire drops every value that has expired, once one has.
func (c *cache) expire() {
	now := c.now()
	if c.soonest == 0 || now < c.soonest {
		return
	}
	c.soonest = 0
	for name, e := range c.values {
		switch h := &e.Value.(*cached).value.Header; {
		case expired(h, now):
			c.drop(name)
		case h.Expires != 0 && (c.soonest == 0 || h.Expires < c.soonest):
			c.soonest = h.Expires
		}
	}
}

// expect says that o is about to read names.
func (c *cache) expect(names []string, o *opening) {
	if c == nil || c.closed {
		return
	}
	for _, name := range names {
		c.reading[name] = o
	}
}

// take adds what o has read; nil for a read that failed.
func (c *cache) take(t Task, names []string, o *opening, values []Value) {
	if c == nil {
		return
	}
	for i, name := range names {
		if c.reading[name] != o {
			continue
		}
		delete(c.reading, name)
		if values != nil && values[i].Found && !c.except.Has(values[i].Header.Class) {
			c.add(t, name, values[i])
		}
	}
}

func (c *cache) add(t Task, name string, v Value) {
	c.drop(name)
	size := v.Offset + v.Size + len(name) + len(v.Head.ContentType) + cachedOverhead
	if size > c.max {
		return
	}
	for c.room < size {
		c.drop(c.used.Back().Value.(*cached).name)
	}
	held, ok := c.p.Hold(t, v.Data)
	if !ok {
		return
	}
	c.room -= size
	k := &cached{name: name, value: v, held: held, size: size}
	k.value.Data, k.value.front, k.value.Head.Context = nil, nil, nil
	c.values[name] = c.used.PushFront(k)
	if e := v.Header.Expires; e != 0 && (c.soonest == 0 || e < c.soonest) {
		c.soonest = e
	}
}

// forget drops what a write has made old.
func (c *cache) forget(name string) {
	delete(c.reading, name)
	c.drop(name)
}

// evicted drops the value of the record with that key, and what a read under way may bring.
func (c *cache) evicted(key []byte) {
	c.reading = map[string]*opening{}
	for name, e := range c.values {
		if string(e.Value.(*cached).value.key) == string(key) {
			c.drop(name)
		}
	}
}

func (c *cache) drop(name string) {
	if e := c.values[name]; e != nil {
		k := c.used.Remove(e).(*cached)
		delete(c.values, name)
		c.room += k.size
		c.p.Drop(k.held)
	}
}

func (c *cache) clear() {
	c.reading = map[string]*opening{}
	for name := range c.values {
		c.drop(name)
	}
}
