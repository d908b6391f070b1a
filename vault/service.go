package vault

import "idbvault/envelope"

// maxPackageKeys is how many keys for salts met in packages a service remembers; the least recently used goes first.
const maxPackageKeys = 64

// Service seals and opens v1.0 packages under keys derived from one master key.
type Service struct {
	p          Platform
	master     Key
	iterations uint32 // asked for; a class's own number counts where it is higher
	order      order

	own [envelope.PHI + 1]*packageKey // by class
	met []*packageKey                 // for salts met in packages, the most recently used first
}

type packageSalt struct {
	class      envelope.Class
	salt       [envelope.SaltSize]byte
	iterations uint32
}

type packageKey struct {
	at   packageSalt
	key  Key
	id   string
	left uint32 // packages that may still be sealed under it
}

// maxPackages is how many packages a service seals under one salt before it draws a new one: half of what SP 800-38D
// §8.3 allows with random 96-bit IVs.
const maxPackages = 1 << 31

// NewService returns a service over a PBKDF2 key. Iterations of 0 means those of the class table.
func NewService(p Platform, master Key, iterations uint32) (*Service, error) {
	if iterations != 0 && (iterations < minRandomSecret || iterations > envelope.MaxIterations) {
		return nil, ErrInvalid.because("The option kdfIterations must be a whole number from 100,000 to 10,000,000.")
	}
	return &Service{p: p, master: master, iterations: iterations}, nil
}

// Encrypt seals plain under fresh metadata, which it returns with the ciphertext and its tag. Context is the typed
// encoding of an object.
func (s *Service) Encrypt(t Task, class envelope.Class, context []byte, plain Blob) (envelope.Metadata, Blob, error) {
	m := envelope.Metadata{Class: class, Context: context}
	if !class.Valid() {
		return m, nil, errClass
	}
	if !envelope.CheckContext(context) {
		return m, nil, errContext
	}
	k, err := s.ownKey(t, class)
	if err != nil {
		return m, nil, err
	}
	m.KeyID, m.Salt, m.Iterations, m.Created = k.id, k.at.salt, k.at.iterations, s.p.Time(s.p.Now())
	s.p.Random(m.IV[:])
	jobs := []Seal{{Key: k.key, IV: m.IV, AAD: envelope.PackageAAD(m.Encode()), Plain: plain}}
	if err := s.p.Seal(t, jobs, nil); err != nil {
		return m, nil, err
	}
	return m, jobs[0].Out, nil
}

// Decrypt opens a package, given the typed encoding of its metadata and its ciphertext with the tag, of size bytes.
func (s *Service) Decrypt(t Task, metadata []byte, sealed Blob, size int) (Blob, error) {
	m, err := envelope.ParseMetadata(metadata)
	if err != nil || size < envelope.TagSize || s.p.Time(s.p.ParseTime(m.Created)) != m.Created {
		return nil, packageError(err)
	}
	k, err := s.metKey(t, packageSalt{m.Class, m.Salt, m.Iterations})
	if err != nil {
		return nil, err
	}
	if k.id != m.KeyID {
		return nil, errPackage
	}
	jobs := []Open{{Key: k.key, IV: m.IV, AAD: envelope.PackageAAD(metadata), Sealed: sealed}}
	s.p.Open(t, jobs)
	if err := s.p.Opened(t); err != nil {
		if ErrRefused.is(err) {
			err = errPackage
		}
		return nil, err
	}
	return jobs[0].Out, nil
}

var errPackage = ErrIntegrity.because("The package was changed, or it was sealed under another master key.")

func packageError(err error) error {
	if err = broken(err); err == ErrVersion {
		return ErrVersion.because("The package names a version or an algorithm that this version of idbvault does not know. Update the application.")
	}
	return ErrIntegrity.because("The package is not one that EncryptionService makes: a field is missing, or not in its one form.")
}

// ownKey returns the key that this service seals packages of a class under. Salt and key are drawn when it is first
// asked for.
func (s *Service) ownKey(t Task, class envelope.Class) (*packageKey, error) {
	turn := s.order.take(t, class.String())
	defer turn.finish()
	k := s.own[class]
	if k != nil && k.left > 0 {
		k.left--
		return k, nil
	}
	at := packageSalt{class: class, iterations: max(class.Iterations(), s.iterations)}
	s.p.Random(at.salt[:])
	k, err := s.derive(t, at)
	if err != nil {
		return nil, err
	}
	k.left = maxPackages - 1
	s.own[class] = k
	return k, nil
}

// metKey returns the key for a salt that a package carries. Concurrent calls for one salt derive it once.
func (s *Service) metKey(t Task, at packageSalt) (*packageKey, error) {
	if k := s.own[at.class]; k != nil && k.at == at {
		return k, nil
	}
	turn := s.order.take(t, string(at.salt[:])+decimal(at.iterations)+at.class.String())
	defer turn.finish()
	k := s.known(at)
	if k == nil {
		var err error
		if k, err = s.derive(t, at); err != nil {
			return nil, err
		}
	}
	if len(s.met) == maxPackageKeys {
		s.met = s.met[:maxPackageKeys-1]
	}
	s.met = append([]*packageKey{k}, s.met...)
	return k, nil
}

// known takes the key for a salt that was met before out of the list, or returns nil.
func (s *Service) known(at packageSalt) *packageKey {
	for i, k := range s.met {
		if k.at == at {
			s.met = append(s.met[:i:i], s.met[i+1:]...)
			return k
		}
	}
	return nil
}

func (s *Service) derive(t Task, at packageSalt) (*packageKey, error) {
	key, err := s.p.DerivePackageKey(t, s.master, at.salt[:], at.iterations)
	if err != nil {
		return nil, err
	}
	digest, err := s.p.Digest(t, envelope.KeyIDMessage(at.class, at.iterations, at.salt))
	if err != nil {
		return nil, err
	}
	return &packageKey{at: at, key: key, id: hexadecimal(digest[:16])}, nil
}

// hexadecimal spells b in lower case. encoding/hex would bring fmt with it, 80 KB of the module.
func hexadecimal(b []byte) string {
	const digits = "0123456789abcdef"
	s := make([]byte, 0, 2*len(b))
	for _, x := range b {
		s = append(s, digits[x>>4], digits[x&15])
	}
	return string(s)
}
