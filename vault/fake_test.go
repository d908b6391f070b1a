package vault

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// world is a browser for tests: what outlives a page (disks, clock, Web Locks) and the one thread that all pages' tasks
// share. It runs one task at a time and changes over only where a task waits; who goes on next is drawn, so that each
// seed is another interleaving, and the same one each time.
type world struct {
	t     *testing.T
	rand  *rand.Rand
	now   uint64
	scale uint32 // PBKDF2 iterations are divided by it; what was asked for is recorded
	disks map[string]*disk
	locks map[string]int // how often each is shared; -1 for one that is held alone
	// noLocks is a browser without Web Locks, where a lock is granted at once.
	noLocks bool
	used    map[string]bool // key and IV of every seal
	events  []string

	ready []*task
	live  int
	back  chan struct{}
}

func newWorld(t *testing.T, seed uint64) *world {
	return &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 0)), now: 1_736_942_400, scale: 10_000,
		disks: map[string]*disk{}, locks: map[string]int{}, used: map[string]bool{}, back: make(chan struct{}),
	}
}

// seeds is how many of n interleavings a test tries: with -short, as under the race detector, a quarter.
func seeds(n uint64) uint64 {
	if testing.Short() {
		return n / 4
	}
	return n
}

// task is a Task. Its baton is passed to it when it may run, and it passes back when it waits or ends.
type task struct {
	w      *world
	baton  chan struct{}
	parked bool
	woken  bool
	waits  bool // in a method of the platform

	opening bool  // since Opened was last called
	refused error // what one of those opened came to
}

// start begins a task and returns when it waits for the first time, as a call from JavaScript does.
func (w *world) start(f func(t *task)) {
	k := &task{w: w, baton: make(chan struct{})}
	w.live++
	go func() {
		<-k.baton
		defer func() {
			w.live--
			w.back <- struct{}{}
		}()
		f(k)
	}()
	k.baton <- struct{}{}
	<-w.back
}

// run lets the tasks run until all have ended.
func (w *world) run() {
	w.t.Helper()
	for w.live > 0 {
		if len(w.ready) == 0 {
			w.t.Fatalf("%d tasks wait for each other", w.live)
		}
		w.step()
	}
}

// step lets one of the tasks that may go on run to its next wait.
func (w *world) step() {
	if len(w.ready) == 0 {
		return
	}
	i := w.rand.IntN(len(w.ready))
	k := w.ready[i]
	w.ready = append(w.ready[:i], w.ready[i+1:]...)
	k.baton <- struct{}{}
	<-w.back
}

// do runs one task, and whatever else is under way, to the end and returns its error.
func (w *world) do(f func(t *task) error) (err error) {
	w.t.Helper()
	w.start(func(t *task) { err = f(t) })
	w.run()
	return err
}

// wait is one wait for the browser: other tasks may run.
func (k *task) wait() {
	k.w.ready = append(k.w.ready, k)
	k.waits = true
	k.w.back <- struct{}{}
	<-k.baton
	k.waits = false
}

// linger waits for a while that differs, as cryptography does: a small job may end before a large one begun earlier.
func (k *task) linger() {
	for range 1 + k.w.rand.IntN(4) {
		k.wait()
	}
}

func (k *task) Park() {
	if k.woken {
		k.woken = false
		return
	}
	k.parked = true
	k.w.back <- struct{}{}
	<-k.baton
}

func (k *task) Wake() {
	switch {
	case k.parked:
		k.parked = false
		k.w.ready = append(k.w.ready, k)
	case k.waits:
		// The bridge has one channel for both, so this would end the wait for the browser too early.
		k.w.t.Error("a task was woken that waits for the browser")
	case k.woken:
		k.w.t.Error("a task was woken twice")
	default:
		k.woken = true
	}
}

// page is the Platform of one page. Its kept handles and its connections end with it, the world's disks do not.
type page struct {
	*world
	kept    map[string]map[string]Key
	derived []uint32 // iterations asked of PBKDF2, by derivation
	macs    int      // messages that were authenticated
	sealErr error    // what Seal fails with
	conns   []*conn
	held    map[Held][]byte
	holds   Held
	short   bool     // of memory for what is held
	told    []string // events
	reads   int      // look-ups in the database
	// released is how often a task let go of what it had met.
	released int
	locked   map[*bool]func() // what lets go of each lock that the page holds
}

// tab is a page with its vaults.
type tab struct {
	*page
	vaults *Vaults
}

func (w *world) tab() *tab {
	p := &page{world: w, kept: map[string]map[string]Key{}, held: map[Held][]byte{}, locked: map[*bool]func(){}}
	return &tab{p, &Vaults{Platform: p}}
}

// crash ends this instance of the program on its page: what was kept stays, connections are closed.
func (b *tab) crash() *tab {
	b.end()
	return &tab{b.page, &Vaults{Platform: b.page}}
}

// end closes a tab.
func (b *tab) end() {
	for _, c := range b.conns {
		c.closed = true
	}
	for at, release := range b.locked {
		delete(b.locked, at)
		release()
	}
}

func (b *tab) tryOpen(database string, o Options) (v *Vault, err error) {
	b.t.Helper()
	err = b.do(func(t *task) (err error) {
		v, err = b.vaults.Open(t, database, o)
		return err
	})
	return v, err
}

func (b *tab) open(database string, o Options) *Vault {
	b.t.Helper()
	v, err := b.tryOpen(database, o)
	if err != nil {
		b.t.Fatalf("opening %q: %v", database, err)
	}
	return v
}

func (b *tab) store(database, name string, o Options) *Store {
	b.t.Helper()
	s, err := b.open(database, o).Store(name, StoreOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// newStore is the store "st" of a new vault "db", in a world of its own, with the usual secret.
func newStore(t *testing.T, seed uint64) (*tab, *Store) {
	b := newWorld(t, seed).tab()
	return b, b.store("db", "st", withSecret("secret"))
}

// withSecret are the options of a caller who gives this secret.
func withSecret(secret string) Options {
	return Options{Secret: secretKey(secret), Fingerprint: []byte("fingerprint of " + secret)}
}

func (p *page) Now() uint64             { return p.now }
func (p *page) Time(unix uint64) string { return time.Unix(int64(unix), 0).UTC().Format(time.RFC3339) }

func (p *page) ParseTime(text string) uint64 {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0
	}
	return uint64(at.Unix())
}

func (p *page) Lock(t Task, name string, shared bool) (func(), error) {
	k := t.(*task)
	k.linger()
	for !p.noLocks && (p.locks[name] < 0 || !shared && p.locks[name] > 0) {
		k.wait()
	}
	step := 1
	if !shared {
		step = -1
	}
	p.locks[name] += step
	released := false
	release := func() {
		if released {
			p.t.Error("a lock was let go of twice")
		}
		released = true
		p.locks[name] -= step
	}
	p.locked[&released] = release
	return func() { delete(p.locked, &released); release() }, nil
}

func (p *page) Pause(t Task, _ int) { t.(*task).linger() }

func (p *page) Keep(database, label string, key Key) Key {
	if k := key.(*fakeKey); yields(k) {
		p.t.Errorf("the page was given a handle of kind %s to keep, which may %s", k.kind, k.uses)
	}
	for _, kept := range p.kept[database] {
		if kept == key {
			p.t.Error("a handle was given to keep again") // the browser's is no longer where it was
		}
	}
	if p.kept[database] == nil {
		p.kept[database] = map[string]Key{}
	}
	p.kept[database][label] = key
	return key
}

func (p *page) Kept(database, label string) (Key, bool) {
	key, ok := p.kept[database][label]
	return key, ok
}

func (p *page) Forget(database string) {
	for _, key := range p.kept[database] {
		key.(*fakeKey).forgotten = true
	}
	delete(p.kept, database)
}

func (p *page) ForgetKey(database, label string) {
	if key, ok := p.kept[database][label]; ok {
		key.(*fakeKey).forgotten = true
		delete(p.kept[database], label)
	}
}

func (p *page) Report(database string, e Event, _ uint32, count int) {
	p.told = append(p.told, fmt.Sprintf("%s %s %d", database, e, count))
}

func (p *page) Hold(_ Task, b Blob) (Held, bool) {
	if p.short {
		return 0, false
	}
	p.holds++
	p.held[p.holds] = bytes.Clone(b.([]byte))
	return p.holds, true
}

func (p *page) Recall(_ Task, h Held) (Blob, bool) {
	b, ok := p.held[h]
	if !ok {
		p.t.Error("what was dropped was recalled")
	}
	return bytes.Clone(b), !p.short
}

func (p *page) Mark(Task) Mark { return 0 }

func (p *page) Release(Task, Mark) { p.released++ }

func (p *page) Drop(h Held) {
	if _, ok := p.held[h]; !ok {
		p.t.Error("what was dropped was dropped again")
	}
	delete(p.held, h)
}

func (p *page) Front(_ Task, b Blob, offset, n int) []byte {
	x, _ := b.([]byte)
	x = x[min(offset, len(x)):]
	return append([]byte(nil), x[:min(n, len(x))]...)
}

// Discard spoils what is let go of, so that who looks at it later is found out.
func (p *page) Discard(_ Task, b Blob) { clear(b.([]byte)) }

func (p *page) Room(_ Task, size int) (Blob, error) { return make([]byte, size), nil }

func (p *page) Fill(_ Task, room Blob, at int, b Blob) { copy(room.([]byte)[at:], b.([]byte)) }

func (w *world) note(format string, arguments ...any) {
	w.events = append(w.events, fmt.Sprintf(format, arguments...))
}
