package arch

import (
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryPackagesTestsAreKeptFromTheMachine finds the packages whose tests would
// run with the HOME and the state folder of whoever starts them.
func TestEveryPackagesTestsAreKeptFromTheMachine(t *testing.T) {
	kept := map[string]bool{}
	eachGoFile(t, func(file string) {
		if !strings.HasSuffix(file, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(file)
		kept[dir] = kept[dir] || dir == "internal/testdb" // it imports testenv itself
		for _, spec := range f.Imports {
			name := strings.Trim(spec.Path.Value, `"`)
			kept[dir] = kept[dir] || name == "opsdeck/internal/testenv" || name == "opsdeck/internal/testdb"
		}
	})
	for dir, is := range kept {
		if !is {
			t.Errorf("%s: add `import _ \"opsdeck/internal/testenv\"` to a test file", dir)
		}
	}
}
