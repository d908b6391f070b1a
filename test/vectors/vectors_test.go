package vectors

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"io"
	"testing"

	"golang.org/x/crypto/hkdf"
	"golang.org/x/crypto/pbkdf2"
)

func checkCounts[C any](t *testing.T, cases []C, isValid func(C) bool, wantValid, wantInvalid int) {
	t.Helper()
	valid := 0
	for _, c := range cases {
		if isValid(c) {
			valid++
		}
	}
	if valid != wantValid || len(cases)-valid != wantInvalid {
		t.Fatalf("got %d valid and %d other cases, want %d and %d", valid, len(cases)-valid, wantValid, wantInvalid)
	}
}

func aeadIsValid(c AEADCase) bool { return c.Valid }

func newGCM(t *testing.T, c AEADCase) cipher.AEAD {
	t.Helper()
	if len(c.Key) != 32 || len(c.IV) != 12 || len(c.Tag) != 16 {
		t.Fatalf("case %d: key, IV and tag of %d, %d and %d bytes", c.ID, len(c.Key), len(c.IV), len(c.Tag))
	}
	block, err := aes.NewCipher(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return gcm
}

func checkSeal(t *testing.T, c AEADCase) {
	t.Helper()
	want := append(bytes.Clone(c.Ciphertext), c.Tag...)
	if got := newGCM(t, c).Seal(nil, c.IV, c.Plaintext, c.AAD); !bytes.Equal(got, want) {
		t.Errorf("case %d (%s): sealed to %x, want %x", c.ID, c.Comment, got, want)
	}
}

func checkOpen(t *testing.T, c AEADCase) {
	t.Helper()
	sealed := append(bytes.Clone(c.Ciphertext), c.Tag...)
	got, err := newGCM(t, c).Open(nil, c.IV, sealed, c.AAD)
	if (err == nil) != c.Valid {
		t.Errorf("case %d (%s): open gave %v, valid is %v", c.ID, c.Comment, err, c.Valid)
	} else if c.Valid && !bytes.Equal(got, c.Plaintext) {
		t.Errorf("case %d (%s): opened to %x, want %x", c.ID, c.Comment, got, c.Plaintext)
	}
}

func TestAESGCM(t *testing.T) {
	cases := AESGCM()
	checkCounts(t, cases, aeadIsValid, 39, 27)
	for _, c := range cases {
		checkOpen(t, c)
		if c.Valid {
			checkSeal(t, c)
		}
	}
}

func TestNISTEncrypt(t *testing.T) {
	cases := NISTEncrypt()
	checkCounts(t, cases, aeadIsValid, 375, 0)
	for _, c := range cases {
		checkSeal(t, c)
		checkOpen(t, c)
	}
}

func TestNISTDecrypt(t *testing.T) {
	cases := NISTDecrypt()
	checkCounts(t, cases, aeadIsValid, 184, 191)
	for _, c := range cases {
		checkOpen(t, c)
	}
}

func TestPBKDF2(t *testing.T) {
	cases := PBKDF2()
	checkCounts(t, cases, func(c PBKDF2Case) bool { return c.Valid }, 60, 0)
	for _, c := range cases {
		got := pbkdf2.Key(c.Password, c.Salt, c.Iterations, len(c.DerivedKey), sha256.New)
		if len(got) == 0 || !bytes.Equal(got, c.DerivedKey) {
			t.Errorf("case %d (%s): derived %x, want %x", c.ID, c.Comment, got, c.DerivedKey)
		}
	}
}

func TestHKDF(t *testing.T) {
	cases := HKDF()
	checkCounts(t, cases, func(c HKDFCase) bool { return c.Valid }, 83, 3)
	for _, c := range cases {
		got := make([]byte, c.Size)
		_, err := io.ReadFull(hkdf.New(sha256.New, c.InputKey, c.Salt, c.Info), got)
		if (err == nil) != c.Valid {
			t.Errorf("case %d (%s): derivation gave %v, valid is %v", c.ID, c.Comment, err, c.Valid)
		} else if c.Valid && !bytes.Equal(got, c.OutputKey) {
			t.Errorf("case %d (%s): derived %x, want %x", c.ID, c.Comment, got, c.OutputKey)
		}
	}
}

func TestHMAC(t *testing.T) {
	cases := HMAC()
	checkCounts(t, cases, func(c MACCase) bool { return c.Valid }, 66, 108)
	for _, c := range cases {
		mac := hmac.New(sha256.New, c.Key)
		mac.Write(c.Message)
		if len(c.Tag) != 16 && len(c.Tag) != 32 {
			t.Fatalf("case %d: tag of %d bytes", c.ID, len(c.Tag))
		}
		if hmac.Equal(mac.Sum(nil)[:len(c.Tag)], c.Tag) != c.Valid {
			t.Errorf("case %d (%s): verification is not %v", c.ID, c.Comment, c.Valid)
		}
	}
}
