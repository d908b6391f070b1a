package vault

import (
	"bytes"
	"slices"

	"idbvault/envelope"
)

// disk is one database as it is stored. Transactions that share a table take effect in the order in which they were made
// where one of them writes; others may overlap.
type disk struct {
	tables  [len(Tables)]map[string][]byte
	foreign bool // with other object stores
	queue   []*transaction
	conns   []*conn
	// refuse, where not nil, is asked whether a batch fails as a full disk makes it fail.
	refuse func(b *Batch) error
}

type transaction struct {
	writes bool
	scope  []Table
}

// after reports whether x has to wait for y, which was made earlier.
func (x *transaction) after(y *transaction) bool {
	shared := slices.ContainsFunc(x.scope, func(table Table) bool { return slices.Contains(y.scope, table) })
	return shared && (x.writes || y.writes)
}

// conn is a Database: one connection of a page.
type conn struct {
	p      *page
	d      *disk
	closed bool
	lost   func()
}

func (p *page) OpenDatabase(t Task, name string, create bool, lost func()) (Database, error) {
	t.(*task).linger()
	d := p.disks[name]
	if d == nil {
		if !create {
			return nil, ErrAbsent
		}
		d = newDisk()
		p.disks[name] = d
	}
	if d.foreign {
		return nil, ErrNotVault
	}
	c := &conn{p: p, d: d, lost: lost}
	p.conns = append(p.conns, c)
	d.conns = append(d.conns, c)
	return c, nil
}

func newDisk() *disk {
	d := &disk{}
	for i := range d.tables {
		d.tables[i] = map[string][]byte{}
	}
	return d
}

// DeleteDatabase closes the other connections, which are told, as the shim makes the browser do.
func (p *page) DeleteDatabase(t Task, name string) error {
	t.(*task).linger()
	if d := p.disks[name]; d != nil {
		for _, c := range d.conns {
			if !c.closed {
				c.closed = true
				c.lost()
			}
		}
	}
	delete(p.disks, name)
	return nil
}

func (c *conn) Close() { c.closed = true }

// begin makes a transaction over one or two tables. It has its turn when wait returns; end lets go of it.
func (c *conn) begin(writes bool, tables ...Table) (*transaction, error) {
	if c.closed {
		return nil, ErrClosed
	}
	slices.Sort(tables)
	if tables = slices.Compact(tables); len(tables) < 1 || len(tables) > 2 {
		c.p.t.Errorf("a transaction over the tables %d", tables)
	}
	x := &transaction{writes, tables}
	c.d.queue = append(c.d.queue, x)
	return x, nil
}

func (c *conn) wait(t Task, x *transaction) {
	k := t.(*task)
	for k.linger(); !c.d.first(x); {
		k.wait()
	}
}

func (d *disk) first(x *transaction) bool {
	for _, y := range d.queue {
		if y == x {
			return true
		}
		if x.after(y) {
			return false
		}
	}
	panic("not in the queue")
}

func (d *disk) end(x *transaction) {
	i := slices.Index(d.queue, x)
	d.queue = slices.Delete(d.queue, i, i+1)
}

func issuedNow(f func()) {
	if f != nil {
		f()
	}
}

// As the browser's, an entry comes with a copy of its first bytes: a header and a tag.
const frontSize = envelope.MaxHeaderSize + envelope.TagSize

func (d *disk) entry(table Table, key []byte) (Entry, bool) {
	value, ok := d.tables[table][string(key)]
	if !ok {
		return Entry{}, false
	}
	value = bytes.Clone(value)
	return Entry{Key: bytes.Clone(key), Front: bytes.Clone(value[:min(frontSize, len(value))]), Value: value, Size: len(value)}, true
}

func (c *conn) Read(t Task, reads []Read, issued func(), arrived func(n int) error) error {
	var tables []Table
	for i := range reads {
		tables = append(tables, reads[i].Table)
	}
	x, err := c.begin(false, tables...)
	if err != nil {
		return err
	}
	c.p.reads++
	issuedNow(issued)
	c.wait(t, x)
	defer c.d.end(x)
	for done := 0; done < len(reads); {
		for n := 1 + c.p.rand.IntN(4); n > 0 && done < len(reads); n-- {
			reads[done].Entry, reads[done].Found = c.d.entry(reads[done].Table, reads[done].Key)
			done++
		}
		if arrived == nil {
			continue
		}
		if err := arrived(done); err != nil {
			return err
		}
		t.(*task).linger()
	}
	return nil
}

// within returns the keys of a range, ascending.
func (d *disk) within(table Table, r Range, limit int) [][]byte {
	var keys [][]byte
	for key := range d.tables[table] {
		if k := []byte(key); bytes.Compare(k, r.From) >= 0 && (r.To == nil || bytes.Compare(k, r.To) < 0) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, bytes.Compare)
	if limit > 0 && len(keys) > limit {
		keys = keys[:limit]
	}
	return keys
}

func (c *conn) Keys(t Task, table Table, r Range, limit int, issued func()) ([][]byte, error) {
	x, err := c.begin(false, table)
	if err != nil {
		return nil, err
	}
	issuedNow(issued)
	c.wait(t, x)
	defer c.d.end(x)
	return c.d.within(table, r, limit), nil
}

func (c *conn) Scan(t Task, table Table, r Range, limit int, issued func()) ([]Entry, error) {
	x, err := c.begin(false, table)
	if err != nil {
		return nil, err
	}
	issuedNow(issued)
	c.wait(t, x)
	defer c.d.end(x)
	keys := c.d.within(table, r, limit)
	entries := make([]Entry, len(keys))
	for i, key := range keys {
		entries[i], _ = c.d.entry(table, key)
	}
	return entries, nil
}

func (c *conn) Count(t Task, table Table, r Range, issued func()) (int, error) {
	keys, err := c.Keys(t, table, r, 0, issued)
	return len(keys), err
}

// Commit has the transaction's requests made at once, or, where something is expected, when that was looked up.
func (c *conn) Commit(t Task, b Batch) error {
	var tables []Table
	for _, w := range b.Writes {
		tables = append(tables, w.Table)
	}
	for _, r := range b.Clear {
		tables = append(tables, r.Table)
	}
	if e := b.Expect; e != nil {
		tables = append(tables, e.Table)
		if e.Empty != nil {
			tables = append(tables, *e.Empty)
		}
	}
	if b.Count != nil {
		tables = append(tables, b.Count.Table)
	}
	x, err := c.begin(true, tables...)
	if err != nil {
		return err
	}
	defer c.d.end(x)
	if n := b.Count; n != nil {
		c.wait(t, x)
		if len(c.d.within(n.Table, n.Range, 0)) != n.N {
			return ErrStale
		}
	}
	if b.Expect != nil {
		c.wait(t, x)
		if !c.d.holds(b.Expect) {
			return ErrStale
		}
	}
	issuedNow(b.Issued)
	c.wait(t, x)
	return c.apply(&b)
}

// apply carries out a batch, all or nothing.
func (c *conn) apply(b *Batch) error {
	if c.d.refuse != nil {
		if err := c.d.refuse(b); err != nil {
			return err
		}
	}
	for _, r := range b.Clear {
		for _, key := range c.d.within(r.Table, r.Range, 0) {
			delete(c.d.tables[r.Table], string(key))
		}
	}
	for _, w := range b.Writes {
		value, _ := w.Value.([]byte)
		if w.To != nil {
			for _, key := range c.d.within(w.Table, Range{w.Key, w.To}, 0) {
				delete(c.d.tables[w.Table], string(key))
			}
		} else if w.Value == nil && len(w.Bytes) == 0 {
			delete(c.d.tables[w.Table], string(w.Key))
		} else {
			c.d.tables[w.Table][string(w.Key)] = append(bytes.Clone(w.Bytes), value...)
		}
		if w.Table != Audit { // which has tests of its own
			c.p.note("write %s strict=%v", Tables[w.Table], b.Strict)
		}
	}
	return nil
}

func (c *conn) Swap(t Task, swaps []Swap) (n int, err error) {
	x, err := c.begin(true, Records, Chunks)
	if err != nil {
		return 0, err
	}
	defer c.d.end(x)
	for i := range swaps {
		if i > 0 && bytes.Compare(swaps[i-1].Key, swaps[i].Key) >= 0 {
			c.p.t.Error("swaps do not ascend")
		}
	}
	c.wait(t, x)
	var b Batch
	for _, s := range swaps {
		if c.d.holds(&Expect{Table: Records, Key: s.Key, Prefix: s.Prefix}) {
			b.Writes = append(b.Writes, s.Writes...)
			n++
		}
	}
	c.wait(t, x)
	return n, c.apply(&b)
}

func (d *disk) holds(e *Expect) bool {
	if e.Empty != nil && len(d.tables[*e.Empty]) != 0 {
		return false
	}
	found, ok := d.tables[e.Table][string(e.Key)]
	if len(e.Prefix) == 0 {
		return !ok
	}
	return bytes.HasPrefix(found, e.Prefix)
}

// snapshot returns a copy of all that is stored, the audit log aside, which counts what fails, too.
func (d *disk) snapshot() [len(Tables)]map[string][]byte {
	s := d.copied()
	s[Audit] = nil
	return s
}

func (d *disk) copied() [len(Tables)]map[string][]byte {
	var s [len(Tables)]map[string][]byte
	for i, table := range d.tables {
		s[i] = map[string][]byte{}
		for key, value := range table {
			s[i][key] = bytes.Clone(value)
		}
	}
	return s
}

func (d *disk) keyring() []byte { return d.tables[Keyrings][string(KeyringEntry)] }

func (d *disk) setKeyring(b []byte) { d.tables[Keyrings][string(KeyringEntry)] = bytes.Clone(b) }
