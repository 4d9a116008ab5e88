package arch

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// knowConfig are the files of the program that know the configuration's types: the files
// wire*.go turn it into services and pages, and a verb works with those. The list may only
// shrink.
var knowConfig = []string{
	"config.go", // the verbs about the configuration itself
	"settings.go",
	"wire.go", "wire_pages.go", "wire_watch.go",
}

func TestConfigurationBecomesServicesInOnePlace(t *testing.T) {
	found := 0
	eachGoFile(t, func(path string) {
		name, ours := strings.CutPrefix(path, "cmd/opsdeck/")
		if !ours || strings.Contains(name, "/") || strings.HasSuffix(name, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			if spec.Path.Value != `"opsdeck/internal/config"` {
				continue
			}
			if found++; !slices.Contains(knowConfig, name) {
				t.Errorf("%s imports internal/config: let wire*.go make what it needs", path)
			}
		}
	})
	if found < 3 {
		t.Fatalf("%d files import the configuration: this test sees none", found)
	}
}
