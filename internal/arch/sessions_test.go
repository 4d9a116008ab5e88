package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mayConnect are the files that make connections to a server; the last two get theirs
// from the first. Sessions made elsewhere would keep what a server imposes on them.
var mayConnect = []string{
	"ops/mysql/session.go", "ops/mysql/target.go", "ops/mysql/rowread/connector.go", "ops/mysql/binlog/wire.go",
}

func TestSessionsAreMadeInOnePlace(t *testing.T) {
	found := 0
	for _, root := range []string{"ops", "tui", "cmd/opsdeck", "internal"} {
		err := filepath.WalkDir(filepath.Join("../..", root), func(path string, d fs.DirEntry, err error) error {
			name := filepath.ToSlash(strings.TrimPrefix(path, "../../"))
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") ||
				strings.HasPrefix(name, "internal/testdb/") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			if !connects(f) {
				return nil
			}
			if found++; !slices.Contains(mayConnect, name) {
				t.Errorf("%s makes a connection of its own: use mysql.Open", name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 2 {
		t.Fatalf("%d files make connections: this test sees none", found)
	}
}

// connects tells whether a file calls sql.Open, sql.OpenDB or a NewConnector.
func connects(f *ast.File) (yes bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, ok := sel.X.(*ast.Ident)
		yes = yes || ok && pkg.Name == "sql" && strings.HasPrefix(sel.Sel.Name, "Open") ||
			sel.Sel.Name == "NewConnector"
		return true
	})
	return yes
}
