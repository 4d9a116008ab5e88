package lang

import (
	"os"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// retired are the words that GLOSSARY.md takes out of use, by language.
func retired(t *testing.T) (english, chinese []*regexp.Regexp) {
	t.Helper()
	text, err := os.ReadFile("GLOSSARY.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		cells := cellsOf(line)
		if len(cells) != 5 || cells[0] == "concept" || strings.HasPrefix(cells[0], "---") {
			continue
		}
		english = append(english, patterns(t, cells[3])...)
		chinese = append(chinese, patterns(t, cells[4])...)
	}
	return english, chinese
}

// cellsOf are the cells of a table's line; \| in a cell is a plain bar.
func cellsOf(line string) []string {
	line = strings.ReplaceAll(strings.TrimSpace(line), `\|`, "\x00")
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i, cell := range cells {
		cells[i] = strings.TrimSpace(strings.ReplaceAll(cell, "\x00", "|"))
	}
	return cells
}

func patterns(t *testing.T, cell string) (list []*regexp.Regexp) {
	t.Helper()
	for _, p := range strings.Fields(cell) {
		if p == "-" {
			continue
		}
		re, err := regexp.Compile("(?i)" + p)
		if err != nil {
			t.Fatalf("GLOSSARY.md: %v", err)
		}
		list = append(list, re)
	}
	return list
}

// names are parts of commands, files and settings: they are not prose.
var names = regexp.MustCompile(`--[a-z-]+|[a-z_]+\.json|\bschema_[a-z]+|SCHEMA`)

func TestRetiredWordsStayRetired(t *testing.T) {
	english, chinese := retired(t)
	if len(english) < 15 || len(chinese) < 15 {
		t.Fatalf("only %d and %d words were read from GLOSSARY.md", len(english), len(chinese))
	}
	var found []string
	for key, text := range zh() {
		prose := names.ReplaceAllString(key, "")
		for _, re := range english {
			if re.MatchString(prose) {
				found = append(found, re.String()+" in "+key)
			}
		}
		for _, re := range chinese {
			if re.MatchString(text) {
				found = append(found, re.String()+" in "+text)
			}
		}
	}
	sort.Strings(found)
	for _, f := range found {
		t.Errorf("GLOSSARY.md retires %s", f)
	}
}
