//go:build js && wasm

package jsbridge

import "iter"

// A routine is a stack on which calls are carried out, one after the other. It is a coroutine: changing over to it and back
// costs a tenth of what the scheduler takes for two goroutines that wait for each other, and a stack that has grown once stays
// as it is.
type routine struct {
	next  func() (struct{}, bool)
	yield func(struct{}) bool
	call  *Call
	run   func(c *Call) error
}

// idle are the routines that have no call.
var idle []*routine

// maxIdle bounds them: a burst of calls leaves no more stacks behind.
const maxIdle = 32

func newRoutine() *routine {
	if n := len(idle); n > 0 {
		r := idle[n-1]
		idle = idle[:n-1]
		return r
	}
	r := &routine{}
	r.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		r.yield = yield
		for {
			r.call.carryOut(r.run)
			r.call, r.run = nil, nil
			if len(idle) == maxIdle {
				return
			}
			idle = append(idle, r)
			r.park()
		}
	})
	return r
}

// resume lets the routine run until it parks or ends.
func (r *routine) resume() { r.next() }

// park goes back to the one who resumed the routine.
func (r *routine) park() { r.yield(struct{}{}) }
