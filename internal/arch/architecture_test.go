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

// TestNoWalkGoesBack: the way of a key, a line, a backup passes each room once.
func TestNoWalkGoesBack(t *testing.T) {
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	walks := 0
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		if !strings.HasPrefix(name, "A ") && !strings.HasPrefix(name, "An ") {
			continue
		}
		walks++
		left := map[string]bool{}
		now := ""
		for _, link := range regexp.MustCompile(`\]\(\.\./\.\./([^)#]+)\)`).FindAllStringSubmatch(text, -1) {
			room := link[1]
			if filepath.Ext(room) == ".go" {
				room = filepath.Dir(room)
			}
			if room != now && left[room] {
				t.Errorf("%s: %s goes back to %s", name, link[1], room)
			}
			left[now] = true
			now = room
		}
	}
	if walks < 4 {
		t.Errorf("only %d walks", walks)
	}
}
