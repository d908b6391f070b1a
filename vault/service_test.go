package vault

import (
	"bytes"
	"reflect"
	"testing"

	"idbvault/envelope"
)

// sealedPackage is a package as a caller keeps it: the metadata's value and the ciphertext.
type sealedPackage struct {
	metadata map[string]any
	sealed   []byte
}

func (b *tab) service(master string, iterations uint32) *Service {
	b.t.Helper()
	s, err := NewService(b.page, secretKey(master), iterations)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *tab) encrypt(s *Service, class envelope.Class, context map[string]any, plain string) sealedPackage {
	b.t.Helper()
	var p sealedPackage
	err := b.do(func(t *task) error {
		m, sealed, err := s.Encrypt(t, class, typed(context), []byte(plain))
		if err != nil {
			return err
		}
		p = sealedPackage{metadataOf(m, context), sealed.([]byte)}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// metadataOf puts a package's metadata together as the shim does.
func metadataOf(m envelope.Metadata, context map[string]any) map[string]any {
	object := map[string]any{
		"version": "1.0", "algorithm": "AES-GCM", "keyId": m.KeyID, "iv": envelope.Base64(m.IV[:]), "salt": envelope.Base64(m.Salt[:]),
		"classification": m.Class.String(), "encryptedAt": m.Created, "context": context,
	}
	if m.Iterations != m.Class.Iterations() {
		object["kdfIterations"] = float64(m.Iterations)
	}
	return object
}

func (b *tab) decrypt(s *Service, p sealedPackage) (plain string, err error) {
	b.t.Helper()
	err = b.do(func(t *task) error {
		out, err := s.Decrypt(t, typed(p.metadata), p.sealed, len(p.sealed))
		if err == nil {
			plain = string(out.([]byte))
		}
		return err
	})
	return plain, err
}

var sampleContext = map[string]any{"patientId": "P12345", "codes": []any{1.0, "A00", nil, true}}

func TestServiceRoundTrip(t *testing.T) {
	for _, c := range []struct {
		class      envelope.Class
		asked      uint32
		iterations uint32
	}{
		{envelope.Public, 0, 100_000},
		{envelope.Internal, 0, 100_000},
		{envelope.Confidential, 0, 150_000},
		{envelope.PII, 0, 150_000},
		{envelope.PHI, 0, 250_000},
		{envelope.Public, 100_000, 100_000},
		{envelope.PHI, 100_000, 250_000}, // the class's own is more
		{envelope.PHI, 250_000, 250_000},
		{envelope.PHI, 250_001, 250_001},
		{envelope.Public, 300_000, 300_000},
		{envelope.PHI, 10_000_000, 10_000_000},
	} {
		t.Run(c.class.String(), func(t *testing.T) {
			for _, plain := range []string{"", "blood group A", large("x")} {
				w := newWorld(t, 1)
				b := w.tab()
				p := b.encrypt(b.service("master", c.asked), c.class, sampleContext, plain)
				if !reflect.DeepEqual(b.derived, []uint32{c.iterations}) {
					t.Errorf("derived with %d iterations, want %d", b.derived, c.iterations)
				}
				if _, stated := p.metadata["kdfIterations"]; stated != (c.iterations != c.class.Iterations()) {
					t.Errorf("the metadata is %v", p.metadata)
				}
				if p.metadata["encryptedAt"] != "2025-01-15T12:00:00Z" || len(p.sealed) != len(plain)+16 {
					t.Errorf("encryptedAt is %v and the ciphertext has %d bytes", p.metadata["encryptedAt"], len(p.sealed))
				}
				// Another service, on another page, asked for other iterations, with the same master key.
				other := w.tab()
				if got, err := other.decrypt(other.service("master", 0), p); err != nil || got != plain {
					t.Errorf("got %.20q, %v", got, err)
				}
				if !reflect.DeepEqual(other.derived, []uint32{c.iterations}) {
					t.Errorf("the other service derived with %d iterations, want %d", other.derived, c.iterations)
				}
				_, err := other.decrypt(other.service("another master", 0), p)
				fails(t, "another master key", err, ErrIntegrity)
			}
		})
	}
}

func TestServiceIterationBounds(t *testing.T) {
	for _, c := range []struct {
		name       string
		iterations uint32
		ok         bool
	}{
		{"1", 1, false},
		{"99,999", 99_999, false},
		{"10,000,001", 10_000_001, false},
		{"2^32 - 1", 1<<32 - 1, false},
		{"the class table's", 0, true},
		{"100,000", 100_000, true},
		{"10,000,000", 10_000_000, true},
	} {
		_, err := NewService(newWorld(t, 2).tab().page, secretKey("master"), c.iterations)
		if c.ok && err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !c.ok {
			fails(t, c.name, err, ErrInvalid)
		}
	}
}

func TestServiceArguments(t *testing.T) {
	b := newWorld(t, 3).tab()
	s := b.service("master", 0)
	for _, c := range []struct {
		name    string
		class   envelope.Class
		context []byte
	}{
		{"class 0", 0, typed(map[string]any{})},
		{"class 6", 6, typed(map[string]any{})},
		{"no context", envelope.PHI, nil},
		{"a context that is no object", envelope.PHI, typed("text")},
		{"a context with bytes behind it", envelope.PHI, append(typed(map[string]any{}), 0)},
	} {
		err := b.do(func(t *task) error { _, _, err := s.Encrypt(t, c.class, c.context, []byte("x")); return err })
		fails(t, c.name, err, ErrInvalid)
	}
	if len(b.derived) != 0 {
		t.Errorf("%d derivations", len(b.derived))
	}
}

// Every field of the metadata is authenticated, those included that this version does not know.
func TestPackageChanged(t *testing.T) {
	b := newWorld(t, 4).tab()
	s := b.service("master", 300_000)
	p := b.encrypt(s, envelope.PHI, sampleContext, "value")
	elsewhere := b.encrypt(b.service("master", 300_000), envelope.PHI, sampleContext, "value").metadata
	type removed struct{}
	for _, c := range []struct {
		name, member string
		value        any
		want         *Error
	}{
		{"version", "version", "1.1", ErrVersion},
		{"no version", "version", removed{}, ErrIntegrity},
		{"algorithm", "algorithm", "AES-CBC", ErrVersion},
		{"no algorithm", "algorithm", removed{}, ErrIntegrity},
		{"keyId", "keyId", "00000000000000000000000000000000", ErrIntegrity},
		{"keyId of another salt", "keyId", elsewhere["keyId"], ErrIntegrity},
		{"no keyId", "keyId", removed{}, ErrIntegrity},
		{"iv", "iv", elsewhere["iv"], ErrIntegrity},
		{"no iv", "iv", removed{}, ErrIntegrity},
		{"salt", "salt", elsewhere["salt"], ErrIntegrity},
		{"no salt", "salt", removed{}, ErrIntegrity},
		{"a lower class", "classification", "public", ErrIntegrity},
		{"no class", "classification", removed{}, ErrIntegrity},
		{"a second later", "encryptedAt", "2025-01-15T12:00:01Z", ErrIntegrity},
		{"time in another form", "encryptedAt", "2025-01-15T12:00:00+00:00", ErrIntegrity},
		{"time in milliseconds", "encryptedAt", "2025-01-15T12:00:00.000Z", ErrIntegrity},
		{"no time at all", "encryptedAt", "yesterday", ErrIntegrity},
		{"one iteration more", "kdfIterations", 300_001.0, ErrIntegrity},
		{"the class's iterations", "kdfIterations", 250_000.0, ErrIntegrity},
		{"too few iterations", "kdfIterations", 1.0, ErrIntegrity},
		{"too many iterations", "kdfIterations", 10_000_001.0, ErrIntegrity},
		{"no iterations", "kdfIterations", removed{}, ErrIntegrity},
		{"context empty", "context", map[string]any{}, ErrIntegrity},
		{"context with another patient", "context", map[string]any{"patientId": "P12346", "codes": []any{1.0, "A00", nil, true}}, ErrIntegrity},
		{"context with another type", "context", map[string]any{"patientId": "P12345", "codes": []any{"1", "A00", nil, true}}, ErrIntegrity},
		{"no context", "context", removed{}, ErrIntegrity},
		{"a member added", "zone", "x", ErrIntegrity},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := map[string]any{}
			for name, value := range p.metadata {
				changed[name] = value
			}
			if changed[c.member] = c.value; reflect.DeepEqual(c.value, removed{}) {
				delete(changed, c.member)
			}
			_, err := b.decrypt(s, sealedPackage{changed, p.sealed})
			fails(t, "the service that sealed it", err, c.want)
			_, err = b.decrypt(b.service("master", 0), sealedPackage{changed, p.sealed})
			fails(t, "another service", err, c.want)
		})
	}
	for at := range p.sealed {
		changed := bytes.Clone(p.sealed)
		changed[at] ^= 1 << (at % 8)
		_, err := b.decrypt(s, sealedPackage{p.metadata, changed})
		fails(t, "a ciphertext with a byte changed", err, ErrIntegrity)
	}
	for _, n := range []int{0, 1, 15, 16, len(p.sealed) - 1} {
		_, err := b.decrypt(s, sealedPackage{p.metadata, p.sealed[:n]})
		fails(t, "a ciphertext cut short", err, ErrIntegrity)
	}
	if got, err := b.decrypt(s, p); err != nil || got != "value" {
		t.Errorf("as it is: %q, %v", got, err)
	}
}

// What a thief writes into a package must not make the page spend more than a package may ask for.
func TestPackageBoundsBeforeWork(t *testing.T) {
	b := newWorld(t, 5).tab()
	s := b.service("master", 0)
	p := b.encrypt(s, envelope.PHI, sampleContext, "value")
	b.derived = nil
	for _, n := range []float64{1, 249_999, 10_000_001, 4_294_967_296, 1e300} {
		p.metadata["kdfIterations"] = n
		_, err := b.decrypt(b.service("master", 0), p)
		fails(t, "iterations out of range", err, ErrIntegrity)
	}
	delete(p.metadata, "kdfIterations")
	_, err := b.decrypt(b.service("master", 0), sealedPackage{p.metadata, p.sealed[:15]})
	fails(t, "a ciphertext shorter than a tag", err, ErrIntegrity)
	p.metadata["encryptedAt"] = "today"
	_, err = b.decrypt(b.service("master", 0), p)
	fails(t, "a time that is none", err, ErrIntegrity)
	if len(b.derived) != 0 {
		t.Errorf("derived with %d iterations", b.derived)
	}
}
