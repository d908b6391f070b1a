package vault

import (
	"testing"

	"idbvault/envelope"
)

// Salt and key are drawn once a service and class; every package has an IV of its own.
func TestServiceDerivesOnce(t *testing.T) {
	for seed := range uint64(20) {
		b := newWorld(t, seed).tab()
		s := b.service("master", 0)
		salts, ivs := map[any]bool{}, map[any]bool{}
		for range 10 {
			for _, class := range []envelope.Class{envelope.PHI, envelope.PII} {
				b.start(func(t *task) {
					m, _, err := s.Encrypt(t, class, typed(sampleContext), []byte("value"))
					if err != nil {
						b.t.Error(err)
					}
					salts[m.Salt], ivs[m.IV] = true, true
				})
			}
		}
		b.run()
		if len(b.derived) != 2 || len(salts) != 2 || len(ivs) != 20 {
			t.Fatalf("seed %d: %d derivations, %d salts, %d IVs", seed, len(b.derived), len(salts), len(ivs))
		}
	}
	// Two services with one master key have salts of their own.
	b := newWorld(t, 1).tab()
	one, two := b.encrypt(b.service("m", 0), envelope.PHI, nil, "x"), b.encrypt(b.service("m", 0), envelope.PHI, nil, "x")
	if one.metadata["salt"] == two.metadata["salt"] || one.metadata["keyId"] == two.metadata["keyId"] {
		t.Error("two services have one salt")
	}
}

// A key that has sealed as many packages as is safe is replaced, and what it sealed still opens.
func TestServiceDrawsAnew(t *testing.T) {
	b := newWorld(t, 2).tab()
	s := b.service("master", 0)
	old := b.encrypt(s, envelope.PHI, nil, "old")
	if left := s.own[envelope.PHI].left; left != 1<<31-1 {
		t.Errorf("%d packages may follow the first", left)
	}
	s.own[envelope.PHI].left = 1
	last := b.encrypt(s, envelope.PHI, nil, "last")
	next := b.encrypt(s, envelope.PHI, nil, "next")
	if old.metadata["salt"] != last.metadata["salt"] || last.metadata["salt"] == next.metadata["salt"] {
		t.Errorf("salts %v, %v, %v", old.metadata["salt"], last.metadata["salt"], next.metadata["salt"])
	}
	for _, p := range []sealedPackage{old, last, next} {
		if _, err := b.decrypt(s, p); err != nil {
			t.Error(err)
		}
	}
}

// Packages of one salt that are opened at the same time derive its key once.
func TestServiceMeetsASaltOnce(t *testing.T) {
	for seed := range uint64(40) {
		b := newWorld(t, seed).tab()
		p := b.encrypt(b.service("master", 0), envelope.PHI, sampleContext, "value")
		q := b.encrypt(b.service("master", 0), envelope.PHI, sampleContext, "other")
		b.derived = nil
		s := b.service("master", 0)
		for range 5 {
			for _, x := range []sealedPackage{p, q} {
				b.start(func(t *task) {
					if _, err := s.Decrypt(t, typed(x.metadata), x.sealed, len(x.sealed)); err != nil {
						b.t.Error(err)
					}
				})
			}
		}
		b.run()
		if len(b.derived) != 2 || len(s.met) != 2 {
			t.Fatalf("seed %d: %d derivations and %d keys for two salts", seed, len(b.derived), len(s.met))
		}
	}
	// A service's own packages need no second derivation.
	b := newWorld(t, 1).tab()
	s := b.service("master", 0)
	if _, err := b.decrypt(s, b.encrypt(s, envelope.PHI, nil, "x")); err != nil || len(b.derived) != 1 {
		t.Errorf("%d derivations, %v", len(b.derived), err)
	}
}

// The keys for salts that were met are bounded, or a stranger's packages would fill the memory. The one that was not
// used for longest goes.
func TestServiceForgets(t *testing.T) {
	const bound = 64
	b := newWorld(t, 3).tab()
	packages := make([]sealedPackage, bound+6)
	for i := range packages {
		packages[i] = b.encrypt(b.service("master", 0), envelope.Public, nil, "x")
	}
	s := b.service("master", 0)
	derivations := func(from, to int) int {
		before := len(b.derived)
		for _, p := range packages[from:to] {
			if _, err := b.decrypt(s, p); err != nil {
				t.Fatal(err)
			}
			if len(s.met) > bound {
				t.Fatalf("%d keys are held", len(s.met))
			}
		}
		return len(b.derived) - before
	}
	for _, c := range []struct {
		name     string
		from, to int
		want     int
	}{
		{"as many as are held", 0, bound, bound},
		{"the same again", 0, bound, 0},
		{"the oldest, which is now the newest", 0, 1, 0},
		{"six more, which push out the six oldest", bound, bound + 6, 6},
		{"the one that was used of late", 0, 1, 0},
		{"those that were pushed out", 1, 7, 6},
		{"those that were not", bound, bound + 6, 0},
	} {
		if got := derivations(c.from, c.to); got != c.want {
			t.Errorf("%s: %d derivations, want %d", c.name, got, c.want)
		}
	}
	// At once, too.
	for _, p := range packages {
		b.start(func(t *task) {
			if _, err := s.Decrypt(t, typed(p.metadata), p.sealed, len(p.sealed)); err != nil {
				b.t.Error(err)
			}
		})
	}
	b.run()
	if len(s.met) != bound {
		t.Errorf("%d keys are held, want %d", len(s.met), bound)
	}
	seen := map[packageSalt]bool{}
	for _, k := range s.met {
		if seen[k.at] {
			t.Error("a salt is held twice")
		}
		seen[k.at] = true
	}
}
