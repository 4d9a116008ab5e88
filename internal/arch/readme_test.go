package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWhatTheDocumentsNameIsThere: README's guarantees name tests of this tree, and every
// link of the documents leads to a file.
func TestWhatTheDocumentsNameIsThere(t *testing.T) {
	tests := map[string]bool{}
	eachGoFile(t, func(path string) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllSubmatch(text, -1) {
			tests[string(f[1])] = true
		}
	})
	named := 0
	for _, page := range []string{"README.md", ".github/README.zh.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md"} {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(text, -1) {
			if named++; !tests[string(f[1])] {
				t.Errorf("%s names %s, and there is no such test", page, f[1])
			}
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllSubmatch(text, -1) {
			if strings.Contains(string(link[1]), "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(page), string(link[1]))); err != nil {
				t.Errorf("%s: a link leads nowhere: %v", page, err)
			}
		}
	}
	if named < 10 {
		t.Errorf("only %d tests are named", named)
	}
}
