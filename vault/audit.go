package vault

import "idbvault/envelope"

// Event is something that a security officer wants to know of.
type Event byte

// The events.
const (
	Created Event = iota + 1
	UnlockedEvent
	UnlockFailed
	LockedEvent
	SecretChanged
	SlotAdded
	SlotRemoved
	RotationBegun
	RotationVerified
	RollbackBegun
	RotationCommitted
	RotationRolledBack
	IntegrityFailure
	KeyMismatch // a record under a key that the vault does not have
	RecordExpired
	QuotaExceeded
	Evicted // the vault, by the browser or the user
	ClassForgotten
	RotationDue
	LogRestarted   // there was no log, or one that someone changed
	RecordsEvicted // so that others have room
)

var eventNames = [...]string{
	Created: "created", UnlockedEvent: "unlocked", UnlockFailed: "unlock-failed", LockedEvent: "locked",
	SecretChanged: "secret-changed", SlotAdded: "slot-added", SlotRemoved: "slot-removed",
	RotationBegun: "rotation-begun", RotationVerified: "rotation-verified", RollbackBegun: "rollback-begun",
	RotationCommitted: "rotation-committed", RotationRolledBack: "rotation-rolled-back",
	IntegrityFailure: "integrity", KeyMismatch: "key-mismatch", RecordExpired: "expired", QuotaExceeded: "quota",
	Evicted: "evicted", ClassForgotten: "forgotten", RotationDue: "rotation-due", LogRestarted: "log-restarted",
	RecordsEvicted: "records-evicted",
}

// String is the name of an event, or "unknown" for one of a later version.
func (e Event) String() string {
	if int(e) < len(eventNames) && e != 0 {
		return eventNames[e]
	}
	return "unknown"
}

// The keys of the entries of Audit that are not lines.
var (
	auditHead    = []byte("head")
	auditFailure = []byte("failed")
)

const (
	maxLines  = 1000
	trimLines = 100 // that are trimmed at once
	quietTime = 10  // seconds in which a failure that repeats is counted, and not written
)

// auditing is what a vault has to write in its log.
type auditing struct {
	order   order
	pending []envelope.AuditLine
	failed  uint64 // when a failure was written last
}

// note tells the page of an event and puts it among those to be written.
func (v *Vault) note(e Event, count int) {
	epoch := uint32(0)
	if v.ring != nil {
		epoch = v.ring.WriteEpoch
	}
	v.p.Report(v.database, e, epoch, count)
	v.pend(envelope.AuditLine{Event: byte(e), Epoch: epoch, At: v.p.Now(), Count: uint32(count)})
}

func (v *Vault) pend(l envelope.AuditLine) {
	for i := range v.audit.pending {
		if p := &v.audit.pending[i]; p.Event == l.Event && p.Epoch == l.Epoch {
			p.Count += l.Count
			p.At = l.At
			return
		}
	}
	v.audit.pending = append(v.audit.pending, l)
}

// record notes an event and writes it. What can't be written, waits: the log must not keep anyone from working.
func (v *Vault) record(t Task, e Event, count int) {
	v.note(e, count)
	v.writeAudit(t)
}

// Failed is the error of a call on a store, told to those who watch. What fails because the vault is locked, fails for that reason.
func (s *Store) Failed(t Task, err error) error {
	err = s.Reason(err)
	var e Event
	switch {
	case ErrIntegrity.is(err) || ErrVersion.is(err):
		e = IntegrityFailure
	case ErrQuota.is(err):
		e = QuotaExceeded
	default:
		return err
	}
	s.note(e, 1)
	if now := s.p.Now(); now >= s.audit.failed+quietTime {
		s.audit.failed = now
		s.writeAudit(t)
	}
	return err
}

// writeAudit writes what is pending, in one transaction.
func (v *Vault) writeAudit(t Task) {
	turn := v.audit.order.take(t, "audit")
	defer turn.finish()
	for range maxRetries {
		if v.gone || len(v.audit.pending) == 0 {
			return
		}
		if err := v.appendAudit(t); !ErrStale.is(err) {
			return
		}
	}
}

func (v *Vault) appendAudit(t Task) error {
	reads := []Read{{Table: Audit, Key: auditHead}, {Table: Audit, Key: auditFailure}}
	if err := v.db.Read(t, reads, nil, nil); err != nil {
		return err
	}
	before := v.bytesOf(t, &reads[0])
	h, _ := v.openHead(t, &reads[0])
	lines := v.audit.pending
	if h == nil {
		h = &envelope.AuditHead{First: 1, Next: 1}
		if last, err := v.lastLine(t); err != nil {
			return err
		} else if v.ring.Generation > 1 || last > 0 || before != nil {
			h.First, h.Next = last+1, last+1
			lines = append([]envelope.AuditLine{{Event: byte(LogRestarted), Epoch: v.ring.WriteEpoch, At: v.p.Now(), Count: 1}}, lines...)
		}
	}
	var writes []Write
	if f, err := envelope.ParseFailedUnlocks(v.bytesOf(t, &reads[1])); err == nil {
		lines = append([]envelope.AuditLine{{Event: byte(UnlockFailed), At: f.Last, Count: f.Count}}, lines...)
		writes = append(writes, Write{Table: Audit, Key: auditFailure})
	}
	n := len(v.audit.pending)
	for i := range lines {
		l := lines[i]
		l.Link = h.Link
		stored, err := v.sealAudit(t, h.Next, l.Encode())
		if err != nil {
			return err
		}
		if err := v.digest(t, stored, &h.Link); err != nil {
			return err
		}
		writes = append(writes, Write{Table: Audit, Key: envelope.AuditKey(h.Next), Bytes: stored})
		h.Next++
	}
	trimmed, err := v.trim(t, h)
	if err != nil {
		return err
	}
	head, err := v.sealAudit(t, 0, h.Encode())
	if err != nil {
		return err
	}
	err = v.db.Commit(t, Batch{
		Writes: append(append(writes, trimmed...), Write{Table: Audit, Key: auditHead, Bytes: head}),
		Expect: &Expect{Table: Audit, Key: auditHead, Prefix: before},
	})
	if err == nil {
		v.audit.pending = v.audit.pending[n:]
	}
	return err
}

// trim takes the oldest lines away where there are too many, and moves the anchor behind them.
func (v *Vault) trim(t Task, h *envelope.AuditHead) (writes []Write, err error) {
	if h.Next-h.First < maxLines+trimLines {
		return nil, nil
	}
	first := h.Next - maxLines
	read := []Read{{Table: Audit, Key: envelope.AuditKey(first - 1)}}
	if err := v.db.Read(t, read, nil, nil); err != nil {
		return nil, err
	}
	if err := v.digest(t, v.bytesOf(t, &read[0]), &h.Anchor); err != nil {
		return nil, err
	}
	for ; h.First < first; h.First++ {
		writes = append(writes, Write{Table: Audit, Key: envelope.AuditKey(h.First)})
	}
	return writes, nil
}

func (v *Vault) bytesOf(t Task, r *Read) []byte {
	if !r.Found {
		return nil
	}
	return v.p.Front(t, r.Entry.Value, 0, r.Entry.Size)
}

func (v *Vault) digest(t Task, b []byte, sum *[32]byte) error {
	d, err := v.p.Digest(t, b)
	copy(sum[:], d)
	return err
}

// lastLine returns the number of the last line that is stored, whatever the head says, or 0.
func (v *Vault) lastLine(t Task) (last uint64, err error) {
	keys, err := v.db.Keys(t, Audit, Range{To: auditFailure}, 0, nil)
	if n := len(keys); n > 0 {
		last = lineNumber(keys[n-1])
	}
	return last, err
}

// lineNumber is the number of a line by its key in Audit.
func lineNumber(key []byte) (n uint64) {
	for _, b := range key {
		n = n<<8 | uint64(b)
	}
	return n
}

// sealAudit seals a line, or the head as number 0, under the newest audit key.
func (v *Vault) sealAudit(t Task, number uint64, plain []byte) ([]byte, error) {
	e := v.ring.Newest(envelope.AuditKey256)
	if e == nil || v.keyOf(e) == nil {
		return nil, ErrIntegrity
	}
	s := &envelope.AuditSeal{Epoch: e.Epoch}
	v.p.Random(s.IV[:])
	jobs := []Seal{{Key: v.keyOf(e), IV: s.IV, AAD: envelope.AuditAAD(v.bound, number, s), Head: plain}}
	if err := v.p.Seal(t, jobs, nil); err != nil {
		return nil, v.failed(err)
	}
	return append(s.Encode(), v.p.Front(t, jobs[0].Out, 0, len(plain)+envelope.TagSize)...), nil
}

// openAudit opens what sealAudit sealed.
func (v *Vault) openAudit(t Task, number uint64, front []byte, sealed Blob) ([]byte, error) {
	s, err := envelope.ParseAuditSeal(front[:min(len(front), envelope.AuditSealSize)])
	if err != nil {
		return nil, broken(err)
	}
	key := v.keyOf(&envelope.WrappedKey{Kind: envelope.AuditKey256, Epoch: s.Epoch})
	if key == nil {
		return nil, ErrIntegrity
	}
	jobs := []Open{{Key: key, IV: s.IV, AAD: envelope.AuditAAD(v.bound, number, s), Sealed: sealed, Offset: envelope.AuditSealSize}}
	v.p.Open(t, jobs)
	if err := v.p.Opened(t); err != nil {
		return nil, v.failed(err)
	}
	return v.p.Front(t, jobs[0].Out, 0, 256), nil
}

// openHead returns the head, or nil where there is none that is whole.
func (v *Vault) openHead(t Task, r *Read) (*envelope.AuditHead, error) {
	if !r.Found {
		return nil, nil
	}
	plain, err := v.openAudit(t, 0, r.Entry.Front, r.Entry.Value)
	if err != nil {
		return nil, err
	}
	h, err := envelope.ParseAuditHead(plain)
	return h, broken(err)
}

// AuditLines is what is told of the log.
type AuditLines struct {
	First  uint64 // the number of the first of Lines
	Lines  []envelope.AuditLine
	Intact bool // no line was removed, moved, changed or cut off, as far as the log can tell
}

// AuditLog reads the lines from a number on, and checks all that there are.
func (v *Vault) AuditLog(t Task, since uint64) (*AuditLines, error) {
	if err := v.alive(); err != nil {
		return nil, err
	}
	turn := v.audit.order.take(t, "audit")
	defer turn.finish()
	reads := []Read{{Table: Audit, Key: auditHead}}
	if err := v.db.Read(t, reads, nil, nil); err != nil {
		return nil, err
	}
	log := &AuditLines{First: since}
	h, err := v.openHead(t, &reads[0])
	if err := v.refusal(err); err != nil {
		return nil, err
	}
	whole := h != nil
	if !whole {
		h = &envelope.AuditHead{}
	}
	entries, err := v.db.Scan(t, Audit, Range{To: auditFailure}, 1<<20, nil)
	if err != nil {
		return nil, err
	}
	log.Intact = whole && uint64(len(entries)) == h.Next-h.First
	link := h.Anchor
	log.First = max(since, h.First)
	for i := range entries {
		number := lineNumber(entries[i].Key)
		plain, err := v.openAudit(t, number, entries[i].Front, entries[i].Value)
		if err := v.refusal(err); err != nil {
			return nil, err
		}
		line, bad := envelope.ParseAuditLine(plain)
		if err != nil || bad != nil || line.Link != link || number != h.First+uint64(i) {
			log.Intact = false
			if bad != nil || line == nil {
				line = &envelope.AuditLine{} // its place is shown, since others have their numbers
			}
		}
		if err := v.digest(t, v.p.Front(t, entries[i].Value, 0, entries[i].Size), &link); err != nil {
			return nil, err
		}
		if number >= log.First {
			log.Lines = append(log.Lines, *line)
		}
	}
	log.Intact = log.Intact && link == h.Link
	if !log.Intact {
		v.note(IntegrityFailure, 1)
	}
	return log, nil
}

// refusal is an error that is more than that something does not open.
func (v *Vault) refusal(err error) error {
	if ErrIntegrity.is(err) || ErrVersion.is(err) {
		return nil
	}
	return err
}

// countFailure counts, in clear, an unlock that failed: no key is at hand.
func (v *Vault) countFailure(t Task) {
	v.p.Report(v.database, UnlockFailed, 0, 1)
	for range maxRetries {
		reads := []Read{{Table: Audit, Key: auditFailure}}
		if v.db.Read(t, reads, nil, nil) != nil {
			return
		}
		before := v.bytesOf(t, &reads[0])
		f := &envelope.FailedUnlocks{}
		if known, err := envelope.ParseFailedUnlocks(before); err == nil && known.Count < 1<<32-1 {
			f = known
		}
		f.Count++
		f.Last = v.p.Now()
		err := v.db.Commit(t, Batch{
			Writes: []Write{{Table: Audit, Key: auditFailure, Bytes: f.Encode()}},
			Expect: &Expect{Table: Audit, Key: auditFailure, Prefix: before},
		})
		if !ErrStale.is(err) {
			return
		}
	}
}
