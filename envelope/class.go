package envelope

// Class is the classification of a piece of data, as stored in one byte.
type Class byte

// The five classes of the data classification policy, from least to most sensitive.
const (
	Public       Class = 1
	Internal     Class = 2
	Confidential Class = 3
	PII          Class = 4
	PHI          Class = 5
)

// Classes lists every class.
var Classes = [...]Class{Public, Internal, Confidential, PII, PHI}

var classNames = [...]string{"", "public", "internal", "confidential", "pii", "phi"}

// Valid reports whether c is one of the five classes.
func (c Class) Valid() bool { return c >= Public && c <= PHI }

// String returns the name of c as packages and the API spell it: "public", "internal", "confidential", "pii", "phi".
func (c Class) String() string {
	if !c.Valid() {
		return "unknown"
	}
	return classNames[c]
}

// ParseClass returns the class with that name, or 0. The comparison is case-sensitive.
func ParseClass(name string) Class {
	for _, c := range Classes {
		if name == classNames[c] {
			return c
		}
	}
	return 0
}

// Iterations is the least number of PBKDF2 iterations that the data classification policy allows for c.
func (c Class) Iterations() uint32 {
	switch c {
	case PHI:
		return 250_000
	case PII, Confidential:
		return 150_000
	default:
		return 100_000
	}
}
