// Package rules holds the tests that keep the house as it was drawn: which package may import which, and that Go and
// TypeScript know the same errors.
package rules

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "idbvault"

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

type target struct {
	name string
	env  []string
}

var (
	native  = target{"native", nil}
	browser = target{"js/wasm", []string{"GOOS=js", "GOARCH=wasm"}}
)

// list returns the packages that patterns match for a target and, where deps is set, all that they need.
func list(t *testing.T, at target, deps bool, patterns ...string) map[string]pkg {
	t.Helper()
	arguments := []string{"list", "-json=ImportPath,Standard,Imports,Deps"}
	if deps {
		arguments = append(arguments, "-deps")
	}
	command := exec.Command("go", append(arguments, patterns...)...)
	command.Dir = "../.."
	command.Env = append(os.Environ(), at.env...)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list %v for %s: %v\n%s", patterns, at.name, err, stderr.String())
	}
	packages := map[string]pkg{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
}

// What a package must not need, not even through another one.
func TestImports(t *testing.T) {
	const (
		js       = "syscall/js"
		bridge   = module + "/jsbridge"
		subtle   = module + "/jsbridge/subtle"
		idb      = module + "/idb"
		vault    = module + "/vault"
		envelope = module + "/envelope"
		core     = module + "/wasm"
	)
	for _, c := range []struct {
		why     string
		at      []target
		pkg     string
		without []string
	}{
		{"the formats know neither browsers nor keys", []target{native, browser}, envelope, []string{js, bridge, subtle, idb, vault, core}},
		{"the vault knows no browser", []target{native, browser}, vault, []string{js, bridge, subtle, idb, core}},
		{"idb knows no encryption", []target{browser}, idb, []string{subtle, vault, envelope, core}},
		{"subtle knows no storage", []target{browser}, subtle, []string{idb, vault, envelope, core}},
		{"the bridge knows neither", []target{browser}, bridge, []string{subtle, idb, vault, envelope, core}},
	} {
		for _, at := range c.at {
			p, ok := list(t, at, false, "./"+strings.TrimPrefix(c.pkg, module+"/"))[c.pkg]
			if !ok || len(p.Deps) == 0 {
				t.Fatalf("%s needs nothing for %s: %+v", c.pkg, at.name, p)
			}
			for _, other := range c.without {
				if slices.Contains(p.Deps, other) {
					t.Errorf("%s needs %s for %s, but %s", c.pkg, other, at.name, c.why)
				}
			}
		}
	}
}

// syscall/js is met in a few packages only; test code of the browser's has it, too.
func TestWhoImportsSyscallJS(t *testing.T) {
	may := func(path string) bool {
		path = strings.TrimPrefix(path, module+"/")
		return slices.Contains([]string{"jsbridge", "jsbridge/subtle", "idb"}, path) ||
			strings.HasPrefix(path, "web/demo/") || strings.HasPrefix(path, "test/")
	}
	var who []string
	for path, p := range list(t, browser, false, "./...") {
		if !slices.Contains(p.Imports, "syscall/js") {
			continue
		}
		who = append(who, path)
		if !may(path) {
			t.Errorf("%s imports syscall/js", path)
		}
	}
	for _, path := range []string{"/jsbridge", "/jsbridge/subtle", "/idb"} {
		if !slices.Contains(who, module+path) {
			t.Errorf("%s does not import syscall/js: the list of who may is out of date (%q)", module+path, who)
		}
	}
}

// Every package of the standard library that the core links is paid for in bytes that each visitor loads.
func TestWhatTheCoreLinks(t *testing.T) {
	want := []string{"container/list", "iter", "math", "math/bits", "runtime", "sync", "sync/atomic", "syscall/js", "unsafe"}
	var got []string
	own := 0
	for path, p := range list(t, browser, true, "./wasm") {
		switch {
		case path == module || strings.HasPrefix(path, module+"/"):
			own++
		case p.Standard && (path == "internal" || strings.HasPrefix(path, "internal/") || strings.Contains(path, "/internal/")):
		default:
			got = append(got, path)
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("the core links %q, want %q", got, want)
	}
	if own < 5 {
		t.Errorf("the core links %d packages of its own", own)
	}
}
