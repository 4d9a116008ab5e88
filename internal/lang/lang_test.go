package lang

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// keysOf finds the keys in a file: the literal first argument of lang.M and of
// any T method, and the help tags of the command line.
func keysOf(t *testing.T, path string) map[string]token.Position {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]token.Position{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			sel, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || len(n.Args) == 0 || !isKeyCall(sel) {
				return true
			}
			key, ok := literal(n.Args[0])
			if !ok {
				t.Errorf("%s: the key of a sentence must be a literal", fset.Position(n.Pos()))
				return true
			}
			found[key] = fset.Position(n.Pos())
		case *ast.Field:
			if n.Tag == nil {
				return true
			}
			tag, _ := strconv.Unquote(n.Tag.Value)
			if help := reflect.StructTag(tag).Get("help"); help != "" {
				found[help] = fset.Position(n.Pos())
			}
		}
		return true
	})
	return found
}

// literal is the text of a string literal, or of several that are added up.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, e.Kind == token.STRING && err == nil
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, also := literal(e.Y)
		return left + right, ok && also && e.Op == token.ADD
	}
	return "", false
}

func isKeyCall(sel *ast.SelectorExpr) bool {
	if sel.Sel.Name == "T" {
		return true
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "lang" && sel.Sel.Name == "M"
}

func TestEveryKeyHasChinese(t *testing.T) {
	var missing []string
	count := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.HasSuffix(path, "lang/lang.go") {
			return nil
		}
		for key, pos := range keysOf(t, path) {
			count++
			if _, ok := zh()[key]; !ok && strings.ContainsFunc(verb.ReplaceAllString(key, ""), letter) {
				missing = append(missing, pos.String()+": "+strconv.Quote(key))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if count == 0 {
		t.Fatal("no sentence found: the search is broken")
	}
	sort.Strings(missing)
	if len(missing) > 0 {
		t.Errorf("no Chinese for %d keys:\n%s", len(missing), strings.Join(missing, "\n"))
	}
}

// letter tells what makes a key a sentence rather than a layout of marks.
func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

var verb = regexp.MustCompile(`%(\[\d+\])?[-+# 0]*[\d.*]*[a-zA-Z]`)

func TestVerbsAgree(t *testing.T) {
	for key, text := range zh() {
		k, v := verb.FindAllString(
			strings.ReplaceAll(key, "%%", ""),
			-1,
		), verb.FindAllString(
			strings.ReplaceAll(text, "%%", ""),
			-1,
		)
		if len(k) != len(v) {
			t.Errorf("%q has %d arguments, its Chinese %q %d", key, len(k), text, len(v))
		}
	}
}

func TestNumbersAreNotGrouped(t *testing.T) {
	if got := English().Msg(M("port %d at %.1f", 33060, 1234.5)); got != "port 33060 at 1234.5" {
		t.Fatalf("got %q", got)
	}
}

func TestArgumentsAreTranslated(t *testing.T) {
	if got := Chinese().Msg(M("%s", M("critical"))); got != "严重" {
		t.Fatalf("got %q", got)
	}
}

func TestFromEnvFollowsSetlocale(t *testing.T) {
	env := map[string]string{"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}
	if got := FromEnv(func(k string) string { return env[k] }).Code(); got != "en" {
		t.Fatalf("LC_ALL=C gave %s", got)
	}
	delete(env, "LC_ALL")
	if got := FromEnv(func(k string) string { return env[k] }).Code(); got != "zh" {
		t.Fatalf("LANG=zh_CN gave %s", got)
	}
}

func TestANameAtTheFrontOfASentenceKeepsItsLetters(t *testing.T) {
	for _, code := range []string{"en", "zh"} {
		if got := For(code).Msg(Sentence(M("%s cannot be written", "qianzhang_sales"))); !strings.Contains(
			got,
			"qianzhang_sales",
		) {
			t.Errorf("%s: %s", code, got)
		}
	}
	watch := M("opsdeck watch is not running: no alerts are sent")
	if got := For("en").Msg(Sentence(watch)); !strings.HasPrefix(got, "opsdeck watch is not") {
		t.Errorf("the program's name: %q", got)
	}
	if got := For("en").Msg(Sentence(M("no rows"))); got != "No rows." {
		t.Errorf("got %s", got)
	}
}
