package vectors

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
)

const (
	resultValid      = "valid"
	resultAcceptable = "acceptable"
)

type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) error {
	decoded, err := hex.DecodeString(string(text))
	*b = decoded
	return err
}

type wycheproofCase struct {
	ID      int      `json:"tcId"`
	Comment string   `json:"comment"`
	Result  string   `json:"result"`
	Key     hexBytes `json:"key"`
	Message hexBytes `json:"msg"`
	Salt    hexBytes `json:"salt"`

	IV         hexBytes `json:"iv"`
	AAD        hexBytes `json:"aad"`
	Ciphertext hexBytes `json:"ct"`
	Tag        hexBytes `json:"tag"`

	Password   hexBytes `json:"password"`
	Iterations int      `json:"iterationCount"`
	DerivedKey hexBytes `json:"dk"`

	InputKey  hexBytes `json:"ikm"`
	Info      hexBytes `json:"info"`
	Size      int      `json:"size"`
	OutputKey hexBytes `json:"okm"`
}

type wycheproofGroup struct {
	KeyBits int              `json:"keySize"`
	IVBits  int              `json:"ivSize"`
	TagBits int              `json:"tagSize"`
	Cases   []wycheproofCase `json:"tests"`
}

// AESGCM gives the Wycheproof AES-GCM cases for 256 bit keys, 96 bit IVs and
// 128 bit tags.
func AESGCM() []AEADCase {
	var cases []AEADCase
	for _, group := range wycheproof("aes_gcm_test") {
		if group.KeyBits != 256 || group.IVBits != 96 || group.TagBits != 128 {
			continue
		}
		for _, c := range group.Cases {
			cases = append(cases, AEADCase{
				ID: c.ID, Comment: c.Comment, Key: c.Key, IV: c.IV, AAD: c.AAD,
				Plaintext: c.Message, Ciphertext: c.Ciphertext, Tag: c.Tag,
				Valid: c.Result == resultValid,
			})
		}
	}
	return cases
}

// AESKW gives the Wycheproof AES key wrap cases for 256 bit keys.
func AESKW() []WrapCase {
	var cases []WrapCase
	for _, group := range wycheproof("aes_wrap_test") {
		if group.KeyBits != 256 {
			continue
		}
		for _, c := range group.Cases {
			cases = append(cases, WrapCase{
				ID: c.ID, Comment: c.Comment, Key: c.Key, Plaintext: c.Message, Wrapped: c.Ciphertext,
				Valid: c.Result == resultValid, Acceptable: c.Result == resultAcceptable,
			})
		}
	}
	return cases
}

// PBKDF2 gives the Wycheproof PBKDF2-HMAC-SHA256 cases.
func PBKDF2() []PBKDF2Case {
	var cases []PBKDF2Case
	for _, group := range wycheproof("pbkdf2_hmacsha256_test") {
		for _, c := range group.Cases {
			cases = append(cases, PBKDF2Case{
				ID: c.ID, Comment: c.Comment, Password: c.Password, Salt: c.Salt,
				Iterations: c.Iterations, DerivedKey: c.DerivedKey, Valid: c.Result == resultValid,
			})
		}
	}
	return cases
}

// HKDF gives the Wycheproof HKDF-SHA-256 cases.
func HKDF() []HKDFCase {
	var cases []HKDFCase
	for _, group := range wycheproof("hkdf_sha256_test") {
		for _, c := range group.Cases {
			cases = append(cases, HKDFCase{
				ID: c.ID, Comment: c.Comment, InputKey: c.InputKey, Salt: c.Salt, Info: c.Info,
				Size: c.Size, OutputKey: c.OutputKey, Valid: c.Result == resultValid,
			})
		}
	}
	return cases
}

// HMAC gives the Wycheproof HMAC-SHA-256 cases.
func HMAC() []MACCase {
	var cases []MACCase
	for _, group := range wycheproof("hmac_sha256_test") {
		for _, c := range group.Cases {
			cases = append(cases, MACCase{
				ID: c.ID, Comment: c.Comment, Key: c.Key, Message: c.Message, Tag: c.Tag,
				Valid: c.Result == resultValid,
			})
		}
	}
	return cases
}

func wycheproof(name string) []wycheproofGroup {
	content, err := files.ReadFile("wycheproof/" + name + ".json")
	if err != nil {
		panic(err)
	}
	var file struct {
		Groups []wycheproofGroup `json:"testGroups"`
	}
	if err := json.Unmarshal(content, &file); err != nil {
		panic(fmt.Errorf("%s: %w", name, err))
	}
	return file.Groups
}
