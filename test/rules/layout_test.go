package rules

import (
	"bytes"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"idbvault/envelope"
)

// firstOther is where two encodings begin to differ.
func firstOther(t *testing.T, a, b []byte) int {
	t.Helper()
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	t.Fatal("they do not differ")
	return 0
}

// The shim reads archives without the Go program. Its numbers of where things lie are those of the bytes that Go writes.
func TestArchiveLayout(t *testing.T) {
	header := func(change func(h *envelope.Header)) int {
		was := envelope.Header{Layout: envelope.Chunked, Class: envelope.PHI, Epoch: 1}
		is := was
		change(&is)
		return firstOther(t, was.Encode(), is.Encode())
	}
	keyring := func(change func(k *envelope.Keyring)) int {
		was := &envelope.Keyring{Slots: make([]envelope.Slot, 1), Keys: make([]envelope.WrappedKey, 1)}
		is := was.Clone()
		change(is)
		return firstOther(t, was.Encode(), is.Encode())
	}
	slotsAt := keyring(func(k *envelope.Keyring) { k.Slots[0].ID = 1 << 24 })
	keysAt := keyring(func(k *envelope.Keyring) { k.Keys[0].Kind = 1 })
	one := envelope.Keyring{Slots: make([]envelope.Slot, 1), Keys: make([]envelope.WrappedKey, 1)}
	none := envelope.Keyring{}
	version := bytes.IndexByte(none.Encode(), 1)
	want := map[string]map[string]int{
		"header": {
			"layout":         header(func(h *envelope.Header) { h.Layout = envelope.Split }),
			"classification": header(func(h *envelope.Header) { h.Class = envelope.Public }),
			"salt":           header(func(h *envelope.Header) { h.Salt[0] = 1 }),
			"begun":          header(func(h *envelope.Header) { h.Begun = 1 << 56 }),
		},
		"layouts": {"split": int(envelope.Split), "chunked": int(envelope.Chunked)},
		"keyring": {
			"version":    version,
			"generation": keyring(func(k *envelope.Keyring) { k.Generation = 1 << 24 }),
			"slots":      slotsAt,
		},
		"slot": {
			"salt":       keyring(func(k *envelope.Keyring) { k.Slots[0].Salt[0] = 1 }) - slotsAt,
			"iterations": keyring(func(k *envelope.Keyring) { k.Slots[0].Iterations = 1 << 24 }) - slotsAt,
			"wrapped":    keyring(func(k *envelope.Keyring) { k.Slots[0].Wrapped[0] = 1 }) - slotsAt,
			"size":       keysAt - 2 - slotsAt,
		},
		"key": {
			"kind":    0,
			"leases":  keyring(func(k *envelope.Keyring) { k.Keys[0].Leases = 1 << 24 }) - keysAt,
			"wrapped": keyring(func(k *envelope.Keyring) { k.Keys[0].Wrapped[0] = 1 }) - keysAt,
			"size":    len(one.Encode()) - keysAt,
		},
		"kinds": {"name": int(envelope.NameKey256), "keyring": int(envelope.KeyringKey256)},
		"sizes": {"mac": envelope.MACSize, "maxSlots": envelope.MaxSlots, "maxKeys": envelope.MaxKeys, "chunk": envelope.ChunkSize},
	}

	text, err := os.ReadFile("../../web/src/archive-layout.ts")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]int{}
	for _, table := range regexp.MustCompile(`export const (\w+) = \{([^}]*)\};`).FindAllStringSubmatch(string(text), -1) {
		got[table[1]] = map[string]int{}
		for _, member := range strings.Split(table[2], ",") {
			name, number, _ := strings.Cut(strings.TrimSpace(member), ": ")
			base, shift, shifted := strings.Cut(number, " << ")
			n, err := strconv.Atoi(base)
			if shifted && err == nil {
				var by int
				by, err = strconv.Atoi(shift)
				n <<= by
			}
			if err != nil {
				t.Fatalf("%s.%s is %q", table[1], name, number)
			}
			got[table[1]][name] = n
		}
	}
	for name, members := range want {
		if !maps.Equal(got[name], members) {
			t.Errorf("%s is %v, want %v", name, got[name], members)
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d tables, want %d", len(got), len(want))
	}
}
