package vault

import (
	"errors"
	"fmt"
	"testing"

	"idbvault/envelope"
)

// Chunked records among what else happens to a vault.

func TestRotationOfChunks(t *testing.T) {
	for _, secret := range []string{"", "another"} {
		for _, back := range []bool{false, true} {
			t.Run(fmt.Sprintf("new secret %q, rolled back: %v", secret, back), func(t *testing.T) {
				b, s := newStore(t, 1)
				want := bytesOf(1, 9*envelope.ChunkSize+5)
				b.setStream(s, "big", want)
				b.set(s, text("n", "small"))
				r := b.rotator(s.Vault)
				var next *NewSecret
				after := "secret"
				if secret != "" {
					fresh := newSecret(secret)
					next, after = &fresh, secret
				}
				r.must(func(t *task) error { return r.rotate(t, "secret", next) })
				b.wantEpochs([]uint32{2}, []uint32{1, 2})
				b.streams(s, "big", want)
				b.noLeftOvers(s)
				end := []uint32{2}
				if back {
					r.must(func(t *task) error { return r.rollBack(t, after) })
					end = []uint32{1}
				} else {
					r.must(func(t *task) error { return r.finish(t, after, Verify) })
				}
				b.wantEpochs(end, end)
				b.streams(s, "big", want)
				b.noLeftOvers(s)
				again := b.world.tab()
				again.streams(again.store("db", "st", withSecret(after)), "big", want)
			})
		}
	}
}

// A chunk that does not open makes its record one that can't be read, which holds the rotation back until the caller decides.
func TestRotationOfABadChunk(t *testing.T) {
	b, s := newStore(t, 1)
	b.setStream(s, "bad", bytesOf(1, 6*envelope.ChunkSize))
	b.setStream(s, "good", bytesOf(2, 6*envelope.ChunkSize))
	h, _ := envelope.ParseHeader(b.disks["db"].tables[Records][b.recordKey(s, "bad")])
	b.disks["db"].tables[Chunks][string(envelope.ChunksKey("st", b.storedName(s, "bad"), h.ChunkID(), 5))][3] ^= 1
	r := b.rotator(s.Vault)
	var sum Stride
	r.must(func(t *task) (err error) { sum, err = r.walk(t, Look); return err })
	if len(sum.Unreadable) != 1 || sum.Records != 2 || sum.Bytes < 12*envelope.ChunkSize {
		t.Errorf("a look finds %d of %d records unreadable, and %d bytes", len(sum.Unreadable), sum.Records, sum.Bytes)
	}
	err := b.do(func(t *task) error { return r.rotate(t, "secret", nil) })
	fails(t, "a rotation that can't be verified", err, ErrConflict)
	b.wantEpochs([]uint32{1, 2}, []uint32{1, 2})
	b.noLeftOvers(s)
	err = b.do(func(t *task) error { return r.finish(t, "secret", Verify) })
	fails(t, "a commit that would lose it", err, ErrConflict)
	r.must(func(t *task) error { return r.finish(t, "secret", Purge) })
	b.streams(s, "good", bytesOf(2, 6*envelope.ChunkSize))
	if value, err := b.tryGet(s, "bad"); err != nil || value != "" {
		t.Errorf("the bad one is %d bytes, %v", len(value), err)
	}
}

// While a rotation to a new secret is under way, a chunked record is read under its old name, and then under its new one.
func TestStreamDuringRotation(t *testing.T) {
	b, s := newStore(t, 1)
	want := bytesOf(1, 5*envelope.ChunkSize)
	b.setStream(s, "n", want)
	r := b.rotator(s.Vault)
	next := newSecret("another")
	r.must(func(t *task) error {
		_, err := r.v.BeginRotation(t, secretKey("secret"), &next)
		return err
	})
	b.streams(s, "n", want)
	newer := bytesOf(2, 5*envelope.ChunkSize)
	b.setStream(s, "n", newer)
	b.streams(s, "n", newer)
	b.noLeftOvers(s)
	if n := len(b.disks["db"].tables[Records]); n != 1 {
		t.Errorf("there are %d records", n)
	}
}

// A lock ends a stream at once, though its own key is not the vault's to forget.
func TestStreamLocked(t *testing.T) {
	b, s := newStore(t, 1)
	asked := 0
	give := source(b, bytesOf(1, 16*envelope.ChunkSize), 0, nil)
	err := b.do(func(t *task) error {
		it := Item{Name: "n", Class: envelope.PHI, Kind: envelope.Bytes}
		return s.SetStream(t, &it, func() ([]Blob, []int, bool, error) {
			if asked++; asked == 3 {
				b.vaults.Lock("db")
			}
			return give()
		})
	})
	fails(t, "a stream into a vault that was locked", err, ErrLocked)
	if asked != 3 {
		t.Errorf("the source was asked %d times", asked)
	}
}

// Of a header that was changed on its way through the page, no chunk is released that is not what it says.
func TestStreamOfAnotherLength(t *testing.T) {
	b, s := newStore(t, 1)
	b.setStream(s, "n", bytesOf(1, envelope.ChunkSize+10))
	err := b.do(func(t *task) error {
		stream, err := s.Stream(t, "n")
		if err != nil {
			return err
		}
		stream.Header[len(stream.Header)-1]--
		_, err = s.Chunks(t, "n", stream.Header, 1, 1)
		return err
	})
	fails(t, "the last chunk", err, ErrIntegrity)
}

// What a write left that was cut off is swept a day later; what a header points at, or is still being written, stays.
func TestOrphansAreSwept(t *testing.T) {
	b, s := newStore(t, 1)
	want := bytesOf(1, 2*envelope.ChunkSize)
	b.setStream(s, "kept", want)
	failure := errors.New("cut off")
	b.disks["db"].refuse = func(batch *Batch) error {
		if len(batch.Clear) > 0 {
			return ErrQuota // so that it can't clean up, as a page can't that ends
		}
		return nil
	}
	err := b.do(func(t *task) error {
		it := Item{Name: "n", Class: envelope.PHI, Kind: envelope.Bytes}
		return s.SetStream(t, &it, source(b, bytesOf(2, 9*envelope.ChunkSize), 5, failure))
	})
	if err != failure {
		t.Fatal(err)
	}
	b.disks["db"].refuse = nil
	lie := func() int { return len(b.disks["db"].tables[Chunks]) }
	left := lie()
	if left < 3 {
		t.Fatalf("%d chunks lie there", left)
	}
	purge := func() {
		t.Helper()
		if err := b.do(func(t *task) error { _, err := s.Purge(t, nil); return err }); err != nil {
			t.Fatal(err)
		}
	}
	for range 23 {
		b.now += 60 * 60
		purge()
	}
	if lie() != left {
		t.Errorf("%d of %d chunks lie there before a day has passed", lie(), left)
	}
	b.now += 2 * 60 * 60
	purge()
	if lie() != 2 {
		t.Errorf("%d chunks lie there, want those of the record", lie())
	}
	b.streams(s, "kept", want)
	b.noLeftOvers(s)
}

func TestExpiredChunksArePurged(t *testing.T) {
	b, s := newStore(t, 1)
	err := b.do(func(t *task) error {
		it := Item{Name: "n", Class: envelope.PHI, Kind: envelope.Bytes, TTL: 3_600_000}
		return s.SetStream(t, &it, source(b, bytesOf(2, 3*envelope.ChunkSize), 0, nil))
	})
	if err != nil {
		t.Fatal(err)
	}
	b.now += 7200
	if value, err := b.tryGet(s, "n"); err != nil || value != "" {
		t.Errorf("%d bytes, %v", len(value), err)
	}
	if err := b.do(func(t *task) error { _, err := s.Purge(t, nil); return err }); err != nil {
		t.Fatal(err)
	}
	if d := b.disks["db"]; len(d.tables[Chunks]) != 0 || len(d.tables[Records]) != 0 {
		t.Error("something is left of it")
	}
}
