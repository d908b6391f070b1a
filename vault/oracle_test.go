package vault

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"testing"
	"unicode/utf16"

	"idbvault/envelope"
)

// What is here reads and writes both formats by docs/FORMAT.md, in straight lines, with the standard library's
// cryptography and none of the project's code. PBKDF2 runs its iterations in full.

func lp(x []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(x))), x...) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func pbkdf2SHA256(t *testing.T, secret string, salt []byte, iterations int) []byte {
	key, err := pbkdf2.Key(sha256.New, secret, salt, iterations, 32)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// oracle is the keys of a vault.
type oracle struct {
	t                  *testing.T
	database           string
	records            map[byte][]byte // by class
	nameKey, ringKey   []byte
	keyring            []byte
	clear              bool
	writeEpoch, leases uint32
}

func openOracle(t *testing.T, database, secret string, keyring []byte) *oracle {
	t.Helper()
	o := &oracle{t: t, database: database, records: map[byte][]byte{}, keyring: keyring, clear: keyring[45] == 1}
	if string(keyring[:9]) != "idbvault\x01" {
		t.Fatalf("the keyring begins with %q", keyring[:9])
	}
	o.writeEpoch = binary.BigEndian.Uint32(keyring[37:])
	if n := binary.BigEndian.Uint16(keyring[46:]); n != 1 {
		t.Fatalf("%d slots", n)
	}
	slot := keyring[48 : 48+65]
	kek := pbkdf2SHA256(t, secret, slot[5:21], int(binary.BigEndian.Uint32(slot[21:])))
	vaultKey := unwrapKey(kek, slot[25:65])
	if vaultKey == nil {
		t.Fatal("the slot does not open")
	}
	rest := keyring[48+65:]
	n := binary.BigEndian.Uint16(rest)
	rest = rest[2:]
	for range n {
		key := unwrapKey(vaultKey, rest[18:58])
		switch rest[0] {
		case 1:
			o.records[rest[1]] = key
			o.leases += binary.BigEndian.Uint32(rest[14:])
		case 3:
			o.nameKey = key
		case 4:
			o.ringKey = key
		}
		if key == nil || binary.BigEndian.Uint32(rest[2:]) != 1 {
			t.Errorf("key % x does not unwrap", rest[:6])
		}
		rest = rest[58:]
	}
	mac := hmacSHA256(o.ringKey, join(lp([]byte("idbvault/keyring/v1")), lp([]byte(database)), lp(keyring[:len(keyring)-32])))
	if !bytes.Equal(mac, rest) {
		t.Errorf("the MAC is %x, want %x", rest, mac)
	}
	return o
}

func (o *oracle) storedName(store, name string) []byte {
	if o.clear {
		return []byte(name)
	}
	return hmacSHA256(o.nameKey, join(lp([]byte("idbvault/name/v1")), lp([]byte(store)), lp([]byte(name))))
}

func (o *oracle) aad(store, name string, part byte, header []byte) []byte {
	return join(lp([]byte("idbvault/record/v1")), lp([]byte(o.database)), lp([]byte(store)), lp(o.storedName(store, name)), []byte{part}, lp(header))
}

func (o *oracle) recordKey(store, name string) string {
	return string(join([]byte{byte(len(store))}, []byte(store), o.storedName(store, name)))
}

func (o *oracle) chunkKey(store, name string) string {
	stored := o.storedName(store, name)
	return string(join([]byte{byte(len(store))}, []byte(store), binary.BigEndian.AppendUint16(nil, uint16(len(stored))), stored, make([]byte, 4)))
}

// read returns class, kind, content type, context and value of a record.
func (o *oracle) read(d *disk, store, name string) (class, kind byte, contentType, context, value string) {
	o.t.Helper()
	entry := d.tables[Records][o.recordKey(store, name)]
	if len(entry) < 36 || entry[0] != 1 || entry[1] != 1 || binary.BigEndian.Uint32(entry[4:]) != o.writeEpoch {
		o.t.Fatalf("%q: the entry begins with % x", name, entry[:min(36, len(entry))])
	}
	key := o.records[entry[3]]
	open := func(iv, sealed []byte, part byte, header []byte) []byte {
		plain, err := gcm(key).Open(nil, iv, sealed, o.aad(store, name, part, header))
		if err != nil {
			o.t.Fatalf("%q, part %d: %v", name, part, err)
		}
		return plain
	}
	var head, plain []byte
	if entry[2] == 1 {
		plain = open(entry[24:36], entry[36:], 1, entry[:36])
		n := 4 + binary.BigEndian.Uint32(plain)
		head, plain = plain[:n], plain[n:]
	} else {
		head = open(entry[24:36], entry[56:], 2, entry[:56])
		plain = open(entry[36:48], d.tables[Chunks][o.chunkKey(store, name)], 3, entry[:56])
		if binary.BigEndian.Uint64(entry[48:]) != uint64(len(plain)) {
			o.t.Errorf("%q: the header says %d bytes, there are %d", name, binary.BigEndian.Uint64(entry[48:]), len(plain))
		}
	}
	field := func() (x []byte) {
		n := binary.BigEndian.Uint32(head)
		x, head = head[4:4+n], head[4+n:]
		return x
	}
	head = field()
	kind, head = head[0], head[1:]
	if inside := string(field()); inside != name {
		o.t.Errorf("the name inside is %q, want %q", inside, name)
	}
	contentType, context = string(field()), string(field())
	return entry[3], kind, contentType, context, string(plain)
}

func TestVaultByTheText(t *testing.T) {
	for _, names := range []Names{NamesHidden, NamesClear} {
		w := newWorld(t, 1)
		w.scale = 1
		b := w.tab()
		s := b.store("größe", "st", Options{Secret: secretKey("a secret"), RandomSecret: true, Iterations: 250_000, Names: names})
		whole := Item{Name: "näme", Class: envelope.PHI, Kind: envelope.File, ContentType: "image/png", Context: []byte(`{"a":1}`), Value: []byte("value"), Size: 5}
		split := whole
		split.Name, split.Class, split.Value, split.Size = "n2", envelope.Public, []byte(large("x")), len(large("x"))
		b.set(s, whole, split, Item{Name: "n3", Class: envelope.PII, Kind: envelope.Bytes, Value: []byte{}})
		d := w.disks["größe"]
		o := openOracle(t, "größe", "a secret", d.keyring())
		if o.clear != (names == NamesClear) || o.leases != 3 {
			t.Errorf("clear names %v, %d leases", o.clear, o.leases)
		}
		for _, it := range []Item{whole, split, {Name: "n3", Class: envelope.PII, Kind: envelope.Bytes, Value: []byte{}}} {
			class, kind, contentType, context, value := o.read(d, "st", it.Name)
			if class != byte(it.Class) || kind != byte(it.Kind) || contentType != it.ContentType || context != string(it.Context) || value != string(it.Value.([]byte)) {
				t.Errorf("%q: class %d, kind %d, %q, %q, %.20q", it.Name, class, kind, contentType, context, value)
			}
		}
		channel := hmacSHA256(o.ringKey, join(lp([]byte("idbvault/channel/v1")), lp([]byte("größe"))))
		if got, want := b.channel(s.Vault), hex.EncodeToString(channel); got != want {
			t.Errorf("the channel is %s, want %s", got, want)
		}

		// The other way: what is written by the text, the vault reads.
		header := join([]byte{1, 1, 1, 4}, binary.BigEndian.AppendUint32(nil, 1), binary.BigEndian.AppendUint64(nil, 7), make([]byte, 8), []byte("123456789012"))
		head := lp(join([]byte{1}, lp([]byte("by the text")), lp(nil), lp(nil)))
		sealed := gcm(o.records[4]).Seal(nil, header[24:36], append(head, "written"...), o.aad("st", "by the text", 1, header))
		d.tables[Records][o.recordKey("st", "by the text")] = append(header, sealed...)
		b.wants(s, "by the text", "written")
		if got := b.names(s, "by ", 0); !slices.Equal(got, []string{"by the text"}) {
			t.Errorf("names %q", got)
		}
	}
}

// typed is the typed encoding of a JSON value.
func typed(v any) []byte {
	text := func(s string) []byte {
		units := utf16.Encode([]rune(s))
		b := binary.BigEndian.AppendUint32(nil, uint32(len(units)))
		for _, u := range units {
			b = binary.BigEndian.AppendUint16(b, u)
		}
		return b
	}
	switch v := v.(type) {
	case bool:
		if v {
			return []byte{2}
		}
		return []byte{1}
	case float64:
		return binary.BigEndian.AppendUint64([]byte{3}, math.Float64bits(v))
	case string:
		return append([]byte{4}, text(v)...)
	case []any:
		b := binary.BigEndian.AppendUint32([]byte{5}, uint32(len(v)))
		for _, x := range v {
			b = append(b, typed(x)...)
		}
		return b
	case map[string]any:
		b := binary.BigEndian.AppendUint32([]byte{6}, uint32(len(v)))
		for _, name := range keysOf(v) { // in order for names whose code points are their code units
			b = append(append(b, text(name)...), typed(v[name])...)
		}
		return b
	}
	return []byte{0}
}

func TestPackageByTheText(t *testing.T) {
	for _, c := range []struct {
		name       string
		asked      uint32
		iterations int
	}{{"the class's iterations", 0, 150_000}, {"its own", 200_000, 200_000}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 2)
			w.scale = 1
			b := w.tab()
			s := b.service("master", c.asked)
			p := b.encrypt(s, envelope.PII, sampleContext, "value")
			salt, _ := base64.StdEncoding.DecodeString(p.metadata["salt"].(string))
			iv, _ := base64.StdEncoding.DecodeString(p.metadata["iv"].(string))
			key := pbkdf2SHA256(t, "master", salt, c.iterations)
			aad := func(metadata map[string]any) []byte { return join(lp([]byte("idbvault/package/v1")), typed(metadata)) }
			plain, err := gcm(key).Open(nil, iv, p.sealed, aad(p.metadata))
			if err != nil || string(plain) != "value" {
				t.Errorf("got %q, %v", plain, err)
			}
			id := sha256.Sum256(join(lp([]byte("idbvault/key-id/v1")), []byte{4}, binary.BigEndian.AppendUint32(nil, uint32(c.iterations)), lp(salt)))
			if p.metadata["keyId"] != hex.EncodeToString(id[:16]) {
				t.Errorf("keyId is %v, want %x", p.metadata["keyId"], id[:16])
			}
			// The other way, with a member that this version does not know and without a context.
			p.metadata["zone"] = map[string]any{"a": []any{1.5}}
			delete(p.metadata, "context")
			iv[0] ^= 1
			p.metadata["iv"] = base64.StdEncoding.EncodeToString(iv)
			p.sealed = gcm(key).Seal(nil, iv, []byte("written by the text"), aad(p.metadata))
			if got, err := b.decrypt(s, p); err != nil || got != "written by the text" {
				t.Errorf("got %q, %v", got, err)
			}
			// A writer that has the master key and spells a field in another way is refused all the same.
			for member, value := range map[string]string{
				"keyId":       "00000000000000000000000000000000",
				"encryptedAt": "2025-01-15T12:00:00.000Z",
			} {
				right := p.metadata[member]
				p.metadata[member] = value
				p.sealed = gcm(key).Seal(nil, iv, []byte("value"), aad(p.metadata))
				_, err := b.decrypt(s, p)
				fails(t, member, err, ErrIntegrity)
				p.metadata[member] = right
			}
		})
	}
}
