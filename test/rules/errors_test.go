package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"idbvault/vault"
)

// unionCodes are the members of the union VaultErrorCode of web/src/errors.ts.
func unionCodes(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../web/src/errors.ts")
	if err != nil {
		t.Fatal(err)
	}
	union := regexp.MustCompile(`(?s)export type VaultErrorCode\s*=(.*?);`).FindStringSubmatch(string(text))
	if union == nil {
		t.Fatal("web/src/errors.ts has no union VaultErrorCode")
	}
	var codes []string
	for _, m := range regexp.MustCompile(`'([^']*)'`).FindAllStringSubmatch(union[1], -1) {
		codes = append(codes, m[1])
	}
	return codes
}

func TestErrorTables(t *testing.T) {
	union := unionCodes(t)
	var table []string
	for _, e := range vault.Errors {
		table = append(table, e.Code)
	}
	for _, c := range []struct {
		name        string
		codes, them []string
		other       string
	}{
		{"vault.Errors", table, union, "VaultErrorCode"},
		{"VaultErrorCode", union, table, "vault.Errors"},
	} {
		if len(c.codes) < 10 {
			t.Fatalf("%s has %d codes", c.name, len(c.codes))
		}
		for i, code := range c.codes {
			if slices.Contains(c.codes[:i], code) {
				t.Errorf("%s has %s twice", c.name, code)
			}
			if !slices.Contains(c.them, code) {
				t.Errorf("%s has %s, %s has not", c.name, code, c.other)
			}
			if !regexp.MustCompile(`^ERR_[A-Z]+(_[A-Z]+)*$`).MatchString(code) {
				t.Errorf("%s has the code %q", c.name, code)
			}
		}
	}
}

// A message says what happened and what to do: a sentence, and never just that something failed.
func TestErrorMessages(t *testing.T) {
	bare := regexp.MustCompile(`(?i)^(\S+\s+)?(has\s+|have\s+)?failed\.$`)
	for _, e := range vault.Errors {
		if e.Message == "" || !strings.HasSuffix(e.Message, ".") || bare.MatchString(e.Message) {
			t.Errorf("%s says %q", e.Code, e.Message)
		}
	}
	for _, message := range []string{"Failed.", "failed.", "Decryption failed.", "Decryption has failed."} {
		if !bare.MatchString(message) {
			t.Errorf("%q passes for a message", message)
		}
	}
}

// sentinel is a variable Err… that is set to &Error{"ERR_…", …}.
type sentinel struct{ name, code string }

// sentinels are the exported Err variables of package vault that a caller may get.
func sentinels(t *testing.T) (found []sentinel, listed []string) {
	t.Helper()
	set := token.NewFileSet()
	entries, err := os.ReadDir("../../vault")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, "../../vault/"+entry.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR {
				continue
			}
			for _, spec := range group.Specs {
				value := spec.(*ast.ValueSpec)
				for i, name := range value.Names {
					if name.Name == "Errors" {
						for _, element := range value.Values[i].(*ast.CompositeLit).Elts {
							listed = append(listed, element.(*ast.Ident).Name)
						}
					}
					if strings.HasPrefix(name.Name, "Err") && i < len(value.Values) {
						if code := codeOf(value.Values[i]); strings.HasPrefix(code, "ERR_") {
							found = append(found, sentinel{name.Name, code})
						}
					}
				}
			}
		}
	}
	return found, listed
}

// codeOf returns the first string of &Error{"ERR_…", …}, or "".
func codeOf(e ast.Expr) string {
	pointer, ok := e.(*ast.UnaryExpr)
	if !ok {
		return ""
	}
	literal, ok := pointer.X.(*ast.CompositeLit)
	if !ok || len(literal.Elts) == 0 {
		return ""
	}
	first := literal.Elts[0]
	if pair, ok := first.(*ast.KeyValueExpr); ok {
		first = pair.Value
	}
	text, ok := first.(*ast.BasicLit)
	if !ok {
		return ""
	}
	code, _ := strconv.Unquote(text.Value)
	return code
}

// An error that a caller can get and that is not in the table would reach him under a code that TypeScript lacks.
func TestEveryErrorIsListed(t *testing.T) {
	found, listed := sentinels(t)
	if len(found) < 10 {
		t.Fatalf("%d sentinels were found", len(found))
	}
	for _, s := range found {
		if !slices.Contains(listed, s.name) {
			t.Errorf("%s (%s) is not in vault.Errors", s.name, s.code)
		}
	}
	if len(found) != len(listed) {
		t.Errorf("%d sentinels, %d in vault.Errors", len(found), len(listed))
	}
}
