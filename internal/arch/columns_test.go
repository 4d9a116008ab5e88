package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// columns is how many columns a line may have; a tab counts four. What Go cannot break may
// have more: the tag of a field, a raw string. So may, in tests, a line with much text in it
// (a line of a log, a statement), but for longLine, and a comment after the code.
const (
	columns  = 120
	longLine = 160
	longText = 60 // a text of so many characters cannot be broken well
	someText = 30
)

// mostWide is how many lines with text in code without tests may be wider still. It may only
// shrink.
const mostWide = 0

var wideLines []string

// TestLinesFitTheScreen walks all code, tests too.
func TestLinesFitTheScreen(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		files++
		checkColumns(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 300 {
		t.Fatalf("only %d files were read", files)
	}
	if len(wideLines) > mostWide {
		t.Errorf("%d lines with text are wider than %d columns, more than %d:\n%s", len(wideLines), columns, mostWide,
			strings.Join(wideLines, "\n"))
	}
}

func checkColumns(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wide := map[int]string{}
	for i, line := range strings.Split(string(text), "\n") {
		if columnsOf(line) > columns {
			wide[i+1] = line
		}
	}
	if len(wide) == 0 {
		return
	}
	in := textsOf(t, path, text)
	test := strings.HasSuffix(path, "_test.go")
	for n, line := range wide {
		switch {
		case in.raw[n]:
		case !test && in.text[n] >= someText && columnsOf(line) <= longLine:
			wideLines = append(wideLines, fmt.Sprintf("%s:%d has %d columns", path, n, columnsOf(line)))
		case !test:
			t.Errorf("%s:%d has %d columns", path, n, columnsOf(line))
		case in.longest[n] >= longText,
			in.comment[n] > 0 && columnsOf(line[:in.comment[n]-1]) <= columns,
			in.text[n] >= someText && columnsOf(line) <= longLine:
		default:
			t.Errorf("%s:%d has %d columns", path, n, columnsOf(line))
		}
	}
}

func columnsOf(line string) int {
	return utf8.RuneCountInString(strings.ReplaceAll(strings.TrimRight(line, " "), "\t", "    "))
}

// texts tells of each line of a file how long its texts are, in bytes, in which byte (from
// 1) a comment begins, 0 is none, and whether a part of a raw string is on it.
type texts struct {
	longest, text, comment map[int]int
	raw                    map[int]bool
}

func textsOf(t *testing.T, path string, text []byte) texts {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, text, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	in := texts{longest: map[int]int{}, text: map[int]int{}, comment: map[int]int{}, raw: map[int]bool{}}
	ast.Inspect(f, func(n ast.Node) bool {
		l, ok := n.(*ast.BasicLit)
		if !ok || l.Kind != token.STRING {
			return true
		}
		for i := fset.Position(l.Pos()).Line; i <= fset.Position(l.End()).Line; i++ {
			in.longest[i] = max(in.longest[i], len(l.Value))
			in.text[i] += len(l.Value)
			in.raw[i] = in.raw[i] || l.Value[0] == '`'
		}
		return true
	})
	for _, group := range f.Comments {
		for _, c := range group.List {
			at := fset.Position(c.Pos())
			in.comment[at.Line] = at.Column
		}
	}
	return in
}
