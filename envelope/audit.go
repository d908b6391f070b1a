package envelope

// AuditLine is one line of the audit log, which says nothing of records but how many.
//
//	u8 event || u32 epoch || u64 at || u32 count || 32-byte link
type AuditLine struct {
	Event byte
	Epoch uint32 // that records were written under
	At    uint64 // Unix time in seconds
	Count uint32
	Link  [32]byte // SHA-256 of the stored line before; zeros in the first of all
}

// AuditHead says which lines there are: those from First up to, and without, Next.
//
//	u64 first || u64 next || 32-byte anchor || 32-byte link
type AuditHead struct {
	First, Next uint64
	Anchor      [32]byte // the link of the first line, which those before it, that were trimmed, led to
	Link        [32]byte // SHA-256 of the last stored line: what the next one links to
}

// AuditSeal is what stands in front of a sealed line or head.
//
//	u8 version || u32 key epoch || 12-byte IV
type AuditSeal struct {
	Epoch uint32 // of the audit key
	IV    [IVSize]byte
}

const auditVersion = 1

// AuditSealSize is the size in bytes of an encoded AuditSeal.
const AuditSealSize = 1 + 4 + IVSize

// Encode returns the encoding of l.
func (l *AuditLine) Encode() []byte {
	var w writer
	w.u8(l.Event)
	w.u32(l.Epoch)
	w.u64(l.At)
	w.u32(l.Count)
	w.raw(l.Link[:])
	return w.b
}

// ParseAuditLine reads an encoded line.
func ParseAuditLine(b []byte) (*AuditLine, error) {
	r := reader{b: b}
	l := &AuditLine{Event: r.u8(), Epoch: r.u32(), At: r.u64(), Count: r.u32()}
	copy(l.Link[:], r.take(len(l.Link)))
	if r.bad || len(r.b) != 0 {
		return nil, ErrFormat
	}
	return l, nil
}

// Encode returns the encoding of h.
func (h *AuditHead) Encode() []byte {
	var w writer
	w.u64(h.First)
	w.u64(h.Next)
	w.raw(h.Anchor[:])
	w.raw(h.Link[:])
	return w.b
}

// ParseAuditHead reads an encoded head.
func ParseAuditHead(b []byte) (*AuditHead, error) {
	r := reader{b: b}
	h := &AuditHead{First: r.u64(), Next: r.u64()}
	copy(h.Anchor[:], r.take(len(h.Anchor)))
	copy(h.Link[:], r.take(len(h.Link)))
	if r.bad || len(r.b) != 0 || h.First == 0 || h.First > h.Next {
		return nil, ErrFormat
	}
	return h, nil
}

// Encode returns the encoding of s.
func (s *AuditSeal) Encode() []byte {
	var w writer
	w.u8(auditVersion)
	w.u32(s.Epoch)
	w.raw(s.IV[:])
	return w.b
}

// ParseAuditSeal reads the seal in front of a stored line or head.
func ParseAuditSeal(b []byte) (*AuditSeal, error) {
	r := reader{b: b}
	if version := r.u8(); !r.bad && version != auditVersion {
		return nil, ErrVersion
	}
	s := &AuditSeal{Epoch: r.u32()}
	copy(s.IV[:], r.take(IVSize))
	if r.bad {
		return nil, ErrFormat
	}
	return s, nil
}

// FailedUnlocks is what is counted in clear while the vault is locked.
//
//	u8 version || u32 count || u64 last
type FailedUnlocks struct {
	Count uint32
	Last  uint64 // Unix time in seconds
}

// Encode returns the encoding of f.
func (f *FailedUnlocks) Encode() []byte {
	var w writer
	w.u8(auditVersion)
	w.u32(f.Count)
	w.u64(f.Last)
	return w.b
}

// ParseFailedUnlocks reads an encoded count.
func ParseFailedUnlocks(b []byte) (*FailedUnlocks, error) {
	r := reader{b: b}
	version := r.u8()
	f := &FailedUnlocks{Count: r.u32(), Last: r.u64()}
	if r.bad || len(r.b) != 0 || version != auditVersion {
		return nil, ErrFormat
	}
	return f, nil
}

// AuditKey is the key of a line in the `audit` store: u64 number.
func AuditKey(number uint64) []byte {
	var w writer
	w.u64(number)
	return w.b
}

const auditLabel = "idbvault/audit/v1"

// AuditAAD returns the associated data of a line, or of the head where number is 0:
//
//	lp("idbvault/audit/v1") || lp(database) || u64 number || seal
func AuditAAD(database string, number uint64, s *AuditSeal) []byte {
	var w writer
	w.lpStr(auditLabel)
	w.lpStr(database)
	w.u64(number)
	w.raw(s.Encode())
	return w.b
}
