package vectors

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// NISTEncrypt gives the NIST CAVP cases for encryption with a given IV.
func NISTEncrypt() []AEADCase { return nist("gcmEncryptExtIV256") }

// NISTDecrypt gives the NIST CAVP cases for decryption. The ones that have to
// fail come without a plaintext.
func NISTDecrypt() []AEADCase { return nist("gcmDecrypt256") }

// nist reads a CAVP response file: bracketed section headers, then cases of
// "name = value" lines apart from each other by an empty line. Count starts
// anew in each section, so ID is the place in the whole file, from 1.
func nist(name string) []AEADCase {
	content, err := files.ReadFile("nist-cavp-gcm/" + name + ".iv96tag128.rsp")
	if err != nil {
		panic(err)
	}
	var cases []AEADCase
	var section []string
	inCase := false
	for number, line := range strings.Split(string(content), "\n") {
		line = strings.TrimSpace(line)
		field, value, _ := strings.Cut(line, " =")
		value = strings.TrimSpace(value)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			if inCase {
				section, inCase = nil, false
			}
			section = append(section, strings.Trim(line, "[]"))
		case field == "Count":
			inCase = true
			comment := strings.Join(section, ", ") + ", " + line
			cases = append(cases, AEADCase{ID: len(cases) + 1, Comment: comment, Valid: true})
		case !inCase:
			panic(fmt.Errorf("%s line %d: field outside of a case", name, number+1))
		case line == "FAIL":
			cases[len(cases)-1].Valid = false
		default:
			if err := setField(&cases[len(cases)-1], field, value); err != nil {
				panic(fmt.Errorf("%s line %d: %w", name, number+1, err))
			}
		}
	}
	return cases
}

func setField(c *AEADCase, field, value string) error {
	decoded, err := hex.DecodeString(value)
	if err != nil {
		return err
	}
	switch field {
	case "Key":
		c.Key = decoded
	case "IV":
		c.IV = decoded
	case "AAD":
		c.AAD = decoded
	case "PT":
		c.Plaintext = decoded
	case "CT":
		c.Ciphertext = decoded
	case "Tag":
		c.Tag = decoded
	default:
		return fmt.Errorf("unknown field %q", field)
	}
	return nil
}
