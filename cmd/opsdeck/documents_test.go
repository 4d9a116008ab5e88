package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryCommandOfTheDocumentsIsOneOfOurs parses what README and its Chinese
// twin tell people to type, and finds the same commands in both.
func TestEveryCommandOfTheDocumentsIsOneOfOurs(t *testing.T) {
	t.Parallel()
	var told [2][]string
	for i, page := range []string{"README.md", ".github/README.zh.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", page))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?m)(?:^(?:sudo )?|`)(opsdeck(?: [^#`\\n]*)?)").FindAllStringSubmatch(string(text), -1) {
			line := strings.TrimSpace(m[1])
			if strings.HasPrefix(line, "opsdeck 是") || strings.HasPrefix(line, "opsdeck is ") {
				continue
			}
			told[i] = append(told[i], strings.Join(strings.Fields(line)[:min(2, len(strings.Fields(line)))], " "))
			if err := parses(t, strings.Fields(line)[1:]); err != nil {
				t.Errorf("%s: %s: %v", page, line, err)
			}
		}
	}
	if len(told[0]) < 15 || strings.Join(told[0], "\n") != strings.Join(told[1], "\n") {
		t.Errorf("README tells of %d commands:\n%q\nits Chinese twin of\n%q", len(told[0]), told[0], told[1])
	}
}

// parses reads a command line with the whole grammar, and runs nothing.
func parses(t *testing.T, words []string) error {
	t.Helper()
	var c cli
	a := newApp(stdio{out: io.Discard, err: io.Discard}, os.Getenv, &c.globals)
	parser, err := newParser(&c, a, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(words)
	return err
}
