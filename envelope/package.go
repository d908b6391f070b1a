package envelope

import "math"

const (
	// PackageVersion is the version that a package names.
	PackageVersion = "1.0"
	// PackageAlgorithm is the algorithm that a package names: AES-256-GCM, 96-bit IV, 128-bit tag.
	PackageAlgorithm = "AES-GCM"
	// MaxIterations is the most PBKDF2 iterations that are carried out for bytes that are not authenticated yet.
	MaxIterations = 10_000_000
)

// Metadata is what a package says in clear. All of it is associated data.
type Metadata struct {
	KeyID      string
	IV         [IVSize]byte
	Salt       [SaltSize]byte
	Class      Class
	Created    string // UTC to the second, "2025-01-15T12:00:00Z"
	Iterations uint32 // of PBKDF2; the class's own number is not written
	Context    []byte // typed encoding of an object; not set by ParseMetadata
}

const packageLabel = "idbvault/package/v1"

// PackageAAD returns the associated data of a package. It covers every member of the metadata object, those that this
// version does not know included:
//
//	lp("idbvault/package/v1") || typed encoding of the metadata object
func PackageAAD(metadata []byte) []byte {
	var w writer
	w.lpStr(packageLabel)
	w.raw(metadata)
	return w.b
}

// Encode returns the typed encoding of m as the object that goes into a package.
func (m *Metadata) Encode() []byte {
	var w writer
	own := m.Iterations == m.Class.Iterations()
	w.u8(tagObject)
	if own {
		w.u32(8)
	} else {
		w.u32(9)
	}
	member := func(name, value string) {
		w.name(name)
		w.text(value)
	}
	member("algorithm", PackageAlgorithm)
	member("classification", m.Class.String())
	w.name("context")
	w.raw(m.Context)
	member("encryptedAt", m.Created)
	member("iv", Base64(m.IV[:]))
	if !own {
		w.name("kdfIterations")
		w.u8(tagNumber)
		w.u64(math.Float64bits(float64(m.Iterations)))
	}
	member("keyId", m.KeyID)
	member("salt", Base64(m.Salt[:]))
	member("version", PackageVersion)
	return w.b
}

// ParseMetadata reads the typed encoding of a package's metadata object. The caller checks Created. An unknown version
// or algorithm is ErrVersion, anything else that does not fit is ErrFormat.
func ParseMetadata(b []byte) (Metadata, error) {
	var m Metadata
	var version, algorithm string
	var iterations float64 // 0 where the field is not there
	ok := true
	r := reader{b: b}
	if r.u8() != tagObject {
		return m, ErrFormat
	}
	r.object(MaxDepth+1, func(name string, tag byte, content []byte) {
		text := ""
		if tag == tagString {
			text = ascii(content)
		}
		switch ascii([]byte(name)) {
		case "version":
			version = text
		case "algorithm":
			algorithm = text
		case "keyId":
			m.KeyID = text
		case "encryptedAt":
			m.Created = text
		case "iv":
			ok = ok && decodeBase64(m.IV[:], text)
		case "salt":
			ok = ok && decodeBase64(m.Salt[:], text)
		case "classification":
			m.Class = ParseClass(text)
		case "context":
			ok = ok && tag == tagObject
		case "kdfIterations":
			if ok = ok && tag == tagNumber; ok {
				in := reader{b: content}
				iterations = math.Float64frombits(in.u64())
				ok = iterations > 0
			}
		}
	})
	m.Iterations = m.Class.Iterations()
	if iterations != 0 {
		ok = ok && iterations > float64(m.Iterations) && iterations <= MaxIterations
		m.Iterations = uint32(iterations)
		ok = ok && float64(m.Iterations) == iterations
	}
	if r.bad || len(r.b) != 0 || version == "" || algorithm == "" {
		return m, ErrFormat
	}
	if version != PackageVersion || algorithm != PackageAlgorithm {
		return m, ErrVersion
	}
	if !ok || !m.Class.Valid() || m.KeyID == "" || m.Created == "" || m.IV == [IVSize]byte{} || m.Salt == [SaltSize]byte{} {
		return m, ErrFormat
	}
	return m, nil
}

const keyIDLabel = "idbvault/key-id/v1"

// KeyIDMessage returns the message whose SHA-256, its first 16 bytes in lower-case hexadecimal, is the keyId of a
// package. It is made of public parameters only:
//
//	lp("idbvault/key-id/v1") || u8 class || u32 iterations || lp(salt)
func KeyIDMessage(class Class, iterations uint32, salt [SaltSize]byte) []byte {
	var w writer
	w.lpStr(keyIDLabel)
	w.u8(byte(class))
	w.u32(iterations)
	w.lp(salt[:])
	return w.b
}
