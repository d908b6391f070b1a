package envelope

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

const samplePackage = `{
	"version": "1.0", "algorithm": "AES-GCM", "keyId": "000102030405060708090a0b0c0d0e0f",
	"iv": "MTIzNDU2Nzg5Ojs8", "salt": "QUJDREVGR0hJSktMTU5PUA==", "classification": "phi",
	"encryptedAt": "2025-01-15T12:00:00Z", "kdfIterations": 300000, "context": {"patientId": "P12345"}
}`

// metadataWith returns the metadata of the sample with members changed, added or, where they are removed{}, left out.
func metadataWith(t testing.TB, changes map[string]any) map[string]any {
	m := fromJSON(t, samplePackage).(map[string]any)
	for name, value := range changes {
		if _, remove := value.(removed); remove {
			delete(m, name)
		} else {
			m[name] = value
		}
	}
	return m
}

type removed struct{}

func sampleMetadata() Metadata {
	return Metadata{
		KeyID: "000102030405060708090a0b0c0d0e0f", IV: [12]byte([]byte("123456789:;<")), Salt: [16]byte([]byte("ABCDEFGHIJKLMNOP")),
		Class: PHI, Created: "2025-01-15T12:00:00Z", Iterations: 300_000, Context: typed(map[string]any{"patientId": "P12345"}),
	}
}

func TestMetadata(t *testing.T) {
	own := sampleMetadata()
	own.Iterations = 250_000
	for _, c := range []struct {
		name    string
		m       Metadata
		changes map[string]any
	}{
		{"iterations of its own", sampleMetadata(), nil},
		{"the class's iterations", own, map[string]any{"kdfIterations": removed{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			encoded := typed(metadataWith(t, c.changes))
			if got := c.m.Encode(); !bytes.Equal(got, encoded) {
				t.Errorf("encoded as\n%x, want\n%x", got, encoded)
			}
			got, err := ParseMetadata(encoded)
			want := c.m
			got.Context, want.Context = nil, nil
			if err != nil || got.KeyID != want.KeyID || got.IV != want.IV || got.Salt != want.Salt || got.Class != want.Class ||
				got.Created != want.Created || got.Iterations != want.Iterations {
				t.Errorf("parsed to %+v (%v), want %+v", got, err, want)
			}
			if want := prefixed("idbvault/package/v1") + string(encoded); string(PackageAAD(encoded)) != want {
				t.Errorf("the associated data is %x, want %x", PackageAAD(encoded), want)
			}
			for n := range encoded {
				if _, err := ParseMetadata(encoded[:n]); err != ErrFormat {
					t.Errorf("%d of %d bytes: got %v, want ErrFormat", n, len(encoded), err)
				}
			}
			if _, err := ParseMetadata(append(encoded, 0)); err != ErrFormat {
				t.Errorf("a byte behind it: got %v, want ErrFormat", err)
			}
		})
	}
}

func TestMetadataRefused(t *testing.T) {
	for _, c := range []struct {
		name, member string
		value        any
		want         error
	}{
		{"version 1.1", "version", "1.1", ErrVersion},
		{"version 2.0", "version", "2.0", ErrVersion},
		{"version 1", "version", 1.0, ErrFormat},
		{"version empty", "version", "", ErrFormat},
		{"no version", "version", removed{}, ErrFormat},
		{"another algorithm", "algorithm", "AES-CBC", ErrVersion},
		{"algorithm in lower case", "algorithm", "aes-gcm", ErrVersion},
		{"no algorithm", "algorithm", removed{}, ErrFormat},
		{"algorithm null", "algorithm", nil, ErrFormat},
		{"no keyId", "keyId", removed{}, ErrFormat},
		{"keyId a number", "keyId", 7.0, ErrFormat},
		{"keyId not ASCII", "keyId", "é", ErrFormat},
		{"no encryptedAt", "encryptedAt", removed{}, ErrFormat},
		{"encryptedAt a number", "encryptedAt", 1.0, ErrFormat},
		{"no iv", "iv", removed{}, ErrFormat},
		{"iv null", "iv", nil, ErrFormat},
		{"iv of 11 bytes", "iv", "MTIzNDU2Nzg5Ojs=", ErrFormat},
		{"iv of 13 bytes", "iv", "MTIzNDU2Nzg5Ojs8PQ==", ErrFormat},
		{"iv with a line break", "iv", "MTIzNDU2Nzg5Ojs8\n", ErrFormat},
		{"iv with a letter not ASCII", "iv", "MTIzNDU2Nzg5Oj\u017f8", ErrFormat},
		{"no salt", "salt", removed{}, ErrFormat},
		{"salt with stray bits", "salt", "QUJDREVGR0hJSktMTU5PUB==", ErrFormat},
		{"salt without padding", "salt", "QUJDREVGR0hJSktMTU5PUA", ErrFormat},
		{"no classification", "classification", removed{}, ErrFormat},
		{"classification in capitals", "classification", "PHI", ErrFormat},
		{"classification unknown", "classification", "secret", ErrFormat},
		{"classification a number", "classification", 5.0, ErrFormat},
		{"context an array", "context", []any{}, ErrFormat},
		{"context a string", "context", "{}", ErrFormat},
		{"context null", "context", nil, ErrFormat},
		{"iterations 0", "kdfIterations", 0.0, ErrFormat},
		{"the class's iterations, which are not written", "kdfIterations", 250_000.0, ErrFormat},
		{"iterations below the class's", "kdfIterations", 249_999.0, ErrFormat},
		{"iterations of another class", "kdfIterations", 100_000.0, ErrFormat},
		{"iterations above 10,000,000", "kdfIterations", 10_000_001.0, ErrFormat},
		{"iterations of 2^32 more", "kdfIterations", 4295267296.0, ErrFormat},
		{"iterations not whole", "kdfIterations", 300_000.5, ErrFormat},
		{"iterations negative", "kdfIterations", -300_000.0, ErrFormat},
		{"iterations a string", "kdfIterations", "300000", ErrFormat},
		{"iterations null", "kdfIterations", nil, ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ParseMetadata(typed(metadataWith(t, map[string]any{c.member: c.value})))
			if err != c.want {
				t.Errorf("got %+v, %v, want %v", m, err, c.want)
			}
		})
	}
	for _, c := range []struct {
		name  string
		value any
	}{
		{"array", []any{metadataWith(t, nil)}},
		{"string", samplePackage},
		{"empty object", map[string]any{}},
	} {
		if _, err := ParseMetadata(typed(c.value)); err != ErrFormat {
			t.Errorf("%s: got %v, want ErrFormat", c.name, err)
		}
	}
	// Both members that say what to do must not be there twice, whichever one a reader would believe.
	twice := members{{units{'i', 'v'}, "MTIzNDU2Nzg5Ojs8"}, {units{'i', 'v'}, "MTIzNDU2Nzg5Ojs8"}}
	if _, err := ParseMetadata(typed(twice)); err != ErrFormat {
		t.Errorf("a member twice: got %v, want ErrFormat", err)
	}
}

func TestMetadataAccepted(t *testing.T) {
	deep := func(levels int) any {
		var v any = map[string]any{}
		for ; levels > 1; levels-- {
			v = map[string]any{"a": v}
		}
		return v
	}
	for _, c := range []struct {
		name, member string
		value        any
		iterations   uint32
		err          error
	}{
		{"no context", "context", removed{}, 300_000, nil},
		{"a member that later versions add", "zone", map[string]any{"a": []any{1.0}}, 300_000, nil},
		{"a member named in another case", "Version", "2.0", 300_000, nil},
		{"a member whose letter folds to one of ours", "ver\u017fion", "2.0", 300_000, nil},
		{"10,000,000 iterations", "kdfIterations", 10_000_000.0, 10_000_000, nil},
		{"one more than the class's", "kdfIterations", 250_001.0, 250_001, nil},
		{"a context of 64 levels", "context", deep(64), 300_000, nil},
		{"a context of 65 levels", "context", deep(65), 0, ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ParseMetadata(typed(metadataWith(t, map[string]any{c.member: c.value})))
			if err != c.err || err == nil && m.Iterations != c.iterations {
				t.Errorf("%d iterations, %v, want %d, %v", m.Iterations, err, c.iterations, c.err)
			}
		})
	}
	for _, class := range Classes {
		m, err := ParseMetadata(typed(metadataWith(t, map[string]any{"classification": class.String(), "kdfIterations": removed{}})))
		if err != nil || m.Class != class || m.Iterations != class.Iterations() {
			t.Errorf("%v: %v, %d iterations, %v", class, m.Class, m.Iterations, err)
		}
	}
}

func TestKeyIDMessage(t *testing.T) {
	want := hex.EncodeToString([]byte(prefixed("idbvault/key-id/v1"))) + "05" + "000493e0" + "00000010" + hex.EncodeToString([]byte("ABCDEFGHIJKLMNOP"))
	if got := hex.EncodeToString(KeyIDMessage(PHI, 300_000, [16]byte([]byte("ABCDEFGHIJKLMNOP")))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestClasses(t *testing.T) {
	for _, c := range []struct {
		class      Class
		byte       byte
		name       string
		iterations uint32
	}{
		{Public, 1, "public", 100_000},
		{Internal, 2, "internal", 100_000},
		{Confidential, 3, "confidential", 150_000},
		{PII, 4, "pii", 150_000},
		{PHI, 5, "phi", 250_000},
	} {
		if byte(c.class) != c.byte || !c.class.Valid() || c.class.String() != c.name || ParseClass(c.name) != c.class || c.class.Iterations() != c.iterations {
			t.Errorf("%s: byte %d, %q, %d iterations, parsed back %d", c.name, c.class, c.class, c.class.Iterations(), ParseClass(c.name))
		}
		if Classes[c.byte-1] != c.class {
			t.Errorf("%s is not at its place in Classes", c.name)
		}
		if upper := strings.ToUpper(c.name); ParseClass(upper) != 0 {
			t.Errorf("%q is a class", upper)
		}
	}
	for _, c := range []Class{0, 6, 255} {
		if c.Valid() || c.String() != "unknown" {
			t.Errorf("%d is a class: %q", byte(c), c)
		}
	}
	for _, name := range []string{"", "unknown", "secret", "phi "} {
		if ParseClass(name) != 0 {
			t.Errorf("%q is a class", name)
		}
	}
}
