package vault

import (
	"strings"
	"testing"

	"idbvault/envelope"
)

// adopt brings a record in, as a stream where its value is large enough for chunks.
func adopt(b *tab, t Task, s *Store, name, value string, from Origin) (Outcome, error) {
	it := text(name, value)
	it.Origin = &from
	if len(value) < envelope.ChunkSize {
		return s.Adopt(t, &it)
	}
	it.Kind, it.Value, it.Size = envelope.Bytes, nil, 0
	return s.AdoptStream(t, &it, source(b, []byte(value), 0, nil))
}

// valuesOfAllLayouts are values that begin with mark.
func valuesOfAllLayouts(mark string) []string {
	return []string{mark, large(mark), mark + strings.Repeat("-", envelope.ChunkSize)}
}

func TestAdopt(t *testing.T) {
	for _, c := range []struct {
		name    string
		written uint64 // what is there, in seconds before now; 0 is nothing
		from    Origin // in seconds before now
		policy  uint64
		want    Outcome
		expires uint64 // in seconds from now, or 0
	}{
		{name: "nothing is there", from: Origin{Created: 90, Before: 90}, want: Added},
		{name: "an older one is there", written: 91, from: Origin{Created: 90, Before: 90}, want: Replaced},
		{name: "one of the same second is there", written: 90, from: Origin{Created: 90, Before: 90}, want: Kept},
		{name: "a newer one is there", written: 89, from: Origin{Created: 90, Before: 90}, want: Kept},
		{name: "any makes way", written: 10, from: Origin{Created: 90, Before: 0}, want: Replaced},
		{name: "its own end", from: Origin{Created: 90, Expires: 50, Before: 90}, want: Added, expires: 50},
		{name: "the policy's end", from: Origin{Created: 90, Expires: 50, Before: 90}, policy: 100, want: Added, expires: 10},
		{name: "its own before the policy's", from: Origin{Created: 90, Expires: 5, Before: 90}, policy: 100, want: Added, expires: 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i, value := range valuesOfAllLayouts("new") {
				for _, old := range valuesOfAllLayouts("old") {
					b := newWorld(t, uint64(i)).tab()
					o := withSecret("secret")
					o.Policy.TTL = []uint64{0, 0, 0, 0, 0, c.policy}
					s := b.store("db", "st", o)
					now := b.now
					if c.written != 0 {
						b.now = now - c.written
						b.set(s, text("n", old))
						b.now = now
					}
					from := c.from
					from.Created, from.Before = now-from.Created, now-from.Before
					if from.Expires != 0 {
						from.Expires += now
					}
					var got Outcome
					err := b.do(func(t *task) (err error) {
						got, err = adopt(b, t, s, "n", value, from)
						return err
					})
					if err != nil || got != c.want {
						t.Fatalf("the outcome is %d, %v, want %d", got, err, c.want)
					}
					if got == Kept {
						b.wants(s, "n", old)
						continue
					}
					b.wants(s, "n", value)
					b.noLeftOvers(s)
					want := c.expires
					if want != 0 {
						want += now
					}
					h, _ := envelope.ParseHeader(b.disks["db"].tables[Records][b.recordKey(s, "n")])
					if h.Created != from.Created || h.Expires != want {
						t.Errorf("written %d, expires %d, want %d and %d", h.Created, h.Expires, from.Created, want)
					}
				}
			}
		})
	}
}

// What a tab, this one or another, writes while an older record is brought in, is there in the end.
func TestAdoptMeetsWrites(t *testing.T) {
	var conflicts [3]int // by layout
	for seed := range uint64(240) {
		for _, other := range []bool{false, true} {
			w := newWorld(t, seed)
			b := w.tab()
			s := b.store("db", "st", withSecret("secret"))
			b.set(s, text("n", "old"))
			writer, to := b, s
			if other {
				writer = w.tab()
				to = writer.store("db", "st", withSecret("secret"))
			}
			w.now += 20
			value := valuesOfAllLayouts("from elsewhere")[seed%3]
			tasks := []func(t *task){
				func(t *task) {
					_, err := adopt(b, t, s, "n", value, Origin{Created: w.now - 10, Before: w.now - 10})
					if ErrConflict.is(err) && other {
						conflicts[seed%3]++
					} else if err != nil {
						w.t.Errorf("seed %d: %v", seed, err)
					}
				},
				func(t *task) {
					if err := set(t, to, text("n", "written here")); err != nil {
						w.t.Errorf("seed %d: %v", seed, err)
					}
				},
			}
			w.start(tasks[seed%2])
			for range seed % 40 {
				w.step()
			}
			w.start(tasks[1-seed%2])
			w.run()
			writer.wants(to, "n", "written here")
			if t.Failed() {
				t.Fatalf("seed %d, another tab %v", seed, other)
			}
		}
	}
	for layout, n := range conflicts {
		if n == 0 {
			t.Errorf("no write of another tab came between in layout %d", layout+1)
		}
	}
}
