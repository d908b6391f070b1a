package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"testing"

	"golang.org/x/crypto/hkdf"

	"idbvault/envelope"
)

// bytesOf is a value of so many bytes, no chunk of which is like another.
func bytesOf(mark byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = mark ^ byte(i) ^ byte(i>>8) ^ byte(i>>20)
	}
	return b
}

// source gives a value as the shim does, a few chunks at a time, and fails with failure, where it is not nil, behind that many.
func source(b *tab, value []byte, after int, failure error) Source {
	given := 0
	return func() (plain []Blob, sizes []int, last bool, err error) {
		for range 1 + b.rand.IntN(window) {
			if failure != nil && given == after {
				return nil, nil, false, failure
			}
			chunk := value[:min(envelope.ChunkSize, len(value))]
			value = value[len(chunk):]
			plain, sizes = append(plain, bytes.Clone(chunk)), append(sizes, len(chunk))
			if given++; len(value) == 0 && failure == nil {
				return plain, sizes, true, nil
			}
		}
		return plain, sizes, false, nil
	}
}

func (b *tab) trySetStream(s *Store, name string, value []byte) error {
	return b.do(func(t *task) error {
		it := Item{Name: name, Class: envelope.PHI, Kind: envelope.Bytes, Context: []byte(`{"a":1}`)}
		return s.SetStream(t, &it, source(b, value, 0, nil))
	})
}

func (b *tab) setStream(s *Store, name string, value []byte) {
	b.t.Helper()
	if err := b.trySetStream(s, name, value); err != nil {
		b.t.Fatal(err)
	}
}

// readStream reads a chunked value as the shim's stream does, and returns what was released before an error.
func (b *tab) readStream(s *Store, name string) (value []byte, err error) {
	err = b.do(func(t *task) error {
		stream, err := s.Stream(t, name)
		if err != nil {
			return err
		}
		if stream.Header == nil {
			value = stream.Value.Data.([]byte)[stream.Value.Offset:]
			return nil
		}
		for n := stream.Value.Header.Chunks(); n > 0; {
			first := stream.Value.Header.Chunks() - n
			k := min(n, uint32(1+b.rand.IntN(window)))
			plain, err := s.Chunks(t, name, stream.Header, first, k)
			if err != nil {
				return err
			}
			for _, c := range plain {
				value = append(value, c.([]byte)...)
			}
			n -= k
		}
		return nil
	})
	return value, err
}

func (b *tab) streams(s *Store, name string, want []byte) {
	b.t.Helper()
	if got, err := b.readStream(s, name); err != nil || !bytes.Equal(got, want) {
		b.t.Errorf("%q streams as %d bytes (%v), want %d", name, len(got), err, len(want))
	}
	whole, err := b.tryGet(s, name)
	if err != nil || whole != string(want) {
		b.t.Errorf("%q is read as %d bytes (%v), want %d", name, len(whole), err, len(want))
	}
}

func TestStream(t *testing.T) {
	for _, size := range []int{0, 1, envelope.ChunkSize - 1, envelope.ChunkSize, envelope.ChunkSize + 1, 9*envelope.ChunkSize + 5} {
		b, s := newStore(t, uint64(size))
		want := bytesOf(1, size)
		b.setStream(s, "n", want)
		b.streams(s, "n", want)
		b.noLeftOvers(s)
		h, _ := envelope.ParseHeader(b.disks["db"].tables[Records][b.recordKey(s, "n")])
		if n := len(b.disks["db"].tables[Chunks]); h.Layout != envelope.Chunked || n != int(h.Chunks()) {
			t.Errorf("%d bytes lie in %d entries, in the layout %d", size, n, h.Layout)
		}
		again := b.crash().store("db", "st", withSecret("secret"))
		b.streams(again, "n", want)
	}
}

// Every kind of value takes the place of every other, and leaves nothing of it behind.
func TestStreamReplaces(t *testing.T) {
	ways := map[string]func(b *tab, s *Store){
		"whole":   func(b *tab, s *Store) { b.set(s, text("n", "small")) },
		"split":   func(b *tab, s *Store) { b.set(s, text("n", large("large"))) },
		"chunked": func(b *tab, s *Store) { b.setStream(s, "n", bytesOf(2, envelope.ChunkSize+7)) },
		"deleted": func(b *tab, s *Store) {
			if err := b.do(func(t *task) error { return s.Delete(t, []string{"n"}) }); err != nil {
				b.t.Fatal(err)
			}
		},
	}
	wants := map[string]string{"whole": "small", "split": large("large"), "chunked": string(bytesOf(2, envelope.ChunkSize+7))}
	for before, first := range ways {
		for after, second := range ways {
			for _, fresh := range []string{"", "crash", "other tab"} {
				t.Run(before+", "+after+", "+fresh, func(t *testing.T) {
					b, s := newStore(t, 1)
					first(b, s)
					switch fresh {
					case "crash":
						b = b.crash()
						s = b.store("db", "st", withSecret("secret"))
					case "other tab":
						other := b.tab()
						s2 := other.store("db", "st", withSecret("secret"))
						other.set(s2, text("m", "and so it knows of all large values"))
						first(b, s)
						s2.Heard("n")
						b, s = other, s2
					}
					second(b, s)
					b.wants(s, "n", wants[after])
					b.noLeftOvers(s)
				})
			}
		}
	}
}

// A source that fails, or a disk that is full, leaves the old value and nothing else.
func TestStreamFails(t *testing.T) {
	failure := errors.New("the reader of the source failed")
	for after := range 7 {
		b, s := newStore(t, uint64(after))
		b.set(s, text("n", large("old")))
		err := b.do(func(t *task) error {
			it := Item{Name: "n", Class: envelope.PHI, Kind: envelope.Bytes}
			return s.SetStream(t, &it, source(b, bytesOf(3, 8*envelope.ChunkSize), after, failure))
		})
		if err != failure {
			t.Errorf("got %v", err)
		}
		b.wants(s, "n", large("old"))
		b.noLeftOvers(s)
	}
	for after := range 3 {
		b, s := newStore(t, uint64(after))
		b.set(s, text("n", "old"))
		commits := 0
		b.disks["db"].refuse = func(batch *Batch) error {
			if commits++; commits > after && len(batch.Clear) == 0 {
				return ErrQuota
			}
			return nil
		}
		err := b.trySetStream(s, "n", bytesOf(3, 16*envelope.ChunkSize))
		fails(t, "a full disk", err, ErrQuota)
		b.disks["db"].refuse = nil
		b.wants(s, "n", "old")
		b.noLeftOvers(s)
	}
}

// Other tabs read and write while a value comes in; each call takes effect as a whole.
func TestStreamUnderWay(t *testing.T) {
	for seed := range seeds(15) {
		b, s := newStore(t, seed)
		other := b.tab()
		o := other.store("db", "st", withSecret("secret"))
		first, second := bytesOf(4, 5*envelope.ChunkSize+1), bytesOf(5, 6*envelope.ChunkSize+2)
		b.setStream(s, "n", first)
		allowed := map[string]bool{"": true, string(first): true, string(second): true, "small": true}
		do := func(f func(t *task) error) {
			b.start(func(t *task) {
				t.linger()
				if err := f(t); err != nil && !errors.Is(err, ErrConflict) {
					b.t.Errorf("seed %d: %v", seed, err)
				}
			})
		}
		do(func(t *task) error {
			it := Item{Name: "n", Class: envelope.PHI, Kind: envelope.Bytes}
			return s.SetStream(t, &it, source(b, second, 0, nil))
		})
		do(func(t *task) error {
			got, err := get(t, o, "n")
			if err == nil && !allowed[got] {
				b.t.Errorf("seed %d: another tab read %d bytes that no one wrote", seed, len(got))
			}
			return err
		})
		switch seed % 3 {
		case 0:
			do(func(t *task) error { return set(t, o, text("n", "small")) })
		case 1:
			do(func(t *task) error { return o.Clear(t) })
		}
		b.run()
		s.Heard("n")
		o.Heard("n")
		if got, err := b.tryGet(s, "n"); err != nil || !allowed[got] {
			t.Errorf("seed %d: at the end there are %d bytes (%v)", seed, len(got), err)
		}
		b.set(s, text("n", "again"))
		other.wants(o, "n", "again")
	}
}

// What someone does to the chunks is noticed, and what was released before that is good.
func TestStreamTampered(t *testing.T) {
	size := 5*envelope.ChunkSize + 100
	want := bytesOf(6, size)
	at := func(b *tab, s *Store, name string, i int) string {
		h, _ := envelope.ParseHeader(b.disks["db"].tables[Records][b.recordKey(s, name)])
		return string(envelope.ChunksKey("st", b.storedName(s, name), h.ChunkID(), uint32(i)))
	}
	chunk := func(b *tab, s *Store, name string, i int) []byte {
		return b.disks["db"].tables[Chunks][at(b, s, name, i)]
	}
	put := func(b *tab, s *Store, name string, i int, value []byte) {
		b.disks["db"].tables[Chunks][at(b, s, name, i)] = value
	}
	header := func(b *tab, s *Store, at int, x byte) {
		b.disks["db"].tables[Records][b.recordKey(s, "n")][at] ^= x
	}
	for _, c := range []struct {
		name string
		good int // chunks before it
		do   func(b *tab, s *Store)
	}{
		{"a bit of a chunk", 2, func(b *tab, s *Store) { chunk(b, s, "n", 2)[77] ^= 1 }},
		{"the last chunk gone", 5, func(b *tab, s *Store) { delete(b.disks["db"].tables[Chunks], at(b, s, "n", 5)) }},
		{"the first chunk gone", 0, func(b *tab, s *Store) { delete(b.disks["db"].tables[Chunks], at(b, s, "n", 0)) }},
		{"two that changed places", 1, func(b *tab, s *Store) {
			one, two := chunk(b, s, "n", 1), chunk(b, s, "n", 2)
			put(b, s, "n", 1, two)
			put(b, s, "n", 2, one)
		}},
		{"one twice", 3, func(b *tab, s *Store) { put(b, s, "n", 3, chunk(b, s, "n", 2)) }},
		{"one of another record", 3, func(b *tab, s *Store) { put(b, s, "n", 3, chunk(b, s, "m", 3)) }},
		{"one of an older write", 3, func(b *tab, s *Store) {
			old := bytes.Clone(chunk(b, s, "n", 3))
			b.setStream(s, "n", want)
			put(b, s, "n", 3, old)
		}},
		{"one that was cut", 3, func(b *tab, s *Store) { put(b, s, "n", 3, chunk(b, s, "n", 3)[:500]) }},
		{"a shorter length", 0, func(b *tab, s *Store) { header(b, s, 83, 1) }},
		{"another salt", 0, func(b *tab, s *Store) { header(b, s, 67, 1) }},
		{"another time", 0, func(b *tab, s *Store) { header(b, s, 75, 1) }},
		{"another layout", 0, func(b *tab, s *Store) { header(b, s, 2, 2) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, s := newStore(t, 1)
			b.setStream(s, "n", want)
			b.setStream(s, "m", want)
			c.do(b, s)
			got, err := b.readStream(s, "n")
			fails(t, "a stream", err, ErrIntegrity)
			if n := len(got); n > c.good*envelope.ChunkSize || sha256.Sum256(got) != sha256.Sum256(want[:n]) {
				t.Errorf("%d bytes were released, or others than those of the good chunks", n)
			}
			_, err = b.tryGet(s, "n")
			fails(t, "the whole", err, ErrIntegrity)
			if got, err := b.readStream(s, "m"); err != nil || !bytes.Equal(got, want) {
				t.Errorf("the other record: %d bytes, %v", len(got), err)
			}
		})
	}
}

// A reader that begins before a record is written anew does not get a mixture.
func TestStreamReplacedWhileRead(t *testing.T) {
	b, s := newStore(t, 1)
	b.setStream(s, "n", bytesOf(7, 6*envelope.ChunkSize))
	var stream *Stream
	err := b.do(func(t *task) (err error) {
		stream, err = s.Stream(t, "n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.setStream(s, "n", bytesOf(8, 6*envelope.ChunkSize))
	err = b.do(func(t *task) error {
		_, err := s.Chunks(t, "n", stream.Header, 3, 1)
		return err
	})
	fails(t, "chunks of a value that is gone", err, ErrConflict)
	for _, c := range []struct{ first, n uint32 }{{0, 0}, {6, 1}, {5, 2}, {0, window + 1}, {1 << 31, 1 << 31}} {
		err = b.do(func(t *task) error {
			_, err := s.Chunks(t, "n", stream.Header, c.first, c.n)
			return err
		})
		fails(t, fmt.Sprint(c), err, ErrInvalid)
	}
}

// The chunks on the disk open by docs/FORMAT.md, without this package: HKDF, the IV and the associated data are what it says.
func TestStreamOracle(t *testing.T) {
	b, s := newStore(t, 1)
	want := bytesOf(9, 2*envelope.ChunkSize+3)
	b.setStream(s, "n", want)
	stored := b.storedName(s, "n")
	entry := b.disks["db"].tables[Records][b.recordKey(s, "n")]
	salt, begun := entry[36:68], entry[68:76]
	object := s.objectKey(envelope.PHI, 1).(*fakeKey).raw
	key := make([]byte, 32)
	if _, err := io.ReadFull(hkdf.New(sha256.New, object, salt, []byte("idbvault/chunks/v1")), key); err != nil {
		t.Fatal(err)
	}
	block, _ := aes.NewCipher(key)
	aead, _ := cipher.NewGCM(block)
	lp := func(x string) string { return string([]byte{0, 0, byte(len(x) >> 8), byte(len(x))}) + x }
	var got []byte
	for i := range 3 {
		last := byte(0)
		if i == 2 {
			last = 1
		}
		at := "\x02st\x00\x20" + string(stored) + string(begun) + string(salt[:8]) + string([]byte{0, 0, 0, byte(i)})
		iv := []byte{0, 0, 0, 0, 0, 0, 0, last, 0, 0, 0, byte(i)}
		aad := lp("idbvault/chunk/v1") + lp("db") + lp("st") + lp(string(stored)) + lp(string(entry[:76])) + string([]byte{0, 0, 0, byte(i), last})
		plain, err := aead.Open(nil, iv, b.disks["db"].tables[Chunks][at], []byte(aad))
		if err != nil {
			t.Fatalf("chunk %d: %v", i, err)
		}
		got = append(got, plain...)
	}
	if !bytes.Equal(got, want) {
		t.Error("the chunks are not the value")
	}
}
