package vault

import "idbvault/envelope"

// Iterations of PBKDF2 that a slot may have.
const (
	DefaultIterations = 600_000 // OWASP Password Storage Cheat Sheet, PBKDF2-HMAC-SHA256
	minPassphrase     = DefaultIterations
	minRandomSecret   = 100_000 // the least of the class table; for 32 random bytes and more, which no one can guess
)

// Options are what a caller asks of a vault that it opens.
type Options struct {
	Secret       Key    // a PBKDF2 key, or nil
	RandomSecret bool   // the secret is at least 32 bytes that the caller says are random
	Fingerprint  []byte // HMAC of the secret under a key of this page: tells the same secret without a second PBKDF2
	Iterations   uint32 // for a slot that is made, and the least for one that is opened; 0 means DefaultIterations, and any
	Names        Names
	ExpectVault  Choice // no, or yes: an absent vault is ErrEvicted, and is not made

	Policy Policy
	// LockedAt is when the vault was last locked on this page, Unix time in seconds, or 0: there was no key to write it down with.
	LockedAt uint64

	// Bound is the name of the database that the vault was made for, where it lies in another one: that is what its associated data hold.
	Bound string

	Again bool // for a storage that was open: without a secret, a vault is ErrLocked

	raise bool // Iterations were asked for: a slot with fewer is raised to them when it is opened
}

// Choice is an option that is one of two: 1 or 2, or 0 where the caller does not choose.
type Choice int

func (c Choice) check(option, first, second string) error {
	if c < 0 || c > 2 {
		return ErrInvalid.because("The option " + option + " must be " + first + " or " + second + ".")
	}
	return nil
}

// Yes is the second choice of those that are no or yes.
const Yes Choice = 2

// Names says how a vault keeps record names. It is fixed when the vault is made.
type Names = Choice

// The ways to keep names.
const (
	NamesAsMade Names = iota // hidden in a new vault
	NamesHidden
	NamesClear
)

// check refuses iterations that no vault is made with, and choices that are none. What kind of secret a vault has that is joined
// without one, is not known.
func (o *Options) check() error {
	if err := o.Names.check("names", "'hidden'", "'clear'"); err != nil {
		return err
	}
	if err := o.ExpectVault.check("expectVault", "false", "true"); err != nil {
		return err
	}
	if o.raise = o.Iterations != 0; !o.raise {
		o.Iterations = DefaultIterations
	}
	least, why := uint32(minRandomSecret), "The option iterations must be a whole number from 100,000 to 10,000,000."
	if o.Secret != nil && !o.RandomSecret {
		least, why = minPassphrase, "The option iterations must be a whole number from 600,000 to 10,000,000. A secret of 32 random bytes or more, as a Uint8Array, may go down to 100,000."
	}
	if o.Iterations < least || o.Iterations > envelope.MaxIterations {
		return ErrInvalid.because(why)
	}
	return nil
}

// suit reports whether a vault is as the options ask.
func (o *Options) suit(ring *envelope.Keyring) error {
	if o.Names != NamesAsMade && (o.Names == NamesClear) != ring.ClearNames {
		return ErrInvalid.because("The option names differs from what this vault was made with. It can't be changed; leave it out.")
	}
	return nil
}
