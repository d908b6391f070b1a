package vault

// order lets operations on one name proceed in the order in which they were asked for, whatever their cryptography
// takes: a turn is held until the operation's transaction has been made, and IndexedDB keeps transactions in order.
// (Firefox encrypts a small value that was asked for later before a large one that was asked for first.)
type order struct {
	last  map[string]*turn // the latest turn asked for, by name
	fence *turn            // the latest turn of an operation on every name
}

type turn struct {
	order *order
	task  Task
	names []string
	ahead int // turns that must finish before this one
	next  []*turn
	done  bool
}

// take waits until every earlier operation on one of names has finished its turn. No names means all names.
func (o *order) take(t Task, names ...string) *turn {
	u := &turn{order: o, task: t, names: names}
	if o.last == nil {
		o.last = map[string]*turn{}
	}
	if len(names) == 0 {
		// The latest turn of each name ends after the earlier ones of that name, and a fence after all before it.
		for _, p := range o.last {
			p.precede(u)
		}
		if o.fence != nil {
			o.fence.precede(u)
		}
		o.fence = u
	} else {
		if o.fence != nil {
			o.fence.precede(u)
		}
		for _, name := range names {
			if p := o.last[name]; p != nil && p != u {
				p.precede(u)
			}
			o.last[name] = u
		}
	}
	if u.ahead > 0 {
		t.Park()
	}
	return u
}

func (u *turn) precede(later *turn) {
	u.next = append(u.next, later)
	later.ahead++
}

// finish lets the next operations proceed. It may be called again, to no effect.
func (u *turn) finish() {
	o := u.order
	if u.done {
		return
	}
	u.done = true
	for _, name := range u.names {
		if o.last[name] == u {
			delete(o.last, name)
		}
	}
	if o.fence == u {
		o.fence = nil
	}
	for _, v := range u.next {
		if v.ahead--; v.ahead == 0 {
			v.task.Wake()
		}
	}
}
