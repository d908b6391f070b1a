package vault

import "idbvault/envelope"

// A device's clock can be set. Set back, it must not bring back what has expired; set far ahead, it must not destroy what has
// not. So a vault keeps a time of its own, the trusted one, which only goes forward: records are hidden by the later of the two,
// and deleted by the trusted one alone.

const (
	// maxLead is by how many seconds the device's clock may be ahead of the trusted time without being taken for a jump.
	maxLead = day
	// standing is how many seconds a jump must have stood before it is believed.
	standing = day
	// tick is after how many seconds the clock is written again, and the vault swept again.
	tick = 60 * 60
)

// now is the time that records expire by, Unix time in seconds. It waits for nothing.
func (v *Vault) now() uint64 {
	now := v.p.Now()
	v.clock = seen(v.clock, now)
	return max(now, v.clock.Trusted)
}

// seen is a clock after the device's clock has said what time it is.
func seen(c envelope.Clock, now uint64) envelope.Clock {
	switch {
	case now <= c.Trusted+maxLead, c.Jump != 0 && now >= c.Jump+standing:
		c.Trusted, c.Jump = max(c.Trusted, now), 0
	case c.Jump == 0 || now < c.Jump:
		c.Jump = now
	}
	return c
}

// keepTime holds the clock against the stored one, takes the later time of the two, and writes it. With sweep, it reports whether the
// vault is to be swept, which no other page does then. What can't be written, is with the next time: a full disk keeps no one from
// reading.
func (v *Vault) keepTime(t Task, sweep bool) bool {
	for range maxRetries {
		before, stored, err := v.storedClock(t)
		if err != nil {
			return false
		}
		kept := stored != nil
		if !kept {
			// It knows no more than when the vault was made. That is no proof of what time it is: the device's clock must stand first, as
			// after a jump.
			stored = &envelope.Clock{Trusted: v.ring.Created}
		}
		c := &v.clock
		if c.Trusted == 0 { // this page has seen nothing yet
			c.Jump = stored.Jump
		}
		c.Trusted, c.Swept = max(c.Trusted, stored.Trusted), max(c.Swept, stored.Swept)
		v.now()
		next := *c
		due := sweep && sweepDue(&next)
		if due {
			next.Swept = next.Trusted
		}
		if v.written = *stored; kept && next == *stored {
			return false
		}
		w, err := v.clockWrite(t, v.ringKey, &next)
		if err == nil {
			err = v.db.Commit(t, Batch{
				Writes: []Write{w},
				Expect: &Expect{Table: Journal, Key: ClockEntry, Prefix: before},
			})
		}
		if !ErrStale.is(err) {
			if err == nil {
				v.written, v.clock.Swept = next, next.Swept
			}
			return due && err == nil
		}
	}
	return false
}

// storedClock reads the clock: the bytes of the entry, and what they say, or nil where they are not the vault's.
func (v *Vault) storedClock(t Task) ([]byte, *envelope.Clock, error) {
	reads := []Read{{Table: Journal, Key: ClockEntry}}
	if err := v.db.Read(t, reads, nil, nil); err != nil {
		return nil, nil, err
	}
	stored := v.bytesOf(t, &reads[0])
	c, mac, err := envelope.ParseClock(stored)
	if err == nil {
		err = v.p.Verify(t, v.ringKey, envelope.ClockMessage(v.bound, c), mac)
	}
	if err != nil {
		c = nil
	}
	return stored, c, v.alive()
}

// clockWrite is the write of a clock.
func (v *Vault) clockWrite(t Task, ringKey Key, c *envelope.Clock) (Write, error) {
	macs, err := v.p.MAC(t, ringKey, [][]byte{envelope.ClockMessage(v.bound, c)}, nil)
	if err != nil {
		return Write{}, v.failed(err)
	}
	return Write{Table: Journal, Key: ClockEntry, Bytes: append(c.Encode(), macs[0]...)}, nil
}

// timeDue reports whether the clock is to be written, or the vault to be swept, as far as this page knows.
func (v *Vault) timeDue() bool {
	v.now()
	c := &v.clock
	return c.Trusted >= v.written.Trusted+tick || c.Jump != v.written.Jump || sweepDue(c)
}

// sweepDue goes by the trusted time, since a sweep at another finds nothing new.
func sweepDue(c *envelope.Clock) bool { return c.Trusted >= c.Swept+tick }
