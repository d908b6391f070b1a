package vault

import "idbvault/envelope"

// sweepChunks deletes chunks that no header points at and that were begun more than a day before a time: what is left of writes that
// were cut off. A write that takes longer finds its chunks gone, and fails.
func (v *Vault) sweepChunks(t Task, by uint64) error {
	for r := (Range{}); ; {
		keys, err := v.db.Keys(t, Chunks, r, scanPage, nil)
		if err != nil {
			return err
		}
		var latest envelope.ChunkID
		for _, key := range keys {
			store, stored, id, err := envelope.ParseChunkKey(key)
			if err != nil || id == nil || *id == latest || id.Begun()+day >= by {
				continue
			}
			latest = *id
			s := &Store{Vault: v, name: store}
			if err := s.sweepValue(t, stored, *id); err != nil {
				return err
			}
		}
		if len(keys) < scanPage {
			return nil
		}
		r.From = after(keys[len(keys)-1])
	}
}

func (s *Store) sweepValue(t Task, stored []byte, id envelope.ChunkID) error {
	now := []Read{{Table: Records, Key: envelope.RecordKey(s.name, stored)}}
	if err := s.db.Read(t, now, nil, nil); err != nil {
		return err
	}
	h, err := envelope.ParseHeader(now[0].Entry.Front)
	if now[0].Found && (err != nil || h.Layout == envelope.Chunked && h.ChunkID() == id) {
		return nil
	}
	return s.db.Commit(t, Batch{Clear: []ClearRange{{Chunks, s.chunkRange(id, stored)}}})
}
