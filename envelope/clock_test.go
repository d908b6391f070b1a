package envelope

import (
	"bytes"
	"testing"
)

func sampleClock() []byte {
	c := Clock{Trusted: 1_736_942_400, Jump: 1_800_000_000, Swept: 1_736_940_000}
	return append(c.Encode(), bytes.Repeat([]byte{7}, MACSize)...)
}

func TestClock(t *testing.T) {
	c, mac, err := ParseClock(sampleClock())
	if err != nil || *c != (Clock{1_736_942_400, 1_800_000_000, 1_736_940_000}) || !bytes.Equal(mac, bytes.Repeat([]byte{7}, MACSize)) {
		t.Errorf("%+v, %x, %v", c, mac, err)
	}
	b := sampleClock()
	b[0] = 2
	if _, _, err := ParseClock(b); err != ErrVersion {
		t.Errorf("another version: %v", err)
	}
	for n := range sampleClock() {
		if _, _, err := ParseClock(sampleClock()[:n]); err != ErrFormat {
			t.Errorf("its first %d bytes: %v", n, err)
		}
	}
	if _, _, err := ParseClock(append(sampleClock(), 0)); err != ErrFormat {
		t.Errorf("a byte too many: %v", err)
	}
}

// Every part of a clock and its database are in what is authenticated, and so is that it is one.
func TestClockMessage(t *testing.T) {
	c := Clock{1, 2, 3}
	messages := [][]byte{
		ClockMessage("db", &c), ClockMessage("db2", &c), ClockMessage("db", &Clock{9, 2, 3}), ClockMessage("db", &Clock{1, 9, 3}),
		ClockMessage("db", &Clock{1, 2, 9}), JournalMessage("db", &Journal{Reencrypting, 1, 2, 3}),
	}
	for i := range messages {
		for k := range i {
			if bytes.Equal(messages[i], messages[k]) {
				t.Errorf("messages %d and %d are the same", i, k)
			}
		}
	}
}

func FuzzParseClock(f *testing.F) {
	f.Add(sampleClock())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, mac, err := ParseClock(b)
		if err == nil && !bytes.Equal(append(c.Encode(), mac...), b) {
			t.Error("a clock has two encodings")
		}
	})
}
