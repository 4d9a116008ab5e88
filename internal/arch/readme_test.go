package arch

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWhatTheDocumentsNameIsThere: README's guarantees name tests of this tree, and every
// link of the documents leads to a file.
func TestWhatTheDocumentsNameIsThere(t *testing.T) {
	tests := map[string]string{} // their files
	eachGoFile(t, func(path string) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllSubmatch(text, -1) {
			tests[string(f[1])] = path
		}
	})
	named := 0
	for _, page := range []string{"README.md", ".github/README.zh.md", ".github/CONTRIBUTING.md",
		".github/SECURITY.md"} {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(text, -1) {
			if named++; tests[string(f[1])] == "" {
				t.Errorf("%s names %s, and there is no such test", page, f[1])
			}
		}
		for _, f := range regexp.MustCompile("\\[`(Test\\w+)`\\]\\(([^)]+)\\)").FindAllSubmatch(text, -1) {
			if to := filepath.Join(filepath.Dir(page), string(f[2])); tests[string(f[1])] != to {
				t.Errorf("%s links %s to %s; it is in %q", page, f[1], to, tests[string(f[1])])
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

// TestThePicturesShowTheProgram: each picture that README needs is there, is
// well-formed, has a size that a page can load, and shows words of its tab. Bare
// frames of a console that knows nothing yet would fail here.
func TestThePicturesShowTheProgram(t *testing.T) {
	words := map[string]string{
		"status": "qianzhang_sales", "logs": "GET /api/v1/", "audit": "+ CREATE",
		"backups": "KiB", "restore": "qianzhang_sales",
	}
	for _, size := range []string{"80x24", "120x40"} {
		for _, ground := range []string{"dark", "light"} {
			for tab, word := range words {
				for _, prefix := range []string{"", "zh-"} {
					if prefix != "" && size == "80x24" {
						continue
					}
					file := prefix + tab + "-" + size + "-" + ground + ".svg"
					requirePicture(t, filepath.Join(root, ".github", "screens", file), word)
				}
			}
		}
	}
}

// TestTheFilmShowsTheWholeTape: the moving picture of demo.tape goes through the five tabs
// to the end of the restore and of its undo.
func TestTheFilmShowsTheWholeTape(t *testing.T) {
	for _, word := range []string{"1 of 8 tables", "HttpLogger", "CREATE", "truncated", "restored in", "· undone",
		"恢"} {
		requireShown(t, filepath.Join(root, ".github", "screens", "demo.svg"), word, 300_000)
	}
}

func requirePicture(t *testing.T, path, word string) {
	t.Helper()
	requireShown(t, path, word, 100_000)
}

func requireShown(t *testing.T, path, word string, most int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err, "(make screens draws it)")
		return
	}
	if n := len(text); n < 6_000 || n > most {
		t.Errorf("%s has %d bytes", path, n)
	}
	var said strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		if chars, ok := token.(xml.CharData); ok {
			said.Write(bytes.TrimRight(chars, "\n"))
		}
	}
	if !strings.Contains(said.String(), word) {
		t.Errorf("%s does not show %q", path, word)
	}
}
