package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheArchitectureNamesEachRoom: what ARCHITECTURE.md does not name, nobody finds;
// what it links to is there.
func TestTheArchitectureNamesEachRoom(t *testing.T) {
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	rooms := map[string]bool{}
	eachGoFile(t, func(path string) {
		parts := strings.Split(filepath.ToSlash(filepath.Dir(path)), "/")
		depth := 2
		if strings.HasPrefix(path, "ops/logs/") || strings.HasPrefix(path, "ops/site/") {
			depth = 3
		}
		rooms[strings.Join(parts[:min(len(parts), depth)], "/")] = true
	})
	if len(rooms) < 30 {
		t.Fatalf("%d rooms found: the search is broken", len(rooms))
	}
	for room := range rooms {
		if !regexp.MustCompile(`[\[` + "`" + `]` + regexp.QuoteMeta(room) + `[\]` + "`" + `]`).Match(page) {
			t.Errorf("ARCHITECTURE.md does not name %s", room)
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllSubmatch(page, -1) {
		if strings.Contains(string(link[1]), "://") {
			continue
		}
		if _, err := os.Stat(string(link[1])); err != nil {
			t.Errorf("a link leads nowhere: %v", err)
		}
	}
}
