package envelope

// JournalPhase says how far a rotation came.
type JournalPhase byte

// The phases of a rotation.
const (
	Reencrypting JournalPhase = 1 // some records may lie under the epoch that it leaves
	Verified     JournalPhase = 2 // every record was opened under the one that it goes to
)

// Journal is the entry of the `journal` store, while a keyring has the keys of two epochs.
//
//	u8 version || u8 phase || u32 from || u32 to || u64 started || 32-byte MAC
type Journal struct {
	Phase    JournalPhase
	From, To uint32 // epochs; To is the keyring's write epoch
	Started  uint64 // Unix time in seconds
}

const journalVersion = 1

// Encode returns the encoding of j without its MAC.
func (j *Journal) Encode() []byte {
	var w writer
	w.u8(journalVersion)
	w.u8(byte(j.Phase))
	w.u32(j.From)
	w.u32(j.To)
	w.u64(j.Started)
	return w.b
}

// ParseJournal reads an encoded journal and its MAC.
func ParseJournal(b []byte) (*Journal, []byte, error) {
	r := reader{b: b}
	if version := r.u8(); !r.bad && version != journalVersion {
		return nil, nil, ErrVersion
	}
	j := &Journal{Phase: JournalPhase(r.u8()), From: r.u32(), To: r.u32(), Started: r.u64()}
	mac := r.take(MACSize)
	if r.bad || len(r.b) != 0 || j.Phase != Reencrypting && j.Phase != Verified || j.From == 0 || j.To == 0 || j.From == j.To {
		return nil, nil, ErrFormat
	}
	return j, append([]byte(nil), mac...), nil
}

const journalLabel = "idbvault/journal/v1"

// JournalMessage returns the message whose HMAC under the keyring key is the journal's MAC:
//
//	lp("idbvault/journal/v1") || lp(database) || lp(journal without its MAC)
func JournalMessage(database string, j *Journal) []byte {
	var w writer
	w.lpStr(journalLabel)
	w.lpStr(database)
	w.lp(j.Encode())
	return w.b
}
