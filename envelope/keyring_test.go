package envelope

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func filled(b byte, n int) string { return strings.Repeat(string([]byte{b}), n) }

func u16(x int) string    { return string(binary.BigEndian.AppendUint16(nil, uint16(x))) }
func u32(x uint32) string { return string(binary.BigEndian.AppendUint32(nil, x)) }
func u64(x uint64) string { return string(binary.BigEndian.AppendUint64(nil, x)) }

// The parts of a keyring by docs/FORMAT.md.
func slotOf(id uint32, kind byte) string {
	return u32(id) + string([]byte{kind}) + filled(0x51, 16) + u32(600_000) + filled(0x52, 40)
}

func keyOf(kind, class byte, epoch uint32) string {
	return string([]byte{kind, class}) + u32(epoch) + u64(0x6162636465666768) + u32(7) + filled(0x61, 40)
}

func frontOf(writeEpoch, highestEpoch uint32, options byte) string {
	return "idbvault\x01" + filled(0x41, 16) + u64(0x4243444546474849) + u32(9) + u32(writeEpoch) + u32(highestEpoch) + string([]byte{options})
}

var keyringMAC = filled(0x71, 32)

func keyringOf(front string, slots, keys []string) []byte {
	return []byte(front + u16(len(slots)) + strings.Join(slots, "") + u16(len(keys)) + strings.Join(keys, "") + keyringMAC)
}

var (
	sampleSlots = []string{slotOf(1, 1), slotOf(5, 2), slotOf(6, 3)}
	sampleKeys  = []string{keyOf(1, 1, 1), keyOf(1, 1, 3), keyOf(1, 5, 2), keyOf(2, 1, 1), keyOf(3, 0, 1), keyOf(4, 0, 1), keyOf(5, 0, 1)}
)

func sampleKeyring() []byte { return keyringOf(frontOf(2, 3, 1), sampleSlots, sampleKeys) }

func TestKeyring(t *testing.T) {
	array := func(b byte) (a [40]byte) { copy(a[:], filled(b, 40)); return a }
	slot := func(id uint32, kind SlotKind) Slot {
		return Slot{ID: id, Kind: kind, Salt: [16]byte([]byte(filled(0x51, 16))), Iterations: 600_000, Wrapped: array(0x52)}
	}
	key := func(kind KeyKind, class Class, epoch uint32) WrappedKey {
		return WrappedKey{Kind: kind, Class: class, Epoch: epoch, Created: 0x6162636465666768, Leases: 7, Wrapped: array(0x61)}
	}
	want := &Keyring{
		VaultID: [16]byte([]byte(filled(0x41, 16))), Created: 0x4243444546474849, Generation: 9, WriteEpoch: 2, HighestEpoch: 3, ClearNames: true,
		Slots: []Slot{slot(1, SecretSlot), slot(5, RecoverySlot), slot(6, PasskeySlot)},
		Keys: []WrappedKey{
			key(RecordKey256, Public, 1), key(RecordKey256, Public, 3), key(RecordKey256, PHI, 2), key(ObjectKey256, Public, 1),
			key(NameKey256, 0, 1), key(KeyringKey256, 0, 1), key(AuditKey256, 0, 1),
		},
	}
	encoded := sampleKeyring()
	got, mac, err := ParseKeyring(encoded)
	if err != nil || string(mac) != keyringMAC {
		t.Fatalf("MAC %x, %v", mac, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("parsed to\n%+v, want\n%+v", got, want)
	}
	if again := append(got.Encode(), mac...); !bytes.Equal(again, encoded) {
		t.Errorf("encoded as\n%x, want\n%x", again, encoded)
	}
	// What was parsed must not change with the buffer that it came in.
	clear(encoded)
	if string(mac) != keyringMAC || !reflect.DeepEqual(got, want) {
		t.Error("the keyring changed with the buffer")
	}
}

func TestKeyringTruncated(t *testing.T) {
	encoded := sampleKeyring()
	for n := range encoded {
		if _, _, err := ParseKeyring(encoded[:n]); err != ErrFormat {
			t.Errorf("%d of %d bytes: got %v, want ErrFormat", n, len(encoded), err)
		}
	}
	if _, _, err := ParseKeyring(append(encoded, 0)); err != ErrFormat {
		t.Errorf("a byte behind it: got %v, want ErrFormat", err)
	}
}

func manySlots(n int) (slots []string) {
	for i := range n {
		slots = append(slots, slotOf(uint32(i+1), 1))
	}
	return slots
}

func manyKeys(n int) (keys []string) {
	for i := range n {
		keys = append(keys, keyOf(1, 1, uint32(i+1)))
	}
	return keys
}

func TestKeyringRefused(t *testing.T) {
	front := frontOf(2, 3, 0)
	with := func(at int, key string) []string { return slices.Insert(slices.Clone(sampleKeys), at, key) }
	exchanged := func(list []string, i, j int) []string {
		list = slices.Clone(list)
		list[i], list[j] = list[j], list[i]
		return list
	}
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"another magic", change(t, sampleKeyring(), 7, "55"), ErrFormat},
		{"version 0", change(t, sampleKeyring(), 8, "00"), ErrVersion},
		{"version 2", change(t, sampleKeyring(), 8, "02"), ErrVersion},
		{"write epoch 0", keyringOf(frontOf(0, 3, 0), sampleSlots, sampleKeys), ErrFormat},
		{"write epoch above the highest", keyringOf(frontOf(4, 3, 0), sampleSlots, sampleKeys), ErrFormat},
		{"options 2", keyringOf(frontOf(2, 3, 2), sampleSlots, sampleKeys), ErrFormat},
		{"options 255", keyringOf(frontOf(2, 3, 255), sampleSlots, sampleKeys), ErrFormat},

		{"no slot", keyringOf(front, nil, sampleKeys), ErrFormat},
		{"65 slots", keyringOf(front, manySlots(65), sampleKeys), ErrFormat},
		{"slot of kind 0", keyringOf(front, []string{slotOf(1, 0)}, sampleKeys), ErrFormat},
		{"slot of kind 4", keyringOf(front, []string{slotOf(1, 4)}, sampleKeys), ErrFormat},
		{"slots out of order", keyringOf(front, exchanged(sampleSlots, 0, 1), sampleKeys), ErrFormat},
		{"slot twice", keyringOf(front, []string{slotOf(1, 1), slotOf(1, 1)}, sampleKeys), ErrFormat},
		{"slot count above what is there", change(t, sampleKeyring(), 46, "ffff"), ErrFormat},

		{"4097 keys", keyringOf(frontOf(1, 5000, 0), sampleSlots, manyKeys(4097)), ErrFormat},
		{"key of kind 0", keyringOf(front, sampleSlots, with(0, keyOf(0, 0, 1))), ErrFormat},
		{"key of kind 6", keyringOf(front, sampleSlots, with(7, keyOf(6, 0, 1))), ErrFormat},
		{"record key without a class", keyringOf(front, sampleSlots, with(0, keyOf(1, 0, 1))), ErrFormat},
		{"record key of class 6", keyringOf(front, sampleSlots, with(3, keyOf(1, 6, 1))), ErrFormat},
		{"object key without a class", keyringOf(front, sampleSlots, with(3, keyOf(2, 0, 1))), ErrFormat},
		{"name key with a class", keyringOf(front, sampleSlots, with(5, keyOf(3, 1, 1))), ErrFormat},
		{"keyring key with a class", keyringOf(front, sampleSlots, with(6, keyOf(4, 5, 1))), ErrFormat},
		{"audit key with class 6", keyringOf(front, sampleSlots, with(7, keyOf(5, 6, 1))), ErrFormat},
		{"key of epoch 0", keyringOf(front, sampleSlots, with(0, keyOf(1, 1, 0))), ErrFormat},
		{"key above the highest epoch", keyringOf(front, sampleSlots, with(2, keyOf(1, 1, 4))), ErrFormat},
		{"key twice", keyringOf(front, sampleSlots, with(1, keyOf(1, 1, 1))), ErrFormat},
		{"keys out of order by kind", keyringOf(front, sampleSlots, exchanged(sampleKeys, 4, 5)), ErrFormat},
		{"keys out of order by class", keyringOf(front, sampleSlots, exchanged(sampleKeys, 1, 2)), ErrFormat},
		{"keys out of order by epoch", keyringOf(front, sampleSlots, exchanged(sampleKeys, 0, 1)), ErrFormat},
		{"key count above what is there", change(t, sampleKeyring(), 46+2+3*65, "ffff"), ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			if k, _, err := ParseKeyring(c.b); err != c.want {
				t.Errorf("got %+v, %v, want %v", k, err, c.want)
			}
		})
	}
}

// The edges of what is refused above.
func TestKeyringAccepted(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"one slot, no key", keyringOf(frontOf(1, 1, 0), sampleSlots[:1], nil)},
		{"64 slots", keyringOf(frontOf(2, 3, 1), manySlots(64), sampleKeys)},
		{"slot ids 0 and 2^32 - 1", keyringOf(frontOf(2, 3, 1), []string{slotOf(0, 1), slotOf(math.MaxUint32, 1)}, sampleKeys)},
		{"4096 keys", keyringOf(frontOf(4096, 4096, 0), sampleSlots, manyKeys(4096))},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, mac, err := ParseKeyring(c.b)
			if err != nil || !bytes.Equal(append(k.Encode(), mac...), c.b) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestKeyringFind(t *testing.T) {
	k, _, err := ParseKeyring(sampleKeyring())
	if err != nil {
		t.Fatal(err)
	}
	for i := range k.Keys {
		e := &k.Keys[i]
		if got := k.Find(e.Kind, e.Class, e.Epoch); got != e {
			t.Errorf("kind %d, class %d, epoch %d: got %+v", e.Kind, e.Class, e.Epoch, got)
		}
	}
	if got := k.Find(RecordKey256, PHI, 1); got != nil {
		t.Errorf("a key that is not there: got %+v", got)
	}
}

func TestKeyringMessages(t *testing.T) {
	encoded := sampleKeyring()
	k, _, err := ParseKeyring(encoded)
	if err != nil {
		t.Fatal(err)
	}
	want := prefixed("idbvault/keyring/v1") + prefixed("db") + prefixed(string(encoded[:len(encoded)-MACSize]))
	if got := KeyringMessage("db", k); string(got) != want {
		t.Errorf("the MAC's message is\n%x, want\n%x", got, want)
	}
	if got := ChannelMessage("db"); string(got) != prefixed("idbvault/channel/v1")+prefixed("db") {
		t.Errorf("the channel's message is %q", got)
	}
	// One key authenticates the keyring and names the channel: no database may make one message the other.
	if bytes.HasPrefix(KeyringMessage("db", k), ChannelMessage("db")[:4+len("idbvault/")+4]) {
		t.Error("the labels of the messages do not tell them apart")
	}
}

// What is done to a clone is not done to the keyring.
func TestKeyringClone(t *testing.T) {
	k, _, err := ParseKeyring(sampleKeyring())
	if err != nil {
		t.Fatal(err)
	}
	before := string(k.Encode())
	c := k.Clone()
	if string(c.Encode()) != before {
		t.Error("the clone differs")
	}
	c.Generation++
	c.Slots[0].Iterations++
	c.Slots = append(c.Slots, Slot{})
	c.Keys[0].Leases++
	c.Keys = c.Keys[:1]
	if string(k.Encode()) != before {
		t.Error("the keyring was changed with its clone")
	}
}
